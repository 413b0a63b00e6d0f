/* The loops of matrix.c for one instruction set, included there once for each. The includer defines
 *
 *     KERNEL(name)             the functions' names for this instruction set
 *     TARGET                   attribute that allows its instructions
 *     LANES                    floats of a vector
 *     WIDE                     vectors of a panel, at most 4
 *     CHAINS                   sums in registers
 *     TILES(T)                 T(rows, vectors) of each tile: as many rows, up to ROWS, as there are sums for
 *     BROADCAST(x)             a vector of x
 *     MULTIPLY_ADD(a, b, c)    a b + c of vectors
 *     MASK, FIRST(count)       the first so many floats of a vector, 1 .. LANES
 *     LOAD(from, mask)         a vector of those in memory, the others 0
 *     STORE(to, mask, a)       writes those of a
 *     LOW(a, b), HIGH(a, b)    of every four floats of a and b the first, or last, two in turns
 *     BLOCKS_LOW, BLOCKS_HIGH  of a and b the first, or second, halves in turns, four floats at once
 *
 * and they are undefined at the end. No include guard, for that reason. */

typedef float KERNEL(vector)
    __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
#define vector KERNEL(vector)

#define STAY(x) __asm__("" : "+v"(x)) /* in one register, which it was in before */

/* c (rows x columns) = a b, or c += a b if `add`; the element of a in row i and column l is a[i * a_row + l *
 * a_column], and b is k x wide * LANES, one row after the other. The columns end in the last of these
 * vectors, at its end if `whole`. Inlined with constant rows, wide and whole, and unrolled so early, that the
 * sums are registers. */
TARGET static inline __attribute__((always_inline)) void
KERNEL(multiply_tile)(float *c, size_t c_stride, const float *a, size_t a_row, size_t a_column,
                      const float *b, size_t k, bool add, size_t columns, size_t rows, size_t wide,
                      bool whole)
{
    vector sums[ROWS * WIDE] = {0};
    const size_t end = wide - 1;
    if (add)
#pragma GCC unroll 32
        for (size_t i = 0; i < rows; i++) {
            const float *row = c + i * c_stride;
#pragma GCC unroll 32
            for (size_t v = 0; v < end; v++)
                sums[i * wide + v] = *(const vector *)(row + v * LANES);
            sums[i * wide + end] = whole ? *(const vector *)(row + end * LANES)
                                         : (vector)LOAD(row + end * LANES, FIRST(columns - end * LANES));
        }
    for (const float *stop = b + k * wide * LANES; b < stop; b += wide * LANES, a += a_column) {
#pragma GCC unroll 32
        for (size_t i = 0; i < rows; i++) {
            const vector value = BROADCAST(a[i * a_row]);
#pragma GCC unroll 32
            for (size_t v = 0; v < wide; v++)
                sums[i * wide + v] =
                    MULTIPLY_ADD(value, *(const vector *)(b + v * LANES), sums[i * wide + v]);
        }
#pragma GCC unroll 32
        for (size_t i = 0; i < rows * wide; i++)
            STAY(sums[i]);
    }
#pragma GCC unroll 32
    for (size_t i = 0; i < rows; i++) {
        float *row = c + i * c_stride;
#pragma GCC unroll 32
        for (size_t v = 0; v < end; v++)
            *(vector *)(row + v * LANES) = sums[i * wide + v];
        if (whole)
            *(vector *)(row + end * LANES) = sums[i * wide + end];
        else
            STORE(row + end * LANES, FIRST(columns - end * LANES), sums[i * wide + end]);
    }
}

/* Each size of tile is a function of its own: in a larger one the compiler runs out of registers. */
typedef void KERNEL(tile_fn)(float *c, size_t c_stride, const float *a, size_t a_row, size_t a_column,
                             const float *b, size_t k, bool add, size_t columns);
