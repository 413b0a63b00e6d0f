/* The first layer's products for inputs that are mostly zero, by rows of the dense factor (F. G. Gustavson,
 * "Two fast algorithms for sparse matrices: multiplication and permuted transposition", ACM TOMS 4, 1978):
 *
 *     y = x w            row i of y is the sum of value * row j of w over the nonzeros (j, value) of sample i
 *     gradient = x^T d   row j of it is the sum of value * row i of d over the samples i with a nonzero j
 *
 * The second is the first with x transposed. With a fraction p of nonzeros this is p of the dense work, but
 * every factor comes from memory, where a blocked dense product has it in a register. A processor reads two
 * vectors a cycle and makes two multiplications of vectors a cycle; so that every product needs but one read,
 * and that from the first level of cache, both go by panels of 64 columns and blocks of 128 features. A
 * block's panel of w has 32 KB, as has that of d for 128 samples. The sums of a row, 64, stay in registers
 * while its nonzeros in the block, 24 in MNIST, are gone through.
 *
 * A panel should lie so that its rows share no sets of the cache: together, or with rows no power of two
 * apart. One that is no whole number of vectors wide is copied and padded, so that any width takes the same
 * loops.
 *
 * Every sum has one order, whatever the vectors' width: instruction sets differ only in whether they round a
 * product before it is added. */
#include "sparse.h"

#include "path.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define BLOCK HPX_SPARSE_BLOCK
#define PANEL HPX_SPARSE_PANEL
#define SLACK 64 /* nonzeros: whole vectors are stored */

/* The nonzeros of a block, row by row: those of row i are numbered from ends[i * step] to before ends[i *
 * step + 1]. */
typedef struct nonzeros {
    const uint32_t *ends;
    size_t step;
    const uint32_t *indices;
    const float *values;
} nonzeros;

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

typedef void multiply_fn(float *c, size_t c_stride, const nonzeros *a, size_t m, const float *b,
                         size_t b_stride, bool add, size_t columns);

/* Passes over eight zeros at once; otherwise no branch depends on the data. */
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
/* The numbers of the bits of m that are set, a byte each, by ascending number. */
#define BITS_BELOW(m, i) (8 * __builtin_popcount((m) & ((1 << (i)) - 1)))
#define BIT_NUMBER(m, i) ((m) >> (i)&1 ? (uint64_t)(i) << BITS_BELOW(m, i) : 0)
#define BIT_NUMBERS(m)                                                                                       \
    BIT_NUMBER(m, 0) | BIT_NUMBER(m, 1) | BIT_NUMBER(m, 2) | BIT_NUMBER(m, 3) | BIT_NUMBER(m, 4) |           \
        BIT_NUMBER(m, 5) | BIT_NUMBER(m, 6) | BIT_NUMBER(m, 7)
#define BIT_NUMBERS_4(m) BIT_NUMBERS(m), BIT_NUMBERS((m) + 1), BIT_NUMBERS((m) + 2), BIT_NUMBERS((m) + 3)
#define BIT_NUMBERS_16(m)                                                                                    \
    BIT_NUMBERS_4(m), BIT_NUMBERS_4((m) + 4), BIT_NUMBERS_4((m) + 8), BIT_NUMBERS_4((m) + 12)
#define BIT_NUMBERS_64(m)                                                                                    \
    BIT_NUMBERS_16(m), BIT_NUMBERS_16((m) + 16), BIT_NUMBERS_16((m) + 32), BIT_NUMBERS_16((m) + 48)
static const uint64_t bit_numbers[256] = {BIT_NUMBERS_64(0), BIT_NUMBERS_64(64), BIT_NUMBERS_64(128),
                                          BIT_NUMBERS_64(192)};

