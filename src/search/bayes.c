/* Bayesian optimisation: a Gaussian process says of every cell what may be expected there, and the cell is next from
 * which the largest improvement over the best result is expected [1].
 *
 *     1. the first cells are those of `random`
 *     2. proposal t knows the results of 1 .. t-lag; where one is missing, the posterior mean stands in ("Kriging
 *        believer" [2]), so that up to `lag` cells are trained at once
 *     3. the lengths and the noise of the process are fitted to the results (fit.c), and the cell of the largest
 *        ln EI [3] is proposed that was not before; `per-cost`: of the largest ln EI - alpha ln T, alpha going from 1
 *        down to 0 as the evaluations are used up [4]
 *
 * A proposal is a function of the results that it knows, not of when they came. All is minimised: the logarithm of what
 * an accuracy lacks of 1, that of a loss, and the objective itself where it is another.
 *
 * [1] D. Jones, M. Schonlau and W. Welch, "Efficient global optimization of expensive black-box functions", Journal of
 *     Global Optimization 13, 1998.
 * [2] D. Ginsbourger, R. Le Riche and L. Carraro, "Kriging is well-suited to parallelize optimization", 2010.
 * [3] S. Ament et al., "Unexpected improvements to expected improvement for Bayesian optimization", NeurIPS 2023.
 * [4] E. Lee, V. Perrone, C. Archambeau and M. Seeger, "Cost-aware Bayesian optimization", 2020. */
#include "base/memory.h"
#include "elementary.h"
#include "gaussian.h"
#include "improvement.h"
#include "state.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

static const double error_min = 1e-5; /* of an accuracy: less is no difference */

struct hpx_bayes {
    uint32_t evaluations, initial; /* as many as there are cells for */
    uint32_t proposed, visited;
    uint32_t *proposals; /* cells */
    bool *taken;         /* by cell: it is among them */
    double *ln_costs;    /* by cell; NULL: costs do not matter */
    hpx_space space;
    hpx_hyper hyper;
    size_t fitted;          /* results at the last fit */
    hpx_gaussian *gaussian; /* of the first proposals, with these hyperparameters */
    double *means, *variances;
};

void hpx_bayes_begin(hpx_walk *walk)
{
    hpx_search *search = walk->search;
    const hpx_search_options *options = &search->options;
    assert(options->evaluations > 0 && options->initial > 0 && options->lag > 0);
    hpx_bayes *bayes = search->bayes = hpx_alloc(sizeof *bayes);
    bayes->evaluations = hpx_search_evaluations(search);
    bayes->initial = options->initial < bayes->evaluations ? options->initial : bayes->evaluations;
    bayes->proposals = hpx_alloc(bayes->evaluations * sizeof *bayes->proposals);
    bayes->taken = hpx_alloc(search->cells * sizeof *bayes->taken);
    bayes->means = hpx_alloc(search->cells * sizeof *bayes->means);
    bayes->variances = hpx_alloc(search->cells * sizeof *bayes->variances);
    hpx_space_init(&bayes->space, &search->grid);
    bayes->hyper = hpx_gaussian_first_hyper();
    bayes->gaussian = hpx_gaussian_new(&bayes->space, &bayes->hyper);
    if (!options->per_cost)
        return;
    bayes->ln_costs = hpx_alloc(search->cells * sizeof *bayes->ln_costs);
    for (uint32_t cell = 0; cell < search->cells; cell++) {
        const uint64_t cost = search->cost(search->context, cell);
        bayes->ln_costs[cell] = hpx_ln(cost > 1 ? (double)cost : 1);
    }
}

void hpx_bayes_free(hpx_bayes *bayes)
{
    if (!bayes)
        return;
    hpx_gaussian_free(bayes->gaussian);
    hpx_space_free(&bayes->space);
    free(bayes->proposals);
    free(bayes->taken);
    free(bayes->ln_costs);
    free(bayes->means);
    free(bayes->variances);
    free(bayes);
}

