#include "report/table.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hpx_table {
    char *alignment;
    size_t columns;
    size_t *widths; /* by column: of the widest cell so far */
    char **cells;
    size_t count, capacity;
};

hpx_table *hpx_table_new(const char *alignment)
{
    hpx_table *table = hpx_alloc(sizeof *table);
    table->alignment = hpx_strdup(alignment);
    table->columns = strlen(alignment);
    table->widths = hpx_alloc(table->columns * sizeof *table->widths);
    return table;
}

void hpx_table_free(hpx_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table->widths);
    free(table->alignment);
    free(table);
}

/* Columns on a terminal: a UTF-8 sequence counts once. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

void hpx_table_add(hpx_table *table, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *given = hpx_vformat(format, args);
    va_end(args);
    hpx_buffer shown = {0};
    hpx_text_show(&shown, given, strlen(given), "");
    char *text = hpx_strdup(hpx_buffer_text(&shown));
    hpx_buffer_free(&shown);
    free(given);
    size_t width = width_of(text), *widest = &table->widths[table->count % table->columns];
    *widest = width > *widest ? width : *widest;
    table->cells = hpx_grow(table->cells, &table->capacity, table->count + 1, sizeof *table->cells);
    table->cells[table->count++] = text;
}

static size_t columns_shown = SIZE_MAX;

void hpx_table_set_width(size_t columns)
{
    columns_shown = columns;
}

/* One row: the first column and those from `begin` up to `end`. */
static void print_row(hpx_buffer *out, const hpx_table *table, char *const *cells, size_t begin, size_t end)
{
    size_t blanks = 0; /* owed before the next visible text, so that no line ends with some */
    for (size_t column = 0; column < end; column = column ? column + 1 : begin) {
        size_t padding = table->widths[column] - width_of(cells[column]);
        if (column > 0)
            blanks += 2;
        if (table->alignment[column] == 'r')
            blanks += padding;
        if (cells[column][0]) {
            hpx_buffer_printf(out, "%*s%s", (int)blanks, "", cells[column]);
            blanks = 0;
        }
        if (table->alignment[column] == 'l')
            blanks += padding;
    }
    hpx_buffer_puts(out, "\n");
}

/* A table too wide for what it is shown on goes on below, as many columns at a time as fit beside the first.
 */
void hpx_table_print(hpx_buffer *out, const hpx_table *table)
{
    size_t begin = 1, end = 1;
    do {
        size_t width = table->widths[0];
        while (end < table->columns && (end == begin || width + 2 + table->widths[end] <= columns_shown))
            width += 2 + table->widths[end++];
        if (begin > 1)
            hpx_buffer_puts(out, "\n");
        for (size_t row = 0; row < table->count; row += table->columns)
            print_row(out, table, table->cells + row, begin, end);
        begin = end;
    } while (end < table->columns);
}
