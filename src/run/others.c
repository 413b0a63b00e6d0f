/* How trials of a plan go that other processes train. */
#include "inside.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static hpx_status say_running(struct build *build, const struct trial *trial, const hpx_event *begun,
                              hpx_error *error)
{
    const uint32_t last = hpx_trial_target(trial);
    hpx_event event = *begun;
    hpx_artifact newest = {.epoch = 0};
    hpx_status status = hpx_store_newest(&newest, build->store, &trial->key, last, error);
    if (status == HPX_NOT_FOUND)
        status = HPX_OK;
    event.kind = HPX_EVENT_EPOCH;
    event.epoch = newest.epoch;
    event.epochs = last;
    event.trial_left = NAN;
    event.value = NAN;
    if (newest.epoch > 0) {
        event.metrics = &newest.metrics;
        event.value = hpx_objective_value(&build->recipe->objective, &newest.metrics);
        event.trial_left = newest.seconds * (last - newest.epoch);
    }
    if (build->recipe->program && build->recipe->program->continues == HPX_CONTINUE_NO)
        event.epochs = 0;
    if (!status)
        build->options->event(build->options->context, &event);
    hpx_artifact_free(&newest);
    return status;
}

static void say_known(const struct build *build, const struct trial *trial, hpx_event *event)
{
    event->kind = trial->past->failure ? HPX_EVENT_FAILED : HPX_EVENT_DONE;
    event->failed = trial->past->failure != NULL;
    event->message = trial->past->failure;
    event->epoch = trial->epoch;
    event->value = trial->past->value;
    event->trial_seconds = trial->past->seconds;
    build->options->event(build->options->context, event);
}

/* One trial, as far as it is known or in training. */
static hpx_status say(struct build *build, const struct trial *trial, const hpx_event *counts, bool claimed,
                      hpx_error *error)
{
    hpx_buffer cell = {0};
    hpx_event event = *counts;
    hpx_status status = HPX_OK;
    hpx_recipe_cell_text(&cell, build->recipe, trial->cell);
    event.cell = hpx_buffer_text(&cell);
    event.number = trial->cell;
    event.key = &trial->key;
    event.seed = trial->seed;
    event.verdict = trial->verdict;
    event.epochs = build->recipe->epochs;
    if (claimed)
        status = say_running(build, trial, &event, error);
    else
        say_known(build, trial, &event);
    hpx_buffer_free(&cell);
    return status;
}

/* What is needed takes so long by what its searches' trials took, on as many workers as there are. */
static double seconds_left(const struct build *build, size_t running)
{
    double cost = 0, seconds = 0, left = 0;
    for (size_t i = 0; i < build->ledger.count; i++) {
        const struct trial *trial = ledger_at(&build->ledger, i);
        if (trial->state == TRIAL_KNOWN && trial->past->seconds > 0) {
            cost += (double)trial->epoch_cost * trial->epoch;
            seconds += trial->past->seconds;
        } else if (trial->state == TRIAL_WAITING && !trial->task.speculative) {
            left += (double)hpx_trial_cost_left(trial);
        }
    }
    return cost > 0 ? left * seconds / cost / (double)(running > 0 ? running : 1) : NAN;
}

hpx_status hpx_build_say_others(struct build *build, hpx_error *error)
{
    const size_t count = build->ledger.count;
    bool *claimed = hpx_alloc((count + 1) * sizeof *claimed);
    hpx_event counts = {.kind = HPX_EVENT_TICK, .value = NAN, .cells_seen = build->cells_seen};
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < count && !status; i++) {
        const struct trial *trial = ledger_at(&build->ledger, i);
        const bool waits = trial->state == TRIAL_WAITING, needed = !trial->task.speculative;
        if (waits)
            status = hpx_store_is_claimed(&claimed[i], build->store, &trial->key, error);
        counts.done += !waits && needed;
        counts.running += claimed[i] && needed;
        counts.waiting += waits && !claimed[i] && needed;
        counts.speculative += claimed[i] && !needed;
    }
    counts.seconds_left = seconds_left(build, counts.running + counts.speculative);
    if (!status)
        build->options->event(build->options->context, &counts);
    for (size_t i = 0; i < count && !status; i++) {
        const struct trial *trial = ledger_at(&build->ledger, i);
        if (claimed[i] || (trial->state == TRIAL_KNOWN && !trial->task.speculative))
            status = say(build, trial, &counts, claimed[i], error);
    }
    free(claimed);
    return status;
}
