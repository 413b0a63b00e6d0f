/* What a program says while it runs, line by line, and the epochs that this makes.
 *
 * Lines of one epoch are merged. An epoch is complete when a line of a later one has been read, or when the program has ended.
 * A line with `step` and no `epoch` counts for nothing; one with neither begins the next epoch, unless the newest one has
 * been named and has no metrics yet, or the line has none. A last line without its end is not read. */
#ifndef HPX_PROGRAM_LINES_H
#define HPX_PROGRAM_LINES_H

#include "hpx/error.h"
#include "hpx/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hpx_lines hpx_lines;

/* Takes a complete epoch. `told` is hpx_clock_seconds() of its last line. */
typedef void hpx_told_fn(void *context, uint32_t epoch, const hpx_metrics *metrics, double told);

typedef struct hpx_lines_options {
    bool printed; /* lines that a program prints, of which most are not for hpx; else all are JSON objects */
    const char *match; /* NAME REGEX pairs, written as words; NULL: none */
    bool continues;    /* epochs from+1 .. to, without gaps; else whatever is told is of epoch `to` */
    uint32_t from, to;
    hpx_told_fn *on_epoch;
    void *context;
} hpx_lines_options;

/* How far it is. Texts are borrowed until more is added, those of how it ends until the lines are freed. */
typedef struct hpx_lines_state {
    uint32_t newest;        /* epoch that is told of; `from`: none yet */
    uint32_t own;           /* the number that the program has for it; 0: none */
    hpx_metrics metrics;    /* its own so far */
    uint64_t changes;       /* how many lines have changed these */
    const char *checkpoint; /* the one named last; NULL: none */
    uint32_t checkpoint_epoch;
    uint64_t checkpoint_change; /* `changes` by the time it was named */
    bool checkpoint_is_last;    /* by the last whole line */
    const char *failure;        /* why the training failed; NULL: it did not */
    uint32_t failure_epoch;
    const char *stopped;  /* why it ended early, with the newest epoch; NULL: it did not */
    const char *broken;   /* why these cannot be the lines of such a training; NULL: they can */
    const char *warnings; /* lines about what was ignored, one of each kind; "" if there is nothing */
} hpx_lines_state;

hpx_status hpx_lines_new(hpx_lines **out, const hpx_lines_options *options, hpx_error *error);
void hpx_lines_free(hpx_lines *lines); /* NULL is fine */

void hpx_lines_add(hpx_lines *lines, const void *bytes, size_t size);
void hpx_lines_end(hpx_lines *lines); /* the program has ended: the newest epoch is complete */
hpx_lines_state hpx_lines_state_of(hpx_lines *lines);

/* Whether a metric of that name has been told in any epoch. */
bool hpx_lines_has(const hpx_lines *lines, const char *name);

#endif
