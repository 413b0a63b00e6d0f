/* The first layer's products for inputs that are mostly zero, by rows of the dense factor (F. G. Gustavson,
 * "Two fast algorithms for sparse matrices: multiplication and permuted transposition", ACM TOMS 4, 1978):
 *
 *     y = x w            row i of y is the sum of value * row j of w over the nonzeros (j, value) of sample i
 *     gradient = x^T d   row j of it is the sum of value * row i of d over the samples i with a nonzero j
 *
 * With a fraction p of nonzeros this is p of the dense work, but every factor comes from memory, where a
 * blocked dense product has it in a register. A processor reads two vectors a cycle and makes two
 * multiplications of vectors a cycle; so that every product needs but one read, and that from the first level
 * of cache, both products go by blocks of 128 features and panels of 64 columns. Such a part of w, or of the
 * gradient, has 32 KB. For a block of a sample, y's 64 sums (or d's 64 factors) stay in registers, and for
 * each of its nonzeros, 24 in MNIST, one row of the part is read (or read and written).
 *
 * Parts of w are copied together before they are used: rows a power of two apart would share a few sets of
 * the cache. The copies are padded to whole vectors, so that any number of columns takes the same loops.
 *
 * Every sum has one order, whatever the vectors' width: instruction sets differ only in whether they round a
 * product before it is added. */
#include "sparse.h"

#include <stdbool.h>
#include <string.h>

#define BLOCK HPX_SPARSE_BLOCK
#define PANEL HPX_SPARSE_PANEL
#define SLACK 16 /* nonzeros: whole vectors are stored */

#if defined __x86_64__
#include <immintrin.h>

#define KERNEL(name)          name##_avx512
#define TARGET                __attribute__((target("avx512f")))
#define LANES                 16
#define BROADCAST(x)          _mm512_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps(a, b, c)
#include "sparse_kernel.h"

#define KERNEL(name)          name##_avx2
#define TARGET                __attribute__((target("avx2,fma")))
#define LANES                 8
#define BROADCAST(x)          _mm256_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#include "sparse_kernel.h"
#endif

#define KERNEL(name)          name##_plain
#define TARGET                /* what every processor of its kind has */
#define LANES                 4
#define BROADCAST(x)          ((vector){x, x, x, x})
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#include "sparse_kernel.h"

typedef void multiply_fn(float *c, size_t stride, const hpx_sparse *a, size_t m, size_t block,
                         const float *panel, size_t columns);
typedef void scatter_fn(float *panel, const hpx_sparse *a, size_t m, size_t block, const float *d,
                        size_t stride, size_t columns);
typedef uint32_t compress_fn(uint32_t *indices, float *values, const uint8_t *bytes, size_t count);

/* Writes the nonzeros of up to BLOCK bytes and returns how many there are. Passes over eight zeros at once;
 * otherwise no branch depends on the data. */
static uint32_t compress_plain(uint32_t *indices, float *values, const uint8_t *bytes, size_t count)
{
    uint32_t found = 0;
    for (size_t j = 0, end; j < count; j = end) {
        uint64_t word = 1;
        end = count - j < 8 ? count : j + 8;
        if (end == j + 8)
            memcpy(&word, bytes + j, sizeof word);
        if (word == 0)
            continue;
        for (size_t k = j; k < end; k++) {
            indices[found] = (uint32_t)k;
            values[found] = (float)bytes[k] * (1 / 255.0f);
            found += bytes[k] != 0;
        }
    }
    return found;
}

#if defined __x86_64__
__attribute__((target("avx512f,avx512bw,avx512vl,popcnt"))) static uint32_t
compress_avx512(uint32_t *indices, float *values, const uint8_t *bytes, size_t count)
{
    uint32_t found = 0;
    __m512i index = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (size_t j = 0; j < count; j += 16) {
        const __mmask16 there = count - j < 16 ? (__mmask16)((1u << (count - j)) - 1) : 0xffff;
        const __m512i pixels = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(there, bytes + j));
        const __mmask16 some = _mm512_test_epi32_mask(pixels, pixels);
        const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(pixels), _mm512_set1_ps(1 / 255.0f));
        _mm512_storeu_si512(indices + found, _mm512_maskz_compress_epi32(some, index));
        _mm512_storeu_ps(values + found, _mm512_maskz_compress_ps(some, scaled));
        found += (uint32_t)__builtin_popcount(some);
        index = _mm512_add_epi32(index, _mm512_set1_epi32(16));
    }
    return found;
}
#endif

