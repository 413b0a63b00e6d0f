/* The network of a checkpoint: it answers as the training evaluated it, and its tensors are its weights. */
#include "../helper/helper.h"
#include "../helper/samples.h"
#include "hpx/trainer.h"
#include "nn/cnn_model.h"
#include "nn/mlp_model.h"
#include "nn/training.h"
#include "trainer/network.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

enum { FEATURES = 9, CLASSES = 3, SAMPLES = 150, HIDDEN = 70 }; /* a whole panel of weights, and a part */

static uint8_t pixels[SAMPLES][FEATURES], labels[SAMPLES];

static void make_samples(void)
{
    draw_seed(1);
    for (size_t i = 0; i < SAMPLES; i++) {
        labels[i] = (uint8_t)draw(CLASSES);
        for (size_t j = 0; j < FEATURES; j++)
            pixels[i][j] = (uint8_t)(draw(180) + (j / 3 == labels[i] ? 70 : 0));
    }
}

static hpx_fields make_manifest(const char *activation)
{
    hpx_fields m = mlp_manifest((const uint64_t[]){HIDDEN, 5}, 2);
    hpx_fields_set_text(&m, "model.kind", "mlp");
    hpx_fields_set_text(&m, "model.activation", activation);
    hpx_fields_set_real(&m, "model.dropout", 0.1);
    hpx_fields_set_text(&m, "train.optimizer", "sgd");
    hpx_fields_set_real(&m, "train.rate", 0.1);
    return m;
}

static hpx_fields make_record(void)
{
    hpx_fields record = {0};
    hpx_fields_set_count(&record, "features", FEATURES);
    hpx_fields_set_count(&record, "classes", CLASSES);
    return record;
}

struct result {
    hpx_buffer checkpoint;
    double accuracy;
};

static hpx_status keep(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    struct result *result = context;
    (void)error;
    result->checkpoint.size = 0;
    add_blob(&result->checkpoint, &epoch->checkpoint);
    result->accuracy = hpx_metrics_value(&epoch->metrics, "test_accuracy");
    return HPX_OK;
}

static struct result train(const hpx_fields *manifest)
{
    const hpx_samples samples = {pixels[0], labels, SAMPLES};
    const hpx_split split = {.shape = {FEATURES, CLASSES, 1, FEATURES, 1}, .train = samples, .test = samples};
    struct result result = {.accuracy = NAN};
    hpx_error error;
    expect_ok(hpx_training_run(&hpx_model_mlp, manifest, &split, 0, 2, NULL, keep, &result, &error), &error);
    return result;
}

/* The values of the next tensor, which has this name and these sizes. */
static float *take(const hpx_network *network, size_t index, const char *name, uint32_t rows,
                   uint32_t columns)
{
    hpx_tensor tensor;
    assert_true(hpx_network_tensor(&tensor, network, index));
    assert_string_equal(tensor.name, name);
    assert_int_equal(tensor.dimensions, columns > 0 ? 2 : 1);
    assert_int_equal(tensor.sizes[0], rows);
    assert_int_equal(tensor.sizes[1], columns > 0 ? columns : tensor.sizes[1]);
    float *values = calloc(hpx_tensor_count(&tensor), sizeof *values);
    hpx_network_read(values, network, index);
    return values;
}

/* y = w x + b in plain loops, relu behind it if it is hidden. */
static void layer(double *y, const double *x, const float *w, const float *b, size_t in, size_t out,
                  bool hidden)
{
    for (size_t j = 0; j < out; j++) {
        y[j] = (double)b[j];
        for (size_t i = 0; i < in; i++)
            y[j] += (double)w[j * in + i] * x[i];
        y[j] = hidden && y[j] < 0 ? 0 : y[j];
    }
}

static void compare(const hpx_network *network, const float *logits, const float *probabilities)
{
    float *w0 = take(network, 0, "0.weight", HIDDEN, FEATURES), *b0 = take(network, 1, "0.bias", HIDDEN, 0),
          *w1 = take(network, 2, "2.weight", 5, HIDDEN), *b1 = take(network, 3, "2.bias", 5, 0),
          *w2 = take(network, 4, "4.weight", CLASSES, 5), *b2 = take(network, 5, "4.bias", CLASSES, 0);
    hpx_tensor none;
    assert_false(hpx_network_tensor(&none, network, 6));
    for (size_t n = 0; n < SAMPLES; n++) {
        double x[FEATURES], y0[HIDDEN], y1[5], z[CLASSES], sum = 0;
        for (size_t i = 0; i < FEATURES; i++)
            x[i] = pixels[n][i] / 255.0;
        layer(y0, x, w0, b0, FEATURES, HIDDEN, true);
        layer(y1, y0, w1, b1, HIDDEN, 5, true);
        layer(z, y1, w2, b2, 5, CLASSES, false);
        for (size_t i = 0; i < CLASSES; i++)
            sum += exp(z[i]);
        for (size_t i = 0; i < CLASSES; i++) {
            expect_near((double)logits[n * CLASSES + i], z[i], 1e-5);
            expect_near((double)probabilities[n * CLASSES + i], exp(z[i]) / sum, 1e-5);
        }
    }
    free(w0), free(b0), free(w1), free(b1), free(w2), free(b2);
}

