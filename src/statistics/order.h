/* Random search without replacement over a table, exactly: cells are drawn until k are, all sets of k equally
 * likely, and of those drawn the best by score is chosen. What it is truly worth is another value, its truth. No
 * draw is simulated: the cell at place i of N, from the worst to the best, is chosen with probability
 * C(i-1, k-1) / C(N, k), for then it is drawn and k - 1 of the i - 1 before it. */
#ifndef HPX_STATISTICS_ORDER_H
#define HPX_STATISTICS_ORDER_H

#include <stddef.h>

/* N = scored + failed, 1 or more. */
typedef struct hpx_draws {
    const double *
        truth; /* of the cells that have a score, from the one that is chosen last to the one chosen first: */
    size_t scored; /* in the order of scores, and of whatever decides between equal ones */
    size_t failed; /* cells that are drawn and never chosen */
} hpx_draws;

/* Writes the probability of each of the `scored` cells that it is chosen of k drawn, 1 <= k <= N. Returns the
 * probability that none is, as all that were drawn failed. Takes O(scored) time. */
double hpx_draws_weights(double *weights, const hpx_draws *draws, size_t k);

/* Writes for k = 1 .. most, at most N, to curve[k-1] the mean truth of the cell that is chosen. Where all that were drawn
 * failed, `nothing` stands for it; NaN: the curve begins where that cannot happen, and is NaN before. Takes
 * O(most scored) time. */
void hpx_draws_curve(double *curve, size_t most, const hpx_draws *draws, double nothing);

/* Writes likewise the probability that the truth of the cell that is chosen is `least` or more. */
void hpx_draws_reach(double *curve, size_t most, const hpx_draws *draws, double least);

/* Writes likewise the smallest truth that is not exceeded with a probability of at least `share`, above 0 and at most
 * 1. Draws that all failed are below every truth; where the quantile is one of them, it is NaN. */
void hpx_draws_quantiles(double *curve, size_t most, const hpx_draws *draws, double share);

#endif
