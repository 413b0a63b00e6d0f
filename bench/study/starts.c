/* Where a search begins: cross-searches along both axes first, with all limits and both scans, from every cell. */
#include "study.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { LIMITS = 5, KINDS = 4 };

static const char *const limits[LIMITS] = {"1", "2", "3", "4", "none"};

static const struct kind {
    const char *first, *scan, *name;
} kinds[KINDS] = {
    {"n1", "low", "n1 first"},
    {"n2", "low", "n2 first"},
    {"n1", "outward", "n1 first, outward"},
    {"n2", "outward", "n2 first, outward"},
};

static const hpx_contender *find_search(const hpx_contest *contest, size_t kind, size_t limit)
{
    char *name = hpx_format("%s-%s-%s", kinds[kind].first, limits[limit], kinds[kind].scan);
    const hpx_contender *search = lab_find(contest, name);
    free(name);
    return search;
}

static void put_rows(hpx_buffer *out, const struct lab *lab, const hpx_contest *all,
                     const hpx_contest *corner)
{
    put_head(out, lab, "first | scan | limit | cost | points lost | more from (16, 16)");
    for (size_t kind = 0; kind < KINDS; kind++)
        for (size_t limit = 0; limit < LIMITS; limit++) {
            const hpx_contender *mean = find_search(all, kind, limit),
                                *one = find_search(corner, kind, limit);
            hpx_buffer_printf(out, "| %s | %s | %s |", kinds[kind].first, kinds[kind].scan, limits[limit]);
            put_column(out, effect_of(mean->cost, lab->blocks), 1, 3);
            put_column(out, effect_of(mean->regret, lab->blocks), POINTS, 2);
            put_column(out, effect_of_difference(one->regret, mean->regret, lab->blocks), POINTS, 2);
            hpx_buffer_puts(out, "\n");
        }
    hpx_buffer_puts(out, "\n");
}

/* --- the figures --------------------------------------------------------------------------------------------- */

static void draw_kind(hpx_svg *svg, const hpx_svg_plot *cost, const hpx_svg_plot *lost, const struct lab *lab,
                      const hpx_contest *all, size_t kind)
{
    double x[LIMITS], costs[LIMITS], losses[LIMITS];
    for (size_t limit = 0; limit < LIMITS; limit++) {
        const hpx_contender *search = find_search(all, kind, limit);
        const struct effect c = effect_of(search->cost, lab->blocks),
                            l = effect_of(search->regret, lab->blocks);
        x[limit] = (double)limit + 0.1 * ((double)kind - 1.5);
        costs[limit] = c.mean;
        losses[limit] = POINTS * l.mean;
        hpx_svg_range(svg, cost, kind, x[limit], c.interval.low, x[limit], c.interval.high);
        hpx_svg_range(svg, lost, kind, x[limit], POINTS * l.interval.low, x[limit], POINTS * l.interval.high);
    }
    hpx_svg_line(svg, cost, kind, x, costs, LIMITS);
    hpx_svg_points(svg, cost, kind, x, costs, LIMITS);
    hpx_svg_line(svg, lost, kind, x, losses, LIMITS);
    hpx_svg_points(svg, lost, kind, x, losses, LIMITS);
}

static double greatest_loss(const hpx_contest *all)
{
    double greatest = 0;
    for (size_t i = 0; i < all->search_count; i++) {
        const hpx_spread *regret = &all->searches[i].end_regret;
        greatest =
            fmax(greatest, POINTS * (isnan(regret->interval.high) ? regret->mean : regret->interval.high));
    }
    return greatest;
}

static const char limits_title[] = "Cross-searches from every start point",
                  map_title[] = "Accuracy lost, by start point";

static void draw_nothing(struct study *study)
{
    study_empty_figure(study, "starts", limits_title);
    study_empty_figure(study, "start-points", map_title);
}

