/* Figures over the grid: the map of its scores, the paths of searches over it, and cuts along its axes. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FULL_WIDTH = 1080, PATH_WIDTH = 330, COST_WIDTH = 500, DIGIT = 7, PEAK_SURE = 2, PEAK_UNSURE = 7 };

/* The cell with another value on an axis. */
static uint32_t move_on(const hpx_page *page, uint32_t cell, size_t axis, uint32_t value)
{
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &page->recipe->grid, cell);
    indices[axis] = value;
    return hpx_grid_cell(&page->recipe->grid, indices);
}

/* --- maps ------------------------------------------------------------------------------------------------------ */

/* A map of two axes through a cell, or of one. */
struct map {
    const hpx_page *page;
    size_t rows, columns; /* axes; the same where there is one */
    const char **row_names, **column_names;
    hpx_svg_plot plot;
    hpx_svg_heat_scale scale;
};

static size_t longest(const hpx_axis *axis)
{
    size_t most = 0;
    for (uint32_t i = 0; i < axis->count; i++) {
        const size_t length = strlen(axis->values[i].text);
        most = length > most ? length : most;
    }
    return most < 24 ? most : 24;
}

/* The names of an axis's values; empty ones where there is no room for all. free() them. */
static const char **names_of(const hpx_axis *axis, double distance, double room)
{
    const char **names = hpx_alloc(axis->count * sizeof *names);
    const uint32_t step = distance >= room ? 1 : (uint32_t)ceil(room / distance);
    for (uint32_t i = 0; i < axis->count; i++)
        names[i] = i % step == 0 ? axis->values[i].text : "";
    return names;
}

static double between(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* The two axes with most values. *columns is the later one; with one axis both are it. */
static void choose_axes(const hpx_page *page, size_t *rows, size_t *columns)
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

static void open_map(struct map *map, const hpx_page *page, double width, double column_max, double row_max)
{
    *map = (struct map){.page = page, .scale = page->scale};
    choose_axes(page, &map->rows, &map->columns);
    const hpx_axis *rows = &page->recipe->axes[map->rows], *columns = &page->recipe->axes[map->columns];
    const bool line = map->rows == map->columns;
    const double left = line ? 16 : 18 + DIGIT * (double)longest(rows);
    const double column = between((width - left - 16) / columns->count, 3, column_max);
    const double row = line ? row_max : between(640.0 / rows->count, 3, row_max);
    map->column_names = names_of(columns, column, 12 + DIGIT * (double)longest(columns));
    map->row_names = line ? hpx_alloc(sizeof *map->row_names) : names_of(rows, row, 13);
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

static void close_map(struct map *map)
{
    free(map->row_names);
    free(map->column_names);
}

static uint32_t cell_at(const struct map *map, uint32_t row, uint32_t column)
{
    const uint32_t moved = move_on(map->page, map->page->shown, map->columns, column);
    return map->rows == map->columns ? moved : move_on(map->page, moved, map->rows, row);
}

/* Where a cell lies on the map; its other indices do not matter. */
static void place_of(const struct map *map, uint32_t cell, uint32_t *row, uint32_t *column)
{
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &map->page->recipe->grid, cell);
    *column = indices[map->columns];
    *row = map->rows == map->columns ? 0 : indices[map->rows];
}

static void put_peak(hpx_svg *svg, const struct map *map, uint32_t cell, uint32_t row, uint32_t column)
{
    const enum peak peak = hpx_page_peak(map->page, cell);
    const double x = column + 0.36, y = row - 0.26;
    if (peak == NO_PEAK && cell != map->page->best)
        return;
    hpx_svg_open(svg, cell == map->page->best ? "peak best" : "peak", cell);
    hpx_svg_points(svg, &map->plot, peak == UNSURE_PEAK && cell != map->page->best ? PEAK_UNSURE : PEAK_SURE,
                   &x, &y, 1);
    hpx_svg_close(svg);
    if (cell == map->page->best)
        hpx_svg_frame(svg, &map->plot, column, row);
}

/* The colours, and what they are at both ends. */
static void put_scale(hpx_svg *svg, const struct map *map, double top, int digits, double low, double high)
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
    hpx_print(text, sizeof text, "%.*g", digits, low);
    hpx_svg_text(svg, plot.left - 6, top + 9, HPX_SVG_END, text);
    hpx_print(text, sizeof text, "%.*g", digits, high);
    hpx_svg_text(svg, plot.left + plot.width + 6, top + 9, HPX_SVG_START, text);
}

