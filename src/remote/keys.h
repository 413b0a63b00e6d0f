/* Who signs results that are shared, and whose are believed: ed25519, by libsodium.
 *
 * All of it is the user's, in $XDG_CONFIG_HOME/hpx or ~/.config/hpx, never a recipe's: `key` holds the private key, which
 * nobody but its owner may read; `trusted` a line "NAME KEY" for each public key that is believed, which nobody but its
 * owner may write. */
#ifndef HPX_REMOTE_KEYS_H
#define HPX_REMOTE_KEYS_H

#include "hpx/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_SIGNATURE_BYTES 64
#define HPX_SEED_BYTES      32 /* of a private key */
#define HPX_SIGNER_BYTES    32
#define HPX_SIGNER_NAME_MAX 40

/* A public key. As text it is one word: "hpx1" and 48 characters of base64 for URLs, of the key and 4 bytes that find a
 * slip of the pen. */
typedef struct hpx_signer {
    uint8_t bytes[HPX_SIGNER_BYTES];
} hpx_signer;

#define HPX_SIGNER_TEXT_BYTES 53 /* with the NUL */

char *hpx_signer_text(char out[HPX_SIGNER_TEXT_BYTES], const hpx_signer *signer);
/* HPX_USAGE if it is none. */
hpx_status hpx_signer_parse(hpx_signer *out, const char *text, hpx_error *error);
bool hpx_signer_is_text(const char *text); /* whether it means to be one */
bool hpx_signer_equal(const hpx_signer *a, const hpx_signer *b);

typedef struct hpx_trusted {
    hpx_signer signer;
    char name[HPX_SIGNER_NAME_MAX + 1];
} hpx_trusted;

typedef struct hpx_keys {
    bool can_sign;
    hpx_signer own; /* if it can sign */
    uint8_t seed[HPX_SEED_BYTES];
    hpx_trusted *trusted; /* the user's own first, as "own", then in the file's order; no key twice */
    size_t count;
} hpx_keys;

/* What the user has, which may be nothing. HPX_USAGE if a file is not as it must be: open to others, another's, damaged.
 * hpx_keys_free, also when it fails; it wipes the private key. */
hpx_status hpx_keys_read(hpx_keys *out, hpx_error *error);
void hpx_keys_free(hpx_keys *keys);

/* NULL: it is not trusted. */
const hpx_trusted *hpx_keys_find(const hpx_keys *keys, const hpx_signer *signer);
const hpx_trusted *hpx_keys_named(const hpx_keys *keys, const char *name);

/* By the user's own key; keys->can_sign. */
void hpx_sign(uint8_t out[HPX_SIGNATURE_BYTES], const hpx_keys *keys, const void *bytes, size_t size);
bool hpx_is_signed(const uint8_t signature[HPX_SIGNATURE_BYTES], const hpx_signer *signer, const void *bytes,
                   size_t size);

/* Makes the user's key; HPX_USAGE if there is one, which stays. */
hpx_status hpx_key_new(hpx_signer *out, hpx_error *error);
/* HPX_USAGE if the name is none, or stands for another key. A key that has another name gets this one. */
hpx_status hpx_key_trust(const char *name, const hpx_signer *signer, hpx_error *error);
hpx_status hpx_key_distrust(const hpx_signer *signer, hpx_error *error); /* also if it is not trusted */

#endif
