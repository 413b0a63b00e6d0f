/* Successive halving and hyperband: many cells train for a few epochs, the best of them go on for eta times as
 * many, and so on, until a few have had all [1]. How many cells to begin with is a guess; hyperband makes several,
 * each a bracket of its own, from many cells that begin early to few that train to the end at once [2, algorithm 1].
 *
 *     s_max = the largest s with E >= min-epochs eta^s
 *     for s = s_max ... 0:                                      (halving: s_max alone)
 *         cells = the next n of the order, n = ceil((s_max + 1) / (s + 1) eta^s)     (halving: n = evaluations)
 *         for i = 0 ... s:
 *             visit the cells at floor(E / eta^(s-i)) epochs
 *             cells = the best max(1, floor(n / eta^(i+1))) of them, best first; none that failed
 *
 * The order is that of random search, so that both meet the same cells; it starts over at its end, and a bracket
 * has at most the cells of the grid. All is counted in whole numbers: as a quotient of logarithms in floating
 * point s_max would be 4 for E = 243 and eta = 3.
 *
 * Brackets do not depend on each other. So what is certain is, for each of them, the rung that it has come to.
 *
 * [1] K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization",
 *     AISTATS 2016.
 * [2] L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh and A. Talwalkar, "Hyperband: a novel bandit-based approach
 *     to hyperparameter optimization", JMLR 18, 2018. */
#include "base/memory.h"
#include "state.h"

#include <math.h>
#include <stdlib.h>

/* What eta^s multiplies has 32 bits at most. */
static uint64_t power(uint64_t base, uint32_t exponent)
{
    uint64_t product = 1;
    while (exponent-- > 0)
        product *= base;
    return product;
}

uint32_t hpx_halving_top(const hpx_search_options *options)
{
    uint32_t top = 0;
    for (uint64_t epochs = options->min_epochs; epochs * options->eta <= options->epochs; top++)
        epochs *= options->eta;
    return top;
}

uint32_t hpx_search_rungs(const hpx_search_options *options)
{
    return options->method->takes & 1 << HPX_BINDING_ETA ? hpx_halving_top(options) + 1 : 0;
}

uint32_t hpx_halving_epochs(const hpx_search_options *options, uint32_t below_top)
{
    return (uint32_t)(options->epochs / power(options->eta, below_top));
}

static bool is_hyperband(const hpx_search *search)
{
    return search->options.method == &hpx_methods[HPX_METHOD_HYPERBAND];
}

static uint32_t cells_of(const hpx_search *search, uint32_t bracket)
{
    const hpx_search_options *options = &search->options;
    if (!is_hyperband(search))
        return hpx_search_evaluations(search);
    const uint64_t count =
        ((hpx_halving_top(options) + 1) * power(options->eta, bracket) + bracket) / (bracket + 1);
    return count < search->cells ? (uint32_t)count : search->cells;
}

static void go_to_rung(hpx_walk *walk, uint32_t rung)
{
    walk->bracket.rung = rung;
    walk->next = 0;
    walk->listed = false;
    hpx_walk_go_by(walk, hpx_halving_epochs(&walk->search->options, walk->bracket.number - rung));
}

static void begin_bracket(hpx_walk *walk, uint32_t number, uint32_t first)
{
    hpx_search *search = walk->search;
    walk->bracket = (hpx_bracket){number, first, cells_of(search, number), 0};
    walk->cells.count = 0;
    for (uint32_t i = 0; i < walk->bracket.count; i++)
        hpx_cells_add(&walk->cells, hpx_permutation_at(&search->order, (first + i) % search->cells));
    go_to_rung(walk, 0);
}

static uint32_t first_behind(const hpx_walk *walk)
{
    return (walk->bracket.first + walk->bracket.count) % walk->search->cells;
}

struct ranked {
    double score;
    uint64_t cost;
    uint32_t cell;
};

