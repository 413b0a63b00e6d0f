/* What is measured of cells: by seed, epoch and metric, and what a failure says of later epochs. Reading tables is tested
 * with the commands that do. */
#include "run/measured.h"

#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static hpx_recipe *make_recipe(void)
{
    static const char text[] =
        "dataset mnist\nmodel mlp\n  hidden = $n1\ntrain\n  epochs = 9\naxis n1 = 2 4 8\n";
    hpx_recipe *recipe;
    hpx_error error;
    expect_ok(hpx_recipe_parse(&recipe, "r.rcp", text, strlen(text), NULL, NULL, &error), &error);
    return recipe;
}

static void expect(const hpx_measured *measured, size_t seed, hpx_request request, size_t metric,
                   hpx_measure measure, double value)
{
    double got;
    assert_int_equal(hpx_measured_value(&got, measured, seed, request, metric), measure);
    assert_true(measure == HPX_MEASURE_VALUE ? got == value : isnan(got));
}

static void test_values(void **unused)
{
    (void)unused;
    hpx_recipe *recipe = make_recipe();
    hpx_measured *measured = hpx_measured_new(recipe, 2, false);
    assert_true(hpx_measured_add(measured, 30, (hpx_request){1, 9}, (double[]){0.5, NAN}));
    assert_true(hpx_measured_add(measured, 4, (hpx_request){1, 9}, (double[]){0.25, 0.75}));
    assert_true(hpx_measured_add(measured, 4, (hpx_request){1, 3}, (double[]){0.125, 1}));
    assert_false(hpx_measured_add(measured, 4, (hpx_request){1, 3}, (double[]){0.5, 1}));
    expect(measured, 0, (hpx_request){1, 9}, 0, HPX_MEASURE_VALUE, 0.25);
    expect(measured, 0, (hpx_request){1, 9}, 1, HPX_MEASURE_VALUE, 0.75);
    expect(measured, 0, (hpx_request){1, 3}, 0, HPX_MEASURE_VALUE, 0.125);
    expect(measured, 1, (hpx_request){1, 9}, 1, HPX_MEASURE_MISSING, NAN);
    expect(measured, 1, (hpx_request){1, 3}, 0, HPX_MEASURE_MISSING, NAN);
    expect(measured, 1, (hpx_request){2, 9}, 0, HPX_MEASURE_MISSING, NAN);
    hpx_measured_free(measured);
    hpx_recipe_free(recipe);
}

static void test_seeds(void **unused)
{
    (void)unused;
    hpx_recipe *recipe = make_recipe();
    hpx_measured *measured = hpx_measured_new(recipe, 1, false);
    static const uint32_t seeds[] = {7, 0, 4000000000u, 3};
    size_t index;
    assert_false(hpx_measured_find_seed(&index, measured, 7));
    for (size_t i = 0; i < COUNT(seeds); i++)
        assert_true(hpx_measured_add(measured, seeds[i], (hpx_request){0, 9}, &(double){seeds[i]}));
    assert_int_equal(hpx_measured_seed_count(measured), COUNT(seeds));
    for (size_t i = 0; i < COUNT(seeds); i++) { /* ascending, each with what is its own */
        assert_true(i == 0 || hpx_measured_seed(measured, i - 1) < hpx_measured_seed(measured, i));
        expect(measured, i, (hpx_request){0, 9}, 0, HPX_MEASURE_VALUE, hpx_measured_seed(measured, i));
        assert_true(hpx_measured_find_seed(&index, measured, hpx_measured_seed(measured, i)));
        assert_int_equal(index, i);
    }
    assert_false(hpx_measured_find_seed(&index, measured, 5));
    hpx_measured_free(measured);

    measured = hpx_measured_new(recipe, 1, true);
    assert_false(hpx_measured_find_seed(&index, measured, 5));
    assert_true(hpx_measured_add(measured, 0, (hpx_request){0, 9}, &(double){1}));
    assert_true(hpx_measured_find_seed(&index, measured, 5));
    assert_int_equal(index, 0);
    assert_int_equal(hpx_measured_seed_count(measured), 1);
    hpx_measured_free(measured);
    hpx_recipe_free(recipe);
}

static void test_failures(void **unused)
{
    (void)unused;
    hpx_recipe *recipe = make_recipe();
    hpx_measured *measured = hpx_measured_new(recipe, 1, false);
    const double value = 0.5;
    assert_true(hpx_measured_add(measured, 1, (hpx_request){0, 3}, &value));
    assert_false(hpx_measured_fail(measured, 1, (hpx_request){0, 3})); /* it did not */
    assert_false(hpx_measured_fail(measured, 1, (hpx_request){0, 2}));
    assert_int_equal(hpx_measured_failed(measured, 0, 0), 0);
    assert_true(hpx_measured_fail(measured, 1, (hpx_request){0, 5}));
    assert_false(hpx_measured_fail(measured, 1, (hpx_request){0, 7}));
    assert_int_equal(hpx_measured_failed(measured, 0, 0), 5);
    expect(measured, 0, (hpx_request){0, 3}, 0, HPX_MEASURE_VALUE, value);
    expect(measured, 0, (hpx_request){0, 4}, 0, HPX_MEASURE_MISSING, NAN);
    expect(measured, 0, (hpx_request){0, 5}, 0, HPX_MEASURE_FAILED, NAN);
    expect(measured, 0, (hpx_request){0, 9}, 0, HPX_MEASURE_FAILED, NAN);
    assert_false(hpx_measured_add(measured, 1, (hpx_request){0, 6}, &value));
    assert_true(hpx_measured_add(measured, 1, (hpx_request){0, 4}, &value));
    assert_true(hpx_measured_add(measured, 2, (hpx_request){0, 6}, &value)); /* another seed */
    assert_true(
        hpx_measured_add(measured, 1, (hpx_request){1, 6}, &(double){NAN})); /* no finite value: that epoch */
    expect(measured, 0, (hpx_request){1, 6}, 0, HPX_MEASURE_FAILED, NAN);
    expect(measured, 0, (hpx_request){1, 9}, 0, HPX_MEASURE_MISSING, NAN);
    hpx_measured_free(measured);
    hpx_recipe_free(recipe);
}

static void test_has(void **unused)
{
    (void)unused;
    hpx_recipe *recipe = make_recipe();
    hpx_measured *measured = hpx_measured_new(recipe, 2, false);
    assert_false(hpx_measured_has(measured, 0));
    hpx_measured_add(measured, 1, (hpx_request){0, 9}, (double[]){0.5, NAN});
    assert_true(hpx_measured_has(measured, 0));
    assert_false(hpx_measured_has(measured, 1));
    hpx_measured_add(measured, 1, (hpx_request){1, 9}, (double[]){0.5, 0.5});
    assert_true(hpx_measured_has(measured, 1));
    hpx_measured_free(measured);
    hpx_recipe_free(recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
