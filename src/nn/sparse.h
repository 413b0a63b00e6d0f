/* Sparse matrices of single-precision values: the first layer's inputs, where most are zero. Nothing is
 * allocated. */
#ifndef HPX_NN_SPARSE_H
#define HPX_NN_SPARSE_H

#include <stddef.h>
#include <stdint.h>

typedef struct hpx_nonzero {
    uint32_t index; /* column */
    float value;
} hpx_nonzero;

/* Row by row, each by ascending index: those of row i are entries[starts[i]] .. entries[starts[i + 1] - 1].
 * starts[0] is 0. */
typedef struct hpx_sparse {
    hpx_nonzero *entries;
    uint32_t *starts;
} hpx_sparse;

/* A batch of inputs, rows x features, and its transpose. */
typedef struct hpx_sparse_inputs {
    hpx_sparse by_row, by_feature;
    float *panel; /* for hpx_sparse_multiply to work in */
} hpx_sparse_inputs;

/* Lays out a batch of up to `rows` rows and the transpose of one of up to `transposed_rows` and returns their
 * size in floats; with `block` NULL it only counts. rows * features is below 2^32. */
size_t hpx_sparse_attach(hpx_sparse_inputs *out, float *block, size_t features, size_t rows,
                         size_t transposed_rows);

/* Makes row i of `out` from bytes, 255 as 1; the rows before it are there. Writes only where a row of
 * `features` nonzeros would be. */
void hpx_sparse_set_row(hpx_sparse *out, size_t i, const uint8_t *bytes, size_t features);

/* out (columns x rows) = the transpose of a (rows x columns). */
void hpx_sparse_transpose(hpx_sparse *out, const hpx_sparse *a, size_t rows, size_t columns);

/* c (m x n) = a (m x k) * b (k x n), b and c dense, row-major and contiguous. Every element is 0 and then the
 * products of its row's nonzeros added one by one, by ascending index. `panel` is that of an attachment for k
 * features or transposed rows, or more. */
void hpx_sparse_multiply(float *c, const hpx_sparse *a, const float *b, size_t m, size_t n, size_t k,
                         float *panel);

#endif