static const struct {
    compress_fn *compress;
    multiply_fn *multiply;
    scatter_fn *scatter;
} kernels[] = {
    [HPX_VECTOR_PLAIN] = {compress_plain, multiply_plain, scatter_plain},
#if defined __x86_64__
    [HPX_VECTOR_AVX2] = {compress_plain, multiply_avx2, scatter_avx2},
    [HPX_VECTOR_AVX512] = {compress_avx512, multiply_avx512, scatter_avx512},
#endif
};

static size_t aligned(size_t floats)
{
    return (floats + 15) & ~(size_t)15;
}

static void *carve(float *block, size_t *used, size_t floats)
{
    float *part = block ? block + *used : NULL;
    *used += aligned(floats);
    return part;
}

size_t hpx_sparse_attach(hpx_sparse *out, float *block, size_t features, size_t rows)
{
    size_t used = 0;
    out->kind = hpx_vector_kind();
    out->features = features;
    out->blocks = (features - 1) / BLOCK + 1;
    out->panel = carve(block, &used, (size_t)BLOCK * PANEL);
    out->edge = carve(block, &used, rows * PANEL);
    out->values = carve(block, &used, rows * features + SLACK);
    out->indices = carve(block, &used, rows * features + SLACK);
    out->starts = carve(block, &used, rows * out->blocks + 1);
    if (block)
        out->starts[0] = 0;
    return used;
}

static size_t block_rows(const hpx_sparse *x, size_t block)
{
    const size_t left = x->features - block * BLOCK;
    return left < BLOCK ? left : BLOCK;
}

void hpx_sparse_set_row(hpx_sparse *out, size_t i, const uint8_t *bytes)
{
    compress_fn *compress = kernels[out->kind].compress;
    uint32_t *start = out->starts + i * out->blocks;
    for (size_t b = 0; b < out->blocks; b++)
        start[b + 1] = start[b] + compress(out->indices + start[b], out->values + start[b], bytes + b * BLOCK,
                                           block_rows(out, b));
}

/* Copies `columns` columns of rows `from_stride` apart to rows `width` apart, the rest of them zeros. */
static void pad(float *to, size_t width, const float *from, size_t from_stride, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i++, to += width, from += from_stride) {
        memcpy(to, from, columns * sizeof(float));
        memset(to + columns, 0, (width - columns) * sizeof(float));
    }
}

void hpx_sparse_multiply(float *y, const hpx_sparse *x, const float *w, size_t m, size_t n)
{
    multiply_fn *multiply = kernels[x->kind].multiply;
    for (size_t first = 0, columns; first < n; first += columns) {
        columns = n - first < PANEL ? n - first : PANEL;
        const size_t width = aligned(columns);
        float *sums = width == columns ? y + first : x->edge;
        const size_t stride = width == columns ? n : width;
        for (size_t i = 0; i < m; i++)
            memset(sums + i * stride, 0, width * sizeof(float));
        for (size_t b = 0; b < x->blocks; b++) {
            const float *part = w + b * BLOCK * n + first;
            if (width != n)
                pad(x->panel, width, part, n, block_rows(x, b), columns);
            multiply(sums, stride, x, m, b, width == n ? part : x->panel, width);
        }
        for (size_t i = 0; i < m && width != columns; i++)
            memcpy(y + first + i * n, sums + i * width, columns * sizeof(float));
    }
}

const float *hpx_sparse_multiply_transposed(const hpx_sparse *x, const float *d, size_t m, size_t n,
                                            size_t block, size_t first, size_t *stride)
{
    const size_t columns = n - first < PANEL ? n - first : PANEL, width = aligned(columns);
    memset(x->panel, 0, block_rows(x, block) * width * sizeof(float));
    if (width != columns)
        pad(x->edge, width, d + first, n, m, columns);
    const float *factors = width == columns ? d + first : x->edge;
    kernels[x->kind].scatter(x->panel, x, m, block, factors, width == columns ? n : width, width);
    *stride = width;
    return x->panel;
}
