/* The layout of a shared store, which is Bazel's for HTTP:
 *
 *     /cas/DIGITS   a blob, under its SHA-256
 *     /ac/DIGITS    an entry, under the SHA-256 of "hpx-1", the SHA-256 of a manifest (32 bytes), a signer's key (32 bytes)
 *
 * An entry is an ActionResult (action_result.c), of at most 16 KiB, with these output files, each of which is a blob:
 *
 *     record       the first part of a bundle of one trajectory (store/bundle.h): what it is
 *     metrics      the second: its epochs
 *     checkpoint   the third: the newest checkpoint; not listed where there is none
 *     statement    who says so, 232 bytes, which are also in `contents`: what follows, integers little-endian
 *
 *     "HPXS"  u32 version 1
 *     SHA-256 of the manifest
 *     u32 newest epoch, from 1   u32 epoch of the checkpoint, up to that; 0: there is none
 *     SHA-256 and u64 size of record, metrics and checkpoint; zeros where there is no checkpoint
 *     ed25519 signature by the signer of all before it
 *
 * Parts have up to PART_BYTES_MAX, a checkpoint up to CHECKPOINT_BYTES_MAX. What is signed decides; the list is for servers that
 * keep the blobs of an entry together, and must agree with it. */
#include "entry.h"

#include "action_result.h"

#include "hpx/hash.h"

#include <sodium/crypto_hash_sha256.h>
#include <stdio.h>
#include <string.h>

#define MAGIC                "HPXS"
#define VERSION              1
#define SIGNED_BYTES         (4 + 4 + HPX_SHA256_BYTES + 4 + 4 + HPX_BUNDLE_PARTS * (HPX_SHA256_BYTES + 8))
#define STATEMENT_BYTES      (SIGNED_BYTES + HPX_SIGNATURE_BYTES)
#define PART_BYTES_MAX       ((uint64_t)128 << 20)
#define CHECKPOINT_BYTES_MAX ((uint64_t)1 << 40)

const char *const hpx_part_names[HPX_ENTRY_PARTS] = {[HPX_BUNDLE_RECORD] = "record",
                                                     [HPX_BUNDLE_METRICS] = "metrics",
                                                     [HPX_BUNDLE_CHECKPOINT] = "checkpoint",
                                                     [HPX_ENTRY_STATEMENT] = "statement"};

static void put_path(char out[HPX_ENTRY_PATH_BYTES], const char *folder,
                     const uint8_t sha256[HPX_SHA256_BYTES])
{
    char hex[2 * HPX_SHA256_BYTES + 1];
    hpx_hex(hex, sha256, HPX_SHA256_BYTES);
    snprintf(out, HPX_ENTRY_PATH_BYTES, "%s/%s", folder, hex);
}

void hpx_entry_path(char out[HPX_ENTRY_PATH_BYTES], const uint8_t manifest[HPX_SHA256_BYTES],
                    const hpx_signer *signer)
{
    static const char format[] = "hpx-1";
    uint8_t sha256[HPX_SHA256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)format, sizeof format - 1);
    crypto_hash_sha256_update(&state, manifest, HPX_SHA256_BYTES);
    crypto_hash_sha256_update(&state, signer->bytes, HPX_SIGNER_BYTES);
    crypto_hash_sha256_final(&state, sha256);
    put_path(out, "ac", sha256);
}

void hpx_blob_path(char out[HPX_ENTRY_PATH_BYTES], const hpx_digest *digest)
{
    put_path(out, "cas", digest->sha256);
}

static void put_statement(hpx_buffer *out, const hpx_entry *entry)
{
    hpx_buffer_puts(out, MAGIC);
    hpx_buffer_u32(out, VERSION);
    hpx_buffer_add(out, entry->manifest, HPX_SHA256_BYTES);
    hpx_buffer_u32(out, entry->epoch);
    hpx_buffer_u32(out, entry->checkpoint_epoch);
    for (size_t part = 0; part < HPX_BUNDLE_PARTS; part++) {
        hpx_buffer_add(out, entry->parts[part].sha256, HPX_SHA256_BYTES);
        hpx_buffer_u64(out, entry->parts[part].size);
    }
}

bool hpx_entry_has(const hpx_entry *entry, size_t part)
{
    return part != HPX_BUNDLE_CHECKPOINT || entry->checkpoint_epoch > 0;
}

static void add_file(hpx_action_result *result, const char *path, const hpx_digest *digest)
{
    hpx_output_file *file = &result->files[result->count++];
    *file = (hpx_output_file){.digest = *digest};
    snprintf(file->path, sizeof file->path, "%s", path);
}

