/* `compare`: a row per search, shown in tables of what it found, what it found by which cost, and how it stands beside the
 * reference; and what the table says of the axes. */
#include "outcome.h"

#include "base/text.h"

#include <math.h>

#define SCHEMA 1

static const char *const verdict_names[] = {
    [HPX_IS_REFERENCE] = "reference", [HPX_WITHIN_NOISE] = "within noise", [HPX_IS_BETTER] = "better",
    [HPX_IS_WORSE] = "worse",         [HPX_UNTESTED] = "untested",
};

/* The costs that text shows, of the curves'. */
static const struct {
    double cost;
    const char *heading, *value;
} shown[] = {{0.01, "0.01", " at a"}, {0.02, "0.02", " at b"}, {0.05, "0.05", " at c"}, {0.1, "0.1", " at d"},
             {0.2, "0.2", " at e"},   {0.5, "0.5", " at f"},   {1, "1", " at g"},       {2, "2", " at h"}};

static int decimals(const hpx_contest *contest)
{
    return contest->recipe->objective.minimised ? 6 : 4;
}

/* Infinite: there is none. */
static void add_real(hpx_row *row, const char *name, double value)
{
    hpx_row_real(row, name, isfinite(value) ? value : (double)NAN);
}

static void add_spread(hpx_row *row, const hpx_spread *spread)
{
    add_real(row, "mean", spread->mean);
    add_real(row, "low", spread->interval.low);
    add_real(row, "high", spread->interval.high);
    add_real(row, "median", spread->median);
    add_real(row, "first_quartile", spread->first_quartile);
    add_real(row, "third_quartile", spread->third_quartile);
}

static void add_named_spread(hpx_row *row, const char *name, const hpx_spread *spread)
{
    hpx_row_open_flat(row, name, '{');
    add_spread(row, spread);
    hpx_row_close(row);
}

static void add_within(hpx_row *row, const hpx_contender *search)
{
    hpx_row_open_flat(row, "within", '{');
    add_real(row, "cost", search->within_median);
    add_real(row, "low", search->within_interval.low);
    add_real(row, "high", search->within_interval.high);
    hpx_row_count(row, "blocks", search->came_within);
    hpx_row_close(row);
}

/* Beside the reference. */
static void add_standing(hpx_row *row, const hpx_contest *contest, size_t i)
{
    const hpx_contender *search = &contest->searches[i];
    const bool reference = i == contest->reference;
    add_named_spread(row, "gain", &search->gain);
    add_real(row, "superiority",
             reference ? (double)NAN : contest->superiority[i * contest->search_count + contest->reference]);
    hpx_row_count(row, "pairs", search->test.pairs);
    add_real(row, "p_alone", contest->untested || reference ? (double)NAN : search->test.p);
    add_real(row, "p", search->p);
    add_real(row, "mean_rank", search->mean_rank);
    hpx_row_text(row, "verdict", verdict_names[search->verdict]);
}

static void add_blocks(hpx_row *row, const hpx_contest *contest, const hpx_contender *search)
{
    hpx_row_open(row, "blocks", '[');
    for (size_t b = 0; b < contest->block_count; b++) {
        hpx_row_open_flat(row, NULL, '{');
        add_real(row, "regret", search->regret[b]);
        add_real(row, "tied", search->tied[b]);
        add_real(row, "cost", search->cost[b]);
        add_real(row, "evaluations", search->evaluations[b]);
        add_real(row, "flattery", search->flattery[b]);
        add_real(row, "within", search->within[b]);
        if (search->end)
            hpx_add_grid_cell(row, "end", contest->recipe, search->end[b]);
        else
            hpx_row_null(row, "end");
        hpx_row_close(row);
    }
    hpx_row_close(row);
}

/* The cost at which the last block's search has ended, so that nothing changes beyond. */
static double last_cost(const hpx_contest *contest, const hpx_contender *search)
{
    double last = 0;
    for (size_t b = 0; b < contest->block_count; b++)
        last = search->cost[b] > last ? search->cost[b] : last;
    return last;
}

