#include "hpx/hash.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static hpx_hash canonical(XXH128_hash_t value)
{
    XXH128_canonical_t form;
    XXH128_canonicalFromHash(&form, value);
    hpx_hash hash;
    memcpy(hash.bytes, form.digest, HPX_HASH_BYTES);
    return hash;
}

hpx_hash hpx_hash_of(const void *bytes, size_t size)
{
    return canonical(XXH3_128bits(bytes, size));
}

bool hpx_hash_equal(const hpx_hash *a, const hpx_hash *b)
{
    return memcmp(a->bytes, b->bytes, HPX_HASH_BYTES) == 0;
}

bool hpx_hash_is_zero(const hpx_hash *hash)
{
    static const hpx_hash zero;
    return hpx_hash_equal(hash, &zero);
}

void hpx_hex(char *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = 0;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hpx_unhex(uint8_t *out, size_t size, const char *text)
{
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

char *hpx_hash_hex(char hex[HPX_HASH_HEX_BYTES], const hpx_hash *hash)
{
    hpx_hex(hex, hash->bytes, HPX_HASH_BYTES);
    return hex;
}

struct hpx_hasher {
    XXH3_state_t *state;
};

hpx_hasher *hpx_hasher_new(void)
{
    hpx_hasher *hasher = hpx_alloc(sizeof *hasher);
    hasher->state = XXH3_createState();
    if (!hasher->state)
        hpx_out_of_memory(HPX_HASH_BYTES);
    XXH3_128bits_reset(hasher->state);
    return hasher;
}

void hpx_hasher_add(hpx_hasher *hasher, const void *bytes, size_t size)
{
    XXH3_128bits_update(hasher->state, bytes, size);
}

hpx_hash hpx_hasher_finish(hpx_hasher *hasher)
{
    hpx_hash hash = canonical(XXH3_128bits_digest(hasher->state));
    XXH3_freeState(hasher->state);
    free(hasher);
    return hash;
}
