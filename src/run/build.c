#include "inside.h"

#include "pace.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/code.h"
#include "hpx/file.h"
#include "identity/manifest.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS      200
#define ELSEWHERE_MS 20

static bool is_interrupted(const struct build *build)
{
    return build->options->interrupted && *build->options->interrupted;
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
        if (!hpx_ledger_score(&mean, &sd, &build->ledger, list->at[i])) {
            list->at[kept++] = list->at[i];
            continue;
        }
        give(build->plan, list->at[i], mean);
        hpx_build_say_score(build, list->at[i], mean);
    }
    list->count = kept;
    return count - kept;
}

static void tell_finished(struct build *build)
{
    build->cells_seen += take_finished(build, &build->open, hpx_plan_tell);
    take_finished(build, &build->speculated, hpx_plan_hint);
}

/* Follows the searches as far as what is known decides, or until an interrupt. */
static hpx_status follow(struct build *build, hpx_error *error)
{
    for (;;) {
        const hpx_request *requests;
        double mean, sd;
        size_t count = hpx_plan_ask(build->plan, &requests);
        hpx_build_say_decisions(build);
        if (count == 0)
            return HPX_OK;
        for (size_t i = 0; i < count; i++) {
            if (is_interrupted(build))
                return HPX_OK;
            if (!hpx_ledger_has(&build->ledger, requests[i]))
                hpx_ledger_add(&build->ledger, requests[i], hpx_trial_look_up, build);
        }
        hpx_trials_settle(build);
        for (size_t i = 0; i < count; i++) {
            for (size_t seed = 0; seed < build->recipe->seed_count; seed++)
                hpx_trial_need(build, hpx_ledger_trial(&build->ledger, requests[i], seed),
                               requests[i].epochs);
            if (!build->options->dry || hpx_ledger_score(&mean, &sd, &build->ledger, requests[i]))
                add(&build->open, requests[i]);
        }
        if (build->store_status) {
            *error = build->store_error;
            return build->store_status;
        }
        tell_finished(build);
    }
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
        enum proof_gate gate;
        bool claimed;
        status = hpx_proof_gate(&gate, build, trial, error);
        if (status)
            break;
        if (gate == PROOF_ASIDE) {
            hpx_dispatch_set_aside(build->dispatch, task);
            continue;
        }
        status = hpx_trial_claim(&claimed, build, trial, error);
        if (status)
            break;
        if (!claimed) {
            build->aside = trial;
            hpx_dispatch_set_aside(build->dispatch, task);
        } else if (trial->state == TRIAL_KNOWN) {
            hpx_dispatch_end(build->dispatch, task);
        } else {
            if (instead)
                hpx_trial_stop(build, (struct trial *)instead);
            status = gate == PROOF_DUE ? hpx_proof_start(build, trial, error)
                                       : hpx_trial_start(build, trial, error);
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
            if (hpx_ledger_has(&build->ledger, (*requests)[i]))
                continue;
            hpx_ledger_add(&build->ledger, (*requests)[i], hpx_trial_look_up_speculative, build);
            add(&build->speculated, (*requests)[i]);
        }
        hpx_trials_settle(build);
        if (build->store_status) {
            *error = build->store_error;
            return build->store_status;
        }
    } while (take_finished(build, &build->speculated, hpx_plan_hint) > 0);
    return HPX_OK;
}

/* Gives workers that would idle what may come to be needed. What another process has claimed is left to
 * it. */
static hpx_status dispatch_speculative(struct build *build, hpx_error *error)
{
    const hpx_request *requests;
    size_t count, seeds = build->recipe->seed_count;
    if (!build->speculative || build->stopping || hpx_dispatch_count(build->dispatch).idle == 0)
        return HPX_OK;
    hpx_status status = speculate(&requests, &count, build, error);
    for (size_t i = 0; i < count * seeds && !status; i++) {
        struct trial *trial = hpx_ledger_trial(&build->ledger, requests[i / seeds], i % seeds);
        enum proof_gate gate;
        bool claimed = false;
        if (hpx_dispatch_count(build->dispatch).idle == 0)
            break;
        if (trial->state != TRIAL_WAITING || trial->task.state != HPX_TASK_IDLE)
            continue;
        status = hpx_proof_gate(&gate, build, trial, error);
        if (!status && gate == PROOF_OPEN)
            status = hpx_trial_claim(&claimed, build, trial, error);
        if (!status && claimed && trial->state == TRIAL_WAITING)
            status = hpx_trial_start(build, trial, error);
    }
    return status;
}

