#include "hpx/matrix.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <stdio.h>

void hpx_matrix_multiply(float *c, size_t c_stride, hpx_factor a, hpx_factor b, size_t m, size_t n, size_t k,
                         float beta)
{
    assert(m - 1 < INT_MAX && n - 1 < INT_MAX && k - 1 < INT_MAX);
    assert(c_stride - 1 < INT_MAX && a.stride - 1 < INT_MAX && b.stride - 1 < INT_MAX);
    cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
                b.transposed ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, a.values,
                (blasint)a.stride, b.values, (blasint)b.stride, beta, c, (blasint)c_stride);
}

void hpx_blas_single_thread(void)
{
    openblas_set_num_threads(1);
}

const char *hpx_blas_version(void)
{
    /* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ... SkylakeX MAX_THREADS=64": all but the first two words
     * tells of the build and of this host. */
    static char version[64];
    char name[24] = "", number[24] = "";
    sscanf(openblas_get_config(), "%23s %23s", name, number);
    snprintf(version, sizeof version, "%s %s", name, number);
    return version;
}

const char *hpx_blas_kernel(void)
{
    return openblas_get_corename();
}
