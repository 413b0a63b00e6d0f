/* Figures that are not over the grid: costs, distribution, epochs, and how searches get on. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "statistics/ranks.h"

#include <math.h>
#include <stdlib.h>

enum { HEIGHT = 320, HIGH = HEIGHT - TOP - 48, CURVES_MAX = 2500 };

static const char *cost_label(const hpx_page *page)
{
    return page->timed ? "seconds of training" : "multiplications of a forward pass";
}

/* --- cells in an order ------------------------------------------------------------------------------------------ */

/* The cells that have a score, ascending by cost, or from the worst score to the best. free() them. */
static hpx_numbered *order_cells(size_t *count, const hpx_page *page, bool by_cost)
{
    const double sign = page->recipe->objective.minimised ? -1 : 1;
    hpx_numbered *cells = hpx_alloc((page->count + 1) * sizeof *cells);
    *count = 0;
    for (uint32_t i = 0; i < page->count; i++)
        if (!isnan(page->cells[i].score))
            cells[(*count)++] = (hpx_numbered){by_cost ? page->costs[i] : sign * page->cells[i].score, i};
    hpx_sort_numbered(cells, *count);
    return cells;
}

/* --- cost against score ----------------------------------------------------------------------------------------- */

/* Of cells in ascending order of cost, those that are better than all cheaper ones, as a stair. */
static void put_front(hpx_svg *svg, const hpx_page *page, const hpx_svg_plot *plot, const hpx_numbered *cells,
                      size_t count)
{
    double *x = hpx_alloc(2 * (2 * count + 1) * sizeof *x), *y = x + 2 * count + 1, best = NAN;
    size_t points = 0;
    for (size_t i = 0; i < count; i++) {
        const double score = page->cells[cells[i].number].score;
        if (!hpx_page_better(page, score, best))
            continue;
        if (points) {
            x[points] = cells[i].value;
            y[points++] = best;
        }
        best = score;
        x[points] = cells[i].value;
        y[points++] = best;
    }
    hpx_svg_line(svg, plot, 1, x, y, points);
    free(x);
}

void hpx_page_costs(hpx_buffer *out, const hpx_page *page)
{
    size_t count;
    hpx_numbered *cells = order_cells(&count, page, true);
    hpx_svg_plot plot = hpx_page_plot(HIGH, cost_label(page), page->recipe->objective.name);
    for (size_t i = 0; i < count; i++) {
        hpx_page_include(&plot.x, cells[i].value);
        hpx_page_include(&plot.y, page->cells[cells[i].number].score);
    }
    hpx_page_choose_scale(&plot.x);
    hpx_page_widen(&plot.y);
    hpx_svg *svg =
        hpx_svg_new(WIDTH, HEIGHT, "Cost and score", "A point for each cell; the line is the Pareto front.");
    hpx_svg_axes(svg, &plot);
    put_front(svg, page, &plot, cells, count);
    for (size_t i = 0; i < count; i++)
        hpx_page_point(svg, &plot, cells[i].number, cells[i].value, page->cells[cells[i].number].score);
    hpx_html_open_figure(out, "costs", "Cost and score");
    hpx_svg_finish(out, svg);
    hpx_html_close_figure(out,
                          "A point is a cell. The line is the Pareto front: no cell above it is as cheap.");
    free(cells);
}

/* --- distribution ----------------------------------------------------------------------------------------------- */

