/* The workers of a pool, all of them played by one thread: they take jobs, train nothing, and write results as real ones do. */
#ifndef HPX_TEST_FLEET_H
#define HPX_TEST_FLEET_H

#include "worker/launcher.h"

#include <stddef.h>

/* An engine whose workers are played: it has all that were asked for, and nothing is to be taken back. `place` is its caller's. */
hpx_launcher played_engine(hpx_status (*place)(hpx_launcher *launcher, const char *name, size_t count,
                                               hpx_error *error));

struct fleet;

/* Workers of the folder `pool`, as many as its launcher is asked for. */
struct fleet *fleet_new(const char *pool);
hpx_launcher *fleet_launcher(struct fleet *fleet);

/* After the build: what went wrong in it, or NULL. */
const char *fleet_free(struct fleet *fleet);

/* A trainer of such trials: model `idle`, settings `across` and `down`, metric `score`, one epoch. Its workers are a fleet alone. */
void fleet_add_trainer(void);

/* A recipe of it with so many trials: a grid of cells. free() it. */
char *fleet_recipe(size_t across, size_t down);

/* Bytes of this process, which is the owner, that are in memory and of no file. */
size_t owner_memory(void);

#endif
