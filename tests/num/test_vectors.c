/* Whole trainings give the same bits with AVX2 and with AVX-512: on a processor that has not got the latter
 * both are AVX2. So neither is part of a result's identity, and plain vectors, which give others, are. */
#include "../helper/helper.h"
#include "../helper/samples.h"
#include "hpx/buffer.h"
#include "hpx/store.h"
#include "hpx/trainer.h"
#include "identity/manifest.h"
#include "nn/cnn_model.h"
#include "nn/mlp_model.h"
#include "nn/training.h"
#include "nn/vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

enum {
    FEATURES = 201,
    CLASSES = 7,
    TRAIN = 150,
    VALIDATION = 20,
    TEST = 270,
    SAMPLES = TRAIN + VALIDATION + TEST
};

static uint8_t pixels[SAMPLES][FEATURES], labels[SAMPLES];

/* Samples of which one pixel in `some` is not zero. */
static hpx_split make_split(uint32_t some)
{
    static const uint32_t counts[] = {TRAIN, VALIDATION, TEST};
    return draw_split(pixels[0], labels, FEATURES, CLASSES, counts, some);
}

/* Of 64 ways: every activation with every optimizer, with and without dropout, and decay with either. */
static void set_way(hpx_fields *m, uint32_t way)
{
    static const char *const activations[] = {"relu", "tanh", "sigmoid", "gelu"};
    static const char *const schedules[] = {"constant", "step", "cosine"};
    const bool decays = (way ^ way >> 3) & 1;
    hpx_fields_set_text(m, "model.activation", activations[way % 4]);
    hpx_fields_set_real(m, "model.dropout", way & 4 ? 0.2 : 0);
    hpx_fields_set_text(m, "model.init", way & 1 ? "glorot" : "he");
    hpx_fields_set_text(m, "train.optimizer", way & 24 ? "sgd" : "adam");
    hpx_fields_set_real(m, "train.rate", way & 24 ? 0.05 : 0.003);
    hpx_fields_set_real(m, "train.momentum", way & 16 ? 0.9 : 0);
    hpx_fields_set_text(m, "train.nesterov", way & 8 ? "yes" : "no");
    hpx_fields_set_real(m, "train.weight-decay", decays ? 0.001 : 0);
    hpx_fields_set_text(m, "train.schedule", schedules[way % 3]);
}

static void set_training(hpx_fields *m, uint64_t batch, uint32_t way)
{
    hpx_fields_set_count(m, "train.step-epochs", 1);
    hpx_fields_set_real(m, "train.step-factor", 0.5);
    hpx_fields_set_count(m, "last-epoch", 2);
    hpx_fields_set_count(m, "train.batch", batch);
    hpx_fields_set_count(m, "seed", way);
    set_way(m, way);
}

static void choose(hpx_vector vector)
{
    setenv("HPX_VECTOR", hpx_vector_name(vector), 1);
    hpx_vector_choose();
}

/* Metrics and checkpoints of all epochs. */
static hpx_status keep(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    (void)error;
    assert_null(epoch->failure);
    for (size_t i = 0; i < epoch->metrics.count; i++)
        hpx_buffer_add(context, &epoch->metrics.list[i].value, sizeof(double));
    add_blob(context, &epoch->checkpoint);
    return HPX_OK;
}

static hpx_buffer train(hpx_vector vector, const hpx_model *model, const hpx_fields *manifest,
                        const hpx_split *split)
{
    hpx_buffer outputs = {0};
    hpx_error error = {0};
    choose(vector);
    if (hpx_training_run(model, manifest, split, 0, 2, NULL, keep, &outputs, &error))
        fail_msg("%s", error.message);
    return outputs;
}

static bool same(const hpx_buffer *a, const hpx_buffer *b)
{
    assert_true(a->size > 0 && a->size == b->size);
    return memcmp(a->data, b->data, a->size) == 0;
}

/* How many trainings were compared, and how many of them plain vectors round otherwise. */
struct tally {
    size_t all, otherwise;
};

static void expect_same(struct tally *tally, const hpx_model *model, const hpx_fields *manifest,
                        const hpx_split *split, const char *what)
{
    hpx_buffer narrow = train(HPX_VECTOR_AVX2, model, manifest, split);
    hpx_buffer wide = train(HPX_VECTOR_AVX512, model, manifest, split);
    hpx_buffer plain = train(HPX_VECTOR_PLAIN, model, manifest, split);
    if (!same(&narrow, &wide))
        fail_msg("AVX2 and AVX-512 differ: %s", what);
    tally->all++;
    tally->otherwise += !same(&narrow, &plain);
    hpx_buffer_free(&narrow);
    hpx_buffer_free(&wide);
    hpx_buffer_free(&plain);
}

static void expect_same_perceptron(struct tally *tally, const hpx_split *split, const uint64_t *hidden,
                                   size_t layers, uint64_t batch, uint32_t way)
{
    char what[100];
    hpx_fields manifest = mlp_manifest(hidden, layers);
    set_training(&manifest, batch, way);
    snprintf(what, sizeof what, "%zu layers, the first %zu wide, batch %zu, way %u", layers,
             (size_t)hidden[0], (size_t)batch, way);
    expect_same(tally, &hpx_model_mlp, &manifest, split, what);
    hpx_fields_free(&manifest);
}

/* By some kernels of BLAS small networks come out as with fused vectors, most do not. */
static void expect_otherwise(const struct tally *tally)
{
    if (tally->otherwise * 2 < tally->all)
        fail_msg("plain vectors round otherwise in %zu of %zu trainings only", tally->otherwise, tally->all);
}

