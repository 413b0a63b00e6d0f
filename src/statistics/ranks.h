/* Statistics that go by ranks: no distribution is assumed of what is ranked. Values are never NaN. They are tied where
 * they are equal bit for bit: what comes of rounded sums is to be rounded before, to the digits that it has. */
#ifndef HPX_STATISTICS_RANKS_H
#define HPX_STATISTICS_RANKS_H

#include <stddef.h>
#include <stdint.h>

/* A value and whose it is. */
typedef struct hpx_numbered {
    double value;
    uint32_t number;
} hpx_numbered;

/* Sorts them in ascending order; equal ones go by number. */
void hpx_sort_numbered(hpx_numbered *items, size_t count);

/* The rank of each of `count` values among them, 1 the smallest; equal ones share the mean of their ranks. */
void hpx_ranks(double *ranks, const double *values, size_t count);

/* The signed-rank test (Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1(6), 1945): is the
 * median of the differences between pairs 0? Two-sided and exact: p is the share of all 2^n signs of the n
 * differences that are not 0 whose sum of ranks lies as far from its mean, or farther. */
typedef struct hpx_signed_ranks {
    size_t pairs;    /* n: whose difference is not 0 */
    double positive; /* sum of the ranks of positive differences */
    double p;        /* 1 where there are no pairs */
    double least;    /* the least p that n pairs can have: 2 / 2^n, at most 1 */
} hpx_signed_ranks;

/* Takes O(n^3) time and O(n^2) memory. */
hpx_signed_ranks hpx_signed_rank_test(const double *differences, size_t count);

/* The fewest pairs that can have p <= alpha, 0 < alpha < 1: with fewer the test cannot but fail to reject (6 for
 * 0.05). Divide alpha by the number of tests where hpx_holm adjusts them. */
size_t hpx_signed_rank_pairs(double alpha);

/* The p values of `count` tests, raised so that the chance of any false rejection among them stays below the level
 * that they are compared with (Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
 * Journal of Statistics 6(2), 1979). `adjusted` may be `p`. */
void hpx_holm(double *adjusted, const double *p, size_t count);

/* Friedman's test ("The use of ranks to avoid the assumption of normality", JASA 32, 1937): do `methods` rank alike
 * over `blocks`, each of which ranks all of them? And its form by Iman and Davenport ("Approximations of the critical
 * region of the Friedman statistic", Communications in Statistics 9, 1980), which is less conservative. As in
 * Demsar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006. */
typedef struct hpx_friedman {
    double chi_squared, chi_squared_p; /* methods - 1 degrees of freedom */
    double f, f_p; /* methods - 1 and (methods - 1)(blocks - 1); infinite, 0 where all blocks rank alike */
} hpx_friedman;

/* `values` has a row of `methods` values for each block, 2 or more of both. Writes the mean rank of each method, 1 for
 * the smallest values. Ties are corrected for; where each block is one tie, both statistics are 0 and p is 1. */
hpx_friedman hpx_friedman_test(double *mean_ranks, const double *values, size_t blocks, size_t methods);

/* The same of mean ranks without ties. */
hpx_friedman hpx_friedman_of_ranks(const double *mean_ranks, size_t blocks, size_t methods);

/* The share of `count` pairs, 1 or more, in which a is greater than b; pairs that differ by at most `tie` count half. */
double hpx_superiority(const double *a, const double *b, size_t count, double tie);

/* Kendall's tau-b, which corrects for ties ("Rank Correlation Methods", 1948): from -1, one order is the other
 * reversed, to 1. NaN where all values of a or of b are equal. Takes O(count^2) time. */
double hpx_kendall(const double *a, const double *b, size_t count);

/* The share of the `top` cells with the greatest truth that are among the `top` with the greatest score,
 * 1 <= top <= count. Equal ones go by number, the smaller first. */
double hpx_top_recall(const double *scores, const double *truth, size_t count, size_t top);

#endif
