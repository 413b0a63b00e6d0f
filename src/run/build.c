#include "hpx/build.h"

#include "ledger.h"
#include "pace.h"
#include "reason.h"

#include "base/memory.h"
#include "hpx/code.h"
#include "hpx/file.h"
#include "hpx/store.h"
#include "hpx/verdict.h"
#include "identity/manifest.h"
#include "worker/executor.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS          200
#define ELSEWHERE_MS     20
#define SILENT_SECONDS   1.0 /* shorter waits for other builds are not said */
#define ESTIMATE_SECONDS 0.1

struct list {
    hpx_request *at;
    size_t count, capacity;
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
    bool speculative;       /* trials may be started that are not known to be needed */
    struct list open;       /* asked for, not yet told */
    struct list speculated; /* not asked for, and not yet a hint to the plan */
    size_t cells_seen, trained;
    double spent_seconds, spent_macs; /* of epochs trained in this run */
    double seconds_left, estimated_at;
    hpx_hash code;         /* id of this binary's code record, once it is stored */
    bool stopping;         /* give out nothing more */
    hpx_status failure;    /* of a trial, by accident */
    hpx_error store_error; /* of the last lookup that failed */
    hpx_status store_status;
    const struct trial *aside; /* the last one found in training elsewhere */
    double waiting_since;      /* 0: some trial is trained here */
    char *waiting_for;         /* as it was said last; NULL: not yet */
};

static bool is_interrupted(const struct build *build)
{
    return build->options->interrupted && *build->options->interrupted;
}

static void add_manifest(hpx_buffer *out, const struct build *build, const struct trial *trial)
{
    hpx_experiment_manifest(out, build->experiment, trial->cell, trial->seed);
}

static void note_failure(struct build *build, struct trial *trial, const char *failure)
{
    if (*failure)
        ledger_past(&build->ledger, trial)->failure =
            hpx_arena_strndup(build->ledger.arena, failure, strlen(failure));
}

/* Looks the trial up: what is stored of it, or what it would take to have so many epochs. */
static hpx_status consult(struct build *build, struct trial *trial, uint32_t epochs,
                          const hpx_buffer *manifest, hpx_error *error)
{
    uint32_t from = 0;
    hpx_verdict verdict = HPX_TRAIN;
    hpx_artifact artifact;
    if (build->options->again)
        return HPX_OK;
    hpx_status status =
        hpx_verdict_find(&verdict, &from, &artifact, build->store, &trial->key, manifest, epochs, error);
    if (status)
        return status;
    if (verdict == HPX_HIT) {
        const double value = hpx_objective_value(&build->recipe->objective, &artifact.metrics);
        if (trial_trained(trial) == 0 || artifact.epoch > trial->epoch) {
            trial->verdict = HPX_HIT;
            trial->epoch = artifact.epoch;
            struct past *past = ledger_past(&build->ledger, trial);
            past->value = value;
            past->seconds = artifact.total_seconds;
            note_failure(build, trial, artifact.failure);
        }
        ledger_note(&build->ledger, trial, artifact.epoch, value);
        hpx_artifact_free(&artifact);
        if (trial->state != TRIAL_RUNNING && trial_target(trial) == 0)
            trial->state = TRIAL_KNOWN;
    } else if (trial_trained(trial) == 0 && trial->state != TRIAL_RUNNING) {
        /* what this run has trained of it is no other's */
        trial->verdict = (uint8_t)verdict;
        trial->from = from;
        trial->epoch = from;
        if (trial->past->seconds > 0)
            ledger_past(&build->ledger, trial)->seconds = 0;
    }
    return HPX_OK;
}

static void explain(struct build *build, struct trial *trial)
{
    if (trial->state == TRIAL_KNOWN)
        return;
    char *reason = build->options->again ? hpx_strdup("-B") : reason_for(&build->reasons, trial);
    ledger_explain(&build->ledger, trial, reason);
    free(reason);
}

