/* Figures, as text of SVG 1.1. A figure holds plots: rectangles with two axes, on which marks are put in the units of the data.
 *
 *     hpx_svg *svg = hpx_svg_new(360, 240, "Title", "What is to be seen, for who does not see it.");
 *     const hpx_svg_plot plot = {.left = 60, .top = 30, .width = 280, .height = 160,
 *                                .x = {"epochs", 1, 15}, .y = {"regret", 1e-4, 1e-2, .logarithmic = true}};
 *     hpx_svg_axes(svg, &plot);
 *     hpx_svg_line(svg, &plot, 0, x, y, count);
 *     hpx_svg_finish(out, svg);
 *
 * The same calls give the same bytes: numbers have at most two decimals. Looks are presentation attributes, without styles,
 * scripts, identifiers or links, so that a page with a strict policy may embed it; everything has a class, by which a page
 * may give it other looks. Figures bring their own white ground. A series is a number, 0 .. HPX_SVG_SERIES - 1: a
 * colour that colour-blind people tell from the others (M. Okabe, K. Ito, 2008) and a shape of its points.
 *
 * What lies outside of a plot is drawn on its edge; what is NaN is left out. */
#ifndef HPX_SVG_H
#define HPX_SVG_H

#include "hpx/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_SVG_SERIES 8

typedef struct hpx_svg hpx_svg;

typedef struct hpx_svg_axis {
    const char *label; /* NULL: none */
    double from, to;   /* its ends, different, in either order; above 0 on a logarithmic axis */
    bool logarithmic;
    const char *const
        *names;   /* of places 0, 1 ... in the stead of numbers: from the left, from the top; NULL: none */
    size_t count; /* of names; then `from` and `to` say nothing */
} hpx_svg_axis;

typedef struct hpx_svg_plot {
    const char *title; /* NULL: none */
    double left, top, width, height;
    hpx_svg_axis x, y;
} hpx_svg_plot;

typedef enum hpx_svg_anchor {
    HPX_SVG_START,
    HPX_SVG_MIDDLE,
    HPX_SVG_END,
} hpx_svg_anchor;

hpx_svg *hpx_svg_new(double width, double height, const char *title, const char *description);
void hpx_svg_finish(hpx_buffer *out, hpx_svg *svg); /* appends the text, and frees the figure */

/* What is put between these two is one thing, `number` of its kind: a group of that class, with data-n="NUMBER". */
void hpx_svg_open(hpx_svg *svg, const char *kind, size_t number);
/* The same, which is not shown unless the page that has the figure says so. */
void hpx_svg_open_hidden(hpx_svg *svg, const char *kind, size_t number);
void hpx_svg_close(hpx_svg *svg);

/* In the units of the figure; `y` is the line on which the text stands. */
void hpx_svg_text(hpx_svg *svg, double x, double y, hpx_svg_anchor anchor, const char *text);

/* An image, by an address that may have all its bytes. */
void hpx_svg_image(hpx_svg *svg, double left, double top, double width, double height, const char *url);

#define HPX_SVG_LEGEND_STEP 17 /* from a line of a legend to the one below it */

/* What a series looks like, and its name; `y` is the line on which that stands. */
void hpx_svg_legend_line(hpx_svg *svg, double left, double y, size_t series, const char *name);
/* The names of series 0, 1 ... below each other; a series without a name (NULL) takes no line. */
void hpx_svg_legend(hpx_svg *svg, double left, double top, const char *const *names, size_t count);

void hpx_svg_axes(hpx_svg *svg, const hpx_svg_plot *plot);

/* `count` points each. A line breaks where one is NaN. */
void hpx_svg_line(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const double *x, const double *y,
                  size_t count);
/* One of so many that they would hide each other. */
void hpx_svg_faint_line(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const double *x,
                        const double *y, size_t count);
void hpx_svg_points(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const double *x, const double *y,
                    size_t count);
void hpx_svg_band(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const double *x, const double *low,
                  const double *high, size_t count);

/* From one point to another, such as an interval around a point. */
void hpx_svg_range(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, double x0, double y0, double x1,
                   double y1);

/* A bar for each name of an axis, from where the other axis begins to its value. It is `thickness` wide and lies by `offset`
 * beside the middle, in shares of the distance between two names. */
void hpx_svg_bars(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const double *values, size_t count,
                  double thickness, double offset);

/* A bar in a row of such a plot, from one value to another, however near they are; or only its edge. */
void hpx_svg_span(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, double from, double to, size_t row,
                  double thickness, bool hollow);

/* A plot with names on both axes: a cell for each pair, row by row, coloured from `dark` to `bright`, which may be
 * the smaller one, with the value in it. Where they are equal all are bright. Or one cell alone.
 * Lines part the cells unless they are small. */
typedef enum hpx_svg_colours {
    HPX_SVG_BY_VALUE,
    HPX_SVG_BY_LOGARITHM,
    HPX_SVG_BY_ERROR, /* of accuracies: by the logarithm of what they lack of 1 */
} hpx_svg_colours;

typedef struct hpx_svg_heat_scale {
    double dark, bright;
    int decimals; /* below 0: no values are written */
    hpx_svg_colours by;
} hpx_svg_heat_scale;

void hpx_svg_heat(hpx_svg *svg, const hpx_svg_plot *plot, const double *values,
                  const hpx_svg_heat_scale *scale);
void hpx_svg_heat_cell(hpx_svg *svg, const hpx_svg_plot *plot, size_t column, size_t row, double value,
                       const hpx_svg_heat_scale *scale);
void hpx_svg_frame(hpx_svg *svg, const hpx_svg_plot *plot, size_t column, size_t row); /* around one cell */

/* A piece of a surface: four corners, x and y in the units of the figure, coloured by a value. */
void hpx_svg_facet(hpx_svg *svg, const double corners[8], double value, const hpx_svg_heat_scale *scale);

/* Marks of so many things that an element each would be slow to draw. They share a path, or one for each of 64 colours. Its
 * data-n has their numbers, in the order of its subpaths, each as the difference from the one before. */
void hpx_svg_dots(hpx_svg *svg, const hpx_svg_plot *plot, const uint32_t *numbers, const double *x,
                  const double *y, size_t count);
/* A heat map without values in its cells; numbers row by row, as the values are. */
void hpx_svg_tiles(hpx_svg *svg, const hpx_svg_plot *plot, const uint32_t *numbers, const double *values,
                   const hpx_svg_heat_scale *scale);

#endif
