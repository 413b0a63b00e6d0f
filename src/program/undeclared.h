/* What a program missed in its copy, as far as its own words tell. */
#ifndef HPX_PROGRAM_UNDECLARED_H
#define HPX_PROGRAM_UNDECLARED_H

#include "hpx/buffer.h"

#include <stddef.h>

typedef struct undeclared_places {
    const char *copy, *work; /* the recipe's folder in the copy and in the work tree */
    char **folders;          /* where modules may be: folders below these two, "" first, or above: "../" */
    size_t folder_count;
} undeclared_places;

/* Appends lines as hpx_copy_undeclared has them. */
void hpx_undeclared_find(hpx_buffer *out, const undeclared_places *places, const void *output, size_t size);

#endif
