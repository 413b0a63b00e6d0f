/* The recipe language: what is accepted and what it means. Mistakes are in test_recipe_errors.c. */
#include "hpx/recipe.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODEL        "dataset mnist\nmodel mlp\n  hidden = 64\n"
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Files in memory: pairs of path and content, the recipe first, ended by NULL. */
static hpx_status load(void *context, const char *path, hpx_buffer *out, hpx_error *error)
{
    for (const char *const *file = context; *file; file += 2) {
        if (strcmp(*file, path) == 0) {
            hpx_buffer_puts(out, file[1]);
            return HPX_OK;
        }
    }
    return hpx_error_set(error, HPX_NOT_FOUND, "%s: no such file", path);
}

static hpx_status parse_files(hpx_recipe **out, const char *const *files, hpx_error *error)
{
    return hpx_recipe_parse(out, files[0], files[1], strlen(files[1]), load, (void *)files, error);
}

static hpx_recipe *parse_all(const char *const *files)
{
    hpx_recipe *recipe;
    hpx_error error;
    if (parse_files(&recipe, files, &error))
        fail_msg("%s", error.message);
    return recipe;
}

static hpx_recipe *parse(const char *text)
{
    const char *const files[] = {"lab/r.rcp", text, NULL};
    return parse_all(files);
}

