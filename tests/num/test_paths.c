/* The paths that the trainer announces for a training are those that the training then takes. */
#include "../helper/samples.h"
#include "nn/cnn_model.h"
#include "nn/mlp_model.h"
#include "nn/path.h"
#include "nn/training.h"
#include "nn/vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { FEATURES = 200, CLASSES = 5, TRAIN = 150, VALIDATION = 20, TEST = 270 };

static uint8_t pixels[TRAIN + VALIDATION + TEST][FEATURES], labels[TRAIN + VALIDATION + TEST];

/* Samples of which one pixel in `some` is not zero. */
static hpx_split make_split(uint32_t some)
{
    static const uint32_t counts[] = {TRAIN, VALIDATION, TEST};
    return draw_split(pixels[0], labels, FEATURES, CLASSES, counts, some);
}

static void set_training(hpx_fields *m)
{
    hpx_fields_set_real(m, "train.rate", 0.001);
    hpx_fields_set_count(m, "train.step-epochs", 2);
    hpx_fields_set_real(m, "train.step-factor", 0.5);
    hpx_fields_set_count(m, "last-epoch", 3);
    hpx_fields_set_count(m, "train.batch", 64);
}

static hpx_fields make_manifest(const uint64_t *hidden, size_t layers)
{
    hpx_fields m = mlp_manifest(hidden, layers);
    set_training(&m);
    return m;
}

static hpx_status ignore(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    (void)context, (void)epoch, (void)error;
    return HPX_OK;
}

/* Those announced, after they were compared with those of the whole training. */
static hpx_paths paths_of(const hpx_model *model, const hpx_fields *manifest, const hpx_split *split,
                          uint32_t epochs)
{
    hpx_paths paths;
    hpx_error error = {0};
    if (hpx_training_paths(&paths, model, manifest, split, epochs, &error))
        fail_msg("%s", error.message);
    hpx_paths_taken = (hpx_paths){0};
    if (hpx_training_run(model, manifest, split, 0, epochs, NULL, ignore, NULL, &error))
        fail_msg("%s", error.message);
    for (size_t path = 0; path < HPX_PATHS_MAX; path++) {
        char name[HPX_PATH_NAME_BYTES];
        const uint64_t differing = paths.words[path / 64] ^ hpx_paths_taken.words[path / 64];
        hpx_path_name(name, path);
        if (differing >> path % 64 & 1)
            fail_msg("%s: announced, or taken, but not both", name);
    }
    return paths;
}

static bool has(hpx_paths paths, size_t path)
{
    return paths.words[path / 64] >> path % 64 & 1;
}

static void test_shapes(void **state)
{
    static const uint64_t shapes[][4] = {{16},      {47, 5},       {48},         {70, 33},  {15},
                                         {128, 64}, {20, 600, 30}, {3, 3, 3, 3}, {64, 1300}};
    static const size_t layers[] = {1, 2, 1, 2, 1, 2, 3, 4, 2};
    (void)state;
    for (uint32_t some = 1; some <= 8; some += 7) {
        const hpx_split split = make_split(some);
        for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
            hpx_fields manifest = make_manifest(shapes[i], layers[i]);
            const hpx_paths paths = paths_of(&hpx_model_mlp, &manifest, &split, 1);
            const bool sparse = some > 1 && shapes[i][0] >= 48,
                       evaluated = some > 1 && shapes[i][0] >= 16 && hpx_vector_kind() != HPX_VECTOR_PLAIN;
            assert_int_equal(has(paths, HPX_PATH_SPARSE), sparse || evaluated);
            assert_int_equal(has(paths, HPX_PATH_DENSE), !sparse);
            assert_int_equal(has(paths, HPX_PATH_HIDDEN_2), layers[i] > 1);
            assert_int_equal(has(paths, HPX_PATH_HIDDEN_MORE), layers[i] > 3);
            assert_true(has(paths, HPX_PATH_BATCH_REST) && has(paths, HPX_PATH_EVALUATE_WHOLE));
            hpx_fields_free(&manifest);
        }
    }
}

