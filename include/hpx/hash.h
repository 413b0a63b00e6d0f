/* XXH3-128, the hash of everything hpx names or checks (github.com/Cyan4973/xxHash). Not collision resistant
 * against an adversary: it guards against accidents, and every hit compares the manifest itself. */
#ifndef HPX_HASH_H
#define HPX_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_HASH_BYTES     16
#define HPX_HASH_HEX_BYTES 33 /* 32 digits and a NUL */

typedef struct hpx_hash {
    uint8_t bytes[HPX_HASH_BYTES]; /* canonical: most significant first, as xxhsum prints it */
} hpx_hash;

hpx_hash hpx_hash_of(const void *bytes, size_t size);
bool hpx_hash_equal(const hpx_hash *a, const hpx_hash *b);
bool hpx_hash_is_zero(const hpx_hash *hash);

/* Writes 32 lower-case digits and a NUL; returns `hex`. */
char *hpx_hash_hex(char hex[HPX_HASH_HEX_BYTES], const hpx_hash *hash);

/* 2 * size lower-case digits and a NUL. */
void hpx_hex(char *out, const uint8_t *bytes, size_t size);
/* False unless `text` is exactly 2 * size hexadecimal digits of either case. */
bool hpx_unhex(uint8_t *out, size_t size, const char *text);

/* For bytes that come in pieces. */
typedef struct hpx_hasher hpx_hasher;
hpx_hasher *hpx_hasher_new(void);
void hpx_hasher_add(hpx_hasher *hasher, const void *bytes, size_t size);
hpx_hash hpx_hasher_finish(hpx_hasher *hasher); /* and frees it */

#endif
