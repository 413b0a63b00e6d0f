/* Convolutions whose vectors are samples. A sum is made as the definition says, a chain of fused multiply-adds, one
 * for each channel, row and column of the kernel, in that order:
 *
 *     sum[f][y][x] = bias[f] + weight[f][c][ky][kx] * in[c][y * stride + ky - top][x * stride + kx - left] + ...
 *
 * for 16 samples at once, several pixels and filters in registers: each weight is read once for the pixels, each
 * input once for the filters. Three of pixels and eight of filters keep both units of AVX-512 busy. Rows of the kernel
 * that lie outside of the image are left out; columns outside are zeros in memory.
 *
 * The derivatives by the inputs are sums of the same kind: those inputs whose row and column leave the same rests,
 * divided by the stride, take the same weights, and neighbours among them see neighbouring sums. The gradient's sums
 * run over pixels instead, a vector for each weight, whose 16 floats are added up at the end. It is made for a few
 * filters and rows after the other, so that what pooling gives back to them is still in the first level of cache.
 *
 * No order of additions depends on the width of the processor's vectors. */
#include "convolution.h"

#include "activation.h"
#include "path.h"
#include "vector.h"

#include <string.h>

#define FILTERS_MOST 8 /* of a tile */
#define PIXELS_MOST  3 /* of a tile, or columns of the kernel */
#define TILE_MOST    24
#define CHUNK_BYTES  (24 * 1024) /* of derivatives that are used while they are in the first level of cache */

/* How to make sums of a tile of filters: `count` of the kernel's `all_taps` weights, whose inputs lie `taps` behind
 * that of a pixel. Weights: channel by channel, tap by tap, those of all filters together. */
struct sums {
    const float *weights, *biases; /* biases NULL: zeros */
    const ptrdiff_t *taps;
    size_t count, all_taps, filters, channels;
    size_t in_plane, in_step, out_plane, out_step; /* floats, steps from pixel to pixel */
};

/* A part of the images that the gradient is added up over. */
struct products {
    size_t filters, rows, columns;
    size_t delta_row, delta_plane, in_row, in_step; /* floats */
};

/* A row of windows: their sums' rows are so many vectors apart. */
struct windows {
    size_t pool, columns, row;
    float share; /* of a sum in what pooling gives */
};

#define UP_TO_2(T, p) T(1, p) T(2, p)
#define UP_TO_3(T, p) UP_TO_2(T, p) T(3, p)
#define UP_TO_4(T, p) UP_TO_3(T, p) T(4, p)
#define UP_TO_6(T, p) UP_TO_4(T, p) T(5, p) T(6, p)
#define UP_TO_8(T, p) UP_TO_6(T, p) T(7, p) T(8, p)

#if defined __x86_64__
#include <immintrin.h>

#define KERNEL(name)          name##_avx512
#define TARGET                __attribute__((target("avx512f")))
#define LANES                 16
#define BITS                  uint16_t
#define TILES(T)              UP_TO_8(T, 1) UP_TO_8(T, 2) UP_TO_8(T, 3)
#define STAY(x)               __asm__("" : "+v"(x))
#define BROADCAST(x)          _mm512_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps(a, b, c)
#define LARGER(a, b)          _mm512_max_ps(a, b)
#define ABOVE(a, b)           ((uint16_t)_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ))
#define KEEP(bits, a)         ((vector)_mm512_maskz_mov_ps(bits, a))
#include "convolution_kernel.h"

/* The floats of a vector whose bits are set. */
__attribute__((target("avx2"))) static inline __m256 bits_set(uint8_t bits)
{
    const __m256i own = _mm256_set_epi32(128, 64, 32, 16, 8, 4, 2, 1);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(bits), own), own));
}

#define KERNEL(name)          name##_avx2
#define TARGET                __attribute__((target("avx2,fma")))
#define LANES                 8
#define BITS                  uint8_t
#define TILES(T)              UP_TO_8(T, 1) UP_TO_6(T, 2) UP_TO_4(T, 3)
#define STAY(x)               __asm__("" : "+v"(x))
#define BROADCAST(x)          _mm256_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#define LARGER(a, b)          _mm256_max_ps(a, b)
#define ABOVE(a, b)           ((uint8_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)))
#define KEEP(bits, a)         ((vector)_mm256_and_ps(bits_set(bits), a))
#include "convolution_kernel.h"
#endif

