#include "live/live.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hpx_recipe *recipe;
static hpx_live *live;
static hpx_buffer frame;

static int tear_down(void **state)
{
    (void)state;
    hpx_live_free(live);
    hpx_recipe_free(recipe);
    hpx_buffer_free(&frame);
    live = NULL;
    recipe = NULL;
    return 0;
}

/* A build with this objective, seeds, axes and searches. */
static void begin_for(const char *objective, const char *seeds, const char *rest)
{
    hpx_error error;
    char *text = hpx_format("program\n  command = train\n  code = train\ntrain\n  epochs = 15\n"
                            "  objective = %s\n  seeds = %s\n%s",
                            objective, seeds, rest);
    if (hpx_recipe_parse(&recipe, "test.rcp", text, strlen(text), NULL, NULL, &error) != HPX_OK)
        fail_msg("%s", error.message);
    live = hpx_live_new(recipe);
    free(text);
}

static void begin(const char *seeds, const char *rest)
{
    begin_for("maximise accuracy", seeds, rest);
}

static void take(hpx_event event)
{
    hpx_live_take(live, &event, 0);
}

static void score(uint32_t cell, double value)
{
    take((hpx_event){.kind = HPX_EVENT_SCORE, .number = cell, .epochs = 15, .value = value});
}

static void visit(uint32_t cell)
{
    take((hpx_event){
        .kind = HPX_EVENT_VISIT, .number = cell, .epochs = 15, .search = &recipe->searches[0], .value = 0.5});
}

static void start(uint32_t cell, uint32_t seed, uint32_t epoch)
{
    char *name = hpx_format("n1=%u", cell);
    take((hpx_event){.kind = epoch ? HPX_EVENT_EPOCH : HPX_EVENT_STARTED,
                     .cell = name,
                     .number = cell,
                     .seed = seed,
                     .epoch = epoch,
                     .epochs = 15,
                     .value = epoch ? 0.9123 : NAN,
                     .trial_left = epoch ? 61 : NAN,
                     .done = 3,
                     .running = 1,
                     .waiting = 4,
                     .cells_seen = 3,
                     .seconds_left = 100});
    free(name);
}

static size_t width_of(const char *line, size_t size)
{
    hpx_buffer plain = {0};
    for (size_t i = 0; i < size; i++) {
        if (line[i] == '\033')
            i += strcspn(line + i, "m");
        else
            hpx_buffer_add(&plain, line + i, 1);
    }
    const size_t width = hpx_text_width(plain.data, plain.size);
    hpx_buffer_free(&plain);
    return width;
}

/* The frame; whatever is on it, it fits. */
static const char *draw(size_t columns, size_t rows, bool utf8, bool colour, double now)
{
    const hpx_screen screen = {columns, rows, utf8, colour};
    frame.size = 0;
    hpx_live_draw(&frame, live, &screen, now);
    const char *text = hpx_buffer_text(&frame);
    size_t lines = 0;
    for (const char *line = text; line; lines++) {
        const char *end = strchr(line, '\n');
        const size_t size = end ? (size_t)(end - line) : strlen(line);
        if (width_of(line, size) >= columns)
            fail_msg("a line of %zu columns on %zu: %.*s", width_of(line, size), columns, (int)size, line);
        line = end ? end + 1 : NULL;
    }
    if (lines >= rows && lines > 1)
        fail_msg("%zu lines on %zu rows:\n%s", lines, rows, text);
    return text;
}

static void expect(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no '%s' in\n%s", part, text);
}

static void expect_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' in\n%s", part, text);
}

static const char two_axes[] =
    "axis n1 = 16 32 64\naxis n2 = 16 32 64 128 256\nsearch walk\n  method = hill-climb\n";

static void fill(void)
{
    for (uint32_t i = 0; i < 5; i++)
        score(i, 0.90 + 0.02 * i);
    score(5, NAN);
    visit(4);
    start(6, 1, 2);
}

static void test_map(void **state)
{
    (void)state;
    begin("1", two_axes);
    fill();
    assert_string_equal(draw(80, 24, true, false, 0),
                        "n1↓ n2→  16  64  256\n"
                        "     16  ▁ ▃ ▅ ▆[█]\n"
                        "     32  x * · · ·\n"
                        "     64  · · · · ·\n"
                        "▁ 0.9000 to █ 0.9800   * in training   x failed   [ ] walk\n"
                        "n1=6  2/15  0.9123  1:01 left\n"
                        "[3 of 8 trials, 3 cells seen, 1:40 left]  1 failed  best 0.9800 n1=16 n2=256");
    assert_string_equal(draw(80, 24, false, false, 41.6),
                        "n1 v n2 >  16  64  256\n"
                        "       16  1 3 5 6[8]\n"
                        "       32  x * . . .\n"
                        "       64  . . . . .\n"
                        "1 0.9000 to 8 0.9800   * in training   x failed   [ ] walk\n"
                        "n1=6  2/15  0.9123  0:19 left\n"
                        "[3 of 8 trials, 3 cells seen, 0:58 left]  1 failed  best 0.9800 n1=16 n2=256");
}

