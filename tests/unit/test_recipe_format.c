/* The usual layout of recipes: what it looks like, that it is its own layout, and that it says the same. */
#include "hpx/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void format(hpx_buffer *out, const void *bytes, size_t size)
{
    hpx_error error;
    if (hpx_recipe_format(out, "r.rcp", bytes, size, &error))
        fail_msg("%s\nof\n%.*s", error.message, (int)size, (const char *)bytes);
}

static void expect(const char *before, const char *after)
{
    hpx_buffer once = {0}, twice = {0};
    format(&once, before, strlen(before));
    assert_string_equal(hpx_buffer_text(&once), after);
    format(&twice, once.data, once.size);
    assert_string_equal(hpx_buffer_text(&twice), after);
    hpx_buffer_free(&once);
    hpx_buffer_free(&twice);
}

static void test_words(void **state)
{
    (void)state;
    expect("", "");
    expect("\n \t\n\r\n", "");
    expect("dataset\t mnist", "dataset mnist\n");
    expect("\xef\xbb\xbf"
           "dataset mnist\r\n\tvalidation=0\r\n",
           "dataset mnist\n  validation = 0\n");
    expect("train\n rate=0.1\n      epochs  =   3  \n seeds= 1   2\n",
           "train\n  rate   = 0.1\n  epochs = 3\n  seeds  = 1 2\n");
    expect("axis n1=1 2\naxis rate   =log 1e-4..1e-1   points 7\n",
           "axis n1   = 1 2\naxis rate = log 1e-4..1e-1 points 7\n");
    expect("axis a = \"x  y\"   $b \"#\"#c", "axis a = \"x  y\" $b \"#\"  #c\n");
}

static void test_names_are_kept_by_kind(void **state)
{
    (void)state;
    expect("model mlp\n hidden=$n1   \"$n2\"\n", "model mlp\n  hidden = $n1 \"$n2\"\n");
    expect("program\n command=a  --b=\"c  d\"'e  f'   $x\n env = A=1  B='#'\n",
           "program\n  command = a --b=\"c  d\"'e  f' $x\n  env     = A=1 B='#'\n");
    expect("search s\n method==x\n", "search s\n  method = =x\n");
    expect("include   \"a b.rcp\"\n", "include \"a b.rcp\"\n");
}

static void test_blank_lines(void **state)
{
    (void)state;
    expect("\n\ndataset mnist\nmodel mlp\n\n  hidden = 1\n\n\n\n  init = he\n\n\n",
           "dataset mnist\n\nmodel mlp\n  hidden = 1\n\n  init = he\n");
    expect("axis a = 1\naxis b = 2\n\n\naxis c = 3\nsearch s\n method = grid\naxis d = 1\n",
           "axis a = 1\naxis b = 2\n\naxis c = 3\n\nsearch s\n  method = grid\n\naxis d = 1\n");
    expect("include a\ninclude b\ntrain\n", "include a\ninclude b\n\ntrain\n");
}

static void test_comments(void **state)
{
    (void)state;
    expect("#!a   \n#b\ntrain #c\n rate=1# d\n epochs=10   # e\n",
           "#!a\n#b\ntrain          #c\n  rate   = 1   # d\n  epochs = 10  # e\n");
    expect("train\n  rate = 1\n# of epochs\n  epochs = 2\n# of batch\n\n  batch = 3\n",
           "train\n  rate   = 1\n  # of epochs\n  epochs = 2\n  # of batch\n\n  batch = 3\n");
    expect("train\n  rate = 1\n    # was 2\n# of s\nsearch s\n",
           "train\n  rate = 1\n  # was 2\n\n# of s\nsearch s\n");
    expect("axis a = 1\n# of b\naxis bb = 2\n# end", "axis a  = 1\n# of b\naxis bb = 2\n# end\n");
    expect("train\n\n  # first\n  rate = 1\n\n# apart\n\nsearch s\n",
           "train\n  # first\n  rate = 1\n\n# apart\n\nsearch s\n");
    expect("   # a file's first\ntrain\n", "# a file's first\ntrain\n");
}

