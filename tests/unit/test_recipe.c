/* The recipe language: what is accepted and what it means. Mistakes are in test_recipe_errors.c, recipes of
 * several files in test_recipe_files.c. */
#include "hpx/dataset.h"
#include "hpx/recipe.h"

#include "base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A count among the settings of a data set; 0: it is not there. */
static void expect_taken(const hpx_recipe_dataset *dataset, const char *name, uint64_t expected)
{
    const hpx_field *field = hpx_fields_find(&dataset->settings, name);
    assert_int_equal(field ? field->count : 0, expected);
}

#define MODEL        "dataset mnist\nmodel mlp\n  hidden = 64\n"
#define COUNT(array) (sizeof(array) / sizeof *(array))

static hpx_recipe *parse(const char *text)
{
    hpx_recipe *recipe;
    hpx_error error;
    if (hpx_recipe_parse(&recipe, "lab/r.rcp", text, strlen(text), NULL, NULL, &error))
        fail_msg("%s", error.message);
    return recipe;
}

/* "name = value" of every field of a cell, one a line. */
static void expect_settings(const hpx_recipe *recipe, uint32_t cell, const char *expected)
{
    hpx_fields fields = {0};
    hpx_recipe_settings(&fields, recipe, cell);
    hpx_buffer text = {0};
    for (size_t i = 0; i < fields.count; i++) {
        hpx_buffer_printf(&text, "%s = ", fields.fields[i].name);
        hpx_field_print(&text, &fields.fields[i]);
        hpx_buffer_puts(&text, "\n");
    }
    assert_string_equal(hpx_buffer_text(&text), expected);
    hpx_buffer_free(&text);
    hpx_fields_free(&fields);
}

static void expect_values(const hpx_axis *axis, const char *expected)
{
    hpx_buffer text = {0};
    for (uint32_t i = 0; i < axis->count; i++)
        hpx_buffer_printf(&text, "%s%s", i ? " " : "", axis->values[i].text);
    assert_string_equal(hpx_buffer_text(&text), expected);
    hpx_buffer_free(&text);
}

static uint32_t find(const hpx_recipe *recipe, const char *a, const char *b)
{
    char *words[] = {(char *)a, (char *)b};
    uint32_t cell = UINT32_MAX;
    hpx_error error;
    if (hpx_recipe_find_cell(&cell, recipe, words, b ? 2 : 1, &error))
        fail_msg("%s", error.message);
    return cell;
}

static void test_defaults(void **state)
{
    (void)state;
    hpx_recipe *recipe = parse(MODEL);
    assert_string_equal(recipe->path, "lab/r.rcp");
    assert_string_equal(recipe->trainer->name, "mlp");
    assert_int_equal(recipe->grid.axes, 1);
    assert_int_equal(hpx_grid_cells(&recipe->grid), 1);
    assert_string_equal(recipe->axes[0].name, "cell");
    expect_values(&recipe->axes[0], "1");
    assert_int_equal(recipe->epochs, 15);
    assert_int_equal(recipe->seed_count, 1);
    assert_int_equal(recipe->seeds[0], 1);
    assert_string_equal(recipe->objective.name, "validation_accuracy");
    assert_false(recipe->objective.minimised);
    assert_int_equal(recipe->keep, HPX_KEEP_NEWEST);
    assert_int_equal(recipe->search_count, 0);
    expect_settings(
        recipe, 0,
        "model.activation = relu\nmodel.dropout = 0\nmodel.hidden = 64\nmodel.init = he\n"
        "model.kind = mlp\ntrain.batch = 128\ntrain.beta1 = 0.9\ntrain.beta2 = 0.999\n"
        "train.epsilon = 1e-08\ntrain.optimizer = adam\ntrain.rate = 0.001\ntrain.schedule = constant\n"
        "train.weight-decay = 0\n");
    hpx_recipe_dataset dataset;
    hpx_recipe_dataset_of(&dataset, recipe, 0);
    assert_string_equal(dataset.name, "mnist");
    assert_null(dataset.files[HPX_TRAIN_IMAGES]);
    expect_taken(&dataset, "dataset.validation", 10000);
    expect_taken(&dataset, "dataset.take", 0);
    assert_false(hpx_recipe_axis_in(recipe, 0, "model"));
    hpx_recipe_dataset_free(&dataset);
    hpx_recipe_free(recipe);
}

