/* The searches of a recipe against each other over a table of results of several seeds. docs/compare.md defines every
 * number; here is where it stands.
 *
 * The seeds of the table are cut into blocks of as many as the recipe has, and every search runs over each block, as a
 * build with these seeds would. What a search finds there is judged by its truth: the mean over the other seeds. Regret
 * is what the truth lacks of the best cell's; less is better, whatever the objective's direction. Blocks are the
 * independent repeats: runs within one (starts, seeds of a method) are averaged first. */
#ifndef HPX_COMPARE_COMPARE_H
#define HPX_COMPARE_COMPARE_H

#include "hpx/error.h"
#include "hpx/recipe.h"
#include "hpx/source.h"
#include "run/measured.h"
#include "statistics/importance.h"
#include "statistics/ranks.h"
#include "statistics/summary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The metrics that a comparison reads: the objective and, where that is of validation, the same of the test. Not to be
 * copied: the second name is in it, the first is the recipe's. */
typedef struct hpx_compare_metrics {
    const char *names[2];
    size_t count;
    char truth[HPX_METRIC_NAME_MAX + 1];
} hpx_compare_metrics;

void hpx_compare_metrics_of(hpx_compare_metrics *out, const hpx_recipe *recipe);

typedef struct hpx_compare_options {
    const hpx_recipe_search *const *searches; /* 1 or more, of the recipe */
    size_t search_count;
    const char *against; /* the name of the one that the others are compared with; NULL: the first */
    bool all_starts;     /* searches that have a start begin at every cell */
    uint32_t repeat;     /* searches that have a seed run with 1 .. repeat; 0: with their own */
    const hpx_source_options *source; /* where data sets are found; their shapes suffice */
} hpx_compare_options;

/* One value of each block, summarised. The interval is that of the interquartile mean, by resampling blocks; NaN where
 * there are fewer than two. */
typedef struct hpx_spread {
    double median, first_quartile, third_quartile, mean;
    hpx_interval interval;
} hpx_spread;

typedef enum hpx_verdict_of_two {
    HPX_IS_REFERENCE,
    HPX_WITHIN_NOISE, /* no difference that the seeds, or the blocks, can tell */
    HPX_IS_BETTER,
    HPX_IS_WORSE,
    HPX_UNTESTED, /* beyond the noise of seeds, but the blocks are too few to tell */
} hpx_verdict_of_two;

/* A search. All values by block are means over its runs there. */
typedef struct hpx_contender {
    const hpx_recipe_search *search;
    bool exact;  /* no run: the mean over all orders in which cells may be drawn */
    size_t runs; /* in each block; exact: 1 */

    /* By block. */
    double *regret;      /* of `end` */
    double *tied;        /* share of the runs whose end ties with the best; NaN: no tie is known */
    double *cost;        /* relative, when it ends */
    double *evaluations; /* likewise */
    double *flattery;    /* score that `end` was chosen on, less its truth; NaN: the score is none */
    double *within;      /* cost to come within seed_sd of the best; infinite: it does not */
    uint32_t *end;       /* cell; NULL: there are several runs */
    /* Regret of the incumbent by the time each of the comparison's costs is spent, by block and cost; NaN before every
     * run has one. Behind the end it stays as it was. */
    double *curve;

    hpx_spread end_regret;
    hpx_spread *curve_regret; /* by cost; all NaN where some block has none */
    double mean_tied, mean_cost, mean_evaluations, mean_flattery;
    size_t came_within;   /* blocks in which it does */
    double within_median; /* infinite: in most it does not */
    hpx_interval within_interval;
    double mean_rank; /* by regret of the end, 1 the best; NaN: not ranked */

    /* Beside the reference. */
    hpx_spread gain; /* the reference's regret less its own: positive where it is better */
    hpx_signed_ranks test;
    double p; /* of that, adjusted by Holm; NaN: not tested */
    hpx_verdict_of_two verdict;
} hpx_contender;

typedef struct hpx_contest {
    const hpx_recipe *recipe;
    uint32_t cells;
    uint64_t grid_macs;        /* of which relative costs are shares */
    char *selected_on, *truth; /* metrics */
    bool truth_is_table;       /* no seeds are left beside the block's: truth is the mean over all */
    bool is_test;    /* the searches select on what is the truth: the luck of its images stays in both */
    uint32_t *seeds; /* that have every cell, ascending; the blocks take them in this order */
    size_t seed_count, block_seeds, block_count, truth_seeds;
    double seed_sd; /* of the truth, pooled over cells; NaN: there is one seed */
    double tie;     /* 1.96 seed_sd sqrt(2 / truth_seeds): truths that differ by no more tie; NaN likewise */

    hpx_contender *searches;
    size_t search_count, reference;
    double
        *superiority; /* search_count^2: the share of blocks in which row is better than column, ties half */
    double *costs;    /* of the curves */
    size_t cost_count;
    char *untested; /* why there are no tests; NULL: there are */
    hpx_friedman friedman;

    hpx_importance importance;
    char *no_importance; /* why there is none; NULL: there is */
    char **notes;        /* sentences: what was left out, and what to beware of */
    size_t note_count;
} hpx_contest;

/* `measured` has the metrics of hpx_compare_metrics_of, in their order; `source` is its name in messages. HPX_USAGE: the
 * options name what is not there, or no search can be compared, and what is missing for that. The recipe must outlive
 * the contest. */
hpx_status hpx_compare_searches(hpx_contest **out, const hpx_recipe *recipe, const hpx_measured *measured,
                                const char *source, const hpx_compare_options *options, hpx_error *error);
void hpx_contest_free(hpx_contest *contest); /* NULL is fine */

#endif
