#include "order.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

/* C(i-1, k-1) / C(N, k) is k / N for i = N; from there, place by place, each is (i - k) / (i - 1) of the one above:
 * factors of at most 1, without any cancellation. */
void hpx_draws_weights(double *weights, size_t cells, size_t k)
{
    assert(k >= 1 && k <= cells);
    double weight = (double)k / (double)cells;
    for (size_t place = cells; place > 0; place--) {
        weights[place - 1] = weight;
        weight *= place > k ? (double)(place - k) / (double)(place - 1) : 0;
    }
}

void hpx_draws_curve(double *curve, size_t most, const double *truth, size_t cells)
{
    double *weights = hpx_alloc(cells * sizeof *weights);
    for (size_t k = 1; k <= most; k++) {
        hpx_draws_weights(weights, cells, k);
        curve[k - 1] = 0;
        for (size_t i = 0; i < cells; i++)
            curve[k - 1] += weights[i] * truth[i];
    }
    free(weights);
}