/* Twice as wide as every processor's vectors of its kind, so that a byte has their bits. */
typedef float floats __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t integers __attribute__((vector_size(32), aligned(4), may_alias));

static inline uint8_t bits_above(const floats *a, const floats *b)
{
    uint8_t bits = 0;
    for (int i = 0; i < 8; i++)
        bits |= (uint8_t)(((*a)[i] > (*b)[i]) << i);
    return bits;
}

#define KERNEL(name)          name##_plain
#define TARGET                /* what every processor of its kind has */
#define LANES                 8
#define BITS                  uint8_t
#define TILES(T)              UP_TO_4(T, 1) UP_TO_3(T, 2) UP_TO_2(T, 3)
#define STAY(x)               ((void)(x))
#define BROADCAST(x)          ((vector){x, x, x, x, x, x, x, x})
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#define LARGER(a, b)          ((vector)((((a) > (b)) & (integers)(a)) | (~((a) > (b)) & (integers)(b))))
#define ABOVE(a, b)           bits_above(&(a), &(b))
#define KEEP(bits, a)                                                                                        \
    ((vector)((((integers){1, 2, 4, 8, 16, 32, 64, 128} & (int32_t)(bits)) != 0) & (integers)(a)))
#include "convolution_kernel.h"

/* The loops of each instruction set. */
struct kernels {
    void (*sum_row)(const struct sums *s, float *out, const float *in, size_t columns);
    void (*product_row)(const struct products *s, float *out, const float *deltas, const float *in,
                        size_t taps);
    void (*pool_row)(const struct windows *s, float *out, const float *sums, uint16_t *passes, bool average,
                     bool relu);
    void (*unpool_row)(const struct windows *s, float *deltas, float *total, const float *out_deltas,
                       const uint16_t *passes, const float *derivatives, const float *sum_derivatives,
                       size_t sum_row);
};

static const struct kernels kernels[] = {
    [HPX_VECTOR_PLAIN] = {sum_row_plain, product_row_plain, pool_row_plain, unpool_row_plain},
#if defined __x86_64__
    [HPX_VECTOR_AVX2] = {sum_row_avx2, product_row_avx2, pool_row_avx2, unpool_row_avx2},
    [HPX_VECTOR_AVX512] = {sum_row_avx512, product_row_avx512, pool_row_avx512, unpool_row_avx512},
#endif
};

static size_t taps(const hpx_convolution_layer *layer)
{
    return (size_t)layer->shape.kernel * layer->shape.kernel;
}

/* Tile `number` of those that `count` filters are shared by, so that none has many fewer than another. */
struct tile {
    size_t first, filters;
};

static size_t tiles(size_t count)
{
    return (count - 1) / FILTERS_MOST + 1;
}

static struct tile tile(size_t count, size_t number)
{
    const size_t all = tiles(count), first = count * number / all;
    return (struct tile){first, count * (number + 1) / all - first};
}

/* Of a tile of such. */
static size_t most_filters(size_t count)
{
    return (count - 1) / tiles(count) + 1;
}

/* Columns of zeros that the windows reach behind rows. */
static size_t zeros_right(const hpx_convolution *c, size_t width)
{
    const size_t end = (width - 1) * c->stride + c->kernel, own = (size_t)c->left + c->in.width;
    return end > own ? end - own : 0;
}

/* A row of all channels lies together: what a window sees is then within a few pages, and spread over the cache. */
static hpx_planes planes(hpx_images_size size, size_t left, size_t right)
{
    const size_t plane = left + size.width + right, row = plane * size.channels;
    return (hpx_planes){left, row, plane, row * size.height};
}

/* As PyTorch flattens images. */
static hpx_planes flat_planes(hpx_images_size size)
{
    const size_t plane = (size_t)size.width * size.height;
    return (hpx_planes){0, size.width, plane, plane * size.channels};
}

static hpx_planes planes_of_inputs(const hpx_convolution *c)
{
    return planes(c->in, c->left, zeros_right(c, (size_t)c->out.width * c->pool));
}

/* An activation that rises keeps the order of sums, so that the largest is chosen before it; others come before
 * pooling. */
static bool activates_sums(const hpx_convolution_layer *layer)
{
    return layer->activation != HPX_RELU && layer->shape.pool > 1 &&
           (layer->shape.average || layer->activation == HPX_GELU);
}

