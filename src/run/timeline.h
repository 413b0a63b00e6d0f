/* Which slot of a build was busy with which trial, from when to when: what the log of builds keeps. */
#ifndef HPX_RUN_TIMELINE_H
#define HPX_RUN_TIMELINE_H

#include "hpx/hash.h"
#include "hpx/store.h"
#include "hpx/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed, it is empty. */
struct timeline {
    hpx_build_span *running; /* by slot; `end_ns` 0: the slot is busy */
    size_t slots, slot_capacity;
    hpx_build_span *done; /* in the order in which they ended */
    size_t count, capacity;
};

/* A job begins in the first free slot, from this epoch on. */
void hpx_timeline_start(struct timeline *timeline, const hpx_hash *key, hpx_verdict verdict, bool speculative,
                        uint32_t from);
/* The trial's job ends, this epoch its last one; nothing happens if none runs. */
void hpx_timeline_end(struct timeline *timeline, const hpx_hash *key, uint32_t to);
void hpx_timeline_free(struct timeline *timeline);

#endif
