/* Builds and replays: a row per search. */
#include "outcome.h"

#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define REASONS_SHOWN 4

/* Six decimals for losses, four for accuracies: a test set of 10,000 resolves no more. */
static int decimals(const hpx_outcome *outcome)
{
    return outcome->recipe->objective.minimised ? 6 : 4;
}

static void show_end(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    if (value)
        hpx_show_grid_cell(out, row, value, column);
    else
        hpx_buffer_puts(out, "unfinished");
}

static void show_score(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    const hpx_value *sd = hpx_row_find(row, "score_sd");
    if (hpx_row_find(row, "end")->kind == HPX_VALUE_NULL)
        hpx_buffer_puts(out, "-");
    else if (!value)
        hpx_buffer_puts(out, "failed");
    else
        hpx_show_decimals(out, row, value, column);
    if (value && !isnan(sd->real))
        hpx_buffer_printf(out, " ± %.*f", column->digits, sd->real);
}

static void show_screened(hpx_buffer *out, const hpx_row *row, const hpx_value *value,
                          const hpx_column *column)
{
    if (value)
        hpx_show_grid_cell(out, row, value, column);
    else
        hpx_buffer_puts(out, "-");
}

static void add_columns(hpx_rows *rows, const hpx_outcome *outcome)
{
    const int digits = decimals(outcome);
    bool rungs = false, screens = false;
    for (size_t i = 0; i < outcome->search_count; i++) {
        rungs = rungs || outcome->searches[i].visit_count != outcome->searches[i].cells;
        screens = screens || outcome->searches[i].search->options.screen_epochs;
    }
    const hpx_column columns[] = {
        {"search", "name", 'l'},
        {"end", "end", 'l', show_end},
        {"score", "score", 'r', show_score, digits},
        {"difference", "difference", 'r', hpx_show_decimals, digits},
        {"relative cost", "relative_cost", 'r', hpx_show_decimals, 3},
        {"cells", "cells", 'r'},
    };
    const hpx_column columns_behind[] = {
        {"hit", "trials.hit", 'r'},
        {"extend", "trials.extend", 'r'},
        {"train", "trials.train", 'r'},
        {"failed", "trials.failed", 'r'},
        {"seconds", "seconds", 'r', hpx_show_decimals, 1},
    };
    hpx_rows_add_columns(rows, columns, COUNT_OF(columns));
    if (rungs)
        hpx_rows_add_column(rows, "evaluations", "evaluations", 'r', NULL, 0);
    if (screens)
        hpx_rows_add_column(rows, "screened", "screened", 'l', show_screened, 0);
    hpx_rows_add_columns(rows, columns_behind, COUNT_OF(columns_behind));
}

static void add_trace(hpx_row *row, const hpx_recipe *recipe, const hpx_search_outcome *search)
{
    hpx_row_open(row, "trace", '[');
    for (size_t i = 0; i < search->visit_count; i++) {
        const hpx_visit *visit = &search->visits[i];
        hpx_row_open_flat(row, NULL, '{');
        hpx_add_grid_cell(row, "cell", recipe, visit->cell);
        hpx_row_count(row, "epochs", visit->epochs);
        hpx_row_real(row, "score", visit->score);
        hpx_row_text(row, "verdict", hpx_verdict_names[visit->verdict]);
        hpx_add_status(row, isnan(visit->score));
        hpx_row_close(row);
    }
    hpx_row_close(row);
}