void hpx_convolution_plan(hpx_convolution_layer *out, const hpx_convolution *shape,
                          const hpx_convolution *next, hpx_activation activation, bool first)
{
    const hpx_convolution *c = shape;
    hpx_convolution_layer layer = {.shape = *c, .activation = activation, .first = first};
    layer.shape.average = c->average && c->pool > 1;
    layer.height = c->out.height * c->pool;
    layer.width = c->out.width * c->pool;
    layer.in = planes_of_inputs(c);
    layer.out = next ? planes_of_inputs(next) : flat_planes(c->out);
    const size_t sums = (size_t)layer.height * layer.width * c->filters, most = most_filters(c->filters);
    const size_t chunk = CHUNK_BYTES / ((size_t)layer.width * c->pool * most * HPX_BLOCK * sizeof(float));
    layer.chunk = chunk < 1 ? 1 : chunk < c->out.height ? (uint32_t)chunk : c->out.height;
    if (first) {
        layer.deltas = planes((hpx_images_size){layer.chunk * c->pool, layer.width, (uint32_t)most}, 0, 0);
    } else {
        const size_t end = (c->in.width - 1 + c->left) / c->stride + 1;
        layer.deltas =
            planes((hpx_images_size){layer.height, layer.width, c->filters},
                   (c->kernel - 1 - c->left) / c->stride, end > layer.width ? end - layer.width : 0);
    }
    if (activation == HPX_RELU || (c->pool > 1 && !c->average))
        layer.passes = sums;
    if (activates_sums(&layer))
        layer.derivatives = sums;
    else if (activation != HPX_RELU)
        layer.derivatives = sums / c->pool / c->pool;
    layer.sums = most * c->pool * layer.width;
    layer.products = most * (taps(&layer) * c->in.channels + 1);
    *out = layer;
}

/* Rows, or columns, of the kernel that see the same inputs: those from `first` on, by steps of the stride. */
static size_t phase_taps(const hpx_convolution_layer *layer, size_t first)
{
    return first < layer->shape.kernel ? (layer->shape.kernel - 1 - first) / layer->shape.stride + 1 : 0;
}

static void pack_transposed(const hpx_convolution_layer *layer, const float *weights)
{
    const hpx_convolution *c = &layer->shape;
    const size_t all = taps(layer);
    float *to = layer->transposed;
    for (size_t row = 0; row < c->stride && row < c->kernel; row++)
        for (size_t column = 0; column < c->stride && column < c->kernel; column++)
            for (size_t t = 0; t < tiles(c->in.channels); t++) {
                const struct tile tiled = tile(c->in.channels, t);
                for (size_t f = 0; f < c->filters; f++)
                    for (size_t y = row; y < c->kernel; y += c->stride)
                        for (size_t x = column; x < c->kernel; x += c->stride)
                            for (size_t n = tiled.first; n < tiled.first + tiled.filters; n++)
                                *to++ = weights[(f * c->in.channels + n) * all + y * c->kernel + x];
            }
}

void hpx_convolution_pack(const hpx_convolution_layer *layer, const float *weights)
{
    const hpx_convolution *c = &layer->shape;
    const size_t depth = taps(layer) * c->in.channels;
    float *to = layer->weights;
    for (size_t t = 0; t < tiles(c->filters); t++) {
        const struct tile tiled = tile(c->filters, t);
        for (size_t i = 0; i < depth; i++)
            for (size_t f = tiled.first; f < tiled.first + tiled.filters; f++)
                *to++ = weights[f * depth + i];
    }
    if (layer->transposed)
        pack_transposed(layer, weights);
}

/* y = f(y), and the derivatives unless they are NULL. */
static void activate(hpx_activation kind, float *y, float *derivatives, size_t count)
{
    enum { SOME = 1024 };
    static const float zeros[SOME];
    for (size_t i = 0, some; i < count; i += some) {
        some = count - i < SOME ? count - i : SOME;
        hpx_activation_forward(kind, y + i, derivatives ? derivatives + i : NULL, zeros, 1, some, some);
    }
}

/* The rows of the kernel that lie in the image: from `first` to before `end`. */
struct span {
    size_t first, end;
};

