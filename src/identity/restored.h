/* Stored results of programs, to be trained again: by the code that is stored with them, on the data where it was last seen, in
 * the conditions in which they were made. */
#ifndef HPX_RESTORED_H
#define HPX_RESTORED_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/store.h"

#include <stdbool.h>

typedef struct hpx_restored hpx_restored;

/* `trust`: also code that came by an import. */
hpx_restored *hpx_restored_new(hpx_store *store, bool trust);
void hpx_restored_free(hpx_restored *restored); /* NULL is fine */

/* Adds the conditions of a job that trains the artifact again, and makes what they name. In the manifest versions become what
 * they are here and now. HPX_NOT_FOUND, with why, when code or data are not to be had, or may not be run. */
hpx_status hpx_restored_conditions(hpx_fields *conditions, hpx_fields *manifest, hpx_restored *restored,
                                   const hpx_artifact *artifact, hpx_error *error);

#endif
