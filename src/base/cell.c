#include "hpx/cell.h"

#include "hpx/memory.h"

#include <stdlib.h>
#include <string.h>

void hpx_cell_add(hpx_buffer *out, const char *axis, const char *value)
{
    const char *quote = !*value || strpbrk(value, " \t") ? "\"" : "";
    hpx_buffer_printf(out, "%s%s=%s%s%s", out->size > 0 ? " " : "", axis, quote, value, quote);
}

bool hpx_cell_next(const char **at, char **axis, char **value)
{
    *at += strspn(*at, " ");
    const size_t split = strcspn(*at, "= ");
    if (split == 0 || (*at)[split] != '=')
        return false;
    const char *start = *at + split + 1;
    const bool quoted = *start == '"';
    start += quoted;
    const size_t length = strcspn(start, quoted ? "\"" : " ");
    *axis = hpx_strndup(*at, split);
    *value = hpx_strndup(start, length);
    *at = start + length + (quoted && start[length]);
    return true;
}

bool hpx_cell_value(char **value, const char *cell, const char *axis)
{
    char *name;
    while (hpx_cell_next(&cell, &name, value)) {
        const bool found = strcmp(name, axis) == 0;
        free(name);
        if (found)
            return true;
        free(*value);
    }
    return false;
}