static void put_heat(hpx_svg *svg, const struct map *map, uint32_t cell, uint32_t row, uint32_t column,
                     double value)
{
    hpx_svg_open(svg, "heat cell", cell);
    hpx_svg_heat_cell(svg, &map->plot, column, row, value, &map->scale);
    hpx_svg_close(svg);
}

static void put_cells(hpx_svg *svg, const struct map *map)
{
    for (uint32_t row = 0; row < map->plot.y.count; row++)
        for (uint32_t column = 0; column < map->plot.x.count; column++) {
            const uint32_t cell = cell_at(map, row, column);
            if (!isnan(map->page->cells[cell].score))
                put_heat(svg, map, cell, row, column, map->page->cells[cell].score);
        }
    for (uint32_t row = 0; row < map->plot.y.count; row++)
        for (uint32_t column = 0; column < map->plot.x.count; column++)
            put_peak(svg, map, cell_at(map, row, column), row, column);
}

/* "n3=4, ": the values of the axes that a map has not; nothing where it has all. */
static void put_fixed(hpx_buffer *out, const struct map *map)
{
    const hpx_recipe *recipe = map->page->recipe;
    uint32_t indices[HPX_AXES_MAX];
    const char *before = " Here ";
    hpx_grid_indices(indices, &recipe->grid, map->page->shown);
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        if (axis == map->rows || axis == map->columns)
            continue;
        hpx_buffer_puts(out, before);
        hpx_html_text(out, recipe->axes[axis].name);
        hpx_buffer_puts(out, "=");
        hpx_html_text(out, recipe->axes[axis].values[indices[axis]].text);
        before = ", ";
    }
    if (*before == ',')
        hpx_buffer_puts(out, ".");
}

void hpx_page_space(hpx_buffer *out, const hpx_page *page)
{
    struct map map;
    hpx_buffer caption = {0};
    open_map(&map, page, FULL_WIDTH, 92, 28);
    const double bottom = map.plot.top + map.plot.height;
    hpx_svg *svg = hpx_svg_new(
        fmax(map.plot.left + map.plot.width + 16, 330), bottom + 66, "Solution space",
        "Scores of the cells of the grid as a heat map. The table of cells has the same numbers.");
    hpx_svg_axes(svg, &map.plot);
    put_cells(svg, &map);
    put_scale(svg, &map, bottom + 46, 4, map.scale.dark, map.scale.bright);
    hpx_buffer_printf(out, "<figure id=\"space\" data-axes=\"%zu %zu\">\n<h3>Solution space</h3>\n", map.rows,
                      map.columns);
    hpx_svg_finish(out, svg);
    hpx_buffer_puts(
        &caption,
        "The framed cell is the best. A diamond marks a peak, a cell better than all its neighbours; "
        "it is hollow where that is within two standard errors of one of them, and so may be chance. "
        "Colours begin at the worst 5 % of the cells.");
    put_fixed(&caption, &map);
    hpx_html_close_figure(out, hpx_buffer_text(&caption));
    hpx_buffer_free(&caption);
    close_map(&map);
}

/* --- costs ------------------------------------------------------------------------------------------------------ */

