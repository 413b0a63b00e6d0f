/* Do early epochs foretell the end, and what is saved by going on from them? */
#include "study.h"

#include "base/memory.h"
#include "statistics/ranks.h"

#include <math.h>
#include <stdlib.h>

enum { EPOCHS_MAX = 32, TOP = 5 };

/* By epoch and block: how the scores after it rank the cells, beside what the other seeds say of them in the end. */
struct foresight {
    uint32_t epochs;
    double *tau[EPOCHS_MAX];    /* Kendall's */
    double *recall[EPOCHS_MAX]; /* of the TOP best */
    double *own[EPOCHS_MAX];    /* tau beside the end of the same trainings */
};

static void rank_epochs(struct foresight *out, const struct lab *lab, size_t seed)
{
    const uint32_t cells = lab_cells(lab);
    const bool alone = lab->blocks == 1;
    double *scores = hpx_alloc(cells * sizeof *scores), *truth = hpx_alloc(cells * sizeof *truth),
           *end = hpx_alloc(cells * sizeof *end);
    for (uint32_t cell = 0; cell < cells; cell++) {
        end[cell] = lab_score(lab, seed, (hpx_request){cell, out->epochs});
        truth[cell] = hpx_tidy(lab_truth(lab, seed, cell));
    }
    for (uint32_t epoch = 1; epoch <= out->epochs; epoch++) {
        for (uint32_t cell = 0; cell < cells; cell++)
            scores[cell] = lab_score(lab, seed, (hpx_request){cell, epoch});
        out->own[epoch][seed] = hpx_kendall(scores, end, cells);
        out->tau[epoch][seed] = alone ? NAN : hpx_kendall(scores, truth, cells);
        out->recall[epoch][seed] = alone ? NAN : hpx_top_recall(scores, truth, cells, TOP);
    }
    free(scores);
    free(truth);
    free(end);
}

static void foresee(struct foresight *out, const struct lab *lab)
{
    *out = (struct foresight){.epochs = lab->recipe->epochs};
    if (out->epochs >= EPOCHS_MAX)
        study_die("%s: more than %d epochs", lab->path, EPOCHS_MAX - 1);
    for (uint32_t epoch = 1; epoch <= out->epochs; epoch++) {
        out->tau[epoch] = hpx_alloc(lab->blocks * sizeof(double));
        out->recall[epoch] = hpx_alloc(lab->blocks * sizeof(double));
        out->own[epoch] = hpx_alloc(lab->blocks * sizeof(double));
    }
    for (size_t seed = 0; seed < lab->blocks; seed++)
        rank_epochs(out, lab, seed);
}

static void free_foresight(struct foresight *foresight)
{
    for (uint32_t epoch = 1; epoch <= foresight->epochs; epoch++) {
        free(foresight->tau[epoch]);
        free(foresight->recall[epoch]);
        free(foresight->own[epoch]);
    }
}

static void put_epochs(hpx_buffer *out, const struct lab *lab, const struct foresight *foresight)
{
    static const uint32_t shown[] = {1, 2, 3, 5, 8, 10, 15};
    put_head(out, lab, "epochs | tau, truth | top 5 found | tau, own end");
    for (size_t i = 0; i < sizeof shown / sizeof *shown && shown[i] <= foresight->epochs; i++) {
        const uint32_t epoch = shown[i];
        hpx_buffer_printf(out, "| %u%s |", epoch, epoch == foresight->epochs ? ", the ceiling" : "");
        put_column(out, effect_by_others(lab, foresight->tau[epoch]), 1, 2);
        put_column(out, effect_by_others(lab, foresight->recall[epoch]), 1, 2);
        put_column(out, effect_of(foresight->own[epoch], lab->blocks), 1, 2);
        hpx_buffer_puts(out, "\n");
    }
    hpx_buffer_puts(out, "\n");
}

/* The first epoch that nobody tells from the last one. */
static void answer(struct study *study, hpx_buffer *list, const struct lab *lab,
                   const struct foresight *foresight)
{
    hpx_buffer sentence = {0};
    if (lab->blocks < 2) {
        hpx_buffer_puts(&sentence, "one seed, and no other to rank beside");
        study_answer(study, list, lab, NULL, "short-epochs", &sentence);
        return;
    }
    const double *last = foresight->tau[foresight->epochs];
    const struct effect lack = effect_of_difference(last, foresight->tau[1], lab->blocks);
    uint32_t epoch = 1;
    for (; epoch < foresight->epochs; epoch++) {
        const struct effect effect = effect_of_difference(last, foresight->tau[epoch], lab->blocks);
        if (effect_sign(&effect) <= 0)
            break;
    }
    put_contrast(&sentence, "a ranking after one epoch has %s %s tau than that after the last", "less",
                 "more", &lack, 1, 2);
    hpx_buffer_printf(&sentence, "; epoch %u is the first of which no lack shows", epoch);
    study_answer(study, list, lab, NULL, "short-epochs", &sentence);
}

