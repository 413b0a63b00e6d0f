/* `best`: a row per cell. */
#include "parts.h"

#include "report/results.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void show_score(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    const hpx_value *sd = hpx_row_find(row, "score_sd");
    hpx_show_metric(out, row, value, column);
    if (value && !isnan(sd->real))
        hpx_buffer_printf(out, " ± %.*f", column->digits, sd->real);
}

static void show_seeds(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    const uint64_t wanted = hpx_row_find(row, " recipe_seeds")->count;
    (void)column;
    hpx_buffer_printf(out, "%" PRIu64, value->count);
    if (value->count != wanted)
        hpx_buffer_printf(out, " of %" PRIu64, wanted);
}

static void add_columns(hpx_rows *rows, const hpx_objective *objective, const hpx_names *metrics)
{
    static const hpx_column last[] = {{"seeds", "seeds", 'r', show_seeds},
                                      {"epoch", "epoch", 'r'},
                                      {"key", "key", 'l', hpx_show_digits, KEY_DIGITS}};
    hpx_rows_add_columns(rows, &(hpx_column){"cell", "cell", 'l', hpx_show_cell}, 1);
    hpx_rows_add_column(rows, objective->name, "score", 'r', show_score, objective->minimised ? 6 : 4);
    for (size_t i = 0; metrics && i < metrics->count; i++)
        if (strcmp(metrics->at[i], objective->name) != 0)
            hpx_add_metric_columns(rows, &(hpx_names){.at = &metrics->at[i], .count = 1});
    hpx_rows_add_columns(rows, last, COUNT_OF(last));
}

static void add_cell(hpx_rows *rows, const hpx_stored_result *cell, const hpx_recipe *recipe,
                     const char *curve)
{
    const hpx_artifact *artifact = &cell->artifact;
    const double score = hpx_objective_value(&recipe->objective, &artifact->metrics);
    hpx_row *row = hpx_rows_begin(rows);
    hpx_add_cell(row, &artifact->cell);
    hpx_row_real(row, "score", score);
    hpx_row_real(row, "score_sd", hpx_stored_result_sd(cell));
    hpx_row_count(row, "seeds", cell->seeds);
    hpx_row_count(row, " recipe_seeds", recipe->seed_count);
    hpx_row_count(row, "epoch", artifact->epoch);
    hpx_add_status(row, isnan(score));
    hpx_add_metrics(row, &artifact->metrics);
    hpx_add_hash(row, "key", &artifact->key);
    hpx_row_text(row, " curve", curve);
    hpx_rows_end(rows);
}

void hpx_report_best(hpx_buffer *out, const hpx_results *cells, const hpx_recipe *recipe, bool all_metrics,
                     char *const *curves)
{
    hpx_names metrics = {0};
    hpx_rows *rows = hpx_rows_to_table();
    hpx_results_metrics(&metrics, cells);
    add_columns(rows, &recipe->objective, all_metrics ? &metrics : NULL);
    if (curves)
        hpx_report_curve_column(rows);
    for (size_t i = 0; i < cells->count; i++)
        add_cell(rows, &cells->at[i], recipe, curves ? curves[i] : NULL);
    hpx_rows_finish(out, rows);
    hpx_names_free(&metrics);
}

void hpx_report_best_json(hpx_buffer *out, const hpx_results *cells, const hpx_recipe *recipe)
{
    hpx_json json = {.out = out};
    hpx_rows *rows = hpx_rows_to_json(&json);
    hpx_json_open(&json, NULL, '{');
    hpx_json_text(&json, "recipe", recipe->path);
    hpx_json_text(&json, "objective", recipe->objective.name);
    hpx_json_count(&json, "epochs", recipe->epochs);
    hpx_json_open(&json, "best", '[');
    for (size_t i = 0; i < cells->count; i++)
        add_cell(rows, &cells->at[i], recipe, NULL);
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
    hpx_rows_free(rows);
}
