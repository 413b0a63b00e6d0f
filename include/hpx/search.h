/* A search asks for trials, cells at so many epochs, and is told their scores; it knows neither training nor
 * the store. Deterministic: the same answers lead to the same questions, in whatever order the answers come.
 *
 * Semantics (better, line, cross, hill, grid) follow M. Imai, "Proposal of a Hyperparameter Optimization
 * Method for Neural Networks", 2024; docs/searches.md has them in full. */
#ifndef HPX_SEARCH_H
#define HPX_SEARCH_H

#include "hpx/metrics.h"

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
    /* For methods that measure distances. The values of an axis of numbers, borrowed; NULL: they are as far apart as
     * their indices. */
    const double *values[HPX_AXES_MAX];
    uint32_t logarithmic; /* bit per axis: what counts is the logarithm of its values, which are above 0 */
} hpx_grid;

static inline bool hpx_grid_is_unordered(const hpx_grid *grid, size_t axis)
{
    return grid->unordered >> axis & 1;
}

uint32_t hpx_grid_cells(const hpx_grid *grid);
void hpx_grid_indices(uint32_t indices[HPX_AXES_MAX], const hpx_grid *grid, uint32_t cell);
uint32_t hpx_grid_cell(const hpx_grid *grid, const uint32_t indices[HPX_AXES_MAX]);

/* The indices that a cell and its neighbours may have on an axis where the cell has `index`: from one below it to one
 * above it or, on an unordered axis, all. */
void hpx_grid_reach(uint32_t *low, uint32_t *high, const hpx_grid *grid, size_t axis, uint32_t index);

/* A cell at so many epochs. Scores of different epochs are never compared. */
typedef struct hpx_request {
    uint32_t cell, epochs;
} hpx_request;

/* What a recipe says of a search, beside its method: the bindings that a method may take. */
typedef enum hpx_binding {
    HPX_BINDING_START,
    HPX_BINDING_NEIGHBOURS,
    HPX_BINDING_FIRST,
    HPX_BINDING_SCAN,
    HPX_BINDING_LIMIT,
    HPX_BINDING_EVALUATIONS,
    HPX_BINDING_SEED,
    HPX_BINDING_INITIAL,
    HPX_BINDING_LAG,
    HPX_BINDING_PER_COST,
    HPX_BINDING_SCREEN_EPOCHS,
    HPX_BINDING_PROMOTE,
    HPX_BINDING_ETA,
    HPX_BINDING_MIN_EPOCHS,
    HPX_BINDING_WORKERS,
    HPX_BINDINGS
} hpx_binding;

/* A search method: a row of hpx_methods (src/search/methods.c). A method is a state machine: it visits what
 * is known and says what it is certain to visit. src/search/state.h has the parts that methods share. */
typedef struct hpx_search hpx_search;
typedef struct hpx_walk hpx_walk;

typedef struct hpx_method {
    const char *name;      /* in a recipe */
    unsigned takes, needs; /* bits: 1 << HPX_BINDING_... */
    bool fixed;            /* what it visits depends on no score */
    uint32_t cells_max;    /* of a grid that it takes; 0: any */

    void (*begin)(hpx_walk *walk); /* goes to its first position */
    /* Visits what is known from there on, until it stops or a score is missing. */
    void (*advance)(hpx_walk *walk);

    /* Writes at most `room` of the requests that it is certain to visit and was not told, in order of visit;
     * returns how many there are in all. */
    size_t (*ask)(hpx_search *search, hpx_request *requests, size_t room);

    /* The requests that it may come to after the `certain` ones that are there, likeliest first: writes at most
     * `room` (1 or more) behind them and returns how many. Not asked where hpx_search_is_fixed. */
    size_t (*speculate)(hpx_search *search, hpx_request *requests, size_t certain, size_t room);
} hpx_method;

enum {
    HPX_METHOD_GRID,
    HPX_METHOD_HILL_CLIMB,
    HPX_METHOD_FULL_CROSS,
    HPX_METHOD_PARTIAL_CROSS,
    HPX_METHOD_RANDOM,
    HPX_METHOD_BAYES,
    HPX_METHOD_HALVING,
    HPX_METHOD_HYPERBAND,
    HPX_METHOD_ASHA,
    HPX_METHODS
};

