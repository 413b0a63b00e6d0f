/* Forward and backward passes: D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by
 * back-propagating errors", Nature 323, 1986, in the matrix form of I. Goodfellow, Y. Bengio and A.
 * Courville, "Deep Learning", 2016, section 6.5. Rows are samples. With x the inputs of a layer, w its
 * weights, b its biases, and d the loss's derivative by the sums x w + b:
 *
 *     forward   y = f(x w + b)
 *     backward  gradient of w = x^T d,  of b = column sums of d,  d of the layer before = (d w^T) * f'
 *
 * The products are matrix.c's, or sparse.c's for sparse inputs; every loop here is elementwise or adds rows
 * in their order, so that its result does not depend on how the compiler vectorises it. */
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

#define ALIGNMENT   (64 / sizeof(float))
#define PREFETCH    4 /* samples ahead */
#define PART_FLOATS (64 * 1024)

static float *carve(float *block, size_t *used, size_t floats)
{
    float *part = block ? block + *used : NULL;
    *used += (floats + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return part;
}

/* The gradient of a layer's weights is made by so many of its rows at once, so that a part of it, and of the
 * weights, stays in the second level of cache until the optimizer has taken it. */
static size_t part_rows(size_t columns, size_t rows)
{
    const size_t part = PART_FLOATS / columns / 64 * 64;
    return part < 64 ? (rows < 64 ? rows : 64) : part < rows ? part : rows;
}

/* Rows and columns of a layer's weights in memory: those of the first are by inputs, because sparse inputs
 * add up rows; those of the others by outputs, so that the part that some outputs have lies together. */
static size_t weight_rows(const hpx_mlp_shape *shape, uint32_t layer)
{
    return shape->sizes[layer == 0 ? 0 : layer + 1];
}

static size_t weight_columns(const hpx_mlp_shape *shape, uint32_t layer)
{
    return shape->sizes[layer == 0 ? 1 : layer];
}

/* The floats between the rows of a copied part of deltas: not a power of two, for rows that far apart share a
 * set of the cache. */
static size_t tile_stride(size_t columns)
{
    return columns + ALIGNMENT;
}

static void attach_sparse(hpx_mlp *mlp, float *block, size_t *used, size_t rows)
{
    hpx_sparse inputs;
    float *self = carve(block, used, sizeof inputs / sizeof(float));
    *used += hpx_sparse_attach(&inputs, block ? block + *used : NULL, mlp->shape.sizes[0], rows);
    if (self) {
        mlp->sparse_inputs = (hpx_sparse *)(void *)self;
        *mlp->sparse_inputs = inputs;
    }
}

size_t hpx_mlp_attach(hpx_mlp *mlp, float *block, size_t train_rows, size_t evaluate_rows)
{
    const uint32_t *sizes = mlp->shape.sizes;
    const size_t rows = train_rows > evaluate_rows ? train_rows : evaluate_rows;
    size_t used = 0, part = 0, tile = 0;
    mlp->inputs = NULL;
    mlp->sparse_inputs = NULL;
    if (mlp->sparse)
        attach_sparse(mlp, block, &used, rows);
    else
        mlp->inputs = carve(block, &used, rows * sizes[0]);
    for (uint32_t l = 0; l < mlp->shape.layers; l++) {
        const size_t columns = weight_columns(&mlp->shape, l),
                     at_once = l == 0 && mlp->sparse ? HPX_SPARSE_BLOCK
                                                     : part_rows(columns, weight_rows(&mlp->shape, l));
        part = at_once * columns > part ? at_once * columns : part;
        part = sizes[l + 1] > part ? sizes[l + 1] : part; /* biases */
        if (l > 0 && at_once < sizes[l + 1] && tile_stride(at_once) > tile)
            tile = tile_stride(at_once);
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
    mlp->gradient = carve(block, &used, part);
    mlp->tile = carve(block, &used, train_rows * tile);
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
            hpx_sparse_set_row(mlp->sparse_inputs, i, sample);
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
        const size_t in = sizes[l], width = sizes[l + 1], count = in * width;
        for (size_t i = 0; i < count; i += 4) {
            uint32_t words[4];
            hpx_random(words, seed, HPX_RANDOM_INIT + l, 0, 0, (uint32_t)(i / 4));
            for (size_t k = i; k < i + 4 && k < count; k++) /* by inputs, whatever the place in memory */
                part.weights[l == 0 ? k : k % width * in + k / width] =
                    limit * (2 * hpx_random_float(words[k - i]) - 1);
        }
        memset(part.biases, 0, sizes[l + 1] * sizeof(float));
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
        if (l == 0 && mlp->sparse)
            hpx_sparse_multiply(y, mlp->sparse_inputs, part.weights, rows, width);
        else
            hpx_matrix_multiply(y, width, (hpx_factor){l == 0 ? mlp->inputs : mlp->outputs[l - 1], in, false},
                                (hpx_factor){part.weights, weight_columns(&mlp->shape, l), l > 0}, rows,
                                width, in, false);
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

/* From the loss's derivative by what layer l gives on to that by its sums, in `columns` columns of its delta
 * from `first` on. Gives the gradient of their biases to `take`. */
static void backward_columns(hpx_mlp *mlp, uint32_t l, const uint8_t *labels, size_t rows, size_t first,
                             size_t columns, hpx_gradient_fn *take, void *context)
{
    const hpx_mlp_shape *shape = &mlp->shape;
    const size_t width = shape->sizes[l + 1];
    const struct part at = part_of(mlp->parameters, shape, l);
    float *delta = mlp->deltas[l] + first, *sums = mlp->gradient;
    if (l + 1 == shape->layers)
        softmax_backward(delta, sums, labels, rows, width);
    else
        hpx_activation_backward(delta, sums, mlp->outputs[l] + first,
                                mlp->slopes[l] ? mlp->slopes[l] + first : NULL, 1 / (1 - mlp->dropout), rows,
                                columns, width);
    take(context, &(hpx_gradient){sums, (size_t)(at.biases - mlp->parameters) + first, columns});
}

/* The first layer: no derivatives by its inputs are needed. */
static void backward_first(hpx_mlp *mlp, const uint8_t *labels, size_t rows, hpx_gradient_fn *take,
                           void *context)
{
    const size_t in = mlp->shape.sizes[0], width = mlp->shape.sizes[1];
    const size_t step = mlp->sparse ? HPX_SPARSE_BLOCK : part_rows(width, in);
    const hpx_factor delta = {mlp->deltas[0], width, false};
    backward_columns(mlp, 0, labels, rows, 0, width, take, context);
    for (size_t first = 0, count; first < in; first += count) {
        count = in - first < step ? in - first : step;
        if (mlp->sparse)
            hpx_sparse_multiply_transposed(mlp->gradient, mlp->sparse_inputs, first / step, delta.values,
                                           rows, width);
        else
            hpx_matrix_multiply(mlp->gradient, width, (hpx_factor){mlp->inputs + first, in, true}, delta,
                                count, width, rows, false);
        take(context, &(hpx_gradient){mlp->gradient, first * width, count * width});
    }
}

/* `columns` columns of a layer's delta; of one that has more, a copy whose rows are closer together. */
static hpx_factor delta_tile(const hpx_mlp *mlp, uint32_t l, size_t rows, size_t first, size_t columns)
{
    const size_t width = mlp->shape.sizes[l + 1], stride = tile_stride(columns);
    const float *delta = mlp->deltas[l] + first;
    if (columns == width)
        return (hpx_factor){delta, width, false};
    for (size_t i = 0; i < rows; i++)
        memcpy(mlp->tile + i * stride, delta + i * width, columns * sizeof(float));
    return (hpx_factor){mlp->tile, stride, false};
}

/* Another layer, part by part. The derivatives by its inputs are made from a part's weights before they
 * change. */
static void backward(hpx_mlp *mlp, uint32_t l, const uint8_t *labels, size_t rows, hpx_gradient_fn *take,
                     void *context)
{
    const size_t in = mlp->shape.sizes[l], width = mlp->shape.sizes[l + 1];
    const struct part at = part_of(mlp->parameters, &mlp->shape, l);
    const hpx_factor inputs = {mlp->outputs[l - 1], in, false};
    const size_t step = part_rows(in, width);
    for (size_t first = 0, columns; first < width; first += columns) {
        columns = width - first < step ? width - first : step;
        backward_columns(mlp, l, labels, rows, first, columns, take, context);
        hpx_factor delta = delta_tile(mlp, l, rows, first, columns);
        const float *weights = at.weights + first * in;
        hpx_matrix_multiply(mlp->deltas[l - 1], in, delta, (hpx_factor){weights, in, false}, rows, in,
                            columns, first > 0);
        delta.transposed = true;
        hpx_matrix_multiply(mlp->gradient, in, delta, inputs, columns, in, rows, false);
        take(context, &(hpx_gradient){mlp->gradient, (size_t)(weights - mlp->parameters), columns * in});
    }
}

hpx_tally hpx_mlp_gradient(hpx_mlp *mlp, const uint8_t *labels, size_t rows, hpx_mlp_draw draw,
                           hpx_gradient_fn *take, void *context)
{
    hpx_tally sums = tally(mlp, labels, rows, &draw);
    for (uint32_t l = mlp->shape.layers; l-- > 0;) {
        if (l == 0)
            backward_first(mlp, labels, rows, take, context);
        else
            backward(mlp, l, labels, rows, take, context);
    }
    return sums;
}
