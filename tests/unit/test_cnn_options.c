/* The settings of convolutional networks: what a recipe's lists become in a manifest, the shapes that follow, and what is
 * said of those that do not fit. */
#include "../helper/helper.h"
#include "hpx/recipe.h"
#include "hpx/trainer.h"
#include "nn/checkpoint.h"
#include "nn/cnn_model.h"
#include "nn/cnn_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

static hpx_error error;

static void set_list(hpx_fields *out, const char *name, const char *numbers)
{
    uint64_t values[HPX_SETTING_LIST_MAX];
    size_t count = 0;
    for (char *end; *numbers; numbers = *end ? end + 1 : end)
        values[count++] = strtoull(numbers, &end, 10);
    hpx_fields_set_counts(out, name, values, count);
}

static hpx_fields make_settings(const char *filters, const char *kernel, const char *stride,
                                const char *padding, const char *pool, const char *hidden)
{
    hpx_fields settings = {0};
    set_list(&settings, "model.filters", filters);
    set_list(&settings, "model.kernel", kernel);
    set_list(&settings, "model.stride", stride);
    hpx_fields_set_text(&settings, "model.padding", padding);
    set_list(&settings, "model.pool", pool);
    hpx_fields_set_text(&settings, "model.pooling", "average");
    set_list(&settings, "model.hidden", hidden);
    return settings;
}

/* Each by hand. `same`: out = ceil(in / stride), zeros (out - 1) stride + kernel - in, the odd one behind. */
static void test_shapes(void **state)
{
    static const struct {
        uint32_t in, kernel, stride;
        const char *padding;
        uint32_t pool, before, after, sums, out;
    } sides[] = {
        {28, 3, 1, "same", 2, 1, 1, 28, 14},       {28, 5, 1, "valid", 2, 0, 0, 24, 12},
        {28, 5, 1, "2", 2, 2, 2, 28, 14},          {28, 2, 1, "same", 1, 0, 1, 28, 28},
        {28, 4, 1, "same", 3, 1, 2, 28, 9},        {28, 3, 2, "same", 1, 0, 1, 14, 14},
        {28, 3, 2, "1", 1, 1, 1, 14, 14},          {28, 3, 2, "valid", 1, 0, 0, 13, 13},
        {7, 3, 3, "same", 1, 1, 1, 3, 3},          {7, 2, 3, "same", 1, 0, 1, 3, 3},
        {7, 1, 3, "same", 1, 0, 0, 3, 3},          {5, 11, 1, "same", 5, 5, 5, 5, 1},
        {5, 11, 64, "same", 1, 3, 3, 1, 1},        {11, 11, 1, "0", 1, 0, 0, 1, 1},
        {1000, 1, 1, "valid", 7, 0, 0, 1000, 142}, {2, 11, 1, "10", 2, 10, 10, 12, 6},
    };
    (void)state;
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        char kernel[16], stride[16], pool[16];
        const uint32_t in = sides[i].in;
        const hpx_sample_shape samples = {in * (in + 40) * 3, 10, in, in + 40, 3};
        snprintf(kernel, sizeof kernel, "%u", sides[i].kernel);
        snprintf(stride, sizeof stride, "%u", sides[i].stride);
        snprintf(pool, sizeof pool, "%u", sides[i].pool);
        hpx_fields settings = make_settings("6", kernel, stride, sides[i].padding, pool, "");
        hpx_cnn_shape shape;
        expect_ok(hpx_cnn_options_shape(&shape, &settings, &samples, &error), &error);
        const hpx_convolution *c = &shape.convolution[0];
        assert_int_equal(shape.convolutions, 1);
        assert_true(c->in.height == in && c->in.width == in + 40 && c->in.channels == 3);
        assert_true(c->filters == 6 && c->kernel == sides[i].kernel && c->stride == sides[i].stride);
        assert_int_equal(c->top, sides[i].before);
        assert_int_equal(c->bottom, sides[i].after);
        assert_int_equal(c->sums.height, sides[i].sums);
        assert_int_equal(c->out.height, sides[i].out);
        /* The contract of nn/cnn.h, on the other side, too. */
        assert_int_equal(c->sums.width, (c->in.width + c->left + c->right - c->kernel) / c->stride + 1);
        assert_true(c->top < c->kernel && c->left < c->kernel && c->bottom < c->kernel &&
                    c->right < c->kernel);
        assert_int_equal(c->out.width, c->sums.width / c->pool);
        assert_true(c->sums.channels == 6 && c->out.channels == 6 && c->pool == sides[i].pool && c->average);
        assert_int_equal(shape.dense.layers, 1);
        assert_int_equal(shape.dense.sizes[0], c->out.height * c->out.width * 6);
        assert_int_equal(shape.dense.sizes[1], 10);
        hpx_fields_free(&settings);
    }
}

