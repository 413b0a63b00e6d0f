/* What is stored that is most like a trajectory that is not: the reason why it has to be trained. */
#ifndef HPX_NEIGHBOURS_H
#define HPX_NEIGHBOURS_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/store.h"
#include "identity/experiment.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hpx_neighbours hpx_neighbours;

/* Of the trajectories of a store (NULL: an empty one, which must outlive it). `fixed` (may be NULL) are names
 * of manifest fields in which a neighbour must not differ; borrowed. The store is read once, when it is first
 * asked. */
hpx_neighbours *hpx_neighbours_new(hpx_store *store, const hpx_fields *fixed);
void hpx_neighbours_free(hpx_neighbours *neighbours); /* NULL is fine */

/* The neighbour that differs from the wanted manifest in the least: code and numerics weigh less than seeds,
 * those less than settings and data; of equals the one trained last. */
typedef struct hpx_neighbour {
    bool found;
    hpx_artifact artifact; /* its newest epoch */
    hpx_fields manifest;
} hpx_neighbour;

hpx_status hpx_neighbours_nearest(hpx_neighbour *out, hpx_neighbours *neighbours, const hpx_fields *wanted,
                                  hpx_error *error);
void hpx_neighbour_free(hpx_neighbour *neighbour);

/* The fields of a recipe's manifests that differ from cell to cell or from seed to seed, with any value. */
void hpx_neighbours_varying(hpx_fields *out, const hpx_experiment *experiment);

#endif
