/* The loops of matrix.c for one instruction set, included there once for each. The includer defines
 *
 *     KERNEL(name)             the functions' names for this instruction set
 *     TARGET                   attribute that allows its instructions
 *     LANES                    floats of a vector
 *     WIDE, DEEP               vectors and rows of a panel, at most 4, and a multiple of LANES
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
 * a_column], and b is k x wide * LANES, its rows b_stride apart. The columns end in the last of these
 * vectors, at its end if `whole`. Inlined with constant rows, wide and whole, and unrolled so early, that the
 * sums are registers. */
TARGET static inline __attribute__((always_inline)) void
KERNEL(multiply_tile)(float *c, size_t c_stride, const float *a, size_t a_row, size_t a_column,
                      const float *b, size_t b_stride, size_t k, bool add, size_t columns, size_t rows,
                      size_t wide, bool whole)
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
    for (const float *stop = b + k * b_stride; b < stop; b += b_stride, a += a_column) {
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
    __asm__("" : "+r"(c)); /* the rows' addresses are made here: the loop above has no registers for them */
#pragma GCC unroll 32
    for (size_t i = 0; i < rows; i++, c += c_stride) {
#pragma GCC unroll 32
        for (size_t v = 0; v < end; v++)
            *(vector *)(c + v * LANES) = sums[i * wide + v];
        if (whole)
            *(vector *)(c + end * LANES) = sums[i * wide + end];
        else
            STORE(c + end * LANES, FIRST(columns - end * LANES), sums[i * wide + end]);
    }
}

/* So many tiles, one below the other. Each size is a function of its own: in a larger one the compiler runs
 * out of registers. */
typedef void KERNEL(tile_fn)(float *c, size_t c_stride, const float *a, size_t a_row, size_t a_column,
                             const float *b, size_t b_stride, size_t k, bool add, size_t columns,
                             size_t tiles);
