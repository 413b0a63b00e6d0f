/* Tables of results that `replay` reads. */
#include "report/report.h"

#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* RFC 4180: quoted where it must be. */
static void csv_field(hpx_buffer *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        hpx_buffer_puts(out, text);
        return;
    }
    hpx_buffer_puts(out, "\"");
    for (; *text; text++)
        hpx_buffer_printf(out, *text == '"' ? "\"\"" : "%c", *text);
    hpx_buffer_puts(out, "\"");
}

static bool is_in(const hpx_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->at[i], name) == 0)
            return true;
    return false;
}

void hpx_names_add(hpx_names *names, const char *name)
{
    if (is_in(names, name))
        return;
    names->at = hpx_grow(names->at, &names->capacity, names->count + 1, sizeof *names->at);
    names->at[names->count++] = hpx_strdup(name);
}

void hpx_names_free(hpx_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->at[i]);
    free(names->at);
    *names = (hpx_names){0};
}

/* The column of a metric: its name, or metric.NAME where that is another column's. */
static char *metric_column(const hpx_names *axes, const char *name)
{
    static const char *const others[] = {"seed", "epoch", "status", "seconds", "key"};
    static const char prefix[] = "metric.";
    bool taken = is_in(axes, name) || strncmp(name, prefix, strlen(prefix)) == 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        taken = taken || strcmp(name, others[i]) == 0;
    return hpx_format("%s%s", taken ? prefix : "", name);
}

void hpx_report_csv_header(hpx_buffer *out, const hpx_names *axes, const hpx_names *metrics)
{
    for (size_t i = 0; i < axes->count; i++) {
        csv_field(out, axes->at[i]);
        hpx_buffer_puts(out, ",");
    }
    hpx_buffer_puts(out, "seed,epoch,status");
    for (size_t i = 0; i < metrics->count; i++) {
        char *column = metric_column(axes, metrics->at[i]);
        hpx_buffer_printf(out, ",%s", column);
        free(column);
    }
    hpx_buffer_puts(out, ",seconds,key\n");
}

/* The value of the i-th column; results of one trainer have their metrics in the order of the columns. */
static double value_at(const hpx_metrics *metrics, size_t i, const char *name)
{
    const bool there = i < metrics->count && strcmp(metrics->list[i].name, name) == 0;
    return there ? metrics->list[i].value : hpx_metrics_value(metrics, name);
}

void hpx_report_csv_row(hpx_buffer *out, const hpx_names *axes, const hpx_names *metrics,
                        const hpx_artifact *artifact)
{
    char text[HPX_REAL_TEXT_BYTES], hex[HPX_HASH_HEX_BYTES];
    for (size_t i = 0; i < axes->count; i++) {
        const char *value = hpx_cell_value(&artifact->cell, axes->at[i]);
        if (value)
            csv_field(out, value);
        hpx_buffer_puts(out, ",");
    }
    hpx_buffer_printf(out, "%" PRIu64 ",%u,%s", artifact->seed, artifact->epoch,
                      *artifact->failure ? "failed" : "");
    for (size_t i = 0; i < metrics->count; i++) {
        const double value = value_at(&artifact->metrics, i, metrics->at[i]);
        hpx_buffer_printf(out, ",%s", isnan(value) ? "" : hpx_real_text(text, value));
    }
    hpx_buffer_printf(out, ",%s,%s\n", hpx_real_text(text, artifact->seconds),
                      hpx_hash_hex(hex, &artifact->key));
}