/* The results of the first proposals. `values` has a number of each: NaN where none is known, the worst for a cell that
 * failed. `real` lists the others, cells and values alike. */
struct results {
    double *values;
    uint32_t *real_cells;
    double *real_values;
    size_t real;
    double best, worst;
};

static double minimised(hpx_scale scale, double score)
{
    if (scale == HPX_SCALE_ACCURACY)
        return hpx_ln(1 - score > error_min ? 1 - score : error_min);
    if (scale == HPX_SCALE_LOSS)
        return hpx_ln(-score > DBL_MIN ? -score : DBL_MIN);
    return -score;
}

/* To mean 0 and standard deviation 1; equal numbers to 0. They are divided by the largest first, whose square may be too
 * large, and the first is subtracted, so that equal ones are exactly 0. */
static void standardise(double *values, size_t count)
{
    double largest = 0, mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        largest = fabs(values[i]) > largest ? fabs(values[i]) : largest;
    for (size_t i = count; largest > 0 && i-- > 0;)
        values[i] = values[i] / largest - values[0] / largest;
    for (size_t i = 0; i < count; i++)
        mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    const double sd = squares > 0 ? sqrt(squares / (double)(count - 1)) : 1;
    for (size_t i = 0; i < count; i++)
        values[i] = (values[i] - mean) / sd;
}

/* Knows the results of the first `known` proposals. */
static void collect(struct results *out, const hpx_walk *walk, uint32_t known)
{
    const hpx_bayes *bayes = walk->search->bayes;
    *out = (struct results){
        .values = hpx_alloc(bayes->evaluations * sizeof(double)),
        .real_cells = hpx_alloc(bayes->evaluations * sizeof(uint32_t)),
        .real_values = hpx_alloc(bayes->evaluations * sizeof(double)),
    };
    for (uint32_t i = 0; i < known; i++) {
        const double score = hpx_walk_score(walk, bayes->proposals[i]);
        if (isnan(score))
            continue;
        out->real_cells[out->real] = bayes->proposals[i];
        out->real_values[out->real++] = minimised(walk->search->options.scale, score);
    }
    standardise(out->real_values, out->real);
    for (size_t i = 0; i < out->real; i++) {
        const double value = out->real_values[i];
        out->best = i == 0 || value < out->best ? value : out->best;
        out->worst = i == 0 || value > out->worst ? value : out->worst;
    }
    size_t real = 0;
    for (uint32_t i = 0; i < bayes->evaluations; i++) {
        const bool failed = real == out->real || out->real_cells[real] != bayes->proposals[i];
        out->values[i] = i >= known ? (double)NAN : failed ? out->worst : out->real_values[real++];
    }
}

static void let_go(struct results *results)
{
    free(results->values);
    free(results->real_cells);
    free(results->real_values);
}

static bool same(const hpx_bayes *bayes, const hpx_hyper *hyper)
{
    bool equal = bayes->hyper.noise == hyper->noise;
    for (size_t axis = 0; axis < bayes->space.grid.axes; axis++)
        equal &= bayes->hyper.lengths[axis] == hyper->lengths[axis];
    return equal;
}

/* With every result up to 32, then whenever there are a sixteenth more: that many refits cost as much as a few of the
 * last. */
static void fit(hpx_bayes *bayes, const struct results *results)
{
    const size_t step = bayes->fitted / 16;
    if (results->real < bayes->fitted + (step ? step : 1))
        return;
    hpx_hyper hyper = bayes->hyper;
    bayes->fitted = results->real;
    hpx_gaussian_fit(&hyper, &bayes->space, results->real_cells, results->real_values, results->real);
    if (same(bayes, &hyper))
        return;
    bayes->hyper = hyper;
    hpx_gaussian_free(bayes->gaussian);
    bayes->gaussian = hpx_gaussian_new(&bayes->space, &hyper);
}

