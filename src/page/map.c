/* The grid as a map: which axes it has, where cells lie on it, and how it is filled. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MATRIX_MAX = 10000 /* cells of a table that has one for each of the map */ };

/* --- axes ------------------------------------------------------------------------------------------------------ */

size_t hpx_axis_longest(const hpx_axis *axis)
{
    size_t most = 0;
    for (uint32_t i = 0; i < axis->count; i++) {
        const size_t length = strlen(axis->values[i].text);
        most = length > most ? length : most;
    }
    return most < 24 ? most : 24;
}

const char **hpx_axis_names(const hpx_axis *axis, double distance, double room)
{
    const char **names = hpx_alloc(axis->count * sizeof *names);
    const uint32_t step = distance >= room ? 1 : (uint32_t)ceil(room / distance);
    for (uint32_t i = 0; i < axis->count; i++)
        names[i] = i % step == 0 ? axis->values[i].text : "";
    return names;
}

bool hpx_axis_is_numeric(const hpx_axis *axis)
{
    for (uint32_t i = 0; i < axis->count; i++)
        if (isnan(axis->values[i].number))
            return false;
    return true;
}

void hpx_map_axes(const hpx_page *page, size_t *rows, size_t *columns)
{
    const hpx_grid *grid = &page->recipe->grid;
    size_t most = 0, second = grid->axes;
    for (size_t axis = 1; axis < grid->axes; axis++)
        if (grid->counts[axis] > grid->counts[most])
            most = axis;
    for (size_t axis = grid->axes; axis-- > 0;)
        if (axis != most && (second == grid->axes || grid->counts[axis] >= grid->counts[second]))
            second = axis;
    second = second == grid->axes ? most : second;
    *rows = most < second ? most : second;
    *columns = most < second ? second : most;
}

/* --- the map --------------------------------------------------------------------------------------------------- */

static double between(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

void hpx_map_open(struct map *map, const hpx_page *page, double width, double height, double column_max,
                  double row_max)
{
    *map = (struct map){.page = page, .scale = page->scale};
    hpx_map_axes(page, &map->rows, &map->columns);
    const hpx_axis *rows = &page->recipe->axes[map->rows], *columns = &page->recipe->axes[map->columns];
    const bool line = map->rows == map->columns;
    const double left = line ? 16 : 18 + DIGIT * (double)hpx_axis_longest(rows);
    const double column = between((width - left - 16) / columns->count, 3, column_max);
    const double row = line ? row_max : between(height / rows->count, 3, row_max);
    map->column_names = hpx_axis_names(columns, column, 12 + DIGIT * (double)hpx_axis_longest(columns));
    map->row_names = line ? hpx_alloc(sizeof *map->row_names) : hpx_axis_names(rows, row, 13);
    if (line)
        map->row_names[0] = "";
    map->plot = (hpx_svg_plot){
        .left = left,
        .top = 30,
        .width = column * columns->count,
        .height = row * (line ? 1 : rows->count),
        .x = {.label = columns->name, .names = map->column_names, .count = columns->count},
        .y = {.label = line ? NULL : rows->name, .names = map->row_names, .count = line ? 1 : rows->count}};
    if (column >= 6 * (hpx_page_decimals(page) + 2) && row >= 15)
        map->scale.decimals = hpx_page_decimals(page);
}

void hpx_map_close(struct map *map)
{
    free(map->row_names);
    free(map->column_names);
}

uint32_t hpx_page_move(const hpx_page *page, uint32_t cell, size_t axis, uint32_t value)
{
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &page->recipe->grid, cell);
    indices[axis] = value;
    return hpx_grid_cell(&page->recipe->grid, indices);
}

uint32_t hpx_map_cell(const struct map *map, size_t row, size_t column)
{
    const uint32_t moved = hpx_page_move(map->page, map->page->shown, map->columns, (uint32_t)column);
    return map->rows == map->columns ? moved : hpx_page_move(map->page, moved, map->rows, (uint32_t)row);
}

void hpx_map_place(const struct map *map, uint32_t cell, uint32_t *row, uint32_t *column)
{
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &map->page->recipe->grid, cell);
    *column = indices[map->columns];
    *row = map->rows == map->columns ? 0 : indices[map->rows];
}

/* --- what is on it ----------------------------------------------------------------------------------------------- */

void hpx_map_heat(hpx_svg *svg, const struct map *map, uint32_t cell, size_t row, size_t column, double value)
{
    hpx_svg_open(svg, "heat cell", cell);
    hpx_svg_heat_cell(svg, &map->plot, column, row, value, &map->scale);
    hpx_svg_close(svg);
}