static void look_up(void *context, struct trial *trial, uint32_t epochs, const hpx_buffer *manifest)
{
    struct build *build = context;
    hpx_error error;
    hpx_status status = consult(build, trial, epochs, manifest, &error);
    if (status && !build->store_status) {
        build->store_status = status;
        build->store_error = error;
    }
    if (!status)
        explain(build, trial);
}

static void look_up_speculative(void *context, struct trial *trial, uint32_t epochs,
                                const hpx_buffer *manifest)
{
    trial->task.speculative = trial->task.state == HPX_TASK_IDLE;
    look_up(context, trial, epochs, manifest);
}

static void add(struct list *list, hpx_request request)
{
    list->at = hpx_grow(list->at, &list->capacity, list->count + 1, sizeof *list->at);
    list->at[list->count++] = request;
}

/* Takes the requests whose trials have all ended off the list, and gives the plan their values. */
static size_t take_finished(struct build *build, struct list *list,
                            void (*give)(hpx_plan *plan, hpx_request request, double value))
{
    size_t kept = 0, count = list->count;
    for (size_t i = 0; i < count; i++) {
        double mean, sd;
        if (ledger_score(&mean, &sd, &build->ledger, list->at[i]))
            give(build->plan, list->at[i], mean);
        else
            list->at[kept++] = list->at[i];
    }
    list->count = kept;
    return count - kept;
}

static void tell_finished(struct build *build)
{
    build->cells_seen += take_finished(build, &build->open, hpx_plan_tell);
    take_finished(build, &build->speculated, hpx_plan_hint);
}

static uint64_t macs_left(const struct trial *trial)
{
    uint32_t from = trial->epoch > trial->from ? trial->epoch : trial->from, target = trial_target(trial);
    return target > from ? (target - from) * trial->macs_per_epoch : 0;
}

/* Asks all trials, so not for each of the thousand epochs that small networks may finish in a second. */
static double seconds_left(struct build *build)
{
    double now = hpx_clock_seconds(), macs = 0, longest = 0;
    if (build->spent_macs == 0)
        return NAN;
    if (build->estimated_at > 0 && now - build->estimated_at < ESTIMATE_SECONDS)
        return build->seconds_left;
    for (size_t i = 0; i < build->ledger.count; i++) {
        const struct trial *trial = ledger_at(&build->ledger, i);
        if (trial->task.speculative || (trial->state != TRIAL_WAITING && trial->state != TRIAL_RUNNING))
            continue;
        double left = (double)macs_left(trial);
        macs += left;
        longest = left > longest ? left : longest;
    }
    double spread = macs / (double)build->options->jobs;
    build->estimated_at = now;
    build->seconds_left = (spread > longest ? spread : longest) * build->spent_seconds / build->spent_macs;
    return build->seconds_left;
}

static void emit(struct build *build, hpx_event_kind kind, const struct trial *trial, const char *message)
{
    if (!build->options->event)
        return;
    hpx_dispatch_counts counts = hpx_dispatch_count(build->dispatch);
    hpx_event event = {
        .kind = kind,
        .message = message,
        .epochs = build->recipe->epochs,
        .value = NAN,
        .done = build->trained,
        .running = counts.running,
        .waiting = counts.waiting,
        .speculative = counts.speculative,
        .cells_seen = build->cells_seen,
        .seconds_left = seconds_left(build),
    };
    hpx_buffer cell = {0};
    if (trial) {
        hpx_experiment_cell_text(&cell, build->experiment, trial->cell);
        event.cell = hpx_buffer_text(&cell);
        event.seed = trial->seed;
        event.verdict = trial->verdict;
        event.reason = trial->reason;
        event.from = trial->from;
        event.epoch = trial_trained(trial) ? trial->epoch : 0;
        event.epochs = trial->state == TRIAL_RUNNING ? trial->to : build->recipe->epochs;
        if (event.epoch > 0)
            event.value = trial->past->value;
    }
    build->options->event(build->options->context, &event);
    hpx_buffer_free(&cell);
}

