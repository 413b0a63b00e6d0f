/* Tests by ranks against published answers, and against all signs and pairs of small samples. */
#include "../helper/helper.h"

#include "statistics/ranks.h"
#include "statistics/tails.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_ranks(void **state)
{
    (void)state;
    const double values[] = {3, 1, 4, 1, 5, 4, 4}, expected[] = {3, 1.5, 5, 1.5, 7, 5, 5};
    double ranks[7];
    hpx_ranks(ranks, values, 7);
    assert_memory_equal(ranks, expected, sizeof expected);
}

/* To 40 digits and rounded. */
static void test_tails(void **state)
{
    (void)state;
    static const double chi_squared[][3] = {
        {0.01, 1, 0.920344325445942},     {3.841458820694124, 1, 0.05000000000000006},
        {9.28, 3, 0.02579072419875679},   {0.5, 10, 0.999993388289439},
        {30, 10, 0.0008566412107753004},  {100, 3, 1.554159431389605e-21},
        {700, 5, 4.911986103573201e-149}, {1000, 1000, 0.4940528538292396},
        {2, 0.5, 0.06792113201010881},
    };
    static const double f[][4] = {
        {3.69, 3, 39, 0.01974409968948889},
        {2.85, 3, 39, 0.04972540421069429},
        {1, 1, 1, 0.5},
        {0.01, 5, 2, 0.9999070947282043},
        {12.5, 4, 8, 0.001610051197034354},
        {250, 7, 90, 4.203826270569993e-56},
        {1, 200, 300, 0.49656438970146},
        {1e-06, 1, 9, 0.9992239303259733},
        {30, 1, 5, 0.002764960301304956},
    };
    for (size_t i = 0; i < COUNT(chi_squared); i++) {
        const double *known = chi_squared[i];
        expect_near(hpx_chi_squared_tail(known[0], known[1]) / known[2], 1, 2e-12);
    }
    for (size_t i = 0; i < COUNT(f); i++)
        expect_near(hpx_f_tail(f[i][0], f[i][1], f[i][2]) / f[i][3], 1, 2e-12);
    assert_true(hpx_chi_squared_tail(0, 3) == 1 && hpx_chi_squared_tail(INFINITY, 3) == 0);
    assert_true(hpx_f_tail(0, 3, 5) == 1 && hpx_f_tail(INFINITY, 3, 5) == 0);
    /* Two degrees of freedom have closed forms; they pass through every branch. */
    for (int i = 1; i < 2000; i++) {
        const double x = i / 50.0;
        expect_near(hpx_chi_squared_tail(x, 2) / exp(-x / 2), 1, 1e-12);
        for (int n = 1; n < 60; n += 7)
            expect_near(hpx_f_tail(x, 2, n) / pow(1 + 2 * x / n, -n / 2.0), 1, 1e-11);
    }
}

/* Of all signs of the differences that are not 0, the share whose sum of ranks is as far from its mean. Ranks are
 * counted, and four times as large as they are. */
static double p_by_all_signs(const double *differences, size_t count)
{
    long ranks[16], whole = 0, seen = 0;
    size_t n = 0, far = 0;
    double kept[16];
    for (size_t i = 0; i < count; i++)
        if (differences[i] != 0)
            kept[n++] = differences[i];
    for (size_t i = 0; i < n; i++) {
        ranks[i] = 2;
        for (size_t j = 0; j < n; j++)
            ranks[i] += fabs(kept[j]) < fabs(kept[i]) ? 4 : fabs(kept[j]) == fabs(kept[i]) ? 2 : 0;
        whole += ranks[i];
        seen += kept[i] > 0 ? ranks[i] : 0;
    }
    for (uint32_t signs = 0; signs < 1u << n; signs++) {
        long sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += signs >> i & 1 ? ranks[i] : 0;
        far += labs(2 * sum - whole) >= labs(2 * seen - whole);
    }
    return (double)far / (double)(1u << n);
}

