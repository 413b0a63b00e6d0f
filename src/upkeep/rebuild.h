/* Trains stored results again and compares, bit for bit: does this binary still give what it gave? */
#ifndef HPX_REBUILD_H
#define HPX_REBUILD_H

#include "hpx/error.h"
#include "hpx/store.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hpx_rebuild_verdict {
    HPX_REBUILD_SAME,
    HPX_REBUILD_DIFFERS, /* if the code is the one recorded, or equivalent, the second output is kept, too */
    HPX_REBUILD_FAILED,  /* it could not be trained; `why` says so */
} hpx_rebuild_verdict;

/* How the training of one trajectory again went. */
typedef struct hpx_rebuilt {
    const hpx_artifact *newest; /* as stored */
    const hpx_fields *manifest; /* as it was trained now */
    hpx_rebuild_verdict verdict;
    const char *why;            /* FAILED: what its worker said, else NULL */
    uint32_t compared;          /* epochs that are stored, so that there was something to compare with */
    uint32_t first_difference;  /* the first epoch that came out otherwise: */
    hpx_artifact stored, again; /* its own: hpx_rebuilt_free */
} hpx_rebuilt;

hpx_rebuilt hpx_rebuilt_copy(const hpx_rebuilt *rebuilt); /* without `newest`, `manifest` and `why` */
void hpx_rebuilt_free(hpx_rebuilt *rebuilt);

/* Called for every trajectory of the sample when it is done; what it is given is borrowed. Anything but
 * HPX_OK ends the rebuild with that status. */
typedef hpx_status hpx_rebuild_fn(void *context, const hpx_rebuilt *rebuilt, hpx_error *error);

/* A trajectory to train again, up to an epoch; 0: the newest. */
typedef struct hpx_rebuild_wanted {
    hpx_hash key;
    uint32_t to;
} hpx_rebuild_wanted;

typedef struct hpx_rebuild_options {
    const char *program; /* run as `program worker` */
    size_t jobs;
    double share;          /* of the trajectories that this binary can train again, (0, 1]; one at least */
    uint32_t draw;         /* decides which ones */
    const hpx_hash *among; /* NULL: all of the store; or the trajectories from which the share is drawn: */
    size_t among_count;
    const hpx_rebuild_wanted *wanted; /* NULL, or the trajectories to train, in this order: */
    size_t wanted_count;
    bool trust;         /* programs whose code came by an import are run, too */
    bool as_this;       /* with the code and numerics of this binary in place of those recorded */
    const char *folder; /* of fetched and unpacked data sets */
    hpx_rebuild_fn *done;
    void *context;
    const volatile sig_atomic_t *interrupted; /* may be NULL */
} hpx_rebuild_options;

typedef struct hpx_rebuild_counts {
    size_t same, differing, failed;
    size_t others; /* trajectories of other code, numerics or data: not to be had with this binary, here */
} hpx_rebuild_counts;

/* HPX_OK also when outputs differ or trainings fail: the counts say so. A program is run as its stored code, on the data where
 * it was last seen, and compared as its recipe says; one of which these are gone is among the others. */
hpx_status hpx_rebuild(hpx_rebuild_counts *out, hpx_store *store, const hpx_rebuild_options *options,
                       hpx_error *error);

#endif