/* From the first cost at which all blocks have an incumbent; the last row is that of the end. */
static void add_curve(hpx_row *row, const hpx_contest *contest, const hpx_contender *search)
{
    const double last = last_cost(contest, search);
    hpx_row_open(row, "curve", '[');
    for (size_t c = 0; c < contest->cost_count && contest->costs[c] < last; c++) {
        if (isnan(search->curve_regret[c].mean))
            continue;
        hpx_row_open_flat(row, NULL, '{');
        add_real(row, "cost", contest->costs[c]);
        add_spread(row, &search->curve_regret[c]);
        hpx_row_close(row);
    }
    hpx_row_open_flat(row, NULL, '{');
    add_real(row, "cost", search->mean_cost);
    add_spread(row, &search->end_regret);
    hpx_row_bool(row, "end", true);
    hpx_row_close(row);
    hpx_row_close(row);
}

/* For columns: the regret at the costs that text shows. */
static void add_shown(hpx_row *row, const hpx_contest *contest, const hpx_contender *search)
{
    for (size_t i = 0; i < COUNT_OF(shown); i++)
        for (size_t c = 0; c < contest->cost_count; c++)
            if (contest->costs[c] == shown[i].cost)
                add_real(row, shown[i].value, search->curve_regret[c].mean);
}

static void add_search(hpx_rows *rows, const hpx_contest *contest, size_t i)
{
    const hpx_contender *search = &contest->searches[i];
    hpx_row *row = hpx_rows_begin(rows);
    hpx_row_text(row, "name", search->search->name);
    hpx_row_text(row, "method", search->search->options.method->name);
    hpx_row_bool(row, "exact", search->exact);
    hpx_row_count(row, "runs", search->runs);
    add_real(row, "cost", search->mean_cost);
    add_real(row, "evaluations", search->mean_evaluations);
    add_named_spread(row, "regret", &search->end_regret);
    add_real(row, "tied", search->mean_tied);
    add_real(row, "flattery", search->mean_flattery);
    add_within(row, search);
    add_standing(row, contest, i);
    add_shown(row, contest, search);
    if (hpx_rows_are_json(rows)) {
        add_curve(row, contest, search);
        add_blocks(row, contest, search);
    }
    hpx_rows_end(rows);
}

static void add_searches(hpx_rows *rows, const hpx_contest *contest)
{
    for (size_t i = 0; i < contest->search_count; i++)
        add_search(rows, contest, i);
}

/* "[0.0005, 0.0012]" of two members of an object. */
static void show_range(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column,
                       const char *from, const char *to)
{
    const hpx_value *low = value ? hpx_value_find(row, value, from) : NULL,
                    *high = value ? hpx_value_find(row, value, to) : NULL;
    if (!low || !high || !isfinite(low->real) || !isfinite(high->real)) {
        hpx_buffer_puts(out, "-");
        return;
    }
    hpx_buffer_puts(out, "[");
    hpx_text_decimals(out, low->real, column->digits);
    hpx_buffer_puts(out, ", ");
    hpx_text_decimals(out, high->real, column->digits);
    hpx_buffer_puts(out, "]");
}

static void show_interval(hpx_buffer *out, const hpx_row *row, const hpx_value *value,
                          const hpx_column *column)
{
    show_range(out, row, value, column, "low", "high");
}

static void show_quartiles(hpx_buffer *out, const hpx_row *row, const hpx_value *value,
                           const hpx_column *column)
{
    show_range(out, row, value, column, "first_quartile", "third_quartile");
}

static void show_percent(hpx_buffer *out, const hpx_row *row, const hpx_value *value,
                         const hpx_column *column)
{
    (void)row;
    (void)column;
    if (value)
        hpx_buffer_printf(out, "%.0f %%", 100 * value->real);
    else
        hpx_buffer_puts(out, "-");
}

static void show_p(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    (void)row;
    (void)column;
    if (value)
        hpx_buffer_printf(out, value->real < 0.0005 ? "%.0e" : "%.3f", value->real);
    else
        hpx_buffer_puts(out, "-");
}

static void print_table(hpx_buffer *out, const hpx_contest *contest, const hpx_column *columns, size_t count)
{
    hpx_rows *rows = hpx_rows_to_table();
    hpx_rows_add_columns(rows, columns, count);
    add_searches(rows, contest);
    hpx_rows_finish(out, rows);
    hpx_buffer_puts(out, "\n");
}

