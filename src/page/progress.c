/* How searches get on: the best score by visits and by cost. */
#include "inside.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* A stair: what a search has spent, and its best score among cells at the most epochs reached. */
struct stair {
    double *spent, *best;
    size_t count;
};

/* Steps on the same height are one. */
static void add_step(struct stair *stair, double spent, double best)
{
    const size_t last = stair->count ? stair->count - 1 : 0;
    const bool level =
        stair->count && (stair->best[last] == best || (isnan(stair->best[last]) && isnan(best)));
    if (level && last > 0 && stair->spent[last] != stair->spent[last - 1]) {
        stair->spent[last] = spent;
        return;
    }
    if (stair->count && !level) {
        stair->spent[stair->count] = spent;
        stair->best[stair->count] = stair->best[last];
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

static const char *label_of(const hpx_page *page, bool by_cost)
{
    return !by_cost ? "cells visited" : page->timed ? "seconds of training" : "% of the grid's cost";
}

/* Whether x is logarithmic, which `linear` forbids. */
static bool put_stairs(hpx_svg *svg, const hpx_page *page, hpx_svg_plot *plot, const struct stair *stairs,
                       bool linear)
{
    const size_t searches = page->outcome->search_count;
    for (size_t i = 0; i < searches; i++)
        for (size_t k = 0; k < stairs[i].count; k++) {
            hpx_page_include(&plot->x, stairs[i].spent[k]);
            hpx_page_include(&plot->y, stairs[i].best[k]);
        }
    hpx_page_choose_scale(&plot->x, linear);
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
    return plot->x.logarithmic;
}

/* The corners at which a search has found better. */
static void put_numbers(struct figure *figure, const hpx_page *page, const struct stair *stairs, bool by_cost)
{
    const size_t searches = page->outcome->search_count;
    struct sheet sheet;
    size_t rows = 0;
    for (size_t i = 0; i < searches; i++)
        rows += stairs[i].count;
    hpx_figure_open_sheet(&sheet, figure, rows);
    hpx_sheet_head(&sheet, "search", false);
    hpx_sheet_head(&sheet, label_of(page, by_cost), true);
    hpx_sheet_head(&sheet, "best score", true);
    for (size_t i = 0; i < searches; i++)
        for (size_t k = 0; k < stairs[i].count; k++) {
            if (k > 0 && k + 1 < stairs[i].count && stairs[i].best[k] == stairs[i].best[k - 1])
                continue;
            hpx_sheet_row(&sheet, NO_CELL);
            hpx_sheet_text(&sheet, page->outcome->searches[i].search->name);
            hpx_sheet_number(&sheet, by_cost ? 2 : 0, stairs[i].spent[k]);
            hpx_sheet_number(&sheet, hpx_page_decimals(page), stairs[i].best[k]);
        }
    hpx_sheet_close(&sheet);
}

static hpx_svg *draw_progress(const hpx_page *page, const struct stair *stairs, const char *heading,
                              bool by_cost, bool linear, bool *logarithmic)
{
    const size_t searches = page->outcome->search_count;
    const char **names = hpx_alloc(searches * sizeof *names);
    for (size_t i = 0; i < searches; i++)
        names[i] = page->outcome->searches[i].search->name;
    hpx_svg_plot plot = hpx_page_plot(HIGH, label_of(page, by_cost), page->recipe->objective.name);
    hpx_svg *svg = hpx_svg_new(WIDTH, HEIGHT + 14 + hpx_page_legend_height(searches), heading,
                               "A line for each search: the best score that it has found by then.");
    *logarithmic = put_stairs(svg, page, &plot, stairs, linear);
    hpx_page_legend(svg, page, names, searches, HEIGHT + 14);
    free(names);
    return svg;
}

static void add_progress(hpx_page *page, bool by_cost)
{
    const size_t searches = page->outcome->search_count;
    const char *heading = by_cost ? "Best so far, by cost" : "Best so far, by visits";
    uint32_t *before = hpx_alloc(page->count * sizeof *before);
    struct stair *stairs = hpx_alloc(searches * sizeof *stairs);
    bool logarithmic;
    for (size_t i = 0; i < searches; i++)
        stairs[i] = climb(page, &page->outcome->searches[i], by_cost, before);
    struct figure *figure = hpx_page_add_figure(page, by_cost ? "progress-cost" : "progress-visits", heading);
    hpx_svg *svg = draw_progress(page, stairs, heading, by_cost, false, &logarithmic);
    hpx_figure_add_axis_views(
        figure, svg, logarithmic ? draw_progress(page, stairs, heading, by_cost, true, &logarithmic) : NULL);
    hpx_figure_say(figure, "The best score among the cells visited at the most epochs reached by then.");
    put_numbers(figure, page, stairs, by_cost);
    for (size_t i = 0; i < searches; i++)
        free(stairs[i].spent);
    free(stairs);
    free(before);
}

bool hpx_page_has_visits(const hpx_outcome *outcome)
{
    size_t visits = 0;
    for (size_t i = 0; i < outcome->search_count; i++)
        visits += outcome->searches[i].visit_count;
    return visits > 0;
}

void hpx_page_progress(hpx_page *page)
{
    if (!hpx_page_has_visits(page->outcome))
        return;
    add_progress(page, false);
    add_progress(page, true);
}