static void draw_limits(struct study *study, const struct lab *lab, const hpx_contest *all)
{
    const char *names[KINDS];
    const hpx_svg_plot cost = {.title = "a Cost",
                               .left = 50,
                               .top = 48,
                               .width = 290,
                               .height = 200,
                               .x = {.label = "limit", .names = limits, .count = LIMITS},
                               .y = {"relative to the grid", 0.01, 1, .logarithmic = true}};
    hpx_svg_plot lost = cost;
    lost.title = "b Accuracy below the best cell's";
    lost.left = 400;
    lost.y = (hpx_svg_axis){"points", 0, 1.05 * greatest_loss(all)};
    hpx_svg *svg =
        hpx_svg_new(860, 300, limits_title,
                    "Two plots by limit, 1 to 4 and none: the mean cost over all start points, and the mean "
                    "accuracy lost, for cross-searches along either axis first and for both scans.");
    hpx_svg_axes(svg, &cost);
    hpx_svg_axes(svg, &lost);
    for (size_t kind = 0; kind < KINDS; kind++) {
        draw_kind(svg, &cost, &lost, lab, all, kind);
        names[kind] = kinds[kind].name;
    }
    hpx_svg_legend(svg, 715, 70, names, KINDS);
    study_figure(study, "starts", svg);
}

/* By cell, what a seed's end lacks of the best truth if the search begins there. */
static void add_losses(double *lost, const struct lab *lab, const char *name, size_t seed)
{
    const uint32_t cells = lab_cells(lab);
    hpx_search_options options = lab_search_named(lab, name)->options;
    double *truth = hpx_alloc(cells * sizeof *truth);
    for (uint32_t cell = 0; cell < cells; cell++)
        truth[cell] = lab_truth(lab, seed, cell);
    const double best = hpx_quantile(truth, cells, 1);
    for (options.start = 0; options.start < cells; options.start++)
        lost[options.start * lab->blocks + seed] = best - truth[lab_run_search(lab, &options, seed, 1).end];
    free(truth);
}

static void draw_map(hpx_svg *svg, const struct lab *lab, const char *search, const char *title, double left)
{
    const uint32_t cells = lab_cells(lab);
    double *lost = hpx_alloc(cells * lab->blocks * sizeof *lost), *means = hpx_alloc(cells * sizeof *means);
    for (size_t seed = 0; seed < lab->blocks; seed++)
        add_losses(lost, lab, search, seed);
    for (uint32_t cell = 0; cell < cells; cell++)
        means[cell] = POINTS * hpx_interquartile_mean(&lost[cell * lab->blocks], lab->blocks);
    study_heat_map(svg, lab, title, left, 48, means, true);
    free(lost);
    free(means);
}

static void draw_maps(struct study *study, const struct lab *lab)
{
    hpx_svg *svg =
        hpx_svg_new(860, 220, map_title,
                    "Heat maps: the points of accuracy by which the end of a search is below the best cell, "
                    "for each cell in which it begins.");
    draw_map(svg, lab, "n2-1-low", "a Limit 1, n2 first, from the low end", 45);
    draw_map(svg, lab, "n2-1-outward", "b Limit 1, n2 first, outward", 475);
    study_figure(study, "start-points", svg);
}

/* --- answers ------------------------------------------------------------------------------------------------- */

/* By block, the mean over all limits of what two kinds have of a value. */
static struct effect difference_of_kinds(const struct lab *lab, const hpx_contest *all, size_t kind,
                                         size_t other, bool of_cost)
{
    double *values = hpx_alloc(lab->blocks * sizeof *values);
    for (size_t b = 0; b < lab->blocks; b++)
        for (size_t limit = 0; limit < LIMITS; limit++) {
            const hpx_contender *x = find_search(all, kind, limit), *y = find_search(all, other, limit);
            values[b] += (of_cost ? x->cost[b] - y->cost[b] : x->regret[b] - y->regret[b]) / LIMITS;
        }
    const struct effect effect = effect_of(values, lab->blocks);
    free(values);
    return effect;
}