/* How a trial ended that has a result. That one failed speculatively is said when it proves to be needed. */
static void say_end(struct build *build, const struct trial *trial)
{
    if (!trial->past->failure) {
        emit(build, HPX_EVENT_DONE, trial, NULL);
    } else if (trial->task.speculative) {
        emit(build, HPX_EVENT_STOPPED, trial, NULL);
    } else {
        char *message = hpx_format("epoch %u: %s", trial->epoch, trial->past->failure);
        emit(build, HPX_EVENT_FAILED, trial, message);
        free(message);
    }
}

/* A search is certain to come to the trial, after so many epochs. One that ended by accident when it was
 * speculative is trained again: it may have been the machine that had no room for it. */
static void need(struct build *build, struct trial *trial, uint32_t epochs)
{
    bool speculative = trial->task.speculative;
    trial->task.speculative = false;
    trial->needed = epochs > trial->needed ? epochs : trial->needed;
    if (speculative && trial->state == TRIAL_ACCIDENT)
        trial->state = TRIAL_WAITING;
    if (speculative && trial->state == TRIAL_KNOWN && trial->verdict != HPX_HIT) {
        build->trained++;
        if (trial->past->failure)
            say_end(build, trial);
    }
    if (!build->options->dry && (trial->state == TRIAL_WAITING || trial->state == TRIAL_RUNNING)) {
        if (trial->task.state == HPX_TASK_IDLE)
            trial->task.length = macs_left(trial);
        hpx_dispatch_need(build->dispatch, &trial->task);
    }
}

/* Follows the searches as far as what is known decides, or until an interrupt. */
static hpx_status follow(struct build *build, hpx_error *error)
{
    for (;;) {
        const hpx_request *requests;
        double mean, sd;
        size_t count = hpx_plan_ask(build->plan, &requests);
        if (count == 0)
            return HPX_OK;
        for (size_t i = 0; i < count; i++) {
            if (is_interrupted(build))
                return HPX_OK;
            if (!ledger_has(&build->ledger, requests[i]))
                ledger_add(&build->ledger, requests[i], look_up, build);
            for (size_t seed = 0; seed < build->recipe->seed_count; seed++)
                need(build, ledger_trial(&build->ledger, requests[i], seed), requests[i].epochs);
            if (!build->options->dry || ledger_score(&mean, &sd, &build->ledger, requests[i]))
                add(&build->open, requests[i]);
        }
        if (build->store_status) {
            *error = build->store_error;
            return build->store_status;
        }
        tell_finished(build);
    }
}

static hpx_status put_code(struct build *build, hpx_error *error)
{
    if (!hpx_hash_is_zero(&build->code))
        return HPX_OK;
    hpx_fields fields = {0};
    hpx_code_fields(&fields, &hpx_code_built, build->recipe->trainer->sources);
    hpx_status status = hpx_store_put_record(build->store, HPX_RECORD_CODE, &fields, error);
    if (!status)
        build->code = hpx_record_id(&fields);
    hpx_fields_free(&fields);
    return status;
}

/* A trial has its result, which may be that it failed. */
static void finish(struct build *build, struct trial *trial)
{
    trial->state = TRIAL_KNOWN;
    hpx_store_release(build->store, &trial->key);
    build->trained += !trial->task.speculative;
    say_end(build, trial);
}

/* A trial ends by accident, without a result: the searches go on without it, or no more is dispatched. Of a
 * speculative trial only an output that differs matters. */
