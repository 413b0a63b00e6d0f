/* The first layer's inputs where most are zero: a batch as a sparse matrix, and its two products with dense
 * ones. All dense matrices are single precision, row-major and contiguous. Nothing is allocated. */
#ifndef HPX_NN_SPARSE_H
#define HPX_NN_SPARSE_H

#include "vector.h"

#include <stddef.h>
#include <stdint.h>

#define HPX_SPARSE_BLOCK 128 /* columns of a block */

/* Writes the columns and the 255ths of up to HPX_SPARSE_BLOCK bytes that are not 0, and up to 63 more entries
 * without meaning; returns how many there are. */
typedef uint32_t hpx_compress_fn(uint32_t *indices, float *values, const uint8_t *bytes, size_t count);

/* The nonzeros of m rows, each cut into blocks of HPX_SPARSE_BLOCK columns: those of block b of row i are
 * numbered from starts[i * blocks + b] to before starts[i * blocks + b + 1], by ascending column. */
typedef struct hpx_sparse {
    hpx_vector kind; /* of the loops below, chosen by hpx_sparse_attach */
    hpx_compress_fn *compress;
    size_t features, blocks; /* columns, and their blocks; the last may be narrower */
    uint32_t *starts;        /* rows * blocks + 1, the first of them 0 */
    uint32_t *indices;       /* columns within the block */
    float *values;

    /* To work in: a panel of a dense factor; the last columns of a result that is no multiple of 16 wide; a
     * block transposed, the nonzeros of its feature j from turned_ends[2 * j] to before turned_ends[2 * j +
     * 1]. */
    float *panel, *edge;
    uint32_t *turned_ends, *turned_indices, turned_stride;
    float *turned_values;
} hpx_sparse;

/* Those that a processor with these vectors has, the fastest as number 0, NULL behind the last: all write the
 * same. */
hpx_compress_fn *hpx_sparse_compression(hpx_vector kind, size_t way);

/* Lays out a batch of up to `rows` rows and returns its size in floats; with `block` NULL it only counts.
 * rows * features is below 2^32. */
size_t hpx_sparse_attach(hpx_sparse *out, float *block, size_t features, size_t rows);

/* Makes row i from `features` bytes, 255 as 1; the rows before it are there. */
void hpx_sparse_set_row(hpx_sparse *out, size_t i, const uint8_t *bytes);

/* y (m x n) = x (m x features) * w (features x n). Every element is 0 and then the products of its row's
 * nonzeros added one by one, by ascending column. */
void hpx_sparse_multiply(float *y, const hpx_sparse *x, const float *w, size_t m, size_t n);

/* The rows of block `block` of features of x^T (features x m) * d (m x n); `out` has n columns. Every element
 * is 0 and then the products of its feature's nonzeros added one by one, by ascending sample. */
void hpx_sparse_multiply_transposed(float *out, const hpx_sparse *x, size_t block, const float *d, size_t m,
                                    size_t n);

#endif
