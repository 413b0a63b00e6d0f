/* An entry of a shared store: what a signer says of a trajectory, and where its parts are. Its bytes are described in entry.c. */
#ifndef HPX_REMOTE_ENTRY_H
#define HPX_REMOTE_ENTRY_H

#include "digest.h"

#include "hpx/blob.h"
#include "hpx/buffer.h"
#include "hpx/error.h"
#include "remote/keys.h"
#include "store/bundle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The parts of an entry, each a blob: those of a bundle (store/bundle.h), and the statement that says all this, signed. */
enum { HPX_ENTRY_STATEMENT = HPX_BUNDLE_PARTS, HPX_ENTRY_PARTS };

typedef struct hpx_entry {
    uint8_t manifest[HPX_SHA256_BYTES]; /* of its bytes */
    uint32_t epoch;                     /* the newest one */
    uint32_t checkpoint_epoch;          /* of the checkpoint; 0: there is none */
    hpx_digest parts[HPX_ENTRY_PARTS];
} hpx_entry;

#define HPX_ENTRY_PATH_BYTES (sizeof "cas/" + 2 * HPX_SHA256_BYTES)

/* Where it is: "ac/" and 64 digits; and where a blob is: "cas/" and 64 digits. */
void hpx_entry_path(char out[HPX_ENTRY_PATH_BYTES], const uint8_t manifest[HPX_SHA256_BYTES],
                    const hpx_signer *signer);
void hpx_blob_path(char out[HPX_ENTRY_PATH_BYTES], const hpx_digest *digest);

extern const char *const hpx_part_names[HPX_ENTRY_PARTS]; /* "record" "metrics" "checkpoint" "statement" */
bool hpx_entry_has(const hpx_entry *entry, size_t part);  /* all but the checkpoint are always there */

/* Appends the entry, signed by the user's own key, and to `statement` its statement, whose digest it notes. */
void hpx_entry_encode(hpx_buffer *out, hpx_buffer *statement, hpx_entry *entry, const hpx_keys *keys);

/* HPX_DAMAGED, with why it is none: of another manifest, not signed by the signer, malformed. */
hpx_status hpx_entry_decode(hpx_entry *out, const uint8_t *bytes, size_t size,
                            const uint8_t manifest[HPX_SHA256_BYTES], const hpx_signer *signer,
                            hpx_error *error);
/* The same of a blob, which has HPX_ACTION_RESULT_BYTES_MAX at most. */
hpx_status hpx_entry_read(hpx_entry *out, const hpx_blob *blob, const uint8_t manifest[HPX_SHA256_BYTES],
                          const hpx_signer *signer, hpx_error *error);

#endif
