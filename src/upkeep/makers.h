/* The trainers that made what a store has, by their versions, and the binaries of one of them: what it contributes
 * to manifests under several numerics. */
#ifndef HPX_MAKERS_H
#define HPX_MAKERS_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/sources.h"
#include "hpx/store.h"
#include "hpx/trainer.h"

#include <stddef.h>
#include <stdint.h>

/* The one trainer of the store's results and adoptions whose version begins with these hexadecimal digits:
 * HPX_NOT_FOUND if none does, HPX_USAGE if several do. */
hpx_status hpx_adopt_find_trainer(uint8_t out[HPX_CODE_BYTES], hpx_store *store, const char *prefix,
                                  hpx_error *error);

/* This binary's trainer of the kind that made the results of a version. HPX_NOT_FOUND if there are none, HPX_USAGE if
 * they are of a program. */
hpx_status hpx_adopt_trainer(const hpx_trainer **out, hpx_store *store, const uint8_t version[HPX_CODE_BYTES],
                             hpx_error *error);

/* Drops the adoptions, under all numerics, of the one adopted trainer whose version begins so; errors likewise. */
hpx_status hpx_adopt_forget(uint8_t version[HPX_CODE_BYTES], hpx_store *store, const char *prefix,
                            hpx_error *error);

typedef struct hpx_binaries {
    const uint8_t *version; /* of the trainer, borrowed */
    hpx_fields *items;      /* each its part of a manifest */
    size_t count, capacity;
} hpx_binaries;

/* Adds the binary of a manifest or an adoption if it is of the trainer and not there yet; an hpx_manifest_fn. */
hpx_status hpx_binaries_add(void *binaries, const hpx_hash *key, const hpx_fields *manifest,
                            hpx_error *error);

/* Adds those of all results of the trainer, and of its adoptions. */
hpx_status hpx_binaries_find(hpx_binaries *binaries, hpx_store *store, hpx_error *error);
void hpx_binaries_free(hpx_binaries *binaries);

#endif
