/* Where a result comes from: what its record refers to, and all that is stored of its trajectory. */
#ifndef HPX_PROVENANCE_H
#define HPX_PROVENANCE_H

#include "hpx/code.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/store.h"
#include "identity/adoption.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An artifact with what its record refers to; fields are empty where the store has lost them. */
typedef struct hpx_provenance {
    hpx_artifact artifact; /* its metrics are borrowed */
    hpx_fields manifest, code, dataset;
    hpx_fields conditions;          /* how a program is run; empty: a model */
    hpx_fields import;              /* as hpx_store_find_import has it; empty: trained with this store */
    hpx_code_reach reach;           /* of the code's commit, if the caller has looked for it */
    const hpx_adoptions *adoptions; /* of the store, borrowed */
} hpx_provenance;

enum {
    HPX_PROVENANCE_MANIFEST = 1,
    HPX_PROVENANCE_CODE = 2, /* with its packed sources, which take a moment */
    HPX_PROVENANCE_DATASET = 4,
    HPX_PROVENANCE_CONDITIONS = 8,
    HPX_PROVENANCE_IMPORT = 16,
    HPX_PROVENANCE_ALL = 31,
};

/* `adoptions`: all of the store; `parts`: what is looked for, and the others are empty. */
hpx_status hpx_provenance_find(hpx_provenance *out, hpx_store *store, const hpx_adoptions *adoptions,
                               const hpx_artifact *artifact, unsigned parts, hpx_error *error);
void hpx_provenance_free(hpx_provenance *provenance);

/* The trainer that made a result, and the one that it is stored under; NULL where the store has lost it. */
const uint8_t *hpx_provenance_maker(const hpx_provenance *provenance);
const uint8_t *hpx_provenance_trainer(const hpx_provenance *provenance);

/* The adoptions by which other trainers are equivalent to the one that a result is stored under, one after the other: `at`
 * begins at 0; NULL at the end. */
const hpx_adoption *hpx_provenance_next_adoption(size_t *at, const hpx_provenance *provenance);

/* All that is stored of one trajectory: artifacts in order of epochs, and later runs of them, which contradict them or are
 * their replicates. */
typedef struct hpx_trajectory {
    hpx_provenance newest;
    hpx_artifact *artifacts, *conflicts, *replicates;
    size_t count, conflict_count, replicate_count;
    uint32_t checkpoint_epoch; /* the newest epoch with a checkpoint; 0: none */
    bool pinned;
    hpx_adoptions *adoptions; /* of the store; `newest` borrows them */
} hpx_trajectory;

/* The one whose key begins with these hexadecimal digits: errors as of hpx_store_find_key; HPX_NOT_FOUND also when
 * its results are lost, and without a store (NULL). What is read is free()d also after an error. Cells are borrowed
 * until the store is closed. */
hpx_status hpx_trajectory_read(hpx_trajectory *out, hpx_store *store, const char *prefix, hpx_error *error);
void hpx_trajectory_free(hpx_trajectory *trajectory);

#endif