#define TILE(name, rows, wide, whole)                                                                        \
    TARGET static __attribute__((noinline)) void KERNEL(name##_##rows##_##wide)(                             \
        float *c, size_t c_stride, const float *a, size_t a_row, size_t a_column, const float *b,            \
        size_t b_stride, size_t k, bool add, size_t columns, size_t tiles)                                   \
    {                                                                                                        \
        for (; tiles > 0; tiles--, c += rows * c_stride, a += rows * a_row)                                  \
            KERNEL(multiply_tile)                                                                            \
        (c, c_stride, a, a_row, a_column, b, b_stride, k, add, columns, rows, wide, whole);                  \
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

/* By vectors of a panel, the rows of the largest tile. */
#define MOST(wide) (CHAINS / wide < ROWS ? CHAINS / wide : ROWS)
static const size_t KERNEL(most_rows)[] = {0, MOST(1), MOST(2), MOST(3), MOST(4)};
#undef MOST

/* The product of m rows of a with one panel of b, the rows spread evenly over the fewest tiles: one of few
 * rows has too few sums to keep the multipliers busy. Between tiles the next panel is asked for; if none is,
 * those of a size are one call. */
TARGET static void KERNEL(multiply)(float *c, size_t c_stride, struct view a, struct view b, size_t m,
                                    size_t k, bool add, size_t columns, struct ahead next)
{
    const size_t wide = (columns - 1) / LANES + 1, most = KERNEL(most_rows)[wide];
    const bool whole = columns == wide * LANES;
    size_t tiles = (m - 1) / most + 1;
    const size_t lines = next.lines > 0 ? (next.lines - 1) / tiles + 1 : 0, few = m / tiles, more = m % tiles;
    KERNEL(tile_fn) *const(*of)[2] = KERNEL(tiles)[wide];
    for (size_t now; tiles > 0; tiles -= now) {
        const size_t rows = few + (tiles <= more);
        now = lines > 0 ? 1 : tiles > more ? tiles - more : tiles;
        ask_for(&next, lines);
        hpx_path_take(hpx_path_tile(wide, rows > 1, !whole, add));
        of[rows][whole](c, c_stride, a.values, a.row, a.column, b.values, b.row, k, add, columns, now);
        c += now * rows * c_stride;
        a.values += now * rows * a.row;
    }
}

/* The transpose of a columns x rows matrix, LANES or fewer of each, in rows of LANES floats; those behind the
 * columns are zeros. A matrix of n rows is transposed by log2(n) perfect shuffles of all its elements, each
 * of which rotates an element's index in binary by one. Here first the blocks of 4 x 4 are, and then what is
 * in them, so that a shuffle is one instruction. Inlined with the constant LANES for rows, where there are so
 * many. */
TARGET static inline __attribute__((always_inline)) void KERNEL(transpose)(float *to, size_t to_stride,
                                                                           const float *from,
                                                                           size_t from_stride, size_t columns,
                                                                           size_t rows)
{
    enum { BLOCKS = LANES / 4 };
    vector now[LANES] = {0}, shuffled[LANES];
    for (size_t i = 0; i < LANES; i++, from += from_stride)
        if (i < columns)
            now[i] = rows == LANES ? *(const vector *)from : (vector)LOAD(from, FIRST(rows));
    for (size_t times = 1; times < BLOCKS; times *= 2) {
        for (size_t i = 0; i < LANES / 2; i++) {
            const size_t low = i / 4 * 8 + i % 4;
            shuffled[low] = BLOCKS_LOW(now[i], now[i + LANES / 2]);
            shuffled[low + 4] = BLOCKS_HIGH(now[i], now[i + LANES / 2]);
        }
        for (size_t i = 0; i < LANES; i++)
            now[i] = shuffled[i];
    }
    for (size_t times = 1; times < 4; times *= 2) {
        for (size_t i = 0; i < LANES / 2; i++) {
            const size_t row = i / 2 * 4 + i % 2;
            shuffled[2 * i] = LOW(now[row], now[row + 2]);
            shuffled[2 * i + 1] = HIGH(now[row], now[row + 2]);
        }
        for (size_t i = 0; i < LANES; i++)
            now[i] = shuffled[i];
    }
    for (size_t i = 0; i < LANES; i++)
        if (i < rows)
            *(vector *)(to + i * to_stride) = now[i];
}

/* Copies the k x columns transposed matrix b to rows of `width`, the rest of them zeros. */
TARGET static void KERNEL(pack_transposed)(float *to, size_t width, struct view b, size_t k, size_t columns)
{
    hpx_path_take(k % LANES == 0 ? HPX_PATH_PACK_TRANSPOSED : HPX_PATH_PACK_TRANSPOSED_REST);
    for (size_t first = 0; first < width; first += LANES) {
        const size_t some = columns - first < LANES ? columns - first : LANES;
        const float *from = b.values + first * b.column;
        size_t l = 0;
        for (; l + LANES <= k && some == LANES; l += LANES)
            KERNEL(transpose)(to + l * width + first, width, from + l, b.column, LANES, LANES);
        for (; l < k; l += LANES)
            KERNEL(transpose)
        (to + l * width + first, width, from + l, b.column, some, k - l < LANES ? k - l : LANES);
    }
}

/* Copies the k x columns matrix b to rows of `width`, the rest of them zeros. */
TARGET static void KERNEL(pack_rows)(float *to, size_t width, struct view b, size_t k, size_t columns)
{
    const size_t whole = columns / LANES * LANES;
    hpx_path_take(columns == whole ? HPX_PATH_PACK_ROWS : HPX_PATH_PACK_ROWS_REST);
    for (size_t l = 0; l < k; l++, to += width, b.values += b.row) {
        for (size_t first = 0; first < whole; first += LANES)
            *(vector *)(to + first) = *(const vector *)(b.values + first);
        if (whole < columns)
            *(vector *)(to + whole) = (vector)LOAD(b.values + whole, FIRST(columns - whole));
    }
}

/* The panel of that begins at this row and column of a k x n matrix; none behind its last row. */
static struct panel KERNEL(panel_at)(size_t row, size_t column, size_t k, size_t n)
{
    if (row == k)
        return (struct panel){0};
    return (struct panel){row, share(k - row, DEEP, LANES), column,
                          n - column < WIDE * LANES ? n - column : WIDE * LANES};
}

/* The panel beside this one, or the first of those below. */
static struct panel KERNEL(panel_after)(struct panel panel, size_t k, size_t n)
{
    const size_t column = panel.column + panel.columns;
    return column < n ? KERNEL(panel_at)(panel.row, column, k, n)
                      : KERNEL(panel_at)(panel.row + panel.rows, 0, k, n);
}

/* A panel of b as rows of whole vectors, for a product of m rows. */
TARGET static struct view KERNEL(pack)(struct view b, struct panel panel, size_t m)
{
    static _Thread_local float packed[DEEP * WIDE * LANES] __attribute__((aligned(64)));
    const size_t width = (panel.columns + LANES - 1) / LANES * LANES;
    b.values += panel.row * b.row + panel.column * b.column;
    if (b.row == 1) {
        KERNEL(pack_transposed)(packed, width, b, panel.rows, panel.columns);
    } else if (panel.columns < width || (b.row > width && m > FEW)) {
        KERNEL(pack_rows)(packed, width, b, panel.rows, panel.columns);
    } else {
        hpx_path_take(HPX_PATH_PACK_NONE);
        return b;
    }
    return (struct view){packed, width, 1};
}

/* Of at most TALL rows. */
TARGET static void KERNEL(product)(float *c, size_t c_stride, struct view a, struct view b, size_t m,
                                   size_t n, size_t k, bool add)
{
    struct panel next, panel = KERNEL(panel_at)(0, 0, k, n);
    if (panel.rows < k)
        hpx_path_take(HPX_PATH_DEEP);
    for (; panel.rows > 0; panel = next) {
        next = KERNEL(panel_after)(panel, k, n);
        const struct view left = {a.values + panel.row * a.column, a.row, a.column};
        KERNEL(multiply)
        (c + panel.column, c_stride, left, KERNEL(pack)(b, panel, m), m, panel.rows, add || panel.row > 0,
         panel.columns, look_ahead(b, k * n, next));
    }
}

#undef vector
#undef STAY
#undef KERNEL
#undef TARGET
#undef LANES
#undef WIDE
#undef CHAINS
#undef DEEP
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
