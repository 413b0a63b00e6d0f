/* How calls fail. Every fallible call returns a status and fills the caller's error object: whoever detects
 * the failure words it, everybody above passes it on, and only cli/ prints it and turns it into an exit
 * code. */
#ifndef HPX_ERROR_H
#define HPX_ERROR_H

#include <stdarg.h>

typedef enum hpx_status {
    HPX_OK = 0,
    HPX_FAILED,      /* something failed: input or output, a fetch, a trial */
    HPX_USAGE,       /* the command line or the recipe is wrong */
    HPX_NOT_FOUND,   /* what was asked for does not exist */
    HPX_DAMAGED,     /* stored bytes do not match the hash stored with them */
    HPX_DIFFERS,     /* two different outputs for one key */
    HPX_INTERRUPTED, /* the user asked to stop */
    HPX_NO_MEMORY,   /* a training needs more memory than can be had now */
} hpx_status;

#define HPX_ERROR_BYTES 16384 /* room for all the mistakes of a recipe */

/* The first line of `message` is whole in itself; further lines, if any, quote the place, and may tell of
 * other mistakes in the same way. No newline at the end. */
typedef struct hpx_error {
    hpx_status status;
    char message[HPX_ERROR_BYTES];
} hpx_error;

/* Fill `error` and return `status`, so that a caller can `return hpx_error_set(...)`. A message that does not
 * fit is cut. The arguments may point into error->message. */
hpx_status hpx_error_set(hpx_error *error, hpx_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As hpx_error_set, followed by ": " and the text of errno. */
hpx_status hpx_error_errno(hpx_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "WHAT: " before the message already there; returns its status. */
hpx_status hpx_error_prefix(hpx_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
