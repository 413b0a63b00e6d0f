/* Products from nonzeros: against plain loops in the same order, bit for bit, and in double precision; then
 * in a network and in training, against the dense products. */
#include "nn/sparse.h"

#include "../helper/gradient.h"
#include "../helper/helper.h"
#include "../helper/samples.h"
#include "base/random.h"
#include "hpx/buffer.h"
#include "nn/checkpoint.h"
#include "nn/mlp.h"
#include "nn/mlp_model.h"
#include "nn/optimizer.h"
#include "nn/training.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

static uint32_t drawn(uint32_t purpose, uint32_t i, uint32_t j)
{
    uint32_t words[4];
    hpx_random(words, 17, purpose, 0, i, j);
    return words[0];
}

static float uniform(uint32_t purpose, uint32_t i)
{
    return 2 * hpx_random_float(drawn(purpose, 0, i)) - 1;
}

static void *allocate(size_t count, size_t bytes)
{
    void *block = calloc(count, bytes);
    assert_non_null(block);
    return block;
}

/* rows x features bytes, about `percent` of them not zero; every fifth row is empty unless all are full. */
static uint8_t *make_bytes(size_t rows, size_t features, uint32_t percent)
{
    uint8_t *bytes = allocate(rows * features, 1);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < features; j++) {
            const uint32_t word = drawn(1, (uint32_t)i, (uint32_t)j);
            if (percent == 100)
                bytes[i * features + j] = 255;
            else if (i % 5 != 3 && word % 100 < percent)
                bytes[i * features + j] = (uint8_t)(1 + (word >> 8) % 255);
        }
    return bytes;
}

/* An attachment as large as it says, and not a byte more: a sanitizer sees what goes beyond. */
static float *attach(hpx_sparse *out, size_t features, size_t rows)
{
    float *block = allocate(hpx_sparse_attach(out, NULL, features, rows), sizeof *block);
    hpx_sparse_attach(out, block, features, rows);
    return block;
}

/* Loads the bytes and checks every entry. */
static void check_entries(hpx_sparse *x, const uint8_t *bytes, size_t rows, size_t features)
{
    uint32_t e = 0;
    for (size_t i = 0; i < rows; i++)
        hpx_sparse_set_row(x, i, bytes + i * features);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < features; j++) {
            const uint8_t byte = bytes[i * features + j];
            if (j % HPX_SPARSE_BLOCK == 0)
                assert_int_equal(x->starts[i * x->blocks + j / HPX_SPARSE_BLOCK], e);
            if (byte != 0) {
                assert_int_equal(x->indices[e], j % HPX_SPARSE_BLOCK);
                assert_true(x->values[e] == (float)byte * (1 / 255.0f));
                e++;
            }
        }
    assert_int_equal(x->starts[rows * x->blocks], e);
}

/* sum + a b as the loops round it; volatile, whatever the compiler may contract. */
static float add_product(hpx_vector kind, float a, float b, float sum)
{
    volatile float product = a * b;
    return kind == HPX_VECTOR_PLAIN ? product + sum : fmaf(a, b, sum);
}

/* op(bytes / 255) (m x k) * b (k x n), plainly: in the order of the contract, and in double precision. */
static void check_product(hpx_vector kind, const float *c, const uint8_t *bytes, bool transposed,
                          const float *b, size_t m, size_t n, size_t k)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            float sum = 0;
            double exact = 0, size = 0;
            for (size_t l = 0; l < k; l++) {
                const uint8_t byte = transposed ? bytes[l * m + i] : bytes[i * k + l];
                if (byte == 0)
                    continue;
                sum = add_product(kind, (float)byte * (1 / 255.0f), b[l * n + j], sum);
                exact += byte / 255.0 * (double)b[l * n + j];
                size += fabs(byte / 255.0 * (double)b[l * n + j]);
            }
            const float found = c[i * n + j];
            if (found != sum || fabs((double)found - exact) > 1e-5 * size)
                fail_msg("%s, %zu x %zu x %zu%s, element %zu %zu: %.9g instead of %.9g (%.17g)",
                         hpx_vector_name(kind), m, k, n, transposed ? ", transposed" : "", i, j,
                         (double)found, (double)sum, exact);
        }
}

static size_t panel_columns(size_t width, size_t first)
{
    return width - first < HPX_SPARSE_PANEL ? width - first : HPX_SPARSE_PANEL;
}

static void transpose_multiply(float *c, const hpx_sparse *x, size_t block, const float *b, size_t rows,
                               size_t width)
{
    hpx_sparse_transpose(x, block, rows);
    for (size_t at = 0; at < width; at += HPX_SPARSE_PANEL)
        hpx_sparse_multiply_transposed(c + at, width, x, block, b + at, width, rows,
                                       panel_columns(width, at));
}

