/* An entry of a shared store: what a signer says of a trajectory, and where its parts are. Its bytes are described in entry.c. */
#ifndef HPX_REMOTE_ENTRY_H
#define HPX_REMOTE_ENTRY_H

#include "digest.h"

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "remote/keys.h"
#include "store/bundle.h"

#include <stdint.h>

/* The parts are those of a bundle (store/bundle.h). */
typedef struct hpx_entry {
    uint8_t manifest[HPX_SHA256_BYTES]; /* of its bytes */
    uint32_t epoch;                     /* the newest one */
    uint32_t checkpoint_epoch;          /* of the checkpoint; 0: there is none */
    hpx_digest parts[HPX_BUNDLE_PARTS];
    hpx_digest statement; /* of what was decoded: the blob that says all this, signed */
} hpx_entry;

#define HPX_ENTRY_PATH_BYTES (sizeof "cas/" + 2 * HPX_SHA256_BYTES)

/* Where it is: "ac/" and 64 digits; and where a blob is: "cas/" and 64 digits. */
void hpx_entry_path(char out[HPX_ENTRY_PATH_BYTES], const uint8_t manifest[HPX_SHA256_BYTES],
                    const hpx_signer *signer);
void hpx_blob_path(char out[HPX_ENTRY_PATH_BYTES], const hpx_digest *digest);

extern const char *const hpx_part_names[HPX_BUNDLE_PARTS]; /* "record" "metrics" "checkpoint" */

/* Appends the entry, signed by the user's own key. The statement, which is a blob, too, is appended to `statement`. */
void hpx_entry_encode(hpx_buffer *out, hpx_buffer *statement, const hpx_entry *entry, const hpx_keys *keys);

/* HPX_DAMAGED, with why it is none: of another manifest, not signed by the signer, malformed. */
hpx_status hpx_entry_decode(hpx_entry *out, const uint8_t *bytes, size_t size,
                            const uint8_t manifest[HPX_SHA256_BYTES], const hpx_signer *signer,
                            hpx_error *error);

#endif
