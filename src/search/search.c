#include "hpx/search.h"

#include "base/memory.h"
#include "state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The first rung is part of the search: most have no other. */
static hpx_rung *add_rung(hpx_search *search, uint32_t epochs)
{
    hpx_rung *rungs = &search->only;
    if (search->rung_count > 0) {
        rungs = hpx_grow(search->rung_count > 1 ? search->rungs : NULL, &search->rung_capacity,
                         search->rung_count + 1, sizeof *rungs);
        if (search->rung_count == 1)
            rungs[0] = search->only;
    }
    search->rungs = rungs;
    rungs[search->rung_count] = (hpx_rung){.epochs = epochs, .sd = 1};
    hpx_scores_init(&rungs[search->rung_count].scores, search->cells);
    return &rungs[search->rung_count++];
}

/* Borrowed until there is another. */
static inline hpx_rung *rung_of(hpx_search *search, uint32_t epochs)
{
    for (size_t i = 0; i < search->rung_count; i++)
        if (search->rungs[i].epochs == epochs)
            return &search->rungs[i];
    return add_rung(search, epochs);
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
    search->walk.search = search;
    hpx_walk_go_by(&search->walk, options->screen_epochs ? options->screen_epochs : options->epochs);
    options->method->begin(&search->walk);
    hpx_walk_advance(&search->walk);
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
    free(search->certain);
    for (size_t i = 0; i < search->front_count; i++)
        hpx_walk_free(&search->fronts[i]);
    free(search->fronts);
    hpx_walk_free(&search->walk);
    free(search);
}

void hpx_search_tell(hpx_search *search, hpx_request request, double score)
{
    assert(request.cell < search->cells);
    if (search->result.stop)
        return;
    hpx_rung *rung = rung_of(search, request.epochs);
    hpx_score_entry *known = hpx_scores_add(&rung->scores, request.cell);
    if (known->told)
        return;
    known->told = true;
    known->score = score;
    rung->told++;
    search->certain_told++;
    hpx_walk_advance(&search->walk);
}

void hpx_search_hint(hpx_search *search, hpx_request request, double score)
{
    assert(request.cell < search->cells);
    hpx_score_entry *known = hpx_scores_add(&rung_of(search, request.epochs)->scores, request.cell);
    if (known->told)
        return;
    known->hinted = true;
    known->score = score;
}

size_t hpx_search_ask(hpx_search *search, hpx_request *requests, size_t room, size_t *certain)
{
    const hpx_method *method = search->options.method;
    const bool promoted = search->walk.stop != NULL;
    *certain =
        search->result.stop ? 0 : (promoted ? hpx_search_ask_list : method->ask)(search, requests, room);
    if (*certain == 0 || *certain >= room || promoted || hpx_search_is_fixed(&search->options))
        return *certain < room ? *certain : room;
    return *certain + method->speculate(search, requests, *certain, room - *certain);
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

void hpx_walk_go_by(hpx_walk *walk, uint32_t epochs)
{
    const hpx_rung *rung = rung_of(walk->search, epochs); /* which may move the others */
    walk->rung = (size_t)(rung - walk->search->rungs);
}

hpx_walk hpx_walk_copy(const hpx_walk *walk)
{
    hpx_walk copy = *walk;
    copy.cells = copy.best = (hpx_cells){NULL};
    hpx_cells_copy(&copy.cells, &walk->cells);
    hpx_cells_copy(&copy.best, &walk->best);
    copy.asha = hpx_asha_copy(walk->asha);
    return copy;
}

void hpx_walk_free(hpx_walk *walk)
{
    free(walk->cells.at);
    free(walk->best.at);
    hpx_asha_free(walk->asha);
}

static void end(hpx_search *search)
{
    hpx_search_result *result = &search->result;
    result->screened = search->walk.end;
    result->end = search->walk.best.count ? result->incumbent : search->walk.end;
    result->stop = search->walk.stop;
    hpx_walk_list_nothing(&search->walk);
}

void hpx_walk_advance(hpx_walk *walk)
{
    if (!walk->stop) {
        walk->search->options.method->advance(walk);
        if (walk->stop && !walk->ended)
            hpx_screen_begin(walk);
    }
    if (walk->stop && !walk->ended)
        hpx_screen_advance(walk);
    if (walk->ended && !walk->future)
        end(walk->search);
}

void hpx_cells_add(hpx_cells *cells, uint32_t cell)
{
    cells->at = hpx_grow(cells->at, &cells->capacity, cells->count + 1, sizeof *cells->at);
    cells->at[cells->count++] = cell;
}

void hpx_cells_copy(hpx_cells *to, const hpx_cells *from)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++)
        hpx_cells_add(to, from->at[i]);
}

static hpx_score_entry *find(const hpx_walk *walk, uint32_t cell)
{
    return hpx_scores_find(&walk->search->rungs[walk->rung].scores, cell);
}

double hpx_walk_score(const hpx_walk *walk, uint32_t cell)
{
    if (walk->future)
        return hpx_future_score(walk, cell);
    const hpx_score_entry *known = find(walk, cell);
    return known && known->told ? known->score : (double)NAN;
}

