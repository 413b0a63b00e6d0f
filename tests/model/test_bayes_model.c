/* The method bayes against a reference that does everything anew for every proposal: the covariance is inverted by
 * Gauss-Jordan elimination in long double, posterior means are really inserted where results are missing, and
 * exponentials and the error function are the C library's. The reference judges every cell; the cell proposed must be the
 * one that it finds best, or within 1e-8 of that. Where two hyperparameters are so close in a fit, the rest of the search
 * is left out. */
#include "hpx/search.h"

#include "../helper/searches.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    AXES = 3,
    VALUES = 16,
    CELLS = 48,
    POINTS = 14,
    POINTS_MAX = 44,
    TABLES_PER_KIND = 130,
    EPOCHS = 15,
    SEED = 1
};

static const long double tolerance = 1e-8L;

typedef long double real;

typedef struct table {
    hpx_grid grid;
    uint32_t cells;
    double values[AXES][VALUES];
    double score[CELLS];
    uint64_t cost[CELLS];
} table;

/* The reference: the covariance. */

static real place(const table *t, size_t axis, uint32_t index)
{
    real at[VALUES], low = INFINITY, high = -INFINITY;
    for (uint32_t i = 0; i < t->grid.counts[axis]; i++) {
        const double value = t->grid.values[axis] ? t->values[axis][i] : i;
        at[i] = t->grid.values[axis] && t->grid.logarithmic & 1u << axis ? logl(value) : value;
        low = fminl(low, at[i]);
        high = fmaxl(high, at[i]);
    }
    return high > low ? (at[index] - low) / (high - low) : 0;
}

typedef struct hyper {
    int length[AXES], noise; /* indices */
} hyper;

/* The differences between cells, and what the lengths and noises are. */
typedef struct world {
    const table *t;
    const hpx_search_options *options;
    real square[AXES][CELLS][CELLS];
    uint32_t fitted; /* results at the last fit */
    bool doubtful;   /* a choice of hyperparameters was close */
} world;

static void measure(world *w)
{
    const hpx_grid *grid = &w->t->grid;
    for (uint32_t a = 0; a < w->t->cells; a++)
        for (uint32_t b = 0; b < w->t->cells; b++) {
            uint32_t x[HPX_AXES_MAX], y[HPX_AXES_MAX];
            hpx_grid_indices(x, grid, a);
            hpx_grid_indices(y, grid, b);
            for (size_t axis = 0; axis < grid->axes; axis++) {
                const real apart = grid->unordered & 1u << axis
                                       ? x[axis] != y[axis]
                                       : place(w->t, axis, x[axis]) - place(w->t, axis, y[axis]);
                w->square[axis][a][b] = apart * apart;
            }
        }
}

static real length_of(int index)
{
    return powl(2, (index - 8) / 2.0L);
}

static real covariance(const world *w, const hyper *h, uint32_t a, uint32_t b)
{
    real square = 0;
    for (size_t axis = 0; axis < w->t->grid.axes; axis++)
        square += w->square[axis][a][b] / powl(2, h->length[axis] - 8);
    const double d = (double)sqrtl(square);
    return (1 + sqrt(5) * d + 5 * d * d / 3) * exp(-sqrt(5) * d);
}

static real noise_of(int index)
{
    return powl(10, index - 4);
}

/* Inverts the covariance of the points, noise included; returns the logarithm of its determinant. */
static real invert(real inverse[POINTS_MAX][POINTS_MAX], const world *w, const hyper *h,
                   const uint32_t *points, uint32_t count)
{
    real m[POINTS_MAX][POINTS_MAX], ln_determinant = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++) {
            m[i][j] = covariance(w, h, points[i], points[j]) + (i == j) * noise_of(h->noise);
            inverse[i][j] = i == j;
        }
    for (uint32_t i = 0; i < count; i++) {
        const real pivot = m[i][i];
        ln_determinant += logl(pivot);
        for (uint32_t j = 0; j < count; j++) {
            m[i][j] /= pivot;
            inverse[i][j] /= pivot;
        }
        for (uint32_t k = 0; k < count; k++) {
            const real factor = m[k][i];
            for (uint32_t j = 0; j < count && k != i; j++) {
                m[k][j] -= factor * m[i][j];
                inverse[k][j] -= factor * inverse[i][j];
            }
        }
    }
    return ln_determinant;
}

