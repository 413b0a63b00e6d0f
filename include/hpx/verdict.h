/* What a trial takes, by what the store holds. */
#ifndef HPX_VERDICT_H
#define HPX_VERDICT_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/hash.h"
#include "hpx/store.h"

#include <stdint.h>

typedef enum hpx_verdict {
    HPX_HIT,    /* stored */
    HPX_EXTEND, /* continued from a stored checkpoint */
    HPX_TRAIN,  /* from the first epoch */
    HPX_VERDICTS,
} hpx_verdict;

extern const char *const hpx_verdict_names[HPX_VERDICTS]; /* "hit" "extend" "train" */

/* The verdict on one trial: HPX_HIT and the artifact (hpx_store_find), HPX_EXTEND and the epoch to go on
 * `from`, or HPX_TRAIN (from 0). The store may be NULL: an empty one. */
hpx_status hpx_verdict_find(hpx_verdict *verdict, uint32_t *from, hpx_artifact *hit, hpx_store *store,
                            const hpx_hash *key, const hpx_buffer *manifest, uint32_t epochs,
                            hpx_error *error);

#endif
