/* Products against plain loops, and the check a worker makes of its BLAS. */
#include "hpx/fields.h"
#include "hpx/matrix.h"
#include "hpx/random.h"
#include "hpx/trainer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

static float *random_matrix(size_t count, uint32_t seed)
{
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        uint32_t words[4];
        hpx_random(words, seed, 0, 0, 0, (uint32_t)i);
        values[i] = 2 * hpx_random_float(words[0]) - 1;
    }
    return values;
}

static void check(size_t m, size_t n, size_t k, int transposes, float beta)
{
    const bool transpose_a = transposes & 1, transpose_b = transposes & 2;
    float *a = random_matrix(m * k, 1), *b = random_matrix(k * n, 2), *c = random_matrix(m * n, 3);
    float *before = malloc(m * n * sizeof *before);
    assert_non_null(before);
    if (beta == 0)
        for (size_t i = 0; i < m * n; i++)
            c[i] = NAN;
    memcpy(before, c, m * n * sizeof *c);
    hpx_matrix_multiply(c, n, (hpx_factor){a, transpose_a ? m : k, transpose_a},
                        (hpx_factor){b, transpose_b ? k : n, transpose_b}, m, n, k, beta);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = beta == 0 ? 0 : (double)beta * (double)before[i * n + j];
            for (size_t l = 0; l < k; l++)
                sum += (double)(transpose_a ? a[l * m + i] : a[i * k + l]) *
                       (double)(transpose_b ? b[j * k + l] : b[l * n + j]);
            /* Terms are at most 1: k + 1 roundings of sums up to k, each half a unit in the last place. */
            assert_true(fabs(sum - (double)c[i * n + j]) <= 0x1p-24 * (double)(k + 1) * (double)(k + 1));
        }
    }
    free(a);
    free(b);
    free(c);
    free(before);
}

static void test_multiply(void **state)
{
    static const size_t sizes[][3] = {{1, 1, 1},    {1, 7, 3},    {5, 1, 9},     {8, 8, 8},     {13, 17, 19},
                                      {64, 10, 33}, {127, 31, 2}, {128, 64, 65}, {100, 129, 47}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int transposes = 0; transposes < 4; transposes++) {
            check(sizes[i][0], sizes[i][1], sizes[i][2], transposes, 0);
            check(sizes[i][0], sizes[i][1], sizes[i][2], transposes, 1);
            check(sizes[i][0], sizes[i][1], sizes[i][2], transposes, -0.5f);
        }
    }
}

static void test_numerics_check(void **state)
{
    hpx_error error = {0};
    (void)state;
    if (hpx_numerics_check(&error))
        fail_msg("%s", error.message);
}

static void test_numerics(void **state)
{
    static const char *const texts[] = {"numerics.blas", "numerics.kernel", "numerics.vector",
                                        "numerics.libc", "numerics.compiler"};
    hpx_fields fields = {0};
    hpx_error error;
    (void)state;
    hpx_numerics(&fields);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text;
        assert_int_equal(hpx_fields_text(&text, &fields, texts[i], &error), HPX_OK);
        assert_true(strlen(text) > 3);
        /* Nothing that depends on the number of processors of the host. */
        assert_null(strstr(text, "MAX_THREADS"));
    }
    uint64_t threads;
    assert_int_equal(hpx_fields_count(&threads, &fields, "numerics.threads", &error), HPX_OK);
    assert_int_equal(threads, 1);
    assert_int_equal(strncmp(hpx_blas_version(), "OpenBLAS ", 9), 0);
    hpx_fields_free(&fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multiply),
        cmocka_unit_test(test_numerics_check),
        cmocka_unit_test(test_numerics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
