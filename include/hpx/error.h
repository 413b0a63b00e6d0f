/* How calls fail. Every fallible call returns a status and fills the caller's error object: whoever detects
 * the failure words it, everybody above passes it on, and only cli/ prints it and turns it into an exit
 * code. */
#ifndef HPX_ERROR_H
#define HPX_ERROR_H

#include "hpx.h" /* hpx_status and hpx_error are what users of the library see, too */

#include <stdarg.h>

/* Fill `error` and return `status`, so that a caller can `return hpx_error_set(...)`. A message that does not
 * fit is cut. The arguments may point into error->message. */
hpx_status hpx_error_set(hpx_error *error, hpx_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As hpx_error_set, followed by ": " and the text of errno. */
hpx_status hpx_error_errno(hpx_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "WHAT: " before the message already there; returns its status. */
hpx_status hpx_error_prefix(hpx_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
