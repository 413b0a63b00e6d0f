/* Dense single-precision matrices, row-major: products by loops of our own where the processor has AVX-512 or
 * AVX2, else by BLAS, of which this is the only user. */
#ifndef HPX_MATRIX_H
#define HPX_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

/* A factor of a product: a matrix in memory, rows `stride` floats apart, or its transpose. */
typedef struct hpx_factor {
    const float *values;
    size_t stride;
    bool transposed;
} hpx_factor;

/* c (m x n, rows c_stride apart) = a (m x k) * b (k x n), or c += a * b if `add`; else c is not read. A
 * transposed factor is k x m, or n x k, in memory. Each size and stride is 1 .. INT_MAX. */
void hpx_matrix_multiply(float *c, size_t c_stride, hpx_factor a, hpx_factor b, size_t m, size_t n, size_t k,
                         bool add);

/* Holds the BLAS to one thread from here on: the sums of a product are then made in one order. */
void hpx_blas_single_thread(void);

/* Version of the BLAS ("OpenBLAS 0.3.21") and the kernel it chose for this processor ("SkylakeX"). */
const char *hpx_blas_version(void);
const char *hpx_blas_kernel(void);

#endif
