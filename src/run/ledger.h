/* The trials of one run: every trajectory once, however many cells and searches want it. */
#ifndef HPX_BUILD_LEDGER_H
#define HPX_BUILD_LEDGER_H

#include "hpx/outcome.h"
#include "identity/experiment.h"
#include "run/dispatch.h"
#include "run/plan.h"

/* KNOWN: it has a result, which may be that it failed. ACCIDENT: it ended without one. */
enum trial_state { TRIAL_WAITING, TRIAL_RUNNING, TRIAL_KNOWN, TRIAL_ACCIDENT };

struct trial {
    hpx_task task; /* first: a task is its trial */
    hpx_hash key;
    uint32_t cell, seed; /* the first that wanted it */
    enum trial_state state;
    hpx_verdict verdict;
    uint32_t from;           /* EXTEND: the epoch of the checkpoint */
    uint32_t epoch;          /* newest one finished, or in which it failed */
    hpx_metrics metrics;     /* at it */
    const char *failure;     /* why it failed in it; NULL: it did not */
    double seconds;          /* training in this run; of a hit, whenever it was trained */
    double parent_seconds;   /* EXTEND: training up to `from` */
    uint64_t macs_per_epoch; /* multiplications of training */
    const char *reason;      /* why it is no hit; NULL: it is, or nobody can say */
};

struct ledger {
    hpx_experiment *experiment;
    struct hpx_arena *arena; /* of the trials and their reasons */
    struct trial **trials;   /* in order of first want */
    size_t count, capacity;
    uint32_t *table; /* open addressing by key: index + 1 */
    size_t table_size;
    uint32_t *cells;   /* by cell: where its trials begin in by_seed, plus 1; 0: not added */
    uint32_t *by_seed; /* indices of trials, seed after seed */
    size_t by_seed_count, by_seed_capacity;
    hpx_buffer manifest; /* of the trial being added */
};

void ledger_init(struct ledger *ledger, hpx_experiment *experiment);
void ledger_free(struct ledger *ledger);

/* The trial of that key, or NULL. */
struct trial *ledger_find(const struct ledger *ledger, const hpx_hash *key);

/* Notes the trials of a cell; those that are new are WAITING with verdict TRAIN. `fresh` is called for each
 * of them, with its manifest, which is not kept: a hundred thousand trials would hold most memory for it. */
typedef void ledger_fresh_fn(void *context, struct trial *trial, const hpx_buffer *manifest);
void ledger_add_cell(struct ledger *ledger, uint32_t cell, ledger_fresh_fn *fresh, void *context);

/* A cell's trial for the recipe's i-th seed; the cell must have been added. */
struct trial *ledger_trial(const struct ledger *ledger, uint32_t cell, size_t seed_index);

/* Whether it failed, or ended by accident. */
bool trial_failed(const struct trial *trial);

/* Whether all trials of the cell have ended, and then the mean of the objective (NaN if one failed) and its
 * sample standard deviation (NaN with one seed). */
bool ledger_score(double *mean, double *sd, const struct ledger *ledger, uint32_t cell);

/* What the run found, or, dry, what it would do. Trials of this run are charged to the first search, in the
 * order of the recipe, that visits them: the same for any order of execution. */
struct pace;
hpx_outcome *outcome_of(const hpx_plan *plan, struct ledger *ledger, const struct pace *dry);

#endif
