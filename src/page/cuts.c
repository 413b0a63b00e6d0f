/* Cuts through the shown cell: the score along one axis. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>

struct cut {
    const hpx_page *page;
    size_t number;
    const hpx_axis *axis;
    uint32_t count; /* of its values; of each: */
    double *place, *mean, *low,
        *high;    /* its number; mean over the seeds, less and more a standard deviation */
    double *seed; /* room for those of one seed */
};

static struct cut take_cut(const hpx_page *page, size_t number)
{
    const hpx_axis *axis = &page->recipe->axes[number];
    double *room = hpx_alloc(5 * axis->count * sizeof *room);
    const struct cut cut = {page,
                            number,
                            axis,
                            axis->count,
                            room,
                            room + axis->count,
                            room + 2 * axis->count,
                            room + 3 * axis->count,
                            room + 4 * axis->count};
    for (uint32_t i = 0; i < axis->count; i++) {
        const struct cell *cell = &page->cells[hpx_page_move(page, page->shown, number, i)];
        const double sd = isnan(cell->sd) ? 0 : cell->sd;
        cut.place[i] = i, cut.mean[i] = cell->score, cut.low[i] = cell->score - sd,
        cut.high[i] = cell->score + sd;
    }
    return cut;
}

static void include_all(hpx_svg_axis *scores, const struct cut *cut)
{
    for (uint32_t i = 0; i < cut->count; i++) {
        hpx_page_include(scores, cut->low[i]);
        hpx_page_include(scores, cut->high[i]);
    }
    hpx_page_widen(scores);
}

/* The scores of each seed, by `put`, which the page shows when it is asked to. */
static void put_seeds(hpx_svg *svg, const struct cut *cut, const hpx_svg_plot *plot,
                      void (*put)(hpx_svg *svg, const hpx_svg_plot *plot, const struct cut *cut))
{
    const hpx_recipe *recipe = cut->page->recipe;
    for (size_t seed = 0; seed < recipe->seed_count && recipe->seed_count > 1; seed++) {
        for (uint32_t i = 0; i < cut->count; i++)
            cut->seed[i] = hpx_page_seed_value(
                cut->page, hpx_page_move(cut->page, cut->page->shown, cut->number, i), seed, recipe->epochs);
        hpx_svg_open_hidden(svg, "seed", recipe->seeds[seed]);
        put(svg, plot, cut);
        hpx_svg_close(svg);
    }
}

static void put_seed_line(hpx_svg *svg, const hpx_svg_plot *plot, const struct cut *cut)
{
    hpx_svg_line(svg, plot, 0, cut->place, cut->seed, cut->count);
}

static void put_seed_points(hpx_svg *svg, const hpx_svg_plot *plot, const struct cut *cut)
{
    hpx_svg_points(svg, plot, 0, cut->seed, cut->place, cut->count);
}

/* Values in their order, from the left to the right. */
static hpx_svg *draw_ordered(const struct cut *cut)
{
    const double width = WIDTH - 76;
    const char **names =
        hpx_axis_names(cut->axis, width / cut->count, 10 + DIGIT * (double)hpx_axis_longest(cut->axis));
    hpx_svg_plot plot = hpx_page_plot(170, NULL, cut->page->recipe->objective.name);
    plot.left = 58;
    plot.width = width;
    plot.x = (hpx_svg_axis){.label = cut->axis->name, .names = names, .count = cut->count};
    include_all(&plot.y, cut);
    hpx_svg *svg =
        hpx_svg_new(WIDTH, 244, cut->axis->name, "The score along one axis, with the spread of the seeds.");
    hpx_svg_axes(svg, &plot);
    hpx_svg_band(svg, &plot, 0, cut->place, cut->low, cut->high, cut->count);
    hpx_svg_line(svg, &plot, 0, cut->place, cut->mean, cut->count);
    put_seeds(svg, cut, &plot, put_seed_line);
    for (uint32_t i = 0; i < cut->count; i++)
        hpx_page_point(svg, &plot, hpx_page_move(cut->page, cut->page->shown, cut->number, i), i,
                       cut->mean[i]);
    free(names);
    return svg;
}

/* Values without an order below each other: no line leads from one to the next. */
static hpx_svg *draw_unordered(const struct cut *cut)
{
    const char **names = hpx_alloc(cut->count * sizeof *names);
    for (uint32_t i = 0; i < cut->count; i++)
        names[i] = cut->axis->values[i].text;
    hpx_svg_plot plot = hpx_page_plot(26 * cut->count, cut->page->recipe->objective.name, NULL);
    plot.left = fmax(LEFT, 16 + hpx_page_room(names, cut->count, 28));
    plot.width = WIDTH - plot.left - 18;
    plot.y = (hpx_svg_axis){.label = cut->axis->name, .names = names, .count = cut->count};
    include_all(&plot.x, cut);
    hpx_svg *svg = hpx_svg_new(WIDTH, plot.top + plot.height + 44, cut->axis->name,
                               "The score by the values of one axis, with the spread of the seeds.");
    hpx_svg_axes(svg, &plot);
    put_seeds(svg, cut, &plot, put_seed_points);
    for (uint32_t i = 0; i < cut->count; i++) {
        hpx_svg_range(svg, &plot, 0, cut->low[i], i, cut->high[i], i);
        hpx_page_point(svg, &plot, hpx_page_move(cut->page, cut->page->shown, cut->number, i), cut->mean[i],
                       i);
    }
    free(names);
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
        struct figure *figure =
            hpx_page_add_numbered(page, "cut", axis, "Score along", recipe->axes[axis].name);
        struct cut cut = take_cut(page, axis);
        const bool unordered = hpx_grid_is_unordered(&recipe->grid, axis);
        hpx_figure_add_view(figure, NULL, NULL, unordered ? draw_unordered(&cut) : draw_ordered(&cut));
        free(cut.place);
        if (recipe->seed_count == 1)
            hpx_figure_say(figure, "The scores of one seed.");
        else
            hpx_buffer_printf(&figure->caption, "Mean over the seeds; the %s is one standard deviation.",
                              unordered ? "bar" : "band");
        hpx_page_say_fixed(figure, page, axis, axis);
        put_numbers(figure, page, axis);
    }
}
