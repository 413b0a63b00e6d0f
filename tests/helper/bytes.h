/* What tests put into a store: manifests that differ by a number, and checkpoints as bytes in memory, which the store takes and
 * gives as blobs. */
#ifndef HPX_TESTS_BYTES_H
#define HPX_TESTS_BYTES_H

#include "hpx/buffer.h"
#include "hpx/hash.h"
#include "hpx/store.h"

hpx_buffer numbered_manifest(uint64_t number);
hpx_hash numbered_key(uint64_t number); /* its key */

/* hpx_store_put. */
hpx_status put_bytes(hpx_store *store, const hpx_buffer *manifest, const hpx_artifact *artifact,
                     const void *checkpoint, size_t size, const hpx_put_options *options, hpx_error *error);

/* hpx_store_newest_checkpoint; the bytes are appended. */
hpx_status get_newest_bytes(uint32_t *epoch, hpx_buffer *checkpoint, hpx_store *store, const hpx_hash *key,
                            uint32_t epoch_max, hpx_error *error);

#endif
