/* Commands as text, and templates. */
#include "program/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_words(void **state)
{
    static const char *const words[] = {"python3", "--lr=0.1", "",   "a b",       "say \"x\"",
                                        "c:\\d",   "it's",     "#1", "tab\there", "${out}/$$"};
    const size_t count = sizeof words / sizeof *words;
    hpx_buffer text = {0};
    (void)state;
    for (size_t i = 0; i < count; i++)
        hpx_words_add(&text, words[i]);
    assert_string_equal(hpx_buffer_text(&text),
                        "python3 --lr=0.1 \"\" \"a b\" \"say \\\"x\\\"\" \"c:\\\\d\" \"it's\" "
                        "\"#1\" \"tab\there\" ${out}/$$");
    char **read;
    size_t read_count;
    hpx_error error;
    assert_int_equal(hpx_words_read(&read, &read_count, hpx_buffer_text(&text), &error), HPX_OK);
    assert_int_equal(read_count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(read[i], words[i]);
    assert_null(read[count]);
    hpx_words_free(read);
    hpx_buffer_free(&text);
}

/* One text for one list of words: what is written otherwise is refused. */
static void test_bad_words(void **state)
{
    static const char *const bad[] = {" a",   "a ",      "a  b",      "\"a",   "\"a\"b", "\"a\"",
                                      "a\"b", "\"a b\\", "\"a \\b\"", "'a b'", "a\tb"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char **words;
        size_t count;
        hpx_error error;
        assert_int_equal(hpx_words_read(&words, &count, bad[i], &error), HPX_DAMAGED);
        assert_null(words);
    }
    char **none;
    size_t count;
    hpx_error error;
    assert_int_equal(hpx_words_read(&none, &count, "", &error), HPX_OK);
    assert_int_equal(count, 0);
    assert_null(none[0]);
    hpx_words_free(none);
}

/* What people write is parted as a shell does. */
static void test_split_words(void **state)
{
    static const char line[] = " slurm\t'--a=b  \"c\"' --d=\"x|y\"'z' e\\ f \"\" 'g\\' \"h\\\"\\\\\\i\" \\\\";
    static const char *const words[] = {"slurm", "--a=b  \"c\"", "--d=x|yz", "e f",
                                        "",      "g\\",          "h\"\\\\i", "\\"};
    char **split;
    size_t count;
    hpx_error error;
    (void)state;
    assert_int_equal(hpx_words_split(&split, &count, line, &error), HPX_OK);
    assert_int_equal(count, sizeof words / sizeof *words);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(split[i], words[i]);
    assert_null(split[count]);
    hpx_words_free(split);
    assert_int_equal(hpx_words_split(&split, &count, " \t", &error), HPX_OK);
    assert_int_equal(count, 0);
    hpx_words_free(split);
    assert_int_equal(hpx_words_split(&split, &count, "a 'b c", &error), HPX_DAMAGED);
    assert_string_equal(error.message, "a quote is not closed: '");
    assert_null(split);
}

static const char *look(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "rate") == 0 ? "0.1" : strcmp(name, "price") == 0 ? "${rate}$5" : NULL;
}

static void expect_filled(const char *template, const char *bound, const char *filled)
{
    hpx_buffer out = {0};
    hpx_error error;
    assert_int_equal(hpx_template_bind(&out, template, look, NULL, &error), HPX_OK);
    assert_string_equal(hpx_buffer_text(&out), bound);
    hpx_buffer_free(&out);
    assert_int_equal(hpx_template_fill(&out, template, look, NULL, &error), HPX_OK);
    assert_string_equal(hpx_buffer_text(&out), filled);
    hpx_buffer_free(&out);
}

static void test_templates(void **state)
{
    hpx_buffer out = {0};
    hpx_error error;
    (void)state;
    expect_filled("", "", "");
    expect_filled("--lr=${rate},${seed}", "--lr=0.1,${seed}", "--lr=0.1,${seed}");
    expect_filled("$${rate}$$", "$${rate}$$", "${rate}$");
    expect_filled("${price}", "$${rate}$$5", "${rate}$5"); /* a value is no template */
    hpx_template_literal(&out, "a$b$");
    assert_string_equal(hpx_buffer_text(&out), "a$$b$$");
    hpx_buffer_free(&out);
    static const char *const bad[] = {"$", "a$b", "${", "${}", "${rate", "${a b}", "$$$"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(hpx_template_fill(&out, bad[i], look, NULL, &error), HPX_DAMAGED);
        hpx_buffer_free(&out);
    }
}

static void test_bytes(void **state)
{
    static const char bytes[] = "lr: ${rate}\n\0home: ${HOME} $rate $${rate} ${rate";
    static const char expected[] = "lr: 0.1\n\0home: ${HOME} $rate $0.1 ${rate";
    hpx_buffer out = {0};
    (void)state;
    hpx_bytes_fill(&out, bytes, sizeof bytes - 1, look, NULL);
    assert_int_equal(out.size, sizeof expected - 1);
    assert_memory_equal(out.data, expected, sizeof expected - 1);
    hpx_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),       cmocka_unit_test(test_bad_words),
        cmocka_unit_test(test_split_words), cmocka_unit_test(test_templates),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
