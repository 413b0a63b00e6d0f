/* A trial that runs: shared by run.c, which prepares it, and trial.c, which takes in what it says. */
#ifndef HPX_PROGRAM_TRIAL_H
#define HPX_PROGRAM_TRIAL_H

#include "checkpoints.h"
#include "command.h"
#include "lines.h"
#include "log.h"
#include "watch.h"

#include "hpx/error.h"
#include "hpx/training.h"
#include "program/copy.h"
#include "program/gpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An epoch that is complete and has not been handed on. */
struct told {
    uint32_t epoch;
    hpx_metrics metrics;
    double seconds;
};

struct trial {
    const hpx_run *run;
    bool printed;          /* lines are those of standard output */
    bool continues;        /* to more epochs, or after an interruption */
    const char *objective; /* the metric without which there is no result; "": any */
    hpx_copy *copy;
    hpx_gpus *gpus;
    hpx_places places;
    hpx_command command;
    hpx_lines *lines;
    hpx_log *log;
    hpx_checkpoints *checkpoints;
    hpx_watch watch;

    struct told *pending; /* in order; from `first` on */
    size_t first, count, capacity;
    double told;         /* when the last complete epoch was told, or when the program started */
    hpx_blob checkpoint; /* the last one taken, until it is handed on */
    uint32_t checkpoint_epoch;
    uint64_t noted, taken; /* the lines' changes by which the last checkpoint noted, or taken, was named */
    uint64_t shown;        /* and by which progress was told of */
    size_t warned;         /* so many bytes of warnings have been handed on */
    double next_progress;
};

/* Calls for hpx_lines and hpx_watch; `context` is the trial. */
void hpx_trial_told(void *context, uint32_t epoch, const hpx_metrics *metrics, double told);
hpx_status hpx_trial_on_lines(void *context, int64_t written_ns, hpx_error *error);
hpx_status hpx_trial_on_due(void *context, hpx_error *error);
double hpx_trial_due(void *context);

/* The program has ended, as it did: hands on what is complete, and says what became of it. */
hpx_status hpx_trial_finish(struct trial *trial, hpx_end end, hpx_error *error);

/* The program's lines are not those of such a training. */
hpx_status hpx_trial_broken(const struct trial *trial, const hpx_lines_state *state, hpx_error *error);

/* The accident that an end is, or HPX_OK. `last` is the last line that the program printed. */
hpx_status hpx_trial_accident(struct trial *trial, hpx_end end, const char *last, hpx_error *error);

#endif