static void test_settings(void **state)
{
    static const char *const activations[] = {"relu", "tanh", "sigmoid", "gelu"};
    (void)state;
    const hpx_split split = make_split(3);
    for (uint32_t i = 0; i < 64; i++) {
        hpx_fields manifest = make_manifest((const uint64_t[]){17, 9}, 2);
        const char *schedule = i & 1 ? "step" : i & 2 ? "cosine" : "constant";
        hpx_fields_set_text(&manifest, "model.activation", activations[i % 4]);
        hpx_fields_set_real(&manifest, "model.dropout", i & 4 ? 0.2 : 0);
        hpx_fields_set_text(&manifest, "train.optimizer", i & 8 ? "sgd" : "adam");
        hpx_fields_set_real(&manifest, "train.momentum", i & 16 ? 0.5 : 0);
        hpx_fields_set_text(&manifest, "train.nesterov", i & 32 ? "yes" : "no");
        hpx_fields_set_real(&manifest, "train.weight-decay", i & 2 ? 0.001 : 0);
        hpx_fields_set_text(&manifest, "train.schedule", schedule);
        hpx_fields_set_count(&manifest, "train.batch", i & 4 ? 1000 : 50);
        const hpx_paths paths = paths_of(&hpx_model_mlp, &manifest, &split, i & 8 ? 3 : 2);
        assert_true(has(paths, HPX_PATH_RELU + i % 4));
        assert_int_equal(has(paths, HPX_PATH_DROPOUT_REST), i >> 2 & 1);
        assert_int_equal(has(paths, HPX_PATH_ADAM), !(i & 8));
        assert_int_equal(has(paths, HPX_PATH_NESTEROV), (i & 56) == 56);
        assert_int_equal(has(paths, HPX_PATH_STEP_AFTER), i & 1 && i & 8);
        assert_int_equal(has(paths, HPX_PATH_BATCH_OF_ALL), i >> 2 & 1);
        hpx_fields_free(&manifest);
    }
}

static void test_convolutions(void **state)
{
    static const convolutions kinds[] = {
        {{8}, 1, 3, 1, "same", 2, "max"},     {{3, 17}, 2, 2, 1, "same", 2, "average"},
        {{3, 4}, 2, 5, 2, "same", 1, "max"},  {{0}, 0, 3, 1, "same", 1, "max"},
        {{20, 2}, 2, 7, 1, "6", 3, "max"},    {{9}, 1, 1, 1, "valid", 3, "average"},
        {{6, 8}, 2, 3, 1, "valid", 1, "max"},
    };
    static const hpx_sample_shape shape = {FEATURES, CLASSES, 20, 10, 1};
    hpx_split split = make_split(2);
    (void)state;
    split.shape = shape;
    for (uint32_t i = 0; i < 4 * sizeof kinds / sizeof *kinds; i++) {
        const convolutions *c = &kinds[i / 4];
        static const char *const activations[] = {"relu", "tanh", "sigmoid", "gelu"};
        static const uint64_t hidden[] = {12};
        hpx_fields manifest = cnn_manifest(c, hidden, i & 1);
        const bool average = c->pooling[0] == 'a', relu = i % 4 == 0;
        set_training(&manifest);
        hpx_fields_set_text(&manifest, "model.activation", activations[i % 4]);
        hpx_fields_set_real(&manifest, "model.dropout", i & 2 ? 0.2 : 0);
        const hpx_paths paths = paths_of(&hpx_model_cnn, &manifest, &split, 1);
        assert_int_equal(has(paths, HPX_PATH_NO_CONVOLUTION), c->count == 0);
        assert_int_equal(has(paths, HPX_PATH_CONVOLUTION_LATER), c->count > 1);
        assert_int_equal(has(paths, HPX_PATH_STRIDE), c->stride > 1);
        assert_int_equal(has(paths, HPX_PATH_ROWS_OUTSIDE), c->count > 0 && c->padding[0] != 'v');
        assert_int_equal(has(paths, HPX_PATH_BLOCK_PART), c->count > 0); /* of 150 samples and of 20 */
        for (size_t pool = 1; pool <= 3; pool++)
            for (int mean = 0; mean < 2; mean++)
                assert_int_equal(has(paths, hpx_path_pool(pool, mean, relu)),
                                 c->count > 0 && pool == c->pool && mean == average);
        assert_int_equal(has(paths, HPX_PATH_ACTIVATE_SUMS),
                         !relu && c->count > 0 && c->pool > 1 && (average || i % 4 == 3));
        assert_int_equal(has(paths, hpx_path_sums(8, 3)), c->filters[0] == 8 || c->filters[1] == 8);
        hpx_fields_free(&manifest);
    }
}

/* Every number has a name of its own, or none. */
static void test_names(void **state)
{
    char names[HPX_PATHS_MAX][HPX_PATH_NAME_BYTES];
    (void)state;
    for (size_t i = 0; i < HPX_PATHS_MAX; i++) {
        hpx_path_name(names[i], i);
        assert_int_equal(strcmp(names[i], "unknown") == 0, i >= HPX_PATH_COUNT);
        assert_true(strlen(names[i]) > 3);
        for (size_t k = 0; k < i && i < HPX_PATH_COUNT; k++)
            assert_string_not_equal(names[k], names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