/* LeNet-5's layers as this language has them, layer behind layer. */
static void test_network(void **state)
{
    static const hpx_sample_shape samples = {784, 10, 28, 28, 1};
    static const struct {
        const char *kind;
        uint64_t forward;
    } costs[] = {{"convolution", 6 * 25 * 28 * 28},
                 {"convolution", (uint64_t)16 * 6 * 25 * 10 * 10},
                 {"dense", 400 * 120},
                 {"dense", 120 * 84},
                 {"dense", 84 * 10}};
    static const uint32_t numbers[] = {28, 28, 1, 2, 6, 5, 1, 2, 2, 2,   2,   2,  1,
                                       16, 5,  1, 0, 0, 0, 0, 2, 1, 400, 120, 84, 10};
    hpx_fields settings = make_settings("6 16", "5 5", "1 1", "same valid", "2 2", "120 84"), inputs = {0};
    hpx_layer layers[HPX_LAYERS_MAX];
    hpx_checkpoint checkpoint = {0};
    hpx_cnn network = {.dropout = 0};
    (void)state;
    hpx_fields_set_count(&inputs, "features", 784);
    hpx_fields_set_count(&inputs, "classes", 10);
    hpx_fields_set_count(&inputs, "height", 28);
    hpx_fields_set_count(&inputs, "width", 28);
    hpx_fields_set_count(&inputs, "channels", 1);
    hpx_fields_set_count(&settings, "dataset.train-count", 100);
    const hpx_trainer *cnn = hpx_trainer_find("cnn");
    assert_int_equal(cnn->layers(layers, &settings, &inputs), 5);
    uint64_t forward = 0, training = 0;
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(layers[i].kind, costs[i].kind);
        assert_int_equal(layers[i].forward, costs[i].forward);
        assert_int_equal(layers[i].training, (i == 0 ? 2 : 3) * costs[i].forward);
        forward += layers[i].forward;
        training += layers[i].training;
    }
    assert_int_equal(cnn->cost(&settings, &inputs).forward, forward);
    assert_int_equal(cnn->cost(&settings, &inputs).epoch, 100 * training);
    assert_int_equal(cnn->check(&settings, &inputs, &error), HPX_OK);

    /* What its checkpoints say of it. */
    expect_ok(hpx_model_cnn.shape(&network, &settings, &samples, &error), &error);
    hpx_model_cnn.describe(&checkpoint, &network);
    assert_int_equal(checkpoint.version, HPX_CHECKPOINT_NETWORK);
    assert_int_equal(checkpoint.count, sizeof numbers / sizeof *numbers);
    assert_memory_equal(checkpoint.numbers, numbers, sizeof numbers);
    assert_int_equal(checkpoint.parameters, 6 * 26 + 16 * 151 + 401 * 120 + 121 * 84 + 85 * 10);

    hpx_fields_remove(&inputs, "channels"); /* a record of an earlier version */
    assert_int_equal(cnn->layers(layers, &settings, &inputs), 0);
    assert_int_equal(cnn->check(&settings, &inputs, &error), HPX_USAGE);
    hpx_fields_free(&settings);
    hpx_fields_free(&inputs);
}

/* Without convolutions any sample will do; with them it is an image. */
static void test_no_convolutions(void **state)
{
    static const hpx_sample_shape row = {20, 4, 1, 20, 1}, unknown = {20, 4, 0, 0, 0};
    hpx_fields none = make_settings("", "", "", "", "", "7"),
               one = make_settings("3", "3", "1", "same", "1", "");
    hpx_cnn_shape shape;
    (void)state;
    for (int i = 0; i < 2; i++) {
        expect_ok(hpx_cnn_options_shape(&shape, &none, i ? &unknown : &row, &error), &error);
        assert_int_equal(shape.convolutions, 0);
        assert_int_equal(shape.dense.layers, 2);
        assert_true(shape.dense.sizes[0] == 20 && shape.dense.sizes[1] == 7 && shape.dense.sizes[2] == 4);
        assert_int_equal(hpx_cnn_options_shape(&shape, &one, i ? &unknown : &row, &error), HPX_USAGE);
    }
    assert_string_equal(error.message, "the height and width of the images are not known");
    hpx_fields_free(&none);
    hpx_fields_free(&one);
}

