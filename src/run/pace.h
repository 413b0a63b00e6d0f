/* How long training takes: seconds for so much cost (hpx_cost), by what has been trained. */
#ifndef HPX_BUILD_PACE_H
#define HPX_BUILD_PACE_H

#include "ledger.h"

#include "hpx/store.h"

#include <stdbool.h>
#include <stddef.h>

#define PACES_MAX 64

/* Small networks take longer for a multiplication than large ones, so an epoch is compared with the one whose
 * cost is nearest. */
struct pace {
    struct {
        double cost, seconds; /* of an epoch */
    } epochs[PACES_MAX];
    size_t count;
    bool calibrated; /* by a training that was made for it */
};

/* From the trials that have results; where none has, from the checkpoints that trials would continue; else
 * from whatever the store has (NULL: nothing) of the recipe's trainer, or of its program's command, this host's
 * rather than others'; else, where a trial is to be trained, from two short trainings of random images, which
 * take part of a second and are not stored: of a program, nothing is known. */
void hpx_pace_find(struct pace *pace, const struct ledger *ledger, hpx_store *store);

/* Of an epoch of this cost; NaN: nothing is known. */
double hpx_pace_seconds(const struct pace *pace, uint64_t epoch_cost);

#endif
