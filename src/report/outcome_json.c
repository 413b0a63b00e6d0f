/* The JSON documents of builds, replays and plans: schema 1. */
#include "parts.h"

#include <math.h>

#define SCHEMA 1

static void add_value(hpx_json *json, const char *name, const hpx_axis_value *value)
{
    hpx_json_value(json, name, value->text);
}

static void add_cell(hpx_json *json, const char *name, const hpx_recipe *recipe, uint32_t cell)
{
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &recipe->grid, cell);
    hpx_json_open_flat(json, name, '{');
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        add_value(json, recipe->axes[axis].name, &recipe->axes[axis].values[indices[axis]]);
    hpx_json_close(json, '}');
}

static void add_grid(hpx_json *json, const hpx_outcome *outcome)
{
    const hpx_recipe *recipe = outcome->recipe;
    hpx_json_open(json, "grid", '{');
    hpx_json_open(json, "axes", '[');
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        hpx_json_open_flat(json, NULL, '{');
        hpx_json_text(json, "name", recipe->axes[axis].name);
        hpx_json_open(json, "values", '[');
        for (uint32_t i = 0; i < recipe->axes[axis].count; i++)
            add_value(json, NULL, &recipe->axes[axis].values[i]);
        hpx_json_close(json, ']');
        if (!recipe->axes[axis].ordered)
            hpx_json_bool(json, "ordered", false);
        hpx_json_close(json, '}');
    }
    hpx_json_close(json, ']');
    hpx_json_count(json, "cells", outcome->cells);
    hpx_json_count(json, "macs", outcome->grid_macs);
    hpx_json_close(json, '}');
}

static void add_object(hpx_json *json, const char *name, const hpx_fields *fields)
{
    if (fields->count == 0) {
        hpx_json_null(json, name);
        return;
    }
    hpx_json_open(json, name, '{');
    hpx_json_fields(json, fields);
    hpx_json_close(json, '}');
}

static void open_document(hpx_json *json, const hpx_outcome *outcome)
{
    hpx_json_open(json, NULL, '{');
    hpx_json_count(json, "schema", SCHEMA);
    hpx_json_text(json, "recipe", outcome->recipe->path);
    hpx_json_text(json, "objective", outcome->recipe->objective.name);
    hpx_json_count(json, "epochs", outcome->recipe->epochs);
    hpx_json_open_flat(json, "seeds", '[');
    for (size_t i = 0; i < outcome->recipe->seed_count; i++)
        hpx_json_count(json, NULL, outcome->recipe->seeds[i]);
    hpx_json_close(json, ']');
    add_grid(json, outcome);
    hpx_report_code_json(json, "code", &outcome->code);
    add_object(json, "dataset", &outcome->dataset);
    if (outcome->numerics.count)
        hpx_report_numerics_json(json, &outcome->numerics);
    else
        hpx_json_null(json, "numerics");
}

static void add_counts(hpx_json *json, const char *name, const hpx_search_outcome *search)
{
    hpx_json_open_flat(json, name, '{');
    for (int verdict = 0; verdict < HPX_VERDICTS; verdict++)
        hpx_json_count(json, hpx_verdict_names[verdict], search->trial_counts[verdict]);
    hpx_json_count(json, "failed", search->failed);
    hpx_json_close(json, '}');
}

static void add_trace(hpx_json *json, const hpx_recipe *recipe, const hpx_search_outcome *search)
{
    hpx_json_open(json, "trace", '[');
    for (size_t i = 0; i < search->visit_count; i++) {
        const hpx_visit *visit = &search->visits[i];
        hpx_json_open_flat(json, NULL, '{');
        add_cell(json, "cell", recipe, visit->cell);
        if (visit->epochs != recipe->epochs)
            hpx_json_count(json, "epochs", visit->epochs);
        hpx_json_real(json, "score", visit->score);
        hpx_json_text(json, "verdict", hpx_verdict_names[visit->verdict]);
        report_status_json(json, isnan(visit->score));
        hpx_json_close(json, '}');
    }
    hpx_json_close(json, ']');
}

