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
#include "nn/mlp.h"

#include "activation.h"
#include "base/random.h"
#include "nn/matrix.h"
#include "path.h"
#include "softmax.h"
#include "sparse.h"
#include "vector.h"

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

#define ALIGNMENT    (64 / sizeof(float))
#define PREFETCH     8 /* samples ahead */
#define PART_FLOATS  (128 * 1024)
#define PART_COLUMNS 512

static float *carve(float *block, size_t *used, size_t floats)
{
    float *part = block ? block + *used : NULL;
    *used += (floats + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return part;
}

static uint32_t last_layer(const hpx_mlp_shape *shape)
{
    return shape->layers - 1;
}

/* The outputs of a layer between the first and the last are worked on by parts, so many columns at once, and
 * lie in memory part by part. A part is so large that it, the weights of its columns and their gradient stay
 * in cache until all is done with them, the optimizer's step included: forward, the last layer, which has few
 * outputs, takes a part as soon as it is there; backward, it gives the part's derivatives back when they are
 * wanted. Of the first and the last layer all columns are one part. */
static size_t part_columns(const hpx_mlp_shape *shape, uint32_t layer)
{
    const size_t width = shape->sizes[layer + 1];
    if (layer == 0 || layer == last_layer(shape))
        return width;
    size_t columns = PART_FLOATS / shape->sizes[layer] / 64 * 64;
    columns = columns < 64 ? 64 : columns < PART_COLUMNS ? columns : PART_COLUMNS;
    return columns < width ? columns : width;
}

/* The floats between the rows of a part: not a power of two, for rows that far apart share a set of the
 * cache. */
static size_t part_stride(const hpx_mlp_shape *shape, uint32_t layer)
{
    const size_t columns = part_columns(shape, layer);
    if (layer == last_layer(shape) || columns < 64)
        return columns;
    return (columns + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + ALIGNMENT;
}

size_t hpx_mlp_front_stride(const hpx_mlp *mlp)
{
    return part_stride(&mlp->shape, 0);
}

static size_t part_count(const hpx_mlp_shape *shape, uint32_t layer)
{
    return (shape->sizes[layer + 1] - 1) / part_columns(shape, layer) + 1;
}

/* A part of a layer's outputs: `columns` columns from `first` on, which begin at `place` in the layer's
 * arrays. */
struct part {
    size_t first, columns, place;
};

/* The part that begins with column `first`, for batches of so many rows. */
static struct part part_from(const hpx_mlp_shape *shape, uint32_t layer, size_t first, size_t rows)
{
    const size_t width = shape->sizes[layer + 1], columns = part_columns(shape, layer);
    return (struct part){first, width - first < columns ? width - first : columns,
                         first / columns * rows * part_stride(shape, layer)};
}

/* The weights of the first layer lie by panels of so many columns, because that is what sparse inputs are
 * multiplied by; of a panel's gradient so many rows are made at once. */
#define FIRST_COLUMNS HPX_SPARSE_PANEL
#define FIRST_ROWS    HPX_SPARSE_BLOCK

static size_t first_columns(const hpx_mlp_shape *shape, size_t first)
{
    return shape->sizes[1] - first < FIRST_COLUMNS ? shape->sizes[1] - first : FIRST_COLUMNS;
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

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The most rows of those batches whose inputs are sparse, or are not. */
static size_t most_rows(hpx_batches train, hpx_batches evaluate, bool sparse)
{
    return larger(train.sparse == sparse ? train.rows : 0, evaluate.sparse == sparse ? evaluate.rows : 0);
}

size_t hpx_mlp_attach(hpx_mlp *mlp, float *block, hpx_batches train, hpx_batches evaluate)
{
    const hpx_mlp_shape *shape = &mlp->shape;
    const uint32_t *sizes = shape->sizes, last = last_layer(shape);
    const size_t sparse = most_rows(train, evaluate, true), dense = most_rows(train, evaluate, false);
    size_t used = 0, gradient = FIRST_ROWS * FIRST_COLUMNS;
    mlp->inputs = NULL;
    mlp->sparse_inputs = NULL;
    if (sparse > 0)
        attach_sparse(mlp, block, &used, sparse);
    if (dense > 0 && !mlp->front.there)
        mlp->inputs = carve(block, &used, dense * sizes[0]);
    for (uint32_t l = 0; l <= last; l++) {
        const size_t stride = part_stride(shape, l), parts = part_count(shape, l);
        const bool before_last = l + 1 == last;
        mlp->derivatives[l] = NULL;
        gradient = larger(gradient, sizes[l + 1]); /* biases */
        if (l == last) {
            mlp->outputs[l] = mlp->deltas[l] =
                carve(block, &used, larger(train.rows, evaluate.rows) * stride);
            break;
        }
        if (l > 0)
            gradient = larger(gradient, part_columns(shape, l) * sizes[l]);
        if (before_last)
            gradient = larger(gradient, part_columns(shape, l) * sizes[last + 1]);
        mlp->outputs[l] = carve(
            block, &used, larger(train.rows * parts, evaluate.rows * (before_last ? 1 : parts)) * stride);
        if (hpx_activation_keeps_derivative(mlp->activation) && !(l == 0 && mlp->front.there))
            mlp->derivatives[l] = carve(block, &used, train.rows * parts * stride);
        mlp->deltas[l] = carve(block, &used, train.rows * (before_last ? 1 : parts) * stride);
    }
    mlp->gradient = carve(block, &used, gradient);
    return used;
}

/* Asks the memory for a sample in advance: that comes too late of itself, and shuffled samples lie where no
 * processor expects them. */
static inline void prefetch(const uint8_t *sample, size_t features)
{
    for (size_t j = 0; j < features; j += 64)
        __builtin_prefetch(sample + j);
    __builtin_prefetch(sample + features - 1);
}

HPX_VECTORISED(static, scale_pixels, (float *restrict input, const uint8_t *restrict sample, size_t features),
               (input, sample, features))
{
    for (size_t j = 0; j < features; j++)
        input[j] = (float)sample[j] * (1 / 255.0f);
}

void hpx_mlp_load(hpx_mlp *mlp, bool sparse, const uint8_t *samples, const uint32_t *order, size_t rows,
                  size_t more)
{
    const size_t features = mlp->shape.sizes[0];
    mlp->sparse = sparse;
    hpx_path_take(sparse ? HPX_PATH_SPARSE : HPX_PATH_DENSE);
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *sample = samples + (order ? order[i] : i) * features;
        if (i + PREFETCH < rows + more)
            prefetch(samples + (order ? order[i + PREFETCH] : i + PREFETCH) * features, features);
        if (sparse)
            hpx_sparse_set_row(mlp->sparse_inputs, i, sample);
        else
            scale_pixels(mlp->inputs + i * features, sample, features);
    }
}

/* A layer's parameters. */
struct parameters {
    float *weights, *biases;
};

static struct parameters parameters_of(const hpx_mlp *mlp, uint32_t layer)
{
    const uint32_t *sizes = mlp->shape.sizes;
    float *weights = mlp->parameters;
    for (uint32_t l = 0; l < layer; l++)
        weights += l == 0 && mlp->front.there ? mlp->front.parameters : ((size_t)sizes[l] + 1) * sizes[l + 1];
    return (struct parameters){weights, weights + (size_t)sizes[layer] * sizes[layer + 1]};
}

/* Where the weight from input i to output j is among its layer's. */
static size_t weight_place(const hpx_mlp_shape *shape, uint32_t layer, size_t i, size_t j)
{
    const size_t in = shape->sizes[layer];
    if (layer > 0)
        return j * in + i;
    const size_t first = j / FIRST_COLUMNS * FIRST_COLUMNS;
    return first * in + i * first_columns(shape, first) + j - first;
}

void hpx_mlp_init(hpx_mlp *mlp, hpx_init init, uint32_t seed)
{
    const uint32_t *sizes = mlp->shape.sizes;
    hpx_path_take(init == HPX_INIT_HE ? HPX_PATH_HE : HPX_PATH_GLOROT);
    for (uint32_t l = 0; l < mlp->shape.layers; l++) {
        struct parameters layer = parameters_of(mlp, l);
        const double fans = init == HPX_INIT_HE ? sizes[l] : (double)sizes[l] + sizes[l + 1];
        const float limit = (float)sqrt(6 / fans);
        const size_t in = sizes[l], width = sizes[l + 1], count = in * width;
        for (size_t i = 0; i < count; i += 4) {
            uint32_t words[4];
            hpx_random(words, seed, HPX_RANDOM_INIT + l, 0, 0, (uint32_t)(i / 4));
            for (size_t k = i; k < i + 4 && k < count; k++)
                layer.weights[weight_place(&mlp->shape, l, k / width, k % width)] =
                    limit * (2 * hpx_random_float(words[k - i]) - 1);
        }
        memset(layer.biases, 0, sizes[l + 1] * sizeof(float));
    }
}

/* sums = the inputs times the first layer's weights. */
static void multiply_first(hpx_mlp *mlp, float *sums, size_t rows)
{
    const hpx_mlp_shape *shape = &mlp->shape;
    const size_t in = shape->sizes[0], stride = part_stride(shape, 0);
    for (size_t first = 0, columns; first < shape->sizes[1]; first += columns) {
        columns = first_columns(shape, first);
        hpx_path_take(columns == FIRST_COLUMNS ? HPX_PATH_PANEL_WHOLE : HPX_PATH_PANEL_REST);
        const float *panel = mlp->parameters + first * in;
        if (mlp->sparse)
            hpx_sparse_multiply(sums + first, stride, mlp->sparse_inputs, panel, columns, rows, columns);
        else
            hpx_matrix_multiply(sums + first, stride, (hpx_factor){mlp->inputs, in, false},
                                (hpx_factor){panel, columns, false}, rows, columns, in, false);
    }
}

/* sums = what the layer before gives times the weights of a part's columns. */
static void multiply_part(hpx_mlp *mlp, uint32_t l, float *sums, struct part part, size_t rows)
{
    const hpx_mlp_shape *shape = &mlp->shape;
    const size_t in = shape->sizes[l], x_stride = part_stride(shape, l - 1);
    const float *weights = parameters_of(mlp, l).weights + part.first * in;
    struct part x;
    for (size_t from = 0; from < in; from += x.columns) {
        x = part_from(shape, l - 1, from, rows);
        if (x.columns < in)
            hpx_path_take(HPX_PATH_PARTS_OF_INPUT);
        hpx_matrix_multiply(sums, part_stride(shape, l),
                            (hpx_factor){mlp->outputs[l - 1] + x.place, x_stride, false},
                            (hpx_factor){weights + from, in, true}, rows, part.columns, x.columns, from > 0);
    }
}

/* logits = what the first part of the last hidden layer adds to them, += what another does. */
static void multiply_last(hpx_mlp *mlp, const float *y, struct part part, size_t rows)
{
    const hpx_mlp_shape *shape = &mlp->shape;
    const uint32_t last = last_layer(shape);
    const size_t in = shape->sizes[last], classes = shape->sizes[last + 1];
    const float *weights = parameters_of(mlp, last).weights + part.first;
    hpx_matrix_multiply(mlp->outputs[last], classes, (hpx_factor){y, part_stride(shape, last - 1), false},
                        (hpx_factor){weights, in, true}, rows, classes, part.columns, part.first > 0);
}

/* A hidden layer's number in random draws. */
static uint32_t draw_number(const hpx_mlp *mlp, uint32_t layer)
{
    return mlp->front.there ? mlp->front.layers + layer - 1 : layer;
}

/* Runs all layers and returns the logits, still without the last layer's biases. `draw` NULL: no dropout, no
 * derivatives are kept, and of the last hidden layer no more than a part. */
static float *forward(hpx_mlp *mlp, size_t rows, const hpx_mlp_draw *draw)
{
    const hpx_mlp_shape *shape = &mlp->shape;
    const uint32_t last = last_layer(shape), own = mlp->front.there ? 1 : 0;
    if (!mlp->front.there)
        multiply_first(mlp, mlp->outputs[0], rows);
    else if (last == 1)
        multiply_last(mlp, mlp->outputs[0], part_from(shape, 0, 0, rows), rows);
    for (uint32_t l = own; l < last; l++) {
        const size_t width = shape->sizes[l + 1], stride = part_stride(shape, l);
        const float *biases = parameters_of(mlp, l).biases;
        struct part part;
        hpx_path_take(l < 3 ? HPX_PATH_HIDDEN_1 + l : HPX_PATH_HIDDEN_MORE);
        for (size_t first = 0; first < width; first += part.columns) {
            part = part_from(shape, l, first, rows);
            if (part.columns < width)
                hpx_path_take(part.columns == part_columns(shape, l) ? HPX_PATH_PARTS : HPX_PATH_PART_REST);
            float *y = mlp->outputs[l] + (draw || l + 1 < last ? part.place : 0);
            float *derivative = draw && mlp->derivatives[l] ? mlp->derivatives[l] + part.place : NULL;
            if (l > 0)
                multiply_part(mlp, l, y, part, rows);
            hpx_activation_forward(mlp->activation, y, derivative, biases + first, rows, part.columns,
                                   stride);
            if (draw && mlp->dropout > 0)
                hpx_dropout(y, derivative, rows, first, part.columns, stride, mlp->dropout,
                            draw_number(mlp, l), *draw);
            if (l + 1 == last)
                multiply_last(mlp, y, part, rows);
        }
    }
    return mlp->outputs[last];
}

static hpx_tally tally(hpx_mlp *mlp, const uint8_t *labels, size_t rows, const hpx_mlp_draw *draw)
{
    const uint32_t last = last_layer(&mlp->shape);
    float *logits = forward(mlp, rows, draw);
    return hpx_softmax_forward(draw ? logits : NULL, logits, parameters_of(mlp, last).biases, labels, rows,
                               mlp->shape.sizes[last + 1]);
}

hpx_tally hpx_mlp_evaluate(hpx_mlp *mlp, const uint8_t *labels, size_t rows)
{
    return tally(mlp, labels, rows, NULL);
}

/* A pass backward, and who takes the gradient. */
struct backward {
    hpx_mlp *mlp;
    size_t rows;
    hpx_gradient_fn *take;
    void *context;
};

/* Gives the `count` derivatives that are in mlp->gradient + from by the parameters from `at` on. */
static void give(const struct backward *b, size_t from, const float *at, size_t count)
{
    b->take(b->context, &(hpx_gradient){b->mlp->gradient + from, (size_t)(at - b->mlp->parameters), count});
}

/* The last layer's part in one of the layer before: its derivatives by these outputs, to `delta`, made before
 * the weights change; and the gradient of the weights. */
static void backward_last(const struct backward *b, struct part part, float *delta)
{
    hpx_mlp *mlp = b->mlp;
    const hpx_mlp_shape *shape = &mlp->shape;
    const uint32_t last = last_layer(shape);
    const size_t in = shape->sizes[last], classes = shape->sizes[last + 1],
                 stride = part_stride(shape, last - 1);
    const float *weights = parameters_of(mlp, last).weights + part.first;
    hpx_factor logits = {mlp->deltas[last], classes, false};
    hpx_matrix_multiply(delta, stride, logits, (hpx_factor){weights, in, false}, b->rows, part.columns,
                        classes, false);
    logits.transposed = true;
    hpx_matrix_multiply(mlp->gradient, part.columns, logits,
                        (hpx_factor){mlp->outputs[last - 1] + part.place, stride, false}, classes,
                        part.columns, b->rows, false);
    if (part.columns == in) {
        give(b, 0, weights, classes * in);
        return;
    }
    hpx_path_take(HPX_PATH_PARTS_OF_LAST);
    for (size_t i = 0; i < classes; i++)
        give(b, i * part.columns, weights + i * in, part.columns);
}

/* The loss's derivatives by the sums of a part of a hidden layer, from those by its outputs. */
static float *backward_part(const struct backward *b, uint32_t l, struct part part)
{
    hpx_mlp *mlp = b->mlp;
    const bool before_last = l + 1 == last_layer(&mlp->shape);
    float *delta = mlp->deltas[l] + (before_last ? 0 : part.place);
    if (before_last)
        backward_last(b, part, delta);
    hpx_activation_backward(delta, mlp->gradient, mlp->outputs[l] + part.place,
                            mlp->derivatives[l] ? mlp->derivatives[l] + part.place : NULL,
                            1 / (1 - mlp->dropout), b->rows, part.columns, part_stride(&mlp->shape, l));
    give(b, 0, parameters_of(mlp, l).biases + part.first, part.columns);
    return delta;
}

/* A layer between the first and the last, part by part. */
static void backward(const struct backward *b, uint32_t l)
{
    hpx_mlp *mlp = b->mlp;
    const hpx_mlp_shape *shape = &mlp->shape;
    const size_t in = shape->sizes[l], width = shape->sizes[l + 1], x_stride = part_stride(shape, l - 1);
    const bool inputs = l == 1 && mlp->front.there && mlp->front.layers == 0;
    struct part part, x;
    for (size_t first = 0; first < width; first += part.columns) {
        part = part_from(shape, l, first, b->rows);
        const float *weights = parameters_of(mlp, l).weights + first * in;
        hpx_factor delta = {backward_part(b, l, part), part_stride(shape, l), false};
        for (size_t from = 0; from < in && !inputs; from += x.columns) {
            x = part_from(shape, l - 1, from, b->rows);
            hpx_matrix_multiply(mlp->deltas[l - 1] + x.place, x_stride, delta,
                                (hpx_factor){weights + from, in, false}, b->rows, x.columns, part.columns,
                                first > 0);
        }
        delta.transposed = true;
        for (size_t from = 0; from < in; from += x.columns) {
            x = part_from(shape, l - 1, from, b->rows);
            hpx_matrix_multiply(mlp->gradient + from, in, delta,
                                (hpx_factor){mlp->outputs[l - 1] + x.place, x_stride, false}, part.columns,
                                x.columns, b->rows, false);
        }
        give(b, 0, weights, part.columns * in);
    }
}

/* Rows of the first layer's gradient that are made at once: a block of sparse inputs, of dense ones so many as
 * there is room for. */
static size_t first_rows(const hpx_mlp *mlp)
{
    return mlp->sparse ? FIRST_ROWS : FIRST_ROWS * (FIRST_COLUMNS / first_columns(&mlp->shape, 0));
}

/* The first layer: no derivatives by its inputs are needed. */
static void backward_first(const struct backward *b)
{
    hpx_mlp *mlp = b->mlp;
    const hpx_mlp_shape *shape = &mlp->shape;
    const size_t in = shape->sizes[0], stride = part_stride(shape, 0), most = first_rows(mlp);
    const float *delta =
        last_layer(shape) == 0 ? mlp->deltas[0] : backward_part(b, 0, part_from(shape, 0, 0, b->rows));
    for (size_t from = 0, count; from < in; from += count) {
        count = in - from < most ? in - from : most;
        if (count < most)
            hpx_path_take(HPX_PATH_BLOCK_REST);
        if (mlp->sparse)
            hpx_sparse_transpose(mlp->sparse_inputs, from / FIRST_ROWS, b->rows);
        for (size_t first = 0, columns; first < shape->sizes[1]; first += columns) {
            columns = first_columns(shape, first);
            if (mlp->sparse)
                hpx_sparse_multiply_transposed(mlp->gradient, columns, mlp->sparse_inputs, from / FIRST_ROWS,
                                               delta + first, stride, b->rows, columns);
            else
                hpx_matrix_multiply(mlp->gradient, columns, (hpx_factor){mlp->inputs + from, in, true},
                                    (hpx_factor){delta + first, stride, false}, count, columns, b->rows,
                                    false);
            give(b, 0, mlp->parameters + first * in + from * columns, count * columns);
        }
    }
}

hpx_tally hpx_mlp_gradient(hpx_mlp *mlp, const uint8_t *labels, size_t rows, hpx_mlp_draw draw,
                           hpx_gradient_fn *take, void *context)
{
    const uint32_t last = last_layer(&mlp->shape);
    const struct backward b = {mlp, rows, take, context};
    hpx_tally sums = tally(mlp, labels, rows, &draw);
    hpx_softmax_backward(mlp->deltas[last], mlp->gradient, labels, rows, mlp->shape.sizes[last + 1]);
    give(&b, 0, parameters_of(mlp, last).biases, mlp->shape.sizes[last + 1]);
    for (uint32_t l = last; l-- > 1;)
        backward(&b, l);
    if (!mlp->front.there)
        backward_first(&b);
    else if (last == 1)
        backward_last(&b, part_from(&mlp->shape, 0, 0, rows), mlp->deltas[0]);
    return sums;
}
