/* The parts that all search methods share. A method is a state machine: it visits cells as long as their
 * scores are known and lists those that it is certain to visit. */
#ifndef HPX_SEARCH_STATE_H
#define HPX_SEARCH_STATE_H

#include "hpx/search.h"
#include "scores.h"

typedef struct hpx_cells {
    uint32_t *at;
    size_t count, capacity;
} hpx_cells;

enum { HPX_LINE_UP, HPX_LINE_DOWN, HPX_LINE_ENDED };

/* A line and the place of a walk on it. The walk begins at the origin, goes up to the axis' last value, then
 * from the origin down to its first. The cell it stands on is origin +- distance * stride and comes next. */
typedef struct hpx_line {
    uint32_t origin, stride;
    uint32_t reach[2]; /* cells above and below the origin */
    uint32_t direction, distance;
    uint32_t best;   /* of the cells before this one */
    uint32_t misses; /* in a row, in this direction */
} hpx_line;

typedef struct hpx_cross {
    uint32_t position;
    size_t axis, lines, unmoved;
    hpx_line line;
    bool listed; /* the line's cells have been put on the list of wanted ones */
} hpx_cross;

typedef struct hpx_hill {
    hpx_cells around; /* the position and its neighbours, in order of visit */
    size_t next;
} hpx_hill;

struct hpx_search {
    hpx_grid grid;
    hpx_search_options options;
    hpx_cost_fn *cost;
    void *context;
    uint32_t cells;
    uint32_t strides[HPX_AXES_MAX]; /* difference in number between neighbours along an axis */

    hpx_scores known;
    hpx_cells trace;
    hpx_cells wanted;    /* certain cells in order of visit; what is before `wanted_first` has been dropped */
    size_t wanted_first; /* because it was told */
    size_t wanted_told;  /* cells told since: those on the list are dropped when it is next asked for */
    hpx_search_result result; /* `incumbent` always, the rest once `stop` is set */

    /* of the method */
    uint32_t grid_next;
    hpx_hill hill;
    hpx_cross cross;
};

/* `begin` sets the first position, `advance` visits what is known from there and lists what is wanted. */
void hpx_hill_begin(hpx_search *search);
void hpx_hill_advance(hpx_search *search);
void hpx_cross_begin(hpx_search *search);
void hpx_cross_advance(hpx_search *search);

void hpx_cells_add(hpx_cells *cells, uint32_t cell);

/* A cell that was not told counts as failed. */
double hpx_search_score(const hpx_search *search, uint32_t cell);
bool hpx_search_told(const hpx_search *search, uint32_t cell);

/* Higher; a failed cell is below every score, and failed cells are equal. */
bool hpx_score_above(double a, double b);

/* The total order of cells: higher score, then smaller cost, then smaller number. */
bool hpx_search_better(const hpx_search *search, uint32_t a, uint32_t b);

/* Puts a told cell at the end of the trace, unless it is there. */
void hpx_search_visit(hpx_search *search, uint32_t cell);

void hpx_search_want_nothing(hpx_search *search);
void hpx_search_want(hpx_search *search, uint32_t cell); /* unless it was told */

void hpx_search_stop(hpx_search *search, uint32_t end, const char *stop);

/* The value index of a cell on an axis. */
static inline uint32_t hpx_search_index(const hpx_search *search, uint32_t cell, size_t axis)
{
    return cell / search->strides[axis] % search->grid.counts[axis];
}

#endif