/* Colours by the logarithm: costs go over many decades. */
void hpx_page_cost_space(hpx_buffer *out, const hpx_page *page)
{
    struct map map;
    hpx_buffer caption = {0};
    double least = NAN, most = NAN;
    for (uint32_t i = 0; i < page->count; i++)
        if (page->costs[i] > 0) {
            least = fmin(least, page->costs[i]);
            most = fmax(most, page->costs[i]);
        }
    if (isnan(most))
        return;
    open_map(&map, page, COST_WIDTH, 44, 22);
    map.scale = (hpx_svg_heat_scale){.dark = log(least), .bright = log(most), .decimals = -1};
    const double bottom = map.plot.top + map.plot.height;
    hpx_svg *svg = hpx_svg_new(fmax(map.plot.left + map.plot.width + 16, 330), bottom + 66, "Cost",
                               "Costs of the cells of the grid as a heat map.");
    hpx_svg_axes(svg, &map.plot);
    for (uint32_t row = 0; row < map.plot.y.count; row++)
        for (uint32_t column = 0; column < map.plot.x.count; column++) {
            const uint32_t cell = cell_at(&map, row, column);
            if (page->costs[cell] > 0)
                put_heat(svg, &map, cell, row, column, log(page->costs[cell]));
        }
    put_scale(svg, &map, bottom + 46, page->timed ? 3 : 12, least, most);
    hpx_html_open_figure(out, "cost-space", "Cost");
    hpx_svg_finish(out, svg);
    hpx_buffer_printf(&caption, "%s Bright is expensive; colours go by the logarithm.",
                      page->timed ? "Seconds of training, all seeds together."
                                  : "Multiplications of a forward pass, per sample.");
    put_fixed(&caption, &map);
    hpx_html_close_figure(out, hpx_buffer_text(&caption));
    hpx_buffer_free(&caption);
    close_map(&map);
}

/* --- paths ------------------------------------------------------------------------------------------------------ */

static void put_step(hpx_svg *svg, const struct map *map, const hpx_search_outcome *search, size_t step)
{
    const uint32_t cell = search->visits[step].cell;
    uint32_t row, column;
    place_of(map, cell, &row, &column);
    hpx_svg_open(svg, "step", step + 1);
    if (!isnan(search->visits[step].score))
        put_heat(svg, map, cell, row, column, search->visits[step].score);
    hpx_svg_close(svg);
}

static void put_way(hpx_svg *svg, const struct map *map, const hpx_search_outcome *search, size_t step)
{
    uint32_t from_row, from_column, row, column;
    place_of(map, search->visits[step - 1].cell, &from_row, &from_column);
    place_of(map, search->visits[step].cell, &row, &column);
    hpx_svg_open(svg, "step way", step + 1);
    hpx_svg_line(svg, &map->plot, 1, (double[]){from_column, column}, (double[]){from_row, row}, 2);
    hpx_svg_close(svg);
}

static void put_path(hpx_buffer *out, const hpx_page *page, const hpx_search_outcome *search, size_t number)
{
    struct map map;
    hpx_buffer caption = {0};
    char id[32];
    uint32_t row, column;
    open_map(&map, page, PATH_WIDTH, 26, 18);
    map.scale.decimals = -1;
    hpx_svg *svg = hpx_svg_new(fmax(map.plot.left + map.plot.width + 16, 200),
                               map.plot.top + map.plot.height + 42, search->search->name,
                               "The cells that the search visits, and the order in which it does.");
    hpx_svg_axes(svg, &map.plot);
    for (size_t i = 0; i < search->visit_count; i++)
        put_step(svg, &map, search, i);
    for (size_t i = 1; i < search->visit_count; i++)
        put_way(svg, &map, search, i);
    if (search->done) {
        place_of(&map, search->result.end, &row, &column);
        hpx_svg_frame(svg, &map.plot, column, row);
    }
    hpx_print(id, sizeof id, "path-%zu", number);
    hpx_html_open_figure(out, id, search->search->name);
    hpx_svg_finish(out, svg);
    hpx_buffer_printf(&caption, "%zu %s", search->visit_count,
                      hpx_plural(search->visit_count, "visit", "visits"));
    if (search->done)
        hpx_buffer_printf(&caption, ", %.2f %% of the grid’s cost; it ends in the framed cell.",
                          100 * search->relative_cost);
    else
        hpx_buffer_puts(&caption, " so far; the store lacks what it asks for next.");
    hpx_html_close_figure(out, hpx_buffer_text(&caption));
    hpx_buffer_free(&caption);
    close_map(&map);
}

