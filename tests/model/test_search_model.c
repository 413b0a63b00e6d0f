/* The searches against a reference that has the whole table at hand: the same methods as blocking loops, with
 * cells ranked beforehand, lines and neighbourhoods found by looking at every cell. The search under test is
 * told a random part of what it wants, in random order, sometimes more than it wants, and must go the same
 * way. */
#include "hpx/search.h"

#include "../helper/searches.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { AXES = 3, CELLS = 64, TABLES_PER_KIND = 1000, SEED = 1, EPOCHS = 15 };

#define TOP 1e9 /* above every score of a table */

typedef struct table {
    hpx_grid grid;
    uint32_t cells;
    uint32_t at[CELLS][AXES]; /* the indices of each cell */
    double score[CELLS];
    uint64_t cost[CELLS];
    uint32_t rank[CELLS];  /* 0 is the best cell by score, cost and number */
    uint32_t level[CELLS]; /* 0 is the best score; equal scores share a level */
} table;

/* The reference. */

static const table *sorted; /* what qsort's comparison looks at */

static int compare_scores(uint32_t a, uint32_t b)
{
    double x = sorted->score[a], y = sorted->score[b];
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x < y) - (x > y);
}

static int compare_cells(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int order = compare_scores(a, b);
    if (order == 0)
        order = (sorted->cost[a] > sorted->cost[b]) - (sorted->cost[a] < sorted->cost[b]);
    return order ? order : (a > b) - (a < b);
}

static void rank_cells(table *t)
{
    uint32_t order[CELLS], level = 0;
    for (uint32_t cell = 0; cell < t->cells; cell++)
        order[cell] = cell;
    sorted = t;
    qsort(order, t->cells, sizeof *order, compare_cells);
    for (uint32_t i = 0; i < t->cells; i++) {
        if (i > 0 && compare_scores(order[i - 1], order[i]) != 0)
            level++;
        t->rank[order[i]] = i;
        t->level[order[i]] = level;
    }
}

typedef struct path {
    uint32_t trace[CELLS], count;
    uint32_t place[CELLS]; /* in the trace; CELLS: not in it */
    uint32_t end, incumbent;
    const char *stop;
} path;

static void evaluate(path *out, const table *t, uint32_t cell)
{
    if (out->place[cell] < CELLS)
        return;
    if (out->count == 0 || t->rank[cell] < t->rank[out->incumbent])
        out->incumbent = cell;
    out->place[cell] = out->count;
    out->trace[out->count++] = cell;
}

/* How many indices differ between two cells, and by how much at most: values without an order are all 1
 * apart. */
static void distance(uint32_t *differing, uint32_t *largest, const table *t, uint32_t a, uint32_t b)
{
    *differing = *largest = 0;
    for (size_t axis = 0; axis < t->grid.axes; axis++) {
        uint32_t x = t->at[a][axis], y = t->at[b][axis], apart = x > y ? x - y : y - x;
        *differing += apart > 0;
        if (apart > 1 && t->grid.unordered & 1u << axis)
            apart = 1;
        if (apart > *largest)
            *largest = apart;
    }
}

/* Walks cells in the order given until `limit` of them in a row are worse than the best so far. */
static uint32_t walk(path *out, const table *t, const uint32_t *cells, uint32_t count, uint32_t best,
                     uint32_t limit)
{
    uint32_t since = 0;
    for (uint32_t i = 0; i < count; i++) {
        evaluate(out, t, cells[i]);
        since++;
        if (t->rank[cells[i]] < t->rank[best]) {
            best = cells[i];
            since = 0;
        }
        if (since == limit && limit > 0)
            break;
    }
    return best;
}

