/* Everything about one trajectory. */
#include "parts.h"

#include "base/memory.h"
#include "base/text.h"
#include "identity/data_files.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_fields(hpx_buffer *out, const char *title, const hpx_fields *fields)
{
    hpx_buffer_printf(out, "\n%s\n", title);
    for (size_t i = 0; i < fields->count; i++) {
        const hpx_field *field = &fields->fields[i];
        if (hpx_data_has_field(field->name))
            continue;
        if (strcmp(field->name, "patch") == 0 || strcmp(field->name, "files") == 0) {
            hpx_buffer_printf(out, "    %-28s %zu bytes\n", field->name, field->size);
            continue;
        }
        hpx_buffer_printf(out, "    %-28s ", field->name);
        hpx_field_print(out, field);
        hpx_buffer_puts(out, "\n");
    }
    for (hpx_data_walk file = {0}; hpx_data_next(&file, fields);) {
        char hex[HPX_HASH_HEX_BYTES];
        hpx_buffer name = {0};
        hpx_text_show(&name, file.name, strlen(file.name), "");
        hpx_buffer_printf(out, "    %-28s %s, %" PRIu64 " bytes\n", hpx_buffer_text(&name),
                          hpx_hash_hex(hex, &file.hash), file.size);
        hpx_buffer_free(&name);
    }
    if (fields->count == 0)
        hpx_buffer_puts(out, "    lost\n");
}

/* The epoch and its metrics; the headings of accuracies are short. */
static void add_columns(hpx_rows *rows, const hpx_names *metrics)
{
    static const char accuracy[] = "accuracy";
    static const hpx_column last[] = {{"seconds", " epoch_seconds", 'r', hpx_show_decimals, 2},
                                      {"trained", "started", 'l'},
                                      {"host", "host", 'l'},
                                      {"from", " parent_epoch", 'r'},
                                      {"output", "output", 'l', hpx_show_digits, KEY_DIGITS}};
    hpx_rows_add_column(rows, "epoch", "epoch", 'r', NULL, 0);
    for (size_t i = 0; i < metrics->count; i++) {
        const char *name = metrics->at[i], *end = strstr(name, accuracy);
        const bool is_short = end && strcmp(end, accuracy) == 0;
        char *heading = hpx_format("%.*s", (int)(is_short ? (size_t)(end - name) + 3 : strlen(name)), name),
             *path = hpx_format("metrics.%s", name);
        hpx_rows_add_column(rows, heading, path, 'r', hpx_show_metric, 4);
        free(path);
        free(heading);
    }
    hpx_rows_add_columns(rows, last, COUNT_OF(last));
}

static void add_epochs(hpx_rows *rows, const hpx_artifact *artifacts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hpx_add_epoch(hpx_rows_begin_flat(rows), &artifacts[i]);
        hpx_rows_end(rows);
    }
}

static void print_epochs(hpx_buffer *out, const hpx_artifact *artifacts, size_t count)
{
    hpx_names metrics = {0};
    hpx_rows *rows = hpx_rows_to_table();
    for (size_t i = 0; i < count; i++)
        hpx_names_add_metrics(&metrics, &artifacts[i].metrics);
    add_columns(rows, &metrics);
    add_epochs(rows, artifacts, count);
    hpx_buffer_puts(out, "\n");
    hpx_rows_finish(out, rows);
    hpx_names_free(&metrics);
}

/* Of one metric, over the first run of the newest epoch and its replicates. */
static void add_spread(hpx_rows *rows, const hpx_trajectory *shown, const char *metric)
{
    const hpx_artifact *first = &shown->newest.artifact;
    double sum = 0, squares = 0, least = INFINITY, greatest = -INFINITY;
    size_t count = 0;
    for (size_t i = 0; i <= shown->replicate_count; i++) {
        const hpx_artifact *run = i > 0 ? &shown->replicates[i - 1] : first;
        const double value = hpx_metrics_value(&run->metrics, metric);
        if (run->epoch != first->epoch || !isfinite(value))
            continue;
        const double before = count > 0 ? sum / (double)count : 0;
        sum += value;
        squares += (value - before) * (value - sum / (double)++count); /* Welford 1962 */
        least = fmin(least, value);
        greatest = fmax(greatest, value);
    }
    if (count < 2)
        return;
    hpx_row *row = hpx_rows_begin_flat(rows);
    hpx_row_text(row, "metric", metric);
    hpx_row_count(row, "runs", count);
    hpx_row_real(row, "mean", sum / (double)count);
    hpx_row_real(row, "sd", sqrt(squares / (double)(count - 1)));
    hpx_row_real(row, "least", least);
    hpx_row_real(row, "greatest", greatest);
    hpx_rows_end(rows);
}

static void add_spreads(hpx_rows *rows, const hpx_trajectory *shown)
{
    const hpx_metrics *metrics = &shown->newest.artifact.metrics;
    for (size_t i = 0; i < metrics->count; i++)
        add_spread(rows, shown, metrics->list[i].name);
}

static void print_spread(hpx_buffer *out, const hpx_trajectory *shown)
{
    static const hpx_column columns[] = {{"metric", "metric", 'l'},
                                         {"runs", "runs", 'r'},
                                         {"mean", "mean", 'r', hpx_show_metric, 4},
                                         {"sd", "sd", 'r', hpx_show_metric, 4},
                                         {"least", "least", 'r', hpx_show_metric, 4},
                                         {"greatest", "greatest", 'r', hpx_show_metric, 4}};
    hpx_rows *rows = hpx_rows_to_table();
    hpx_rows_add_columns(rows, columns, COUNT_OF(columns));
    add_spreads(rows, shown);
    hpx_buffer_puts(out, "\n");
    hpx_rows_finish(out, rows);
}

