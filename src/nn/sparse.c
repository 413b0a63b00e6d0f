/* The first layer's products for inputs that are mostly zero, by rows of the dense factor (F. G. Gustavson,
 * "Two fast algorithms for sparse matrices: multiplication and permuted transposition", ACM TOMS 4, 1978):
 *
 *     z = x w            row i of z is the sum of value * row j of w over the nonzeros (j, value) of sample i
 *     gradient = x^T d   row j of it is the sum of value * row i of d over the samples i with a nonzero j
 *
 * The second is the first with x transposed, by a counting sort. With a fraction p of nonzeros this is p of
 * the dense work, but each product needs a value of the dense factor from memory, where a blocked dense
 * product takes it from a register. So the columns are cut into panels of up to 64: their sums stay in
 * registers for a whole row, which loads an entry (8 bytes) and a row of the panel (256 bytes) for 64
 * products, and stores once. A panel of d (128 samples: 32 KB) stays in the first level cache, one of w (784
 * inputs: 200 KB) in the second; large ones are of 32 columns. A panel is copied together before it is used
 * (784 rows, which the batch then reads 19,000 times on MNIST): rows a power of two apart would fall into the
 * same few sets of a cache. The copy is padded with zeros to whole vectors, so that any number of columns
 * takes the same loops.
 *
 * Every sum has one order, and multiplication and addition are rounded each by itself: all widths of vectors
 * give the same bits. */
#include "sparse.h"

#include "vector.h"

#include <stdbool.h>
#include <string.h>

#define VECTOR       16 /* floats: one register, or two or four where they are narrower */
#define PANEL_MAX    (4 * VECTOR)
#define PANEL_FLOATS (32 * 1024) /* a larger panel is made of half as many columns */

typedef float vector __attribute__((vector_size(VECTOR * sizeof(float)), aligned(sizeof(float))));

static size_t aligned(size_t floats)
{
    return (floats + VECTOR - 1) / VECTOR * VECTOR;
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

/* Always inlined with a constant number of vectors, so that the sums are registers. */
static inline __attribute__((always_inline)) void multiply_panel(float *c, size_t n, const hpx_sparse *a,
                                                                 size_t m, const float *panel, size_t columns,
                                                                 size_t vectors)
{
    const size_t width = vectors * VECTOR;
    for (size_t i = 0; i < m; i++, c += n) {
        vector sums[PANEL_MAX / VECTOR] = {0};
        const hpx_nonzero *e = a->entries + a->starts[i], *end = a->entries + a->starts[i + 1];
        for (; e < end; e++) {
            const float *row = panel + e->index * width;
            for (size_t v = 0; v < vectors; v++)
                sums[v] += e->value * *(const vector *)(const void *)(row + v * VECTOR);
        }
        float last[PANEL_MAX], *to = columns == width ? c : last;
        for (size_t v = 0; v < vectors; v++)
            *(vector *)(void *)(to + v * VECTOR) = sums[v];
        if (to == last)
            memcpy(c, last, columns * sizeof(float));
    }
}

/* Copies `columns` columns of b, padded to `width`. */
static void copy_panel(float *panel, const float *b, size_t n, size_t k, size_t columns, size_t width)
{
    for (size_t i = 0; i < k; i++, panel += width, b += n) {
        memcpy(panel, b, columns * sizeof(float));
        if (columns < width)
            memset(panel + columns, 0, (width - columns) * sizeof(float));
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
        switch (width / VECTOR) {
        case 1:
            multiply_panel(c + first, n, a, m, used, columns, 1);
            break;
        case 2:
            multiply_panel(c + first, n, a, m, used, columns, 2);
            break;
        case 3:
            multiply_panel(c + first, n, a, m, used, columns, 3);
            break;
        default:
            multiply_panel(c + first, n, a, m, used, columns, 4);
            break;
        }
    }
}
