/* Replays: the paper's table, and what is and is not a table. */
#include "hpx/build.h"

#include "base/memory.h"
#include "hpx/file.h"

#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *folder;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static hpx_status replay_all(hpx_outcome **out, const hpx_recipe *recipe, const char *table)
{
    const hpx_recipe_search *searches[16];
    hpx_source_options options = {.folder = folder};
    for (size_t i = 0; i < recipe->search_count; i++)
        searches[i] = &recipe->searches[i];
    return hpx_replay(out, recipe, searches, recipe->search_count, &options, table, &error);
}

static void test_paper_table(void **state)
{
    (void)state;
    static const struct {
        const char *end, *score, *difference, *relative;
        size_t cells;
    } rows[] = {
        {"n1=128 n2=4096", "0.9803", "0.0000", "1.000", 66},
        {"n1=256 n2=128", "0.9792", "0.0011", "0.075", 21},
        {"n1=128 n2=4096", "0.9803", "0.0000", "0.273", 30},
        {"n1=128 n2=4096", "0.9803", "0.0000", "0.257", 28},
        {"n1=256 n2=128", "0.9792", "0.0011", "0.280", 21},
        {"n1=256 n2=128", "0.9792", "0.0011", "0.063", 16},
        {"n1=128 n2=64", "0.9791", "0.0012", "0.031", 17},
        {"n1=64 n2=32", "0.9789", "0.0014", "0.034", 13},
    };
    hpx_recipe *recipe;
    hpx_outcome *outcome;
    expect_ok(hpx_recipe_open(&recipe, "recipes/mnist-table.rcp", &error), &error);
    expect_ok(replay_all(&outcome, recipe, "tests/golden/paper-table.csv"), &error);
    assert_int_equal(outcome->cells, 66);
    assert_int_equal(outcome->grid_macs, 43672128);
    assert_int_equal(outcome->search_count, COUNT(rows));
    for (size_t i = 0; i < COUNT(rows); i++) {
        const hpx_search_outcome *search = &outcome->searches[i];
        uint32_t indices[HPX_AXES_MAX];
        char end[64], number[32];
        assert_true(search->done);
        hpx_grid_indices(indices, &recipe->grid, search->result.end);
        snprintf(end, sizeof end, "n1=%s n2=%s", recipe->axes[0].values[indices[0]].text,
                 recipe->axes[1].values[indices[1]].text);
        assert_string_equal(end, rows[i].end);
        snprintf(number, sizeof number, "%.4f", search->score);
        assert_string_equal(number, rows[i].score);
        snprintf(number, sizeof number, "%.4f", search->difference);
        assert_string_equal(number, rows[i].difference);
        snprintf(number, sizeof number, "%.3f", search->relative_cost);
        assert_string_equal(number, rows[i].relative);
        assert_int_equal(search->visit_count, rows[i].cells);
        assert_int_equal(search->trial_counts[HPX_HIT], search->trial_count);
        assert_true(search->paid_training_macs == 0 && search->paid_macs == 0);
        uint64_t macs = 0;
        for (size_t v = 0; v < search->visit_count; v++) {
            uint32_t at[HPX_AXES_MAX];
            hpx_grid_indices(at, &recipe->grid, search->visits[v].cell);
            uint64_t n1 = 16u << at[0], n2 = 16u << at[1];
            macs += 784 * n1 + n1 * n2 + 10 * n2;
        }
        assert_int_equal(search->nominal_macs, macs);
        assert_true(isnan(search->score_sd));
    }
    hpx_outcome_free(outcome);
    hpx_recipe_free(recipe);
    hpx_outcome_free(NULL);
}

/* A grid of two axes, one of words, over three seeds at epoch 2. */
static const char small[] =
    "dataset mnist\nmodel mlp\n  hidden = 8\n  activation = $act\ntrain\n  rate = $rate\n"
    "  epochs = 2\n  seeds = 1 2 5\n"
    "axis rate = 0.1 0.001\naxis act = relu tanh\nsearch s\n  method = grid\n";

static hpx_recipe *parse(const char *text)
{
    hpx_recipe *recipe;
    expect_ok(hpx_recipe_parse(&recipe, "small.rcp", text, strlen(text), NULL, NULL, &error), &error);
    return recipe;
}

