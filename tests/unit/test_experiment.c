/* Experiments: what is and what is not part of a trial's identity, how many images it trains on, what it
 * costs; and the manifest as a worker checks it. */
#include "identity/experiment.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "hpx/trainer.h"
#include "identity/manifest.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *folder, *dataset;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    folder = make_digits(&dataset);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(dataset);
    remove_folder(folder);
    return 0;
}

/* A recipe and what it is bound to. */
struct bound {
    hpx_recipe *recipe;
    hpx_experiment *experiment;
    hpx_source_options options;
};

static hpx_recipe *parse(const char *text)
{
    hpx_recipe *recipe;
    expect_ok(hpx_recipe_parse(&recipe, "test.rcp", text, strlen(text), NULL, NULL, &error), &error);
    return recipe;
}

static struct bound *bind(const char *text)
{
    struct bound *bound = hpx_alloc(sizeof *bound);
    bound->recipe = parse(text);
    bound->options.folder = folder;
    expect_ok(hpx_experiment_open(&bound->experiment, bound->recipe, &bound->options, &error), &error);
    return bound;
}

static void release(struct bound *bound)
{
    hpx_experiment_free(bound->experiment);
    hpx_recipe_free(bound->recipe);
    free(bound);
}

/* The digits with bindings of the data set and then the rest. */
static struct bound *bind_digits(const char *bindings, const char *rest)
{
    char *text = hpx_format("%s%s%s", dataset, bindings, rest);
    struct bound *bound = bind(text);
    free(text);
    return bound;
}

static hpx_hash key_of(struct bound *bound, uint32_t cell, uint32_t seed)
{
    hpx_buffer manifest = {0};
    hpx_hash key = hpx_experiment_manifest(&manifest, bound->experiment, cell, seed, 15);
    hpx_hash hash = hpx_hash_of(manifest.data, manifest.size);
    assert_true(hpx_hash_equal(&key, &hash));
    hpx_buffer_free(&manifest);
    return key;
}

#define PLAIN "  validation = 12\n", "model mlp\n  hidden = 8 4\ntrain\n  batch = 10\n  epochs = 3\n"

static hpx_hash plain_key(void)
{
    struct bound *bound = bind_digits(PLAIN);
    hpx_hash key = key_of(bound, 0, 1);
    release(bound);
    return key;
}

/* The first cell of a recipe that says the same, or not, as the plain one. */
static void expect_same_key(bool same, const char *bindings, const char *rest)
{
    struct bound *bound = bind_digits(bindings, rest);
    hpx_hash key = key_of(bound, 0, 1), plain = plain_key();
    if (hpx_hash_equal(&key, &plain) != same)
        fail_msg("%s the key of\n%s%s", same ? "should have" : "has", bindings, rest);
    release(bound);
}

static void test_same_identity(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {PLAIN},
        /* Order, blanks, comments; defaults and other ways to write a number. */
        {"  validation=12 # held out\n", "train\n\tepochs = 3\n  batch = 1e1\n  rate = 1e-3\n  optimizer = "
                                         "adam\nmodel mlp\n  activation = relu\n"
                                         "  dropout = 0.0\n  hidden = 8 4\n"},
        /* What is asked of a training is no part of it: epochs, seeds, objective, searches. */
        {"  validation = 12\n", "model mlp\n  hidden = 8 4\ntrain\n  batch = 10\n  epochs = 9\n  seeds = "
                                "1..3\n  objective = test_loss\n"},
        /* Values that come from axes, whatever their names, their order and their other values. */
        {"  validation = 12\n", "model mlp\n  hidden = $n1 $n2\ntrain\n  batch = 10\naxis n1 = 8 16\naxis n2 "
                                "= 4 8\nsearch s\n  method = grid\n"},
        {"  validation = $held\n", "axis size = 4\naxis b = 10 20\naxis held = 12 20\nmodel mlp\n  hidden = "
                                   "8 $size\ntrain\n  batch = $b\n"},
        {"  validation = 12\n  take = 48\n",
         "model mlp\n  hidden = 8 4\ntrain\n  batch = 10\n"}, /* all there are */
    };
    for (size_t i = 0; i < COUNT(same); i++)
        expect_same_key(true, same[i][0], same[i][1]);
}