static void print_heading(hpx_buffer *out, const hpx_contest *contest)
{
    const hpx_recipe *recipe = contest->recipe;
    hpx_buffer_printf(out, "%s: %s over %u %s", recipe->path, contest->selected_on, contest->cells,
                      hpx_plural(contest->cells, "cell", "cells"));
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        hpx_buffer_printf(out, "%s%s", axis ? ", " : " (", recipe->axes[axis].name);
    hpx_buffer_printf(out, "), %u %s\n", recipe->epochs, hpx_plural(recipe->epochs, "epoch", "epochs"));
    hpx_buffer_printf(out, "%zu %s of %zu %s; truth: %s, mean over %s%zu %s", contest->block_count,
                      hpx_plural(contest->block_count, "block", "blocks"), contest->block_seeds,
                      hpx_plural(contest->block_seeds, "seed", "seeds"), contest->truth,
                      contest->truth_is_table ? "" : "the other ", contest->truth_seeds,
                      hpx_plural(contest->truth_seeds, "seed", "seeds"));
    if (!isnan(contest->tie))
        hpx_buffer_printf(out, "\nSD between seeds %.*f; truths within %.*f tie", decimals(contest),
                          contest->seed_sd, decimals(contest), contest->tie);
    hpx_buffer_puts(out, "\n\n");
}

static void print_ends(hpx_buffer *out, const hpx_contest *contest)
{
    const int digits = decimals(contest);
    const hpx_column columns[] = {
        {"search", "name", 'l'},
        {"cost", "cost", 'r', hpx_show_decimals, 3},
        {"regret", "regret.mean", 'r', hpx_show_decimals, digits},
        {"95 % interval", "regret", 'l', show_interval, digits},
        {"median", "regret.median", 'r', hpx_show_decimals, digits},
        {"quartiles", "regret", 'l', show_quartiles, digits},
        {"tied", "tied", 'r', show_percent},
        {"within", "within.cost", 'r', hpx_show_decimals, 3},
        {"flattery", "flattery", 'r', hpx_show_decimals, digits},
    };
    hpx_buffer_puts(
        out,
        "Where each search ends. cost: share of the grid's. regret: what the truth of its end lacks of\n"
        "the best, the interquartile mean of blocks. tied: how often it ties with the best. within: cost to\n"
        "come within an SD of the best. flattery: the score that the end was chosen on, less its truth.\n");
    print_table(out, contest, columns, COUNT_OF(columns));
}

static void print_curves(hpx_buffer *out, const hpx_contest *contest)
{
    enum { COLUMNS = COUNT_OF(shown) + 2 };
    const int digits = decimals(contest);
    hpx_column columns[COLUMNS] = {{"search", "name", 'l'}};
    double last = 0;
    size_t count = 1;
    for (size_t i = 0; i < contest->search_count; i++) {
        const double of_search = last_cost(contest, &contest->searches[i]);
        last = of_search > last ? of_search : last;
    }
    for (size_t i = 0; i < COUNT_OF(shown) && (i == 0 || shown[i - 1].cost < last); i++)
        columns[count++] = (hpx_column){shown[i].heading, shown[i].value, 'R', hpx_show_decimals, digits};
    columns[count++] = (hpx_column){"end", "regret.mean", 'r', hpx_show_decimals, digits};
    hpx_buffer_puts(out, "Regret by the cost spent: of the best cell found by then.\n");
    print_table(out, contest, columns, count);
}

static void print_standings(hpx_buffer *out, const hpx_contest *contest)
{
    const int digits = decimals(contest);
    const hpx_column columns[] = {
        {"search", "name", 'l'},
        {"gain", "gain.mean", 'r', hpx_show_decimals, digits},
        {"95 % interval", "gain", 'l', show_interval, digits},
        {"P(better)", "superiority", 'r', hpx_show_decimals, 2},
        {"p", "p", 'r', show_p},
        {"mean rank", "mean_rank", 'r', hpx_show_decimals, 2},
        {"verdict", "verdict", 'l'},
    };
    hpx_buffer_printf(out, "Beside %s. gain: its regret less theirs. p: signed ranks, adjusted (Holm).\n",
                      contest->searches[contest->reference].search->name);
    print_table(out, contest, columns, COUNT_OF(columns));
}

