/* What a collection takes, or would take. */
#include "parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

const char *hpx_bytes_text(char out[32], uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        snprintf(out, 32, "%" PRIu64 " B", bytes);
        return out;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 999.95 && unit < 3; unit++)
        value /= 1024;
    snprintf(out, 32, "%.1f %s", value, units[unit]);
    return out;
}

static const char *reason_text(char out[64], const hpx_gc_item *item)
{
    if (item->reason == HPX_GC_SUPERSEDED)
        snprintf(out, 64, "superseded by epoch %u", item->newer);
    else
        snprintf(out, 64, "%s",
                 item->reason == HPX_GC_NOT_NAMED ? "not named by the recipes" : "to reach the size");
    return out;
}

static void add_cost(hpx_table *table, uint64_t macs, double seconds)
{
    char text[32];
    if (macs)
        hpx_table_add(table, "%.3g", (double)macs);
    else
        hpx_table_add(table, "?");
    hpx_table_add(table, "%s", hpx_duration_text(text, seconds));
}

static void add_items(hpx_buffer *out, const hpx_gc_result *result)
{
    static const char *const columns[] = {
        "key", "cell", "seed", "epoch", "size", "reason", "multiplications", "time", NULL};
    char hex[HPX_HASH_HEX_BYTES], text[64];
    hpx_table *table = hpx_table_new("llrrrlrr");
    report_columns(table, columns);
    for (size_t i = 0; i < result->count; i++) {
        const hpx_gc_item *item = &result->items[i];
        hpx_table_add(table, "%.*s", KEY_DIGITS, hpx_hash_hex(hex, &item->key));
        if (item->cell.size)
            report_cell(table, &item->cell);
        else
            hpx_table_add(table, "?");
        hpx_table_add(table, "%" PRIu64, item->seed);
        hpx_table_add(table, "%u", item->epoch);
        hpx_table_add(table, "%s", hpx_bytes_text(text, item->bytes));
        hpx_table_add(table, "%s", reason_text(text, item));
        add_cost(table, item->macs, item->seconds);
    }
    hpx_table_print(out, table);
    hpx_table_free(table);
    hpx_buffer_puts(out, "\n");
}

void hpx_report_gc(hpx_buffer *out, const hpx_gc_result *result)
{
    char bytes[32], live[32], after[32], file[32], time[32];
    if (result->count)
        add_items(out, result);
    if (result->strays.chunks || result->strays.files)
        hpx_buffer_printf(out, "%" PRIu64 " chunks and %" PRIu64 " files that no checkpoint refers to: %s\n",
                          result->strays.chunks, result->strays.files,
                          hpx_bytes_text(bytes, result->strays.bytes));
    if (result->busy)
        hpx_buffer_printf(out, "%zu trajector%s left alone: being trained\n", result->busy,
                          result->busy == 1 ? "y" : "ies");
    hpx_buffer_printf(out, "%zu checkpoint%s, %s in all", result->count, result->count == 1 ? "" : "s",
                      hpx_bytes_text(bytes, result->bytes));
    if (result->count)
        hpx_buffer_printf(out, "; to train them again: %.3g multiplications, %s", (double)result->macs,
                          hpx_duration_text(time, result->seconds));
    hpx_buffer_printf(
        out, "\nlive bytes: %s, then %s; on disk: %s\n", hpx_bytes_text(live, result->before.live_bytes),
        hpx_bytes_text(after, result->live_after), hpx_bytes_text(file, result->before.file_bytes));
}

static void add_item_json(hpx_json *json, const hpx_gc_item *item)
{
    static const char *const words[] = {"superseded", "not named", "size"};
    char hex[HPX_HASH_HEX_BYTES];
    hpx_json_open_flat(json, NULL, '{');
    hpx_json_text(json, "key", hpx_hash_hex(hex, &item->key));
    report_cell_json(json, &item->cell);
    hpx_json_count(json, "seed", item->seed);
    hpx_json_count(json, "epoch", item->epoch);
    hpx_json_count(json, "bytes", item->bytes);
    hpx_json_text(json, "reason", words[item->reason]);
    if (item->reason == HPX_GC_SUPERSEDED)
        hpx_json_count(json, "newer_epoch", item->newer);
    else
        hpx_json_null(json, "newer_epoch");
    if (item->macs)
        hpx_json_count(json, "macs", item->macs);
    else
        hpx_json_null(json, "macs");
    hpx_json_real(json, "seconds", item->seconds);
    hpx_json_close(json, '}');
}

void hpx_report_gc_json(hpx_buffer *out, const hpx_gc_result *result, uint64_t compacted)
{
    hpx_json json = {.out = out};
    hpx_json_open(&json, NULL, '{');
    hpx_json_count(&json, "schema", 1);
    hpx_json_open(&json, "collected", '[');
    for (size_t i = 0; i < result->count; i++)
        add_item_json(&json, &result->items[i]);
    hpx_json_close(&json, ']');
    hpx_json_open_flat(&json, "stray", '{');
    hpx_json_count(&json, "chunks", result->strays.chunks);
    hpx_json_count(&json, "files", result->strays.files);
    hpx_json_count(&json, "bytes", result->strays.bytes);
    hpx_json_close(&json, '}');
    hpx_json_count(&json, "busy", result->busy);
    hpx_json_count(&json, "bytes", result->bytes);
    hpx_json_count(&json, "macs", result->macs);
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
}
