/* The grid itself: where its cells lie, by the values of its axes. */
#include "inside.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum {
    NOT_STORED = 5,     /* a hollow mark */
    MISSING_MAX = 10000 /* cells of a map with such marks */
};

/* As the recipe says, or by its values: each is the one before times the same. */
static bool is_logarithmic(const hpx_axis *axis)
{
    const hpx_axis_value *values = axis->values;
    bool equal = axis->count > 2;
    if (!hpx_axis_is_numeric(axis))
        return false;
    for (uint32_t i = 0; i < axis->count; i++)
        if (values[i].number <= 0)
            return false;
    for (uint32_t i = 2; i < axis->count && equal; i++)
        equal =
            fabs(values[i].number * values[0].number / (values[i - 1].number * values[1].number) - 1) < 1e-6;
    return equal || axis->logarithmic;
}

/* By the numbers of its values; by their places where it has words. */
static hpx_svg_axis scale_of(const hpx_axis *axis, const char *const *names, bool linear)
{
    hpx_svg_axis out = {.label = axis->name, .from = INFINITY, .to = -INFINITY};
    if (!hpx_axis_is_numeric(axis))
        return (hpx_svg_axis){.label = axis->name, .names = names, .count = axis->count};
    for (uint32_t i = 0; i < axis->count; i++)
        hpx_page_include(&out, axis->values[i].number);
    out.logarithmic = !linear && is_logarithmic(axis);
    hpx_page_widen(&out);
    return out;
}

static double place_on(const hpx_svg_axis *scale, const hpx_axis *axis, size_t i)
{
    return scale->names ? (double)i : axis->values[i].number;
}

static hpx_svg *draw(const struct map *map, bool linear)
{
    const hpx_recipe *recipe = map->page->recipe;
    const hpx_axis *rows = &recipe->axes[map->rows], *columns = &recipe->axes[map->columns];
    const size_t count = map->plot.x.count * map->plot.y.count;
    const bool line = map->rows == map->columns;
    struct marks there = hpx_marks_new(count), missing = hpx_marks_new(count);
    hpx_svg_plot plot = hpx_page_plot(line ? 40 : HIGH, columns->name, NULL);
    plot.x = scale_of(columns, map->column_names, linear);
    plot.y = line ? map->plot.y : scale_of(rows, map->row_names, linear);
    for (size_t i = 0; i < count; i++) {
        const size_t row = i / columns->count, column = i % columns->count;
        const uint32_t cell = hpx_map_cell(map, row, column);
        const bool stored = map->page->cells[cell].values != NULL;
        if (!stored && count > MISSING_MAX)
            continue;
        hpx_marks_add(stored ? &there : &missing, cell, place_on(&plot.x, columns, column),
                      line ? 0 : place_on(&plot.y, rows, row));
    }
    hpx_svg *svg = hpx_svg_new(WIDTH, TOP + plot.height + 48, "Grid",
                               "A point for each cell, by its values on both axes.");
    hpx_svg_axes(svg, &plot);
    hpx_svg_points(svg, &plot, NOT_STORED, missing.x, missing.y, missing.count);
    hpx_marks_put(svg, &plot, &there);
    hpx_marks_free(&missing);
    return svg;
}

static void put_axes(struct figure *figure, const hpx_recipe *recipe)
{
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, recipe->grid.axes);
    hpx_sheet_head(&sheet, "axis", false);
    hpx_sheet_head(&sheet, "spacing", false);
    hpx_sheet_head(&sheet, "values", false);
    for (size_t i = 0; i < recipe->grid.axes; i++) {
        const hpx_axis *axis = &recipe->axes[i];
        hpx_buffer values = {0};
        for (uint32_t k = 0; k < axis->count; k++)
            hpx_buffer_printf(&values, "%s%s", k ? ", " : "", axis->values[k].text);
        hpx_sheet_row(&sheet, NO_CELL);
        hpx_sheet_name(&sheet, axis->name);
        hpx_sheet_text(&sheet, is_logarithmic(axis)        ? "logarithmic"
                               : hpx_axis_is_numeric(axis) ? "by value"
                                                           : "words");
        hpx_sheet_text(&sheet, hpx_buffer_text(&values));
        hpx_buffer_free(&values);
    }
    hpx_sheet_close(&sheet);
}

void hpx_page_grid(hpx_page *page)
{
    struct map map;
    hpx_map_open(&map, page, WIDTH, HIGH, 40, 40);
    const bool logarithmic =
        is_logarithmic(&page->recipe->axes[map.rows]) || is_logarithmic(&page->recipe->axes[map.columns]);
    struct figure *figure = hpx_page_add_figure(page, "grid", "Grid");
    hpx_figure_add_axis_views(figure, draw(&map, false), logarithmic ? draw(&map, true) : NULL);
    hpx_figure_say(figure, map.plot.x.count * map.plot.y.count > MISSING_MAX
                               ? "A point is a cell that is stored; the others are too many to be drawn."
                               : "A point is a cell; hollow ones are not stored.");
    if (logarithmic)
        hpx_figure_say(figure, " On logarithmic axes steps are ratios: few cells go a long way.");
    hpx_map_say_fixed(figure, &map);
    put_axes(figure, page->recipe);
    hpx_map_close(&map);
}
