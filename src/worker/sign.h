/* A sign: a small file by which one process tells others, on other machines too, how it stands. It is written again and
 * again, in place, and opened for each reading: on NFS what a file says is fresh when it is opened, while listings and
 * the times of files may be a minute old. So whoever waits for news reads signs, and opens of other files only those that
 * a sign has named. */
#ifndef HPX_SIGN_H
#define HPX_SIGN_H

#include "hpx/buffer.h"
#include "hpx/error.h"

#define HPX_SIGN_BYTES_MAX ((size_t)1 << 20)

/* Makes an empty one (mode 0600), unless it is there. */
hpx_status hpx_sign_make(const char *path, hpx_error *error);

/* Writes the text in place of what the sign said. Not synced: it is worth nothing after a crash. */
hpx_status hpx_sign_write(const char *path, const hpx_buffer *text, hpx_error *error);

/* What it says, in place of what `out` has. HPX_NOT_FOUND: nothing yet, or it is being written. */
hpx_status hpx_sign_read(hpx_buffer *out, const char *path, hpx_error *error);

#endif
