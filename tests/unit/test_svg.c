/* Figures: their text, byte for byte, and that it is XML without anything that a strict policy refuses. */
#include "base/memory.h"
#include "svg/svg.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const hpx_svg_plot square = {
    .left = 10, .top = 20, .width = 100, .height = 100, .x = {NULL, 0, 10}, .y = {NULL, 0, 1}};

/* What a figure has between its ground and its end. */
static char *marks(hpx_svg *svg)
{
    hpx_buffer text = {0};
    hpx_svg_finish(&text, svg);
    const char *begin = strstr(hpx_buffer_text(&text), "<g font-family");
    assert_non_null(begin);
    begin = strchr(begin, '\n') + 1;
    const char *end = strstr(begin, "</g>\n</svg>\n");
    while (end && strstr(end + 1, "</g>\n</svg>\n"))
        end = strstr(end + 1, "</g>\n</svg>\n");
    assert_non_null(end);
    char *out = hpx_strndup(begin, (size_t)(end - begin));
    hpx_buffer_free(&text);
    return out;
}

static void expect(hpx_svg *svg, const char *expected)
{
    char *got = marks(svg);
    assert_string_equal(got, expected);
    free(got);
}

static hpx_svg *figure(void)
{
    return hpx_svg_new(200, 150, "t", "d");
}

static void test_head(void **state)
{
    (void)state;
    hpx_buffer text = {0};
    hpx_svg_finish(&text, hpx_svg_new(200.5, 150.126, "a < b & c", "d \"e\"\x01\xff"));
    assert_string_equal(
        hpx_buffer_text(&text),
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"200.5\" height=\"150.13\" "
        "viewBox=\"0 0 200.5 150.13\">\n<title>a &lt; b &amp; c</title>\n<desc>d \"e\"\\x01\\xff</desc>\n"
        "<rect class=\"paper\" width=\"200.5\" height=\"150.13\" rx=\"4\" fill=\"#ffffff\"/>\n"
        "<g font-family=\"Helvetica, Arial, Liberation Sans, sans-serif\" font-size=\"11\" "
        "fill=\"#24292f\">\n</g>\n</svg>\n");
    hpx_buffer_free(&text);
}

/* Two decimals at most, no minus zero; outside is on the edge; a gap where there is no number. */
static void test_line(void **state)
{
    (void)state;
    const double x[] = {0, 1.0 / 3, 5, 20, NAN, 10, 2}, y[] = {0, 0.5, NAN, 2, 0, -1, 0.999};
    hpx_svg *svg = figure();
    hpx_svg_line(svg, &square, 0, x, y, 7);
    expect(svg, "<path class=\"line s0\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"1.75\" "
                "stroke-linejoin=\"round\" d=\"M10 120L13.33 70M110 20M110 120L30 20.1\"/>\n");
}

static void test_points(void **state)
{
    (void)state;
    const double x[] = {0, NAN, 10}, y[] = {0, 0, 1};
    hpx_svg *svg = figure();
    hpx_svg_points(svg, &square, 1, x, y, 3);
    expect(svg, "<path class=\"points s1\" fill=\"#d55e00\" stroke=\"#ffffff\" "
                "d=\"M10 120m-3 -3h6v6h-6zM110 20m-3 -3h6v6h-6z\"/>\n");
}

static void test_band(void **state)
{
    (void)state;
    const double x[] = {0, 5, 6, 10}, low[] = {0, 0.1, NAN, 0.2}, high[] = {0.5, 0.6, 1, 0.7};
    hpx_svg *svg = figure();
    hpx_svg_band(svg, &square, 2, x, low, high, 4);
    expect(svg, "<path class=\"band s2\" fill=\"#009e73\" fill-opacity=\"0.15\" "
                "d=\"M10 70L60 60L60 110L10 120zM110 50L110 100z\"/>\n");
}

static void test_range(void **state)
{
    (void)state;
    hpx_svg *svg = figure();
    hpx_svg_range(svg, &square, 3, 1, 0.5, 9, 0.5);
    hpx_svg_range(svg, &square, 3, NAN, 0.5, 9, 0.5);
    expect(svg, "<path class=\"range s3\" stroke=\"#cc79a7\" stroke-width=\"1.5\" d=\"M20 70L100 70\"/>\n");
}

