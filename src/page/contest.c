/* What `hpx compare --json` says of the searches: how far from the best cell they end, by which cost, their ranks, and which
 * axes matter. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "program/json.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define REGRET "Interquartile mean over the blocks, with its 95 % interval"

enum { HIGH = 240, ROW = 20 };

struct point {
    double cost, mean, low, high; /* of regret */
};

struct contender {
    char *name;
    struct point end; /* at the end, by its own cost */
    double mean_rank;
    struct point *curve;
    size_t count, capacity;
};

struct share {
    char *axes; /* "n1", "n1 × n2" */
    double share;
};

struct contest {
    char *objective;
    double schema;
    struct contender *contenders;
    size_t count, capacity;
    struct share *shares;
    size_t share_count, share_capacity;
};

void hpx_page_contest_free(struct contest *contest)
{
    if (!contest)
        return;
    for (size_t i = 0; i < contest->count; i++) {
        free(contest->contenders[i].name);
        free(contest->contenders[i].curve);
    }
    for (size_t i = 0; i < contest->share_count; i++)
        free(contest->shares[i].axes);
    free(contest->contenders);
    free(contest->shares);
    free(contest->objective);
    free(contest);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static const struct point nowhere = {NAN, NAN, NAN, NAN};

/* Elements come in their order: one that is not there yet is the next. */
static struct contender *contender_at(struct contest *contest, size_t i)
{
    if (i >= contest->count) {
        contest->contenders = hpx_grow(contest->contenders, &contest->capacity, contest->count + 1,
                                       sizeof *contest->contenders);
        contest->contenders[contest->count++] = (struct contender){.end = nowhere, .mean_rank = NAN};
    }
    return &contest->contenders[contest->count - 1];
}

static struct point *point_at(struct contender *contender, size_t i)
{
    if (i >= contender->count) {
        contender->curve =
            hpx_grow(contender->curve, &contender->capacity, contender->count + 1, sizeof *contender->curve);
        contender->curve[contender->count++] = nowhere;
    }
    return &contender->curve[contender->count - 1];
}

static struct share *share_at(struct contest *contest, size_t i)
{
    if (i >= contest->share_count) {
        contest->shares = hpx_grow(contest->shares, &contest->share_capacity, contest->share_count + 1,
                                   sizeof *contest->shares);
        contest->shares[contest->share_count++] = (struct share){.share = NAN};
    }
    return &contest->shares[contest->share_count - 1];
}

/* Whether a path is that of the pattern; each # in it is an index. */
static bool is_at(size_t indices[2], const char *path, const char *pattern)
{
    for (size_t count = 0; *pattern; pattern++) {
        if (*pattern != '#') {
            if (*path++ != *pattern)
                return false;
            continue;
        }
        const size_t digits = strspn(path, "0123456789");
        if (digits == 0 || digits > 9)
            return false;
        indices[count++] = strtoul(path, NULL, 10);
        path += digits;
    }
    return !*path;
}

static void set_text(char **out, const hpx_json_pair *value)
{
    free(*out);
    *out = value->text ? hpx_strdup(value->text) : NULL;
}

static void add_axis(struct share *share, const char *name)
{
    char *joined = share->axes ? hpx_format("%s × %s", share->axes, name) : hpx_strdup(name);
    free(share->axes);
    share->axes = joined;
}

/* A number of a contender, or of a point of its curve. */
static void take_number(struct contest *contest, const char *path, double number)
{
    static const struct {
        const char *pattern;
        size_t field;
        bool of_curve;
    } numbers[] = {
        {"searches.#.cost", offsetof(struct contender, end.cost)},
        {"searches.#.regret.mean", offsetof(struct contender, end.mean)},
        {"searches.#.regret.low", offsetof(struct contender, end.low)},
        {"searches.#.regret.high", offsetof(struct contender, end.high)},
        {"searches.#.mean_rank", offsetof(struct contender, mean_rank)},
        {"searches.#.curve.#.cost", offsetof(struct point, cost), true},
        {"searches.#.curve.#.mean", offsetof(struct point, mean), true},
        {"searches.#.curve.#.low", offsetof(struct point, low), true},
        {"searches.#.curve.#.high", offsetof(struct point, high), true},
    };
    size_t at[2];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!is_at(at, path, numbers[i].pattern))
            continue;
        struct contender *contender = contender_at(contest, at[0]);
        char *whole = numbers[i].of_curve ? (char *)point_at(contender, at[1]) : (char *)contender;
        memcpy(whole + numbers[i].field, &number, sizeof number);
    }
}

static void take_value(void *context, const char *path, const hpx_json_pair *value)
{
    struct contest *contest = context;
    const double number = value->kind == HPX_JSON_NUMBER ? value->number : NAN;
    size_t at[2];
    if (strcmp(path, "schema") == 0)
        contest->schema = number;
    else if (strcmp(path, "objective") == 0)
        set_text(&contest->objective, value);
    else if (is_at(at, path, "searches.#.name"))
        set_text(&contender_at(contest, at[0])->name, value);
    else if (is_at(at, path, "importance.shares.#.axes.#"))
        add_axis(share_at(contest, at[0]), value->text ? value->text : "");
    else if (is_at(at, path, "importance.shares.#.share"))
        share_at(contest, at[0])->share = number;
    else
        take_number(contest, path, number);
}

