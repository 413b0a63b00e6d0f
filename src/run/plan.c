#include "run/plan.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED = 1, KNOWN = 2, HINTED = 4, SPECULATED = 8 };

/* Cells that a search has been told, in that order. */
struct told {
    uint32_t *cells;
    size_t count, capacity;
};

struct hpx_plan {
    bool minimised;
    size_t count;
    const hpx_recipe_search **recipe_searches;
    hpx_search **searches;
    struct told *told; /* by search */
    /* By cell. Untouched pages of a large grid cost nothing. */
    uint8_t *states;
    double *values;
    uint32_t *fresh; /* wanted since the last call */
    size_t fresh_count, fresh_capacity;
    uint32_t *wanted; /* of one search: a copy, since telling it changes its own list */
    size_t wanted_capacity;
    hpx_speculation *speculations;
    size_t speculation_count, speculation_capacity;
    size_t speculation_room; /* they were made for; 0: they are out of date */
};

hpx_plan *hpx_plan_new(const hpx_recipe *recipe, const hpx_recipe_search *const *searches, size_t count,
                       hpx_cost_fn *cost, void *context)
{
    hpx_plan *plan = hpx_alloc(sizeof *plan);
    uint32_t cells = hpx_grid_cells(&recipe->grid);
    plan->minimised = hpx_metric_minimised(recipe->objective);
    plan->count = count;
    plan->recipe_searches = hpx_alloc(count * sizeof(const hpx_recipe_search *));
    plan->searches = hpx_alloc(count * sizeof *plan->searches);
    plan->told = hpx_alloc(count * sizeof *plan->told);
    plan->states = hpx_alloc(cells * sizeof *plan->states);
    plan->values = hpx_alloc(cells * sizeof *plan->values);
    for (size_t i = 0; i < count; i++) {
        plan->recipe_searches[i] = searches[i];
        plan->searches[i] = hpx_search_new(&recipe->grid, &searches[i]->options, cost, context);
    }
    return plan;
}

void hpx_plan_free(hpx_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->count; i++) {
        hpx_search_free(plan->searches[i]);
        free(plan->told[i].cells);
    }
    free(plan->searches);
    free(plan->told);
    free((void *)plan->recipe_searches);
    free(plan->states);
    free(plan->values);
    free(plan->fresh);
    free(plan->wanted);
    free(plan->speculations);
    free(plan);
}

/* Tells a search all that is known of what it wants, until it wants only what is not. */
static void advance(hpx_plan *plan, size_t at)
{
    hpx_search *search = plan->searches[at];
    struct told *told_cells = &plan->told[at];
    for (bool told = true; told;) {
        const uint32_t *cells;
        size_t count = hpx_search_wanted(search, &cells);
        plan->wanted = hpx_grow(plan->wanted, &plan->wanted_capacity, count, sizeof *cells);
        if (count)
            memcpy(plan->wanted, cells, count * sizeof *cells);
        told = false;
        for (size_t i = 0; i < count; i++) {
            uint32_t cell = plan->wanted[i];
            if (plan->states[cell] & KNOWN) {
                double value = plan->values[cell];
                hpx_search_tell(search, cell, plan->minimised ? -value : value);
                told_cells->cells =
                    hpx_grow(told_cells->cells, &told_cells->capacity, told_cells->count + 1, sizeof cell);
                told_cells->cells[told_cells->count++] = cell;
                told = true;
            } else if (!(plan->states[cell] & ASKED)) {
                plan->states[cell] |= ASKED;
                plan->fresh =
                    hpx_grow(plan->fresh, &plan->fresh_capacity, plan->fresh_count + 1, sizeof cell);
                plan->fresh[plan->fresh_count++] = cell;
            }
        }
    }
}

size_t hpx_plan_wanted(hpx_plan *plan, const uint32_t **cells)
{
    plan->fresh_count = 0;
    for (size_t i = 0; i < plan->count; i++)
        advance(plan, i);
    if (plan->fresh_count > 0)
        plan->speculation_room = 0;
    *cells = plan->fresh;
    return plan->fresh_count;
}

void hpx_plan_tell(hpx_plan *plan, uint32_t cell, double value)
{
    plan->states[cell] |= KNOWN;
    plan->values[cell] = value;
    plan->speculation_room = 0;
}

void hpx_plan_hint(hpx_plan *plan, uint32_t cell, double value)
{
    if (plan->states[cell] & KNOWN)
        return;
    plan->states[cell] |= HINTED;
    plan->values[cell] = value;
    plan->speculation_room = 0;
}

static bool find_known(void *context, uint32_t cell, double *score)
{
    const hpx_plan *plan = context;
    *score = plan->minimised ? -plan->values[cell] : plan->values[cell];
    return plan->states[cell] & (KNOWN | HINTED);
}

size_t hpx_plan_speculate(hpx_plan *plan, size_t room, const hpx_speculation **speculations)
{
    *speculations = plan->speculations;
    if (plan->speculation_room == room)
        return plan->speculation_count;
    plan->speculations =
        hpx_grow(plan->speculations, &plan->speculation_capacity, plan->count * room, sizeof **speculations);
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += hpx_search_speculate(plan->searches[i], plan->speculations + count, room, find_known, plan);
    qsort(plan->speculations, count, sizeof **speculations, hpx_speculation_compare);
    for (size_t i = 0; i < count && kept < room; i++) {
        uint8_t *state = &plan->states[plan->speculations[i].cell];
        if (!(*state & (ASKED | SPECULATED))) {
            *state |= SPECULATED;
            plan->speculations[kept++] = plan->speculations[i];
        }
    }
    for (size_t i = 0; i < kept; i++)
        plan->states[plan->speculations[i].cell] &= (uint8_t)~SPECULATED;
    plan->speculation_count = kept;
    plan->speculation_room = room;
    *speculations = plan->speculations;
    return kept;
}

size_t hpx_plan_count(const hpx_plan *plan)
{
    return plan->count;
}

const hpx_recipe_search *hpx_plan_recipe_search(const hpx_plan *plan, size_t i)
{
    return plan->recipe_searches[i];
}

hpx_search *hpx_plan_search(const hpx_plan *plan, size_t i)
{
    return plan->searches[i];
}

size_t hpx_plan_told(const hpx_plan *plan, size_t i, const uint32_t **cells)
{
    *cells = plan->told[i].cells;
    return plan->told[i].count;
}

bool hpx_plan_is_done(const hpx_plan *plan, size_t i)
{
    const uint32_t *cells;
    return hpx_search_wanted(plan->searches[i], &cells) == 0;
}

double hpx_plan_value(const hpx_plan *plan, uint32_t cell)
{
    assert(plan->states[cell] & KNOWN);
    return plan->values[cell];
}