/* Replays a table over a recipe and gives the scores of all four cells. */
static hpx_status scores_of(double scores[4], const char *text, const char *table)
{
    hpx_recipe *recipe = parse(text);
    hpx_outcome *outcome;
    char *path = hpx_path_join(folder, "t.csv");
    write_text(path, table);
    hpx_status status = replay_all(&outcome, recipe, path);
    if (status) {
        assert_null(outcome);
    } else {
        assert_int_equal(outcome->searches[0].visit_count, 4);
        for (size_t i = 0; i < 4; i++)
            scores[outcome->searches[0].visits[i].cell] = outcome->searches[0].visits[i].score;
        hpx_outcome_free(outcome);
    }
    hpx_recipe_free(recipe);
    free(path);
    return status;
}

static void expect_scores(const char *text, const char *table, const double expected[4])
{
    double scores[4];
    expect_ok(scores_of(scores, text, table), &error);
    for (size_t i = 0; i < 4; i++)
        assert_true(fabs(scores[i] - expected[i]) < 1e-12);
}

static void expect_refused(const char *table, const char *message)
{
    double scores[4];
    assert_int_equal(scores_of(scores, small, table), HPX_USAGE);
    expect_contains(error.message, message);
}

static void test_tables(void **state)
{
    (void)state;
    static const double plain[] = {0.5, 0.25, 0.75, 0.125};
    /* A row per cell stands for every seed. */
    expect_scores(
        small,
        "rate,act,validation_accuracy\n0.1,relu,0.5\n0.1,tanh,0.25\n0.001,relu,0.75\n0.001,tanh,0.125\n",
        plain);
    /* Any order of rows and columns, more columns, blank lines, CRLF, no last newline, quotes, other ways to
     * write a number, rows beside the grid. */
    expect_scores(small,
                  "note,validation_accuracy,act,\"rate\"\r\n\r\n\"a, "
                  "\"\"b\"\"\nc\",0.125,tanh,1e-3\r\n,5e-1,\"relu\",.1\r\n"
                  "x,0.9,gelu,0.1\r\nx,0.9,relu,0.5\r\nx,0.25,tanh,0.10\r\nx,0.75,relu,0.0010",
                  plain);
}

static void test_seeds_and_epochs(void **state)
{
    (void)state;
    hpx_buffer table = {0};
    static const char *const cells[] = {"0.1,relu", "0.1,tanh", "0.001,relu", "0.001,tanh"};
    static const double means[] = {0.25, 1.25, 2.25, 3.25};
    hpx_buffer_puts(&table, "rate,act,seed,epoch,validation_accuracy\n");
    for (size_t i = 0; i < 4; i++) {
        hpx_buffer_printf(&table, "%s,1,2,%zu.125\n%s,2,2,%zu.375\n%s,5,2,%zu.25\n", cells[i], i, cells[i], i,
                          cells[i], i);
        hpx_buffer_printf(&table, "%s,1,1,9\n%s,1,3,9\n%s,3,2,9\n", cells[i], cells[i],
                          cells[i]); /* not asked for */
    }
    expect_scores(small, hpx_buffer_text(&table), means);

    hpx_recipe *recipe = parse(small);
    hpx_outcome *outcome;
    char *path = hpx_path_join(folder, "t.csv");
    expect_ok(replay_all(&outcome, recipe, path), &error);
    /* The sample standard deviation of 3.125, 3.375 and 3.25. */
    assert_true(fabs(outcome->searches[0].score_sd - 0.125) < 1e-12);
    assert_int_equal(outcome->searches[0].trial_count, 12);
    assert_int_equal(outcome->searches[0].result.end, 3);
    hpx_outcome_free(outcome);
    hpx_recipe_free(recipe);
    free(path);
    hpx_buffer_free(&table);
}

