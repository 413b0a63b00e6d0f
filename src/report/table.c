#include "hpx/table.h"

#include "hpx/memory.h"
#include "hpx/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hpx_table {
    const char *alignment;
    size_t columns;
    size_t *widths; /* by column: of the widest cell so far */
    char **cells;
    size_t count, capacity;
};

hpx_table *hpx_table_new(const char *alignment)
{
    hpx_table *table = hpx_alloc(sizeof *table);
    table->alignment = alignment;
    table->columns = strlen(alignment);
    table->widths = hpx_alloc(table->columns * sizeof *table->widths);
    return table;
}

void hpx_table_free(hpx_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table->widths);
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

void hpx_table_print(hpx_buffer *out, const hpx_table *table)
{
    size_t blanks = 0; /* owed before the next visible text, so that no line ends with some */
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;
        size_t padding = table->widths[column] - width_of(table->cells[i]);
        if (column > 0)
            blanks += 2;
        if (table->alignment[column] == 'r')
            blanks += padding;
        if (table->cells[i][0]) {
            hpx_buffer_printf(out, "%*s%s", (int)blanks, "", table->cells[i]);
            blanks = 0;
        }
        if (table->alignment[column] == 'l')
            blanks += padding;
        if (column + 1 == table->columns) {
            hpx_buffer_puts(out, "\n");
            blanks = 0;
        }
    }
}
