#include "order.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* C(i-1, k-1) / C(N, k) is k / N for i = N; from there, place by place, each is (i - k) / (i - 1) of the one above:
 * factors of at most 1, without any cancellation. */
double hpx_draws_weights(double *weights, const hpx_draws *draws, size_t k)
{
    const size_t cells = draws->scored + draws->failed;
    assert(k >= 1 && k <= cells);
    double weight = (double)k / (double)cells;
    for (size_t place = cells; place > draws->failed; place--) {
        weights[place - draws->failed - 1] = weight;
        weight *= place > k ? (double)(place - k) / (double)(place - 1) : 0;
    }
    /* C(failed, k) / C(N, k): `weight` is that of the best of those that failed, k / failed of it. */
    return weight * (double)draws->failed / (double)k;
}

void hpx_draws_curve(double *curve, size_t most, const hpx_draws *draws, double nothing)
{
    double *weights = hpx_alloc((draws->scored + 1) * sizeof *weights);
    for (size_t k = 1; k <= most; k++) {
        const double none = hpx_draws_weights(weights, draws, k);
        double mean = none > 0 ? none * nothing : 0;
        for (size_t i = 0; i < draws->scored; i++)
            mean += weights[i] * draws->truth[i];
        curve[k - 1] = mean;
    }
    free(weights);
}

void hpx_draws_reach(double *curve, size_t most, const hpx_draws *draws, double least)
{
    double *weights = hpx_alloc((draws->scored + 1) * sizeof *weights);
    for (size_t k = 1; k <= most; k++) {
        hpx_draws_weights(weights, draws, k);
        curve[k - 1] = 0;
        for (size_t i = 0; i < draws->scored; i++)
            curve[k - 1] += draws->truth[i] >= least ? weights[i] : 0;
    }
    free(weights);
}

struct truth {
    double value;
    size_t place;
};

static int ascending(const void *a, const void *b)
{
    const struct truth *x = a, *y = b;
    const int by_value = (x->value > y->value) - (x->value < y->value);
    return by_value ? by_value : (x->place > y->place) - (x->place < y->place);
}

void hpx_draws_quantiles(double *curve, size_t most, const hpx_draws *draws, double share)
{
    const double rounding = 1e-12; /* of a sum of weights */
    double *weights = hpx_alloc((draws->scored + 1) * sizeof *weights);
    struct truth *truths = hpx_alloc((draws->scored + 1) * sizeof *truths);
    assert(share > 0 && share <= 1);
    for (size_t i = 0; i < draws->scored; i++)
        truths[i] = (struct truth){draws->truth[i], i};
    qsort(truths, draws->scored, sizeof *truths, ascending);
    for (size_t k = 1; k <= most; k++) {
        double reached = hpx_draws_weights(weights, draws, k);
        curve[k - 1] = NAN;
        for (size_t i = 0; i < draws->scored && reached < share - rounding; i++) {
            reached += weights[truths[i].place];
            curve[k - 1] = truths[i].value;
        }
    }
    free(truths);
    free(weights);
}