bool hpx_walk_told(const hpx_walk *walk, uint32_t cell)
{
    const hpx_score_entry *known = walk->future ? NULL : find(walk, cell);
    return walk->future || (known && known->told);
}

static bool was_told(hpx_search *search, hpx_request request)
{
    const hpx_rung *rung = rung_of(search, request.epochs);
    const hpx_score_entry *known = hpx_scores_find(&rung->scores, request.cell);
    return known && known->told;
}

const hpx_score_entry *hpx_walk_known(const hpx_walk *walk, uint32_t cell)
{
    const hpx_score_entry *known = find(walk, cell);
    return known && (known->told || known->hinted) ? known : NULL;
}

bool hpx_score_above(double a, double b)
{
    return a > b || (isnan(b) && !isnan(a));
}

bool hpx_search_better(const hpx_search *search, hpx_scored a, hpx_scored b)
{
    if (hpx_score_above(a.score, b.score))
        return true;
    if (hpx_score_above(b.score, a.score))
        return false;
    uint64_t cost_a = search->cost(search->context, a.cell), cost_b = search->cost(search->context, b.cell);
    return cost_a != cost_b ? cost_a < cost_b : a.cell < b.cell;
}

bool hpx_walk_better(const hpx_walk *walk, uint32_t a, uint32_t b)
{
    return hpx_search_better(walk->search, (hpx_scored){a, hpx_walk_score(walk, a)},
                             (hpx_scored){b, hpx_walk_score(walk, b)});
}

bool hpx_walk_visit(hpx_walk *walk, uint32_t cell)
{
    hpx_search *search = walk->search;
    if (walk->future) {
        hpx_future_visit(walk, cell);
        return true;
    }
    hpx_score_entry *known = find(walk, cell);
    if (!known || !known->told)
        return false;
    if (known->visited)
        return true;
    known->visited = true;
    const uint32_t epochs = search->rungs[walk->rung].epochs;
    search->trace =
        hpx_grow(search->trace, &search->trace_capacity, search->trace_count + 1, sizeof *search->trace);
    search->trace[search->trace_count++] = (hpx_request){cell, epochs};
    const hpx_search_result *result = &search->result;
    if (search->trace_count == 1 || epochs > result->epochs ||
        (epochs == result->epochs &&
         hpx_search_better(search, (hpx_scored){cell, known->score},
                           (hpx_scored){result->incumbent, search->incumbent_score}))) {
        search->result = (hpx_search_result){.incumbent = cell, .epochs = epochs};
        search->incumbent_score = known->score;
    }
    hpx_screen_visit(walk, cell);
    return true;
}

bool hpx_walk_walked(hpx_walk *walk, uint32_t cell, size_t axis)
{
    hpx_search *search = walk->search;
    const uint16_t bit = (uint16_t)(1u << axis);
    if (walk->future) {
        const hpx_score_entry *entry = find(walk, cell);
        return (entry && entry->walked & bit) || hpx_future_is_long(walk->future);
    }
    hpx_score_entry *known = hpx_scores_add(&search->rungs[walk->rung].scores, cell);
    const bool walked = known->walked & bit;
    known->walked |= bit;
    return walked;
}

void hpx_walk_list_nothing(hpx_walk *walk)
{
    hpx_search *search = walk->search;
    if (walk->future)
        return;
    for (size_t i = search->certain_first; i < search->certain_count; i++) {
        const hpx_rung *rung = rung_of(search, search->certain[i].epochs);
        hpx_scores_find(&rung->scores, search->certain[i].cell)->listed = false;
    }
    search->certain_count = search->certain_first = search->certain_told = 0;
}

void hpx_walk_list(hpx_walk *walk, uint32_t cell)
{
    hpx_search *search = walk->search;
    if (walk->future)
        return;
    hpx_rung *rung = &search->rungs[walk->rung];
    hpx_score_entry *entry = hpx_scores_add(&rung->scores, cell);
    if (entry->told || entry->listed)
        return;
    entry->listed = true;
    search->certain = hpx_grow(search->certain, &search->certain_capacity, search->certain_count + 1,
                               sizeof *search->certain);
    search->certain[search->certain_count++] = (hpx_request){cell, rung->epochs};
}

/* Drops the told requests by moving those before the last of them up. Answers come mostly in the order of the
 * list, so this touches a few at its front, however long it is. */
static void drop_told(hpx_search *search)
{
    hpx_request *list = search->certain;
    size_t first = search->certain_first, end = first, told = 0;
    for (; told < search->certain_told && end < search->certain_count; end++)
        told += was_told(search, list[end]);
    size_t to = end;
    for (size_t from = end; told && from-- > first;)
        if (!was_told(search, list[from]))
            list[--to] = list[from];
    search->certain_first += told;
    search->certain_told = 0;
}

size_t hpx_search_ask_list(hpx_search *search, hpx_request *requests, size_t room)
{
    drop_told(search);
    const size_t count = search->certain_count - search->certain_first, written = count < room ? count : room;
    if (written)
        memcpy(requests, search->certain + search->certain_first, written * sizeof *requests);
    return count;
}

void hpx_walk_stop(hpx_walk *walk, uint32_t end, const char *stop)
{
    walk->end = end;
    walk->stop = stop;
    hpx_walk_list_nothing(walk);
}
