/* The layout, format version 2. The environment is the file hpx.mdb (and hpx.mdb-lock) in the store's folder,
 * with one database for each kind of value:
 *
 *     meta         "format"                      u32 format version
 *     manifests    key(16)                       canonical fields; key is their XXH3-128
 *     records      key(16) epoch(4)              fields of an hpx_artifact
 *     checkpoints  key(16) epoch(4)              u64 size, u32 chunks, XXH3-128 of the whole; no chunks: a file
 *     chunks       key(16) epoch(4) index(4)     CHUNK_BYTES each, the last one shorter
 *     codes        id(16)                        fields: version, commit, describe, ...; id is their XXH3-128
 *     datasets     id(16)                        fields: name, files' hashes and sizes; likewise
 *     files        XXH3-128 of the path(16)      fields of an hpx_known_bytes, and the path
 *     builds       number(8)                     fields of one entry of the log of builds
 *     conflicts    key(16) epoch(4) output(16)   fields of an hpx_artifact: a second output
 *     pins         key(16)                       nothing
 *     adoptions    id(16)                        fields of an hpx_adoption (identity/adoption.h has the id)
 *     imports      key(16) epoch(4)              fields: from where and when the record came by an import;
 *                  id(16) 0(4)                   likewise of a code version
 *     blobs        XXH3-128(16) key(16) epoch(4) nothing: the file of that name is that checkpoint's
 *
 * Checkpoints of 1 MiB and more are files in the folder blobs/ (blobs.c).
 *
 * A store of format 1 has other records (format_1.c), large checkpoints in chunks, and none of the databases
 * that are younger than it: readers take it as it is, and the first writer upgrades it.
 *
 * Integers in keys are big-endian, so that a cursor walks epochs and chunks in order; in values
 * little-endian. Every value ends with the XXH3-128 of its database's name, its key and its payload: a
 * flipped bit, and a value that stands under another's key, are both seen.
 *
 * LMDB is opened with its default synchronous commits, never with WRITEMAP (a full disk would be a SIGBUS) or
 * NOSYNC; NOTLS, since read transactions are short and belong to no thread. */
#include "internal.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#define XXH_STATIC_LINKING_ONLY /* for a hash state on the stack */
#include <xxhash.h>

#define DISK_FULL_BYTES (1u << 20)

const char *const database_names[DATABASES] = {
    "meta",  "manifests", "records",   "checkpoints", "chunks",    "codes",   "datasets",
    "files", "builds",    "conflicts", "pins",        "adoptions", "imports", "blobs",
};

static struct key append_u32(struct key key, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        key.bytes[key.size++] = (uint8_t)(value >> shift);
    return key;
}

struct key key_of_hash(const hpx_hash *hash)
{
    struct key key = {.size = HPX_HASH_BYTES};
    memcpy(key.bytes, hash->bytes, HPX_HASH_BYTES);
    return key;
}

struct key key_of_epoch(const hpx_hash *hash, uint32_t epoch)
{
    return append_u32(key_of_hash(hash), epoch);
}

struct key key_of_chunk(const hpx_hash *hash, uint32_t epoch, uint32_t index)
{
    return append_u32(key_of_epoch(hash, epoch), index);
}

struct key key_of_number(uint64_t number)
{
    struct key key = {.size = 0};
    return append_u32(append_u32(key, (uint32_t)(number >> 32)), (uint32_t)number);
}

uint32_t load_big_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

uint64_t load_big_u64(const uint8_t *bytes)
{
    return (uint64_t)load_big_u32(bytes) << 32 | load_big_u32(bytes + 4);
}

/* A full disk reaches us as EIO from LMDB's commit: ask the file system. */
static bool is_disk_full(const hpx_store *store)
{
    struct statvfs info;
    return statvfs(store->directory, &info) == 0 && info.f_bavail * info.f_frsize < DISK_FULL_BYTES;
}

/* What LMDB says of pages that it cannot have written, or not where they are. */
static const int damage_codes[] = {
    MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID,     MDB_VERSION_MISMATCH, MDB_CURSOR_FULL,
    MDB_PAGE_FULL, MDB_INCOMPATIBLE,  MDB_BAD_VALSIZE, MDB_NOTFOUND,
};

hpx_status lmdb_failed(hpx_store *store, int code, hpx_error *error)
{
    if (code == ENOSPC || (code == EIO && is_disk_full(store)))
        return hpx_error_set(error, HPX_FAILED, "%s: disk full; what was stored before is intact",
                             store->path);
    if (code == MDB_MAP_FULL)
        return hpx_error_set(error, HPX_FAILED,
                             "%s: the store has reached its map size; set HPX_MAP_SIZE higher", store->path);
    if (code == ENOMEM)
        return hpx_error_set(error, HPX_FAILED, "%s: out of memory", store->path);
    for (size_t i = 0; i < sizeof damage_codes / sizeof damage_codes[0]; i++)
        if (code == damage_codes[i])
            return hpx_error_set(error, HPX_DAMAGED,
                                 "%s: the structure is damaged (%s); `hpx verify` says what is lost",
                                 store->path, mdb_strerror(code));
    return hpx_error_set(error, HPX_FAILED, "%s: %s", store->path, mdb_strerror(code));
}