/* A 0 leaves a layer out, wherever it stands in the list. */
static void test_depth(void **state)
{
    (void)state;
    hpx_recipe *recipe = parse(
        "dataset mnist\nmodel mlp\n  hidden = $a 0 $b 16 $c\naxis a = 0 64\naxis b = 32 0\naxis c = 0 8\n");
    static const struct {
        const char *words[3], *hidden;
    } table[] = {
        {{"a=0", "b=32", "c=0"}, "32 16"}, {{"a=64", "b=32", "c=8"}, "64 32 16 8"},
        {{"a=64", "b=0", "c=0"}, "64 16"}, {{"a=0", "b=0", "c=8"}, "16 8"},
        {{"a=0", "b=0", "c=0"}, "16"},
    };
    hpx_fields changed = {0};
    hpx_recipe_settings(&changed, recipe, 0);
    for (size_t i = 0; i < COUNT(table); i++) {
        uint32_t cell;
        hpx_error error;
        hpx_fields settings = {0};
        assert_int_equal(hpx_recipe_find_cell(&cell, recipe, (char *const *)table[i].words, 3, &error),
                         HPX_OK);
        hpx_recipe_settings(&settings, recipe, cell);
        hpx_recipe_change_settings(&changed, recipe, cell);
        hpx_buffer text = {0};
        const hpx_field *hidden = hpx_fields_find(&settings, "model.hidden");
        hpx_field_print(&text, hidden);
        assert_string_equal(hpx_buffer_text(&text), table[i].hidden);
        assert_true(hpx_field_equal(hidden, hpx_fields_find(&changed, "model.hidden")));
        hpx_buffer_free(&text);
        hpx_fields_free(&settings);
    }
    hpx_fields_free(&changed);
    hpx_recipe_free(recipe);
}

static void test_every_setting(void **state)
{
    (void)state;
    hpx_recipe *recipe =
        parse("dataset fashion-mnist\n  validation = 100\n  take = 6e3\n"
              "model mlp\n  hidden = 3..5 $n 7 2..2\n  activation = gelu\n  dropout = 5e-1\n  init = glorot\n"
              "train\n  optimizer = sgd\n  momentum = .9\n  nesterov = yes\n  rate = 1e-3\n"
              "  weight-decay = 1E-4\n  schedule = step\n  step-epochs = 3\n  step-factor = 1\n"
              "  batch = 1e2\n  epochs = 20\n  seeds = 9 1..3 4294967295\n  objective = train_loss\n"
              "axis n = 12\n");
    expect_settings(
        recipe, 0,
        "model.activation = gelu\nmodel.dropout = 0.5\nmodel.hidden = 3 4 5 12 7 2\nmodel.init = glorot\n"
        "model.kind = mlp\ntrain.batch = 100\ntrain.momentum = 0.9\ntrain.nesterov = yes\n"
        "train.optimizer = sgd\ntrain.rate = 0.001\ntrain.schedule = step\ntrain.step-epochs = 3\n"
        "train.step-factor = 1\ntrain.weight-decay = 0.0001\n");
    static const uint32_t seeds[] = {9, 1, 2, 3, UINT32_MAX};
    assert_int_equal(recipe->seed_count, COUNT(seeds));
    assert_memory_equal(recipe->seeds, seeds, sizeof seeds);
    assert_int_equal(recipe->epochs, 20);
    assert_string_equal(recipe->objective.name, "train_loss");
    assert_true(recipe->objective.minimised);
    hpx_recipe_dataset dataset;
    hpx_recipe_dataset_of(&dataset, recipe, 0);
    assert_string_equal(dataset.name, "fashion-mnist");
    expect_taken(&dataset, "dataset.validation", 100);
    expect_taken(&dataset, "dataset.take", 6000);
    hpx_recipe_dataset_free(&dataset);
    hpx_recipe_free(recipe);
}

