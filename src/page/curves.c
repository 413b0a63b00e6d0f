/* Figures with a line for each cell: by epochs, and over all axes. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "statistics/summary.h"

#include <math.h>
#include <stdlib.h>

enum { CURVES_MAX = 2500 };

/* --- lines of cells ---------------------------------------------------------------------------------------------- */

static void put_curve(hpx_svg *svg, const hpx_page *page, const hpx_svg_plot *plot, uint32_t cell,
                      const double *x, const double *y, size_t count)
{
    hpx_svg_open(svg, cell == page->best ? "curve cell best" : "curve cell", cell);
    (cell == page->best ? hpx_svg_line : hpx_svg_faint_line)(svg, plot, cell == page->best, x, y, count);
    hpx_svg_close(svg);
}

static void say_curves(struct figure *figure, const char *what, size_t drawn, size_t count)
{
    hpx_figure_say(figure, what);
    if (drawn < count)
        hpx_buffer_printf(&figure->caption, " The best %zu of %zu cells are drawn.", drawn, count);
}

/* --- epochs ----------------------------------------------------------------------------------------------------- */

/* Mean and standard deviation over the seeds, epoch by epoch, and where they lie on the axis. */
struct curve {
    double *x, *mean, *low, *high;
    uint32_t epochs;
};

static void fill_curve(struct curve *curve, const hpx_page *page, uint32_t cell)
{
    const size_t seeds = page->recipe->seed_count;
    double *values = hpx_alloc(seeds * sizeof *values);
    for (uint32_t epoch = 0; epoch < curve->epochs; epoch++) {
        for (size_t seed = 0; seed < seeds; seed++)
            values[seed] = hpx_page_seed_value(page, cell, seed, epoch + 1);
        const double sd = seeds > 1 ? hpx_sd(values, seeds) : 0;
        curve->mean[epoch] = hpx_page_after(page, cell, epoch + 1);
        curve->low[epoch] = curve->mean[epoch] - sd;
        curve->high[epoch] = curve->mean[epoch] + sd;
    }
    free(values);
}

/* All seeds of a cell in one line, with gaps between. */
static void put_seeds(hpx_svg *svg, const hpx_page *page, const hpx_svg_plot *plot, uint32_t cell,
                      const struct curve *curve)
{
    const size_t seeds = page->recipe->seed_count, step = curve->epochs + 1, count = seeds * step;
    double *x = hpx_alloc(2 * count * sizeof *x), *y = x + count;
    for (size_t i = 0; i < count; i++) {
        const uint32_t epoch = (uint32_t)(i % step);
        x[i] = epoch < curve->epochs ? curve->x[epoch] : NAN;
        y[i] = epoch < curve->epochs ? hpx_page_seed_value(page, cell, i / step, epoch + 1) : NAN;
    }
    hpx_svg_open_hidden(svg, "seed", cell);
    hpx_svg_line(svg, plot, cell == page->best ? 1 : 0, x, y, count);
    hpx_svg_close(svg);
    free(x);
}

/* The mean of a cell; beside it, for who points at the cell, the band of its seeds, and each of them on demand. */
static void put_cell_curve(hpx_svg *svg, const hpx_page *page, const hpx_svg_plot *plot, uint32_t cell,
                           const struct curve *curve)
{
    const bool best = cell == page->best, several = page->recipe->seed_count > 1;
    hpx_svg_open(svg, best ? "curve cell best" : "curve cell", cell);
    if (several) {
        (best ? hpx_svg_open : hpx_svg_open_hidden)(svg, "spread", cell);
        hpx_svg_band(svg, plot, best ? 1 : 0, curve->x, curve->low, curve->high, curve->epochs);
        hpx_svg_close(svg);
    }
    (best ? hpx_svg_line : hpx_svg_faint_line)(svg, plot, best ? 1 : 0, curve->x, curve->mean, curve->epochs);
    if (several)
        put_seeds(svg, page, plot, cell, curve);
    hpx_svg_close(svg);
}

static hpx_svg *draw_epochs(const hpx_page *page, const hpx_numbered *cells, size_t count)
{
    const uint32_t epochs = page->recipe->epochs;
    static const char *const few[] = {"1", "2", "3", "4", "5",
                                      "6", "7", "8", "9"}; /* no ticks between them */
    hpx_svg_plot plot = hpx_page_plot(HIGH, NULL, page->recipe->objective.name);
    double *x = hpx_alloc(4 * epochs * sizeof *x);
    struct curve curve = {
        .x = x, .mean = x + epochs, .low = x + 2 * epochs, .high = x + 3 * epochs, .epochs = epochs};
    if (epochs <= sizeof few / sizeof *few)
        plot.x = (hpx_svg_axis){.label = "epochs", .names = few, .count = epochs};
    else
        plot.x = (hpx_svg_axis){.label = "epochs", .from = 1, .to = epochs};
    for (uint32_t epoch = 0; epoch < epochs; epoch++)
        x[epoch] = plot.x.names ? epoch : epoch + 1;
    for (size_t i = 0; i < count; i++)
        for (uint32_t epoch = 1; epoch <= epochs; epoch++)
            hpx_page_include(&plot.y, hpx_page_after(page, cells[i].number, epoch));
    hpx_page_widen(&plot.y);
    hpx_svg *svg =
        hpx_svg_new(WIDTH, HEIGHT, "Score against epochs", "A line for each cell, the mean over its seeds.");
    hpx_svg_axes(svg, &plot);
    for (size_t i = 0; i < count; i++) {
        fill_curve(&curve, page, cells[i].number);
        put_cell_curve(svg, page, &plot, cells[i].number, &curve);
    }
    free(x);
    return svg;
}