static void lose(struct build *build, struct trial *trial, hpx_status status, const char *message)
{
    trial->state = TRIAL_ACCIDENT;
    hpx_store_release(build->store, &trial->key);
    trial->task.speculative = trial->task.speculative && status != HPX_DIFFERS;
    if (trial->task.speculative) {
        emit(build, HPX_EVENT_STOPPED, trial, NULL);
        return;
    }
    if (build->failure != HPX_DIFFERS)
        build->failure = status;
    build->stopping = build->stopping || !build->options->keep_going;
    emit(build, HPX_EVENT_FAILED, trial, message);
}

/* The newest checkpoint that the trainer takes; what it refuses is reported, and dropped.
 * HPX_NOT_FOUND if there is none. */
static hpx_status find_checkpoint(hpx_job *job, struct build *build, const struct trial *trial,
                                  hpx_error *error)
{
    const hpx_source *source = hpx_experiment_source(build->experiment, trial->cell);
    hpx_fields manifest = {0};
    hpx_experiment_fields(&manifest, build->experiment, trial->cell, trial->seed);
    hpx_manifest_set_binary_fields(&manifest, &build->binary);
    hpx_status status, refused = HPX_OK;
    const uint32_t newest = build->options->again ? trial->epoch : job->to - 1;
    do {
        hpx_error why;
        hpx_blob_close(&job->checkpoint);
        status = hpx_store_newest_checkpoint(&job->from, &job->checkpoint, build->store, &trial->key, newest,
                                             error);
        if (status)
            break;
        refused =
            hpx_manifest_check_checkpoint(&manifest, &source->record, job->from, &job->checkpoint, &why);
        if (refused)
            status = hpx_store_reject(build->store, &trial->key, job->from, why.message, error);
    } while (!status && refused);
    if (!status)
        status = hpx_blob_hash(&job->checkpoint_hash, &job->checkpoint, error);
    hpx_fields_free(&manifest);
    if (status == HPX_NOT_FOUND)
        job->from = 0;
    return status;
}

/* Manifest, key and paths: there the trainer is the workers' own. */
static void name_job(hpx_job *out, const struct build *build, const struct trial *trial)
{
    const hpx_source *source = hpx_experiment_source(build->experiment, trial->cell);
    hpx_fields manifest = {0};
    hpx_experiment_fields(&manifest, build->experiment, trial->cell, trial->seed);
    hpx_manifest_set_binary_fields(&manifest, &build->binary);
    hpx_fields_encode(&out->manifest, &manifest);
    hpx_fields_free(&manifest);
    out->key = hpx_hash_of(out->manifest.data, out->manifest.size);
    for (size_t i = 0; i < source->count; i++)
        out->paths[out->path_count++] = hpx_strdup(source->inputs[i].path);
}

static hpx_status start(struct build *build, struct trial *trial, hpx_error *error)
{
    const hpx_source *source = hpx_experiment_source(build->experiment, trial->cell);
    hpx_job job = {.to = trial->to = trial_target(trial), .checkpoint = HPX_NO_BLOB};
    hpx_status status = put_code(build, error);
    if (!status)
        status = hpx_store_put_record(build->store, HPX_RECORD_DATASET, &source->record, error);
    if (!status && (trial->verdict == HPX_EXTEND || trial->epoch > 0)) {
        const bool first = trial_trained(trial) == 0;
        hpx_status found = find_checkpoint(&job, build, trial, error);
        if (found != HPX_NOT_FOUND)
            status = found;
        else if (first)
            trial->verdict = HPX_TRAIN; /* it turned out to be damaged, and was reported */
        if (first)
            trial->from = trial->epoch = job.from;
        hpx_artifact parent;
        if (!status && first && job.from > 0 &&
            hpx_store_get(&parent, build->store, &trial->key, job.from, NULL, error) == HPX_OK) {
            ledger_past(&build->ledger, trial)->parent_seconds = parent.total_seconds;
            hpx_artifact_free(&parent);
        }
    }
    if (!status) {
        name_job(&job, build, trial);
        status = build->executor->submit(build->executor, &job, &trial->key, error);
    }
    hpx_job_free(&job);
    if (!status) {
        trial->state = TRIAL_RUNNING;
        hpx_dispatch_start(build->dispatch, &trial->task);
        emit(build, HPX_EVENT_STARTED, trial, NULL);
    }
    return status;
}