static void test_span(void **state)
{
    (void)state;
    static const char *const rows[] = {"1", "2"};
    const hpx_svg_plot plot = {.left = 10,
                               .top = 20,
                               .width = 100,
                               .height = 40,
                               .x = {NULL, 0, 10},
                               .y = {.names = rows, .count = 2}};
    hpx_svg *svg = hpx_svg_new(200, 200, "t", "d");
    hpx_svg_span(svg, &plot, 0, 1, 3, 0, 0.5, false);
    hpx_svg_span(svg, &plot, 1, 4, 4.001, 1, 0.5, true); /* one that would be too narrow to be seen */
    expect(
        svg,
        "<rect class=\"span s0\" fill=\"#0072b2\" stroke-width=\"0.75\" stroke=\"#ffffff\" x=\"20\" y=\"25\" "
        "width=\"20\" height=\"10\"/>\n"
        "<rect class=\"span s1\" fill=\"none\" stroke-width=\"0.75\" stroke=\"#d55e00\" x=\"50\" y=\"45\" "
        "width=\"1\" height=\"10\"/>\n");
}

static void test_bars(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b"};
    hpx_svg_plot lying = square, standing = square;
    lying.y = (hpx_svg_axis){.names = names, .count = 2};
    standing.x = (hpx_svg_axis){.names = names, .count = 2};
    hpx_svg *svg = figure();
    hpx_svg_bars(svg, &lying, 0, (double[]){5, NAN}, 2, 0.5, 0);
    hpx_svg_bars(svg, &standing, 0, (double[]){NAN, 0.25}, 2, 0.5, 0.25);
    expect(svg, "<g class=\"bars s0\" fill=\"#0072b2\">\n"
                "<rect x=\"10\" y=\"32.5\" width=\"50\" height=\"25\"/>\n</g>\n"
                "<g class=\"bars s0\" fill=\"#0072b2\">\n"
                "<rect x=\"85\" y=\"95\" width=\"25\" height=\"25\"/>\n</g>\n");
}

static void test_heat(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b"};
    hpx_svg_plot plot = square;
    plot.x = plot.y = (hpx_svg_axis){.names = names, .count = 2};
    hpx_svg *svg = figure();
    hpx_svg_heat(svg, &plot, (double[]){0, NAN, 1.26, 7}, &(hpx_svg_heat_scale){0, 2, 1});
    hpx_svg_frame(svg, &plot, 1, 0);
    expect(svg,
           "<g class=\"heat\">\n"
           "<rect x=\"10\" y=\"20\" width=\"50\" height=\"50\" fill=\"#440154\" stroke=\"#ffffff\"/>\n"
           "<text x=\"35\" y=\"48.5\" text-anchor=\"middle\" font-size=\"10\" fill=\"#ffffff\">0.0</text>\n"
           "<rect x=\"10\" y=\"70\" width=\"50\" height=\"50\" fill=\"#29ae80\" stroke=\"#ffffff\"/>\n"
           "<text x=\"35\" y=\"98.5\" text-anchor=\"middle\" font-size=\"10\">1.3</text>\n"
           "<rect x=\"60\" y=\"70\" width=\"50\" height=\"50\" fill=\"#fde725\" stroke=\"#ffffff\"/>\n"
           "<text x=\"85\" y=\"98.5\" text-anchor=\"middle\" font-size=\"10\">7.0</text>\n"
           "</g>\n"
           "<rect class=\"frame\" x=\"61\" y=\"21\" width=\"48\" height=\"48\" fill=\"none\" "
           "stroke=\"#24292f\" stroke-width=\"2\"/>\n");
}

/* Downwards, and without a difference. */
static void test_heat_scales(void **state)
{
    (void)state;
    static const char *const names[] = {"a"};
    hpx_svg_plot plot = square;
    plot.x = plot.y = (hpx_svg_axis){.names = names, .count = 1};
    hpx_svg *svg = figure();
    hpx_svg_heat(svg, &plot, (double[]){5}, &(hpx_svg_heat_scale){5, 1, 0});
    hpx_svg_heat(svg, &plot, (double[]){5}, &(hpx_svg_heat_scale){5, 5, 0});
    char *text = marks(svg);
    const char *dark = strstr(text, "#440154"), *bright = strstr(text, "#fde725");
    assert_true(dark && bright && dark < bright);
    free(text);
}

