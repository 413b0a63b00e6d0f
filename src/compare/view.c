/* What a block of seeds shows of the cells: scores, the means over its seeds, and truths, those over the others. */
#include "inside.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* The mean of a metric over seeds. NaN: one of them failed; infinite: the table has not all of them. */
static double mean_of(const hpx_lab *lab, const size_t *seeds, size_t count, hpx_request request,
                      size_t metric)
{
    double sum = 0, value;
    bool failed = false;
    for (size_t i = 0; i < count; i++) {
        const hpx_measure measure = hpx_measured_value(&value, lab->measured, seeds[i], request, metric);
        if (measure == HPX_MEASURE_MISSING)
            return INFINITY;
        failed = failed || measure == HPX_MEASURE_FAILED;
        sum += value;
    }
    if (failed)
        return NAN;
    return (lab->recipe->objective.minimised ? -sum : sum) / (double)count;
}

/* A cell that failed is as good as the worst that did not. */
static void fill_in_failed(hpx_view *view)
{
    double worst = INFINITY;
    view->best = -INFINITY;
    for (uint32_t cell = 0; cell < view->lab->cells; cell++) {
        const double truth = view->truth[cell];
        worst = truth < worst ? truth : worst;
        view->best = truth > view->best ? truth : view->best;
    }
    for (uint32_t cell = 0; cell < view->lab->cells; cell++)
        if (isnan(view->truth[cell]))
            view->truth[cell] = worst;
}

void hpx_view_init(hpx_view *view, hpx_lab *lab, size_t first, size_t count)
{
    *view = (hpx_view){.lab = lab, .first = first, .count = count};
    size_t *others = hpx_alloc(lab->seed_count * sizeof *others), other_count = 0;
    for (size_t i = 0; i < lab->seed_count; i++)
        if (i < first || i >= first + count || count == lab->seed_count)
            others[other_count++] = lab->seeds[i];
    view->truth = hpx_alloc(lab->cells * sizeof *view->truth);
    for (uint32_t cell = 0; cell < lab->cells; cell++)
        view->truth[cell] =
            mean_of(lab, others, other_count, (hpx_request){cell, lab->recipe->epochs}, lab->truth_metric);
    fill_in_failed(view);
    free(others);
}

void hpx_view_free(hpx_view *view)
{
    for (size_t i = 0; i < view->level_count; i++)
        free(view->levels[i].scores);
    free(view->levels);
    free(view->truth);
    *view = (hpx_view){0};
}

const double *hpx_view_scores(hpx_view *view, uint32_t epochs)
{
    const hpx_lab *lab = view->lab;
    for (size_t i = 0; i < view->level_count; i++)
        if (view->levels[i].epochs == epochs)
            return view->levels[i].scores;
    view->levels = hpx_grow(view->levels, &view->level_capacity, view->level_count + 1, sizeof *view->levels);
    double *scores = hpx_alloc(lab->cells * sizeof *scores);
    for (uint32_t cell = 0; cell < lab->cells; cell++)
        scores[cell] = mean_of(lab, lab->seeds + view->first, view->count, (hpx_request){cell, epochs}, 0);
    view->levels[view->level_count++] = (struct level){epochs, scores};
    return scores;
}
