/* The figures of a comparison: how far from the best cell searches end, by which cost, their ranks, and which axes
 * matter. */
#include "inside.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

#define REGRET "Interquartile mean over the blocks, with its 95 % interval"

enum { HIGH_REGRET = 240, ROW = 20 };

/* The means, by the logarithm where they go over more than a decade; then what is 0 lies on the edge. */
static void choose_axes(hpx_svg_plot *plot, const struct contest *contest, bool linear)
{
    double least = INFINITY;
    for (size_t i = 0; i < contest->count; i++)
        for (size_t k = 0; k < contest->contenders[i].count; k++) {
            const struct point *point = &contest->contenders[i].curve[k];
            hpx_page_include(&plot->x, point->cost);
            hpx_page_include(&plot->y, point->mean);
            least = point->mean > 0 ? fmin(least, point->mean) : least;
        }
    hpx_page_choose_scale(&plot->x, linear);
    plot->y.logarithmic = !linear && plot->y.to > 10 * least;
    if (plot->y.logarithmic)
        plot->y.from = least;
    hpx_page_widen(&plot->y);
}

/* The last point is the end, at the cost of the search on average: blocks that cost more go on behind it. */
static void put_curve(hpx_svg *svg, const hpx_svg_plot *plot, const struct contender *contender,
                      size_t series)
{
    const size_t count = contender->count;
    const bool beyond = count > 1 && contender->curve[count - 1].cost < contender->curve[count - 2].cost;
    const size_t drawn = beyond ? count - 1 : count;
    double *x = hpx_alloc(4 * count * sizeof *x), *mean = x + count, *low = mean + count, *high = low + count;
    for (size_t i = 0; i < count; i++) {
        const struct point *point = &contender->curve[i];
        x[i] = point->cost, mean[i] = point->mean, low[i] = point->low, high[i] = point->high;
    }
    hpx_svg_band(svg, plot, series, x, low, high, drawn);
    hpx_svg_line(svg, plot, series, x, mean, drawn);
    hpx_svg_points(svg, plot, series, x + count - 1, mean + count - 1, 1);
    free(x);
}

static hpx_svg *draw_regret(const hpx_page *page, const char *const *names, bool linear, hpx_svg_plot *plot)
{
    const struct contest *contest = page->contest;
    const double legend = TOP + HIGH_REGRET + 62;
    *plot = hpx_page_plot(HIGH_REGRET, "share of the grid's cost", "regret");
    choose_axes(plot, contest, linear);
    hpx_svg *svg =
        hpx_svg_new(WIDTH, legend + hpx_page_legend_height(contest->count), "Regret by cost",
                    "A line for each search: how much worse than the best cell what it has found is.");
    hpx_svg_axes(svg, plot);
    for (size_t i = 0; i < contest->count; i++) {
        hpx_svg_open(svg, "search", hpx_page_search(page, names[i], i));
        put_curve(svg, plot, &contest->contenders[i], i % HPX_SVG_SERIES);
        hpx_svg_close(svg);
    }
    hpx_page_legend(svg, page, names, contest->count, legend);
    return svg;
}

/* "search", then a point in each row: its cost, and regret with its interval. */
static void open_points(struct sheet *sheet, struct figure *figure, size_t rows)
{
    hpx_figure_open_sheet(sheet, figure, rows);
    hpx_sheet_head(sheet, "search", false);
    hpx_sheet_head(sheet, "share of the grid's cost", true);
    hpx_sheet_head(sheet, "regret", true);
    hpx_sheet_head(sheet, "from", true);
    hpx_sheet_head(sheet, "to", true);
}

static void put_point(struct sheet *sheet, const char *name, const struct point *point)
{
    hpx_sheet_row(sheet, NO_CELL);
    hpx_sheet_text(sheet, name);
    hpx_sheet_number(sheet, 4, point->cost);
    hpx_sheet_number(sheet, 5, point->mean);
    hpx_sheet_number(sheet, 5, point->low);
    hpx_sheet_number(sheet, 5, point->high);
}

static void add_regret(hpx_page *page, const char *const *names)
{
    const struct contest *contest = page->contest;
    hpx_svg_plot plot, linear;
    struct sheet sheet;
    size_t rows = 0;
    struct figure *figure = hpx_page_add_figure(page, "regret-cost", "Regret by cost");
    hpx_svg *svg = draw_regret(page, names, false, &plot);
    const bool logarithmic = plot.x.logarithmic || plot.y.logarithmic;
    hpx_figure_add_axis_views(figure, svg, logarithmic ? draw_regret(page, names, true, &linear) : NULL);
    hpx_figure_say(figure, plot.y.logarithmic ? REGRET
                               "; the mark is the end. What is 0 lies on the lower edge."
                                              : REGRET "; the mark is the end.");
    for (size_t i = 0; i < contest->count; i++)
        rows += contest->contenders[i].count;
    open_points(&sheet, figure, rows);
    for (size_t i = 0; i < contest->count; i++)
        for (size_t k = 0; k < contest->contenders[i].count; k++)
            put_point(&sheet, names[i], &contest->contenders[i].curve[k]);
    hpx_sheet_close(&sheet);
}

