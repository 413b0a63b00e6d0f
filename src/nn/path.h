/* The paths through the trainer: every branch of src/nn that a number of a result may depend on says that it
 * is taken. A training that is cut down to one batch of each kind so tells which paths the whole one takes
 * (hpx_trainer's `paths`), and no list of them can differ from what the code does. What costs time once a
 * call, never once an element. */
#ifndef HPX_NN_PATH_H
#define HPX_NN_PATH_H

#include "hpx/training.h"

#include <stdbool.h>
#include <stddef.h>

/* Numbers that are made of what the paths differ in: all that decides on sparse inputs, and the loops of
 * products that differ in their code. */
#define HPX_PATH_INPUTS_KINDS 8  /* few zeros, narrow first layer, large batch */
#define HPX_PATH_TILES        32 /* vectors (1 .. 4), one row or a block, last vector cut, added to */
#define HPX_PATH_SPARSES      16 /* vectors of 16 (1 .. 4), padded, added to */
#define HPX_PATH_BLASES       8  /* each factor transposed, added to */
#define HPX_PATH_SUMS         24 /* filters (1 .. 8), pixels (1 .. 3) */
#define HPX_PATH_PRODUCTS     24 /* filters, columns of the kernel */
#define HPX_PATH_POOLS        12 /* windows of 1, of 2 x 2, larger; their mean; ReLU */

typedef enum hpx_path {
    /* training.c */
    HPX_PATH_BATCH_WHOLE,
    HPX_PATH_BATCH_REST,
    HPX_PATH_BATCH_OF_ALL,
    HPX_PATH_EVALUATE_NOTHING,
    HPX_PATH_EVALUATE_WHOLE,
    HPX_PATH_EVALUATE_REST,
    /* mlp.c */
    HPX_PATH_HE,
    HPX_PATH_GLOROT,
    HPX_PATH_DENSE,
    HPX_PATH_SPARSE,
    HPX_PATH_PANEL_WHOLE,
    HPX_PATH_PANEL_REST,
    HPX_PATH_BLOCK_REST,
    HPX_PATH_HIDDEN_1,
    HPX_PATH_HIDDEN_2,
    HPX_PATH_HIDDEN_3,
    HPX_PATH_HIDDEN_MORE,
    HPX_PATH_PARTS,
    HPX_PATH_PART_REST,
    HPX_PATH_PARTS_OF_INPUT,
    HPX_PATH_PARTS_OF_LAST,
    /* activation.c */
    HPX_PATH_RELU,
    HPX_PATH_TANH,
    HPX_PATH_SIGMOID,
    HPX_PATH_GELU,
    HPX_PATH_DROPOUT,
    HPX_PATH_DROPOUT_REST,
    /* softmax.c */
    HPX_PATH_SOFTMAX_WHOLE,
    HPX_PATH_SOFTMAX_REST,
    /* optimizer.c */
    HPX_PATH_ADAM,
    HPX_PATH_MOMENTUM,
    HPX_PATH_NESTEROV,
    HPX_PATH_PLAIN,
    HPX_PATH_DECAY,
    HPX_PATH_CONSTANT,
    HPX_PATH_STEP_BEFORE,
    HPX_PATH_STEP_AFTER,
    HPX_PATH_COSINE_FIRST,
    HPX_PATH_COSINE_LATER,
    /* matrix.c */
    HPX_PATH_PACK_NONE,
    HPX_PATH_PACK_ROWS,
    HPX_PATH_PACK_ROWS_REST,
    HPX_PATH_PACK_TRANSPOSED,
    HPX_PATH_PACK_TRANSPOSED_REST,
    HPX_PATH_DEEP,
    HPX_PATH_TALL,
    HPX_PATH_COLUMN,
    HPX_PATH_TILE,
    HPX_PATH_BLAS = HPX_PATH_TILE + HPX_PATH_TILES,
    /* sparse.c */
    HPX_PATH_COMPRESS_WHOLE = HPX_PATH_BLAS + HPX_PATH_BLASES,
    HPX_PATH_COMPRESS_REST,
    HPX_PATH_SPARSE_BLOCKS,
    HPX_PATH_SPARSE_PRODUCT,
    HPX_PATH_INPUTS = HPX_PATH_SPARSE_PRODUCT + HPX_PATH_SPARSES, /* mlp_model.c */
    /* cnn.c */
    HPX_PATH_NO_CONVOLUTION = HPX_PATH_INPUTS + HPX_PATH_INPUTS_KINDS,
    HPX_PATH_BLOCK_WHOLE,
    HPX_PATH_BLOCK_PART,
    HPX_PATH_TRANSPOSE_REST,
    HPX_PATH_LOAD_REST,
    HPX_PATH_IMAGES_DROPOUT,
    HPX_PATH_IMAGES_DROPOUT_REST,
    /* convolution.c */
    HPX_PATH_CONVOLUTION_FIRST,
    HPX_PATH_CONVOLUTION_LATER,
    HPX_PATH_STRIDE,
    HPX_PATH_ROWS_OUTSIDE,
    HPX_PATH_CHUNKS,
    HPX_PATH_ACTIVATE_SUMS,
    HPX_PATH_ACTIVATE_POOLED,
    HPX_PATH_POOL,
    HPX_PATH_SUM_TILE = HPX_PATH_POOL + HPX_PATH_POOLS,
    HPX_PATH_PRODUCT_TILE = HPX_PATH_SUM_TILE + HPX_PATH_SUMS,
    HPX_PATH_COUNT = HPX_PATH_PRODUCT_TILE + HPX_PATH_PRODUCTS,
} hpx_path;

_Static_assert(HPX_PATH_COUNT <= HPX_PATHS_MAX, "a bit for each path");

/* Those taken by this thread since it last emptied the set. */
extern _Thread_local hpx_paths hpx_paths_taken;

void hpx_path_name(char out[HPX_PATH_NAME_BYTES], size_t path);

static inline void hpx_path_take(size_t path)
{
    hpx_paths_taken.words[path / 64] |= (uint64_t)1 << path % 64;
}

static inline size_t hpx_path_inputs(bool full, bool narrow, bool large)
{
    return HPX_PATH_INPUTS + full * 4 + narrow * 2 + large;
}

static inline size_t hpx_path_tile(size_t vectors, bool block, bool cut, bool add)
{
    return HPX_PATH_TILE + (vectors - 1) * 8 + block * 4 + cut * 2 + add;
}

static inline size_t hpx_path_blas(bool transposed_a, bool transposed_b, bool add)
{
    return HPX_PATH_BLAS + transposed_a * 4 + transposed_b * 2 + add;
}

static inline size_t hpx_path_sparse(size_t vectors, bool padded, bool add)
{
    return HPX_PATH_SPARSE_PRODUCT + (vectors - 1) * 4 + padded * 2 + add;
}

static inline size_t hpx_path_pool(size_t pool, bool average, bool relu)
{
    return HPX_PATH_POOL + (pool < 3 ? pool - 1 : 2) * 4 + average * 2 + relu;
}

static inline size_t hpx_path_sums(size_t filters, size_t pixels)
{
    return HPX_PATH_SUM_TILE + (filters - 1) * 3 + pixels - 1;
}

static inline size_t hpx_path_products(size_t filters, size_t columns)
{
    return HPX_PATH_PRODUCT_TILE + (filters - 1) * 3 + columns - 1;
}

#endif
