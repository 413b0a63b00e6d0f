/* Adoptions: a binary that gives the numbers of another one is equivalent to it, so that each finds the results of
 * the other. A binary is what it contributes to a manifest: format, code version of the trainer, numerics.
 * Keys carry those that it is equivalent to; an artifact's code record still says which trainer made it.
 *
 * An adoption holds where it was proven: for the binary that trained the sample (on a machine of other
 * numerics it is another one), and for the trajectories that were stored then and that the sample covered
 * (src/upkeep/sample.h). What is trained later has the new binary's own keys. One that is asserted without
 * proof holds for all manifests. A binary may be equivalent to several of one trainer, which differ in numerics: each
 * for trajectories of its own.
 *
 * Stored as fields:
 *
 *     format code.version numerics.*    whose it is, as in its manifests
 *     as         bytes: what it is equivalent to. If the numerics are the same, the other trainer's version; else
 *                format, code.version and numerics.* as in that one's manifests, encoded (hpx/fields.h)
 *     keys       bytes: of the trajectories compared, 16 each; none: asserted
 *     holds      bytes: keys, as the other trainer's, of what it holds for, 16 each, ascending
 *     paths      text: those that the sample took, a line each
 *     epochs     count: compared
 *     code       hash of the code record of the binary that compared
 *     adopted    count: ns since 1970
 *     reason     text
 *
 * The hash of whose it is names it, with "as" where the numerics are others. Of those that were made before paths were known,
 * with "covers" in place of "holds" and "paths", proven ones hold for nothing any more. */
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
    hpx_fields whose, as; /* format, code.version, numerics.* */
    hpx_hash *keys;       /* of the trajectories compared, as they are stored */
    size_t key_count;     /* 0: asserted, not proven */
    uint64_t epochs;      /* of them */
    hpx_hash *holds;      /* keys as the other binary's, ascending */
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

/* Whether a sample can prove that results with one manifest are those of another: they are no program's, differ in the
 * binary alone, and not in the numerics only. Where products run through a BLAS (plain vectors), the numerics must be
 * the same: it chooses its loops by shapes, and no path tells which. */
bool hpx_adoption_is_possible(const hpx_fields *a, const hpx_fields *b);

/* Whether the two differ in nothing but the trainer. */
bool hpx_adoption_same_numerics(const hpx_adoption *adoption);

/* Its name in a store. */
hpx_hash hpx_adoption_id(const hpx_adoption *adoption);

/* Stores it, in place of another of the same two binaries. */
hpx_status hpx_adoption_put(hpx_store *store, const hpx_adoption *adoption, hpx_error *error);
hpx_status hpx_adoption_drop(hpx_store *store, const hpx_adoption *adoption, hpx_error *error);

/* The versions of its trainer and of the one that this is equivalent to. */
const uint8_t *hpx_adoption_version(const hpx_adoption *adoption);
const uint8_t *hpx_adoption_as_version(const hpx_adoption *adoption);

/* The key that a trajectory would have as the other binary's. */
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

/* The one that holds for a manifest of its binary, proven rather than asserted; NULL: none, the binary counts
 * as itself. */
const hpx_adoption *hpx_adoptions_find(const hpx_adoptions *adoptions, const hpx_fields *manifest);

/* Replaces the binary of a manifest by the one that it is equivalent to, from adoption to adoption. */
void hpx_adoptions_resolve(const hpx_adoptions *adoptions, hpx_fields *manifest);

/* Whether results of this binary with these settings are stored under this manifest. */
bool hpx_adoptions_lead(const hpx_adoptions *adoptions, const hpx_fields *binary, const hpx_fields *manifest);

/* One by which results of a trainer of this version are stored under this manifest; NULL: none. */
const hpx_adoption *hpx_adoptions_of(const hpx_adoptions *adoptions, const uint8_t version[HPX_CODE_BYTES],
                                     const hpx_fields *manifest);

/* Makes the manifest under which a result is stored that of the trainer which made it, as far as is known. */
void hpx_adoptions_set_maker(const hpx_adoptions *adoptions, hpx_fields *manifest,
                             const uint8_t version[HPX_CODE_BYTES]);

#endif
