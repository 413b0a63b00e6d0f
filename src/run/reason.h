/* Why trials of a run are not hits, in words. */
#ifndef HPX_BUILD_REASON_H
#define HPX_BUILD_REASON_H

#include "ledger.h"

#include "identity/difference.h"
#include "identity/neighbours.h"

struct reasons {
    hpx_experiment *experiment;
    hpx_store *store;
    hpx_neighbours *neighbours; /* once there is something to explain */
    hpx_fields varying;
    hpx_sides sides;                /* of a program: those that the newest reason was about, */
    hpx_hash sides_hash;            /* and what they depend on */
    char other[HPX_CODE_HEX_BYTES]; /* a trainer whose results lack nothing but this one's; empty: none */
};

/* The reason for a trial that is to be trained; NULL where the store cannot be read. free() it. All manifests
 * are read once, and then for each trial those of its own cell and seed: for any number of trials the store
 * is read about twice. */
char *hpx_reason_for(struct reasons *reasons, const struct trial *trial);
void hpx_reasons_free(struct reasons *reasons);

#endif