static void check_shape_with(hpx_vector kind, size_t rows, size_t features, size_t width, uint32_t percent)
{
    const size_t larger = rows > features ? rows : features;
    uint8_t *bytes = make_bytes(rows, features, percent);
    float *b = allocate(larger * width, sizeof *b), *c = allocate(larger * width + 1, sizeof *c);
    hpx_sparse x;
    float *block = attach(&x, features, rows);
    assert_int_equal(x.kind, kind);
    for (size_t i = 0; i < larger * width; i++)
        b[i] = uniform(2, (uint32_t)i);
    /* The whole batch, then a short one in the same place: nothing of the larger may be left. */
    for (size_t part = rows;; part = rows / 3) {
        hpx_compress_fn *compress;
        for (size_t way = 0; (compress = hpx_sparse_compression(kind, way)); way++) {
            x.compress = compress;
            check_entries(&x, bytes, part, features);
        }
        for (size_t i = 0; i <= larger * width; i++)
            c[i] = NAN;
        for (size_t at = 0; at < width; at += HPX_SPARSE_PANEL)
            hpx_sparse_multiply(c + at, width, &x, b + at, width, part, panel_columns(width, at));
        check_product(kind, c, bytes, false, b, part, width, features);
        assert_true(isnan(c[part * width]));
        for (size_t i = 0; i <= larger * width; i++)
            c[i] = NAN;
        for (size_t at = 0; at < x.blocks; at++)
            transpose_multiply(c + at * HPX_SPARSE_BLOCK * width, &x, at, b, part, width);
        check_product(kind, c, bytes, true, b, features, width, part);
        assert_true(isnan(c[features * width]));
        if (part < rows || part < 3)
            break;
    }
    free(block);
    free(c);
    free(b);
    free(bytes);
}

/* With every kind of loop that this processor has. */
static void check_shape(size_t rows, size_t features, size_t width, uint32_t percent)
{
    for (int kind = HPX_VECTOR_PLAIN; kind <= HPX_VECTOR_AVX512; kind++) {
        setenv("HPX_VECTOR", hpx_vector_name((hpx_vector)kind), 1);
        hpx_vector_choose();
        if (hpx_vector_kind() == (hpx_vector)kind)
            check_shape_with((hpx_vector)kind, rows, features, width, percent);
    }
    unsetenv("HPX_VECTOR");
    hpx_vector_choose();
}

static void test_products(void **state)
{
    static const size_t widths[] = {1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 127, 128, 129, 130};
    static const uint32_t percents[] = {0, 5, 20, 60, 100};
    (void)state;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (size_t p = 0; p < sizeof percents / sizeof *percents; p++)
            check_shape(13, 41, widths[w], percents[p]);
    check_shape(3, 50, 1000, 20);
    check_shape(1, 1, 1, 100);
    check_shape(9, 8, 16, 50);
    check_shape(20, 7, 20, 50);
}

/* Features on both sides of one and of two blocks. */
static void test_blocks(void **state)
{
    static const size_t features[] = {127, 128, 129, 255, 256, 257, 784};
    (void)state;
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        check_shape(7, features[i], 70, 20);
}

/* The same network with dense and with sparse inputs, and the samples' order obeyed. */
static void test_network(void **state)
{
    enum { ROWS = 24, FEATURES = 40, COUNT = 60, PARAMETERS = (FEATURES + 1) * 33 + 34 * 3 };
    static float parameters[PARAMETERS], gradients[2][PARAMETERS];
    const hpx_mlp_draw mask = {.seed = 5, .epoch = 3, .first = 100};
    uint8_t *bytes = make_bytes(COUNT, FEATURES, 20), labels[ROWS];
    uint32_t order[ROWS];
    hpx_tally sums[2], evaluated[2];
    (void)state;
    for (uint32_t i = 0; i < ROWS; i++) {
        order[i] = (i * 7 + 3) % COUNT;
        labels[i] = (uint8_t)(i % 3);
    }
    for (int sparse = 0; sparse < 2; sparse++) {
        hpx_mlp mlp = {.shape = {2, {FEATURES, 33, 3}}, .dropout = 0.25f};
        const hpx_batches train = {ROWS, sparse}, evaluate = {COUNT, sparse};
        mlp.parameters = parameters;
        float *block = allocate(hpx_mlp_attach(&mlp, NULL, train, evaluate), sizeof *block);
        hpx_mlp_attach(&mlp, block, train, evaluate);
        assert_true((mlp.inputs == NULL) == sparse && (mlp.sparse_inputs != NULL) == sparse);
        hpx_mlp_init(&mlp, HPX_INIT_HE, 7);
        hpx_mlp_load(&mlp, sparse, bytes, order, ROWS, 0);
        sums[sparse] = hpx_mlp_gradient(&mlp, labels, ROWS, mask, gather_gradient, gradients[sparse]);
        hpx_mlp_load(&mlp, sparse, bytes + FEATURES, NULL, ROWS - 5, 5);
        evaluated[sparse] = hpx_mlp_evaluate(&mlp, labels, ROWS - 5);
        free(block);
    }
    assert_true(fabs(sums[0].loss - sums[1].loss) < 1e-4 && sums[0].loss > 1);
    assert_true(fabs(evaluated[0].loss - evaluated[1].loss) < 1e-4 && evaluated[0].loss > 1);
    if (hpx_vector_kind() != HPX_VECTOR_PLAIN) /* both fuse products and sums, in the same order */
        assert_true(evaluated[0].loss == evaluated[1].loss && sums[0].loss == sums[1].loss);
    double size = 0;
    for (size_t i = 0; i < PARAMETERS; i++) {
        assert_true(fabsf(gradients[0][i] - gradients[1][i]) < 1e-6f);
        size = fmax(size, fabs((double)gradients[0][i]));
    }
    assert_true(size > 1e-2);
    free(bytes);
}

