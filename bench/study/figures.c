/* Shapes of figures that chapters share. */
#include "study.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* --- forest plots -------------------------------------------------------------------------------------------- */

/* All intervals, and 0. */
static void span_all(hpx_svg_axis *axis, const struct effect *effects, size_t count, double scale)
{
    axis->from = axis->to = 0;
    for (size_t i = 0; i < count; i++) {
        if (effects[i].blocks == 0)
            continue;
        const hpx_interval *interval = &effects[i].interval;
        const double mean = effects[i].mean;
        axis->from = fmin(axis->from, scale * (isnan(interval->low) ? mean : interval->low));
        axis->to = fmax(axis->to, scale * (isnan(interval->high) ? mean : interval->high));
    }
    const double margin = axis->to > axis->from ? 0.05 * (axis->to - axis->from) : 0.5;
    axis->from -= margin;
    axis->to += margin;
}

void study_forest(hpx_svg *svg, hpx_svg_plot plot, const struct effect *effects, size_t series, double scale)
{
    const size_t rows = plot.y.count;
    if (plot.x.from == plot.x.to)
        span_all(&plot.x, effects, series * rows, scale);
    hpx_svg_axes(svg, &plot);
    for (size_t s = 0; s < series; s++)
        for (size_t row = 0; row < rows; row++) {
            const struct effect *effect = &effects[s * rows + row];
            if (effect->blocks == 0)
                continue;
            const double x = scale * effect->mean,
                         y = (double)row + 0.7 * (((double)s + 0.5) / (double)series - 0.5);
            hpx_svg_range(svg, &plot, s, scale * effect->interval.low, y, scale * effect->interval.high, y);
            hpx_svg_points(svg, &plot, s, &x, &y, 1);
        }
}

/* --- curves -------------------------------------------------------------------------------------------------- */

void study_curve(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const struct lab *lab,
                 const hpx_contest *contest, const hpx_contender *search)
{
    const size_t count = contest->cost_count;
    const struct effect cost = effect_of(search->cost, lab->blocks),
                        lost = effect_of(search->regret, lab->blocks);
    double *x = hpx_alloc((count + 1) * sizeof *x), *y = hpx_alloc((count + 1) * sizeof *y);
    size_t points = 0;
    for (size_t c = 0; c < count && contest->costs[c] < cost.mean; c++) {
        if (contest->costs[c] < plot->x.from || isnan(search->curve_regret[c].mean))
            continue;
        x[points] = contest->costs[c];
        y[points++] = POINTS * search->curve_regret[c].mean;
    }
    const double end_x = cost.mean, end_y = POINTS * lost.mean;
    x[points] = end_x;
    y[points++] = end_y;
    hpx_svg_line(svg, plot, series, x, y, points);
    hpx_svg_range(svg, plot, series, end_x, POINTS * lost.interval.low, end_x, POINTS * lost.interval.high);
    hpx_svg_points(svg, plot, series, &end_x, &end_y, 1);
    free(x);
    free(y);
}

/* --- heat maps ----------------------------------------------------------------------------------------------- */

enum { COLUMN = 34, ROW = 21 };

static const char **axis_names(const hpx_axis *axis)
{
    const char **names = hpx_alloc(axis->count * sizeof *names);
    for (uint32_t i = 0; i < axis->count; i++)
        names[i] = axis->values[i].text;
    return names;
}

void study_heat_map(hpx_svg *svg, const struct lab *lab, const char *title, double left, double top,
                    const double *values, bool less_is_better)
{
    const hpx_axis *rows = &lab->recipe->axes[0], *columns = &lab->recipe->axes[1];
    const char **row_names = axis_names(rows), **column_names = axis_names(columns);
    const hpx_svg_plot plot = {.title = title,
                               .left = left,
                               .top = top,
                               .width = COLUMN * (double)columns->count,
                               .height = ROW * (double)rows->count,
                               .x = {.label = "n2", .names = column_names, .count = columns->count},
                               .y = {.label = "n1", .names = row_names, .count = rows->count}};
    const size_t cells = lab_cells(lab);
    const hpx_svg_heat_scale scale = {.dark = hpx_quantile(values, cells, less_is_better ? 1 : 0.25),
                                      .bright = hpx_quantile(values, cells, less_is_better ? 0 : 1),
                                      .decimals = 2};
    size_t best = 0;
    while (values[best] != scale.bright)
        best++;
    hpx_svg_axes(svg, &plot);
    hpx_svg_heat(svg, &plot, values, &scale);
    hpx_svg_frame(svg, &plot, best % columns->count, best / columns->count);
    free(row_names);
    free(column_names);
}
