/* The solution space as a surface, seen from above its first cell: the slides' picture of it. */
#include "inside.h"

#include "base/text.h"

#include <math.h>

enum { CELLS_MAX = 2500, WIDE = 470, STEEP = 120, MARGIN = 34, BEST = 2 };

struct surface {
    const struct map *map;
    double unit;         /* from a cell to the next, along an axis */
    double left, top;    /* of the last cell, which is farthest away */
    hpx_svg_plot figure; /* whose units are those of the figure */
};

/* 0 at the worst 5 % of the cells, 1 at the best; NaN: no score. */
static double height_of(const struct map *map, size_t row, size_t column)
{
    const hpx_svg_heat_scale *scale = &map->scale;
    const double score = map->page->cells[hpx_map_cell(map, row, column)].score;
    if (isnan(score) || scale->bright == scale->dark)
        return isnan(score) ? NAN : 1;
    return fmax(0, (score - scale->dark) / (scale->bright - scale->dark));
}

/* From the last cell axes run at 30 degrees to the right and to the left, downwards to their first values. */
static void project(double out[2], const struct surface *surface, double row, double column, double height)
{
    const double right = (double)surface->map->plot.y.count - 1 - row;
    const double left = (double)surface->map->plot.x.count - 1 - column;
    out[0] = surface->left + surface->unit * 0.866 * (right - left);
    out[1] = surface->top + surface->unit * 0.5 * (right + left) - STEEP * height;
}

static void put_facet(hpx_svg *svg, const struct surface *surface, size_t row, size_t column)
{
    static const size_t around[4][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}};
    const hpx_svg_heat_scale scale = {.dark = 0, .bright = 1, .decimals = -1};
    double corners[8], mean = 0;
    for (int i = 0; i < 4; i++) {
        const size_t r = row + around[i][0], c = column + around[i][1];
        const double height = height_of(surface->map, r, c);
        project(corners + 2 * i, surface, (double)r, (double)c, height);
        mean += height / 4;
    }
    if (!isnan(mean))
        hpx_svg_facet(svg, corners, mean, &scale);
}

static void put_edge(hpx_svg *svg, const struct surface *surface, const double ends[4])
{
    double from[2], to[2];
    project(from, surface, ends[0], ends[1], 0);
    project(to, surface, ends[2], ends[3], 0);
    hpx_svg_line(svg, &surface->figure, 6, (double[]){from[0], to[0]}, (double[]){from[1], to[1]}, 2);
}

/* Its name, and its values, as far as there is room. */
static void put_axis(hpx_svg *svg, const struct surface *surface, bool of_columns)
{
    const struct map *map = surface->map;
    const hpx_axis *axis = &map->page->recipe->axes[of_columns ? map->columns : map->rows];
    const double side = of_columns ? 1 : -1;
    const hpx_svg_anchor anchor = of_columns ? HPX_SVG_START : HPX_SVG_END;
    const size_t step = (size_t)ceil(13 / (0.5 * surface->unit));
    double at[2];
    for (size_t i = 0; i < axis->count; i += step) {
        project(at, surface, of_columns ? 0 : (double)i, of_columns ? (double)i : 0, 0);
        hpx_svg_text(svg, at[0] + side * 6, at[1] + 11, anchor, axis->values[i].text);
    }
    const double middle = (axis->count - 1) / 2.0;
    project(at, surface, of_columns ? 0 : middle, of_columns ? middle : 0, 0);
    hpx_svg_text(svg, at[0] + side * (20 + DIGIT * (double)hpx_axis_longest(axis)), at[1] + 30, anchor,
                 axis->name);
}

static hpx_svg *draw(const struct map *map)
{
    const double rows = (double)map->plot.y.count - 1, columns = (double)map->plot.x.count - 1;
    const double unit = fmin((WIDE - 4 * MARGIN) / (0.866 * (rows + columns)), 46);
    struct surface surface = {.map = map,
                              .unit = unit,
                              .left = (WIDE + unit * 0.866 * (columns - rows)) / 2,
                              .top = STEEP + MARGIN};
    const double bottom = surface.top + unit * 0.5 * (rows + columns) + MARGIN + 10;
    surface.figure = (hpx_svg_plot){
        .width = WIDE, .height = bottom, .x = {.from = 0, .to = WIDE}, .y = {.from = bottom, .to = 0}};
    hpx_svg *svg =
        hpx_svg_new(WIDE, bottom, "Surface of the solution space", "The scores as heights over the grid.");
    for (size_t row = map->plot.y.count - 1; row-- > 0;)
        for (size_t column = map->plot.x.count - 1; column-- > 0;)
            put_facet(svg, &surface, row, column);
    put_edge(svg, &surface, (double[]){0, 0, 0, columns});
    put_edge(svg, &surface, (double[]){0, 0, rows, 0});
    put_axis(svg, &surface, true);
    put_axis(svg, &surface, false);
    uint32_t row, column;
    double at[2];
    hpx_map_place(map, map->page->best, &row, &column);
    if (hpx_map_cell(map, row, column) == map->page->best) {
        project(at, &surface, row, column, height_of(map, row, column));
        hpx_svg_points(svg, &surface.figure, BEST, at, at + 1, 1);
    }
    return svg;
}

void hpx_page_surface(hpx_page *page, struct figure *space)
{
    struct map map;
    hpx_map_open(&map, page, WIDE, WIDE, 46, 46);
    const size_t cells = map.plot.x.count * map.plot.y.count;
    if (cells > CELLS_MAX) {
        hpx_figure_say(space, " The surface is left out: it would have more than 2,500 cells.");
    } else if (map.plot.x.count > 1 && map.plot.y.count > 1) {
        struct figure *figure = hpx_page_add_figure(page, "surface", "The solution space as a surface");
        figure->silent = true;
        hpx_figure_add_view(figure, NULL, NULL, draw(&map));
        hpx_figure_say(figure,
                       "Heights and colours begin at the worst 5 % of the cells; the mark is the best cell.");
    }
    hpx_map_close(&map);
}
