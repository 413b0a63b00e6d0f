/* Comparisons against a reference that does everything anew for every number: scores and truths from the table, costs
 * from the trace so far, random search from every order of the cells. Over random tables with failures, ties, and several
 * seeds in a block. */
#include "compare/compare.h"

#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CELLS = 6, EPOCHS = 9, SEEDS_MAX = 7, TABLES = 150, TRACE = 256, ORDERS = 720 };

/* What the table says. */
struct table {
    hpx_recipe *recipe;
    hpx_measured *measured;
    bool minimised;
    size_t seeds, block;               /* of all; of a block */
    uint32_t failed[CELLS][SEEDS_MAX]; /* in which epoch; 0: not */
    double score[CELLS][SEEDS_MAX][EPOCHS + 1], truth[CELLS][SEEDS_MAX][EPOCHS + 1];
    double regrets[SEEDS_MAX][CELLS], scores[SEEDS_MAX][CELLS][EPOCHS + 1]; /* by block, found once */
};

/* 2 x 3 cells of 784-n1-n2-10. */
static double cost_of(uint32_t cell)
{
    static const double n1[] = {2, 16}, n2[] = {2, 8, 32};
    return 784 * n1[cell / 3] + n1[cell / 3] * n2[cell % 3] + 10 * n2[cell % 3];
}

static void make_recipe(struct table *t)
{
    char text[1024];
    hpx_error error;
    static const char *const seeds[] = {"", "1", "1 2", "1 2 3"};
    snprintf(
        text, sizeof text,
        "dataset mnist\nmodel mlp\n  hidden = $n1 $n2\ntrain\n  epochs = %d\n  seeds = %s\n  objective = %s\n"
        "axis n1 = 2 16\naxis n2 = 2 8 32\n"
        "search grid\n  method = grid\nsearch hill\n  method = hill-climb\nsearch cross\n  method = "
        "full-cross\n"
        "search random\n  method = random\n  evaluations = %u\nsearch hyperband\n  method = hyperband\n"
        "search screen\n  method = random\n  evaluations = 4\n  screen-epochs = 2\n  promote = 2\n"
        "search asha\n  method = asha\n  evaluations = 6\n  workers = 2\n",
        EPOCHS, seeds[t->block], t->minimised ? "validation_loss" : "validation_accuracy",
        1 + (unsigned)draw(CELLS));
    assert_int_equal(hpx_recipe_parse(&t->recipe, "r.rcp", text, strlen(text), NULL, NULL, &error), HPX_OK);
}

/* Few distinct values, so that there are ties. */
static double draw_value(const struct table *t)
{
    return t->minimised ? 0.1 + (double)draw(12) * 0.05 : 0.9 + (double)draw(12) * 0.005;
}

static void make_table(struct table *t)
{
    t->minimised = draw(2);
    t->block = 1 + draw(3);
    t->seeds = t->block + draw(SEEDS_MAX + 1 - t->block);
    make_recipe(t);
    t->measured = hpx_measured_new(t->recipe, 2, false);
    for (uint32_t cell = 0; cell < CELLS; cell++)
        for (uint32_t seed = 0; seed < t->seeds; seed++) {
            t->failed[cell][seed] = cell > 0 && draw(30) == 0 ? 1 + (uint32_t)draw(EPOCHS) : 0;
            for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++) {
                const double values[] = {draw_value(t), draw_value(t)};
                t->score[cell][seed][epoch] = values[0];
                t->truth[cell][seed][epoch] = values[1];
                if (epoch == t->failed[cell][seed])
                    assert_true(hpx_measured_fail(t->measured, seed + 1, (hpx_request){cell, epoch}));
                if (t->failed[cell][seed] == 0 || epoch < t->failed[cell][seed])
                    assert_true(hpx_measured_add(t->measured, seed + 1, (hpx_request){cell, epoch}, values));
            }
        }
}

/* The reference. More is better. */

static bool has_failed(const struct table *t, uint32_t cell, size_t seed, uint32_t epochs)
{
    return t->failed[cell][seed] && t->failed[cell][seed] <= epochs;
}

static double find_score(const struct table *t, size_t block, uint32_t cell, uint32_t epochs)
{
    double sum = 0;
    for (size_t seed = block * t->block; seed < (block + 1) * t->block; seed++)
        sum += has_failed(t, cell, seed, epochs) ? NAN : t->score[cell][seed][epochs];
    return (t->minimised ? -sum : sum) / (double)t->block;
}