static uint32_t best_of_line(path *out, const table *t, uint32_t p, size_t axis,
                             const hpx_search_options *options)
{
    uint32_t line[CELLS], back[CELLS], count = 0, before = 0, after = 0;
    for (uint32_t cell = 0; cell < t->cells; cell++) {
        uint32_t differing, largest;
        distance(&differing, &largest, t, cell, p);
        if (differing == 0 || (differing == 1 && t->at[cell][axis] != t->at[p][axis]))
            line[count++] = cell;
    }
    bool whole = options->method == &hpx_methods[HPX_METHOD_FULL_CROSS] || t->grid.unordered & 1u << axis;
    uint32_t limit = whole ? 0 : options->limit;
    if (!options->outward) {
        evaluate(out, t, line[0]);
        return walk(out, t, line + 1, count - 1, line[0], limit);
    }
    while (line[before] != p)
        before++;
    after = count - before - 1;
    for (uint32_t i = 0; i < before; i++)
        back[i] = line[before - 1 - i];
    evaluate(out, t, p);
    uint32_t best = walk(out, t, line + before + 1, after, p, limit);
    return walk(out, t, back, before, best, limit);
}

static void reference_cross(path *out, const table *t, const hpx_search_options *options)
{
    bool walked[CELLS][AXES] = {{false}};
    size_t lines = 0, stayed = 0, axes = t->grid.axes;
    uint32_t p = options->start;
    out->stop = "cycle";
    for (size_t axis = options->first; !walked[p][axis]; axis = (axis + 1) % axes) {
        walked[p][axis] = true;
        uint32_t q = best_of_line(out, t, p, axis, options);
        lines++;
        stayed = q == p ? stayed + 1 : 0;
        p = q;
        if (lines >= axes && stayed >= 1 && stayed + 1 >= axes) {
            out->stop = "fixpoint";
            break;
        }
    }
    out->end = p;
}

static void reference_hill(path *out, const table *t, const hpx_search_options *options)
{
    for (uint32_t p = options->start, q = p;; p = q) {
        evaluate(out, t, p);
        uint32_t best = p, first = 1;
        for (uint32_t cell = 0; cell < t->cells; cell++) {
            uint32_t differing, largest;
            distance(&differing, &largest, t, cell, p);
            if (largest != 1 || (options->neighbours == HPX_AXES && differing != 1))
                continue;
            evaluate(out, t, cell);
            if (first || t->rank[cell] < t->rank[best])
                best = cell;
            first = 0;
        }
        out->end = p;
        out->stop = "peak";
        if (t->level[best] >= t->level[p])
            return;
        q = best;
    }
}

static void reference_random(path *out, const table *t, const hpx_search_options *options)
{
    uint32_t order[CELLS];
    random_order(order, t->cells, options->seed);
    for (uint32_t i = 0; i < t->cells && i < options->evaluations; i++)
        evaluate(out, t, order[i]);
    out->end = out->incumbent;
    out->stop = "complete";
}

static void reference(path *out, const table *t, const hpx_search_options *options)
{
    out->count = 0;
    for (uint32_t cell = 0; cell < CELLS; cell++)
        out->place[cell] = CELLS;
    if (options->method == &hpx_methods[HPX_METHOD_GRID]) {
        for (uint32_t cell = 0; cell < t->cells; cell++)
            evaluate(out, t, cell);
        out->end = out->incumbent;
        out->stop = "complete";
    } else if (options->method == &hpx_methods[HPX_METHOD_RANDOM]) {
        reference_random(out, t, options);
    } else if (options->method == &hpx_methods[HPX_METHOD_HILL_CLIMB]) {
        reference_hill(out, t, options);
    } else {
        reference_cross(out, t, options);
    }
}

/* The comparison. */

typedef struct setup {
    const char *kind;
    uint32_t number;
    const table *t;
    const hpx_search_options *options;
} setup;

static void describe(const setup *s, const char *what, int line)
{
    fprintf(stderr, "line %d: %s\n%s table %u, %s start %u neighbours %d first %u limit %u %s\n", line, what,
            s->kind, s->number, s->options->method->name, s->options->start, (int)s->options->neighbours,
            s->options->first, s->options->limit, s->options->outward ? "outward" : "low");
    for (size_t axis = 0; axis < s->t->grid.axes; axis++)
        fprintf(stderr, "axis of %u%s\n", s->t->grid.counts[axis],
                s->t->grid.unordered & 1u << axis ? ", unordered" : "");
    for (uint32_t cell = 0; cell < s->t->cells; cell++)
        fprintf(stderr, "cell %u: score %g cost %u\n", cell, s->t->score[cell], (unsigned)s->t->cost[cell]);
    fail();
}

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            describe(s, #condition, __LINE__);                                                               \
    } while (0)

