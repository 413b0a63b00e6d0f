/* Plans: a row per trial. */
#include "outcome.h"

#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool depends_on_scores(const hpx_search_outcome *search)
{
    return !search->done && !hpx_search_is_fixed(&search->search->options);
}

/* "partial (partial-cross): 3 hit, 5 train; more may follow from their scores" */
static void add_verdicts(hpx_buffer *out, const hpx_search_outcome *search)
{
    const char *separator = "";
    hpx_buffer_printf(out, "%s (%s): ", search->search->name, search->search->options.method->name);
    for (int verdict = 0; verdict < HPX_VERDICTS; verdict++) {
        if (search->trial_counts[verdict] == 0)
            continue;
        hpx_buffer_printf(out, "%s%zu %s", separator, search->trial_counts[verdict],
                          hpx_verdict_names[verdict]);
        separator = ", ";
    }
    if (search->failed)
        hpx_buffer_printf(out, "%s%zu failed", separator, search->failed);
    hpx_buffer_puts(out, search->done                ? "; nothing to train\n"
                         : depends_on_scores(search) ? "; more may follow from their scores\n"
                                                     : "\n");
}

/* "0.4 s", "12:05" */
static void add_about(hpx_buffer *out, double seconds)
{
    char text[32];
    if (seconds < 10) {
        const uint64_t tenths = (uint64_t)nearbyint(10 * fmax(seconds, 0.1));
        hpx_text_count(out, tenths / 10);
        hpx_buffer_puts(out, ".");
        hpx_text_count(out, tenths % 10);
        hpx_buffer_puts(out, " s");
    } else {
        hpx_buffer_puts(out, hpx_duration_text(text, seconds));
    }
}

static void show_verdict(hpx_buffer *out, const hpx_row *row, const hpx_value *value,
                         const hpx_column *column)
{
    (void)column;
    hpx_buffer_puts(out, "    ");
    hpx_buffer_puts(out, hpx_value_text(row, value));
}

static void show_time(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    (void)row, (void)column;
    add_about(out, value ? value->real : NAN);
}

static void show_why(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    const char *verdict = hpx_value_text(row, hpx_row_find(row, "verdict"));
    if (strcmp(verdict, hpx_verdict_names[HPX_EXTEND]) == 0)
        hpx_buffer_printf(out, "from epoch %" PRIu64, hpx_row_find(row, "from")->count);
    else
        hpx_show_if_any(out, row, value, column);
}

static void show_epochs(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    (void)column;
    hpx_buffer_printf(out, "%" PRIu64, value->count - hpx_row_find(row, "from")->count);
}

static const hpx_column columns[] = {
    {"    verdict", "verdict", 'l', show_verdict},
    {"cell", "cell", 'l', hpx_show_grid_cell},
    {"seed", "seed", 'r'},
};
static const hpx_column cost_in_macs = {"multiplications", "training_macs", 'r', hpx_show_about},
                        cost_in_epochs = {"epochs", "to", 'r', show_epochs};
static const hpx_column columns_behind[] = {
    {"time", "seconds_left", 'r', show_time},
    {"why", "reason", 'l', show_why},
};

/* "dense 2": the layers of a kind are numbered from 1. */
static void add_layer(hpx_row *row, const hpx_layer *layers, size_t i)
{
    char name[64];
    size_t number = 0;
    for (size_t k = 0; k <= i; k++)
        number += strcmp(layers[k].kind, layers[i].kind) == 0;
    hpx_print(name, sizeof name, "%s %zu", layers[i].kind, number);
    hpx_row_text(row, "layer", name);
    hpx_row_count(row, "forward_macs", layers[i].forward);
    hpx_row_count(row, "training_macs", layers[i].training);
}

static void add_layers_to(hpx_row *row, const hpx_outcome *outcome, uint32_t cell)
{
    const hpx_layer *layers;
    const size_t count = hpx_outcome_layers(&layers, outcome, cell);
    hpx_row_open_flat(row, "layers", '[');
    for (size_t i = 0; i < count; i++) {
        hpx_row_open_flat(row, NULL, '{');
        add_layer(row, layers, i);
        hpx_row_close(row);
    }
    hpx_row_close(row);
}