static void print_tests(hpx_buffer *out, const hpx_contest *contest)
{
    const hpx_friedman *friedman = &contest->friedman;
    if (contest->untested)
        hpx_buffer_printf(out, "No tests: %s.\n", contest->untested);
    else
        hpx_buffer_printf(out, "Friedman over all searches: chi-squared %.2f, p %.2g; F %.2f, p %.2g.\n",
                          friedman->chi_squared, friedman->chi_squared_p, friedman->f, friedman->f_p);
}

/* "Importance: n1 61 %, n2 20 %, n1 x n2 3 %, noise 16 %." */
static void print_importance(hpx_buffer *out, const hpx_contest *contest)
{
    const hpx_importance *importance = &contest->importance;
    const hpx_axis *axes = contest->recipe->axes;
    const char *between = " ";
    if (contest->no_importance) {
        hpx_buffer_printf(out, "No importance of axes: %s.\n", contest->no_importance);
        return;
    }
    hpx_buffer_printf(out, "Importance for %s:", contest->truth);
    for (size_t a = 0; a < importance->axes; a++, between = ", ")
        hpx_buffer_printf(out, "%s%s %.1f %%", between, axes[a].name, 100 * importance->axis[a]);
    for (size_t a = 0; a < importance->axes; a++)
        for (size_t b = a + 1; b < importance->axes; b++)
            hpx_buffer_printf(out, ", %s x %s %.1f %%", axes[a].name, axes[b].name,
                              100 * importance->pair[a * importance->axes + b]);
    if (importance->axes > 2)
        hpx_buffer_printf(out, ", the rest %.1f %%", 100 * importance->rest);
    if (importance->raw)
        hpx_buffer_puts(out, ". These are raw shares: one seed cannot tell them from noise.\n");
    else
        hpx_buffer_printf(out, ", noise %.1f %%.\n", 100 * importance->noise);
}

void hpx_report_contest(hpx_buffer *out, const hpx_contest *contest)
{
    print_heading(out, contest);
    print_ends(out, contest);
    print_curves(out, contest);
    print_standings(out, contest);
    print_tests(out, contest);
    print_importance(out, contest);
    for (size_t i = 0; i < contest->note_count; i++)
        hpx_buffer_printf(out, "%s\n", contest->notes[i]);
}

void hpx_report_contest_csv(hpx_buffer *out, const hpx_contest *contest)
{
    static const hpx_column columns[] = {
        {"search", "name", 'l'},
        {"method", "method", 'l'},
        {"runs", "runs", 'r'},
        {"cost", "cost", 'r'},
        {"evaluations", "evaluations", 'r'},
        {"regret", "regret.mean", 'r'},
        {"regret_low", "regret.low", 'r'},
        {"regret_high", "regret.high", 'r'},
        {"regret_median", "regret.median", 'r'},
        {"regret_first_quartile", "regret.first_quartile", 'r'},
        {"regret_third_quartile", "regret.third_quartile", 'r'},
        {"tied", "tied", 'r'},
        {"flattery", "flattery", 'r'},
        {"within", "within.cost", 'r'},
        {"within_low", "within.low", 'r'},
        {"within_high", "within.high", 'r'},
        {"within_blocks", "within.blocks", 'r'},
        {"gain", "gain.mean", 'r'},
        {"gain_low", "gain.low", 'r'},
        {"gain_high", "gain.high", 'r'},
        {"superiority", "superiority", 'r'},
        {"p", "p", 'r'},
        {"mean_rank", "mean_rank", 'r'},
        {"verdict", "verdict", 'l'},
    };
    hpx_rows *rows = hpx_rows_to_csv();
    hpx_rows_add_columns(rows, columns, COUNT_OF(columns));
    add_searches(rows, contest);
    hpx_rows_finish(out, rows);
}

static void add_counts(hpx_json *json, const char *name, const uint32_t *numbers, size_t count)
{
    hpx_json_open_flat(json, name, '[');
    for (size_t i = 0; i < count; i++)
        hpx_json_count(json, NULL, numbers[i]);
    hpx_json_close(json, ']');
}

static void add_truth(hpx_json *json, const hpx_contest *contest)
{
    hpx_json_open_flat(json, "truth", '{');
    hpx_json_text(json, "metric", contest->truth);
    hpx_json_text(json, "of", contest->truth_is_table ? "the table itself" : "the other seeds");
    hpx_json_count(json, "seeds", contest->truth_seeds);
    hpx_json_bool(json, "selected_on", contest->is_test);
    hpx_json_close(json, '}');
}

