/* How a shared store names bytes: by their SHA-256 and their size. */
#ifndef HPX_REMOTE_DIGEST_H
#define HPX_REMOTE_DIGEST_H

#include "hpx/blob.h"
#include "hpx/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_SHA256_BYTES 32

typedef struct hpx_digest {
    uint8_t sha256[HPX_SHA256_BYTES];
    uint64_t size;
} hpx_digest;

hpx_digest hpx_digest_of(const void *bytes, size_t size);
hpx_status hpx_digest_of_blob(hpx_digest *out, const hpx_blob *blob, hpx_error *error);
bool hpx_digest_equal(const hpx_digest *a, const hpx_digest *b);

#endif