static void add_search(hpx_rows *rows, const hpx_outcome *outcome, const hpx_search_outcome *search)
{
    const hpx_recipe *recipe = outcome->recipe;
    hpx_row *row = hpx_rows_begin(rows);
    hpx_row_text(row, "name", search->search->name);
    hpx_row_text(row, "method", search->search->options.method->name);
    if (search->done) {
        hpx_add_grid_cell(row, "end", recipe, search->result.end);
        hpx_row_real(row, "score", search->score);
        hpx_row_real(row, "score_sd", search->score_sd);
        hpx_row_real(row, "difference", search->difference);
        hpx_add_grid_cell(row, "incumbent", recipe, search->result.incumbent);
        hpx_row_real(row, "incumbent_score", search->incumbent_score);
    } else {
        static const char *const missing[] = {"end",        "score",     "score_sd",
                                              "difference", "incumbent", "incumbent_score"};
        for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++)
            hpx_row_null(row, missing[i]);
    }
    hpx_row_text(row, "stop", search->done ? search->result.stop : "unfinished");
    if (search->search->options.screen_epochs && search->done)
        hpx_add_grid_cell(row, "screened", recipe, search->result.screened);
    else
        hpx_row_null(row, "screened");
    hpx_row_count(row, "evaluations", search->visit_count);
    hpx_row_count(row, "cells", search->cells);
    hpx_row_count(row, "epochs_retrained", search->epochs_retrained);
    hpx_row_count(row, "epochs_continued", search->epochs_continued);
    hpx_row_count(row, "epochs_saved", search->epochs_saved);
    hpx_row_real(row, "relative_cost", search->relative_cost);
    hpx_add_macs(row, "nominal_macs", recipe, search->nominal_macs);
    hpx_add_macs(row, "paid_macs", recipe, (uint64_t)(search->paid_macs + 0.5));
    hpx_add_macs(row, "nominal_training_macs", recipe, search->nominal_training_macs);
    hpx_add_macs(row, "paid_training_macs", recipe, search->paid_training_macs);
    hpx_add_counts(row, "trials", search);
    hpx_row_real(row, "seconds", search->seconds);
    if (hpx_rows_are_json(rows))
        add_trace(row, recipe, search);
    hpx_rows_end(rows);
}

static bool has_rungs(const hpx_outcome *outcome, const hpx_search_outcome *search)
{
    for (size_t i = 0; i < search->visit_count; i++)
        if (search->visits[i].epochs != outcome->recipe->epochs)
            return true;
    return false;
}

/* "hyperband: 206 evaluations of 143 cells take 1902 epochs if each is trained from the start, 1581 if they
 * continue; 81 of these were there already." */
static void add_epochs(hpx_buffer *out, const hpx_outcome *outcome, const hpx_search_outcome *search)
{
    hpx_buffer_printf(out,
                      "%s: %zu %s of %zu %s %s %" PRIu64 " epochs if each is trained from the start, %" PRIu64
                      " if they continue",
                      search->search->name, search->visit_count,
                      hpx_plural(search->visit_count, "evaluation", "evaluations"), search->cells,
                      hpx_plural(search->cells, "cell", "cells"),
                      hpx_plural(search->visit_count, "takes", "take"), search->epochs_retrained,
                      search->epochs_continued);
    if (search->epochs_saved)
        hpx_buffer_printf(out, "; %" PRIu64 " of these were there already", search->epochs_saved);
    hpx_buffer_puts(out,
                    outcome->depends_on_last_epoch
                        ? ". Its schedule depends on the last epoch, which is the recipe's for all of them.\n"
                        : ".\n");
}

static void add_notes(hpx_buffer *out, const hpx_outcome *outcome)
{
    for (size_t i = 0; i < outcome->search_count; i++)
        if (has_rungs(outcome, &outcome->searches[i]))
            add_epochs(out, outcome, &outcome->searches[i]);

    const hpx_speculative *speculative = &outcome->speculative;
    if (speculative->trials)
        hpx_buffer_printf(out, "Trained speculatively and not needed: %zu %s, %.1f seconds.\n",
                          speculative->trials, hpx_plural(speculative->trials, "trial", "trials"),
                          speculative->seconds);
    for (size_t i = 0; i < outcome->search_count; i++) {
        const hpx_search_outcome *search = &outcome->searches[i];
        if (!search->done || search->result.incumbent == search->result.end || isnan(search->incumbent_score))
            continue;
        char *best = hpx_grid_cell_text(outcome->recipe, search->result.incumbent);
        hpx_buffer_printf(out, "%s visited a better cell than its end: %s %.*f\n", search->search->name, best,
                          decimals(outcome), search->incumbent_score);
        free(best);
    }
    const hpx_recipe *recipe = outcome->recipe;
    if (!hpx_metric_is_of_test(recipe->objective.name))
        return;
    if (recipe->program)
        hpx_buffer_printf(out, "Cells were selected by %s, so their scores are optimistic.\n",
                          recipe->objective.name);
    else
        hpx_buffer_puts(out, "Cells were selected on test images, so their scores are optimistic.\n");
}