/* The order of hpx_walk_better. */
static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (hpx_score_above(a->score, b->score) || hpx_score_above(b->score, a->score))
        return hpx_score_above(a->score, b->score) ? -1 : 1;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    return (a->cell > b->cell) - (a->cell < b->cell);
}

/* Keeps at most the best `count` of the walk's cells, best first, and none that failed. */
static void keep_best(hpx_walk *walk, uint64_t count)
{
    const hpx_search *search = walk->search;
    hpx_cells *cells = &walk->cells;
    struct ranked *ranked = hpx_alloc(cells->count * sizeof *ranked);
    for (size_t i = 0; i < cells->count; i++)
        ranked[i] = (struct ranked){hpx_walk_score(walk, cells->at[i]),
                                    search->cost(search->context, cells->at[i]), cells->at[i]};
    qsort(ranked, cells->count, sizeof *ranked, compare_ranked);
    size_t kept = 0;
    for (; kept < cells->count && kept < count && !isnan(ranked[kept].score); kept++)
        cells->at[kept] = ranked[kept].cell;
    cells->count = kept;
    free(ranked);
}

/* Goes on in the bracket as far as it can come to its cells. True: it is at its end. */
static bool run_bracket(hpx_walk *walk, bool (*come_to)(hpx_walk *walk, uint32_t cell))
{
    while (!walk->ended) {
        for (; walk->next < walk->cells.count; walk->next++)
            if (!come_to(walk, walk->cells.at[walk->next]))
                return false;
        if (walk->bracket.rung == walk->bracket.number || walk->cells.count == 0)
            break;
        const uint64_t count = walk->bracket.count / power(walk->search->options.eta, walk->bracket.rung + 1);
        keep_best(walk, count > 1 ? count : 1);
        go_to_rung(walk, walk->bracket.rung + 1);
    }
    return true;
}

void hpx_halving_begin(hpx_walk *walk)
{
    hpx_search *search = walk->search;
    const uint32_t top = hpx_halving_top(&search->options);
    begin_bracket(walk, top, 0);
    if (!is_hyperband(search))
        return;
    search->front_count = top;
    search->fronts = hpx_alloc(top * sizeof *search->fronts);
    const hpx_walk *before = walk;
    for (uint32_t number = top; number-- > 0; before = &search->fronts[number]) {
        search->fronts[number].search = search;
        begin_bracket(&search->fronts[number], number, first_behind(before));
    }
}

static bool is_told(hpx_walk *walk, uint32_t cell)
{
    return hpx_walk_told(walk, cell);
}

static void list_rung(hpx_walk *walk)
{
    for (size_t i = walk->next; i < walk->cells.count; i++)
        hpx_walk_list(walk, walk->cells.at[i]);
    walk->listed = true;
}

/* Lists the rest of the rung, and of those that the brackets to come have got to. */
static void list_rungs(hpx_walk *walk)
{
    hpx_search *search = walk->search;
    const uint32_t later = is_hyperband(search) ? walk->bracket.number : 0;
    bool listed = walk->listed;
    for (uint32_t i = 0; i < later; i++) {
        run_bracket(&search->fronts[i], is_told);
        listed = listed && search->fronts[i].listed;
    }
    if (listed)
        return;
    hpx_walk_list_nothing(walk);
    list_rung(walk);
    for (uint32_t i = later; i-- > 0;)
        list_rung(&search->fronts[i]);
}

void hpx_halving_advance(hpx_walk *walk)
{
    const hpx_search *search = walk->search;
    while (!walk->stop && run_bracket(walk, hpx_walk_visit)) {
        if (walk->stop)
            return; /* a future that is left */
        if (is_hyperband(search) && walk->bracket.number > 0)
            begin_bracket(walk, walk->bracket.number - 1, first_behind(walk));
        else
            hpx_walk_stop(walk, search->result.incumbent, "complete");
    }
    if (!walk->stop && !walk->future)
        list_rungs(walk);
}
