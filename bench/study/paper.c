/* Does each row of the paper's table hold? And, from the same searches: full cross beside the grid, partial cross beside
 * hill climbing. */
#include "study.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 8 };

/* M. Imai, 2024. Accuracies and differences have four decimals there, costs three. */
static const struct paper_row {
    const char *search, *name;
    double difference, cost;
} rows[ROWS] = {
    {"grid", "grid", 0.0000, 1.000},
    {"hill-climb", "hill climbing", 0.0011, 0.075},
    {"full-n2", "full cross, n2 first", 0.0000, 0.273},
    {"partial-n2-3", "partial cross, n2 first, limit 3", 0.0000, 0.257},
    {"full-n1", "full cross, n1 first", 0.0011, 0.280},
    {"partial-n1-2", "partial cross, n1 first, limit 2", 0.0011, 0.063},
    {"partial-n2-1", "partial cross, n2 first, limit 1", 0.0012, 0.031},
    {"partial-n1-1", "partial cross, n1 first, limit 1", 0.0014, 0.034},
};

/* What a row is here: by block, and together. */
struct found {
    const hpx_contender *search;
    double *lost; /* score that the search ends with below that of the grid, as the paper has it; by block */
    struct effect cost, difference, truth;
};

/* The score is the truth and what flatters it; the truth is the best one less the regret. */
static void find_row(struct found *out, const struct lab *lab, const hpx_contender *grid,
                     const hpx_contender *search)
{
    out->search = search;
    out->lost = hpx_alloc(lab->blocks * sizeof *out->lost);
    for (size_t b = 0; b < lab->blocks; b++)
        out->lost[b] = search->regret[b] - grid->regret[b] + grid->flattery[b] - search->flattery[b];
    out->cost = effect_of(search->cost, lab->blocks);
    out->difference = effect_of(out->lost, lab->blocks);
    out->truth = effect_of_difference(search->regret, grid->regret, lab->blocks);
}

/* Where the one number of the paper lies among those of the blocks; `half`: half of its last digit. */
static const char *place_of(double paper, double half, const double *values, size_t blocks)
{
    size_t below = 0, above = 0;
    for (size_t b = 0; b < blocks; b++) {
        below += values[b] < paper - half - 1e-9;
        above += values[b] > paper + half + 1e-9;
    }
    return above == blocks ? "more" : below == blocks ? "less" : "holds";
}

static bool holds(const char *place)
{
    return strcmp(place, "holds") == 0;
}

static void put_row(hpx_buffer *out, const struct lab *lab, const struct paper_row *row,
                    const struct found *found)
{
    hpx_buffer_printf(out, "| %s | %.3f |", row->name, row->cost);
    put_column(out, found->cost, 1, 3);
    hpx_buffer_printf(out, " %s | %.2f |", place_of(row->cost, 0.0005, found->search->cost, lab->blocks),
                      POINTS * row->difference);
    put_column(out, found->difference, POINTS, 2);
    hpx_buffer_printf(out, " %s |", place_of(row->difference, 0.00005, found->lost, lab->blocks));
    put_column(out, found->truth, POINTS, 2);
    hpx_buffer_puts(out, "\n");
}

/* In words; without the grid's row, which holds by definition. free() them. */
static char *how_many_hold(const struct lab *lab, const struct found *found)
{
    size_t costs = 0, lost = 0;
    for (size_t i = 1; i < ROWS; i++) {
        costs += holds(place_of(rows[i].cost, 0.0005, found[i].search->cost, lab->blocks));
        lost += holds(place_of(rows[i].difference, 0.00005, found[i].lost, lab->blocks));
    }
    return hpx_format("%zu of %d costs hold, and %zu of %d accuracies (%zu %s)", costs, ROWS - 1, lost,
                      ROWS - 1, lab->blocks, hpx_plural(lab->blocks, "block", "blocks"));
}

static void put_table(hpx_buffer *out, const struct lab *lab, const struct found *found, const char *how_many)
{
    put_head(out, lab, "search | cost, paper | here | verdict | lost, paper | here | verdict | truly lost");
    for (size_t i = 0; i < ROWS; i++)
        put_row(out, lab, &rows[i], &found[i]);
    hpx_buffer_printf(out, "\n%s.\n\n", how_many);
}

/* --- the figure ---------------------------------------------------------------------------------------------- */

enum { SERIES = FASHION_HE + 1 }; /* the tables of MNIST, then the paper */

struct drawing {
    struct effect costs[SERIES][ROWS], lost[SERIES][ROWS];
    const char *legend[SERIES];
};

