/* What lines of a program make: metrics of epochs, and what is ignored. */
#include "program/lines.h"

#include "base/memory.h"
#include "hpx/buffer.h"
#include "program/words.h"

#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hpx_lines *lines;
static hpx_buffer told; /* "EPOCH name=value ...;" of each complete epoch */

static void note(void *context, uint32_t epoch, const hpx_metrics *metrics, double at)
{
    (void)context, (void)at;
    hpx_buffer_printf(&told, "%u", epoch);
    for (size_t i = 0; i < metrics->count; i++)
        hpx_buffer_printf(&told, " %s=%g", metrics->list[i].name, metrics->list[i].value);
    hpx_buffer_puts(&told, ";");
}

static void begin(hpx_lines_options options)
{
    hpx_error error;
    hpx_lines_free(lines);
    told.size = 0;
    options.on_epoch = note;
    expect_ok(hpx_lines_new(&lines, &options, &error), &error);
}

static void begin_file(uint32_t from, uint32_t to)
{
    begin((hpx_lines_options){.continues = true, .from = from, .to = to});
}

/* Names and expressions in turn. */
static void begin_matching(const char *const *words)
{
    hpx_buffer match = {0};
    for (; *words; words++)
        hpx_words_add(&match, *words);
    begin((hpx_lines_options){.continues = true, .to = 9, .printed = true, .match = hpx_buffer_text(&match)});
    hpx_buffer_free(&match);
}

static void add(const char *text)
{
    hpx_lines_add(lines, text, strlen(text));
}

static hpx_lines_state state_of(void)
{
    return hpx_lines_state_of(lines);
}

static void expect_told(const char *text)
{
    assert_string_equal(hpx_buffer_text(&told), text);
}

static void expect_end(const char *text)
{
    hpx_lines_end(lines);
    expect_told(text);
}

static void expect_warning(const char *part)
{
    expect_contains(state_of().warnings, part);
}

static int finish(void **state)
{
    (void)state;
    hpx_lines_free(lines);
    lines = NULL;
    hpx_buffer_free(&told);
    return 0;
}

/* --- epochs ----------------------------------------------------------------------------------------------- */

static void test_merged(void **state)
{
    (void)state;
    begin_file(0, 9);
    add("{\"epoch\": 1, \"a\": 1, \"b\": 2}\n{\"epoch\": 1, \"b\": 3, \"c\": 4}\n");
    expect_told("");
    assert_int_equal(state_of().newest, 1);
    assert_true(hpx_metrics_value(&(hpx_metrics){state_of().metrics.list, state_of().metrics.count}, "b") ==
                3);
    add("{\"epoch\": 2, \"a\": 5}\n");
    expect_told("1 a=1 b=3 c=4;");
    expect_end("1 a=1 b=3 c=4;2 a=5;");
    assert_string_equal(state_of().warnings, "");
    assert_true(hpx_lines_has(lines, "c"));
    assert_false(hpx_lines_has(lines, "d"));
}

static void test_counted(void **state)
{
    (void)state;
    begin_file(2, 9);
    add("{\"a\": 1}\n{\"a\": 2}\n{\"step\": 7, \"a\": 3}\n{\"epoch\": 5}\n{\"a\": 4}\n{\"note\": null}\n");
    expect_end("3 a=1;4 a=2;5 a=4;");
}

static void test_steps(void **state)
{
    (void)state;
    begin_file(0, 9);
    add("{\"step\": 1, \"a\": 1}\n{\"step\": 2, \"epoch\": 1, \"a\": 2}\n{\"step\": 3, \"a\": 3}\n");
    expect_end("1 a=2;");
}

static void test_gap(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"epoch\": 2}\n", "{\"epoch\": 0}\n",
                                        "{\"epoch\": 1}\n{\"epoch\": 3}\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        begin_file(0, 9);
        add(texts[i]);
        expect_contains(state_of().broken, "the program reported epoch ");
    }
    begin_file(3, 9);
    add("{\"epoch\": 3}\n");
    expect_contains(state_of().broken,
                    "epoch 3 where epoch 4 was expected: it was to go on from a checkpoint");
    add("{\"epoch\": 4}\n");
    expect_end("");
}

static void test_out_of_order(void **state)
{
    (void)state;
    begin_file(0, 2);
    add("{\"epoch\": 1, \"a\": 1}\n{\"epoch\": 2, \"a\": 2}\n{\"epoch\": 1, \"a\": 9}\n{\"epoch\": 3, \"a\": "
        "3}\n{\"a\": 4}\n");
    expect_end("1 a=1;2 a=2;");
    expect_warning("line 3: epoch 1 is ignored: a line of epoch 2 was read before\n");
    expect_warning("line 4: epoch 3 is ignored: the last one asked for is 2\n");
    assert_null(state_of().broken);
}

