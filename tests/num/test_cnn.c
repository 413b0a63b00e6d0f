/* Convolutional networks against one written once more, as plain loops in double precision, whose gradient is in
 * turn compared with central differences. */
#include "../helper/gradient.h"
#include "base/random.h"
#include "nn/cnn.h"
#include "nn/vector.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

enum { LAYERS_MAX = 8, CLASSES = 5, PLACE = 100 };

/* What makes a convolution: the rest follows from its input. */
struct settings {
    uint32_t filters, kernel, stride, top, left, bottom, right, pool;
    bool average;
};

static double uniform(uint32_t purpose, uint32_t index)
{
    uint32_t words[4];
    hpx_random(words, 99, purpose, 0, 0, index);
    return (double)hpx_random_float(words[0]);
}

static size_t count(hpx_images_size images)
{
    return (size_t)images.height * images.width * images.channels;
}

static void add_convolution(hpx_cnn_shape *shape, hpx_images_size in, struct settings s)
{
    const hpx_images_size sums = {(in.height + s.top + s.bottom - s.kernel) / s.stride + 1,
                                  (in.width + s.left + s.right - s.kernel) / s.stride + 1, s.filters};
    hpx_convolution *c = &shape->convolution[shape->convolutions++];
    *c = (hpx_convolution){in,       s.filters, s.kernel, s.stride, s.top,     s.left,
                           s.bottom, s.right,   sums,     s.pool,   s.average, sums};
    c->out.height /= s.pool;
    c->out.width /= s.pool;
    assert_true(c->out.height > 0 && c->out.width > 0);
}

static hpx_cnn_shape make_shape(hpx_images_size in, const struct settings *convolutions, size_t depth,
                                const uint32_t *hidden, uint32_t layers)
{
    hpx_cnn_shape shape = {0};
    for (size_t l = 0; l < depth; l++) {
        add_convolution(&shape, in, convolutions[l]);
        in = shape.convolution[l].out;
    }
    shape.dense = (hpx_mlp_shape){.layers = layers + 1, .sizes = {(uint32_t)count(in)}};
    if (layers > 0)
        memcpy(shape.dense.sizes + 1, hidden, layers * sizeof *hidden);
    shape.dense.sizes[layers + 1] = CLASSES;
    return shape;
}

/* The reference: a network with its weights in PyTorch's order, and for each layer its input, the activation's
 * values and derivatives by the sums, and the loss's derivatives by those. */
struct layer {
    size_t inputs, sums, weights, biases;
    double *w, *b, *w_gradient, *b_gradient;
    double *in, *values, *derivatives, *deltas, *in_deltas;
};

struct reference {
    const hpx_cnn *cnn;
    size_t layers;
    struct layer layer[LAYERS_MAX];
    double logits[CLASSES];
};

static double *zeros(size_t length)
{
    double *array = calloc(length + 1, sizeof *array);
    assert_non_null(array);
    return array;
}

static void measure(struct layer *layer, const hpx_cnn_shape *shape, size_t l)
{
    if (l < shape->convolutions) {
        const hpx_convolution *c = &shape->convolution[l];
        *layer = (struct layer){count(c->in), count(c->sums),
                                (size_t)c->filters * c->in.channels * c->kernel * c->kernel, c->filters};
        return;
    }
    const uint32_t *sizes = shape->dense.sizes + l - shape->convolutions;
    *layer = (struct layer){sizes[0], sizes[1], (size_t)sizes[0] * sizes[1], sizes[1]};
}

static struct reference make_reference(const hpx_cnn *cnn)
{
    struct reference r = {cnn, cnn->shape.convolutions + cnn->shape.dense.layers, {{0}}, {0}};
    assert_true(r.layers <= LAYERS_MAX);
    for (size_t l = 0; l < r.layers; l++) {
        struct layer *layer = &r.layer[l];
        measure(layer, &cnn->shape, l);
        layer->w = zeros(layer->weights);
        layer->b = zeros(layer->biases);
        layer->w_gradient = zeros(layer->weights);
        layer->b_gradient = zeros(layer->biases);
        layer->in = zeros(layer->inputs);
        layer->values = zeros(layer->sums);
        layer->derivatives = zeros(layer->sums);
        layer->deltas = zeros(layer->sums);
        layer->in_deltas = zeros(layer->inputs);
        float *w = malloc((layer->weights + layer->biases) * sizeof *w), *b = w + layer->weights;
        assert_non_null(w);
        hpx_cnn_read_weights(w, b, &cnn->shape, cnn->parameters, (uint32_t)l);
        for (size_t i = 0; i < layer->weights; i++)
            layer->w[i] = (double)w[i];
        for (size_t i = 0; i < layer->biases; i++)
            layer->b[i] = (double)b[i];
        free(w);
    }
    return r;
}