/* --- the figure ---------------------------------------------------------------------------------------------- */

static void draw_curve(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const struct lab *lab,
                       double *const *values, uint32_t epochs)
{
    double x[EPOCHS_MAX], mean[EPOCHS_MAX], low[EPOCHS_MAX], high[EPOCHS_MAX];
    for (uint32_t epoch = 1; epoch <= epochs; epoch++) {
        const struct effect effect = effect_by_others(lab, values[epoch]);
        x[epoch - 1] = epoch;
        mean[epoch - 1] = effect.mean;
        low[epoch - 1] = effect.interval.low;
        high[epoch - 1] = effect.interval.high;
    }
    hpx_svg_band(svg, plot, series, x, low, high, epochs);
    hpx_svg_range(svg, plot, series, 1, mean[epochs - 1], epochs, mean[epochs - 1]);
    hpx_svg_line(svg, plot, series, x, mean, epochs);
    hpx_svg_points(svg, plot, series, x, mean, epochs);
}

/* --- what going on saves ------------------------------------------------------------------------------------- */

static void put_saved(hpx_buffer *out, const struct lab *lab)
{
    static const char *const searches[] = {"screen", "halving", "hyperband", "asha"};
    double *continued = hpx_alloc(lab->blocks * sizeof *continued),
           *retrained = hpx_alloc(lab->blocks * sizeof *retrained),
           *saved = hpx_alloc(lab->blocks * sizeof *saved);
    for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
        const hpx_recipe_search *search = lab_search_named(lab, searches[i]);
        for (size_t seed = 0; seed < lab->blocks; seed++) {
            const struct lab_run run = lab_run_search(lab, &search->options, seed, 1);
            continued[seed] = run.continued;
            retrained[seed] = run.retrained;
            saved[seed] = 1 - run.continued / run.retrained;
        }
        const struct effect less = effect_of(saved, lab->blocks);
        hpx_buffer_printf(out, "| %s | %zu | %s |", lab->table->title, lab->blocks, searches[i]);
        put_column(out, effect_of(retrained, lab->blocks), 1, 3);
        put_column(out, effect_of(continued, lab->blocks), 1, 3);
        hpx_buffer_puts(out, " ");
        put_effect(out, &less, 100, 1);
        hpx_buffer_puts(out, " % |\n");
    }
    free(continued);
    free(retrained);
    free(saved);
}

void study_epochs(struct study *study)
{
    static const size_t tables[] = {VALIDATION_HE, FASHION_HE};
    const char *legend[2] = {NULL};
    bool any = false;
    hpx_buffer rows = {0}, answers = {0}, saved = {0};
    const hpx_svg_plot tau = {.title = "a Rank correlation",
                              .left = 50,
                              .top = 48,
                              .width = 270,
                              .height = 200,
                              .x = {"epochs", 1, 15},
                              .y = {"Kendall's tau", 0, 1}};
    hpx_svg_plot recall = tau;
    recall.title = "b The best cells";
    recall.left = 380;
    recall.y.label = "share found of the best five";
    hpx_svg *svg = hpx_svg_new(
        860, 300, "What early epochs foretell",
        "Two plots by epoch: Kendall's tau between the scores after it and what the other seeds say of the "
        "cells in the end, and the share of the five best cells that are among the five best by then. "
        "A straight line is at the height of the last epoch: the ceiling between seeds.");
    hpx_svg_axes(svg, &tau);
    hpx_svg_axes(svg, &recall);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct lab lab;
        struct foresight foresight;
        if (!lab_open(&lab, study, tables[i], "methods", NULL))
            continue;
        foresee(&foresight, &lab);
        put_epochs(&rows, &lab, &foresight);
        answer(study, &answers, &lab, &foresight);
        put_saved(&saved, &lab);
        draw_curve(svg, &tau, i, &lab, foresight.tau, foresight.epochs);
        draw_curve(svg, &recall, i, &lab, foresight.recall, foresight.epochs);
        legend[i] = lab.table->title;
        any = any || lab.blocks > 1;
        free_foresight(&foresight);
        lab_close(&lab);
    }
    if (!any) {
        study_note_in(svg, &tau, "no two seeds yet");
        study_note_in(svg, &recall, "no two seeds yet");
    }
    hpx_svg_legend(svg, 672, 70, legend, 2);
    study_figure(study, "epochs", svg);
    study_take(study, "epoch-rows", &rows);
    study_take(study, "epoch-answers", &answers);
    study_take(study, "saved", &saved);
}
