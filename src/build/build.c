#include "hpx/build.h"

#include "ledger.h"

#include "hpx/code.h"
#include "hpx/executor.h"
#include "hpx/memory.h"
#include "hpx/neighbours.h"
#include "hpx/store.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS      200
#define ELSEWHERE_MS 20

struct build {
    const hpx_recipe *recipe;
    const hpx_build_options *options;
    hpx_store *store; /* NULL: an empty one */
    hpx_experiment *experiment;
    hpx_plan *plan;
    struct ledger ledger;
    hpx_executor *executor;
    struct trial **waiting; /* of the ledger, not yet given to a worker */
    size_t waiting_count, waiting_capacity;
    uint32_t *open_cells; /* added, not yet told */
    size_t open_count, open_capacity;
    size_t cells_seen, trained;
    double spent_seconds, spent_macs; /* of epochs trained in this run */
    hpx_hash code;                    /* id of this binary's code record, once it is stored */
    bool stopping;                    /* give out nothing more */
    hpx_status failure;               /* of a trial */
    hpx_error store_error;            /* of the last lookup that failed */
    hpx_status store_status;
};

static void add_manifest(hpx_buffer *out, const struct build *build, const struct trial *trial)
{
    hpx_experiment_manifest(out, build->experiment, trial->cell, trial->seed);
}

/* Looks the trial up: known, or what it would take. */
static hpx_status consult(const struct build *build, struct trial *trial, const hpx_buffer *manifest,
                          hpx_error *error)
{
    uint32_t epochs = build->recipe->epochs;
    hpx_artifact artifact;
    if (build->options->again)
        return HPX_OK;
    hpx_status status = hpx_verdict_find(&trial->verdict, &trial->from, &artifact, build->store, &trial->key,
                                         manifest, epochs, error);
    if (!status && trial->verdict == HPX_HIT) {
        trial->state = TRIAL_KNOWN;
        trial->epoch = epochs;
        trial->metrics = artifact.metrics;
        trial->seconds = artifact.total_seconds;
    }
    return status;
}

static void look_up(void *context, struct trial *trial, const hpx_buffer *manifest)
{
    struct build *build = context;
    hpx_error error;
    hpx_status status = consult(build, trial, manifest, &error);
    if (status && !build->store_status) {
        build->store_status = status;
        build->store_error = error;
    }
    if (trial->state == TRIAL_KNOWN)
        return;
    build->waiting =
        hpx_grow(build->waiting, &build->waiting_capacity, build->waiting_count + 1, sizeof *build->waiting);
    build->waiting[build->waiting_count++] = trial;
}

/* Tells the plan about every open cell whose trials have all ended. */
static void tell_finished(struct build *build)
{
    size_t kept = 0;
    for (size_t i = 0; i < build->open_count; i++) {
        uint32_t cell = build->open_cells[i];
        double mean, sd;
        if (ledger_score(&mean, &sd, &build->ledger, cell)) {
            hpx_plan_tell(build->plan, cell, mean);
            build->cells_seen++;
        } else {
            build->open_cells[kept++] = cell;
        }
    }
    build->open_count = kept;
}

/* Follows the searches as far as what is known decides. */
static hpx_status follow(struct build *build, hpx_error *error)
{
    for (;;) {
        const uint32_t *cells;
        size_t count = hpx_plan_wanted(build->plan, &cells);
        if (count == 0)
            return HPX_OK;
        for (size_t i = 0; i < count; i++) {
            ledger_add_cell(&build->ledger, cells[i], look_up, build);
            build->open_cells =
                hpx_grow(build->open_cells, &build->open_capacity, build->open_count + 1, sizeof(uint32_t));
            build->open_cells[build->open_count++] = cells[i];
        }
        if (build->store_status) {
            *error = build->store_error;
            return build->store_status;
        }
        tell_finished(build);
    }
}

static uint64_t macs_left(const struct build *build, const struct trial *trial)
{
    uint32_t from = trial->epoch > trial->from ? trial->epoch : trial->from;
    return (build->recipe->epochs - from) * trial->macs_per_epoch;
}