/* Takes the trial for this process, and looks it up again: whoever had it before may have finished it. */
static hpx_status claim(bool *claimed, struct build *build, struct trial *trial, hpx_error *error)
{
    hpx_status status = hpx_store_claim(claimed, build->store, &trial->key, error);
    if (status || !*claimed)
        return status;
    hpx_buffer manifest = {0};
    add_manifest(&manifest, build, trial);
    status = consult(build, trial, trial_target(trial), &manifest, error);
    hpx_buffer_free(&manifest);
    if (status || trial->state == TRIAL_KNOWN)
        hpx_store_release(build->store, &trial->key);
    return status;
}

static hpx_status start_claimed(struct build *build, struct trial *trial, hpx_error *error)
{
    hpx_status status = start(build, trial, error);
    if (status)
        hpx_store_release(build->store, &trial->key);
    return status;
}

/* A speculative trial gives its slot up. The epochs it has finished are stored, and it can go on from there.
 */
static void stop(struct build *build, struct trial *trial)
{
    build->executor->stop(build->executor, &trial->key);
    hpx_store_release(build->store, &trial->key);
    hpx_dispatch_end(build->dispatch, &trial->task);
    trial->state = TRIAL_WAITING;
    emit(build, HPX_EVENT_STOPPED, trial, NULL);
}

/* Gives trials that are needed to workers. One that another process has claimed is looked at again in the
 * next round: by then its result may be in the store, or its owner dead. */
static hpx_status dispatch(struct build *build, hpx_error *error)
{
    hpx_status status = HPX_OK;
    hpx_task *task, *instead;
    hpx_dispatch_resume(build->dispatch);
    while (!status && !build->stopping && (task = hpx_dispatch_next(build->dispatch, &instead))) {
        struct trial *trial = (struct trial *)task;
        bool claimed;
        status = claim(&claimed, build, trial, error);
        if (status)
            break;
        if (!claimed) {
            build->aside = trial;
            hpx_dispatch_set_aside(build->dispatch, task);
        } else if (trial->state == TRIAL_KNOWN) {
            hpx_dispatch_end(build->dispatch, task);
        } else {
            if (instead)
                stop(build, (struct trial *)instead);
            status = start_claimed(build, trial, error);
        }
    }
    return status;
}

/* What the searches may come to next and the store has not. */
static hpx_status speculate(const hpx_request **requests, size_t *count, struct build *build,
                            hpx_error *error)
{
    do {
        *count = hpx_plan_speculate(build->plan, build->options->jobs, requests);
        for (size_t i = 0; i < *count; i++) {
            if (ledger_has(&build->ledger, (*requests)[i]))
                continue;
            ledger_add(&build->ledger, (*requests)[i], look_up_speculative, build);
            add(&build->speculated, (*requests)[i]);
        }
        if (build->store_status) {
            *error = build->store_error;
            return build->store_status;
        }
    } while (take_finished(build, &build->speculated, hpx_plan_hint) > 0);
    return HPX_OK;
}

/* Gives workers that would idle what may come to be needed. What another process has claimed is left to it.
 */
static hpx_status dispatch_speculative(struct build *build, hpx_error *error)
{
    const hpx_request *requests;
    size_t count, seeds = build->recipe->seed_count;
    if (!build->speculative || build->stopping || hpx_dispatch_count(build->dispatch).idle == 0)
        return HPX_OK;
    hpx_status status = speculate(&requests, &count, build, error);
    for (size_t i = 0; i < count * seeds && !status; i++) {
        struct trial *trial = ledger_trial(&build->ledger, requests[i / seeds], i % seeds);
        bool claimed;
        if (hpx_dispatch_count(build->dispatch).idle == 0)
            break;
        if (trial->state != TRIAL_WAITING || trial->task.state != HPX_TASK_IDLE)
            continue;
        status = claim(&claimed, build, trial, error);
        if (!status && claimed && trial->state == TRIAL_WAITING)
            status = start_claimed(build, trial, error);
    }
    return status;
}