static double own_truth(const struct table *t, size_t block, uint32_t cell)
{
    double sum = 0, count = 0;
    for (size_t seed = 0; seed < t->seeds; seed++)
        if (t->seeds == t->block || seed / t->block != block) {
            sum += has_failed(t, cell, seed, EPOCHS) ? NAN : t->truth[cell][seed][EPOCHS];
            count++;
        }
    return (t->minimised ? -sum : sum) / count;
}

static double find_regret(const struct table *t, size_t block, uint32_t cell)
{
    double best = -INFINITY, worst = INFINITY;
    for (uint32_t other = 0; other < CELLS; other++) {
        best = fmax(best, own_truth(t, block, other));
        worst = fmin(worst, own_truth(t, block, other));
    }
    const double truth = own_truth(t, block, cell);
    return best - (isnan(truth) ? worst : truth);
}

static void find_all(struct table *t)
{
    for (size_t block = 0; block < t->seeds / t->block; block++)
        for (uint32_t cell = 0; cell < CELLS; cell++) {
            t->regrets[block][cell] = find_regret(t, block, cell);
            for (uint32_t epochs = 1; epochs <= EPOCHS; epochs++)
                t->scores[block][cell][epochs] = find_score(t, block, cell, epochs);
        }
}

static double regret_of(const struct table *t, size_t block, uint32_t cell)
{
    return t->regrets[block][cell];
}

static double score_of(const struct table *t, size_t block, uint32_t cell, uint32_t epochs)
{
    return t->scores[block][cell][epochs];
}

static bool is_better(const struct table *t, size_t block, uint32_t a, uint32_t b, uint32_t epochs)
{
    const double x = score_of(t, block, a, epochs), y = score_of(t, block, b, epochs);
    if (isnan(x) || isnan(y) || x == y)
        return isnan(x) == isnan(y) ? cost_of(a) < cost_of(b) : isnan(y);
    return x > y;
}

/* Of the first so many visits: the best at the most epochs; and their cost, a cell's being that of its most epochs. */
static uint32_t incumbent_of(const struct table *t, size_t block, const hpx_request *trace, size_t count)
{
    uint32_t most = 0, best = 0;
    for (size_t i = 0; i < count; i++)
        most = trace[i].epochs > most ? trace[i].epochs : most;
    bool any = false;
    for (size_t i = 0; i < count; i++)
        if (trace[i].epochs == most && (!any || is_better(t, block, trace[i].cell, best, most))) {
            best = trace[i].cell;
            any = true;
        }
    return best;
}

static double spent(const hpx_request *trace, size_t count)
{
    double sum = 0, grid = 0;
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        uint32_t most = 0;
        for (size_t i = 0; i < count; i++)
            if (trace[i].cell == cell && trace[i].epochs > most)
                most = trace[i].epochs;
        sum += cost_of(cell) * most / EPOCHS;
        grid += cost_of(cell);
    }
    return sum / grid;
}

struct run {
    hpx_request trace[TRACE];
    double spent[TRACE], regret[TRACE]; /* after each visit */
    size_t count;
};

struct runs {
    struct run at[ORDERS];
    size_t count;
    double regret, tied, cost, evaluations, flattery;
};

static void follow(struct run *run, const struct table *t, size_t block)
{
    for (size_t i = 0; i < run->count; i++) {
        run->spent[i] = spent(run->trace, i + 1);
        run->regret[i] = regret_of(t, block, incumbent_of(t, block, run->trace, i + 1));
    }
}

/* The mean regret of the incumbents when so much is spent; NaN: a run has none. */
static double mean_regret(const struct runs *runs, double cost)
{
    double sum = 0;
    for (size_t i = 0; i < runs->count; i++) {
        const struct run *run = &runs->at[i];
        size_t by_then = 0;
        while (by_then < run->count && run->spent[by_then] <= cost * (1 + 1e-12))
            by_then++;
        sum += by_then ? run->regret[by_then - 1] : (double)NAN;
    }
    return sum / (double)runs->count;
}

static uint64_t macs(void *context, uint32_t cell)
{
    (void)context;
    return (uint64_t)cost_of(cell);
}

static void run_search(struct runs *out, const struct table *t, size_t block, double tie,
                       const hpx_search_options *options)
{
    hpx_search *search = hpx_search_new(&t->recipe->grid, options, macs, NULL);
    hpx_request request;
    const hpx_request *trace;
    size_t certain;
    while (hpx_search_ask(search, &request, 1, &certain) > 0)
        hpx_search_tell(search, request, score_of(t, block, request.cell, request.epochs));
    const size_t count = hpx_search_trace(search, &trace);
    const hpx_search_result result = hpx_search_result_of(search);
    assert_true(count <= TRACE);
    struct run *run = &out->at[out->count++];
    run->count = count;
    memcpy(run->trace, trace, count * sizeof *trace);
    follow(run, t, block);
    out->regret += regret_of(t, block, result.end);
    out->tied += regret_of(t, block, result.end) <= tie + 1e-12;
    out->cost += spent(trace, count);
    out->evaluations += (double)count;
    const double worth = own_truth(t, block, result.end), score = score_of(t, block, result.end, EPOCHS);
    out->flattery += result.epochs < EPOCHS ? (double)NAN : isnan(worth) ? INFINITY : score - worth;
    hpx_search_free(search);
}

