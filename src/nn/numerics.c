/* What the machine contributes to a result, and a check that its BLAS multiplies. */
#include "nn/numerics.h"

#include "base/memory.h"
#include "base/random.h"
#include "nn/matrix.h"
#include "vector.h"

#include <gnu/libc-version.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    hpx_fields_set_count(out, "numerics.threads", 1);
    hpx_fields_set_text(out, "numerics.libc", libc);
    hpx_fields_set_text(out, "numerics.compiler", compiler);
    if (hpx_vector_kind() == HPX_VECTOR_PLAIN) {
        hpx_fields_set_text(out, "numerics.vector", hpx_vector_name(HPX_VECTOR_PLAIN));
        hpx_fields_set_text(out, "numerics.blas", hpx_blas_version());
        hpx_fields_set_text(out, "numerics.kernel", hpx_blas_kernel());
    }
    free(libc);
    free(compiler);
}

void hpx_numerics_machine(hpx_fields *out)
{
    hpx_fields_set_text(out, "machine.vector", hpx_vector_name(hpx_vector_kind()));
    hpx_fields_set_text(out, "machine.blas", hpx_blas_version());
    hpx_fields_set_text(out, "machine.kernel", hpx_blas_kernel());
}

/* The largest product checked: sizes beyond what a register holds of a kernel's block, and odd. */
enum { ROWS = 67, COLUMNS = 49, INNER = 129 };

/* The factors of a product, each also transposed, and what a plain loop makes of them. Values are small
 * integers: all products and sums are exact in single precision, so that the comparison is exact too,
 * whatever the order in which a kernel adds. */
struct product {
    size_t m, n, k;
    float a[2][ROWS * INNER], b[2][INNER * COLUMNS]; /* by whether it is transposed */
    float expected[ROWS * COLUMNS], c[ROWS * COLUMNS];
};

static void fill(float *out, float *transposed, size_t rows, size_t columns, uint32_t purpose)
{
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j += 4) {
            uint32_t words[4];
            hpx_random(words, 0, purpose, 0, (uint32_t)i, (uint32_t)j);
            for (size_t k = 0; k < 4 && j + k < columns; k++)
                out[i * columns + j + k] = transposed[(j + k) * rows + i] = (float)(words[k] % 17) - 8;
        }
    }
}

static void multiply_plainly(struct product *p)
{
    memset(p->expected, 0, p->m * p->n * sizeof(float));
    for (size_t i = 0; i < p->m; i++)
        for (size_t l = 0; l < p->k; l++)
            for (size_t j = 0; j < p->n; j++)
                p->expected[i * p->n + j] += p->a[0][i * p->k + l] * p->b[0][l * p->n + j];
}

static hpx_status miscomputes(const struct product *p, size_t i, float expected, hpx_error *error)
{
    const hpx_vector vector = hpx_vector_kind();
    const bool blas = vector == HPX_VECTOR_PLAIN;
    char *with = blas ? hpx_format("%s with its kernel %s", hpx_blas_version(), hpx_blas_kernel())
                      : hpx_format("this machine with %s vectors", hpx_vector_name(vector));
    hpx_status status = hpx_error_set(
        error, HPX_FAILED, "%s miscomputes: element %zu of a %zu x %zu x %zu product is %g instead of %g; %s",
        with, i, p->m, p->k, p->n, (double)p->c[i], (double)expected,
        blas ? "upgrade it, or set OPENBLAS_CORETYPE to another kernel (Haswell)"
             : "set HPX_VECTOR to others (plain), and report it");
    free(with);
    return status;
}

/* Without `add` whatever was in c, even NaN, must be gone; with it, it must be added to. */
static hpx_status check_product(struct product *p, bool transpose_a, bool transpose_b, bool add,
                                hpx_error *error)
{
    const size_t count = p->m * p->n;
    for (size_t i = 0; i < count; i++)
        p->c[i] = add ? (float)(i % 5) : NAN;
    const hpx_factor a = {p->a[transpose_a], transpose_a ? p->m : p->k, transpose_a};
    const hpx_factor b = {p->b[transpose_b], transpose_b ? p->k : p->n, transpose_b};
    hpx_matrix_multiply(p->c, p->n, a, b, p->m, p->n, p->k, add);
    for (size_t i = 0; i < count; i++) {
        const float expected = p->expected[i] + (add ? (float)(i % 5) : 0);
        if (p->c[i] != expected)
            return miscomputes(p, i, expected, error);
    }
    return HPX_OK;
}

hpx_status hpx_numerics_check_environment(hpx_error *error)
{
    return hpx_vector_check(error);
}

hpx_status hpx_numerics_check(hpx_error *error)
{
    static const size_t sizes[][3] = {{1, 1, 1},    {1, 10, 33},  {17, 1, 9},       {3, 5, 7},
                                      {16, 16, 16}, {33, 10, 65}, {31, COLUMNS, 5}, {ROWS, 41, INNER}};
    struct product *p = hpx_alloc(sizeof *p);
    hpx_status status = hpx_vector_check(error);
    hpx_blas_single_thread();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !status; i++) {
        p->m = sizes[i][0], p->n = sizes[i][1], p->k = sizes[i][2];
        fill(p->a[0], p->a[1], p->m, p->k, 1);
        fill(p->b[0], p->b[1], p->k, p->n, 2);
        multiply_plainly(p);
        for (int kind = 0; kind < 8 && !status; kind++)
            status = check_product(p, kind & 1, kind & 2, kind & 4, error);
    }
    free(p);
    return status;
}