static void test_layout(void **state)
{
    (void)state;
    static const char *const same[] = {
        "dataset mnist\nmodel mlp\n  hidden = 64",
        "dataset mnist\r\nmodel mlp\r\n\thidden\t=\t64\r\n",
        "\xef\xbb\xbf"
        "dataset mnist\nmodel mlp\n hidden=64\n",
        "# \xc3\xa9\n\n  # indented\ndataset mnist# behind a word\n\nmodel mlp\n # between\n\n  hidden = 64 "
        "# 32\n\n",
        "dataset \"mnist\"\nmodel \"mlp\"   \n  hidden = \"64\"\n",
        "model mlp\n  hidden = 64\ndataset mnist\ntrain\n",
    };
    hpx_recipe *first = parse(same[0]);
    hpx_buffer expected = {0}, bytes = {0};
    hpx_fields fields = {0};
    hpx_recipe_settings(&fields, first, 0);
    hpx_fields_encode(&expected, &fields);
    hpx_recipe_free(first);
    for (size_t i = 1; i < COUNT(same); i++) {
        hpx_recipe *recipe = parse(same[i]);
        hpx_fields_free(&fields);
        hpx_recipe_settings(&fields, recipe, 0);
        bytes.size = 0;
        hpx_fields_encode(&bytes, &fields);
        assert_int_equal(bytes.size, expected.size);
        assert_memory_equal(bytes.data, expected.data, bytes.size);
        hpx_recipe_free(recipe);
    }
    hpx_fields_free(&fields);
    hpx_buffer_free(&bytes);
    hpx_buffer_free(&expected);
}

