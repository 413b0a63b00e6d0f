/* The loops of convolution.c for one instruction set, included there once for each. The includer defines
 *
 *     KERNEL(name)             the functions' names for this instruction set
 *     TARGET                   attribute that allows its instructions
 *     LANES                    floats of a vector of the processor, which divide a block's
 *     BITS                     an integer of as many bits
 *     TILES(T)                 T(filters, pixels) of each tile that fits the registers
 *     STAY(x)                  vector x stays in the register in which it is
 *     BROADCAST(x)             a vector of x
 *     MULTIPLY_ADD(a, b, c)    a b + c of vectors
 *     LARGER(a, b)             the larger ones of a and b, b where they are equal or none
 *     ABOVE(a, b)              BITS: where a > b
 *     KEEP(bits, a)            a where the bits are set, else 0
 *
 * and they are undefined at the end. No include guard, for that reason. */

typedef float KERNEL(vector)
    __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
#define vector          KERNEL(vector)
#define AT(address)     (*(vector *)(address))
#define STAY_ADDRESS(x) __asm__("" : "+r"(x)) /* made once, not for each use */

/* Sums of `filters` filters for `pixels` pixels that follow each other in a row. Inlined with constant numbers, and
 * unrolled so early, that the sums are registers. */
TARGET static inline __attribute__((always_inline)) void KERNEL(sum_tile)(const struct sums *s, float *out,
                                                                          const float *in, size_t filter,
                                                                          size_t filters, size_t pixels)
{
    vector sums[TILE_MOST];
    const float *weights = s->weights + filter;
    const size_t step = s->in_step, wide = s->filters, rest = (s->all_taps - s->count) * wide;
#pragma GCC unroll 32
    for (size_t i = 0; i < filters * pixels; i++)
        sums[i] = BROADCAST(s->biases ? s->biases[filter + i / pixels] : 0.0f);
    const float *inputs[PIXELS_MOST]; /* of each pixel */
    for (size_t channel = 0; channel < s->channels; channel++, in += s->in_plane, weights += rest) {
#pragma GCC unroll 32
        for (size_t p = 0; p < pixels; p++) {
            inputs[p] = in + p * step;
            STAY_ADDRESS(inputs[p]);
        }
        for (const ptrdiff_t *tap = s->taps; tap < s->taps + s->count; tap++, weights += wide) {
            const ptrdiff_t offset = *tap;
            vector values[PIXELS_MOST];
#pragma GCC unroll 32
            for (size_t p = 0; p < pixels; p++)
                values[p] = AT(inputs[p] + offset);
#pragma GCC unroll 32
            for (size_t f = 0; f < filters; f++) {
                const vector weight = BROADCAST(weights[f]);
#pragma GCC unroll 32
                for (size_t p = 0; p < pixels; p++)
                    sums[f * pixels + p] = MULTIPLY_ADD(weight, values[p], sums[f * pixels + p]);
            }
#pragma GCC unroll 32
            for (size_t i = 0; i < filters * pixels; i++)
                STAY(sums[i]);
        }
    }
    out += filter * s->out_plane;
#pragma GCC unroll 32
    for (size_t f = 0; f < filters; f++, out += s->out_plane)
#pragma GCC unroll 32
        for (size_t p = 0; p < pixels; p++)
            AT(out + p * s->out_step) = sums[f * pixels + p];
}

/* The products of the derivatives of `filters` filters and the inputs of `taps` weights that follow each other in a row
 * of the kernel, added up over some rows: products[t][f]. */
TARGET static inline __attribute__((always_inline)) void KERNEL(product_tile)(const struct products *s,
                                                                              float *out, const float *deltas,
                                                                              const float *in, size_t filters,
                                                                              size_t taps)
{
    vector sums[TILE_MOST];
    const size_t plane = s->delta_plane, step = s->in_step;
#pragma GCC unroll 32
    for (size_t i = 0; i < filters * taps; i++)
        sums[i] = AT(out + (i / filters * s->filters + i % filters) * HPX_BLOCK);
    for (size_t y = 0; y < s->rows; y++, deltas += s->delta_row, in += s->in_row) {
        const float *delta = deltas, *stop = deltas + s->columns * HPX_BLOCK, *input = in;
        for (; delta < stop; delta += HPX_BLOCK, input += step) {
            vector values[PIXELS_MOST];
#pragma GCC unroll 32
            for (size_t t = 0; t < taps; t++)
                values[t] = AT(input + t * HPX_BLOCK);
#pragma GCC unroll 32
            for (size_t f = 0; f < filters; f++) {
                const vector d = AT(delta + f * plane);
#pragma GCC unroll 32
                for (size_t t = 0; t < taps; t++)
                    sums[t * filters + f] = MULTIPLY_ADD(d, values[t], sums[t * filters + f]);
            }
#pragma GCC unroll 32
            for (size_t i = 0; i < filters * taps; i++)
                STAY(sums[i]);
        }
    }
#pragma GCC unroll 32
    for (size_t i = 0; i < filters * taps; i++)
        AT(out + (i / filters * s->filters + i % filters) * HPX_BLOCK) = sums[i];
}