static void free_reference(struct reference *r)
{
    for (size_t l = 0; l < r->layers; l++) {
        struct layer *layer = &r->layer[l];
        double *const arrays[] = {layer->w,          layer->b,         layer->w_gradient,
                                  layer->b_gradient, layer->in,        layer->values,
                                  layer->deltas,     layer->in_deltas, layer->derivatives};
        for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
            free(arrays[i]);
    }
}

static double activate(hpx_activation kind, double z)
{
    switch (kind) {
    case HPX_RELU:
        return fmax(z, 0);
    case HPX_TANH:
        return tanh(z);
    case HPX_SIGMOID:
        return 1 / (1 + exp(-z));
    case HPX_GELU:
        return z * (1 + erf(z / sqrt(2))) / 2;
    }
    return NAN;
}

static double derivative(hpx_activation kind, double z)
{
    const double y = activate(kind, z);
    switch (kind) {
    case HPX_RELU:
        return z > 0;
    case HPX_TANH:
        return 1 - y * y;
    case HPX_SIGMOID:
        return y * (1 - y);
    case HPX_GELU:
        return (1 + erf(z / sqrt(2))) / 2 + z * exp(-z * z / 2) / sqrt(2 * M_PI);
    }
    return NAN;
}

static const hpx_mlp_draw draw = {.seed = 5, .epoch = 3, .first = PLACE};

/* What dropout multiplies unit `unit` of a layer's output by. */
static double dropout_factor(const struct reference *r, size_t layer, size_t row, size_t unit, bool drop)
{
    uint32_t words[4];
    if (!drop || r->cnn->dropout == 0)
        return 1;
    hpx_random(words, draw.seed, HPX_RANDOM_DROPOUT + (uint32_t)layer, draw.epoch, draw.first + (uint32_t)row,
               (uint32_t)unit / 4);
    return hpx_random_float(words[unit % 4]) < r->cnn->dropout ? 0 : 1 / (1 - (double)r->cnn->dropout);
}

/* sums += weights * inputs, or with `back` the two gradients of that. */
static void convolve(const hpx_convolution *c, struct layer *layer, bool back)
{
    size_t w = 0;
    for (uint32_t f = 0; f < c->filters; f++)
        for (uint32_t n = 0; n < c->in.channels; n++)
            for (uint32_t ky = 0; ky < c->kernel; ky++)
                for (uint32_t kx = 0; kx < c->kernel; kx++, w++)
                    for (uint32_t y = 0; y < c->sums.height; y++)
                        for (uint32_t x = 0; x < c->sums.width; x++) {
                            const long row = (long)y * c->stride + ky - c->top,
                                       column = (long)x * c->stride + kx - c->left;
                            if (row < 0 || row >= c->in.height || column < 0 || column >= c->in.width)
                                continue;
                            const size_t in = (n * c->in.height + row) * c->in.width + column,
                                         sum = (f * c->sums.height + y) * c->sums.width + x;
                            if (!back) {
                                layer->values[sum] += layer->w[w] * layer->in[in];
                                continue;
                            }
                            layer->w_gradient[w] += layer->deltas[sum] * layer->in[in];
                            layer->in_deltas[in] += layer->deltas[sum] * layer->w[w];
                        }
}

static void multiply(struct layer *layer, bool back)
{
    for (size_t j = 0; j < layer->sums; j++)
        for (size_t i = 0; i < layer->inputs; i++) {
            if (!back) {
                layer->values[j] += layer->w[j * layer->inputs + i] * layer->in[i];
                continue;
            }
            layer->w_gradient[j * layer->inputs + i] += layer->deltas[j] * layer->in[i];
            layer->in_deltas[i] += layer->deltas[j] * layer->w[j * layer->inputs + i];
        }
}

/* The sums of window `i`, pooled; with `back` the derivative by that goes to those it came from. */
static double pool(const hpx_convolution *c, struct layer *layer, size_t i, double delta, bool back)
{
    const size_t x = i % c->out.width * c->pool, y = i / c->out.width % c->out.height * c->pool,
                 filter = i / c->out.width / c->out.height;
    size_t best = SIZE_MAX;
    double sum = 0;
    for (size_t row = y; row < y + c->pool; row++)
        for (size_t column = x; column < x + c->pool; column++) {
            const size_t at = (filter * c->sums.height + row) * c->sums.width + column;
            sum += layer->values[at];
            if (best == SIZE_MAX || layer->values[at] > layer->values[best])
                best = at;
            if (back && c->average)
                layer->deltas[at] = delta / (c->pool * c->pool);
        }
    if (back && !c->average)
        layer->deltas[best] = delta;
    return c->average ? sum / (c->pool * c->pool) : layer->values[best];
}

