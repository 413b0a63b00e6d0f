/* What a worker says first: for each of its trainers, by name, the encoded fields that it contributes to manifests
 * (format, code version, numerics: hpx_manifest_set_binary). So whoever has jobs knows what the worker can train, and
 * that its results have the key that they are asked for by. */
#ifndef HPX_HELLO_H
#define HPX_HELLO_H

#include "hpx/error.h"
#include "hpx/fields.h"

/* What a worker of this binary says. */
void hpx_hello_of_binary(hpx_fields *hello);

/* What a worker that says so contributes to the manifests of a trainer's results. HPX_FAILED: it has none of that name. */
hpx_status hpx_hello_binary(hpx_fields *out, const hpx_fields *hello, const char *trainer, hpx_error *error);

/* HPX_FAILED, with what differs, unless a worker that says so can train what the manifest describes; HPX_DIFFERS where it
 * could, if its machine had the numerics. */
hpx_status hpx_hello_check(const hpx_fields *hello, const hpx_fields *manifest, hpx_error *error);

/* As a message of its own, PATH.msg. HPX_NOT_FOUND: there is none. */
hpx_status hpx_hello_write(const char *path, const hpx_fields *hello, hpx_error *error);
hpx_status hpx_hello_read(hpx_fields *out, const char *path, hpx_error *error);

#endif
