/* What happens to a trial of a build: it is looked up, needed, claimed, started, stored epoch by epoch, and ends. */
#include "inside.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "hpx/verdict.h"
#include "identity/manifest.h"

#include <stdlib.h>
#include <string.h>

static void add_manifest(hpx_buffer *out, const struct build *build, const struct trial *trial)
{
    hpx_experiment_manifest(out, build->experiment, trial->cell, trial->seed, trial->asked);
}

/* It has an end before its last epoch: it failed, or it stopped. */
static void note_end(struct build *build, struct trial *trial, const char *failure, const char *stopped)
{
    struct past *past = *failure || *stopped ? hpx_ledger_past(&build->ledger, trial) : NULL;
    if (*failure)
        past->failure = hpx_arena_strndup(build->ledger.arena, failure, strlen(failure));
    if (*stopped)
        past->stopped = true;
}

/* A stored result without the objective failed for that reason alone: said of the first, for whoever has misspelt a name. */
static void say_lack(struct build *build, const struct trial *trial, const hpx_metrics *metrics)
{
    const char *objective = build->recipe->objective.name;
    hpx_buffer text = {0};
    if (build->said_lack || metrics->count == 0 || hpx_metrics_has(metrics, objective))
        return;
    build->said_lack = true;
    hpx_recipe_cell_text(&text, build->recipe, trial->cell);
    hpx_buffer_printf(&text, ": what is stored has no %s (it has: ", objective);
    hpx_metrics_show_names(&text, metrics);
    hpx_buffer_puts(&text, ")");
    hpx_build_say(build, "%s", hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

/* What is stored answers for some epochs. It is what the trial has, unless more is known of it already, or more is asked: then
 * its verdict is of that. */
static void note_hit(struct build *build, struct trial *trial, const hpx_artifact *artifact)
{
    const double value = hpx_objective_value(&build->recipe->objective, &artifact->metrics);
    const bool ends = *artifact->failure || *artifact->stopped;
    hpx_ledger_note(&build->ledger, trial, artifact->epoch, value);
    say_lack(build, trial, &artifact->metrics);
    if (artifact->epoch > trial->epoch && (ends || hpx_trial_target(trial) == 0)) {
        struct past *past = hpx_ledger_past(&build->ledger, trial);
        trial->verdict = HPX_HIT;
        trial->epoch = artifact->epoch;
        past->value = value;
        past->seconds = artifact->total_seconds;
        note_end(build, trial, artifact->failure, artifact->stopped);
    }
    if (trial->state != TRIAL_RUNNING && hpx_trial_target(trial) == 0)
        trial->state = TRIAL_KNOWN;
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
        note_hit(build, trial, &artifact);
        hpx_artifact_free(&artifact);
    } else if (hpx_trial_trained(trial) == 0 && trial->state != TRIAL_RUNNING) {
        /* what this run has trained of it is no other's */
        trial->verdict = (uint8_t)verdict;
        trial->from = from;
        trial->epoch = from;
        if (trial->past->seconds > 0)
            hpx_ledger_past(&build->ledger, trial)->seconds = 0;
    }
    return HPX_OK;
}

static void explain(struct build *build, struct trial *trial)
{
    if (trial->state == TRIAL_KNOWN || build->options->others)
        return;
    char *reason = build->options->again ? hpx_strdup("-B") : hpx_reason_for(&build->reasons, trial);
    hpx_ledger_explain(&build->ledger, trial, reason);
    free(reason);
}

#define WANTED_MAX 1024 /* at once: a plan may have millions of trials */

/* The store that others share, as far as it is asked; NULL: it is not. */
static hpx_shared *shared_of(const struct build *build)
{
    return build->options->dry || build->options->again ? NULL : build->options->shared;
}

/* False: the store cannot be read, which ends the build. */
static bool look_up(struct build *build, struct trial *trial, uint32_t epochs, const hpx_buffer *manifest)
{
    hpx_error error;
    hpx_status status = consult(build, trial, epochs, manifest, &error);
    if (status && !build->store_status) {
        build->store_status = status;
        build->store_error = error;
    }
    return !status;
}

void hpx_trials_settle(struct build *build)
{
    struct wanted *wanted = &build->wanted;
    hpx_buffer manifest = {0};
    if (wanted->count > 0)
        build->options->shared->settle(build->options->shared);
    for (size_t i = 0; i < wanted->count; i++) {
        struct trial *trial = wanted->at[i].trial;
        manifest.size = 0;
        add_manifest(&manifest, build, trial);
        if (look_up(build, trial, wanted->at[i].epochs, &manifest))
            explain(build, trial);
    }
    wanted->count = 0;
    hpx_buffer_free(&manifest);
}

static void want(struct build *build, struct trial *trial, uint32_t epochs, const hpx_buffer *manifest)
{
    struct wanted *wanted = &build->wanted;
    wanted->at = hpx_grow(wanted->at, &wanted->capacity, wanted->count + 1, sizeof *wanted->at);
    wanted->at[wanted->count].trial = trial;
    wanted->at[wanted->count++].epochs = epochs;
    build->options->shared->want(build->options->shared, manifest, epochs);
    if (wanted->count == WANTED_MAX)
        hpx_trials_settle(build);
}

void hpx_trial_look_up(void *context, struct trial *trial, uint32_t epochs, const hpx_buffer *manifest)
{
    struct build *build = context;
    hpx_shared *shared = shared_of(build);
    if (!look_up(build, trial, epochs, manifest))
        return;
    if (shared && trial->state == TRIAL_WAITING)
        want(build, trial, epochs, manifest);
    else if (shared && trial->state == TRIAL_KNOWN)
        shared->offer(shared, &trial->key);
    else
        explain(build, trial);
}

void hpx_trial_look_up_speculative(void *context, struct trial *trial, uint32_t epochs,
                                   const hpx_buffer *manifest)
{
    trial->task.speculative = trial->task.state == HPX_TASK_IDLE;
    hpx_trial_look_up(context, trial, epochs, manifest);
}

void hpx_trial_need(struct build *build, struct trial *trial, uint32_t epochs)
{
    bool speculative = trial->task.speculative;
    trial->task.speculative = false;
    trial->needed = epochs > trial->needed ? epochs : trial->needed;
    if (speculative && trial->state == TRIAL_ACCIDENT)
        trial->state = hpx_trial_target(trial) > 0 ? TRIAL_WAITING : TRIAL_KNOWN;
    if (speculative && trial->state == TRIAL_KNOWN && trial->verdict != HPX_HIT) {
        build->trained++;
        if (trial->past->failure)
            hpx_build_say_end(build, trial);
    }
    if (!build->options->dry && (trial->state == TRIAL_WAITING || trial->state == TRIAL_RUNNING)) {
        if (trial->task.state == HPX_TASK_IDLE)
            trial->task.length = hpx_trial_cost_left(trial);
        hpx_dispatch_need(build->dispatch, &trial->task);
    }
}

hpx_status hpx_trial_claim(bool *claimed, struct build *build, struct trial *trial, hpx_error *error)
{
    *claimed = true;
    if (trial->state == TRIAL_KNOWN)
        return HPX_OK; /* while it waited it was looked up for more epochs, and had ended before */
    hpx_status status = hpx_store_claim(claimed, build->store, &trial->key, error);
    if (status || !*claimed)
        return status;
    hpx_buffer manifest = {0};
    add_manifest(&manifest, build, trial);
    status = consult(build, trial, hpx_trial_target(trial), &manifest, error);
    hpx_buffer_free(&manifest);
    if (status || trial->state == TRIAL_KNOWN)
        hpx_store_release(build->store, &trial->key);
    return status;
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

/* There the trainer is the workers' own. */
void hpx_trial_name_job(hpx_job *out, const struct build *build, const struct trial *trial)
{
    const hpx_source *source = hpx_experiment_source(build->experiment, trial->cell);
    hpx_fields manifest = {0};
    hpx_experiment_fields(&manifest, build->experiment, trial->cell, trial->seed);
    hpx_manifest_set_binary_fields(&manifest, &build->binary);
    hpx_fields_encode(&out->manifest, &manifest);
    hpx_fields_free(&manifest);
    hpx_build_add_conditions(&out->conditions, build, trial);
    out->key = hpx_hash_of(out->manifest.data, out->manifest.size);
    for (size_t i = 0; i < source->count; i++)
        out->paths[out->path_count++] = hpx_strdup(source->inputs[i].path);
}

hpx_status hpx_trial_put_records(struct build *build, const struct trial *trial, hpx_error *error)
{
    const hpx_source *source = hpx_experiment_source(build->experiment, trial->cell);
    hpx_hash code;
    hpx_status status = hpx_build_prepare(build, error);
    if (!status)
        status = hpx_build_begin_log(build, error);
    if (!status)
        status = hpx_build_put_code(&code, build, trial->cell, error);
    return status ? status : hpx_store_put_record(build->store, HPX_RECORD_DATASET, &source->record, error);
}

static hpx_status start(struct build *build, struct trial *trial, hpx_error *error)
{
    hpx_job job = {.to = trial->to = hpx_trial_target(trial), .checkpoint = HPX_NO_BLOB};
    hpx_status status = hpx_trial_put_records(build, trial, error);
    if (!status && (trial->verdict == HPX_EXTEND || trial->epoch > 0)) {
        const bool first = hpx_trial_trained(trial) == 0;
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
            hpx_ledger_past(&build->ledger, trial)->parent_seconds = parent.total_seconds;
            hpx_artifact_free(&parent);
        }
    }
    if (!status) {
        hpx_trial_name_job(&job, build, trial);
        status = build->executor->submit(build->executor, &job, &trial->key, error);
    }
    const uint32_t from = job.from;
    hpx_job_free(&job);
    if (!status) {
        trial->state = TRIAL_RUNNING;
        hpx_timeline_start(&build->timeline, &trial->key, (hpx_verdict)trial->verdict,
                           trial->task.speculative, from);
        hpx_dispatch_start(build->dispatch, &trial->task);
        hpx_build_emit(build, HPX_EVENT_STARTED, trial, NULL);
    }
    return status;
}

hpx_status hpx_trial_start(struct build *build, struct trial *trial, hpx_error *error)
{
    hpx_status status = start(build, trial, error);
    if (status)
        hpx_store_release(build->store, &trial->key);
    return status;
}

void hpx_trial_stop(struct build *build, struct trial *trial)
{
    build->executor->stop(build->executor, &trial->key);
    hpx_dispatch_end(build->dispatch, &trial->task);
    hpx_timeline_end(&build->timeline, &trial->key, trial->epoch);
    hpx_trial_end_job(build, trial);
    if (trial->state == TRIAL_WAITING)
        hpx_build_emit(build, HPX_EVENT_STOPPED, trial, NULL);
}

/* An epoch of a trial as the store takes it. */
struct record {
    hpx_buffer manifest, pairs;
    hpx_artifact artifact;
    hpx_put_options options;
};

/* `before`: seconds of epochs of the trial that are stored with this one, and come before it. */
static hpx_status make_record(struct record *out, struct build *build, const struct trial *trial, uint32_t to,
                              const hpx_result *result, double before, hpx_error *error)
{
    const hpx_recipe *recipe = build->recipe;
    const bool ended = *result->failure || *result->stopped;
    hpx_artifact *artifact = &out->artifact;
    *artifact = (hpx_artifact){
        .key = hpx_hash_of(out->manifest.data, out->manifest.size),
        .epoch = result->epoch,
        .parent = result->parent,
        .metrics = result->metrics,
        .output = result->output,
        .conditions = build->conditions_id,
        .dataset = hpx_record_id(&hpx_experiment_source(build->experiment, trial->cell)->record),
        .seed = trial->seed,
        .started_ns = result->started_ns,
        .seconds = result->seconds,
        .total_seconds = trial->past->parent_seconds + trial->past->seconds + before + result->seconds,
    };
    memcpy(artifact->host, result->host, sizeof artifact->host);
    memcpy(artifact->failure, result->failure, sizeof artifact->failure);
    memcpy(artifact->stopped, result->stopped, sizeof artifact->stopped);
    hpx_recipe_cell(&out->pairs, recipe, trial->cell);
    artifact->cell = hpx_cell_of(&out->pairs);
    out->options = (hpx_put_options){
        .keep = recipe->keep,
        .objective = recipe->objective,
        .last = result->epoch >= to || ended,
        .comparison = build->comparison,
        .take_file = recipe->program != NULL, /* the program's room has made it for this */
        .log = result->log.size > 0 ? &result->log : NULL,
    };
    return hpx_build_put_code(&artifact->code, build, trial->cell, error);
}

static hpx_put put_of(const struct record *record, const hpx_result *result)
{
    return (hpx_put){&record->manifest, &record->artifact,
                     result->checkpoint.fd >= 0 ? &result->checkpoint : NULL, &record->options};
}

hpx_status hpx_trial_put_epoch(struct build *build, const struct trial *trial, const hpx_buffer *manifest,
                               uint32_t to, const hpx_result *result, hpx_error *error)
{
    struct record record = {.manifest = *manifest};
    hpx_status status = make_record(&record, build, trial, to, result, 0, error);
    const hpx_put put = put_of(&record, result);
    if (!status)
        status = hpx_store_put_all(build->store, &put, 1, error);
    hpx_buffer_free(&record.pairs);
    return status;
}

hpx_status hpx_trials_put_epochs(struct build *build, const hpx_result *const *results, size_t count,
                                 hpx_error *error)
{
    struct record *records = hpx_alloc(count * sizeof *records);
    hpx_put *puts = hpx_alloc(count * sizeof *puts);
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < count && !status; i++) {
        const struct trial *trial = hpx_ledger_find(&build->ledger, &results[i]->key);
        double before = 0;
        for (size_t j = 0; j < i; j++)
            before += hpx_hash_equal(&results[j]->key, &results[i]->key) ? results[j]->seconds : 0;
        add_manifest(&records[i].manifest, build, trial);
        status = make_record(&records[i], build, trial, hpx_trial_target(trial), results[i], before, error);
        puts[i] = put_of(&records[i], results[i]);
    }
    if (!status)
        status = hpx_store_put_all(build->store, puts, count, error);
    for (size_t i = 0; i < count; i++) {
        hpx_buffer_free(&records[i].manifest);
        hpx_buffer_free(&records[i].pairs);
    }
    free(puts);
    free(records);
    return status;
}

