#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FAINT "#6e7781"
#define GRID  "#e4e7eb"

static const char *const colours[HPX_SVG_SERIES] = {BLUE,      "#d55e00", "#009e73", "#cc79a7",
                                                    "#e69f00", "#56b4e9", "#555555", "#882255"};

/* --- text --------------------------------------------------------------------------------------------------- */

/* Two decimals at most; the same on every machine, for no digit depends on how a library rounds. */
void hpx_svg_put_number(hpx_svg *svg, double value)
{
    const long long hundredths = llround(value * 100), whole = llabs(hundredths) / 100,
                    part = llabs(hundredths) % 100;
    hpx_buffer_printf(&svg->text, "%s%lld", hundredths < 0 ? "-" : "", whole);
    if (part)
        hpx_buffer_printf(&svg->text, part % 10 ? ".%02lld" : ".%lld", part % 10 ? part : part / 10);
}

void hpx_svg_put_attribute(hpx_svg *svg, const char *name, double value)
{
    hpx_buffer_printf(&svg->text, " %s=\"", name);
    hpx_svg_put_number(svg, value);
    hpx_buffer_puts(&svg->text, "\"");
}

void hpx_svg_put_text(hpx_svg *svg, double x, double y, hpx_svg_anchor anchor, const char *attributes,
                      const char *text)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    hpx_buffer_puts(&svg->text, "<text");
    hpx_svg_put_attribute(svg, "x", x);
    hpx_svg_put_attribute(svg, "y", y);
    hpx_buffer_printf(&svg->text, "%s%s>", anchors[anchor], attributes);
    hpx_text_xml(&svg->text, text, false);
    hpx_buffer_puts(&svg->text, "</text>\n");
}