static void seal_of(uint8_t out[SEAL_BYTES], enum database db, const MDB_val *key, const void *payload,
                    size_t size)
{
    /* Names and keys of one database have one length, so the concatenation is unambiguous. */
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, database_names[db], strlen(database_names[db]));
    XXH3_128bits_update(&state, key->mv_data, key->mv_size);
    XXH3_128bits_update(&state, payload, size);
    XXH128_canonical_t form;
    XXH128_canonicalFromHash(&form, XXH3_128bits_digest(&state));
    memcpy(out, form.digest, SEAL_BYTES);
}

hpx_status put_sealed(hpx_store *store, MDB_txn *txn, enum database db, const struct key *key,
                      const void *payload, size_t size, hpx_error *error)
{
    MDB_val name = {.mv_size = key->size, .mv_data = (void *)key->bytes};
    MDB_val value = {.mv_size = size + SEAL_BYTES};
    hpx_status status = check_way(store, txn, db, &name, error);
    if (status)
        return status;
    int code = mdb_put(txn, store->databases[db], &name, &value, MDB_RESERVE);
    if (code != 0)
        return lmdb_failed(store, code, error);
    if (size > 0)
        memcpy(value.mv_data, payload, size);
    seal_of((uint8_t *)value.mv_data + size, db, &name, payload, size);
    return HPX_OK;
}

hpx_status delete_key(hpx_store *store, MDB_txn *txn, enum database db, const struct key *key,
                      hpx_error *error)
{
    MDB_val name = {.mv_size = key->size, .mv_data = (void *)key->bytes};
    hpx_status status = check_way(store, txn, db, &name, error);
    int code = status ? 0 : mdb_del(txn, store->databases[db], &name, NULL);
    return code == 0 || code == MDB_NOTFOUND ? status : lmdb_failed(store, code, error);
}

bool is_sealed(enum database db, const MDB_val *key, const MDB_val *value)
{
    if (value->mv_size < SEAL_BYTES)
        return false;
    size_t size = value->mv_size - SEAL_BYTES;
    uint8_t seal[SEAL_BYTES];
    seal_of(seal, db, key, value->mv_data, size);
    return memcmp(seal, (const uint8_t *)value->mv_data + size, SEAL_BYTES) == 0;
}

void describe_key(char *out, size_t room, enum database db, const MDB_val *key)
{
    static const char *const words[DATABASES] = {
        "meta",       "manifest", "record",   "checkpoint", "chunk",    "code version",   "data set",
        "file entry", "build",    "conflict", "pin",        "adoption", "mark of import", "file"};
    const uint8_t *bytes = key->mv_data;
    char hex[2 * KEY_BYTES_MAX + 1] = "";
    size_t epoch_at = HPX_HASH_BYTES, index_at = epoch_at + 4;
    hpx_hex(hex, bytes, key->mv_size < epoch_at ? key->mv_size : epoch_at);
    if (key->mv_size == index_at + 4)
        snprintf(out, room, "%s %s epoch %u chunk %u", words[db], hex, load_big_u32(bytes + epoch_at),
                 load_big_u32(bytes + index_at));
    else if (key->mv_size == index_at)
        snprintf(out, room, "%s %s epoch %u", words[db], hex, load_big_u32(bytes + epoch_at));
    else
        snprintf(out, room, "%s %s", words[db], hex);
}

void report_damage(hpx_store *store, enum database db, const MDB_val *key)
{
    if (!store->damaged)
        return;
    char what[256];
    describe_key(what, sizeof what, db, key);
    for (size_t i = 0; i < store->reported_count; i++)
        if (strcmp(store->reported[i], what) == 0)
            return;
    store->reported = hpx_grow(store->reported, &store->reported_capacity, store->reported_count + 1,
                               sizeof *store->reported);
    store->reported[store->reported_count++] = hpx_strdup(what);
    store->damaged(store->damaged_context, what);
}

hpx_status get_sealed(const uint8_t **payload, size_t *size, hpx_store *store, MDB_txn *txn, enum database db,
                      const struct key *key, hpx_error *error)
{
    MDB_val name = {.mv_size = key->size, .mv_data = (void *)key->bytes}, value;
    if (store->lacks[db])
        return hpx_error_set(error, HPX_NOT_FOUND, "not in the store");
    hpx_status status = find_value(&value, store, txn, db, &name, error);
    if (status)
        return status;
    if (!is_sealed(db, &name, &value)) {
        report_damage(store, db, &name);
        return hpx_error_set(error, HPX_NOT_FOUND, "damaged in the store");
    }
    *payload = value.mv_data;
    *size = value.mv_size - SEAL_BYTES;
    return HPX_OK;
}