static void fill_densely(hpx_svg *svg, const struct map *map, value_fn *value_of)
{
    const size_t columns = map->plot.x.count, count = columns * map->plot.y.count;
    uint32_t *cells = hpx_alloc(count * sizeof *cells);
    double *values = hpx_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        cells[i] = hpx_map_cell(map, i / columns, i % columns);
        values[i] = value_of(map->page, cells[i]);
    }
    hpx_svg_tiles(svg, &map->plot, cells, values, &map->scale);
    free(cells);
    free(values);
}

void hpx_map_fill(hpx_svg *svg, const struct map *map, value_fn *value_of)
{
    if (map->plot.y.count * map->plot.x.count > MANY) {
        fill_densely(svg, map, value_of);
        return;
    }
    for (size_t row = 0; row < map->plot.y.count; row++)
        for (size_t column = 0; column < map->plot.x.count; column++) {
            const uint32_t cell = hpx_map_cell(map, row, column);
            const double value = value_of(map->page, cell);
            if (!isnan(value))
                hpx_map_heat(svg, map, cell, row, column, value);
        }
}

void hpx_map_legend(hpx_svg *svg, const struct map *map, double top, int digits)
{
    enum { STEPS = 24 };
    static const char *const names[STEPS] = {0};
    const hpx_svg_heat_scale bar = {.dark = 0, .bright = STEPS - 1, .decimals = -1};
    const hpx_svg_plot plot = {.left = map->plot.left + 60,
                               .top = top,
                               .width = 6 * STEPS,
                               .height = 10,
                               .x = {.names = names, .count = STEPS},
                               .y = {.names = names, .count = 1}};
    char text[40];
    hpx_svg_open(svg, "scale", 0);
    for (size_t i = 0; i < STEPS; i++)
        hpx_svg_heat_cell(svg, &plot, i, 0, (double)i, &bar);
    hpx_svg_close(svg);
    hpx_print(text, sizeof text, "%.*g", digits, map->scale.dark);
    hpx_svg_text(svg, plot.left - 6, top + 9, HPX_SVG_END, text);
    hpx_print(text, sizeof text, "%.*g", digits, map->scale.bright);
    hpx_svg_text(svg, plot.left + plot.width + 6, top + 9, HPX_SVG_START, text);
}

void hpx_page_say_fixed(struct figure *figure, const hpx_page *page, size_t shown, size_t other)
{
    const hpx_recipe *recipe = page->recipe;
    uint32_t indices[HPX_AXES_MAX];
    const char *before = " Here ";
    hpx_grid_indices(indices, &recipe->grid, page->shown);
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        if (axis == shown || axis == other)
            continue;
        hpx_figure_say(figure, before);
        hpx_html_text(&figure->caption, recipe->axes[axis].name);
        hpx_figure_say(figure, "=");
        hpx_html_text(&figure->caption, recipe->axes[axis].values[indices[axis]].text);
        before = ", ";
    }
    if (*before == ',')
        hpx_figure_say(figure, ".");
}

void hpx_map_say_fixed(struct figure *figure, const struct map *map)
{
    hpx_page_say_fixed(figure, map->page, map->rows, map->columns);
}

void hpx_map_sheet(struct figure *figure, const struct map *map, value_fn *value_of, int decimals)
{
    const hpx_recipe *recipe = map->page->recipe;
    const hpx_axis *rows = &recipe->axes[map->rows], *columns = &recipe->axes[map->columns];
    const bool line = map->rows == map->columns;
    struct sheet sheet;
    if (map->plot.y.count * map->plot.x.count > MATRIX_MAX) {
        hpx_figure_say(figure, " " ALL_CELLS);
        return;
    }
    char *corner = line ? hpx_strdup(columns->name) : hpx_format("%s \\ %s", rows->name, columns->name);
    hpx_figure_open_sheet(&sheet, figure, map->plot.y.count * map->plot.x.count);
    hpx_sheet_head(&sheet, corner, false);
    for (uint32_t column = 0; column < columns->count; column++)
        hpx_sheet_head(&sheet, columns->values[column].text, true);
    for (uint32_t row = 0; row < map->plot.y.count; row++) {
        hpx_sheet_row(&sheet, NO_CELL);
        hpx_sheet_name(&sheet, line ? "" : rows->values[row].text);
        for (uint32_t column = 0; column < columns->count; column++)
            hpx_sheet_number(&sheet, decimals, value_of(map->page, hpx_map_cell(map, row, column)));
    }
    hpx_sheet_close(&sheet);
    free(corner);
}