static uint64_t cost_of(void *context, uint32_t cell)
{
    const table *t = context;
    return t->cost[cell];
}

/* The trace is what the reference visits up to the first cell not told. The list begins with that cell, is in
 * order of visit, without what was told, and every cell of it will be visited. */
static uint32_t check_step(const setup *s, hpx_search *search, const path *expected, const bool *told,
                           uint32_t certain[CELLS])
{
    const hpx_request *trace;
    hpx_request requests[CELLS];
    uint32_t visited = 0;
    size_t count;
    while (visited < expected->count && told[expected->trace[visited]])
        visited++;
    CHECK(hpx_search_trace(search, &trace) == visited);
    for (uint32_t i = 0; i < visited; i++)
        CHECK(trace[i].cell == expected->trace[i] && trace[i].epochs == EPOCHS);

    hpx_search_ask(search, NULL, 0, &count);
    CHECK(count <= CELLS && hpx_search_ask(search, requests, count, &count) == count);
    CHECK((count == 0) == (visited == expected->count) && hpx_search_is_done(search) == (count == 0));
    for (size_t i = 0; i < count; i++) {
        const uint32_t cell = certain[i] = requests[i].cell;
        CHECK(cell < s->t->cells && requests[i].epochs == EPOCHS);
        CHECK(!told[cell] && expected->place[cell] < CELLS);
        CHECK(i == 0 ? expected->place[cell] == visited
                     : expected->place[cell] > expected->place[certain[i - 1]]);
    }
    return (uint32_t)count;
}

/* Nothing certain is missing from the list: for each other cell there are answers with which the search never
 * comes there. Random ones are tried: low, with one wanted cell the best of all, or none. Left out is where
 * the next position is no question though its score is: a line of one cell, or of failed cells and a cheaper
 * one. */
static void check_complete(const setup *s, const bool *told, const uint32_t *wanted, uint32_t count,
                           stream *random)
{
    bool certain[CELLS];
    for (uint32_t cell = 0; cell < s->t->cells; cell++)
        certain[cell] = !told[cell];
    for (uint32_t i = 0; i < count; i++)
        certain[wanted[i]] = false; /* not at issue */
    for (uint32_t attempt = 0; memchr(certain, true, s->t->cells); attempt++) {
        CHECK(attempt < 1000);
        uint32_t turn = attempt % (count + 1), best = turn < count ? wanted[turn] : CELLS;
        table answers = *s->t;
        for (uint32_t cell = 0; cell < answers.cells; cell++)
            if (!told[cell])
                answers.score[cell] = cell == best ? TOP : -(double)below(random, 100) - 100;
        rank_cells(&answers);
        path other;
        reference(&other, &answers, s->options);
        for (uint32_t cell = 0; cell < answers.cells; cell++)
            certain[cell] &= other.place[cell] < CELLS;
    }
}

/* A cross-search of more than one axis, with more than one value each, on which nothing fails. */
static bool completeness_holds(const setup *s)
{
    if (s->options->method != &hpx_methods[HPX_METHOD_FULL_CROSS] &&
        s->options->method != &hpx_methods[HPX_METHOD_PARTIAL_CROSS])
        return false;
    for (size_t axis = 0; axis < s->t->grid.axes; axis++)
        if (s->t->grid.counts[axis] == 1)
            return false;
    for (uint32_t cell = 0; cell < s->t->cells; cell++)
        if (isnan(s->t->score[cell]))
            return false;
    return s->t->grid.axes > 1;
}

/* What is speculative is neither told nor known nor certain, once each. Returns a cell that the search may
 * then be told before it asks, or CELLS. */
static uint32_t check_speculation(const setup *s, hpx_search *search, const bool *told,
                                  const uint32_t *certain, uint32_t count, uint32_t room)
{
    hpx_request requests[2 * CELLS];
    bool excluded[CELLS] = {false};
    size_t again;
    for (uint32_t cell = 0; cell < s->t->cells; cell++) {
        excluded[cell] = told[cell] || cell % 5 == 0;
        if (cell % 5 == 0)
            hpx_search_hint(search, (hpx_request){cell, EPOCHS}, s->t->score[cell]);
    }
    size_t all = hpx_search_ask(search, requests, count + room, &again);
    CHECK(again == count && all >= count && all <= count + room);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(requests[i].cell == certain[i]);
        excluded[certain[i]] = true;
    }
    for (size_t i = count; i < all; i++) {
        CHECK(requests[i].cell < s->t->cells && !excluded[requests[i].cell]);
        excluded[requests[i].cell] = true;
    }
    return all > count ? requests[count].cell : CELLS;
}

