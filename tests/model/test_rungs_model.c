/* The searches over epochs against a reference that has the scores of all cells after all epochs at hand, and
 * runs the same methods as blocking loops. The search under test is told a random part of what it wants, in random
 * order, sometimes more than it wants, and must go the same way. */
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

enum { CELLS = 64, EPOCHS = 81, TABLES = 1500, TRACE = 4096, SEED = 2 };

typedef struct table {
    hpx_grid grid;
    uint32_t cells, epochs;
    double score[CELLS][EPOCHS + 1];
    uint64_t cost[CELLS];
} table;

/* The reference. */

typedef struct path {
    hpx_request trace[TRACE];
    uint32_t count;
    int place[CELLS][EPOCHS + 1]; /* in the trace; -1: not in it */
    uint32_t end, screened;
} path;

static void evaluate(path *out, uint32_t cell, uint32_t epochs)
{
    if (out->place[cell][epochs] >= 0)
        return;
    out->place[cell][epochs] = (int)out->count;
    out->trace[out->count++] = (hpx_request){cell, epochs};
}

static bool is_better(const table *t, uint32_t a, uint32_t b, uint32_t epochs)
{
    const double x = t->score[a][epochs], y = t->score[b][epochs];
    if (isnan(x) != isnan(y))
        return isnan(y);
    if (!isnan(x) && x != y)
        return x > y;
    return t->cost[a] != t->cost[b] ? t->cost[a] < t->cost[b] : a < b;
}

/* Best first; returns how many did not fail. */
static uint32_t sort(const table *t, uint32_t *cells, uint32_t count, uint32_t epochs)
{
    uint32_t good = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = i; k > 0 && is_better(t, cells[k], cells[k - 1], epochs); k--) {
            const uint32_t cell = cells[k];
            cells[k] = cells[k - 1];
            cells[k - 1] = cell;
        }
    while (good < count && !isnan(t->score[cells[good]][epochs]))
        good++;
    return good;
}

