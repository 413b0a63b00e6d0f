#include "hpx/cell.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const pairs[][2] = {
    {"n1", "128"}, {"hidden", "64 32"}, {"file", "a=b.idx"}, {"none", ""}, {"tab", "a\tb"}, {"rate", "1e-3"},
};

static void test_text(void **state)
{
    (void)state;
    hpx_buffer text = {0};
    for (size_t i = 0; i < COUNT(pairs); i++)
        hpx_cell_add(&text, pairs[i][0], pairs[i][1]);
    assert_string_equal(hpx_buffer_text(&text),
                        "n1=128 hidden=\"64 32\" file=a=b.idx none=\"\" tab=\"a\tb\" rate=1e-3");
    const char *at = hpx_buffer_text(&text);
    char *axis, *value;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_true(hpx_cell_next(&at, &axis, &value));
        assert_string_equal(axis, pairs[i][0]);
        assert_string_equal(value, pairs[i][1]);
        free(axis);
        free(value);
        assert_true(hpx_cell_value(&value, hpx_buffer_text(&text), pairs[i][0]));
        assert_string_equal(value, pairs[i][1]);
        free(value);
    }
    assert_false(hpx_cell_next(&at, &axis, &value));
    assert_false(hpx_cell_value(&value, hpx_buffer_text(&text), "n"));
    assert_false(hpx_cell_value(&value, hpx_buffer_text(&text), "32\""));
    hpx_buffer_free(&text);
}

/* What is whole before the end is still read, and nothing beyond it. */
static void test_cut(void **state)
{
    (void)state;
    const char whole[] = "n1=128 hidden=\"64 32\" rate=1";
    for (size_t length = 0; length < sizeof whole; length++) {
        char *cut = strndup(whole, length), *axis, *value;
        size_t found = 0;
        for (const char *at = cut; hpx_cell_next(&at, &axis, &value); found++) {
            assert_true(at <= cut + length);
            free(axis);
            free(value);
        }
        assert_int_equal(found, (length >= 3) + (length >= 14) + (length >= 27));
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
