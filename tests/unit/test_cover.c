/* Samples: they have every path, every two that one training takes, and every mark; and nothing to spare. */
#include "../helper/helper.h"
#include "identity/cover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hpx_hash mark_of(uint8_t number)
{
    return hpx_hash_of(&number, 1);
}

/* Offers a training with these paths (bits) and one mark. */
static void offer(struct cover *cover, size_t training, uint64_t paths, uint8_t mark, bool kept)
{
    const hpx_hash hash = mark_of(mark);
    hpx_cover_offer(cover, training, &(hpx_paths){{paths}}, &hash, 1, kept);
}

static void expect(struct cover *cover, const char *expected)
{
    hpx_buffer text = {0};
    hpx_cover_prune(cover);
    for (size_t i = 0; i < cover->count; i++)
        hpx_buffer_printf(&text, "%zu ", cover->members[i].training);
    assert_string_equal(hpx_buffer_text(&text), expected);
    hpx_buffer_free(&text);
    hpx_cover_free(cover);
}

static void test_cover(void **state)
{
    (void)state;
    struct cover cover = {0};
    /* Single paths are not enough: some have paths 0 and 1, which the first do not take together. */
    for (size_t i = 0; i < 5; i++) {
        offer(&cover, 2 * i, 1, 0, false);
        offer(&cover, 2 * i + 1, 2, 0, false);
    }
    for (size_t i = 10; i < 15; i++)
        offer(&cover, i, 3, 0, false);
    expect(&cover, "10 11 12 ");
    /* A mark alone, once. */
    for (size_t i = 0; i < 10; i++)
        offer(&cover, i, 1, i > 4, false);
    expect(&cover, "0 1 5 ");
    /* What is kept counts, and stays; what there is less of, all of it. */
    for (size_t i = 0; i < 5; i++)
        offer(&cover, i, 1, 0, i < 4);
    offer(&cover, 5, 5, 0, false);
    offer(&cover, 6, 5, 0, false);
    expect(&cover, "0 1 2 3 5 6 ");
    expect(&cover, "");
}

/* Against every pair of every training, over random ones. */
static void test_random(void **state)
{
    (void)state;
    draw_seed(7);
    for (int round = 0; round < 200; round++) {
        uint64_t paths[40];
        struct cover cover = {0};
        uint8_t marks[40];
        for (size_t i = 0; i < COUNT(paths); i++) {
            paths[i] = draw(0) & draw(0);
            marks[i] = (uint8_t)draw(100);
            offer(&cover, i, paths[i], marks[i], false);
        }
        hpx_cover_prune(&cover);
        for (size_t i = 0; i < COUNT(paths); i++)
            for (size_t pair = 0; pair < 64 * 64; pair++) {
                const uint64_t bits = (uint64_t)1 << pair / 64 | (uint64_t)1 << pair % 64;
                size_t there = 0, found = 0;
                bool marked = false;
                for (size_t k = 0; k < COUNT(paths); k++)
                    there += (paths[k] & bits) == bits;
                for (size_t k = 0; k < cover.count; k++) {
                    found += (paths[cover.members[k].training] & bits) == bits;
                    marked = marked || marks[cover.members[k].training] == marks[i];
                }
                assert_true(marked && found >= (there < COVER_TIMES ? there : COVER_TIMES));
            }
        hpx_cover_free(&cover);
    }
}

static void test_numbering(void **state)
{
    (void)state;
    struct numbering numbering = {0};
    bool fresh;
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 10000; i++) {
            const hpx_hash hash = hpx_hash_of(&i, sizeof i);
            assert_int_equal(hpx_number_of(&numbering, &hash, &fresh), i);
            assert_int_equal(fresh, round == 0);
        }
    hpx_numbering_free(&numbering);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cover),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_numbering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