/* The loss of a sample. */
static double forward(struct reference *r, const uint8_t *sample, size_t row, uint8_t label, bool drop)
{
    const hpx_cnn_shape *shape = &r->cnn->shape;
    const size_t channels = shape->convolutions ? shape->convolution[0].in.channels : 1,
                 area = r->layer[0].inputs / channels;
    for (size_t i = 0; i < area; i++)
        for (size_t n = 0; n < channels; n++)
            r->layer[0].in[n * area + i] = sample[i * channels + n] / 255.0;
    for (size_t l = 0; l < r->layers; l++) {
        struct layer *layer = &r->layer[l];
        const bool convolution = l < shape->convolutions, last = l + 1 == r->layers;
        double *out = last ? r->logits : layer[1].in;
        for (size_t j = 0; j < layer->sums; j++)
            layer->values[j] = layer->b[j / (layer->sums / layer->biases)];
        if (convolution)
            convolve(&shape->convolution[l], layer, false);
        else
            multiply(layer, false);
        for (size_t j = 0; j < layer->sums && !last; j++) {
            layer->derivatives[j] = derivative(r->cnn->activation, layer->values[j]);
            layer->values[j] = activate(r->cnn->activation, layer->values[j]);
        }
        for (size_t j = 0; j < (last ? CLASSES : layer[1].inputs); j++)
            out[j] = (convolution ? pool(&shape->convolution[l], layer, j, 0, false) : layer->values[j]) *
                     (last ? 1 : dropout_factor(r, l, row, j, drop));
    }
    double sum = 0;
    for (size_t j = 0; j < CLASSES; j++)
        sum += exp(r->logits[j] - r->logits[label]);
    return log(sum);
}

/* Adds to the gradient that of a sample's loss, after its forward pass. */
static void backward(struct reference *r, size_t row, uint8_t label, bool drop)
{
    const hpx_cnn_shape *shape = &r->cnn->shape;
    for (size_t l = r->layers; l-- > 0;) {
        struct layer *layer = &r->layer[l];
        memset(layer->deltas, 0, layer->sums * sizeof(double));
        memset(layer->in_deltas, 0, layer->inputs * sizeof(double));
        double sum = 0;
        for (size_t j = 0; j < CLASSES; j++)
            sum += exp(r->logits[j]);
        for (size_t j = 0; j < CLASSES && l + 1 == r->layers; j++)
            layer->deltas[j] = exp(r->logits[j]) / sum - (j == label);
        for (size_t j = 0; l + 1 < r->layers && j < layer[1].inputs; j++) {
            const double delta = layer[1].in_deltas[j] * dropout_factor(r, l, row, j, drop);
            if (l < shape->convolutions)
                pool(&shape->convolution[l], layer, j, delta, true);
            else
                layer->deltas[j] = delta;
        }
        for (size_t j = 0; j < layer->sums; j++) {
            layer->deltas[j] *= l + 1 < r->layers ? layer->derivatives[j] : 1;
            layer->b_gradient[j / (layer->sums / layer->biases)] += layer->deltas[j];
        }
        if (l < shape->convolutions)
            convolve(&shape->convolution[l], layer, true);
        else
            multiply(layer, true);
    }
}

/* A network and a batch. */
struct fixture {
    hpx_cnn cnn;
    float *block, *gradients;
    size_t rows;
    uint8_t *samples, *labels;
};