static void predict(real *mean, real *variance, const world *w, const hyper *h,
                    real inverse[POINTS_MAX][POINTS_MAX], const uint32_t *points, const real *y,
                    uint32_t count, uint32_t cell)
{
    *mean = 0;
    *variance = 1;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++) {
            const real weight = covariance(w, h, points[i], cell) * inverse[i][j];
            *mean += weight * y[j];
            *variance -= weight * covariance(w, h, points[j], cell);
        }
}

/* The reference: the fit. */

static real posterior(const world *w, const hyper *h, const uint32_t *points, const real *y, uint32_t count)
{
    real inverse[POINTS_MAX][POINTS_MAX], sum = -invert(inverse, w, h, points, count) / 2;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            sum -= y[i] * inverse[i][j] * y[j] / 2;
    for (size_t axis = 0; axis < w->t->grid.axes; axis++) {
        const real ln = logl(length_of(h->length[axis]));
        const real off = ln - sqrtl(2) - logl(w->t->grid.axes) / 2;
        if (w->t->grid.counts[axis] > 1)
            sum -= ln + off * off / 6;
    }
    return sum;
}

static bool improve(world *w, hyper *h, int *coordinate, int choices, const uint32_t *points, const real *y,
                    uint32_t count)
{
    real best = -INFINITY, second = -INFINITY;
    int before = *coordinate, at = 0;
    for (int i = 0; i < choices; i++) {
        *coordinate = i;
        const real now = posterior(w, h, points, y, count);
        if (now > best) {
            second = best;
            best = now;
            at = i;
        } else if (now > second) {
            second = now;
        }
    }
    w->doubtful |= best - second < tolerance;
    *coordinate = at;
    return at != before;
}

static void fit(world *w, hyper *h, const uint32_t *points, const real *y, uint32_t count)
{
    bool moved = true;
    for (int sweep = 0; sweep < 16 && moved; sweep++) {
        moved = false;
        for (size_t axis = 0; axis < w->t->grid.axes; axis++)
            if (w->t->grid.counts[axis] > 1 && improve(w, h, &h->length[axis], 21, points, y, count))
                moved = true;
        if (improve(w, h, &h->noise, 5, points, y, count))
            moved = true;
    }
}

/* The reference: a proposal. */

static real ln_improvement(real z)
{
    if (z < -100) {
        const real s = 1 / (z * z);
        return -z * z / 2 - logl(2 * M_PIl) / 2 - 2 * logl(-z) + logl(1 - 3 * s + 15 * s * s);
    }
    return logl(expl(-z * z / 2) / sqrtl(2 * M_PIl) + z * erfcl(-z / sqrtl(2)) / 2);
}

static real minimised(const world *w, double score)
{
    switch (w->options->scale) {
    case HPX_SCALE_ACCURACY:
        return logl(fmaxl(1 - (real)score, 1e-5L));
    case HPX_SCALE_LOSS:
        return logl(fmaxl(-(real)score, DBL_MIN));
    default:
        return -(real)score;
    }
}

static void standardise(real *y, uint32_t count)
{
    real mean = 0, squares = 0;
    bool equal = true;
    for (uint32_t i = 0; i < count; i++)
        equal &= y[i] == y[0];
    for (uint32_t i = 0; i < count; i++)
        mean += y[i] / count;
    for (uint32_t i = 0; i < count; i++)
        squares += (y[i] - mean) * (y[i] - mean);
    for (uint32_t i = 0; i < count; i++)
        y[i] = equal ? 0 : (y[i] - mean) / sqrtl(squares / (count - 1));
}

