/* The loops of matrix.c for one instruction set, included there once for each. The includer defines
 *
 *     KERNEL(name)             the functions' names for this instruction set
 *     TARGET                   attribute that allows its instructions
 *     LANES                    floats of a vector
 *     WIDE                     vectors of a panel, at most 4
 *     CHAINS                   sums in registers, a multiple of WIDE
 *     BROADCAST(x)             a vector of x
 *     MULTIPLY_ADD(a, b, c)    a b + c of vectors
 *     MASK, FIRST(count)       the first so many floats of a vector, 1 .. LANES
 *     LOAD(from, mask)         a vector of those in memory, the others 0
 *     STORE(to, mask, a)       writes those of a
 *     LOW(a, b), HIGH(a, b)    the elements of the first, or second, halves of a and b in turns: a0 b0 a1 b1
 * ..
 *
 * and they are undefined at the end. No include guard, for that reason. */

typedef float KERNEL(vector)
    __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
#define vector KERNEL(vector)

/* c (rows x columns) = a b, or c += a b if `add`, with b k x wide * LANES, one row after the other; the
 * columns end in the last of these vectors. Inlined with constant rows and wide, so that the sums are
 * registers. */
TARGET static inline __attribute__((always_inline)) void
KERNEL(multiply_tile)(float *c, size_t c_stride, const struct view a, const float *b, size_t k, bool add,
                      size_t columns, size_t rows, size_t wide)
{
    vector sums[CHAINS] = {0};
    const bool whole = columns == wide * LANES;
    const size_t end = wide - 1;
    const MASK some = FIRST(columns - end * LANES);
    for (size_t i = 0; i < rows && add; i++) {
        const float *row = c + i * c_stride;
        for (size_t v = 0; v < end; v++)
            sums[i * wide + v] = *(const vector *)(row + v * LANES);
        sums[i * wide + end] =
            whole ? *(const vector *)(row + end * LANES) : (vector)LOAD(row + end * LANES, some);
    }
    for (size_t l = 0; l < k; l++, b += wide * LANES) {
        const float *column = a.values + l * a.column;
        for (size_t i = 0; i < rows; i++) {
            const vector value = BROADCAST(column[i * a.row]);
            for (size_t v = 0; v < wide; v++)
                sums[i * wide + v] =
                    MULTIPLY_ADD(value, *(const vector *)(b + v * LANES), sums[i * wide + v]);
        }
    }
    for (size_t i = 0; i < rows; i++) {
        float *row = c + i * c_stride;
        for (size_t v = 0; v < end; v++)
            *(vector *)(row + v * LANES) = sums[i * wide + v];
        if (whole)
            *(vector *)(row + end * LANES) = sums[i * wide + end];
        else
            STORE(row + end * LANES, some, sums[i * wide + end]);
    }
}

/* The same for any number of rows. */
TARGET static inline __attribute__((always_inline)) void
KERNEL(multiply_rows)(float *c, size_t c_stride, struct view a, const float *b, size_t m, size_t k, bool add,
                      size_t columns, struct ahead next, size_t wide)
{
    const size_t rows = wide > 1 ? CHAINS / wide : 8; /* no more: far rows share a set of the cache */
    const bool cut = columns != wide * LANES;
    if (m >= rows)
        hpx_path_take(hpx_path_tile(wide, true, cut, add));
    for (; m >= rows; m -= rows, c += rows * c_stride, a.values += rows * a.row) {
        for (size_t i = 0; i < rows && wide == WIDE; i++)
            ask_for(&next);
        KERNEL(multiply_tile)(c, c_stride, a, b, k, add, columns, rows, wide);
    }
    if (m > 0)
        hpx_path_take(hpx_path_tile(wide, false, cut, add));
    for (; m > 0; m--, c += c_stride, a.values += a.row)
        KERNEL(multiply_tile)(c, c_stride, a, b, k, add, columns, 1, wide);
}

TARGET static void KERNEL(multiply)(float *c, size_t c_stride, struct view a, const float *b, size_t m,
                                    size_t k, bool add, size_t columns, struct ahead next)
{
    if (columns <= LANES)
        KERNEL(multiply_rows)(c, c_stride, a, b, m, k, add, columns, next, 1);
    else if (columns <= 2 * LANES)
        KERNEL(multiply_rows)(c, c_stride, a, b, m, k, add, columns, next, 2);
    else if (WIDE > 2 && columns <= 3 * LANES)
        KERNEL(multiply_rows)(c, c_stride, a, b, m, k, add, columns, next, WIDE > 2 ? 3 : 1);
    else
        KERNEL(multiply_rows)(c, c_stride, a, b, m, k, add, columns, next, WIDE);
}

