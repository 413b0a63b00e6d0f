/* Records as others may know them: without the names of hosts, and of code without patch and sources. So a record of code has
 * another id. */
#ifndef HPX_STORE_DISCREET_H
#define HPX_STORE_DISCREET_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/hash.h"
#include "hpx/store.h"

struct discreet_code {
    hpx_hash id, renamed;
    hpx_buffer bytes;
};

struct discreet {
    struct discreet_code *codes;
    size_t count, capacity;
};

void hpx_discreet_free(struct discreet *discreet);

/* Takes a record of code. HPX_DAMAGED for bytes that are none. */
hpx_status hpx_discreet_add(struct discreet *discreet, const hpx_hash *id, const uint8_t *bytes, size_t size,
                            hpx_error *error);
void hpx_discreet_sort(struct discreet *discreet); /* by the ids that they have now */

/* The artifact of one of these codes; what it points to is borrowed. */
hpx_artifact hpx_discreet_artifact(const struct discreet *discreet, const hpx_artifact *artifact);

#endif
