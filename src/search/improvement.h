/* Expected improvement, as its logarithm: far from what was observed it is too small for a number of its own,
 * and there it still has to tell which cell promises most. */
#ifndef HPX_SEARCH_IMPROVEMENT_H
#define HPX_SEARCH_IMPROVEMENT_H

/* ln(phi(z) + z Phi(z)), phi and Phi the density and the distribution of the standard normal, for |z| below
 * 1e100. */
double hpx_ln_improvement(double z);

/* The logarithm of how far a normal variable falls below `best` on average: E max(best - x, 0). The standard
 * deviation is above 0. */
double hpx_ln_expected_improvement(double best, double mean, double sd);

#endif