/* The objective of an epoch that has just been stored: that of the run that was stored first. */
static hpx_status find_value(double *out, const struct build *build, const hpx_result *result,
                             hpx_error *error)
{
    hpx_artifact first;
    *out = hpx_objective_value(&build->recipe->objective, &result->metrics);
    if (!build->recipe->program || !build->options->again)
        return HPX_OK;
    hpx_status status = hpx_store_get(&first, build->store, &result->key, result->epoch, NULL, error);
    if (status)
        return status;
    *out = hpx_objective_value(&build->recipe->objective, &first.metrics);
    hpx_artifact_free(&first);
    return HPX_OK;
}

hpx_status hpx_trial_store_epoch(struct build *build, struct trial *trial, const hpx_result *result,
                                 hpx_error *error)
{
    hpx_buffer manifest = {0};
    add_manifest(&manifest, build, trial);
    hpx_status status = hpx_trial_put_epoch(build, trial, &manifest, hpx_trial_target(trial), result, error);
    hpx_buffer_free(&manifest);
    return status ? status : hpx_trial_note_epoch(build, trial, result, error);
}

hpx_status hpx_trial_note_epoch(struct build *build, struct trial *trial, const hpx_result *result,
                                hpx_error *error)
{
    double value;
    hpx_status status = find_value(&value, build, result, error);
    if (status)
        return status;
    if (result->epoch > trial->epoch)
        trial->lost = 0;
    if (result->epoch > trial->epoch || *result->failure || *result->stopped)
        trial->epoch = result->epoch;
    struct past *past = hpx_ledger_past(&build->ledger, trial);
    past->value = value;
    past->seconds += result->seconds;
    if (!*result->failure)
        hpx_ledger_note(&build->ledger, trial, result->epoch, past->value);
    note_end(build, trial, result->failure, result->stopped);
    build->spent_seconds += result->seconds;
    build->spent_cost +=
        trial->past->failure ? 0 : (double)trial->epoch_cost; /* it need not be a whole epoch */
    hpx_build_say_epoch(build, trial, result);
    return HPX_OK;
}