static void test_misfits(void **state)
{
    static const hpx_sample_shape samples = {6 * 8, 4, 6, 8, 1}, large = {1u << 30, 2, 1 << 15, 1 << 15, 1};
    static const struct {
        const char *filters, *kernel, *stride, *padding, *pool, *message;
    } cases[] = {
        {"2 2", "3 3", "1 1", "same valid", "3 1", "layer 2: 3 x 3 does not fit 2 x 2 images"},
        {"2", "7", "1", "valid", "1", "layer 1: 7 x 7 does not fit 6 x 8 images"},
        {"2", "9", "1", "1", "1", "layer 1: 9 x 9 does not fit 6 x 8 images"},
        {"2 2", "3 3", "1 1", "same valid", "1 5", "layer 2: pooling of 5 x 5 does not fit 4 x 6 images"},
        {"2", "3", "1", "3", "1", "layer 1: padding 3 is too wide for filters of 3 x 3"},
        {"2 3", "3", "1 1", "same same", "1 1", "the lists of the convolutions are not of one length"},
        {"2 3", "3 3", "1 1", "same", "1 1", "the lists of the convolutions are not of one length"},
    };
    hpx_cnn_shape shape;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hpx_fields settings = make_settings(cases[i].filters, cases[i].kernel, cases[i].stride,
                                            cases[i].padding, cases[i].pool, "");
        assert_int_equal(hpx_cnn_options_shape(&shape, &settings, &samples, &error), HPX_USAGE);
        assert_string_equal(error.message, cases[i].message);
        hpx_fields_free(&settings);
    }
    hpx_fields settings = make_settings("4", "1", "1", "same", "1", "");
    assert_int_equal(hpx_cnn_options_shape(&shape, &settings, &large, &error), HPX_USAGE);
    assert_string_equal(error.message, "layer 1: too many values, 32768 x 32768 x 4");
    hpx_fields_free(&settings);
}

/* A grid is asked for at its corners: where all of them fit, all between fit, too. */
static void test_corners(void **state)
{
    static const hpx_sample_shape samples = {81, 4, 9, 9, 1};
    static const char *const words[] = {"same", "valid", "0", "1", "2"};
    static bool fits[4][2][3][5][3]
                    [4]; /* kernel, filters of the first, stride, padding, pool, kernel of the second */
    hpx_cnn_shape shape;
    size_t good = 0, bad = 0;
    (void)state;
    for (size_t i = 0; i < sizeof fits / sizeof(bool); i++) {
        const size_t k = i / 360, f = i / 180 % 2, s = i / 60 % 3, p = i / 12 % 5, o = i / 4 % 3, l = i % 4;
        char kernel[8], stride[8], padding[16], pool[8];
        snprintf(kernel, sizeof kernel, f ? "%zu %zu" : "%.0zu%zu", f ? k + 2 : 0, l + 2);
        snprintf(stride, sizeof stride, f ? "%zu %zu" : "%.0zu%zu", f ? s + 1 : 0, s + 1);
        snprintf(padding, sizeof padding, f ? "%s %s" : "%.0s%s", words[p], words[p]);
        snprintf(pool, sizeof pool, f ? "%zu %zu" : "%.0zu%zu", f ? o + 1 : 0, o + 1);
        hpx_fields settings = make_settings(f ? "2 2" : "2", kernel, stride, padding, pool, "");
        fits[k][f][s][p][o][l] = hpx_cnn_options_shape(&shape, &settings, &samples, &error) == HPX_OK;
        hpx_fields_free(&settings);
    }
    /* Every box from the first cell to another. A word of the padding is tried in any case; of the counts there are three. */
    for (size_t i = 0; i < sizeof fits / sizeof(bool); i++) {
        const size_t k = i / 360, f = i / 180 % 2, s = i / 60 % 3, p = i / 12 % 5, o = i / 4 % 3, l = i % 4;
        bool corners = true;
        for (size_t c = 0; c < 64; c++)
            corners = corners && fits[c & 1 ? k : 0][c & 2 ? f : 0][c & 4 ? s : 0][p < 2 || c & 8 ? p : 2]
                                     [c & 16 ? o : 0][c & 32 ? l : 0];
        for (size_t at = 0; corners && at < sizeof fits / sizeof(bool); at++)
            if (at / 360 <= k && at / 180 % 2 <= f && at / 60 % 3 <= s && at / 4 % 3 <= o && at % 4 <= l &&
                (p < 2 ? at / 12 % 5 == p : at / 12 % 5 >= 2 && at / 12 % 5 <= p))
                assert_true(((bool *)fits)[at]);
        good += corners;
        bad += !fits[k][f][s][p][o][l];
    }
    assert_true(good > 100 && bad > 100);
}