enum {
    FEATURES = 60,
    CLASSES = 4,
    TRAIN = 203,
    TEST = 300,
    EPOCHS = 6,
    WIDTH = 70,
    BATCH = 20,
    PARAMETERS_MAX = 8192
};

/* A class's samples have values in a tenth of the pixels that is theirs, and in one in twenty elsewhere. */
static uint8_t *make_samples(uint8_t *labels, uint8_t background)
{
    uint8_t *bytes = allocate((TRAIN + TEST) * FEATURES, 1);
    for (uint32_t i = 0; i < TRAIN + TEST; i++) {
        labels[i] = (uint8_t)(i % CLASSES);
        for (uint32_t j = 0; j < FEATURES; j++) {
            const uint32_t word = drawn(3, i, j), own = j / 6 == labels[i] * 2u;
            bytes[i * FEATURES + j] = own || word % 20 == 0 ? (uint8_t)(word >> 8) : background;
        }
    }
    return bytes;
}

struct record {
    hpx_metrics metrics[EPOCHS + 1];
    hpx_buffer checkpoints[EPOCHS + 1];
};

static hpx_status keep(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    struct record *record = context;
    (void)error;
    record->metrics[epoch->epoch] = hpx_metrics_copy(&epoch->metrics);
    add_blob(&record->checkpoints[epoch->epoch], &epoch->checkpoint);
    return HPX_OK;
}

static void forget(struct record *record)
{
    for (size_t i = 0; i <= EPOCHS; i++) {
        hpx_buffer_free(&record->checkpoints[i]);
        hpx_metrics_free(&record->metrics[i]);
    }
    *record = (struct record){0};
}

static void train(struct record *record, uint32_t width, const uint8_t *bytes, const uint8_t *labels,
                  uint32_t from, uint32_t to, const hpx_buffer *checkpoint)
{
    const hpx_split split = {
        .shape = {FEATURES, CLASSES, 1, FEATURES, 1},
        .train = {bytes, labels, TRAIN},
        .test = {bytes + TRAIN * FEATURES, labels + TRAIN, TEST},
    };
    hpx_fields m = mlp_manifest((const uint64_t[]){width, 8}, 2);
    hpx_error error = {0};
    hpx_fields_set_real(&m, "model.dropout", 0.1);
    hpx_fields_set_count(&m, "train.batch", BATCH);
    hpx_blob blob = checkpoint ? blob_of(checkpoint->data, checkpoint->size) : HPX_NO_BLOB;
    if (hpx_training_run(&hpx_model_mlp, &m, &split, from, to, &blob, keep, record, &error))
        fail_msg("%s", error.message);
    hpx_blob_close(&blob);
    hpx_fields_free(&m);
}

static bool same_metrics(const hpx_metrics *a, const hpx_metrics *b)
{
    const hpx_hash left = hpx_output_hash(a, NULL, 0), right = hpx_output_hash(b, NULL, 0);
    return hpx_metrics_same_names(a, b) && hpx_hash_equal(&left, &right);
}

static void assert_same(const struct record *a, const struct record *b, uint32_t epoch)
{
    assert_int_equal(a->checkpoints[epoch].size, b->checkpoints[epoch].size);
    assert_memory_equal(a->checkpoints[epoch].data, b->checkpoints[epoch].data, a->checkpoints[epoch].size);
    assert_true(same_metrics(&a->metrics[epoch], &b->metrics[epoch]));
}

