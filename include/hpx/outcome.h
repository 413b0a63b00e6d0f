/* What a build, a plan or a replay has found: everything that the tables and the JSON documents show. */
#ifndef HPX_OUTCOME_H
#define HPX_OUTCOME_H

#include "hpx/code.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "hpx/recipe.h"
#include "hpx/trainer.h"
#include "hpx/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One trial as a search met it. */
typedef struct hpx_outcome_trial {
    uint32_t cell, seed;
    hpx_hash key; /* zero in a replay */
    hpx_verdict verdict;
    bool known;          /* has a result: stored or trained */
    bool failed;         /* its result is that it failed; or, not known, it ended by accident */
    uint32_t from;       /* extend: the epoch it continues */
    uint32_t epoch;      /* the newest one finished; in which it failed */
    uint32_t to;         /* that the search asks for */
    double seconds;      /* training in this run; of a hit: when it was trained */
    uint64_t macs_left;  /* multiplications of training that remain to be done */
    double seconds_left; /* plan: for them; NaN: unknown */
    const char *reason;  /* why it is no hit; NULL where nobody can say. Of the outcome. */
} hpx_outcome_trial;

/* Trials of a run that have one verdict for one reason. */
typedef struct hpx_reason {
    hpx_verdict verdict; /* HPX_EXTEND or HPX_TRAIN */
    char *text;          /* "3 -> 15", "never seen", "rate 0.001 -> 0.003"; empty where nobody can say */
    size_t trials;
} hpx_reason;

/* A distinct cell and number of epochs, in the order of first visit. */
typedef struct hpx_visit {
    uint32_t cell, epochs;
    double score;        /* mean over the seeds; NaN: one of them failed */
    hpx_verdict verdict; /* of its seeds the one that cost most */
} hpx_visit;

/* Of a trainer that counts no multiplications a cell costs 1, and an epoch of a trial 1.
 * Costs come in two counts: `macs`, the multiplications of a forward pass per sample, summed over cells (the
 * paper's); and `training_macs`, all multiplications of training over all samples, epochs and seeds. */
typedef struct hpx_search_outcome {
    const hpx_recipe_search *search;
    bool done;                /* false: interrupted, failed, or a plan that must train to go on */
    hpx_search_result result; /* if done */
    double score, score_sd;   /* of result.end over its seeds; sd NaN with one seed */
    double incumbent_score;
    double difference; /* from the best score of the searches that are done; 0 or worse is positive */
    uint64_t nominal_macs, nominal_training_macs;
    double paid_macs; /* weighted by the share of epochs and seeds that this run trained */
    uint64_t paid_training_macs;
    double relative_cost; /* nominal_macs / the grid's */
    double seconds;       /* of training in this run */
    size_t trial_counts[HPX_VERDICTS];
    size_t failed; /* of these trials */
    hpx_visit *visits;
    size_t visit_count;
    size_t cells; /* visited, at however many epochs */
    /* Epochs of the visits' trials: if each were trained from the start; as they are with an empty store, where a
     * cell goes on from the epochs that this search has visited it at; and those of them that the store, or an
     * earlier search, had. */
    uint64_t epochs_retrained, epochs_continued, epochs_saved;
    hpx_request *billed; /* whose trials these are: the visits, then those that are certain to be visited */
    uint32_t *charged;   /* for each trial, by request and seed: the epochs that were on a bill before */
    size_t trial_count;  /* hpx_outcome_trial_at */
} hpx_search_outcome;

/* What a run trained speculatively and its searches did not need: paid, and in nobody's nominal cost. */
typedef struct hpx_speculative {
    size_t trials; /* also those that were stopped after some epochs */
    double paid_macs;
    uint64_t paid_training_macs;
    double seconds;
} hpx_speculative;

typedef struct hpx_outcome {
    const hpx_recipe *recipe;
    uint32_t cells;
    uint64_t grid_macs;
    hpx_search_outcome *searches;
    size_t search_count;
    size_t stored, trained, extended; /* trials of this run, each counted once */
    size_t failed;                    /* of these, and by accident: */
    size_t accidents;
    size_t pulled, pushed; /* trajectories, from a shared store and to it */
    hpx_speculative speculative;
    hpx_reason *reasons; /* of what was, or is to be, trained; in order of first want */
    size_t reason_count;
    char other_trainer[HPX_CODE_HEX_BYTES]; /* one that has results of these trials, by its version; empty:
                                               none */
    size_t proofs;       /* plan: trials that are first to prove that their program continues */
    size_t pending;      /* trials not trained: in a plan, before anything else is decided */
    uint64_t macs_left;  /* of their training */
    double seconds_left; /* plan: one after the other, by the pace of what was trained; NaN: unknown */
    bool calibrated;     /* plan: the pace is of a short training that was made for it */
    const char *absent;  /* what is to be said of a data set whose files are not there; NULL: they are */
    bool depends_on_last_epoch;         /* the recipe's schedule makes `epochs` part of the identity */
    hpx_fields code, dataset, numerics; /* empty in a replay */
    struct hpx_outcome_ledger *ledger;  /* what is known of trials */
} hpx_outcome;

/* A search's i-th trial. */
hpx_outcome_trial hpx_outcome_trial_at(const hpx_outcome *outcome, const hpx_search_outcome *search,
                                       size_t i);

/* Of a plan: the layers of the network of a cell of one of its trials, and how many there are; 0: not known. Of the
 * outcome. */
size_t hpx_outcome_layers(const hpx_layer **out, const hpx_outcome *outcome, uint32_t cell);

void hpx_outcome_free(hpx_outcome *outcome); /* NULL is fine */

#endif
