/* What the blocks say together: summaries with their intervals, and which differences are more than noise. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>

#define ALPHA 0.05 /* of all tests together */

static hpx_spread spread_of(const double *values, size_t count)
{
    return (hpx_spread){
        .median = hpx_median(values, count),
        .first_quartile = hpx_quantile(values, count, 0.25),
        .third_quartile = hpx_quantile(values, count, 0.75),
        .mean = hpx_interquartile_mean(values, count),
        .interval = hpx_resample_summary(hpx_interquartile_mean, values, count, NULL),
    };
}

static void summarise_curve(hpx_contender *search, const hpx_contest *contest)
{
    const size_t blocks = contest->block_count, costs = contest->cost_count;
    const hpx_spread none = {NAN, NAN, NAN, NAN, {NAN, NAN}};
    double *values = hpx_alloc(blocks * sizeof *values);
    search->curve_regret = hpx_alloc(costs * sizeof *search->curve_regret);
    for (size_t c = 0; c < costs; c++) {
        bool all = true, same = c > 0;
        for (size_t b = 0; b < blocks; b++) {
            const double value = search->curve[b * costs + c];
            same = same && value == values[b];
            all = all && !isnan(value);
            values[b] = value;
        }
        search->curve_regret[c] = same ? search->curve_regret[c - 1] : all ? spread_of(values, blocks) : none;
    }
    free(values);
}

static void summarise_search(hpx_contender *search, const hpx_contest *contest)
{
    const size_t blocks = contest->block_count;
    search->end_regret = spread_of(search->regret, blocks);
    search->mean_tied = hpx_mean(search->tied, blocks);
    search->mean_cost = hpx_mean(search->cost, blocks);
    search->mean_evaluations = hpx_mean(search->evaluations, blocks);
    search->mean_flattery = hpx_mean(search->flattery, blocks);
    search->within_median = search->mean_rank = NAN;
    search->within_interval = (hpx_interval){NAN, NAN};
    summarise_curve(search, contest);
    if (isnan(contest->seed_sd))
        return;
    for (size_t b = 0; b < blocks; b++)
        search->came_within += !isinf(search->within[b]);
    search->within_median = hpx_median(search->within, blocks);
    search->within_interval = hpx_resample_summary(hpx_median, search->within, blocks, NULL);
}

/* Where no tie is known only equal truths tie. */
static double tie_of(const hpx_contest *contest)
{
    return isnan(contest->tie) ? 0 : contest->tie;
}

/* Row better than column: the truth of its end is the greater one. */
static void find_superiority(hpx_contest *contest)
{
    const size_t count = contest->search_count;
    contest->superiority = hpx_alloc(count * count * sizeof(double));
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            contest->superiority[a * count + b] =
                hpx_superiority(contest->searches[b].regret, contest->searches[a].regret,
                                contest->block_count, tie_of(contest));
}

static void rank_searches(hpx_contest *contest)
{
    const size_t blocks = contest->block_count, count = contest->search_count;
    if (blocks < 2 || count < 2)
        return;
    double *values = hpx_alloc(blocks * count * sizeof *values), *ranks = hpx_alloc(count * sizeof *ranks);
    for (size_t b = 0; b < blocks; b++)
        for (size_t i = 0; i < count; i++)
            values[b * count + i] = contest->searches[i].regret[b];
    contest->friedman = hpx_friedman_test(ranks, values, blocks, count);
    for (size_t i = 0; i < count; i++)
        contest->searches[i].mean_rank = ranks[i];
    free(values);
    free(ranks);
}

/* Why the blocks cannot tell any difference, however large; NULL: they can. Holm compares the least p of all with the
 * level divided by their number. */
static char *why_untested(const hpx_contest *contest)
{
    const size_t others = contest->search_count - 1, blocks = contest->block_count;
    if (others == 0)
        return hpx_strdup("there is one search");
    const size_t needed = hpx_signed_rank_pairs(ALPHA / (double)others);
    return blocks >= needed
               ? NULL
               : hpx_format("%zu %s tell no difference at the 5 %% level: with %zu %s %zu blocks are "
                            "needed",
                            blocks, hpx_plural(blocks, "block can", "blocks can"), others,
                            hpx_plural(others, "comparison", "comparisons"), needed);
}

static hpx_verdict_of_two judge(const hpx_contest *contest, const hpx_contender *search)
{
    const double gain = search->gain.mean;
    if (fabs(gain) <= tie_of(contest))
        return HPX_WITHIN_NOISE;
    if (contest->untested)
        return HPX_UNTESTED;
    return search->p >= ALPHA ? HPX_WITHIN_NOISE : gain > 0 ? HPX_IS_BETTER : HPX_IS_WORSE;
}

static void compare_with_reference(hpx_contest *contest)
{
    const size_t count = contest->search_count, blocks = contest->block_count;
    const double *reference = contest->searches[contest->reference].regret;
    double *gains = hpx_alloc(blocks * sizeof *gains), *p = hpx_alloc(count * sizeof *p);
    size_t others = 0;
    contest->untested = why_untested(contest);
    for (size_t i = 0; i < count; i++) {
        hpx_contender *search = &contest->searches[i];
        for (size_t b = 0; b < blocks; b++)
            gains[b] = hpx_tidy(reference[b] - search->regret[b]);
        search->gain = spread_of(gains, blocks);
        search->test = hpx_signed_rank_test(gains, blocks);
        search->p = NAN;
        if (i != contest->reference)
            p[others++] = search->test.p;
    }
    if (!contest->untested)
        hpx_holm(p, p, others);
    others = 0;
    for (size_t i = 0; i < count; i++) {
        hpx_contender *search = &contest->searches[i];
        if (i != contest->reference && !contest->untested)
            search->p = p[others++];
        search->verdict = i == contest->reference ? HPX_IS_REFERENCE : judge(contest, search);
    }
    free(gains);
    free(p);
}

void hpx_compare_summarise(hpx_contest *contest)
{
    for (size_t i = 0; i < contest->search_count; i++)
        summarise_search(&contest->searches[i], contest);
    find_superiority(contest);
    rank_searches(contest);
    compare_with_reference(contest);
}

void hpx_compare_importance(hpx_contest *contest, const hpx_lab *lab)
{
    const hpx_recipe *recipe = lab->recipe;
    double *values = hpx_alloc(lab->cells * lab->seed_count * sizeof *values);
    size_t failed = 0;
    hpx_error error;
    for (uint32_t cell = 0; cell < lab->cells; cell++)
        for (size_t i = 0; i < lab->seed_count; i++)
            failed += hpx_measured_value(&values[cell * lab->seed_count + i], lab->measured, lab->seeds[i],
                                         (hpx_request){cell, recipe->epochs},
                                         lab->truth_metric) != HPX_MEASURE_VALUE;
    if (failed)
        contest->no_importance = hpx_format("%zu %s failed", failed, hpx_plural(failed, "trial", "trials"));
    else if (hpx_importance_of(&contest->importance, values, recipe->grid.axes, recipe->grid.counts,
                               lab->seed_count, &error))
        contest->no_importance = hpx_strdup(error.message);
    free(values);
}
