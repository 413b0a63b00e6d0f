/* A public key as text, signatures: the sole user of libsodium's signatures. */
#include "inside.h"

#include <sodium/core.h>
#include <sodium/crypto_generichash.h>
#include <sodium/crypto_sign.h>
#include <sodium/randombytes.h>
#include <sodium/utils.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX      "hpx1"
#define CHECK_BYTES 4
#define VARIANT     sodium_base64_VARIANT_URLSAFE_NO_PADDING

static void start(void)
{
    if (sodium_init() < 0)
        abort(); /* the system has no random numbers */
}

/* The first bytes of the key's BLAKE2b. */
static void add_check(uint8_t bytes[HPX_SIGNER_BYTES + CHECK_BYTES])
{
    uint8_t hash[crypto_generichash_BYTES];
    crypto_generichash(hash, sizeof hash, bytes, HPX_SIGNER_BYTES, NULL, 0);
    memcpy(bytes + HPX_SIGNER_BYTES, hash, CHECK_BYTES);
}

char *hpx_signer_text(char out[HPX_SIGNER_TEXT_BYTES], const hpx_signer *signer)
{
    uint8_t bytes[HPX_SIGNER_BYTES + CHECK_BYTES];
    memcpy(bytes, signer->bytes, HPX_SIGNER_BYTES);
    add_check(bytes);
    memcpy(out, PREFIX, strlen(PREFIX));
    sodium_bin2base64(out + strlen(PREFIX), HPX_SIGNER_TEXT_BYTES - strlen(PREFIX), bytes, sizeof bytes,
                      VARIANT);
    return out;
}

bool hpx_signer_is_text(const char *text)
{
    return strncmp(text, PREFIX, strlen(PREFIX)) == 0;
}

hpx_status hpx_signer_parse(hpx_signer *out, const char *text, hpx_error *error)
{
    uint8_t bytes[HPX_SIGNER_BYTES + CHECK_BYTES], right[sizeof bytes];
    size_t size = 0;
    const char *digits, *end = NULL;
    if (!hpx_signer_is_text(text))
        return hpx_error_set(error, HPX_USAGE,
                             "%s: no public key; one begins with '%s', as `hpx key list` shows it", text,
                             PREFIX);
    digits = text + strlen(PREFIX);
    const bool whole =
        strlen(text) == HPX_SIGNER_TEXT_BYTES - 1 &&
        sodium_base642bin(bytes, sizeof bytes, digits, strlen(digits), NULL, &size, &end, VARIANT) == 0 &&
        size == sizeof bytes && *end == '\0';
    if (whole) {
        memcpy(right, bytes, sizeof right);
        add_check(right);
    }
    if (!whole || memcmp(bytes, right, sizeof right) != 0)
        return hpx_error_set(error, HPX_USAGE,
                             "%s: this public key is not whole; copy all %d characters of it", text,
                             HPX_SIGNER_TEXT_BYTES - 1);
    memcpy(out->bytes, bytes, sizeof out->bytes);
    return HPX_OK;
}

bool hpx_signer_equal(const hpx_signer *a, const hpx_signer *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void hpx_seed_new(uint8_t seed[HPX_SEED_BYTES])
{
    start();
    randombytes_buf(seed, HPX_SEED_BYTES);
}

hpx_signer hpx_signer_of(const uint8_t seed[HPX_SEED_BYTES])
{
    hpx_signer signer;
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    start();
    crypto_sign_seed_keypair(signer.bytes, secret, seed);
    sodium_memzero(secret, sizeof secret);
    return signer;
}

void hpx_sign(uint8_t out[HPX_SIGNATURE_BYTES], const hpx_keys *keys, const void *bytes, size_t size)
{
    uint8_t public[HPX_SIGNER_BYTES], secret[crypto_sign_SECRETKEYBYTES];
    start();
    crypto_sign_seed_keypair(public, secret, keys->seed);
    crypto_sign_detached(out, NULL, bytes, size, secret);
    sodium_memzero(secret, sizeof secret);
}

bool hpx_is_signed(const uint8_t signature[HPX_SIGNATURE_BYTES], const hpx_signer *signer, const void *bytes,
                   size_t size)
{
    start();
    return crypto_sign_verify_detached(signature, bytes, size, signer->bytes) == 0;
}