/* Each size is a function of its own: in a larger one the compiler runs out of registers. */
typedef void KERNEL(sum_fn)(const struct sums *s, float *out, const float *in, size_t filter, size_t tiles);
typedef void KERNEL(product_fn)(const struct products *s, float *out, const float *deltas, const float *in);
#define DEFINE(f, p)                                                                                         \
    TARGET static __attribute__((noinline)) void KERNEL(sums_##f##_##p)(                                     \
        const struct sums *s, float *out, const float *in, size_t filter, size_t tiles)                      \
    {                                                                                                        \
        for (; tiles > 0; tiles--, out += p * s->out_step, in += p * s->in_step)                             \
            KERNEL(sum_tile)(s, out, in, filter, f, p);                                                      \
    }                                                                                                        \
    TARGET static __attribute__((noinline)) void KERNEL(products_##f##_##p)(                                 \
        const struct products *s, float *out, const float *deltas, const float *in)                          \
    {                                                                                                        \
        KERNEL(product_tile)(s, out, deltas, in, f, p);                                                      \
    }
TILES(DEFINE)
#undef DEFINE

#define ENTRY(f, p) [p - 1][f - 1] = KERNEL(sums_##f##_##p),
static KERNEL(sum_fn) *const KERNEL(sum_tiles)[PIXELS_MOST][FILTERS_MOST] = {TILES(ENTRY)};
#undef ENTRY
#define ENTRY(f, p) [p - 1][f - 1] = KERNEL(products_##f##_##p),
static KERNEL(product_fn) *const KERNEL(product_tiles)[PIXELS_MOST][FILTERS_MOST] = {TILES(ENTRY)};
#undef ENTRY

/* The filters of a tile of so many pixels, of `filters`, that share registers at once. */
static inline size_t KERNEL(at_once)(size_t filters, size_t pixels)
{
    size_t parts = 1;
    while (!KERNEL(sum_tiles)[pixels - 1][(filters - 1) / parts])
        parts++;
    return (filters - 1) / parts + 1;
}

/* A row of `columns` sums. Where registers hold only some of the filters, or of the samples, at once, the others
 * follow before the inputs have left the first level of cache. */
TARGET static void KERNEL(sum_row)(const struct sums *s, float *out, const float *in, size_t columns)
{
    const size_t most_tiles = CHUNK_BYTES / (s->channels * s->count * 2 * HPX_BLOCK * sizeof(float) + 1) + 1;
    for (size_t tiles, pixels; columns > 0; columns -= tiles * pixels) {
        pixels = columns < PIXELS_MOST ? columns : PIXELS_MOST;
        tiles = columns / pixels < most_tiles ? columns / pixels : most_tiles;
        const size_t most = KERNEL(at_once)(s->filters, pixels);
        hpx_path_take(hpx_path_sums(s->filters, pixels));
        for (size_t first = 0, some; first < s->filters; first += some) {
            some = s->filters - first < most ? s->filters - first : most;
            for (size_t lane = 0; lane < HPX_BLOCK; lane += LANES)
                KERNEL(sum_tiles)[pixels - 1][some - 1](s, out + lane, in + lane, first, tiles);
        }
        out += tiles * pixels * s->out_step;
        in += tiles * pixels * s->in_step;
    }
}

/* The products of a row of the kernel, `taps` weights. */
TARGET static void KERNEL(product_row)(const struct products *s, float *out, const float *deltas,
                                       const float *in, size_t taps)
{
    for (size_t some; taps > 0; taps -= some) {
        some = (taps - 1) / ((taps - 1) / PIXELS_MOST + 1) + 1;
        const size_t most = KERNEL(at_once)(s->filters, some);
        hpx_path_take(hpx_path_products(s->filters, some));
        for (size_t first = 0, filters; first < s->filters; first += filters) {
            filters = s->filters - first < most ? s->filters - first : most;
            for (size_t lane = 0; lane < HPX_BLOCK; lane += LANES)
                KERNEL(product_tiles)
            [some - 1][filters - 1](s, out + first * HPX_BLOCK + lane, deltas + first * s->delta_plane + lane,
                                    in + lane);
        }
        out += some * s->filters * HPX_BLOCK;
        in += some * HPX_BLOCK;
    }
}

/* The largest of a window's values, and the bits of the first that is so large. */
TARGET static inline __attribute__((always_inline)) void
KERNEL(largest)(const struct windows *s, float *out, const float *sums, BITS *passes, bool relu)
{
    const vector zero = {0};
    vector best = AT(sums);
    for (size_t y = 0, k = 0; y < s->pool; y++)
        for (size_t x = 0; x < s->pool; x++, k++) {
            const vector value = AT(sums + (y * s->row + x) * HPX_BLOCK);
            if (passes && k > 0)
                passes[k * (HPX_BLOCK / LANES)] = ABOVE(value, best);
            if (k > 0)
                best = LARGER(value, best);
        }
    if (passes) {
        BITS taken = relu ? (BITS)~ABOVE(best, zero) : 0;
        for (size_t k = s->pool * s->pool; k-- > 1;) {
            BITS *bits = passes + k * (HPX_BLOCK / LANES);
            *bits &= (BITS)~taken;
            taken |= *bits;
        }
        *passes = (BITS)~taken;
    }
    if (relu)
        best = LARGER(best, zero);
    AT(out) = best;
}