/* The job of a trial has ended. */
static hpx_status end_job(struct build *build, struct trial *trial, const hpx_result *result,
                          hpx_error *error)
{
    double value;
    if ((result->kind == HPX_MESSAGE_DONE || result->kind == HPX_MESSAGE_LOST) &&
        hpx_trial_answer(&value, trial, trial->to)) {
        hpx_trial_end_job(build, trial);
        return HPX_OK;
    }
    if (is_interrupted(build))
        return HPX_OK; /* the signal may have ended the worker, too */
    if (result->kind == HPX_MESSAGE_REFUSED)
        return hpx_trial_refuse_checkpoint(build, trial, result->message, error);
    char *text = hpx_build_accident_text(result);
    if (result->kind == HPX_MESSAGE_MEMORY)
        hpx_trial_lose_for_memory(build, trial, text);
    else if (result->kind == HPX_MESSAGE_LOST)
        hpx_trial_lose_worker(build, trial, text);
    else
        hpx_trial_lose(build, trial, HPX_FAILED,
                       result->kind == HPX_MESSAGE_DONE ? "its worker ended before the last epoch" : text);
    free(text);
    return HPX_OK;
}

static hpx_status store_epoch(struct build *build, struct trial *trial, const hpx_result *result,
                              hpx_error *error)
{
    if (hpx_experiment_unchanged(build->experiment, error)) {
        hpx_trial_lose_for_change(build, trial, error->message);
        return HPX_OK;
    }
    hpx_status status = hpx_trial_store_epoch(build, trial, result, error);
    if (status != HPX_DIFFERS)
        return status;
    hpx_trial_lose(build, trial, status, error->message);
    return HPX_OK;
}

static hpx_status take(struct build *build, const hpx_result *result, bool stored, hpx_error *error)
{
    struct trial *trial = hpx_ledger_find(&build->ledger, &result->key);
    assert(trial);
    if (hpx_proof_has(build, trial))
        return hpx_proof_take(build, trial, result, error);
    if (hpx_result_is_end(result)) {
        hpx_dispatch_end(build->dispatch, &trial->task);
        hpx_timeline_end(&build->timeline, &trial->key, trial->epoch);
    }
    if (result->kind == HPX_MESSAGE_PROGRESS) {
        hpx_build_say_progress(build, trial, result);
        return HPX_OK;
    }
    if (trial->state == TRIAL_ACCIDENT)
        return HPX_OK; /* by an output that differs: what its worker still sends is not wanted */
    if (result->kind == HPX_MESSAGE_EPOCH)
        return stored ? hpx_trial_note_epoch(build, trial, result, error)
                      : store_epoch(build, trial, result, error);
    return end_job(build, trial, result, error);
}

/* Stores the epochs that have arrived together in one transaction. False: none of them; alone, each says why it cannot be. */
static bool store_arrivals(struct build *build)
{
    const struct arrivals *arrivals = &build->arrivals;
    const hpx_result **epochs = hpx_alloc((arrivals->count + 1) * sizeof *epochs);
    size_t count = 0;
    hpx_error alone;
    for (size_t i = 0; i < arrivals->count; i++) {
        const hpx_result *result = &arrivals->at[i];
        if (result->kind == HPX_MESSAGE_EPOCH &&
            hpx_ledger_find(&build->ledger, &result->key)->state != TRIAL_ACCIDENT)
            epochs[count++] = result;
    }
    const bool stored = count > 1 && hpx_experiment_unchanged(build->experiment, &alone) == HPX_OK &&
                        hpx_trials_put_epochs(build, epochs, count, &alone) == HPX_OK;
    free(epochs);
    return stored;
}

static hpx_status take_arrivals(struct build *build, hpx_error *error)
{
    struct arrivals *arrivals = &build->arrivals;
    const bool stored = store_arrivals(build);
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < arrivals->count; i++) {
        if (!status)
            status = take(build, &arrivals->at[i], stored, error);
        hpx_result_free(&arrivals->at[i]);
    }
    arrivals->count = 0;
    return status;
}

/* Takes a result at once, as all are while the build ends. */
static hpx_status receive(void *context, const hpx_result *result, hpx_error *error)
{
    return take(context, result, false, error);
}

/* Keeps a result until all have come that there are. Not one with a checkpoint, whose worker goes on when it is taken, nor one
 * of a proof, which may end its run: what came before it is taken first. */