static void test_answers(void **state)
{
    (void)state;
    make_samples();
    hpx_fields manifest = make_manifest("relu"), record = make_record();
    struct result result = train(&manifest);
    hpx_blob blob = blob_of(result.checkpoint.data, result.checkpoint.size);
    float logits[SAMPLES * CLASSES], probabilities[SAMPLES * CLASSES];
    hpx_network network;
    hpx_error error;
    size_t right = 0;
    expect_ok(hpx_network_open(&network, &manifest, &record, 2, &blob, &error), &error);
    assert_int_equal(network.features, FEATURES);
    assert_int_equal(network.classes, CLASSES);
    hpx_network_answer(&network, logits, probabilities, pixels[0], SAMPLES);
    compare(&network, logits, probabilities);
    for (size_t i = 0; i < SAMPLES; i++)
        right += hpx_network_class(&network, logits + i * CLASSES) == labels[i];
    assert_true(right > SAMPLES / 2);
    expect_near((double)right / SAMPLES, result.accuracy, 0);
    hpx_network_close(&network);
    hpx_network_close(&network);
    hpx_blob_close(&blob);
    hpx_buffer_free(&result.checkpoint);
    hpx_fields_free(&manifest);
    hpx_fields_free(&record);
}

/* --- convolutions --------------------------------------------------------------------------------------------- */

enum {
    HEIGHT = 6,
    WIDTH = 7,
    CHANNELS = 2,
    BYTES = HEIGHT * WIDTH * CHANNELS,
    FILTERS = 3,
    MORE = 4,
    UNITS = 5
};

static uint8_t images[SAMPLES][BYTES];

/* The second convolution has one row and one column of zeros more behind the image than before it. */
static hpx_fields two_convolutions(void)
{
    const convolutions alike = {{FILTERS, MORE}, 2, 3, 1, "same", 2, "max"};
    hpx_fields m = cnn_manifest(&alike, (const uint64_t[]){UNITS}, 1);
    hpx_fields_set_text(&m, "model.kind", "cnn");
    hpx_fields_set_counts(&m, "model.kernel", (const uint64_t[]){3, 2}, 2);
    hpx_fields_set_counts(&m, "model.stride", (const uint64_t[]){1, 2}, 2);
    hpx_fields_set_counts(&m, "model.pool", (const uint64_t[]){2, 1}, 2);
    return m;
}

static struct result train_cnn(const hpx_fields *manifest)
{
    const hpx_samples samples = {images[0], labels, SAMPLES};
    const hpx_split split = {
        .shape = {BYTES, CLASSES, HEIGHT, WIDTH, CHANNELS}, .train = samples, .test = samples};
    struct result result = {.accuracy = NAN};
    hpx_error error;
    expect_ok(hpx_training_run(&hpx_model_cnn, manifest, &split, 0, 2, NULL, keep, &result, &error), &error);
    return result;
}

/* Relu of a convolution of out x channels x k x k weights, of so many columns and rows of zeros before the image. */
static void convolve(double *y, const double *x, const float *w, const float *b, size_t channels,
                     size_t height, size_t width, size_t out, size_t k, size_t stride, size_t before)
{
    const size_t rows = (height - 1) / stride + 1, columns = (width - 1) / stride + 1;
    for (size_t i = 0; i < out * rows * columns; i++) {
        const size_t f = i / columns / rows, top = i / columns % rows * stride, left = i % columns * stride;
        double sum = (double)b[f];
        for (size_t j = 0; j < channels * k * k; j++) {
            const size_t row = top + j / k % k - before, column = left + j % k - before; /* below 0: huge */
            if (row < height && column < width)
                sum += (double)w[f * channels * k * k + j] * x[(j / k / k * height + row) * width + column];
        }
        y[i] = sum > 0 ? sum : 0;
    }
}

