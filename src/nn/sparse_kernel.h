/* The loops of sparse.c for one instruction set, included there once for each. The includer defines
 *
 *     KERNEL(name)             the functions' names for this instruction set
 *     TARGET                   attribute that allows its instructions
 *     LANES                    floats of a vector
 *     BROADCAST(x)             a vector of x
 *     MULTIPLY_ADD(a, b, c)    a b + c of vectors
 *
 * and they are undefined at the end. No include guard, for that reason. */

typedef float KERNEL(vector)
    __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
#define vector KERNEL(vector)

/* Adds to `columns` columns (a multiple of LANES, at most PANEL) of m rows of c, which are `stride` apart,
 * the products of the nonzeros in block `block` of a's rows with the rows of the panel. Inlined with a
 * constant number of columns, so that the sums are registers. */
TARGET static inline __attribute__((always_inline)) void
KERNEL(multiply_columns)(float *c, size_t stride, const hpx_sparse *a, size_t m, size_t block,
                         const float *panel, size_t columns)
{
    for (size_t i = 0; i < m; i++, c += stride) {
        const uint32_t *start = a->starts + i * a->blocks + block;
        vector sums[PANEL / LANES];
        for (size_t v = 0; v < columns / LANES; v++)
            sums[v] = *(const vector *)(c + v * LANES);
        for (uint32_t e = start[0]; e < start[1]; e++) {
            const vector value = BROADCAST(a->values[e]);
            const float *row = panel + a->indices[e] * columns;
            for (size_t v = 0; v < columns / LANES; v++)
                sums[v] = MULTIPLY_ADD(value, *(const vector *)(row + v * LANES), sums[v]);
        }
        for (size_t v = 0; v < columns / LANES; v++)
            *(vector *)(c + v * LANES) = sums[v];
    }
}

/* Adds to the rows of the panel the products of the nonzeros in block `block` of a's m rows with the rows of
 * d, which are `stride` apart. */
TARGET static inline __attribute__((always_inline)) void
KERNEL(scatter_columns)(float *panel, const hpx_sparse *a, size_t m, size_t block, const float *d,
                        size_t stride, size_t columns)
{
    for (size_t i = 0; i < m; i++, d += stride) {
        const uint32_t *start = a->starts + i * a->blocks + block;
        vector row[PANEL / LANES];
        for (size_t v = 0; v < columns / LANES; v++)
            row[v] = *(const vector *)(d + v * LANES);
        for (uint32_t e = start[0]; e < start[1]; e++) {
            const vector value = BROADCAST(a->values[e]);
            vector *sums = (vector *)(panel + a->indices[e] * columns);
            for (size_t v = 0; v < columns / LANES; v++)
                sums[v] = MULTIPLY_ADD(value, row[v], sums[v]);
        }
    }
}

TARGET static void KERNEL(multiply)(float *c, size_t stride, const hpx_sparse *a, size_t m, size_t block,
                                    const float *panel, size_t columns)
{
    if (columns == 16)
        KERNEL(multiply_columns)(c, stride, a, m, block, panel, 16);
    else if (columns == 32)
        KERNEL(multiply_columns)(c, stride, a, m, block, panel, 32);
    else if (columns == 48)
        KERNEL(multiply_columns)(c, stride, a, m, block, panel, 48);
    else
        KERNEL(multiply_columns)(c, stride, a, m, block, panel, 64);
}

TARGET static void KERNEL(scatter)(float *panel, const hpx_sparse *a, size_t m, size_t block, const float *d,
                                   size_t stride, size_t columns)
{
    if (columns == 16)
        KERNEL(scatter_columns)(panel, a, m, block, d, stride, 16);
    else if (columns == 32)
        KERNEL(scatter_columns)(panel, a, m, block, d, stride, 32);
    else if (columns == 48)
        KERNEL(scatter_columns)(panel, a, m, block, d, stride, 48);
    else
        KERNEL(scatter_columns)(panel, a, m, block, d, stride, 64);
}

#undef vector
#undef KERNEL
#undef TARGET
#undef LANES
#undef BROADCAST
#undef MULTIPLY_ADD
