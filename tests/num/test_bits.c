/* Trainings come out with the bits that they have always come out with, whatever the compiler and the vectors: a number
 * here changes only with what is computed, and then every result that is stored misses. ReLU, which needs nothing of
 * the C library; plain vectors leave products to the BLAS, whose bits are its own. */
#include "../helper/helper.h"
#include "../helper/samples.h"
#include "hpx/buffer.h"
#include "hpx/hash.h"
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

enum { CLASSES = 5, TRAIN = 150, VALIDATION = 20, TEST = 40, FEATURES_MAX = 300 };

static uint8_t pixels[(TRAIN + VALIDATION + TEST) * FEATURES_MAX], labels[TRAIN + VALIDATION + TEST];

static hpx_split make_split(uint32_t height, uint32_t width, uint32_t channels)
{
    static const uint32_t counts[] = {TRAIN, VALIDATION, TEST};
    const uint32_t features = height * width * channels;
    assert_true(features <= FEATURES_MAX);
    hpx_split split = draw_split(pixels, labels, features, CLASSES, counts, 2);
    split.shape = (hpx_sample_shape){features, CLASSES, height, width, channels};
    return split;
}

static hpx_status keep_last(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    hpx_buffer *checkpoint = context;
    (void)error;
    assert_null(epoch->failure);
    checkpoint->size = 0;
    add_blob(checkpoint, &epoch->checkpoint);
    return HPX_OK;
}

/* The hash of the checkpoint after three epochs is this one, with AVX2 and with AVX-512. */
static void expect_bits(const hpx_model *model, hpx_fields *manifest, const hpx_split *split,
                        const char *expected)
{
    for (int vector = HPX_VECTOR_AVX2; vector <= HPX_VECTOR_AVX512; vector++) {
        hpx_buffer checkpoint = {0};
        hpx_error error;
        char hex[HPX_HASH_HEX_BYTES];
        setenv("HPX_VECTOR", hpx_vector_name((hpx_vector)vector), 1);
        hpx_vector_choose();
        expect_ok(hpx_training_run(model, manifest, split, 0, 3, NULL, keep_last, &checkpoint, &error),
                  &error);
        const hpx_hash hash = hpx_hash_of(checkpoint.data, checkpoint.size);
        if (strcmp(hpx_hash_hex(hex, &hash), expected) != 0)
            fail_msg("%s instead of %s with %s", hex, expected, hpx_vector_name((hpx_vector)vector));
        hpx_buffer_free(&checkpoint);
    }
    hpx_fields_free(manifest);
}

static void set_sgd(hpx_fields *m)
{
    hpx_fields_set_text(m, "train.optimizer", "sgd");
    hpx_fields_set_real(m, "train.momentum", 0.9);
    hpx_fields_set_text(m, "train.nesterov", "yes");
    hpx_fields_set_real(m, "train.weight-decay", 0.001);
}

static void test_perceptrons(void **state)
{
    const hpx_split split = make_split(14, 13, 1);
    (void)state;
    hpx_fields m = mlp_manifest((const uint64_t[]){65, 19}, 2);
    hpx_fields_set_real(&m, "model.dropout", 0.25);
    expect_bits(&hpx_model_mlp, &m, &split, "adf4e4f64b6eaf8ed1d40351f88b5601");
    m = mlp_manifest((const uint64_t[]){33}, 1);
    set_sgd(&m);
    expect_bits(&hpx_model_mlp, &m, &split, "ea051bd5ae825bdf737b839bdce53748");
}

static void test_convolutional_networks(void **state)
{
    static const convolutions largest = {{7, 20}, 2, 5, 1, "same", 2, "max"},
                              average = {{17, 5}, 2, 2, 1, "valid", 2, "average"},
                              steps = {{16, 33, 3}, 3, 4, 2, "2", 1, "max"};
    hpx_split split = make_split(14, 13, 1);
    (void)state;
    hpx_fields m = cnn_manifest(&largest, (const uint64_t[]){33}, 1);
    hpx_fields_set_real(&m, "model.dropout", 0.25);
    expect_bits(&hpx_model_cnn, &m, &split, "9dab554114338a8a7537d654f117b00a");
    split = make_split(10, 9, 3);
    m = cnn_manifest(&average, (const uint64_t[]){19}, 1);
    set_sgd(&m);
    expect_bits(&hpx_model_cnn, &m, &split, "1f0244e2839b31f93334f2bc98cd1cb5");
    m = cnn_manifest(&steps, NULL, 0);
    expect_bits(&hpx_model_cnn, &m, &split, "ef8d7341e6d12ae56997aeb50701f158");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_perceptrons),
        cmocka_unit_test(test_convolutional_networks),
    };
    setenv("HPX_VECTOR", "avx2", 1);
    hpx_vector_choose();
    if (hpx_vector_kind() != HPX_VECTOR_AVX2) {
        puts("no AVX2");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
