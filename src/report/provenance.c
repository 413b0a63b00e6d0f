/* Artifacts and where they come from: ls and audit. */
#include "parts.h"

#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *report_time(char out[32], int64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return out;
}

static const char *text_of(const hpx_fields *fields, const char *name)
{
    const char *text = hpx_fields_text_or_empty(fields, name);
    return *text ? text : "-";
}

static bool is_dirty(const hpx_fields *code)
{
    const hpx_field *field = hpx_fields_find(code, "dirty");
    return field && field->count;
}

/* The first digits of a field of bytes. */
static void add_digits(hpx_table *table, const hpx_fields *fields, const char *name, int digits)
{
    const hpx_field *field = hpx_fields_find(fields, name);
    hpx_buffer text = {0};
    if (field)
        hpx_field_print(&text, field);
    hpx_table_add(table, "%.*s", digits, field ? hpx_buffer_text(&text) : "-");
    hpx_buffer_free(&text);
}

void report_columns(hpx_table *table, const char *const *names)
{
    for (; *names; names++)
        hpx_table_add(table, "%s", *names);
}

void report_metric(hpx_table *table, const hpx_artifact *artifact, const char *metric)
{
    const double value = hpx_metrics_value(&artifact->metrics, metric);
    if (*artifact->failure)
        hpx_table_add(table, "failed");
    else if (isnan(value))
        hpx_table_add(table, "-");
    else
        hpx_table_add(table, "%.4f", value);
}

/* Trainer, commit, dirty, branch, author date. */
static void add_code(hpx_table *table, const hpx_provenance *provenance)
{
    add_digits(table, &provenance->code, "version", 8);
    hpx_table_add(table, "%s", text_of(&provenance->code, "describe"));
    hpx_table_add(table, "%s",
                  is_dirty(&provenance->code)                              ? "yes"
                  : *hpx_fields_text_or_empty(&provenance->code, "commit") ? "no"
                                                                           : "?");
    hpx_table_add(table, "%s", text_of(&provenance->code, "branch"));
    hpx_table_add(table, "%s", text_of(&provenance->code, "author-date"));
}

/* Accuracies have short heads. */
static const char *head_of(const char *metric)
{
    return strcmp(metric, "validation_accuracy") == 0 ? "validation"
           : strcmp(metric, "test_accuracy") == 0     ? "test"
                                                      : metric;
}

/* The objective of a recipe that has another one in the place of the validation accuracy. */
static const char *first_metric(const hpx_objective *objective)
{
    return strcmp(objective->name, "test_accuracy") == 0 ? "validation_accuracy" : objective->name;
}

hpx_table *hpx_report_list_new(const hpx_objective *objective)
{
    const char *const columns[] = {"key",  "cell", "seed", "epoch", head_of(first_metric(objective)),
                                   "test", "data", "code", NULL};
    hpx_table *table = hpx_table_new("llrrrrll");
    report_columns(table, columns);
    return table;
}

void hpx_report_list_add(hpx_table *table, const hpx_provenance *provenance, const hpx_objective *objective)
{
    const hpx_artifact *artifact = &provenance->artifact;
    char hex[HPX_HASH_HEX_BYTES];
    hpx_table_add(table, "%.*s", KEY_DIGITS, hpx_hash_hex(hex, &artifact->key));
    report_cell(table, &artifact->cell);
    hpx_table_add(table, "%" PRIu64, artifact->seed);
    hpx_table_add(table, "%u", artifact->epoch);
    report_metric(table, artifact, first_metric(objective));
    report_metric(table, artifact, "test_accuracy");
    hpx_table_add(table, "%s", text_of(&provenance->dataset, "name"));
    add_digits(table, &provenance->code, "version", 8);
}

hpx_table *hpx_report_best_new(const hpx_objective *objective)
{
    const char *const columns[] = {"cell", objective->name, "seeds", "epoch", "key", NULL};
    hpx_table *table = hpx_table_new("lrrrl");
    report_columns(table, columns);
    return table;
}

void hpx_report_best_add(hpx_table *table, const hpx_artifact *cell, const hpx_objective *objective,
                         double sd, size_t seeds, size_t recipe_seeds)
{
    char hex[HPX_HASH_HEX_BYTES];
    double score = hpx_objective_value(objective, &cell->metrics);
    int digits = objective->minimised ? 6 : 4;
    report_cell(table, &cell->cell);
    if (isnan(score))
        hpx_table_add(table, "failed");
    else if (isnan(sd))
        hpx_table_add(table, "%.*f", digits, score);
    else
        hpx_table_add(table, "%.*f ± %.*f", digits, score, digits, sd);
    if (seeds == recipe_seeds)
        hpx_table_add(table, "%zu", seeds);
    else
        hpx_table_add(table, "%zu of %zu", seeds, recipe_seeds);
    hpx_table_add(table, "%u", cell->epoch);
    hpx_table_add(table, "%.*s", KEY_DIGITS, hpx_hash_hex(hex, &cell->key));
}

