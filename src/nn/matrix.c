/* Products of dense matrices, after K. Goto and R. A. van de Geijn, "Anatomy of high-performance matrix
 * multiplication", ACM TOMS 34(3), 2008: a panel of b, as many columns as a few vectors have and 128 rows, is
 * packed together and stays in the first level of cache, while a block of sums stays in registers for all its
 * rows. Meanwhile the block of b that comes next is asked of memory, a few lines for each row, so that the
 * copying does not wait. What is theirs but not here is the packing of a and its blocking for the second
 * level: a batch of activations is small, and what a BLAS spends on copies of both, and on first setting c to
 * zero, is a quarter of its time at our sizes.
 *
 * Every sum is made by ascending k, one fused multiply-add each, so that the width of the vectors changes
 * nothing. */
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

#define DEEP 128         /* rows of a packed panel */
#define FAR  (64 * 1024) /* floats of a factor that is not expected to be in the second level of cache */
#define LINE 64          /* bytes that memory gives at once */

/* What remains to be asked for of the block of b that is packed next: its rows in memory, from `at` to before
 * `end`, and for each row of the current product so many of them. */
struct ahead {
    const char *at, *end;
    size_t stride, bytes, rows;
};

/* The block at row l and column j of the k x n matrix b, in a product of m rows; of a small b, nothing. */
static struct ahead look_ahead(struct view b, size_t k, size_t n, size_t m, size_t l, size_t j, size_t panel)
{
    if (k * n < FAR || j >= n)
        return (struct ahead){0};
    const size_t depth = k - l < DEEP ? k - l : DEEP, columns = n - j < panel ? n - j : panel;
    const bool turned = b.row == 1;
    const size_t rows = turned ? columns : depth, stride = (turned ? b.column : b.row) * sizeof(float);
    const char *at = (const char *)(b.values + l * b.row + j * b.column);
    return (struct ahead){at, at + rows * stride, stride, (turned ? depth : columns) * sizeof(float),
                          (rows - 1) / m + 1};
}

static inline void ask_for(struct ahead *next)
{
    for (size_t row = 0; row < next->rows && next->at < next->end; row++, next->at += next->stride)
        for (size_t byte = 0; byte < next->bytes; byte += LINE)
            __builtin_prefetch(next->at + byte, 0, 2);
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
        product_avx512(c, c_stride, view_of(a), view_of(b), m, n, k, add);
        return;
    case HPX_VECTOR_AVX2:
        product_avx2(c, c_stride, view_of(a), view_of(b), m, n, k, add);
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
