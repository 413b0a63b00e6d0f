/* Watching a program while it runs: what it says and prints is read as it comes, limits are kept, and when it has ended so have
 * all processes that it started. */
#ifndef HPX_PROGRAM_WATCH_H
#define HPX_PROGRAM_WATCH_H

#include "lines.h"
#include "log.h"

#include "hpx/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum hpx_end {
    HPX_END_ITSELF, /* it ended by itself: `how` is its wait status */
    HPX_END_TIME,   /* it was ended: its time was up */
    HPX_END_MEMORY,
    HPX_END_DISK,
    HPX_END_STOPPED, /* nobody wants it any more */
    HPX_END_CALLER,  /* a call said so */
} hpx_end;

#define HPX_DISK_LEFT_BYTES ((uint64_t)256 << 20) /* less than that is a full disk */

typedef struct hpx_watch {
    pid_t program;
    int output[2]; /* the pipes of standard output and standard error, which are not waited for */
    int metrics;   /* the file of lines, to be read; -1: lines come from standard output */
    const char *metrics_path;
    bool printed;         /* that file is standard output, and goes to the log, too */
    int children, stop;   /* of hpx_processes_watch; what hangs up when it is to end, or -1 */
    double end;           /* hpx_clock_seconds() at which its time is up; INFINITY: never */
    uint64_t memory;      /* how much it may use; 0: any */
    const char *disks[2]; /* folders whose file systems must not be full */
    double grace;         /* from SIGTERM to SIGKILL */
    hpx_log *log;
    hpx_lines *lines;

    /* Called after lines have been read; the last one was written at that time. And when it is due, hpx_clock_seconds() or
     * INFINITY. Anything but HPX_OK ends the program. */
    hpx_status (*on_lines)(void *context, int64_t written_ns, hpx_error *error);
    hpx_status (*on_due)(void *context, hpx_error *error);
    double (*due)(void *context);
    void *context;

    int how;             /* its wait status */
    int64_t written_ns;  /* of the last line */
    uint64_t used;       /* memory, when that was too much */
    const char *misused; /* what it did with the file of lines that cannot be read any more; NULL: nothing */

    /* Its own. */
    bool ended, more;
    uint64_t at, dropped; /* in the file of lines */
    int notices;
    double next_memory, next_disk;
} hpx_watch;

/* Returns when all is over and read. `error` is filled with HPX_END_CALLER. */
hpx_end hpx_watch_program(hpx_watch *watch, hpx_error *error);

/* The folder of these whose file system is full; NULL: none. */
const char *hpx_watch_full_disk(const hpx_watch *watch);

#endif
