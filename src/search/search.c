#include "hpx/search.h"

#include "base/memory.h"
#include "state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The first rung is part of the search: most have no other. */
static void add_rung(hpx_search *search, uint32_t epochs)
{
    hpx_rung *rungs = &search->only;
    if (search->rung_count > 0) {
        rungs = hpx_grow(search->rung_count > 1 ? search->rungs : NULL, &search->rung_capacity,
                         search->rung_count + 1, sizeof *rungs);
        if (search->rung_count == 1)
            rungs[0] = search->only;
    }
    search->rungs = rungs;
    rungs[search->rung_count] = (hpx_rung){.epochs = epochs};
    hpx_scores_init(&rungs[search->rung_count++].scores, search->cells);
}

static size_t rung_of(hpx_search *search, uint32_t epochs)
{
    size_t i = 0;
    while (i < search->rung_count && search->rungs[i].epochs != epochs)
        i++;
    if (i == search->rung_count)
        add_rung(search, epochs);
    return i;
}

hpx_search *hpx_search_new(const hpx_grid *grid, const hpx_search_options *options, hpx_cost_fn *cost,
                           void *context)
{
    hpx_search *search = hpx_alloc(sizeof *search);
    search->grid = *grid;
    search->options = *options;
    search->cost = cost;
    search->context = context;
    search->cells = hpx_grid_cells(grid);

    const unsigned takes = options->method->takes;
    assert(!(takes >> HPX_BINDING_START & 1) || options->start < search->cells);
    if (!(takes >> HPX_BINDING_LIMIT & 1))
        search->options.limit = 0;
    else if (options->limit > HPX_CELLS_MAX)
        search->options.limit = HPX_CELLS_MAX; /* never reached; bounds sums */

    uint32_t stride = 1;
    for (size_t axis = grid->axes; axis-- > 0; stride *= grid->counts[axis])
        search->strides[axis] = stride;

    hpx_permutation_init(&search->order, search->cells, options->seed);
    hpx_search_go_by(search, options->epochs);
    search->walk.search = search;
    options->method->begin(&search->walk);
    options->method->advance(&search->walk);
    return search;
}

void hpx_search_free(hpx_search *search)
{
    if (!search)
        return;
    for (size_t i = 0; i < search->rung_count; i++)
        hpx_scores_free(&search->rungs[i].scores);
    if (search->rung_count > 1)
        free(search->rungs);
    hpx_permutation_free(&search->order);
    hpx_bayes_free(search->bayes);
    free(search->trace);
    free(search->certain.at);
    free(search->walk.hill.around.at);
    free(search);
}

void hpx_search_tell(hpx_search *search, hpx_request request, double score)
{
    assert(request.cell < search->cells);
    if (search->result.stop)
        return;
    size_t rung = rung_of(search, request.epochs);
    hpx_score_entry *known = hpx_scores_add(&search->rungs[rung].scores, request.cell);
    if (known->told)
        return;
    known->told = true;
    known->score = score;
    search->rungs[rung].told++;
    search->certain_told += rung == search->rung;
    search->options.method->advance(&search->walk);
}

void hpx_search_hint(hpx_search *search, hpx_request request, double score)
{
    assert(request.cell < search->cells);
    hpx_score_entry *known =
        hpx_scores_add(&search->rungs[rung_of(search, request.epochs)].scores, request.cell);
    if (known->told)
        return;
    known->hinted = true;
    known->score = score;
}

size_t hpx_search_ask(hpx_search *search, hpx_request *requests, size_t room, size_t *certain)
{
    const hpx_method *method = search->options.method;
    *certain = search->result.stop ? 0 : method->ask(search, requests, room);
    if (*certain == 0 || *certain >= room || !method->speculate)
        return *certain < room ? *certain : room;
    return *certain + method->speculate(search, requests + *certain, room - *certain);
}

size_t hpx_search_trace(const hpx_search *search, const hpx_request **requests)
{
    *requests = search->trace;
    return search->trace_count;
}

bool hpx_search_is_done(const hpx_search *search)
{
    return search->result.stop != NULL;
}

hpx_search_result hpx_search_result_of(const hpx_search *search)
{
    assert(search->result.stop);
    return search->result;
}

/* What the methods share. */

static void list_nothing(hpx_search *search)
{
    search->certain.count = search->certain_first = search->certain_told = 0;
}

void hpx_search_go_by(hpx_search *search, uint32_t epochs)
{
    search->rung = rung_of(search, epochs);
    list_nothing(search);
}

void hpx_cells_add(hpx_cells *cells, uint32_t cell)
{
    cells->at = hpx_grow(cells->at, &cells->capacity, cells->count + 1, sizeof *cells->at);
    cells->at[cells->count++] = cell;
}

