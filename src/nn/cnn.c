/* Forward and backward passes of convolutions: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based
 * learning applied to document recognition", Proceedings of the IEEE 86(11), 1998; as formulas in V. Dumoulin and
 * F. Visin, "A guide to convolution arithmetic for deep learning", 2016. The dense layers are a perceptron
 * behind them (hpx_front of mlp.h). */
#include "nn/cnn.h"

#include "activation.h"
#include "base/random.h"
#include "path.h"

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

/* What a convolution keeps of a batch, row by row of samples. */
struct layer {
    float *values, *derivatives; /* what the activation gives, and its derivatives, for each of the sums */
    float *out;    /* what pooling gives, after dropout; of the last layer they are the perceptron's */
    float *deltas; /* the loss's derivatives by `out` */
    size_t out_stride;
};

struct hpx_cnn_work {
    float *inputs; /* as PyTorch flattens them */
    struct layer layers[HPX_CNN_CONVOLUTIONS_MAX];
    float *deltas;   /* the loss's derivatives by the sums of one layer */
    float *gradient; /* of one layer's weights and biases */
    float *biases;   /* zeros, for the activation */
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

size_t hpx_cnn_attach(hpx_cnn *cnn, float *block, size_t train, size_t evaluate)
{
    const hpx_cnn_shape *shape = &cnn->shape;
    const size_t rows = train > evaluate ? train : evaluate;
    struct hpx_cnn_work work = {.dense = make_dense(cnn)};
    size_t used = 0, sums = 0, most = 0;
    struct hpx_cnn_work *self = carve(block, &used, sizeof work);
    if (shape->convolutions > 0)
        work.inputs = carve(block, &used, rows * values(shape->convolution[0].in) * sizeof(float));
    for (uint32_t l = 0; l < shape->convolutions; l++) {
        const hpx_convolution *c = &shape->convolution[l];
        const size_t bytes = rows * values(c->sums) * sizeof(float);
        sums = values(c->sums) > sums ? values(c->sums) : sums;
        most = weights(c) + c->filters > most ? weights(c) + c->filters : most;
        work.layers[l].values = carve(block, &used, bytes);
        work.layers[l].derivatives = carve(block, &used, bytes);
        if (l + 1 < shape->convolutions) {
            work.layers[l].out_stride = values(c->out);
            work.layers[l].out = carve(block, &used, rows * values(c->out) * sizeof(float));
            work.layers[l].deltas = carve(block, &used, rows * values(c->out) * sizeof(float));
        }
    }
    work.deltas = carve(block, &used, rows * sums * sizeof(float));
    work.gradient = carve(block, &used, most * sizeof(float));
    work.biases = carve(block, &used, sums * sizeof(float));
    const hpx_batches training = {.rows = train}, evaluation = {.rows = evaluate};
    used += hpx_mlp_attach(&work.dense, block ? block + used : NULL, training, evaluation);
    if (shape->convolutions > 0) {
        struct layer *last = &work.layers[shape->convolutions - 1];
        last->out = work.dense.outputs[0];
        last->deltas = work.dense.deltas[0];
        last->out_stride = hpx_mlp_front_stride(&work.dense);
    }
    if (self) {
        *self = work;
        memset(self->biases, 0, sums * sizeof(float));
        cnn->work = self;
    }
    return used;
}

/* A sample's bytes, the channel last, as images one channel after the other. */
static void scale_pixels(float *to, const uint8_t *sample, hpx_images_size size)
{
    for (size_t i = 0; i < area(size); i++)
        for (size_t c = 0; c < size.channels; c++)
            to[c * area(size) + i] = (float)sample[i * size.channels + c] * (1 / 255.0f);
}

void hpx_cnn_load(hpx_cnn *cnn, const uint8_t *samples, const uint32_t *order, size_t rows, size_t more)
{
    (void)more;
    struct hpx_cnn_work *work = cnn->work;
    const bool front = cnn->shape.convolutions > 0;
    const hpx_images_size size =
        front ? cnn->shape.convolution[0].in : (hpx_images_size){cnn->shape.dense.sizes[0], 1, 1};
    const size_t stride = front ? values(size) : hpx_mlp_front_stride(&work->dense);
    float *to = front ? work->inputs : work->dense.outputs[0];
    for (size_t i = 0; i < rows; i++)
        scale_pixels(to + i * stride, samples + (order ? order[i] : i) * values(size), size);
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

/* The input's row or column that a kernel's sees for this one of the sums, or SIZE_MAX in the padding. */
static size_t seen(size_t place, size_t offset, uint32_t stride, uint32_t padding, uint32_t size)
{
    const size_t at = place * stride + offset;
    return at >= padding && at - padding < size ? at - padding : SIZE_MAX;
}

/* Calls for every product of a weight and an input: `each` gets the numbers of the sum, the weight and the
 * input. */
#define FOR_EACH_PRODUCT(c, sum, weight, input, statement)                                                   \
    for (size_t f = 0; f < (c)->filters; f++)                                                                \
        for (size_t y = 0; y < (c)->sums.height; y++)                                                        \
            for (size_t x = 0; x < (c)->sums.width; x++)                                                     \
                for (size_t n = 0; n < (c)->in.channels; n++)                                                \
                    for (size_t ky = 0; ky < (c)->kernel; ky++)                                              \
                        for (size_t kx = 0; kx < (c)->kernel; kx++) {                                        \
                            const size_t iy = seen(y, ky, (c)->stride, (c)->top, (c)->in.height),            \
                                         ix = seen(x, kx, (c)->stride, (c)->left, (c)->in.width);            \
                            if (iy == SIZE_MAX || ix == SIZE_MAX)                                            \
                                continue;                                                                    \
                            const size_t sum = (f * (c)->sums.height + y) * (c)->sums.width + x,             \
                                         weight =                                                            \
                                             ((f * (c)->in.channels + n) * (c)->kernel + ky) * (c)->kernel + \
                                             kx,                                                             \
                                         input = (n * (c)->in.height + iy) * (c)->in.width + ix;             \
                            statement;                                                                       \
                        }

/* The place of the window's value that pooling gives, among the sums, and how many others come behind it. */
static size_t window(const hpx_convolution *c, size_t out)
{
    const size_t x = out % c->out.width, y = out / c->out.width % c->out.height, f = out / area(c->out);
    return (f * c->sums.height + y * c->pool) * c->sums.width + x * c->pool;
}

static size_t largest(const hpx_convolution *c, const float *sums, size_t first)
{
    size_t best = first;
    for (size_t y = 0; y < c->pool; y++)
        for (size_t x = 0; x < c->pool; x++)
            if (sums[first + y * c->sums.width + x] > sums[best])
                best = first + y * c->sums.width + x;
    return best;
}

static void pool(const hpx_convolution *c, float *out, const float *sums)
{
    for (size_t i = 0; i < values(c->out); i++) {
        const size_t first = window(c, i);
        float sum = 0;
        for (size_t y = 0; y < c->pool; y++)
            for (size_t x = 0; x < c->pool; x++)
                sum += sums[first + y * c->sums.width + x];
        out[i] = c->average ? sum / (float)(c->pool * c->pool) : sums[largest(c, sums, first)];
    }
}

static void unpool(const hpx_convolution *c, float *deltas, const float *out_deltas, const float *sums)
{
    memset(deltas, 0, values(c->sums) * sizeof(float));
    for (size_t i = 0; i < values(c->out); i++) {
        const size_t first = window(c, i);
        if (!c->average) {
            deltas[largest(c, sums, first)] = out_deltas[i];
            continue;
        }
        for (size_t y = 0; y < c->pool; y++)
            for (size_t x = 0; x < c->pool; x++)
                deltas[first + y * c->sums.width + x] = out_deltas[i] / (float)(c->pool * c->pool);
    }
}

struct images {
    float *values, *deltas;
    size_t stride;
};

static struct images inputs_of(const hpx_cnn *cnn, uint32_t layer)
{
    struct hpx_cnn_work *work = cnn->work;
    if (layer == 0)
        return (struct images){work->inputs, NULL, values(cnn->shape.convolution[0].in)};
    const struct layer *before = &work->layers[layer - 1];
    return (struct images){before->out, before->deltas, before->out_stride};
}

static void forward_layer(hpx_cnn *cnn, uint32_t l, size_t rows, const hpx_mlp_draw *draw)
{
    struct hpx_cnn_work *work = cnn->work;
    const hpx_convolution *c = &cnn->shape.convolution[l];
    const struct parameters p = parameters_of(&cnn->shape, cnn->parameters, l);
    const struct images in = inputs_of(cnn, l);
    struct layer *layer = &work->layers[l];
    for (size_t i = 0; i < rows; i++) {
        float *sums = layer->values + i * values(c->sums);
        for (size_t k = 0; k < values(c->sums); k++)
            sums[k] = p.biases[k / area(c->sums)];
        const float *image = in.values + i * in.stride;
        FOR_EACH_PRODUCT(c, sum, weight, input, sums[sum] += p.weights[weight] * image[input])
        hpx_activation_forward(cnn->activation, sums, layer->derivatives + i * values(c->sums), work->biases,
                               1, values(c->sums), values(c->sums));
        if (cnn->activation == HPX_RELU)
            for (size_t k = 0; k < values(c->sums); k++)
                layer->derivatives[i * values(c->sums) + k] = sums[k] > 0 ? 1 : 0;
        pool(c, layer->out + i * layer->out_stride, sums);
    }
    if (draw && cnn->dropout > 0)
        hpx_dropout(layer->out, NULL, rows, 0, values(c->out), layer->out_stride, cnn->dropout, l, *draw);
}

static void backward_layer(hpx_cnn *cnn, uint32_t l, size_t rows, const hpx_mlp_draw *draw,
                           hpx_gradient_fn *take, void *context)
{
    struct hpx_cnn_work *work = cnn->work;
    const hpx_convolution *c = &cnn->shape.convolution[l];
    const struct parameters p = parameters_of(&cnn->shape, cnn->parameters, l);
    const struct images in = inputs_of(cnn, l);
    struct layer *layer = &work->layers[l];
    float *deltas = work->deltas, *gradient = work->gradient, *biases = gradient + p.count;
    memset(gradient, 0, (p.count + c->filters) * sizeof(float));
    if (cnn->dropout > 0)
        hpx_dropout(layer->deltas, NULL, rows, 0, values(c->out), layer->out_stride, cnn->dropout, l, *draw);
    for (size_t i = 0; i < rows; i++) {
        unpool(c, deltas, layer->deltas + i * layer->out_stride, layer->values + i * values(c->sums));
        for (size_t k = 0; k < values(c->sums); k++) {
            deltas[k] *= layer->derivatives[i * values(c->sums) + k];
            biases[k / area(c->sums)] += deltas[k];
        }
        const float *image = in.values + i * in.stride;
        FOR_EACH_PRODUCT(c, sum, weight, input, gradient[weight] += deltas[sum] * image[input])
        if (!in.deltas)
            continue;
        float *to = in.deltas + i * in.stride;
        memset(to, 0, values(c->in) * sizeof(float));
        FOR_EACH_PRODUCT(c, sum, weight, input, to[input] += deltas[sum] * p.weights[weight])
    }
    take(context, &(hpx_gradient){gradient, (size_t)(p.weights - cnn->parameters), p.count + c->filters});
}

static void forward(hpx_cnn *cnn, size_t rows, const hpx_mlp_draw *draw)
{
    cnn->work->dense.parameters = cnn->parameters;
    for (uint32_t l = 0; l < cnn->shape.convolutions; l++)
        forward_layer(cnn, l, rows, draw);
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
    for (uint32_t l = cnn->shape.convolutions; l-- > 0;)
        backward_layer(cnn, l, rows, &draw, take, context);
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
