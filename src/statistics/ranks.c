#include "ranks.h"

#include "tails.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int order(double x, double y)
{
    return (x > y) - (x < y);
}

static int ascending(const void *a, const void *b)
{
    const hpx_numbered *x = a, *y = b;
    const int by_value = order(x->value, y->value);
    return by_value ? by_value : (x->number > y->number) - (x->number < y->number);
}

void hpx_sort_numbered(hpx_numbered *items, size_t count)
{
    qsort(items, count, sizeof *items, ascending);
}

/* Ascending by sign * value; free() them. */
static hpx_numbered *in_order(const double *values, size_t count, double sign)
{
    hpx_numbered *places = hpx_alloc(count * sizeof *places);
    for (size_t i = 0; i < count; i++)
        places[i] = (hpx_numbered){sign * values[i], (uint32_t)i};
    hpx_sort_numbered(places, count);
    return places;
}

/* As hpx_ranks; returns the sum of t^3 - t over ties of t values. */
static double rank(double *ranks, const double *values, size_t count)
{
    hpx_numbered *places = in_order(values, count, 1);
    double ties = 0;
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && places[to].value == places[from].value; to++)
            ;
        for (size_t i = from; i < to; i++)
            ranks[places[i].number] = (double)(from + to + 1) / 2;
        const double tied = (double)(to - from);
        ties += tied * tied * tied - tied;
    }
    free(places);
    return ties;
}

void hpx_ranks(double *ranks, const double *values, size_t count)
{
    rank(ranks, values, count);
}

/* The share of all signs of the ranks whose positive ones have a sum as far from half the whole as `sum`, or farther.
 * All is doubled, so that mid-ranks are whole; shares[s] is that of the sum s. */
static double share_as_far(const size_t *doubled, size_t count, size_t sum)
{
    const size_t whole = count * (count + 1);
    double *shares = hpx_alloc((whole + 1) * sizeof *shares), share = 0;
    shares[0] = 1;
    for (size_t i = 0, reached = 0; i < count; i++) {
        reached += doubled[i];
        for (size_t s = reached + 1; s-- > 0;)
            shares[s] = (shares[s] + (s >= doubled[i] ? shares[s - doubled[i]] : 0)) / 2;
    }
    const size_t near = sum < whole - sum ? sum : whole - sum; /* to the closer end */
    for (size_t s = 0; s <= near; s++)
        share += shares[s];
    free(shares);
    return fmin(2 * share, 1);
}

hpx_signed_ranks hpx_signed_rank_test(const double *differences, size_t count)
{
    hpx_signed_ranks out = {.p = 1, .least = 1};
    double *sizes = hpx_alloc((count + 1) * sizeof *sizes), *ranks = hpx_alloc((count + 1) * sizeof *ranks);
    size_t *doubled = hpx_alloc((count + 1) * sizeof *doubled);
    for (size_t i = 0; i < count; i++)
        if (differences[i] != 0)
            sizes[out.pairs++] = fabs(differences[i]);
    hpx_ranks(ranks, sizes, out.pairs);
    for (size_t i = 0, pair = 0; i < count; i++) {
        if (differences[i] == 0)
            continue;
        if (differences[i] > 0)
            out.positive += ranks[pair];
        doubled[pair] = (size_t)(2 * ranks[pair]);
        pair++;
    }
    if (out.pairs > 0) {
        out.p = share_as_far(doubled, out.pairs, (size_t)(2 * out.positive));
        out.least = ldexp(1, 1 - (int)out.pairs);
    }
    free(doubled);
    free(ranks);
    free(sizes);
    return out;
}

size_t hpx_signed_rank_pairs(double alpha)
{
    assert(alpha > 0 && alpha < 1);
    size_t pairs = 1;
    for (double least = 1; least > alpha; least /= 2)
        pairs++;
    return pairs;
}

void hpx_holm(double *adjusted, const double *p, size_t count)
{
    hpx_numbered *places = in_order(p, count, 1);
    double raised = 0;
    for (size_t i = 0; i < count; i++) {
        raised = fmax(raised, fmin(places[i].value * (double)(count - i), 1));
        adjusted[places[i].number] = raised;
    }
    free(places);
}

/* `ties` is the sum of t^3 - t over the ties of all blocks. */
static hpx_friedman friedman(const double *mean_ranks, size_t blocks, size_t methods, double ties)
{
    const double n = (double)blocks, k = (double)methods, most = n * (k - 1);
    const double untied = 1 - ties / (n * k * (k * k - 1));
    double squares = 0;
    assert(blocks > 1 && methods > 1);
    for (size_t i = 0; i < methods; i++)
        squares += (mean_ranks[i] - (k + 1) / 2) * (mean_ranks[i] - (k + 1) / 2);
    hpx_friedman out = {0};
    if (untied > 0)
        out.chi_squared = fmin(12 * n / (k * (k + 1)) * squares / untied, most);
    /* All blocks rank alike, but for rounding. */
    const bool perfect = most - out.chi_squared <= 1e-12 * most;
    out.f = perfect ? INFINITY : (n - 1) * out.chi_squared / (most - out.chi_squared);
    out.chi_squared_p = hpx_chi_squared_tail(out.chi_squared, k - 1);
    out.f_p = hpx_f_tail(out.f, k - 1, (k - 1) * (n - 1));
    return out;
}

hpx_friedman hpx_friedman_test(double *mean_ranks, const double *values, size_t blocks, size_t methods)
{
    double *ranks = hpx_alloc(methods * sizeof *ranks), ties = 0;
    for (size_t i = 0; i < methods; i++)
        mean_ranks[i] = 0;
    for (size_t block = 0; block < blocks; block++) {
        ties += rank(ranks, values + block * methods, methods);
        for (size_t i = 0; i < methods; i++)
            mean_ranks[i] += ranks[i];
    }
    for (size_t i = 0; i < methods; i++)
        mean_ranks[i] /= (double)blocks;
    free(ranks);
    return friedman(mean_ranks, blocks, methods, ties);
}

hpx_friedman hpx_friedman_of_ranks(const double *mean_ranks, size_t blocks, size_t methods)
{
    return friedman(mean_ranks, blocks, methods, 0);
}

double hpx_superiority(const double *a, const double *b, size_t count, double tie)
{
    size_t halves = 0;
    assert(count > 0 && tie >= 0);
    for (size_t i = 0; i < count; i++)
        halves += a[i] == b[i] || fabs(a[i] - b[i]) <= tie ? 1 : a[i] > b[i] ? 2 : 0;
    return (double)halves / (double)(2 * count);
}

double hpx_kendall(const double *a, const double *b, size_t count)
{
    int64_t concordant = 0, ordered_a = 0, ordered_b = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            const int by_a = order(a[i], a[j]), by_b = order(b[i], b[j]);
            concordant += by_a * by_b;
            ordered_a += by_a != 0;
            ordered_b += by_b != 0;
        }
    if (ordered_a == 0 || ordered_b == 0)
        return NAN;
    return (double)concordant / sqrt((double)ordered_a * (double)ordered_b);
}

double hpx_top_recall(const double *scores, const double *truth, size_t count, size_t top)
{
    assert(top >= 1 && top <= count);
    hpx_numbered *chosen = in_order(scores, count, -1), *best = in_order(truth, count, -1);
    size_t both = 0;
    for (size_t i = 0; i < top; i++)
        for (size_t j = 0; j < top; j++)
            both += chosen[i].number == best[j].number;
    free(best);
    free(chosen);
    return (double)both / (double)top;
}