void hpx_page_distribution(hpx_buffer *out, const hpx_page *page)
{
    const size_t searches = page->outcome ? page->outcome->search_count : 0;
    const char **names = hpx_alloc((searches + 1) * sizeof *names);
    size_t count;
    hpx_numbered *cells = order_cells(&count, page, false);
    for (size_t i = 0; i < searches; i++)
        names[i] = page->outcome->searches[i].search->name;
    const double left = fmax(LEFT, 16 + hpx_page_room(names, searches, 28));
    hpx_svg_plot plot = hpx_page_plot(HIGH, page->recipe->objective.name, NULL);
    plot.left = left;
    plot.width = WIDTH - left - 18;
    plot.y = (hpx_svg_axis){.label = "share of cells", .from = 0, .to = 1};
    for (size_t i = 0; i < count; i++)
        hpx_page_include(&plot.x, page->cells[cells[i].number].score);
    hpx_page_widen(&plot.x);
    hpx_svg_plot ends = plot;
    ends.top = HEIGHT + 4;
    ends.height = 18 * (double)searches;
    ends.x.label = NULL;
    ends.y = (hpx_svg_axis){.names = names, .count = searches};
    hpx_svg *svg =
        hpx_svg_new(WIDTH, searches ? ends.top + ends.height + 24 : HEIGHT, "Distribution of scores",
                    "The share of cells that are no better than a score, and below it where searches end.");
    hpx_svg_axes(svg, &plot);
    for (size_t i = 0; i < count; i++)
        hpx_page_point(svg, &plot, cells[i].number, page->cells[cells[i].number].score,
                       (double)(i + 1) / (double)count);
    if (searches)
        hpx_svg_axes(svg, &ends);
    for (size_t i = 0; i < searches; i++)
        if (page->outcome->searches[i].done)
            hpx_page_point(svg, &ends, page->outcome->searches[i].result.end,
                           page->outcome->searches[i].score, (double)i);
    hpx_html_open_figure(out, "distribution", "Distribution of scores");
    hpx_svg_finish(out, svg);
    hpx_html_close_figure(
        out, searches ? "Above, each cell with the share of cells that are no better. Below, where "
                        "each search ends."
                      : "Each cell with the share of cells that are no better.");
    free(cells);
    free(names);
}

/* --- lines of cells ---------------------------------------------------------------------------------------------- */

static void put_curve(hpx_svg *svg, const hpx_page *page, const hpx_svg_plot *plot, uint32_t cell,
                      const double *x, const double *y, size_t count)
{
    hpx_svg_open(svg, cell == page->best ? "curve cell best" : "curve cell", cell);
    hpx_svg_line(svg, plot, cell == page->best ? 1 : 0, x, y, count);
    hpx_svg_close(svg);
}

static void close_curves(hpx_buffer *out, const char *what, size_t drawn, size_t count)
{
    hpx_buffer caption = {0};
    hpx_buffer_puts(&caption, what);
    if (drawn < count)
        hpx_buffer_printf(&caption, " The best %zu of %zu cells are drawn.", drawn, count);
    hpx_html_close_figure(out, hpx_buffer_text(&caption));
    hpx_buffer_free(&caption);
}

/* --- epochs ----------------------------------------------------------------------------------------------------- */

void hpx_page_epochs(hpx_buffer *out, const hpx_page *page)
{
    const uint32_t epochs = page->recipe->epochs;
    size_t count;
    hpx_numbered *cells = order_cells(&count, page, false);
    const size_t first = count > CURVES_MAX ? count - CURVES_MAX : 0;
    static const char *const few[] = {"1", "2", "3", "4", "5",
                                      "6", "7", "8", "9"}; /* no ticks between them */
    double *x = hpx_alloc(2 * epochs * sizeof *x), *y = x + epochs;
    hpx_svg_plot plot = hpx_page_plot(HIGH, NULL, page->recipe->objective.name);
    if (epochs <= sizeof few / sizeof *few)
        plot.x = (hpx_svg_axis){.label = "epochs", .names = few, .count = epochs};
    else
        plot.x = (hpx_svg_axis){.label = "epochs", .from = 1, .to = epochs};
    for (size_t i = first; i < count; i++)
        for (uint32_t epoch = 1; epoch <= epochs; epoch++)
            hpx_page_include(&plot.y, hpx_page_after(page, cells[i].number, epoch));
    hpx_page_widen(&plot.y);
    hpx_svg *svg =
        hpx_svg_new(WIDTH, HEIGHT, "Score against epochs", "A line for each cell, the mean over its seeds.");
    hpx_svg_axes(svg, &plot);
    for (size_t i = first; i < count; i++) {
        for (uint32_t epoch = 0; epoch < epochs; epoch++) {
            x[epoch] = plot.x.names ? epoch : epoch + 1;
            y[epoch] = hpx_page_after(page, cells[i].number, epoch + 1);
        }
        put_curve(svg, page, &plot, cells[i].number, x, y, epochs);
    }
    hpx_html_open_figure(out, "epochs", "Score against epochs");
    hpx_svg_finish(out, svg);
    close_curves(out, "A line is a cell, the mean over its seeds; the strong one is the best.", count - first,
                 count);
    free(x);
    free(cells);
}