static void test_narrow(void **state)
{
    (void)state;
    begin("1", two_axes);
    fill();
    assert_string_equal(draw(40, 24, true, false, 0), "n1↓ n2→  16  64  256\n"
                                                      "     16  ▁ ▃ ▅ ▆[█]\n"
                                                      "     32  x * · · ·\n"
                                                      "     64  · · · · ·\n"
                                                      "▁ 0.9000 to █ 0.9800   * in training\n"
                                                      "x failed   [ ] walk\n"
                                                      "n1=6  2/15  0.9123  1:01 left\n"
                                                      "[3/8, 1:40 left]  1 failed  best 0.9800");
    draw(200, 60, true, true, 0);
    for (size_t columns = 1; columns < 200; columns++)
        for (size_t rows = 1; rows < 30; rows += 3)
            draw(columns, rows, columns % 2, columns % 3 == 0, 0);
    expect_not(draw(40, 6, true, false, 0), "n2"); /* no room for a map */
}

/* The colours are all that is gone without them. */
static void test_colour(void **state)
{
    (void)state;
    begin("1", two_axes);
    fill();
    char *plain = hpx_strdup(draw(80, 24, true, false, 0)), *at = plain;
    const char *text = draw(80, 24, true, true, 0);
    expect(text, "\033[31mx\033[0m");
    expect(text, "\033[35m*\033[0m");
    expect(text, "\033[33m█\033[0m");
    expect_not(plain, "\033");
    for (const char *byte = text; *byte; byte++) {
        if (*byte == '\033')
            byte += strcspn(byte, "m");
        else
            assert_int_equal(*byte, *at++);
    }
    assert_int_equal(*at, 0);
    free(plain);
}

static void test_line_and_rest(void **state)
{
    (void)state;
    begin("1", "axis n1 = 1..9\nsearch all\n  method = grid\n");
    score(2, 0.5);
    assert_string_equal(draw(40, 24, true, false, 0), "n1  1 2 3 4 5 6 7 8 9\n"
                                                      "    · · █ · · · · · ·\n"
                                                      "█ 0.5000\n"
                                                      "[0 of 0 trials, 0 cells seen, ? left]");
    tear_down(NULL);
    begin("1", "axis n1 = 1 2\naxis n2 = 1 2 3\naxis n3 = 1 2\nsearch all\n  method = grid\n");
    score(0, 0.5); /* 1 1 1 */
    score(1, 0.7); /* 1 1 2 */
    score(3, 0.6); /* 1 2 2 */
    score(4, NAN);
    assert_string_equal(draw(80, 24, false, false, 0),
                        "n1 v n2 >  1 2 3\n"
                        "        1  8 1 x\n"
                        "        2  . . .\n"
                        "1 0.6000 to 8 0.7000   x failed   best over n3\n"
                        "[0 of 0 trials, 0 cells seen, ? left]  1 failed  best 0.7000 n1=1 n2=1 n3=2");
}

/* Less of a loss is better. A score after more epochs takes the place of an earlier one, whichever is better. */
static void test_losses_and_rungs(void **state)
{
    (void)state;
    begin_for("minimise loss", "1", "axis n1 = 1 2 3\nsearch all\n  method = grid\n");
    score(0, 0.25);
    score(1, 0.125);
    score(2, 0.5);
    expect(draw(80, 24, false, false, 0), "    6 8 1\n1 0.500000 to 8 0.125000\n");
    expect(hpx_buffer_text(&frame), "best 0.125000 n1=2");
    take((hpx_event){.kind = HPX_EVENT_SCORE, .number = 1, .epochs = 30, .value = 0.75});
    take((hpx_event){.kind = HPX_EVENT_SCORE, .number = 2, .epochs = 3, .value = 0.01});
    expect(draw(80, 24, false, false, 0), "    8 1 5\n1 0.750000 to 8 0.250000\n");
    expect(hpx_buffer_text(&frame), "best 0.750000 n1=2");
}

