/* A first recipe for what a folder holds: a script of the user's, images, or nothing that is known. It is in the usual
 * layout, commented, and right as it is. */
#ifndef HPX_STARTER_H
#define HPX_STARTER_H

#include "hpx/buffer.h"
#include "hpx/error.h"

typedef struct hpx_starter {
    char *name;      /* of the recipe, in the folder: "train.rcp" */
    char *about;     /* what it is for: "a recipe for train.py" */
    hpx_buffer text; /* of the recipe */
} hpx_starter;

/* HPX_USAGE when there is no such folder. */
hpx_status hpx_starter_make(hpx_starter *out, const char *folder, hpx_error *error);
void hpx_starter_free(hpx_starter *starter);

#endif
