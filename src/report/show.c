/* Everything about one trajectory. */
#include "parts.h"

#include <inttypes.h>
#include <string.h>

static void add_fields(hpx_buffer *out, const char *title, const hpx_fields *fields)
{
    hpx_buffer_printf(out, "\n%s\n", title);
    for (size_t i = 0; i < fields->count; i++) {
        const hpx_field *field = &fields->fields[i];
        if (strcmp(field->name, "patch") == 0) {
            hpx_buffer_printf(out, "    %-28s %zu bytes\n", field->name, field->size);
            continue;
        }
        hpx_buffer_printf(out, "    %-28s ", field->name);
        hpx_field_print(out, field);
        hpx_buffer_puts(out, "\n");
    }
    if (fields->count == 0)
        hpx_buffer_puts(out, "    lost\n");
}

/* A table with the heads of the epoch and its metrics; those of accuracies are short. */
static hpx_table *new_epochs(const hpx_names *metrics)
{
    static const char accuracy[] = "accuracy";
    hpx_buffer alignments = {0};
    hpx_buffer_puts(&alignments, "r");
    for (size_t i = 0; i < metrics->count; i++)
        hpx_buffer_puts(&alignments, "r");
    hpx_buffer_puts(&alignments, "rllrl");
    hpx_table *table = hpx_table_new(hpx_buffer_text(&alignments));
    hpx_table_add(table, "epoch");
    for (size_t i = 0; i < metrics->count; i++) {
        const char *name = metrics->at[i], *end = strstr(name, accuracy);
        const bool is_short = end && strcmp(end, accuracy) == 0;
        hpx_table_add(table, "%.*s", (int)(is_short ? (size_t)(end - name) + 3 : strlen(name)), name);
    }
    hpx_buffer_free(&alignments);
    return table;
}

static void add_epochs(hpx_buffer *out, const hpx_artifact *artifacts, size_t count)
{
    static const char *const columns[] = {"seconds", "trained", "host", "from", "output", NULL};
    char hex[HPX_HASH_HEX_BYTES], when[32];
    hpx_names metrics = {0};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < artifacts[i].metrics.count; k++)
            hpx_names_add(&metrics, artifacts[i].metrics.list[k].name);
    hpx_table *table = new_epochs(&metrics);
    report_columns(table, columns);
    for (size_t i = 0; i < count; i++) {
        hpx_table_add(table, "%u", artifacts[i].epoch);
        for (size_t k = 0; k < metrics.count; k++)
            report_metric(table, &artifacts[i], metrics.at[k]);
        hpx_table_add(table, "%.2f", artifacts[i].seconds);
        hpx_table_add(table, "%s", report_time(when, artifacts[i].started_ns));
        hpx_table_add(table, "%s", artifacts[i].host);
        hpx_table_add(table, "%u", artifacts[i].parent);
        hpx_table_add(table, "%.*s", KEY_DIGITS, hpx_hash_hex(hex, &artifacts[i].output));
    }
    hpx_buffer_puts(out, "\n");
    hpx_table_print(out, table);
    hpx_table_free(table);
    hpx_names_free(&metrics);
}

/* Which trainers the result counts for. */
static void add_counted(hpx_buffer *out, const hpx_provenance *provenance)
{
    const hpx_adoption *adoption;
    hpx_buffer counted = {0};
    if (report_counted(&counted, provenance))
        hpx_buffer_printf(out, "counted     %s\n", hpx_buffer_text(&counted));
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
    if (report_import(&import, provenance))
        hpx_buffer_printf(out, "origin      %s\n", hpx_buffer_text(&import));
    hpx_buffer_free(&import);
}

void hpx_report_show(hpx_buffer *out, const hpx_trajectory *shown)
{
    char hex[HPX_HASH_HEX_BYTES];
    const hpx_artifact *last = &shown->newest.artifact;
    hpx_buffer_printf(out, "key         %s\ncell        ", hpx_hash_hex(hex, &last->key));
    hpx_cell_print(out, &last->cell);
    hpx_buffer_printf(out, "\nseed        %" PRIu64 "\n", last->seed);
    if (*last->failure)
        hpx_buffer_printf(out, "failed      in epoch %u: %s\n", last->epoch, last->failure);
    if (shown->checkpoint_epoch)
        hpx_buffer_printf(out, "checkpoint  of epoch %u\n", shown->checkpoint_epoch);
    else
        hpx_buffer_puts(out, "checkpoint  none\n");
    if (shown->pinned)
        hpx_buffer_puts(out, "pinned      all its checkpoints are kept\n");
    add_counted(out, &shown->newest);
    add_import(out, &shown->newest);
    add_epochs(out, shown->artifacts, shown->count);
    if (shown->conflict_count) {
        hpx_buffer_puts(out, "\nnot reproducible: second outputs of the same epochs\n");
        add_epochs(out, shown->conflicts, shown->conflict_count);
    }
    add_fields(out, "manifest", &shown->newest.manifest);
    add_fields(out, "code", &shown->newest.code);
    add_fields(out, "data set", &shown->newest.dataset);
}

static void add_epochs_json(hpx_json *json, const char *name, const hpx_artifact *artifacts, size_t count)
{
    hpx_json_open(json, name, '[');
    for (size_t i = 0; i < count; i++) {
        hpx_json_open_flat(json, NULL, '{');
        report_epoch_json(json, &artifacts[i]);
        hpx_json_close(json, '}');
    }
    hpx_json_close(json, ']');
}

void hpx_report_show_json(hpx_buffer *out, const hpx_trajectory *shown)
{
    const hpx_provenance *newest = &shown->newest;
    const struct {
        const char *name;
        const hpx_fields *fields;
    } parts[] = {{"manifest", &newest->manifest}, {"code", &newest->code}, {"dataset", &newest->dataset}};
    hpx_json json = {.out = out};
    char hex[HPX_HASH_HEX_BYTES];
    hpx_json_open(&json, NULL, '{');
    hpx_json_count(&json, "schema", 1);
    hpx_json_text(&json, "key", hpx_hash_hex(hex, &newest->artifact.key));
    report_cell_json(&json, &newest->artifact.cell);
    hpx_json_count(&json, "seed", newest->artifact.seed);
    hpx_json_count(&json, "checkpoint_epoch", shown->checkpoint_epoch);
    hpx_json_bool(&json, "pinned", shown->pinned);
    add_epochs_json(&json, "epochs", shown->artifacts, shown->count);
    add_epochs_json(&json, "conflicts", shown->conflicts, shown->conflict_count);
    report_counted_json(&json, newest);
    report_import_json(&json, newest);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        hpx_json_open(&json, parts[i].name, '{');
        hpx_json_fields(&json, parts[i].fields);
        hpx_json_close(&json, '}');
    }
    hpx_json_close(&json, '}');
}
