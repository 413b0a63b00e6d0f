/* Reads the log of strace(1): which files a program asked for, and which of them it got.
 *
 * The log is of `strace -f -y -q -e trace=%file,fchdir -o FILE`: a line for each call, with the process first and the path of
 * each descriptor behind it. A call during which other processes made theirs is parted into two lines:
 *
 *     17 openat(AT_FDCWD</home/u>, "a b\n\303\274.py", O_RDONLY|O_CLOEXEC) = 3</home/u/a b\n\303\274.py>
 *     17 openat(5</data>, "x", O_RDONLY <unfinished ...>
 *     18 access("local.yaml", R_OK) = -1 ENOENT (No such file or directory)
 *     17 <... openat resumed>) = 6</data/x> */
#ifndef HPX_STRACE_H
#define HPX_STRACE_H

#include "hpx/error.h"

#include <stddef.h>

/* The options that make such a log, NULL at the end. With -D the program is what was started, and strace looks on from aside:
 * so all else is as without it, and what the program leaves running ends as it would. */
extern const char *const hpx_strace_options[];

typedef enum hpx_access {
    HPX_ACCESS_READ,    /* opened, or run as a program */
    HPX_ACCESS_WRITTEN, /* made or replaced, by this program then */
    HPX_ACCESS_MISSED,  /* there is none of that name */
} hpx_access;

/* `asked` is the absolute path that the program meant, without "." and ".."; `found` what links on the way led to, as far as
 * the log tells, else the same. Both are borrowed. */
typedef void hpx_access_fn(void *context, hpx_access access, const char *asked, const char *found);

typedef struct hpx_strace hpx_strace;

/* `folder` is where the first process began. */
hpx_strace *hpx_strace_new(const char *folder, hpx_access_fn *each, void *context);
void hpx_strace_free(hpx_strace *strace); /* NULL is fine */

/* One line, without its end. What is no call of such a log is passed over. */
void hpx_strace_line(hpx_strace *strace, const char *line, size_t size);

/* All lines of a file. HPX_FAILED when it cannot be read. */
hpx_status hpx_strace_read(hpx_strace *strace, const char *path, hpx_error *error);

#endif
