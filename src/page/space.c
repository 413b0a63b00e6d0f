/* The solution space: maps of the scores and of the costs. */
#include "inside.h"

#include <math.h>

enum { FULL_WIDTH = 1080, COST_WIDTH = 500, PEAK_SURE = 2, PEAK_UNSURE = 7, CROSS = 6 };

static double score_of(const hpx_page *page, uint32_t cell)
{
    return page->cells[cell].score;
}

static double cost_of(const hpx_page *page, uint32_t cell)
{
    return page->costs[cell] > 0 ? page->costs[cell] : NAN;
}

/* --- scores ------------------------------------------------------------------------------------------------------ */

/* A cell that failed has no colour, but a cross. */
static void put_failed(hpx_svg *svg, const struct map *map, uint32_t cell, double row, double column)
{
    hpx_svg_open(svg, "failed cell", cell);
    hpx_svg_range(svg, &map->plot, CROSS, column - 0.2, row - 0.3, column + 0.2, row + 0.3);
    hpx_svg_range(svg, &map->plot, CROSS, column - 0.2, row + 0.3, column + 0.2, row - 0.3);
    hpx_svg_close(svg);
}

static void put_peak(hpx_svg *svg, const struct map *map, uint32_t cell, size_t row, size_t column)
{
    const enum peak peak = hpx_page_peak(map->page, cell);
    const double x = (double)column + 0.36, y = (double)row - 0.26;
    if (peak == NO_PEAK && cell != map->page->best)
        return;
    hpx_svg_open(svg, cell == map->page->best ? "peak best" : "peak", cell);
    hpx_svg_points(svg, &map->plot, peak == UNSURE_PEAK && cell != map->page->best ? PEAK_UNSURE : PEAK_SURE,
                   &x, &y, 1);
    hpx_svg_close(svg);
    if (cell == map->page->best)
        hpx_svg_frame(svg, &map->plot, column, row);
}

/* A map with its axes and what its colours mean. */
static hpx_svg *draw_map(const struct map *map, value_fn *value_of, int digits, const char *title,
                         const char *description)
{
    const double bottom = map->plot.top + map->plot.height;
    hpx_svg *svg =
        hpx_svg_new(fmax(map->plot.left + map->plot.width + 16, 330), bottom + 66, title, description);
    hpx_svg_axes(svg, &map->plot);
    hpx_map_fill(svg, map, value_of);
    hpx_map_legend(svg, map, bottom + 46, digits);
    return svg;
}

static hpx_svg *draw_space(const struct map *map)
{
    hpx_svg *svg =
        draw_map(map, score_of, 4, "Solution space", "Scores of the cells of the grid as a heat map.");
    for (size_t row = 0; row < map->plot.y.count; row++)
        for (size_t column = 0; column < map->plot.x.count; column++) {
            const uint32_t cell = hpx_map_cell(map, row, column);
            put_peak(svg, map, cell, row, column);
            if (map->page->cells[cell].failed)
                put_failed(svg, map, cell, (double)row, (double)column);
        }
    return svg;
}

static bool any_failed(const hpx_page *page)
{
    for (uint32_t cell = 0; cell < page->count; cell++)
        if (page->cells[cell].failed)
            return true;
    return false;
}

void hpx_page_space(hpx_page *page)
{
    struct map map;
    struct figure *figure = hpx_page_add_figure(page, "space", "Solution space");
    figure->wide = true;
    hpx_map_open(&map, page, FULL_WIDTH, 640, 92, 28);
    hpx_figure_add_view(figure, "from the worst 5 %", "value", draw_space(&map));
    if (hpx_page_has_accuracies(page)) {
        map.scale.by = HPX_SVG_BY_ERROR;
        hpx_figure_add_view(figure, "by log(1 − score)", "error", draw_space(&map));
    }
    hpx_figure_say(
        figure, "The framed cell is the best. A diamond marks a peak, a cell better than all its neighbours; "
                "it is hollow where that is within two standard errors of one of them, and so may be chance. "
                "Colours begin at the worst 5 % of the cells.");
    if (any_failed(page))
        hpx_figure_say(figure, " A cross marks a cell that failed.");
    hpx_map_say_fixed(figure, &map);
    hpx_map_sheet(figure, &map, score_of, hpx_page_decimals(page));
    hpx_map_close(&map);
}

/* --- costs ------------------------------------------------------------------------------------------------------- */

/* Colours by the logarithm: costs go over many decades. */
void hpx_page_cost_space(hpx_page *page)
{
    struct map map;
    double least = NAN, most = NAN;
    for (uint32_t i = 0; i < page->count; i++) {
        least = fmin(least, cost_of(page, i));
        most = fmax(most, cost_of(page, i));
    }
    if (isnan(most))
        return;
    struct figure *figure = hpx_page_add_figure(page, "cost-space", "Cost");
    hpx_map_open(&map, page, COST_WIDTH, 320, 44, 22);
    map.scale =
        (hpx_svg_heat_scale){.dark = least, .bright = most, .decimals = -1, .by = HPX_SVG_BY_LOGARITHM};
    hpx_figure_add_view(figure, NULL, NULL,
                        draw_map(&map, cost_of, page->timed ? 3 : 12, "Cost",
                                 "Costs of the cells of the grid as a heat map."));
    hpx_buffer_printf(&figure->caption, "%s Bright is expensive; colours go by the logarithm.",
                      page->timed ? "Seconds of training, all seeds together."
                                  : "Multiplications of a forward pass, per sample.");
    hpx_map_say_fixed(figure, &map);
    hpx_map_sheet(figure, &map, cost_of, page->timed ? 3 : 0);
    hpx_map_close(&map);
}
