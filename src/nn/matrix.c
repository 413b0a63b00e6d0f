/* Products of dense matrices, after K. Goto and R. A. van de Geijn, "Anatomy of high-performance matrix
 * multiplication", ACM TOMS 34(3), 2008. A panel of b, as many columns as a few vectors have and one or two
 * hundred rows, is packed together and stays in the first level of cache; a block of a, whose columns are the
 * panel's rows, stays in the second level until all panels beside this one are done; a block of sums stays in
 * registers for all rows of the panel. Meanwhile the panel that comes next is asked of memory, a few lines
 * for each block of sums, so that the packing does not wait. What is theirs but not here is the packing of a:
 * a batch of activations is small, and what a BLAS spends on copies of both, and on first setting c to zero,
 * is a quarter of its time at our sizes.
 *
 * Every sum is made by ascending k, one fused multiply-add each, so that neither the width of the vectors nor
 * the size of a block changes a bit. */
#include "nn/matrix.h"

#include "path.h"
#include "vector.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#if defined __x86_64__
#include <immintrin.h>

/* A factor by its elements: that of row i and column j is values[i * row + j * column]. */
struct view {
    const float *values;
    size_t row, column;
};

/* Rows of a block of a: with the deepest panels 192 KB. The rows are far apart and share sets of the cache, so
 * that more would not stay in 512 KB. */
#define TALL 192
#define FEW  64          /* rows of a, for which a panel is not worth a copy */
#define FAR  (64 * 1024) /* floats of a factor that is not expected to be in the second level of cache */
#define LINE 64          /* bytes that memory gives at once */

/* How many of `count` things to take at once, so that the fewest shares of at most `most` are even, and all
 * but the last a multiple of `of`, as `most` is. */
static inline size_t share(size_t count, size_t most, size_t of)
{
    const size_t shares = (count - 1) / most + 1;
    return shares == 1 ? count : ((count - 1) / shares / of + 1) * of;
}

/* A part of b, from `row` and `column` on; no rows: none. */
struct panel {
    size_t row, rows, column, columns;
};

/* What remains to be asked for of a panel: so many lines of memory, the next of them `byte` bytes behind
 * `at`, where a row begins that has so many bytes. */
struct ahead {
    const char *at;
    size_t stride, bytes, byte, lines;
};

/* Of a small matrix, of `floats` floats, nothing. */
static struct ahead look_ahead(struct view b, size_t floats, struct panel panel)
{
    if (floats < FAR || panel.rows == 0)
        return (struct ahead){0};
    const bool transposed = b.row == 1;
    const size_t rows = transposed ? panel.columns : panel.rows,
                 bytes = (transposed ? panel.rows : panel.columns) * sizeof(float);
    return (struct ahead){.at = (const char *)(b.values + panel.row * b.row + panel.column * b.column),
                          .stride = (transposed ? b.column : b.row) * sizeof(float),
                          .bytes = bytes,
                          .lines = rows * ((bytes - 1) / LINE + 1)};
}

/* Asks for up to so many of them. */
static inline void ask_for(struct ahead *next, size_t lines)
{
    for (; lines > 0 && next->lines > 0; lines--) {
        __builtin_prefetch(next->at + next->byte, 0, 2);
        next->lines--;
        next->byte += LINE;
        if (next->byte >= next->bytes) {
            next->byte = 0;
            next->at += next->stride;
        }
    }
}

/* Rows of a tile: no more than 8, for far rows share a set of the cache. */
#define ROWS          8
#define UP_TO_4(T, v) T(1, v) T(2, v) T(3, v) T(4, v)
#define UP_TO_5(T, v) UP_TO_4(T, v) T(5, v)
#define UP_TO_6(T, v) UP_TO_5(T, v) T(6, v)
#define UP_TO_8(T, v) UP_TO_6(T, v) T(7, v) T(8, v)

