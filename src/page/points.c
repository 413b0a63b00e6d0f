/* Figures with a point for each cell: its cost and score, and the distribution of the scores. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "statistics/ranks.h"

#include <math.h>
#include <stdlib.h>

static const char *cost_label(const hpx_page *page)
{
    return page->timed ? "seconds of training" : "multiplications of a forward pass";
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

static hpx_svg *draw_costs(const hpx_page *page, const hpx_numbered *cells, size_t count, bool linear,
                           bool *logarithmic)
{
    hpx_svg_plot plot = hpx_page_plot(HIGH, cost_label(page), page->recipe->objective.name);
    struct marks marks = hpx_marks_new(count);
    for (size_t i = 0; i < count; i++) {
        const uint32_t cell = cells[i].number;
        hpx_page_include(&plot.x, page->costs[cell]);
        hpx_page_include(&plot.y, page->cells[cell].score);
        hpx_marks_add(&marks, cell, page->costs[cell], page->cells[cell].score);
    }
    hpx_page_choose_scale(&plot.x, linear);
    hpx_page_widen(&plot.y);
    *logarithmic = plot.x.logarithmic;
    hpx_svg *svg =
        hpx_svg_new(WIDTH, HEIGHT, "Cost and score", "A point for each cell; the line is the Pareto front.");
    hpx_svg_axes(svg, &plot);
    put_front(svg, page, &plot, cells, count);
    hpx_marks_put(svg, &plot, &marks);
    return svg;
}

static void put_front_numbers(struct figure *figure, const hpx_page *page, const hpx_numbered *cells,
                              size_t count)
{
    struct sheet sheet;
    double best = NAN;
    hpx_figure_open_sheet(&sheet, figure, 0);
    hpx_sheet_head(&sheet, "on the front", false);
    hpx_sheet_head(&sheet, cost_label(page), true);
    hpx_sheet_head(&sheet, "score", true);
    for (size_t i = 0; i < count; i++) {
        const uint32_t cell = cells[i].number;
        if (!hpx_page_better(page, page->cells[cell].score, best))
            continue;
        best = page->cells[cell].score;
        hpx_sheet_row(&sheet, cell);
        hpx_sheet_cell(&sheet, page, cell);
        hpx_sheet_number(&sheet, page->timed ? 3 : 0, page->costs[cell]);
        hpx_sheet_number(&sheet, hpx_page_decimals(page), best);
    }
    hpx_sheet_close(&sheet);
}

void hpx_page_costs(hpx_page *page)
{
    size_t count;
    bool logarithmic;
    hpx_numbered *cells = hpx_page_order(&count, page, true);
    struct figure *figure = hpx_page_add_figure(page, "costs", "Cost and score");
    hpx_svg *svg = draw_costs(page, cells, count, false, &logarithmic);
    hpx_figure_add_axis_views(figure, svg,
                              logarithmic ? draw_costs(page, cells, count, true, &logarithmic) : NULL);
    hpx_figure_say(figure,
                   "A point is a cell. The line is the Pareto front: no better cell is as cheap. " ALL_CELLS);
    put_front_numbers(figure, page, cells, count);
    free(cells);
}

/* --- distribution ----------------------------------------------------------------------------------------------- */

static hpx_svg *draw_distribution(const hpx_page *page, const hpx_numbered *cells, size_t count)
{
    const size_t searches = page->outcome ? page->outcome->search_count : 0;
    const char **names = hpx_alloc((searches + 1) * sizeof *names);
    struct marks marks = hpx_marks_new(count);
    for (size_t i = 0; i < searches; i++)
        names[i] = page->outcome->searches[i].search->name;
    const double left = fmax(LEFT, 16 + hpx_page_room(names, searches, 28));
    hpx_svg_plot plot = hpx_page_plot(HIGH, page->recipe->objective.name, NULL);
    plot.left = left;
    plot.width = WIDTH - left - 18;
    plot.y = (hpx_svg_axis){.label = "share of cells", .from = 0, .to = 1};
    for (size_t i = 0; i < count; i++) {
        const double score = page->cells[cells[i].number].score;
        hpx_page_include(&plot.x, score);
        hpx_marks_add(&marks, cells[i].number, score, (double)(i + 1) / (double)count);
    }
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
    hpx_marks_put(svg, &plot, &marks);
    if (searches)
        hpx_svg_axes(svg, &ends);
    for (size_t i = 0; i < searches; i++)
        if (page->outcome->searches[i].done)
            hpx_page_point(svg, &ends, page->outcome->searches[i].result.end,
                           page->outcome->searches[i].score, (double)i);
    free(names);
    return svg;
}

/* "grid, full-l2": the searches that end in a cell; whether there is one. */
static bool name_searches(hpx_buffer *out, const hpx_page *page, uint32_t cell)
{
    for (size_t i = 0; page->outcome && i < page->outcome->search_count; i++) {
        const hpx_search_outcome *search = &page->outcome->searches[i];
        if (search->done && search->result.end == cell)
            hpx_buffer_printf(out, "%s%s", out->size ? ", " : "", search->search->name);
    }
    return out->size > 0;
}

/* The best cells, and all others where searches end. */
static void put_top(struct figure *figure, const hpx_page *page, const hpx_numbered *cells, size_t count)
{
    enum { TOP_CELLS = 8 };
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, 0);
    hpx_sheet_head(&sheet, "rank", true);
    hpx_sheet_head(&sheet, "cell", false);
    hpx_sheet_head(&sheet, "score", true);
    hpx_sheet_head(&sheet, "where these searches end", false);
    for (size_t rank = 1; rank <= count; rank++) {
        const uint32_t cell = cells[count - rank].number;
        hpx_buffer names = {0};
        if (name_searches(&names, page, cell) || rank <= TOP_CELLS) {
            hpx_sheet_row(&sheet, cell);
            hpx_sheet_count(&sheet, rank);
            hpx_sheet_cell(&sheet, page, cell);
            hpx_sheet_number(&sheet, hpx_page_decimals(page), page->cells[cell].score);
            hpx_sheet_text(&sheet, hpx_buffer_text(&names));
        }
        hpx_buffer_free(&names);
    }
    hpx_sheet_close(&sheet);
}

void hpx_page_distribution(hpx_page *page)
{
    size_t count;
    hpx_numbered *cells = hpx_page_order(&count, page, false);
    struct figure *figure = hpx_page_add_figure(page, "distribution", "Distribution of scores");
    hpx_figure_add_view(figure, NULL, NULL, draw_distribution(page, cells, count));
    hpx_figure_say(figure, page->outcome
                               ? "Above, each cell with the share of cells that are no better. Below, "
                                 "where each search ends. " ALL_CELLS
                               : "Each cell with the share of cells that are no better. " ALL_CELLS);
    put_top(figure, page, cells, count);
    free(cells);
}
