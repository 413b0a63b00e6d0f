/* The parts that all search methods share. A method is a state machine: it visits requests as long as their
 * scores are known, and then says which it is certain to visit. */
#ifndef HPX_SEARCH_STATE_H
#define HPX_SEARCH_STATE_H

#include "hpx/search.h"
#include "permutation.h"
#include "scores.h"

typedef struct hpx_future hpx_future;
typedef struct hpx_bayes hpx_bayes;

typedef struct hpx_cells {
    uint32_t *at;
    size_t count, capacity;
} hpx_cells;

typedef struct hpx_scored {
    uint32_t cell;
    double score;
} hpx_scored;

enum { HPX_LINE_UP, HPX_LINE_DOWN, HPX_LINE_ENDED };

/* A line and the place of a walk on it. The walk begins at the origin, goes up to the axis' last value, then
 * from the origin down to its first. The cell it stands on is origin +- distance * stride and comes next. */
typedef struct hpx_line {
    uint32_t origin, stride;
    uint32_t reach[2]; /* cells above and below the origin */
    uint32_t direction, distance;
    hpx_scored best; /* of the cells before this one */
    uint32_t misses; /* in a row, in this direction */
} hpx_line;

typedef struct hpx_cross {
    uint32_t position;
    size_t axis, lines, unmoved;
    hpx_line line;
} hpx_cross;

/* The part of hyperband that a walk is in: successive halving from so many cells. */
typedef struct hpx_bracket {
    uint32_t number; /* the paper's s: its rungs but one */
    uint32_t first;  /* cells that the brackets before it took from the order */
    uint32_t count;  /* cells that it starts with */
    uint32_t rung;   /* where it is */
} hpx_bracket;

typedef struct hpx_asha hpx_asha;

/* Where a method is on its way through a search. The search has one walk of its own; to speculate, others go on
 * from there over the same scores. */
struct hpx_walk {
    hpx_search *search;
    hpx_future *future; /* that it tries out: missing scores come from there; NULL: the search's own walk */
    size_t rung;        /* of the search: calls that take a cell mean its epochs */
    uint32_t end;       /* of the method, once it has stopped */
    const char *stop;   /* why the method has; NULL: it has not */
    bool ended;         /* and nothing comes behind that */
    hpx_cells best;     /* where the method screens: the best cells visited, to be promoted; best first */
    hpx_cells cells;    /* hill climbing: the position and its neighbours; halving: the rung's; in order */
    uint32_t next;      /* grid: the cell; random: its place in the order; else in `cells`, or in `best` */
    bool listed;        /* what is certain where it stands is on the list */
    hpx_cross cross;
    hpx_bracket bracket;
    hpx_asha *asha;
};

/* The scores at one number of epochs. */
typedef struct hpx_rung {
    uint32_t epochs;
    size_t told;
    double mean, sd; /* what a future draws missing ones from */
    hpx_scores scores;
} hpx_rung;

struct hpx_search {
    hpx_grid grid;
    hpx_search_options options;
    hpx_cost_fn *cost;
    void *context;
    uint32_t cells;
    uint32_t strides[HPX_AXES_MAX]; /* difference in number between neighbours along an axis */
    hpx_permutation order;          /* of the methods that draw cells */
    hpx_bayes *bayes;               /* NULL: another method */

    hpx_rung *rungs; /* the first is the one that the method begins with */
    hpx_rung only;   /* that one, while there is no other */
    size_t rung_count, rung_capacity;

    hpx_request *trace;
    size_t trace_count, trace_capacity;
    hpx_request *certain; /* in order of visit; what is before `certain_first` has been dropped because it */
    size_t certain_count, certain_capacity, certain_first; /* was told */
    size_t certain_told; /* requests told since: those on the list are dropped when it is next asked for */
    hpx_walk *fronts;    /* hyperband: how far each bracket is decided, by its number */
    size_t front_count;
    hpx_search_result result; /* `incumbent` always, the rest once `stop` is set */
    double incumbent_score;
    hpx_walk walk; /* its own */
};

