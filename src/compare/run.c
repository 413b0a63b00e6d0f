/* A search over a block: what it visits, what that costs, and how far its incumbent is from the best by then. */
#include "inside.h"

#include "base/memory.h"
#include "statistics/order.h"

#include <math.h>
#include <stdlib.h>

/* A failed cell is below all others; of equal ones the cheaper is better, then that with the smaller number. */
static bool is_better(const hpx_lab *lab, const double *scores, uint32_t a, uint32_t b)
{
    const double x = scores[a], y = scores[b];
    if (isnan(x) != isnan(y))
        return isnan(y);
    if (!isnan(x) && x != y)
        return x > y;
    return lab->macs[a] != lab->macs[b] ? lab->macs[a] < lab->macs[b] : a < b;
}

void hpx_runs_free(hpx_runs *runs)
{
    free(runs->changes);
    *runs = (hpx_runs){0};
}

static void change(hpx_runs *runs, double cost, double regret, bool first)
{
    runs->changes =
        hpx_grow(runs->changes, &runs->change_capacity, runs->change_count + 1, sizeof *runs->changes);
    runs->changes[runs->change_count] = (hpx_change){cost, regret, runs->change_count, first};
    runs->change_count++;
}

static double regret_of(const hpx_view *view, uint32_t cell)
{
    return hpx_tidy(view->best - view->truth[cell]);
}

static bool ties(const hpx_view *view, uint32_t cell)
{
    return regret_of(view, cell) <= view->lab->tie;
}

static uint64_t cost_of(void *lab, uint32_t cell)
{
    return ((const hpx_lab *)lab)->macs[cell];
}

/* Answers what the search asks for until it is done. */
static bool finish(hpx_search *search, hpx_request *missing, hpx_view *view)
{
    hpx_request request;
    size_t certain;
    while (hpx_search_ask(search, &request, 1, &certain) > 0) {
        const double score = hpx_view_scores(view, request.epochs)[request.cell];
        *missing = request;
        if (isinf(score))
            return false;
        hpx_search_tell(search, request, score);
    }
    return true;
}

/* Goes through what it has visited: cost and incumbent, as a build accounts for them. */
static void account(hpx_runs *runs, hpx_view *view, const hpx_request *trace, size_t count)
{
    hpx_lab *lab = view->lab;
    const double unit = lab->grid_macs * lab->recipe->epochs;
    const double *scores = NULL;
    double spent = 0, regret = 0;
    hpx_request best = {0, 0};
    for (size_t i = 0; i < count; i++) {
        const hpx_request visit = trace[i];
        uint32_t *visited = &lab->visited[visit.cell];
        const uint32_t before = lab->continues ? *visited : 0;
        if (visit.epochs > before)
            spent += (double)lab->macs[visit.cell] * (visit.epochs - before);
        *visited = visit.epochs > *visited ? visit.epochs : *visited;
        if (i > 0 && visit.epochs < best.epochs)
            continue;
        if (i == 0 || visit.epochs > best.epochs)
            scores = hpx_view_scores(view, visit.epochs);
        else if (!is_better(lab, scores, visit.cell, best.cell))
            continue;
        best = visit;
        const double now = regret_of(view, best.cell);
        if (i == 0 || now != regret)
            change(runs, spent / unit, now - regret, i == 0);
        regret = now;
    }
    for (size_t i = 0; i < count; i++)
        lab->visited[trace[i].cell] = 0;
    runs->cost += spent / unit;
    runs->evaluations += (double)count;
}

bool hpx_runs_add(hpx_runs *runs, hpx_request *missing, hpx_view *view, const hpx_search_options *options)
{
    hpx_search *search = hpx_search_new(&view->lab->recipe->grid, options, cost_of, view->lab);
    const bool done = finish(search, missing, view);
    if (done) {
        const hpx_request *trace;
        const size_t count = hpx_search_trace(search, &trace);
        const hpx_search_result result = hpx_search_result_of(search);
        const double *scores = hpx_view_scores(view, result.epochs);
        account(runs, view, trace, count);
        runs->count++;
        runs->end = result.end;
        runs->regret += regret_of(view, result.end);
        runs->tied += ties(view, result.end);
        runs->flattery += result.epochs == view->lab->recipe->epochs
                              ? scores[result.end] - view->truth[result.end]
                              : (double)NAN; /* scores of different epochs are not compared */
    }
    hpx_search_free(search);
    return done;
}