/* --- parallel coordinates ---------------------------------------------------------------------------------------- */

/* An upright line for each axis and for the score, with the names of its ends. */
static void put_uprights(hpx_svg *svg, const hpx_page *page, const hpx_svg_plot *plot, double low,
                         double high)
{
    const hpx_recipe *recipe = page->recipe;
    const double step = plot->width / (double)plot->x.count, bottom = plot->top + plot->height;
    char ends[2][40];
    hpx_print(ends[0], sizeof ends[0], "%.*f", hpx_page_decimals(page), low);
    hpx_print(ends[1], sizeof ends[1], "%.*f", hpx_page_decimals(page), high);
    for (size_t i = 0; i < plot->x.count; i++) {
        const hpx_axis *axis = i < recipe->grid.axes ? &recipe->axes[i] : NULL;
        const double x = plot->left + step * ((double)i + 0.5);
        hpx_svg_range(svg, plot, 6, (double)i, 0, (double)i, 1);
        hpx_svg_text(svg, x, plot->top - 24, HPX_SVG_MIDDLE, axis ? axis->name : recipe->objective.name);
        hpx_svg_text(svg, x, plot->top - 8, HPX_SVG_MIDDLE,
                     axis ? axis->values[axis->count - 1].text : ends[1]);
        hpx_svg_text(svg, x, bottom + 16, HPX_SVG_MIDDLE, axis ? axis->values[0].text : ends[0]);
    }
}

void hpx_page_parallel(hpx_buffer *out, const hpx_page *page)
{
    enum { LINES = HPX_AXES_MAX + 1, LONG = 1080, UPRIGHT = 240 };
    static const char *const names[LINES] = {0};
    const hpx_grid *grid = &page->recipe->grid;
    const double sign = page->recipe->objective.minimised ? -1 : 1;
    size_t count;
    hpx_numbered *cells = order_cells(&count, page, false);
    const size_t first = count > CURVES_MAX ? count - CURVES_MAX : 0;
    const double low = cells[first].value, high = cells[count - 1].value;
    const hpx_svg_plot plot = {.left = 8,
                               .top = 44,
                               .width = LONG - 16,
                               .height = UPRIGHT,
                               .x = {.names = names, .count = grid->axes + 1},
                               .y = {.from = 0, .to = 1}};
    hpx_svg *svg = hpx_svg_new(LONG, UPRIGHT + 70, "Parallel coordinates",
                               "A line for each cell, through its value on each axis and its score.");
    put_uprights(svg, page, &plot, sign * low, sign * high);
    for (size_t i = first; i < count; i++) {
        double x[LINES], y[LINES];
        uint32_t indices[HPX_AXES_MAX];
        hpx_grid_indices(indices, grid, cells[i].number);
        for (size_t axis = 0; axis < grid->axes; axis++) {
            x[axis] = (double)axis;
            y[axis] = grid->counts[axis] > 1 ? indices[axis] / (grid->counts[axis] - 1.0) : 0;
        }
        x[grid->axes] = (double)grid->axes;
        y[grid->axes] = high > low ? (cells[i].value - low) / (high - low) : 1;
        put_curve(svg, page, &plot, cells[i].number, x, y, grid->axes + 1);
    }
    hpx_html_open_figure(out, "parallel", "Parallel coordinates");
    hpx_svg_finish(out, svg);
    close_curves(out, "A line is a cell, from axis to axis and to its score; the best score is at the top.",
                 count - first, count);
    free(cells);
}

/* --- best so far ------------------------------------------------------------------------------------------------ */

/* A stair: what a search has spent, and its best score among cells at the most epochs reached. */
struct stair {
    double *spent, *best;
    size_t count;
};

static void add_step(struct stair *stair, double spent, double best)
{
    if (stair->count) {
        stair->spent[stair->count] = spent;
        stair->best[stair->count] = stair->best[stair->count - 1];
        stair->count++;
    }
    stair->spent[stair->count] = spent;
    stair->best[stair->count++] = best;
}