static void add_trials(hpx_rows *rows, const hpx_outcome *outcome, const hpx_search_outcome *search)
{
    for (size_t i = 0; i < search->trial_count; i++) {
        const hpx_outcome_trial trial = hpx_outcome_trial_at(outcome, search, i);
        if (!hpx_rows_are_json(rows) && trial.macs_left == 0)
            continue; /* a table has what is left to do */
        hpx_row *row = hpx_rows_begin_flat(rows);
        hpx_add_grid_cell(row, "cell", outcome->recipe, trial.cell);
        hpx_row_count(row, "seed", trial.seed);
        hpx_row_text(row, "verdict", hpx_verdict_names[trial.verdict]);
        if (hpx_rows_are_json(rows)) {
            hpx_add_status(row, trial.failed);
            hpx_add_hash(row, "key", &trial.key);
        }
        hpx_row_count(row, "from", trial.verdict == HPX_HIT ? trial.epoch : trial.from);
        hpx_row_count(row, "to", trial.to);
        hpx_add_macs(row, "training_macs", outcome->recipe, trial.macs_left);
        hpx_row_real(row, "seconds_left", trial.macs_left ? trial.seconds_left : 0);
        hpx_row_text(row, "reason", trial.reason);
        if (hpx_rows_are_json(rows) && outcome->recipe->trainer->layers)
            add_layers_to(row, outcome, trial.cell);
        hpx_rows_end(rows);
    }
}

static void print_trials(hpx_buffer *out, const hpx_outcome *outcome, const hpx_search_outcome *search)
{
    hpx_rows *rows = hpx_rows_to_long_table(out);
    hpx_rows_add_columns(rows, columns, COUNT_OF(columns));
    hpx_rows_add_columns(rows, outcome->recipe->trainer->cost ? &cost_in_macs : &cost_in_epochs, 1);
    hpx_rows_add_columns(rows, columns_behind, COUNT_OF(columns_behind));
    do
        add_trials(rows, outcome, search);
    while (hpx_rows_next_pass(rows));
    hpx_rows_free(rows);
}

/* Of every cell that a search is to train with some seed: the trials of a cell are beside each other. */
static void add_layers_of(hpx_rows *rows, const hpx_outcome *outcome, const hpx_search_outcome *search)
{
    const hpx_layer *layers;
    uint64_t left = 0;
    for (size_t i = 0; i < search->trial_count; i++) {
        const hpx_outcome_trial trial = hpx_outcome_trial_at(outcome, search, i);
        left = (i % outcome->recipe->seed_count ? left : 0) + trial.macs_left;
        if (left == 0 || (i + 1) % outcome->recipe->seed_count)
            continue;
        const size_t count = hpx_outcome_layers(&layers, outcome, trial.cell);
        for (size_t k = 0; k < count; k++) {
            hpx_row *row = hpx_rows_begin_flat(rows);
            hpx_add_grid_cell(row, "cell", outcome->recipe, trial.cell);
            add_layer(row, layers, k);
            hpx_rows_end(rows);
        }
    }
}

static void show_cell_of_layer(hpx_buffer *out, const hpx_row *row, const hpx_value *value,
                               const hpx_column *column)
{
    hpx_buffer_puts(out, "    ");
    hpx_show_grid_cell(out, row, value, column);
}

static const hpx_column layer_columns[] = {
    {"    cell", "cell", 'l', show_cell_of_layer},
    {"layer", "layer", 'l'},
    {"forward", "forward_macs", 'r'},
    {"training", "training_macs", 'r'},
};

static void print_layers(hpx_buffer *out, const hpx_outcome *outcome)
{
    hpx_buffer_puts(
        out, "\nMultiplications of each layer for a sample, of a forward pass and of a step of training:\n");
    hpx_rows *rows = hpx_rows_to_long_table(out);
    hpx_rows_add_columns(rows, layer_columns, COUNT_OF(layer_columns));
    do
        for (size_t i = 0; i < outcome->search_count; i++)
            add_layers_of(rows, outcome, &outcome->searches[i]);
    while (hpx_rows_next_pass(rows));
    hpx_rows_free(rows);
}