static hpx_status store_epoch(struct build *build, struct trial *trial, const hpx_result *result,
                              hpx_error *error)
{
    hpx_artifact artifact = {
        .key = result->key,
        .epoch = result->epoch,
        .parent = result->parent,
        .metrics = result->metrics,
        .output = result->output,
        .code = build->code,
        .dataset = hpx_record_id(&hpx_experiment_source(build->experiment, trial->cell)->record),
        .seed = trial->seed,
        .started_ns = result->started_ns,
        .seconds = result->seconds,
        .total_seconds = trial->past->parent_seconds + trial->past->seconds + result->seconds,
    };
    hpx_buffer pairs = {0};
    hpx_experiment_cell(&pairs, build->experiment, trial->cell);
    artifact.cell = hpx_cell_of(&pairs);
    memcpy(artifact.host, result->host, sizeof artifact.host);
    memcpy(artifact.failure, result->failure, sizeof artifact.failure);
    const hpx_recipe *recipe = build->recipe;
    hpx_put_options keep = {recipe->keep, recipe->objective,
                            .last = result->epoch >= trial_target(trial) || *result->failure};
    hpx_buffer manifest = {0};
    add_manifest(&manifest, build, trial);
    hpx_status status = hpx_store_put(build->store, &manifest, &artifact,
                                      *result->failure ? NULL : &result->checkpoint, &keep, error);
    hpx_buffer_free(&manifest);
    hpx_buffer_free(&pairs);
    if (status)
        return status;
    if (result->epoch > trial->epoch || *result->failure)
        trial->epoch = result->epoch;
    struct past *past = ledger_past(&build->ledger, trial);
    past->value = hpx_objective_value(&recipe->objective, &result->metrics);
    past->seconds += result->seconds;
    if (!*result->failure)
        ledger_note(&build->ledger, trial, result->epoch, past->value);
    note_failure(build, trial, result->failure);
    build->spent_seconds += result->seconds;
    build->spent_macs +=
        trial->past->failure ? 0 : (double)trial->macs_per_epoch; /* it need not be a whole epoch */
    emit(build, HPX_EVENT_EPOCH, trial, NULL);
    return HPX_OK;
}

/* A trial for which there was no memory beside others is tried once more without them. */
static void lose_for_memory(struct build *build, struct trial *trial, const char *message)
{
    if (trial->task.alone || trial->task.speculative || !trial->task.accompanied || build->stopping) {
        lose(build, trial, HPX_FAILED, message);
        return;
    }
    char *again = hpx_format("%s; once more, alone", message);
    hpx_store_release(build->store, &trial->key);
    trial->state = TRIAL_WAITING;
    trial->task.alone = true;
    emit(build, HPX_EVENT_POSTPONED, trial, again);
    need(build, trial, 0);
    free(again);
}

/* A job has come to its last epoch. More may have been asked of the trial since it began. */
static void end_job(struct build *build, struct trial *trial)
{
    if (trial_target(trial) == 0) {
        finish(build, trial);
        return;
    }
    hpx_store_release(build->store, &trial->key);
    trial->state = TRIAL_WAITING;
    if (!trial->task.speculative)
        need(build, trial, 0);
}

