#include "hpx/cell.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const given[][2] = {
    {"n1", "128"}, {"hidden", "64 32"}, {"file", "a=b.idx"}, {"none", ""}, {"tab", "a\tb"}, {"rate", "1e-3"},
};

static hpx_buffer make_pairs(void)
{
    hpx_buffer pairs = {0};
    for (size_t i = 0; i < COUNT(given); i++)
        hpx_cell_add(&pairs, given[i][0], given[i][1]);
    return pairs;
}

static void expect_given(const hpx_cell *cell)
{
    size_t at = 0;
    const char *axis, *value;
    for (size_t i = 0; i < COUNT(given); i++) {
        assert_true(hpx_cell_next(&at, &axis, &value, cell));
        assert_string_equal(axis, given[i][0]);
        assert_string_equal(value, given[i][1]);
        assert_string_equal(hpx_cell_value(cell, given[i][0]), given[i][1]);
    }
    assert_false(hpx_cell_next(&at, &axis, &value, cell));
    assert_null(hpx_cell_value(cell, "n"));
    assert_null(hpx_cell_value(cell, "128"));
}

static void test_pairs(void **state)
{
    (void)state;
    hpx_buffer pairs = make_pairs();
    const hpx_cell cell = hpx_cell_of(&pairs);
    assert_true(hpx_cell_is_whole(pairs.data, pairs.size));
    expect_given(&cell);
    hpx_buffer_free(&pairs);
}

/* What is printed reads back as the same cell, whatever blanks and '=' its values hold. */
static void test_text(void **state)
{
    (void)state;
    hpx_buffer pairs = make_pairs(), parsed = {0};
    const hpx_cell cell = hpx_cell_of(&pairs);
    char *text = hpx_cell_text(&cell);
    assert_string_equal(text, "n1=128 hidden=\"64 32\" file=a=b.idx none=\"\" tab=\"a\tb\" rate=1e-3");
    hpx_cell_parse(&parsed, text);
    const hpx_cell again = hpx_cell_of(&parsed);
    expect_given(&again);
    free(text);
    hpx_buffer_free(&pairs);
    hpx_buffer_free(&parsed);
}

/* A printed cell may be cut off anywhere: what is whole is still read, and nothing beyond the end. */
static void test_cut_text(void **state)
{
    (void)state;
    const char whole[] = "n1=128 hidden=\"64 32\" rate=1";
    for (size_t length = 0; length < sizeof whole; length++) {
        char *cut = strndup(whole, length);
        hpx_buffer pairs = {0};
        hpx_cell_parse(&pairs, cut);
        const hpx_cell cell = hpx_cell_of(&pairs);
        assert_int_equal(hpx_cell_value(&cell, "n1") != NULL, length >= 4);
        assert_int_equal(hpx_cell_value(&cell, "hidden") != NULL, length >= 21);
        assert_int_equal(hpx_cell_value(&cell, "rate") != NULL, length >= 28);
        hpx_buffer_free(&pairs);
        free(cut);
    }
}

static void test_broken_pairs(void **state)
{
    (void)state;
    const hpx_cell broken[] = {
        {"n1", 2},  /* no NUL behind the axis */
        CELL("n1"), /* no value */
        {"n1\0"
         "128",
         6}, /* no NUL behind the value */
        CELL("\0"
             "128"), /* no name */
        CELL("n1\0"
             "1\0"
             "n1\0"
             "2"), /* a name twice */
        CELL("n1\0"
             "\xc3("), /* no UTF-8 */
    };
    for (size_t i = 0; i < COUNT(broken); i++)
        assert_false(hpx_cell_is_whole(broken[i].pairs, broken[i].size));
    assert_true(hpx_cell_is_whole(NULL, 0));
}

/* Kept cells outlive the bytes they came from, and equal ones share theirs. */
static void test_cells(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    hpx_cell kept[MANY];
    hpx_cell_set *cells = hpx_cell_set_new();
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < MANY; i++) {
            char value[16];
            hpx_buffer pairs = {0};
            snprintf(value, sizeof value, "%d", i);
            hpx_cell_add(&pairs, "n", value);
            const hpx_cell cell = hpx_cell_of(&pairs), same = hpx_cell_set_keep(cells, &cell);
            hpx_buffer_free(&pairs);
            if (round == 0)
                kept[i] = same;
            assert_ptr_equal(same.pairs, kept[i].pairs);
            assert_string_equal(hpx_cell_value(&same, "n"), value);
        }
    const hpx_cell none = {0};
    assert_int_equal(hpx_cell_set_keep(cells, &none).size, 0);
    hpx_cell_set_free(cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),        cmocka_unit_test(test_text),  cmocka_unit_test(test_cut_text),
        cmocka_unit_test(test_broken_pairs), cmocka_unit_test(test_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
