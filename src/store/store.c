/* The layout, format version 1. The environment is the file hpx.mdb (and hpx.mdb-lock) in the store's folder,
 * with one database for each kind of value:
 *
 *     meta         "format"                      u32 format version
 *     manifests    key(16)                       canonical fields; key is their XXH3-128
 *     records      key(16) epoch(4)              fields of an hpx_artifact
 *     checkpoints  key(16) epoch(4)              u64 size, u32 chunks, XXH3-128 of the whole
 *     chunks       key(16) epoch(4) index(4)     CHUNK_BYTES each, the last one shorter
 *     codes        id(16)                        fields: version, commit, describe, ...; id is their XXH3-128
 *     datasets     id(16)                        fields: name, files' hashes and sizes; likewise
 *     files        XXH3-128 of the path(16)      fields of an hpx_known_bytes, and the path
 *     builds       number(8)                     fields of one entry of the log of builds
 *     conflicts    key(16) epoch(4) output(16)   fields of an hpx_artifact: a second output
 *     pins         key(16)                       nothing
 *     adoptions    XXH3-128 of whose it is(16)   fields of an hpx_adoption (hpx/adoption.h)
 *
 * A store that is older than conflicts, pins or adoptions has no such databases: writers add them, readers
 * find them empty.
 *
 * Integers in keys are big-endian, so that a cursor walks epochs and chunks in order; in values
 * little-endian. Every value ends with the XXH3-128 of its database's name, its key and its payload: a
 * flipped bit, and a value that stands under another's key, are both seen.
 *
 * LMDB is opened with its default synchronous commits, never with WRITEMAP (a full disk would be a SIGBUS) or
 * NOSYNC; NOTLS, since read transactions are short and belong to no thread. */
#include "internal.h"

#include "hpx/memory.h"
#include "hpx/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>
#define XXH_STATIC_LINKING_ONLY /* for a hash state on the stack */
#include <xxhash.h>

#define FORMAT_VERSION    1
#define MAP_BYTES_DEFAULT ((size_t)64 << 30)
#define READERS_MAX       512
#define LOCK_FILE_BYTES   ((READERS_MAX + 8) * 64) /* a reader's slot is a cache line */
#define DISK_FULL_BYTES   (1u << 20)