/* All orders of the cells. */
static void run_random(struct runs *out, const struct table *t, size_t block, uint32_t evaluations,
                       double tie, uint32_t *cells, size_t fixed)
{
    if (fixed == CELLS) {
        struct run *run = &out->at[out->count++];
        for (uint32_t i = 0; i < evaluations; i++)
            run->trace[i] = (hpx_request){cells[i], EPOCHS};
        run->count = evaluations;
        follow(run, t, block);
        out->regret += run->regret[evaluations - 1];
        out->tied += run->regret[evaluations - 1] <= tie + 1e-12;
        return;
    }
    for (size_t i = fixed; i < CELLS; i++) {
        const uint32_t first = cells[fixed];
        cells[fixed] = cells[i];
        cells[i] = first;
        run_random(out, t, block, evaluations, tie, cells, fixed + 1);
        cells[i] = cells[fixed];
        cells[fixed] = first;
    }
}

static void assert_near(double value, double expected)
{
    if (!isnan(value) || !isnan(expected))
        expect_near(value, expected, 1e-9);
}

static void check_random(const struct table *t, const hpx_contest *contest, const hpx_contender *search,
                         size_t block)
{
    static struct runs runs;
    uint32_t cells[CELLS];
    const uint32_t evaluations = search->search->options.evaluations;
    for (uint32_t i = 0; i < CELLS; i++)
        cells[i] = i;
    runs.count = 0;
    runs.regret = runs.tied = 0;
    run_random(&runs, t, block, evaluations, contest->tie, cells, 0);
    assert_int_equal(runs.count, ORDERS);
    assert_near(search->regret[block], runs.regret / ORDERS);
    assert_near(search->tied[block], isnan(contest->tie) ? (double)NAN : runs.tied / ORDERS);
    assert_near(search->cost[block], (double)evaluations / CELLS);
    double by_count[CELLS + 1] = {NAN};
    for (size_t k = 1; k <= CELLS; k++)
        for (size_t i = 0; i < ORDERS; i++)
            by_count[k] += runs.at[i].regret[(k < evaluations ? k : evaluations) - 1] / ORDERS;
    for (size_t c = 0; c < contest->cost_count; c++) {
        const double count = floor(contest->costs[c] * CELLS + 1e-9);
        assert_near(search->curve[block * contest->cost_count + c],
                    by_count[count < CELLS ? (size_t)count : CELLS]);
    }
}

static void check_search(const struct table *t, const hpx_contest *contest, const hpx_contender *search,
                         size_t block, bool all_starts, uint32_t repeat)
{
    static struct runs runs;
    hpx_search_options options = search->search->options;
    const unsigned takes = options.method->takes;
    const bool starts = all_starts && takes >> HPX_BINDING_START & 1,
               repeats = repeat && takes >> HPX_BINDING_SEED & 1;
    runs.count = 0;
    runs.regret = runs.tied = runs.cost = runs.evaluations = runs.flattery = 0;
    for (uint32_t start = 0; start < (starts ? CELLS : 1); start++)
        for (uint32_t seed = 1; seed <= (repeats ? repeat : 1); seed++) {
            options.start = starts ? start : options.start;
            options.seed = repeats ? seed : options.seed;
            run_search(&runs, t, block, contest->tie, &options);
        }
    const double count = (double)runs.count;
    assert_int_equal(search->runs, runs.count);
    assert_near(search->regret[block], runs.regret / count);
    assert_near(search->tied[block], isnan(contest->tie) ? (double)NAN : runs.tied / count);
    assert_near(search->cost[block], runs.cost / count);
    assert_near(search->evaluations[block], runs.evaluations / count);
    if (!isinf(runs.flattery)) /* of a truth that there is */
        assert_near(search->flattery[block], runs.flattery / count);
    double within = INFINITY;
    for (size_t c = 0; c < contest->cost_count; c++)
        assert_near(search->curve[block * contest->cost_count + c], mean_regret(&runs, contest->costs[c]));
    for (size_t i = 0; i < runs.count; i++)
        for (size_t n = 0; n < runs.at[i].count; n++) {
            const double cost = runs.at[i].spent[n];
            if (cost < within && mean_regret(&runs, cost) <= contest->seed_sd + 1e-12)
                within = cost;
        }
    assert_near(isinf(search->within[block]) ? -1 : search->within[block], isnan(contest->seed_sd)
                                                                               ? (double)NAN
                                                                           : isinf(within) ? -1
                                                                                           : within);
}