extern const hpx_method hpx_methods[HPX_METHODS];

/* Where a hill climber looks: an index moves by 1, on an unordered axis to any other value. */
typedef enum hpx_neighbourhood {
    HPX_DIAGONAL, /* any of the indices move, together */
    HPX_AXES,     /* one index moves */
} hpx_neighbourhood;

typedef struct hpx_search_options {
    const hpx_method *method;
    uint32_t epochs; /* at which it asks, unless the method says otherwise */
    uint32_t start;  /* cell; hill climbing and cross-searches */
    hpx_neighbourhood neighbours;
    uint32_t first;       /* axis of the first line of a cross-search */
    uint32_t limit;       /* misses in a row that end a line of an ordered axis; 0: walk it to its end */
    bool outward;         /* lines are walked from the current cell outward instead of from their low end */
    uint32_t evaluations; /* random, bayes: 1 or more; beyond the grid they are its cells */
    uint32_t seed;        /* of the order in which cells are drawn */
    uint32_t initial;     /* bayes: cells of that order before the first that is chosen, 1 to `evaluations` */
    uint32_t lag;         /* bayes: 1 or more; a proposal does not know the last `lag` - 1 before it */
    bool per_cost;        /* bayes: cheaper cells are preferred, less and less */
    hpx_scale scale;      /* of the scores; those to be minimised are negated */
    uint32_t screen_epochs; /* the method goes by scores after so many, and... 0: it does not screen */
    uint32_t promote;       /* ...the best so many cells that it visits go on to `epochs` */
    uint32_t eta, min_epochs, workers; /* halving, hyperband, asha */
} hpx_search_options;

/* Whether what it visits depends on no score. */
static inline bool hpx_search_is_fixed(const hpx_search_options *options)
{
    return options->method->fixed && options->screen_epochs == 0;
}

/* The rungs of the longest bracket of halving, hyperband or asha, the recipe's epochs being the last; 0: another method. */
uint32_t hpx_search_rungs(const hpx_search_options *options);

/* The cost of a cell, for ties: equal scores are decided by the smaller cost, then by the smaller number. */
typedef uint64_t hpx_cost_fn(void *context, uint32_t cell);

/* Never fails: the options must be within the grid. A full cross-search has no limit, whatever the options
 * say. `cost` is called by new, tell and ask, with any cells of the grid. */
hpx_search *hpx_search_new(const hpx_grid *grid, const hpx_search_options *options, hpx_cost_fn *cost,
                           void *context);
void hpx_search_free(hpx_search *search); /* NULL is fine */

/* Writes the requests that the search was not told, and returns how many: at most `room`. First those that it
 * is certain to visit on the line or in the neighbourhood where it is, in order of visit; *certain says how
 * many there are, also beyond `room`: 0 only when the search is done. If there is room left, then those that
 * it is more likely than not to come to, likeliest first, for slots that would idle. The search goes its way
 * as if it had not been asked. */
size_t hpx_search_ask(hpx_search *search, hpx_request *requests, size_t room, size_t *certain);

/* Tells the score of a request; higher is better. NaN: it failed, and is worse than any score. Scores may
 * come in any order, also before they are asked for; one that was told before is ignored. */
void hpx_search_tell(hpx_search *search, hpx_request request, double score);

/* A score that is known though the search is not certain to need it: it only leads what is speculative. */
void hpx_search_hint(hpx_search *search, hpx_request request, double score);

/* The distinct requests visited so far, in order of first visit. A request is visited when the search has
 * come to it and knows its score. Borrowed until the next tell. */
size_t hpx_search_trace(const hpx_search *search, const hpx_request **requests);

bool hpx_search_is_done(const hpx_search *search);

/* Once done. end: where the method ends (the paper's result); incumbent: the best of all cells visited at the
 * most epochs, `epochs`; stop: "peak" (hill climbing), "fixpoint" or "cycle" (cross-searches),
 * "complete" (the others). */
typedef struct hpx_search_result {
    uint32_t end, incumbent, epochs;
    uint32_t screened; /* where the method itself stopped: `end`, unless it screens */
    const char *stop;
} hpx_search_result;

hpx_search_result hpx_search_result_of(const hpx_search *search);

#endif
