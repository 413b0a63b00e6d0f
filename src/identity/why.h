/* Why a trial is a hit or not: its verdict and, unless it is stored, the stored trajectory that is most like it. And the
 * trajectories of one cell, whatever code and machine trained them. */
#ifndef HPX_WHY_H
#define HPX_WHY_H

#include "hpx/buffer.h"
#include "hpx/code.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/store.h"
#include "hpx/verdict.h"
#include "identity/adoption.h"
#include "identity/difference.h"
#include "identity/experiment.h"
#include "identity/neighbours.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hpx_why {
    hpx_buffer pairs; /* of the cell */
    uint32_t seed, epochs;
    hpx_hash key;
    hpx_verdict verdict;
    uint32_t from;           /* EXTEND: the epoch to go on from */
    hpx_artifact stored;     /* under the key: the one that is hit, else the newest; epoch 0: none */
    hpx_neighbour nearest;   /* where nothing is stored under the key */
    hpx_fields wanted;       /* manifest */
    hpx_sides sides;         /* the nearest one, and the wanted */
    hpx_adoptions adoptions; /* all of the store */
} hpx_why;

/* `store` is the experiment's; NULL: an empty one. What is found is free()d also after an error. */
hpx_status hpx_why_find(hpx_why *out, hpx_experiment *experiment, hpx_store *store, uint32_t cell,
                        uint32_t seed, hpx_error *error);
void hpx_why_free(hpx_why *why);

/* The newest artifact of every trajectory that differs from the wanted ones in code and numerics alone; the oldest
 * first. */
typedef struct hpx_history {
    hpx_buffer pairs; /* of the cell; the artifacts borrow them */
    hpx_artifact *artifacts;
    size_t count, capacity;
} hpx_history;

hpx_status hpx_history_find(hpx_history *out, hpx_experiment *experiment, hpx_store *store, uint32_t cell,
                            const uint32_t *seeds, size_t seed_count, hpx_error *error);
void hpx_history_free(hpx_history *history);

#endif