static void answer_start(struct study *study, hpx_buffer *list, const struct lab *lab, const hpx_contest *all,
                         const hpx_contest *corner)
{
    static const struct {
        size_t kind, limit;
        const char *name, *summary;
    } asked[] = {{1, 4, "full cross, n2 first", "short-start"},
                 {0, 4, "full cross, n1 first", NULL},
                 {1, 0, "partial cross, n2 first, limit 1", "short-start-partial"},
                 {0, 0, "partial cross, n1 first, limit 1", NULL}};
    enum { ASKED = sizeof asked / sizeof *asked };
    struct effect more[ASKED];
    for (size_t i = 0; i < ASKED; i++) {
        const hpx_contender *mean = find_search(all, asked[i].kind, asked[i].limit),
                            *one = find_search(corner, asked[i].kind, asked[i].limit);
        more[i] = effect_of_difference(one->regret, mean->regret, lab->blocks);
    }
    effects_adjust(more, ASKED);
    for (size_t i = 0; i < ASKED; i++) {
        hpx_buffer sentence = {0};
        put_contrast(&sentence, "it loses %s points %s than from a cell at random", "more", "less", &more[i],
                     POINTS, 2);
        study_answer(study, list, lab, asked[i].name, asked[i].summary, &sentence);
    }
}

static void answer_kinds(struct study *study, hpx_buffer lists[3], const struct lab *lab,
                         const hpx_contest *all)
{
    static const char scan[] = "walking outward loses %s points %s", axis[] = "n1 first loses %s points %s";
    static const struct {
        size_t list, kind, other;
        const char *words, *of, *summary;
    } asked[] = {{1, 2, 0, scan, "n1 first", NULL},
                 {1, 3, 1, scan, "n2 first", "short-scan"},
                 {2, 0, 1, axis, NULL, "short-axis"}};
    enum { ASKED = sizeof asked / sizeof *asked };
    struct effect more[ASKED];
    for (size_t i = 0; i < ASKED; i++)
        more[i] = difference_of_kinds(lab, all, asked[i].kind, asked[i].other, false);
    effects_adjust(more, ASKED);
    for (size_t i = 0; i < ASKED; i++) {
        const struct effect cost = difference_of_kinds(lab, all, asked[i].kind, asked[i].other, true);
        hpx_buffer sentence = {0};
        put_contrast(&sentence, asked[i].words, "more", "less", &more[i], POINTS, 2);
        hpx_buffer_puts(&sentence, ", and costs ");
        put_effect(&sentence, &cost, 1, 3);
        hpx_buffer_puts(&sentence, " of the grid more");
        study_answer(study, &lists[asked[i].list], lab, asked[i].of, asked[i].summary, &sentence);
    }
}

void study_starts(struct study *study)
{
    static const size_t tables[] = {VALIDATION_HE, FASHION_HE};
    static const char *const names[] = {"start-corner", "start-scan", "start-axis"};
    hpx_buffer rows = {0}, answers[3] = {{0}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct lab lab;
        if (!lab_open(&lab, study, tables[i], "starts", NULL)) {
            if (tables[i] == VALIDATION_HE)
                draw_nothing(study);
            continue;
        }
        hpx_contest *all = lab_compare(&lab, true, 0), *corner = lab_compare(&lab, false, 0);
        put_rows(&rows, &lab, all, corner);
        answer_start(study, &answers[0], &lab, all, corner);
        answer_kinds(study, answers, &lab, all);
        if (tables[i] == VALIDATION_HE) {
            draw_limits(study, &lab, all);
            draw_maps(study, &lab);
        }
        hpx_contest_free(all);
        hpx_contest_free(corner);
        lab_close(&lab);
    }
    study_take(study, "start-rows", &rows);
    for (size_t i = 0; i < 3; i++)
        study_take(study, names[i], &answers[i]);
}
