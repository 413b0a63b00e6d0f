/* Values as colours: heat maps, surfaces, and marks of so many things that they share a path. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* Viridis (S. van der Walt, N. Smith, 2015), every eighth of it: its brightness rises evenly. */
static const uint8_t viridis[9][3] = {{68, 1, 84},    {71, 44, 122},  {59, 81, 139},
                                      {44, 113, 142}, {33, 144, 141}, {39, 173, 129},
                                      {92, 200, 99},  {170, 220, 50}, {253, 231, 37}};

/* Of a share of the way from dark to bright; NaN is bright. */
static void put_colour(char out[8], double share, bool *is_bright)
{
    const double scaled = (share < 0 ? 0 : share < 1 ? share : 1) * 8;
    const int below = scaled >= 8 ? 7 : (int)scaled;
    int rgb[3];
    for (int i = 0; i < 3; i++)
        rgb[i] =
            (int)lround(viridis[below][i] + (scaled - below) * (viridis[below + 1][i] - viridis[below][i]));
    hpx_print(out, 8, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    *is_bright = 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] > 125000;
}

static double scaled(hpx_svg_colours by, double value)
{
    const double least = 1e-9; /* what is 0 has no logarithm */
    return by == HPX_SVG_BY_VALUE       ? value
           : by == HPX_SVG_BY_LOGARITHM ? log(fmax(value, least))
                                        : -log(fmax(1 - value, least));
}

static double share_of(const hpx_svg_heat_scale *scale, double value)
{
    const double dark = scaled(scale->by, scale->dark), bright = scaled(scale->by, scale->bright);
    return (scaled(scale->by, value) - dark) / (bright - dark);
}

void hpx_svg_heat_cell(hpx_svg *svg, const hpx_svg_plot *plot, size_t column, size_t row, double value,
                       const hpx_svg_heat_scale *scale)
{
    const double x = (double)column, y = (double)row;
    const bool parted = plot->width >= 8 * (double)plot->x.count && plot->height >= 8 * (double)plot->y.count;
    bool bright;
    char colour[8], text[40];
    put_colour(colour, share_of(scale, value), &bright);
    hpx_buffer_puts(&svg->text, "<rect");
    hpx_svg_put_rectangle(svg, hpx_svg_place_x(plot, x - 0.5), hpx_svg_place_y(plot, y - 0.5),
                          hpx_svg_place_x(plot, x + 0.5), hpx_svg_place_y(plot, y + 0.5));
    hpx_buffer_printf(&svg->text, " fill=\"%s\"%s/>\n", colour, parted ? " stroke=\"" PAPER "\"" : "");
    if (scale->decimals < 0)
        return;
    hpx_print(text, sizeof text, "%.*f", scale->decimals, value);
    hpx_svg_put_text(svg, hpx_svg_place_x(plot, x), hpx_svg_place_y(plot, y) + 3.5, HPX_SVG_MIDDLE,
                     bright ? " font-size=\"10\"" : " font-size=\"10\" fill=\"" PAPER "\"", text);
}

void hpx_svg_heat(hpx_svg *svg, const hpx_svg_plot *plot, const double *values,
                  const hpx_svg_heat_scale *scale)
{
    assert(plot->x.names && plot->y.names);
    hpx_buffer_puts(&svg->text, "<g class=\"heat\">\n");
    for (size_t row = 0; row < plot->y.count; row++)
        for (size_t column = 0; column < plot->x.count; column++)
            if (!isnan(values[row * plot->x.count + column]))
                hpx_svg_heat_cell(svg, plot, column, row, values[row * plot->x.count + column], scale);
    hpx_buffer_puts(&svg->text, "</g>\n");
}

void hpx_svg_frame(hpx_svg *svg, const hpx_svg_plot *plot, size_t column, size_t row)
{
    const double x = (double)column, y = (double)row;
    hpx_buffer_puts(&svg->text, "<rect class=\"frame\"");
    hpx_svg_put_rectangle(svg, hpx_svg_place_x(plot, x - 0.5) + 1, hpx_svg_place_y(plot, y - 0.5) + 1,
                          hpx_svg_place_x(plot, x + 0.5) - 1, hpx_svg_place_y(plot, y + 0.5) - 1);
    hpx_buffer_puts(&svg->text, " fill=\"none\" stroke=\"" INK "\" stroke-width=\"2\"/>\n");
}

