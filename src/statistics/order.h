/* Random search without replacement over a table, exactly: cells are drawn until k are, all sets of k equally likely,
 * and of those drawn the best by score is chosen. What it is worth is another value, its truth. No draw is simulated: the
 * cell at place i of N, from the worst to the best, is chosen with probability C(i-1, k-1) / C(N, k), for then it is
 * drawn and k - 1 of the i - 1 before it.
 *
 * The order of the cells is the caller's: by score, and by whatever decides between equal ones. Cells that failed come
 * before all others, with the truth that they are to count with, and are chosen where no other is drawn. */
#ifndef HPX_STATISTICS_ORDER_H
#define HPX_STATISTICS_ORDER_H

#include <stddef.h>

/* Writes for each of the cells, from the worst to the best, the probability that it is chosen of k drawn,
 * 1 <= k <= cells. Takes O(cells) time. */
void hpx_draws_weights(double *weights, size_t cells, size_t k);

/* Writes for k = 1 .. most, at most `cells`, to curve[k-1] the mean truth of the cell that is chosen. `truth` is that of
 * the cells from the worst to the best. Takes O(most cells) time. */
void hpx_draws_curve(double *curve, size_t most, const double *truth, size_t cells);

#endif
