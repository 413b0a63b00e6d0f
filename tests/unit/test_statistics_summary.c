/* Summaries against values known by hand and against sums over the whole; intervals against all resamples. */
#include "../helper/helper.h"

#include "statistics/summary.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_near(double value, double expected)
{
    expect_near(value, expected, 1e-12);
}

static void test_mean_and_sd(void **state)
{
    (void)state;
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    assert_near(hpx_mean(values, 8), 5);
    assert_near(hpx_sd(values, 8), sqrt(32.0 / 7));
    assert_true(isnan(hpx_sd(values, 1)));
    assert_near(hpx_mean(values, 1), 2);
}

static void test_tidy(void **state)
{
    (void)state;
    assert_true(0.1 + 0.2 != 0.3 && hpx_tidy(0.1 + 0.2) == 0.3);
    assert_true(hpx_tidy(-1e-11) == -1e-11 && hpx_tidy(INFINITY) == INFINITY && isnan(hpx_tidy(NAN)));
}

/* R: quantile(c(7, 1, 3, 10), c(0, .1, .25, .5, .75, 1)) */
static void test_quantiles(void **state)
{
    (void)state;
    const double values[] = {7, 1, 3, 10};
    const double shares[] = {0, 0.1, 0.25, 0.5, 0.75, 1}, expected[] = {1, 1.6, 2.5, 5, 7.75, 10};
    for (size_t i = 0; i < COUNT(shares); i++)
        assert_near(hpx_quantile(values, 4, shares[i]), expected[i]);
    assert_near(hpx_median(values, 4), 5);
    assert_near(hpx_median(values, 3), 3);
    for (int i = 0; i <= 10; i++)
        assert_near(hpx_quantile(values, 1, i / 10.0), 7);
}

static void test_infinite_values(void **state)
{
    (void)state;
    const double values[] = {3, INFINITY, 1, INFINITY, 2};
    assert_near(hpx_median(values, 5), 3);
    assert_true(isinf(hpx_quantile(values, 5, 0.75)) && isinf(hpx_quantile(values, 5, 0.6)));
    assert_true(isinf(hpx_quantile(values, 5, 0.8)));
    assert_near(hpx_interquartile_mean((double[]){INFINITY, 1, 2, 3}, 4), 2.5);
    assert_true(isinf(hpx_mean(values, 5)));
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Four copies of each value have a middle half of whole values. */
static double middle_half(const double *values, size_t count)
{
    double copies[4 * 32], sum = 0;
    for (size_t i = 0; i < 4 * count; i++)
        copies[i] = values[i / 4];
    qsort(copies, 4 * count, sizeof *copies, ascending);
    for (size_t i = count; i < 3 * count; i++)
        sum += copies[i];
    return sum / (double)(2 * count);
}

static void test_interquartile_mean(void **state)
{
    (void)state;
    assert_near(hpx_interquartile_mean((double[]){8, 1, 2, 3, 100, 4, 5, 6}, 8), 4.5);
    assert_near(hpx_interquartile_mean((double[]){1, 2, 3, 4, 100}, 5), (0.75 * 2 + 3 + 0.75 * 4) / 2.5);
    assert_near(hpx_interquartile_mean((double[]){1, 5, 100}, 3), (0.25 * 1 + 5 + 0.25 * 100) / 1.5);
    assert_near(hpx_interquartile_mean((double[]){7}, 1), 7);
    draw_seed(1);
    for (int round = 0; round < 1000; round++) {
        double values[32];
        const size_t count = 1 + draw(32);
        for (size_t i = 0; i < count; i++)
            values[i] = (double)draw(50) / 8;
        assert_near(hpx_interquartile_mean(values, count), middle_half(values, count));
    }
}

struct seen {
    size_t calls, blocks[5];
};

static double first_block(void *context, const uint32_t *blocks, size_t count)
{
    struct seen *seen = context;
    seen->calls++;
    for (size_t i = 0; i < count; i++) {
        assert_true(blocks[i] < count);
        seen->blocks[blocks[i]]++;
    }
    return blocks[0];
}

static double not_a_number(void *context, const uint32_t *blocks, size_t count)
{
    (void)context;
    return blocks[0] == blocks[count - 1] ? NAN : 1;
}

static void test_resamples(void **state)
{
    (void)state;
    struct seen seen = {0};
    hpx_interval interval = hpx_resample(first_block, &seen, 5, &(hpx_resampling){0});
    assert_int_equal(seen.calls, 2000);
    for (size_t i = 0; i < 5; i++) /* 2,000 of 10,000 draws, with a standard deviation of 40 */
        assert_true(seen.blocks[i] > 1800 && seen.blocks[i] < 2200);
    assert_true(interval.low == 0 && interval.high == 4);
    interval = hpx_resample(first_block, &seen, 5, &(hpx_resampling){.resamples = 100, .level = 0.2});
    assert_int_equal(seen.calls, 2100);
    assert_true(interval.low >= 1 && interval.high <= 3);
    interval = hpx_resample(first_block, &seen, 1, &(hpx_resampling){0});
    assert_true(isnan(interval.low) && isnan(interval.high) && seen.calls == 2100);
    interval = hpx_resample(not_a_number, NULL, 2, &(hpx_resampling){0});
    assert_true(isnan(interval.low) && isnan(interval.high));
}

/* The ends of the interval that all 5^5 resamples of five values give. */
static hpx_interval all_resamples(hpx_summary_fn *summary, const double values[5])
{
    static double statistics[3125];
    for (size_t i = 0; i < 3125; i++) {
        double drawn[5];
        for (size_t j = 0, left = i; j < 5; j++, left /= 5)
            drawn[j] = values[left % 5];
        statistics[i] = summary(drawn, 5);
    }
    return (hpx_interval){hpx_quantile(statistics, 3125, 0.025), hpx_quantile(statistics, 3125, 0.975)};
}

static void test_interval(void **state)
{
    (void)state;
    const double values[5] = {0.1, 0.2, 0.35, 0.4, 0.6};
    const hpx_resampling options = {.resamples = 20000, .seed = 7};
    hpx_interval exact = all_resamples(hpx_mean, values);
    hpx_interval drawn = hpx_resample_summary(hpx_mean, values, 5, &options);
    assert_true(fabs(drawn.low - exact.low) < 0.006 && fabs(drawn.high - exact.high) < 0.006);
    exact = all_resamples(hpx_interquartile_mean, values);
    drawn = hpx_resample_summary(hpx_interquartile_mean, values, 5, &options);
    assert_true(fabs(drawn.low - exact.low) < 0.01 && fabs(drawn.high - exact.high) < 0.01);

    const hpx_interval again = hpx_resample_summary(hpx_interquartile_mean, values, 5, &options);
    assert_true(again.low == drawn.low && again.high == drawn.high);
    const hpx_interval narrow = hpx_resample_summary(hpx_mean, values, 5, &(hpx_resampling){.level = 0.5});
    const hpx_interval wide = hpx_resample_summary(hpx_mean, values, 5, &(hpx_resampling){.level = 0.99});
    assert_true(wide.low < narrow.low && narrow.high < wide.high);
    const hpx_interval constant =
        hpx_resample_summary(hpx_median, (double[]){3, 3, 3}, 3, &(hpx_resampling){0});
    assert_true(constant.low == 3 && constant.high == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tidy),
        cmocka_unit_test(test_mean_and_sd),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_infinite_values),
        cmocka_unit_test(test_interquartile_mean),
        cmocka_unit_test(test_resamples),
        cmocka_unit_test(test_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
