/* Cells as text, for people and for records: n1=128 data="two words". As in a recipe, a name holds neither
 * blanks nor
 * '=', and a value no quote. */
#ifndef HPX_CELL_H
#define HPX_CELL_H

#include "hpx/buffer.h"

#include <stdbool.h>

/* Adds one axis and its value. */
void hpx_cell_add(hpx_buffer *out, const char *axis, const char *value);

/* Takes the next axis and its value off the text at *at, which may be cut off anywhere; false at its end.
 * free() both. */
bool hpx_cell_next(const char **at, char **axis, char **value);

/* The value of an axis; false if it is not there. free() *value. */
bool hpx_cell_value(char **value, const char *cell, const char *axis);

#endif