void hpx_trial_end_job(struct build *build, struct trial *trial)
{
    hpx_store_release(build->store, &trial->key);
    if (hpx_trial_target(trial) == 0) { /* it has its result, which may be that it failed */
        trial->state = TRIAL_KNOWN;
        build->trained += !trial->task.speculative;
        if (build->options->shared)
            build->options->shared->offer(build->options->shared, &trial->key);
        hpx_build_say_end(build, trial);
        return;
    }
    trial->state = TRIAL_WAITING;
    if (!trial->task.speculative)
        hpx_trial_need(build, trial, 0);
}

#define WORKERS_MAX        3 /* that are lost over an epoch of a trial before it is its own accident */
#define HOPELESS_ACCIDENTS 3
#define HOPELESS_SECONDS   60

static bool has_stored(const struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++)
        if (ledger_at(ledger, i)->verdict != HPX_TRAIN)
            return true;
    return false;
}

/* A program that cannot run at all fails in every cell. One that has run before can: what an earlier build has left may be
 * the trials that fail. */
static bool is_hopeless(const struct build *build)
{
    return build->recipe->program && build->trained == 0 && build->accidents >= HOPELESS_ACCIDENTS &&
           hpx_clock_seconds() - build->started < HOPELESS_SECONDS && !has_stored(&build->ledger);
}