/* By visits, or by cost: of the whole grid, or in seconds. `before`: room for the epochs of each cell, zeroed. */
static struct stair climb(const hpx_page *page, const hpx_search_outcome *search, bool by_cost,
                          uint32_t *before)
{
    const double unit = page->timed ? 1 : (double)page->outcome->grid_macs / 100;
    struct stair stair = {.spent = hpx_alloc((4 * search->visit_count + 1) * sizeof(double))};
    double spent = 0, best = NAN;
    uint32_t most = 0;
    stair.best = stair.spent + 2 * search->visit_count;
    for (size_t i = 0; i < search->visit_count; i++) {
        const hpx_visit *visit = &search->visits[i];
        const uint32_t more = visit->epochs > before[visit->cell] ? visit->epochs - before[visit->cell] : 0;
        spent += by_cost ? page->costs[visit->cell] / unit * more / page->recipe->epochs : 1;
        before[visit->cell] += more;
        if (visit->epochs > most || (visit->epochs == most && hpx_page_better(page, visit->score, best)))
            best = visit->score;
        most = visit->epochs > most ? visit->epochs : most;
        add_step(&stair, spent, best);
    }
    for (size_t i = 0; i < search->visit_count; i++)
        before[search->visits[i].cell] = 0;
    return stair;
}

static void put_stairs(hpx_svg *svg, const hpx_page *page, hpx_svg_plot *plot, const struct stair *stairs)
{
    const size_t searches = page->outcome->search_count;
    for (size_t i = 0; i < searches; i++)
        for (size_t k = 0; k < stairs[i].count; k++) {
            hpx_page_include(&plot->x, stairs[i].spent[k]);
            hpx_page_include(&plot->y, stairs[i].best[k]);
        }
    hpx_page_choose_scale(&plot->x);
    hpx_page_widen(&plot->y);
    hpx_svg_axes(svg, plot);
    for (size_t i = 0; i < searches; i++) {
        const struct stair *stair = &stairs[i];
        const size_t last = stair->count ? stair->count - 1 : 0, series = i % HPX_SVG_SERIES;
        hpx_svg_open(svg, "search", i);
        hpx_svg_line(svg, plot, series, stair->spent, stair->best, stair->count);
        hpx_svg_points(svg, plot, series, stair->spent + last, stair->best + last, stair->count > 0);
        hpx_svg_close(svg);
    }
}

static void put_progress(hpx_buffer *out, const hpx_page *page, bool by_cost)
{
    const size_t searches = page->outcome->search_count;
    const char *label = !by_cost      ? "cells visited"
                        : page->timed ? "seconds of training"
                                      : "% of the grid's cost";
    uint32_t *before = hpx_alloc(page->count * sizeof *before);
    struct stair *stairs = hpx_alloc(searches * sizeof *stairs);
    const char **names = hpx_alloc(searches * sizeof *names);
    for (size_t i = 0; i < searches; i++) {
        stairs[i] = climb(page, &page->outcome->searches[i], by_cost, before);
        names[i] = page->outcome->searches[i].search->name;
    }
    hpx_svg_plot plot = hpx_page_plot(HIGH, label, page->recipe->objective.name);
    hpx_svg *svg = hpx_svg_new(WIDTH, HEIGHT + 14 + hpx_page_legend_height(searches),
                               by_cost ? "Best so far, by cost" : "Best so far, by visits",
                               "A line for each search: the best score that it has found by then.");
    put_stairs(svg, page, &plot, stairs);
    hpx_page_legend(svg, page, names, searches, HEIGHT + 14);
    hpx_html_open_figure(out, by_cost ? "progress-cost" : "progress-visits",
                         by_cost ? "Best so far, by cost" : "Best so far, by visits");
    hpx_svg_finish(out, svg);
    hpx_html_close_figure(out, "The best score among the cells visited at the most epochs reached by then.");
    for (size_t i = 0; i < searches; i++)
        free(stairs[i].spent);
    free(stairs);
    free(names);
    free(before);
}

void hpx_page_progress(hpx_buffer *out, const hpx_page *page)
{
    put_progress(out, page, false);
    put_progress(out, page, true);
}
