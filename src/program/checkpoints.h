/* When a program's checkpoint is taken: it must be what it was when its line was written, and programs overwrite theirs.
 *
 * While the program runs, that is known when the checkpoint changed before its line was written. The kernel's times have ticks
 * of some milliseconds; within one, the order of its notices (inotify) tells, for a file that is not in a further folder. The
 * checkpoint is copied when nothing was said for a moment, and counts if it did not change meanwhile. */
#ifndef HPX_PROGRAM_CHECKPOINTS_H
#define HPX_PROGRAM_CHECKPOINTS_H

#include "hpx/blob.h"
#include "hpx/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct hpx_checkpoints hpx_checkpoints;

/* `out` is HPX_OUT; `metrics` the file that lines are read from, or NULL. Both outlive it. */
hpx_checkpoints *hpx_checkpoints_new(const char *out, const char *metrics);
void hpx_checkpoints_free(hpx_checkpoints *checkpoints); /* NULL is fine */

/* The last line so far was written at that time, nanoseconds since 1970, and names a checkpoint of that epoch. The one before it
 * is forgotten. */
void hpx_checkpoints_note(hpx_checkpoints *checkpoints, uint32_t epoch, const char *name, int64_t written_ns);

/* When to take it: hpx_clock_seconds(), or INFINITY. */
double hpx_checkpoints_due(const hpx_checkpoints *checkpoints);

/* Takes the one noted, and forgets it. HPX_NOT_FOUND, with the reason, when it cannot be taken. */
hpx_status hpx_checkpoints_take(hpx_blob *out, uint32_t *epoch, hpx_checkpoints *checkpoints,
                                hpx_error *error);

/* After the program's end: takes this one if it has not changed since `written_ns` (INT64_MAX: whatever it is now), or is the
 * one noted. Errors as hpx_checkpoints_take. */
hpx_status hpx_checkpoints_take_last(hpx_blob *out, hpx_checkpoints *checkpoints, uint32_t epoch,
                                     const char *name, int64_t written_ns, hpx_error *error);

#endif
