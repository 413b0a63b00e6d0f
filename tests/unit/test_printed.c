/* What printed lines are to hpx: read, or not and what `match` would read them. */
#include "program/printed.h"

#include "hpx/buffer.h"
#include "program/line.h"
#include "program/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static hpx_printed look(const char *text, const char *match)
{
    hpx_printed printed;
    hpx_printed_look(&printed, text, strlen(text), match);
    return printed;
}

static void test_what_is_read(void **state)
{
    (void)state;
    const hpx_printed printed =
        look("start\n{\"loss\": 1}\r\n{\"note\": \"x\"}\nEpoch 3\nEpoch 3: loss=1 acc: 2\n"
             "a 0.5 b\nscore=1",
             "x \"^a ([0-9.]+)\"");
    assert_int_equal(printed.objects, 1);
    assert_int_equal(printed.pairs, 2);
    assert_int_equal(printed.matched, 1);
    assert_int_equal(printed.unread_count, 0);
    assert_int_equal(look("", NULL).pairs, 0);
}

/* Each line, the name that is found in it, and the value that `match` then finds. */
static void test_matches(void **state)
{
    static const struct {
        const char *line, *name;
        double value;
    } cases[] = {
        {"Test set: Average loss: 0.0345, Accuracy: 9887/10000 (99%)", "average_loss", 0.0345},
        {"results Accuracy: 9887/10000 (99%) of all", "results_accuracy", 99},
        {"| Accuracy: 9887/10000 (99%)", "accuracy", 99},
        {"Epoch 3 done | val acc = 0.971 | lr 0.1", "val_acc", 0.971},
        {"test accuracy 0.97", "test_accuracy", 0.97},
        {"INFO:root:loss is good (val/loss: -1.5e-3)", "val/loss", -1.5e-3},
        {"done, top.1 score=7%", "top.1_score", 7},
        {"[1] loss: nan", "loss", 0},
        {"{'eval_loss': 0.4, 'epoch': 1.0}", "eval_loss", 0.4},
        {"note \"val loss\": 3, \"loss\": 0.5", "loss", 0.5},
        {"[10]\tx_loss: 2\tloss: 3\tx_loss: 4 (end)", "x_loss", 2},
        {"[10]\tvalid_1's l2: 0.25", "valid_1s_l2", 0.25},
        {" * Acc@1 55.3 Acc@5 80.1", "acc@1", 55.3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const hpx_printed printed = look(cases[i].line, NULL);
        hpx_buffer words = {0};
        hpx_matches *matches;
        hpx_line line = {.has_epoch = false};
        hpx_error error;
        assert_true(printed.unread_count > 0);
        assert_string_equal(printed.unread[0].name, cases[i].name);
        assert_memory_equal(printed.unread[0].line, cases[i].line,
                            HPX_UNREAD_LINE_BYTES < strlen(cases[i].line) ? HPX_UNREAD_LINE_BYTES
                                                                          : strlen(cases[i].line));
        hpx_words_add(&words, printed.unread[0].name);
        hpx_words_add(&words, printed.unread[0].regex);
        assert_int_equal(hpx_matches_new(&matches, hpx_buffer_text(&words), &error), HPX_OK);
        if (cases[i].value != 0) {
            assert_true(hpx_line_read_printed(&line, cases[i].line, strlen(cases[i].line), matches));
            assert_int_equal(line.count, 1);
            assert_true(line.metrics[0].value == cases[i].value);
        }
        hpx_matches_free(matches);
        hpx_line_free(&line);
        hpx_buffer_free(&words);
    }
}

static void test_what_is_none(void **state)
{
    static const char *const lines[] = {"Epoch: 3 of 7",
                                        "Python: 3.11.2",
                                        "time 12:30:15",
                                        "loaded 60000 samples",
                                        "hpx: loss: 3",
                                        "step = 4, batch: 7 x",
                                        "see http://x.org:8080",
                                        "12 = 12",
                                        "layer1 0.5",
                                        "it's': 3 x",
                                        "'': 3 x",
                                        "': 3 x"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const hpx_printed printed = look(lines[i], NULL);
        if (printed.unread_count > 0)
            fail_msg("'%s' is taken for %s", lines[i], printed.unread[0].name);
    }
}

/* Each name once, and a longer name is not taken for a shorter one. */
static void test_names(void **state)
{
    const hpx_printed printed = look("x val_loss: 1 loss: 2 (end)\nx val_loss: 3 loss: 4 (end)\n", NULL);
    hpx_buffer words = {0};
    hpx_matches *matches;
    hpx_line line = {.has_epoch = false};
    hpx_error error;
    (void)state;
    assert_int_equal(printed.unread_count, 2);
    assert_string_equal(printed.unread[0].name, "x_val_loss");
    assert_string_equal(printed.unread[1].name, "loss");
    hpx_words_add(&words, "loss");
    hpx_words_add(&words, printed.unread[1].regex);
    assert_int_equal(hpx_matches_new(&matches, hpx_buffer_text(&words), &error), HPX_OK);
    assert_true(hpx_line_read_printed(&line, "x val_loss: 1 loss: 2 (end)", 27, matches));
    assert_true(line.metrics[0].value == 2);
    hpx_matches_free(matches);
    hpx_line_free(&line);
    hpx_buffer_free(&words);
}

/* Long names, many of them, and bytes that are no text. */
static void test_bounds(void **state)
{
    static const char odd[] = "x loss\0: 3 y\n\xff\xfe loss: 3\n: 3\n= 3\n";
    hpx_buffer text = {0};
    (void)state;
    for (int i = 0; i < 40; i++)
        hpx_buffer_printf(&text, "x a%d: 1 y\n", i);
    hpx_buffer_puts(&text, "x ");
    for (int i = 0; i < 200; i++)
        hpx_buffer_puts(&text, "a.");
    hpx_buffer_puts(&text, ": 3 y\n");
    hpx_buffer_add(&text, odd, sizeof odd - 1);
    assert_int_equal(look(hpx_buffer_text(&text), NULL).unread_count, HPX_UNREAD_MAX);
    const hpx_printed rest = look(hpx_buffer_text(&text) + text.size - (sizeof odd - 1) - 410, NULL);
    assert_true(rest.unread_count <= 2);
    hpx_buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read), cmocka_unit_test(test_matches),
        cmocka_unit_test(test_what_is_none), cmocka_unit_test(test_names),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
