/* The part of an adoption that chooses: which trajectories, trained again, stand for which others. */
#ifndef HPX_BUILD_SAMPLE_H
#define HPX_BUILD_SAMPLE_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/hash.h"
#include "hpx/store.h"
#include "hpx/trainer.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whose a trajectory is, by its manifest. */
enum owner { NOBODY, MINE, THEIRS };

struct trajectory {
    hpx_hash key, dataset;
    enum owner owner;
    uint32_t to; /* the newest epoch that another trainer made: what this one made proves nothing; 0: none */
    hpx_metrics metrics; /* of that epoch; its own */
    bool failed;         /* in that epoch */
    uint64_t cost;       /* of training to there; UINT64_MAX: unknown */
    uint32_t equal;      /* epochs that both trainers have stored, with one output */
    bool proven;         /* the epoch `to` is among them */
    bool covered;        /* if the sample is equal, so is this one */
    bool chosen;         /* of the sample, to be trained again */
};

struct sample_options {
    hpx_store *store;
    const char *folder;                       /* of fetched and unpacked data sets */
    size_t least;                             /* in the sample, if there are so many */
    const volatile sig_atomic_t *interrupted; /* may be NULL */
};

/* Says for each of these, cheapest first, whether it is covered and chosen: the sample takes every path
 * through the trainer that a covered one takes, and every two that one of them takes together (cover.h: how
 * often), and has every value of a setting, of the seed, of the data and of the number of epochs, and losses
 * of every order of magnitude. One that failed did not take all of its paths, and stands for itself alone.
 * Those that are proven belong to it without being trained. A trajectory whose paths are unknown is not
 * covered: `why` has what is missing for the first such. `paths` are those covered. */
hpx_status hpx_sample_choose(hpx_paths *paths, hpx_error *why, struct trajectory *const *trajectories,
                             size_t count, const struct sample_options *options, hpx_error *error);

#endif
