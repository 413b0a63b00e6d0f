/* Random search, exactly, against all subsets and permutations of small tables. */
#include "../helper/helper.h"

#include "statistics/order.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { CELLS_MAX = 10 };

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g", value, expected);
}

static void test_whole_numbers(void **state)
{
    (void)state;
    static double values[2000], curve[2000];
    for (size_t cells = 1; cells <= 2000; cells = cells < 70 ? cells + 1 : 2000 / cells * cells + 1) {
        for (size_t i = 0; i < cells; i++)
            values[i] = (double)(i + 1);
        hpx_draws_curve(curve, cells, &(hpx_draws){.truth = values, .scored = cells}, NAN);
        for (size_t k = 1; k <= cells; k++)
            assert_near(curve[k - 1], (double)k * (double)(cells + 1) / (double)(k + 1),
                        1e-12 * (double)cells);
        if (cells > 1000)
            break;
    }
}

/* Places of a small table, from worst to best; those below `failed` have failed. */
struct small {
    size_t cells, failed;
    double truth[CELLS_MAX]; /* of the others */
};

static struct small draw_table(void)
{
    struct small table = {.cells = 1 + draw(CELLS_MAX)};
    table.failed = draw(3) ? 0 : draw(table.cells + 1);
    for (size_t i = 0; i < table.cells - table.failed; i++)
        table.truth[i] = (double)draw(12) / 4;
    return table;
}

/* The sets of k cells by what they choose: how many choose each, and none. */
static void count_choices(size_t counts[CELLS_MAX + 1], const struct small *table, size_t k)
{
    for (size_t i = 0; i <= CELLS_MAX; i++)
        counts[i] = 0;
    for (uint32_t set = 0; set < 1u << table->cells; set++) {
        if ((size_t)__builtin_popcount(set) != k)
            continue;
        const size_t best = 31 - (size_t)__builtin_clz(set);
        counts[best < table->failed ? CELLS_MAX : best - table->failed]++;
    }
}

static void check_table(const struct small *table)
{
    const size_t scored = table->cells - table->failed;
    const hpx_draws draws = {table->truth, scored, table->failed};
    double curve[CELLS_MAX], open_curve[CELLS_MAX], reach[CELLS_MAX], quantiles[CELLS_MAX],
        weights[CELLS_MAX];
    const double least = (double)draw(13) / 4, share = (double)(1 + draw(20)) / 20;
    hpx_draws_curve(curve, table->cells, &draws, -1);
    hpx_draws_curve(open_curve, table->cells, &draws, NAN);
    hpx_draws_reach(reach, table->cells, &draws, least);
    hpx_draws_quantiles(quantiles, table->cells, &draws, share);
    for (size_t k = 1; k <= table->cells; k++) {
        size_t counts[CELLS_MAX + 1], sets = 0, reached = 0;
        double sum = 0;
        count_choices(counts, table, k);
        for (size_t i = 0; i <= CELLS_MAX; i++)
            sets += counts[i];
        for (size_t i = 0; i < scored; i++) {
            sum += (double)counts[i] * table->truth[i];
            reached += table->truth[i] >= least ? counts[i] : 0;
        }
        const size_t none = counts[CELLS_MAX];
        assert_near(hpx_draws_weights(weights, &draws, k), (double)none / (double)sets, 1e-14);
        for (size_t i = 0; i < scored; i++)
            assert_near(weights[i], (double)counts[i] / (double)sets, 1e-14);
        assert_near(curve[k - 1], (sum - (double)none) / (double)sets, 1e-13);
        if (none > 0)
            assert_true(isnan(open_curve[k - 1]));
        else
            assert_near(open_curve[k - 1], sum / (double)sets, 1e-13);
        assert_near(reach[k - 1], (double)reached / (double)sets, 1e-14);

        /* The smallest quarter with enough of the sets at or below it, in whole numbers. */
        double quantile = NAN;
        for (int quarter = -1; quarter < 12; quarter++) {
            size_t below = none;
            for (size_t i = 0; i < scored; i++)
                below += table->truth[i] <= quarter / 4.0 ? counts[i] : 0;
            if (20 * below >= (size_t)lround(20 * share) * sets) {
                quantile = quarter < 0 ? NAN : quarter / 4.0;
                break;
            }
        }
        if (isnan(quantile))
            assert_true(isnan(quantiles[k - 1]));
        else
            assert_near(quantiles[k - 1], quantile, 0);
    }
}

static void test_all_subsets(void **state)
{
    (void)state;
    draw_seed(14);
    for (int round = 0; round < 2000; round++) {
        const struct small table = draw_table();
        check_table(&table);
    }
}

/* Weights of large tables: they are positive where they should be, and add up to 1. */
static void test_large_tables(void **state)
{
    (void)state;
    static double truth[5000], weights[5000];
    const hpx_draws draws = {truth, 4900, 100};
    for (size_t k = 1; k <= 5000; k = k < 110 ? k + 1 : 2 * k) {
        double sum = hpx_draws_weights(weights, &draws, k);
        assert_true(sum >= 0 && (sum == 0) == (k > 100));
        for (size_t i = 0; i < 4900; i++)
            sum += weights[i];
        assert_near(sum, 1, 1e-12);
        assert_near(weights[4899], (double)k / 5000, 1e-15);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_all_subsets),
        cmocka_unit_test(test_large_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