static void test_other_identity(void **state)
{
    (void)state;
    static const char *const other[][2] = {
        {"  validation = 13\n", "model mlp\n  hidden = 8 4\ntrain\n  batch = 10\n"},
        {"  validation = 12\n  take = 47\n", "model mlp\n  hidden = 8 4\ntrain\n  batch = 10\n"},
        {"  validation = 12\n", "model mlp\n  hidden = 4 8\ntrain\n  batch = 10\n"},
        {"  validation = 12\n", "model mlp\n  hidden = 8 4 4\ntrain\n  batch = 10\n"},
        {"  validation = 12\n", "model mlp\n  hidden = 8 4\n  activation = tanh\ntrain\n  batch = 10\n"},
        {"  validation = 12\n", "model mlp\n  hidden = 8 4\n  init = glorot\ntrain\n  batch = 10\n"},
        {"  validation = 12\n", "model mlp\n  hidden = 8 4\n  dropout = 0.1\ntrain\n  batch = 10\n"},
        {"  validation = 12\n", "model mlp\n  hidden = 8 4\ntrain\n  batch = 11\n"},
        {"  validation = 12\n",
         "model mlp\n  hidden = 8 4\ntrain\n  batch = 10\n  rate = 0.0010000000000000002\n"},
        {"  validation = 12\n", "model mlp\n  hidden = 8 4\ntrain\n  batch = 10\n  weight-decay = 1e-9\n"},
        {"  validation = 12\n", "model mlp\n  hidden = 8 4\ntrain\n  batch = 10\n  optimizer = sgd\n"},
        {"  validation = 12\n", "model mlp\n  hidden = 8 4\ntrain\n  batch = 10\n  schedule = step\n"},
        {"  validation = 12\n", "model mlp\n  hidden = 8 4\ntrain\n  batch = 10\n  beta2 = 0.99\n"},
    };
    for (size_t i = 0; i < COUNT(other); i++)
        expect_same_key(false, other[i][0], other[i][1]);
    struct bound *bound = bind_digits(PLAIN);
    hpx_hash first = key_of(bound, 0, 1), second = key_of(bound, 0, 2);
    assert_false(hpx_hash_equal(&first, &second)); /* the seed */
    release(bound);
}

/* The bytes of every file count, and nothing else of it. */
static void test_data_identity(void **state)
{
    (void)state;
    hpx_hash before = plain_key();
    for (int role = 0; role < HPX_ROLES; role++) {
        char *path = hpx_path_join(folder, hpx_role_names[role]);
        hpx_buffer bytes = read_file(path);
        bytes.data[bytes.size - 1] ^= 1; /* a pixel, or the label of a class that is there */
        write_file(path, bytes.data, bytes.size);
        hpx_hash changed = plain_key();
        assert_false(hpx_hash_equal(&changed, &before));
        bytes.data[bytes.size - 1] ^= 1;
        write_file(path, bytes.data, bytes.size);
        hpx_buffer_free(&bytes);
        free(path);
    }
    hpx_hash after = plain_key();
    assert_true(hpx_hash_equal(&after, &before));
    char *old = folder;
    free(dataset);
    folder = make_digits(&dataset); /* the same files elsewhere */
    after = plain_key();
    assert_true(hpx_hash_equal(&after, &before));
    remove_folder(old);
}

/* The last epoch is part of the identity where the training depends on it. */
static void test_last_epoch(void **state)
{
    (void)state;
    static const char *const schedules[] = {"constant", "step", "cosine"};
    for (size_t i = 0; i < COUNT(schedules); i++) {
        hpx_hash keys[2];
        for (int epochs = 3; epochs <= 4; epochs++) {
            char *rest = hpx_format("model mlp\n  hidden = 8\ntrain\n  schedule = %s\n  epochs = %d\n",
                                    schedules[i], epochs);
            struct bound *bound = bind_digits("  validation = 12\n", rest);
            keys[epochs - 3] = key_of(bound, 0, 1);
            release(bound);
            free(rest);
        }
        assert_int_equal(hpx_hash_equal(&keys[0], &keys[1]), i < 2);
    }
}

