/* Products against plain loops, and the check a worker makes of its BLAS. */
#include "base/random.h"
#include "hpx/fields.h"
#include "nn/matrix.h"
#include "nn/numerics.h"
#include "nn/vector.h"

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

/* With rows farther apart than they are long: what lies between must stay. */
static void check(size_t m, size_t n, size_t k, int transposes, bool add)
{
    const bool transpose_a = transposes & 1, transpose_b = transposes & 2;
    const size_t a_stride = (transpose_a ? m : k) + 3, b_stride = (transpose_b ? k : n) + 1, c_stride = n + 2;
    float *a = random_matrix((transpose_a ? k : m) * a_stride, 1);
    float *b = random_matrix((transpose_b ? n : k) * b_stride, 2), *c = random_matrix(m * c_stride, 3);
    float *before = malloc(m * c_stride * sizeof *before);
    assert_non_null(before);
    if (!add)
        for (size_t i = 0; i < m * c_stride; i++)
            c[i] = i % c_stride < n ? NAN : 5;
    memcpy(before, c, m * c_stride * sizeof *c);
    hpx_matrix_multiply(c, c_stride, (hpx_factor){a, a_stride, transpose_a},
                        (hpx_factor){b, b_stride, transpose_b}, m, n, k, add);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = add ? (double)before[i * c_stride + j] : 0;
            float fused = (float)sum;
            for (size_t l = 0; l < k; l++) {
                const float left = transpose_a ? a[l * a_stride + i] : a[i * a_stride + l];
                const float right = transpose_b ? b[j * b_stride + l] : b[l * b_stride + j];
                sum += (double)left * (double)right;
                fused = fmaf(left, right, fused);
            }
            /* Terms are at most 1: k + 1 roundings of sums up to k, each half a unit in the last place. */
            assert_true(fabs(sum - (double)c[i * c_stride + j]) <=
                        0x1p-24 * (double)(k + 1) * (double)(k + 1));
            if (hpx_vector_kind() != HPX_VECTOR_PLAIN)
                assert_true(c[i * c_stride + j] == fused);
        }
        assert_memory_equal(c + i * c_stride + n, before + i * c_stride + n, 2 * sizeof *c);
    }
    free(a);
    free(b);
    free(c);
    free(before);
}

/* With every kind of loop that this processor has. */
static void test_multiply(void **state)
{
    static const size_t sizes[][3] = {
        {1, 1, 1},     {1, 7, 3},     {5, 1, 9},      {8, 8, 8},     {13, 17, 19}, {64, 10, 33},
        {127, 31, 2},  {128, 64, 65}, {100, 47, 129}, {19, 49, 300}, {17, 33, 16}, {9, 130, 128},
        {257, 35, 20}, {600, 9, 30},  {65, 80, 9},    {20, 70, 700}, {3, 300, 300}};
    (void)state;
    for (int kind = HPX_VECTOR_PLAIN; kind <= HPX_VECTOR_AVX512; kind++) {
        setenv("HPX_VECTOR", hpx_vector_name((hpx_vector)kind), 1);
        hpx_vector_choose();
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int transposes = 0; transposes < 4; transposes++)
                for (int add = 0; add < 2; add++)
                    check(sizes[i][0], sizes[i][1], sizes[i][2], transposes, add);
    }
    unsetenv("HPX_VECTOR");
    hpx_vector_choose();
}

/* BLAS is what plain vectors take. */
static void test_numerics_check(void **state)
{
    hpx_error error = {0};
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        if (plain)
            setenv("HPX_VECTOR", "plain", 1);
        hpx_vector_choose();
        if (hpx_numerics_check(&error))
            fail_msg("%s", error.message);
    }
    unsetenv("HPX_VECTOR");
    hpx_vector_choose();
}

/* What is part of the identity, and what tells of the machine. */
static void test_numerics(void **state)
{
    static const char *const texts[] = {"machine.blas", "machine.kernel", "machine.vector", "numerics.libc",
                                        "numerics.compiler"};
    hpx_fields fields = {0};
    hpx_error error;
    (void)state;
    hpx_numerics(&fields);
    hpx_numerics_machine(&fields);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text;
        assert_int_equal(hpx_fields_text(&text, &fields, texts[i], &error), HPX_OK);
        assert_true(*text); /* "Zen" is a kernel */
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
