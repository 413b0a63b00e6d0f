/* The proof that a program continues. A program that says `continue = resume` or `yes` is believed after one of its trials
 * has shown it: a run that goes on from a checkpoint has the metrics of one that was not interrupted, within `repeat`.
 *
 *     yes      2 epochs in one go; 1 epoch; from its checkpoint to 2
 *     resume   2 epochs in one go, keeping the checkpoint of the first; from there to 2. Where none could be taken, the same of
 *              4 epochs, 8 ..., up to the recipe's, from the first checkpoint that there is
 *
 * What was trained in one go is stored as any result is; the other runs are only compared. Each answers one question of all
 * trials, and one for each word on an unordered axis of its cell. A question names code, command, environment, versions,
 * data, machine and tolerance. That it has been answered well is a record in the store (HPX_RECORD_PROOF), which is nothing
 * but the question.
 *
 * While a trial proves, it is one that runs: it has its slot and its claim, and all that its worker sends comes here. Trials
 * that wait for its answers are set aside. */
#ifndef HPX_RUN_PROOF_H
#define HPX_RUN_PROOF_H

#include "hpx/error.h"
#include "hpx/hash.h"
#include "worker/message.h"

#include <stdbool.h>
#include <stddef.h>

struct build;
struct trial;
struct proof;

struct proofs {
    struct proof **at;
    size_t count, capacity;
    hpx_hash *settled; /* questions that need not be asked in this build any more */
    size_t settled_count, settled_capacity;
};

enum proof_gate {
    PROOF_OPEN,  /* nothing is to be proved before the trial runs */
    PROOF_ASIDE, /* another trial is proving it */
    PROOF_DUE,   /* the trial is to prove it */
};

hpx_status hpx_proof_gate(enum proof_gate *out, struct build *build, const struct trial *trial,
                          hpx_error *error);

/* The claimed trial begins to prove, in place of hpx_trial_start. */
hpx_status hpx_proof_start(struct build *build, struct trial *trial, hpx_error *error);

/* Whether what comes of the trial is hpx_proof_take's. */
bool hpx_proof_has(const struct build *build, const struct trial *trial);
hpx_status hpx_proof_take(struct build *build, struct trial *trial, const hpx_result *result,
                          hpx_error *error);

/* Gives the next runs of proofs to the executor. */
hpx_status hpx_proofs_go_on(struct build *build, hpx_error *error);

/* How many trials are to prove something before the others, of those that wait; for a plan. */
hpx_status hpx_proofs_count(size_t *out, struct build *build, hpx_error *error);

void hpx_proofs_free(struct proofs *proofs);

#endif
