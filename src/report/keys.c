/* Keys that are trusted, and those that have signed what a store has. */
#include "parts.h"

#include <string.h>

static const hpx_column columns[] = {
    {"name", "name", 'l'},
    {"public key", "key", 'l'},
    {"trials", "trials", 'r'},
};

static void add_key(hpx_rows *rows, const char *name, const char *key, const hpx_signed *of)
{
    hpx_row *row = hpx_rows_begin_flat(rows);
    hpx_row_text(row, "name", name);
    hpx_row_text(row, "key", key);
    hpx_row_count(row, "trials", of ? of->count : 0);
    hpx_rows_end(rows);
}

static bool is_trusted(const hpx_keys *keys, const char *key)
{
    hpx_signer signer;
    hpx_error error;
    return hpx_signer_parse(&signer, key, &error) == HPX_OK && hpx_keys_find(keys, &signer);
}

static void add_keys(hpx_rows *rows, const hpx_keys *keys, const hpx_signed_list *stored)
{
    char key[HPX_SIGNER_TEXT_BYTES];
    for (size_t i = 0; i < keys->count; i++) {
        hpx_signer_text(key, &keys->trusted[i].signer);
        add_key(rows, keys->trusted[i].name, key, hpx_signed_find(stored, key));
    }
    for (size_t i = 0; i < stored->count; i++)
        if (!is_trusted(keys, stored->items[i].signer))
            add_key(rows, NULL, stored->items[i].signer, &stored->items[i]);
}

void hpx_report_keys(hpx_buffer *out, const hpx_keys *keys, const hpx_signed_list *stored)
{
    hpx_rows *rows = hpx_rows_to_table();
    hpx_rows_add_columns(rows, columns, COUNT_OF(columns));
    add_keys(rows, keys, stored);
    hpx_rows_finish(out, rows);
}

void hpx_report_keys_json(hpx_buffer *out, const hpx_keys *keys, const hpx_signed_list *stored)
{
    hpx_json json = {.out = out};
    hpx_rows *rows = hpx_rows_to_json(&json);
    hpx_json_open(&json, NULL, '{');
    hpx_json_count(&json, "schema", 1);
    hpx_json_open(&json, "keys", '[');
    add_keys(rows, keys, stored);
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
    hpx_rows_finish(out, rows);
}
