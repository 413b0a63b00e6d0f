#include "digest.h"

#include <sodium/crypto_hash_sha256.h>
#include <string.h>

hpx_digest hpx_digest_of(const void *bytes, size_t size)
{
    hpx_digest digest = {.size = size};
    crypto_hash_sha256(digest.sha256, bytes, size);
    return digest;
}

static hpx_status add_piece(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    (void)error;
    crypto_hash_sha256_update(context, bytes, size);
    return HPX_OK;
}

hpx_status hpx_digest_of_blob(hpx_digest *out, const hpx_blob *blob, hpx_error *error)
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    hpx_status status = hpx_blob_each_piece(blob, add_piece, &state, error);
    out->size = blob->size;
    crypto_hash_sha256_final(&state, out->sha256);
    return status;
}

bool hpx_digest_equal(const hpx_digest *a, const hpx_digest *b)
{
    return a->size == b->size && memcmp(a->sha256, b->sha256, HPX_SHA256_BYTES) == 0;
}