/* Judges all cells for the proposal behind `count` others, the first `known` results of which it may use. */
static void judge(real out[CELLS], world *w, hyper *h, const uint32_t *points, uint32_t count, uint32_t known)
{
    uint32_t real_points[POINTS_MAX], reals = 0;
    real real_y[POINTS_MAX], y[POINTS_MAX], inverse[POINTS_MAX][POINTS_MAX], best = 0, worst = 0, variance;
    for (uint32_t i = 0; i < known; i++)
        if (!isnan(w->t->score[points[i]])) {
            real_points[reals] = points[i];
            real_y[reals++] = minimised(w, w->t->score[points[i]]);
        }
    standardise(real_y, reals);
    for (uint32_t i = 0; i < reals; i++) {
        best = i ? fminl(best, real_y[i]) : real_y[i];
        worst = i ? fmaxl(worst, real_y[i]) : real_y[i];
    }
    if (reals > w->fitted && (w->fitted < 32 || reals >= w->fitted + w->fitted / 16)) {
        fit(w, h, real_points, real_y, reals);
        w->fitted = reals;
    }
    for (uint32_t i = 0, at = 0; i < count; i++) {
        if (i < known) {
            y[i] = isnan(w->t->score[points[i]]) ? worst : real_y[at++];
        } else {
            invert(inverse, w, h, points, i);
            predict(&y[i], &variance, w, h, inverse, points, y, i, points[i]);
        }
    }
    const hpx_search_options *o = w->options;
    const uint32_t all = o->evaluations < w->t->cells ? o->evaluations : w->t->cells;
    const real alpha = 1 - (real)(count - o->initial) / (all - o->initial);
    invert(inverse, w, h, points, count);
    for (uint32_t cell = 0; cell < w->t->cells; cell++) {
        real mean;
        predict(&mean, &variance, w, h, inverse, points, y, count, cell);
        const real sd = sqrtl(fmaxl(variance, 1e-12L));
        out[cell] = logl(sd) + ln_improvement((best - mean) / sd);
        if (o->per_cost)
            out[cell] -= alpha * logl(w->t->cost[cell]);
    }
}

/* The comparison. */

static void describe(const world *w, const uint32_t *trace, uint32_t t, const char *what)
{
    const hpx_search_options *o = w->options;
    fprintf(stderr,
            "proposal %u: %s\nevaluations %u initial %u lag %u seed %u scale %d per cost %d unordered %x "
            "logarithmic %x\n",
            t + 1, what, o->evaluations, o->initial, o->lag, o->seed, (int)o->scale, o->per_cost,
            w->t->grid.unordered, w->t->grid.logarithmic);
    for (size_t axis = 0; axis < w->t->grid.axes; axis++)
        fprintf(stderr, "axis of %u%s\n", w->t->grid.counts[axis], w->t->grid.values[axis] ? " numbers" : "");
    for (uint32_t i = 0; i <= t; i++)
        fprintf(stderr, "cell %u: score %.17g\n", trace[i], w->t->score[trace[i]]);
    fail();
}

/* Returns how many proposals were compared. */
static uint32_t check_trace(world *w, const uint32_t *trace, uint32_t count)
{
    bool taken[CELLS] = {false};
    uint32_t order[CELLS], compared = 0;
    hyper h = {.length = {8, 8, 8}, .noise = 2};
    random_order(order, w->t->cells, w->options->seed);
    for (uint32_t t = 0; t < count && !w->doubtful; t++) {
        real promise[CELLS];
        if (taken[trace[t]])
            describe(w, trace, t, "proposed before");
        if (t < w->options->initial) {
            if (trace[t] != order[t])
                describe(w, trace, t, "not the first cells of random");
        } else {
            judge(promise, w, &h, trace, t, t + 1 > w->options->lag ? t + 1 - w->options->lag : 0);
            for (uint32_t cell = 0; cell < w->t->cells && !w->doubtful; cell++)
                if (!taken[cell] && promise[cell] > promise[trace[t]] + tolerance) {
                    fprintf(stderr, "cell %u: %.12Lg, cell %u: %.12Lg\n", cell, promise[cell], trace[t],
                            promise[trace[t]]);
                    describe(w, trace, t, "another cell promises more");
                }
            compared += !w->doubtful;
        }
        taken[trace[t]] = true;
    }
    return compared;
}