void hpx_trial_lose(struct build *build, struct trial *trial, hpx_status status, const char *message)
{
    trial->state = TRIAL_ACCIDENT;
    hpx_store_release(build->store, &trial->key);
    trial->task.speculative = trial->task.speculative && status != HPX_DIFFERS;
    if (trial->task.speculative) {
        hpx_build_emit(build, HPX_EVENT_STOPPED, trial, NULL);
        return;
    }
    if (build->failure != HPX_DIFFERS)
        build->failure = status;
    build->accidents++;
    build->stopping = build->stopping || !build->options->keep_going;
    hpx_build_emit(build, HPX_EVENT_FAILED, trial, message);
    if (!build->stopping && is_hopeless(build)) {
        build->stopping = true;
        hpx_build_say(build,
                      "the first trials have all ended by accident: no more are started, in spite of -k");
    }
}

void hpx_trial_lose_for_change(struct build *build, struct trial *trial, const char *message)
{
    char *text = hpx_format("%s; nothing more of this trial is stored", message);
    build->executor->stop(build->executor, &trial->key);
    hpx_dispatch_end(build->dispatch, &trial->task);
    hpx_timeline_end(&build->timeline, &trial->key, trial->epoch);
    hpx_trial_lose(build, trial, HPX_FAILED, text);
    free(text);
}