static void test_one_result(void **state)
{
    (void)state;
    begin((hpx_lines_options){.to = 7});
    add("{\"epoch\": 0, \"a\": 1}\n{\"epoch\": 5, \"b\": 1}\n{\"epoch\": 2, \"a\": 2}\n{\"score\": 3}\n");
    expect_end("7 a=2 b=1 score=3;");
}

/* --- how it ends ------------------------------------------------------------------------------------------ */

static void expect_failure(const char *text, uint32_t epoch, const char *epochs)
{
    begin_file(0, 4);
    add(text);
    expect_end(epochs);
    assert_non_null(state_of().failure);
    assert_int_equal(state_of().failure_epoch, epoch);
}

static void test_failed(void **state)
{
    (void)state;
    expect_failure("{\"failed\": \"x\"}\n{\"epoch\": 1, \"a\": 1}\n", 1, "");
    expect_failure("{\"a\": 1}\n{\"failed\": true}\n", 2, "1 a=1;");
    expect_failure("{\"a\": 1}\n{\"epoch\": 1, \"failed\": \"\"}\n", 1, "");
    expect_failure("{\"a\": 1}\n{\"epoch\": 3, \"a\": 2, \"failed\": \"x\"}\n", 3, "1 a=1;");
    expect_failure("{\"a\": 1}\n{\"a\": 1}\n{\"a\": 1}\n{\"a\": 1}\n{\"failed\": \"x\"}\n", 4,
                   "1 a=1;2 a=1;3 a=1;");
    expect_failure("{\"epoch\": 77, \"failed\": \"a\\nb\\u001b\"}\n", 4, "");
    assert_string_equal(state_of().failure, "a\\nb\\x1b");
    begin_file(0, 4);
    add("{\"failed\": null, \"a\": 1, \"stopped\": false}\n");
    assert_null(state_of().failure);
    assert_null(state_of().stopped);
    expect_end("1 a=1;");
}

static void test_long_reason(void **state)
{
    (void)state;
    hpx_buffer text = {0};
    hpx_buffer_puts(&text, "{\"failed\": \"");
    for (int i = 0; i < 200; i++)
        hpx_buffer_puts(&text, "\xc3\xa4");
    hpx_buffer_puts(&text, "\"}\n");
    begin_file(0, 1);
    add(hpx_buffer_text(&text));
    const size_t length = strlen(state_of().failure);
    assert_true(length > 100 && length < HPX_FAILURE_BYTES);
    assert_true(hpx_field_is_text(state_of().failure, length));
    hpx_buffer_free(&text);
}

static void test_stopped(void **state)
{
    (void)state;
    begin_file(0, 9);
    add("{\"epoch\": 1, \"a\": 1}\n{\"stopped\": \"no progress\"}\n{\"epoch\": 1, \"a\": 2}\n{\"epoch\": 2, "
        "\"a\": 3}\n");
    assert_string_equal(state_of().stopped, "no progress");
    expect_end("1 a=2;");
    expect_warning("epoch 2 is ignored: the program has said that it stopped");
}

static void test_checkpoint(void **state)
{
    (void)state;
    begin_file(0, 9);
    add("{\"epoch\": 1, \"a\": 1, \"checkpoint\": \"c\\u00e4\"}\n");
    assert_string_equal(state_of().checkpoint, "c\xc3\xa4");
    assert_true(state_of().checkpoint_is_last);
    assert_int_equal(state_of().checkpoint_epoch, 1);
    add("{\"step\": 1}\n");
    assert_false(state_of().checkpoint_is_last);
    add("{\"checkpoint\": \"d\"}\n{\"epo");
    assert_true(state_of().checkpoint_is_last);
    assert_int_equal(state_of().checkpoint_epoch, 1);
    add("ch\": 2, \"checkpoint\": null}\n{\"checkpoint\": 5}\n");
    assert_string_equal(state_of().checkpoint, "d");
    assert_false(state_of().checkpoint_is_last);
}