static hpx_status arrive(void *context, const hpx_result *result, hpx_error *error)
{
    struct build *build = context;
    struct arrivals *arrivals = &build->arrivals;
    if (result->checkpoint.fd >= 0 || hpx_proof_has(build, hpx_ledger_find(&build->ledger, &result->key))) {
        hpx_status status = take_arrivals(build, error);
        return status ? status : receive(build, result, error);
    }
    arrivals->at = hpx_grow(arrivals->at, &arrivals->capacity, arrivals->count + 1, sizeof *arrivals->at);
    arrivals->at[arrivals->count++] = hpx_result_copy(result);
    return HPX_OK;
}

/* Waits for workers, and takes what has arrived from all of them. */
static hpx_status wait_for_workers(struct build *build, int patience, hpx_error *error)
{
    hpx_error later;
    hpx_status status = build->executor->wait(build->executor, patience, arrive, build, error);
    const hpx_status taken = take_arrivals(build, status ? &later : error);
    return status ? status : taken;
}

/* Takes in what the workers have finished. */
static hpx_status end_interrupted(struct build *build, hpx_error *error)
{
    hpx_status status = wait_for_workers(build, 0, error);
    const hpx_dispatch_counts counts = hpx_dispatch_count(build->dispatch);
    const size_t programs = build->recipe->program ? counts.running + counts.speculative : 0;
    if (programs > 0)
        hpx_build_say(build, "interrupted: %zu %s, which %s up to 10 seconds", programs,
                      hpx_plural(programs, "program is ended", "programs are ended"),
                      hpx_plural(programs, "has", "have"));
    if (!status)
        status = build->executor->finish(build->executor, receive, build, error);
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
            status = hpx_proofs_go_on(build, error);
        if (!status)
            status = dispatch(build, error);
        if (!status)
            status = dispatch_speculative(build, error);
        /* A speculative trial that still runs is not waited for. */
        hpx_dispatch_counts counts = hpx_dispatch_count(build->dispatch);
        if (status || (counts.running == 0 && (build->stopping || build->open.count == 0)))
            break;
        hpx_build_say_waiting(build, &counts);
        if (build->options->shared)
            build->options->shared->turn(build->options->shared);
        status = wait_for_workers(build, patience_ms(&counts), error);
        hpx_build_say_words(build);
        if (!status)
            status = hpx_build_hand_over(build, error);
        if (!status)
            hpx_build_emit(build, HPX_EVENT_TICK, NULL, NULL);
    }
    return status;
}

/* What is stored of a plan, and what others train of it. */
static hpx_status follow_others(struct build *build, hpx_error *error)
{
    const hpx_request *requests;
    size_t count;
    hpx_status status = follow(build, error);
    if (!status && build->speculative)
        status = speculate(&requests, &count, build, error);
    return status ? status : hpx_build_say_others(build, error);
}

/* The code and the numerics of a program are those of its manifests. */
static void describe_program(hpx_outcome *outcome, const hpx_experiment *experiment)
{
    hpx_fields manifest = {0};
    hpx_experiment_fields(&manifest, experiment, 0, 0);
    const hpx_field *version = hpx_fields_find(&manifest, "code.version");
    if (version)
        hpx_fields_set_bytes(&outcome->code, "version", version->bytes, version->size);
    hpx_manifest_add_numerics(&outcome->numerics, &manifest);
    hpx_fields_free(&manifest);
}

static void describe_origin(hpx_outcome *outcome, const hpx_experiment *experiment, const hpx_fields *binary)
{
    const hpx_recipe *recipe = hpx_experiment_recipe(experiment);
    if (recipe->program) {
        describe_program(outcome, experiment);
    } else {
        hpx_code_summary(&outcome->code, &hpx_code_built, recipe->trainer->sources);
        hpx_manifest_add_numerics(&outcome->numerics, binary);
    }
    const hpx_fields *record = &hpx_experiment_source(experiment, 0)->record;
    outcome->absent = hpx_experiment_source(experiment, 0)->absent;
    for (size_t i = 0; i < record->count; i++)
        hpx_fields_set(&outcome->dataset, &record->fields[i]);
}

static hpx_status open_executor(struct build *build, hpx_error *error)
{
    const hpx_build_options *options = build->options;
    if (options->launcher)
        return hpx_executor_cluster(&build->executor, options->launcher, options->pool, options->jobs, error);
    build->executor =
        hpx_executor_local(options->program, hpx_build_slots(build->recipe, options->jobs), options->guest);
    return HPX_OK;
}

