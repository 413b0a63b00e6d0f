/* Forward and backward passes: D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by
 * back-propagating errors", Nature 323, 1986, in the matrix form of I. Goodfellow, Y. Bengio and A.
 * Courville, "Deep Learning", 2016, section 6.5. Rows are samples. With x the inputs of a layer, w its
 * weights, b its biases, and d the loss's derivative by the sums x w + b:
 *
 *     forward   y = f(x w + b)
 *     backward  gradient of w = x^T d,  of b = column sums of d,  d of the layer before = (d w^T) * f'
 *
 * The products are BLAS's, or sparse.c's for sparse inputs; every loop here is elementwise or adds rows in
 * their order, so that its result does not depend on how the compiler vectorises it. */
#include "hpx/mlp.h"

#include "activation.h"
#include "hpx/matrix.h"
#include "hpx/random.h"
#include "sparse.h"
#include "vector.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

uint64_t hpx_mlp_multiplications(const hpx_mlp_shape *shape)
{
    uint64_t sum = 0;
    for (uint32_t l = 0; l < shape->layers; l++)
        sum += (uint64_t)shape->sizes[l] * shape->sizes[l + 1];
    return sum;
}

uint64_t hpx_mlp_parameters(const hpx_mlp_shape *shape)
{
    uint64_t sum = hpx_mlp_multiplications(shape);
    for (uint32_t l = 0; l < shape->layers; l++)
        sum += shape->sizes[l + 1];
    return sum;
}

#define ALIGNMENT (64 / sizeof(float))
#define PREFETCH  4 /* samples ahead */

static float *carve(float *block, size_t *used, size_t floats)
{
    float *part = block ? block + *used : NULL;
    *used += (floats + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return part;
}

static void attach_sparse(hpx_mlp *mlp, float *block, size_t *used, size_t rows, size_t train_rows)
{
    hpx_sparse_inputs inputs;
    float *self = carve(block, used, sizeof inputs / sizeof(float));
    *used += hpx_sparse_attach(&inputs, block ? block + *used : NULL, mlp->shape.sizes[0], rows, train_rows);
    if (self) {
        mlp->sparse_inputs = (hpx_sparse_inputs *)(void *)self;
        *mlp->sparse_inputs = inputs;
    }
}

size_t hpx_mlp_attach(hpx_mlp *mlp, float *block, size_t train_rows, size_t evaluate_rows)
{
    const uint32_t *sizes = mlp->shape.sizes;
    const size_t rows = train_rows > evaluate_rows ? train_rows : evaluate_rows;
    size_t used = 0;
    mlp->inputs = NULL;
    mlp->sparse_inputs = NULL;
    if (mlp->sparse)
        attach_sparse(mlp, block, &used, rows, train_rows);
    else
        mlp->inputs = carve(block, &used, rows * sizes[0]);
    for (uint32_t l = 0; l < mlp->shape.layers; l++) {
        mlp->outputs[l] = carve(block, &used, rows * sizes[l + 1]);
        mlp->slopes[l] = mlp->deltas[l] = NULL;
        if (l + 1 == mlp->shape.layers) {
            mlp->deltas[l] = mlp->outputs[l]; /* takes the place of the logits */
            break;
        }
        if (hpx_activation_keeps_slope(mlp->activation))
            mlp->slopes[l] = carve(block, &used, train_rows * sizes[l + 1]);
        mlp->deltas[l] = carve(block, &used, train_rows * sizes[l + 1]);
    }
    return used;
}

/* Asks the memory for a sample in advance: shuffled samples lie where no processor expects them. */
static inline void prefetch(const uint8_t *sample, size_t features)
{
    for (size_t j = 0; j < features; j += 64)
        __builtin_prefetch(sample + j);
}

HPX_VECTORISED
void hpx_mlp_load(hpx_mlp *mlp, const uint8_t *samples, const uint32_t *order, size_t rows)
{
    const size_t features = mlp->shape.sizes[0];
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *restrict sample = samples + (order ? order[i] : i) * features;
        if (order && i + PREFETCH < rows)
            prefetch(samples + order[i + PREFETCH] * features, features);
        if (mlp->sparse) {
            hpx_sparse_set_row(&mlp->sparse_inputs->by_row, i, sample, features);
            continue;
        }
        float *restrict input = mlp->inputs + i * features;
        for (size_t j = 0; j < features; j++)
            input[j] = (float)sample[j] * (1 / 255.0f);
    }
}

