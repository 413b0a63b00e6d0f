/* The workers of a pool, all of them played by one thread: they take jobs, train nothing, and write results as real ones do. */
#ifndef HPX_TEST_FLEET_H
#define HPX_TEST_FLEET_H

#include "worker/launcher.h"

struct fleet;

/* Workers of the folder `pool`, as many as its launcher is asked for. */
struct fleet *fleet_new(const char *pool);
hpx_launcher *fleet_launcher(struct fleet *fleet);

/* After the build: what went wrong in it, or NULL. */
const char *fleet_free(struct fleet *fleet);

/* A trainer of such trials: model `idle`, settings `across` and `down`, metric `score`, one epoch. Its workers are a fleet alone. */
void fleet_add_trainer(void);

#endif
