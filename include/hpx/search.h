/* A search asks for cells and is told their scores; it knows neither training nor the store.
 * Deterministic: the same answers lead to the same questions, in whatever order the answers come.
 *
 * Semantics (better, line, cross, hill, grid) follow M. Imai, "Proposal of a Hyperparameter Optimization
 * Method for Neural Networks", 2024; docs/searches.md has them in full. */
#ifndef HPX_SEARCH_H
#define HPX_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_AXES_MAX  16
#define HPX_CELLS_MAX (1u << 22)

/* A grid: axes in order of declaration, `counts` values each (1 or more, the product at most HPX_CELLS_MAX).
 * Cells are numbered row by row, the last axis fastest, so ascending numbers are lexicographically ascending
 * indices. The values of an unordered axis are names: none is nearer to another than a third. */
typedef struct hpx_grid {
    size_t axes; /* 1 .. HPX_AXES_MAX */
    uint32_t counts[HPX_AXES_MAX];
    uint32_t unordered; /* bit per axis */
} hpx_grid;

static inline bool hpx_grid_is_unordered(const hpx_grid *grid, size_t axis)
{
    return grid->unordered >> axis & 1;
}

uint32_t hpx_grid_cells(const hpx_grid *grid);
void hpx_grid_indices(uint32_t indices[HPX_AXES_MAX], const hpx_grid *grid, uint32_t cell);
uint32_t hpx_grid_cell(const hpx_grid *grid, const uint32_t indices[HPX_AXES_MAX]);

typedef enum hpx_method {
    HPX_METHOD_GRID,
    HPX_METHOD_HILL_CLIMB,
    HPX_METHOD_FULL_CROSS,
    HPX_METHOD_PARTIAL_CROSS,
} hpx_method;

/* Where a hill climber looks: an index moves by 1, on an unordered axis to any other value. */
typedef enum hpx_neighbourhood {
    HPX_DIAGONAL, /* any of the indices move, together */
    HPX_AXES,     /* one index moves */
} hpx_neighbourhood;

typedef struct hpx_search_options {
    hpx_method method;
    uint32_t start; /* cell; hill climbing and cross-searches */
    hpx_neighbourhood neighbours;
    uint32_t first; /* axis of the first line of a cross-search */
    uint32_t limit; /* misses in a row that end a line of an ordered axis; 0: walk it to its end */
    bool outward;   /* lines are walked from the current cell outward instead of from their low end */
} hpx_search_options;

/* The cost of a cell, for ties: equal scores are decided by the smaller cost, then by the smaller number. */
typedef uint64_t hpx_cost_fn(void *context, uint32_t cell);

typedef struct hpx_search hpx_search;

/* Never fails: the options must be within the grid. A full cross-search has no limit, whatever the options
 * say. `cost` is called by new and tell, with any cells of the grid. */
hpx_search *hpx_search_new(const hpx_grid *grid, const hpx_search_options *options, hpx_cost_fn *cost,
                           void *context);
void hpx_search_free(hpx_search *search); /* NULL is fine */

/* The cells that the search has not been told and is certain to visit on the line or in the neighbourhood
 * where it is, in order of visit; borrowed until the next tell. Returns how many: 0 only when the search is
 * done. */
size_t hpx_search_wanted(hpx_search *search, const uint32_t **cells);

/* A cell that a search may come to visit, and how likely that is: 0.5 to 1. */
typedef struct hpx_speculation {
    uint32_t cell;
    double likelihood;
} hpx_speculation;

/* For qsort: likeliest first, of equally likely ones the smaller number. */
int hpx_speculation_compare(const void *a, const void *b);

/* Whether the score of a cell is known though the search has not been told; then sets it (NaN: failed). */
typedef bool hpx_known_fn(void *context, uint32_t cell, double *score);

/* For processors that would idle: cells beyond the wanted ones that the search is more likely than not to
 * visit, likeliest first. None of them was told or is known. Writes and returns at most `room` (1 or more). A
 * function of what the search was told and of what is known; the search goes its way as if it had not been
 * asked. */
size_t hpx_search_speculate(hpx_search *search, hpx_speculation *speculations, size_t room,
                            hpx_known_fn *known, void *context);

/* Tells the score of a cell; higher is better. NaN: it failed, and is worse than any score. Cells may be told
 * in any order, also before they are wanted; one that was told before is ignored. */
void hpx_search_tell(hpx_search *search, uint32_t cell, double score);

/* The distinct cells visited so far, in order of first visit. A cell is visited when the search has come to
 * it and knows its score. Borrowed until the next tell. */
size_t hpx_search_trace(const hpx_search *search, const uint32_t **cells);

/* Once done. end: where the method ends (the paper's result); incumbent: the best of all visited cells;
 * stop: "complete" (grid), "peak" (hill climbing), "fixpoint" or "cycle" (cross-searches). */
typedef struct hpx_search_result {
    uint32_t end, incumbent;
    const char *stop;
} hpx_search_result;

hpx_search_result hpx_search_result_of(const hpx_search *search);

#endif