/* Whoever forgets the epochs of a program, which has one, gets a search that promotes nothing. */
static void warn_of_one_rung(struct build *build, const hpx_recipe_search *const *searches, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const hpx_search_options *options = &searches[i]->options;
        if (hpx_search_rungs(options) != 1)
            continue;
        hpx_build_say(build,
                      "warning: %s (%s) trains all its cells to the end: below %" PRIu64
                      " epochs, min-epochs times eta, it stops none, and the recipe has %" PRIu32,
                      searches[i]->name, options->method->name, (uint64_t)options->min_epochs * options->eta,
                      options->epochs);
    }
}

/* Its workers end, and all that it holds is freed. */
static void end(struct build *build)
{
    build->executor->close(build->executor);
    for (size_t i = 0; i < build->ledger.count; i++)
        if (ledger_at(&build->ledger, i)->state == TRIAL_RUNNING)
            hpx_store_release(build->store, &ledger_at(&build->ledger, i)->key);
    hpx_fields_free(&build->binary);
    hpx_dispatch_free(build->dispatch);
    hpx_plan_free(build->plan);
    hpx_proofs_free(&build->proofs);
    hpx_reasons_free(&build->reasons);
    hpx_experiment_free(build->experiment);
    free(build->arrivals.at);
    free(build->open.at);
    free(build->wanted.at);
    free(build->waiting_for);
    free(build->said);
    hpx_build_forget_conditions(build);
    free(build->speculated.at);
    hpx_timeline_free(&build->timeline);
}

hpx_status hpx_build(hpx_outcome **out, const hpx_recipe *recipe, const hpx_recipe_search *const *searches,
                     size_t search_count, const hpx_source_options *source_options,
                     const hpx_build_options *options, hpx_error *error)
{
    struct pace pace;
    *out = NULL;
    int64_t started_ns = hpx_clock_ns();
    struct build build = {
        .recipe = recipe, .options = options, .store = source_options->store, .started = hpx_clock_seconds()};
    hpx_status status = hpx_experiment_open(&build.experiment, recipe, source_options, error);
    if (status) {
        if (options->launcher)
            options->launcher->close(options->launcher);
        return status;
    }
    status = open_executor(&build, error);
    if (status) {
        hpx_experiment_free(build.experiment);
        return status;
    }
    hpx_ledger_init(&build.ledger, build.experiment);
    build.reasons = (struct reasons){.experiment = build.experiment, .store = build.store};
    build.plan = hpx_plan_new(recipe, searches, search_count, hpx_experiment_macs, build.experiment);
    build.dispatch = hpx_dispatch_new(build.executor->capacity(build.executor));
    build.speculative = options->speculative && options->jobs > 1 && !options->again;
    status = hpx_build_choose_binary(&build, searches, search_count, source_options, error);
    const bool begun = !status;
    hpx_build_warn(&build);
    warn_of_one_rung(&build, searches, search_count);
    if (!status)
        status = options->others ? follow_others(&build, error)
                 : options->dry  ? follow(&build, error)
                                 : train(&build, error);
    const bool planned = options->dry && !options->others;
    if (planned)
        hpx_pace_find(&pace, &build.ledger, build.store);
    *out = hpx_outcome_of(build.plan, &build.ledger, planned ? &pace : NULL);
    if (options->shared && !options->dry) {
        options->shared->finish(options->shared);
        (*out)->pulled = options->shared->pulled;
        (*out)->pushed = options->shared->pushed;
    }
    describe_origin(*out, build.experiment, &build.binary);
    if (!status && planned)
        status = hpx_proofs_count(&(*out)->proofs, &build, error);
    memcpy((*out)->other_trainer, build.reasons.other, sizeof build.reasons.other);
    if (!options->dry) {
        hpx_error log_error;
        hpx_status logged = hpx_build_end_log(&build, *out, started_ns, status, &log_error);
        if (!logged)
            logged = hpx_store_is_there(build.store, &log_error);
        if (logged && !status)
            *error = log_error, status = logged;
    }
    if (!status && build.failure)
        status = hpx_error_set(error, build.failure, "%zu of %zu trials failed", (*out)->accidents,
                               (*out)->accidents + build.trained);
    end(&build);
    if (!begun) {
        hpx_outcome_free(*out);
        *out = NULL;
    }
    return status;
}
