#include "inside.h"

#include "base/text.h"

void hpx_html_text(hpx_buffer *out, const char *text)
{
    hpx_text_xml(out, text, true);
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