/* Packs the nonzeros of eight bytes at once, of 64 that are not all zero, and widens those. */
__attribute__((target("avx2,popcnt"))) static uint32_t compress_avx2(uint32_t *indices, float *values,
                                                                     const uint8_t *bytes, size_t count)
{
    const __m256i zero = _mm256_setzero_si256();
    uint32_t found = 0;
    for (size_t j = 0; j < count; j += 64) {
        const uint8_t *from = bytes + j;
        uint8_t rest[64];
        if (count - j < 64) {
            memset(rest, 0, sizeof rest);
            from = memcpy(rest, from, count - j);
        }
        const __m256i low = _mm256_loadu_si256((const __m256i *)from),
                      high = _mm256_loadu_si256((const __m256i *)(from + 32));
        const uint64_t some =
            ~((uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, zero)) << 32 |
              (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, zero)));
        if (some == 0)
            continue;
        for (uint32_t k = 0; k < 64; k += 8) {
            const uint32_t eight = some >> k & 255;
            const __m128i numbers = _mm_loadl_epi64((const __m128i *)&bit_numbers[eight]);
            const __m128i packed = _mm_shuffle_epi8(_mm_loadl_epi64((const __m128i *)(from + k)), numbers);
            const __m256i index =
                _mm256_add_epi32(_mm256_cvtepu8_epi32(numbers), _mm256_set1_epi32((int)(j + k)));
            const __m256 value = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(packed));
            _mm256_storeu_si256((__m256i *)(indices + found), index);
            _mm256_storeu_ps(values + found, _mm256_mul_ps(value, _mm256_set1_ps(1 / 255.0f)));
            found += (uint32_t)__builtin_popcount(eight);
        }
    }
    return found;
}

__attribute__((target("avx512f,avx512bw,avx512vl,popcnt"))) static uint32_t
compress_avx512(uint32_t *indices, float *values, const uint8_t *bytes, size_t count)
{
    uint32_t found = 0;
    __m512i index = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (size_t j = 0; j < count; j += 16) {
        const uint32_t there = count - j < 16 ? (1u << (count - j)) - 1 : 0xffff;
        const __m512i pixels = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8((__mmask16)there, bytes + j));
        const __mmask16 some = _mm512_test_epi32_mask(pixels, pixels);
        const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(pixels), _mm512_set1_ps(1 / 255.0f));
        _mm512_storeu_si512(indices + found, _mm512_maskz_compress_epi32(some, index));
        _mm512_storeu_ps(values + found, _mm512_maskz_compress_ps(some, scaled));
        found += (uint32_t)__builtin_popcount(some);
        index = _mm512_add_epi32(index, _mm512_set1_epi32(16));
    }
    return found;
}

/* Packs the nonzeros of 64 bytes as bytes, and widens those. */
__attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt"))) static uint32_t
compress_vbmi2(uint32_t *indices, float *values, const uint8_t *bytes, size_t count)
{
    static const uint8_t numbers[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
    };
    uint32_t found = 0;
    __m512i index = _mm512_loadu_si512(numbers);
    for (size_t j = 0; j < count; j += 64) {
        const __mmask64 there = count - j < 64 ? ((__mmask64)1 << (count - j)) - 1 : ~(__mmask64)0;
        const __m512i pixels = _mm512_maskz_loadu_epi8(there, bytes + j);
        const __mmask64 some = _mm512_test_epi8_mask(pixels, pixels);
        const uint32_t more = (uint32_t)__builtin_popcountll(some);
        uint8_t packed[2][64];
        _mm512_storeu_si512(packed[0], _mm512_maskz_compress_epi8(some, index));
        _mm512_storeu_si512(packed[1], _mm512_maskz_compress_epi8(some, pixels));
        for (uint32_t e = 0; e < more; e += 16) {
            const __m512i at = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(packed[0] + e)));
            const __m512i value = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(packed[1] + e)));
            _mm512_storeu_si512(indices + found + e, at);
            _mm512_storeu_ps(values + found + e,
                             _mm512_mul_ps(_mm512_cvtepi32_ps(value), _mm512_set1_ps(1 / 255.0f)));
        }
        found += more;
        index = _mm512_add_epi8(index, _mm512_set1_epi8(64));
    }
    return found;
}
#endif

static multiply_fn *const multiply_with[] = {
    [HPX_VECTOR_PLAIN] = multiply_plain,
#if defined __x86_64__
    [HPX_VECTOR_AVX2] = multiply_avx2,
    [HPX_VECTOR_AVX512] = multiply_avx512,
#endif
};