/* --- lines and values ------------------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
    (void)state;
    begin_file(0, 1);
    add("{\"a\":NaN,\"b\":Infinity,\"c\":-Infinity,\"d\":nan,\"e\":-inf,\"f\":.5,\"g\":-1e-3,\"h\":1e999,"
        "\"i\":+2}\r\n");
    expect_end("1 a=nan b=inf c=-inf d=nan e=-inf f=0.5 g=-0.001 h=inf i=2;");
    assert_string_equal(state_of().warnings, "");
}

static void test_no_numbers(void **state)
{
    (void)state;
    begin_file(0, 1);
    add("{\"note\": \"hello\", \"list\": [1, {\"x\": [] , \"y\": {}}, \"]\", true, null], \"yes\": true, "
        "\"a\": 1, "
        "\"two words\": 3, \"\": 4, \"quote\\\"\": 5, \"k\\u00e4se\": 6, \"epoch\": 1.5, \"o\": {}}\n");
    expect_end("1 a=1;");
    assert_string_equal(state_of().warnings, "line 1: 'note' is no number and is ignored\n");
}

static void test_no_objects(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "hello",
        "{",
        "{}}",
        "{\"a\"}",
        "{\"a\": }",
        "{\"a\": 1,}",
        "[1]",
        "{\"a\": 1} x",
        "{'a': 1}",
        "{\"a\": 1 2}",
        "{\"a\": 0x10}",
        "{\"a\": 1-2}",
        "{\"a\": nanx}",
        "{\"a\": [1,]}",
        "{\"a\": {\"b\":}}",
        "{\"a\": [1}",
        "{\"a\": \"\\x\"}",
        "{\"a\": \"\\u12g4\"}",
        "{\"a\": \"\t\"}",
        "{\"a\": 1e}",
        "{\"a\": \"x}",
        "{\"a\" 1}",
        "{a: 1}",
        "{\"a\": {\"b\" 1}}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        begin_file(0, 1);
        add(texts[i]);
        add("\n\n");
        if (state_of().newest != 0 || !strstr(state_of().warnings, "it is no JSON object and is ignored"))
            fail_msg("%s: taken", texts[i]);
    }
    begin_file(0, 1);
    hpx_lines_add(lines, "{\"a\": 1}\0\n", 10);
    expect_warning("no JSON object");
    begin_file(0, 1);
    add("{}\n{\"\\ud83d\\ude00\\ud83d\\u0000\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}\n");
    expect_warning("is no number and is ignored");
}

static void test_depth(void **state)
{
    (void)state;
    hpx_buffer text = {0};
    begin_file(0, 1);
    hpx_buffer_puts(&text, "{\"a\": ");
    for (int i = 0; i < 100000; i++)
        hpx_buffer_puts(&text, "[");
    hpx_buffer_puts(&text, "\n");
    add(hpx_buffer_text(&text));
    expect_warning("no JSON object");
    hpx_buffer_free(&text);
}

static void test_pieces(void **state)
{
    (void)state;
    static const char text[] =
        "{\"epoch\": 1, \"a\": 1}\r\n{\"epoch\": 2, \"a\": 2}\n{\"epoch\": 3, \"a\": 3}";
    begin_file(0, 9);
    for (size_t i = 0; i < sizeof text - 1; i++)
        hpx_lines_add(lines, text + i, 1);
    expect_end("1 a=1;2 a=2;");
    expect_warning("line 3: it is the last one, has no end and is not read");
}

static void test_long_line(void **state)
{
    (void)state;
    begin_file(0, 9);
    char *blanks = hpx_alloc(100001);
    memset(blanks, ' ', 100000);
    for (int i = 0; i < 12; i++)
        add(blanks);
    add("{\"a\": 1}\n{\"a\": 2}\n");
    free(blanks);
    expect_end("1 a=2;");
    expect_warning("line 1: it is longer than 1048576 bytes and is ignored");
}

static void test_many_metrics(void **state)
{
    (void)state;
    hpx_buffer text = {0};
    begin_file(0, 9);
    for (int epoch = 1; epoch <= 3; epoch++) {
        hpx_buffer_puts(&text, "{");
        for (int i = 0; i < HPX_METRICS_MAX + (epoch == 3); i++)
            hpx_buffer_printf(&text, "\"m%d\": %d, ", epoch == 2 ? HPX_METRICS_MAX - 1 - i : i, i);
        hpx_buffer_printf(&text, "\"epoch\": %d}\n", epoch);
    }
    add(hpx_buffer_text(&text));
    assert_int_equal(state_of().metrics.count, HPX_METRICS_MAX);
    expect_warning("'m1024' is ignored: a trial has at most 1024 metrics");
    assert_false(hpx_lines_has(lines, "m1024"));
    hpx_buffer_free(&text);
}

/* --- what people print ------------------------------------------------------------------------------------ */

