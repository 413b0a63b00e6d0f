/* Makes an adoption (identity/adoption.h): trains a sample of another trainer's results again with this binary and
 * compares every epoch, bit for bit. */
#ifndef HPX_ADOPT_H
#define HPX_ADOPT_H

#include "hpx/error.h"
#include "hpx/store.h"
#include "identity/adoption.h"
#include "upkeep/rebuild.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_ADOPT_SAMPLE 3 /* trajectories, if no number is given */

typedef struct hpx_adopt_options {
    uint8_t as[HPX_CODE_BYTES]; /* the trainer that this binary's is to be equivalent to */
    size_t sample;              /* trajectories to compare, at least */
    bool unproven;              /* compare none: only what both trainers have stored must agree */
    const char *reason;         /* may be NULL */
    const char *program;        /* run as `program worker` */
    size_t jobs;
    const char *folder;   /* of fetched and unpacked data sets */
    hpx_rebuild_fn *done; /* called for every trajectory that was trained again; may be NULL */
    void *context;
    const volatile sig_atomic_t *interrupted; /* may be NULL */
} hpx_adopt_options;

typedef struct hpx_adopted {
    hpx_adoptions made; /* one for each numerics under which the other trainer has results */
    size_t results;     /* trajectories of the other trainer that this one may use now */
    size_t left;        /* that do not, because nobody knows which paths they take */
    hpx_error why;      /* of the first of these */
    size_t apart;       /* of other numerics, which nothing proves equal (hpx_adoption_is_possible) */
    size_t copied;      /* trajectories stored again under the key that this trainer finds now */
    hpx_hash differing;
    hpx_rebuilt difference; /* HPX_DIFFERS: where, in the trajectory of that key */
} hpx_adopted;

/* For each numerics under which the other trainer has results, a sample of these proves an adoption of its
 * own; an assertion is of equal numerics only. HPX_DIFFERS when an output differs: then none is made for these
 * numerics, but for others it may be. HPX_FAILED when nothing can be covered, when a training fails, and when
 * this trainer is equivalent to a third one, or the other one to this. HPX_NOT_FOUND when there is no result to
 * compare with. `out` has what was adopted, and is to be freed, also after an error. */
hpx_status hpx_adopt(hpx_adopted *out, hpx_store *store, const hpx_adopt_options *options, hpx_error *error);
void hpx_adopted_free(hpx_adopted *adopted);

#endif