static void test_lines_that_go_on(void **state)
{
    (void)state;
    expect("program\n command=a \\\n   b   c\\\n  d # e\n metrics=stdout\n",
           "program\n  command = a \\\n            b c \\\n            d  # e\n  metrics = stdout\n");
    expect("axis a = \\\n1 2\n", "axis a = \\\n         1 2\n");
    expect("axis a = 1 \\\n\\\n \\\r\n2 \\\n\naxis b = 1 \\\n # c\n",
           "axis a = 1 \\\n         2\naxis b = 1  # c\n");
}

/* Laid out, these would be read in another way. */
static void test_lines_that_stay_as_they_are(void **state)
{
    (void)state;
    expect("dataset  \\\n   mnist\n", "dataset  \\\n   mnist\n");
    expect("train\n   rate \\\n  =  1\n  epochs=2\n", "train\n   rate \\\n  =  1\n  epochs = 2\n");
    expect("axis a   = b\\ \naxis c=1\n", "axis a   = b\\ \naxis c = 1\n");
    expect("axis a   = b' # c' \\\n d\naxis e=1\n", "axis a   = b' # c' \\\n d\naxis e = 1\n");
}

static void test_long_lines_are_no_measure(void **state)
{
    (void)state;
    const char *name = "a-name-that-is-longer-than-any-of-those";
    char before[512], after[512];
    snprintf(before, sizeof before, "train\n a=1\n %s=1 \\\n 2\n bb=1\n", name);
    snprintf(after, sizeof after, "train\n  a  = 1\n  %s = 1 \\\n    2\n  bb = 1\n", name);
    expect(before, after);
    snprintf(before, sizeof before, "train\n %s=1\n", name);
    snprintf(after, sizeof after, "train\n  %s = 1\n", name);
    expect(before, after);
    snprintf(before, sizeof before, "train\n a=1 # c\n b=%s%s%s #d\n", name, name, name);
    snprintf(after, sizeof after, "train\n  a = 1  # c\n  b = %s%s%s  #d\n", name, name, name);
    expect(before, after);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const char *const wrong[] = {"data mnist\n",      "train\n rate 1\n", "rate = 1\n",
                                        "  rate = 1\n",      "axis a\n",         "axis a = \"b\n",
                                        "train\nrate = 1\n", "dataset a\x01\n"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        hpx_buffer out = {0};
        hpx_error error;
        assert_int_equal(hpx_recipe_format(&out, "r.rcp", wrong[i], strlen(wrong[i]), &error), HPX_USAGE);
        assert_non_null(strstr(error.message, "r.rcp:"));
        assert_int_equal(out.size, 0);
    }
    expect("train\n epochs=banana\n", "train\n  epochs = banana\n"); /* hpx check tells of that */
}

/* --- random recipes --------------------------------------------------------------------------------------- */

static uint64_t drawn;

static uint32_t draw(uint32_t below)
{
    const uint64_t next = drawn++;
    return (uint32_t)((next * 0x9e3779b97f4a7c15u ^ (next * 0xbf58476d1ce4e5b9u) >> 29) *
                          0x94d049bb133111ebu >>
                      33) %
           below;
}

