/* A store that others share, as a build sees it: where results may be that its own store lacks, and where those go that it has
 * made. Nothing of it fails: what is not there, or cannot be had in time, is trained. */
#ifndef HPX_RUN_SHARED_H
#define HPX_RUN_SHARED_H

#include "hpx/buffer.h"
#include "hpx/hash.h"

#include <stddef.h>
#include <stdint.h>

typedef struct hpx_shared hpx_shared;

struct hpx_shared {
    /* So many epochs of a trajectory are wanted: it is looked for from now on, beside what the build does. */
    void (*want)(hpx_shared *shared, const hpx_buffer *manifest, uint32_t epochs);
    /* Waits until all that is wanted has been looked for, as long as it may. What was found is in the store then. */
    void (*settle)(hpx_shared *shared);

    /* The store has something of a trajectory that others may lack. */
    void (*offer)(hpx_shared *shared, const hpx_hash *key);
    void (*turn)(hpx_shared *shared);   /* goes on with what is offered, without waiting */
    void (*finish)(hpx_shared *shared); /* waits for the rest of it */

    void (*close)(hpx_shared *shared); /* and frees it; not the build's to call */

    size_t pulled, pushed; /* trajectories */
};

#endif
