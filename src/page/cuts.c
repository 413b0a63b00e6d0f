/* Cuts through the shown cell: the score along one axis. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>

/* A line for each seed, which the page shows when it is asked to. `y`: room. */
static void put_seeds(hpx_svg *svg, const hpx_page *page, const hpx_svg_plot *plot, size_t axis,
                      const double *x, double *y)
{
    const hpx_recipe *recipe = page->recipe;
    const uint32_t count = recipe->axes[axis].count;
    for (size_t seed = 0; seed < recipe->seed_count && recipe->seed_count > 1; seed++) {
        for (uint32_t i = 0; i < count; i++)
            y[i] = hpx_page_seed_value(page, hpx_page_move(page, page->shown, axis, i), seed, recipe->epochs);
        hpx_svg_open_hidden(svg, "seed", recipe->seeds[seed]);
        hpx_svg_line(svg, plot, 0, x, y, count);
        hpx_svg_close(svg);
    }
}

static hpx_svg *draw_cut(const hpx_page *page, size_t number)
{
    const hpx_axis *axis = &page->recipe->axes[number];
    const double width = WIDTH - 76;
    double *x = hpx_alloc(4 * axis->count * sizeof *x), *y = x + axis->count, *low = y + axis->count,
           *high = low + axis->count;
    const char **names =
        hpx_axis_names(axis, width / axis->count, 10 + DIGIT * (double)hpx_axis_longest(axis));
    hpx_svg_plot plot = hpx_page_plot(170, NULL, page->recipe->objective.name);
    plot.left = 58;
    plot.width = width;
    plot.x = (hpx_svg_axis){.label = axis->name, .names = names, .count = axis->count};
    for (uint32_t i = 0; i < axis->count; i++) {
        const struct cell *cell = &page->cells[hpx_page_move(page, page->shown, number, i)];
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
        const uint32_t cell = hpx_page_move(page, page->shown, number, i);
        hpx_page_point(svg, &plot, cell, x[i], page->cells[cell].score);
    }
    free(names);
    free(x);
    return svg;
}

static void put_numbers(struct figure *figure, const hpx_page *page, size_t number)
{
    const hpx_recipe *recipe = page->recipe;
    const hpx_axis *axis = &recipe->axes[number];
    const int decimals = hpx_page_decimals(page);
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, axis->count);
    hpx_sheet_head(&sheet, axis->name, hpx_axis_is_numeric(axis));
    hpx_sheet_head(&sheet, "mean", true);
    hpx_sheet_head(&sheet, "SD", true);
    for (size_t seed = 0; seed < recipe->seed_count; seed++) {
        char head[32];
        hpx_print(head, sizeof head, "seed %u", (unsigned)recipe->seeds[seed]);
        hpx_sheet_head(&sheet, head, true);
    }
    for (uint32_t i = 0; i < axis->count; i++) {
        const uint32_t cell = hpx_page_move(page, page->shown, number, i);
        hpx_sheet_row(&sheet, cell);
        hpx_sheet_setting(&sheet, axis->values[i].text, hpx_axis_is_numeric(axis));
        hpx_sheet_number(&sheet, decimals, page->cells[cell].score);
        hpx_sheet_number(&sheet, decimals, page->cells[cell].sd);
        for (size_t seed = 0; seed < recipe->seed_count; seed++)
            hpx_sheet_number(&sheet, decimals, hpx_page_seed_value(page, cell, seed, recipe->epochs));
    }
    hpx_sheet_close(&sheet);
}

void hpx_page_cuts(hpx_page *page)
{
    const hpx_recipe *recipe = page->recipe;
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        if (recipe->axes[axis].count == 1)
            continue;
        struct figure *figure = hpx_page_add_numbered(page, "cut", axis, recipe->axes[axis].name);
        hpx_figure_add_view(figure, NULL, NULL, draw_cut(page, axis));
        hpx_figure_say(figure, "Mean over the seeds; the band is one standard deviation.");
        put_numbers(figure, page, axis);
    }
}