static uint64_t cost_of(void *context, uint32_t cell)
{
    const table *t = context;
    return t->cost[cell];
}

static void tell(hpx_search *search, const table *t, uint32_t cell)
{
    hpx_search_tell(search, (hpx_request){cell, EPOCHS}, t->score[cell]);
}

/* One answer at a time. */
static uint32_t run_in_order(uint32_t trace[CELLS], const world *w)
{
    hpx_search *search = hpx_search_new(&w->t->grid, w->options, cost_of, (void *)w->t);
    const hpx_request *requests;
    hpx_request request;
    size_t certain;
    while (hpx_search_ask(search, &request, 1, &certain) > 0)
        tell(search, w->t, request.cell);
    const size_t count = hpx_search_trace(search, &requests);
    for (size_t i = 0; i < count; i++)
        trace[i] = requests[i].cell;
    uint32_t best = trace[0];
    for (size_t i = 0; i < count; i++) {
        const double a = w->t->score[trace[i]], b = w->t->score[best];
        const uint64_t c = w->t->cost[trace[i]], d = w->t->cost[best];
        if (a > b || (!isnan(a) && isnan(b)) ||
            ((a == b || (isnan(a) && isnan(b))) && (c < d || (c == d && trace[i] < best))))
            best = trace[i];
    }
    const hpx_search_result result = hpx_search_result_of(search);
    assert_int_equal(result.end, best);
    assert_int_equal(result.incumbent, best);
    assert_string_equal(result.stop, "complete");
    hpx_search_free(search);
    return (uint32_t)count;
}

/* Answers in any order, also to what was not asked, with questions about what is speculative between them: the same
 * way, and at every time all is asked that is decided. */
