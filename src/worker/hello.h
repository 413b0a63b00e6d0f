/* What a worker says first: for each of its trainers, by name, the encoded fields that it contributes to manifests
 * (format, code version, numerics: hpx_manifest_set_binary). So whoever has jobs knows what the worker can train, and
 * that its results have the key that they are asked for by. */
#ifndef HPX_HELLO_H
#define HPX_HELLO_H

#include "hpx/error.h"
#include "hpx/fields.h"

/* What a worker of this binary says. */
void hpx_hello_of_binary(hpx_fields *hello);

/* HPX_FAILED, with what differs, unless a worker that says so can train what the manifest describes. */
hpx_status hpx_hello_check(const hpx_fields *hello, const hpx_fields *manifest, hpx_error *error);

#endif