static void add_search(hpx_json *json, const hpx_outcome *outcome, const hpx_search_outcome *search)
{
    const hpx_recipe *recipe = outcome->recipe;
    hpx_json_open(json, NULL, '{');
    hpx_json_text(json, "name", search->search->name);
    hpx_json_text(json, "method", search->search->options.method->name);
    if (search->done) {
        add_cell(json, "end", recipe, search->result.end);
        hpx_json_real(json, "score", search->score);
        hpx_json_real(json, "score_sd", search->score_sd);
        hpx_json_real(json, "difference", search->difference);
        add_cell(json, "incumbent", recipe, search->result.incumbent);
        hpx_json_real(json, "incumbent_score", search->incumbent_score);
    } else {
        static const char *const missing[] = {"end",        "score",     "score_sd",
                                              "difference", "incumbent", "incumbent_score"};
        for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++)
            hpx_json_null(json, missing[i]);
    }
    hpx_json_text(json, "stop", search->done ? search->result.stop : "unfinished");
    hpx_json_count(json, "evaluations", search->visit_count);
    hpx_json_real(json, "relative_cost", search->relative_cost);
    hpx_json_count(json, "nominal_macs", search->nominal_macs);
    hpx_json_count(json, "paid_macs", (uint64_t)(search->paid_macs + 0.5));
    hpx_json_count(json, "nominal_training_macs", search->nominal_training_macs);
    hpx_json_count(json, "paid_training_macs", search->paid_training_macs);
    add_counts(json, "trials", search);
    hpx_json_real(json, "seconds", search->seconds);
    add_trace(json, recipe, search);
    hpx_json_close(json, '}');
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

static void add_speculative(hpx_json *json, const hpx_speculative *speculative)
{
    hpx_json_open_flat(json, "speculative", '{');
    hpx_json_count(json, "trials", speculative->trials);
    hpx_json_count(json, "paid_macs", (uint64_t)(speculative->paid_macs + 0.5));
    hpx_json_count(json, "paid_training_macs", speculative->paid_training_macs);
    hpx_json_real(json, "seconds", speculative->seconds);
    hpx_json_close(json, '}');
}

void hpx_report_outcome_json(hpx_buffer *out, const hpx_outcome *outcome)
{
    hpx_json json = {.out = out};
    open_document(&json, outcome);
    hpx_json_open(&json, "searches", '[');
    for (size_t i = 0; i < outcome->search_count; i++)
        add_search(&json, outcome, &outcome->searches[i]);
    hpx_json_close(&json, ']');
    add_reasons(&json, outcome);
    add_speculative(&json, &outcome->speculative);
    hpx_json_close(&json, '}');
}

static void add_planned(hpx_json *json, const hpx_outcome *outcome, const hpx_search_outcome *search)
{
    char hex[HPX_HASH_HEX_BYTES];
    hpx_json_open(json, NULL, '{');
    hpx_json_text(json, "name", search->search->name);
    hpx_json_text(json, "method", search->search->options.method->name);
    hpx_json_bool(json, "decided", search->done);
    add_counts(json, "verdicts", search);
    hpx_json_open(json, "trials", '[');
    for (size_t i = 0; i < search->trial_count; i++) {
        const hpx_outcome_trial *trial = &search->trials[i];
        hpx_json_open_flat(json, NULL, '{');
        add_cell(json, "cell", outcome->recipe, trial->cell);
        hpx_json_count(json, "seed", trial->seed);
        hpx_json_text(json, "verdict", hpx_verdict_names[trial->verdict]);
        report_status_json(json, trial->failed);
        hpx_json_text(json, "key", hpx_hash_hex(hex, &trial->key));
        hpx_json_count(json, "from", trial->verdict == HPX_HIT ? trial->epoch : trial->from);
        hpx_json_count(json, "to", trial->to);
        hpx_json_count(json, "training_macs", trial->macs_left);
        hpx_json_real(json, "seconds_left", trial->macs_left ? trial->seconds_left : 0);
        hpx_json_text(json, "reason", trial->reason);
        hpx_json_close(json, '}');
    }
    hpx_json_close(json, ']');
    hpx_json_close(json, '}');
}

void hpx_report_plan_json(hpx_buffer *out, const hpx_outcome *outcome)
{
    hpx_json json = {.out = out};
    open_document(&json, outcome);
    hpx_json_bool(&json, "depends_on_last_epoch", outcome->depends_on_last_epoch);
    hpx_json_count(&json, "pending", outcome->pending);
    hpx_json_count(&json, "training_macs_left", outcome->macs_left);
    hpx_json_real(&json, "seconds_left", outcome->seconds_left);
    hpx_json_bool(&json, "calibrated", outcome->calibrated);
    hpx_json_open(&json, "searches", '[');
    for (size_t i = 0; i < outcome->search_count; i++)
        add_planned(&json, outcome, &outcome->searches[i]);
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
}
