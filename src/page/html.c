#include "inside.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

void hpx_html_text(hpx_buffer *out, const char *text)
{
    static const char special[] = "&<>\"'";
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    hpx_buffer shown = {0};
    hpx_text_show(&shown, text, strlen(text), "");
    for (const char *c = hpx_buffer_text(&shown); *c; c++) {
        const char *found = strchr(special, *c);
        if (found)
            hpx_buffer_puts(out, entities[found - special]);
        else
            hpx_buffer_add(out, c, 1);
    }
    hpx_buffer_free(&shown);
}

void hpx_html_number(hpx_buffer *out, int decimals, double value)
{
    if (isnan(value))
        hpx_buffer_puts(out, "–");
    else
        hpx_buffer_printf(out, "%.*f", decimals, value);
}

void hpx_html_open_figure(hpx_buffer *out, const char *id, const char *heading)
{
    hpx_buffer_printf(out, "<figure id=\"%s\">\n<h3>", id);
    hpx_html_text(out, heading);
    hpx_buffer_puts(out, "</h3>\n");
}

void hpx_html_close_figure(hpx_buffer *out, const char *caption)
{
    hpx_buffer_printf(out, "<figcaption>%s</figcaption>\n</figure>\n", caption);
}
