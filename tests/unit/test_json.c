/* Whole documents: each value under its path, and what is none. */
#include "hpx/buffer.h"
#include "program/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void note(void *context, const char *path, const hpx_json_pair *value)
{
    hpx_buffer *told = context;
    hpx_buffer_printf(told, "%s=", path);
    if (value->kind == HPX_JSON_NUMBER)
        hpx_buffer_printf(told, "%g;", value->number);
    else
        hpx_buffer_printf(told, "%s;", value->kind == HPX_JSON_TEXT ? value->text : "-");
}

static void expect(const char *document, const char *expected) /* NULL: it is none */
{
    hpx_buffer told = {0};
    assert_int_equal(hpx_json_document(document, strlen(document), note, &told), expected != NULL);
    if (expected)
        assert_string_equal(hpx_buffer_text(&told), expected);
    hpx_buffer_free(&told);
}

static void test_values_have_paths(void **state)
{
    (void)state;
    expect("{\n \"a\": 1,\r\n\t\"b\": [true, null, {\"c\": \"d\\u0065\"}],\n \"e\": {}, \"f\": []\n}\n",
           "a=1;b.0=-;b.1=-;b.2.c=de;");
    expect("[[1, 2], [3]]", "0.0=1;0.1=2;1.0=3;");
    expect("4", "=4;");
    expect("{}", "");
}

static void test_what_is_no_document(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "{",   "[1",    "[1,]",   "{\"a\"}",
                                      "{\"a\": }", "1 2", "{} {}", "[1] x",  "{\"a\": 1,}",
                                      "\"a\nb\"",  "[\"", "]",     "{a: 1}", "{\"a\" 1}"};
    hpx_buffer deep = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect(bad[i], NULL);
    for (int i = 0; i < 100000; i++)
        hpx_buffer_puts(&deep, "[");
    expect(hpx_buffer_text(&deep), NULL);
    hpx_buffer_free(&deep);
}

/* A NUL is no end of it. */
static void test_bytes_behind_a_nul(void **state)
{
    (void)state;
    hpx_buffer told = {0};
    assert_false(hpx_json_document("1\0 2", 4, note, &told));
    hpx_buffer_free(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_have_paths),
        cmocka_unit_test(test_what_is_no_document),
        cmocka_unit_test(test_bytes_behind_a_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
