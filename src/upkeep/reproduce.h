/* Trains one result again, by this binary or by the very code that made it, and compares every epoch, bit for bit. */
#ifndef HPX_REPRODUCE_H
#define HPX_REPRODUCE_H

#include "hpx/buffer.h"
#include "hpx/code.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/store.h"
#include "identity/provenance.h"
#include "upkeep/rebuild.h"

#include <signal.h>
#include <stdbool.h>

typedef struct hpx_reproduce_options {
    const char *program; /* run as `program worker` */
    bool at_code;        /* by the code that made it: its stored sources, built in a temporary folder */
    bool trust;          /* also code that came by an import */
    const char *folder;  /* of fetched and unpacked data sets */
    const volatile sig_atomic_t *interrupted; /* may be NULL */
} hpx_reproduce_options;

typedef struct hpx_reproduced {
    hpx_trajectory trajectory; /* as stored; cells are borrowed until the store is closed */
    hpx_fields manifest;       /* as it was trained now: another one by other code or on another machine */
    hpx_rebuilt rebuilt;       /* same or different; `newest` and `why` are NULL */
    bool at_code;
    bool change_known;
    hpx_code_change change; /* if known: from the code that made it to this binary's; not at_code */
    hpx_buffer
        untrusted; /* after HPX_FAILED: code that came by an import and was not run, to be read first */
} hpx_reproduced;

/* Whose key begins with these hexadecimal digits: errors as of hpx_trajectory_read. HPX_OK also when outputs differ; a
 * second output is kept if the store is open for writing. HPX_FAILED when it cannot be trained, or its code does not
 * build. What is there is free()d also after an error. */
hpx_status hpx_reproduce(hpx_reproduced *out, hpx_store *store, const char *prefix,
                         const hpx_reproduce_options *options, hpx_error *error);
void hpx_reproduced_free(hpx_reproduced *reproduced);

/* The same for a trajectory that this binary has trained again already. */
hpx_status hpx_reproduced_from(hpx_reproduced *out, hpx_store *store, const hpx_hash *key,
                               const hpx_rebuilt *rebuilt, hpx_error *error);

#endif