static double pooled_sd(const struct table *t)
{
    double squares = 0, count = 0;
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        double mean = 0;
        for (size_t seed = 0; seed < t->seeds; seed++)
            mean += has_failed(t, cell, seed, EPOCHS) ? NAN : t->truth[cell][seed][EPOCHS] / (double)t->seeds;
        for (size_t seed = 0; seed < t->seeds && !isnan(mean); seed++)
            squares += pow(t->truth[cell][seed][EPOCHS] - mean, 2);
        count += !isnan(mean);
    }
    return t->seeds > 1 ? sqrt(squares / count / (double)(t->seeds - 1)) : (double)NAN;
}

/* Ties, and who is better in how many blocks. */
static void check_standings(const hpx_contest *contest)
{
    const size_t count = contest->search_count, blocks = contest->block_count;
    const double tie = isnan(contest->tie) ? 0 : contest->tie;
    const hpx_contender *reference = &contest->searches[contest->reference];
    for (size_t i = 0; i < count; i++) {
        const hpx_contender *search = &contest->searches[i];
        double tied = 0, gain = 0;
        for (size_t b = 0; b < blocks; b++) {
            tied += search->tied[b] / (double)blocks;
            gain += (reference->regret[b] - search->regret[b]) / (double)blocks;
        }
        assert_near(search->mean_tied, tied);
        if (blocks < 3) /* then the interquartile mean is the mean */
            assert_near(search->gain.mean, gain);
        for (size_t k = 0; k < count; k++) {
            double better = 0;
            for (size_t b = 0; b < blocks; b++) {
                const double less = contest->searches[k].regret[b] - search->regret[b];
                better += fabs(less) <= tie ? 0.5 : less > 0;
            }
            assert_near(contest->superiority[i * count + k], better / (double)blocks);
        }
        const bool is_reference = i == contest->reference, is_noise = fabs(search->gain.mean) <= tie;
        assert_int_equal(search->verdict, is_reference ? HPX_IS_REFERENCE
                                          : is_noise   ? HPX_WITHIN_NOISE
                                                       : HPX_UNTESTED); /* so few blocks are never enough */
    }
}

static void check_contest(const struct table *t, const hpx_contest *contest, bool all_starts, uint32_t repeat)
{
    assert_int_equal(contest->block_count, t->seeds / t->block);
    assert_int_equal(contest->search_count, t->recipe->search_count);
    assert_int_equal(contest->truth_is_table, t->seeds == t->block);
    assert_string_equal(contest->truth, t->minimised ? "test_loss" : "test_accuracy");
    assert_near(contest->seed_sd, pooled_sd(t));
    check_standings(contest);
    assert_near(contest->tie, 1.96 * pooled_sd(t) * sqrt(2 / (double)contest->truth_seeds));
    for (size_t i = 0; i < contest->search_count; i++)
        for (size_t block = 0; block < contest->block_count; block++)
            if (contest->searches[i].exact)
                check_random(t, contest, &contest->searches[i], block);
            else
                check_search(t, contest, &contest->searches[i], block, all_starts, repeat);
}

static void test_random_tables(void **unused)
{
    (void)unused;
    size_t blocks = 0, compared = 0;
    for (int i = 0; i < TABLES; i++) {
        struct table t = {0};
        draw_seed((uint64_t)i);
        make_table(&t);
        find_all(&t);
        const hpx_recipe_search *searches[16];
        for (size_t k = 0; k < t.recipe->search_count; k++)
            searches[k] = &t.recipe->searches[k];
        const hpx_source_options source = {.folder = "none"};
        const hpx_compare_options options = {
            .searches = searches,
            .search_count = t.recipe->search_count,
            .all_starts = draw(2),
            .repeat = (uint32_t)draw(3),
            .source = &source,
        };
        hpx_contest *contest;
        hpx_error error;
        if (hpx_compare_searches(&contest, t.recipe, t.measured, "the table", &options, &error) == HPX_OK) {
            check_contest(&t, contest, options.all_starts, options.repeat);
            blocks += contest->block_count;
            compared++;
            hpx_contest_free(contest);
        } else {
            fail_msg("table %d: %s", i, error.message);
        }
        hpx_measured_free(t.measured);
        hpx_recipe_free(t.recipe);
    }
    printf("%zu comparisons, %zu blocks\n", compared, blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_tables)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
