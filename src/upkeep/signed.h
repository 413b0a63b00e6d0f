/* Results that came from a shared store, by the keys that have signed them. */
#ifndef HPX_SIGNED_H
#define HPX_SIGNED_H

#include "hpx/error.h"
#include "hpx/store.h"

#include <stddef.h>

typedef struct hpx_signed {
    char *signer;   /* its public key as text, as imports name it */
    hpx_hash *keys; /* of the trajectories of which an epoch is signed so, in order */
    size_t count, capacity;
} hpx_signed;

typedef struct hpx_signed_list {
    hpx_signed *items;
    size_t count, capacity;
} hpx_signed_list;

/* All signers that the store has results of. hpx_signed_free, also when it fails. */
hpx_status hpx_signed_read(hpx_signed_list *out, hpx_store *store, hpx_error *error);
void hpx_signed_free(hpx_signed_list *list);

/* NULL: the store has none of this signer's. */
const hpx_signed *hpx_signed_find(const hpx_signed_list *list, const char *signer);

#endif