/* A layer's part of an array that is laid out as the parameters. */
struct part {
    float *weights, *biases;
};

static struct part part_of(float *array, const hpx_mlp_shape *shape, uint32_t layer)
{
    for (uint32_t l = 0; l < layer; l++)
        array += ((size_t)shape->sizes[l] + 1) * shape->sizes[l + 1];
    return (struct part){array, array + (size_t)shape->sizes[layer] * shape->sizes[layer + 1]};
}

void hpx_mlp_init(hpx_mlp *mlp, hpx_init init, uint32_t seed)
{
    const uint32_t *sizes = mlp->shape.sizes;
    for (uint32_t l = 0; l < mlp->shape.layers; l++) {
        struct part part = part_of(mlp->parameters, &mlp->shape, l);
        const double fans = init == HPX_INIT_HE ? sizes[l] : (double)sizes[l] + sizes[l + 1];
        const float limit = (float)sqrt(6 / fans);
        const size_t count = (size_t)sizes[l] * sizes[l + 1];
        for (size_t i = 0; i < count; i += 4) {
            uint32_t words[4];
            hpx_random(words, seed, HPX_RANDOM_INIT + l, 0, 0, (uint32_t)(i / 4));
            for (size_t k = 0; k < 4 && i + k < count; k++)
                part.weights[i + k] = limit * (2 * hpx_random_float(words[k]) - 1);
        }
        memset(part.biases, 0, sizes[l + 1] * sizeof(float));
    }
}

/* y = x w for the inputs, and gradient = x^T delta. */
static void multiply_inputs(hpx_mlp *mlp, float *y, const float *weights, size_t rows)
{
    const size_t features = mlp->shape.sizes[0], width = mlp->shape.sizes[1];
    const hpx_sparse_inputs *sparse = mlp->sparse_inputs;
    if (sparse)
        hpx_sparse_multiply(y, &sparse->by_row, weights, rows, width, features, sparse->panel);
    else
        hpx_matrix_multiply(y, mlp->inputs, false, weights, false, rows, width, features, 0);
}

static void multiply_inputs_back(hpx_mlp *mlp, float *gradient, const float *delta, size_t rows)
{
    const size_t features = mlp->shape.sizes[0], width = mlp->shape.sizes[1];
    hpx_sparse_inputs *sparse = mlp->sparse_inputs;
    if (sparse) {
        hpx_sparse_transpose(&sparse->by_feature, &sparse->by_row, rows, features);
        hpx_sparse_multiply(gradient, &sparse->by_feature, delta, features, width, rows, sparse->panel);
    } else {
        hpx_matrix_multiply(gradient, mlp->inputs, true, delta, false, features, width, rows, 0);
    }
}

/* Runs all layers and returns the logits, still without the last layer's biases. `draw` NULL: no dropout, and
 * no slopes are kept. */
static float *forward(hpx_mlp *mlp, size_t rows, const hpx_mlp_draw *draw)
{
    for (uint32_t l = 0;; l++) {
        const size_t in = mlp->shape.sizes[l], width = mlp->shape.sizes[l + 1];
        struct part part = part_of(mlp->parameters, &mlp->shape, l);
        float *y = mlp->outputs[l];
        if (l == 0)
            multiply_inputs(mlp, y, part.weights, rows);
        else
            hpx_matrix_multiply(y, mlp->outputs[l - 1], false, part.weights, false, rows, width, in, 0);
        if (l + 1 == mlp->shape.layers)
            return y;
        float *slope = draw ? mlp->slopes[l] : NULL;
        hpx_activation_forward(mlp->activation, y, slope, part.biases, rows, width);
        if (draw && mlp->dropout > 0)
            hpx_dropout(y, slope, rows, width, mlp->dropout, l, *draw);
    }
}

