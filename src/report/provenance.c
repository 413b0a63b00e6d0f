/* Results and where they come from: ls, audit, log. Their rows are alike; they differ in the columns of their
 * tables. */
#include "parts.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- ways to show values ---------------------------------------------------------------------------------- */

/* Whether the sources had uncommitted edits. */
static void show_dirty(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    (void)row, (void)column;
    hpx_buffer_puts(out, !value ? "?" : value->truth ? "yes" : "no");
}

static void show_parent(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    (void)row, (void)column;
    if (value)
        hpx_buffer_printf(out, "epoch %" PRIu64, value->count);
    else
        hpx_buffer_puts(out, "-");
}

/* --- columns ---------------------------------------------------------------------------------------------- */

#define KEY                                                                                                  \
    {                                                                                                        \
        "key", "key", 'l', hpx_show_digits, KEY_DIGITS                                                       \
    }
#define CELL                                                                                                 \
    {                                                                                                        \
        "cell", "cell", 'l', hpx_show_cell                                                                   \
    }
#define SEED                                                                                                 \
    {                                                                                                        \
        "seed", "seed", 'r'                                                                                  \
    }
#define EPOCH                                                                                                \
    {                                                                                                        \
        "epoch", "epoch", 'r'                                                                                \
    }
#define TRAINER                                                                                              \
    {                                                                                                        \
        "trainer", "code.version", 'l', hpx_show_digits, CODE_DIGITS                                         \
    }
#define COMMIT                                                                                               \
    {                                                                                                        \
        "commit", "code.describe", 'l'                                                                       \
    }
#define DIRTY                                                                                                \
    {                                                                                                        \
        "dirty", "code.dirty", 'l', show_dirty                                                               \
    }
#define BRANCH                                                                                               \
    {                                                                                                        \
        "branch", "code.branch", 'l'                                                                         \
    }
#define AUTHOR_DATE                                                                                          \
    {                                                                                                        \
        "author date", "code.author_date", 'l'                                                               \
    }
#define DATA                                                                                                 \
    {                                                                                                        \
        "data", "dataset.name", 'l'                                                                          \
    }
#define KERNEL                                                                                               \
    {                                                                                                        \
        "kernel", "numerics.kernel", 'l'                                                                     \
    }
#define TRAINED                                                                                              \
    {                                                                                                        \
        "trained", "started", 'l'                                                                            \
    }

/* What is there is named by `first` and `last`, which stand around the metrics. */
static void add_columns(hpx_rows *rows, const hpx_column *first, size_t first_count,
                        const hpx_objective *objective, const hpx_names *metrics, const hpx_column *last,
                        size_t last_count)
{
    hpx_rows_add_columns(rows, first, first_count);
    if (metrics)
        hpx_add_metric_columns(rows, metrics);
    else
        hpx_add_headline_columns(rows, objective);
    hpx_rows_add_columns(rows, last, last_count);
}

void hpx_report_list_columns(hpx_rows *rows, const hpx_objective *objective, const hpx_names *metrics)
{
    static const hpx_column first[] = {KEY, CELL, SEED, EPOCH},
                            last[] = {DATA, {"code", "code.version", 'l', hpx_show_digits, CODE_DIGITS}};
    add_columns(rows, first, COUNT_OF(first), objective, metrics, last, COUNT_OF(last));
}

void hpx_report_audit_columns(hpx_rows *rows)
{
    static const hpx_column first[] = {KEY, CELL, SEED, EPOCH},
                            last[] = {TRAINER,
                                      COMMIT,
                                      DIRTY,
                                      BRANCH,
                                      AUTHOR_DATE,
                                      DATA,
                                      KERNEL,
                                      {"host", "host", 'l'},
                                      TRAINED,
                                      {"seconds", "seconds", 'r', hpx_show_decimals, 1},
                                      {"parent", "parent.epoch", 'l', show_parent}};
    add_columns(rows, first, COUNT_OF(first), NULL, NULL, last, COUNT_OF(last));
}

void hpx_report_log_columns(hpx_rows *rows, const hpx_objective *objective)
{
    static const hpx_column first[] = {TRAINED,     TRAINER, COMMIT, DIRTY, BRANCH,
                                       AUTHOR_DATE, KERNEL,  SEED,   EPOCH},
                            last[] = {{"key", "key", 'l', hpx_show_digits, KEY_DIGITS}};
    add_columns(rows, first, COUNT_OF(first), objective, NULL, last, COUNT_OF(last));
}

/* --- rows ------------------------------------------------------------------------------------------------- */

void hpx_report_provenance(hpx_rows *rows, const hpx_provenance *provenance, const char *curve)
{
    const hpx_artifact *artifact = &provenance->artifact;
    hpx_row *row = hpx_rows_begin(rows);
    hpx_add_hash(row, "key", &artifact->key);
    hpx_add_cell(row, &artifact->cell);
    hpx_row_count(row, "seed", artifact->seed);
    hpx_add_epoch(row, artifact);
    hpx_add_code(row, "code", &provenance->code);
    if (provenance->reach != HPX_REACH_UNKNOWN)
        hpx_row_bool(row, "code_reachable", provenance->reach == HPX_REACHABLE);
    hpx_row_open_flat(row, "dataset", '{');
    hpx_add_record(row, &provenance->dataset);
    hpx_row_close(row);
    hpx_add_numerics(row, "numerics", &provenance->manifest);
    hpx_add_counted(row, provenance);
    hpx_add_import(row, provenance);
    hpx_row_text(row, " curve", curve);
    hpx_rows_end(rows);
}

/* --- imports ---------------------------------------------------------------------------------------------- */

static const char *import_source(const hpx_provenance *provenance)
{
    const char *from = hpx_fields_text_or_empty(&provenance->import, "from");
    return *from ? from : "-";
}

static const char *import_time(char out[32], const hpx_provenance *provenance)
{
    const hpx_field *when = hpx_fields_find(&provenance->import, "when");
    return when ? hpx_report_time(out, (int64_t)when->count) : "?";
}

bool hpx_report_import(hpx_buffer *out, const hpx_provenance *provenance, bool of_many)
{
    char when[32];
    const char *signer = hpx_fields_text_or_empty(&provenance->import, "signer");
    if (provenance->import.count == 0)
        return false;
    hpx_buffer_printf(out, "imported from %s", import_source(provenance));
    if (*signer)
        hpx_buffer_printf(out, ", signed by %s", signer);
    if (!*signer || !of_many)
        hpx_buffer_printf(out, ", %s", import_time(when, provenance));
    return true;
}

void hpx_add_import(hpx_row *row, const hpx_provenance *provenance)
{
    char when[32];
    if (provenance->import.count == 0) {
        hpx_row_null(row, "imported");
        return;
    }
    hpx_row_open_flat(row, "imported", '{');
    hpx_row_text(row, "from", import_source(provenance));
    hpx_row_text(row, "when", import_time(when, provenance));
    const char *signer = hpx_fields_text_or_empty(&provenance->import, "signer");
    if (*signer)
        hpx_row_text(row, "signer", signer);
    hpx_row_close(row);
}
