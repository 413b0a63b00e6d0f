/* Tables of results that `replay` reads. */
#include "report/report.h"

#include "base/text.h"

#include <inttypes.h>
#include <math.h>
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

void hpx_report_csv_header(hpx_buffer *out, const char *const *axes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        csv_field(out, axes[i]);
        hpx_buffer_puts(out, ",");
    }
    hpx_buffer_puts(out, "seed,epoch,status");
    for (int i = 0; i < HPX_METRICS; i++)
        hpx_buffer_printf(out, ",%s", hpx_metric_names[i]);
    hpx_buffer_puts(out, ",seconds,key\n");
}

void hpx_report_csv_row(hpx_buffer *out, const char *const *axes, size_t count, const hpx_artifact *artifact)
{
    char text[HPX_REAL_TEXT_BYTES], hex[HPX_HASH_HEX_BYTES];
    for (size_t i = 0; i < count; i++) {
        const char *value = hpx_cell_value(&artifact->cell, axes[i]);
        if (value)
            csv_field(out, value);
        hpx_buffer_puts(out, ",");
    }
    hpx_buffer_printf(out, "%" PRIu64 ",%u,%s", artifact->seed, artifact->epoch,
                      *artifact->failure ? "failed" : "");
    for (int i = 0; i < HPX_METRICS; i++) {
        double value = artifact->metrics.values[i];
        hpx_buffer_printf(out, ",%s", isnan(value) ? "" : hpx_real_text(text, value));
    }
    hpx_buffer_printf(out, ",%s,%s\n", hpx_real_text(text, artifact->seconds),
                      hpx_hash_hex(hex, &artifact->key));
}
