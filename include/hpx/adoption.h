/* Adoptions: a trainer whose edits change no number counts as the one before them, so that each finds the
 * results of the other. Keys carry the version that a trainer counts as; an artifact's code record still says
 * which one made it.
 *
 * An adoption holds where it was proven: under the numerics of the machine that trained the sample (other
 * ones are other keys anyway), and for manifests that have no aspect which the sample lacks. An aspect is a
 * word of the model or the training ("train.optimizer adam"), whether a number is 0 ("model.dropout 0"), or
 * how many there are ("model.hidden 2"): what makes the trainer take another way through its code. One that
 * is asserted without proof holds for all manifests under those numerics.
 *
 * Stored as fields:
 *
 *     format code.version numerics.*    whose it is, as in its manifests; the hash of these names it
 *     as                                bytes: the trainer that it counts as
 *     covers                            bytes: an encoding of fields, as hpx_adoption has them
 *     keys                              bytes: of the trajectories compared, 16 each; none: asserted
 *     epochs                            count: compared
 *     code                              hash of the code record of the binary that compared
 *     adopted                           count: ns since 1970
 *     reason                            text */
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
    hpx_fields covers;          /* names of manifest fields; texts: the sample's aspects, between blanks */
    hpx_hash *keys;             /* of the trajectories compared, as they are stored */
    size_t key_count;           /* 0: asserted, not proven */
    uint64_t epochs;            /* of them */
    hpx_hash code;              /* of the code record of the binary that compared */
    int64_t adopted_ns;         /* since 1970 */
    char *reason;               /* as given; may be empty */
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

/* Adds the aspects of a manifest to `covers`. */
void hpx_adoption_cover(hpx_fields *covers, const hpx_fields *manifest);
/* An aspect of the manifest that `covers` lacks, as a person reads it ("activation tanh"), into `what`; false
 * if there is none. */
bool hpx_adoption_lacks(hpx_buffer *what, const hpx_fields *covers, const hpx_fields *manifest);

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
