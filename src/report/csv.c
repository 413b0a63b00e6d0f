/* Tables of results that `replay` reads. */
#include "parts.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* The column of a metric: its name, or metric.NAME where that is another column's. */
static char *metric_column(const hpx_names *axes, const char *name)
{
    static const char *const others[] = {"seed", "epoch", "status", "seconds", "key"};
    static const char prefix[] = "metric.";
    bool taken = hpx_names_have(axes, name) || strncmp(name, prefix, strlen(prefix)) == 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        taken = taken || strcmp(name, others[i]) == 0;
    return hpx_format("%s%s", taken ? prefix : "", name);
}

void hpx_report_table_columns(hpx_rows *rows, const hpx_names *axes, const hpx_names *metrics)
{
    static const hpx_column first[] = {{"seed", "seed", 'r'},
                                       {"epoch", "epoch", 'r'},
                                       {"status", "status", 'l'}},
                            last[] = {{"seconds", " epoch_seconds", 'r'}, {"key", "key", 'l'}};
    for (size_t i = 0; i < axes->count; i++) {
        char *path = hpx_format("cell.%s", axes->at[i]);
        hpx_rows_add_column(rows, axes->at[i], path, 'l', NULL, 0);
        free(path);
    }
    hpx_rows_add_columns(rows, first, COUNT_OF(first));
    for (size_t i = 0; i < metrics->count; i++) {
        char *heading = metric_column(axes, metrics->at[i]), *path = hpx_format("metrics.%s", metrics->at[i]);
        hpx_rows_add_column(rows, heading, path, 'r', NULL, 0);
        free(path);
        free(heading);
    }
    hpx_rows_add_columns(rows, last, COUNT_OF(last));
}

void hpx_report_table_row(hpx_rows *rows, const hpx_artifact *artifact)
{
    hpx_row *row = hpx_rows_begin(rows);
    hpx_add_cell(row, &artifact->cell);
    hpx_row_count(row, "seed", artifact->seed);
    hpx_add_epoch(row, artifact);
    hpx_add_hash(row, "key", &artifact->key);
    hpx_rows_end(rows);
}
