/* What a program prints, to standard output and standard error, bounded: the beginning and the end, and how much was between
 * them. */
#ifndef HPX_PROGRAM_LOG_H
#define HPX_PROGRAM_LOG_H

#include "hpx/buffer.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hpx_log hpx_log;

hpx_log *hpx_log_new(void);
void hpx_log_free(hpx_log *log); /* NULL is fine */

/* What comes from one stream in the middle of another's line begins a new one. */
void hpx_log_add(hpx_log *log, bool is_error, const void *bytes, size_t size);

/* The last line that is not blank of standard error, or else of standard output, as far as it fits; "" if there is none. */
const char *hpx_log_last_line(const hpx_log *log);

/* Appends all that is kept: at most HPX_LOG_BYTES_MAX. */
void hpx_log_text(hpx_buffer *out, const hpx_log *log);

#endif