static void set_up(struct fixture *f, const hpx_cnn_shape *shape, size_t rows, hpx_activation activation,
                   float dropout)
{
    const size_t parameters = hpx_cnn_parameters(shape),
                 features = shape->convolutions ? count(shape->convolution[0].in) : shape->dense.sizes[0];
    *f = (struct fixture){.cnn = {.shape = *shape, .activation = activation, .dropout = dropout},
                          .rows = rows};
    f->cnn.parameters = calloc(parameters, sizeof(float));
    f->gradients = calloc(parameters, sizeof(float));
    f->samples = calloc(rows, features);
    f->labels = calloc(rows, 1);
    const size_t floats = hpx_cnn_attach(&f->cnn, NULL, rows, rows);
    f->block = aligned_alloc(64, (floats + 15) / 16 * 64);
    assert_true(f->cnn.parameters && f->gradients && f->samples && f->labels && f->block);
    memset(f->block, 0xff, floats * sizeof(float)); /* no NaN of memory may come into a number */
    assert_int_equal(hpx_cnn_attach(&f->cnn, f->block, rows, rows), floats);
    hpx_cnn_init(&f->cnn, HPX_INIT_HE, 7);
    for (uint32_t l = 0; l < shape->convolutions + shape->dense.layers; l++) {
        struct layer layer;
        measure(&layer, shape, l);
        float *w = malloc((layer.weights + layer.biases) * sizeof *w), *b = w + layer.weights;
        assert_non_null(w);
        hpx_cnn_read_weights(w, b, shape, f->cnn.parameters, l);
        for (uint32_t j = 0; j < layer.biases; j++) {
            assert_true(b[j] == 0);
            b[j] = 0.3f * ((float)uniform(1, 1000 * l + j) - 0.5f);
        }
        hpx_cnn_write_weights(f->cnn.parameters, shape, l, w, b);
        free(w);
    }
    for (size_t i = 0; i < rows * features; i++)
        f->samples[i] = (uint8_t)(256 * uniform(2, (uint32_t)i));
    for (size_t i = 0; i < rows; i++)
        f->labels[i] = (uint8_t)(CLASSES * uniform(3, (uint32_t)i));
}

static void tear_down(struct fixture *f)
{
    free(f->cnn.parameters);
    free(f->gradients);
    free(f->samples);
    free(f->labels);
    free(f->block);
}

/* The mean loss of the batch; its gradient, too, if `back`. */
static double reference_mean(struct reference *r, const struct fixture *f, bool drop, bool back)
{
    double sum = 0;
    for (size_t i = 0; i < f->rows; i++) {
        sum += forward(r, f->samples + i * r->layer[0].inputs, i, f->labels[i], drop);
        if (back)
            backward(r, i, f->labels[i], drop);
    }
    return sum / (double)f->rows;
}

static void check_evaluation(struct fixture *f)
{
    struct reference r = make_reference(&f->cnn);
    double sum = 0;
    uint64_t correct = 0;
    hpx_cnn_load(&f->cnn, f->samples, NULL, f->rows, 0);
    const hpx_tally sums = hpx_cnn_evaluate(&f->cnn, f->labels, f->rows);
    for (size_t i = 0; i < f->rows; i++) {
        const float *logits = hpx_cnn_logits(&f->cnn) + i * CLASSES;
        sum += forward(&r, f->samples + i * r.layer[0].inputs, i, f->labels[i], false);
        size_t best = 0;
        for (size_t j = 0; j < CLASSES; j++) {
            if (!(fabs((double)logits[j] - r.logits[j]) < 1e-5 * (1 + fabs(r.logits[j]))))
                fail_msg("sample %zu, class %zu: %.9g instead of %.9g", i, j, (double)logits[j], r.logits[j]);
            best = logits[j] > logits[best] ? j : best;
        }
        correct += best == f->labels[i];
    }
    assert_true(fabs(sums.loss - sum) < 1e-5 * (1 + fabs(sum)));
    assert_int_equal(sums.correct, correct);
    free_reference(&r);
}

static void check_array(const char *what, size_t layer, const float *found, const double *expected,
                        size_t length, double scale)
{
    double largest = 0;
    for (size_t i = 0; i < length; i++)
        largest = fmax(largest, fabs(expected[i] * scale));
    for (size_t i = 0; i < length; i++)
        if (!(fabs((double)found[i] - expected[i] * scale) < 1e-7 + 1e-5 * largest))
            fail_msg("layer %zu, %s %zu: %.9g instead of %.9g", layer, what, i, (double)found[i],
                     expected[i] * scale);
}

static void check_gradient(struct fixture *f)
{
    const bool drop = f->cnn.dropout > 0;
    const size_t parameters = hpx_cnn_parameters(&f->cnn.shape);
    struct reference r = make_reference(&f->cnn);
    for (size_t i = 0; i < parameters; i++)
        f->gradients[i] = NAN;
    hpx_cnn_load(&f->cnn, f->samples, NULL, f->rows, 0);
    const hpx_tally sums = hpx_cnn_gradient(&f->cnn, f->labels, f->rows, draw, gather_gradient, f->gradients);
    const double mean = reference_mean(&r, f, drop, true);
    assert_true(fabs(sums.loss / (double)f->rows - mean) < 1e-5 * (1 + mean));
    for (size_t l = 0; l < r.layers; l++) {
        const struct layer *layer = &r.layer[l];
        float *w = malloc((layer->weights + layer->biases) * sizeof *w), *b = w + layer->weights;
        assert_non_null(w);
        hpx_cnn_read_weights(w, b, &f->cnn.shape, f->gradients, (uint32_t)l);
        check_array("weight", l, w, layer->w_gradient, layer->weights, 1 / (double)f->rows);
        check_array("bias", l, b, layer->b_gradient, layer->biases, 1 / (double)f->rows);
        free(w);
    }
    free_reference(&r);
}