/* A setting that is none of a cell's does not tell it apart. */
static void test_shared_trajectories(void **state)
{
    (void)state;
    struct bound *bound = bind_digits("  validation = 12\n",
                                      "model mlp\n  hidden = 8\ntrain\n  optimizer = $o\n  momentum = $m\n"
                                      "axis o = adam sgd\naxis m = 0 0.5 0.9\n");
    hpx_hash keys[6];
    for (uint32_t cell = 0; cell < 6; cell++)
        keys[cell] = key_of(bound, cell, 1);
    for (uint32_t a = 0; a < 6; a++)
        for (uint32_t b = 0; b < a; b++)
            assert_int_equal(hpx_hash_equal(&keys[a], &keys[b]), a < 3 && b < 3);
    release(bound);
}

static void test_manifest_fields(void **state)
{
    (void)state;
    struct bound *bound = bind_digits(PLAIN);
    hpx_buffer bytes = {0};
    hpx_fields manifest = {0};
    uint64_t count;
    hpx_buffer_puts(&bytes, "before");
    hpx_hash key = hpx_experiment_manifest(&bytes, bound->experiment, 0, 7, 15);
    hpx_hash hash = hpx_hash_of(bytes.data + 6, bytes.size - 6);
    assert_true(hpx_hash_equal(&key, &hash));
    expect_ok(hpx_fields_decode(&manifest, bytes.data + 6, bytes.size - 6, &error), &error);
    static const struct {
        const char *name;
        uint64_t value;
    } counts[] = {{"format", 1},
                  {"seed", 7},
                  {"dataset.train-count", 48},
                  {"dataset.validation-count", 12},
                  {"train.batch", 10}};
    for (size_t i = 0; i < COUNT(counts); i++) {
        expect_ok(hpx_fields_count(&count, &manifest, counts[i].name, &error), &error);
        assert_int_equal(count, counts[i].value);
    }
    for (int role = 0; role < HPX_ROLES; role++) {
        char *name = hpx_format("dataset.%s", hpx_role_names[role]),
             *path = hpx_path_join(folder, hpx_role_names[role]);
        hpx_hash stored;
        hpx_buffer file = read_file(path);
        expect_ok(hpx_fields_hash(&stored, &manifest, name, &error), &error);
        hash = hpx_hash_of(file.data, file.size);
        assert_true(hpx_hash_equal(&stored, &hash));
        hpx_buffer_free(&file);
        free(name);
        free(path);
    }
    assert_non_null(hpx_fields_find(&manifest, "code.version"));
    assert_non_null(hpx_fields_find(&manifest, "model.kind"));
    assert_null(hpx_fields_find(&manifest, "last-epoch"));
    hpx_fields_free(&manifest);
    hpx_buffer_free(&bytes);
    release(bound);
}

