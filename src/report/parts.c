#include "parts.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/trainer.h"
#include "identity/data_files.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OTHERS_MAX 3 /* metrics in one column */

bool hpx_names_have(const hpx_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->at[i], name) == 0)
            return true;
    return false;
}

void hpx_names_add(hpx_names *names, const char *name)
{
    if (hpx_names_have(names, name))
        return;
    names->at = hpx_grow(names->at, &names->capacity, names->count + 1, sizeof *names->at);
    names->at[names->count++] = hpx_strdup(name);
}

void hpx_names_add_metrics(hpx_names *names, const hpx_metrics *metrics)
{
    for (size_t i = 0; i < metrics->count; i++)
        hpx_names_add(names, metrics->list[i].name);
}

void hpx_names_free(hpx_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->at[i]);
    free(names->at);
    *names = (hpx_names){0};
}

const char *hpx_report_time(char out[32], int64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return out;
}

void hpx_add_hash(hpx_row *row, const char *name, const hpx_hash *hash)
{
    char hex[HPX_HASH_HEX_BYTES];
    hpx_row_text(row, name, hpx_hash_hex(hex, hash));
}

void hpx_add_cell(hpx_row *row, const hpx_cell *cell)
{
    const char *axis, *value;
    hpx_row_open_flat(row, "cell", '{');
    for (size_t at = 0; hpx_cell_next(&at, &axis, &value, cell);)
        hpx_row_setting(row, axis, value);
    hpx_row_close(row);
}

void hpx_add_metrics(hpx_row *row, const hpx_metrics *metrics)
{
    hpx_row_open_flat(row, "metrics", '{');
    for (size_t i = 0; i < metrics->count; i++)
        hpx_row_real(row, metrics->list[i].name, metrics->list[i].value);
    hpx_row_close(row);
}

void hpx_add_status(hpx_row *row, bool failed)
{
    if (failed)
        hpx_row_text(row, "status", "failed");
}

void hpx_add_numerics(hpx_row *row, const char *name, const hpx_fields *manifest)
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
    hpx_row_open_flat(row, name, '{');
    hpx_row_fields(row, &numerics);
    hpx_row_close(row);
    hpx_fields_free(&numerics);
}

void hpx_add_record(hpx_row *row, const hpx_fields *record)
{
    hpx_data_walk file = {0};
    hpx_fields others = {0};
    for (size_t i = 0; i < record->count; i++)
        if (!hpx_data_has_field(record->fields[i].name))
            hpx_fields_set(&others, &record->fields[i]);
    hpx_row_fields(row, &others);
    hpx_fields_free(&others);
    if (!hpx_data_next(&file, record))
        return;
    hpx_row_open(row, "files", '[');
    do {
        hpx_row_open_flat(row, NULL, '{');
        hpx_row_text(row, "name", file.name);
        hpx_row_count(row, "size", file.size);
        hpx_add_hash(row, "hash", &file.hash);
        hpx_row_close(row);
    } while (hpx_data_next(&file, record));
    hpx_row_close(row);
}

/* A field as a value of that name; null where there is none, or it is empty. */
static void add_field(hpx_row *row, const char *name, const hpx_fields *fields, const char *field_name)
{
    hpx_row_field(row, name, hpx_fields_find(fields, field_name));
}

/* Null where the commit is unknown. */
static void add_dirty(hpx_row *row, const hpx_fields *code)
{
    const bool dirty = hpx_code_is_dirty(code);
    if (dirty || *hpx_fields_text_or_empty(code, "commit"))
        hpx_row_bool(row, "dirty", dirty);
    else
        hpx_row_null(row, "dirty");
}

void hpx_add_code(hpx_row *row, const char *name, const hpx_fields *code)
{
    const hpx_field *patch = hpx_fields_find(code, "patch");
    if (code->count == 0) {
        hpx_row_null(row, name);
        return;
    }
    hpx_row_open_flat(row, name, '{');
    add_field(row, "version", code, "version");
    add_field(row, "commit", code, "commit");
    add_field(row, "describe", code, "describe");
    add_field(row, "branch", code, "branch");
    add_field(row, "author_date", code, "author-date");
    add_dirty(row, code);
    if (patch && patch->size) {
        const hpx_hash hash = hpx_hash_of(patch->bytes, patch->size);
        hpx_add_hash(row, "patch", &hash);
    } else {
        hpx_row_null(row, "patch");
    }
    hpx_row_close(row);
}

static void add_parent(hpx_row *row, const hpx_artifact *artifact)
{
    if (!artifact->parent) {
        hpx_row_null(row, "parent");
        return;
    }
    hpx_row_open_flat(row, "parent", '{');
    hpx_add_hash(row, "key", &artifact->key);
    hpx_row_count(row, "epoch", artifact->parent);
    hpx_row_close(row);
}