static uint32_t best_of_most_epochs(const table *t, const path *p)
{
    hpx_request best = p->trace[0];
    for (uint32_t i = 1; i < p->count; i++) {
        const hpx_request at = p->trace[i];
        if (at.epochs > best.epochs ||
            (at.epochs == best.epochs && is_better(t, at.cell, best.cell, at.epochs)))
            best = at;
    }
    return best.cell;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* E divided by eta so many times. Rounding down each time is rounding down once. */
static uint32_t divided(uint32_t value, uint32_t eta, uint32_t times)
{
    while (times-- > 0)
        value /= eta;
    return value;
}

static uint32_t rungs_above(const hpx_search_options *o)
{
    uint32_t rungs = 0;
    while (divided(o->epochs, o->eta, rungs + 1) >= o->min_epochs)
        rungs++;
    return rungs;
}

static void reference_bracket(path *out, const table *t, const hpx_search_options *o, uint32_t *cells,
                              uint32_t n, uint32_t s)
{
    uint32_t count = n;
    for (uint32_t rung = 0; rung <= s && count > 0; rung++) {
        const uint32_t epochs = divided(o->epochs, o->eta, s - rung), kept = divided(n, o->eta, rung + 1);
        for (uint32_t i = 0; i < count; i++)
            evaluate(out, cells[i], epochs);
        count = lesser(sort(t, cells, count, epochs), kept ? kept : 1);
    }
}

static void reference_halving(path *out, const table *t, const hpx_search_options *o)
{
    uint32_t order[CELLS], cells[CELLS], taken = 0;
    const uint32_t top = rungs_above(o);
    const bool several = o->method == &hpx_methods[HPX_METHOD_HYPERBAND];
    random_order(order, t->cells, o->seed);
    for (uint32_t s = top + 1; s-- > 0;) {
        uint32_t n = top + 1;
        for (uint32_t i = 0; i < s; i++)
            n *= o->eta;
        n = lesser(several ? n / (s + 1) + (n % (s + 1) > 0) : o->evaluations, t->cells);
        for (uint32_t i = 0; i < n; i++)
            cells[i] = order[taken++ % t->cells];
        reference_bracket(out, t, o, cells, n, s);
        if (!several)
            break;
    }
    out->end = out->screened = best_of_most_epochs(t, out);
}

/* What each cell has come to. */
typedef struct asha_cell {
    uint32_t rungs;    /* finished */
    uint32_t promoted; /* from so many of them */
} asha_cell;

/* The cell to promote from a rung, or CELLS. */
static uint32_t promotable(const table *t, const hpx_search_options *o, const asha_cell *state, uint32_t rung,
                           uint32_t epochs)
{
    uint32_t cells[CELLS], count = 0;
    for (uint32_t cell = 0; cell < t->cells; cell++)
        if (state[cell].rungs > rung)
            cells[count++] = cell;
    const uint32_t good = sort(t, cells, count, epochs);
    for (uint32_t i = 0; i < count / o->eta && i < good; i++)
        if (state[cells[i]].promoted <= rung)
            return cells[i];
    return CELLS;
}

static void reference_asha(path *out, const table *t, const hpx_search_options *o)
{
    struct {
        uint32_t cell, rung;
        uint64_t end;
        bool runs;
    } jobs[TRACE];
    asha_cell state[CELLS] = {{0, 0}};
    uint32_t order[CELLS], count = 0, started = 0, running = 0;
    uint64_t now = 0;
    const uint32_t top = rungs_above(o);
    random_order(order, t->cells, o->seed);
    for (;;) {
        while (running < o->workers) {
            uint32_t cell = CELLS, rung = top;
            while (cell == CELLS && rung > 0) {
                rung--;
                cell = promotable(t, o, state, rung, divided(o->epochs, o->eta, top - rung));
            }
            if (cell < CELLS)
                state[cell].promoted = ++rung;
            else if (started < lesser(o->evaluations, t->cells))
                cell = order[started++];
            else
                break;
            uint32_t new_epochs = divided(o->epochs, o->eta, top - rung);
            if (rung > 0)
                new_epochs -= divided(o->epochs, o->eta, top - rung + 1);
            jobs[count].cell = cell;
            jobs[count].rung = rung;
            jobs[count].end = now + t->cost[cell] * new_epochs;
            jobs[count++].runs = true;
            running++;
            evaluate(out, cell, divided(o->epochs, o->eta, top - rung));
        }
        if (running == 0)
            break;
        uint32_t next = TRACE;
        for (uint32_t i = 0; i < count; i++)
            if (jobs[i].runs && (next == TRACE || jobs[i].end < jobs[next].end))
                next = i;
        now = jobs[next].end;
        jobs[next].runs = false;
        state[jobs[next].cell].rungs = jobs[next].rung + 1;
        running--;
    }
    out->end = out->screened = best_of_most_epochs(t, out);
}

static uint64_t cost_of(void *context, uint32_t cell)
{
    const table *t = context;
    return t->cost[cell];
}

/* The method by itself, which has a reference of its own (test_search_model.c), then the best that it has visited. */
static void reference_screen(path *out, const table *t, const hpx_search_options *o)
{
    hpx_search_options plain = *o;
    const hpx_request *trace;
    size_t certain;
    hpx_request request;
    uint32_t cells[CELLS];
    plain.epochs = o->screen_epochs;
    plain.screen_epochs = plain.promote = 0;
    hpx_search *search = hpx_search_new(&t->grid, &plain, cost_of, (void *)t);
    while (hpx_search_ask(search, &request, 1, &certain) > 0)
        hpx_search_tell(search, request, t->score[request.cell][request.epochs]);
    const size_t count = hpx_search_trace(search, &trace);
    for (size_t i = 0; i < count; i++) {
        evaluate(out, trace[i].cell, trace[i].epochs);
        cells[i] = trace[i].cell;
    }
    const uint32_t kept = lesser(sort(t, cells, (uint32_t)count, o->screen_epochs), o->promote);
    for (uint32_t i = 0; i < kept; i++)
        evaluate(out, cells[i], o->epochs);
    out->screened = hpx_search_result_of(search).end;
    out->end = kept ? best_of_most_epochs(t, out) : out->screened;
    hpx_search_free(search);
}

static void reference(path *out, const table *t, const hpx_search_options *o)
{
    out->count = 0;
    memset(out->place, -1, sizeof out->place);
    if (o->screen_epochs)
        reference_screen(out, t, o);
    else if (o->method == &hpx_methods[HPX_METHOD_ASHA])
        reference_asha(out, t, o);
    else
        reference_halving(out, t, o);
}

/* The comparison. */

typedef struct setup {
    uint32_t number;
    const table *t;
    const hpx_search_options *o;
} setup;

static void describe(const setup *s, const char *what, int line)
{
    fprintf(stderr,
            "line %d: %s\ntable %u, %s evaluations %u seed %u eta %u min-epochs %u workers %u epochs %u "
            "screen %u "
            "promote %u, %u cells\n",
            line, what, s->number, s->o->method->name, s->o->evaluations, s->o->seed, s->o->eta,
            s->o->min_epochs, s->o->workers, s->o->epochs, s->o->screen_epochs, s->o->promote, s->t->cells);
    fail();
}

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            describe(s, #condition, __LINE__);                                                               \
    } while (0)

typedef struct run {
    hpx_search *search;
    const path *expected;
    bool told[CELLS][EPOCHS + 1];
    hpx_request certain[TRACE];
    uint32_t count;
} run;

/* A cell that several brackets ask for at one number of epochs stands where the later one is. */
static bool certain_are_in_order(const setup *s)
{
    return s->o->method != &hpx_methods[HPX_METHOD_HYPERBAND];
}

static void check_step(const setup *s, run *r)
{
    const hpx_request *trace;
    size_t count;
    const size_t visited = hpx_search_trace(r->search, &trace);
    CHECK(visited <= r->expected->count);
    for (size_t i = 0; i < visited; i++)
        CHECK(trace[i].cell == r->expected->trace[i].cell &&
              trace[i].epochs == r->expected->trace[i].epochs && r->told[trace[i].cell][trace[i].epochs]);
    if (s->o->method != &hpx_methods[HPX_METHOD_ASHA] && visited < r->expected->count)
        CHECK(!r->told[r->expected->trace[visited].cell][r->expected->trace[visited].epochs]);

    hpx_search_ask(r->search, NULL, 0, &count);
    CHECK(count <= TRACE && hpx_search_ask(r->search, r->certain, count, &count) == count);
    CHECK((count == 0) == (visited == r->expected->count) && hpx_search_is_done(r->search) == (count == 0));
    r->count = (uint32_t)count;
    bool met[CELLS][EPOCHS + 1] = {{false}};
    for (size_t i = 0; i < count; i++) {
        const hpx_request at = r->certain[i];
        CHECK(at.cell < s->t->cells && at.epochs <= s->t->epochs);
        const int place = r->expected->place[at.cell][at.epochs];
        CHECK(place >= 0 && !r->told[at.cell][at.epochs] && !met[at.cell][at.epochs]);
        met[at.cell][at.epochs] = true;
        if (i > 0 && certain_are_in_order(s))
            CHECK(place > r->expected->place[r->certain[i - 1].cell][r->certain[i - 1].epochs]);
    }
}

/* What is speculative is neither told nor certain, once each. */
static void check_speculation(const setup *s, const run *r, uint32_t room)
{
    hpx_request requests[2 * TRACE];
    bool met[CELLS][EPOCHS + 1];
    size_t certain;
    memcpy(met, r->told, sizeof met);
    for (uint32_t cell = 0; cell < s->t->cells; cell += 5)
        for (uint32_t epochs = 1; epochs <= s->t->epochs; epochs += 2) {
            hpx_search_hint(r->search, (hpx_request){cell, epochs}, s->t->score[cell][epochs]);
            const int place = r->expected->place[cell][epochs];
            met[cell][epochs] |= place < 0; /* what is known is not speculated on */
        }
    const size_t count = hpx_search_ask(r->search, requests, r->count + room, &certain);
    CHECK(certain == r->count && count >= certain && count <= certain + room);
    for (size_t i = 0; i < count; i++) {
        CHECK(requests[i].cell < s->t->cells && requests[i].epochs <= s->t->epochs);
        CHECK(!met[requests[i].cell][requests[i].epochs]);
        met[requests[i].cell][requests[i].epochs] = true;
    }
}

static void check_search(const setup *s, stream *random)
{
    static path expected;
    static run r;
    reference(&expected, s->t, s->o);
    memset(&r, 0, sizeof r);
    r.expected = &expected;
    r.search = hpx_search_new(&s->t->grid, s->o, cost_of, (void *)s->t);
    const bool early = below(random, 4) == 0, speculating = below(random, 16) == 0;
    for (check_step(s, &r); r.count > 0; check_step(s, &r)) {
        if (speculating)
            check_speculation(s, &r, 1 + below(random, 8));
        for (uint32_t answers = 1 + below(random, r.count); answers > 0; answers--) {
            const uint32_t pick = below(random, r.count);
            hpx_request at = r.certain[pick];
            r.certain[pick] = r.certain[--r.count];
            if (early && below(random, 4) == 0)
                at = (hpx_request){below(random, s->t->cells), 1 + below(random, s->t->epochs)};
            hpx_search_tell(r.search, at, r.told[at.cell][at.epochs] ? 1e9 : s->t->score[at.cell][at.epochs]);
            r.told[at.cell][at.epochs] = true;
        }
    }
    const hpx_search_result result = hpx_search_result_of(r.search);
    CHECK(result.end == expected.end && result.screened == expected.screened);
    CHECK(result.incumbent == best_of_most_epochs(s->t, &expected));
    hpx_search_free(r.search);
}

/* The tables: cells that learn at their own pace to their own ends, with noise or ties; some fail after a while. */
static void make_table(table *t, stream *random)
{
    const uint32_t axes = 1 + below(random, 3), most = axes == 1 ? 40 : axes == 2 ? 8 : 4;
    const uint32_t levels = below(random, 2) ? 4 : 10000,
                   failing = below(random, 2) ? 1 + below(random, 8) : 0;
    *t = (table){.grid = {.axes = axes}, .epochs = 1 + below(random, below(random, 2) ? 15 : EPOCHS)};
    for (uint32_t axis = 0; axis < axes; axis++)
        t->grid.counts[axis] = below(random, 8) == 0 ? 1 : 1 + below(random, most);
    t->grid.unordered = below(random, 2) ? below(random, 1u << axes) : 0;
    t->cells = hpx_grid_cells(&t->grid);
    for (uint32_t cell = 0; cell < t->cells; cell++) {
        const uint32_t end = below(random, levels), pace = 1 + below(random, 10);
        const uint32_t fails =
            failing && below(random, failing) == 0 ? below(random, t->epochs + 1) : UINT32_MAX;
        t->cost[cell] = 1 + below(random, below(random, 2) ? 3 : 1000);
        for (uint32_t epoch = 1; epoch <= t->epochs; epoch++)
            t->score[cell][epoch] =
                epoch >= fails ? (double)NAN : floor((double)end * epoch / (epoch + pace)) + below(random, 3);
    }
}

static void check_table(uint32_t number, const table *t, stream *random)
{
    hpx_search_options o = {.epochs = t->epochs, .seed = number};
    const setup s = {number, t, &o};
    for (o.eta = 2; o.eta <= 4; o.eta++) {
        o.min_epochs = 1 + below(random, below(random, 2) ? 1 : t->epochs);
        o.evaluations = 1 + below(random, t->cells + 1);
        o.method = &hpx_methods[HPX_METHOD_HALVING];
        check_search(&s, random);
        o.method = &hpx_methods[HPX_METHOD_HYPERBAND];
        check_search(&s, random);
        o.method = &hpx_methods[HPX_METHOD_ASHA];
        o.workers = 1 + below(random, below(random, 2) ? 3 : 40);
        check_search(&s, random);
    }
    for (size_t method = HPX_METHOD_GRID; method <= HPX_METHOD_BAYES && t->epochs > 1; method++) {
        if (method == HPX_METHOD_BAYES && number % 8)
            continue; /* it takes longer */
        o = (hpx_search_options){
            .method = &hpx_methods[method],
            .epochs = t->epochs,
            .seed = number,
            .evaluations = 1 + below(random, t->cells + 1),
            .initial = 1,
            .lag = 1 + below(random, 3),
            .start = below(random, t->cells),
            .first = below(random, (uint32_t)t->grid.axes),
            .limit = 1 + below(random, 3),
            .outward = below(random, 2),
            .screen_epochs = 1 + below(random, t->epochs - 1),
            .promote = 1 + below(random, below(random, 2) ? 3 : CELLS),
        };
        check_search(&s, random);
    }
}

static void test_tables(void **state)
{
    (void)state;
    stream random = stream_of(SEED, "R");
    for (uint32_t number = 0; number < TABLES; number++) {
        table t;
        make_table(&t, &random);
        check_table(number, &t, &random);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
