/* The scratch folder and its two folders. */
#ifndef HPX_PROGRAM_SCRATCH_H
#define HPX_PROGRAM_SCRATCH_H

#include "copy.h"
#include "hpx/error.h"

#define COPIES "copies"

/* Behind the name of a snapshot that is being made: ".tmp.", the process and a number. */
#define UNFINISHED ".tmp."

/* Behind that of a copy: its lock. */
#define LOCK ".lock"

/* Opens a folder of the scratch folder, and makes it if need be. */
hpx_status hpx_scratch_open(int *out, const char *scratch, const char *name, hpx_error *error);

/* Removes the copies in the open folder whose processes have ended. */
void hpx_scratch_remove_dead_copies(int copies);

#endif