static void run_in_disorder(const world *w, const uint32_t *trace, uint32_t count, stream *random)
{
    hpx_search *search = hpx_search_new(&w->t->grid, w->options, cost_of, (void *)w->t);
    bool told[CELLS] = {false};
    while (!hpx_search_is_done(search)) {
        hpx_request requests[2 * CELLS];
        size_t certain, all = hpx_search_ask(search, requests, 2 * below(random, CELLS), &certain);
        uint32_t visited = 0, unknown = 0;
        while (told[trace[visited]])
            visited++;
        for (uint32_t i = 0; i < count && (i < w->options->initial || i < visited + w->options->lag); i++)
            if (!told[trace[i]]) {
                assert_true(unknown >= all || requests[unknown].cell == trace[i]);
                unknown++;
            }
        assert_int_equal(certain, unknown);
        for (size_t i = certain; i < all; i++) {
            assert_false(told[requests[i].cell]);
            for (size_t j = 0; j < i; j++)
                assert_true(requests[j].cell != requests[i].cell);
        }
        uint32_t cell = below(random, 4) ? trace[visited] : below(random, w->t->cells);
        if (all > 0 && below(random, 2))
            cell = requests[below(random, (uint32_t)all)].cell;
        tell(search, w->t, cell);
        told[cell] = true;
    }
    const hpx_request *requests;
    assert_int_equal(hpx_search_trace(search, &requests), count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(requests[i].cell, trace[i]);
    hpx_search_free(search);
}

/* The tables. */

typedef struct kind {
    const char *name;
    size_t axes; /* 0: one cell */
    bool failing, ties, unordered;
    bool many; /* evaluations; then few tables */
} kind;

static void shape(table *t, const kind *k, stream *random)
{
    *t = (table){.grid.axes = k->axes ? k->axes : 1 + below(random, AXES), .cells = 1};
    for (size_t axis = 0; axis < t->grid.axes; axis++) {
        const uint32_t most = t->grid.axes == 1 ? 14 : t->grid.axes == 2 ? 6 : 3;
        const uint32_t some = k->axes ? 1 + below(random, most) : 1;
        const uint32_t count = t->grid.counts[axis] = k->many ? 6 + 2 * (uint32_t)axis : some;
        t->cells *= count;
        double value = 1 + below(random, 5);
        for (uint32_t i = 0; i < count; i++, value *= 1.5 + below(random, 3))
            t->values[axis][i] = value;
        if (below(random, 3))
            t->grid.values[axis] = t->values[axis];
        t->grid.logarithmic |= below(random, 2) << axis;
        if (k->unordered)
            t->grid.unordered |= below(random, 2) << axis;
    }
}

/* Accuracies: a hill, steps of it where there are to be ties, noise; lower where cells fail. */
static void score(table *t, const kind *k, stream *random)
{
    const uint32_t peak = below(random, t->cells), every = 1 + below(random, 5);
    const double noise = below(random, 3) * 0.02;
    uint32_t top[HPX_AXES_MAX], at[HPX_AXES_MAX];
    hpx_grid_indices(top, &t->grid, peak);
    for (uint32_t cell = 0; cell < t->cells; cell++) {
        hpx_grid_indices(at, &t->grid, cell);
        double value = 0.95;
        for (size_t axis = 0; axis < t->grid.axes; axis++)
            value -= 0.03 * fabs((double)at[axis] - top[axis]);
        value += noise * below(random, 1000) / 1000;
        t->score[cell] = k->ties ? floor(value * 10) / 10 : value;
        if (k->failing && below(random, every) == 0)
            t->score[cell] = (double)NAN;
        t->cost[cell] = 1 + (uint64_t)below(random, 3) * cell * 100;
    }
}

static void test_kind(void **state)
{
    const kind *k = *state;
    stream random = stream_of(SEED, k->name);
    uint32_t compared = 0, doubtful = 0;
    static world w;
    const uint32_t tables = k->many ? 2 : TABLES_PER_KIND;
    for (uint32_t number = 0; number < tables; number++) {
        table t;
        shape(&t, k, &random);
        score(&t, k, &random);
        hpx_search_options options = {
            .method = &hpx_methods[HPX_METHOD_BAYES],
            .epochs = EPOCHS,
            .evaluations = k->many ? POINTS_MAX : 1 + below(&random, POINTS),
            .seed = below(&random, 100),
            .lag = below(&random, 2) ? 1 : 1 + below(&random, 5),
            .per_cost = below(&random, 4) == 0,
            .scale = below(&random, 3),
        };
        options.initial = 1 + below(&random, options.evaluations < 6 ? options.evaluations : 6);
        for (uint32_t cell = 0; cell < t.cells && options.scale == HPX_SCALE_LOSS; cell++)
            t.score[cell] =
                -10 * (1 - t.score[cell]); /* some above 0, where the least loss takes their place */
        w.t = &t;
        w.options = &options;
        w.fitted = 0;
        w.doubtful = false;
        measure(&w);
        uint32_t trace[CELLS] = {0}, count = run_in_order(trace, &w);
        assert_int_equal(count, options.evaluations < t.cells ? options.evaluations : t.cells);
        run_in_disorder(&w, trace, count, &random);
        compared += check_trace(&w, trace, count);
        doubtful += w.doubtful;
    }
    assert_true(doubtful <= tables / 50);
    assert_true(k->axes == 0 || compared > 2 * tables);
}

int main(void)
{
    static kind kinds[] = {
        {"one axis", .axes = 1},
        {"two axes", .axes = 2},
        {"three axes", .axes = 3},
        {"unordered axes", .axes = 3, .unordered = true},
        {"failing", .axes = 2, .failing = true, .unordered = true},
        {"ties", .axes = 2, .ties = true},
        {"failing ties on three axes", .axes = 3, .failing = true, .ties = true},
        {"one cell", .failing = true},
        {"many evaluations", .axes = 2, .many = true},
    };
    struct CMUnitTest tests[sizeof kinds / sizeof *kinds];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        tests[i] =
            (struct CMUnitTest){.name = kinds[i].name, .test_func = test_kind, .initial_state = &kinds[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
