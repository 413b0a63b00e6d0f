/* Recipes of several files: includes, amendments, paths, and the recipes that come with hpx. */
#include "hpx/recipe.h"

#include "hpx/dataset.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A count among the settings of a data set; 0: it is not there. */
static void expect_taken(const hpx_recipe_dataset *dataset, const char *name, uint64_t expected)
{
    const hpx_field *field = hpx_fields_find(&dataset->settings, name);
    assert_int_equal(field ? field->count : 0, expected);
}

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
    hpx_recipe_dataset_free(&dataset);
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
    expect_taken(&dataset, "dataset.validation", 7);
    expect_taken(&dataset, "dataset.take", 3);
    static const char *const names[] = {"s", "t", "u"};
    assert_int_equal(recipe->search_count, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(recipe->searches[i].name, names[i]);
    assert_string_equal(recipe->searches[0].options.method->name, "hill-climb");
    assert_int_equal(recipe->searches[0].options.start, 3);
    assert_int_equal(recipe->searches[0].options.limit, 0);
    hpx_recipe_dataset_free(&dataset);
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
    expect_error(
        in_included,
        "x/b.rcp:2:1: unknown statement 'modle': expected dataset, model, program, train, axis, search, "
        "include; did you mean 'model'?\nmodle mlp\n^\nincluded from x/m.rcp:1\n"
        "included from r.rcp:2");
    static const char *const cycle[] = {"r.rcp", "include b.rcp\n",   "b.rcp", "include c.rcp\n",
                                        "c.rcp", "include ./r.rcp\n", NULL};
    expect_error(
        cycle, "c.rcp:1:9: an include cycle: r.rcp -> b.rcp -> c.rcp -> ./r.rcp\ninclude ./r.rcp\n        ^\n"
               "included from b.rcp:1\nincluded from r.rcp:1");
    static const char *const gone[] = {"r.rcp", "include gone.rcp\n", NULL};
    expect_error(gone, "r.rcp:1:9: cannot include it: gone.rcp: no such file\ninclude gone.rcp\n        ^");
    /* What the rest refers to may be in the file that is missing. */
    static const char *const refers[] = {
        "r.rcp", "include gone.rcp\nsearch a\n  method = partial-cross\n  first = n2\n", NULL};
    expect_error(refers, "r.rcp:1:9: cannot include it: gone.rcp: no such file\ninclude gone.rcp\n        ^");
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

static hpx_status load_empty(void *context, const char *path, hpx_buffer *out, hpx_error *error)
{
    (void)context;
    (void)out;
    if (strcmp(path, "broken") != 0)
        return HPX_OK;
    return hpx_error_set(error, HPX_FAILED, "broken: Input/output error");
}

static void test_include_limits(void **state)
{
    (void)state;
    hpx_buffer text = {0};
    for (int i = 1; i <= 64; i++) /* with the recipe itself one too many */
        hpx_buffer_printf(&text, "include f%d\n", i);
    hpx_recipe *recipe;
    hpx_error error;
    hpx_status status = hpx_recipe_parse(&recipe, "r.rcp", text.data, text.size, load_empty, NULL, &error);
    assert_int_equal(status, HPX_USAGE);
    assert_string_equal(error.message,
                        "r.rcp:64:9: too many files: expected at most 64\ninclude f64\n        ^");
    hpx_buffer_free(&text);
    /* That a file cannot be read is no mistake in the recipe. */
    status = hpx_recipe_parse(&recipe, "r.rcp", "include broken", 14, load_empty, NULL, &error);
    assert_int_equal(status, HPX_FAILED);
    assert_int_equal(error.status, HPX_FAILED);
    assert_string_equal(error.message,
                        "r.rcp:1:9: cannot include it: broken: Input/output error\ninclude broken\n"
                        "        ^");
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

static hpx_recipe *open_recipe(const char *path)
{
    hpx_recipe *recipe;
    hpx_error error;
    if (hpx_recipe_open(&recipe, path, &error))
        fail_msg("%s", error.message);
    return recipe;
}

static const char program[] =
    "program\n  command = p $n\n  code = a.py\n  env = A=1 B=2\ntrain\n  objective = loss\naxis n = 1 2\n";

/* What amends a program keeps the rest of it, and the folder where it is stated. */
static void test_program(void **state)
{
    static const char *const files[] = {
        "lab/r.rcp", "include ../base/b.rcp\nprogram\n  command = q \"$n\"\n  timeout = 1h\n",
        "lab/../base/b.rcp", program, NULL};
    hpx_recipe *recipe = parse_all(files);
    (void)state;
    assert_string_equal(recipe->program->folder, "lab/../base");
    assert_string_equal(recipe->program->place.file, "lab/r.rcp");
    assert_string_equal(recipe->program->code.words[0], "a.py");
    assert_true(recipe->program->timeout == 3600);
    expect_settings(recipe, 1,
                    "axis.n = 2\nenv.A = 1\nenv.B = 2\nmodel.kind = program\nprogram.command = q 2\n"
                    "program.threads = 1\n");
    hpx_recipe_free(recipe);
}

/* Words of the command line are read as those of the program's file are. */
static void test_program_words(void **state)
{
    char *words[] = {"program.timeout=90s", "command=p 'a b' $n", "program.env=C=$n", "epochs=3", "n=2"};
    char *wrong[] = {"command=p $m", "dataset.take=3", "zzzzzz=3", "program.code='a"};
    hpx_recipe_amendments amendments = {words, 5, true};
    hpx_recipe *recipe;
    hpx_error error;
    char path[] = "/tmp/hpx-recipe-XXXXXX";
    (void)state;
    const int file = mkstemp(path);
    assert_true(file >= 0 && write(file, program, strlen(program)) == (ssize_t)strlen(program));
    close(file);
    assert_int_equal(hpx_recipe_open_amended(&recipe, path, &amendments, &error), HPX_OK);
    assert_int_equal(amendments.count, 1);
    assert_string_equal(words[0], "n=2");
    assert_true(recipe->program->timeout == 90);
    assert_int_equal(recipe->epochs, 3);
    expect_settings(recipe, 1,
                    "axis.n = 2\nenv.C = 2\nmodel.kind = program\nprogram.command = p \"a b\" 2\n"
                    "program.threads = 1\n");
    hpx_recipe_free(recipe);
    amendments = (hpx_recipe_amendments){wrong, 4, false};
    assert_int_equal(hpx_recipe_open_amended(&recipe, path, &amendments, &error), HPX_USAGE);
    assert_string_equal(
        error.message,
        "command line: unknown name '$m': expected n, seed, epochs, params, out, resume, metrics, or "
        "'$$' for a dollar\ncommand=p $m\n          ^\n"
        "command line: unknown statement 'dataset': expected program, train, axis, or a search\n"
        "dataset.take=3\n^\n"
        "command line: no statement has 'zzzzzz': expected a setting, or an axis\nzzzzzz=3\n^\n"
        "command line: the quote has no end: expected another ' on this line\nprogram.code='a\n"
        "             ^");
    assert_int_equal(unlink(path), 0);
}

/* Words amend; those that name a cell are left, in their order, when asked for. */
static void test_amendments(void **state)
{
    (void)state;
    char *words[] = {"n2=32", "epochs=3", "axis.n1=8 16", "seed=2", "train.rate=0.5", "nonsense"};
    hpx_recipe_amendments amendments = {words, 6, true};
    hpx_recipe *recipe;
    hpx_error error;
    if (hpx_recipe_open_amended(&recipe, "recipes/mnist-table.rcp", &amendments, &error))
        fail_msg("%s", error.message);
    assert_int_equal(amendments.count, 3);
    assert_string_equal(words[0], "n2=32");
    assert_string_equal(words[1], "seed=2");
    assert_string_equal(words[2], "nonsense");
    assert_int_equal(recipe->epochs, 3);
    assert_int_equal(recipe->axes[0].count, 2);
    hpx_fields fields = {0};
    double rate;
    hpx_recipe_settings(&fields, recipe, 0);
    assert_int_equal(hpx_fields_real(&rate, &fields, "train.rate", &error), HPX_OK);
    assert_true(rate == 0.5);
    hpx_fields_free(&fields);
    hpx_recipe_free(recipe);

    char *wrong[] = {"nonsense", "n1=8"};
    amendments = (hpx_recipe_amendments){wrong, 2, false};
    assert_int_equal(hpx_recipe_open_amended(&recipe, "recipes/mnist-table.rcp", &amendments, &error),
                     HPX_USAGE);
    assert_string_equal(error.message, "command line: expected NAME=VALUE, to amend the recipe\nnonsense\n^");
}

static void test_recipes_that_come_with_hpx(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t searches;
        const char *dataset;
        uint32_t validation;
        const char *objective;
    } table[] = {
        {"recipes/mnist.rcp", 0, "mnist", 0, "test_accuracy"},
        {"recipes/mnist-partial.rcp", 2, "mnist", 0, "test_accuracy"},
        {"recipes/mnist-table.rcp", 8, "mnist", 0, "test_accuracy"},
        {"recipes/fashion-partial.rcp", 2, "fashion-mnist", 10000, "validation_accuracy"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        hpx_recipe *recipe = open_recipe(table[i].path);
        assert_int_equal(recipe->search_count, table[i].searches);
        assert_string_equal(recipe->objective.name, table[i].objective);
        assert_int_equal(hpx_grid_cells(&recipe->grid), 66);
        assert_int_equal(recipe->epochs, 15);
        hpx_recipe_dataset dataset;
        hpx_recipe_dataset_of(&dataset, recipe, 0);
        assert_string_equal(dataset.name, table[i].dataset);
        expect_taken(&dataset, "dataset.validation", table[i].validation);
        expect_settings(
            recipe, find(recipe, "n1=128", "n2=4096"),
            "model.activation = relu\nmodel.dropout = 0\nmodel.hidden = 128 4096\nmodel.init = he\n"
            "model.kind = mlp\ntrain.batch = 128\ntrain.beta1 = 0.9\ntrain.beta2 = 0.999\n"
            "train.epsilon = 1e-08\ntrain.optimizer = adam\ntrain.rate = 0.001\n"
            "train.schedule = constant\ntrain.weight-decay = 0\n");
        hpx_recipe_dataset_free(&dataset);
        hpx_recipe_free(recipe);
    }
    hpx_recipe *recipe = open_recipe("recipes/mnist-table.rcp");
    static const struct {
        const char *name;
        int method;
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
        assert_ptr_equal(recipe->searches[i].options.method, &hpx_methods[rows[i].method]);
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
        cmocka_unit_test(test_own_files),
        cmocka_unit_test(test_amendment),
        cmocka_unit_test(test_includes),
        cmocka_unit_test(test_include_depth),
        cmocka_unit_test(test_include_limits),
        cmocka_unit_test(test_amendments),
        cmocka_unit_test(test_program),
        cmocka_unit_test(test_program_words),
        cmocka_unit_test(test_recipes_that_come_with_hpx),
        cmocka_unit_test(test_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
