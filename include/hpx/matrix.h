/* Dense single-precision matrices, row-major. The only user of BLAS. */
#ifndef HPX_MATRIX_H
#define HPX_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

/* c (m x n) = beta * c + op(a) (m x k) * op(b) (k x n); op transposes where told, so that a is k x m (b is n
 * x k) in memory then. No leading dimensions: matrices are contiguous. beta 0 does not read c. Each size is 1
 * .. INT_MAX. */
void hpx_matrix_multiply(float *c, const float *a, bool transpose_a, const float *b, bool transpose_b,
                         size_t m, size_t n, size_t k, float beta);

/* Holds the BLAS to one thread from here on: the sums of a product are then made in one order. */
void hpx_blas_single_thread(void);

/* Version of the BLAS ("OpenBLAS 0.3.21") and the kernel it chose for this processor ("SkylakeX"). */
const char *hpx_blas_version(void);
const char *hpx_blas_kernel(void);

#endif