/* One cell, as a thing of its own, without its value. */
static int colour_of(double value, hpx_svg_heat_scale scale)
{
    static const char *const names[] = {"a"};
    hpx_svg_plot plot = square;
    plot.x = plot.y = (hpx_svg_axis){.names = names, .count = 1};
    hpx_svg *svg = figure();
    hpx_svg_heat_cell(svg, &plot, 0, 0, value, &scale);
    char *text = marks(svg);
    const char *fill = strstr(text, "fill=\"#");
    assert_non_null(fill);
    const int colour = (int)strtol(fill + 7, NULL, 16);
    free(text);
    return colour;
}

/* Half of the way is half of it by what the scale goes by. */
static void test_heat_goes_by(void **state)
{
    (void)state;
    const int half = colour_of(5, (hpx_svg_heat_scale){0, 10, -1, HPX_SVG_BY_VALUE});
    assert_int_equal(colour_of(10, (hpx_svg_heat_scale){1, 100, -1, HPX_SVG_BY_LOGARITHM}), half);
    assert_int_equal(colour_of(0.99, (hpx_svg_heat_scale){0.9, 0.999, -1, HPX_SVG_BY_ERROR}), half);
    assert_int_equal(colour_of(1, (hpx_svg_heat_scale){0.9, 1, -1, HPX_SVG_BY_ERROR}),
                     colour_of(1, (hpx_svg_heat_scale){0, 1, -1, HPX_SVG_BY_VALUE}));
}

static void test_many(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b"};
    hpx_svg_plot plot = square;
    hpx_svg *svg = figure();
    hpx_svg_dots(svg, &plot, (uint32_t[]){7, 3, 9}, (double[]){1, NAN, 10}, (double[]){0, 0, 1}, 3);
    plot.x = plot.y = (hpx_svg_axis){.names = names, .count = 2};
    hpx_svg_tiles(svg, &plot, (uint32_t[]){4, 5, 6, 7}, (double[]){0, 2, NAN, 0},
                  &(hpx_svg_heat_scale){0, 2, -1, HPX_SVG_BY_VALUE});
    expect(svg, "<path class=\"many dots\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"4\" "
                "stroke-linecap=\"round\" stroke-opacity=\"0.6\" d=\"M20 120h0M110 20h0\" data-n=\"7 2\"/>\n"
                "<path class=\"many tiles\" fill=\"none\" stroke=\"#440154\" shape-rendering=\"crispEdges\" "
                "stroke-width=\"50\" d=\"M10 45h50M60 95h50\" data-n=\"4 3\"/>\n"
                "<path class=\"many tiles\" fill=\"none\" stroke=\"#fde725\" shape-rendering=\"crispEdges\" "
                "stroke-width=\"50\" d=\"M60 45h50\" data-n=\"5\"/>\n");
}

static void test_image_facet_faint_line_and_hidden_group(void **state)
{
    (void)state;
    hpx_svg *svg = figure();
    hpx_svg_image(svg, 1, 2, 30, 40, "data:,");
    hpx_svg_open_hidden(svg, "seed", 3);
    hpx_svg_faint_line(svg, &square, 0, (double[]){0, 10}, (double[]){0, 1}, 2);
    hpx_svg_close(svg);
    hpx_svg_facet(svg, (double[]){0, 1, 2, 3, 4, 5, 6, 7.5}, 2,
                  &(hpx_svg_heat_scale){0, 2, -1, HPX_SVG_BY_VALUE});
    expect(
        svg,
        "<image x=\"1\" y=\"2\" width=\"30\" height=\"40\" href=\"data:,\"/>\n"
        "<g class=\"seed\" data-n=\"3\" display=\"none\">\n"
        "<path class=\"line s0\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"1\" stroke-opacity=\"0.3\" "
        "stroke-linejoin=\"round\" d=\"M10 120L110 20\"/>\n"
        "</g>\n"
        "<path class=\"facet\" fill=\"#fde725\" stroke=\"#ffffff\" stroke-width=\"0.5\" "
        "d=\"M0 1L2 3L4 5L6 7.5z\"/>\n");
}

