/* Networks of convolutions: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based
 * learning applied to document recognition", Proceedings of the IEEE 86(11), 1998; as formulas in V. Dumoulin and
 * F. Visin, "A guide to convolution arithmetic for deep learning", 2016. The dense layers are a perceptron
 * behind them (hpx_front of mlp.h). */
#include "nn/cnn.h"

#include "base/random.h"
#include "convolution.h"
#include "path.h"
#include "vector.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static size_t area(hpx_images_size images)
{
    return (size_t)images.height * images.width;
}

static size_t values(hpx_images_size images)
{
    return area(images) * images.channels;
}

static size_t weights(const hpx_convolution *c)
{
    return (size_t)c->filters * c->in.channels * c->kernel * c->kernel;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t convolution_parameters(const hpx_cnn_shape *shape, uint32_t before)
{
    size_t sum = 0;
    for (uint32_t l = 0; l < before; l++)
        sum += weights(&shape->convolution[l]) + shape->convolution[l].filters;
    return sum;
}

uint64_t hpx_cnn_parameters(const hpx_cnn_shape *shape)
{
    return convolution_parameters(shape, shape->convolutions) + hpx_mlp_parameters(&shape->dense);
}

uint64_t hpx_cnn_layer_multiplications(const hpx_cnn_shape *shape, uint32_t layer)
{
    if (layer < shape->convolutions)
        return weights(&shape->convolution[layer]) * area(shape->convolution[layer].sums);
    const uint32_t *sizes = shape->dense.sizes + layer - shape->convolutions;
    return (uint64_t)sizes[0] * sizes[1];
}

uint64_t hpx_cnn_multiplications(const hpx_cnn_shape *shape)
{
    uint64_t sum = 0;
    for (uint32_t l = 0; l < shape->convolutions + shape->dense.layers; l++)
        sum += hpx_cnn_layer_multiplications(shape, l);
    return sum;
}

struct hpx_cnn_work {
    hpx_convolution_layer layers[HPX_CNN_CONVOLUTIONS_MAX];
    /* Per layer, for each block to train by: what it takes (of the first one for all blocks, to evaluate, too), what
     * its way back needs, and which samples dropout keeps of what it gives. */
    float *images[HPX_CNN_CONVOLUTIONS_MAX];
    hpx_kept kept[HPX_CNN_CONVOLUTIONS_MAX];
    uint16_t *stays[HPX_CNN_CONVOLUTIONS_MAX];
    float *last;     /* what the last layer gives for a block */
    float *deltas;   /* the loss's derivatives by what a layer gives, for a block */
    float *gradient; /* of all layers, as the parameters lie */
    hpx_mlp dense;
};

static void *carve(float *block, size_t *used, size_t bytes)
{
    float *part = block ? block + *used : NULL;
    *used += (bytes + 63) / 64 * 16;
    return part;
}

static hpx_mlp make_dense(const hpx_cnn *cnn)
{
    const hpx_mlp_shape *shape = &cnn->shape.dense;
    hpx_mlp dense = {.shape = {.layers = shape->layers + 1, .sizes = {1}},
                     .front = {true, cnn->shape.convolutions,
                               convolution_parameters(&cnn->shape, cnn->shape.convolutions)},
                     .activation = cnn->activation,
                     .dropout = cnn->dropout,
                     .parameters = cnn->parameters};
    memcpy(dense.shape.sizes + 1, shape->sizes, (shape->layers + 1) * sizeof *shape->sizes);
    return dense;
}

/* Blocks of so many rows. */
static size_t blocks(size_t rows)
{
    return (rows + HPX_BLOCK - 1) / HPX_BLOCK;
}

/* The memory that a layer needs for itself. */
static void attach_layer(struct hpx_cnn_work *work, float *block, size_t *used, uint32_t l, bool dropout,
                         size_t train, size_t evaluate)
{
    hpx_convolution_layer *layer = &work->layers[l];
    const size_t vector = HPX_BLOCK * sizeof(float), most = train > evaluate ? train : evaluate,
                 count = weights(&layer->shape) * sizeof(float);
    work->images[l] = carve(block, used, (l == 0 ? most : train > 0 ? train : 1) * layer->in.size * vector);
    layer->weights = carve(block, used, count);
    if (train == 0)
        return;
    layer->delta = carve(block, used, layer->deltas.size * vector);
    if (!layer->first)
        layer->transposed = carve(block, used, count);
    if (layer->passes > 0)
        work->kept[l].passes = carve(block, used, train * layer->passes * sizeof(uint16_t));
    if (layer->derivatives > 0)
        work->kept[l].derivatives = carve(block, used, train * layer->derivatives * vector);
    if (dropout)
        work->stays[l] = carve(block, used, train * values(layer->shape.out) * sizeof(uint16_t));
}

/* The memory that layers share. */
static void attach_shared(const hpx_cnn *cnn, struct hpx_cnn_work *work, float *block, size_t *used,
                          bool train)
{
    const hpx_cnn_shape *shape = &cnn->shape;
    const size_t vector = HPX_BLOCK * sizeof(float);
    size_t sums = 0, products = 0, images = 0;
    for (uint32_t l = 0; l < shape->convolutions; l++) {
        sums = larger(sums, work->layers[l].sums);
        products = larger(products, work->layers[l].products);
        images = larger(images, values(shape->convolution[l].out));
    }
    float *sum = carve(block, used, sums * vector), *derivative = NULL, *product = NULL;
    if (train) {
        derivative = carve(block, used, cnn->activation == HPX_RELU ? 0 : sums * vector);
        product = carve(block, used, products * vector);
        work->deltas = carve(block, used, images * vector);
        work->gradient =
            carve(block, used, convolution_parameters(shape, shape->convolutions) * sizeof(float));
    }
    if (shape->convolutions > 0)
        work->last = carve(block, used, values(shape->convolution[shape->convolutions - 1].out) * vector);
    for (uint32_t l = 0; l < shape->convolutions; l++) {
        work->layers[l].sum = sum;
        work->layers[l].derivative = derivative;
        work->layers[l].product = product;
    }
}

size_t hpx_cnn_attach(hpx_cnn *cnn, float *block, size_t train, size_t evaluate)
{
    const hpx_cnn_shape *shape = &cnn->shape;
    const hpx_batches training = {.rows = train}, evaluation = {.rows = evaluate};
    struct hpx_cnn_work work = {.dense = make_dense(cnn)};
    size_t used = 0;
    struct hpx_cnn_work *self = carve(block, &used, sizeof work);
    for (uint32_t l = 0; l < shape->convolutions; l++) {
        const hpx_convolution *next = l + 1 < shape->convolutions ? &shape->convolution[l + 1] : NULL;
        hpx_convolution_plan(&work.layers[l], &shape->convolution[l], next, cnn->activation, l == 0);
        attach_layer(&work, block, &used, l, cnn->dropout > 0, blocks(train), blocks(evaluate));
    }
    attach_shared(cnn, &work, block, &used, train > 0);
    if (self) /* for the columns beside the images, which nothing else writes */
        memset(block, 0, used * sizeof(float));
    used += hpx_mlp_attach(&work.dense, block ? block + used : NULL, training, evaluation);
    if (self) {
        *self = work;
        cnn->work = self;
    }
    return used;
}

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

/* A matrix of 4 x 4 and its transpose, their rows so far apart. */
static inline void transpose_four(float *to, size_t to_stride, const float *from, size_t from_stride)
{
    const four a = *(const four *)from, b = *(const four *)(from + from_stride),
               c = *(const four *)(from + 2 * from_stride), d = *(const four *)(from + 3 * from_stride);
    const four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5),
               ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7),
               cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(four *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(four *)(to + to_stride) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(four *)(to + 2 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(four *)(to + 3 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* The transpose of a matrix of rows x columns. */
static void transpose(float *to, size_t to_stride, const float *from, size_t from_stride, size_t rows,
                      size_t columns)
{
    const size_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
    if (whole_rows < rows || whole_columns < columns)
        hpx_path_take(HPX_PATH_TRANSPOSE_REST);
    for (size_t i = 0; i < whole_rows; i += 4)
        for (size_t j = 0; j < whole_columns; j += 4)
            transpose_four(to + j * to_stride + i, to_stride, from + i * from_stride + j, from_stride);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = i < whole_rows ? whole_columns : 0; j < columns; j++)
            to[j * to_stride + i] = from[i * from_stride + j];
}

/* Sixteen rows of as many bytes and their transpose. */
typedef uint8_t bytes __attribute__((vector_size(HPX_BLOCK), aligned(1), may_alias));

static inline void transpose_bytes(bytes rows[HPX_BLOCK])
{
    for (int round = 0; round < 4; round++) {
        bytes next[HPX_BLOCK];
#pragma GCC unroll 8
        for (int i = 0; i < HPX_BLOCK / 2; i++) {
            next[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5,
                                                  21, 6, 22, 7, 23);
            next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12,
                                                      28, 13, 29, 14, 30, 15, 31);
        }
        memcpy(rows, next, sizeof next);
    }
}

/* A block's images from the bytes of so many samples, the channel last; those of the others are 0. */
HPX_VECTORISED(static, load_block,
               (float *to, const hpx_planes *planes, hpx_images_size size, const uint8_t *const *samples,
                size_t rows),
               (to, planes, size, samples, rows))
{
    const size_t all = values(size);
    size_t channel = 0, column = 0, row = 0;
    for (size_t first = 0; first < all; first += HPX_BLOCK) {
        const size_t some = all - first < HPX_BLOCK ? all - first : HPX_BLOCK;
        bytes rest[HPX_BLOCK] = {{0}};
        for (size_t i = 0; i < rows; i++) {
            if (some == HPX_BLOCK)
                rest[i] = *(const bytes *)(samples[i] + first);
            else
                memcpy(&rest[i], samples[i] + first, some);
        }
        transpose_bytes(rest);
        for (size_t i = 0; i < some; i++) {
            float *vector =
                to + (channel * planes->plane + row * planes->row + planes->left + column) * HPX_BLOCK;
            for (size_t k = 0; k < HPX_BLOCK; k++)
                vector[k] = (float)rest[i][k] * (1 / 255.0f);
            if (++channel < size.channels)
                continue;
            channel = 0;
            if (++column < size.width)
                continue;
            column = 0;
            row++;
        }
    }
}

#define PREFETCH HPX_BLOCK /* samples ahead */

/* Asks the memory for a sample in advance: shuffled ones lie where no processor expects them. */
static inline void prefetch(const uint8_t *sample, size_t features)
{
    for (size_t j = 0; j < features; j += 64)
        __builtin_prefetch(sample + j);
    __builtin_prefetch(sample + features - 1);
}

void hpx_cnn_load(hpx_cnn *cnn, const uint8_t *samples, const uint32_t *order, size_t rows, size_t more)
{
    struct hpx_cnn_work *work = cnn->work;
    const hpx_convolution_layer *layer = &work->layers[0];
    const bool images = cnn->shape.convolutions > 0;
    const size_t features = images ? values(layer->shape.in) : cnn->shape.dense.sizes[0];
    const size_t stride = hpx_mlp_front_stride(&work->dense);
    const uint8_t *own[HPX_BLOCK];
    if (!images)
        hpx_path_take(HPX_PATH_NO_CONVOLUTION);
    if (images && features % HPX_BLOCK > 0)
        hpx_path_take(HPX_PATH_LOAD_REST);
    for (size_t i = 0; i < rows; i++) {
        own[i % HPX_BLOCK] = samples + (order ? order[i] : i) * features;
        if (i + PREFETCH < rows + more)
            prefetch(samples + (order ? order[i + PREFETCH] : i + PREFETCH) * features, features);
        for (size_t j = 0; j < features && !images; j++)
            work->dense.outputs[0][i * stride + j] = (float)own[i % HPX_BLOCK][j] * (1 / 255.0f);
        if (images && (i + 1 == rows || (i + 1) % HPX_BLOCK == 0))
            load_block(work->images[0] + i / HPX_BLOCK * layer->in.size * HPX_BLOCK, &layer->in,
                       layer->shape.in, own, i % HPX_BLOCK + 1);
    }
}

/* A layer's parameters. */
struct parameters {
    float *weights, *biases;
    size_t count; /* of weights */
};

static struct parameters parameters_of(const hpx_cnn_shape *shape, float *parameters, uint32_t layer)
{
    if (layer < shape->convolutions) {
        float *own = parameters + convolution_parameters(shape, layer);
        const size_t count = weights(&shape->convolution[layer]);
        return (struct parameters){own, own + count, count};
    }
    const uint32_t *sizes = shape->dense.sizes;
    float *own = parameters + convolution_parameters(shape, shape->convolutions);
    layer -= shape->convolutions;
    for (uint32_t l = 0; l < layer; l++)
        own += ((size_t)sizes[l] + 1) * sizes[l + 1];
    const size_t count = (size_t)sizes[layer] * sizes[layer + 1];
    return (struct parameters){own, own + count, count};
}

static uint32_t outputs_of(const hpx_cnn_shape *shape, uint32_t layer)
{
    return layer < shape->convolutions ? shape->convolution[layer].filters
                                       : shape->dense.sizes[layer - shape->convolutions + 1];
}

void hpx_cnn_init(hpx_cnn *cnn, hpx_init init, uint32_t seed)
{
    const hpx_cnn_shape *shape = &cnn->shape;
    hpx_path_take(init == HPX_INIT_HE ? HPX_PATH_HE : HPX_PATH_GLOROT);
    for (uint32_t l = 0; l < shape->convolutions + shape->dense.layers; l++) {
        struct parameters layer = parameters_of(shape, cnn->parameters, l);
        const uint32_t out = outputs_of(shape, l);
        const double in = (double)(layer.count / out),
                     area = l < shape->convolutions
                                ? shape->convolution[l].kernel * shape->convolution[l].kernel
                                : 1;
        const float limit = (float)sqrt(6 / (init == HPX_INIT_HE ? in : in + area * out));
        for (size_t i = 0; i < layer.count; i += 4) {
            uint32_t words[4];
            hpx_random(words, seed, HPX_RANDOM_INIT + l, 0, 0, (uint32_t)(i / 4));
            for (size_t k = i; k < i + 4 && k < layer.count; k++)
                layer.weights[k] = limit * (2 * hpx_random_float(words[k - i]) - 1);
        }
        memset(layer.biases, 0, out * sizeof(float));
    }
}

/* What the way back of one block needs. */
static hpx_kept kept_of(const struct hpx_cnn_work *work, uint32_t l, size_t block)
{
    hpx_kept kept = work->kept[l];
    if (kept.passes)
        kept.passes += block * work->layers[l].passes;
    if (kept.derivatives)
        kept.derivatives += block * work->layers[l].derivatives * HPX_BLOCK;
    return kept;
}

/* vectors[i] *= scale for those samples whose bits are set in bits[i]; the others become 0. */
HPX_VECTORISED(static, keep,
               (float *restrict vectors, const uint16_t *restrict bits, size_t count, float scale),
               (vectors, bits, count, scale))
{
    for (size_t i = 0; i < count; i++, vectors += HPX_BLOCK) {
        const uint32_t own = bits[i];
        for (uint32_t k = 0; k < HPX_BLOCK; k++)
            vectors[k] *= own & 1u << k ? scale : 0;
    }
}

/* For each of `count` values a bit of each sample of a block: whether dropout keeps it. */
HPX_VECTORISED(static, draw_stays,
               (uint16_t * stays, size_t count, float probability, uint32_t layer, hpx_mlp_draw draw),
               (stays, count, probability, layer, draw))
{
    for (size_t i = 0; i < count; i += 4) {
        uint32_t words[HPX_BLOCK][4];
        for (uint32_t k = 0; k < HPX_BLOCK; k++)
            hpx_random(words[k], draw.seed, HPX_RANDOM_DROPOUT + layer, draw.epoch, draw.first + k,
                       (uint32_t)(i / 4));
        for (size_t j = 0; j < 4 && i + j < count; j++) {
            uint32_t bits = 0;
            for (uint32_t k = 0; k < HPX_BLOCK; k++)
                bits |= hpx_random_float(words[k][j]) < probability ? 0 : 1u << k;
            stays[i + j] = (uint16_t)bits;
        }
    }
}

/* As hpx_dropout, for what a layer gives for a block. */
static void drop(const hpx_cnn *cnn, uint32_t l, float *out, size_t block, hpx_mlp_draw draw)
{
    const hpx_convolution_layer *layer = &cnn->work->layers[l];
    const hpx_images_size size = layer->shape.out;
    uint16_t *stays = cnn->work->stays[l] + block * values(size);
    hpx_path_take(values(size) % 4 == 0 ? HPX_PATH_IMAGES_DROPOUT : HPX_PATH_IMAGES_DROPOUT_REST);
    draw.first += (uint32_t)block * HPX_BLOCK;
    draw_stays(stays, values(size), cnn->dropout, l, draw);
    out += layer->out.left * HPX_BLOCK;
    for (size_t c = 0; c < size.channels; c++)
        for (size_t y = 0; y < size.height; y++, stays += size.width)
            keep(out + (c * layer->out.plane + y * layer->out.row) * HPX_BLOCK, stays, size.width,
                 1 / (1 - cnn->dropout));
}

/* Runs all convolutions; what the last gives become the rows that the perceptron takes. `draw` NULL: no way back
 * follows, and a block's images make room for the next one's. */
static void forward(hpx_cnn *cnn, size_t rows, const hpx_mlp_draw *draw)
{
    struct hpx_cnn_work *work = cnn->work;
    const uint32_t depth = cnn->shape.convolutions;
    const size_t stride = hpx_mlp_front_stride(&work->dense);
    work->dense.parameters = cnn->parameters;
    for (uint32_t l = 0; l < depth; l++)
        hpx_convolution_pack(&work->layers[l], parameters_of(&cnn->shape, cnn->parameters, l).weights);
    for (size_t b = 0; b < blocks(rows) && depth > 0; b++) {
        hpx_path_take(rows - b * HPX_BLOCK < HPX_BLOCK ? HPX_PATH_BLOCK_PART : HPX_PATH_BLOCK_WHOLE);
        for (uint32_t l = 0; l < depth; l++) {
            const hpx_convolution_layer *layer = &work->layers[l];
            const float *in = work->images[l] + (draw || l == 0 ? b : 0) * layer->in.size * HPX_BLOCK;
            float *out = l + 1 < depth ? work->images[l + 1] + (draw ? b : 0) * layer->out.size * HPX_BLOCK
                                       : work->last;
            const hpx_kept kept = kept_of(work, l, b);
            hpx_convolution_forward(layer, parameters_of(&cnn->shape, cnn->parameters, l).biases, in, out,
                                    draw ? &kept : NULL);
            if (draw && cnn->dropout > 0)
                drop(cnn, l, out, b, *draw);
        }
        const size_t first = b * HPX_BLOCK, some = rows - first < HPX_BLOCK ? rows - first : HPX_BLOCK;
        transpose(work->dense.outputs[0] + first * stride, stride, work->last, HPX_BLOCK,
                  work->layers[depth - 1].out.size, some);
    }
}

static void backward(hpx_cnn *cnn, size_t rows)
{
    struct hpx_cnn_work *work = cnn->work;
    const uint32_t depth = cnn->shape.convolutions;
    const size_t stride = hpx_mlp_front_stride(&work->dense);
    memset(work->gradient, 0, convolution_parameters(&cnn->shape, depth) * sizeof(float));
    for (size_t b = 0; b < blocks(rows); b++) {
        const size_t first = b * HPX_BLOCK, some = rows - first < HPX_BLOCK ? rows - first : HPX_BLOCK,
                     size = work->layers[depth - 1].out.size;
        if (some < HPX_BLOCK)
            memset(work->deltas, 0, size * HPX_BLOCK * sizeof(float));
        transpose(work->deltas, HPX_BLOCK, work->dense.deltas[0] + first * stride, stride, some, size);
        for (uint32_t l = depth; l-- > 0;) {
            const hpx_convolution_layer *layer = &work->layers[l];
            const size_t all = values(layer->shape.out);
            const hpx_kept kept = kept_of(work, l, b);
            if (cnn->dropout > 0)
                keep(work->deltas, work->stays[l] + b * all, all, 1 / (1 - cnn->dropout));
            hpx_convolution_backward(layer, work->gradient + convolution_parameters(&cnn->shape, l),
                                     work->deltas, work->images[l] + b * layer->in.size * HPX_BLOCK, &kept);
        }
    }
}

hpx_tally hpx_cnn_evaluate(hpx_cnn *cnn, const uint8_t *labels, size_t rows)
{
    const hpx_cnn_shape *shape = &cnn->shape;
    forward(cnn, rows, NULL);
    const hpx_tally sums = hpx_mlp_evaluate(&cnn->work->dense, labels, rows);
    const uint32_t last = shape->dense.layers, classes = shape->dense.sizes[last];
    const float *biases = parameters_of(shape, cnn->parameters, shape->convolutions + last - 1).biases;
    float *logits = cnn->work->dense.outputs[last];
    for (size_t i = 0; i < rows * classes; i++)
        logits[i] += biases[i % classes];
    return sums;
}

hpx_tally hpx_cnn_gradient(hpx_cnn *cnn, const uint8_t *labels, size_t rows, hpx_mlp_draw draw,
                           hpx_gradient_fn *take, void *context)
{
    forward(cnn, rows, &draw);
    const hpx_tally sums = hpx_mlp_gradient(&cnn->work->dense, labels, rows, draw, take, context);
    if (cnn->shape.convolutions > 0) {
        backward(cnn, rows);
        take(context, &(hpx_gradient){cnn->work->gradient, 0,
                                      convolution_parameters(&cnn->shape, cnn->shape.convolutions)});
    }
    return sums;
}

const float *hpx_cnn_logits(const hpx_cnn *cnn)
{
    return cnn->work->dense.outputs[cnn->shape.dense.layers];
}

void hpx_cnn_read_weights(float *weights, float *biases, const hpx_cnn_shape *shape, const float *parameters,
                          uint32_t layer)
{
    const struct parameters from = parameters_of(shape, (float *)parameters, layer);
    memcpy(weights, from.weights, from.count * sizeof(float));
    memcpy(biases, from.biases, outputs_of(shape, layer) * sizeof(float));
}

void hpx_cnn_write_weights(float *parameters, const hpx_cnn_shape *shape, uint32_t layer,
                           const float *weights, const float *biases)
{
    const struct parameters to = parameters_of(shape, parameters, layer);
    memcpy(to.weights, weights, to.count * sizeof(float));
    memcpy(to.biases, biases, outputs_of(shape, layer) * sizeof(float));
}
