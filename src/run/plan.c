#include "run/plan.h"

#include "requests.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 65536 }; /* requests */

enum { ASKED = 1, KNOWN = 2, HINTED = 4, SPECULATED = 8 };

struct list {
    hpx_request *at;
    size_t count, capacity;
};

struct hpx_plan {
    bool minimised;
    size_t count;
    const hpx_recipe_search **recipe_searches;
    hpx_search **searches;
    struct list *told;   /* by search, in that order */
    hpx_requests states; /* uint8_t */
    hpx_requests values; /* double */
    struct list fresh;   /* asked for since the last call */
    struct list asked;   /* by one search: a copy, since telling it changes what it asks */
    struct list likely;  /* speculative */
    size_t likely_room;  /* they were found for; 0: they are out of date */
};

static void add(struct list *list, hpx_request request)
{
    list->at = hpx_grow(list->at, &list->capacity, list->count + 1, sizeof request);
    list->at[list->count++] = request;
}

static void reserve(struct list *list, size_t count)
{
    list->at = hpx_grow(list->at, &list->capacity, count, sizeof *list->at);
}

/* Keeps no memory for millions, which are asked for once. */
static void let_go(struct list *list)
{
    if (list->capacity <= KEPT)
        return;
    free(list->at);
    *list = (struct list){0};
}

static uint8_t *state_of(hpx_plan *plan, hpx_request request)
{
    return hpx_requests_at(&plan->states, request);
}

static double score_of(const hpx_plan *plan, double value)
{
    return plan->minimised ? -value : value;
}

hpx_plan *hpx_plan_new(const hpx_recipe *recipe, const hpx_recipe_search *const *searches, size_t count,
                       hpx_cost_fn *cost, void *context)
{
    hpx_plan *plan = hpx_alloc(sizeof *plan);
    plan->minimised = recipe->objective.minimised;
    plan->count = count;
    plan->recipe_searches = hpx_alloc(count * sizeof(const hpx_recipe_search *));
    plan->searches = hpx_alloc(count * sizeof *plan->searches);
    plan->told = hpx_alloc(count * sizeof *plan->told);
    hpx_requests_init(&plan->states, &recipe->grid, sizeof(uint8_t));
    hpx_requests_init(&plan->values, &recipe->grid, sizeof(double));
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
        free(plan->told[i].at);
    }
    free(plan->searches);
    free(plan->told);
    free((void *)plan->recipe_searches);
    hpx_requests_free(&plan->states);
    hpx_requests_free(&plan->values);
    free(plan->fresh.at);
    free(plan->asked.at);
    free(plan->likely.at);
    free(plan);
}

/* What a search is certain of. */
static void ask(struct list *out, hpx_search *search)
{
    hpx_search_ask(search, NULL, 0, &out->count);
    reserve(out, out->count);
    hpx_search_ask(search, out->at, out->count, &out->count);
}

/* Tells a search all that is known of what it asks for, until it asks only for what is not. */
static void advance(hpx_plan *plan, size_t at)
{
    hpx_search *search = plan->searches[at];
    for (bool told = true; told;) {
        ask(&plan->asked, search);
        told = false;
        for (size_t i = 0; i < plan->asked.count; i++) {
            const hpx_request request = plan->asked.at[i];
            uint8_t *state = state_of(plan, request);
            if (*state & KNOWN) {
                hpx_search_tell(search, request, score_of(plan, hpx_plan_value(plan, request)));
                add(&plan->told[at], request);
                told = true;
            } else if (!(*state & ASKED)) {
                *state |= ASKED;
                add(&plan->fresh, request);
            }
        }
    }
    let_go(&plan->asked);
}

size_t hpx_plan_ask(hpx_plan *plan, const hpx_request **requests)
{
    let_go(&plan->fresh);
    plan->fresh.count = 0;
    for (size_t i = 0; i < plan->count; i++)
        advance(plan, i);
    if (plan->fresh.count > 0)
        plan->likely_room = 0;
    *requests = plan->fresh.at;
    return plan->fresh.count;
}

static void set_value(hpx_plan *plan, hpx_request request, double value)
{
    *(double *)hpx_requests_at(&plan->values, request) = value;
    plan->likely_room = 0;
}

void hpx_plan_tell(hpx_plan *plan, hpx_request request, double value)
{
    *state_of(plan, request) |= KNOWN;
    set_value(plan, request, value);
}

void hpx_plan_hint(hpx_plan *plan, hpx_request request, double value)
{
    uint8_t *state = state_of(plan, request);
    if (*state & KNOWN)
        return;
    *state |= HINTED;
    set_value(plan, request, value);
    for (size_t i = 0; i < plan->count; i++)
        hpx_search_hint(plan->searches[i], request, score_of(plan, value));
}

/* Takes a search's speculative requests from behind its certain ones. */
static void speculate(struct list *out, hpx_plan *plan, hpx_search *search, size_t room)
{
    size_t certain;
    hpx_search_ask(search, NULL, 0, &certain);
    reserve(&plan->asked, certain + room);
    size_t count = hpx_search_ask(search, plan->asked.at, certain + room, &certain);
    for (size_t i = certain; i < count; i++)
        add(out, plan->asked.at[i]);
}

/* Takes one in turn from what each search finds likely, each likeliest first. */
static void merge(hpx_plan *plan, size_t room, const struct list *likely, const size_t *ends)
{
    plan->likely.count = 0;
    for (size_t rank = 0, more = 1; more && plan->likely.count < room; rank++) {
        more = 0;
        for (size_t i = 0; i < plan->count && plan->likely.count < room; i++) {
            const size_t at = (i ? ends[i - 1] : 0) + rank;
            if (at >= ends[i])
                continue;
            more = 1;
            uint8_t *state = state_of(plan, likely->at[at]);
            if (!(*state & (ASKED | KNOWN | HINTED | SPECULATED)))
                add(&plan->likely, likely->at[at]);
            *state |= SPECULATED;
        }
    }
    for (size_t i = 0; i < likely->count; i++)
        *state_of(plan, likely->at[i]) &= (uint8_t)~SPECULATED;
}

size_t hpx_plan_speculate(hpx_plan *plan, size_t room, const hpx_request **requests)
{
    if (plan->likely_room != room) {
        struct list likely = {0};
        size_t *ends = hpx_alloc(plan->count * sizeof *ends);
        for (size_t i = 0; i < plan->count; i++) {
            speculate(&likely, plan, plan->searches[i], room);
            ends[i] = likely.count;
        }
        merge(plan, room, &likely, ends);
        plan->likely_room = room;
        free(likely.at);
        free(ends);
    }
    *requests = plan->likely.at;
    return plan->likely.count;
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

size_t hpx_plan_told(const hpx_plan *plan, size_t i, const hpx_request **requests)
{
    *requests = plan->told[i].at;
    return plan->told[i].count;
}

double hpx_plan_value(const hpx_plan *plan, hpx_request request)
{
    const uint8_t *state = hpx_requests_find(&plan->states, request);
    assert(state && *state & KNOWN);
    (void)state;
    return *(const double *)hpx_requests_find(&plan->values, request);
}
