/* What workers gain: searches on a clock of multiplications, by what each is certain to visit. */
#include "study.h"

#include "base/memory.h"

#include <stdlib.h>

enum { WORKERS = 4, SHOWN = 7 };

static const size_t workers[WORKERS] = {1, 2, 8, 64};
static const char *const worker_names[WORKERS] = {"1", "2", "8", "64"};
/* In the order of the figure's series. */
static const char *const shown[SHOWN] = {"hill-climb", "full-cross", "grid",     "partial-cross",
                                         "asha",       "halving",    "hyperband"};

/* Work over span, by block; to be freed. */
static double *speedups(const struct lab *lab, const char *name, size_t count)
{
    const hpx_recipe_search *search = lab_search_named(lab, name);
    double *values = hpx_alloc(lab->blocks * sizeof *values);
    for (size_t seed = 0; seed < lab->blocks; seed++) {
        const struct lab_run run = lab_run_search(lab, &search->options, seed, count);
        values[seed] = run.continued / run.span;
    }
    return values;
}

static void draw_method(hpx_svg *svg, const hpx_svg_plot *plot, hpx_buffer *rows, const struct lab *lab,
                        size_t series)
{
    double x[WORKERS], y[WORKERS];
    hpx_buffer_printf(rows, "| %s |", shown[series]);
    for (size_t w = 0; w < WORKERS; w++) {
        double *values = speedups(lab, shown[series], workers[w]);
        const struct effect effect = effect_of(values, lab->blocks);
        x[w] = (double)w;
        y[w] = effect.mean;
        hpx_svg_range(svg, plot, series, x[w], effect.interval.low, x[w], effect.interval.high);
        put_column(rows, effect, 1, 2);
        free(values);
    }
    hpx_buffer_puts(rows, "\n");
    hpx_svg_line(svg, plot, series, x, y, WORKERS);
    hpx_svg_points(svg, plot, series, x, y, WORKERS);
}

/* The paper's claim, for each number of workers but one. */
static void put_answers(struct study *study, hpx_buffer *list, const struct lab *lab)
{
    struct effect more[WORKERS];
    for (size_t w = 1; w < WORKERS; w++) {
        double *full = speedups(lab, "full-cross", workers[w]),
               *hill = speedups(lab, "hill-climb", workers[w]);
        more[w] = effect_of_difference(full, hill, lab->blocks);
        free(full);
        free(hill);
    }
    effects_adjust(&more[1], WORKERS - 1);
    for (size_t w = 1; w < WORKERS; w++) {
        char *words = hpx_format(
            "on %zu workers the speed-up of full cross is %%s %%s than that of hill climbing", workers[w]);
        hpx_buffer sentence = {0};
        put_contrast(&sentence, words, "more", "less", &more[w], 1, 2);
        study_answer(study, list, lab, NULL, w + 1 == WORKERS ? "short-workers" : NULL, &sentence);
        free(words);
    }
}

void study_parallel(struct study *study)
{
    hpx_buffer rows = {0}, answers = {0};
    struct lab lab;
    const hpx_svg_plot plot = {.left = 50,
                               .top = 30,
                               .width = 420,
                               .height = 210,
                               .x = {.label = "workers", .names = worker_names, .count = WORKERS},
                               .y = {"times as fast as one worker", 0.9, 6}};
    hpx_svg *svg = hpx_svg_new(
        660, 290, "What workers gain",
        "By the number of workers, 1, 2, 8 and 64: how many times as fast as one worker each method is.");
    hpx_svg_axes(svg, &plot);
    hpx_svg_legend(svg, 500, 60, shown, SHOWN);
    if (lab_open(&lab, study, VALIDATION_HE, "methods", NULL)) {
        put_head(&rows, &lab, "method | 1 | 2 | 8 | 64");
        for (size_t i = 0; i < SHOWN; i++)
            draw_method(svg, &plot, &rows, &lab, i);
        put_answers(study, &answers, &lab);
    } else
        study_note_in(svg, &plot, study_no_seeds);
    lab_close(&lab);
    study_figure(study, "parallel", svg);
    study_take(study, "parallel-rows", &rows);
    study_take(study, "parallel-answers", &answers);
}