/* --- recipes ------------------------------------------------------------------------------------------------ */

static hpx_status parse(hpx_recipe **out, const char *model, const char *axes)
{
    char text[1024];
    snprintf(text, sizeof text, "dataset mnist\nmodel cnn\n%s\n%s", model, axes);
    return hpx_recipe_parse(out, "r.rcp", text, strlen(text), NULL, NULL, &error);
}

/* "filters / kernel / stride / padding / pool / hidden" of a cell. */
static void print_cell(hpx_buffer *out, const hpx_recipe *recipe, uint32_t cell)
{
    static const char *const names[] = {"filters", "kernel", "stride", "padding", "pool", "hidden"};
    hpx_fields settings = {0};
    hpx_recipe_settings(&settings, recipe, cell);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[32];
        snprintf(name, sizeof name, "model.%s", names[i]);
        hpx_buffer_puts(out, i > 0 ? " / " : "");
        hpx_field_print(out, hpx_fields_find(&settings, name));
    }
    hpx_fields_free(&settings);
}

static void test_manifests(void **state)
{
    static const struct {
        const char *model, *axes, *first, *last;
    } cases[] = {
        {"  filters = 16", "", "16 / 3 / 1 / same / 2 / ", NULL},
        {"  filters = 16 0", "", "16 / 3 / 1 / same / 2 / ", NULL},
        {"  filters = 0 16\n  hidden = 0 5 0", "", "16 / 3 / 1 / same / 2 / 5", NULL},
        {"  filters = 8 16 32\n  kernel = 5\n  padding = 2\n  stride = 1 2 1\n  pool = 1\n  hidden = 9", "",
         "8 16 32 / 5 5 5 / 1 2 1 / 2 2 2 / 1 1 1 / 9", NULL},
        {"  filters = 8 0 32\n  kernel = 5 4 3\n  padding = same 1 valid\n  pool = 3..5", "",
         "8 32 / 5 3 / 1 1 / same valid / 3 5 / ", NULL},
        {"  filters = 0\n  kernel = 5\n  hidden = 3", "", " /  /  /  /  / 3", NULL},
        {"  filters = $f $g\n  kernel = 3 $k\n  padding = $p",
         "axis f = 0 4\naxis g = 8 0\naxis k = 5 7\naxis p = same 1 valid", "8 / 5 / 1 / same / 2 / ",
         "4 / 3 / 1 / valid / 2 / "},
        {"  filters = 4 8\n  padding = 1e0 -0", "", "4 8 / 3 3 / 1 1 / 1 0 / 2 2 / ", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hpx_recipe *recipe;
        hpx_buffer first = {0}, last = {0};
        expect_ok(parse(&recipe, cases[i].model, cases[i].axes), &error);
        print_cell(&first, recipe, 0);
        print_cell(&last, recipe, hpx_grid_cells(&recipe->grid) - 1);
        assert_string_equal(hpx_buffer_text(&first), cases[i].first);
        assert_string_equal(hpx_buffer_text(&last), cases[i].last ? cases[i].last : cases[i].first);
        hpx_buffer_free(&first);
        hpx_buffer_free(&last);
        hpx_recipe_free(recipe);
    }
}

/* From one cell to any other the settings are changed as if they were made. */
static void test_changes(void **state)
{
    hpx_recipe *recipe;
    (void)state;
    expect_ok(parse(&recipe, "  filters = $f $g\n  kernel = $k 3\n  padding = $p\n  hidden = $g $f",
                    "axis f = 0 4\naxis g = 8 0\naxis k = 5 7\naxis p = same 1"),
              &error);
    const uint32_t cells = hpx_grid_cells(&recipe->grid);
    assert_int_equal(cells, 16);
    for (uint32_t from = 0; from < cells; from++)
        for (uint32_t to = 0; to < cells; to++) {
            hpx_fields changed = {0}, made = {0};
            hpx_buffer a = {0}, b = {0};
            hpx_recipe_settings(&changed, recipe, from);
            hpx_recipe_change_settings(&changed, recipe, to);
            hpx_recipe_settings(&made, recipe, to);
            hpx_fields_encode(&a, &changed);
            hpx_fields_encode(&b, &made);
            assert_int_equal(a.size, b.size);
            assert_memory_equal(a.data, b.data, a.size);
            hpx_buffer_free(&a);
            hpx_buffer_free(&b);
            hpx_fields_free(&changed);
            hpx_fields_free(&made);
        }
    hpx_recipe_free(recipe);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *model, *axes, *message;
    } cases[] = {
        {"  filters = 4 8 16\n  kernel = 3 5", "",
         "r.rcp:4:3: 'kernel' has 2 values and 'filters' 3: expected one, or as many"},
        {"  filters = 4 0\n  stride = 1 1 1", "",
         "r.rcp:4:3: 'stride' has 3 values and 'filters' 2: expected one, or"},
        {"  filters = 4\n  pool = 1 2", "",
         "r.rcp:4:3: 'pool' has 2 values and 'filters' 1: expected one, or"},
        {"  filters = 4\n  padding = same same", "",
         "r.rcp:4:3: 'padding' has 2 values and 'filters' 1: expected one"},
        {"  kernel = 4", "", "model cnn needs 'filters'"},
        {"  filters = 4\n  kernel = 0", "", "'kernel' cannot be '0': expected whole numbers from 1 to 11"},
        {"  filters = 4\n  kernel = 12", "", "'kernel' cannot be '12': expected whole numbers from 1 to 11"},
        {"  filters = 4\n  padding = sam", "",
         "'padding' cannot be 'sam': expected same, valid, or whole numbers from 0 to 10; did you mean "
         "'same'?"},
        {"  filters = 4\n  padding = 1.5", "", "'padding' cannot be '1.5'"},
        {"  filters = 4\n  padding = $p", "axis p = same 11\n",
         "'padding' cannot be '11', a value of axis 'p'"},
        {"  filters = 4\n  pooling = min", "", "'pooling' cannot be 'min': expected max, average"},
        {"  filters = 4\n  pooling = max max", "", "a second value of 'pooling'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hpx_recipe *recipe;
        assert_int_equal(parse(&recipe, cases[i].model, cases[i].axes), HPX_USAGE);
        expect_contains(error.message, cases[i].message);
    }
}

/* What a manifest may have, whoever wrote it. */
static void test_fields(void **state)
{
    static const struct {
        const char *padding;
        bool fits;
    } cases[] = {{"same", true},     {"same 2 valid 10", true},
                 {"", true},         {"0", true},
                 {" same", false},   {"same ", false},
                 {"same  2", false}, {"11", false},
                 {"01", false},      {"-1", false},
                 {"sam", false},     {"samey", false},
                 {"2,2", false},     {"1.0", false},
                 {"same\t2", false}, {"99999999999999999999999", false}};
    const hpx_setting *padding = &hpx_cnn_settings[3], *filters = &hpx_cnn_settings[0],
                      *kernel = &hpx_cnn_settings[1];
    char many[2 * (HPX_SETTING_LIST_MAX + 1) + 1] = "";
    hpx_fields fields = {0};
    (void)state;
    assert_string_equal(padding->name, "padding");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hpx_fields_set_text(&fields, "x", cases[i].padding);
        if (hpx_setting_fits(padding, hpx_fields_find(&fields, "x")) != cases[i].fits)
            fail_msg("'%s'", cases[i].padding);
    }
    for (size_t i = 1; i <= HPX_SETTING_LIST_MAX + 1; i++) {
        strcat(many, i > 1 ? " 1" : "1");
        hpx_fields_set_text(&fields, "x", many);
        assert_int_equal(hpx_setting_fits(padding, hpx_fields_find(&fields, "x")), i <= HPX_SETTING_LIST_MAX);
    }
    hpx_fields_set_counts(&fields, "x", (const uint64_t[]){1}, 1);
    assert_false(hpx_setting_fits(padding, hpx_fields_find(&fields, "x")));
    assert_true(hpx_setting_fits(filters, hpx_fields_find(&fields, "x")));
    hpx_fields_set_counts(&fields, "x", NULL, 0);
    assert_true(hpx_setting_fits(filters, hpx_fields_find(&fields, "x")));
    assert_true(hpx_setting_fits(kernel, hpx_fields_find(&fields, "x")));
    assert_false(hpx_setting_fits(&hpx_trainer_find("mlp")->settings[0], hpx_fields_find(&fields, "x")));
    hpx_fields_set_counts(&fields, "x", (const uint64_t[]){0}, 1);
    assert_false(hpx_setting_fits(filters, hpx_fields_find(&fields, "x")));
    hpx_fields_free(&fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),          cmocka_unit_test(test_network),
        cmocka_unit_test(test_no_convolutions), cmocka_unit_test(test_misfits),
        cmocka_unit_test(test_corners),         cmocka_unit_test(test_manifests),
        cmocka_unit_test(test_changes),         cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