static void expect_printed(const char *line, const char *epochs)
{
    begin((hpx_lines_options){.continues = true, .to = 9, .printed = true});
    add(line);
    add("\n");
    hpx_lines_end(lines);
    if (strcmp(hpx_buffer_text(&told), epochs) != 0)
        fail_msg("'%s': expected '%s', got '%s'", line, epochs, hpx_buffer_text(&told));
    assert_string_equal(state_of().warnings, "");
}

static void test_pairs(void **state)
{
    (void)state;
    expect_printed("score=1", "1 score=1;");
    expect_printed("loss: 0.5, acc=0.9; f1 = .8", "1 loss=0.5 acc=0.9 f1=0.8;");
    expect_printed("  loss:0.5   acc:1e-2 ", "1 loss=0.5 acc=0.01;");
    expect_printed("Epoch 1: loss=nan", "1 loss=nan;");
    expect_printed("epoch 1/10 - loss: 2", "1 loss=2;");
    expect_printed("EPOCH: 1, loss: 2", "1 loss=2;");
    expect_printed("epoch=1 loss=2", "1 loss=2;");
    expect_printed("Epoch 1", "1;");
    expect_printed("progress 10%\rloss/train: 3\r", "1 loss/train=3;");
    expect_printed("{\"epoch\": 1, \"acc\": 2}", "1 acc=2;");
    expect_printed("step=5 loss=1", "");
    expect_printed("", "");
    expect_printed("loss: 0.5 and more", "");
    expect_printed("val loss: 0.5", "");
    expect_printed("acc: 97%", "");
    expect_printed("time: 12:30", "");
    expect_printed("loss=", "");
    expect_printed("=1", "");
    expect_printed("loss=0x10", "");
    expect_printed("loss==1", "");
    expect_printed("Epochs 5", "");
    expect_printed("{\"acc\": 2", "");
    expect_printed("\"acc\": 2", "");
    expect_printed("k\xc3\xa4se=1", "");
}

static void test_matches(void **state)
{
    (void)state;
    begin_matching((const char *[]){"acc", "Accuracy: .*\\(([0-9.]+)%\\)", "epoch", "^Train Epoch: ([0-9]+)",
                                    "loss", "Loss: ([0-9.e+-]+)", NULL});
    add("Train Epoch: 1 [0/60000 (0%)] Loss: 2.5\nTest set: Accuracy: 9700/10000 (97.5%)\nloss: 3 files\n");
    expect_end("1 loss=2.5;2 acc=97.5;");
    begin_matching((const char *[]){"all", "[0-9]+$", NULL});
    add("so many: 12\n");
    expect_end("1 all=12;");
}

static void test_bad_match(void **state)
{
    (void)state;
    hpx_error error;
    hpx_lines *none;
    hpx_lines_options options = {.to = 1, .on_epoch = note, .match = "acc ("};
    assert_int_equal(hpx_lines_new(&none, &options, &error), HPX_USAGE);
    options.match = "acc";
    assert_int_equal(hpx_lines_new(&none, &options, &error), HPX_DAMAGED);
    assert_null(none);
}

static void test_binary(void **state)
{
    (void)state;
    begin_matching((const char *[]){"a", "x([0-9])", NULL});
    draw_seed(5);
    for (int i = 0; i < 20000; i++) {
        const char byte = (char)draw(256);
        hpx_lines_add(lines, &byte, 1);
    }
    add("\nscore=1\n");
    hpx_lines_end(lines);
    assert_true(hpx_lines_has(lines, "score"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_merged, finish),
        cmocka_unit_test_teardown(test_counted, finish),
        cmocka_unit_test_teardown(test_steps, finish),
        cmocka_unit_test_teardown(test_gap, finish),
        cmocka_unit_test_teardown(test_out_of_order, finish),
        cmocka_unit_test_teardown(test_one_result, finish),
        cmocka_unit_test_teardown(test_failed, finish),
        cmocka_unit_test_teardown(test_long_reason, finish),
        cmocka_unit_test_teardown(test_stopped, finish),
        cmocka_unit_test_teardown(test_checkpoint, finish),
        cmocka_unit_test_teardown(test_numbers, finish),
        cmocka_unit_test_teardown(test_no_numbers, finish),
        cmocka_unit_test_teardown(test_no_objects, finish),
        cmocka_unit_test_teardown(test_depth, finish),
        cmocka_unit_test_teardown(test_pieces, finish),
        cmocka_unit_test_teardown(test_long_line, finish),
        cmocka_unit_test_teardown(test_many_metrics, finish),
        cmocka_unit_test_teardown(test_pairs, finish),
        cmocka_unit_test_teardown(test_matches, finish),
        cmocka_unit_test_teardown(test_bad_match, finish),
        cmocka_unit_test_teardown(test_binary, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