static void test_signed_ranks(void **state)
{
    (void)state;
    const double published[] = {1.1, -2.3, 3.2, 4.8, 5.1, -0.4, 7.7}; /* R: V = 24, p-value = 0.1094 */
    hpx_signed_ranks test = hpx_signed_rank_test(published, 7);
    assert_int_equal(test.pairs, 7);
    expect_near(test.positive, 24, 0);
    expect_near(test.p, 0.109375, 0);
    expect_near(test.least, 2.0 / 128, 0);

    test = hpx_signed_rank_test((double[]){0, 0}, 2);
    assert_true(test.pairs == 0 && test.p == 1 && test.least == 1 && test.positive == 0);
    test = hpx_signed_rank_test((double[]){1, 2, 0, 3}, 4);
    assert_true(test.pairs == 3 && test.p == 0.25 && test.least == 0.25);
    expect_near(hpx_signed_rank_test((double[]){1}, 1).p, 1, 0);

    draw_seed(3);
    for (int round = 0; round < 2000; round++) {
        double differences[12];
        const size_t count = draw(13);
        const uint64_t values = 2 + draw(20);
        for (size_t i = 0; i < count; i++)
            differences[i] = (double)draw(values) - (double)draw(values);
        test = hpx_signed_rank_test(differences, count);
        expect_near(test.p, p_by_all_signs(differences, count), 0);
        assert_true(test.p >= test.least);
    }
}

/* So many pairs that no pattern could be listed: p is near what the normal distribution gives. */
static void test_many_pairs(void **state)
{
    (void)state;
    double differences[300], positive = 0;
    for (int i = 0; i < 300; i++) {
        differences[i] = i % 5 < 2 ? -(i + 1) : i + 1;
        positive += i % 5 < 2 ? 0 : i + 1;
    }
    const hpx_signed_ranks test = hpx_signed_rank_test(differences, 300);
    const double mean = 300.0 * 301 / 4, sd = sqrt(300.0 * 301 * 601 / 24);
    expect_near(test.positive, positive, 0);
    expect_near(test.p, erfc((positive - mean - 0.5) / sd / sqrt(2)), 1e-4);
    assert_true(test.least > 0 && test.least < 1e-89);
}

static void test_pairs_needed(void **state)
{
    (void)state;
    assert_int_equal(hpx_signed_rank_pairs(0.05), 6);
    assert_int_equal(hpx_signed_rank_pairs(0.5), 2);
    assert_int_equal(hpx_signed_rank_pairs(2.0 / 128), 7);
    assert_int_equal(hpx_signed_rank_pairs(0.05 / 5), 8);
}

static void test_holm(void **state)
{
    (void)state;
    double p[] = {0.01, 0.04, 0.03, 0.005}; /* R: p.adjust(p, "holm") */
    const double expected[] = {0.03, 0.06, 0.06, 0.02};
    hpx_holm(p, p, 4);
    for (size_t i = 0; i < 4; i++)
        expect_near(p[i], expected[i], 1e-15);
    double high[] = {0.9, 0.6, 0.7};
    hpx_holm(high, high, 3);
    assert_true(high[0] == 1 && high[1] == 1 && high[2] == 1);
}

/* Demsar (2006), section 3.2.2: four classifiers over fourteen data sets. */
static void test_friedman_of_demsar(void **state)
{
    (void)state;
    const hpx_friedman test = hpx_friedman_of_ranks((double[]){3.143, 2.000, 2.893, 1.964}, 14, 4);
    expect_near(test.chi_squared, 9.28, 0.005);
    expect_near(test.f, 3.69, 0.005);
    expect_near(test.chi_squared_p, 0.0258, 0.0001);
    expect_near(test.f_p, 0.0197, 0.0001);
}

