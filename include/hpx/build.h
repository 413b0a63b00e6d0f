/* Runs the searches of a recipe, training only what the store lacks. Emits events, never prints. */
#ifndef HPX_BUILD_H
#define HPX_BUILD_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "hpx/metrics.h"
#include "hpx/outcome.h"
#include "hpx/recipe.h"
#include "hpx/search.h"
#include "hpx/source.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hpx_event_kind {
    HPX_EVENT_STARTED, /* a trial */
    HPX_EVENT_EPOCH,
    HPX_EVENT_DONE,
    HPX_EVENT_FAILED,    /* with message */
    HPX_EVENT_WAITING,   /* for another process, which trains it; with message */
    HPX_EVENT_POSTPONED, /* to be tried once more, alone; with message */
    HPX_EVENT_PROOF, /* it is to prove that its program continues, or there is nothing to prove; with message */
    HPX_EVENT_PROVEN,   /* it does; with message */
    HPX_EVENT_STOPPED,  /* a speculative trial, before its end */
    HPX_EVENT_PROGRESS, /* metrics so far; once, with message: what is ignored of what a program says */
    HPX_EVENT_SAID,     /* of the build as a whole; with message */
    HPX_EVENT_TICK,     /* nothing happened for a while */
    HPX_EVENT_SCORE, /* a cell has its score after `epochs`: `value`, NaN where it failed; stored or trained */
    HPX_EVENT_VISIT,   /* `search` has come to a cell, after `epochs`, and knows its score: `value` */
    HPX_EVENT_ARRIVED, /* `search` is done */
    HPX_EVENTS
} hpx_event_kind;

typedef struct hpx_event {
    hpx_event_kind kind;
    const char *cell; /* "n1=128 n2=64", and the trial's other particulars; NULL: it is of no trial */
    uint32_t number;  /* of the cell in the grid: of a trial, SCORE, VISIT */
    const hpx_hash *key;
    uint32_t seed;
    hpx_verdict verdict;
    const char *reason; /* why it is no hit: "rate 0.001 -> 0.003"; may be NULL */
    uint32_t from;
    uint32_t epoch;                  /* the newest one finished; PROGRESS: as the program counts, or 0 */
    uint32_t epochs;                 /* the last one; 0: only the program knows how many there will be */
    double value;                    /* the objective at it; NaN before the first */
    const char *message;             /* lines; NULL: none */
    const hpx_metrics *metrics;      /* of the newest epoch: EPOCH, PROGRESS; NULL: none */
    bool failed;                     /* FAILED: that is its result; else it was an accident */
    double trial_seconds;            /* of training in this run */
    double trial_left;               /* until its last epoch; NaN: unknown */
    const hpx_recipe_search *search; /* VISIT, ARRIVED */
    const hpx_search_result *result; /* ARRIVED */
    size_t visits;                   /* VISIT, ARRIVED: of the search so far */
    /* The build as a whole; not for SCORE, VISIT and ARRIVED. */
    size_t done, running, waiting; /* trials that are needed: trained so far, in training, waiting */
    size_t speculative;            /* trials in training that may prove not to be needed */
    size_t cells_seen;
    double seconds_left; /* of what is known to be needed; NaN: unknown */
} hpx_event;

typedef void hpx_event_fn(void *context, const hpx_event *event);

typedef struct hpx_launcher hpx_launcher;
typedef struct hpx_shared hpx_shared;

typedef struct hpx_build_options {
    const char *program; /* run as `program worker`; NULL: there is none, and what must be trained fails */
    size_t jobs;         /* trials at once */
    bool guest;          /* this process is not hpx's own, but a program's that uses the library */
    hpx_launcher
        *launcher;      /* gets machines for workers (worker/launcher.h), taken over; NULL: this one trains */
    const char *pool;   /* with it: the folder that they share (worker/pool.h) */
    hpx_shared *shared; /* a store that others share (run/shared.h); not asked when dry; NULL: none */
    bool dry;           /* decide without training: a plan */
    bool others; /* dry: with events of its trials, those in training by other processes and those known */
    bool keep_going;  /* a failed trial is worse than any score, and the searches go on */
    bool again;       /* retrain everything, and compare with what is stored */
    bool speculative; /* jobs that would idle train what searches may come to; not with `again` */
    const hpx_fields
        *about;          /* what others may know of it while it runs (hpx_store_begin_build); NULL: nothing */
    hpx_event_fn *event; /* may be NULL; `others` needs it */
    void *context;
    const volatile sig_atomic_t *interrupted; /* checked often; may be NULL */
} hpx_build_options;

/* An outcome is given whenever the searches began, also with HPX_FAILED (a trial failed, the store cannot be
 * written), HPX_DIFFERS (a training gave another output than the one stored) and HPX_INTERRUPTED: every epoch
 * that was finished is stored then. A plan may be made without a store (source_options.store NULL: an empty
 * one). */
hpx_status hpx_build(hpx_outcome **out, const hpx_recipe *recipe, const hpx_recipe_search *const *searches,
                     size_t search_count, const hpx_source_options *source_options,
                     const hpx_build_options *options, hpx_error *error);

/* Runs the searches over a table (CSV, docs/searches.md) instead of training. HPX_USAGE names what the table
 * lacks. */
hpx_status hpx_replay(hpx_outcome **out, const hpx_recipe *recipe, const hpx_recipe_search *const *searches,
                      size_t search_count, const hpx_source_options *source_options, const char *table_path,
                      hpx_error *error);

#endif