void hpx_add_epoch(hpx_row *row, const hpx_artifact *artifact)
{
    char when[32];
    hpx_row_count(row, "epoch", artifact->epoch);
    hpx_add_status(row, *artifact->failure);
    if (*artifact->failure)
        hpx_row_text(row, "failure", artifact->failure);
    hpx_add_metrics(row, &artifact->metrics);
    hpx_add_hash(row, "output", &artifact->output);
    hpx_row_text(row, "host", artifact->host);
    hpx_row_text(row, "started", hpx_report_time(when, artifact->started_ns));
    hpx_row_real(row, " epoch_seconds", artifact->seconds);
    hpx_row_real(row, "seconds", artifact->total_seconds);
    hpx_row_count(row, " parent_epoch", artifact->parent);
    add_parent(row, artifact);
}

/* The metrics of all trainers, one after the other. */
static const hpx_metric_kind *kind_at(size_t i)
{
    for (const char *const *name = hpx_trainer_names(); *name; name++) {
        const hpx_trainer *trainer = hpx_trainer_find(*name);
        if (i < trainer->metric_count)
            return &trainer->metrics[i];
        i -= trainer->metric_count;
    }
    return NULL;
}

const char *hpx_metric_heading(const char *metric)
{
    const hpx_metric_kind *kind;
    for (size_t i = 0; (kind = kind_at(i)); i++)
        if (kind->heading && strcmp(kind->name, metric) == 0)
            return kind->heading;
    return metric;
}

const char *hpx_metric_under(const char *heading)
{
    const hpx_metric_kind *kind;
    for (size_t i = 0; (kind = kind_at(i)); i++)
        if (kind->heading && strcmp(kind->heading, heading) == 0)
            return kind->name;
    return heading;
}

bool hpx_metric_direction(bool *minimised, const char *metric)
{
    const hpx_metric_kind *kind;
    for (size_t i = 0; (kind = kind_at(i)); i++) {
        *minimised = kind->minimised;
        if (strcmp(kind->name, metric) == 0)
            return true;
    }
    return hpx_objective_guess(minimised, metric);
}

static void add_headlines(hpx_names *names)
{
    const hpx_metric_kind *kind;
    for (size_t i = 0; (kind = kind_at(i)); i++)
        if (kind->heading)
            hpx_names_add(names, kind->name);
}

static void add_metric_column(hpx_rows *rows, const char *metric)
{
    char *path = hpx_format("metrics.%s", metric);
    hpx_rows_add_column(rows, hpx_metric_heading(metric), path, 'R', hpx_show_metric, 4);
    free(path);
}

static bool is_of_trainer(const char *metric)
{
    const hpx_metric_kind *kind = kind_at(0);
    for (size_t i = 1; kind && strcmp(kind->name, metric) != 0; i++)
        kind = kind_at(i);
    return kind != NULL;
}

/* "score 0.97, loss 0.1, ...": the first metrics of those that no trainer lists. */
static void show_others(hpx_buffer *out, const hpx_row *row, const hpx_value *metrics,
                        const hpx_column *column)
{
    const hpx_value *metric = NULL;
    size_t count = 0;
    while (metrics && (metric = hpx_value_next(row, metrics, metric))) {
        if (is_of_trainer(hpx_value_name(row, metric)) || ++count > OTHERS_MAX)
            continue;
        hpx_buffer_printf(out, "%s%s ", count > 1 ? ", " : "", hpx_value_name(row, metric));
        hpx_show_decimals(out, row, metric, column);
    }
    hpx_buffer_puts(out, count > OTHERS_MAX ? ", ..." : count == 0 ? "-" : "");
}

void hpx_add_headline_columns(hpx_rows *rows, const hpx_objective *objective)
{
    hpx_names names = {0};
    bool among = !objective;
    add_headlines(&names);
    for (size_t i = 0; i < names.count; i++)
        among = among || strcmp(names.at[i], objective->name) == 0;
    if (!among)
        add_metric_column(rows, objective->name);
    for (size_t i = among ? 0 : 1; i < names.count; i++)
        add_metric_column(rows, names.at[i]);
    if (!objective)
        hpx_rows_add_column(rows, "metrics", "metrics", 'L', show_others, 4);
    hpx_names_free(&names);
}

void hpx_add_metric_columns(hpx_rows *rows, const hpx_names *metrics)
{
    for (size_t i = 0; i < metrics->count; i++) {
        char *path = hpx_format("metrics.%s", metrics->at[i]);
        hpx_rows_add_column(rows, metrics->at[i], path, 'r', hpx_show_metric, 4);
        free(path);
    }
}