static void check_search(const setup *s, stream *random)
{
    path expected;
    reference(&expected, s->t, s->options);
    bool told[CELLS] = {false}, early = below(random, 4) == 0, speculating = below(random, 256) == 0;
    bool complete = !early && !speculating && below(random, 32) == 0 && completeness_holds(s);
    uint32_t certain[CELLS], count;
    hpx_search *search = hpx_search_new(&s->t->grid, s->options, cost_of, (void *)s->t);
    while ((count = check_step(s, search, &expected, told, certain)) > 0) {
        if (complete)
            check_complete(s, told, certain, count, random);
        if (speculating) {
            uint32_t cell = check_speculation(s, search, told, certain, count, 1 + below(random, CELLS));
            if (cell < CELLS && below(random, 2)) {
                hpx_search_tell(search, (hpx_request){cell, EPOCHS}, s->t->score[cell]);
                told[cell] = true;
                continue;
            }
        }
        for (uint32_t answers = 1 + below(random, count); answers > 0; answers--) {
            uint32_t pick = below(random, count), cell = certain[pick];
            certain[pick] = certain[--count];
            if (early && below(random, 4) == 0)
                cell = below(random, s->t->cells);
            hpx_search_tell(search, (hpx_request){cell, EPOCHS}, told[cell] ? TOP : s->t->score[cell]);
            told[cell] = true;
        }
    }
    hpx_search_result result = hpx_search_result_of(search);
    CHECK(result.end == expected.end);
    CHECK(result.incumbent == expected.incumbent);
    CHECK(strcmp(result.stop, expected.stop) == 0);
    /* Only a limited line from the low end can lead to a worse cell. */
    if (s->options->method == &hpx_methods[HPX_METHOD_FULL_CROSS] || s->options->outward)
        CHECK(result.end == result.incumbent && strcmp(result.stop, "fixpoint") == 0);
    hpx_search_free(search);
}

/* Grid and random search; both hill climbers and every cross-search from every start. */
static void check_table(const char *kind, uint32_t number, const table *t, stream *random)
{
    hpx_search_options options = {.method = &hpx_methods[HPX_METHOD_GRID], .epochs = EPOCHS};
    setup s = {kind, number, t, &options};
    check_search(&s, random);
    options.method = &hpx_methods[HPX_METHOD_RANDOM];
    options.seed = number;
    for (options.evaluations = 1; options.evaluations <= t->cells + 1; options.evaluations++)
        check_search(&s, random);
    for (uint32_t start = 0; start < t->cells; start++) {
        options = (hpx_search_options){
            .method = &hpx_methods[HPX_METHOD_HILL_CLIMB], .epochs = EPOCHS, .start = start};
        options.neighbours = HPX_AXES;
        check_search(&s, random);
        options.neighbours = HPX_DIAGONAL;
        check_search(&s, random);
        for (options.first = 0; options.first < t->grid.axes; options.first++)
            for (options.limit = 0; options.limit <= 4; options.limit++)
                for (int outward = 0; outward <= 1; outward++) {
                    options.outward = outward;
                    options.method =
                        &hpx_methods[options.limit ? HPX_METHOD_PARTIAL_CROSS : HPX_METHOD_FULL_CROSS];
                    check_search(&s, random);
                }
    }
}

/* The tables. */

static void shape(table *t, size_t axes, uint32_t a, uint32_t b, uint32_t c)
{
    *t = (table){.grid = {.axes = axes, .counts = {a, b, c}}};
    t->cells = hpx_grid_cells(&t->grid);
    assert_true(t->cells <= CELLS);
    for (uint32_t cell = 0; cell < t->cells; cell++) {
        uint32_t rest = cell;
        for (size_t axis = axes; axis-- > 0; rest /= t->grid.counts[axis])
            t->at[cell][axis] = rest % t->grid.counts[axis];
    }
}