static hpx_score_entry *find(const hpx_search *search, uint32_t cell)
{
    return hpx_scores_find(&search->rungs[search->rung].scores, cell);
}

double hpx_walk_score(const hpx_walk *walk, uint32_t cell)
{
    if (walk->future)
        return hpx_future_score(walk, cell);
    const hpx_score_entry *known = find(walk->search, cell);
    return known && known->told ? known->score : (double)NAN;
}

bool hpx_search_told(const hpx_search *search, uint32_t cell)
{
    const hpx_score_entry *known = find(search, cell);
    return known && known->told;
}

const hpx_score_entry *hpx_search_known(const hpx_search *search, uint32_t cell)
{
    const hpx_score_entry *known = find(search, cell);
    return known && (known->told || known->hinted) ? known : NULL;
}

bool hpx_score_above(double a, double b)
{
    return a > b || (isnan(b) && !isnan(a));
}

bool hpx_walk_better(const hpx_walk *walk, uint32_t a, uint32_t b)
{
    const hpx_search *search = walk->search;
    double score_a = hpx_walk_score(walk, a), score_b = hpx_walk_score(walk, b);
    if (hpx_score_above(score_a, score_b))
        return true;
    if (hpx_score_above(score_b, score_a))
        return false;
    uint64_t cost_a = search->cost(search->context, a), cost_b = search->cost(search->context, b);
    return cost_a != cost_b ? cost_a < cost_b : a < b;
}

bool hpx_walk_visit(hpx_walk *walk, uint32_t cell)
{
    hpx_search *search = walk->search;
    if (walk->future) {
        hpx_future_visit(walk, cell);
        return true;
    }
    hpx_score_entry *known = find(search, cell);
    if (!known || !known->told)
        return false;
    if (known->visited)
        return true;
    known->visited = true;
    const uint32_t epochs = search->rungs[search->rung].epochs;
    search->trace =
        hpx_grow(search->trace, &search->trace_capacity, search->trace_count + 1, sizeof *search->trace);
    search->trace[search->trace_count++] = (hpx_request){cell, epochs};
    hpx_search_result *result = &search->result;
    if (search->trace_count == 1 || epochs > result->epochs ||
        (epochs == result->epochs && hpx_walk_better(walk, cell, result->incumbent)))
        *result = (hpx_search_result){.incumbent = cell, .epochs = epochs};
    return true;
}

bool hpx_walk_walked(hpx_walk *walk, uint32_t cell, size_t axis)
{
    hpx_search *search = walk->search;
    const uint16_t bit = (uint16_t)(1u << axis);
    if (walk->future) {
        const hpx_score_entry *entry = find(search, cell);
        return (entry && entry->walked & bit) || hpx_future_is_long(walk->future);
    }
    hpx_score_entry *known = hpx_scores_add(&search->rungs[search->rung].scores, cell);
    const bool walked = known->walked & bit;
    known->walked |= bit;
    return walked;
}

void hpx_walk_list_nothing(hpx_walk *walk)
{
    if (!walk->future)
        list_nothing(walk->search);
}

void hpx_walk_list(hpx_walk *walk, uint32_t cell)
{
    if (!walk->future && !hpx_search_told(walk->search, cell))
        hpx_cells_add(&walk->search->certain, cell);
}

/* Drops the told cells by moving those before the last of them up. Answers come mostly in the order of the
 * list, so this touches a few cells at its front, however long it is. */
static void drop_told(hpx_search *search)
{
    uint32_t *cells = search->certain.at;
    size_t first = search->certain_first, end = first, told = 0;
    for (; told < search->certain_told && end < search->certain.count; end++)
        told += hpx_search_told(search, cells[end]);
    size_t to = end;
    for (size_t from = end; told && from-- > first;)
        if (!hpx_search_told(search, cells[from]))
            cells[--to] = cells[from];
    search->certain_first += told;
    search->certain_told = 0;
}

size_t hpx_search_ask_list(hpx_search *search, hpx_request *requests, size_t room)
{
    drop_told(search);
    const uint32_t epochs = search->rungs[search->rung].epochs;
    const uint32_t *cells = search->certain.at + search->certain_first;
    const size_t count = search->certain.count - search->certain_first;
    for (size_t i = 0; i < count && i < room; i++)
        requests[i] = (hpx_request){cells[i], epochs};
    return count;
}

void hpx_walk_stop(hpx_walk *walk, uint32_t end, const char *stop)
{
    walk->stop = stop;
    if (walk->future)
        return;
    list_nothing(walk->search);
    walk->search->result.end = end;
    walk->search->result.stop = stop;
}
