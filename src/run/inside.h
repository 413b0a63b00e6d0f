/* A build from the inside: its loop is build.c, what happens to one trial trial.c, what it says events.c. */
#ifndef HPX_RUN_INSIDE_H
#define HPX_RUN_INSIDE_H

#include "ledger.h"
#include "proof.h"
#include "reason.h"
#include "shared.h"
#include "timeline.h"

#include "hpx/build.h"
#include "hpx/store.h"
#include "worker/executor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The id of a code record that has been stored, by what in a manifest depends on the code. */
struct known_code {
    hpx_hash part, id;
};

struct list {
    hpx_request *at;
    size_t count, capacity;
};

/* Trials that the shared store may have so many epochs of. */
struct wanted {
    struct {
        struct trial *trial;
        uint32_t epochs;
    } * at;
    size_t count, capacity;
};

/* How far a search's decisions have been told of. */
struct said {
    size_t visits;
    bool done;
};

struct build {
    const hpx_recipe *recipe;
    const hpx_build_options *options;
    hpx_store *store; /* NULL: an empty one */
    hpx_experiment *experiment;
    hpx_plan *plan;
    struct ledger ledger;
    hpx_executor *executor;
    hpx_fields binary; /* what its workers contribute to manifests */
    hpx_dispatch *dispatch;
    struct reasons reasons;
    struct timeline timeline;
    bool speculative;       /* trials may be started that are not known to be needed */
    struct list open;       /* asked for, not yet told */
    struct list speculated; /* not asked for, and not yet a hint to the plan */
    struct wanted wanted;   /* looked for in the shared store */
    size_t cells_seen, trained;
    double spent_seconds, spent_cost; /* of epochs trained in this run */
    double seconds_left, estimated_at;
    /* Of its jobs (conditions.c). */
    hpx_fields conditions; /* how a program is run; empty of a model */
    hpx_hash conditions_id;
    hpx_comparison comparison; /* of a result with the one that is stored */
    char *mark; /* what the processes of programs are known by; NULL: there have been no jobs of one */
    struct known_code *codes; /* stored */
    size_t code_count, code_capacity;
    struct proofs proofs;
    struct arrivals {
        hpx_result *at;
        size_t count, capacity;
    } arrivals;            /* what has come from workers in one wait */
    double started;        /* hpx_clock_seconds() */
    bool begun;            /* that is in the log of builds */
    size_t accidents;      /* of trials that are needed */
    bool stopping;         /* give out nothing more */
    hpx_status failure;    /* of a trial, by accident */
    hpx_error store_error; /* of the last lookup that failed */
    hpx_status store_status;
    bool warned;               /* of what is ignored of what a program says */
    bool said_lack;            /* of the objective in what is stored */
    const struct trial *aside; /* the last one found in training elsewhere */
    double waiting_since;      /* 0: some trial is trained here */
    char *waiting_for;         /* as it was said last; NULL: not yet */
    struct said *said;         /* of every search; NULL: nothing yet */
};

/* What its jobs have beside manifests: conditions.c. */

/* How many trials run at once: as many as there are processors, memory and GPUs for what the program says that one takes. */
size_t hpx_build_slots(const hpx_recipe *recipe, size_t jobs);

/* Before the first job: makes what the jobs of a program need, and ends what is left of a build that was killed. */
hpx_status hpx_build_prepare(struct build *build, hpx_error *error);

/* Appends the conditions of a trial's job; nothing of a model's. */
void hpx_build_add_conditions(hpx_buffer *out, const struct build *build, const struct trial *trial);

/* What the log of builds has of it: log.c. */

/* Before the first job: that it runs. */
hpx_status hpx_build_begin_log(struct build *build, hpx_error *error);
/* What it came to, if it had a job. */
hpx_status hpx_build_end_log(struct build *build, const hpx_outcome *outcome, int64_t started_ns,
                             hpx_status result, hpx_error *error);

/* Says what is new to be said of a program's code. */
void hpx_build_warn(struct build *build);

/* Stores the record of the code that trains a cell, once, and gives its id. */
hpx_status hpx_build_put_code(hpx_hash *id, struct build *build, uint32_t cell, hpx_error *error);

/* Gives workers the data that their machines do not see. */
hpx_status hpx_build_hand_over(struct build *build, hpx_error *error);

void hpx_build_forget_conditions(struct build *build);

/* What happens to a trial. */

/* Looks a new trial up in the store, for so many epochs, and says why it is no hit: for hpx_ledger_add. */
void hpx_trial_look_up(void *build, struct trial *trial, uint32_t epochs, const hpx_buffer *manifest);
void hpx_trial_look_up_speculative(void *build, struct trial *trial, uint32_t epochs,
                                   const hpx_buffer *manifest);

/* Waits for what the shared store has of trials that were looked up, and looks these up again. */
void hpx_trials_settle(struct build *build);