static void expect_error(const char *const *files, const char *message)
{
    hpx_recipe *recipe;
    hpx_error error = {HPX_OK, ""};
    assert_int_equal(parse_files(&recipe, files, &error), HPX_USAGE);
    assert_string_equal(error.message, message);
    assert_int_equal(error.status, HPX_USAGE);
    assert_null(recipe);
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
    assert_int_equal(recipe->objective, HPX_VALIDATION_ACCURACY);
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
    assert_int_equal(dataset.validation, 10000);
    assert_int_equal(dataset.take, 0);
    assert_false(hpx_recipe_axis_in(recipe, 0, "model"));
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
    assert_int_equal(recipe->objective, HPX_TRAIN_LOSS);
    hpx_recipe_dataset dataset;
    hpx_recipe_dataset_of(&dataset, recipe, 0);
    assert_string_equal(dataset.name, "fashion-mnist");
    assert_int_equal(dataset.validation, 100);
    assert_int_equal(dataset.take, 6000);
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
        {"linear 10..30 step 10", "10 20 30"},
        {"linear 1e-5..3e-5 step 1e-5", "1e-05 2e-05 3e-05"},
        {"log 1e-4..1e-1 points 4", "0.0001 0.001 0.01 0.1"},
        {"log 1e-4..1e-1 points 7",
         "0.0001 0.000316227766017 0.001 0.00316227766017 0.01 0.0316227766017 0.1"},
        {"log 0.1..0.7 points 2", "0.1 0.7"},
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
    hpx_fields model = {0};
    hpx_recipe_model_settings(&model, recipe, cell);
    assert_int_equal(model.count, 5);
    for (size_t i = 0; i < model.count; i++)
        assert_int_equal(strncmp(model.fields[i].name, "model.", 6), 0);
    hpx_fields_free(&model);
    hpx_recipe_dataset dataset;
    hpx_recipe_dataset_of(&dataset, recipe, cell);
    assert_int_equal(dataset.take, 200);
    static const bool in[][3] = {{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 0, 1}, {1, 0, 0}};
    for (size_t i = 0; i < COUNT(in); i++) {
        assert_int_equal(hpx_recipe_axis_in(recipe, i, "dataset"), in[i][0]);
        assert_int_equal(hpx_recipe_axis_in(recipe, i, "model"), in[i][1]);
        assert_int_equal(hpx_recipe_axis_in(recipe, i, "train"), in[i][2]);
    }
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

static void test_own_files(void **state)
{
    (void)state;
    static const char *const files[] = {"lab/r.rcp",
                                        "include ../common/data.rcp\ndataset mine\n  test = \"t i\" "
                                        "/abs/l.gz\nmodel mlp\n  hidden = 1\naxis i = a b/c\n",
                                        "lab/../common/data.rcp",
                                        "dataset mine\n  train = $i labels\n  test = x y\n", NULL};
    hpx_recipe *recipe = parse_all(files);
    hpx_recipe_dataset dataset;
    hpx_recipe_dataset_of(&dataset, recipe, 1);
    assert_string_equal(dataset.name, "mine");
    assert_string_equal(dataset.files[HPX_TRAIN_IMAGES], "lab/../common/b/c");
    assert_string_equal(dataset.files[HPX_TRAIN_LABELS], "lab/../common/labels");
    assert_string_equal(dataset.files[HPX_TEST_IMAGES], "lab/t i");
    assert_string_equal(dataset.files[HPX_TEST_LABELS], "/abs/l.gz");
    hpx_recipe_free(recipe);
}

#define BASE                                                                                                 \
    "dataset mine\n  train = a b\n  test = c d\n  validation = 7\nmodel mlp\n  hidden = $n\n  init = "       \
    "glorot\n"                                                                                               \
    "train\n  rate = 0.1\n  batch = 4\naxis n = 1 2\naxis d = 0 0.5\nsearch s\n  method = partial-cross\n  " \
    "limit = 2\n"                                                                                            \
    "search t\n  method = grid\n"

static void test_amendment(void **state)
{
    (void)state;
    static const char *const files[] = {
        "r.rcp",
        "include base.rcp\ndataset mnist\n  take = 3\nmodel mlp\n  dropout = $d\ntrain\n  rate = 0.2\naxis n "
        "= 3 4 5\n"
        "search s\n  method = hill-climb\n  start = 4 0.5\nsearch u\n  method = grid\n",
        "base.rcp", BASE, NULL};
    hpx_recipe *recipe = parse_all(files);
    assert_string_equal(recipe->axes[0].name, "n");
    expect_values(&recipe->axes[0], "3 4 5");
    assert_string_equal(recipe->axes[0].place.file, "r.rcp");
    assert_string_equal(recipe->axes[1].place.file, "base.rcp");
    expect_settings(
        recipe, 1,
        "model.activation = relu\nmodel.dropout = 0.5\nmodel.hidden = 3\nmodel.init = glorot\n"
        "model.kind = mlp\ntrain.batch = 4\ntrain.beta1 = 0.9\ntrain.beta2 = 0.999\n"
        "train.epsilon = 1e-08\ntrain.optimizer = adam\ntrain.rate = 0.2\ntrain.schedule = constant\n"
        "train.weight-decay = 0\n");
    hpx_recipe_dataset dataset;
    hpx_recipe_dataset_of(&dataset, recipe, 0);
    assert_string_equal(dataset.name, "mnist");
    assert_null(dataset.files[HPX_TEST_LABELS]);
    assert_int_equal(dataset.validation, 7);
    assert_int_equal(dataset.take, 3);
    static const char *const names[] = {"s", "t", "u"};
    assert_int_equal(recipe->search_count, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(recipe->searches[i].name, names[i]);
    assert_int_equal(recipe->searches[0].options.method, HPX_METHOD_HILL_CLIMB);
    assert_int_equal(recipe->searches[0].options.start, 3);
    assert_int_equal(recipe->searches[0].options.limit, 0);
    hpx_recipe_free(recipe);
}

static void test_includes(void **state)
{
    (void)state;
    static const char *const middle[] = {"r.rcp", "include m.rcp\n",
                                         "m.rcp", "include b.rcp\ntrain\n  batch = 9\n",
                                         "b.rcp", MODEL "train\n  batch = 8\n",
                                         NULL};
    hpx_recipe *recipe = parse_all(middle);
    hpx_fields fields = {0};
    hpx_recipe_settings(&fields, recipe, 0);
    assert_int_equal(hpx_fields_find(&fields, "train.batch")->count, 9);
    hpx_fields_free(&fields);
    hpx_recipe_free(recipe);

    static const char *const in_included[] = {
        "r.rcp",   "\ninclude x/m.rcp\n",        "x/m.rcp", "include b.rcp\n",
        "x/b.rcp", "dataset mnist\nmodle mlp\n", NULL};
    expect_error(in_included,
                 "x/b.rcp:2:1: unknown statement 'modle': expected dataset, model, train, axis, search, "
                 "include; did you mean 'model'?\nmodle mlp\n^\nincluded from x/m.rcp:1\n"
                 "included from r.rcp:2");
    static const char *const cycle[] = {"r.rcp", "include b.rcp\n",   "b.rcp", "include c.rcp\n",
                                        "c.rcp", "include ./r.rcp\n", NULL};
    expect_error(
        cycle, "c.rcp:1:9: an include cycle: r.rcp -> b.rcp -> c.rcp -> ./r.rcp\ninclude ./r.rcp\n        ^\n"
               "included from b.rcp:1\nincluded from r.rcp:1");
    static const char *const gone[] = {"r.rcp", "include gone.rcp\n", NULL};
    expect_error(gone, "r.rcp:1:9: cannot include it: gone.rcp: no such file\ninclude gone.rcp\n        ^");
    static const char *const twice[] = {"r.rcp", "include b.rcp\ninclude b.rcp\n", "b.rcp", MODEL, NULL};
    expect_error(
        twice,
        "r.rcp:2:9: 'b.rcp' is included a second time: the first is at r.rcp:1\ninclude b.rcp\n        ^");
    static const char *const late[] = {"r.rcp", "dataset mnist\ninclude b.rcp\n", "b.rcp", MODEL, NULL};
    expect_error(
        late, "b.rcp:1:1: a second dataset: the first is at r.rcp:1; an include comes before what amends it\n"
              "dataset mnist\n^\nincluded from r.rcp:2");
    static const char *const siblings[] = {
        "r.rcp", "include b.rcp\ninclude c.rcp\n", "b.rcp", "axis n = 1\n", "c.rcp", "axis n = 2\n", NULL};
    expect_error(siblings,
                 "c.rcp:1:1: a second axis 'n': the first is at b.rcp:1; an include comes before what amends "
                 "it\naxis n = 2\n^\nincluded from r.rcp:2");
    static const char *const twice_below[] = {"r.rcp", "include b.rcp\ntrain\n  rate = 1\n  rate = 2\n",
                                              "b.rcp", MODEL "train\n  rate = 3\n", NULL};
    expect_error(twice_below,
                 "r.rcp:4:3: 'rate' is set a second time: the first is at r.rcp:3\n  rate = 2\n  ^");
}

/* Serves a file that includes a deeper one, for ever. */
static hpx_status load_deeper(void *context, const char *path, hpx_buffer *out, hpx_error *error)
{
    (void)error;
    ++*(int *)context;
    hpx_buffer_printf(out, "include %s/r.rcp\n", strrchr(path, '/') ? "d" : path);
    return HPX_OK;
}

static void test_include_depth(void **state)
{
    (void)state;
    int loads = 0;
    hpx_recipe *recipe;
    hpx_error error;
    static const char text[] = "include d/r.rcp\n";
    assert_int_equal(hpx_recipe_parse(&recipe, "r.rcp", text, sizeof text - 1, load_deeper, &loads, &error),
                     HPX_USAGE);
    assert_non_null(
        strstr(error.message, ":1:9: includes nested more than 16 deep: r.rcp -> d/r.rcp -> d/d/r.rcp -> "));
    assert_int_equal(loads, 16);
}

#define GRID                                                                                                 \
    "dataset mnist\nmodel mlp\n  hidden = $n\ntrain\n  rate = $r\naxis n = 16 32 64\naxis r = 1e-3 0.01\n"

static void test_searches(void **state)
{
    (void)state;
    hpx_recipe *recipe =
        parse(GRID "search a.1-x_Y\n  method = grid\nsearch b\n  method = hill-climb\n"
                   "search c\n  neighbours = 4\n  method = hill-climb\n  start = 32 1E-2\n"
                   "search d\n  method = full-cross\n"
                   "search e\n  method = full-cross\n  first = r\n  scan = outward\n  start = 64 0.001\n"
                   "search f\n  method = partial-cross\n  limit = 3\n  scan = low\n  first = n\n");
    static const hpx_search_options expected[] = {
        {.method = HPX_METHOD_GRID, .neighbours = 8},
        {.method = HPX_METHOD_HILL_CLIMB, .neighbours = 8},
        {.method = HPX_METHOD_HILL_CLIMB, .neighbours = 4, .start = 3},
        {.method = HPX_METHOD_FULL_CROSS, .neighbours = 8},
        {.method = HPX_METHOD_FULL_CROSS, .neighbours = 8, .first = 1, .outward = true, .start = 4},
        {.method = HPX_METHOD_PARTIAL_CROSS, .neighbours = 8, .limit = 3},
    };
    assert_int_equal(recipe->search_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        const hpx_search_options *options = &recipe->searches[i].options;
        assert_int_equal(options->method, expected[i].method);
        assert_int_equal(options->neighbours, expected[i].neighbours);
        assert_int_equal(options->start, expected[i].start);
        assert_int_equal(options->first, expected[i].first);
        assert_int_equal(options->limit, expected[i].limit);
        assert_int_equal(options->outward, expected[i].outward);
    }
    assert_string_equal(recipe->searches[5].method, "partial-cross");
    assert_int_equal(recipe->searches[1].place.line, 10);
    const hpx_recipe_search *search;
    hpx_error error;
    assert_int_equal(hpx_recipe_find_search(&search, recipe, "c", &error), HPX_OK);
    assert_ptr_equal(search, &recipe->searches[2]);
    assert_int_equal(hpx_recipe_find_search(&search, recipe, "a.1-xY", &error), HPX_USAGE);
    assert_string_equal(error.message,
                        "lab/r.rcp: unknown search 'a.1-xY': expected a.1-x_Y, b, c, d, e, f; did you "
                        "mean 'a.1-x_Y'?");
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
    for (int i = 0; i < HPX_METRICS; i++)
        assert_int_equal(hpx_metric_minimised((hpx_metric)i), strstr(hpx_metric_names[i], "_loss") != NULL);
    assert_null(hpx_metric_names[HPX_METRICS]);
}

static hpx_recipe *open_recipe(const char *path)
{
    hpx_recipe *recipe;
    hpx_error error;
    if (hpx_recipe_open(&recipe, path, &error))
        fail_msg("%s", error.message);
    return recipe;
}

static void test_recipes_that_come_with_hpx(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t searches;
        const char *dataset;
        uint32_t validation;
        hpx_metric objective;
    } table[] = {
        {"recipes/mnist.rcp", 0, "mnist", 0, HPX_TEST_ACCURACY},
        {"recipes/mnist-partial.rcp", 2, "mnist", 0, HPX_TEST_ACCURACY},
        {"recipes/mnist-table.rcp", 8, "mnist", 0, HPX_TEST_ACCURACY},
        {"recipes/fashion-partial.rcp", 2, "fashion-mnist", 10000, HPX_VALIDATION_ACCURACY},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        hpx_recipe *recipe = open_recipe(table[i].path);
        assert_int_equal(recipe->search_count, table[i].searches);
        assert_int_equal(recipe->objective, table[i].objective);
        assert_int_equal(hpx_grid_cells(&recipe->grid), 66);
        assert_int_equal(recipe->epochs, 15);
        hpx_recipe_dataset dataset;
        hpx_recipe_dataset_of(&dataset, recipe, 0);
        assert_string_equal(dataset.name, table[i].dataset);
        assert_int_equal(dataset.validation, table[i].validation);
        expect_settings(
            recipe, find(recipe, "n1=128", "n2=4096"),
            "model.activation = relu\nmodel.dropout = 0\nmodel.hidden = 128 4096\nmodel.init = he\n"
            "model.kind = mlp\ntrain.batch = 128\ntrain.beta1 = 0.9\ntrain.beta2 = 0.999\n"
            "train.epsilon = 1e-08\ntrain.optimizer = adam\ntrain.rate = 0.001\n"
            "train.schedule = constant\ntrain.weight-decay = 0\n");
        hpx_recipe_free(recipe);
    }
    hpx_recipe *recipe = open_recipe("recipes/mnist-table.rcp");
    static const struct {
        const char *name;
        hpx_method method;
        uint32_t first, limit;
    } rows[] = {
        {"grid", HPX_METHOD_GRID, 0, 0},
        {"hill-climb", HPX_METHOD_HILL_CLIMB, 0, 0},
        {"full-l2", HPX_METHOD_FULL_CROSS, 1, 0},
        {"partial-l2-3", HPX_METHOD_PARTIAL_CROSS, 1, 3},
        {"full-l1", HPX_METHOD_FULL_CROSS, 0, 0},
        {"partial-l1-2", HPX_METHOD_PARTIAL_CROSS, 0, 2},
        {"partial-l2-1", HPX_METHOD_PARTIAL_CROSS, 1, 1},
        {"partial-l1-1", HPX_METHOD_PARTIAL_CROSS, 0, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(recipe->searches[i].name, rows[i].name);
        assert_int_equal(recipe->searches[i].options.method, rows[i].method);
        assert_int_equal(recipe->searches[i].options.first, rows[i].first);
        assert_int_equal(recipe->searches[i].options.limit, rows[i].limit);
        assert_int_equal(recipe->searches[i].options.start, 0);
    }
    hpx_recipe_free(recipe);
}

static void test_open(void **state)
{
    (void)state;
    hpx_recipe *recipe;
    hpx_error error;
    assert_int_equal(hpx_recipe_open(&recipe, "recipes/no-such.rcp", &error), HPX_NOT_FOUND);
    assert_string_equal(error.message, "recipes/no-such.rcp: no such file");
    assert_null(recipe);
    assert_int_equal(hpx_recipe_open(&recipe, "recipes", &error), HPX_FAILED);
    assert_null(recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_setting),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_axis_forms),
        cmocka_unit_test(test_axis_numbers),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_own_files),
        cmocka_unit_test(test_amendment),
        cmocka_unit_test(test_includes),
        cmocka_unit_test(test_include_depth),
        cmocka_unit_test(test_searches),
        cmocka_unit_test(test_find_cell),
        cmocka_unit_test(test_objectives),
        cmocka_unit_test(test_recipes_that_come_with_hpx),
        cmocka_unit_test(test_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