/* A worker refuses what was meant for another binary or another machine. */
static void test_check_binary(void **state)
{
    (void)state;
    hpx_fields manifest = {0};
    hpx_manifest_set_binary(&manifest, hpx_trainer_find("mlp"));
    assert_true(manifest.count > 4);
    expect_ok(hpx_manifest_check_binary(&manifest, hpx_trainer_find("mlp"), &error), &error);
    hpx_fields_set_count(&manifest, "seed", 1); /* not its concern */
    expect_ok(hpx_manifest_check_binary(&manifest, hpx_trainer_find("mlp"), &error), &error);
    hpx_fields_set_bytes(&manifest, "code.version", "12345678901234567890", 20);
    assert_int_equal(hpx_manifest_check_binary(&manifest, hpx_trainer_find("mlp"), &error), HPX_FAILED);
    expect_contains(error.message, "another code.version: 3132333435363738393031323334353637383930");
    /* One that this binary has not got. */
    hpx_manifest_set_binary(&manifest, hpx_trainer_find("mlp"));
    hpx_fields_set_text(&manifest, "numerics.other", "some");
    assert_int_equal(hpx_manifest_check_binary(&manifest, hpx_trainer_find("mlp"), &error), HPX_DIFFERS);
    expect_contains(error.message, "another numerics.other: some, this worker has (none)");
    hpx_manifest_set_binary(&manifest, hpx_trainer_find("mlp"));
    assert_null(hpx_fields_find(&manifest, "numerics.other"));
    expect_ok(hpx_manifest_check_binary(&manifest, hpx_trainer_find("mlp"), &error), &error);
    for (size_t i = 0; i < manifest.count; i++) {
        hpx_fields other = {0};
        if (strcmp(manifest.fields[i].name, "seed") == 0)
            continue;
        for (size_t k = 0; k < manifest.count; k++)
            if (k != i)
                hpx_fields_set(&other, &manifest.fields[k]);
        assert_int_equal(hpx_manifest_check_binary(&other, hpx_trainer_find("mlp"), &error),
                         hpx_manifest_is_numerics(manifest.fields[i].name) ? HPX_DIFFERS : HPX_FAILED);
        expect_contains(error.message, manifest.fields[i].name);
        hpx_fields_free(&other);
    }
    hpx_fields_free(&manifest);
}

static void test_takes(void **state)
{
    (void)state;
    struct bound *bound = bind_digits("  validation = $v\n  take = $t\n",
                                      "model mlp\n  hidden = 8\ntrain\n  objective = test_accuracy\naxis v = "
                                      "0 12\naxis t = 1 48\n");
    static const uint32_t expected[] = {1, 48, 1, 48};
    for (uint32_t cell = 0; cell < COUNT(expected); cell++) {
        const hpx_cost cost = hpx_experiment_cost(bound->experiment, cell);
        assert_int_equal(cost.epoch, (3 * cost.forward - 16 * 8) * expected[cell]);
        const hpx_source *source = hpx_experiment_source(bound->experiment, cell);
        assert_int_equal(hpx_fields_find(&source->record, "train.count")->count, DIGITS_TRAIN);
        assert_int_equal(hpx_fields_find(&source->record, "test.count")->count, DIGITS_TEST);
        assert_int_equal(hpx_fields_find(&source->record, "height")->count, 4);
        assert_int_equal(hpx_fields_find(&source->record, "width")->count, 4);
        assert_int_equal(hpx_fields_find(&source->record, "channels")->count, 1);
        assert_string_equal(source->name, "digits");
    }
    hpx_buffer text = {0};
    hpx_recipe_cell_text(&text, hpx_experiment_recipe(bound->experiment), 3);
    assert_string_equal(hpx_buffer_text(&text), "v=12 t=48");
    hpx_buffer_free(&text);
    release(bound);
}

static void test_refused(void **state)
{
    (void)state;
    hpx_experiment *experiment;
    hpx_source_options options = {.folder = folder};
    char *text = hpx_format("%s  validation = 60\nmodel mlp\n  hidden = 8\n", dataset);
    hpx_recipe *recipe = parse(text);
    assert_int_equal(hpx_experiment_open(&experiment, recipe, &options, &error), HPX_USAGE);
    expect_contains(error.message, "test.rcp:");
    expect_contains(error.message, ":16: 'validation' is 60, and the data set has 60 training images");
    assert_null(experiment);
    hpx_recipe_free(recipe);
    free(text);

    text =
        hpx_format("%s  validation = 12\n  take = $t\nmodel mlp\n  hidden = 8\naxis t = 48 49 50\n", dataset);
    recipe = parse(text);
    assert_int_equal(hpx_experiment_open(&experiment, recipe, &options, &error), HPX_USAGE);
    expect_contains(error.message,
                    ":13: 'take' is 49, and the data set has 60 training images, 12 of them held "
                    "out for validation: expected at most 48\naxis t = 48 49 50");
    expect_contains(error.message, ":16: 'take' is 50, and");
    hpx_recipe_free(recipe);
    free(text);

    recipe = parse("dataset mnist\nmodel mlp\n  hidden = 8\n");
    expect_ok(hpx_experiment_open(&experiment, recipe, &options, &error), &error); /* by its known hashes */
    assert_non_null(hpx_experiment_source(experiment, 0)->absent);
    hpx_experiment_free(experiment);
    hpx_recipe_free(recipe);

    /* One cell of nine is too large: neither the first nor the last. */
    recipe = parse("dataset mnist\nmodel mlp\n  hidden = $a $b\naxis a = 2 65536 8\naxis b = 2 65536 8\n");
    assert_int_equal(hpx_experiment_open(&experiment, recipe, &options, &error), HPX_USAGE);
    expect_contains(error.message, "the network has 4347133962 weights and biases");
    assert_null(experiment);
    hpx_recipe_free(recipe);

    char *labels = hpx_path_join(folder, "test-labels");
    remove(labels);
    text = hpx_format("%s  validation = 12\nmodel mlp\n  hidden = 8\n", dataset);
    recipe = parse(text);
    assert_int_equal(hpx_experiment_open(&experiment, recipe, &options, &error), HPX_USAGE);
    expect_contains(error.message, labels);
    expect_contains(error.message, "test.rcp:3:");
    expect_contains(error.message, "no such file (test-labels)");
    hpx_recipe_free(recipe);
    hpx_experiment_free(NULL);
    free(labels);
    free(text);
}