/* A plot with a row for each name; x goes over the values that have come into it. */
static hpx_svg_plot rows_of(const char *const *names, size_t count, const char *label)
{
    const double left = 20 + hpx_page_room(names, count, 32);
    return (hpx_svg_plot){.left = left,
                          .top = 12,
                          .width = WIDTH - left - 18,
                          .height = ROW * (double)count,
                          .x = {.label = label, .from = 0, .to = 0},
                          .y = {.names = names, .count = count}};
}

static hpx_svg *draw_ends(const hpx_page *page, const char *const *names)
{
    const struct contest *contest = page->contest;
    hpx_svg_plot plot = rows_of(names, contest->count, "regret");
    for (size_t i = 0; i < contest->count; i++)
        hpx_page_include(&plot.x, fmax(contest->contenders[i].end.mean, contest->contenders[i].end.high));
    hpx_page_widen(&plot.x);
    hpx_svg *svg = hpx_svg_new(WIDTH, plot.height + 58, "Regret at the end",
                               "A row for each search: how much worse than the best cell its end is.");
    hpx_svg_axes(svg, &plot);
    for (size_t i = 0; i < contest->count; i++) {
        const struct point *end = &contest->contenders[i].end;
        const double row = (double)i;
        hpx_svg_open(svg, "search", hpx_page_search(page, names[i], i));
        hpx_svg_range(svg, &plot, i % HPX_SVG_SERIES, end->low, row, end->high, row);
        hpx_svg_points(svg, &plot, i % HPX_SVG_SERIES, &end->mean, &row, 1);
        hpx_svg_close(svg);
    }
    return svg;
}

static void add_ends(hpx_page *page, const char *const *names)
{
    const struct contest *contest = page->contest;
    struct sheet sheet;
    struct figure *figure = hpx_page_add_figure(page, "regret-end", "Regret at the end");
    hpx_figure_add_view(figure, NULL, NULL, draw_ends(page, names));
    hpx_figure_say(figure, REGRET " where there are several.");
    open_points(&sheet, figure, contest->count);
    for (size_t i = 0; i < contest->count; i++)
        put_point(&sheet, names[i], &contest->contenders[i].end);
    hpx_sheet_close(&sheet);
}

/* Bars from 0, a row each. */
struct bars {
    const char *id, *heading, *of, *label, *caption;
    int decimals;
};

static void add_bars(hpx_page *page, const struct bars *bars, const char *const *names, const double *values,
                     size_t count)
{
    hpx_svg_plot plot = rows_of(names, count, bars->label);
    struct sheet sheet;
    for (size_t i = 0; i < count; i++)
        hpx_page_include(&plot.x, values[i]);
    if (!(plot.x.to > 0))
        return;
    plot.x.to *= 1.04;
    struct figure *figure = hpx_page_add_figure(page, bars->id, bars->heading);
    hpx_svg *svg = hpx_svg_new(WIDTH, plot.height + 58, bars->heading, bars->caption);
    hpx_svg_axes(svg, &plot);
    hpx_svg_bars(svg, &plot, 0, values, count, 0.6, 0);
    hpx_figure_add_view(figure, NULL, NULL, svg);
    hpx_figure_say(figure, bars->caption);
    hpx_figure_open_sheet(&sheet, figure, count);
    hpx_sheet_head(&sheet, bars->of, false);
    hpx_sheet_head(&sheet, bars->label, true);
    for (size_t i = 0; i < count; i++) {
        hpx_sheet_row(&sheet, NO_CELL);
        hpx_sheet_text(&sheet, names[i]);
        hpx_sheet_number(&sheet, bars->decimals, values[i]);
    }
    hpx_sheet_close(&sheet);
}

void hpx_page_contest(hpx_page *page)
{
    static const struct bars ranks = {
        "ranks", "Ranks", "search", "mean rank", "Mean over the blocks; 1 is the best search of a block.", 2};
    static const struct bars importance = {
        "importance",
        "Importance of the axes",
        "axes",
        "% of the variance",
        "How much of the variance of the scores each axis explains, alone and together with another.",
        1};
    const struct contest *contest = page->contest;
    const size_t most = contest->count > contest->share_count ? contest->count : contest->share_count;
    const char **names = hpx_alloc(most * sizeof *names);
    double *values = hpx_alloc(most * sizeof *values);
    for (size_t i = 0; i < contest->count; i++) {
        names[i] = contest->contenders[i].name;
        values[i] = contest->contenders[i].mean_rank;
    }
    add_regret(page, names);
    add_ends(page, names);
    add_bars(page, &ranks, names, values, contest->count);
    for (size_t i = 0; i < contest->share_count; i++) {
        names[i] = contest->shares[i].axes;
        values[i] = 100 * contest->shares[i].share;
    }
    add_bars(page, &importance, names, values, contest->share_count);
    free(names);
    free(values);
}
