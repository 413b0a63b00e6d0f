/* What a training is asked for, and what it tells of itself: its epochs, and the paths that it takes. */
#ifndef HPX_TRAINING_H
#define HPX_TRAINING_H

#include "hpx/blob.h"
#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/metrics.h"

#include <stddef.h>
#include <stdint.h>

typedef struct hpx_epoch {
    uint32_t epoch;      /* 1 for the first; progress: as the training counts, 0 where it does not */
    const char *failure; /* why the training failed in this epoch, its last: then there are no metrics and
                            no checkpoint; else NULL */
    const char *stopped; /* why the training ends with this epoch, which answers for all later ones, too; else
                            NULL */
    const char *warnings; /* progress: lines about what is ignored of what it reports, once; else NULL */
    hpx_metrics metrics;  /* borrowed during the call */
    double seconds;       /* wall time of this epoch, evaluation included */
    hpx_blob checkpoint;  /* all that the next epoch continues from; borrowed during the call */
} hpx_epoch;

/* One of that number, with nothing else yet. */
#define HPX_EPOCH(number) ((hpx_epoch){.epoch = (number), .checkpoint = HPX_NO_BLOB})

/* So much of what a run has printed is kept: its beginning and its end. */
#define HPX_LOG_BYTES_MAX ((size_t)256 << 10)

/* Called after every epoch. Anything but HPX_OK ends the training with that status (and `error` filled). */
typedef hpx_status hpx_epoch_fn(void *context, const hpx_epoch *epoch, hpx_error *error);

/* A training to be run: a part of a trajectory. */
typedef struct hpx_run {
    const hpx_fields *manifest;
    const void *data;             /* what the kind of inputs has opened */
    const hpx_fields *conditions; /* how it is run, which decides no result */
    uint32_t from, to;
    const hpx_blob *checkpoint; /* what an earlier run gave after epoch `from`; NULL: from is 0 */
    hpx_epoch_fn *on_epoch;     /* takes a finished epoch, to be stored */
    hpx_epoch_fn *on_progress;  /* takes the metrics of the newest epoch so far, which are not; may be NULL */
    void *context;              /* of these two */
    hpx_buffer *log; /* what it prints, up to HPX_LOG_BYTES_MAX, is there when it hands its last epoch on, and
                        when it ends in any other way; empty at first */
    int stop; /* that its other side sends no more (POLLRDHUP) says that the run is to end: what it has finished is handed
                        on; -1: never. Not to be read from */
} hpx_run;

/* A set of paths through a trainer's code, by number. */
#define HPX_PATHS_MAX       256
#define HPX_PATH_NAME_BYTES 80
typedef struct hpx_paths {
    uint64_t words[HPX_PATHS_MAX / 64];
} hpx_paths;

#endif