void hpx_svg_facet(hpx_svg *svg, const double corners[8], double value, const hpx_svg_heat_scale *scale)
{
    bool bright;
    char colour[8];
    put_colour(colour, share_of(scale, value), &bright);
    hpx_buffer_printf(&svg->text,
                      "<path class=\"facet\" fill=\"%s\" stroke=\"" PAPER "\" stroke-width=\"0.5\"", colour);
    for (int i = 0; i < 4; i++) {
        hpx_buffer_puts(&svg->text, i ? "L" : " d=\"M");
        hpx_svg_put_number(svg, corners[2 * i]);
        hpx_buffer_puts(&svg->text, " ");
        hpx_svg_put_number(svg, corners[2 * i + 1]);
    }
    hpx_buffer_puts(&svg->text, "z\"/>\n");
}

/* --- many ---------------------------------------------------------------------------------------------------- */

/* A path of many things, each from a place on a line to the right: its numbers are gathered while it is drawn. */
struct many {
    hpx_svg *svg;
    hpx_buffer numbers;
    uint32_t last;
};

static void add_one(struct many *many, uint32_t number, double x, double y, double length)
{
    hpx_buffer_printf(&many->numbers, "%s%lld", many->numbers.size ? " " : "",
                      (long long)number - (long long)many->last);
    many->last = number;
    hpx_buffer_puts(&many->svg->text, "M");
    hpx_svg_put_number(many->svg, x);
    hpx_buffer_puts(&many->svg->text, " ");
    hpx_svg_put_number(many->svg, y);
    hpx_buffer_puts(&many->svg->text, "h");
    hpx_svg_put_number(many->svg, length);
}

static void close_many(struct many *many)
{
    hpx_buffer_printf(&many->svg->text, "\" data-n=\"%s\"/>\n", hpx_buffer_text(&many->numbers));
    hpx_buffer_free(&many->numbers);
}

void hpx_svg_dots(hpx_svg *svg, const hpx_svg_plot *plot, const uint32_t *numbers, const double *x,
                  const double *y, size_t count)
{
    struct many many = {.svg = svg};
    hpx_buffer_puts(&svg->text,
                    "<path class=\"many dots\" fill=\"none\" stroke=\"" BLUE "\" stroke-width=\"4\" "
                    "stroke-linecap=\"round\" stroke-opacity=\"0.6\" d=\"");
    for (size_t i = 0; i < count; i++)
        if (!isnan(x[i]) && !isnan(y[i]))
            add_one(&many, numbers[i], hpx_svg_place_x(plot, x[i]), hpx_svg_place_y(plot, y[i]), 0);
    close_many(&many);
}

enum { COLOURS = 64 };

/* The cells of one colour. */
static void put_tiles(hpx_svg *svg, const hpx_svg_plot *plot, const uint32_t *numbers, const int8_t *colours,
                      int colour)
{
    const double width = plot->width / (double)plot->x.count, height = plot->height / (double)plot->y.count;
    struct many many = {.svg = svg};
    bool bright;
    char text[8];
    put_colour(text, colour / (COLOURS - 1.0), &bright);
    hpx_buffer_printf(&svg->text,
                      "<path class=\"many tiles\" fill=\"none\" stroke=\"%s\" "
                      "shape-rendering=\"crispEdges\"",
                      text);
    hpx_svg_put_attribute(svg, "stroke-width", height);
    hpx_buffer_puts(&svg->text, " d=\"");
    for (size_t i = 0; i < plot->x.count * plot->y.count; i++)
        if (colours[i] == colour)
            add_one(&many, numbers[i], plot->left + width * (double)(i % plot->x.count),
                    hpx_svg_place_y(plot, (double)(i / plot->x.count)), width);
    close_many(&many);
}

void hpx_svg_tiles(hpx_svg *svg, const hpx_svg_plot *plot, const uint32_t *numbers, const double *values,
                   const hpx_svg_heat_scale *scale)
{
    const size_t count = plot->x.count * plot->y.count;
    int8_t *colours = hpx_alloc(count + 1);
    bool used[COLOURS] = {false};
    for (size_t i = 0; i < count; i++) {
        const double share = share_of(scale, values[i]);
        colours[i] = isnan(values[i]) ? -1
                     : !(share < 1)   ? COLOURS - 1
                     : share < 0      ? 0
                                      : (int8_t)lround(share * (COLOURS - 1));
        if (colours[i] >= 0)
            used[colours[i]] = true;
    }
    for (int colour = 0; colour < COLOURS; colour++)
        if (used[colour])
            put_tiles(svg, plot, numbers, colours, colour);
    free(colours);
}