static struct span rows_inside(const hpx_convolution *c, size_t y)
{
    const size_t top = y * c->stride, bottom = (size_t)c->top + c->in.height;
    return (struct span){top < c->top ? c->top - top : 0,
                         bottom - top < c->kernel ? bottom - top : c->kernel};
}

/* From a tile's sums of a row of windows to what the layer gives. */
static void finish_row(const hpx_convolution_layer *layer, struct tile tiled, size_t row, float *out,
                       const hpx_kept *kept)
{
    const hpx_convolution *c = &layer->shape;
    const size_t windows = c->out.width, size = (size_t)c->pool * c->pool,
                 one = (size_t)layer->width * c->pool;
    const bool relu = layer->activation == HPX_RELU, before = activates_sums(layer);
    const struct windows s = {c->pool, windows, layer->width, 1 / (float)size};
    hpx_path_take(hpx_path_pool(c->pool, c->average, relu));
    if (!relu)
        hpx_path_take(before ? HPX_PATH_ACTIVATE_SUMS : HPX_PATH_ACTIVATE_POOLED);
    if (before)
        activate(layer->activation, layer->sum, kept ? layer->derivative : NULL,
                 tiled.filters * one * HPX_BLOCK);
    for (size_t f = 0; f < tiled.filters; f++) {
        const size_t number = (tiled.first + f) * c->out.height + row;
        float *to =
            out + ((tiled.first + f) * layer->out.plane + row * layer->out.row + layer->out.left) * HPX_BLOCK;
        uint16_t *passes = kept && kept->passes ? kept->passes + number * windows * size : NULL;
        kernels[hpx_vector_kind()].pool_row(&s, to, layer->sum + f * one * HPX_BLOCK, passes, c->average,
                                            relu);
        if (before && kept)
            memcpy(kept->derivatives + number * one * HPX_BLOCK, layer->derivative + f * one * HPX_BLOCK,
                   one * HPX_BLOCK * sizeof(float));
        if (!before && !relu)
            activate(layer->activation, to, kept ? kept->derivatives + number * windows * HPX_BLOCK : NULL,
                     windows * HPX_BLOCK);
    }
}

void hpx_convolution_forward(const hpx_convolution_layer *layer, const float *biases, const float *in,
                             float *out, const hpx_kept *kept)
{
    const hpx_convolution *c = &layer->shape;
    const size_t all = taps(layer), depth = all * c->in.channels;
    if (c->stride > 1)
        hpx_path_take(HPX_PATH_STRIDE);
    ptrdiff_t offsets[HPX_CNN_KERNEL_MAX * HPX_CNN_KERNEL_MAX];
    for (size_t i = 0; i < all; i++)
        offsets[i] = (ptrdiff_t)((i / c->kernel * layer->in.row + i % c->kernel) * HPX_BLOCK);
    for (size_t row = 0; row < c->out.height; row++)
        for (size_t t = 0; t < tiles(c->filters); t++) {
            const struct tile tiled = tile(c->filters, t);
            for (size_t i = 0; i < c->pool; i++) {
                const size_t y = row * c->pool + i;
                const struct span inside = rows_inside(c, y);
                if (inside.end - inside.first < c->kernel)
                    hpx_path_take(HPX_PATH_ROWS_OUTSIDE);
                const struct sums s = {
                    .weights =
                        layer->weights + tiled.first * depth + inside.first * c->kernel * tiled.filters,
                    .biases = biases + tiled.first,
                    .taps = offsets,
                    .count = (inside.end - inside.first) * c->kernel,
                    .all_taps = all,
                    .filters = tiled.filters,
                    .channels = c->in.channels,
                    .in_plane = layer->in.plane * HPX_BLOCK,
                    .in_step = c->stride * HPX_BLOCK,
                    .out_plane = (size_t)layer->width * c->pool * HPX_BLOCK,
                    .out_step = HPX_BLOCK,
                };
                const float *from = in + (y * c->stride + inside.first - c->top) * layer->in.row * HPX_BLOCK;
                kernels[hpx_vector_kind()].sum_row(&s, layer->sum + i * layer->width * HPX_BLOCK, from,
                                                   layer->width);
            }
            finish_row(layer, tiled, row, out, kept);
        }
}

/* The derivatives by the sums of some rows of windows of a tile, from those by what the layer gives; `to` is the first
 * of these rows. */
