#include "report/report.h"

#include "base/text.h"
#include "hpx/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EPOCHS 5

static hpx_artifact artifacts[EPOCHS];
static hpx_trajectory shown;
static hpx_buffer text;

/* Epochs 1 to 5, of which the third has no loss, and the last has failed. */
static int set_up(void **state)
{
    static const double losses[] = {4, 2, NAN, 0}, accuracies[] = {0.5, 0.5, 0.5, 0.5};
    (void)state;
    for (uint32_t i = 0; i < EPOCHS; i++) {
        artifacts[i] = (hpx_artifact){.epoch = i + 1};
        if (i < EPOCHS - 1) {
            hpx_metrics_set(&artifacts[i].metrics, "loss", losses[i]);
            hpx_metrics_set(&artifacts[i].metrics, "accuracy", accuracies[i]);
        }
    }
    shown = (hpx_trajectory){.artifacts = artifacts, .count = EPOCHS};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < EPOCHS; i++)
        hpx_metrics_free(&artifacts[i].metrics);
    hpx_buffer_free(&text);
    return 0;
}

static void test_sparks(void **state)
{
    (void)state;
    hpx_report_sparks(&text, &shown, &(hpx_screen){80, 24, true, false});
    assert_string_equal(hpx_buffer_text(&text), "epochs      loss      █▅x▁x  0 to 4\n"
                                                "            accuracy  ████x  0.5 to 0.5\n");
    text.size = 0;
    shown.count = 1; /* there is nothing to be seen of one epoch */
    hpx_report_sparks(&text, &shown, &(hpx_screen){80, 24, true, false});
    assert_int_equal(text.size, 0);
}

static void test_plot(void **state)
{
    (void)state;
    hpx_report_curves(&text, &shown, &(hpx_screen){40, 24, false, false});
    assert_string_equal(hpx_buffer_text(&text), "loss\n"
                                                "        4 |*\n"
                                                "          |\n"
                                                "          |\n"
                                                "          |\n"
                                                "          |\n"
                                                "          |       *\n"
                                                "          |\n"
                                                "          |\n"
                                                "          |\n"
                                                "        0 |             x      *     x\n"
                                                "          +---------------------------\n"
                                                "           1                         5\n"
                                                "\n"
                                                "accuracy\n"
                                                "      0.5 |\n"
                                                "          |\n"
                                                "          |\n"
                                                "          |\n"
                                                "          |\n"
                                                "          |*      *     *      *\n"
                                                "          |\n"
                                                "          |\n"
                                                "          |\n"
                                                "          |                          x\n"
                                                "          +---------------------------\n"
                                                "           1                         5\n");
}

/* No line is wider than the screen, if that is wide enough for a plot at all. */
static void test_widths(void **state)
{
    (void)state;
    for (size_t columns = 24; columns < 200; columns++) {
        text.size = 0;
        hpx_report_curves(&text, &shown, &(hpx_screen){columns, 24, columns % 2, false});
        for (const char *line = hpx_buffer_text(&text); *line; line = strchr(line, '\n') + 1)
            assert_in_range(hpx_text_width(line, (size_t)(strchr(line, '\n') - line)), 0, columns - 1);
    }
}

static void test_one_epoch(void **state)
{
    (void)state;
    shown.count = 1;
    hpx_report_curves(&text, &shown, &(hpx_screen){40, 24, true, false});
    const char *plot = hpx_buffer_text(&text);
    assert_non_null(strstr(plot, "│•\n"));
    assert_non_null(strstr(plot, "─\n           1\n"));
    shown.artifacts = artifacts + EPOCHS - 1; /* nothing but a failure */
    text.size = 0;
    hpx_report_curves(&text, &shown, &(hpx_screen){40, 24, true, false});
    assert_int_equal(text.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sparks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_widths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_epoch, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