#define TILE(name, rows, wide, whole)                                                                        \
    TARGET static __attribute__((noinline)) void KERNEL(name##_##rows##_##wide)(                             \
        float *c, size_t c_stride, const float *a, size_t a_row, size_t a_column, const float *b, size_t k,  \
        bool add, size_t columns)                                                                            \
    {                                                                                                        \
        KERNEL(multiply_tile)(c, c_stride, a, a_row, a_column, b, k, add, columns, rows, wide, whole);       \
    }
#define TILE_OF(rows, wide) TILE(tile, rows, wide, true) TILE(edge, rows, wide, false)
TILES(TILE_OF)
#undef TILE_OF
#undef TILE

/* By vectors of a panel and rows; the second of each pair for columns that fill the vectors. */
static KERNEL(tile_fn) *const KERNEL(tiles)[WIDE + 1][ROWS + 1][2] = {
#define TILE(rows, wide) [wide][rows] = {KERNEL(edge_##rows##_##wide), KERNEL(tile_##rows##_##wide)},
    TILES(TILE)
#undef TILE
};

/* The product of m rows of a with one panel of b, the rows spread evenly over the fewest tiles: one of few
 * rows has too few sums to keep the multipliers busy. */
TARGET static void KERNEL(multiply)(float *c, size_t c_stride, struct view a, const float *b, size_t m,
                                    size_t k, bool add, size_t columns, struct ahead next)
{
    const size_t wide = (columns - 1) / LANES + 1, most = CHAINS / wide < ROWS ? CHAINS / wide : ROWS;
    const bool whole = columns == wide * LANES;
    KERNEL(tile_fn) *const(*of)[2] = KERNEL(tiles)[wide];
    for (size_t tiles = (m - 1) / most + 1, rows; tiles > 0; tiles--, m -= rows) {
        rows = m / tiles;
        for (size_t i = 0; i < rows && wide == WIDE; i++)
            ask_for(&next);
        hpx_path_take(hpx_path_tile(wide, rows > 1, !whole, add));
        of[rows][whole](c, c_stride, a.values, a.row, a.column, b, k, add, columns);
        c += rows * c_stride;
        a.values += rows * a.row;
    }
}

/* `columns` rows of LANES floats, LANES or fewer, as columns; others are zeros. A matrix of n rows is
 * transposed by log2(n) perfect shuffles of all its elements, each of which rotates an element's index in
 * binary by one. Here first the blocks of 4 x 4 are, and then what is in them, so that a shuffle is one
 * instruction. */
TARGET static inline void KERNEL(transpose)(float *to, size_t to_stride, const float *from,
                                            size_t from_stride, size_t columns)
{
    enum { BLOCKS = LANES / 4 };
    vector rows[LANES], shuffled[LANES];
    for (size_t i = 0; i < LANES; i++)
        rows[i] = i < columns ? *(const vector *)(from + i * from_stride) : (vector){0};
    for (size_t times = 1; times < BLOCKS; times *= 2) {
        for (size_t i = 0; i < LANES / 2; i++) {
            const size_t low = i / 4 * 8 + i % 4;
            shuffled[low] = BLOCKS_LOW(rows[i], rows[i + LANES / 2]);
            shuffled[low + 4] = BLOCKS_HIGH(rows[i], rows[i + LANES / 2]);
        }
        for (size_t i = 0; i < LANES; i++)
            rows[i] = shuffled[i];
    }
    for (size_t times = 1; times < 4; times *= 2) {
        for (size_t i = 0; i < LANES / 2; i++) {
            const size_t row = i / 2 * 4 + i % 2;
            shuffled[2 * i] = LOW(rows[row], rows[row + 2]);
            shuffled[2 * i + 1] = HIGH(rows[row], rows[row + 2]);
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
#undef STAY
#undef KERNEL
#undef TARGET
#undef LANES
#undef WIDE
#undef CHAINS
#undef TILES
#undef BROADCAST
#undef MULTIPLY_ADD
#undef MASK
#undef FIRST
#undef LOAD
#undef STORE
#undef LOW
#undef HIGH
#undef BLOCKS_LOW
#undef BLOCKS_HIGH