hpx_svg *hpx_svg_new(double width, double height, const char *title, const char *description)
{
    hpx_svg *svg = hpx_alloc(sizeof *svg);
    hpx_buffer_puts(&svg->text, "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"");
    hpx_svg_put_attribute(svg, "width", width);
    hpx_svg_put_attribute(svg, "height", height);
    hpx_buffer_puts(&svg->text, " viewBox=\"0 0 ");
    hpx_svg_put_number(svg, width);
    hpx_buffer_puts(&svg->text, " ");
    hpx_svg_put_number(svg, height);
    hpx_buffer_puts(&svg->text, "\">\n<title>");
    hpx_text_xml(&svg->text, title, false);
    hpx_buffer_puts(&svg->text, "</title>\n<desc>");
    hpx_text_xml(&svg->text, description, false);
    hpx_buffer_puts(&svg->text, "</desc>\n<rect class=\"paper\"");
    hpx_svg_put_attribute(svg, "width", width);
    hpx_svg_put_attribute(svg, "height", height);
    hpx_buffer_puts(&svg->text,
                    " rx=\"4\" fill=\"" PAPER "\"/>\n<g font-family=\"Helvetica, Arial, Liberation Sans, "
                    "sans-serif\" font-size=\"11\" fill=\"" INK "\">\n");
    return svg;
}

void hpx_svg_finish(hpx_buffer *out, hpx_svg *svg)
{
    hpx_buffer_puts(&svg->text, "</g>\n</svg>\n");
    hpx_buffer_add(out, svg->text.data, svg->text.size);
    hpx_buffer_free(&svg->text);
    free(svg);
}

void hpx_svg_open(hpx_svg *svg, const char *kind, size_t number)
{
    hpx_buffer_printf(&svg->text, "<g class=\"%s\" data-n=\"%zu\">\n", kind, number);
}

void hpx_svg_open_hidden(hpx_svg *svg, const char *kind, size_t number)
{
    hpx_buffer_printf(&svg->text, "<g class=\"%s\" data-n=\"%zu\" display=\"none\">\n", kind, number);
}

void hpx_svg_close(hpx_svg *svg)
{
    hpx_buffer_puts(&svg->text, "</g>\n");
}

void hpx_svg_text(hpx_svg *svg, double x, double y, hpx_svg_anchor anchor, const char *text)
{
    hpx_svg_put_text(svg, x, y, anchor, " class=\"note\"", text);
}

/* --- places -------------------------------------------------------------------------------------------------- */

/* Where a value, not NaN, lies between the ends of an axis: 0 .. 1. */
static double share(const hpx_svg_axis *axis, double value)
{
    double at;
    if (axis->names)
        at = (value + 0.5) / (double)axis->count;
    else if (axis->logarithmic)
        at = (log(fmax(value, DBL_MIN)) - log(axis->from)) / (log(axis->to) - log(axis->from));
    else
        at = (value - axis->from) / (axis->to - axis->from);
    return at < 0 ? 0 : at > 1 ? 1 : at;
}

double hpx_svg_place_x(const hpx_svg_plot *plot, double value)
{
    return plot->left + plot->width * share(&plot->x, value);
}

/* Numbers rise, names follow each other downwards. */
double hpx_svg_place_y(const hpx_svg_plot *plot, double value)
{
    const double at = share(&plot->y, value);
    return plot->top + plot->height * (plot->y.names ? at : 1 - at);
}

static void put_place(hpx_svg *svg, const char *command, const hpx_svg_plot *plot, double x, double y)
{
    hpx_buffer_puts(&svg->text, command);
    hpx_svg_put_number(svg, hpx_svg_place_x(plot, x));
    hpx_buffer_puts(&svg->text, " ");
    hpx_svg_put_number(svg, hpx_svg_place_y(plot, y));
}

/* --- axes ---------------------------------------------------------------------------------------------------- */

#define TICKS_MAX 32

struct ticks {
    double at[TICKS_MAX];
    size_t count;
    int decimals; /* of their labels */
};

static void add_tick(struct ticks *ticks, const hpx_svg_axis *axis, double value)
{
    const double low = fmin(axis->from, axis->to), high = fmax(axis->from, axis->to);
    const double slack = 1e-9 * (high - low);
    if (ticks->count < TICKS_MAX && value >= low - slack && value <= high + slack)
        ticks->at[ticks->count++] = value;
}

/* Multiples of 1, 2 or 5 times a power of ten, about so many. */
static void linear_ticks(struct ticks *out, const hpx_svg_axis *axis, double about)
{
    const double low = fmin(axis->from, axis->to), high = fmax(axis->from, axis->to);
    const double rough = (high - low) / about;
    const int power = (int)floor(log10(rough) + 1e-9);
    const double unit = pow(10, power), ratio = rough / unit;
    const double step = unit * (ratio <= 1.5 ? 1 : ratio <= 3.5 ? 2 : ratio <= 7.5 ? 5 : 10);
    out->decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    for (double k = ceil(low / step - 1e-9); k * step <= high + 1e-9 * (high - low); k++)
        add_tick(out, axis, k * step);
}

/* Powers of ten; with 2 and 5 between where there are few of them. */
static void logarithmic_ticks(struct ticks *out, const hpx_svg_axis *axis)
{
    const double low = fmin(axis->from, axis->to), high = fmax(axis->from, axis->to);
    const bool few = log10(high / low) < 2.5;
    for (int power = (int)floor(log10(low) + 1e-9); pow(10, power) <= high * (1 + 1e-9); power++) {
        add_tick(out, axis, pow(10, power));
        if (few) {
            add_tick(out, axis, 2 * pow(10, power));
            add_tick(out, axis, 5 * pow(10, power));
        }
    }
}

static struct ticks ticks_of(const hpx_svg_axis *axis, double length, double distance)
{
    struct ticks ticks = {.decimals = -1};
    if (axis->logarithmic)
        logarithmic_ticks(&ticks, axis);
    else
        linear_ticks(&ticks, axis, fmax(2, length / distance));
    return ticks;
}

/* With a minus sign in the place of a hyphen. */
static void tick_label(char out[48], const struct ticks *ticks, size_t i)
{
    const double value = ticks->at[i];
    char digits[40];
    if (ticks->decimals >= 0)
        hpx_print(digits, sizeof digits, "%.*f", ticks->decimals, fabs(value));
    else
        hpx_print(digits, sizeof digits, "%g", fabs(value));
    hpx_print(out, 48, "%s%s", value < 0 && strpbrk(digits, "123456789") ? "\xe2\x88\x92" : "", digits);
}

static void put_straight(hpx_svg *svg, double x0, double y0, double x1, double y1)
{
    hpx_buffer_puts(&svg->text, "M");
    hpx_svg_put_number(svg, x0);
    hpx_buffer_puts(&svg->text, " ");
    hpx_svg_put_number(svg, y0);
    hpx_buffer_puts(&svg->text, x0 == x1 ? "V" : "H");
    hpx_svg_put_number(svg, x0 == x1 ? y1 : x1);
}

#define SMALL " class=\"tick\" fill=\"" FAINT "\""

/* Of a tick: on the left of the plot, or below it. */
static void put_tick_label(hpx_svg *svg, const hpx_svg_plot *plot, bool upright, double at, const char *text)
{
    if (upright)
        hpx_svg_put_text(svg, plot->left - 7, hpx_svg_place_y(plot, at) + 4, HPX_SVG_END, SMALL, text);
    else
        hpx_svg_put_text(svg, hpx_svg_place_x(plot, at), plot->top + plot->height + 15, HPX_SVG_MIDDLE, SMALL,
                         text);
}

static void put_grid_line(hpx_svg *svg, const hpx_svg_plot *plot, bool upright, double at)
{
    if (upright)
        put_straight(svg, plot->left, hpx_svg_place_y(plot, at), plot->left + plot->width,
                     hpx_svg_place_y(plot, at));
    else
        put_straight(svg, hpx_svg_place_x(plot, at), plot->top, hpx_svg_place_x(plot, at),
                     plot->top + plot->height);
}

/* The y axis is upright. */
static void put_axis(hpx_svg *svg, const hpx_svg_plot *plot, bool upright)
{
    const hpx_svg_axis *axis = upright ? &plot->y : &plot->x;
    for (size_t i = 0; axis->names && i < axis->count; i++)
        if (axis->names[i][0])
            put_tick_label(svg, plot, upright, (double)i, axis->names[i]);
    if (axis->names)
        return;
    const struct ticks ticks = upright ? ticks_of(axis, plot->height, 40) : ticks_of(axis, plot->width, 60);
    hpx_buffer_puts(&svg->text, "<path class=\"grid\" stroke=\"" GRID "\" d=\"");
    for (size_t i = 0; i < ticks.count; i++)
        put_grid_line(svg, plot, upright, ticks.at[i]);
    hpx_buffer_puts(&svg->text, "\"/>\n");
    for (size_t i = 0; i < ticks.count; i++) {
        char label[48];
        tick_label(label, &ticks, i);
        put_tick_label(svg, plot, upright, ticks.at[i], label);
    }
}

void hpx_svg_axes(hpx_svg *svg, const hpx_svg_plot *plot)
{
    const double right = plot->left + plot->width, bottom = plot->top + plot->height;
    put_axis(svg, plot, false);
    put_axis(svg, plot, true);
    if (!plot->x.names || !plot->y.names) {
        hpx_buffer_puts(&svg->text, "<path class=\"axis\" fill=\"none\" stroke=\"" FAINT "\" d=\"");
        if (plot->y.names)
            put_straight(svg, plot->left, plot->top, plot->left, bottom);
        else
            put_straight(svg, plot->left, bottom, right, bottom);
        hpx_buffer_puts(&svg->text, "\"/>\n");
    }
    if (plot->x.label)
        hpx_svg_put_text(svg, (plot->left + right) / 2, bottom + 32, HPX_SVG_MIDDLE, " class=\"label\"",
                         plot->x.label);
    if (plot->y.label) /* above the axis, where it reads without a turn of the head */
        hpx_svg_put_text(svg, plot->left, plot->top - 9, HPX_SVG_START, " class=\"label\"", plot->y.label);
    if (plot->title)
        hpx_svg_put_text(svg, plot->left, plot->top - (plot->y.label ? 26 : 10), HPX_SVG_START,
                         " class=\"title\" font-size=\"12\" font-weight=\"bold\"", plot->title);
}

/* --- marks --------------------------------------------------------------------------------------------------- */

static void put_points(hpx_svg *svg, const hpx_svg_plot *plot, const double *x, const double *y, size_t count)
{
    const char *command = "M";
    for (size_t i = 0; i < count; i++) {
        const bool there = !isnan(x[i]) && !isnan(y[i]);
        if (there)
            put_place(svg, command, plot, x[i], y[i]);
        command = there ? "L" : "M";
    }
}

static void put_line(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const char *stroke,
                     const double *x, const double *y, size_t count)
{
    assert(series < HPX_SVG_SERIES);
    hpx_buffer_printf(&svg->text,
                      "<path class=\"line s%zu\" fill=\"none\" stroke=\"%s\" %s "
                      "stroke-linejoin=\"round\" d=\"",
                      series, colours[series], stroke);
    put_points(svg, plot, x, y, count);
    hpx_buffer_puts(&svg->text, "\"/>\n");
}

void hpx_svg_line(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const double *x, const double *y,
                  size_t count)
{
    put_line(svg, plot, series, "stroke-width=\"1.75\"", x, y, count);
}

void hpx_svg_faint_line(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const double *x,
                        const double *y, size_t count)
{
    put_line(svg, plot, series, "stroke-width=\"1\" stroke-opacity=\"0.3\"", x, y, count);
}

#define SHAPES 5 /* a circle, a square, a diamond, triangles; the next series have the same, hollow */

static void put_shape(hpx_svg *svg, size_t series, double x, double y)
{
    static const char *const shapes[SHAPES] = {
        "m-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0 -6.4 0z",
        "m-3 -3h6v6h-6z",
        "m0 -4l4 4l-4 4l-4 -4z",
        "m0 -3.8l3.8 6.6h-7.6z",
        "m0 3.8l3.8 -6.6h-7.6z",
    };
    hpx_buffer_puts(&svg->text, "M");
    hpx_svg_put_number(svg, x);
    hpx_buffer_puts(&svg->text, " ");
    hpx_svg_put_number(svg, y);
    hpx_buffer_puts(&svg->text, shapes[series % SHAPES]);
}

static void begin_shapes(hpx_svg *svg, size_t series)
{
    const char *colour = colours[series];
    const bool hollow = series / SHAPES % 2;
    hpx_buffer_printf(&svg->text, "<path class=\"points s%zu\" fill=\"%s\" stroke=\"%s\" d=\"", series,
                      hollow ? PAPER : colour, hollow ? colour : PAPER);
}

void hpx_svg_points(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const double *x, const double *y,
                    size_t count)
{
    assert(series < HPX_SVG_SERIES);
    begin_shapes(svg, series);
    for (size_t i = 0; i < count; i++)
        if (!isnan(x[i]) && !isnan(y[i]))
            put_shape(svg, series, hpx_svg_place_x(plot, x[i]), hpx_svg_place_y(plot, y[i]));
    hpx_buffer_puts(&svg->text, "\"/>\n");
}

/* One piece without gaps: along its upper edge, and back along the lower one. */
static void put_piece(hpx_svg *svg, const hpx_svg_plot *plot, const double *x, const double *low,
                      const double *high, size_t count)
{
    put_points(svg, plot, x, high, count);
    for (size_t i = count; i-- > 0;)
        put_place(svg, "L", plot, x[i], low[i]);
    hpx_buffer_puts(&svg->text, "z");
}

void hpx_svg_band(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const double *x, const double *low,
                  const double *high, size_t count)
{
    assert(series < HPX_SVG_SERIES);
    hpx_buffer_printf(&svg->text, "<path class=\"band s%zu\" fill=\"%s\" fill-opacity=\"0.15\" d=\"", series,
                      colours[series]);
    for (size_t begin = 0, end; begin < count; begin = end + 1) {
        for (end = begin; end < count && !isnan(x[end]) && !isnan(low[end]) && !isnan(high[end]);)
            end++;
        if (end > begin)
            put_piece(svg, plot, x + begin, low + begin, high + begin, end - begin);
    }
    hpx_buffer_puts(&svg->text, "\"/>\n");
}

void hpx_svg_range(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, double x0, double y0, double x1,
                   double y1)
{
    assert(series < HPX_SVG_SERIES);
    if (isnan(x0) || isnan(y0) || isnan(x1) || isnan(y1))
        return;
    hpx_buffer_printf(&svg->text, "<path class=\"range s%zu\" stroke=\"%s\" stroke-width=\"1.5\" d=\"",
                      series, colours[series]);
    put_place(svg, "M", plot, x0, y0);
    put_place(svg, "L", plot, x1, y1);
    hpx_buffer_puts(&svg->text, "\"/>\n");
}

void hpx_svg_put_rectangle(hpx_svg *svg, double left, double top, double right, double bottom)
{
    hpx_svg_put_attribute(svg, "x", left);
    hpx_svg_put_attribute(svg, "y", top);
    hpx_svg_put_attribute(svg, "width", right - left);
    hpx_svg_put_attribute(svg, "height", bottom - top);
}

void hpx_svg_bars(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const double *values, size_t count,
                  double thickness, double offset)
{
    assert(series < HPX_SVG_SERIES);
    hpx_buffer_printf(&svg->text, "<g class=\"bars s%zu\" fill=\"%s\">\n", series, colours[series]);
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        const double middle = (double)i + offset, from = middle - thickness / 2, to = middle + thickness / 2;
        hpx_buffer_puts(&svg->text, "<rect");
        if (plot->y.names)
            hpx_svg_put_rectangle(svg, plot->left, hpx_svg_place_y(plot, from),
                                  hpx_svg_place_x(plot, values[i]), hpx_svg_place_y(plot, to));
        else
            hpx_svg_put_rectangle(svg, hpx_svg_place_x(plot, from), hpx_svg_place_y(plot, values[i]),
                                  hpx_svg_place_x(plot, to), plot->top + plot->height);
        hpx_buffer_puts(&svg->text, "/>\n");
    }
    hpx_buffer_puts(&svg->text, "</g>\n");
}

