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

/* c = a b, or c += a b if `add`, for a panel b of `columns` columns (a multiple of LANES, at most PANEL); the
 * m rows of c and those of b are c_stride and b_stride apart. Inlined with a constant number of columns, so
 * that the sums are registers. */
TARGET static inline __attribute__((always_inline)) void
KERNEL(multiply_columns)(float *c, size_t c_stride, const nonzeros *a, size_t m, const float *b,
                         size_t b_stride, bool add, size_t columns)
{
    for (size_t i = 0; i < m; i++, c += c_stride) {
        const uint32_t *ends = a->ends + i * a->step;
        vector sums[PANEL / LANES] = {0};
        for (size_t v = 0; v < columns / LANES && add; v++)
            sums[v] = *(const vector *)(c + v * LANES);
        for (uint32_t e = ends[0]; e < ends[1]; e++) {
            const vector value = BROADCAST(a->values[e]);
            const float *row = b + a->indices[e] * b_stride;
            for (size_t v = 0; v < columns / LANES; v++)
                sums[v] = MULTIPLY_ADD(value, *(const vector *)(row + v * LANES), sums[v]);
        }
        for (size_t v = 0; v < columns / LANES; v++)
            *(vector *)(c + v * LANES) = sums[v];
    }
}

TARGET static void KERNEL(multiply)(float *c, size_t c_stride, const nonzeros *a, size_t m, const float *b,
                                    size_t b_stride, bool add, size_t columns)
{
    if (columns == 16)
        KERNEL(multiply_columns)(c, c_stride, a, m, b, b_stride, add, 16);
    else if (columns == 32)
        KERNEL(multiply_columns)(c, c_stride, a, m, b, b_stride, add, 32);
    else if (columns == 48)
        KERNEL(multiply_columns)(c, c_stride, a, m, b, b_stride, add, 48);
    else
        KERNEL(multiply_columns)(c, c_stride, a, m, b, b_stride, add, 64);
}

#undef vector
#undef KERNEL
#undef TARGET
#undef LANES
#undef BROADCAST
#undef MULTIPLY_ADD
