#include "report/table.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hpx_table {
    char *alignment;
    size_t columns;
    size_t *widths;   /* by column: of the widest cell so far */
    bool *kept;       /* by column; an optional one, once it has something */
    hpx_buffer given; /* a cell as it was added */
    hpx_buffer text;  /* of the cells */
    struct cell {
        size_t at, size, width; /* its bytes there, and its columns on a terminal */
    } * cells;
    size_t count, capacity;
    bool passes;       /* rows are not kept, but */
    hpx_buffer *out;   /* printed here; NULL: only measured */
    size_t begin, end; /* these columns, beside the first one */
};

hpx_table *hpx_table_new(const char *alignment)
{
    hpx_table *table = hpx_alloc(sizeof *table);
    table->alignment = hpx_strdup(alignment);
    table->columns = strlen(alignment);
    table->widths = hpx_alloc(table->columns * sizeof *table->widths);
    table->kept = hpx_alloc(table->columns * sizeof *table->kept);
    for (size_t i = 0; i < table->columns; i++)
        table->kept[i] = islower((unsigned char)alignment[i]);
    return table;
}

void hpx_table_free(hpx_table *table)
{
    if (!table)
        return;
    hpx_buffer_free(&table->given);
    hpx_buffer_free(&table->text);
    free(table->cells);
    free(table->widths);
    free(table->kept);
    free(table->alignment);
    free(table);
}

static size_t columns_shown = SIZE_MAX;

void hpx_table_set_width(size_t columns)
{
    columns_shown = columns;
}

static void add_blanks(hpx_buffer *out, size_t count)
{
    hpx_buffer_reserve(out, count);
    memset(out->data + out->size, ' ', count);
    out->size += count;
}

/* The row that begins with this cell: the first column and those from `begin` up to `end`. */
static void print_row(hpx_buffer *out, const hpx_table *table, size_t row)
{
    size_t blanks = 0; /* owed before the next visible text, so that no line ends with some */
    for (size_t column = 0; column < table->end; column = column ? column + 1 : table->begin) {
        if (!table->kept[column])
            continue;
        const struct cell *cell = &table->cells[row + column];
        size_t padding = table->widths[column] - cell->width;
        if (column > 0)
            blanks += 2;
        if (tolower((unsigned char)table->alignment[column]) == 'r')
            blanks += padding;
        if (cell->size > 0) {
            add_blanks(out, blanks);
            hpx_buffer_add(out, table->text.data + cell->at, cell->size);
            blanks = 0;
        }
        if (tolower((unsigned char)table->alignment[column]) == 'l')
            blanks += padding;
    }
    hpx_buffer_puts(out, "\n");
    hpx_buffer_pass_on(out);
}

static void end_row(hpx_table *table)
{
    if (table->out)
        print_row(table->out, table, 0);
    table->count = table->text.size = 0;
}

void hpx_table_put(hpx_table *table, const void *bytes, size_t size)
{
    table->cells = hpx_grow(table->cells, &table->capacity, table->count + 1, sizeof *table->cells);
    struct cell *cell = &table->cells[table->count];
    cell->at = table->text.size;
    hpx_text_show(&table->text, bytes, size, "");
    cell->size = table->text.size - cell->at;
    cell->width = hpx_text_width(table->text.data + cell->at, cell->size);
    size_t *widest = &table->widths[table->count % table->columns];
    *widest = cell->width > *widest ? cell->width : *widest;
    if (++table->count % table->columns == 0 && table->passes)
        end_row(table);
}

void hpx_table_add(hpx_table *table, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    table->given.size = 0;
    hpx_buffer_vprintf(&table->given, format, args);
    va_end(args);
    hpx_table_put(table, table->given.data, table->given.size);
}

void hpx_table_keep(hpx_table *table, size_t column)
{
    table->kept[column] = true;
}

/* Where no optional column has anything, all are as good. */
static void keep_columns(hpx_table *table)
{
    bool any = false;
    for (size_t i = 0; i < table->columns; i++)
        any = any || (table->kept[i] && isupper((unsigned char)table->alignment[i]));
    for (size_t i = 0; i < table->columns && !any; i++)
        table->kept[i] = true;
}

static size_t width_with_gap(const hpx_table *table, size_t column)
{
    return table->kept[column] ? 2 + table->widths[column] : 0;
}

/* The next columns that fit beside the first one; false when there are no more. */
static bool next_columns(hpx_table *table)
{
    size_t width = table->widths[0], end = table->end ? table->end : 1;
    table->begin = end;
    if (table->end == 0)
        keep_columns(table);
    while (end < table->columns &&
           (end == table->begin || width + width_with_gap(table, end) <= columns_shown))
        width += width_with_gap(table, end++);
    const bool more = table->end == 0 || end > table->end;
    table->end = end;
    return more;
}

void hpx_table_print(hpx_buffer *out, hpx_table *table)
{
    table->end = 0;
    while (next_columns(table)) {
        if (table->begin > 1)
            hpx_buffer_puts(out, "\n");
        for (size_t row = 0; row < table->count; row += table->columns)
            print_row(out, table, row);
    }
}

void hpx_table_begin_passes(hpx_table *table)
{
    table->passes = true;
}

bool hpx_table_next_pass(hpx_table *table, hpx_buffer *out)
{
    assert(table->passes && table->count == 0);
    table->out = out;
    if (table->end > 0 && table->end < table->columns)
        hpx_buffer_puts(out, "\n");
    return next_columns(table);
}
