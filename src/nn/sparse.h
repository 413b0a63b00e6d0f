/* The first layer's inputs where most are zero: a batch as a sparse matrix, and its two products with dense
 * ones, panel by panel. Dense matrices are single precision and row-major. Nothing is allocated. */
#ifndef HPX_NN_SPARSE_H
#define HPX_NN_SPARSE_H

#include "vector.h"

#include <stddef.h>
#include <stdint.h>

#define HPX_SPARSE_BLOCK 128 /* columns of a block */
#define HPX_SPARSE_PANEL 64  /* the most columns of a dense factor that a call takes */

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

/* y (m x columns) = x (m x features) * w (features x columns), with rows y_stride and w_stride floats apart.
 * Every element is 0 and then the products of its row's nonzeros added one by one, by ascending column. */
void hpx_sparse_multiply(float *y, size_t y_stride, const hpx_sparse *x, const float *w, size_t w_stride,
                         size_t m, size_t columns);

/* Transposes a block of features of the first m rows, for the calls below. */
void hpx_sparse_transpose(const hpx_sparse *x, size_t block, size_t m);

/* out (the block's features x columns) = the last transposed block of x^T * d (m x columns). Every element is
 * 0 and then the products of its feature's nonzeros added one by one, by ascending sample. */
void hpx_sparse_multiply_transposed(float *out, size_t out_stride, const hpx_sparse *x, size_t block,
                                    const float *d, size_t d_stride, size_t m, size_t columns);

#endif