/* What rows of hpx_methods are made of. */
void hpx_grid_begin(hpx_walk *walk);
void hpx_grid_advance(hpx_walk *walk);
size_t hpx_grid_ask(hpx_search *search, hpx_request *requests, size_t room);
void hpx_random_begin(hpx_walk *walk);
void hpx_random_advance(hpx_walk *walk);
void hpx_hill_begin(hpx_walk *walk);
void hpx_hill_advance(hpx_walk *walk);
void hpx_cross_begin(hpx_walk *walk);
void hpx_cross_advance(hpx_walk *walk);
void hpx_bayes_begin(hpx_walk *walk);
void hpx_bayes_advance(hpx_walk *walk);
size_t hpx_bayes_speculate(hpx_search *search, hpx_request *requests, size_t certain, size_t room);
void hpx_bayes_free(hpx_bayes *bayes); /* NULL is fine */
void hpx_halving_begin(hpx_walk *walk);
void hpx_halving_advance(hpx_walk *walk);
/* The paper's s_max, the rungs of the longest bracket but one; the epochs of a rung so many below the last. */
uint32_t hpx_halving_top(const hpx_search_options *options);
uint32_t hpx_halving_epochs(const hpx_search_options *options, uint32_t below_top);
void hpx_asha_begin(hpx_walk *walk);
void hpx_asha_advance(hpx_walk *walk);
size_t hpx_search_ask_list(hpx_search *search, hpx_request *requests, size_t room);
size_t hpx_search_try_futures(hpx_search *search, hpx_request *requests, size_t certain, size_t room);

/* Screening: what comes behind a method that has stopped on early scores. */
void hpx_screen_consider(hpx_walk *walk, uint32_t cell);
void hpx_screen_begin(hpx_walk *walk);
void hpx_screen_advance(hpx_walk *walk);

/* Goes on until the search is done or a score is missing. */
void hpx_walk_advance(hpx_walk *walk);

/* A walk of its own over the same scores; hpx_walk_free frees what it has. */
hpx_walk hpx_walk_copy(const hpx_walk *walk);
void hpx_walk_free(hpx_walk *walk);
hpx_asha *hpx_asha_copy(const hpx_asha *asha); /* NULL is fine for both */
void hpx_asha_free(hpx_asha *asha);

void hpx_cells_add(hpx_cells *cells, uint32_t cell);
void hpx_cells_copy(hpx_cells *to, const hpx_cells *from);

/* A cell that was not told counts as failed. */
double hpx_walk_score(const hpx_walk *walk, uint32_t cell);
bool hpx_walk_told(const hpx_walk *walk, uint32_t cell); /* or, in a future, made up */

/* What is known of a cell, told or hinted; NULL: nothing. */
const hpx_score_entry *hpx_walk_known(const hpx_walk *walk, uint32_t cell);

/* Higher; a failed cell is below every score, and failed cells are equal. */
bool hpx_score_above(double a, double b);

/* The total order of cells: higher score, then smaller cost, then smaller number. */
bool hpx_search_better(const hpx_search *search, hpx_scored a, hpx_scored b);
bool hpx_walk_better(const hpx_walk *walk, uint32_t a, uint32_t b);

/* Puts a told cell at the end of the trace, unless it is there. False: it was not told. */
bool hpx_walk_visit(hpx_walk *walk, uint32_t cell);

/* Notes that a line is walked from the cell along the axis; true if one was before. */
bool hpx_walk_walked(hpx_walk *walk, uint32_t cell, size_t axis);

/* The list of certain requests, for hpx_search_ask_list; a future has none. */
void hpx_walk_list_nothing(hpx_walk *walk);
void hpx_walk_list(hpx_walk *walk, uint32_t cell); /* unless it was told */

void hpx_walk_stop(hpx_walk *walk, uint32_t end, const char *stop);

/* Goes by the scores at so many epochs from here on. */
void hpx_walk_go_by(hpx_walk *walk, uint32_t epochs);

/* A future: what a walk meets that goes on with scores drawn where they are missing. */
double hpx_future_score(const hpx_walk *walk, uint32_t cell);
void hpx_future_visit(hpx_walk *walk, uint32_t cell);

/* Whether it has walked so many lines that it is to end: nothing marks the lines of a future, which may go in
 * a circle. */
bool hpx_future_is_long(hpx_future *future);

/* As many of the evaluations asked for as there are cells. */
static inline uint32_t hpx_search_evaluations(const hpx_search *search)
{
    return search->options.evaluations < search->cells ? search->options.evaluations : search->cells;
}

/* The walk has come to the cell for the first time. */
static inline void hpx_screen_visit(hpx_walk *walk, uint32_t cell)
{
    if (walk->search->options.screen_epochs && !walk->stop)
        hpx_screen_consider(walk, cell);
}

/* The value index of a cell on an axis. */
static inline uint32_t hpx_walk_index(const hpx_walk *walk, uint32_t cell, size_t axis)
{
    return cell / walk->search->strides[axis] % walk->search->grid.counts[axis];
}

#endif