static void test_axis_forms(void **state)
{
    (void)state;
    static const struct {
        const char *form, *values;
    } table[] = {
        {"log2 16..512", "16 32 64 128 256 512"},
        {"log2 0.25..2", "0.25 0.5 1 2"},
        {"log2 8..8", "8"},
        {"log10 1e-4..1e-1", "0.0001 0.001 0.01 0.1"},
        {"log10 0.1..1e2", "0.1 1 10 100"},
        {"linear 0..0.5 step 0.1", "0 0.1 0.2 0.3 0.4 0.5"},
        {"linear -0.3..0.3 step 0.1", "-0.3 -0.2 -0.1 0 0.1 0.2 0.3"},
        {"linear 0..1 step 0.3", "0 0.3 0.6 0.9"},
        {"linear 1..2 step 5", "1"},
        {"linear 0..0.1234567890123456 step 0.0617283945061728", "0 0.061728394506173 0.1234567890123456"},
        {"linear 10..30 step 10", "10 20 30"},
        {"linear 1e-5..3e-5 step 1e-5", "1e-05 2e-05 3e-05"},
        {"log 1e-4..1e-1 points 4", "0.0001 0.001 0.01 0.1"},
        {"log 1e-4..1e-1 points 7",
         "0.0001 0.000316227766017 0.001 0.00316227766017 0.01 0.0316227766017 0.1"},
        {"log 1e-4..0.123456789012345 points 2", "0.0001 0.123456789012345"},
        {"3 1 2", "3 1 2"},
        {"1e-3 2.50 +4 1e3", "0.001 2.5 4 1000"},
        {"1..4 8 10..11", "1 2 3 4 8 10 11"},
        {"0.1 off ..x \"a b\" \"010\" \"linear\"", "0.1 off ..x a b 010 linear"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        hpx_buffer text = {0};
        hpx_buffer_printf(&text,
                          "dataset own\n  train = $x l\n  test = i l\nmodel mlp\n  hidden = 1\naxis x = %s\n",
                          table[i].form);
        hpx_recipe *recipe = parse(hpx_buffer_text(&text));
        expect_values(&recipe->axes[0], table[i].values);
        assert_int_equal(recipe->grid.counts[0], recipe->axes[0].count);
        hpx_recipe_free(recipe);
        hpx_buffer_free(&text);
    }
}

static void test_axis_numbers(void **state)
{
    (void)state;
    hpx_recipe *recipe = parse("dataset own\n  train = $x l\n  test = i l\nmodel mlp\n  hidden = 1\n"
                               "axis x = 1e-3 word \"16\"\n");
    assert_true(recipe->axes[0].values[0].number == 0.001);
    assert_true(isnan(recipe->axes[0].values[1].number));
    assert_true(isnan(recipe->axes[0].values[2].number));
    assert_string_equal(recipe->axes[0].place.file, "lab/r.rcp");
    assert_int_equal(recipe->axes[0].place.line, 6);
    assert_int_equal(recipe->axes[0].place.column, 6);
    hpx_recipe_free(recipe);
    recipe = parse("dataset mnist\nmodel mlp\n  hidden = $n\naxis n = 1..65536\n");
    assert_int_equal(recipe->axes[0].count, 65536);
    assert_string_equal(recipe->axes[0].values[65535].text, "65536");
    hpx_recipe_free(recipe);
    recipe = parse("dataset mnist\nmodel mlp\n  hidden = $n $m\naxis n = 1..2048\naxis m = 1..2048\n");
    assert_int_equal(hpx_grid_cells(&recipe->grid), HPX_CELLS_MAX);
    hpx_recipe_free(recipe);
}

static void test_cells(void **state)
{
    (void)state;
    hpx_recipe *recipe =
        parse("dataset mnist\n  take = $t\nmodel mlp\n  hidden = $n 8 $n $m\n  activation = $a\n"
              "train\n  rate = $r\naxis n = 16 32\naxis m = 1 2 3\naxis a = relu tanh\n"
              "axis r = log10 1e-3..1e-2\naxis t = 100 200\n");
    uint32_t indices[HPX_AXES_MAX] = {1, 2, 1, 0, 1};
    uint32_t cell = hpx_grid_cell(&recipe->grid, indices);
    expect_settings(
        recipe, cell,
        "model.activation = tanh\nmodel.dropout = 0\nmodel.hidden = 32 8 32 3\nmodel.init = he\n"
        "model.kind = mlp\ntrain.batch = 128\ntrain.beta1 = 0.9\ntrain.beta2 = 0.999\n"
        "train.epsilon = 1e-08\ntrain.optimizer = adam\ntrain.rate = 0.001\ntrain.schedule = constant\n"
        "train.weight-decay = 0\n");
    hpx_recipe_dataset dataset;
    hpx_recipe_dataset_of(&dataset, recipe, cell);
    expect_taken(&dataset, "dataset.take", 200);
    static const bool in[][3] = {{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 0, 1}, {1, 0, 0}};
    for (size_t i = 0; i < COUNT(in); i++) {
        assert_int_equal(hpx_recipe_axis_in(recipe, i, "dataset"), in[i][0]);
        assert_int_equal(hpx_recipe_axis_in(recipe, i, "model"), in[i][1]);
        assert_int_equal(hpx_recipe_axis_in(recipe, i, "train"), in[i][2]);
    }
    hpx_recipe_dataset_free(&dataset);
    hpx_recipe_free(recipe);
}

/* A setting of one optimizer is left out of the cells of another. */
static void test_conditions(void **state)
{
    (void)state;
    hpx_recipe *recipe = parse(MODEL "train\n  optimizer = $o\n  momentum = $m\n  nesterov = no\n"
                                     "axis o = adam sgd\naxis m = 0 0.9\n");
    static const struct {
        const char *o, *m;
        bool beta1;
        const char *momentum;
    } table[] = {
        {"o=adam", "m=0", true, NULL}, {"o=adam", "m=0.9", true, NULL}, {"o=sgd", "m=9e-1", false, "0.9"}};
    for (size_t i = 0; i < COUNT(table); i++) {
        hpx_fields fields = {0};
        hpx_recipe_settings(&fields, recipe, find(recipe, table[i].o, table[i].m));
        assert_int_equal(hpx_fields_find(&fields, "train.beta1") != NULL, table[i].beta1);
        const hpx_field *momentum = hpx_fields_find(&fields, "train.momentum");
        assert_int_equal(momentum != NULL, table[i].momentum != NULL);
        if (momentum)
            assert_true(momentum->real == strtod(table[i].momentum, NULL));
        hpx_fields_free(&fields);
    }
    hpx_recipe_free(recipe);
}

#define GRID                                                                                                 \
    "dataset mnist\nmodel mlp\n  hidden = $n\ntrain\n  rate = $r\naxis n = 16 32 64\naxis r = 1e-3 0.01\n"

/* Words have no order unless they are said to have one; numbers have. */
static void test_order_of_axes(void **state)
{
    (void)state;
    static const struct {
        const char *values;
        bool ordered;
        uint32_t count;
    } table[] = {
        {"8 16", true, 2},
        {"ordered 8 16", true, 2},
        {"unordered 8 16 4", false, 3},
        {"unordered log2 8..32", false, 3},
        {"linear 1..3 step 1", true, 3},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[256];
        snprintf(text, sizeof text, "dataset mnist\nmodel mlp\n  hidden = $n\naxis n = %s\n",
                 table[i].values);
        hpx_recipe *recipe = parse(text);
        assert_int_equal(recipe->axes[0].ordered, table[i].ordered);
        assert_int_equal(recipe->axes[0].count, table[i].count);
        assert_int_equal(hpx_grid_is_unordered(&recipe->grid, 0), !table[i].ordered);
        hpx_recipe_free(recipe);
    }
    hpx_recipe *recipe = parse("dataset mnist\nmodel mlp\n  hidden = $n\n  activation = $a\n  init = $i\n"
                               "axis n = 8\naxis a = relu tanh\naxis i = ordered he glorot\n");
    assert_int_equal(recipe->grid.unordered, 1 << 1);
    hpx_recipe_free(recipe);
}

/* What methods that measure distances get of axes and scores. */
static void test_scales(void **state)
{
    (void)state;
    static const struct {
        const char *values;
        bool logarithmic;
    } axes[] = {
        {"8 16 32", false},
        {"log2 8..32", true},
        {"log10 10..100", true},
        {"log 10..90 points 3", true},
        {"linear 1..3 step 1", false},
        {"unordered log2 8..32", true},
    };
    for (size_t i = 0; i < COUNT(axes); i++) {
        char text[256];
        snprintf(text, sizeof text, "dataset mnist\nmodel mlp\n  hidden = $n\naxis n = %s\n", axes[i].values);
        hpx_recipe *recipe = parse(text);
        assert_true(recipe->grid.values[0][1] == recipe->axes[0].values[1].number);
        assert_int_equal(recipe->grid.logarithmic, axes[i].logarithmic);
        hpx_recipe_free(recipe);
    }
    static const struct {
        const char *objective;
        hpx_scale scale;
    } objectives[] = {
        {"validation_accuracy", HPX_SCALE_ACCURACY},
        {"test_accuracy", HPX_SCALE_ACCURACY},
        {"train_loss", HPX_SCALE_LOSS},
    };
    for (size_t i = 0; i < COUNT(objectives); i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "dataset mnist\nmodel mlp\n  hidden = 8\n  init = $i\ntrain\n  objective = %s\n"
                 "axis i = ordered he glorot\nsearch s\n  method = bayes\n  evaluations = 1\n",
                 objectives[i].objective);
        hpx_recipe *recipe = parse(text);
        assert_null(recipe->grid.values[0]);
        assert_int_equal(recipe->searches[0].options.scale, objectives[i].scale);
        hpx_recipe_free(recipe);
    }
    hpx_recipe *recipe =
        parse("program\n  command = true $a\ntrain\n  objective = maximise my_accuracy\naxis a = 1 2\n"
              "search s\n  method = bayes\n  evaluations = 1\n");
    assert_int_equal(recipe->searches[0].options.scale, HPX_SCALE_LINEAR);
    hpx_recipe_free(recipe);
}