/* A failed cell is worse than any score, and one seed that failed fails its cell. */
static void test_failed(void **state)
{
    (void)state;
    hpx_recipe *recipe = parse(small);
    hpx_outcome *outcome;
    char *path = hpx_path_join(folder, "t.csv");
    write_text(path, "rate,act,seed,epoch,status,validation_accuracy\n"
                     "0.1,relu,1,1,,0.9\n0.1,relu,1,2,failed,\n0.1,relu,2,2,,0.9\n0.1,relu,5,2,,0.9\n"
                     "0.1,tanh,1,1,failed,\n0.1,tanh,2,1,failed,7\n0.1,tanh,5,1,failed,\n"
                     "0.001,relu,1,2,,0.25\n0.001,relu,2,2,,0.25\n0.001,relu,5,2,,0.25\n"
                     "0.001,tanh,1,2,,0.125\n0.001,tanh,2,2,,0.125\n0.001,tanh,5,2,,0.125\n"
                     "0.001,tanh,5,3,failed,\n");
    expect_ok(replay_all(&outcome, recipe, path), &error);
    const hpx_search_outcome *search = &outcome->searches[0];
    assert_int_equal(search->result.end, 2);
    assert_true(search->score == 0.25 && search->incumbent_score == 0.25);
    assert_int_equal(search->failed, 4);
    assert_int_equal(search->trial_counts[HPX_HIT], 12);
    assert_true(isnan(search->visits[0].score) && isnan(search->visits[1].score));
    hpx_outcome_free(outcome);

    write_text(path, "rate,act,status,validation_accuracy\n"
                     "0.1,relu,failed,\n0.1,tanh,failed,\n0.001,relu,failed,\n0.001,tanh,failed,\n");
    expect_ok(replay_all(&outcome, recipe, path), &error);
    assert_true(outcome->searches[0].done && isnan(outcome->searches[0].incumbent_score));
    assert_int_equal(outcome->failed, 12);
    hpx_outcome_free(outcome);
    hpx_recipe_free(recipe);
    free(path);
}

/* A loss is minimised. */
static void test_minimised(void **state)
{
    (void)state;
    char *text = hpx_format("%s", small);
    char *replaced = hpx_format("%.*s  objective = test_loss\n%s", (int)(strstr(text, "axis") - text), text,
                                strstr(text, "axis"));
    hpx_recipe *recipe = parse(replaced);
    hpx_outcome *outcome;
    char *path = hpx_path_join(folder, "t.csv");
    write_text(path, "rate,act,test_loss\n0.1,relu,0.5\n0.1,tanh,0.25\n0.001,relu,0.75\n0.001,tanh,0.375\n");
    expect_ok(replay_all(&outcome, recipe, path), &error);
    assert_int_equal(outcome->searches[0].result.end, 1);
    assert_true(outcome->searches[0].score == 0.25 && outcome->searches[0].difference == 0);
    hpx_outcome_free(outcome);
    hpx_recipe_free(recipe);
    free(replaced);
    free(text);
    free(path);
}

/* An axis may have a metric's name: then the metric's column is metric.NAME, also where it alone is the objective. */
static void test_axis_called_like_the_objective(void **state)
{
    (void)state;
    static const char text[] = "dataset mnist\nmodel mlp\n  hidden = 8\ntrain\n  rate = $test_loss\n"
                               "  objective = test_loss\naxis test_loss = 0.1 0.2 0.3 0.4\n"
                               "search s\n  method = grid\n";
    expect_scores(text, "test_loss,metric.test_loss\n0.1,5\n0.2,6\n0.3,7\n0.4,8\n",
                  (const double[]){5, 6, 7, 8});
    expect_scores(text, "test_loss,test_loss\n0.1,5\n0.2,6\n0.3,7\n0.4,8\n", (const double[]){5, 6, 7, 8});
    double scores[4];
    assert_int_equal(scores_of(scores, text, "test_loss,loss\n0.1,5\n0.2,6\n"), HPX_USAGE);
    expect_contains(error.message, "no column 'test_loss', the objective");
}

