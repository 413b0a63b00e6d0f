/* What the lines that a program has printed are to hpx, for who asks why its metrics are not there. */
#ifndef HPX_PROGRAM_PRINTED_H
#define HPX_PROGRAM_PRINTED_H

#include "hpx/metrics.h"

#include <stddef.h>

#define HPX_UNREAD_MAX        8
#define HPX_UNREAD_LINE_BYTES 80

/* What looks like a metric and is not read: the first line with it, and what `match` needs so that it is. */
typedef struct hpx_unread {
    char name[HPX_METRIC_NAME_MAX + 1];
    char regex[4 * HPX_METRIC_NAME_MAX];
    char line[HPX_UNREAD_LINE_BYTES + 1]; /* its beginning */
} hpx_unread;

/* Of the lines that metrics = stdout reads: how many as JSON, as pairs, by `match`. And what else there is. */
typedef struct hpx_printed {
    size_t objects, pairs, matched;
    hpx_unread unread[HPX_UNREAD_MAX]; /* each name once */
    size_t unread_count;
} hpx_printed;

/* `match` has NAME REGEX pairs, written as words; NULL: none. */
void hpx_printed_look(hpx_printed *out, const void *text, size_t size, const char *match);

#endif
