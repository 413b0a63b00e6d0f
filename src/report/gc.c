/* What a collection takes, or would take. */
#include "parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const words[] = {
    [HPX_GC_SUPERSEDED] = "superseded", [HPX_GC_NOT_NAMED] = "not named", [HPX_GC_SIZE] = "size"};

static void show_reason(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    const char *reason = hpx_value_text(row, value);
    (void)column;
    if (strcmp(reason, words[HPX_GC_SUPERSEDED]) == 0)
        hpx_buffer_printf(out, "superseded by epoch %" PRIu64, hpx_row_find(row, "newer_epoch")->count);
    else
        hpx_buffer_puts(out, strcmp(reason, words[HPX_GC_NOT_NAMED]) == 0 ? "not named by the recipes"
                                                                          : "to reach the size");
}

/* Of an item whose record is lost the cell is empty. */
static void show_known_cell(hpx_buffer *out, const hpx_row *row, const hpx_value *value,
                            const hpx_column *column)
{
    const size_t before = out->size;
    hpx_show_cell(out, row, value, column);
    if (out->size == before)
        hpx_buffer_puts(out, "?");
}

static const hpx_column columns[] = {
    {"key", "key", 'l', hpx_show_digits, KEY_DIGITS},
    {"cell", "cell", 'l', show_known_cell},
    {"seed", "seed", 'r'},
    {"epoch", "epoch", 'r'},
    {"size", "bytes", 'r', hpx_show_bytes},
    {"reason", "reason", 'l', show_reason},
};
static const hpx_column macs_column = {"multiplications", "macs", 'r', hpx_show_about},
                        time_column = {"time", "seconds", 'r', hpx_show_duration};

static void add_items(hpx_rows *rows, const hpx_gc_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const hpx_gc_item *item = &result->items[i];
        hpx_row *row = hpx_rows_begin_flat(rows);
        hpx_add_hash(row, "key", &item->key);
        hpx_add_cell(row, &item->cell);
        hpx_row_count(row, "seed", item->seed);
        hpx_row_count(row, "epoch", item->epoch);
        hpx_row_count(row, "bytes", item->bytes);
        hpx_row_text(row, "reason", words[item->reason]);
        if (item->reason == HPX_GC_SUPERSEDED)
            hpx_row_count(row, "newer_epoch", item->newer);
        else
            hpx_row_null(row, "newer_epoch");
        if (item->macs)
            hpx_row_count(row, "macs", item->macs);
        else
            hpx_row_null(row, "macs");
        hpx_row_real(row, "seconds", item->seconds);
        hpx_rows_end(rows);
    }
}

static void print_items(hpx_buffer *out, const hpx_gc_result *result)
{
    hpx_rows *rows = hpx_rows_to_table();
    hpx_rows_add_columns(rows, columns, COUNT_OF(columns));
    hpx_rows_add_columns(rows, &macs_column, result->macs > 0);
    hpx_rows_add_columns(rows, &time_column, 1);
    add_items(rows, result);
    hpx_rows_finish(out, rows);
    hpx_buffer_puts(out, "\n");
}

static void add_cost(hpx_buffer *out, const hpx_gc_result *result)
{
    if (result->macs)
        hpx_buffer_printf(out, "%.3g multiplications", (double)result->macs);
    if (result->macs && result->epochs)
        hpx_buffer_puts(out, " and ");
    if (result->epochs || !result->macs)
        hpx_buffer_printf(out, "%" PRIu64 " epoch%s", result->epochs, result->epochs == 1 ? "" : "s");
}

void hpx_report_gc(hpx_buffer *out, const hpx_gc_result *result)
{
    char bytes[32], live[32], after[32], file[32], time[32];
    if (result->count)
        print_items(out, result);
    if (result->strays.chunks || result->strays.files)
        hpx_buffer_printf(out, "%" PRIu64 " chunks and %" PRIu64 " files that no checkpoint refers to: %s\n",
                          result->strays.chunks, result->strays.files,
                          hpx_bytes_text(bytes, result->strays.bytes));
    if (result->scratch.snapshots || result->scratch.copies)
        hpx_buffer_printf(out, "%zu snapshot%s and %zu cop%s of programs' code that nobody uses: %s\n",
                          result->scratch.snapshots, result->scratch.snapshots == 1 ? "" : "s",
                          result->scratch.copies, result->scratch.copies == 1 ? "y" : "ies",
                          hpx_bytes_text(bytes, result->scratch.bytes));
    if (result->busy)
        hpx_buffer_printf(out, "%zu trajector%s left alone: being trained\n", result->busy,
                          result->busy == 1 ? "y" : "ies");
    hpx_buffer_printf(out, "%zu checkpoint%s, %s in all", result->count, result->count == 1 ? "" : "s",
                      hpx_bytes_text(bytes, result->bytes));
    if (result->count) {
        hpx_buffer_puts(out, "; to train them again: ");
        add_cost(out, result);
        hpx_buffer_printf(out, ", %s", hpx_duration_text(time, result->seconds));
    }
    hpx_buffer_printf(
        out, "\nlive bytes: %s, then %s; on disk: %s\n", hpx_bytes_text(live, result->before.live_bytes),
        hpx_bytes_text(after, result->live_after), hpx_bytes_text(file, result->before.file_bytes));
}

void hpx_report_gc_json(hpx_buffer *out, const hpx_gc_result *result, uint64_t compacted)
{
    hpx_json json = {.out = out};
    hpx_rows *rows = hpx_rows_to_json(&json);
    hpx_json_open(&json, NULL, '{');
    hpx_json_count(&json, "schema", 1);
    hpx_json_open(&json, "collected", '[');
    add_items(rows, result);
    hpx_json_close(&json, ']');
    hpx_json_open_flat(&json, "stray", '{');
    hpx_json_count(&json, "chunks", result->strays.chunks);
    hpx_json_count(&json, "files", result->strays.files);
    hpx_json_count(&json, "bytes", result->strays.bytes);
    hpx_json_close(&json, '}');
    hpx_json_open_flat(&json, "scratch", '{');
    hpx_json_count(&json, "snapshots", result->scratch.snapshots);
    hpx_json_count(&json, "copies", result->scratch.copies);
    hpx_json_count(&json, "bytes", result->scratch.bytes);
    hpx_json_close(&json, '}');
    hpx_json_count(&json, "busy", result->busy);
    hpx_json_count(&json, "bytes", result->bytes);
    hpx_json_count(&json, "macs", result->macs);
    hpx_json_count(&json, "epochs", result->epochs);
    hpx_json_real(&json, "seconds", result->seconds);
    hpx_json_count(&json, "live_bytes", result->before.live_bytes);
    hpx_json_count(&json, "live_bytes_after", result->live_after);
    hpx_json_count(&json, "file_bytes", result->before.file_bytes);
    if (compacted)
        hpx_json_count(&json, "compacted_bytes", compacted);
    else
        hpx_json_null(&json, "compacted_bytes");
    hpx_json_bool(&json, "size_reached", result->reached);
    hpx_json_close(&json, '}');
    hpx_rows_finish(out, rows);
}
