/* The first layer's products for inputs that are mostly zero, by rows of the dense factor (F. G. Gustavson,
 * "Two fast algorithms for sparse matrices: multiplication and permuted transposition", ACM TOMS 4, 1978):
 *
 *     z = x w            row i of z is the sum of value * row j of w over the nonzeros (j, value) of sample i
 *     gradient = x^T d   row j of it is the sum of value * row i of d over the samples i with a nonzero j
 *
 * The second is the first with x transposed, by a counting sort. With a fraction p of nonzeros this is p of
 * the dense work, but every factor comes from memory, where a blocked dense product has it in a register. So
 * the dense matrix is cut into panels of up to 64 columns, whose sums stay in registers for a whole row of x:
 * for 64 products an entry (8 bytes) and a row of the panel (256 bytes) are read, and nothing is written. A
 * panel of d (128 samples, 32 KB) stays in the first level of cache, one of w (784 inputs, 32 columns, 100
 * KB) in the second.
 *
 * A panel is copied together before it is used: 784 rows, read 19,000 times for a batch of MNIST. Rows a
 * power of two apart would share a few sets of the cache. The copy is padded to whole registers, so that any
 * number of columns takes the same loops.
 *
 * Every sum has one order, and products and sums are rounded each by itself: all widths of vectors give the
 * same bits. */
#include "sparse.h"

#include "vector.h"

#include <stdbool.h>
#include <string.h>

#define VECTOR       8 /* floats. Wider vectors than the processor has, gcc would not keep in registers. */
#define PANEL_MAX    64
#define PANEL_FLOATS (32 * 1024) /* a larger panel is made of half as many columns */

typedef float vector __attribute__((vector_size(VECTOR * sizeof(float)), aligned(sizeof(float))));

static size_t aligned(size_t floats)
{
    return (floats + 15) & ~(size_t)15;
}

static size_t attach_one(hpx_sparse *out, float *block, size_t rows, size_t columns)
{
    const size_t entries = aligned(rows * columns * sizeof(hpx_nonzero) / sizeof(float));
    if (block) {
        out->entries = (hpx_nonzero *)(void *)block;
        out->starts = (uint32_t *)(void *)(block + entries);
        out->starts[0] = 0;
    }
    return entries + aligned(rows + 1);
}

size_t hpx_sparse_attach(hpx_sparse_inputs *out, float *block, size_t features, size_t rows,
                         size_t transposed_rows)
{
    size_t used = attach_one(&out->by_row, block, rows, features);
    used += attach_one(&out->by_feature, block ? block + used : NULL, features, transposed_rows);
    out->panel = block ? block + used : NULL;
    const size_t k = features > transposed_rows ? features : transposed_rows;
    const size_t panel = k * (PANEL_MAX / 2) > PANEL_FLOATS ? k * (PANEL_MAX / 2) : PANEL_FLOATS;
    return used + panel;
}

static bool is_zero_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word == 0;
}

/* Passes over eight zeros at once; otherwise no branch depends on the data. */
void hpx_sparse_set_row(hpx_sparse *out, size_t i, const uint8_t *bytes, size_t features)
{
    hpx_nonzero *entries = out->entries + out->starts[i];
    uint32_t count = 0;
    for (size_t j = 0, end; j < features; j = end) {
        end = features - j < 8 ? features : j + 8;
        if (end == j + 8 && is_zero_word(bytes + j))
            continue;
        for (size_t k = j; k < end; k++) {
            entries[count] = (hpx_nonzero){(uint32_t)k, (float)bytes[k] * (1 / 255.0f)};
            count += bytes[k] != 0;
        }
    }
    out->starts[i + 1] = out->starts[i] + count;
}

void hpx_sparse_transpose(hpx_sparse *out, const hpx_sparse *a, size_t rows, size_t columns)
{
    /* Counted two places ahead and summed, next[j] is where column j starts; as its entries are placed it
     * moves to the column's end, which is where the following one starts. */
    uint32_t *next = out->starts + 1;
    memset(out->starts, 0, (columns + 1) * sizeof *out->starts);
    for (uint32_t e = 0; e < a->starts[rows]; e++)
        if (a->entries[e].index + 1 < columns)
            next[a->entries[e].index + 1]++;
    for (size_t j = 1; j < columns; j++)
        next[j] += next[j - 1];
    for (size_t i = 0; i < rows; i++)
        for (uint32_t e = a->starts[i]; e < a->starts[i + 1]; e++)
            out->entries[next[a->entries[e].index]++] = (hpx_nonzero){(uint32_t)i, a->entries[e].value};
}

static size_t panel_columns(size_t k)
{
    return k * PANEL_MAX <= PANEL_FLOATS ? PANEL_MAX : PANEL_MAX / 2;
}

/* Always inlined with a constant width, so that the sums are registers. */
static inline __attribute__((always_inline)) void multiply_panel(float *c, size_t n, const hpx_sparse *a,
                                                                 size_t m, const float *panel, size_t columns,
                                                                 size_t width)
{
    for (size_t i = 0; i < m; i++, c += n) {
        vector sums[PANEL_MAX / VECTOR] = {0};
        const hpx_nonzero *e = a->entries + a->starts[i], *end = a->entries + a->starts[i + 1];
        for (; e < end; e++) {
            const float *row = panel + e->index * width;
            for (size_t v = 0; v < width / VECTOR; v++)
                sums[v] += e->value * *(const vector *)(const void *)(row + v * VECTOR);
        }
        float last[PANEL_MAX], *to = columns == width ? c : last;
        for (size_t v = 0; v < width / VECTOR; v++)
            *(vector *)(void *)(to + v * VECTOR) = sums[v];
        if (columns < width)
            memcpy(c, to, columns * sizeof(float));
    }
}

/* Copies `columns` columns of b to rows of `width`, the rest of them zeros. */
static void copy_panel(float *panel, const float *b, size_t n, size_t k, size_t columns, size_t width)
{
    for (size_t i = 0; i < k; i++, panel += width, b += n) {
        memcpy(panel, b, columns * sizeof(float));
        for (size_t j = columns; j < width; j++)
            panel[j] = 0;
    }
}

HPX_VECTORISED
void hpx_sparse_multiply(float *c, const hpx_sparse *a, const float *b, size_t m, size_t n, size_t k,
                         float *panel)
{
    const size_t step = panel_columns(k);
    for (size_t first = 0, columns; first < n; first += columns) {
        columns = n - first < step ? n - first : step;
        const size_t width = aligned(columns);
        const float *used = b;
        if (width != n) {
            copy_panel(panel, b + first, n, k, columns, width);
            used = panel;
        }
        if (width == 16)
            multiply_panel(c + first, n, a, m, used, columns, 16);
        else if (width == 32)
            multiply_panel(c + first, n, a, m, used, columns, 32);
        else if (width == 48)
            multiply_panel(c + first, n, a, m, used, columns, 48);
        else
            multiply_panel(c + first, n, a, m, used, columns, 64);
    }
}
