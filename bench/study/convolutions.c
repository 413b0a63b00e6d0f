/* The hyperparameters of convolutions: cross-searches beside the grid, random search and hill climbing, from the smallest
 * network. */
#include "study.h"

#include "base/memory.h"

#include <math.h>

enum { METHODS = 7 };

/* In the order of the figure's series. */
static const struct {
    const char *search, *name;
} methods[METHODS] = {{"hill-climb", "hill climbing"},
                      {"full-filters", "full cross, filters first"},
                      {"random", "random"},
                      {"partial-filters", "partial cross, filters first, limit 1"},
                      {"full-hidden", "full cross, hidden first"},
                      {"partial-hidden", "partial cross, hidden first, limit 1"},
                      {"hill-axes", "hill climbing, one axis at a time"}};

static const char title[] = "Convolutions: accuracy lost by what is spent";

static void put_rows(hpx_buffer *out, const struct lab *lab, const hpx_contest *contest)
{
    const hpx_contender *random = lab_find(contest, "random"), *grid = lab_find(contest, "grid");
    put_head(out, lab, "search | cost | evaluations | points lost | more than the grid | more than random");
    for (size_t i = 0; i <= METHODS; i++) {
        const hpx_contender *search = i < METHODS ? lab_find(contest, methods[i].search) : grid;
        hpx_buffer_printf(out, "| %s |", i < METHODS ? methods[i].name : "grid");
        put_column(out, effect_of(search->cost, lab->blocks), 1, 3);
        hpx_buffer_printf(out, " %.1f |", search->mean_evaluations);
        put_column(out, effect_of(search->regret, lab->blocks), POINTS, 2);
        put_column(out,
                   search == grid ? effect_of(NULL, 0)
                                  : effect_of_difference(search->regret, grid->regret, lab->blocks),
                   POINTS, 2);
        put_column(out, search == random ? effect_of(NULL, 0) : lost_to(lab, contest, search, random), POINTS,
                   2);
        hpx_buffer_puts(out, "\n");
    }
}

/* How much of the variance each axis decides by itself, and together with others. */
static void put_importance(hpx_buffer *out, const struct lab *lab, const hpx_contest *contest)
{
    const hpx_importance *importance = &contest->importance;
    double together = importance->rest;
    if (contest->no_importance)
        return;
    for (size_t axis = 0; axis < importance->axes; axis++) {
        hpx_buffer_printf(out, "%s%s %.1f %%", axis ? ", " : "", lab->recipe->axes[axis].name,
                          100 * importance->axis[axis]);
        for (size_t other = 0; other < axis; other++)
            together += importance->pair[axis * importance->axes + other];
    }
    hpx_buffer_printf(out, ", several together %.1f %%", 100 * together);
    if (importance->raw)
        hpx_buffer_puts(out, "; of one seed, so with its noise");
    else
        hpx_buffer_printf(out, ", noise %.1f %%", 100 * importance->noise);
}

/* --- answers ------------------------------------------------------------------------------------------------- */

static const struct question {
    const char *search, *beside, *words, *summary;
    bool same_cost; /* beside what the other has lost when it has spent as much; else beside its end */
} questions[] = {
    {"full-filters", "grid", "full cross, filters first, ends %s points %s the grid", "short-cnn-grid",
     false},
    {"full-filters", "hill-climb", "full cross, filters first, ends %s points %s hill climbing",
     "short-cnn-hill", false},
    {"full-filters", "random", "full cross, filters first, is %s points %s random search at the same cost",
     "short-cnn-random", true},
    {"partial-filters", "grid", "partial cross, filters first, limit 1, ends %s points %s the grid", NULL,
     false},
    {"partial-filters", "hill-climb",
     "partial cross, filters first, limit 1, ends %s points %s hill climbing", NULL, false},
    {"partial-filters", "random",
     "partial cross, filters first, limit 1, is %s points %s random search at the same cost", NULL, true},
    {"full-hidden", "full-filters", "full cross with hidden first ends %s points %s that with filters first",
     NULL, false},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static void put_answers(struct study *study, hpx_buffer *list, const struct lab *lab,
                        const hpx_contest *contest)
{
    struct effect lost[QUESTIONS];
    for (size_t i = 0; i < QUESTIONS; i++) {
        const hpx_contender *search = lab_find(contest, questions[i].search),
                            *beside = lab_find(contest, questions[i].beside);
        lost[i] = questions[i].same_cost ? lost_to(lab, contest, search, beside)
                                         : effect_of_difference(search->regret, beside->regret, lab->blocks);
    }
    effects_adjust(lost, QUESTIONS);
    for (size_t i = 0; i < QUESTIONS; i++) {
        const hpx_contender *search = lab_find(contest, questions[i].search),
                            *beside = lab_find(contest, questions[i].beside);
        const struct effect cost = share_of_cost(lab, search, beside);
        hpx_buffer sentence = {0};
        put_contrast(&sentence, questions[i].words, "below", "above", &lost[i], POINTS, 2);
        if (!questions[i].same_cost) {
            hpx_buffer_puts(&sentence, ", at ");
            put_effect(&sentence, &cost, 1, 2);
            hpx_buffer_puts(&sentence, " of its cost");
        }
        study_answer(study, list, lab, NULL, questions[i].summary, &sentence);
    }
}

/* --- the figure ---------------------------------------------------------------------------------------------- */

static void draw(struct study *study, const struct lab *lab, const hpx_contest *contest)
{
    const char *names[METHODS];
    const hpx_svg_plot plot = {.left = 50,
                               .top = 20,
                               .width = 420,
                               .height = 250,
                               .x = {"cost, relative to the grid", 0.005, 1, .logarithmic = true},
                               .y = {"points lost", 0.005, 5, .logarithmic = true}};
    hpx_svg *svg = hpx_svg_new(
        860, 320, title,
        "By the cost spent so far, relative to the grid, the points by which the best cell of each search "
        "is below the best of all, by the other seeds.");
    hpx_svg_axes(svg, &plot);
    for (size_t m = 0; m < METHODS; m++) {
        study_curve(svg, &plot, m, lab, contest, lab_find(contest, methods[m].search));
        names[m] = methods[m].name;
    }
    hpx_svg_legend(svg, 500, 60, names, METHODS);
    study_figure(study, "convolutions", svg);
}

void study_convolutions(struct study *study)
{
    struct lab lab;
    hpx_buffer rows = {0}, importance = {0}, answers = {0};
    if (!lab_open(&lab, study, MNIST_CNN, "convolutions", NULL)) {
        study_empty_figure(study, "convolutions", title);
        return;
    }
    hpx_contest *contest = lab_compare(&lab, false, 0);
    put_rows(&rows, &lab, contest);
    put_importance(&importance, &lab, contest);
    put_answers(study, &answers, &lab, contest);
    draw(study, &lab, contest);
    hpx_contest_free(contest);
    lab_close(&lab);
    study_take(study, "cnn-rows", &rows);
    study_take(study, "cnn-importance", &importance);
    study_take(study, "cnn-answers", &answers);
}