/* The best cell that was not proposed. */
static uint32_t choose(hpx_bayes *bayes, const struct results *results)
{
    for (size_t i = hpx_gaussian_count(bayes->gaussian); i < bayes->proposed; i++)
        hpx_gaussian_append(bayes->gaussian, bayes->proposals[i]);
    hpx_gaussian_posterior(bayes->means, bayes->variances, bayes->gaussian, results->values);
    const double used = bayes->proposed - bayes->initial, all = bayes->evaluations - bayes->initial;
    const double alpha = 1 - used / all;
    double most = -INFINITY;
    uint32_t best = 0;
    for (uint32_t cell = 0; cell < bayes->space.cells; cell++) {
        if (bayes->taken[cell])
            continue;
        double promise =
            hpx_ln_expected_improvement(results->best, bayes->means[cell], sqrt(bayes->variances[cell]));
        if (bayes->ln_costs)
            promise -= alpha * bayes->ln_costs[cell];
        promise = hpx_billionths(promise);
        if (promise > most) {
            most = promise;
            best = cell;
        }
    }
    return best;
}

static void add_proposal(hpx_bayes *bayes, uint32_t cell)
{
    assert(!bayes->taken[cell] && bayes->proposed < bayes->evaluations);
    bayes->taken[cell] = true;
    bayes->proposals[bayes->proposed++] = cell;
}

static void propose(hpx_walk *walk)
{
    hpx_bayes *bayes = walk->search->bayes;
    const uint32_t lag = walk->search->options.lag, next = bayes->proposed + 1;
    if (bayes->proposed < bayes->initial) {
        add_proposal(bayes, hpx_permutation_at(&walk->search->order, bayes->proposed));
    } else {
        struct results results;
        collect(&results, walk, next > lag ? next - lag : 0);
        fit(bayes, &results);
        add_proposal(bayes, choose(bayes, &results));
        let_go(&results);
    }
    hpx_walk_list(walk, bayes->proposals[bayes->proposed - 1]);
}

/* Whether the results are there that the next proposal is to know. */
static bool can_propose(const hpx_bayes *bayes, uint32_t lag)
{
    return bayes->proposed < bayes->evaluations &&
           (bayes->proposed < bayes->initial || bayes->proposed - bayes->visited < lag);
}

void hpx_bayes_advance(hpx_walk *walk)
{
    hpx_bayes *bayes = walk->search->bayes;
    for (;;) {
        while (can_propose(bayes, walk->search->options.lag))
            propose(walk);
        if (bayes->visited == bayes->evaluations || !hpx_walk_visit(walk, bayes->proposals[bayes->visited]))
            break;
        bayes->visited++;
    }
    if (bayes->visited == bayes->evaluations)
        hpx_walk_stop(walk, walk->search->result.incumbent, "complete");
}

/* What it would propose if what is not known yet came out as expected. */
size_t hpx_bayes_speculate(hpx_search *search, hpx_request *requests, size_t certain, size_t room)
{
    hpx_bayes *bayes = search->bayes;
    const uint32_t proposed = bayes->proposed;
    if (bayes->fitted == 0)
        return 0;
    struct results results;
    collect(&results, &search->walk, bayes->visited);
    size_t count = 0;
    while (count < room && bayes->proposed < bayes->evaluations) {
        const uint32_t cell = choose(bayes, &results);
        add_proposal(bayes, cell);
        if (!hpx_walk_known(&search->walk, cell))
            requests[certain + count++] = (hpx_request){cell, search->rungs[search->walk.rung].epochs};
    }
    while (bayes->proposed > proposed)
        bayes->taken[bayes->proposals[--bayes->proposed]] = false;
    if (hpx_gaussian_count(bayes->gaussian) > proposed)
        hpx_gaussian_truncate(bayes->gaussian, proposed);
    let_go(&results);
    return count;
}