hpx_table *hpx_report_audit_new(void)
{
    static const char *const columns[] = {"key",     "cell",   "seed",    "epoch",   "validation",  "test",
                                          "trainer", "commit", "dirty",   "branch",  "author date", "data",
                                          "kernel",  "host",   "trained", "seconds", "parent",      NULL};
    hpx_table *table = hpx_table_new("llrrrrlllllllllrl");
    report_columns(table, columns);
    return table;
}

void hpx_report_audit_add(hpx_table *table, const hpx_provenance *provenance)
{
    const hpx_artifact *artifact = &provenance->artifact;
    char hex[HPX_HASH_HEX_BYTES], when[32];
    hpx_table_add(table, "%.*s", KEY_DIGITS, hpx_hash_hex(hex, &artifact->key));
    report_cell(table, &artifact->cell);
    hpx_table_add(table, "%" PRIu64, artifact->seed);
    hpx_table_add(table, "%u", artifact->epoch);
    report_metric(table, artifact, "validation_accuracy");
    report_metric(table, artifact, "test_accuracy");
    add_code(table, provenance);
    hpx_table_add(table, "%s", text_of(&provenance->dataset, "name"));
    hpx_table_add(table, "%s", text_of(&provenance->manifest, "numerics.kernel"));
    hpx_table_add(table, "%s", artifact->host);
    hpx_table_add(table, "%s", report_time(when, artifact->started_ns));
    hpx_table_add(table, "%.1f", artifact->total_seconds);
    if (artifact->parent)
        hpx_table_add(table, "epoch %u", artifact->parent);
    else
        hpx_table_add(table, "-");
}

hpx_table *hpx_report_log_new(void)
{
    static const char *const columns[] = {"trained",     "trainer", "commit", "dirty", "branch",
                                          "author date", "kernel",  "seed",   "epoch", "validation",
                                          "test",        "key",     NULL};
    hpx_table *table = hpx_table_new("lllllllrrrrl");
    report_columns(table, columns);
    return table;
}

void hpx_report_log_add(hpx_table *table, const hpx_provenance *provenance)
{
    const hpx_artifact *artifact = &provenance->artifact;
    char hex[HPX_HASH_HEX_BYTES], when[32];
    hpx_table_add(table, "%s", report_time(when, artifact->started_ns));
    add_code(table, provenance);
    hpx_table_add(table, "%s", text_of(&provenance->manifest, "numerics.kernel"));
    hpx_table_add(table, "%" PRIu64, artifact->seed);
    hpx_table_add(table, "%u", artifact->epoch);
    report_metric(table, artifact, "validation_accuracy");
    report_metric(table, artifact, "test_accuracy");
    hpx_table_add(table, "%.*s", KEY_DIGITS, hpx_hash_hex(hex, &artifact->key));
}

void report_cell(hpx_table *table, const hpx_cell *cell)
{
    char *text = hpx_cell_text(cell);
    hpx_table_add(table, "%s", text);
    free(text);
}

void report_cell_json(hpx_json *json, const hpx_cell *cell)
{
    const char *axis, *value;
    hpx_json_open_flat(json, "cell", '{');
    for (size_t at = 0; hpx_cell_next(&at, &axis, &value, cell);)
        hpx_json_value(json, axis, value);
    hpx_json_close(json, '}');
}

static const char *import_time(char out[32], const hpx_provenance *provenance)
{
    const hpx_field *when = hpx_fields_find(&provenance->import, "when");
    return when ? report_time(out, (int64_t)when->count) : "?";
}

bool report_import(hpx_buffer *out, const hpx_provenance *provenance)
{
    char when[32];
    if (provenance->import.count == 0)
        return false;
    hpx_buffer_printf(out, "imported from %s, %s", text_of(&provenance->import, "from"),
                      import_time(when, provenance));
    return true;
}

void report_import_json(hpx_json *json, const hpx_provenance *provenance)
{
    char when[32];
    if (provenance->import.count == 0) {
        hpx_json_null(json, "imported");
        return;
    }
    hpx_json_open_flat(json, "imported", '{');
    hpx_json_text(json, "from", text_of(&provenance->import, "from"));
    hpx_json_text(json, "when", import_time(when, provenance));
    hpx_json_close(json, '}');
}

static void add_metrics(hpx_json *json, const hpx_metrics *metrics)
{
    hpx_json_open_flat(json, "metrics", '{');
    for (size_t i = 0; i < metrics->count; i++)
        hpx_json_real(json, metrics->list[i].name, metrics->list[i].value);
    hpx_json_close(json, '}');
}

