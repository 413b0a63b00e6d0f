#include "hpx/search.h"

#include "base/memory.h"
#include "state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Grid search: every cell, in order of number. */

static void grid_begin(hpx_search *search)
{
    for (uint32_t cell = 0; cell < search->cells; cell++)
        hpx_search_want(search, cell);
}

static void grid_advance(hpx_search *search)
{
    while (search->grid_next < search->cells && hpx_search_told(search, search->grid_next))
        hpx_search_visit(search, search->grid_next++);
    if (search->grid_next == search->cells)
        hpx_search_stop(search, search->result.incumbent, "complete");
}

static const struct {
    void (*begin)(hpx_search *search);
    void (*advance)(hpx_search *search);
} methods[] = {
    [HPX_METHOD_GRID] = {grid_begin, grid_advance},
    [HPX_METHOD_HILL_CLIMB] = {hpx_hill_begin, hpx_hill_advance},
    [HPX_METHOD_FULL_CROSS] = {hpx_cross_begin, hpx_cross_advance},
    [HPX_METHOD_PARTIAL_CROSS] = {hpx_cross_begin, hpx_cross_advance},
};

hpx_search *hpx_search_new(const hpx_grid *grid, const hpx_search_options *options, hpx_cost_fn *cost,
                           void *context)
{
    hpx_search *search = hpx_alloc(sizeof *search);
    search->grid = *grid;
    search->options = *options;
    search->cost = cost;
    search->context = context;
    search->cells = hpx_grid_cells(grid);

    assert(options->method < sizeof methods / sizeof *methods);
    assert(options->method == HPX_METHOD_GRID || options->start < search->cells);
    if (options->method == HPX_METHOD_FULL_CROSS)
        search->options.limit = 0;
    else if (options->limit > HPX_CELLS_MAX)
        search->options.limit = HPX_CELLS_MAX; /* never reached; bounds sums */

    uint32_t stride = 1;
    for (size_t axis = grid->axes; axis-- > 0; stride *= grid->counts[axis])
        search->strides[axis] = stride;

    hpx_scores_init(&search->known, search->cells);
    methods[options->method].begin(search);
    methods[options->method].advance(search);
    return search;
}

void hpx_search_free(hpx_search *search)
{
    if (!search)
        return;
    hpx_scores_free(&search->known);
    free(search->trace.at);
    free(search->wanted.at);
    free(search->hill.around.at);
    free(search);
}

void hpx_search_tell(hpx_search *search, uint32_t cell, double score)
{
    assert(cell < search->cells);
    if (search->result.stop)
        return;
    hpx_score_entry *known = hpx_scores_add(&search->known, cell);
    if (known->told)
        return;
    known->told = true;
    known->score = score;
    search->wanted_told++;
    methods[search->options.method].advance(search);
}

/* Drops the told cells by moving those before the last of them up. Answers come mostly in the order of the
 * list, so this touches a few cells at its front, however long it is. */
static void drop_told(hpx_search *search)
{
    uint32_t *cells = search->wanted.at;
    size_t first = search->wanted_first, end = first, told = 0;
    for (; told < search->wanted_told && end < search->wanted.count; end++)
        told += hpx_search_told(search, cells[end]);
    size_t to = end;
    for (size_t from = end; told && from-- > first;)
        if (!hpx_search_told(search, cells[from]))
            cells[--to] = cells[from];
    search->wanted_first += told;
    search->wanted_told = 0;
}

size_t hpx_search_wanted(hpx_search *search, const uint32_t **cells)
{
    drop_told(search);
    *cells = search->wanted.count ? search->wanted.at + search->wanted_first : NULL;
    return search->wanted.count - search->wanted_first;
}

size_t hpx_search_trace(const hpx_search *search, const uint32_t **cells)
{
    *cells = search->trace.at;
    return search->trace.count;
}

hpx_search_result hpx_search_result_of(const hpx_search *search)
{
    assert(search->result.stop);
    return search->result;
}

/* What the methods share. */

void hpx_cells_add(hpx_cells *cells, uint32_t cell)
{
    cells->at = hpx_grow(cells->at, &cells->capacity, cells->count + 1, sizeof *cells->at);
    cells->at[cells->count++] = cell;
}

double hpx_search_score(const hpx_search *search, uint32_t cell)
{
    const hpx_score_entry *known = hpx_scores_find(&search->known, cell);
    return known && known->told ? known->score : (double)NAN;
}

bool hpx_search_told(const hpx_search *search, uint32_t cell)
{
    const hpx_score_entry *known = hpx_scores_find(&search->known, cell);
    return known && known->told;
}

bool hpx_score_above(double a, double b)
{
    return a > b || (isnan(b) && !isnan(a));
}

bool hpx_search_better(const hpx_search *search, uint32_t a, uint32_t b)
{
    double score_a = hpx_search_score(search, a), score_b = hpx_search_score(search, b);
    if (hpx_score_above(score_a, score_b))
        return true;
    if (hpx_score_above(score_b, score_a))
        return false;
    uint64_t cost_a = search->cost(search->context, a), cost_b = search->cost(search->context, b);
    return cost_a != cost_b ? cost_a < cost_b : a < b;
}

void hpx_search_visit(hpx_search *search, uint32_t cell)
{
    hpx_score_entry *known = hpx_scores_find(&search->known, cell);
    assert(known && known->told);
    if (known->visited)
        return;
    known->visited = true;
    hpx_cells_add(&search->trace, cell);
    if (search->trace.count == 1 || hpx_search_better(search, cell, search->result.incumbent))
        search->result.incumbent = cell;
}

void hpx_search_want_nothing(hpx_search *search)
{
    search->wanted.count = search->wanted_first = search->wanted_told = 0;
}

void hpx_search_want(hpx_search *search, uint32_t cell)
{
    if (!hpx_search_told(search, cell))
        hpx_cells_add(&search->wanted, cell);
}

void hpx_search_stop(hpx_search *search, uint32_t end, const char *stop)
{
    hpx_search_want_nothing(search);
    search->result.end = end;
    search->result.stop = stop;
}
