/* Collects checkpoints, never results: decides which are not wanted, says why and what it would cost to train
 * them again, and drops them. */
#ifndef HPX_GC_H
#define HPX_GC_H

#include "hpx/error.h"
#include "hpx/hash.h"
#include "hpx/recipe.h"
#include "hpx/store.h"
#include "program/copy.h"
#include "store/space.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hpx_gc_reason {
    HPX_GC_SUPERSEDED, /* by a checkpoint of a newer epoch */
    HPX_GC_NOT_NAMED,  /* by the recipes given */
    HPX_GC_SIZE,       /* to reach the size asked for */
} hpx_gc_reason;

/* A checkpoint that is collected. */
typedef struct hpx_gc_item {
    hpx_hash key;
    uint32_t epoch;
    hpx_cell cell; /* empty when its record is lost; borrowed from the result */
    uint64_t seed;
    uint64_t bytes; /* as in hpx_stored_checkpoint */
    hpx_gc_reason reason;
    uint32_t newer; /* SUPERSEDED: by this epoch */
    uint64_t macs;  /* multiplications to train it again from the start; 0: nobody counts them */
    double seconds; /* what that took; NaN: not known */
} hpx_gc_item;

typedef struct hpx_gc_options {
    const hpx_recipe *const *recipes; /* what is wanted; none: the newest checkpoint of every trajectory */
    size_t recipe_count;
    const char *folder;    /* of fetched and unpacked data sets, for the recipes' keys */
    const char *elsewhere; /* as of hpx_source_options, likewise */
    bool limited;          /* to bytes_max live bytes */
    uint64_t bytes_max;
    bool dry; /* change nothing; the store may be open for reading */
} hpx_gc_options;

typedef struct hpx_gc_result {
    hpx_gc_item *items; /* in order of key and epoch */
    size_t count;
    hpx_cell_set *cells; /* of the items */
    hpx_strays strays;
    hpx_scratch_space scratch; /* what programs have run in: no part of the store, nor of the numbers below */
    size_t busy;               /* trajectories left alone because another process trains them */
    size_t named;              /* stored trajectories with a checkpoint that the recipes name */
    hpx_space before;
    uint64_t bytes;      /* collected, strays included */
    uint64_t live_after; /* by that reckoning */
    uint64_t macs;       /* to train all of it again: once for several epochs of a trajectory */
    uint64_t epochs;     /* likewise, of those whose multiplications nobody counts */
    double seconds;      /* likewise; NaN where one is not known */
    bool reached;        /* the size asked for; true if none was */
} hpx_gc_result;

/* Wanted are the newest whole checkpoint of every trajectory or, with recipes, of those that their cells and
 * seeds name under this binary (and whatever else a build of them would continue), and all checkpoints of
 * pinned trajectories. The rest is collected, but not from a trajectory that another process is training.
 * While the live bytes are still above the limit, the wanted ones that are neither pinned nor named by a
 * recipe follow, those that cost least per byte to train again first (hpx_cost). A trajectory is a transaction:
 * what was collected before an error stays collected. Snapshots of programs' code that nobody has used for a day go, and the
 * copies of processes that have ended: they are made again when they are needed. */
hpx_status hpx_gc(hpx_gc_result *out, hpx_store *store, const hpx_gc_options *options, hpx_error *error);
void hpx_gc_result_free(hpx_gc_result *result); /* leaves it empty */

#endif
