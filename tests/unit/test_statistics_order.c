/* Random search, exactly, against all subsets of small tables. */
#include "../helper/helper.h"

#include "statistics/order.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { CELLS_MAX = 10 };

static void test_whole_numbers(void **state)
{
    (void)state;
    static double values[2000], curve[2000];
    for (size_t cells = 1; cells <= 2000; cells = cells < 70 ? cells + 1 : 2000 / cells * cells + 1) {
        for (size_t i = 0; i < cells; i++)
            values[i] = (double)(i + 1);
        hpx_draws_curve(curve, cells, values, cells);
        for (size_t k = 1; k <= cells; k++)
            expect_near(curve[k - 1], (double)k * (double)(cells + 1) / (double)(k + 1),
                        1e-12 * (double)cells);
        if (cells > 1000)
            break;
    }
}

/* Of all sets of k cells, those that choose each: the last of the order that they have. */
static size_t count_choices(size_t counts[CELLS_MAX], size_t cells, size_t k)
{
    size_t sets = 0;
    for (size_t i = 0; i < cells; i++)
        counts[i] = 0;
    for (uint32_t set = 0; set < 1u << cells; set++)
        if ((size_t)__builtin_popcount(set) == k) {
            counts[31 - __builtin_clz(set)]++;
            sets++;
        }
    return sets;
}

static void test_all_subsets(void **state)
{
    (void)state;
    draw_seed(14);
    for (int round = 0; round < 2000; round++) {
        double truth[CELLS_MAX], curve[CELLS_MAX], weights[CELLS_MAX];
        const size_t cells = 1 + draw(CELLS_MAX), most = 1 + draw(cells);
        for (size_t i = 0; i < cells; i++)
            truth[i] = (double)draw(12) / 4 - 1;
        curve[cells - 1] = 77;
        hpx_draws_curve(curve, most, truth, cells);
        assert_true(most == cells || curve[cells - 1] == 77);
        for (size_t k = 1; k <= most; k++) {
            size_t counts[CELLS_MAX];
            const double sets = (double)count_choices(counts, cells, k);
            double sum = 0;
            hpx_draws_weights(weights, cells, k);
            for (size_t i = 0; i < cells; i++) {
                expect_near(weights[i], (double)counts[i] / sets, 1e-14);
                sum += (double)counts[i] * truth[i];
            }
            expect_near(curve[k - 1], sum / sets, 1e-13);
        }
    }
}

/* Weights of large tables: they are 0 where fewer than k - 1 are before, and add up to 1. */
static void test_large_tables(void **state)
{
    (void)state;
    static double weights[5000];
    for (size_t k = 1; k <= 5000; k = k < 110 ? k + 1 : 2 * k) {
        double sum = 0;
        hpx_draws_weights(weights, 5000, k);
        for (size_t i = 0; i < 5000; i++) {
            assert_true(i + 1 >= k || weights[i] == 0);
            sum += weights[i];
        }
        expect_near(sum, 1, 1e-12);
        expect_near(weights[4999], (double)k / 5000, 1e-15);
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