static void shape_plane(table *t, stream *random)
{
    uint32_t narrow = 1 + below(random, 4), wide = 1 + below(random, 8);
    if (below(random, 2))
        shape(t, 2, narrow, wide, 0);
    else
        shape(t, 2, wide, narrow, 0);
}

static void shape_cell(table *t, stream *random)
{
    shape(t, 1 + below(random, AXES), 1, 1, 1);
}

static void shape_axis(table *t, stream *random)
{
    shape(t, 1, 1 + below(random, 16), 0, 0);
}

static void shape_space(table *t, stream *random)
{
    uint32_t counts[AXES];
    for (size_t axis = 0; axis < AXES; axis++)
        counts[axis] = 1 + below(random, 3);
    if (below(random, 8) == 0)
        counts[below(random, AXES)] = 6;
    shape(t, AXES, counts[0], counts[1], counts[2]);
}

static void score_unimodal(table *t, stream *random)
{
    uint32_t peak = below(random, t->cells), noise = 1 + below(random, 4);
    for (uint32_t cell = 0; cell < t->cells; cell++) {
        t->score[cell] = -(double)below(random, 10 * noise) / 10;
        for (size_t axis = 0; axis < t->grid.axes; axis++)
            t->score[cell] -= fabs((double)t->at[cell][axis] - (double)t->at[peak][axis]);
    }
}

static void score_plateaus(table *t, stream *random)
{
    uint32_t levels = 1 + below(random, 3);
    for (uint32_t cell = 0; cell < t->cells; cell++)
        t->score[cell] = below(random, levels);
}

static void score_monotone(table *t, stream *random)
{
    double slopes[AXES];
    for (size_t axis = 0; axis < AXES; axis++)
        slopes[axis] = (double)below(random, 7) - 3;
    for (uint32_t cell = 0; cell < t->cells; cell++)
        for (size_t axis = 0; axis < t->grid.axes; axis++)
            t->score[cell] += slopes[axis] * t->at[cell][axis];
}

static void score_any(table *t, stream *random)
{
    void (*const scores[])(table *, stream *) = {score_unimodal, score_plateaus, score_monotone};
    scores[below(random, 3)](t, random);
}

static void score_failing(table *t, stream *random)
{
    score_any(t, random);
    uint32_t every = 1 + below(random, 6);
    for (uint32_t cell = 0; cell < t->cells; cell++)
        if (below(random, every) == 0)
            t->score[cell] = (double)NAN;
}

static void price(table *t, stream *random)
{
    uint32_t prices = 1 + below(random, 3);
    bool growing = below(random, 2);
    for (uint32_t cell = 0; cell < t->cells; cell++) {
        t->cost[cell] = 1 + below(random, prices);
        for (size_t axis = 0; growing && axis < t->grid.axes; axis++)
            t->cost[cell] *= 1 + t->at[cell][axis];
    }
}

typedef struct kind {
    const char *name;
    void (*shape)(table *t, stream *random);
    void (*score)(table *t, stream *random);
} kind;

static void test_kind(void **state)
{
    const kind *k = *state;
    stream random = stream_of(SEED, k->name);
    for (uint32_t number = 0; number < TABLES_PER_KIND; number++) {
        table t;
        k->shape(&t, &random);
        if (number % 2)
            t.grid.unordered = below(&random, 1u << t.grid.axes);
        k->score(&t, &random);
        price(&t, &random);
        rank_cells(&t);
        check_table(k->name, number, &t, &random);
    }
}

int main(void)
{
    static kind kinds[] = {
        {"unimodal with noise", shape_plane, score_unimodal},
        {"plateaus", shape_plane, score_plateaus},
        {"monotone", shape_plane, score_monotone},
        {"failing", shape_plane, score_failing},
        {"one cell", shape_cell, score_failing},
        {"one axis", shape_axis, score_any},
        {"one failing axis", shape_axis, score_failing},
        {"three axes", shape_space, score_any},
        {"three failing axes", shape_space, score_failing},
    };
    struct CMUnitTest tests[sizeof kinds / sizeof *kinds];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        tests[i] =
            (struct CMUnitTest){.name = kinds[i].name, .test_func = test_kind, .initial_state = &kinds[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
