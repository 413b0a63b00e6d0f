/* Why trials of a run are not hits, in words. */
#ifndef HPX_BUILD_REASON_H
#define HPX_BUILD_REASON_H

#include "ledger.h"

#include "hpx/code.h"
#include "hpx/neighbours.h"

struct reasons {
    hpx_experiment *experiment;
    hpx_store *store;
    hpx_neighbours *neighbours; /* once there is something to explain */
    hpx_fields varying;
    size_t given;
    char other[HPX_CODE_HEX_BYTES]; /* a trainer whose results lack nothing but this one's; empty: none */
};

/* The reason for a trial that is to be trained; NULL, where nobody can say or too many were asked for. free()
 * it. */
char *reason_for(struct reasons *reasons, const struct trial *trial, const hpx_buffer *manifest);
void reasons_free(struct reasons *reasons);

#endif
