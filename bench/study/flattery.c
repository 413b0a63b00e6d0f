/* What selecting on test images flatters: the score that a cell was chosen on, less what the other seeds say of it. */
#include "study.h"

#include "base/memory.h"

#include <stdlib.h>

enum { SEARCHES = 4 };

static const struct {
    const char *search, *name;
} searches[SEARCHES] = {
    {"grid", "grid, 66 cells"},
    {"full-n2", "full cross, n2 first"},
    {"hill-climb", "hill climbing"},
    {"partial-n2-1", "partial cross, limit 1"},
};

/* The test accuracy of the trainings that were chosen less that of other seeds: chosen by it, or by another score. */
static struct effect flattery(const struct lab *lab, const hpx_contender *search)
{
    double *values = hpx_alloc(lab->blocks * sizeof *values);
    for (size_t b = 0; b < lab->blocks; b++)
        values[b] = lab_test(lab, b, search->end[b]) - lab_truth(lab, b, search->end[b]);
    const struct effect effect = effect_by_others(lab, values);
    free(values);
    return effect;
}

static const struct choice {
    const char *name, *of, *summary;
    size_t table;
    const char *objective; /* NULL: the recipe's */
} choices[] = {
    {"MNIST, on test images", "on test images", "short-flattery", VALIDATION_HE, "test_accuracy"},
    {"MNIST, on validation images", "on validation images", "short-honesty", VALIDATION_HE, NULL},
    {"MNIST, the paper's split, on test images", "on test images", NULL, PAPER_HE, NULL},
    {"Fashion-MNIST, on test images", "on test images", NULL, FASHION_HE, "test_accuracy"},
    {"Fashion-MNIST, on validation images", "on validation images", NULL, FASHION_HE, NULL},
};
enum { CHOICES = sizeof choices / sizeof *choices };

static void answer(struct study *study, hpx_buffer *list, const struct lab *lab, const struct choice *choice,
                   const struct effect *grid)
{
    hpx_buffer sentence = {0};
    if (grid->blocks == 0)
        hpx_buffer_puts(&sentence, "one seed, and no other to judge by");
    else
        put_contrast(&sentence, "the best cell of the grid reports %s points %s than it is worth", "more",
                     "less", grid, POINTS, 2);
    study_answer(study, list, lab, choice->of, choice->summary, &sentence);
}

static void draw(struct study *study, const struct effect effects[CHOICES][SEARCHES],
                 const char *const *legend)
{
    const char *names[SEARCHES];
    for (size_t i = 0; i < SEARCHES; i++)
        names[i] = searches[i].name;
    hpx_svg *svg = hpx_svg_new(
        860, 290, "What selecting on test images flatters",
        "For four searches: the test accuracy of the cell chosen, in the seed that it was chosen in, less "
        "the mean over the other seeds, with intervals of 95 percent, by what it was selected on.");
    const hpx_svg_plot plot = {.left = 140,
                               .top = 20,
                               .width = 380,
                               .height = 220,
                               .x = {.label = "points of test accuracy above what the other seeds say"},
                               .y = {.names = names, .count = SEARCHES}};
    study_forest(svg, plot, effects[0], CHOICES, POINTS);
    if (effects[0][0].blocks == 0)
        study_note_in(svg, &plot, "no two seeds yet");
    hpx_svg_legend(svg, 550, 60, legend, CHOICES);
    study_figure(study, "flattery", svg);
}

void study_flattery(struct study *study)
{
    const char *legend[CHOICES] = {NULL};
    struct effect effects[CHOICES][SEARCHES] = {{{0}}};
    hpx_buffer rows = {0}, answers = {0};
    for (size_t c = 0; c < CHOICES; c++) {
        struct lab lab;
        if (!lab_open(&lab, study, choices[c].table, "table", choices[c].objective))
            continue;
        hpx_contest *contest = lab_compare(&lab, false, 0);
        hpx_buffer_printf(&rows, "| %s | %zu |", choices[c].name, lab.blocks);
        for (size_t i = 0; i < SEARCHES; i++) {
            effects[c][i] = flattery(&lab, lab_find(contest, searches[i].search));
            put_column(&rows, effects[c][i], POINTS, 2);
        }
        hpx_buffer_puts(&rows, "\n");
        answer(study, &answers, &lab, &choices[c], &effects[c][0]);
        legend[c] = choices[c].name;
        hpx_contest_free(contest);
        lab_close(&lab);
    }
    draw(study, (const struct effect(*)[SEARCHES])effects, legend);
    study_take(study, "flattery-rows", &rows);
    study_take(study, "flattery-answers", &answers);
}