static void unpool(const hpx_convolution_layer *layer, struct tile tiled, struct span rows, float *to,
                   const float *out_deltas, const hpx_kept *kept)
{
    const hpx_convolution *c = &layer->shape;
    const size_t windows = c->out.width, size = (size_t)c->pool * c->pool,
                 one = (size_t)layer->width * c->pool;
    const bool before = activates_sums(layer);
    const struct windows s = {c->pool, windows, layer->deltas.row, c->average ? 1 / (float)size : 1};
    float *totals = layer->product + tiled.filters * taps(layer) * c->in.channels * HPX_BLOCK;
    for (size_t f = 0; f < tiled.filters; f++, totals += HPX_BLOCK)
        for (size_t row = rows.first; row < rows.end; row++) {
            const size_t number = (tiled.first + f) * c->out.height + row;
            const float *derivatives = kept->derivatives && !before
                                           ? kept->derivatives + number * windows * HPX_BLOCK
                                           : NULL,
                        *sum_derivatives = before ? kept->derivatives + number * one * HPX_BLOCK : NULL;
            kernels[hpx_vector_kind()].unpool_row(
                &s,
                to + (f * layer->deltas.plane + (row - rows.first) * c->pool * layer->deltas.row) * HPX_BLOCK,
                totals, out_deltas + number * windows * HPX_BLOCK,
                kept->passes ? kept->passes + number * windows * size : NULL, derivatives, sum_derivatives,
                layer->width);
        }
}

/* Adds to a tile's products those of some rows of sums, whose derivatives are at `deltas`. */
static void multiply_chunk(const hpx_convolution_layer *layer, size_t filters, struct span rows,
                           const float *deltas, const float *in)
{
    const hpx_convolution *c = &layer->shape;
    float *out = layer->product;
    for (size_t n = 0; n < c->in.channels; n++, in += layer->in.plane * HPX_BLOCK)
        for (size_t ky = 0; ky < c->kernel; ky++, out += c->kernel * filters * HPX_BLOCK) {
            struct span seen = rows; /* those for which this row of the kernel is in the image */
            while (seen.first < seen.end && seen.first * c->stride + ky < c->top)
                seen.first++;
            while (seen.first < seen.end && (seen.end - 1) * c->stride + ky >= (size_t)c->top + c->in.height)
                seen.end--;
            if (seen.first == seen.end)
                continue;
            const struct products s = {
                .filters = filters,
                .rows = seen.end - seen.first,
                .columns = layer->width,
                .delta_row = layer->deltas.row * HPX_BLOCK,
                .delta_plane = layer->deltas.plane * HPX_BLOCK,
                .in_row = c->stride * layer->in.row * HPX_BLOCK,
                .in_step = c->stride * HPX_BLOCK,
            };
            kernels[hpx_vector_kind()].product_row(
                &s, out, deltas + (seen.first - rows.first) * s.delta_row,
                in + (seen.first * c->stride + ky - c->top) * layer->in.row * HPX_BLOCK, c->kernel);
        }
}

/* sums[i] += the sum of vector i: of its halves, of their halves, and so on. */
HPX_VECTORISED(static, add_up, (float *restrict sums, const float *restrict vectors, size_t count),
               (sums, vectors, count))
{
    for (size_t i = 0; i < count; i++, vectors += HPX_BLOCK) {
        float sum[HPX_BLOCK / 2];
        for (size_t k = 0; k < 8; k++)
            sum[k] = vectors[k] + vectors[k + 8];
        for (size_t k = 0; k < 4; k++)
            sum[k] += sum[k + 4];
        sums[i] += (sum[0] + sum[2]) + (sum[1] + sum[3]);
    }
}

/* Adds a tile's products up and to the gradient. */
static void give_tile(const hpx_convolution_layer *layer, struct tile tiled, float *gradient)
{
    const hpx_convolution *c = &layer->shape;
    const size_t depth = taps(layer) * c->in.channels;
    float sums[FILTERS_MOST];
    for (size_t i = 0; i <= depth; i++) {
        memset(sums, 0, sizeof sums);
        add_up(sums, layer->product + i * tiled.filters * HPX_BLOCK, tiled.filters);
        for (size_t f = 0; f < tiled.filters; f++)
            gradient[i < depth ? (tiled.first + f) * depth + i : c->filters * depth + tiled.first + f] +=
                sums[f];
    }
}

