/* The trials of one run: every trajectory once, however many requests and searches want it. */
#ifndef HPX_BUILD_LEDGER_H
#define HPX_BUILD_LEDGER_H

#include "hpx/outcome.h"
#include "identity/experiment.h"
#include "requests.h"
#include "run/dispatch.h"
#include "run/plan.h"

/* KNOWN: all that is asked of it has an answer, which may be that it failed. ACCIDENT: it ended without
 * one. */
enum trial_state { TRIAL_WAITING, TRIAL_RUNNING, TRIAL_KNOWN, TRIAL_ACCIDENT };

/* What is asked of a trial, or known: the objective after so many epochs. */
struct point {
    uint32_t epochs;
    bool known;
    double value;
    struct point *next;
};

/* What a trial has had. Most trials of a large plan have had nothing, and share one that is empty. */
struct past {
    struct point *points;  /* what is known of it, and what else is asked */
    double value;          /* the objective at its newest epoch; NaN: it has none */
    const char *failure;   /* why it failed in it; NULL: it did not */
    bool stopped;          /* it ended with it of itself: that answers for all later epochs */
    double seconds;        /* training in this run; of a hit, whenever it was trained */
    double parent_seconds; /* EXTEND: training up to `from` */
};

/* A trajectory, and how far it is to go. That may rise at any time, also while it trains. There may be millions:
 * its size counts. */
struct trial {
    hpx_task task; /* first: a task is its trial */
    hpx_hash key;
    const struct past *past;
    const char *reason;  /* why it is no hit; NULL: it is, or nobody can say */
    uint64_t epoch_cost; /* multiplications, or 1 (hpx_cost) */
    uint32_t cell, seed; /* the first that asked for it */
    uint32_t asked;      /* epochs, first */
    uint32_t needed;     /* epochs that searches are certain to come to; 0: it is speculative */
    uint32_t to;         /* RUNNING: the last epoch of its job */
    uint32_t from;       /* EXTEND: the epoch of the checkpoint */
    uint32_t epoch;      /* newest one finished, or in which it failed */
    uint8_t state;       /* enum trial_state */
    uint8_t verdict;     /* hpx_verdict */
    uint8_t lost;        /* workers that were gone while they trained its next epoch */
};

enum { TRIALS_IN_BLOCK = 1024 };

struct ledger {
    hpx_experiment *experiment;
    struct hpx_arena *arena; /* of what trials have had, and their reasons */
    struct trial **blocks;   /* of trials, in order of first ask */
    size_t count, block_capacity;
    uint32_t *table; /* open addressing by key: index + 1 */
    size_t table_size;
    hpx_requests requests; /* uint32_t for every seed: the index of its trial, plus 1 */
    hpx_buffer manifest;   /* of the trial being added */
    const char *reason;    /* given last */
};

void hpx_ledger_init(struct ledger *ledger, hpx_experiment *experiment);
void hpx_ledger_free(struct ledger *ledger);

static inline struct trial *ledger_at(const struct ledger *ledger, size_t index)
{
    return &ledger->blocks[index / TRIALS_IN_BLOCK][index % TRIALS_IN_BLOCK];
}

/* The trial of that key, or NULL. */
struct trial *hpx_ledger_find(const struct ledger *ledger, const hpx_hash *key);

/* Notes the trials of a request. A new trial is WAITING with verdict TRAIN; one that has no answer for so
 * many epochs WAITS again, unless it runs. `fresh` is called for each of these, with its manifest, which is
 * not kept: a hundred thousand trials would hold most memory for it. */
typedef void ledger_fresh_fn(void *context, struct trial *trial, uint32_t epochs, const hpx_buffer *manifest);
void hpx_ledger_add(struct ledger *ledger, hpx_request request, ledger_fresh_fn *fresh, void *context);
bool hpx_ledger_has(const struct ledger *ledger, hpx_request request);

/* A request's trial for the recipe's i-th seed; the request must have been added. */
size_t hpx_ledger_index(const struct ledger *ledger, hpx_request request, size_t seed_index);
struct trial *hpx_ledger_trial(const struct ledger *ledger, hpx_request request, size_t seed_index);

/* What the trial has had, to be changed. */
struct past *hpx_ledger_past(struct ledger *ledger, struct trial *trial);

/* The trial has had this value of the objective after an epoch. */
void hpx_ledger_note(struct ledger *ledger, struct trial *trial, uint32_t epoch, double value);

/* Why the trial is no hit: a copy is made, one of equal ones that follow each other. NULL: nobody can say. */
void hpx_ledger_explain(struct ledger *ledger, struct trial *trial, const char *reason);

/* Whether the trial has an answer for so many epochs; then the objective, NaN if it had failed by then or has
 * no finite one. */
bool hpx_trial_answer(double *value, const struct trial *trial, uint32_t epochs);

/* The most epochs for which it is asked and has no answer; 0: it has all. */
uint32_t hpx_trial_target(const struct trial *trial);
uint64_t hpx_trial_cost_left(const struct trial *trial); /* to its target */

/* Whether its answer for so many epochs is no number, or it ended by accident before it had one. */
bool hpx_trial_failed(const struct trial *trial, uint32_t epochs);

/* Epochs that this run has trained. */
uint32_t hpx_trial_trained(const struct trial *trial);

/* Whether all trials of the request have an answer or none to come, and then the mean of the objective (NaN
 * if one failed) and its sample standard deviation (NaN with one seed). */
bool hpx_ledger_score(double *mean, double *sd, const struct ledger *ledger, hpx_request request);

/* What the run found, or, dry, what it would do. Trials of this run are charged to the first search, in the
 * order of the recipe, that visits them: the same for any order of execution. The ledger's memory is the
 * outcome's from then on. */
struct pace;
hpx_outcome *hpx_outcome_of(const hpx_plan *plan, struct ledger *ledger, const struct pace *dry);

#endif
