/* The keys by which results of a shared store are believed: ed25519, by libsodium. A user may have one key of their own,
 * which signs what is pushed, and a list of public keys that are trusted, which they have made their own choice of: both
 * stand beside the user's configuration, never in a recipe or a store. */
#ifndef HPX_REMOTE_KEYS_H
#define HPX_REMOTE_KEYS_H

#include "hpx/buffer.h"
#include "hpx/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_PUBLIC_KEY_BYTES     32
#define HPX_PUBLIC_KEY_HEX_BYTES (2 * HPX_PUBLIC_KEY_BYTES + 1) /* digits and a NUL */
#define HPX_SIGNATURE_BYTES      64

typedef struct hpx_public_key {
    uint8_t bytes[HPX_PUBLIC_KEY_BYTES];
} hpx_public_key;

typedef struct hpx_signature {
    uint8_t bytes[HPX_SIGNATURE_BYTES];
} hpx_signature;

/* A key and what the user calls its owner; of the own key "" unless it has a name. */
typedef struct hpx_trusted_key {
    hpx_public_key key;
    const char *name;
} hpx_trusted_key;

/* What the user's folder has. Secret bytes are wiped when it is freed. */
typedef struct hpx_keys hpx_keys;

/* Reads $XDG_CONFIG_HOME/hpx, else ~/.config/hpx: no own key and an empty list where there is nothing. HPX_FAILED for a
 * secret key that others may read, HPX_USAGE for files that are not as they should be. */
hpx_status hpx_keys_open(hpx_keys **out, hpx_error *error);
void hpx_keys_free(hpx_keys *keys); /* NULL is fine */

/* The own key; NULL: there is none. */
const hpx_public_key *hpx_keys_own(const hpx_keys *keys);

/* Whose results are believed: the own key first, if there is one, then the list in its order, each key once. Borrowed. */
size_t hpx_keys_trusted(const hpx_trusted_key **out, const hpx_keys *keys);

/* By the own key. HPX_NOT_FOUND: there is none. */
hpx_status hpx_keys_sign(hpx_signature *out, const hpx_keys *keys, const void *bytes, size_t size,
                         hpx_error *error);
bool hpx_key_verify(const hpx_public_key *key, const void *bytes, size_t size,
                    const hpx_signature *signature);

#endif