static void check_differences(struct reference *r, const struct fixture *f, double *parameters,
                              const double *gradient, size_t length)
{
    const bool drop = f->cnn.dropout > 0;
    const double h = 1e-5;
    for (size_t i = 0; i < length; i++) {
        const double value = parameters[i];
        parameters[i] = value + h;
        double difference = reference_mean(r, f, drop, false);
        parameters[i] = value - h;
        difference = (difference - reference_mean(r, f, drop, false)) / (2 * h);
        parameters[i] = value;
        assert_true(fabs(difference - gradient[i] / (double)f->rows) < 1e-7 + 1e-6 * fabs(difference));
    }
}

/* The reference's own gradient, and so that of cnn.c. */
static void check_reference(struct fixture *f)
{
    struct reference r = make_reference(&f->cnn);
    reference_mean(&r, f, f->cnn.dropout > 0, true);
    for (size_t l = 0; l < r.layers; l++) {
        check_differences(&r, f, r.layer[l].w, r.layer[l].w_gradient, r.layer[l].weights);
        check_differences(&r, f, r.layer[l].b, r.layer[l].b_gradient, r.layer[l].biases);
    }
    free_reference(&r);
}

/* Odd and even kernels, strides, paddings that are not the same on all sides, rows left over by a stride or by
 * pooling, windows as large as the image. */