void hpx_report_best_json(hpx_json *json, const hpx_artifact *cell, const hpx_objective *objective, double sd,
                          size_t seeds)
{
    char hex[HPX_HASH_HEX_BYTES];
    hpx_json_open(json, NULL, '{');
    report_cell_json(json, &cell->cell);
    hpx_json_real(json, "score", hpx_metrics_value(&cell->metrics, objective->name));
    hpx_json_real(json, "score_sd", sd);
    hpx_json_count(json, "seeds", seeds);
    hpx_json_count(json, "epoch", cell->epoch);
    report_status_json(json, isnan(hpx_metrics_value(&cell->metrics, objective->name)));
    add_metrics(json, &cell->metrics);
    hpx_json_text(json, "key", hpx_hash_hex(hex, &cell->key));
    hpx_json_close(json, '}');
}

/* A field as a member of that name; null where there is none, or it is empty. */
static void add_member(hpx_json *json, const char *name, const hpx_fields *fields, const char *field_name)
{
    hpx_json_field(json, name, hpx_fields_find(fields, field_name));
}

void hpx_report_code_json(hpx_json *json, const char *name, const hpx_fields *code)
{
    const hpx_field *patch = hpx_fields_find(code, "patch");
    if (code->count == 0) {
        hpx_json_null(json, name);
        return;
    }
    hpx_json_open_flat(json, name, '{');
    add_member(json, "version", code, "version");
    add_member(json, "commit", code, "commit");
    add_member(json, "describe", code, "describe");
    add_member(json, "branch", code, "branch");
    add_member(json, "author_date", code, "author-date");
    if (is_dirty(code) || *hpx_fields_text_or_empty(code, "commit"))
        hpx_json_bool(json, "dirty", is_dirty(code));
    else
        hpx_json_null(json, "dirty");
    if (patch && patch->size) {
        char hex[HPX_HASH_HEX_BYTES];
        hpx_hash hash = hpx_hash_of(patch->bytes, patch->size);
        hpx_json_text(json, "patch", hpx_hash_hex(hex, &hash));
    } else {
        hpx_json_null(json, "patch");
    }
    hpx_json_close(json, '}');
}

void hpx_report_numerics_json(hpx_json *json, const hpx_fields *manifest)
{
    static const char prefix[] = "numerics.";
    hpx_fields numerics = {0};
    for (size_t i = 0; i < manifest->count; i++) {
        hpx_field field = manifest->fields[i];
        if (strncmp(field.name, prefix, strlen(prefix)) != 0)
            continue;
        field.name += strlen(prefix);
        hpx_fields_set(&numerics, &field);
    }
    hpx_json_open_flat(json, "numerics", '{');
    hpx_json_fields(json, &numerics);
    hpx_json_close(json, '}');
    hpx_fields_free(&numerics);
}

static void add_parent(hpx_json *json, const hpx_artifact *artifact)
{
    char hex[HPX_HASH_HEX_BYTES];
    if (!artifact->parent) {
        hpx_json_null(json, "parent");
        return;
    }
    hpx_json_open_flat(json, "parent", '{');
    hpx_json_text(json, "key", hpx_hash_hex(hex, &artifact->key));
    hpx_json_count(json, "epoch", artifact->parent);
    hpx_json_close(json, '}');
}

void report_status_json(hpx_json *json, bool failed)
{
    if (failed)
        hpx_json_text(json, "status", "failed");
}

void report_epoch_json(hpx_json *json, const hpx_artifact *artifact)
{
    char hex[HPX_HASH_HEX_BYTES], when[32];
    hpx_json_count(json, "epoch", artifact->epoch);
    report_status_json(json, *artifact->failure);
    if (*artifact->failure)
        hpx_json_text(json, "failure", artifact->failure);
    add_metrics(json, &artifact->metrics);
    hpx_json_text(json, "output", hpx_hash_hex(hex, &artifact->output));
    hpx_json_text(json, "host", artifact->host);
    hpx_json_text(json, "started", report_time(when, artifact->started_ns));
    hpx_json_real(json, "seconds", artifact->total_seconds);
    add_parent(json, artifact);
}

void hpx_report_provenance_json(hpx_json *json, const hpx_provenance *provenance)
{
    char hex[HPX_HASH_HEX_BYTES];
    hpx_json_open(json, NULL, '{');
    hpx_json_text(json, "key", hpx_hash_hex(hex, &provenance->artifact.key));
    report_cell_json(json, &provenance->artifact.cell);
    hpx_json_count(json, "seed", provenance->artifact.seed);
    report_epoch_json(json, &provenance->artifact);
    hpx_report_code_json(json, "code", &provenance->code);
    if (provenance->reach != HPX_REACH_UNKNOWN)
        hpx_json_bool(json, "code_reachable", provenance->reach == HPX_REACHABLE);
    hpx_json_open_flat(json, "dataset", '{');
    hpx_json_fields(json, &provenance->dataset);
    hpx_json_close(json, '}');
    hpx_report_numerics_json(json, &provenance->manifest);
    report_counted_json(json, provenance);
    report_import_json(json, provenance);
    hpx_json_close(json, '}');
}
