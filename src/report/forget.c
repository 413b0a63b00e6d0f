/* What is taken out of a store. */
#include "parts.h"

static const hpx_column columns[] = {
    {"key", "key", 'l', hpx_show_digits, KEY_DIGITS},
    {"cell", "cell", 'l', hpx_show_cell},
    {"seed", "seed", 'r'},
    {"epochs", "epochs", 'r'},
    {"stays", "stays", 'l'},
};

static void add_items(hpx_rows *rows, const hpx_forgotten *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hpx_row *row = hpx_rows_begin_flat(rows);
        hpx_add_hash(row, "key", &items[i].newest.key);
        hpx_add_cell(row, &items[i].newest.cell);
        hpx_row_count(row, "seed", items[i].newest.seed);
        hpx_row_count(row, "epochs", items[i].epochs);
        hpx_row_text(row, "stays", items[i].kept);
        hpx_rows_end(rows);
    }
}

void hpx_report_forgotten(hpx_buffer *out, const hpx_forgotten *items, size_t count)
{
    hpx_rows *rows = hpx_rows_to_table();
    hpx_rows_add_columns(rows, columns, COUNT_OF(columns));
    add_items(rows, items, count);
    hpx_rows_finish(out, rows);
}

void hpx_report_forgotten_json(hpx_buffer *out, const hpx_forgotten *items, size_t count)
{
    hpx_json json = {.out = out};
    hpx_rows *rows = hpx_rows_to_json(&json);
    hpx_json_open(&json, NULL, '{');
    hpx_json_count(&json, "schema", 1);
    hpx_json_open(&json, "trials", '[');
    add_items(rows, items, count);
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
    hpx_rows_finish(out, rows);
}