TARGET static inline __attribute__((always_inline)) void
KERNEL(mean)(const struct windows *s, float *out, const float *sums, BITS *passes, bool relu)
{
    const vector zero = {0};
    vector sum = zero;
    for (size_t y = 0, k = 0; y < s->pool; y++)
        for (size_t x = 0; x < s->pool; x++, k++) {
            vector value = AT(sums + (y * s->row + x) * HPX_BLOCK);
            if (passes)
                passes[k * (HPX_BLOCK / LANES)] = ABOVE(value, zero);
            if (relu)
                value = LARGER(value, zero);
            sum += value;
        }
    AT(out) = sum * BROADCAST(s->share);
}

/* A row of windows, pooled; with ReLU, if `relu`. Inlined with constants where these are usual. */
TARGET static inline __attribute__((always_inline)) void KERNEL(pool_windows)(const struct windows *s,
                                                                              float *out, const float *sums,
                                                                              uint16_t *passes, bool average,
                                                                              bool relu)
{
    const size_t size = s->pool * s->pool;
    for (size_t x = 0; x < s->columns; x++, out += HPX_BLOCK, sums += s->pool * HPX_BLOCK)
        for (size_t lane = 0; lane < HPX_BLOCK; lane += LANES) {
            BITS *bits = passes ? (BITS *)(passes + x * size) + lane / LANES : NULL;
            if (average)
                KERNEL(mean)(s, out + lane, sums + lane, bits, relu);
            else
                KERNEL(largest)(s, out + lane, sums + lane, bits, relu);
        }
}

TARGET static void KERNEL(pool_row)(const struct windows *s, float *out, const float *sums, uint16_t *passes,
                                    bool average, bool relu)
{
    const struct windows one = {1, s->columns, s->row, 1}, two = {2, s->columns, s->row, 0.25f};
    if (s->pool == 1 && relu)
        KERNEL(pool_windows)(&one, out, sums, passes, false, true);
    else if (s->pool == 2 && relu && !average)
        KERNEL(pool_windows)(&two, out, sums, passes, false, true);
    else
        KERNEL(pool_windows)(s, out, sums, passes, average, relu);
}

/* The way back: derivatives by a row of windows become those by their sums, which are added up in `total`. */
TARGET static inline __attribute__((always_inline)) void
KERNEL(unpool_windows)(const struct windows *s, float *deltas, float *total, const float *out_deltas,
                       const uint16_t *passes, const float *derivatives, const float *sum_derivatives,
                       size_t sum_row)
{
    const size_t size = s->pool * s->pool;
    for (size_t lane = 0; lane < HPX_BLOCK; lane += LANES) {
        vector sum = AT(total + lane);
        for (size_t x = 0; x < s->columns; x++) {
            const BITS *bits = (const BITS *)(passes + x * size) + lane / LANES;
            vector delta = *(const vector *)(out_deltas + x * HPX_BLOCK + lane) * BROADCAST(s->share);
            if (derivatives)
                delta *= *(const vector *)(derivatives + x * HPX_BLOCK + lane);
            for (size_t y = 0, k = 0; y < s->pool; y++)
                for (size_t i = 0; i < s->pool; i++, k++) {
                    vector own = passes ? KEEP(bits[k * (HPX_BLOCK / LANES)], delta) : delta;
                    if (sum_derivatives)
                        own *= *(const vector *)(sum_derivatives +
                                                 (y * sum_row + x * s->pool + i) * HPX_BLOCK + lane);
                    AT(deltas + (y * s->row + x * s->pool + i) * HPX_BLOCK + lane) = own;
                    sum += own;
                }
        }
        AT(total + lane) = sum;
    }
}

TARGET static void KERNEL(unpool_row)(const struct windows *s, float *deltas, float *total,
                                      const float *out_deltas, const uint16_t *passes,
                                      const float *derivatives, const float *sum_derivatives, size_t sum_row)
{
    const struct windows two = {2, s->columns, s->row, 1};
    if (s->pool == 2 && s->share == 1 && passes && !derivatives && !sum_derivatives)
        KERNEL(unpool_windows)(&two, deltas, total, out_deltas, passes, NULL, NULL, 0);
    else
        KERNEL(unpool_windows)(s, deltas, total, out_deltas, passes, derivatives, sum_derivatives, sum_row);
}

#undef vector
#undef AT
#undef STAY_ADDRESS
#undef KERNEL
#undef TARGET
#undef LANES
#undef BITS
#undef TILES
#undef STAY
#undef BROADCAST
#undef MULTIPLY_ADD
#undef LARGER
#undef ABOVE
#undef KEEP
