#include "hpx/error.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

hpx_status hpx_error_set(hpx_error *error, hpx_status status, const char *format, ...)
{
    char text[HPX_ERROR_BYTES];
    va_list args;
    va_start(args, format);
    hpx_vprint(text, sizeof text, format, args);
    va_end(args);
    error->status = status;
    memcpy(error->message, text, strlen(text) + 1);
    return status;
}

hpx_status hpx_error_errno(hpx_error *error, const char *format, ...)
{
    const char *reason = strerror(errno);
    char text[HPX_ERROR_BYTES];
    va_list args;
    va_start(args, format);
    hpx_vprint(text, sizeof text, format, args);
    va_end(args);
    return hpx_error_set(error, HPX_FAILED, "%s: %s", text, reason);
}

hpx_status hpx_error_prefix(hpx_error *error, const char *format, ...)
{
    char text[HPX_ERROR_BYTES];
    va_list args;
    va_start(args, format);
    hpx_vprint(text, sizeof text, format, args);
    va_end(args);
    return hpx_error_set(error, error->status, "%s: %s", text, error->message);
}