static void add_total(hpx_buffer *out, const hpx_outcome *outcome)
{
    bool more = false;
    for (size_t i = 0; i < outcome->search_count; i++)
        more = more || depends_on_scores(&outcome->searches[i]);
    if (outcome->pending == 0) {
        hpx_buffer_puts(out, "Nothing to train.\n");
        return;
    }
    hpx_buffer_printf(out, "%s%zu %s to train%s.\n", more ? "At least " : "", outcome->pending,
                      hpx_plural(outcome->pending, "trial", "trials"),
                      more ? "; more may follow from their scores" : "");
    hpx_buffer_printf(out, "%s %.3g %s", hpx_plural(outcome->pending, "It takes", "They take"),
                      (double)outcome->macs_left,
                      outcome->recipe->trainer->cost ? "multiplications" : "epochs");
    if (isfinite(outcome->seconds_left)) {
        hpx_buffer_puts(out, ", about ");
        add_about(out, outcome->seconds_left);
        hpx_buffer_puts(out, " on one processor");
    }
    hpx_buffer_puts(out, outcome->calibrated ? ", by a short training made now to measure that.\n" : ".\n");
    if (outcome->proofs > 0)
        hpx_buffer_printf(out, "%zu %s first to prove that %s program continues.\n", outcome->proofs,
                          hpx_plural(outcome->proofs, "trial is", "trials are"),
                          hpx_plural(outcome->proofs, "its", "their"));
}

void hpx_report_plan(hpx_buffer *out, const hpx_outcome *outcome, bool layers)
{
    hpx_report_heading(out, outcome);
    for (size_t i = 0; i < outcome->search_count; i++) {
        const hpx_search_outcome *search = &outcome->searches[i];
        add_verdicts(out, search);
        if (search->trial_counts[HPX_EXTEND] + search->trial_counts[HPX_TRAIN] > 0)
            print_trials(out, outcome, search);
    }
    if (layers && outcome->pending > 0 && outcome->recipe->trainer->layers)
        print_layers(out, outcome);
    hpx_buffer_puts(out, "\n");
    add_total(out, outcome);
    if (*outcome->other_trainer) {
        hpx_report_adopt_hint(out, outcome);
        hpx_buffer_puts(out, "\n");
    }
    if (outcome->absent)
        hpx_buffer_printf(out, "Data set %s %s.\n", hpx_fields_text_or_empty(&outcome->dataset, "name"),
                          outcome->absent);
    if (outcome->depends_on_last_epoch)
        hpx_buffer_puts(
            out, "The schedule depends on the last epoch: a change of epochs trains from the start, and "
                 "what a search trains for fewer epochs has the recipe's as its length.\n");
}

/* A search, with its trials. */
static void add_search(hpx_json *json, const hpx_outcome *outcome, const hpx_search_outcome *search)
{
    hpx_row counts = {0};
    hpx_rows *rows = hpx_rows_to_json(json);
    hpx_json_open(json, NULL, '{');
    hpx_json_text(json, "name", search->search->name);
    hpx_json_text(json, "method", search->search->options.method->name);
    hpx_json_bool(json, "decided", search->done);
    hpx_add_counts(&counts, "verdicts", search);
    hpx_row_to_json(json, &counts);
    hpx_json_open(json, "trials", '[');
    add_trials(rows, outcome, search);
    hpx_json_close(json, ']');
    hpx_json_close(json, '}');
    hpx_rows_free(rows);
    hpx_row_free(&counts);
}

void hpx_report_plan_json(hpx_buffer *out, const hpx_outcome *outcome)
{
    hpx_json json = {.out = out};
    hpx_open_outcome(&json, outcome);
    hpx_json_bool(&json, "depends_on_last_epoch", outcome->depends_on_last_epoch);
    hpx_json_count(&json, "pending", outcome->pending);
    if (outcome->proofs > 0)
        hpx_json_count(&json, "proofs", outcome->proofs);
    hpx_add_macs_json(&json, "training_macs_left", outcome->recipe, outcome->macs_left);
    hpx_json_real(&json, "seconds_left", outcome->seconds_left);
    hpx_json_bool(&json, "calibrated", outcome->calibrated);
    hpx_json_open(&json, "searches", '[');
    for (size_t i = 0; i < outcome->search_count; i++)
        add_search(&json, outcome, &outcome->searches[i]);
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
}