void hpx_page_paths(hpx_buffer *out, const hpx_page *page)
{
    for (size_t i = 0; i < page->outcome->search_count; i++)
        put_path(out, page, &page->outcome->searches[i], i);
}

/* --- cuts ------------------------------------------------------------------------------------------------------- */

/* A line for each seed, which the page shows when it is asked to. `y`: room. */
static void put_seeds(hpx_svg *svg, const hpx_page *page, const hpx_svg_plot *plot, size_t axis,
                      const double *x, double *y)
{
    const hpx_recipe *recipe = page->recipe;
    const uint32_t count = recipe->axes[axis].count;
    for (size_t seed = 0; seed < recipe->seed_count && recipe->seed_count > 1; seed++) {
        for (uint32_t i = 0; i < count; i++)
            y[i] = hpx_page_seed_value(page, move_on(page, page->shown, axis, i), seed, recipe->epochs);
        hpx_svg_open(svg, "seed", recipe->seeds[seed]);
        hpx_svg_line(svg, plot, 0, x, y, count);
        hpx_svg_close(svg);
    }
}

/* The scores along one axis through the shown cell, with the seeds and their spread. */
static void put_cut(hpx_buffer *out, const hpx_page *page, size_t number)
{
    const hpx_axis *axis = &page->recipe->axes[number];
    const double width = WIDTH - 76;
    char id[32];
    double *x = hpx_alloc(4 * axis->count * sizeof *x), *y = x + axis->count, *low = y + axis->count,
           *high = low + axis->count;
    const char **names = names_of(axis, width / axis->count, 10 + DIGIT * (double)longest(axis));
    hpx_svg_plot plot = hpx_page_plot(170, NULL, page->recipe->objective.name);
    plot.left = 58;
    plot.width = width;
    plot.x = (hpx_svg_axis){.label = axis->name, .names = names, .count = axis->count};
    for (uint32_t i = 0; i < axis->count; i++) {
        const struct cell *cell = &page->cells[move_on(page, page->shown, number, i)];
        const double sd = isnan(cell->sd) ? 0 : cell->sd;
        x[i] = i, y[i] = cell->score, low[i] = y[i] - sd, high[i] = y[i] + sd;
        hpx_page_include(&plot.y, low[i]);
        hpx_page_include(&plot.y, high[i]);
    }
    hpx_page_widen(&plot.y);
    hpx_svg *svg =
        hpx_svg_new(WIDTH, 244, axis->name, "The score along one axis, with the spread of the seeds.");
    hpx_svg_axes(svg, &plot);
    hpx_svg_band(svg, &plot, 0, x, low, high, axis->count);
    hpx_svg_line(svg, &plot, 0, x, y, axis->count);
    put_seeds(svg, page, &plot, number, x, y);
    for (uint32_t i = 0; i < axis->count; i++) {
        const uint32_t cell = move_on(page, page->shown, number, i);
        hpx_page_point(svg, &plot, cell, x[i], page->cells[cell].score);
    }
    hpx_print(id, sizeof id, "cut-%zu", number);
    hpx_html_open_figure(out, id, axis->name);
    hpx_svg_finish(out, svg);
    hpx_html_close_figure(out, "Mean over the seeds; the band is one standard deviation.");
    free(names);
    free(x);
}

void hpx_page_axes(hpx_buffer *out, const hpx_page *page)
{
    for (size_t axis = 0; axis < page->recipe->grid.axes; axis++)
        if (page->recipe->axes[axis].count > 1)
            put_cut(out, page, axis);
}