static void put_epoch_numbers(struct figure *figure, const hpx_page *page, const hpx_numbered *cells,
                              size_t count)
{
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, count);
    hpx_sheet_head(&sheet, "after epoch", false);
    for (uint32_t epoch = 1; epoch <= page->recipe->epochs; epoch++) {
        char text[16];
        hpx_print(text, sizeof text, "%u", epoch);
        hpx_sheet_head(&sheet, text, true);
    }
    for (size_t i = count; i-- > 0;) {
        hpx_sheet_row(&sheet, cells[i].number);
        hpx_sheet_cell(&sheet, page, cells[i].number);
        for (uint32_t epoch = 1; epoch <= page->recipe->epochs; epoch++)
            hpx_sheet_number(&sheet, hpx_page_decimals(page), hpx_page_after(page, cells[i].number, epoch));
    }
    hpx_sheet_close(&sheet);
}

/* Whether any score is stored of an epoch before the last. */
static bool has_curves(const hpx_page *page, const hpx_numbered *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (uint32_t epoch = 1; epoch < page->recipe->epochs; epoch++)
            if (!isnan(hpx_page_after(page, cells[i].number, epoch)))
                return true;
    return false;
}

void hpx_page_epochs(hpx_page *page)
{
    size_t count;
    hpx_numbered *cells = hpx_page_order(&count, page, false);
    const size_t first = count > CURVES_MAX ? count - CURVES_MAX : 0;
    if (has_curves(page, cells, count)) {
        struct figure *figure = hpx_page_add_figure(page, "epochs", "Score against epochs");
        hpx_figure_add_view(figure, NULL, NULL, draw_epochs(page, cells + first, count - first));
        say_curves(figure,
                   page->recipe->seed_count > 1 ? "A line is a cell, the mean over its seeds; the strong one "
                                                  "is the best. Its band, and that of a cell "
                                                  "that is pointed at, is one standard deviation."
                                                : "A line is a cell; the strong one is the best.",
                   count - first, count);
        put_epoch_numbers(figure, page, cells + first, count - first);
    }
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

static hpx_svg *draw_parallel(const hpx_page *page, const hpx_numbered *cells, size_t count)
{
    enum { LINES = HPX_AXES_MAX + 1, LONG = 1080, UPRIGHT = 240 };
    static const char *const names[LINES] = {0};
    const hpx_grid *grid = &page->recipe->grid;
    const double sign = page->recipe->objective.minimised ? -1 : 1;
    const double low = cells[0].value, high = cells[count - 1].value;
    const hpx_svg_plot plot = {.left = 8,
                               .top = 44,
                               .width = LONG - 16,
                               .height = UPRIGHT,
                               .x = {.names = names, .count = grid->axes + 1},
                               .y = {.from = 0, .to = 1}};
    hpx_svg *svg = hpx_svg_new(LONG, UPRIGHT + 70, "Parallel coordinates",
                               "A line for each cell, through its value on each axis and its score.");
    put_uprights(svg, page, &plot, sign * low, sign * high);
    for (size_t i = 0; i < count; i++) {
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
    return svg;
}

static void put_parallel_numbers(struct figure *figure, const hpx_page *page, const hpx_numbered *cells,
                                 size_t count)
{
    const hpx_recipe *recipe = page->recipe;
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, count);
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        hpx_sheet_head(&sheet, recipe->axes[axis].name, hpx_axis_is_numeric(&recipe->axes[axis]));
    hpx_sheet_head(&sheet, "score", true);
    for (size_t i = count; i-- > 0;) {
        uint32_t indices[HPX_AXES_MAX];
        hpx_grid_indices(indices, &recipe->grid, cells[i].number);
        hpx_sheet_row(&sheet, cells[i].number);
        for (size_t axis = 0; axis < recipe->grid.axes; axis++)
            hpx_sheet_setting(&sheet, recipe->axes[axis].values[indices[axis]].text,
                              hpx_axis_is_numeric(&recipe->axes[axis]));
        hpx_sheet_number(&sheet, hpx_page_decimals(page), page->cells[cells[i].number].score);
    }
    hpx_sheet_close(&sheet);
}

void hpx_page_parallel(hpx_page *page)
{
    size_t count;
    hpx_numbered *cells = hpx_page_order(&count, page, false);
    const size_t first = count > CURVES_MAX ? count - CURVES_MAX : 0;
    struct figure *figure = hpx_page_add_figure(page, "parallel", "Parallel coordinates");
    figure->wide = true;
    hpx_figure_add_view(figure, NULL, NULL, draw_parallel(page, cells + first, count - first));
    say_curves(figure, "A line is a cell, from axis to axis and to its score; the best score is at the top.",
               count - first, count);
    put_parallel_numbers(figure, page, cells + first, count - first);
    free(cells);
}