static void halve(double *y, const double *x, size_t channels, size_t height, size_t width)
{
    for (size_t i = 0; i < channels * (height / 2) * (width / 2); i++) {
        const size_t channel = i / (width / 2) / (height / 2), row = i / (width / 2) % (height / 2);
        const double *corner = x + (channel * height + row * 2) * width + i % (width / 2) * 2;
        y[i] = fmax(fmax(corner[0], corner[1]), fmax(corner[width], corner[width + 1]));
    }
}

static float *take_filters(const hpx_network *network, size_t index, const char *name, uint32_t filters,
                           uint32_t channels, uint32_t kernel)
{
    hpx_tensor tensor;
    assert_true(hpx_network_tensor(&tensor, network, index));
    assert_string_equal(tensor.name, name);
    assert_int_equal(tensor.dimensions, 4);
    assert_int_equal(tensor.sizes[0], filters);
    assert_int_equal(tensor.sizes[1], channels);
    assert_int_equal(tensor.sizes[2], kernel);
    assert_int_equal(tensor.sizes[3], kernel);
    float *values = calloc(hpx_tensor_count(&tensor), sizeof *values);
    hpx_network_read(values, network, index);
    return values;
}

static void compare_cnn(const hpx_network *network, const float *logits)
{
    float *w0 = take_filters(network, 0, "0.weight", FILTERS, CHANNELS, 3),
          *b0 = take(network, 1, "0.bias", FILTERS, 0),
          *w1 = take_filters(network, 2, "3.weight", MORE, FILTERS, 2),
          *b1 = take(network, 3, "3.bias", MORE, 0), *w2 = take(network, 4, "6.weight", UNITS, MORE * 4),
          *b2 = take(network, 5, "6.bias", UNITS, 0), *w3 = take(network, 6, "8.weight", CLASSES, UNITS),
          *b3 = take(network, 7, "8.bias", CLASSES, 0);
    hpx_tensor none;
    assert_false(hpx_network_tensor(&none, network, 8));
    for (size_t n = 0; n < SAMPLES; n++) {
        double x[BYTES], y0[FILTERS * HEIGHT * WIDTH], p0[FILTERS * 9], y1[MORE * 4], y2[UNITS], z[CLASSES];
        for (size_t i = 0; i < BYTES; i++)
            x[i % CHANNELS * HEIGHT * WIDTH + i / CHANNELS] = images[n][i] / 255.0;
        convolve(y0, x, w0, b0, CHANNELS, HEIGHT, WIDTH, FILTERS, 3, 1, 1);
        halve(p0, y0, FILTERS, HEIGHT, WIDTH);
        convolve(y1, p0, w1, b1, FILTERS, 3, 3, MORE, 2, 2, 0);
        layer(y2, y1, w2, b2, MORE * 4, UNITS, true);
        layer(z, y2, w3, b3, UNITS, CLASSES, false);
        for (size_t i = 0; i < CLASSES; i++)
            expect_near((double)logits[n * CLASSES + i], z[i], 1e-5);
    }
    free(w0), free(b0), free(w1), free(b1), free(w2), free(b2), free(w3), free(b3);
}

static void check_layers(const hpx_fields *manifest, const hpx_fields *record)
{
    const hpx_network_layer expected[] = {
        {CHANNELS, HEIGHT, WIDTH, 0, {NULL, 0, 0}},
        {FILTERS, 3, 3, 57, {"convolution", 2268, 4536}}, /* 3 x 2 x 9 weights for 6 x 7 sums */
        {MORE, 2, 2, 52, {"convolution", 192, 576}},
        {UNITS, 1, 1, 85, {"dense", 80, 240}},
        {CLASSES, 1, 1, 18, {"dense", 15, 45}},
    };
    hpx_network_layer layers[HPX_NETWORK_LAYERS_MAX];
    assert_int_equal(hpx_network_layers(layers, manifest, record), 5);
    for (size_t i = 0; i < 5; i++) {
        const hpx_network_layer *got = &layers[i], *wanted = &expected[i];
        assert_int_equal(got->units, wanted->units);
        assert_int_equal(got->height, wanted->height);
        assert_int_equal(got->width, wanted->width);
        assert_int_equal(got->weights, wanted->weights);
        assert_int_equal(got->cost.forward, wanted->cost.forward);
        assert_int_equal(got->cost.training, wanted->cost.training);
        if (i > 0)
            assert_string_equal(got->cost.kind, wanted->cost.kind);
    }
}

