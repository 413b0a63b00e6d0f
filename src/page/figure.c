/* What figures share: their plots and axes, points of cells, and the names of searches. */
#include "inside.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static hpx_svg_axis empty_axis(const char *label)
{
    return (hpx_svg_axis){.label = label, .from = INFINITY, .to = -INFINITY};
}

hpx_svg_plot hpx_page_plot(double height, const char *x, const char *y)
{
    return (hpx_svg_plot){
        .left = LEFT, .top = TOP, .width = INNER, .height = height, .x = empty_axis(x), .y = empty_axis(y)};
}

void hpx_page_include(hpx_svg_axis *axis, double value)
{
    axis->from = fmin(axis->from, value);
    axis->to = fmax(axis->to, value);
}

void hpx_page_widen(hpx_svg_axis *axis)
{
    if (!(axis->from <= axis->to)) {
        axis->from = 0;
        axis->to = 1;
    } else if (axis->logarithmic) {
        axis->from /= 1.15;
        axis->to *= 1.15;
    } else {
        const double margin =
            axis->to > axis->from ? 0.04 * (axis->to - axis->from) : 0.5 * fabs(axis->to) + 1e-6;
        axis->from -= margin;
        axis->to += margin;
    }
}

void hpx_page_choose_scale(hpx_svg_axis *axis, bool linear)
{
    axis->logarithmic = !linear && axis->from > 0 && axis->to > 10 * axis->from;
    hpx_page_widen(axis);
}

void hpx_figure_add_axis_views(struct figure *figure, hpx_svg *chosen, hpx_svg *linear)
{
    hpx_figure_add_view(figure, "logarithmic", "log", chosen);
    if (linear)
        hpx_figure_add_view(figure, "linear", "linear", linear);
}

double hpx_page_room(const char *const *names, size_t count, size_t most)
{
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        longest = strlen(names[i]) > longest ? strlen(names[i]) : longest;
    return 6.2 * (double)(longest < most ? longest : most);
}

void hpx_page_point(hpx_svg *svg, const hpx_svg_plot *plot, uint32_t cell, double x, double y)
{
    if (isnan(x) || isnan(y))
        return;
    hpx_svg_open(svg, "cell", cell);
    hpx_svg_points(svg, plot, 0, &x, &y, 1);
    hpx_svg_close(svg);
}

struct marks hpx_marks_new(size_t capacity)
{
    return (struct marks){.cells = hpx_alloc((capacity + 1) * sizeof(uint32_t)),
                          .x = hpx_alloc((capacity + 1) * sizeof(double)),
                          .y = hpx_alloc((capacity + 1) * sizeof(double))};
}

void hpx_marks_add(struct marks *marks, uint32_t cell, double x, double y)
{
    marks->cells[marks->count] = cell;
    marks->x[marks->count] = x;
    marks->y[marks->count++] = y;
}

void hpx_marks_put(hpx_svg *svg, const hpx_svg_plot *plot, struct marks *marks)
{
    if (marks->count > MANY)
        hpx_svg_dots(svg, plot, marks->cells, marks->x, marks->y, marks->count);
    for (size_t i = 0; i < marks->count && marks->count <= MANY; i++)
        hpx_page_point(svg, plot, marks->cells[i], marks->x[i], marks->y[i]);
    hpx_marks_free(marks);
}

void hpx_marks_free(struct marks *marks)
{
    free(marks->cells);
    free(marks->x);
    free(marks->y);
    *marks = (struct marks){0};
}

size_t hpx_page_search(const hpx_page *page, const char *name, size_t other)
{
    const size_t count = page->outcome ? page->outcome->search_count : 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(page->outcome->searches[i].search->name, name) == 0)
            return i;
    return count + other;
}

double hpx_page_legend_height(size_t count)
{
    return HPX_SVG_LEGEND_STEP * (double)((count + 1) / 2);
}

void hpx_page_legend(hpx_svg *svg, const hpx_page *page, const char *const *names, size_t count, double top)
{
    for (size_t i = 0; i < count; i++) {
        const double left = LEFT + (i % 2 ? INNER / 2 : 0), y = top + HPX_SVG_LEGEND_STEP * (double)(i / 2);
        hpx_svg_open(svg, "search", hpx_page_search(page, names[i], i));
        hpx_svg_legend_line(svg, left, y, i % HPX_SVG_SERIES, names[i]);
        hpx_svg_close(svg);
    }
}
