/* Numbers into text and back in the C locale, whatever the process has set. */
#include "base/text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

int hpx_vprint(char *out, size_t size, const char *format, va_list args)
{
    const locale_t before =
        uselocale(newlocale(LC_ALL_MASK, "C", NULL)); /* glibc's own, which is not allocated */
    const int length = vsnprintf(out, size, format, args);
    uselocale(before);
    return length;
}

int hpx_print(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = hpx_vprint(out, size, format, args);
    va_end(args);
    return length;
}

double hpx_strtod(const char *text, char **end)
{
    return strtod_l(text, end, newlocale(LC_ALL_MASK, "C", NULL));
}