static hpx_status receive(void *context, const hpx_result *result, hpx_error *error)
{
    struct build *build = context;
    struct trial *trial = ledger_find(&build->ledger, &result->key);
    assert(trial);
    if (result->kind != HPX_MESSAGE_EPOCH)
        hpx_dispatch_end(build->dispatch, &trial->task);
    if (trial->state == TRIAL_ACCIDENT)
        return HPX_OK; /* by an output that differs: what its worker still sends is not wanted */
    if (result->kind == HPX_MESSAGE_EPOCH) {
        hpx_status status = store_epoch(build, trial, result, error);
        if (status != HPX_DIFFERS)
            return status;
        lose(build, trial, status, error->message);
        return HPX_OK;
    }
    double value;
    if (result->kind == HPX_MESSAGE_DONE && trial_answer(&value, trial, trial->to))
        end_job(build, trial);
    else if (is_interrupted(build))
        return HPX_OK; /* the signal may have ended the worker, too */
    else if (result->kind == HPX_MESSAGE_MEMORY)
        lose_for_memory(build, trial, result->message);
    else
        lose(build, trial, HPX_FAILED,
             result->kind == HPX_MESSAGE_DONE ? "its worker ended before the last epoch" : result->message);
    return HPX_OK;
}

/* Takes in what the workers have finished. */
static hpx_status end_interrupted(struct build *build, hpx_error *error)
{
    hpx_status status = build->executor->wait(build->executor, 0, receive, build, error);
    return status ? status
                  : hpx_error_set(error, HPX_INTERRUPTED, "interrupted; every finished epoch is stored");
}

/* How long to wait for workers: not at all when a trial has been found stored, and briefly for other
 * processes, whose results nobody announces. */
static int patience_ms(const hpx_dispatch_counts *counts)
{
    if (counts->running + counts->waiting == 0)
        return 0;
    return counts->aside > 0 ? ELSEWHERE_MS : TICK_MS;
}

/* Says for whom this build has been waiting for a second, and again when that is another. */
static void note_waiting(struct build *build, const hpx_dispatch_counts *counts)
{
    double now = hpx_clock_seconds();
    if (counts->running > 0 || counts->aside == 0)
        build->waiting_since = 0;
    else if (build->waiting_since == 0)
        build->waiting_since = now;
    if (build->waiting_since == 0 || now - build->waiting_since < SILENT_SECONDS)
        return;
    char *who = hpx_store_claimant(build->store, &build->aside->key);
    if (who && (!build->waiting_for || strcmp(who, build->waiting_for) != 0)) {
        char *message = hpx_format("waiting for %s, which trains it", who);
        emit(build, HPX_EVENT_WAITING, build->aside, message);
        free(message);
        free(build->waiting_for);
        build->waiting_for = who;
        who = NULL;
    }
    free(who);
}

static hpx_status train(struct build *build, hpx_error *error)
{
    hpx_status status = HPX_OK;
    while (!status) {
        tell_finished(build);
        if (!build->stopping)
            status = follow(build, error);
        if (!status && is_interrupted(build))
            status = end_interrupted(build, error);
        if (!status)
            status = dispatch(build, error);
        if (!status)
            status = dispatch_speculative(build, error);
        /* A speculative trial that still runs is not waited for. */
        hpx_dispatch_counts counts = hpx_dispatch_count(build->dispatch);
        if (status || (counts.running == 0 && (build->stopping || build->open.count == 0)))
            break;
        note_waiting(build, &counts);
        status = build->executor->wait(build->executor, patience_ms(&counts), receive, build, error);
        if (!status)
            emit(build, HPX_EVENT_TICK, NULL, NULL);
    }
    return status;
}

/* Builds that trained something are worth a line in the log. */
static hpx_status log_build(struct build *build, const hpx_outcome *outcome, int64_t started_ns,
                            hpx_status result, hpx_error *error)
{
    if (build->spent_seconds == 0)
        return HPX_OK;
    hpx_fields entry = {0};
    hpx_fields_set_bytes(&entry, "recipe", build->recipe->path, strlen(build->recipe->path));
    hpx_fields_set_count(&entry, "started", (uint64_t)started_ns);
    hpx_fields_set_real(&entry, "seconds", (double)(hpx_clock_ns() - started_ns) * 1e-9);
    hpx_fields_set_hash(&entry, "code", &build->code);
    hpx_fields_set_count(&entry, "trained", outcome->trained);
    hpx_fields_set_count(&entry, "extended", outcome->extended);
    hpx_fields_set_count(&entry, "failed", outcome->failed);
    hpx_fields_set_count(&entry, "status", (uint64_t)result);
    hpx_status status = hpx_store_log_build(build->store, &entry, error);
    hpx_fields_free(&entry);
    return status;
}