/* The derivatives by a row of the inputs, of those whose column leaves the rest `column`, divided by the stride. */
static void multiply_transposed(const hpx_convolution_layer *layer, float *deltas, size_t y, size_t column,
                                const float *weights)
{
    const hpx_convolution *c = &layer->shape;
    const size_t row = (y + c->top) % c->stride,
                 last = (y + c->top) / c->stride; /* the last of the sums' rows that sees it */
    const size_t rows = phase_taps(layer, row), columns = phase_taps(layer, column);
    const struct span seen = {last < layer->height ? 0 : last - layer->height + 1,
                              last + 1 < rows ? last + 1 : rows};
    const size_t first = (column + c->stride - c->left % c->stride) % c->stride; /* of the inputs */
    ptrdiff_t offsets[HPX_CNN_KERNEL_MAX * HPX_CNN_KERNEL_MAX];
    size_t count = 0;
    for (size_t i = seen.first; i < seen.end; i++)
        for (size_t k = 0; k < columns; k++)
            offsets[count++] = -(ptrdiff_t)((i * layer->deltas.row + k) * HPX_BLOCK);
    if (first >= c->in.width)
        return;
    for (size_t t = 0; t < tiles(c->in.channels); t++) {
        const struct tile tiled = tile(c->in.channels, t);
        const struct sums s = {
            .weights =
                weights + tiled.first * c->filters * rows * columns + seen.first * columns * tiled.filters,
            .taps = offsets,
            .count = count,
            .all_taps = rows * columns,
            .filters = tiled.filters,
            .channels = c->filters,
            .in_plane = layer->deltas.plane * HPX_BLOCK,
            .in_step = HPX_BLOCK,
            .out_plane = (size_t)c->in.height * c->in.width * HPX_BLOCK,
            .out_step = c->stride * HPX_BLOCK,
        };
        const float *from =
            layer->delta +
            (last * layer->deltas.row + layer->deltas.left + (first + c->left) / c->stride) * HPX_BLOCK;
        kernels[hpx_vector_kind()].sum_row(
            &s, deltas + ((tiled.first * c->in.height + y) * c->in.width + first) * HPX_BLOCK, from,
            (c->in.width - 1 - first) / c->stride + 1);
    }
}

static void backward_inputs(const hpx_convolution_layer *layer, float *deltas)
{
    const hpx_convolution *c = &layer->shape;
    const float *weights = layer->transposed;
    for (size_t row = 0; row < c->stride; row++)
        for (size_t column = 0; column < c->stride; column++) {
            for (size_t y = (row + c->stride - c->top % c->stride) % c->stride; y < c->in.height;
                 y += c->stride)
                multiply_transposed(layer, deltas, y, column, weights);
            weights += phase_taps(layer, row) * phase_taps(layer, column) * c->filters * c->in.channels;
        }
}

void hpx_convolution_backward(const hpx_convolution_layer *layer, float *gradient, float *deltas,
                              const float *in, const hpx_kept *kept)
{
    const hpx_convolution *c = &layer->shape;
    hpx_path_take(layer->first ? HPX_PATH_CONVOLUTION_FIRST : HPX_PATH_CONVOLUTION_LATER);
    if (layer->chunk < c->out.height)
        hpx_path_take(HPX_PATH_CHUNKS);
    for (size_t t = 0; t < tiles(c->filters); t++) {
        const struct tile tiled = tile(c->filters, t);
        memset(layer->product, 0,
               tiled.filters * (taps(layer) * c->in.channels + 1) * HPX_BLOCK * sizeof(float));
        for (struct span windows = {0, 0}; windows.first < c->out.height; windows.first = windows.end) {
            const size_t end = windows.first + layer->chunk;
            windows.end = end < c->out.height ? end : c->out.height;
            const struct span rows = {windows.first * c->pool, windows.end * c->pool};
            float *chunk = layer->delta;
            if (!layer->first)
                chunk += (tiled.first * layer->deltas.plane + rows.first * layer->deltas.row +
                          layer->deltas.left) *
                         HPX_BLOCK;
            unpool(layer, tiled, windows, chunk, deltas, kept);
            multiply_chunk(layer, tiled.filters, rows, chunk, in);
        }
        give_tile(layer, tiled, gradient);
    }
    if (!layer->first)
        backward_inputs(layer, deltas);
}