/* The paper's grid: T = 784 n1 + n1 n2 + 10 n2, of which training takes three times, less the input
 * gradient. */
static void test_paper_costs(void **state)
{
    (void)state;
    struct bound *bound = bind("dataset mnist\nmodel mlp\n  hidden = $n1 $n2\n"
                               "axis n1 = log2 16..512\naxis n2 = log2 16..16384\n");
    uint64_t sum = 0;
    for (uint32_t cell = 0; cell < 66; cell++) {
        uint64_t n1 = 16u << cell / 11, n2 = 16u << cell % 11, cost = 784 * n1 + n1 * n2 + n2 * 10;
        hpx_cost got = hpx_experiment_cost(bound->experiment, cell);
        assert_int_equal(got.forward, cost);
        assert_int_equal(got.epoch, (3 * cost - 784 * n1) * 50000);
        assert_int_equal(hpx_experiment_macs(bound->experiment, cell), cost);
        sum += cost;
    }
    assert_int_equal(sum, 43672128);
    assert_int_equal(hpx_experiment_grid_macs(bound->experiment), 43672128);
    release(bound);
}

/* Axes that the cost does not depend on multiply the sum; so does an axis of the data set. */
static void test_grid_costs(void **state)
{
    (void)state;
    struct bound *bound =
        bind("axis rate = 0.1 0.01 0.001\naxis n1 = log2 16..512\naxis take = 100 200\n"
             "axis act = relu tanh\naxis n2 = log2 16..16384\n"
             "dataset mnist\n  take = $take\nmodel mlp\n  hidden = $n1 $n2\n  activation = $act\n"
             "train\n  rate = $rate\n");
    assert_int_equal(hpx_experiment_grid_macs(bound->experiment), 43672128ull * 3 * 2 * 2);
    uint64_t sum = 0;
    for (uint32_t cell = 0; cell < 66 * 12; cell++)
        sum += hpx_experiment_cost(bound->experiment, cell).forward;
    assert_int_equal(sum, 43672128ull * 3 * 2 * 2);
    release(bound);
}

