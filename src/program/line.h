/* What one line of a program says: a JSON object, or a line as people print it. Which epoch that is of, and whether it may
 * be, is for lines.h. */
#ifndef HPX_PROGRAM_LINE_H
#define HPX_PROGRAM_LINE_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/metrics.h"

#include <stdbool.h>
#include <stdint.h>

/* NAME REGEX pairs, as `match` of a recipe has them. */
typedef struct hpx_matches hpx_matches;

hpx_status hpx_matches_new(hpx_matches **out, const char *words, hpx_error *error);
void hpx_matches_free(hpx_matches *matches); /* NULL is fine */

#define HPX_LINE_BYTES_MAX ((size_t)1 << 20)

/* A zeroed struct is a line that says nothing; hpx_line_clear leaves it so, and keeps the memory. */
typedef struct hpx_line {
    bool has_epoch, has_step;
    uint32_t epoch;
    struct hpx_line_metric {
        char name[HPX_METRIC_NAME_MAX + 1];
        double value;
    } * metrics;
    size_t count, capacity;
    bool names_checkpoint, failed, stopped;
    hpx_buffer checkpoint, failure, reason; /* texts of what the program says; a reason may be empty */
    hpx_buffer ignored; /* the first value of it that can be no metric, and why; or empty */
} hpx_line;

void hpx_line_clear(hpx_line *line);
void hpx_line_free(hpx_line *line);

/* Reads a JSON object; false if the bytes are none. */
bool hpx_line_read_json(hpx_line *out, const char *bytes, size_t size);

/* Reads what a program prints: a JSON object, or pairs such as `name=number` or `name: number` alone, perhaps behind "Epoch
 * N"; or what `matches` find (NULL: nothing). False for a line without any of it, which is not for hpx. */
bool hpx_line_read_printed(hpx_line *out, const char *bytes, size_t size, const hpx_matches *matches);

#endif
