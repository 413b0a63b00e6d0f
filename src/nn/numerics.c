/* What the machine contributes to a result, and a check that its BLAS multiplies. */
#include "hpx/matrix.h"
#include "hpx/memory.h"
#include "hpx/random.h"
#include "hpx/trainer.h"

#include <gnu/libc-version.h>
#include <math.h>
#include <stdlib.h>

#ifndef HPX_NN_FLAGS
#define HPX_NN_FLAGS "" /* the compiler's flags for src/nn, as the build sets them */
#endif

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* glibc chooses among implementations of expf, log and others that differ in their last bit by whether the
 * processor has fused multiply-add. */
static const char *libm_variant(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_cpu_init();
    return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2") ? " fma" : "";
#else
    return "";
#endif
}

void hpx_numerics(hpx_fields *out)
{
    char *libc = hpx_format("glibc %s%s", gnu_get_libc_version(), libm_variant());
    char *compiler = hpx_format("%s%s%s", COMPILER, *HPX_NN_FLAGS ? " " : "", HPX_NN_FLAGS);
    hpx_fields_set_text(out, "numerics.blas", hpx_blas_version());
    hpx_fields_set_text(out, "numerics.kernel", hpx_blas_kernel());
    hpx_fields_set_count(out, "numerics.threads", 1);
    hpx_fields_set_text(out, "numerics.libc", libc);
    hpx_fields_set_text(out, "numerics.compiler", compiler);
    free(libc);
    free(compiler);
}

/* Small integers: every product and sum below is exact in single precision, so that the comparison is exact
 * too, whatever the order of the additions. */
static void fill(float *out, size_t count, uint32_t purpose)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t words[4];
        if (i % 4 == 0)
            hpx_random(words, 0, purpose, 0, 0, (uint32_t)(i / 4));
        out[i] = (float)(words[i % 4] % 17) - 8;
    }
}

static float element(const float *a, bool transposed, size_t rows, size_t columns, size_t i, size_t j)
{
    return transposed ? a[j * rows + i] : a[i * columns + j];
}

#define CHECK_MAX 129

struct product {
    size_t m, n, k;
};

static hpx_status check_product(struct product p, bool transpose_a, bool transpose_b, float beta, float *a,
                                float *b, float *c, hpx_error *error)
{
    fill(a, p.m * p.k, 1);
    fill(b, p.k * p.n, 2);
    for (size_t i = 0; i < p.m * p.n; i++)
        c[i] = beta == 0 ? NAN : (float)(i % 5);
    hpx_matrix_multiply(c, a, transpose_a, b, transpose_b, p.m, p.n, p.k, beta);
    for (size_t i = 0; i < p.m; i++) {
        for (size_t j = 0; j < p.n; j++) {
            float sum = beta == 0 ? 0 : beta * (float)((i * p.n + j) % 5);
            for (size_t l = 0; l < p.k; l++)
                sum += element(a, transpose_a, p.m, p.k, i, l) * element(b, transpose_b, p.k, p.n, l, j);
            if (c[i * p.n + j] != sum)
                return hpx_error_set(
                    error, HPX_FAILED,
                    "%s with kernel %s miscomputes: row %zu, column %zu of a product %zu x %zu x %zu "
                    "is %g instead of %g; upgrade it, or choose another kernel with "
                    "OPENBLAS_CORETYPE (such as Haswell)",
                    hpx_blas_version(), hpx_blas_kernel(), i, j, p.m, p.k, p.n, (double)c[i * p.n + j],
                    (double)sum);
        }
    }
    return HPX_OK;
}

hpx_status hpx_numerics_check(hpx_error *error)
{
    /* Around the register and cache blocks of the kernels, and far from them. */
    static const struct product products[] = {
        {1, 1, 1},    {1, 10, 33},  {17, 1, 9},  {3, 5, 7},
        {16, 16, 16}, {33, 10, 65}, {31, 49, 5}, {67, 41, CHECK_MAX},
    };
    float *parts = hpx_alloc(3 * CHECK_MAX * CHECK_MAX * sizeof(float));
    float *a = parts, *b = a + CHECK_MAX * CHECK_MAX, *c = b + CHECK_MAX * CHECK_MAX;
    hpx_status status = HPX_OK;
    hpx_blas_single_thread();
    for (size_t i = 0; i < sizeof products / sizeof *products && !status; i++)
        for (int transposes = 0; transposes < 4 && !status; transposes++)
            for (int beta = 0; beta < 2 && !status; beta++)
                status =
                    check_product(products[i], transposes & 1, transposes & 2, (float)beta, a, b, c, error);
    free(parts);
    return status;
}
