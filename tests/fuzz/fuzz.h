/* The entry that libFuzzer and the replayer call: takes any bytes, must neither crash nor leak. Returns 0. */
#ifndef HPX_TESTS_FUZZ_H
#define HPX_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