static void add_superiority(hpx_json *json, const hpx_contest *contest)
{
    const size_t count = contest->search_count;
    hpx_json_open(json, "superiority", '[');
    for (size_t a = 0; a < count; a++) {
        hpx_json_open_flat(json, NULL, '[');
        for (size_t b = 0; b < count; b++)
            hpx_json_real(json, NULL, contest->superiority[a * count + b]);
        hpx_json_close(json, ']');
    }
    hpx_json_close(json, ']');
}

static void add_friedman(hpx_json *json, const hpx_contest *contest)
{
    if (contest->untested) {
        hpx_json_null(json, "friedman");
        return;
    }
    hpx_json_open_flat(json, "friedman", '{');
    hpx_json_real(json, "chi_squared", contest->friedman.chi_squared);
    hpx_json_real(json, "chi_squared_p", contest->friedman.chi_squared_p);
    hpx_json_real(json, "f", contest->friedman.f);
    hpx_json_real(json, "f_p", contest->friedman.f_p);
    hpx_json_close(json, '}');
}

static void add_share(hpx_json *json, const hpx_axis *a, const hpx_axis *b, double share)
{
    hpx_json_open_flat(json, NULL, '{');
    hpx_json_open(json, "axes", '[');
    hpx_json_text(json, NULL, a->name);
    if (b)
        hpx_json_text(json, NULL, b->name);
    hpx_json_close(json, ']');
    hpx_json_real(json, "share", share);
    hpx_json_close(json, '}');
}

static void add_importance(hpx_json *json, const hpx_contest *contest)
{
    const hpx_importance *importance = &contest->importance;
    const hpx_axis *axes = contest->recipe->axes;
    hpx_json_open(json, "importance", '{');
    hpx_json_open(json, "shares", '[');
    for (size_t a = 0; a < importance->axes; a++)
        add_share(json, &axes[a], NULL, importance->axis[a]);
    for (size_t a = 0; a < importance->axes; a++)
        for (size_t b = a + 1; b < importance->axes; b++)
            add_share(json, &axes[a], &axes[b], importance->pair[a * importance->axes + b]);
    hpx_json_close(json, ']');
    hpx_json_real(json, "rest", importance->rest);
    hpx_json_real(json, "noise", importance->noise);
    hpx_json_real(json, "noise_sd", importance->noise_sd);
    hpx_json_bool(json, "raw", importance->raw);
    hpx_json_close(json, '}');
}

void hpx_report_contest_json(hpx_buffer *out, const hpx_contest *contest)
{
    hpx_json json = {.out = out};
    hpx_json_open(&json, NULL, '{');
    hpx_json_count(&json, "schema", SCHEMA);
    hpx_json_text(&json, "recipe", contest->recipe->path);
    hpx_json_text(&json, "objective", contest->selected_on);
    hpx_json_bool(&json, "minimised", contest->recipe->objective.minimised);
    hpx_json_count(&json, "epochs", contest->recipe->epochs);
    hpx_add_grid(&json, contest->recipe, contest->grid_macs);
    add_counts(&json, "seeds", contest->seeds, contest->seed_count);
    hpx_json_open(&json, "blocks", '[');
    for (size_t b = 0; b < contest->block_count; b++)
        add_counts(&json, NULL, contest->seeds + b * contest->block_seeds, contest->block_seeds);
    hpx_json_close(&json, ']');
    add_truth(&json, contest);
    hpx_json_real(&json, "seed_sd", contest->seed_sd);
    hpx_json_real(&json, "tie", contest->tie);
    hpx_json_text(&json, "reference", contest->searches[contest->reference].search->name);
    hpx_json_open(&json, "searches", '[');
    hpx_rows *rows = hpx_rows_to_json(&json);
    add_searches(rows, contest);
    hpx_rows_free(rows);
    hpx_json_close(&json, ']');
    add_superiority(&json, contest);
    hpx_json_text(&json, "untested", contest->untested);
    add_friedman(&json, contest);
    if (contest->no_importance)
        hpx_json_null(&json, "importance");
    else
        add_importance(&json, contest);
    hpx_json_text(&json, "no_importance", contest->no_importance);
    hpx_json_open(&json, "notes", '[');
    for (size_t i = 0; i < contest->note_count; i++)
        hpx_json_text(&json, NULL, contest->notes[i]);
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
}