static void test_many_trials(void **state)
{
    (void)state;
    begin("1 2", "axis n1 = 1..40\nsearch all\n  method = grid\n");
    for (uint32_t i = 0; i < 30; i++)
        start(i, 1 + i % 2, i);
    const char *text = draw(80, 24, true, false, 0);
    expect(text, "n1=0 seed 1   0/15\nn1=1 seed 2   1/15  0.9123  1:01 left\n");
    expect(text, "\nand 12 more\n[3 of 8 trials");
    expect_not(text, "n1=18 ");
    take((hpx_event){.kind = HPX_EVENT_DONE,
                     .cell = "n1=0",
                     .number = 0,
                     .seed = 1,
                     .epoch = 15,
                     .epochs = 15,
                     .value = 1});
    text = draw(80, 24, true, false, 0);
    expect_not(text, "n1=0 ");
    expect(text, "n1=18 seed 1  18/15");
    expect(text, "\nand 11 more\n");
    for (uint32_t i = 1; i < 30; i++) {
        char *name = hpx_format("n1=%u", i);
        take((hpx_event){.kind = i % 2 ? HPX_EVENT_STOPPED : HPX_EVENT_FAILED,
                         .cell = name,
                         .number = i,
                         .seed = 1 + i % 2});
        free(name);
    }
    expect_not(draw(80, 24, true, false, 0), "*");
}

/* Marks stand for several cells, and that is said; a grid that would take long has no map. */
static void test_large_grids(void **state)
{
    (void)state;
    begin("1", "axis n1 = 1..100\naxis n2 = 1..100\nsearch all\n  method = grid\n");
    for (uint32_t i = 0; i < 10000; i++)
        score(i, i == 5050 ? 0.99 : 0.3 + i % 7 * 0.05);
    expect(draw(80, 24, true, false, 0), "a mark: the best of 7 x 2");
    expect(draw(200, 60, true, false, 0), "a mark: the best of 7 x 1");
    double least = INFINITY;
    for (size_t i = 0; i < 20; i++) {
        const double before = hpx_clock_seconds();
        draw(200, 60, true, true, 0);
        least = fmin(least, hpx_clock_seconds() - before);
    }
    printf("a frame of 10,000 cells: %.3f ms\n", least * 1e3);
    tear_down(NULL);
    begin("1", "axis n1 = 1..1000\naxis n2 = 1..1000\nsearch all\n  method = grid\n");
    score(999999, 0.5);
    start(7, 1, 1);
    assert_string_equal(draw(100, 24, true, false, 0),
                        "n1=7  1/15  0.9123  1:01 left\n"
                        "[3 of 8 trials, 3 cells seen, 1:40 left]  best 0.5000 n1=1000 n2=1000  (too many "
                        "cells for a map)");
    expect_not(draw(80, 24, true, false, 0), "for a map");
}

/* Names from a recipe do nothing to a terminal, and are cut before what goes on. */
static void test_names(void **state)
{
    (void)state;
    begin("1", "axis a_name_that_is_long_and_longer = \"tw\303\266 words\" b\nsearch all\n  method = grid\n");
    take((hpx_event){.kind = HPX_EVENT_EPOCH,
                     .cell = "a_name_that_is_long_and_longer=\033[2Jxxx",
                     .epoch = 3,
                     .epochs = 15,
                     .value = 0.5,
                     .trial_left = 5});
    expect(draw(80, 24, true, false, 0),
           "a_name_that_is_long_and_longer=\\x1b[2Jxxx  3/15  0.5000  0:05 left\n");
    expect(draw(40, 24, true, false, 0), "a_name_that_is  3/15  0.5000  0:05 left");
    tear_down(NULL);
    begin("1", "axis width = 狭い 広い\nsearch all\n  method = grid\n"); /* two columns a character */
    take((hpx_event){.kind = HPX_EVENT_EPOCH,
                     .cell = "width=とても長い名前ですから",
                     .epoch = 3,
                     .epochs = 15,
                     .value = 0.5,
                     .trial_left = 5});
    expect(draw(40, 24, true, false, 0), "width=とても長  3/15  0.5000  0:05 left\n");
}

static void test_spark(void **state)
{
    (void)state;
    static const double rising[] = {0, 1, 2, 3, 4, 5, 6, 7}, odd[] = {3, NAN, 3};
    hpx_spark(&frame, rising, 8, 16, true);
    assert_string_equal(hpx_buffer_text(&frame), "▁▂▃▄▅▆▇█");
    frame.size = 0;
    hpx_spark(&frame, rising, 8, 3, false);
    assert_string_equal(hpx_buffer_text(&frame), "258");
    frame.size = 0;
    hpx_spark(&frame, odd, 3, 16, false);
    hpx_spark(&frame, odd, 0, 16, false);
    assert_string_equal(hpx_buffer_text(&frame), "8x8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_map, tear_down),
        cmocka_unit_test_teardown(test_narrow, tear_down),
        cmocka_unit_test_teardown(test_colour, tear_down),
        cmocka_unit_test_teardown(test_line_and_rest, tear_down),
        cmocka_unit_test_teardown(test_losses_and_rungs, tear_down),
        cmocka_unit_test_teardown(test_many_trials, tear_down),
        cmocka_unit_test_teardown(test_large_grids, tear_down),
        cmocka_unit_test_teardown(test_names, tear_down),
        cmocka_unit_test_teardown(test_spark, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