static void test_searches(void **state)
{
    (void)state;
    hpx_recipe *recipe =
        parse(GRID "search a.1-x_Y\n  method = grid\nsearch b\n  method = hill-climb\n"
                   "search c\n  neighbours = 4\n  method = hill-climb\n  start = 32 1E-2\n"
                   "search d\n  method = full-cross\n"
                   "search e\n  method = full-cross\n  first = r\n  scan = outward\n  start = 64 0.001\n"
                   "search f\n  method = partial-cross\n  limit = 3\n  scan = low\n  first = n\n"
                   "search g\n  method = random\n  evaluations = 5\n"
                   "search h\n  method = random\n  evaluations = 4194304\n  seed = 4294967295\n"
                   "search i\n  method = bayes\n  evaluations = 30\n"
                   "search j\n  method = bayes\n  evaluations = 5\n  lag = 4\n  per-cost = yes\n  seed = 2\n"
                   "search k\n  method = bayes\n  evaluations = 5\n  initial = 3\n  per-cost = no\n");
    static const hpx_search_options expected[] = {
        {.method = &hpx_methods[HPX_METHOD_GRID], .neighbours = HPX_DIAGONAL},
        {.method = &hpx_methods[HPX_METHOD_HILL_CLIMB], .neighbours = HPX_DIAGONAL},
        {.method = &hpx_methods[HPX_METHOD_HILL_CLIMB], .neighbours = HPX_AXES, .start = 3},
        {.method = &hpx_methods[HPX_METHOD_FULL_CROSS], .neighbours = HPX_DIAGONAL},
        {.method = &hpx_methods[HPX_METHOD_FULL_CROSS],
         .neighbours = HPX_DIAGONAL,
         .first = 1,
         .outward = true,
         .start = 4},
        {.method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS], .neighbours = HPX_DIAGONAL, .limit = 3},
        {.method = &hpx_methods[HPX_METHOD_RANDOM], .evaluations = 5, .seed = 1},
        {.method = &hpx_methods[HPX_METHOD_RANDOM], .evaluations = HPX_CELLS_MAX, .seed = UINT32_MAX},
        {.method = &hpx_methods[HPX_METHOD_BAYES], .evaluations = 30, .seed = 1, .initial = 6, .lag = 1},
        {.method = &hpx_methods[HPX_METHOD_BAYES],
         .evaluations = 5,
         .seed = 2,
         .initial = 5,
         .lag = 4,
         .per_cost = true},
        {.method = &hpx_methods[HPX_METHOD_BAYES], .evaluations = 5, .seed = 1, .initial = 3, .lag = 1},
    };
    assert_int_equal(recipe->search_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        const hpx_search_options *options = &recipe->searches[i].options;
        assert_ptr_equal(options->method, expected[i].method);
        assert_int_equal(options->neighbours, expected[i].neighbours);
        assert_int_equal(options->start, expected[i].start);
        assert_int_equal(options->first, expected[i].first);
        assert_int_equal(options->limit, expected[i].limit);
        assert_int_equal(options->outward, expected[i].outward);
        assert_int_equal(options->evaluations, expected[i].evaluations);
        if (options->evaluations)
            assert_int_equal(options->seed, expected[i].seed);
        if (options->method == &hpx_methods[HPX_METHOD_BAYES]) {
            assert_int_equal(options->initial, expected[i].initial);
            assert_int_equal(options->lag, expected[i].lag);
            assert_int_equal(options->per_cost, expected[i].per_cost);
        }
    }
    assert_string_equal(recipe->searches[5].options.method->name, "partial-cross");
    assert_int_equal(recipe->searches[1].place.line, 10);
    const hpx_recipe_search *search;
    hpx_error error;
    assert_int_equal(hpx_recipe_find_search(&search, recipe, "c", &error), HPX_OK);
    assert_ptr_equal(search, &recipe->searches[2]);
    assert_int_equal(hpx_recipe_find_search(&search, recipe, "a.1-xY", &error), HPX_USAGE);
    assert_string_equal(error.message,
                        "lab/r.rcp: unknown search 'a.1-xY': expected a.1-x_Y, b, c, d, e, f, g, h, i, j, k; "
                        "did you mean 'a.1-x_Y'?");
    hpx_recipe_free(recipe);
    recipe = parse(MODEL);
    assert_int_equal(hpx_recipe_find_search(&search, recipe, "c", &error), HPX_USAGE);
    assert_string_equal(error.message, "lab/r.rcp: unknown search 'c': the recipe has no searches");
    hpx_recipe_free(recipe);
}