static void test_friedman(void **state)
{
    (void)state;
    /* R: friedman.test gives 2.025, p-value = 0.5672 */
    const double values[] = {1, 2, 2, 4, 3, 3, 3, 1, 5, 1, 2, 2, 2, 4, 4, 4, 1, 2, 3, 4};
    const double expected[] = {2, 2.3, 2.8, 2.9};
    double ranks[4];
    hpx_friedman test = hpx_friedman_test(ranks, values, 5, 4);
    for (size_t i = 0; i < 4; i++)
        expect_near(ranks[i], expected[i], 1e-15);
    expect_near(test.chi_squared, 2.025, 1e-12);
    expect_near(test.chi_squared_p, 0.5672341089902682, 1e-12);
    expect_near(test.f, 4 * 2.025 / (15 - 2.025), 1e-12);

    /* All alike, whatever the sizes; all tied. */
    double alike[400], mean_ranks[20];
    for (size_t methods = 2; methods <= 20; methods++)
        for (size_t blocks = 2; blocks <= 20; blocks++) {
            for (size_t i = 0; i < blocks * methods; i++)
                alike[i] = (double)(i % methods) * (double)(1 + i / methods);
            test = hpx_friedman_test(mean_ranks, alike, blocks, methods);
            expect_near(test.chi_squared, (double)(blocks * (methods - 1)),
                        1e-12 * (double)(blocks * methods));
            assert_true(isinf(test.f) && test.f_p == 0);
        }
    memset(alike, 0, sizeof alike);
    test = hpx_friedman_test(ranks, alike, 10, 3);
    assert_true(test.chi_squared == 0 && test.f == 0 && test.chi_squared_p == 1 && test.f_p == 1);
}

static void test_superiority(void **state)
{
    (void)state;
    const double a[] = {1, 5, 3, 2}, b[] = {0, 5, 4, 2.5};
    expect_near(hpx_superiority(a, b, 4, 0), 1.5 / 4, 0);
    expect_near(hpx_superiority(b, a, 4, 0), 2.5 / 4, 0);
    expect_near(hpx_superiority(a, b, 4, 0.5), 2.0 / 4, 0);
    const double never = INFINITY;
    expect_near(hpx_superiority(&never, &never, 1, 0), 0.5, 0);
    expect_near(hpx_superiority(&never, a, 1, 0), 1, 0);
}

static void test_kendall(void **state)
{
    (void)state;
    const double a[] = {1, 2, 2, 3, 5, 5, 7, 8}, b[] = {2, 1, 3, 3, 5, 6, 6, 9};
    expect_near(hpx_kendall(a, b, 8), 0.8461538461538463, 1e-15); /* scipy.stats.kendalltau */
    const double up[] = {1, 2, 3, 4}, down[] = {4, 3, 2, 1}, level[] = {1, 1, 1, 1};
    expect_near(hpx_kendall(up, up, 4), 1, 0);
    expect_near(hpx_kendall(up, down, 4), -1, 0);
    assert_true(isnan(hpx_kendall(up, level, 4)) && isnan(hpx_kendall(up, up, 1)));
}

static void test_top_recall(void **state)
{
    (void)state;
    const double scores[] = {5, 1, 4, 3, 2}, truth[] = {5, 4, 3, 2, 1}, level[] = {0, 0, 0, 0, 0};
    expect_near(hpx_top_recall(scores, truth, 5, 1), 1, 0);
    expect_near(hpx_top_recall(scores, truth, 5, 2), 0.5, 0);
    expect_near(hpx_top_recall(scores, truth, 5, 3), 2.0 / 3, 1e-15);
    expect_near(hpx_top_recall(scores, truth, 5, 5), 1, 0);
    expect_near(hpx_top_recall(level, truth, 5, 2), 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_tails),
        cmocka_unit_test(test_signed_ranks),
        cmocka_unit_test(test_many_pairs),
        cmocka_unit_test(test_pairs_needed),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_friedman_of_demsar),
        cmocka_unit_test(test_friedman),
        cmocka_unit_test(test_superiority),
        cmocka_unit_test(test_kendall),
        cmocka_unit_test(test_top_recall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