static void test_group_and_heat_cell(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b"};
    hpx_svg_plot plot = square;
    plot.x = plot.y = (hpx_svg_axis){.names = names, .count = 2};
    hpx_svg *svg = figure();
    hpx_svg_open(svg, "cell", 12);
    hpx_svg_heat_cell(svg, &plot, 1, 0, 2, &(hpx_svg_heat_scale){0, 2, -1});
    hpx_svg_close(svg);
    expect(svg, "<g class=\"cell\" data-n=\"12\">\n"
                "<rect x=\"60\" y=\"20\" width=\"50\" height=\"50\" fill=\"#fde725\" stroke=\"#ffffff\"/>\n"
                "</g>\n");
}

/* The labels of an axis, a blank behind each. */
static void expect_ticks(hpx_svg_axis axis, const char *expected)
{
    static const char *const none[] = {""};
    hpx_svg_plot plot = square;
    plot.x = axis;
    plot.width = 300;
    plot.y = (hpx_svg_axis){.names = none, .count = 0};
    hpx_svg *svg = figure();
    hpx_svg_axes(svg, &plot);
    char *text = marks(svg), got[256] = "";
    for (char *at = text; (at = strstr(at, "<text"));) {
        at = strchr(at, '>') + 1;
        char *end = strchr(at, '<');
        strncat(got, at, (size_t)(end - at));
        strcat(got, " ");
    }
    assert_string_equal(got, expected);
    free(text);
}

static void test_ticks(void **state)
{
    (void)state;
    static const char *const names[] = {"relu", "<tanh>"};
    expect_ticks((hpx_svg_axis){NULL, 0, 1}, "0.0 0.2 0.4 0.6 0.8 1.0 ");
    expect_ticks((hpx_svg_axis){NULL, 15, 1}, "2 4 6 8 10 12 14 ");
    expect_ticks((hpx_svg_axis){NULL, -0.1, 0.1}, "\xe2\x88\x92"
                                                  "0.10 \xe2\x88\x92"
                                                  "0.05 0.00 0.05 0.10 ");
    expect_ticks((hpx_svg_axis){NULL, 0.97, 0.9805}, "0.970 0.972 0.974 0.976 0.978 0.980 ");
    expect_ticks((hpx_svg_axis){NULL, 0, 1e6}, "0 200000 400000 600000 800000 1000000 ");
    expect_ticks((hpx_svg_axis){NULL, 0.01, 1, .logarithmic = true}, "0.01 0.02 0.05 0.1 0.2 0.5 1 ");
    expect_ticks((hpx_svg_axis){NULL, 1e-5, 10, .logarithmic = true}, "1e-05 0.0001 0.001 0.01 0.1 1 10 ");
    expect_ticks((hpx_svg_axis){"x", .names = names, .count = 2}, "relu &lt;tanh&gt; x ");
}

static void test_logarithmic_places(void **state)
{
    (void)state;
    hpx_svg_plot plot = square;
    plot.x = (hpx_svg_axis){NULL, 1, 100, .logarithmic = true};
    hpx_svg *svg = figure();
    hpx_svg_range(svg, &plot, 0, 1, 0, 10, 0);
    hpx_svg_range(svg, &plot, 0, -5, 0, 1000, 0); /* both outside */
    char *text = marks(svg);
    assert_non_null(strstr(text, "\"M10 120L60 120\""));
    assert_non_null(strstr(text, "\"M10 120L110 120\""));
    free(text);
}

static void test_legend_and_text(void **state)
{
    (void)state;
    static const char *const names[] = {"a", NULL, "c"};
    hpx_svg *svg = figure();
    hpx_svg_legend(svg, 0, 20, names, 3);
    hpx_svg_text(svg, 1, 2, HPX_SVG_END, "x");
    char *text = marks(svg);
    assert_null(strstr(text, "s1"));
    assert_non_null(strstr(text, "<text x=\"27\" y=\"20\" class=\"legend\">a</text>"));
    assert_non_null(strstr(text, "<text x=\"27\" y=\"37\" class=\"legend\">c</text>"));
    assert_non_null(strstr(text, "<text x=\"1\" y=\"2\" text-anchor=\"end\" class=\"note\">x</text>"));
    assert_null(strstr(text, "style"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_band),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_span),
        cmocka_unit_test(test_bars),
        cmocka_unit_test(test_heat),
        cmocka_unit_test(test_heat_scales),
        cmocka_unit_test(test_heat_goes_by),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_image_facet_faint_line_and_hidden_group),
        cmocka_unit_test(test_group_and_heat_cell),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_logarithmic_places),
        cmocka_unit_test(test_legend_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