static const char *one_of(const char *const *list, size_t count)
{
    return list[draw((uint32_t)count)];
}
#define ONE_OF(...)                                                                                          \
    one_of((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void put_blank(hpx_buffer *out)
{
    hpx_buffer_puts(out, ONE_OF(" ", " ", "  ", "\t", " \\\n", "\\\n ", " \\\r\n\\\n"));
}

static void put_end(hpx_buffer *out)
{
    if (draw(3) == 0)
        hpx_buffer_puts(out, ONE_OF(" # one", "#two  ", " \t# it's # 'three'", " # four \\", " \\\n # five"));
    hpx_buffer_puts(
        out, ONE_OF("\n", "\n", "\r\n", " \n", "\n\n", "\n\n\n", "\n# six\n", "\n  #seven\n", "\n \\\n\n"));
}

/* Words with blanks of any kind between them; '~' is one blank. */
static void put_words(hpx_buffer *out, const char *words)
{
    for (const char *at = words; *at; at++) {
        if (*at != ' ')
            hpx_buffer_add(out, *at == '~' ? " " : at, 1);
        else
            put_blank(out);
    }
    put_end(out);
}

static void put_binding(hpx_buffer *out, const char *key, const char *words)
{
    hpx_buffer_puts(out, ONE_OF(" ", "  ", "\t", "       "));
    hpx_buffer_puts(out, key);
    hpx_buffer_puts(out, ONE_OF("=", " = ", "   =", "= ", " \\\n = ", " = \\\n "));
    put_words(out, words);
}

static void put_recipe(hpx_buffer *out)
{
    const bool program = draw(2);
    put_end(out);
    if (program) {
        put_words(out, "program");
        put_binding(out, "command", ONE_OF("a $n", "./b --c=\"d~~e\" 'f~~g'h", "a \"#\" \"'\" '\"'"));
        put_binding(out, "metrics", "stdout");
        put_binding(out, "match", "loss \"loss:~([0-9.]+)\" other 'it~is~(.*)~\\\\'");
        put_binding(out, "env", "A=1 B='x~~y'");
    } else {
        put_words(out, ONE_OF("dataset mnist", "dataset fashion-mnist"));
        put_binding(out, "validation", ONE_OF("0", "10", "1000"));
        put_words(out, "model mlp");
        put_binding(out, "hidden", ONE_OF("$n", "$n 16", "8 \"4\" $n"));
    }
    put_words(out, "train");
    put_binding(out, "objective", program ? "minimise loss" : "test_accuracy");
    put_binding(out, "epochs", ONE_OF("1", "20", "1e1"));
    put_binding(out, "seeds", ONE_OF("1", "1..4", "1 2 3"));
    hpx_buffer_puts(out, ONE_OF("axis n =", "axis\tn=", "axis  n  = \\\n"));
    put_words(out, ONE_OF("1 2 3", "log2 16..512", "ordered 1 2"));
    put_words(out, ONE_OF("search s", "search a.b"));
    put_binding(out, "method", ONE_OF("grid", "hill-climb"));
}

/* All that a recipe stands for. */
static void describe(hpx_buffer *out, const hpx_buffer *text)
{
    hpx_recipe *recipe;
    hpx_error error;
    if (hpx_recipe_parse(&recipe, "r.rcp", text->data, text->size, NULL, NULL, &error))
        fail_msg("%s\nof\n%s", error.message, (const char *)text->data);
    hpx_buffer_printf(out, "%u %zu %s\n", recipe->epochs, recipe->seed_count, recipe->objective.name);
    for (size_t i = 0; i < recipe->search_count; i++)
        hpx_buffer_printf(out, "%s %s\n", recipe->searches[i].name, recipe->searches[i].options.method->name);
    for (uint32_t cell = 0; cell < hpx_grid_cells(&recipe->grid); cell++) {
        hpx_fields fields = {0};
        hpx_recipe_settings(&fields, recipe, cell);
        hpx_fields_encode(out, &fields);
        hpx_fields_free(&fields);
    }
    hpx_recipe_free(recipe);
}

static void test_random_recipes(void **state)
{
    (void)state;
    for (drawn = 0; drawn < 60000;) {
        hpx_buffer text = {0}, once = {0}, twice = {0}, before = {0}, after = {0};
        put_recipe(&text);
        hpx_buffer_text(&text);
        format(&once, text.data, text.size);
        hpx_buffer_text(&once);
        format(&twice, once.data, once.size);
        assert_string_equal(hpx_buffer_text(&twice), (const char *)once.data);
        describe(&before, &text);
        describe(&after, &once);
        assert_int_equal(before.size, after.size);
        assert_memory_equal(before.data, after.data, before.size);
        hpx_buffer_free(&text);
        hpx_buffer_free(&once);
        hpx_buffer_free(&twice);
        hpx_buffer_free(&before);
        hpx_buffer_free(&after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_names_are_kept_by_kind),
        cmocka_unit_test(test_blank_lines),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_lines_that_go_on),
        cmocka_unit_test(test_lines_that_stay_as_they_are),
        cmocka_unit_test(test_long_lines_are_no_measure),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_random_recipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