/* A search is certain to come to the trial, after so many epochs. One that ended by accident when it was
 * speculative is trained again: it may have been the machine that had no room for it. */
void hpx_trial_need(struct build *build, struct trial *trial, uint32_t epochs);

/* Takes the trial for this process, and looks it up again: whoever had it before may have finished it. One that is KNOWN
 * then is not taken. */
hpx_status hpx_trial_claim(bool *claimed, struct build *build, struct trial *trial, hpx_error *error);

/* Gives a claimed trial to the executor. */
hpx_status hpx_trial_start(struct build *build, struct trial *trial, hpx_error *error);

/* A speculative trial gives its slot up. The epochs it has finished are stored, and it can go on from there. */
void hpx_trial_stop(struct build *build, struct trial *trial);

/* Manifest, key, conditions and paths of a job of the trial. */
void hpx_trial_name_job(hpx_job *out, const struct build *build, const struct trial *trial);

/* What its artifacts refer to: code, data and conditions. Before its first job. */
hpx_status hpx_trial_put_records(struct build *build, const struct trial *trial, hpx_error *error);

/* Stores an epoch of a run to epoch `to`, under the key of this manifest. HPX_DIFFERS when another output is stored. */
hpx_status hpx_trial_put_epoch(struct build *build, const struct trial *trial, const hpx_buffer *manifest,
                               uint32_t to, const hpx_result *result, hpx_error *error);

/* Stores epochs of trials in one transaction: all, or none of them (hpx_store_put_all). */
hpx_status hpx_trials_put_epochs(struct build *build, const hpx_result *const *results, size_t count,
                                 hpx_error *error);

/* An epoch of the trial has been stored: notes it, and tells of it. */
hpx_status hpx_trial_note_epoch(struct build *build, struct trial *trial, const hpx_result *result,
                                hpx_error *error);

/* Stores an epoch of the trial, and notes it; errors likewise. */
hpx_status hpx_trial_store_epoch(struct build *build, struct trial *trial, const hpx_result *result,
                                 hpx_error *error);

/* Its job is over. The trial is KNOWN if it has all that is asked of it by now, else it waits again. */
void hpx_trial_end_job(struct build *build, struct trial *trial);

/* It ends by accident, without a result: the searches go on without it, or no more is dispatched. Of a
 * speculative trial only an output that differs matters. */
void hpx_trial_lose(struct build *build, struct trial *trial, hpx_status status, const char *message);
/* The same for lack of memory: beside others it is tried once more without them. */
void hpx_trial_lose_for_memory(struct build *build, struct trial *trial, const char *message);
/* Its worker is gone: another is to go on from its newest checkpoint. */
void hpx_trial_lose_worker(struct build *build, struct trial *trial, const char *message);
/* Its files have changed while it ran: nothing of it is stored, and its job ends. */
void hpx_trial_lose_for_change(struct build *build, struct trial *trial, const char *message);

/* The checkpoint that its job was to go on from is refused: it is dropped, and the trial waits again. */
hpx_status hpx_trial_refuse_checkpoint(struct build *build, struct trial *trial, const char *why,
                                       hpx_error *error);

/* What the build says. */

/* An event of a trial, or of none (NULL), with a message or NULL. */
void hpx_build_emit(struct build *build, hpx_event_kind kind, const struct trial *trial, const char *message);
/* A line of the build itself. */
void hpx_build_say(struct build *build, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A trial has had an epoch, which is stored. */
void hpx_build_say_epoch(struct build *build, const struct trial *trial, const hpx_result *result);
/* A cell has its score. */
void hpx_build_say_score(const struct build *build, hpx_request request, double value);
/* How its trials go in other processes, of a plan; and those that are known. */
hpx_status hpx_build_say_others(struct build *build, hpx_error *error);
/* Where the searches have gone since the last time. */
void hpx_build_say_decisions(struct build *build);
/* How the newest epoch of a trial goes, before it has a result, and what is ignored of what it says. */
void hpx_build_say_progress(struct build *build, const struct trial *trial, const hpx_result *result);
/* An accident as people are told of it: what it was, what may help, and the end of what was printed. free() it. */
char *hpx_build_accident_text(const hpx_result *result);
/* How a trial ended that has a result. That one failed speculatively is said when it proves to be needed. */
void hpx_build_say_end(struct build *build, const struct trial *trial);
/* For whom this build has been waiting for a second, and again when that is another. */
void hpx_build_say_waiting(struct build *build, const hpx_dispatch_counts *counts);
/* What the executor has to say of its workers. */
void hpx_build_say_words(struct build *build);

/* Under which numerics it asks for results: numerics.c. */

/* Sets what the workers contribute to manifests, the experiment's too; waits for one of them where only they can say it. */
hpx_status hpx_build_choose_binary(struct build *build, const hpx_recipe_search *const *searches,
                                   size_t search_count, const hpx_source_options *source_options,
                                   hpx_error *error);

#endif
