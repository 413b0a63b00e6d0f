/* Adoptions: a trainer whose edits change no number counts as the one before them, so that each finds the
 * results of the other. Keys carry the version that a trainer counts as; an artifact's code record still says
 * which one made it.
 *
 * An adoption holds where it was proven: under the numerics of the machine that trained the sample (other
 * ones are other keys anyway), and for the trajectories that were stored then and that the sample covered
 * (src/upkeep/sample.h). What is trained later is the new trainer's own. One that is asserted without proof
 * holds for all manifests under those numerics.
 *
 * Stored as fields:
 *
 *     format code.version numerics.*    whose it is, as in its manifests; the hash of these names it
 *     as         bytes: the trainer that it counts as
 *     keys       bytes: of the trajectories compared, 16 each; none: asserted
 *     holds      bytes: keys, as the other trainer's, of what it holds for, 16 each, ascending
 *     paths      text: those that the sample took, a line each
 *     epochs     count: compared
 *     code       hash of the code record of the binary that compared
 *     adopted    count: ns since 1970
 *     reason     text
 *
 * Of those that were made before paths were known, with "covers" in place of "holds" and "paths", proven ones
 * hold for nothing any more. */
#ifndef HPX_ADOPTION_H
#define HPX_ADOPTION_H

#include "hpx/code.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "hpx/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hpx_adoption {
    hpx_fields whose;           /* format, code.version, numerics.* */
    uint8_t as[HPX_CODE_BYTES]; /* the trainer that it counts as */
    hpx_hash *keys;             /* of the trajectories compared, as they are stored */
    size_t key_count;           /* 0: asserted, not proven */
    uint64_t epochs;            /* of them */
    hpx_hash *holds;            /* keys as the other trainer's, ascending */
    size_t hold_count;
    char *paths;        /* names, a line each */
    hpx_hash code;      /* of the code record of the binary that compared */
    int64_t adopted_ns; /* since 1970 */
    char *reason;       /* as given; may be empty */
} hpx_adoption;

void hpx_adoption_free(hpx_adoption *adoption); /* leaves it empty */

void hpx_adoption_to_fields(hpx_fields *out, const hpx_adoption *adoption);
/* HPX_DAMAGED, with `out` empty, for anything that hpx_adoption_to_fields would not give. */
hpx_status hpx_adoption_from_fields(hpx_adoption *out, const hpx_fields *fields, hpx_error *error);

/* Stores it, in place of another of the same trainer and numerics. */
hpx_status hpx_adoption_put(hpx_store *store, const hpx_adoption *adoption, hpx_error *error);
hpx_status hpx_adoption_drop(hpx_store *store, const hpx_adoption *adoption, hpx_error *error);

/* Its trainer's version. */
const uint8_t *hpx_adoption_version(const hpx_adoption *adoption);

/* The key that a trajectory would have as the other trainer's. */
hpx_hash hpx_adoption_key(const hpx_adoption *adoption, const hpx_fields *manifest);
/* Lets it hold for the trajectories with these keys, in any order, each once. */
void hpx_adoption_set_holds(hpx_adoption *adoption, const hpx_hash *keys, size_t count);

typedef struct hpx_adoptions {
    hpx_adoption *items;
    size_t count, capacity;
} hpx_adoptions;

/* All that a store has (NULL: none). Malformed ones are left out. */
hpx_status hpx_adoptions_read(hpx_adoptions *out, hpx_store *store, hpx_error *error);
void hpx_adoptions_free(hpx_adoptions *adoptions);

/* The one that holds for a manifest of its trainer; NULL: none, the trainer counts as itself. */
const hpx_adoption *hpx_adoptions_find(const hpx_adoptions *adoptions, const hpx_fields *manifest);

/* Replaces the trainer of a manifest by the one that it counts as, from adoption to adoption. */
void hpx_adoptions_resolve(const hpx_adoptions *adoptions, hpx_fields *manifest);

/* Whether results of this trainer with these settings and numerics are stored under this manifest. */
bool hpx_adoptions_lead(const hpx_adoptions *adoptions, const uint8_t version[HPX_CODE_BYTES],
                        const hpx_fields *manifest);

#endif
