/* Summaries of a few values, and how sure they are. Values may be infinite, never NaN. Sums run in a fixed order. */
#ifndef HPX_STATISTICS_SUMMARY_H
#define HPX_STATISTICS_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

/* Rounded to twelve decimals: sums and differences of decimals leave digits behind which would break ties. */
double hpx_tidy(double value);

/* A number that stands for `count` values, 1 or more, in any order. */
typedef double hpx_summary_fn(const double *values, size_t count);

double hpx_mean(const double *values, size_t count);

/* The standard deviation of the population that the values are a sample of (divisor count - 1); NaN of one. */
double hpx_sd(const double *values, size_t count);

/* The value below which a share of the others lies, 0 <= share <= 1: linear between the two order statistics at
 * (count - 1) share (definition 7 of Hyndman and Fan, "Sample quantiles in statistical packages", The American
 * Statistician 50(4), 1996; the default of R and NumPy). */
double hpx_quantile(const double *values, size_t count, double share);
double hpx_median(const double *values, size_t count);

/* The mean of the middle half (Agarwal et al., "Deep reinforcement learning at the edge of the statistical
 * precipice", NeurIPS 2021). Each value stands for 1/count of the whole; those at the edges of the middle half
 * count with the part that lies in it. */
double hpx_interquartile_mean(const double *values, size_t count);

typedef struct hpx_interval {
    double low, high;
} hpx_interval;

/* Zeroed, or NULL in its place: what is usual. */
typedef struct hpx_resampling {
    uint32_t resamples; /* 0: 2,000 */
    uint32_t seed;
    double level; /* 0: 0.95 */
} hpx_resampling;

/* The statistic of the blocks listed, some of them more than once. */
typedef double hpx_statistic_fn(void *context, const uint32_t *blocks, size_t count);

/* The interval that holds the statistic in a share `level` of the resamples, an equal share below it and above:
 * the percentile bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13). A resample
 * is `count` of the blocks 0 .. count-1, drawn with replacement; the draws depend on seed and count alone, so that
 * statistics of the same blocks are resampled alike. Both ends are NaN where there are fewer than two blocks, or
 * where the statistic of a resample is NaN. */
hpx_interval hpx_resample(hpx_statistic_fn *statistic, void *context, size_t count,
                          const hpx_resampling *options);

/* The same for a summary of one value a block. */
hpx_interval hpx_resample_summary(hpx_summary_fn *summary, const double *values, size_t count,
                                  const hpx_resampling *options);

#endif
