/* Trains stored results again and compares, bit for bit: does this binary still give what it gave? */
#ifndef HPX_REBUILD_H
#define HPX_REBUILD_H

#include "hpx/error.h"
#include "hpx/store.h"

#include <signal.h>
#include <stddef.h>

typedef enum hpx_rebuild_verdict {
    HPX_REBUILD_SAME,
    HPX_REBUILD_DIFFERS, /* the second output is kept beside the first */
    HPX_REBUILD_FAILED,  /* it could not be trained; `why` says so */
} hpx_rebuild_verdict;

/* Called for every trajectory of the sample when it is done: its newest artifact as stored. */
typedef void hpx_rebuild_fn(void *context, const hpx_artifact *artifact, hpx_rebuild_verdict verdict,
                            const char *why);

typedef struct hpx_rebuild_options {
    const char *program; /* run as `program worker` */
    size_t jobs;
    double share;       /* of the trajectories that this binary can train again, (0, 1]; one at least */
    uint32_t draw;      /* decides which ones */
    const char *folder; /* of fetched and unpacked data sets */
    hpx_rebuild_fn *done;
    void *context;
    const volatile sig_atomic_t *interrupted; /* may be NULL */
} hpx_rebuild_options;

typedef struct hpx_rebuild_counts {
    size_t same, differing, failed;
    size_t others; /* trajectories of other code, numerics or data: not to be had with this binary, here */
} hpx_rebuild_counts;

/* HPX_OK also when outputs differ or trainings fail: the counts say so. */
hpx_status hpx_rebuild(hpx_rebuild_counts *out, hpx_store *store, const hpx_rebuild_options *options,
                       hpx_error *error);

#endif