/* Adds the biases to a row of logits and returns its cross-entropy, computed as log(sum(exp(z - max z))) -
 * (z[label] - max z) so that no exponential overflows. Leaves the softmax in the row. */
static double softmax(float *z, const float *bias, size_t classes, size_t label, bool *correct)
{
    size_t largest = 0;
    for (size_t j = 0; j < classes; j++) {
        z[j] += bias[j];
        if (z[j] > z[largest])
            largest = j;
    }
    const float top = z[largest], own = z[label] - top;
    double sum = 0;
    for (size_t j = 0; j < classes; j++) {
        z[j] = expf(z[j] - top);
        sum += (double)z[j];
    }
    const float scale = (float)(1 / sum);
    for (size_t j = 0; j < classes; j++)
        z[j] *= scale;
    *correct = largest == label;
    return log(sum) - (double)own;
}

static hpx_tally tally(hpx_mlp *mlp, const uint8_t *labels, size_t rows, const hpx_mlp_draw *draw)
{
    const uint32_t last = mlp->shape.layers - 1;
    const size_t classes = mlp->shape.sizes[last + 1];
    const float *bias = part_of(mlp->parameters, &mlp->shape, last).biases;
    float *logits = forward(mlp, rows, draw);
    hpx_tally sums = {0, 0};
    for (size_t i = 0; i < rows; i++) {
        bool correct;
        assert(labels[i] < classes);
        sums.loss += softmax(logits + i * classes, bias, classes, labels[i], &correct);
        sums.correct += correct;
    }
    return sums;
}

hpx_tally hpx_mlp_evaluate(hpx_mlp *mlp, const uint8_t *labels, size_t rows)
{
    return tally(mlp, labels, rows, NULL);
}

/* From the softmax of every row to the derivative of the mean loss by the logits, (softmax - one-hot label) /
 * rows, and its column sums. */
static void softmax_backward(float *delta, float *bias_gradient, const uint8_t *labels, size_t rows,
                             size_t classes)
{
    const float scale = 1 / (float)rows;
    memset(bias_gradient, 0, classes * sizeof(float));
    for (size_t i = 0; i < rows; i++, delta += classes) {
        delta[labels[i]] -= 1;
        for (size_t j = 0; j < classes; j++) {
            delta[j] *= scale;
            bias_gradient[j] += delta[j];
        }
    }
}

hpx_tally hpx_mlp_gradient(hpx_mlp *mlp, const uint8_t *labels, size_t rows, hpx_mlp_draw draw)
{
    const hpx_mlp_shape *shape = &mlp->shape;
    const float scale = 1 / (1 - mlp->dropout);
    hpx_tally sums = tally(mlp, labels, rows, &draw);
    for (uint32_t l = shape->layers; l-- > 0;) {
        const size_t in = shape->sizes[l], width = shape->sizes[l + 1];
        struct part gradient = part_of(mlp->gradients, shape, l);
        float *delta = mlp->deltas[l];
        if (l + 1 == shape->layers)
            softmax_backward(delta, gradient.biases, labels, rows, width);
        else
            hpx_activation_backward(delta, gradient.biases, mlp->outputs[l], mlp->slopes[l], scale, rows,
                                    width);
        if (l == 0) {
            multiply_inputs_back(mlp, gradient.weights, delta, rows);
        } else {
            const float *weights = part_of(mlp->parameters, shape, l).weights;
            hpx_matrix_multiply(gradient.weights, mlp->outputs[l - 1], true, delta, false, in, width, rows,
                                0);
            hpx_matrix_multiply(mlp->deltas[l - 1], delta, false, weights, true, rows, in, width, 0);
        }
    }
    return sums;
}