#define KERNEL(name)          name##_avx512
#define TARGET                __attribute__((target("avx512f")))
#define LANES                 16
#define WIDE                  4
#define DEEP                  128
#define CHAINS                16
#define TILES(T)              UP_TO_8(T, 1) UP_TO_8(T, 2) UP_TO_5(T, 3) UP_TO_4(T, 4)
#define BROADCAST(x)          _mm512_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps(a, b, c)
#define MASK                  __mmask16
#define FIRST(count)          ((__mmask16)((1u << (count)) - 1))
#define LOAD(from, mask)      _mm512_maskz_loadu_ps(mask, from)
#define STORE(to, mask, a)    _mm512_mask_storeu_ps(to, mask, a)
#define LOW(a, b)             __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH(a, b)            __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define BLOCKS_LOW(a, b)      __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
#define BLOCKS_HIGH(a, b)                                                                                    \
    __builtin_shufflevector(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
#include "matrix_kernel.h"

#define KERNEL(name)          name##_avx2
#define TARGET                __attribute__((target("avx2,fma")))
#define LANES                 8
#define WIDE                  2
#define DEEP                  256
#define CHAINS                12
#define TILES(T)              UP_TO_8(T, 1) UP_TO_6(T, 2)
#define BROADCAST(x)          _mm256_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#define MASK                  __m256i
#define FIRST(count)                                                                                         \
    _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(count)), _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0))
#define LOAD(from, mask)   _mm256_maskload_ps(from, mask)
#define STORE(to, mask, a) _mm256_maskstore_ps(to, mask, a)
#define LOW(a, b)          __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(a, b)         __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define BLOCKS_LOW(a, b)   __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define BLOCKS_HIGH(a, b)  __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#include "matrix_kernel.h"

static struct view view_of(hpx_factor factor)
{
    return factor.transposed ? (struct view){factor.values, 1, factor.stride}
                             : (struct view){factor.values, factor.stride, 1};
}

typedef void product_fn(float *c, size_t c_stride, struct view a, struct view b, size_t m, size_t n, size_t k,
                        bool add);

static struct view transpose(struct view matrix)
{
    return (struct view){matrix.values, matrix.column, matrix.row};
}

/* By a block of a after the other. A column of c that lies together is made as a row, of b^T a^T, and so fills
 * vectors. */
static void multiply_by_loops(product_fn *product, float *c, size_t c_stride, struct view a, struct view b,
                              size_t m, size_t n, size_t k, bool add)
{
    if (n == 1 && c_stride == 1) {
        hpx_path_take(HPX_PATH_COLUMN);
        product(c, m, transpose(b), transpose(a), 1, m, k, add);
        return;
    }
    if (m > TALL)
        hpx_path_take(HPX_PATH_TALL);
    for (size_t rows; m > 0; m -= rows) {
        rows = share(m, TALL, 1);
        product(c, c_stride, a, b, rows, n, k, add);
        c += rows * c_stride;
        a.values += rows * a.row;
    }
}
#endif

static void multiply_by_blas(float *c, size_t c_stride, hpx_factor a, hpx_factor b, size_t m, size_t n,
                             size_t k, bool add)
{
    assert(c_stride - 1 < INT_MAX && a.stride - 1 < INT_MAX && b.stride - 1 < INT_MAX);
    hpx_path_take(hpx_path_blas(a.transposed, b.transposed, add));
    cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
                b.transposed ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, a.values,
                (blasint)a.stride, b.values, (blasint)b.stride, add ? 1 : 0, c, (blasint)c_stride);
}

void hpx_matrix_multiply(float *c, size_t c_stride, hpx_factor a, hpx_factor b, size_t m, size_t n, size_t k,
                         bool add)
{
    assert(m - 1 < INT_MAX && n - 1 < INT_MAX && k - 1 < INT_MAX);
    switch (hpx_vector_kind()) {
#if defined __x86_64__
    case HPX_VECTOR_AVX512:
        multiply_by_loops(product_avx512, c, c_stride, view_of(a), view_of(b), m, n, k, add);
        return;
    case HPX_VECTOR_AVX2:
        multiply_by_loops(product_avx2, c, c_stride, view_of(a), view_of(b), m, n, k, add);
        return;
#endif
    default:
        multiply_by_blas(c, c_stride, a, b, m, n, k, add);
    }
}

void hpx_blas_single_thread(void)
{
    openblas_set_num_threads(1);
}

const char *hpx_blas_version(void)
{
    /* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ... SkylakeX MAX_THREADS=64": all but the first two words
     * tells of the build and of this host. */
    static char version[64];
    char name[24] = "", number[24] = "";
    sscanf(openblas_get_config(), "%23s %23s", name, number);
    snprintf(version, sizeof version, "%s %s", name, number);
    return version;
}

const char *hpx_blas_kernel(void)
{
    return openblas_get_corename();
}
