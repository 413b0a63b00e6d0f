/* What is drawn with characters alone: levels of a value, and a sparkline, which shows a series in one line of text. */
#ifndef HPX_SPARK_H
#define HPX_SPARK_H

#include "hpx/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* What is drawn on. */
typedef struct hpx_screen {
    size_t columns, rows;
    bool utf8;   /* it shows more than ASCII */
    bool colour; /* escape sequences may set one; what it says the characters say, too */
} hpx_screen;

enum { HPX_LEVELS = 8 };

/* The character of a level, from 0 to HPX_LEVELS - 1: a bar of that height, or a digit from 1 to 8. */
const char *hpx_level_text(size_t level, bool utf8);

/* The level of a value between `low` and `high`; beyond them it is that of the end. The top one where they are equal. */
size_t hpx_level_of(double value, double low, double high);

/* Appends a series, one character for each value, from the least to the greatest of them; "x" where a value is not finite.
 * Where there are more than `width`, a character stands for a run of values, and shows the last. */
void hpx_spark(hpx_buffer *out, const double *values, size_t count, size_t width, bool utf8);

#endif
