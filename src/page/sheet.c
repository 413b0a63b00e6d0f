/* Tables, for who does not see figures and for who wants their numbers. */
#include "inside.h"

#include "base/text.h"

#include <math.h>

/* Most of what stands in tables is numbers. */
#define NUMBER "<td>"
#define TEXT   "<td class=\"text\">"

enum { ROWS_MAX = 1000 };

/* What is wider than the window is scrolled, with the keyboard, too. */
void hpx_sheet_open(struct sheet *sheet, hpx_buffer *out, const char *id, const char *label, size_t rows)
{
    *sheet = (struct sheet){.out = out, .dense = rows > ROWS_MAX, .in_head = true};
    hpx_buffer_puts(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    hpx_html_text(out, label);
    hpx_buffer_puts(out, sheet->dense ? "\"><pre" : "\"><table class=\"sheet\"");
    if (id)
        hpx_buffer_printf(out, " id=\"%s\"", id);
    hpx_buffer_puts(out, sheet->dense ? ">" : ">\n<thead><tr>");
}

/* A tab before each but the first value of a row. */
static void begin_dense(struct sheet *sheet)
{
    if (sheet->in_row)
        hpx_buffer_puts(sheet->out, "\t");
    sheet->in_row = true;
}

static void put(struct sheet *sheet, const char *open, const char *text, const char *close)
{
    if (sheet->dense)
        begin_dense(sheet);
    else
        hpx_buffer_puts(sheet->out, open);
    hpx_html_text(sheet->out, text);
    if (!sheet->dense)
        hpx_buffer_puts(sheet->out, close);
}

void hpx_sheet_head(struct sheet *sheet, const char *text, bool number)
{
    put(sheet, number ? "<th scope=\"col\" class=\"number\">" : "<th scope=\"col\">", text, "</th>");
}

static void end_row(struct sheet *sheet)
{
    if (!sheet->dense)
        hpx_buffer_puts(sheet->out, sheet->in_head ? "</tr></thead>\n<tbody>\n" : "</tr>\n");
    sheet->in_head = false;
}

void hpx_sheet_row(struct sheet *sheet, uint32_t cell)
{
    end_row(sheet);
    if (sheet->dense)
        hpx_buffer_puts(sheet->out, "\n");
    else if (cell == NO_CELL)
        hpx_buffer_puts(sheet->out, "<tr>");
    else
        hpx_buffer_printf(sheet->out, "<tr class=\"cell\" data-n=\"%u\">", cell);
    sheet->in_row = false;
}

void hpx_sheet_name(struct sheet *sheet, const char *text)
{
    put(sheet, "<th scope=\"row\">", text, "</th>");
}

void hpx_sheet_text(struct sheet *sheet, const char *text)
{
    put(sheet, TEXT, text, "</td>");
}

void hpx_sheet_code(struct sheet *sheet, const char *text, int length)
{
    char part[HPX_CODE_HEX_BYTES];
    hpx_print(part, sizeof part, "%.*s", length, text);
    put(sheet, TEXT "<code>", part, "</code></td>");
}

void hpx_sheet_cell(struct sheet *sheet, const hpx_page *page, uint32_t cell)
{
    hpx_buffer name = {0};
    hpx_recipe_cell_text(&name, page->recipe, cell);
    hpx_sheet_text(sheet, hpx_buffer_text(&name));
    hpx_buffer_free(&name);
}

void hpx_sheet_count(struct sheet *sheet, uint64_t count)
{
    char text[24];
    hpx_print(text, sizeof text, "%llu", (unsigned long long)count);
    put(sheet, NUMBER, text, "</td>");
}

void hpx_sheet_setting(struct sheet *sheet, const char *text, bool number)
{
    put(sheet, number ? NUMBER : TEXT, text, "</td>");
}

void hpx_sheet_number(struct sheet *sheet, int decimals, double value)
{
    hpx_buffer text = {0};
    if (isnan(value))
        hpx_buffer_puts(&text, "–");
    else
        hpx_text_decimals(&text, value, decimals);
    put(sheet, NUMBER, hpx_buffer_text(&text), "</td>");
    hpx_buffer_free(&text);
}

void hpx_sheet_close(struct sheet *sheet)
{
    end_row(sheet);
    hpx_buffer_puts(sheet->out, sheet->dense ? "\n</pre></div>\n" : "</tbody></table></div>\n");
}
