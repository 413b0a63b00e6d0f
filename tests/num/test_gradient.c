/* Losses and gradients against a network written once more, plainly and in double precision, and
 * differentiated by central differences. */
#include "../helper/gradient.h"
#include "base/random.h"
#include "nn/mlp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

enum { ROWS = 9, WIDTH_MAX = 700, PARAMETERS_MAX = 512 };

struct fixture {
    hpx_mlp mlp;
    float parameters[PARAMETERS_MAX], gradients[PARAMETERS_MAX];
    float *block;
    uint8_t labels[ROWS];
};

static const hpx_mlp_draw draw = {.seed = 5, .epoch = 3, .first = 100};

static double uniform(uint32_t purpose, uint32_t index)
{
    uint32_t words[4];
    hpx_random(words, 99, purpose, 0, 0, index);
    return (double)hpx_random_float(words[0]);
}

/* A network with `hidden` hidden layers, random biases as well, and a random batch. */
static void set_up(struct fixture *f, uint32_t hidden, hpx_activation activation, float dropout,
                   hpx_init init)
{
    static const uint32_t widths[] = {7, 6, 5};
    memset(f, 0, sizeof *f);
    f->mlp.shape = (hpx_mlp_shape){.layers = hidden + 1, .sizes = {5}};
    memcpy(f->mlp.shape.sizes + 1, widths, hidden * sizeof *widths);
    f->mlp.shape.sizes[hidden + 1] = 3;
    f->mlp.activation = activation;
    f->mlp.dropout = dropout;
    f->mlp.parameters = f->parameters;
    assert_true(hpx_mlp_parameters(&f->mlp.shape) <= PARAMETERS_MAX);
    f->block = malloc(hpx_mlp_attach(&f->mlp, NULL, (hpx_batches){.rows = ROWS}, (hpx_batches){.rows = 4}) *
                      sizeof(float));
    assert_non_null(f->block);
    hpx_mlp_attach(&f->mlp, f->block, (hpx_batches){.rows = ROWS}, (hpx_batches){.rows = 4});
    hpx_mlp_init(&f->mlp, init, 7);
    float *array = f->parameters;
    for (uint32_t l = 0; l <= hidden; l++) {
        array += f->mlp.shape.sizes[l] * f->mlp.shape.sizes[l + 1];
        for (uint32_t j = 0; j < f->mlp.shape.sizes[l + 1]; j++)
            *array++ = (float)uniform(1, 100 * l + j) - 0.5f;
    }
    for (uint32_t i = 0; i < ROWS * 5; i++)
        f->mlp.inputs[i] = (float)(2 * uniform(2, i) - 1);
    for (uint32_t i = 0; i < ROWS; i++)
        f->labels[i] = (uint8_t)(3 * uniform(3, i));
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

static double dropout_factor(const hpx_mlp *mlp, uint32_t layer, uint32_t row, uint32_t column)
{
    uint32_t words[4];
    hpx_random(words, draw.seed, HPX_RANDOM_DROPOUT + layer, draw.epoch, draw.first + row, column / 4);
    return hpx_random_float(words[column % 4]) < mlp->dropout ? 0 : 1 / (1 - (double)mlp->dropout);
}

/* Where the weight from i to j is: the first layer's lie by panels of 64 outputs. */
static uint32_t weight(uint32_t layer, uint32_t in, uint32_t out, uint32_t i, uint32_t j)
{
    const uint32_t first = j & ~63u, columns = out - first < 64 ? out - first : 64;
    return layer == 0 ? first * in + i * columns + j - first : j * in + i;
}

/* The loss of one sample, with dropout if `drop`. */
static double reference_loss(const hpx_mlp *mlp, const double *parameters, uint32_t row, uint8_t label,
                             bool drop)
{
    static double x[WIDTH_MAX], y[WIDTH_MAX];
    for (uint32_t i = 0; i < mlp->shape.sizes[0]; i++)
        x[i] = (double)mlp->inputs[row * mlp->shape.sizes[0] + i];
    for (uint32_t l = 0; l < mlp->shape.layers; l++) {
        const uint32_t in = mlp->shape.sizes[l], out = mlp->shape.sizes[l + 1];
        for (uint32_t j = 0; j < out; j++) {
            double z = parameters[in * out + j];
            for (uint32_t i = 0; i < in; i++)
                z += x[i] * parameters[weight(l, in, out, i, j)];
            y[j] = l + 1 == mlp->shape.layers ? z : activate(mlp->activation, z);
            if (drop && l + 1 < mlp->shape.layers)
                y[j] *= dropout_factor(mlp, l, row, j);
        }
        memcpy(x, y, sizeof x);
        parameters += (in + 1) * out;
    }
    double sum = 0;
    for (uint32_t j = 0; j < mlp->shape.sizes[mlp->shape.layers]; j++)
        sum += exp(x[j] - x[label]);
    return log(sum);
}

static double reference_mean(const struct fixture *f, const double *parameters, bool drop)
{
    double sum = 0;
    for (uint32_t i = 0; i < ROWS; i++)
        sum += reference_loss(&f->mlp, parameters, i, f->labels[i], drop);
    return sum / ROWS;
}

static void check_gradient(struct fixture *f)
{
    const size_t count = hpx_mlp_parameters(&f->mlp.shape);
    double parameters[PARAMETERS_MAX];
    for (size_t i = 0; i < count; i++)
        parameters[i] = (double)f->parameters[i];
    for (size_t i = 0; i < PARAMETERS_MAX; i++)
        f->gradients[i] = NAN;
    const hpx_tally sums = hpx_mlp_gradient(&f->mlp, f->labels, ROWS, draw, gather_gradient, f->gradients);
    assert_true(fabs(sums.loss / ROWS - reference_mean(f, parameters, f->mlp.dropout > 0)) < 1e-6);
    for (size_t i = 0; i < count; i++) {
        const double value = parameters[i], h = 1e-5;
        parameters[i] = value + h;
        double derivative = reference_mean(f, parameters, f->mlp.dropout > 0);
        parameters[i] = value - h;
        derivative = (derivative - reference_mean(f, parameters, f->mlp.dropout > 0)) / (2 * h);
        parameters[i] = value;
        if (!(fabs(derivative - (double)f->gradients[i]) < 2e-7 + 2e-6 * fabs(derivative)))
            fail_msg("parameter %zu: %.9g instead of %.9g", i, (double)f->gradients[i], derivative);
    }
    for (size_t i = count; i < PARAMETERS_MAX; i++)
        assert_true(isnan(f->gradients[i]));
}

static void test_gradients(void **state)
{
    static struct fixture f;
    (void)state;
    for (uint32_t hidden = 0; hidden <= 3; hidden++)
        for (int activation = HPX_RELU; activation <= HPX_GELU; activation++)
            for (int dropout = 0; dropout < 2; dropout++)
                for (int init = HPX_INIT_HE; init <= HPX_INIT_GLOROT; init++) {
                    set_up(&f, hidden, (hpx_activation)activation, dropout ? 0.4f : 0, (hpx_init)init);
                    check_gradient(&f);
                    free(f.block);
                }
}

/* Evaluation knows no dropout. */
static void test_evaluate(void **state)
{
    static struct fixture f;
    double parameters[PARAMETERS_MAX];
    (void)state;
    for (int activation = HPX_RELU; activation <= HPX_GELU; activation++) {
        set_up(&f, 2, (hpx_activation)activation, 0.4f, HPX_INIT_HE);
        for (size_t i = 0; i < PARAMETERS_MAX; i++)
            parameters[i] = (double)f.parameters[i];
        const hpx_tally sums = hpx_mlp_evaluate(&f.mlp, f.labels, ROWS);
        assert_true(fabs(sums.loss / ROWS - reference_mean(&f, parameters, false)) < 1e-6);
        free(f.block);
    }
}

/* A batch is its samples: two halves of it, each named by its place in the epoch, have the same masks and
 * losses. */
static void test_dropout_goes_by_sample(void **state)
{
    static struct fixture f;
    enum { SPLIT = 4 };
    (void)state;
    set_up(&f, 2, HPX_TANH, 0.5f, HPX_INIT_HE);
    const double whole = hpx_mlp_gradient(&f.mlp, f.labels, ROWS, draw, gather_gradient, f.gradients).loss;
    double parts = hpx_mlp_gradient(&f.mlp, f.labels, SPLIT, draw, gather_gradient, f.gradients).loss;
    memmove(f.mlp.inputs, f.mlp.inputs + SPLIT * 5, (ROWS - SPLIT) * 5 * sizeof(float));
    hpx_mlp_draw rest = draw;
    rest.first += SPLIT;
    parts +=
        hpx_mlp_gradient(&f.mlp, f.labels + SPLIT, ROWS - SPLIT, rest, gather_gradient, f.gradients).loss;
    assert_true(fabs(whole - parts) < 1e-5);
    rest.epoch++;
    assert_true(
        hpx_mlp_gradient(&f.mlp, f.labels + SPLIT, ROWS - SPLIT, rest, gather_gradient, f.gradients).loss !=
        parts);
    free(f.block);
}

static void test_known_losses(void **state)
{
    static struct fixture f;
    (void)state;
    set_up(&f, 1, HPX_RELU, 0, HPX_INIT_HE);
    /* No weights, no opinion; the first of equal logits wins. */
    memset(f.parameters, 0, sizeof f.parameters);
    hpx_tally sums = hpx_mlp_evaluate(&f.mlp, (const uint8_t[]){0, 1, 0, 2, 0}, 5);
    assert_true(fabs(sums.loss - 5 * log(3)) < 1e-6);
    assert_int_equal(sums.correct, 3);
    /* Only the last biases: logits 0, 200, 1000 would overflow exp in single precision. */
    float *biases = f.parameters + hpx_mlp_parameters(&f.mlp.shape) - 3;
    biases[1] = 200;
    biases[2] = 1000;
    sums = hpx_mlp_gradient(&f.mlp, (const uint8_t[]){2, 1, 0}, 3, draw, gather_gradient, f.gradients);
    assert_true(fabs(sums.loss - (0 + 800 + 1000)) < 1e-3);
    assert_int_equal(sums.correct, 1);
    free(f.block);
}

static void test_init(void **state)
{
    enum { IN = 30, HIDDEN = 50, OUT = 7 };
    float weights[2][(IN + 1) * HIDDEN + (HIDDEN + 1) * OUT];
    hpx_mlp mlp = {.shape = {2, {IN, HIDDEN, OUT}}};
    static const double fans[][2] = {
        [HPX_INIT_HE] = {IN, HIDDEN}, [HPX_INIT_GLOROT] = {IN + HIDDEN, HIDDEN + OUT}};
    static const size_t starts[] = {0, (IN + 1) * HIDDEN}, counts[] = {IN * HIDDEN, HIDDEN * OUT},
                        outs[] = {HIDDEN, OUT};
    (void)state;
    for (int init = HPX_INIT_HE; init <= HPX_INIT_GLOROT; init++) {
        for (int seed = 0; seed < 2; seed++) {
            mlp.parameters = weights[seed];
            hpx_mlp_init(&mlp, (hpx_init)init, (uint32_t)seed);
        }
        assert_memory_not_equal(weights[0], weights[1], counts[0] * sizeof(float));
        /* Layers have draws of their own, whatever their limits. */
        assert_true((weights[0][0] > 0) != (weights[0][starts[1]] > 0) ||
                    (weights[0][1] > 0) != (weights[0][starts[1] + 1] > 0) ||
                    (weights[0][2] > 0) != (weights[0][starts[1] + 2] > 0) ||
                    (weights[0][3] > 0) != (weights[0][starts[1] + 3] > 0));
        for (int l = 0; l < 2; l++) {
            const double limit = sqrt(6 / fans[init][l]);
            const float *w = weights[1] + starts[l];
            double sum = 0, squares = 0, largest = 0;
            for (size_t i = 0; i < counts[l]; i++) {
                sum += (double)w[i];
                squares += (double)w[i] * (double)w[i];
                largest = fmax(largest, fabs((double)w[i]));
            }
            /* A uniform variable has variance limit^2 / 3; bounds of about four standard errors. */
            const double n = (double)counts[l];
            assert_true(largest <= limit && largest > 0.97 * limit);
            assert_true(fabs(sum / n) < 4 * limit / sqrt(3 * n));
            assert_true(fabs(squares / n * 3 / (limit * limit) - 1) < 4 * sqrt(0.8 / n));
            for (size_t j = 0; j < outs[l]; j++)
                assert_true(w[counts[l] + j] == 0);
        }
    }
}

/* Layers too large for one part: every derivative is given once, and taking a part may change its parameters,
 * as an optimizer does: that changes nothing. Some of the derivatives, all over the network, are compared. */
struct parts {
    float *gradients, *parameters;
    uint8_t *given;
    size_t count;
};

static void take_and_spoil(void *context, const hpx_gradient *part)
{
    struct parts *parts = context;
    gather_gradient(parts->gradients, part);
    parts->count++;
    for (size_t i = part->offset; i < part->offset + part->count; i++) {
        parts->given[i]++;
        parts->parameters[i] = NAN;
    }
}

static void test_parts(void **state)
{
    (void)state;
    enum { IN = 20, FIRST = 310, SECOND = 470, THIRD = 650, OUT = 3, STEP = 1999 };
    const hpx_activation kinds[] = {HPX_RELU, HPX_TANH};
    for (size_t kind = 0; kind < 2; kind++) {
        struct fixture f = {.mlp = {.shape = {4, {IN, FIRST, SECOND, THIRD, OUT}}}};
        f.mlp.activation = kinds[kind];
        f.mlp.dropout = kind == 0 ? 0 : 0.25f;
        const size_t count = hpx_mlp_parameters(&f.mlp.shape);
        struct parts parts = {calloc(count, sizeof(float)), calloc(count, sizeof(float)), calloc(count, 1),
                              0};
        double *before = calloc(count, sizeof *before);
        f.block =
            calloc(hpx_mlp_attach(&f.mlp, NULL, (hpx_batches){.rows = ROWS}, (hpx_batches){.rows = ROWS}),
                   sizeof(float));
        assert_true(parts.gradients && parts.parameters && parts.given && before && f.block);
        hpx_mlp_attach(&f.mlp, f.block, (hpx_batches){.rows = ROWS}, (hpx_batches){.rows = ROWS});
        f.mlp.parameters = parts.parameters;
        hpx_mlp_init(&f.mlp, HPX_INIT_GLOROT, 3);
        for (size_t i = 0; i < count; i++)
            before[i] = (double)parts.parameters[i];
        for (uint32_t i = 0; i < ROWS * IN; i++)
            f.mlp.inputs[i] = (float)uniform(4, i);
        for (uint32_t i = 0; i < ROWS; i++)
            f.labels[i] = (uint8_t)(i % OUT);
        const double mean = hpx_mlp_evaluate(&f.mlp, f.labels, ROWS).loss / ROWS;
        assert_true(fabs(mean - reference_mean(&f, before, false)) < 1e-6);
        const double dropped =
            hpx_mlp_gradient(&f.mlp, f.labels, ROWS, draw, take_and_spoil, &parts).loss / ROWS;
        assert_true(fabs(dropped - reference_mean(&f, before, kind == 1)) < 1e-6);
        assert_true(parts.count > 8 + OUT); /* more than weights and biases of four layers */
        for (size_t i = 0; i < count; i++)
            assert_int_equal(parts.given[i], 1);
        for (size_t i = 0; i < count; i += STEP) {
            const double value = before[i], h = 1e-5;
            before[i] = value + h;
            double derivative = reference_mean(&f, before, kind == 1);
            before[i] = value - h;
            derivative = (derivative - reference_mean(&f, before, kind == 1)) / (2 * h);
            before[i] = value;
            assert_true(fabs(derivative - (double)parts.gradients[i]) < 1e-7 + 1e-4 * fabs(derivative));
        }
        free(parts.gradients);
        free(parts.parameters);
        free(parts.given);
        free(before);
        free(f.block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),    cmocka_unit_test(test_evaluate),
        cmocka_unit_test(test_known_losses), cmocka_unit_test(test_dropout_goes_by_sample),
        cmocka_unit_test(test_init),         cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
