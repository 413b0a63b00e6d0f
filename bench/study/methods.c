/* The methods at equal cost. */
#include "study.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { METHODS = 8, REPEATS = 3 };

/* In the order of the figure's series. */
static const char *const methods[METHODS] = {"hill-climb", "full-cross", "random",    "partial-cross",
                                             "bayes",      "halving",    "hyperband", "screen"};

static void put_rows(hpx_buffer *out, const struct lab *lab, const hpx_contest *contest)
{
    const hpx_contender *random = lab_find(contest, "random"), *bayes = lab_find(contest, "bayes");
    put_head(out, lab, "method | cost | evaluations | points lost | more than random | more than bayes");
    for (size_t i = 0; i < contest->search_count; i++) {
        const hpx_contender *search = &contest->searches[i];
        hpx_buffer_printf(out, "| %s |", search->search->name);
        put_column(out, effect_of(search->cost, lab->blocks), 1, 3);
        hpx_buffer_printf(out, " %.1f |", search->mean_evaluations);
        put_column(out, effect_of(search->regret, lab->blocks), POINTS, 2);
        for (size_t other = 0; other < 2; other++) {
            const hpx_contender *rival = other ? bayes : random;
            put_column(out, rival == search ? effect_of(NULL, 0) : lost_to(lab, contest, search, rival),
                       POINTS, 2);
        }
        hpx_buffer_puts(out, "\n");
    }
    hpx_buffer_puts(out, "\n");
}

static void put_answers(struct study *study, hpx_buffer *list, const struct lab *lab,
                        const hpx_contest *contest)
{
    static const struct {
        const char *search, *name, *rival, *rival_name, *summary;
    } asked[] = {{"full-cross", "full cross", "random", "random search", "short-random"},
                 {"full-cross", "full cross", "bayes", "bayes", "short-bayes"},
                 {"partial-cross", "partial cross", "random", "random search", "short-partial-random"},
                 {"partial-cross", "partial cross", "bayes", "bayes", NULL},
                 {"screen", "a screen of one epoch", "random", "random search", "short-screen"}};
    enum { ASKED = sizeof asked / sizeof *asked };
    struct effect more[ASKED];
    for (size_t i = 0; i < ASKED; i++)
        more[i] =
            lost_to(lab, contest, lab_find(contest, asked[i].search), lab_find(contest, asked[i].rival));
    effects_adjust(more, ASKED);
    for (size_t i = 0; i < ASKED; i++) {
        char *words =
            hpx_format("%s loses %%s points %%s %s for the same cost", asked[i].name, asked[i].rival_name);
        hpx_buffer sentence = {0};
        put_contrast(&sentence, words, "more than", "less than", &more[i], POINTS, 2);
        study_answer(study, list, lab, NULL, asked[i].summary, &sentence);
        free(words);
    }
}

void study_methods(struct study *study)
{
    static const size_t tables[] = {VALIDATION_HE, FASHION_HE};
    static const char *const titles[] = {"a MNIST", "b Fashion-MNIST"};
    hpx_buffer rows = {0}, answers = {0};
    hpx_svg *svg = hpx_svg_new(
        860, 330, "Accuracy lost by what is spent",
        "Two plots, for MNIST and Fashion-MNIST: by the cost spent so far, relative to the grid, the points "
        "by which the best cell of each method is below the best of all, by the other seeds.");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct lab lab;
        const hpx_svg_plot plot = {.title = titles[i],
                                   .left = 50 + 340 * (double)i,
                                   .top = 48,
                                   .width = 290,
                                   .height = 230,
                                   .x = {"cost, relative to the grid", 0.01, 1, .logarithmic = true},
                                   .y = {"points lost", 0.02, 5, .logarithmic = true}};
        hpx_svg_axes(svg, &plot);
        if (!lab_open(&lab, study, tables[i], "methods", NULL)) {
            study_note_in(svg, &plot, study_no_seeds);
            continue;
        }
        hpx_contest *contest = lab_compare(&lab, false, REPEATS);
        put_rows(&rows, &lab, contest);
        put_answers(study, &answers, &lab, contest);
        for (size_t m = 0; m < METHODS; m++)
            study_curve(svg, &plot, m, &lab, contest, lab_find(contest, methods[m]));
        hpx_contest_free(contest);
        lab_close(&lab);
    }
    hpx_svg_legend(svg, 705, 70, methods, METHODS);
    study_figure(study, "methods", svg);
    study_take(study, "method-rows", &rows);
    study_take(study, "method-answers", &answers);
}