/* `columns` rows of LANES floats, LANES or fewer, as columns; others are zeros. After each of the log2(LANES)
 * perfect shuffles of all elements, an element's place in binary is rotated by one. */
TARGET static inline void KERNEL(transpose)(float *to, size_t to_stride, const float *from,
                                            size_t from_stride, size_t columns)
{
    vector rows[LANES], shuffled[LANES];
    for (size_t i = 0; i < LANES; i++)
        rows[i] = i < columns ? *(const vector *)(from + i * from_stride) : (vector){0};
    for (size_t times = 1; times < LANES; times *= 2) {
        for (size_t i = 0; i < LANES / 2; i++) {
            shuffled[2 * i] = LOW(rows[i], rows[i + LANES / 2]);
            shuffled[2 * i + 1] = HIGH(rows[i], rows[i + LANES / 2]);
        }
        for (size_t i = 0; i < LANES; i++)
            rows[i] = shuffled[i];
    }
    for (size_t i = 0; i < LANES; i++)
        *(vector *)(to + i * to_stride) = rows[i];
}

/* The k x columns matrix b in rows of `width`, the rest of them zeros: a copy, unless it lies so already. */
TARGET static const float *KERNEL(pack)(float *to, size_t width, struct view b, size_t k, size_t columns)
{
    size_t first = 0;
    if (b.column == 1 && b.row == width && columns == width) {
        hpx_path_take(HPX_PATH_PACK_NONE);
        return b.values;
    }
    for (; b.row == 1 && first < width; first += LANES) {
        const size_t some = columns - first < LANES ? columns - first : LANES;
        size_t l = 0;
        hpx_path_take(k % LANES == 0 ? HPX_PATH_PACK_TRANSPOSED : HPX_PATH_PACK_TRANSPOSED_REST);
        for (; l + LANES <= k; l += LANES)
            KERNEL(transpose)(to + l * width + first, width, b.values + first * b.column + l, b.column, some);
        for (; l < k; l++)
            for (size_t j = 0; j < LANES; j++)
                to[l * width + first + j] = j < some ? b.values[(first + j) * b.column + l] : 0;
    }
    for (; b.column == 1 && first + LANES <= columns; first += LANES) {
        hpx_path_take(HPX_PATH_PACK_ROWS);
        for (size_t l = 0; l < k; l++)
            *(vector *)(to + l * width + first) = *(const vector *)(b.values + l * b.row + first);
    }
    if (first < width)
        hpx_path_take(HPX_PATH_PACK_ROWS_REST);
    for (size_t l = 0; l < k && first < width; l++)
        for (size_t j = first; j < width; j++)
            to[l * width + j] = j < columns ? b.values[l * b.row + j * b.column] : 0;
    return to;
}

TARGET static void KERNEL(product)(float *c, size_t c_stride, struct view a, struct view b, size_t m,
                                   size_t n, size_t k, bool add)
{
    enum { PANEL = WIDE * LANES };
    static _Thread_local float packed[DEEP * PANEL] __attribute__((aligned(64)));
    for (size_t j = 0, columns; j < n; j += columns) {
        columns = n - j < PANEL ? n - j : PANEL;
        const size_t width = (columns + LANES - 1) / LANES * LANES;
        if (k > DEEP)
            hpx_path_take(HPX_PATH_DEEP);
        for (size_t l = 0, depth; l < k; l += depth) {
            depth = k - l < DEEP ? k - l : DEEP;
            const struct ahead next = l + depth < k ? look_ahead(b, k, n, m, l + depth, j, PANEL)
                                                    : look_ahead(b, k, n, m, 0, j + columns, PANEL);
            const struct view left = {a.values + l * a.column, a.row, a.column};
            const struct view right = {b.values + l * b.row + j * b.column, b.row, b.column};
            const float *panel = KERNEL(pack)(packed, width, right, depth, columns);
            KERNEL(multiply)(c + j, c_stride, left, panel, m, depth, add || l > 0, columns, next);
        }
    }
}

#undef vector
#undef KERNEL
#undef TARGET
#undef LANES
#undef WIDE
#undef CHAINS
#undef BROADCAST
#undef MULTIPLY_ADD
#undef MASK
#undef FIRST
#undef LOAD
#undef STORE
#undef LOW
#undef HIGH