static double seconds_left(const struct build *build)
{
    if (build->spent_macs == 0)
        return NAN;
    double macs = 0, longest = 0;
    for (size_t i = 0; i < build->ledger.count; i++) {
        const struct trial *trial = build->ledger.trials[i];
        if (trial->state != TRIAL_WAITING && trial->state != TRIAL_RUNNING)
            continue;
        double left = (double)macs_left(build, trial);
        macs += left;
        longest = left > longest ? left : longest;
    }
    double spread = macs / (double)build->options->jobs;
    return (spread > longest ? spread : longest) * build->spent_seconds / build->spent_macs;
}

static void emit(struct build *build, hpx_event_kind kind, const struct trial *trial, const char *message)
{
    if (!build->options->event)
        return;
    hpx_event event = {
        .kind = kind,
        .message = message,
        .epochs = build->recipe->epochs,
        .value = NAN,
        .done = build->trained,
        .running = hpx_executor_running(build->executor),
        .waiting = build->waiting_count,
        .cells_seen = build->cells_seen,
        .seconds_left = seconds_left(build),
    };
    hpx_buffer cell = {0};
    if (trial) {
        hpx_experiment_cell_text(&cell, build->experiment, trial->cell);
        event.cell = hpx_buffer_text(&cell);
        event.seed = trial->seed;
        event.verdict = trial->verdict;
        event.from = trial->from;
        event.epoch = trial->epoch;
        if (trial->epoch > trial->from)
            event.value = trial->metrics.values[build->recipe->objective];
    }
    build->options->event(build->options->context, &event);
    hpx_buffer_free(&cell);
}

static hpx_status put_code(struct build *build, hpx_error *error)
{
    if (!hpx_hash_is_zero(&build->code))
        return HPX_OK;
    hpx_fields fields = {0};
    hpx_code_fields(&fields, &hpx_code_built);
    hpx_status status = hpx_store_put_record(build->store, HPX_RECORD_CODE, &fields, error);
    if (!status)
        build->code = hpx_record_id(&fields);
    hpx_fields_free(&fields);
    return status;
}

/* A trial ends without its result: the searches go on without it, or no more is given out. */
static void fail(struct build *build, struct trial *trial, hpx_status status, const char *message)
{
    trial->state = TRIAL_FAILED;
    hpx_store_release(build->store, &trial->key);
    if (build->failure != HPX_DIFFERS)
        build->failure = status;
    build->stopping = build->stopping || !build->options->keep_going;
    emit(build, HPX_EVENT_FAILED, trial, message);
}

static hpx_status start(struct build *build, struct trial *trial, hpx_error *error)
{
    const hpx_source *source = hpx_experiment_source(build->experiment, trial->cell);
    hpx_job job = {.key = trial->key, .to = build->recipe->epochs};
    hpx_status status = put_code(build, error);
    if (!status)
        status = hpx_store_put_record(build->store, HPX_RECORD_DATASET, &source->record, error);
    if (!status && trial->verdict == HPX_EXTEND) {
        hpx_status found = hpx_store_newest_checkpoint(&job.from, &job.checkpoint, build->store, &trial->key,
                                                       job.to - 1, error);
        if (found == HPX_NOT_FOUND)
            trial->verdict = HPX_TRAIN; /* it turned out to be damaged, and was reported */
        else
            status = found;
        trial->from = job.from;
        hpx_artifact parent;
        if (!status && job.from > 0 &&
            hpx_store_get(&parent, build->store, &trial->key, job.from, NULL, error) == HPX_OK)
            trial->parent_seconds = parent.total_seconds;
    }
    if (!status) {
        add_manifest(&job.manifest, build, trial);
        for (int role = 0; role < HPX_ROLES; role++)
            job.paths[role] = hpx_strdup(source->paths[role]);
        status = hpx_executor_submit(build->executor, &job, error);
    }
    hpx_job_free(&job);
    if (!status) {
        trial->state = TRIAL_RUNNING;
        emit(build, HPX_EVENT_STARTED, trial, NULL);
    }
    return status;
}

static void remove_waiting(struct build *build, size_t at)
{
    build->waiting_count--;
    memmove(build->waiting + at, build->waiting + at + 1,
            (build->waiting_count - at) * sizeof(struct trial *));
}

