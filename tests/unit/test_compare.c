/* When two runs of a program are alike. */
#include "hpx/compare.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const hpx_comparison exact = {.likeness = HPX_LIKE_METRICS},
                            within = {.likeness = HPX_LIKE_METRICS, .within = 0.002};

static bool alike(const hpx_comparison *comparison, double a, double b)
{
    hpx_metrics mine = {0}, theirs = {0};
    hpx_difference difference;
    hpx_metrics_set(&mine, "accuracy", a);
    hpx_metrics_set(&theirs, "accuracy", b);
    const bool result = hpx_metrics_alike(&difference, &mine, &theirs, comparison);
    assert_int_equal(result, difference.name == NULL);
    hpx_metrics_free(&mine);
    hpx_metrics_free(&theirs);
    return result;
}

static void test_values(void **state)
{
    (void)state;
    assert_true(alike(&exact, 0.1, 0.1));
    assert_false(alike(&exact, 0.1, nextafter(0.1, 1)));
    assert_true(alike(&exact, NAN, NAN));
    assert_false(alike(&exact, NAN, 1));
    assert_true(alike(&exact, INFINITY, INFINITY));
    assert_false(alike(&exact, INFINITY, -INFINITY));
    assert_true(alike(&within, 0.972, 0.97)); /* whose doubles are a little further apart */
    assert_true(alike(&within, 0.97, 0.972));
    assert_false(alike(&within, 0.97, 0.9721));
    assert_false(alike(&within, NAN, 0.97));
    assert_false(alike(&within, INFINITY, 0.97));
}

/* The metric that is furthest apart is named; order does not matter, and one that is missing is infinitely far. */
static void test_furthest(void **state)
{
    (void)state;
    hpx_metrics a = {0}, b = {0};
    hpx_difference difference;
    hpx_buffer text = {0};
    hpx_metrics_set(&a, "loss", 1);
    hpx_metrics_set(&a, "accuracy", 0.5);
    hpx_metrics_set(&b, "accuracy", 0.75);
    hpx_metrics_set(&b, "loss", 3);
    assert_false(hpx_metrics_alike(&difference, &a, &b, &exact));
    hpx_difference_print(&text, &difference, "before");
    assert_string_equal(hpx_buffer_text(&text), "loss 1, and 3 before (2 apart)");
    hpx_metrics_set(&b, "late", 7);
    assert_false(hpx_metrics_alike(&difference, &a, &b, &within));
    assert_string_equal(difference.name, "late");
    assert_true(isnan(difference.a) && difference.b == 7);
    hpx_metrics_free(&a);
    hpx_metrics_free(&b);
    hpx_buffer_free(&text);
}

static void test_volatile(void **state)
{
    (void)state;
    static const char *const always[] = {"time",          "seconds",     "runtime",          "epoch_time",
                                         "train_seconds", "all_runtime", "images_per_second"};
    static const char *const never[] = {"timer", "accuracy", "seconds_left", "step_ms", "gpu_load"};
    const hpx_comparison given = {.likeness = HPX_LIKE_METRICS, .volatiles = "*_ms \"gpu_*\""};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        assert_true(hpx_comparison_is_volatile(&exact, always[i]));
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        assert_false(hpx_comparison_is_volatile(&exact, never[i]));
    assert_true(hpx_comparison_is_volatile(&given, "step_ms"));
    assert_true(hpx_comparison_is_volatile(&given, "gpu_load"));
    assert_true(hpx_comparison_is_volatile(&given, "time"));
    assert_false(hpx_comparison_is_volatile(&given, "accuracy"));
}

static void test_conditions(void **state)
{
    (void)state;
    hpx_fields conditions = {0};
    assert_int_equal(hpx_comparison_of(&conditions).likeness, HPX_LIKE_BITS);
    hpx_fields_set_text(&conditions, "run.repeat", "exact");
    hpx_fields_set_real(&conditions, "run.within", 0.5);
    assert_int_equal(hpx_comparison_of(&conditions).likeness, HPX_LIKE_METRICS);
    assert_true(hpx_comparison_of(&conditions).within == 0);
    hpx_fields_set_text(&conditions, "run.repeat", "within");
    assert_true(hpx_comparison_of(&conditions).within == 0.5);
    hpx_fields_set_text(&conditions, "run.repeat", "no");
    assert_int_equal(hpx_comparison_of(&conditions).likeness, HPX_LIKE_ANY);
    hpx_fields_free(&conditions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_furthest),
        cmocka_unit_test(test_volatile),
        cmocka_unit_test(test_conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
