/* A stored result with the network of its newest checkpoint. */
#ifndef HPX_TRAINED_H
#define HPX_TRAINED_H

#include "hpx/blob.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "hpx/store.h"
#include "trainer/network.h"

#include <stdint.h>

typedef struct hpx_trained {
    hpx_network network;
    hpx_artifact artifact;              /* of the checkpoint's epoch; its cell is the store's */
    hpx_fields manifest, code, dataset; /* `code`: empty where the store has lost it */
} hpx_trained;

/* The newest checkpoint of a trajectory up to an epoch (hpx_store_newest_checkpoint). HPX_NOT_FOUND says how to get one. */
hpx_status hpx_trained_checkpoint(uint32_t *epoch, hpx_blob *checkpoint, hpx_store *store,
                                  const hpx_hash *key, uint32_t epoch_max, hpx_error *error);

/* The network of that. HPX_USAGE for a program's result, HPX_FAILED for a training that failed, HPX_NOT_FOUND without a
 * checkpoint, HPX_DAMAGED when it is none of this training's. What is there is freed also after an error. */
hpx_status hpx_trained_open(hpx_trained *out, hpx_store *store, const hpx_hash *key, uint32_t epoch_max,
                            hpx_error *error);
/* Of the trajectory whose key begins with these hexadecimal digits: errors as of hpx_store_find_key, too; HPX_NOT_FOUND
 * without a store (NULL). Messages begin with the digits. */
hpx_status hpx_trained_find(hpx_trained *out, hpx_store *store, const char *prefix, hpx_error *error);
void hpx_trained_close(hpx_trained *trained); /* a zeroed one is fine */

#endif