/* Sums of costs are those of all cells, whatever stands where, in whatever order. */
static void test_large_grids(void **state)
{
    (void)state;
    static const char *const grids[] = {
        "axis a = 1..9\naxis b = 7 3 31 1 8 2\ndataset mnist\nmodel mlp\n  hidden = $a $a $b 5\n",
        "axis a = 5 1 4 2\naxis b = 1..4\naxis c = 4..8\ndataset mnist\nmodel mlp\n  hidden = $a $b $a $c "
        "$a\n",
        "axis a = 1..8\naxis b = relu tanh\ndataset mnist\n  take = $t\naxis t = 100 200 300 400\nmodel mlp\n"
        "  hidden = $a\n  activation = $b\n",
    };
    for (size_t i = 0; i < sizeof grids / sizeof *grids; i++) {
        struct bound *bound = bind(grids[i]);
        uint64_t sum = 0;
        const uint32_t cells = hpx_grid_cells(&hpx_experiment_recipe(bound->experiment)->grid);
        for (uint32_t cell = 0; cell < cells; cell++)
            sum += hpx_experiment_cost(bound->experiment, cell).forward;
        assert_int_equal(hpx_experiment_grid_macs(bound->experiment), sum);
        release(bound);
    }
    struct bound *bound =
        bind("axis a = 1..2048\naxis b = 1..2048\ndataset mnist\nmodel mlp\n  hidden = $a $b\n");
    const uint64_t n = 2048, sum = n * (n + 1) / 2;
    assert_int_equal(hpx_experiment_grid_macs(bound->experiment), (784 + 10) * sum * n + sum * sum);
    release(bound);
}

/* A manifest does not depend on those that were made before it, whatever settings come and go between cells. */
static void test_manifests_in_any_order(void **state)
{
    (void)state;
    struct bound *bound =
        bind("axis o = adam sgd\naxis s = constant step cosine\naxis t = 100 200\naxis n = 2 4\n"
             "dataset mnist\n  take = $t\nmodel mlp\n  hidden = $n 3\n"
             "train\n  optimizer = $o\n  schedule = $s\n");
    for (uint32_t i = 0; i < 3000; i++) {
        const uint32_t cell = i * i * 7919 % 24, seed = i % 5;
        hpx_buffer made = {0}, expected = {0};
        hpx_fields fields = {0};
        hpx_experiment_manifest(&made, bound->experiment, cell, seed, 15);
        hpx_experiment_fields(&fields, bound->experiment, cell, seed);
        hpx_fields_encode(&expected, &fields);
        assert_int_equal(made.size, expected.size);
        assert_memory_equal(made.data, expected.data, made.size);
        hpx_fields_free(&fields);
        hpx_buffer_free(&made);
        hpx_buffer_free(&expected);
    }
    release(bound);
}

#define WITH_DIGITS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* Trainers say what their settings are, of those that they know. */
static void test_judged_settings(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        hpx_field field;
        hpx_status status;
    } cases[] = {
        {"mlp", {"train.rate", HPX_FIELD_REAL, 0, 0.5, NULL, 0}, HPX_OK},
        {"mlp", {"train.rate", HPX_FIELD_COUNT, 1, 0, NULL, 0}, HPX_DAMAGED},
        {"mlp", {"train.batch", HPX_FIELD_COUNT, 0, 0, NULL, 0}, HPX_DAMAGED},
        {"mlp",
         {"model.activation", HPX_FIELD_TEXT, 0, 0, (const uint8_t *)"of another version", 18},
         HPX_OK},
        {"mlp", {"model.activation", HPX_FIELD_COUNT, 1, 0, NULL, 0}, HPX_DAMAGED},
        {"mlp", {"train.other", HPX_FIELD_COUNT, 0, 0, NULL, 0}, HPX_OK},
        {"not here", {"train.batch", HPX_FIELD_COUNT, 0, 0, NULL, 0}, HPX_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hpx_fields manifest = {0};
        hpx_fields_set_text(&manifest, "model.kind", cases[i].kind);
        hpx_fields_set(&manifest, &cases[i].field);
        assert_int_equal(hpx_manifest_judge.manifest(&manifest, &error), cases[i].status);
        hpx_fields_free(&manifest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIGITS(test_same_identity),
        WITH_DIGITS(test_other_identity),
        WITH_DIGITS(test_data_identity),
        WITH_DIGITS(test_last_epoch),
        WITH_DIGITS(test_shared_trajectories),
        WITH_DIGITS(test_manifest_fields),
        WITH_DIGITS(test_check_binary),
        WITH_DIGITS(test_takes),
        WITH_DIGITS(test_refused),
        WITH_DIGITS(test_paper_costs),
        WITH_DIGITS(test_grid_costs),
        WITH_DIGITS(test_large_grids),
        WITH_DIGITS(test_manifests_in_any_order),
        cmocka_unit_test(test_judged_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