/* Which trainers may use the result. */
static void add_counted(hpx_buffer *out, const hpx_provenance *provenance)
{
    const hpx_adoption *adoption;
    hpx_buffer counted = {0};
    if (hpx_report_counted(&counted, provenance))
        hpx_buffer_printf(out, "equivalent  %s\n", hpx_buffer_text(&counted));
    hpx_buffer_free(&counted);
    for (size_t at = 0; (adoption = hpx_provenance_next_adoption(&at, provenance));) {
        hpx_buffer_puts(out, "adopted     ");
        hpx_report_adoption(out, adoption);
        hpx_buffer_puts(out, "\n");
    }
}

static void add_import(hpx_buffer *out, const hpx_provenance *provenance)
{
    hpx_buffer import = {0};
    if (hpx_report_import(&import, provenance, false))
        hpx_buffer_printf(out, "origin      %s\n", hpx_buffer_text(&import));
    hpx_buffer_free(&import);
}

static bool has_inputs(const hpx_fields *manifest)
{
    bool has = manifest->count == 0; /* lost, too */
    for (size_t i = 0; i < manifest->count; i++)
        has = has || strncmp(manifest->fields[i].name, "dataset.", 8) == 0;
    return has;
}

void hpx_report_show(hpx_buffer *out, const hpx_trajectory *shown, const hpx_screen *screen)
{
    char hex[HPX_HASH_HEX_BYTES];
    const hpx_artifact *last = &shown->newest.artifact;
    hpx_buffer_printf(out, "key         %s\ncell        ", hpx_hash_hex(hex, &last->key));
    hpx_cell_print(out, &last->cell);
    hpx_buffer_printf(out, "\nseed        %" PRIu64 "\n", last->seed);
    if (*last->failure)
        hpx_buffer_printf(out, "failed      in epoch %u: %s\n", last->epoch, last->failure);
    if (*last->stopped)
        hpx_buffer_printf(out, "stopped     after epoch %u, which answers for later ones: %s\n", last->epoch,
                          last->stopped);
    if (shown->checkpoint_epoch)
        hpx_buffer_printf(out, "checkpoint  of epoch %u\n", shown->checkpoint_epoch);
    else
        hpx_buffer_puts(out, "checkpoint  none\n");
    if (shown->pinned)
        hpx_buffer_puts(out, "pinned      all its checkpoints are kept\n");
    add_counted(out, &shown->newest);
    add_import(out, &shown->newest);
    if (screen)
        hpx_report_sparks(out, shown, screen);
    print_epochs(out, shown->artifacts, shown->count);
    if (shown->conflict_count) {
        hpx_buffer_puts(out, "\nnot reproducible: second outputs of the same epochs\n");
        print_epochs(out, shown->conflicts, shown->conflict_count);
    }
    if (shown->replicate_count) {
        hpx_buffer_puts(out, "\nreplicates: later runs, beside the first, whose score counts\n");
        print_epochs(out, shown->replicates, shown->replicate_count);
        print_spread(out, shown);
    }
    add_fields(out, "manifest", &shown->newest.manifest);
    add_fields(out, "code", &shown->newest.code);
    if (has_inputs(&shown->newest.manifest))
        add_fields(out, "data set", &shown->newest.dataset);
    if (hpx_artifact_is_of_program(last))
        add_fields(out, "conditions", &shown->newest.conditions);
}

/* What is known of the trajectory as a whole. */
static void add_head(hpx_row *row, const hpx_trajectory *shown)
{
    const hpx_artifact *newest = &shown->newest.artifact;
    hpx_row_count(row, "schema", 1);
    hpx_add_hash(row, "key", &newest->key);
    hpx_add_cell(row, &newest->cell);
    hpx_row_count(row, "seed", newest->seed);
    hpx_row_count(row, "checkpoint_epoch", shown->checkpoint_epoch);
    hpx_row_bool(row, "pinned", shown->pinned);
}

static void add_epochs_list(hpx_row *row, const char *name, const hpx_artifact *artifacts, size_t count)
{
    hpx_row_open(row, name, '[');
    for (size_t i = 0; i < count; i++) {
        hpx_row_open_flat(row, NULL, '{');
        hpx_add_epoch(row, &artifacts[i]);
        hpx_row_close(row);
    }
    hpx_row_close(row);
}

void hpx_report_show_json(hpx_buffer *out, const hpx_trajectory *shown)
{
    const hpx_provenance *newest = &shown->newest;
    const struct {
        const char *name;
        const hpx_fields *fields;
    } parts[] = {{"manifest", &newest->manifest},
                 {"code", &newest->code},
                 {"dataset", &newest->dataset},
                 {"conditions", &newest->conditions}};
    hpx_row row = {0};
    hpx_row_open(&row, NULL, '{');
    add_head(&row, shown);
    add_epochs_list(&row, "epochs", shown->artifacts, shown->count);
    add_epochs_list(&row, "conflicts", shown->conflicts, shown->conflict_count);
    add_epochs_list(&row, "replicates", shown->replicates, shown->replicate_count);
    hpx_add_counted(&row, newest);
    hpx_add_import(&row, newest);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        hpx_row_open(&row, parts[i].name, '{');
        hpx_add_record(&row, parts[i].fields);
        hpx_row_close(&row);
    }
    hpx_row_close(&row);
    hpx_row_print(out, &row);
    hpx_row_free(&row);
}