/* The longest waiting trial that no other process has claimed in this round. */
static size_t longest_waiting(const struct build *build)
{
    size_t longest = SIZE_MAX;
    for (size_t i = 0; i < build->waiting_count; i++)
        if (!build->waiting[i]->elsewhere &&
            (longest == SIZE_MAX ||
             macs_left(build, build->waiting[i]) > macs_left(build, build->waiting[longest])))
            longest = i;
    return longest;
}

/* Gives waiting trials to idle workers, the longest first, so that none is left to run alone at the end. A
 * trial that another process has claimed is looked at again in the next round: by then its result may be in
 * the store, or its owner dead. */
static hpx_status give_out(struct build *build, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < build->waiting_count; i++)
        build->waiting[i]->elsewhere = false;
    while (!status && !build->stopping && hpx_executor_has_room(build->executor)) {
        size_t longest = longest_waiting(build);
        if (longest == SIZE_MAX)
            break;
        struct trial *trial = build->waiting[longest];
        bool claimed;
        status = hpx_store_claim(&claimed, build->store, &trial->key, error);
        if (status)
            break;
        trial->elsewhere = !claimed;
        if (!claimed)
            continue;
        /* Whoever had the claim before may have finished since the trial was looked up. */
        hpx_buffer manifest = {0};
        add_manifest(&manifest, build, trial);
        status = consult(build, trial, &manifest, error);
        hpx_buffer_free(&manifest);
        remove_waiting(build, longest);
        if (!status && trial->state != TRIAL_KNOWN)
            status = start(build, trial, error);
        if (trial->state != TRIAL_RUNNING)
            hpx_store_release(build->store, &trial->key);
    }
    return status;
}

