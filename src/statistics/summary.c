#include "summary.h"

#include "base/memory.h"
#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PURPOSE = 'B', RESAMPLES = 2000 };

double hpx_tidy(double value)
{
    return round(value * 1e12) / 1e12;
}

double hpx_mean(const double *values, size_t count)
{
    double sum = 0;
    assert(count > 0);
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

double hpx_sd(const double *values, size_t count)
{
    const double mean = hpx_mean(values, count);
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (double)(count - 1));
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* free() them. */
static double *sorted(const double *values, size_t count)
{
    assert(count > 0);
    double *copy = hpx_alloc(count * sizeof *copy);
    memcpy(copy, values, count * sizeof *copy);
    qsort(copy, count, sizeof *copy, ascending);
    return copy;
}

static double sorted_quantile(const double *values, size_t count, double share)
{
    assert(share >= 0 && share <= 1);
    const double place = (double)(count - 1) * share;
    const size_t below = (size_t)place;
    const double part = place - (double)below;
    if (part == 0 || values[below] == values[below + 1])
        return values[below];
    return values[below] + part * (values[below + 1] - values[below]);
}

double hpx_quantile(const double *values, size_t count, double share)
{
    double *copy = sorted(values, count);
    const double quantile = sorted_quantile(copy, count, share);
    free(copy);
    return quantile;
}

double hpx_median(const double *values, size_t count)
{
    return hpx_quantile(values, count, 0.5);
}

/* In quarters of a value: value i reaches from 4 i to 4 i + 4, the middle half from `count` to 3 `count`. */
double hpx_interquartile_mean(const double *values, size_t count)
{
    double *copy = sorted(values, count), sum = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t from = 4 * i > count ? 4 * i : count, to = 4 * i + 4 < 3 * count ? 4 * i + 4 : 3 * count;
        if (from < to)
            sum += (double)(to - from) * copy[i];
    }
    free(copy);
    return sum / (double)(2 * count);
}

/* 64 bits modulo the number of blocks: no block is preferred by more than 2^-32 of its share. */
static void draw_blocks(uint32_t *blocks, size_t count, uint32_t seed, uint32_t resample)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t words[4];
        hpx_random(words, seed, PURPOSE, resample, 0, (uint32_t)i);
        blocks[i] = (uint32_t)(((uint64_t)words[1] << 32 | words[0]) % count);
    }
}

hpx_interval hpx_resample(hpx_statistic_fn *statistic, void *context, size_t count,
                          const hpx_resampling *options)
{
    static const hpx_resampling usual = {0};
    options = options ? options : &usual;
    const size_t resamples = options->resamples ? options->resamples : RESAMPLES;
    const double level = options->level > 0 ? options->level : 0.95;
    hpx_interval interval = {NAN, NAN};
    if (count < 2)
        return interval;
    uint32_t *blocks = hpx_alloc(count * sizeof *blocks);
    double *statistics = hpx_alloc(resamples * sizeof *statistics);
    size_t known = 0;
    while (known < resamples) {
        draw_blocks(blocks, count, options->seed, (uint32_t)known);
        statistics[known] = statistic(context, blocks, count);
        if (isnan(statistics[known]))
            break;
        known++;
    }
    if (known == resamples) {
        qsort(statistics, resamples, sizeof *statistics, ascending);
        interval.low = sorted_quantile(statistics, resamples, (1 - level) / 2);
        interval.high = sorted_quantile(statistics, resamples, (1 + level) / 2);
    }
    free(statistics);
    free(blocks);
    return interval;
}

struct summarised {
    hpx_summary_fn *summary;
    const double *values;
    double *drawn;
};

static double summarise(void *context, const uint32_t *blocks, size_t count)
{
    const struct summarised *of = context;
    for (size_t i = 0; i < count; i++)
        of->drawn[i] = of->values[blocks[i]];
    return of->summary(of->drawn, count);
}

hpx_interval hpx_resample_summary(hpx_summary_fn *summary, const double *values, size_t count,
                                  const hpx_resampling *options)
{
    struct summarised of = {summary, values, hpx_alloc(count * sizeof(double))};
    const hpx_interval interval = hpx_resample(summarise, &of, count, options);
    free(of.drawn);
    return interval;
}