hpx_compress_fn *hpx_sparse_compression(hpx_vector kind, size_t way)
{
#if defined __x86_64__
    if (kind == HPX_VECTOR_AVX512 && __builtin_cpu_supports("avx512vbmi2") && way-- == 0)
        return compress_vbmi2;
    if (kind == HPX_VECTOR_AVX512 && way-- == 0)
        return compress_avx512;
    if (kind != HPX_VECTOR_PLAIN && way-- == 0)
        return compress_avx2;
#else
    (void)kind;
#endif
    return way == 0 ? compress_plain : NULL;
}

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
    const size_t k = rows > BLOCK ? rows : BLOCK;
    size_t used = 0;
    out->kind = hpx_vector_kind();
    out->compress = hpx_sparse_compression(out->kind, 0);
    out->features = features;
    out->blocks = (features - 1) / BLOCK + 1;
    out->turned_stride = (uint32_t)aligned(rows) + 16; /* not a power of two, for the cache */
    out->panel = carve(block, &used, k * PANEL);
    out->edge = carve(block, &used, k * PANEL);
    out->values = carve(block, &used, rows * features + SLACK);
    out->indices = carve(block, &used, rows * features + SLACK);
    out->starts = carve(block, &used, rows * out->blocks + 1);
    out->turned_values = carve(block, &used, (size_t)BLOCK * out->turned_stride);
    out->turned_indices = carve(block, &used, (size_t)BLOCK * out->turned_stride);
    out->turned_ends = carve(block, &used, (size_t)2 * BLOCK);
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
    uint32_t *start = out->starts + i * out->blocks;
    hpx_path_take(out->features % 64 == 0 ? HPX_PATH_COMPRESS_WHOLE : HPX_PATH_COMPRESS_REST);
    for (size_t b = 0; b < out->blocks; b++)
        start[b + 1] = start[b] + out->compress(out->indices + start[b], out->values + start[b],
                                                bytes + b * BLOCK, block_rows(out, b));
}

/* Copies `columns` columns of rows `from_stride` apart to rows `width` apart, the rest of them zeros. */
static void pad(float *to, size_t width, const float *from, size_t from_stride, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i++, to += width, from += from_stride) {
        memcpy(to, from, columns * sizeof(float));
        memset(to + columns, 0, (width - columns) * sizeof(float));
    }
}

/* c (m x columns) = a b, or c += a b if `add`, with b k x columns. */
static void multiply_block(const hpx_sparse *x, float *c, size_t c_stride, const nonzeros *a, size_t m,
                           const float *b, size_t b_stride, size_t k, size_t columns, bool add)
{
    multiply_fn *multiply = multiply_with[x->kind];
    const size_t width = aligned(columns);
    assert(columns <= PANEL);
    hpx_path_take(hpx_path_sparse(width / 16, width != columns, add));
    if (width == columns) {
        multiply(c, c_stride, a, m, b, b_stride, add, width);
        return;
    }
    pad(x->panel, width, b, b_stride, k, columns);
    if (add)
        pad(x->edge, width, c, c_stride, m, columns);
    multiply(x->edge, width, a, m, x->panel, width, add, width);
    for (size_t i = 0; i < m; i++)
        memcpy(c + i * c_stride, x->edge + i * width, columns * sizeof(float));
}

void hpx_sparse_multiply(float *y, size_t y_stride, const hpx_sparse *x, const float *w, size_t w_stride,
                         size_t m, size_t columns)
{
    if (x->blocks > 1)
        hpx_path_take(HPX_PATH_SPARSE_BLOCKS);
    for (size_t b = 0; b < x->blocks; b++) {
        const nonzeros block = {x->starts + b, x->blocks, x->indices, x->values};
        multiply_block(x, y, y_stride, &block, m, w + b * BLOCK * w_stride, w_stride, block_rows(x, b),
                       columns, b > 0);
    }
}

/* Every feature of the block has room for all samples, so that one pass does. */
void hpx_sparse_transpose(const hpx_sparse *x, size_t block, size_t m)
{
    uint32_t *ends = x->turned_ends;
    for (uint32_t j = 0; j < BLOCK; j++)
        ends[2 * j] = ends[2 * j + 1] = j * x->turned_stride;
    for (uint32_t i = 0; i < m; i++) {
        const uint32_t *start = x->starts + i * x->blocks + block;
        for (uint32_t e = start[0]; e < start[1]; e++) {
            const uint32_t to = ends[2 * x->indices[e] + 1]++;
            x->turned_indices[to] = i;
            x->turned_values[to] = x->values[e];
        }
    }
}

void hpx_sparse_multiply_transposed(float *out, size_t out_stride, const hpx_sparse *x, size_t block,
                                    const float *d, size_t d_stride, size_t m, size_t columns)
{
    const nonzeros turned = {x->turned_ends, 2, x->turned_indices, x->turned_values};
    multiply_block(x, out, out_stride, &turned, block_rows(x, block), d, d_stride, m, columns, false);
}
