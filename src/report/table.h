/* A table of text: cells are added row by row and printed in aligned columns. */
#ifndef HPX_TABLE_H
#define HPX_TABLE_H

#include "hpx/buffer.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hpx_table hpx_table;

/* One character per column: 'l' left, 'r' right; 'L' and 'R' likewise for a column that is left out unless it is kept,
 * where another one of these is. */
hpx_table *hpx_table_new(const char *alignment);
void hpx_table_free(hpx_table *table); /* NULL is fine */

/* Cells fill a row from left to right; the first row is the header. What is not visible is shown with
 * escapes, so that a cell is one line. */
void hpx_table_put(hpx_table *table, const void *cell, size_t size);
void hpx_table_add(hpx_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

void hpx_table_keep(hpx_table *table, size_t column);

/* Appends the table; columns are two blanks apart and lines have none at their end. Columns that do not fit
 * into the width follow below, beside the first one again. */
void hpx_table_print(hpx_buffer *out, hpx_table *table);

/* A table of so many rows that they shall not be kept. All of them are added once to be measured, and once more for
 * each pass that prints them, while hpx_table_next_pass says that there is one. `out` is passed on between rows. */
void hpx_table_begin_passes(hpx_table *table);
bool hpx_table_next_pass(hpx_table *table, hpx_buffer *out);

void hpx_table_set_width(size_t columns); /* of what all tables are shown on; at first SIZE_MAX: no limit */

#endif