/* Inputs of few and of many zeros; layers of one unit, of a multiple of every vector, of one more and one
 * less, so wide that they go in parts; batches of one sample, that do not divide the epoch, and of all
 * samples. */
static void test_shapes(void **state)
{
    static const uint64_t shapes[][4] = {{1},           {7, 3},        {16, 32},  {47, 5},      {48},
                                         {65, 33},      {100, 31, 17}, {128, 64}, {3, 3, 3, 3}, {129, 255},
                                         {20, 600, 30}, {1000, 1, 9},  {64, 1300}};
    static const size_t layers[] = {1, 2, 2, 2, 1, 2, 3, 2, 4, 2, 3, 3, 2};
    static const uint64_t batches[] = {1, 7, 16, 64, 100, 149, 4096};
    struct tally tally = {0};
    (void)state;
    for (uint32_t some = 1; some <= 8; some += 7) {
        const hpx_split split = make_split(some);
        for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
            for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
                if (batches[b] > 1 || shapes[i][1] < 100)
                    expect_same_perceptron(&tally, &split, shapes[i], layers[i], batches[b],
                                           (uint32_t)(i * 5 + b * 11) % 64);
    }
    expect_otherwise(&tally);
}

static void test_settings(void **state)
{
    struct tally tally = {0};
    (void)state;
    for (uint32_t some = 1; some <= 8; some += 7) {
        const hpx_split split = make_split(some);
        for (uint32_t way = 0; way < 64; way++)
            expect_same_perceptron(&tally, &split, (const uint64_t[]){51, 19}, 2, 33, way);
    }
    expect_otherwise(&tally);
}

/* Any kernel, stride, padding and pooling, filters that fill tiles and that do not, and every way. */
static void test_convolutions(void **state)
{
    static const convolutions kinds[] = {
        {{8}, 1, 3, 1, "same", 2, "max"},         {{5, 17}, 2, 2, 1, "same", 2, "average"},
        {{3, 4}, 2, 5, 2, "same", 1, "max"},      {{1, 33, 10}, 3, 3, 1, "1", 1, "max"},
        {{20}, 1, 7, 3, "6", 3, "max"},           {{9, 7}, 2, 1, 1, "valid", 3, "average"},
        {{16, 8, 24, 6}, 4, 3, 1, "2", 1, "max"}, {{12}, 1, 11, 1, "10", 4, "max"},
    };
    static const uint64_t hidden[] = {21, 9};
    static const uint64_t batches[] = {16, 7, 50, 33};
    static const hpx_sample_shape shapes[] = {{195, CLASSES, 13, 15, 1}, {200, CLASSES, 10, 10, 2}};
    struct tally tally = {0};
    (void)state;
    for (uint32_t way = 0; way < 64; way++) {
        static const uint32_t counts[] = {TRAIN, VALIDATION, TEST};
        hpx_split split = draw_split(pixels[0], labels, shapes[way / 32].features, CLASSES, counts, 2);
        split.shape = shapes[way / 32];
        char what[100];
        const uint32_t kind = way * 5 % (sizeof kinds / sizeof *kinds);
        hpx_fields manifest = cnn_manifest(&kinds[kind], hidden, way % 3);
        set_training(&manifest, batches[way / 8 % 4], way);
        if (kind == 4)
            hpx_fields_set_text(&manifest, "model.pooling", way & 8 ? "max" : "average");
        snprintf(what, sizeof what, "convolutions %u, way %u", kind, way);
        expect_same(&tally, &hpx_model_cnn, &manifest, &split, what);
        hpx_fields_free(&manifest);
    }
    expect_otherwise(&tally);
}

static bool same_identity(hpx_vector vector, const hpx_fields *manifest)
{
    hpx_error error;
    choose(vector);
    return hpx_manifest_check_binary(manifest, hpx_trainer_find("mlp"), &error) == HPX_OK;
}

static void test_identity(void **state)
{
    static const char *const of_plain[] = {"numerics.blas", "numerics.kernel", "numerics.vector"};
    hpx_fields fused = {0}, plain = {0};
    (void)state;
    choose(HPX_VECTOR_AVX2);
    hpx_manifest_set_binary(&fused, hpx_trainer_find("mlp"));
    choose(HPX_VECTOR_PLAIN);
    hpx_manifest_set_binary(&plain, hpx_trainer_find("mlp"));
    for (size_t i = 0; i < sizeof of_plain / sizeof *of_plain; i++) {
        assert_null(hpx_fields_find(&fused, of_plain[i]));
        assert_non_null(hpx_fields_find(&plain, of_plain[i]));
    }
    assert_true(same_identity(HPX_VECTOR_AVX2, &fused) && same_identity(HPX_VECTOR_AVX512, &fused));
    assert_true(same_identity(HPX_VECTOR_PLAIN, &plain) && !same_identity(HPX_VECTOR_PLAIN, &fused));
    assert_false(same_identity(HPX_VECTOR_AVX2, &plain));
    /* A manifest of plain vectors leaves nothing of them behind. */
    choose(HPX_VECTOR_AVX512);
    hpx_manifest_set_binary(&plain, hpx_trainer_find("mlp"));
    const hpx_hash a = hpx_record_id(&fused), b = hpx_record_id(&plain);
    assert_true(hpx_hash_equal(&a, &b));
    hpx_fields_free(&fused);
    hpx_fields_free(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_identity),
    };
    choose(HPX_VECTOR_AVX2);
    if (hpx_vector_kind() != HPX_VECTOR_AVX2) { /* on a processor without AVX2 there is nothing to compare */
        puts("no AVX2");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