static bool is_whole(const struct contest *contest)
{
    bool whole = contest->schema == 1 && contest->objective && contest->count > 0;
    for (size_t i = 0; i < contest->count && whole; i++)
        whole = contest->contenders[i].name && contest->contenders[i].count > 0;
    for (size_t i = 0; i < contest->share_count && whole; i++)
        whole = contest->shares[i].axes && !isnan(contest->shares[i].share);
    return whole;
}

hpx_status hpx_page_compare(hpx_page *page, const char *path, const hpx_buffer *bytes, hpx_error *error)
{
    const char *objective = page->recipe->objective.name;
    struct contest *contest = hpx_alloc(sizeof *contest);
    hpx_status status = HPX_OK;
    if (!hpx_json_document((const char *)bytes->data, bytes->size, take_value, contest) || !is_whole(contest))
        status = hpx_error_set(error, HPX_USAGE, "%s: not what `hpx compare --json` prints", path);
    else if (strcmp(contest->objective, objective) != 0)
        status = hpx_error_set(error, HPX_USAGE, "%s: compares by %s, but the recipe's objective is %s", path,
                               contest->objective, objective);
    hpx_page_contest_free(page->contest);
    page->contest = status ? NULL : contest;
    if (status)
        hpx_page_contest_free(contest);
    return status;
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

/* The means, by the logarithm where they go over more than a decade; then what is 0 lies on the edge. */
static void choose_axes(hpx_svg_plot *plot, const struct contest *contest)
{
    double least = INFINITY;
    for (size_t i = 0; i < contest->count; i++)
        for (size_t k = 0; k < contest->contenders[i].count; k++) {
            const struct point *point = &contest->contenders[i].curve[k];
            hpx_page_include(&plot->x, point->cost);
            hpx_page_include(&plot->y, point->mean);
            least = point->mean > 0 ? fmin(least, point->mean) : least;
        }
    hpx_page_choose_scale(&plot->x);
    plot->y.logarithmic = plot->y.to > 10 * least;
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

static void put_regret(hpx_buffer *out, const hpx_page *page, const char *const *names)
{
    const struct contest *contest = page->contest;
    hpx_svg_plot plot = hpx_page_plot(HIGH, "share of the grid's cost", "regret");
    const double legend = TOP + HIGH + 62;
    choose_axes(&plot, contest);
    hpx_svg *svg =
        hpx_svg_new(WIDTH, legend + hpx_page_legend_height(contest->count), "Regret by cost",
                    "A line for each search: how much worse than the best cell what it has found is.");
    hpx_svg_axes(svg, &plot);
    for (size_t i = 0; i < contest->count; i++) {
        hpx_svg_open(svg, "search", hpx_page_search(page, names[i], i));
        put_curve(svg, &plot, &contest->contenders[i], i % HPX_SVG_SERIES);
        hpx_svg_close(svg);
    }
    hpx_page_legend(svg, page, names, contest->count, legend);
    hpx_html_open_figure(out, "regret-cost", "Regret by cost");
    hpx_svg_finish(out, svg);
    hpx_html_close_figure(out, plot.y.logarithmic ? REGRET
                                   "; the mark is the end. What is 0 lies on the lower edge."
                                                  : REGRET "; the mark is the end.");
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

static void put_ends(hpx_buffer *out, const hpx_page *page, const char *const *names)
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
    hpx_html_open_figure(out, "regret-end", "Regret at the end");
    hpx_svg_finish(out, svg);
    hpx_html_close_figure(out, REGRET " where there are several.");
}

/* Bars from 0, a row each. */
static void put_bars(hpx_buffer *out, const char *id, const char *heading, const char *label,
                     const char *caption, const char *const *names, const double *values, size_t count)
{
    hpx_svg_plot plot = rows_of(names, count, label);
    for (size_t i = 0; i < count; i++)
        hpx_page_include(&plot.x, values[i]);
    if (!(plot.x.to > 0))
        return;
    plot.x.to *= 1.04;
    hpx_svg *svg = hpx_svg_new(WIDTH, plot.height + 58, heading, caption);
    hpx_svg_axes(svg, &plot);
    hpx_svg_bars(svg, &plot, 0, values, count, 0.6, 0);
    hpx_html_open_figure(out, id, heading);
    hpx_svg_finish(out, svg);
    hpx_html_close_figure(out, caption);
}

void hpx_page_contest(hpx_buffer *out, const hpx_page *page)
{
    const struct contest *contest = page->contest;
    const size_t most = contest->count > contest->share_count ? contest->count : contest->share_count;
    const char **names = hpx_alloc(most * sizeof *names);
    double *values = hpx_alloc(most * sizeof *values);
    for (size_t i = 0; i < contest->count; i++) {
        names[i] = contest->contenders[i].name;
        values[i] = contest->contenders[i].mean_rank;
    }
    put_regret(out, page, names);
    put_ends(out, page, names);
    put_bars(out, "ranks", "Ranks", "mean rank", "Mean over the blocks; 1 is the best search of a block.",
             names, values, contest->count);
    for (size_t i = 0; i < contest->share_count; i++) {
        names[i] = contest->shares[i].axes;
        values[i] = 100 * contest->shares[i].share;
    }
    put_bars(out, "importance", "Importance of the axes", "% of the variance",
             "How much of the variance of the scores each axis explains, alone and together with another.",
             names, values, contest->share_count);
    free(names);
    free(values);
}