void hpx_svg_span(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, double from, double to, size_t row,
                  double thickness, bool hollow)
{
    assert(series < HPX_SVG_SERIES);
    const double left = hpx_svg_place_x(plot, from), right = hpx_svg_place_x(plot, to), middle = (double)row;
    hpx_buffer_printf(&svg->text, "<rect class=\"span s%zu\" fill=\"%s\" stroke-width=\"0.75\" stroke=\"%s\"",
                      series, hollow ? "none" : colours[series], hollow ? colours[series] : "#ffffff");
    hpx_svg_put_rectangle(svg, left, hpx_svg_place_y(plot, middle - thickness / 2),
                          right < left + 1 ? left + 1 : right, hpx_svg_place_y(plot, middle + thickness / 2));
    hpx_buffer_puts(&svg->text, "/>\n");
}

void hpx_svg_image(hpx_svg *svg, double left, double top, double width, double height, const char *url)
{
    hpx_buffer_puts(&svg->text, "<image");
    hpx_svg_put_rectangle(svg, left, top, left + width, top + height);
    hpx_buffer_printf(&svg->text, " href=\"%s\"/>\n", url);
}

void hpx_svg_legend_line(hpx_svg *svg, double left, double y, size_t series, const char *name)
{
    assert(series < HPX_SVG_SERIES);
    hpx_buffer_printf(&svg->text, "<path class=\"line s%zu\" stroke=\"%s\" stroke-width=\"1.75\" d=\"",
                      series, colours[series]);
    put_straight(svg, left, y - 4, left + 20, y - 4);
    hpx_buffer_puts(&svg->text, "\"/>\n");
    begin_shapes(svg, series);
    put_shape(svg, series, left + 10, y - 4);
    hpx_buffer_puts(&svg->text, "\"/>\n");
    hpx_svg_put_text(svg, left + 27, y, HPX_SVG_START, " class=\"legend\"", name);
}

void hpx_svg_legend(hpx_svg *svg, double left, double top, const char *const *names, size_t count)
{
    double y = top;
    for (size_t series = 0; series < count; series++) {
        if (!names[series])
            continue;
        hpx_svg_legend_line(svg, left, y, series, names[series]);
        y += HPX_SVG_LEGEND_STEP;
    }
}