static void test_find_cell(void **state)
{
    (void)state;
    hpx_recipe *recipe = parse(GRID);
    assert_int_equal(find(recipe, "n=16", "r=0.001"), 0);
    assert_int_equal(find(recipe, "r=1e-2", "n=6.4e1"), 5);
    static const struct {
        const char *words[2];
        size_t count;
        const char *message;
    } table[] = {
        {{"n=16", NULL}, 1, "no value of axis 'r' is given: expected r=VALUE"},
        {{"n=16", "n=16"}, 2, "axis 'n' is given twice: expected one value"},
        {{"n=16", "r"}, 2, "'r' names no value of an axis: expected NAME=VALUE"},
        {{"n=16", "rr=1"}, 2, "unknown axis 'rr': lab/r.rcp has n, r; did you mean 'r'?"},
        {{"n=17", "r=0.01"}, 2, "axis 'n' has no value '17': expected 16, 32, 64"},
        {{"n=16", "r="}, 2, "axis 'r' has no value '': expected 0.001, 0.01"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        uint32_t cell;
        hpx_error error;
        assert_int_equal(
            hpx_recipe_find_cell(&cell, recipe, (char *const *)table[i].words, table[i].count, &error),
            HPX_USAGE);
        assert_string_equal(error.message, table[i].message);
    }
    hpx_recipe_free(recipe);
    recipe =
        parse("dataset mnist\nmodel mlp\n  hidden = $n\n  activation = $a\naxis n = 1..100\naxis a = tanh\n");
    assert_int_equal(find(recipe, "n=7", NULL), 6); /* an axis of one value need not be named */
    uint32_t cell;
    hpx_error error;
    char *words[] = {"n=101"};
    assert_int_equal(hpx_recipe_find_cell(&cell, recipe, words, 1, &error), HPX_USAGE);
    assert_string_equal(error.message,
                        "axis 'n' has no value '101': expected one of its 100 values from 1 to 100");
    hpx_recipe_free(recipe);
}

static void test_objectives(void **state)
{
    (void)state;
    static const struct {
        const char *value, *name;
        bool minimised;
    } table[] = {
        {"train_loss", "train_loss", true},
        {"train_accuracy", "train_accuracy", false},
        {"validation_loss", "validation_loss", true},
        {"test_accuracy", "test_accuracy", false},
        {"maximise test_accuracy", "test_accuracy", false},
        {"minimise test_accuracy", "test_accuracy", true},
        {"maximise test_loss", "test_loss", false},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        char *text =
            hpx_format("dataset mnist\nmodel mlp\n  hidden = 64\ntrain\n  objective = %s\n", table[i].value);
        hpx_recipe *recipe = parse(text);
        assert_string_equal(recipe->objective.name, table[i].name);
        assert_int_equal(recipe->objective.minimised, table[i].minimised);
        hpx_recipe_free(recipe);
        free(text);
    }
}

/* A trainer that does not say what it reports: any metric can be the objective, if its direction is known. */
static void test_objectives_of_any_name(void **state)
{
    (void)state;
    static hpx_trainer any = {.name = "any"};
    static const struct {
        const char *value;
        const char *name; /* NULL: refused, with: */
        const char *message;
        bool minimised;
    } table[] = {
        {"top5_accuracy", "top5_accuracy", NULL, false},
        {"loss/validation_loss", "loss/validation_loss", NULL, true},
        {"error", "error", NULL, true},
        {"maximise f1@10%", "f1@10%", NULL, false},
        {"minimise accuracy", "accuracy", NULL, true},
        {"minimise minimise", "minimise", NULL, true},
        {"f1", NULL,
         "4:15: nobody knows whether more or less of 'f1' is better: expected 'objective = maximise f1' or",
         false},
        {"maximise", NULL, "4:15: expected the name of a metric behind 'maximise'", false},
        {"maximise a b", NULL, "4:26: a second value of 'objective'", false},
        {"f1 loss", NULL, "4:18: a second value of 'objective'", false},
        {"maximize f1", NULL,
         "4:15: unknown word 'maximize' before the objective: expected maximise, minimise; did you mean "
         "'maximise'?",
         false},
        {"MIN loss", NULL,
         "4:15: unknown word 'MIN' before the objective: expected maximise, minimise; did you mean 'min",
         false},
        {"a,b", NULL, "4:15: 'objective' cannot be 'a,b': expected the name of a metric", false},
        {"\"a b\"", NULL, "4:15: 'objective' cannot be 'a b'", false},
        {"maximise $cell", NULL, "4:24: 'objective' takes no '$'", false},
    };
    hpx_error error;
    hpx_recipe *recipe;
    any.inputs = hpx_trainer_find("mlp")->inputs;
    assert_int_equal(hpx_trainer_register(&any, &error), HPX_OK);
    for (size_t i = 0; i < COUNT(table); i++) {
        char *text = hpx_format("dataset mnist\nmodel any\ntrain\n  objective = %s\n", table[i].value);
        hpx_status status = hpx_recipe_parse(&recipe, "r.rcp", text, strlen(text), NULL, NULL, &error);
        if (table[i].name) {
            if (status)
                fail_msg("%s: %s", table[i].value, error.message);
            assert_string_equal(recipe->objective.name, table[i].name);
            assert_int_equal(recipe->objective.minimised, table[i].minimised);
            hpx_recipe_free(recipe);
        } else {
            assert_int_equal(status, HPX_USAGE);
            if (!strstr(error.message, table[i].message))
                fail_msg("%s: %s", table[i].value, error.message);
        }
        free(text);
    }
    const char none[] = "dataset mnist\nmodel any\ntrain\n  epochs = 1\n";
    assert_int_equal(hpx_recipe_parse(&recipe, "r.rcp", none, strlen(none), NULL, NULL, &error), HPX_USAGE);
    assert_non_null(strstr(error.message, "3:1: train needs 'objective': expected the name of a metric"));
}

/* Not a setting of the cell: the key does not depend on it. */
static void test_keep(void **state)
{
    (void)state;
    static const char *const words[] = {"newest", "all", "none", "best"};
    static const hpx_keep keeps[] = {HPX_KEEP_NEWEST, HPX_KEEP_ALL, HPX_KEEP_NONE, HPX_KEEP_BEST};
    hpx_buffer first = {0};
    for (size_t i = 0; i < COUNT(words); i++) {
        char *text = hpx_format("%strain\n  keep = %s\n", MODEL, words[i]);
        hpx_recipe *recipe = parse(text);
        hpx_fields settings = {0};
        hpx_buffer bytes = {0};
        assert_int_equal(recipe->keep, keeps[i]);
        hpx_recipe_settings(&settings, recipe, 0);
        hpx_fields_encode(i ? &bytes : &first, &settings);
        if (i) {
            assert_int_equal(bytes.size, first.size);
            assert_memory_equal(bytes.data, first.data, first.size);
        }
        hpx_fields_free(&settings);
        hpx_buffer_free(&bytes);
        hpx_recipe_free(recipe);
        free(text);
    }
    hpx_buffer_free(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_depth),
        cmocka_unit_test(test_every_setting), cmocka_unit_test(test_layout),
        cmocka_unit_test(test_axis_forms),    cmocka_unit_test(test_axis_numbers),
        cmocka_unit_test(test_cells),         cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_searches),      cmocka_unit_test(test_scales),
        cmocka_unit_test(test_order_of_axes), cmocka_unit_test(test_find_cell),
        cmocka_unit_test(test_objectives),    cmocka_unit_test(test_objectives_of_any_name),
        cmocka_unit_test(test_keep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