struct ranking {
    const hpx_lab *lab;
    const double *scores;
};

static int worse_first(const void *left, const void *right, void *context)
{
    const struct ranking *ranking = context;
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return is_better(ranking->lab, ranking->scores, b, a) ? -1 : a != b;
}

/* The regret of the best of k for k = 1 .. most, and what the last of them was chosen on. A failed cell is chosen, too,
 * where no other is drawn: it has its place in the order. */
static void add_draws(hpx_runs *runs, const hpx_view *view, const double *scores, const uint32_t *cells,
                      uint32_t most)
{
    const uint32_t count = view->lab->cells;
    double *truth = hpx_alloc(count * sizeof *truth), *weights = hpx_alloc(count * sizeof *weights);
    double *chosen = hpx_alloc(most * sizeof *chosen), chosen_on = 0, regret = 0;
    for (uint32_t i = 0; i < count; i++)
        truth[i] = view->truth[cells[i]];
    hpx_draws_curve(chosen, most, truth, count);
    for (uint32_t k = 1; k <= most; k++) {
        const double before = regret;
        regret = hpx_tidy(view->best - chosen[k - 1]);
        change(runs, (double)k / count, regret - before, k == 1);
    }
    hpx_draws_weights(weights, count, most);
    for (uint32_t i = 0; i < count; i++) {
        chosen_on += weights[i] > 0 ? weights[i] * scores[cells[i]] : 0;
        runs->tied += ties(view, cells[i]) ? weights[i] : 0;
    }
    runs->regret += regret;
    runs->flattery += chosen_on - chosen[most - 1];
    free(chosen);
    free(truth);
    free(weights);
}

/* After k of the cells, drawn without replacement, the relative cost is k / N on average. */
bool hpx_runs_add_random(hpx_runs *runs, hpx_request *missing, hpx_view *view,
                         const hpx_search_options *options)
{
    const hpx_lab *lab = view->lab;
    const uint32_t most = options->evaluations < lab->cells ? options->evaluations : lab->cells;
    const double *scores = hpx_view_scores(view, options->epochs);
    struct ranking ranking = {lab, scores};
    uint32_t *cells = hpx_alloc(lab->cells * sizeof *cells);
    bool complete = true;
    for (uint32_t cell = 0; cell < lab->cells && complete; cell++) {
        *missing = (hpx_request){cell, options->epochs};
        complete = !isinf(scores[cell]);
        cells[cell] = cell;
    }
    if (complete) {
        qsort_r(cells, lab->cells, sizeof *cells, worse_first, &ranking);
        add_draws(runs, view, scores, cells, most);
        runs->count++;
        runs->cost += (double)most / lab->cells;
        runs->evaluations += most;
    }
    free(cells);
    return complete;
}

static int by_cost(const void *left, const void *right)
{
    const hpx_change *a = left, *b = right;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

void hpx_runs_curve(double *curve, double *within, hpx_runs *runs, const double *costs, size_t count,
                    double goal)
{
    size_t begun = 0, at = 0;
    double sum = 0;
    *within = isnan(goal) ? NAN : INFINITY;
    if (runs->change_count > 0)
        qsort(runs->changes, runs->change_count, sizeof *runs->changes, by_cost);
    for (size_t i = 0; i < runs->change_count; i++) {
        const hpx_change *next = &runs->changes[i];
        const double before = begun == runs->count ? hpx_tidy(sum / (double)runs->count) : (double)NAN;
        while (at < count && costs[at] < next->cost)
            curve[at++] = before;
        begun += next->first;
        sum += next->regret;
        const bool last = i + 1 == runs->change_count || runs->changes[i + 1].cost > next->cost;
        if (last && begun == runs->count && isinf(*within) &&
            hpx_tidy(sum / (double)runs->count) <= hpx_tidy(goal))
            *within = next->cost;
    }
    while (at < count)
        curve[at++] = begun == runs->count ? hpx_tidy(sum / (double)runs->count) : (double)NAN;
}
