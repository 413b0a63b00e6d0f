#include "inside.h"

#include "base/text.h"

void hpx_html_text(hpx_buffer *out, const char *text)
{
    hpx_text_xml(out, text, true);
}

void hpx_html_cell(hpx_buffer *out, const hpx_page *page, uint32_t cell)
{
    hpx_buffer name = {0};
    hpx_recipe_cell_text(&name, page->recipe, cell);
    hpx_buffer_printf(out, "<span class=\"cell\" data-n=\"%u\">", cell);
    hpx_html_text(out, hpx_buffer_text(&name));
    hpx_buffer_puts(out, "</span>");
    hpx_buffer_free(&name);
}
