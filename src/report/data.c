/* Data sets that are known by name. */
#include "parts.h"

#include "hpx/known.h"

#include <stdlib.h>

static const hpx_column columns[] = {
    {"data set", "name", 'l'},     {"train", "train", 'r'},     {"test", "test", 'r'},
    {"features", "features", 'r'}, {"classes", "classes", 'r'}, {"state", "state", 'l'},
};

static const char *state_of(const hpx_known_dataset *known, const char *folder)
{
    size_t present = 0;
    for (size_t role = 0; role < HPX_ROLES; role++) {
        char *path = hpx_known_path(known, folder, role);
        hpx_file_stat stat;
        hpx_error error;
        present += hpx_file_stat_of(&stat, path, &error) == HPX_OK && stat.size == known->files[role].size;
        free(path);
    }
    return present == HPX_ROLES ? "downloaded" : present ? "downloaded in part" : "not downloaded";
}

static void add_datasets(hpx_rows *rows, const char *folder)
{
    for (const char *const *name = hpx_known_names(); *name; name++) {
        const hpx_known_dataset *known = hpx_known_find(*name);
        hpx_row *row = hpx_rows_begin_flat(rows);
        hpx_row_text(row, "name", *name);
        hpx_row_count(row, "train", known->train_count);
        hpx_row_count(row, "test", known->test_count);
        hpx_row_count(row, "features", known->height * known->width);
        hpx_row_count(row, "classes", known->classes);
        hpx_row_text(row, "state", state_of(known, folder));
        hpx_row_text(row, "folder", folder);
        hpx_rows_end(rows);
    }
}

void hpx_report_datasets(hpx_buffer *out, const char *folder)
{
    hpx_rows *rows = hpx_rows_to_table();
    hpx_rows_add_columns(rows, columns, COUNT_OF(columns));
    add_datasets(rows, folder);
    hpx_rows_finish(out, rows);
}

void hpx_report_datasets_json(hpx_buffer *out, const char *folder)
{
    hpx_json json = {.out = out};
    hpx_rows *rows = hpx_rows_to_json(&json);
    hpx_json_open(&json, NULL, '[');
    add_datasets(rows, folder);
    hpx_json_close(&json, ']');
    hpx_rows_free(rows);
}
