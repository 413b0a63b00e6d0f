/* Random orders of cells. */
#include "search/permutation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_every_cell_once(void **state)
{
    (void)state;
    const uint32_t sizes[] = {1, 2, 3, 64, 66, 1000, 65537};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t seed = 0; seed < 5; seed++) {
            hpx_permutation order;
            bool *drawn = calloc(sizes[i], sizeof *drawn);
            hpx_permutation_init(&order, sizes[i], seed);
            for (uint32_t place = 0; place < sizes[i]; place++) {
                const uint32_t cell = hpx_permutation_at(&order, place);
                assert_true(cell < sizes[i] && !drawn[cell]);
                drawn[cell] = true;
            }
            hpx_permutation_free(&order);
            free(drawn);
        }
}

/* However far it was asked for before. */
static void test_function_of_seed_and_place(void **state)
{
    (void)state;
    hpx_permutation order, again;
    uint32_t different = 0;
    hpx_permutation_init(&order, 66, 7);
    hpx_permutation_init(&again, 66, 7);
    hpx_permutation_at(&again, 65);
    for (uint32_t place = 0; place < 66; place++)
        assert_int_equal(hpx_permutation_at(&order, place), hpx_permutation_at(&again, place));
    hpx_permutation_free(&again);
    hpx_permutation_init(&again, 66, 8);
    for (uint32_t place = 0; place < 66; place++)
        different += hpx_permutation_at(&order, place) != hpx_permutation_at(&again, place);
    assert_true(different > 50);
    hpx_permutation_free(&order);
    hpx_permutation_free(&again);
    hpx_permutation_free(&again);
}

/* A few cells of the largest grid take little memory. */
static void test_memory_goes_with_cells(void **state)
{
    (void)state;
    hpx_permutation order;
    hpx_permutation_init(&order, 1u << 22, 1);
    for (uint32_t place = 0; place < 1000; place++)
        assert_true(hpx_permutation_at(&order, place) < 1u << 22);
    assert_true(order.moved_size <= 4096 && order.capacity <= 4096);
    hpx_permutation_free(&order);
}

/* The 24 orders of four cells, over 24,000 seeds: chi square with 23 degrees of freedom is above 49.7 once in
 * a thousand times. */
static void test_orders_are_equally_likely(void **state)
{
    (void)state;
    enum { CELLS = 4, ORDERS = 24, EACH = 1000 };
    uint32_t counts[CELLS * CELLS * CELLS] = {0};
    for (uint32_t seed = 0; seed < ORDERS * EACH; seed++) {
        hpx_permutation order;
        uint32_t number = 0;
        hpx_permutation_init(&order, CELLS, seed);
        for (uint32_t place = 0; place < CELLS - 1; place++)
            number = number * CELLS + hpx_permutation_at(&order, place);
        counts[number]++;
        hpx_permutation_free(&order);
    }
    double chi_square = 0;
    uint32_t orders = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const double off = (double)counts[i] - EACH;
        orders += counts[i] > 0;
        chi_square += counts[i] ? off * off / EACH : 0;
    }
    assert_int_equal(orders, ORDERS);
    assert_true(chi_square < 49.7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell_once),
        cmocka_unit_test(test_function_of_seed_and_place),
        cmocka_unit_test(test_memory_goes_with_cells),
        cmocka_unit_test(test_orders_are_equally_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