void hpx_entry_encode(hpx_buffer *out, hpx_buffer *statement, hpx_entry *entry, const hpx_keys *keys)
{
    uint8_t signature[HPX_SIGNATURE_BYTES];
    hpx_action_result result = {.count = 0};
    const size_t from = statement->size;
    put_statement(statement, entry);
    hpx_sign(signature, keys, statement->data + from, statement->size - from);
    hpx_buffer_add(statement, signature, sizeof signature);
    entry->parts[HPX_ENTRY_STATEMENT] = hpx_digest_of(statement->data + from, statement->size - from);
    for (size_t part = 0; part < HPX_ENTRY_PARTS; part++)
        if (hpx_entry_has(entry, part))
            add_file(&result, hpx_part_names[part], &entry->parts[part]);
    result.files[result.count - 1].contents = statement->data + from;
    result.files[result.count - 1].contents_size = statement->size - from;
    hpx_action_result_encode(out, &result);
}

static const uint8_t *take_digest(hpx_digest *out, const uint8_t *at)
{
    memcpy(out->sha256, at, HPX_SHA256_BYTES);
    out->size = hpx_load_u64(at + HPX_SHA256_BYTES);
    return at + HPX_SHA256_BYTES + 8;
}

/* What a statement says, whose signature holds. False: it makes no sense. */
static bool read_statement(hpx_entry *out, const uint8_t *bytes)
{
    static const hpx_digest none;
    const uint8_t *at = bytes + 8;
    memcpy(out->manifest, at, HPX_SHA256_BYTES);
    at += HPX_SHA256_BYTES;
    out->epoch = hpx_load_u32(at);
    out->checkpoint_epoch = hpx_load_u32(at + 4);
    at += 8;
    for (size_t part = 0; part < HPX_BUNDLE_PARTS; part++)
        at = take_digest(&out->parts[part], at);
    const hpx_digest *checkpoint = &out->parts[HPX_BUNDLE_CHECKPOINT];
    return memcmp(bytes, MAGIC, 4) == 0 && hpx_load_u32(bytes + 4) == VERSION && out->epoch > 0 &&
           out->checkpoint_epoch <= out->epoch && out->parts[HPX_BUNDLE_RECORD].size <= PART_BYTES_MAX &&
           out->parts[HPX_BUNDLE_METRICS].size <= PART_BYTES_MAX &&
           checkpoint->size <= CHECKPOINT_BYTES_MAX &&
           (out->checkpoint_epoch > 0 || hpx_digest_equal(checkpoint, &none));
}

/* Whether the list has what is signed. */
static bool agrees(const hpx_action_result *result, const hpx_entry *entry)
{
    for (size_t part = 0; part < HPX_BUNDLE_PARTS; part++) {
        const hpx_output_file *file = hpx_action_result_find(result, hpx_part_names[part]);
        if (!file != !hpx_entry_has(entry, part) ||
            (file && !hpx_digest_equal(&file->digest, &entry->parts[part])))
            return false;
    }
    return true;
}

hpx_status hpx_entry_decode(hpx_entry *out, const uint8_t *bytes, size_t size,
                            const uint8_t manifest[HPX_SHA256_BYTES], const hpx_signer *signer,
                            hpx_error *error)
{
    hpx_action_result result;
    hpx_status status = hpx_action_result_decode(&result, bytes, size, error);
    if (status)
        return status;
    const hpx_output_file *statement = hpx_action_result_find(&result, hpx_part_names[HPX_ENTRY_STATEMENT]);
    if (!statement || !statement->contents || statement->contents_size != STATEMENT_BYTES)
        return hpx_error_set(error, HPX_DAMAGED, "it has no statement of a signer");
    if (!hpx_is_signed(statement->contents + SIGNED_BYTES, signer, statement->contents, SIGNED_BYTES))
        return hpx_error_set(error, HPX_DAMAGED, "its signature is not the signer's");
    if (!read_statement(out, statement->contents) || !agrees(&result, out))
        return hpx_error_set(error, HPX_DAMAGED, "its statement is malformed");
    out->parts[HPX_ENTRY_STATEMENT] = statement->digest;
    if (memcmp(out->manifest, manifest, HPX_SHA256_BYTES) != 0)
        return hpx_error_set(error, HPX_DAMAGED, "it is of another manifest");
    return HPX_OK;
}

hpx_status hpx_entry_read(hpx_entry *out, const hpx_blob *blob, const uint8_t manifest[HPX_SHA256_BYTES],
                          const hpx_signer *signer, hpx_error *error)
{
    uint8_t bytes[HPX_ACTION_RESULT_BYTES_MAX];
    const size_t size = (size_t)blob->size;
    hpx_status status = hpx_blob_read(blob, bytes, size, 0, error);
    return status ? status : hpx_entry_decode(out, bytes, size, manifest, signer, error);
}