const char *const database_names[DATABASES] = {
    "meta",     "manifests", "records", "checkpoints", "chunks", "codes",
    "datasets", "files",     "builds",  "conflicts",   "pins",   "adoptions",
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

hpx_status begin(MDB_txn **txn, hpx_store *store, unsigned flags, hpx_error *error)
{
    int code = mdb_txn_begin(store->env, NULL, flags, txn);
    if (code == MDB_MAP_RESIZED) {
        /* Another process uses a larger map; we hold no transaction, so its size can be taken over. */
        code = mdb_env_set_mapsize(store->env, 0);
        if (code == 0)
            code = mdb_txn_begin(store->env, NULL, flags, txn);
    }
    return code == 0 ? HPX_OK : lmdb_failed(store, code, error);
}

hpx_status end(hpx_store *store, MDB_txn *txn, hpx_status status, hpx_error *error)
{
    if (status) {
        mdb_txn_abort(txn);
        return status;
    }
    int code = mdb_txn_commit(txn);
    return code == 0 ? HPX_OK : lmdb_failed(store, code, error);
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
    static const char *const words[DATABASES] = {"meta",  "manifest",     "record",   "checkpoint",
                                                 "chunk", "code version", "data set", "file entry",
                                                 "build", "conflict",     "pin",      "adoption"};
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

/* LMDB relies on a shared memory map and on locks of one machine. */
static const char *network_file_system(const char *directory)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } known[] = {
        {0x6969, "NFS"},        {0x517b, "SMB"},      {0xff534d42, "CIFS"},  {0xfe534d42, "SMB"},
        {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"}, {0x00c36400, "Ceph"},  {0x5346414f, "AFS"},
        {0x19830326, "BeeGFS"}, {0x01021997, "9P"},   {0x013111a8, "IBRIX"}, {0xaad7aaea, "PanFS"},
    };
    struct statfs info;
    if (statfs(directory, &info) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if ((unsigned long)info.f_type == known[i].magic)
            return known[i].name;
    return NULL;
}

static hpx_status map_bytes(size_t *out, hpx_error *error)
{
    *out = MAP_BYTES_DEFAULT;
    const char *text = getenv("HPX_MAP_SIZE");
    uint64_t bytes;
    if (!text || !*text)
        return HPX_OK;
    if (!hpx_parse_u64(&bytes, text) || bytes < (1u << 20))
        return hpx_error_set(error, HPX_USAGE, "HPX_MAP_SIZE=%s: expected a number of bytes, 1048576 or more",
                             text);
    *out = (size_t)bytes & ~(size_t)4095;
    return HPX_OK;
}

/* A truncated data file gives SIGBUS when a lost page is read: compare its size with what the meta page says.
 */
static hpx_status check_size(hpx_store *store, hpx_error *error)
{
    MDB_envinfo info;
    MDB_stat pages;
    struct stat file;
    mdb_env_info(store->env, &info);
    mdb_env_stat(store->env, &pages);
    if (stat(store->path, &file) != 0)
        return hpx_error_errno(error, "%s", store->path);
    uint64_t expected = (uint64_t)(info.me_last_pgno + 1) * pages.ms_psize;
    if (info.me_last_txnid > 0 && (uint64_t)file.st_size < expected)
        return hpx_error_set(error, HPX_DAMAGED,
                             "%s: truncated: %llu bytes of %llu; `hpx verify` says what is lost", store->path,
                             (unsigned long long)file.st_size, (unsigned long long)expected);
    return HPX_OK;
}

/* A store without any database is one that nobody has written to yet. */
static hpx_status is_empty(bool *empty, hpx_store *store, MDB_txn *txn, hpx_error *error)
{
    MDB_dbi names;
    MDB_stat info;
    int code = mdb_dbi_open(txn, NULL, 0, &names);
    if (code == 0)
        code = mdb_stat(txn, names, &info);
    *empty = code == 0 && info.ms_entries == 0;
    return code == 0 ? HPX_OK : lmdb_failed(store, code, error);
}

static hpx_status check_format(hpx_store *store, MDB_txn *txn, hpx_error *error)
{
    struct key key = {.bytes = "format", .size = 6};
    const uint8_t *payload;
    size_t size;
    hpx_status status = get_sealed(&payload, &size, store, txn, DB_META, &key, error);
    if (status == HPX_NOT_FOUND)
        return hpx_error_set(error, HPX_DAMAGED, "%s: the format version is damaged", store->path);
    if (!status && (size != 4 || hpx_load_u32(payload) > FORMAT_VERSION))
        return hpx_error_set(error, HPX_FAILED,
                             "%s: written by a newer hpx (format %u, this one knows up to %d); use that one",
                             store->path, size == 4 ? hpx_load_u32(payload) : 0, FORMAT_VERSION);
    return status;
}

static hpx_status put_format(hpx_store *store, MDB_txn *txn, hpx_error *error)
{
    struct key key = {.bytes = "format", .size = 6};
    static const uint8_t version[4] = {FORMAT_VERSION};
    return put_sealed(store, txn, DB_META, &key, version, sizeof version, error);
}

/* Opens the databases in a transaction. *complete false when younger ones are missing. */
static int open_all(bool *complete, hpx_store *store, MDB_txn *txn, unsigned flags)
{
    int code = 0;
    *complete = true;
    for (int db = 0; db < DATABASES && code == 0; db++) {
        code = mdb_dbi_open(txn, database_names[db], flags, &store->databases[db]);
        store->lacks[db] = code == MDB_NOTFOUND && db >= DB_YOUNGER;
        if (store->lacks[db])
            code = 0;
        *complete = *complete && !store->lacks[db];
    }
    return code;
}

/* Adds to an older store the databases that its writer did not know. */
static hpx_status upgrade(hpx_store *store, hpx_error *error)
{
    MDB_txn *txn;
    bool complete;
    hpx_status status = begin(&txn, store, 0, error);
    if (status)
        return status;
    int code = open_all(&complete, store, txn, MDB_CREATE);
    if (code == 0)
        code = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    return code == 0 ? HPX_OK : lmdb_failed(store, code, error);
}

/* Opens the databases; makes them and notes the format version in a new store. */
static hpx_status open_databases(hpx_store *store, hpx_store_mode mode, hpx_error *error)
{
    MDB_txn *txn;
    bool fresh;
    hpx_status status = begin(&txn, store, MDB_RDONLY, error);
    if (status)
        return status;
    status = is_empty(&fresh, store, txn, error);
    if (!status && fresh && mode != HPX_STORE_WRITE)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: an empty store", store->directory);
    if (!status && fresh) {
        mdb_txn_abort(txn);
        status = begin(&txn, store, 0, error);
        if (status)
            return status;
        status = is_empty(&fresh, store, txn, error); /* another process may have been faster */
    }
    bool complete = true;
    if (!status) {
        int opened = open_all(&complete, store, txn, fresh ? MDB_CREATE : 0);
        status = opened == 0 ? HPX_OK : lmdb_failed(store, opened, error);
    }
    if (!status && fresh)
        status = put_format(store, txn, error);
    else if (!status && mode != HPX_STORE_CHECK)
        status = check_format(store, txn, error);
    if (status) {
        mdb_txn_abort(txn);
        return status;
    }
    int code = mdb_txn_commit(txn);
    if (code != 0)
        return lmdb_failed(store, code, error);
    return complete || mode != HPX_STORE_WRITE ? HPX_OK : upgrade(store, error);
}

static hpx_broken_fn *broken;

void hpx_store_on_broken(hpx_broken_fn *handler)
{
    broken = handler;
}

static void assertion_failed(MDB_env *env, const char *what)
{
    const char *path = "";
    char text[1024];
    mdb_env_get_path(env, &path);
    snprintf(text, sizeof text, "%s: the structure is damaged (LMDB: %s)", path, what);
    if (broken)
        broken(text);
    abort();
}

/* A failed mdb_env_open leaves an environment that can only be closed, so every attempt makes its own. */
static int try_open(hpx_store *store, size_t map, unsigned flags)
{
    int code = mdb_env_create(&store->env);
    if (code != 0)
        return code;
    code = mdb_env_set_assert(store->env, assertion_failed);
    if (code == 0)
        code = mdb_env_set_maxdbs(store->env, DATABASES);
    if (code == 0)
        code = mdb_env_set_maxreaders(store->env, READERS_MAX);
    if (code == 0)
        code = mdb_env_set_mapsize(store->env, map);
    if (code == 0)
        code = mdb_env_open(store->env, store->path, flags | MDB_NOSUBDIR | MDB_NOTLS, 0666);
    if (code != 0) {
        mdb_env_close(store->env);
        store->env = NULL;
    }
    return code;
}

/* LMDB writes to its lock file through a shared map: on a full disk the first touch of a page would be a
 * SIGBUS. So the file gets its blocks before it is mapped. What else is wrong with it, LMDB finds out. */
static hpx_status allocate_locks(hpx_store *store, hpx_error *error)
{
    char *path = hpx_format("%s-lock", store->path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666), code = fd < 0 ? errno : 0;
    free(path);
    if (fd >= 0 && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, LOCK_FILE_BYTES) != 0)
        code = errno;
    if (fd >= 0)
        close(fd);
    return code == ENOSPC ? lmdb_failed(store, code, error) : HPX_OK;
}

static hpx_status open_environment(hpx_store *store, hpx_store_mode mode, hpx_error *error)
{
    size_t map;
    hpx_status status = map_bytes(&map, error);
    if (!status)
        status = allocate_locks(store, error);
    if (status)
        return status;
    int code = try_open(store, map, mode == HPX_STORE_WRITE ? 0 : MDB_RDONLY);
    if ((code == EROFS || code == EACCES) && mode != HPX_STORE_WRITE)
        code = try_open(store, map, MDB_RDONLY | MDB_NOLOCK); /* nobody can be writing here */
    if (code == ENOMEM)
        return hpx_error_set(
            error, HPX_FAILED,
            "%s: out of memory, or of address space for a map of %zu bytes; set HPX_MAP_SIZE lower",
            store->path, map);
    if (code != 0)
        return lmdb_failed(store, code, error);
    int dead;
    mdb_reader_check(store->env, &dead);
    return mode == HPX_STORE_CHECK ? HPX_OK : check_size(store, error);
}

/* Whether a short file is the beginning of one of LMDB's: the number of its first page, 0. Others are not
 * touched. */
static bool begins_as_ours(const char *path)
{
    uint8_t number[8] = {0}, zero[8] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ours = fd >= 0 && read(fd, number, sizeof number) >= 0 && memcmp(number, zero, sizeof zero) == 0;
    if (fd >= 0)
        close(fd);
    return ours;
}

/* LMDB begins a file with one write of two pages, and refuses for ever what a fault has left shorter. */
static hpx_status check_beginning(hpx_store *store, hpx_store_mode mode, hpx_error *error)
{
    struct stat file;
    if (stat(store->path, &file) != 0 || file.st_size >= 2 * sysconf(_SC_PAGESIZE))
        return HPX_OK;
    if (is_made(store))
        return hpx_error_set(error, HPX_DAMAGED, "%s: truncated: %llu bytes; nothing is left in it",
                             store->path, (unsigned long long)file.st_size);
    if (!begins_as_ours(store->path))
        return HPX_OK; /* LMDB will refuse it */
    if (mode != HPX_STORE_WRITE)
        return hpx_error_set(error, HPX_NOT_FOUND, "%s: an empty store", store->directory);
    /* Its making did not end. */
    return truncate(store->path, 0) == 0 ? HPX_OK : hpx_error_errno(error, "%s", store->path);
}

static hpx_status open_files(hpx_store *store, hpx_store_mode mode, hpx_error *error)
{
    hpx_status status = check_beginning(store, mode, error);
    if (!status)
        status = open_environment(store, mode, error);
    return status ? status : open_databases(store, mode, error);
}

static hpx_status make_files(hpx_store *store, hpx_error *error)
{
    hpx_status status = begin_making(store, error);
    if (status)
        return status;
    status = open_files(store, HPX_STORE_WRITE, error);
    end_making(store, status == HPX_OK);
    return status;
}

hpx_status open_locked(hpx_store **out, const char *directory, hpx_store_mode mode, bool alone,
                       hpx_error *error)
{
    *out = NULL;
    hpx_store *store = hpx_alloc(sizeof *store);
    store->cells = hpx_cells_new();
    store->claims = -1;
    store->directory = hpx_strdup(directory);
    store->path = hpx_path_join(directory, DATA_FILE);
    hpx_status status = HPX_OK;
    if (mode != HPX_STORE_WRITE && !hpx_path_exists(store->path))
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no store here", directory);
    else if (mode == HPX_STORE_WRITE)
        status = hpx_make_directories(directory, error);
    const char *network = status ? NULL : network_file_system(directory);
    if (network)
        status =
            hpx_error_set(error, HPX_FAILED,
                          "%s: a store cannot live on a network file system (%s); name a local folder with "
                          "--store or HPX_STORE",
                          directory, network);
    if (!status)
        status = open_claims(store, mode, alone, error);
    if (!status && mode == HPX_STORE_WRITE && !is_made(store))
        status = make_files(store, error);
    else if (!status)
        status = open_files(store, mode, error);
    if (status)
        hpx_store_close(store);
    else
        *out = store;
    return status;
}

hpx_status hpx_store_open(hpx_store **out, const char *directory, hpx_store_mode mode, hpx_error *error)
{
    return open_locked(out, directory, mode, false, error);
}

bool hpx_store_exists(const char *directory)
{
    char *path = hpx_path_join(directory, DATA_FILE);
    bool exists = hpx_path_exists(path);
    free(path);
    return exists;
}

void hpx_store_close(hpx_store *store)
{
    if (!store)
        return;
    if (store->env)
        mdb_env_close(store->env);
    if (store->claims >= 0)
        close(store->claims);
    for (size_t i = 0; i < store->reported_count; i++)
        free(store->reported[i]);
    free(store->reported);
    pages_free(store->pages);
    hpx_cells_free(store->cells);
    free(store->directory);
    free(store->path);
    free(store);
}

void hpx_store_on_damage(hpx_store *store, hpx_damage_fn *damaged, void *context)
{
    store->damaged = damaged;
    store->damaged_context = context;
}

const char *hpx_store_directory(const hpx_store *store)
{
    return store->directory;
}