hpx_status hpx_trial_refuse_checkpoint(struct build *build, struct trial *trial, const char *why,
                                       hpx_error *error)
{
    uint32_t epoch;
    hpx_status status =
        hpx_store_newest_checkpoint_epoch(&epoch, build->store, &trial->key, trial->to - 1, error);
    if (!status)
        status = hpx_store_reject(build->store, &trial->key, epoch, why, error);
    if (status && status != HPX_NOT_FOUND)
        return status;
    hpx_trial_end_job(build, trial);
    return HPX_OK;
}

void hpx_trial_lose_worker(struct build *build, struct trial *trial, const char *message)
{
    if (++trial->lost == WORKERS_MAX) {
        hpx_trial_lose(build, trial, HPX_FAILED, message);
        return;
    }
    char *again = hpx_format("%s; it goes on elsewhere", message);
    hpx_store_release(build->store, &trial->key);
    trial->state = hpx_trial_target(trial) > 0 ? TRIAL_WAITING : TRIAL_KNOWN;
    hpx_build_emit(build, HPX_EVENT_POSTPONED, trial, again);
    if (!trial->task.speculative && trial->state == TRIAL_WAITING)
        hpx_trial_need(build, trial, 0);
    free(again);
}

void hpx_trial_lose_for_memory(struct build *build, struct trial *trial, const char *message)
{
    if (trial->task.alone || trial->task.speculative || !trial->task.accompanied || build->stopping ||
        hpx_trial_target(trial) == 0) {
        hpx_trial_lose(build, trial, HPX_FAILED, message);
        return;
    }
    char *again = hpx_format("%s; once more, alone", message);
    hpx_store_release(build->store, &trial->key);
    trial->state = TRIAL_WAITING;
    trial->task.alone = true;
    hpx_build_emit(build, HPX_EVENT_POSTPONED, trial, again);
    hpx_trial_need(build, trial, 0);
    free(again);
}