static void test_layers(void **state)
{
    static const struct settings kinds[] = {
        {3, 1, 1, 0, 0, 0, 0, 1, false},  {2, 3, 1, 1, 1, 1, 1, 2, false}, {3, 2, 1, 0, 0, 1, 1, 2, true},
        {2, 5, 1, 2, 2, 2, 2, 3, false},  {5, 4, 2, 1, 1, 2, 2, 1, false}, {2, 3, 2, 0, 1, 1, 0, 2, true},
        {1, 7, 3, 6, 5, 4, 3, 1, false},  {3, 3, 3, 0, 0, 0, 0, 2, false}, {2, 8, 1, 4, 3, 3, 4, 4, true},
        {2, 11, 1, 5, 5, 5, 5, 7, false}, {4, 6, 5, 2, 0, 0, 3, 1, false}, {1, 9, 2, 3, 4, 5, 4, 3, true},
        {3, 10, 1, 9, 9, 9, 9, 5, false}, {2, 1, 2, 0, 0, 0, 0, 1, true},  {17, 2, 2, 1, 0, 0, 1, 1, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const hpx_images_size in = {8, 7, 1 + (uint32_t)i % 3};
        const hpx_cnn_shape shape = make_shape(in, &kinds[i], 1, (const uint32_t[]){4}, (uint32_t)i % 2);
        struct fixture f;
        set_up(&f, &shape, 3, (hpx_activation)(i % 4), i % 3 == 0 ? 0.4f : 0);
        check_reference(&f);
        check_gradient(&f);
        check_evaluation(&f);
        tear_down(&f);
    }
}

/* Several convolutions, every activation, with dropout and without, none to two hidden layers behind. */
static void test_networks(void **state)
{
    static const struct settings three[] = {
        {4, 3, 1, 1, 1, 1, 1, 2, false}, {3, 2, 1, 1, 0, 0, 1, 1, false}, {5, 3, 2, 1, 1, 1, 1, 2, true}};
    (void)state;
    for (size_t depth = 0; depth <= 3; depth++)
        for (uint32_t hidden = 0; hidden <= 2; hidden++)
            for (int activation = HPX_RELU; activation <= HPX_GELU; activation++)
                for (int dropout = 0; dropout < 2; dropout++) {
                    const hpx_cnn_shape shape = make_shape((hpx_images_size){9, 8, depth > 0 ? 2 : 1}, three,
                                                           depth, (const uint32_t[]){5, 6}, hidden);
                    struct fixture f;
                    set_up(&f, &shape, 2, (hpx_activation)activation, dropout ? 0.3f : 0);
                    check_reference(&f);
                    check_gradient(&f);
                    check_evaluation(&f);
                    tear_down(&f);
                }
}

/* A number below `below`. */
static uint32_t choose(uint32_t number, uint32_t *index, uint32_t below)
{
    uint32_t words[4];
    hpx_random(words, 7, 4, 0, number, (*index)++);
    return words[0] % below;
}

static struct settings random_settings(uint32_t number, uint32_t *index, hpx_images_size in)
{
    const uint32_t small = in.height < in.width ? in.height : in.width;
    struct settings s;
    do {
        s.filters = 1 + choose(number, index, 70);
        s.kernel = 1 + choose(number, index, choose(number, index, 2) ? 5 : HPX_CNN_KERNEL_MAX);
        s.stride = 1 + choose(number, index, choose(number, index, 2) ? 1 : 4);
        s.top = choose(number, index, s.kernel);
        s.left = choose(number, index, s.kernel);
        s.bottom = choose(number, index, s.kernel);
        s.right = choose(number, index, s.kernel);
        s.pool = 1 + choose(number, index, 4);
        s.average = choose(number, index, 2);
    } while (s.kernel > small || (in.height + s.top + s.bottom - s.kernel) / s.stride + 1 < s.pool ||
             (in.width + s.left + s.right - s.kernel) / s.stride + 1 < s.pool);
    return s;
}

static bool choose_vector(hpx_vector vector)
{
    setenv("HPX_VECTOR", hpx_vector_name(vector), 1);
    hpx_vector_choose();
    return hpx_vector_kind() == vector;
}

/* All numbers that a network gives for a batch, checked: the gradient and the logits. */
static float *results(const hpx_cnn_shape *shape, uint32_t number, size_t *length)
{
    static const size_t batches[] = {1, 3, 16, 17, 31, 33};
    const size_t rows = batches[number % 6], parameters = hpx_cnn_parameters(shape);
    struct fixture f;
    set_up(&f, shape, rows, (hpx_activation)(number % 4), number % 3 == 0 ? 0.25f : 0);
    *length = parameters + rows * CLASSES;
    float *all = malloc(*length * sizeof *all);
    assert_non_null(all);
    check_gradient(&f);
    memcpy(all, f.gradients, parameters * sizeof *all);
    check_evaluation(&f);
    memcpy(all + parameters, hpx_cnn_logits(&f.cnn), rows * CLASSES * sizeof *all);
    tear_down(&f);
    return all;
}

/* Any shapes, so large that blocks and what is left over by them occur in all ways, with all vectors: AVX2 and
 * AVX-512 give the same bits. */
static void test_random_networks(void **state)
{
    (void)state;
    for (uint32_t number = 0; number < 60; number++) {
        uint32_t index = 0;
        hpx_images_size in = {4 + choose(number, &index, 12), 4 + choose(number, &index, 12),
                              1 + choose(number, &index, 4)};
        const hpx_images_size size = in;
        struct settings convolutions[3];
        const uint32_t depth = 1 + choose(number, &index, 3), hidden = choose(number, &index, 60);
        for (uint32_t l = 0; l < depth; l++) {
            convolutions[l] = random_settings(number, &index, in);
            const hpx_cnn_shape shape = make_shape(in, &convolutions[l], 1, NULL, 0);
            in = shape.convolution[0].out;
        }
        const hpx_cnn_shape shape = make_shape(size, convolutions, depth, &hidden, hidden > 0);
        float *narrow = NULL;
        for (int vector = HPX_VECTOR_PLAIN; vector <= HPX_VECTOR_AVX512; vector++) {
            if (!choose_vector((hpx_vector)vector))
                continue;
            size_t length;
            float *all = results(&shape, number, &length);
            if (vector == HPX_VECTOR_AVX512)
                assert_memory_equal(all, narrow, length * sizeof *all);
            free(narrow);
            narrow = all;
        }
        free(narrow);
        unsetenv("HPX_VECTOR");
        hpx_vector_choose();
    }
}

/* A sample's logits do not depend on what else is in the batch, and no rest of an earlier batch is in them. */
static void test_rows(void **state)
{
    static const struct settings two[] = {{9, 3, 1, 1, 1, 1, 1, 2, false}, {12, 2, 1, 0, 0, 0, 0, 1, false}};
    enum { ROWS = 37 };
    const hpx_cnn_shape shape = make_shape((hpx_images_size){7, 9, 1}, two, 2, (const uint32_t[]){9}, 1);
    struct fixture f;
    float all[ROWS * CLASSES];
    (void)state;
    set_up(&f, &shape, ROWS, HPX_RELU, 0);
    hpx_cnn_load(&f.cnn, f.samples, NULL, ROWS, 0);
    hpx_cnn_evaluate(&f.cnn, f.labels, ROWS);
    memcpy(all, hpx_cnn_logits(&f.cnn), sizeof all);
    for (uint32_t first = 0; first < ROWS; first += 5) {
        const uint32_t rows = ROWS - first < 19 ? ROWS - first : 19;
        hpx_cnn_load(&f.cnn, f.samples + first * count(shape.convolution[0].in), NULL, rows, 0);
        hpx_cnn_evaluate(&f.cnn, f.labels + first, rows);
        assert_memory_equal(hpx_cnn_logits(&f.cnn), all + first * CLASSES, rows * CLASSES * sizeof(float));
    }
    /* Nor on how many rows there is memory to train by. */
    for (size_t train = 0; train <= 10; train += 5) {
        hpx_cnn_attach(&f.cnn, f.block, train, ROWS);
        hpx_cnn_load(&f.cnn, f.samples, NULL, ROWS, 0);
        hpx_cnn_evaluate(&f.cnn, f.labels, ROWS);
        assert_memory_equal(hpx_cnn_logits(&f.cnn), all, sizeof all);
    }
    tear_down(&f);
}

/* Of equal sums the first has the gradient: weights of 0 make all of a window equal, and the gradient of such a weight
 * is the derivative times the input that the derivative went to. */
static void test_first_of_equals(void **state)
{
    (void)state;
    for (int activation = HPX_RELU; activation <= HPX_GELU; activation++)
        for (uint32_t pool = 2; pool <= 4; pool++) {
            const struct settings one = {5, 1, 1, 0, 0, 0, 0, pool, false};
            const hpx_cnn_shape shape = make_shape((hpx_images_size){9, 8, 1}, &one, 1, NULL, 0);
            struct fixture f;
            float w[5] = {0}, b[5];
            set_up(&f, &shape, 18, (hpx_activation)activation, 0);
            for (uint32_t i = 0; i < 5; i++)
                b[i] = 0.1f * (float)(i + 1);
            hpx_cnn_write_weights(f.cnn.parameters, &shape, 0, w, b);
            check_gradient(&f);
            tear_down(&f);
        }
}

/* At most 1.5 times what there is at least: weights, Adam's states, and for each sample of a batch the inputs, the sums
 * and what pooling and the hidden layers give; and the derivatives of activations that are not ReLU. */
static void test_memory(void **state)
{
    static const struct settings networks[][3] = {
        {{6, 5, 1, 2, 2, 2, 2, 2, false}, {16, 5, 1, 0, 0, 0, 0, 2, false}},
        {{32, 3, 1, 1, 1, 1, 1, 2, false}, {64, 3, 1, 1, 1, 1, 1, 2, false}},
        {{32, 3, 1, 1, 1, 1, 1, 1, false}, {64, 3, 1, 1, 1, 1, 1, 2, false}},
        {{20, 5, 1, 0, 0, 0, 0, 2, false}, {50, 5, 1, 0, 0, 0, 0, 2, false}},
        {{32, 3, 2, 1, 1, 1, 1, 1, false}, {64, 3, 2, 1, 1, 1, 1, 1, false}},
        {{32, 3, 1, 1, 1, 1, 1, 2, true}, {64, 3, 1, 1, 1, 1, 1, 2, true}, {128, 3, 1, 1, 1, 1, 1, 2, true}},
    };
    enum { ROWS = 128 };
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        for (int activation = HPX_RELU; activation <= HPX_GELU; activation++) {
            const size_t depth = networks[i][2].filters > 0 ? 3 : 2;
            const uint32_t hidden = 128;
            hpx_cnn cnn = {.shape = make_shape((hpx_images_size){28, 28, 1}, networks[i], depth, &hidden, 1),
                           .activation = (hpx_activation)activation,
                           .dropout = 0.5f};
            const size_t parameters = 3 * hpx_cnn_parameters(&cnn.shape);
            size_t values = count(cnn.shape.convolution[0].in) + hidden + CLASSES;
            for (uint32_t l = 0; l < depth; l++) {
                const hpx_convolution *c = &cnn.shape.convolution[l];
                const bool rises = activation != HPX_GELU && !c->average;
                values += count(c->sums) + (c->pool > 1 ? count(c->out) : 0);
                values += activation == HPX_RELU ? 0 : count(rises ? c->out : c->sums);
            }
            const double least = (double)(parameters + ROWS * values);
            const double taken = (double)(parameters + hpx_cnn_attach(&cnn, NULL, ROWS, ROWS));
            if (!(taken <= 1.5 * least))
                fail_msg("network %zu: %.2f times what it needs", i, taken / least);
        }
}

/* Weight i of a layer is number i of its draws, in [-limit, limit). */
static void test_init(void **state)
{
    static const struct settings two[] = {{6, 3, 1, 1, 1, 1, 1, 2, false}, {7, 5, 1, 0, 0, 0, 0, 1, false}};
    const hpx_cnn_shape shape = make_shape((hpx_images_size){12, 12, 3}, two, 2, (const uint32_t[]){9}, 1);
    static const double ins[] = {27, 150, 28, 9}, outs[] = {54, 175, 9, CLASSES};
    (void)state;
    for (int init = HPX_INIT_HE; init <= HPX_INIT_GLOROT; init++) {
        hpx_cnn cnn = {.shape = shape, .parameters = calloc(hpx_cnn_parameters(&shape), sizeof(float))};
        assert_non_null(cnn.parameters);
        hpx_cnn_init(&cnn, (hpx_init)init, 11);
        for (uint32_t l = 0; l < 4; l++) {
            struct layer layer;
            measure(&layer, &shape, l);
            float w[2000], b[100];
            const double limit = sqrt(6 / (init == HPX_INIT_HE ? ins[l] : ins[l] + outs[l]));
            hpx_cnn_read_weights(w, b, &shape, cnn.parameters, l);
            for (uint32_t i = 0; i < layer.weights; i++) {
                uint32_t words[4];
                hpx_random(words, 11, HPX_RANDOM_INIT + l, 0, 0, i / 4);
                assert_true(fabs(limit * (2 * (double)hpx_random_float(words[i % 4]) - 1) - (double)w[i]) <
                            1e-6);
            }
            for (uint32_t i = 0; i < layer.biases; i++)
                assert_true(b[i] == 0);
        }
        free(cnn.parameters);
    }
}

static void test_multiplications(void **state)
{
    static const struct settings two[] = {{6, 5, 1, 2, 2, 2, 2, 2, false}, {16, 5, 1, 0, 0, 0, 0, 2, false}};
    const hpx_cnn_shape shape =
        make_shape((hpx_images_size){28, 28, 1}, two, 2, (const uint32_t[]){120, 84}, 2);
    static const uint64_t layers[] = {28 * 28 * 6 * 25, 10 * 10 * 16 * 6 * 25, 400 * 120, 120 * 84,
                                      84 * CLASSES};
    uint64_t sum = 0;
    (void)state;
    for (uint32_t l = 0; l < 5; l++) {
        assert_int_equal(hpx_cnn_layer_multiplications(&shape, l), layers[l]);
        sum += layers[l];
    }
    assert_int_equal(hpx_cnn_multiplications(&shape), sum);
    assert_int_equal(hpx_cnn_parameters(&shape), 6 * 26 + 16 * 151 + 401 * 120 + 121 * 84 + 85 * CLASSES);
}

/* The samples that `order` lists; each part of a batch, named by its place in the epoch, has its own masks. */
static void test_order(void **state)
{
    static const struct settings one[] = {{5, 3, 1, 1, 1, 1, 1, 2, false}};
    enum { ROWS = 20, SPLIT = 7 };
    const hpx_cnn_shape shape = make_shape((hpx_images_size){6, 6, 2}, one, 1, (const uint32_t[]){9}, 1);
    struct fixture f;
    uint32_t order[ROWS];
    uint8_t labels[ROWS];
    (void)state;
    set_up(&f, &shape, ROWS, HPX_RELU, 0.5f);
    for (uint32_t i = 0; i < ROWS; i++) {
        order[i] = ROWS - 1 - i;
        labels[i] = f.labels[order[i]];
    }
    hpx_cnn_load(&f.cnn, f.samples, order, ROWS, 0);
    const double whole = hpx_cnn_gradient(&f.cnn, labels, ROWS, draw, gather_gradient, f.gradients).loss;
    hpx_cnn_load(&f.cnn, f.samples, order, SPLIT, ROWS - SPLIT);
    double parts = hpx_cnn_gradient(&f.cnn, labels, SPLIT, draw, gather_gradient, f.gradients).loss;
    hpx_mlp_draw rest = draw;
    rest.first += SPLIT;
    hpx_cnn_load(&f.cnn, f.samples, order + SPLIT, ROWS - SPLIT, 0);
    parts += hpx_cnn_gradient(&f.cnn, labels + SPLIT, ROWS - SPLIT, rest, gather_gradient, f.gradients).loss;
    assert_true(fabs(whole - parts) < 1e-5);
    rest.first++;
    assert_true(
        fabs(hpx_cnn_gradient(&f.cnn, labels + SPLIT, ROWS - SPLIT, rest, gather_gradient, f.gradients).loss +
             whole - parts) > 1e-3);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_random_networks),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_multiplications),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_first_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
