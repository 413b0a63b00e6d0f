/* The layout, format versions 2 and, with results of programs, 3. The environment is the file hpx.mdb (and hpx.mdb-lock) in the
 * store's folder, with one database for each kind of value:
 *
 *     meta         "format"                      u32 format version
 *     manifests    key(16)                       canonical fields; key is their XXH3-128
 *     records      key(16) epoch(4)              fields of an hpx_artifact
 *     checkpoints  key(16) epoch(4)              u64 size, u32 chunks, XXH3-128 of the whole; no chunks: a file
 *     chunks       key(16) epoch(4) index(4)     CHUNK_BYTES each, the last one shorter
 *     codes        id(16)                        fields: version, commit, describe, ...; id is their XXH3-128
 *     datasets     id(16)                        fields: name, files' hashes and sizes; likewise
 *     files        XXH3-128 of the path(16)      fields of an hpx_known_bytes, and the path
 *     builds       number(8)                     fields of one entry of the log of builds (builds.c)
 *     conflicts    key(16) epoch(4) name(16)     fields of an hpx_artifact: a later run. Of a replicate the name is
 *                                                the XXH3-128 of these fields, else its output
 *     pins         key(16)                       nothing
 *     adoptions    id(16)                        fields of an hpx_adoption (identity/adoption.h has the id)
 *     imports      key(16) epoch(4)              fields: from where and when the record came by an import;
 *                  id(16) 0(4)                   likewise of a code version
 *     blobs        XXH3-128(16) key(16) epoch(4) nothing: the file of that name is that checkpoint's
 *     conditions   id(16)                        fields: how a program is run; id as of codes
 *     proofs       id(16)                        fields: that a program continues (run/proof.c); likewise
 *     logs         key(16) epoch(4)              what the run said that ended with this epoch, up to 256 KiB
 *
 * Checkpoints of 1 MiB and more are files in the folder blobs/ (blobs.c).
 *
 * A store of format 1 has other records (format_1.c), large checkpoints in chunks, and none of the databases
 * that are younger than it: readers take it as it is, and the first writer upgrades it. One of format 2 becomes one of
 * format 3 with the first result of a program; all that it has stays as it is.
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
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DISK_FULL_BYTES (1u << 20)

const char *const hpx_database_names[DATABASES] = {
    "meta",     "manifests", "records",    "checkpoints", "chunks", "codes",
    "datasets", "files",     "builds",     "conflicts",   "pins",   "adoptions",
    "imports",  "blobs",     "conditions", "proofs",      "logs",
};

static struct key append_u32(struct key key, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        key.bytes[key.size++] = (uint8_t)(value >> shift);
    return key;
}

struct key hpx_key_of_hash(const hpx_hash *hash)
{
    struct key key = {.size = HPX_HASH_BYTES};
    memcpy(key.bytes, hash->bytes, HPX_HASH_BYTES);
    return key;
}

struct key hpx_key_of_epoch(const hpx_hash *hash, uint32_t epoch)
{
    return append_u32(hpx_key_of_hash(hash), epoch);
}

struct key hpx_key_of_chunk(const hpx_hash *hash, uint32_t epoch, uint32_t index)
{
    return append_u32(hpx_key_of_epoch(hash, epoch), index);
}

struct key hpx_key_of_number(uint64_t number)
{
    struct key key = {.size = 0};
    return append_u32(append_u32(key, (uint32_t)(number >> 32)), (uint32_t)number);
}

uint32_t hpx_load_big_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

uint64_t hpx_load_big_u64(const uint8_t *bytes)
{
    return (uint64_t)hpx_load_big_u32(bytes) << 32 | hpx_load_big_u32(bytes + 4);
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

hpx_status hpx_lmdb_failed(hpx_store *store, int code, hpx_error *error)
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

void hpx_describe_key(char *out, size_t room, enum database db, const MDB_val *key)
{
    static const char *const words[DATABASES] = {
        "meta",           "manifest",   "record",     "checkpoint", "chunk", "code version",
        "data set",       "file entry", "build",      "conflict",   "pin",   "adoption",
        "mark of import", "file",       "conditions", "proof",      "log"};
    const uint8_t *bytes = key->mv_data;
    char hex[2 * KEY_BYTES_MAX + 1] = "";
    size_t epoch_at = HPX_HASH_BYTES, index_at = epoch_at + 4;
    hpx_hex(hex, bytes, key->mv_size < epoch_at ? key->mv_size : epoch_at);
    if (key->mv_size == index_at + 4)
        snprintf(out, room, "%s %s epoch %u chunk %u", words[db], hex, hpx_load_big_u32(bytes + epoch_at),
                 hpx_load_big_u32(bytes + index_at));
    else if (key->mv_size == index_at)
        snprintf(out, room, "%s %s epoch %u", words[db], hex, hpx_load_big_u32(bytes + epoch_at));
    else
        snprintf(out, room, "%s %s", words[db], hex);
}

void hpx_leave_to_owner(const hpx_store *store, int file)
{
    struct stat ours, like;
    if (geteuid() != 0 || fstat(file, &ours) != 0 || ours.st_nlink != 1)
        return;
    bool data = stat(store->path, &like) == 0 && like.st_ino != ours.st_ino;
    if (!data && stat(store->directory, &like) != 0)
        return;
    if (like.st_uid == ours.st_uid && like.st_gid == ours.st_gid)
        return;
    /* Where root may not either, in some containers, the files stay as they are. */
    if (fchown(file, like.st_uid, like.st_gid) != 0 || fchmod(file, like.st_mode & 0666) != 0)
        errno = 0;
}
