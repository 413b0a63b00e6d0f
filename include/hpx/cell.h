/* A cell: the values of some axes, in the order of a recipe. The struct borrows its bytes and is copied like
 * a number; a zeroed one has no axes. */
#ifndef HPX_CELL_H
#define HPX_CELL_H

#include "hpx/buffer.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hpx_cell {
    const char *pairs; /* axis NUL value NUL, of one axis after the other */
    size_t size;
} hpx_cell;

/* Appends one axis and its value to the pairs of a cell; hpx_cell_of borrows them as one. */
void hpx_cell_add(hpx_buffer *pairs, const char *axis, const char *value);
hpx_cell hpx_cell_of(const hpx_buffer *pairs);

bool hpx_cell_equal(const hpx_cell *a, const hpx_cell *b); /* with the axes in the same order */

/* Whether these bytes are the pairs of a cell: whole ones, in UTF-8, each axis with a name of its own. */
bool hpx_cell_is_whole(const void *pairs, size_t size);

/* Walks the axes: *at begins at 0; false at the end. */
bool hpx_cell_next(size_t *at, const char **axis, const char **value, const hpx_cell *cell);

/* The value of an axis; NULL if it is not there. */
const char *hpx_cell_value(const hpx_cell *cell, const char *axis);

/* The cell as people read it: n1=128 data="two words". Appends it, or free() it. */
void hpx_cell_print(hpx_buffer *out, const hpx_cell *cell);
char *hpx_cell_text(const hpx_cell *cell);

/* A set that owns cells: many results have the same one. Keeping a cell gives it bytes that last until the
 * set is freed. */
typedef struct hpx_cell_set hpx_cell_set;
hpx_cell_set *hpx_cell_set_new(void);
void hpx_cell_set_free(hpx_cell_set *cells); /* NULL is fine */
hpx_cell hpx_cell_set_keep(hpx_cell_set *cells, const hpx_cell *cell);

/* Appends the pairs of a printed cell. What follows the last whole one is left out. */
void hpx_cell_parse(hpx_buffer *pairs, const char *text);

#endif
