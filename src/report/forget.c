/* What is taken out of a store. */
#include "parts.h"

#include <inttypes.h>

void hpx_report_forgotten(hpx_buffer *out, const hpx_forgotten *items, size_t count)
{
    static const char *const columns[] = {"key", "cell", "seed", "epochs", "stays", NULL};
    char hex[HPX_HASH_HEX_BYTES];
    hpx_table *table = hpx_table_new("llrrl");
    report_columns(table, columns);
    for (size_t i = 0; i < count; i++) {
        hpx_table_add(table, "%.*s", KEY_DIGITS, hpx_hash_hex(hex, &items[i].newest.key));
        report_cell(table, &items[i].newest.cell);
        hpx_table_add(table, "%" PRIu64, items[i].newest.seed);
        hpx_table_add(table, "%zu", items[i].epochs);
        hpx_table_add(table, "%s", items[i].kept ? items[i].kept : "-");
    }
    hpx_table_print(out, table);
    hpx_table_free(table);
}

void hpx_report_forgotten_json(hpx_buffer *out, const hpx_forgotten *items, size_t count)
{
    char hex[HPX_HASH_HEX_BYTES];
    hpx_json json = {.out = out};
    hpx_json_open(&json, NULL, '{');
    hpx_json_count(&json, "schema", 1);
    hpx_json_open(&json, "trials", '[');
    for (size_t i = 0; i < count; i++) {
        hpx_json_open_flat(&json, NULL, '{');
        hpx_json_text(&json, "key", hpx_hash_hex(hex, &items[i].newest.key));
        report_cell_json(&json, &items[i].newest.cell);
        hpx_json_count(&json, "seed", items[i].newest.seed);
        hpx_json_count(&json, "epochs", items[i].epochs);
        hpx_json_text(&json, "stays", items[i].kept);
        hpx_json_close(&json, '}');
    }
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
}