static void test_refused(void **state)
{
    (void)state;
    expect_refused("", "empty; expected a header");
    expect_refused("\n\r\n", "empty; expected a header");
    expect_refused("rate,validation_accuracy\n", "t.csv:1: no column 'act', an axis of small.rcp");
    expect_refused("rate,act,test_accuracy\n",
                   "t.csv:1: no column 'validation_accuracy', the objective of small.rcp; it "
                   "has: 'rate', 'act', 'test_accuracy'");
    expect_refused("rate;act\n",
                   "no column 'rate', an axis of small.rcp; it has: 'rate;act'; commas separate columns");
    expect_refused("rate,act,validation_accuracy\n0.1,relu,0.5\n0.1,tanh,0.5\n0.001,tanh,0.5\n",
                   "no row for rate=0.001 act=relu (seed 1, epoch 2)");
    expect_refused("rate,act,validation_accuracy\n0.1,relu,0.5\n0.10,relu,0.5\n",
                   "t.csv:3: a second row for the same");
    expect_refused("rate,act,validation_accuracy\n0.1,relu\n", "t.csv:2: 2 fields; the header has 3");
    expect_refused("rate,act,validation_accuracy\n\n0.1,relu,0.5,\n", "t.csv:3: 4 fields; the header has 3");
    expect_refused("rate,act,validation_accuracy\n0.1,relu,high\n",
                   "t.csv:2: validation_accuracy 'high' is not a number");
    expect_refused("rate,act,validation_accuracy\n0.1,relu,nan\n", "'nan' is not a number");
    expect_refused("rate,act,validation_accuracy\n0.1,relu,\n", "no row for rate=0.1 act=relu");
    expect_refused("rate,act,status,validation_accuracy\n0.1,relu,,\n", "no row for rate=0.1 act=relu");
    expect_refused("rate,act,status,validation_accuracy\n0.1,relu,lost,0.5\n",
                   "t.csv:2: status 'lost': expected nothing or 'failed'");
    expect_refused("rate,act,status,epoch,validation_accuracy\n0.1,relu,failed,3,\n",
                   "no row for rate=0.1 act=relu"); /* failed after the recipe's epochs */
    expect_refused("rate,act,status,epoch,validation_accuracy\n0.1,relu,failed,1,\n0.1,relu,,2,0.5\n",
                   "t.csv:3: a second row");
    expect_refused("rate,act,epoch,validation_accuracy\n0.1,relu,1.5,0.5\n",
                   "t.csv:2: epoch '1.5' is no whole number from 0 to 4294967295");
    expect_refused("rate,act,seed,validation_accuracy\n0.1,relu,-1,0.5\n",
                   "t.csv:2: seed '-1' is no whole number");
    expect_refused("rate,act,seed,validation_accuracy\n0.1,relu,4294967296,0.5\n",
                   "t.csv:2: seed '4294967296' is no");
    expect_refused("rate,act,epoch,validation_accuracy\n0.1,relu,1,0.5\n", "no row for rate=0.1 act=relu");
    expect_refused("rate,act,seed,validation_accuracy\n0.1,relu,1,0.5\n0.1,relu,2,0.5\n",
                   "(seed 5, epoch 2)");
    expect_refused("rate,act,seed,validation_accuracy\n0.1,relu,1,0.5\n0.1,relu,1,0.5\n",
                   "t.csv:3: a second row");
    /* Lines are those of the file, also behind a quoted newline. */
    expect_refused("rate,act,validation_accuracy,note\n0.1,relu,0.5,\"a\nb\"\n0.1,tanh,x,y\n", "t.csv:4:");
    hpx_recipe *recipe = parse(small);
    hpx_outcome *outcome;
    char *missing = hpx_path_join(folder, "missing.csv");
    assert_int_equal(replay_all(&outcome, recipe, missing), HPX_NOT_FOUND);
    hpx_recipe_free(recipe);
    free(missing);
}

/* A table that ends within quotes, in a carriage return or at a comma: refused, or read to its end. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    static const char table[] =
        "rate,act,\"validation_accuracy\"\r\n0.1,relu,0.5\r\n\"0.1\",\"ta\"\"nh\",0.25\r\n";
    for (size_t size = 0; size <= strlen(table); size++) {
        double scores[4];
        char *cut = hpx_strndup(table, size);
        assert_int_equal(scores_of(scores, small, cut), HPX_USAGE);
        free(cut);
    }
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_paper_table),      WITH_FOLDER(test_tables),
        WITH_FOLDER(test_seeds_and_epochs), WITH_FOLDER(test_failed),
        WITH_FOLDER(test_refused),          WITH_FOLDER(test_cut_anywhere),
        WITH_FOLDER(test_minimised),        WITH_FOLDER(test_axis_called_like_the_objective),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
