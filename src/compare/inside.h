/* The parts of a comparison: what a block of seeds shows of the cells, and what a search does with that. */
#ifndef HPX_COMPARE_INSIDE_H
#define HPX_COMPARE_INSIDE_H

#include "compare/compare.h"

/* What all blocks share. Scores and truths in here are negated where the objective is minimised: more is better. */
typedef struct hpx_lab {
    const hpx_recipe *recipe;
    const hpx_measured *measured;
    size_t *seeds; /* indices into `measured` */
    size_t seed_count;
    size_t truth_metric; /* of `measured` */
    uint32_t cells;
    uint64_t *macs; /* by cell; 1 of a trainer that counts none */
    double grid_macs;
    bool continues;
    double tie;        /* of truths; NaN: not known */
    uint32_t *visited; /* by cell: the epochs that a run has visited; 0 between runs */
} hpx_lab;

/* What a block shows. */
typedef struct hpx_view {
    hpx_lab *lab;
    size_t first, count; /* its seeds, of the lab's */
    double *truth;       /* by cell; of a failed one the worst there is */
    double best;
    struct level {
        uint32_t epochs;
        double *scores; /* by cell; NaN: failed; infinite: not in the table */
    } * levels;
    size_t level_count, level_capacity;
} hpx_view;

void hpx_view_init(hpx_view *view, hpx_lab *lab, size_t first, size_t count);
void hpx_view_free(hpx_view *view);
const double *hpx_view_scores(hpx_view *view, uint32_t epochs); /* of the view */

/* The regret of the incumbents of runs, summed up over them as it changes with cost. */
typedef struct hpx_change {
    double cost, regret; /* at it, and by how much */
    size_t number;       /* in order of addition */
    bool first;          /* of its run */
} hpx_change;

/* The runs of a search over a block. */
typedef struct hpx_runs {
    size_t count;
    double regret, tied, cost, evaluations, flattery; /* sums; tied: of 1 for a run that ties with the best */
    uint32_t end;                                     /* of the last run */
    hpx_change *changes;
    size_t change_count, change_capacity;
} hpx_runs;

void hpx_runs_free(hpx_runs *runs);

/* Runs a search once. False: the table lacks `missing`. */
bool hpx_runs_add(hpx_runs *runs, hpx_request *missing, hpx_view *view, const hpx_search_options *options);
/* Random search, by all of its orders at once. */
bool hpx_runs_add_random(hpx_runs *runs, hpx_request *missing, hpx_view *view,
                         const hpx_search_options *options);

/* Sorts the changes; then the mean regret of the runs at each of the ascending costs, NaN before each has a first, and
 * the least cost at which it is at most `goal` (infinite: none; NaN: without a goal). */
void hpx_runs_curve(double *curve, double *within, hpx_runs *runs, const double *costs, size_t count,
                    double goal);

/* What all blocks say together, of searches that have run; and of the table itself. */
void hpx_compare_summarise(hpx_contest *contest);
void hpx_compare_importance(hpx_contest *contest, const hpx_lab *lab);

#endif