static void check_description(const hpx_network *network)
{
    hpx_fields notes = {0};
    hpx_network_describe(&notes, network);
    assert_string_equal(hpx_fields_text_or_empty(&notes, "padding"), "1 1 1 1, 0 1 0 1");
    assert_string_equal(hpx_fields_text_or_empty(&notes, "stride"), "1 2");
    assert_string_equal(hpx_fields_text_or_empty(&notes, "pool"), "2 1");
    assert_string_equal(hpx_fields_text_or_empty(&notes, "pooling"), "max");
    hpx_fields_free(&notes);
}

static void test_convolutions(void **state)
{
    (void)state;
    hpx_fields manifest = two_convolutions(), record = make_record();
    hpx_fields_set_count(&record, "features", BYTES);
    hpx_fields_set_count(&record, "height", HEIGHT);
    hpx_fields_set_count(&record, "width", WIDTH);
    hpx_fields_set_count(&record, "channels", CHANNELS);
    draw_seed(3);
    for (size_t i = 0; i < SAMPLES; i++) {
        labels[i] = (uint8_t)draw(CLASSES);
        for (size_t j = 0; j < BYTES; j++)
            images[i][j] = (uint8_t)(draw(180) + (j / 28 == labels[i] ? 70 : 0));
    }
    struct result result = train_cnn(&manifest);
    hpx_blob blob = blob_of(result.checkpoint.data, result.checkpoint.size);
    float logits[SAMPLES * CLASSES], probabilities[SAMPLES * CLASSES];
    hpx_network network;
    hpx_error error;
    size_t right = 0;
    expect_ok(hpx_network_open(&network, &manifest, &record, 2, &blob, &error), &error);
    hpx_network_answer(&network, logits, probabilities, images[0], SAMPLES);
    compare_cnn(&network, logits);
    for (size_t i = 0; i < SAMPLES; i++) {
        double sum = 0;
        for (size_t k = 0; k < CLASSES; k++)
            sum += exp((double)logits[i * CLASSES + k]);
        expect_near((double)probabilities[i * CLASSES], exp((double)logits[i * CLASSES]) / sum, 1e-5);
        right += hpx_network_class(&network, logits + i * CLASSES) == labels[i];
    }
    expect_near((double)right / SAMPLES, result.accuracy, 0);
    check_description(&network);
    check_layers(&manifest, &record);
    hpx_network_close(&network);
    hpx_blob_close(&blob);
    hpx_buffer_free(&result.checkpoint);
    hpx_fields_free(&manifest);
    hpx_fields_free(&record);
}

/* --- both ------------------------------------------------------------------------------------------------------ */

/* The first of equals, as the training counts. */
static void test_class(void **state)
{
    (void)state;
    const hpx_network network = {.classes = 4};
    assert_int_equal(hpx_network_class(&network, (const float[]){1, 3, 3, 2}), 1);
    assert_int_equal(hpx_network_class(&network, (const float[]){-1, -1, -1, -1}), 0);
    assert_int_equal(hpx_network_class(&network, (const float[]){-4, -3, -2, -1}), 3);
}

static void refused(const hpx_fields *manifest, const hpx_fields *record, uint32_t epoch,
                    const hpx_blob *blob, const char *why)
{
    hpx_network network;
    hpx_error error;
    assert_int_equal(hpx_network_open(&network, manifest, record, epoch, blob, &error), HPX_DAMAGED);
    expect_contains(error.message, why);
    hpx_network_close(&network);
}

static void test_what_is_no_checkpoint_of_it(void **state)
{
    (void)state;
    make_samples();
    hpx_fields manifest = make_manifest("tanh"), record = make_record(), program = {0};
    struct result result = train(&manifest);
    hpx_blob blob = blob_of(result.checkpoint.data, result.checkpoint.size),
             cut = blob_of(result.checkpoint.data, result.checkpoint.size - 64);
    refused(&manifest, &record, 1, &blob, "of epoch 2 instead of 1");
    refused(&manifest, &record, 2, &cut, "checkpoint");
    hpx_fields_set_count(&record, "features", FEATURES + 1);
    refused(&manifest, &record, 2, &blob, "with other layers");
    hpx_fields_set_count(&record, "classes", 300);
    refused(&manifest, &record, 2, &blob, "300 classes");
    hpx_fields_remove(&record, "classes");
    refused(&manifest, &record, 2, &blob, "classes");
    hpx_fields_set_text(&program, "model.kind", "program");
    assert_null(hpx_network_kind_of(&program));
    assert_non_null(hpx_network_kind_of(&manifest));
    hpx_blob_close(&blob);
    hpx_blob_close(&cut);
    hpx_buffer_free(&result.checkpoint);
    hpx_fields_free(&program);
    hpx_fields_free(&manifest);
    hpx_fields_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_class),
        cmocka_unit_test(test_what_is_no_checkpoint_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