static void describe_origin(hpx_outcome *outcome, const hpx_experiment *experiment, const hpx_fields *binary)
{
    hpx_code_summary(&outcome->code, &hpx_code_built, hpx_experiment_recipe(experiment)->trainer->sources);
    for (size_t i = 0; i < binary->count; i++)
        if (strncmp(binary->fields[i].name, "numerics.", 9) == 0)
            hpx_fields_set(&outcome->numerics, &binary->fields[i]);
    const hpx_fields *record = &hpx_experiment_source(experiment, 0)->record;
    outcome->absent = hpx_experiment_source(experiment, 0)->absent;
    for (size_t i = 0; i < record->count; i++)
        hpx_fields_set(&outcome->dataset, &record->fields[i]);
}

hpx_status hpx_build(hpx_outcome **out, const hpx_recipe *recipe, const hpx_recipe_search *const *searches,
                     size_t search_count, const hpx_source_options *source_options,
                     const hpx_build_options *options, hpx_error *error)
{
    struct pace pace;
    *out = NULL;
    int64_t started_ns = hpx_clock_ns();
    struct build build = {.recipe = recipe, .options = options, .store = source_options->store};
    hpx_status status = hpx_experiment_open(&build.experiment, recipe, source_options, error);
    if (status)
        return status;
    build.executor = hpx_executor_local(options->program, options->jobs);
    status = build.executor->binary(&build.binary, build.executor, recipe->trainer, error);
    if (!status)
        hpx_experiment_set_binary(build.experiment, &build.binary);
    ledger_init(&build.ledger, build.experiment);
    build.reasons = (struct reasons){.experiment = build.experiment, .store = build.store};
    build.plan = hpx_plan_new(recipe, searches, search_count, hpx_experiment_macs, build.experiment);
    build.dispatch = hpx_dispatch_new(build.executor->capacity(build.executor));
    build.speculative = options->speculative && options->jobs > 1 && !options->again;
    if (!status)
        status = options->dry ? follow(&build, error) : train(&build, error);
    if (options->dry)
        pace_find(&pace, &build.ledger, build.store);
    *out = outcome_of(build.plan, &build.ledger, options->dry ? &pace : NULL);
    describe_origin(*out, build.experiment, &build.binary);
    memcpy((*out)->other_trainer, build.reasons.other, sizeof build.reasons.other);
    if (!options->dry) {
        hpx_error log_error;
        hpx_status logged = log_build(&build, *out, started_ns, status, &log_error);
        if (!logged)
            logged = hpx_store_is_there(build.store, &log_error);
        if (logged && !status)
            *error = log_error, status = logged;
    }
    if (!status && build.failure)
        status = hpx_error_set(error, build.failure, "%zu of %zu trials failed", (*out)->accidents,
                               (*out)->accidents + build.trained);
    for (size_t i = 0; i < build.ledger.count; i++)
        if (ledger_at(&build.ledger, i)->state == TRIAL_RUNNING)
            hpx_store_release(build.store, &ledger_at(&build.ledger, i)->key);
    build.executor->close(build.executor);
    hpx_fields_free(&build.binary);
    hpx_dispatch_free(build.dispatch);
    hpx_plan_free(build.plan);
    reasons_free(&build.reasons);
    hpx_experiment_free(build.experiment);
    free(build.open.at);
    free(build.waiting_for);
    free(build.speculated.at);
    return status;
}
