/* Metrics by epoch, drawn with characters: in a line each, or as plots. */
#include "report/report.h"

#include "parts.h"

#include "base/memory.h"
#include "base/text.h"
#include "report/spark.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPARK_WIDTH 24
#define PLOT_ROWS   10
#define PLOT_MAX    72 /* columns of points */
#define LABEL       9  /* columns of the numbers beside them, and then a blank and the axis */

/* A metric over the epochs that are stored. */
struct series {
    const char *name;
    double *values; /* NaN: an epoch lacks it, or failed */
    uint32_t *epochs;
    size_t count, finite;
    double low, high;
};

static struct series series_of(const hpx_trajectory *shown, const char *name)
{
    struct series series = {.name = name, .count = shown->count, .low = INFINITY, .high = -INFINITY};
    series.values = hpx_alloc((shown->count + 1) * sizeof *series.values);
    series.epochs = hpx_alloc((shown->count + 1) * sizeof *series.epochs);
    for (size_t i = 0; i < shown->count; i++) {
        const double value = hpx_metrics_value(&shown->artifacts[i].metrics, name);
        series.values[i] = value;
        series.epochs[i] = shown->artifacts[i].epoch;
        if (!isfinite(value))
            continue;
        series.finite++;
        series.low = fmin(series.low, value);
        series.high = fmax(series.high, value);
    }
    return series;
}

static void free_series(struct series *series)
{
    free(series->values);
    free(series->epochs);
}

static void add_names(hpx_names *names, const hpx_trajectory *shown)
{
    for (size_t i = 0; i < shown->count; i++)
        hpx_names_add_metrics(names, &shown->artifacts[i].metrics);
}

void hpx_report_sparks(hpx_buffer *out, const hpx_trajectory *shown, const hpx_screen *screen)
{
    hpx_names names = {0};
    size_t widest = 0;
    add_names(&names, shown);
    for (size_t i = 0; i < names.count; i++)
        widest = widest > strlen(names.at[i]) ? widest : strlen(names.at[i]);
    for (size_t i = 0; i < names.count && shown->count > 1; i++) {
        struct series series = series_of(shown, names.at[i]);
        hpx_buffer_printf(out, "%-10s  %-*s  ", i == 0 ? "epochs" : "", (int)widest, series.name);
        hpx_spark(out, series.values, series.count, SPARK_WIDTH, screen->utf8);
        if (series.finite > 0)
            hpx_buffer_printf(out, "  %.4g to %.4g", series.low, series.high);
        hpx_buffer_puts(out, "\n");
        free_series(&series);
    }
    hpx_names_free(&names);
}

/* --- plots ------------------------------------------------------------------------------------------------ */

/* Sets the points, a byte for each place: 0 where there is none, '*', or 'x' where an epoch has no value. */
static void set_points(char *places, size_t columns, const struct series *series)
{
    const uint32_t first = series->epochs[0], last = series->epochs[series->count - 1];
    for (size_t i = 0; i < series->count; i++) {
        const double along = last > first ? (double)(series->epochs[i] - first) / (last - first) : 0,
                     up = series->high > series->low
                              ? (series->values[i] - series->low) / (series->high - series->low)
                              : 0.5;
        const bool finite = isfinite(series->values[i]);
        const size_t column = (size_t)(along * (double)(columns - 1) + 0.5),
                     row = finite ? (size_t)((1 - up) * (PLOT_ROWS - 1) + 0.5) : PLOT_ROWS - 1;
        places[row * columns + column] = finite ? '*' : 'x';
    }
}

static void plot(hpx_buffer *out, const struct series *series, const hpx_screen *screen)
{
    const size_t room = screen->columns > LABEL + 14 ? screen->columns - LABEL - 4 : 10,
                 columns = room < PLOT_MAX ? room : PLOT_MAX;
    const char *const wall = screen->utf8 ? "│" : "|", *const floor = screen->utf8 ? "└" : "+",
                      *const line = screen->utf8 ? "─" : "-", *const point = screen->utf8 ? "•" : "*";
    char *places = hpx_alloc(PLOT_ROWS * columns), number[32], last[16];
    set_points(places, columns, series);
    hpx_buffer_printf(out, "%s\n", series->name);
    for (size_t row = 0; row < PLOT_ROWS; row++) {
        hpx_print(number, sizeof number, "%.4g", row == 0 ? series->high : series->low);
        const bool has_label = row == 0 || (row == PLOT_ROWS - 1 && series->low < series->high);
        hpx_buffer_printf(out, "%*s %s", LABEL, has_label ? number : "", wall);
        size_t blanks = 0;
        for (size_t column = 0; column < columns; column++) {
            const char place = places[row * columns + column];
            if (place)
                hpx_buffer_printf(out, "%*s%s", (int)blanks, "", place == 'x' ? "x" : point);
            blanks = place ? 0 : blanks + 1;
        }
        hpx_buffer_puts(out, "\n");
    }
    hpx_buffer_printf(out, "%*s %s", LABEL, "", floor);
    for (size_t column = 0; column < columns; column++)
        hpx_buffer_puts(out, line);
    hpx_print(number, sizeof number, "%u", series->epochs[0]);
    hpx_print(last, sizeof last, "%u", series->epochs[series->count - 1]);
    const char *const end = series->count > 1 ? last : "";
    hpx_buffer_printf(out, "\n%*s  %s%*s%s\n", LABEL, "", number,
                      (int)(*end ? columns - strlen(number) - strlen(end) : 0), "", end);
    free(places);
}

void hpx_report_curves(hpx_buffer *out, const hpx_trajectory *shown, const hpx_screen *screen)
{
    hpx_names names = {0};
    bool any = false;
    add_names(&names, shown);
    for (size_t i = 0; i < names.count; i++) {
        struct series series = series_of(shown, names.at[i]);
        if (series.finite > 0) {
            hpx_buffer_puts(out, any ? "\n" : "");
            plot(out, &series, screen);
            any = true;
        }
        free_series(&series);
    }
    hpx_names_free(&names);
}

/* --- tables ----------------------------------------------------------------------------------------------- */

void hpx_report_curve_column(hpx_rows *rows)
{
    hpx_rows_add_column(rows, "epochs", " curve", 'l', hpx_show_if_any, 0);
}
