/* A walk over the files and folders of a checkpoint, which a program may change meanwhile: no link is followed, and nothing but
 * files and folders is opened. */
#ifndef HPX_PROGRAM_WALK_H
#define HPX_PROGRAM_WALK_H

#include "hpx/error.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Called for a file or a folder, which is open, with its name below the folder where the walk began: a folder before what it
 * holds, and that in the order of names. */
typedef hpx_status hpx_visit_fn(void *context, const char *name, int fd, const struct stat *info,
                                hpx_error *error);

typedef struct hpx_walk {
    hpx_visit_fn *visit;
    void *context;
    bool reads; /* files are opened to be read, and not only looked at */
} hpx_walk;

#define HPX_WALK_DEPTH_MAX 64 /* of folders in each other */

/* Walks the file or folder of that name below `folder`. HPX_NOT_FOUND, with the reason, when there is none, or when it is or
 * holds anything else. */
hpx_status hpx_walk_checkpoint(const char *folder, const char *name, const hpx_walk *walk, hpx_error *error);

/* HPX_NOT_FOUND: it cannot be taken. */
hpx_status hpx_walk_refuse(const char *name, const char *why, hpx_error *error);

#endif