static void draw(struct study *study, struct drawing *drawing)
{
    const char *names[ROWS], *none[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        drawing->costs[SERIES - 1][i] = (struct effect){1, rows[i].cost, {NAN, NAN}, NAN};
        drawing->lost[SERIES - 1][i] = (struct effect){1, rows[i].difference, {NAN, NAN}, NAN};
        names[i] = rows[i].name;
        none[i] = "";
    }
    drawing->legend[SERIES - 1] = "the paper, one run";
    hpx_svg *svg = hpx_svg_new(
        860, 400, "The paper's table, measured",
        "For each search of the paper's table, beside the paper's number: its relative cost, and by how "
        "much the accuracy that it ends with is below the grid's, with intervals of 95 percent.");
    const hpx_svg_plot cost = {.title = "a Cost",
                               .left = 195,
                               .top = 34,
                               .width = 300,
                               .height = 260,
                               .x = {"relative to the grid", 0.01, 1, .logarithmic = true},
                               .y = {.names = names, .count = ROWS}};
    hpx_svg_plot lost = cost;
    lost.title = "b Accuracy below the grid's";
    lost.left = 530;
    lost.x = (hpx_svg_axis){.label = "points"};
    lost.y.names = none;
    study_forest(svg, cost, drawing->costs[0], SERIES, 1);
    study_forest(svg, lost, drawing->lost[0], SERIES, POINTS);
    hpx_svg_legend(svg, 195, 344, drawing->legend, SERIES);
    study_figure(study, "table", svg);
}

/* --- questions ------------------------------------------------------------------------------------------------- */

static const struct question {
    const char *value, *summary, *search, *beside, *words;
} questions[] = {
    {"full-and-grid", "short-full", "full-n2", "grid", "full cross ends %s points %s the grid"},
    {"full-n1-and-grid", "short-full-n1", "full-n1", "grid", "full cross ends %s points %s the grid"},
    {"partial-and-hill", "short-partial", "partial-n2-1", "hill-climb",
     "partial cross ends %s points %s hill climbing"},
    {"partial-n1-and-hill", "short-partial-n1", "partial-n1-1", "hill-climb",
     "partial cross ends %s points %s hill climbing"},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static void put_answers(struct study *study, hpx_buffer lists[QUESTIONS], const struct lab *lab,
                        const hpx_contest *contest)
{
    struct effect lost[QUESTIONS], cost[QUESTIONS];
    for (size_t i = 0; i < QUESTIONS; i++) {
        const hpx_contender *search = lab_find(contest, questions[i].search),
                            *beside = lab_find(contest, questions[i].beside);
        lost[i] = effect_of_difference(search->regret, beside->regret, lab->blocks);
        cost[i] = share_of_cost(lab, search, beside);
    }
    effects_adjust(lost, QUESTIONS);
    for (size_t i = 0; i < QUESTIONS; i++) {
        hpx_buffer sentence = {0};
        put_contrast(&sentence, questions[i].words, "below", "above", &lost[i], POINTS, 2);
        hpx_buffer_puts(&sentence, ", at ");
        put_effect(&sentence, &cost[i], 1, 2);
        hpx_buffer_puts(&sentence, " of its cost");
        study_answer(study, &lists[i], lab, NULL, questions[i].summary, &sentence);
    }
}

void study_paper(struct study *study)
{
    hpx_buffer tables = {0}, answers[QUESTIONS] = {{0}};
    struct drawing drawing = {0};
    for (size_t table = 0; table < PERCEPTRONS; table++) {
        struct lab lab;
        if (!lab_open(&lab, study, table, "table", NULL))
            continue;
        hpx_contest *contest = lab_compare(&lab, false, 0);
        struct found found[ROWS];
        for (size_t i = 0; i < ROWS; i++)
            find_row(&found[i], &lab, lab_find(contest, "grid"), lab_find(contest, rows[i].search));
        char *how_many = how_many_hold(&lab, found);
        put_table(&tables, &lab, found, how_many);
        if (table == PAPER_HE)
            study_put(study, "short-table", "%s", how_many);
        free(how_many);
        for (size_t i = 0; i < ROWS && table != FASHION_HE; i++) {
            drawing.costs[table][i] = found[i].cost;
            drawing.lost[table][i] = found[i].difference;
            drawing.legend[table] = lab.table->title;
        }
        put_answers(study, answers, &lab, contest);
        for (size_t i = 0; i < ROWS; i++)
            free(found[i].lost);
        hpx_contest_free(contest);
        lab_close(&lab);
    }
    draw(study, &drawing);
    study_take(study, "paper-tables", &tables);
    for (size_t i = 0; i < QUESTIONS; i++)
        study_take(study, questions[i].value, &answers[i]);
}
