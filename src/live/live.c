#include "live/live.h"

#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_METRICS 3

hpx_live *hpx_live_new(const hpx_recipe *recipe)
{
    hpx_live *live = hpx_alloc(sizeof *live);
    *live = (hpx_live){.recipe = recipe, .cell_count = hpx_grid_cells(&recipe->grid), .left = NAN};
    if (live->cell_count <= MAP_CELLS_MAX)
        live->cells = hpx_alloc(live->cell_count * sizeof *live->cells);
    return live;
}

static void free_running(const struct running *running)
{
    free(running->name);
    free(running->metrics);
}

void hpx_live_free(hpx_live *live)
{
    if (!live)
        return;
    for (size_t i = 0; i < live->count; i++)
        free_running(&live->running[i]);
    free(live->running);
    free(live->positions);
    free(live->cells);
    free(live);
}

char *hpx_live_trial_name(const hpx_recipe *recipe, const hpx_event *event)
{
    return recipe->seed_count > 1 ? hpx_format("%s seed %u", event->cell, event->seed)
                                  : hpx_strdup(event->cell);
}

static struct running *find(hpx_live *live, const char *name)
{
    for (size_t i = 0; i < live->count; i++)
        if (strcmp(live->running[i].name, name) == 0)
            return &live->running[i];
    return NULL;
}

static struct running *add(hpx_live *live, const char *name, uint32_t cell)
{
    live->running = hpx_grow(live->running, &live->capacity, live->count + 1, sizeof *live->running);
    struct running *added = &live->running[live->count++];
    *added = (struct running){.name = hpx_strdup(name), .cell = cell, .value = NAN, .left = NAN};
    if (live->cells)
        live->cells[cell].running++;
    return added;
}

static void forget(hpx_live *live, struct running *running)
{
    const size_t behind = (size_t)(live->running + --live->count - running);
    if (live->cells)
        live->cells[running->cell].running--;
    free_running(running);
    memmove(running, running + 1, behind * sizeof *running);
}

/* The first of a program's own metrics, beside the objective. */
static void note_metrics(struct running *running, const hpx_metrics *metrics, const char *objective)
{
    hpx_buffer text = {0};
    size_t shown = 0;
    for (size_t i = 0; i < metrics->count && shown < SHOWN_METRICS; i++) {
        const hpx_metric *metric = &metrics->list[i];
        if (strcmp(metric->name, objective) == 0)
            continue;
        hpx_buffer_printf(&text, "  %s %.4g", metric->name, metric->value);
        shown++;
    }
    free(running->metrics);
    running->metrics = hpx_strdup(hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

static void take_trial(hpx_live *live, const hpx_event *event, double now)
{
    static const bool ends[HPX_EVENTS] = {
        [HPX_EVENT_DONE] = true,      [HPX_EVENT_FAILED] = true,  [HPX_EVENT_WAITING] = true,
        [HPX_EVENT_POSTPONED] = true, [HPX_EVENT_STOPPED] = true,
    };
    char *name = hpx_live_trial_name(live->recipe, event);
    struct running *running = find(live, name);
    if (ends[event->kind]) {
        if (running)
            forget(live, running);
    } else {
        running = running ? running : add(live, name, event->number);
        running->epoch = event->epoch > event->from ? event->epoch : event->from;
        running->epochs = event->epochs;
        running->value = event->value;
        running->left = event->trial_left;
        running->told = now;
        if (event->metrics && event->kind == HPX_EVENT_PROGRESS)
            note_metrics(running, event->metrics, live->recipe->objective.name);
    }
    free(name);
}

/* A score after more epochs takes the place of an earlier one. */
static void take_score(hpx_live *live, const hpx_event *event)
{
    struct cell *cell = live->cells ? &live->cells[event->number] : NULL;
    if (cell && event->epochs < cell->epochs)
        return;
    if (cell && cell->epochs > 0) {
        live->scored--;
        live->failed -= isnan(cell->score);
    }
    if (cell) {
        cell->score = event->value;
        cell->epochs = event->epochs;
    }
    live->scored++;
    live->failed += isnan(event->value);
    if (isnan(event->value) || event->epochs < live->best_epochs ||
        (event->epochs == live->best_epochs &&
         !hpx_objective_better(&live->recipe->objective, event->value, live->best_score)))
        return;
    live->best = event->number;
    live->best_score = event->value;
    live->best_epochs = event->epochs;
}

static void take_decision(hpx_live *live, const hpx_event *event)
{
    size_t i = 0;
    while (i < live->position_count && live->positions[i].search != event->search)
        i++;
    if (i == live->position_count) {
        live->positions = hpx_grow(live->positions, &live->position_capacity, i + 1, sizeof *live->positions);
        live->positions[live->position_count++] = (struct position){.search = event->search};
    }
    if (event->kind == HPX_EVENT_ARRIVED)
        live->positions[i].done = true;
    else
        live->positions[i].cell = event->number;
}

void hpx_live_take(hpx_live *live, const hpx_event *event, double now)
{
    if (event->kind == HPX_EVENT_SCORE) {
        take_score(live, event);
        return;
    }
    if (event->kind == HPX_EVENT_VISIT || event->kind == HPX_EVENT_ARRIVED) {
        take_decision(live, event);
        return;
    }
    live->done = event->done;
    live->needed = event->done + event->running + event->waiting;
    live->speculative = event->speculative;
    live->seen = event->cells_seen;
    live->left = event->seconds_left;
    live->told = now;
    if (event->cell)
        take_trial(live, event, now);
}
