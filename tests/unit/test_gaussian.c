/* The mathematics of the method bayes, against answers that were computed to many digits. */
#include "../helper/helper.h"

#include "search/elementary.h"
#include "search/gaussian.h"
#include "search/improvement.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const double tolerance = 1e-9;

static void test_exponential_and_logarithm(void **state)
{
    (void)state;
    for (int i = -70000; i <= 70000; i++) {
        const double x = i / 100.0, y = ldexp(1 + (i & 1023) / 1024.0, i / 100);
        assert_true(fabs(hpx_exp(x) - exp(x)) <= 4e-16 * exp(x));
        assert_true(fabs(hpx_ln(y) - log(y)) <= 4e-16 * fabs(log(y)));
    }
    assert_true(hpx_exp(0) == 1 && hpx_exp(-1e300) == 0);
    assert_true(hpx_ln(1) == 0);
}

static void test_improvement(void **state)
{
    (void)state;
    static const double known[][2] = {
        {0, -0.918938533204673},       {1, 0.080026218849307},     {-1, -2.485121025712641},
        {-5, -16.744301162660990},     {-10, -55.553122036122356}, {-25, -319.861463581495935},
        {-100, -5010.129578800249792},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        expect_near(hpx_ln_improvement(known[i][0]), known[i][1], tolerance);
    for (int i = -800; i <= 3000; i++) {
        const double z = i / 100.0, phi = exp(-z * z / 2) / sqrt(2 * M_PI);
        const double direct = log(phi + z * erfc(-z / sqrt(2)) / 2); /* loses digits below 0 */
        expect_near(hpx_ln_improvement(z), direct, i < -400 ? 1e-5 : tolerance);
        assert_true(hpx_ln_improvement(z + 0.01) > hpx_ln_improvement(z));
    }
    /* Far out 1 - x R(x) = 1/x^2 - 3/x^4 + ... */
    expect_near(hpx_ln_improvement(-1e6), -5e11 - 0.918938533204673 - 2 * log(1e6), 1e-4);
}

static void test_matern(void **state)
{
    (void)state;
    expect_near(hpx_matern(0), 1, 0);
    expect_near(hpx_matern(0.25), 0.828649142418125, tolerance);
    expect_near(hpx_matern(1), 0.523994108831820, tolerance);
    expect_near(hpx_matern(4), 0.138660219138504, tolerance);
}

/* Values observed at both ends of an axis of five cells. */
static void test_regression(void **state)
{
    (void)state;
    const hpx_grid grid = {.axes = 1, .counts = {5}};
    const hpx_hyper hyper = {.lengths = {1}, .noise = 0.01};
    const uint32_t cells[] = {0, 4};
    const double values[] = {-1, 1};
    double means[5], variances[5];
    hpx_space space;
    hpx_space_init(&space, &grid);
    hpx_gaussian *gaussian = hpx_gaussian_new(&space, &hyper);
    for (int i = 0; i < 2; i++)
        hpx_gaussian_append(gaussian, cells[i]);
    hpx_gaussian_posterior(means, variances, gaussian, values);
    expect_near(means[1], -0.566478980323107, tolerance);
    expect_near(variances[1], 0.059614332989370, tolerance);
    expect_near(hpx_ln_expected_improvement(-1, means[1], sqrt(variances[1])), -5.597855574584827, tolerance);
    expect_near(hpx_gaussian_loss(&space, &hyper, cells, values, 2), 3.748635458139025, tolerance);

    /* An observation of the mean changes no mean; one that is forgotten changes nothing. */
    const double unknown[] = {-1, 1, NAN};
    double again[5], less[5];
    hpx_gaussian_append(gaussian, 1);
    hpx_gaussian_posterior(again, less, gaussian, unknown);
    for (int c = 0; c < 5; c++) {
        expect_near(again[c], means[c], 0);
        assert_true(less[c] < variances[c]);
    }
    const double stated[] = {-1, 1, means[1]};
    hpx_gaussian_posterior(again, less, gaussian, stated);
    for (int c = 0; c < 5; c++)
        expect_near(again[c], means[c], tolerance);
    hpx_gaussian_truncate(gaussian, 2);
    hpx_gaussian_append(gaussian, 3);
    hpx_gaussian_truncate(gaussian, 2);
    hpx_gaussian_posterior(again, less, gaussian, values);
    assert_memory_equal(again, means, sizeof means);
    assert_memory_equal(less, variances, sizeof variances);
    hpx_gaussian_free(gaussian);
    hpx_space_free(&space);
}

static void test_space(void **state)
{
    (void)state;
    static const double sizes[] = {64, 16, 256}, rates[] = {0, 0.1, 0.4};
    const hpx_grid grid = {.axes = 5,
                           .counts = {3, 3, 3, 4, 1},
                           .unordered = 1 << 2,
                           .values = {sizes, rates, rates},
                           .logarithmic = 1};
    static const double places[][4] = {{0.5, 0, 1}, {0, 0.25, 1}, {0, 1, 2}, {0, 1.0 / 3, 2.0 / 3, 1}, {0}};
    hpx_space space;
    hpx_space_init(&space, &grid);
    assert_int_equal(space.cells, 108);
    for (size_t axis = 0; axis < grid.axes; axis++)
        for (uint32_t i = 0; i < grid.counts[axis]; i++)
            expect_near(space.places[axis][i], places[axis][i], 1e-15);
    expect_near(hpx_space_square(&space, 1, 0.25, 1), 0.5625, 0);
    expect_near(hpx_space_square(&space, 2, 0, 2), 1, 0);
    expect_near(hpx_space_square(&space, 2, 2, 2), 0, 0);
    hpx_space_free(&space);
}

/* Values that change along one axis only: its length is the shorter one, and smooth values are not taken for
 * noise. */
static void test_fit(void **state)
{
    (void)state;
    const hpx_grid grid = {.axes = 3, .counts = {7, 7, 1}};
    uint32_t cells[49];
    double waves[49], rough[49];
    hpx_space space;
    hpx_space_init(&space, &grid);
    for (uint32_t c = 0; c < 49; c++) {
        cells[c] = c;
        waves[c] = sin((double)(c / 7));
        rough[c] = (c * 37 + c * c * 11) % 17 / 8.0 - 1;
    }
    hpx_hyper hyper = hpx_gaussian_first_hyper();
    const double before = hpx_gaussian_loss(&space, &hyper, cells, waves, 49);
    hpx_gaussian_fit(&hyper, &space, cells, waves, 49);
    assert_true(hpx_gaussian_loss(&space, &hyper, cells, waves, 49) < before);
    assert_true(hyper.lengths[0] < hyper.lengths[1]);
    expect_near(hyper.noise, 1e-4, 0);
    expect_near(hyper.lengths[2], 1, 0); /* of one value: left alone */
    hpx_gaussian_fit(&hyper, &space, cells, rough, 49);
    assert_true(hyper.noise >= 0.1 || hyper.lengths[0] < 0.2 || hyper.lengths[1] < 0.2);

    /* Without any value the prior decides: exp(sqrt 2 + ln(3)/2 - 3) = 0.35. */
    hpx_gaussian_fit(&hyper, &space, cells, waves, 0);
    expect_near(hyper.lengths[0], sqrt(0.125), 1e-12);
    expect_near(hyper.lengths[1], sqrt(0.125), 1e-12);
    hpx_space_free(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponential_and_logarithm),
        cmocka_unit_test(test_improvement),
        cmocka_unit_test(test_matern),
        cmocka_unit_test(test_regression),
        cmocka_unit_test(test_space),
        cmocka_unit_test(test_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