/* It learns, and an interruption cannot be seen. */
static void test_training(void **state)
{
    uint8_t labels[TRAIN + TEST], *bytes = make_samples(labels, 0);
    struct record whole = {0}, parts = {0};
    (void)state;
    train(&whole, WIDTH, bytes, labels, 0, EPOCHS, NULL);
    assert_true(hpx_metrics_value(&whole.metrics[EPOCHS], "test_accuracy") > 0.9);
    for (uint32_t at = 1; at < EPOCHS; at++) {
        train(&parts, WIDTH, bytes, labels, 0, at, NULL);
        train(&parts, WIDTH, bytes, labels, at, EPOCHS, &parts.checkpoints[at]);
        for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++)
            assert_same(&whole, &parts, epoch);
        forget(&parts);
    }
    forget(&whole);
    free(bytes);
}

/* EPOCHS of the trainer, put together here from the parts with the form of inputs given. */
static void train_by_hand(float *parameters, bool sparse, const uint8_t *bytes, const uint8_t *labels,
                          uint32_t width, uint32_t batch)
{
    const hpx_optimizer adam = {.kind = HPX_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    hpx_mlp mlp = {.shape = {3, {FEATURES, width, 8, CLASSES}}, .dropout = 0.1f};
    const hpx_batches train = {TRAIN, sparse};
    const size_t count = hpx_mlp_parameters(&mlp.shape);
    float *block = allocate(hpx_mlp_attach(&mlp, NULL, train, (hpx_batches){0}) + 3 * count, sizeof *block);
    float *gradients = block + hpx_mlp_attach(&mlp, block, train, (hpx_batches){0});
    float *const states[] = {gradients + count, gradients + 2 * count};
    uint8_t batch_labels[TRAIN];
    uint32_t order[TRAIN];
    uint64_t step = 0;
    mlp.parameters = parameters;
    const hpx_gradient whole = whole_gradient(gradients, count);
    hpx_mlp_init(&mlp, HPX_INIT_HE, 1);
    for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++) {
        hpx_random_permutation(order, TRAIN, 1, HPX_RANDOM_SHUFFLE, epoch);
        for (uint32_t first = 0, rows; first < TRAIN; first += rows) {
            rows = TRAIN - first < batch ? TRAIN - first : batch;
            for (uint32_t i = 0; i < rows; i++)
                batch_labels[i] = labels[order[first + i]];
            hpx_mlp_load(&mlp, sparse, bytes, order + first, rows, TRAIN - first - rows);
            hpx_mlp_gradient(&mlp, batch_labels, rows, (hpx_mlp_draw){1, epoch, first}, gather_gradient,
                             gradients);
            hpx_optimizer_step(&adam, parameters, states, &whole, 0.01, ++step);
        }
    }
    free(block);
}

/* Which form the trainer takes shows in the last bits, if sums are rounded in another way than BLAS does; but
 * for those, both give the same training. */
static void check_form(bool sparse, uint32_t width, uint8_t background)
{
    static float parameters[2][PARAMETERS_MAX];
    uint8_t labels[TRAIN + TEST], *bytes = make_samples(labels, background);
    struct record record = {0};
    hpx_checkpoint parsed;
    hpx_error error;
    train(&record, width, bytes, labels, 0, EPOCHS, NULL);
    const hpx_buffer *last = &record.checkpoints[EPOCHS];
    assert_int_equal(hpx_checkpoint_parse(&parsed, last->data, last->size, &error), HPX_OK);
    const size_t count = parsed.parameters;
    const uint8_t *weights = last->data + hpx_checkpoint_offset(&parsed, 0);
    assert_true(count <= PARAMETERS_MAX);
    for (int form = 0; form < 2; form++) {
        train_by_hand(parameters[form], form, bytes, labels, width, BATCH);
        assert_int_equal(memcmp(weights, parameters[form], count * sizeof(float)) == 0, form == sparse);
    }
    for (size_t i = 0; i < count; i++)
        assert_true(fabsf(parameters[0][i] - parameters[1][i]) < 5e-3f);
    forget(&record);
    free(bytes);
}

static void test_choice(void **state)
{
    (void)state;
    setenv("HPX_VECTOR", "plain", 1);
    hpx_vector_choose();
    check_form(true, WIDTH, 0);
    check_form(true, 48, 0);
    check_form(false, 47, 0);
    check_form(false, WIDTH, 1);
    unsetenv("HPX_VECTOR");
    hpx_vector_choose();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products), cmocka_unit_test(test_blocks), cmocka_unit_test(test_network),
        cmocka_unit_test(test_training), cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
