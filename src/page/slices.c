/* Slices: the score along one axis of the map, a line for each value of the other. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "statistics/ranks.h"

#include <math.h>
#include <stdlib.h>

enum { SLICES_MAX = 24, TALL = 240, KEY_STEP = 14 };

struct slices {
    const struct map *map;
    const hpx_axis *along, *across;
    size_t axis; /* that they go along */
};

static uint32_t cell_of(const struct slices *slices, size_t line, size_t i)
{
    return slices->axis == slices->map->columns ? hpx_map_cell(slices->map, line, i)
                                                : hpx_map_cell(slices->map, i, line);
}

/* The last score of a line; NaN: it has none. */
static double end_of(const struct slices *slices, size_t line)
{
    double end = NAN;
    for (size_t i = slices->along->count; i-- > 0 && isnan(end);)
        end = slices->map->page->cells[cell_of(slices, line, i)].score;
    return end;
}

/* The value that each line stands for, beside its end, or as near to that as the others leave room. */
static void put_keys(hpx_svg *svg, const hpx_svg_plot *plot, const struct slices *slices)
{
    hpx_numbered *ends = hpx_alloc(slices->across->count * sizeof *ends);
    size_t count = 0;
    for (size_t line = 0; line < slices->across->count; line++) {
        const double end = end_of(slices, line);
        const double height = (end - plot->y.from) / (plot->y.to - plot->y.from);
        if (!isnan(end))
            ends[count++] = (hpx_numbered){plot->top + plot->height * (1 - height), (uint32_t)line};
    }
    hpx_sort_numbered(ends, count);
    double y = plot->top;
    for (size_t i = 0; i < count; i++) {
        const double least = plot->top + plot->height - KEY_STEP * (double)(count - 1 - i);
        y = fmin(fmax(ends[i].value + 4, y), fmax(least, y));
        hpx_svg_legend_line(svg, plot->left + plot->width + 10, y, ends[i].number % HPX_SVG_SERIES,
                            slices->across->values[ends[i].number].text);
        y += KEY_STEP;
    }
    free(ends);
}

static void put_line(hpx_svg *svg, const hpx_svg_plot *plot, const struct slices *slices, size_t line)
{
    const size_t count = slices->along->count, series = line % HPX_SVG_SERIES;
    double *x = hpx_alloc(2 * count * sizeof *x), *y = x + count;
    for (size_t i = 0; i < count; i++) {
        x[i] = (double)i;
        y[i] = slices->map->page->cells[cell_of(slices, line, i)].score;
    }
    hpx_svg_line(svg, plot, series, x, y, count);
    for (size_t i = 0; i < count; i++) {
        if (isnan(y[i]))
            continue;
        hpx_svg_open(svg, "cell", cell_of(slices, line, i));
        hpx_svg_points(svg, plot, series, x + i, y + i, 1);
        hpx_svg_close(svg);
    }
    free(x);
}

static hpx_svg *draw(const struct slices *slices)
{
    const hpx_page *page = slices->map->page;
    const double keys = 40 + DIGIT * (double)hpx_axis_longest(slices->across);
    const double high = fmax(TALL, KEY_STEP * (double)slices->across->count);
    hpx_svg_plot plot = hpx_page_plot(high, NULL, page->recipe->objective.name);
    plot.width = WIDTH - LEFT - 10 - keys;
    const char **names = hpx_axis_names(slices->along, plot.width / slices->along->count,
                                        10 + DIGIT * (double)hpx_axis_longest(slices->along));
    plot.x = (hpx_svg_axis){.label = slices->along->name, .names = names, .count = slices->along->count};
    for (size_t line = 0; line < slices->across->count; line++)
        for (size_t i = 0; i < slices->along->count; i++)
            hpx_page_include(&plot.y, page->cells[cell_of(slices, line, i)].score);
    hpx_page_widen(&plot.y);
    hpx_svg *svg = hpx_svg_new(WIDTH, TOP + high + 48, slices->along->name,
                               "The score along one axis, a line for each value of the other.");
    hpx_svg_axes(svg, &plot);
    hpx_svg_text(svg, plot.left + plot.width + 10, plot.top - 9, HPX_SVG_START, slices->across->name);
    for (size_t line = 0; line < slices->across->count; line++)
        put_line(svg, &plot, slices, line);
    put_keys(svg, &plot, slices);
    free(names);
    return svg;
}

static void put_numbers(struct figure *figure, const struct slices *slices)
{
    const hpx_page *page = slices->map->page;
    char *corner = hpx_format("%s \\ %s", slices->across->name, slices->along->name);
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, slices->across->count);
    hpx_sheet_head(&sheet, corner, false);
    for (size_t i = 0; i < slices->along->count; i++)
        hpx_sheet_head(&sheet, slices->along->values[i].text, true);
    for (size_t line = 0; line < slices->across->count; line++) {
        hpx_sheet_row(&sheet, NO_CELL);
        hpx_sheet_name(&sheet, slices->across->values[line].text);
        for (size_t i = 0; i < slices->along->count; i++)
            hpx_sheet_number(&sheet, hpx_page_decimals(page), page->cells[cell_of(slices, line, i)].score);
    }
    hpx_sheet_close(&sheet);
    free(corner);
}

static void add_slices(hpx_page *page, const struct slices *slices)
{
    if (hpx_grid_is_unordered(&page->recipe->grid, slices->axis))
        return; /* no line leads from one word to the next */
    if (slices->across->count > SLICES_MAX) {
        hpx_buffer *caption = &page->figures[page->figure_count - 1].caption;
        hpx_buffer_puts(caption, " Slices along ");
        hpx_html_text(caption, slices->along->name);
        hpx_buffer_printf(caption, " are left out: nobody could tell %u lines apart.", slices->across->count);
        return;
    }
    struct figure *figure =
        hpx_page_add_numbered(page, "slices", slices->axis, "Slices along", slices->along->name);
    hpx_figure_add_view(figure, NULL, NULL, draw(slices));
    hpx_figure_say(figure, "A line for each value of ");
    hpx_html_text(&figure->caption, slices->across->name);
    hpx_figure_say(figure, ", named where it ends.");
    hpx_map_say_fixed(figure, slices->map);
    put_numbers(figure, slices);
}

void hpx_page_slices(hpx_page *page)
{
    struct map map;
    hpx_map_open(&map, page, WIDTH, WIDTH, 40, 40);
    const hpx_axis *rows = &page->recipe->axes[map.rows], *columns = &page->recipe->axes[map.columns];
    if (rows->count > 1 && columns->count > 1 && map.rows != map.columns) {
        const struct slices both[] = {{&map, rows, columns, map.rows}, {&map, columns, rows, map.columns}};
        add_slices(page, &both[0]);
        add_slices(page, &both[1]);
    }
    hpx_map_close(&map);
}