/* Copies as much of a text as fits, up to the end of a character: a record is read only if it is UTF-8. */
static void copy_text(char *out, size_t room, const char *text)
{
    size_t length = strlen(text);
    if (length >= room) {
        length = room - 1;
        while (length > 0 && (text[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(out, text, length);
    out[length] = 0;
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
        .total_seconds = trial->parent_seconds + trial->seconds + result->seconds,
    };
    hpx_buffer cell = {0};
    hpx_experiment_cell_text(&cell, build->experiment, trial->cell);
    copy_text(artifact.cell, sizeof artifact.cell, hpx_buffer_text(&cell));
    hpx_buffer_free(&cell);
    memcpy(artifact.host, result->host, sizeof artifact.host);
    const hpx_recipe *recipe = build->recipe;
    hpx_put_options keep = {recipe->keep, recipe->objective, .last = result->epoch == recipe->epochs};
    hpx_buffer manifest = {0};
    add_manifest(&manifest, build, trial);
    hpx_status status = hpx_store_put(build->store, &manifest, &artifact, result->checkpoint,
                                      result->checkpoint_size, &keep, error);
    hpx_buffer_free(&manifest);
    if (status)
        return status;
    trial->epoch = result->epoch;
    trial->metrics = result->metrics;
    trial->seconds += result->seconds;
    build->spent_seconds += result->seconds;
    build->spent_macs += (double)trial->macs_per_epoch;
    emit(build, HPX_EVENT_EPOCH, trial, NULL);
    return HPX_OK;
}

static hpx_status receive(void *context, const hpx_result *result, hpx_error *error)
{
    struct build *build = context;
    struct trial *trial = ledger_find(&build->ledger, &result->key);
    assert(trial);
    if (trial->state == TRIAL_FAILED)
        return HPX_OK; /* by an output that differs: what its worker still sends is not wanted */
    if (result->kind == HPX_MESSAGE_EPOCH) {
        hpx_status status = store_epoch(build, trial, result, error);
        if (status != HPX_DIFFERS)
            return status;
        fail(build, trial, status, error->message);
        return HPX_OK;
    }
    if (result->kind == HPX_MESSAGE_DONE && trial->epoch == build->recipe->epochs) {
        trial->state = TRIAL_KNOWN;
        hpx_store_release(build->store, &trial->key);
        build->trained++;
        emit(build, HPX_EVENT_DONE, trial, NULL);
    } else {
        fail(build, trial, HPX_FAILED,
             result->kind == HPX_MESSAGE_DONE ? "its worker ended before the last epoch" : result->message);
    }
    return HPX_OK;
}

static bool is_interrupted(const struct build *build)
{
    return build->options->interrupted && *build->options->interrupted;
}

/* Takes in what the workers have finished, also what has arrived in part. */
static hpx_status drain(struct build *build, hpx_error *error)
{
    hpx_status status = HPX_OK;
    hpx_executor_mark(build->executor);
    while (!status && hpx_executor_is_receiving(build->executor))
        status = hpx_executor_wait(build->executor, TICK_MS, receive, build, error);
    return status;
}

/* How long to wait for workers: not at all when a trial has been found stored, and briefly for other
 * processes, whose results nobody announces. */
static int patience_ms(const struct build *build, bool idle)
{
    if (idle && build->waiting_count == 0)
        return 0;
    for (size_t i = 0; i < build->waiting_count; i++)
        if (build->waiting[i]->elsewhere)
            return ELSEWHERE_MS;
    return TICK_MS;
}

static hpx_status train(struct build *build, hpx_error *error)
{
    hpx_status status = HPX_OK;
    while (!status) {
        tell_finished(build);
        if (!build->stopping)
            status = follow(build, error);
        if (!status)
            status = give_out(build, error);
        bool idle = hpx_executor_running(build->executor) == 0;
        if (status || (idle && (build->stopping || build->open_count == 0)))
            break;
        status = hpx_executor_wait(build->executor, patience_ms(build, idle), receive, build, error);
        if (!status && is_interrupted(build)) {
            status = drain(build, error);
            if (!status)
                status = hpx_error_set(error, HPX_INTERRUPTED, "interrupted; every finished epoch is stored");
        }
        if (!status)
            emit(build, HPX_EVENT_TICK, NULL, NULL);
    }
    return status;
}

/* Builds that trained something are worth a line in the log. */
static hpx_status log_build(struct build *build, const hpx_outcome *outcome, int64_t started_ns,
                            hpx_status result, hpx_error *error)
{
    if (build->spent_macs == 0)
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

static void describe_origin(hpx_outcome *outcome, const hpx_experiment *experiment)
{
    hpx_code_fields(&outcome->code, &hpx_code_built);
    hpx_numerics(&outcome->numerics);
    const hpx_fields *record = &hpx_experiment_source(experiment, 0)->record;
    for (size_t i = 0; i < record->count; i++)
        hpx_fields_set(&outcome->dataset, &record->fields[i]);
}

hpx_status hpx_build(hpx_outcome **out, const hpx_recipe *recipe, const hpx_recipe_search *const *searches,
                     size_t search_count, const hpx_source_options *source_options,
                     const hpx_build_options *options, hpx_error *error)
{
    *out = NULL;
    int64_t started_ns = hpx_clock_ns();
    struct build build = {.recipe = recipe, .options = options, .store = source_options->store};
    hpx_status status = hpx_experiment_open(&build.experiment, recipe, source_options, false, error);
    if (status)
        return status;
    ledger_init(&build.ledger, build.experiment);
    build.plan = hpx_plan_new(recipe, searches, search_count, hpx_experiment_macs, build.experiment);
    build.executor = hpx_executor_new(options->program, options->jobs);
    status = options->dry ? follow(&build, error) : train(&build, error);
    *out = outcome_of(build.plan, &build.ledger, options->dry);
    describe_origin(*out, build.experiment);
    if (!options->dry) {
        hpx_error log_error;
        if (log_build(&build, *out, started_ns, status, &log_error) && !status)
            *error = log_error, status = log_error.status;
    }
    if (!status && build.failure)
        status = hpx_error_set(error, build.failure, "%zu of %zu trials failed", (*out)->failed,
                               (*out)->failed + build.trained);
    for (size_t i = 0; i < build.ledger.count; i++)
        if (build.ledger.trials[i]->state == TRIAL_RUNNING)
            hpx_store_release(build.store, &build.ledger.trials[i]->key);
    hpx_executor_free(build.executor);
    hpx_plan_free(build.plan);
    ledger_free(&build.ledger);
    hpx_experiment_free(build.experiment);
    free(build.waiting);
    free(build.open_cells);
    return status;
}