void hpx_report_outcome(hpx_buffer *out, const hpx_outcome *outcome)
{
    hpx_rows *rows = hpx_rows_to_table();
    add_columns(rows, outcome);
    for (size_t i = 0; i < outcome->search_count; i++)
        add_search(rows, outcome, &outcome->searches[i]);
    hpx_report_heading(out, outcome);
    hpx_rows_finish(out, rows);
    hpx_buffer_puts(out, "\n");
    add_notes(out, outcome);
}

static void add_reasons(hpx_json *json, const hpx_outcome *outcome)
{
    hpx_json_open(json, "reasons", '[');
    for (size_t i = 0; i < outcome->reason_count; i++) {
        const hpx_reason *reason = &outcome->reasons[i];
        hpx_json_open_flat(json, NULL, '{');
        hpx_json_text(json, "verdict", hpx_verdict_names[reason->verdict]);
        hpx_json_text(json, "reason", *reason->text ? reason->text : NULL);
        hpx_json_count(json, "trials", reason->trials);
        hpx_json_close(json, '}');
    }
    hpx_json_close(json, ']');
}

static void add_speculative(hpx_json *json, const hpx_outcome *outcome)
{
    const hpx_speculative *speculative = &outcome->speculative;
    hpx_json_open_flat(json, "speculative", '{');
    hpx_json_count(json, "trials", speculative->trials);
    hpx_add_macs_json(json, "paid_macs", outcome->recipe, (uint64_t)(speculative->paid_macs + 0.5));
    hpx_add_macs_json(json, "paid_training_macs", outcome->recipe, speculative->paid_training_macs);
    hpx_json_real(json, "seconds", speculative->seconds);
    hpx_json_close(json, '}');
}

/* What a build has had from a shared store, and given to it. */
static void add_shared(hpx_json *json, const hpx_outcome *outcome)
{
    hpx_json_open_flat(json, "shared", '{');
    hpx_json_count(json, "pulled", outcome->pulled);
    hpx_json_count(json, "pushed", outcome->pushed);
    hpx_json_close(json, '}');
}

void hpx_report_outcome_json(hpx_buffer *out, const hpx_outcome *outcome)
{
    hpx_json json = {.out = out};
    hpx_rows *rows = hpx_rows_to_json(&json);
    hpx_open_outcome(&json, outcome);
    hpx_json_open(&json, "searches", '[');
    for (size_t i = 0; i < outcome->search_count; i++)
        add_search(rows, outcome, &outcome->searches[i]);
    hpx_json_close(&json, ']');
    add_reasons(&json, outcome);
    add_speculative(&json, outcome);
    add_shared(&json, outcome);
    hpx_json_close(&json, '}');
    hpx_rows_free(rows);
}

void hpx_report_reasons(hpx_buffer *out, const hpx_outcome *outcome)
{
    for (size_t i = 0; i < outcome->reason_count && i < REASONS_SHOWN; i++) {
        const hpx_reason *reason = &outcome->reasons[i];
        hpx_buffer_printf(out, "%s%zu %s", i ? ", " : "", reason->trials, hpx_verdict_names[reason->verdict]);
        if (*reason->text)
            hpx_buffer_printf(out, reason->verdict == HPX_EXTEND ? " %s" : " (%s)", reason->text);
    }
    if (outcome->reason_count > REASONS_SHOWN)
        hpx_buffer_printf(out, " and %zu other %s", outcome->reason_count - REASONS_SHOWN,
                          hpx_plural(outcome->reason_count - REASONS_SHOWN, "reason", "reasons"));
}

void hpx_report_adopt_hint(hpx_buffer *out, const hpx_outcome *outcome)
{
    char mine[HPX_CODE_HEX_BYTES];
    if (!*outcome->other_trainer)
        return;
    hpx_hex(mine, outcome->recipe->trainer->sources->version, HPX_CODE_BYTES);
    hpx_buffer_printf(out, "if the trainer's edit changes no number: hpx adopt %.8s %.8s",
                      outcome->other_trainer, mine);
}
