/* Verification: every value against its seal, then the structure that seals cannot see. */
#include "artifact.h"
#include "blobs.h"
#include "checkpoint.h"
#include "internal.h"
#include "pages.h"
#include "record.h"
#include "sealed.h"
#include "transaction.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PART_PAGES DATABASES /* the part after the databases */

struct check {
    hpx_store *store;
    MDB_txn *txn;
    const uint8_t *map; /* the data file in memory, and its size */
    uint64_t file_bytes;
    hpx_damage_fn *damaged;
    void *context;
    char why[256]; /* of the last value, where it is no constant */
};

static void fault(struct check *check, enum database db, const MDB_val *key, const char *what)
{
    char place[256], text[512];
    hpx_describe_key(place, sizeof place, db, key);
    snprintf(text, sizeof text, "%s: %s", place, what);
    check->damaged(check->context, text);
}

/* Damage that belongs to no key. */
static void fault_of_part(struct check *check, enum database db, const char *what)
{
    char text[HPX_ERROR_BYTES + 64];
    snprintf(text, sizeof text, "%s: %s", hpx_database_names[db], what);
    check->damaged(check->context, text);
}

/* Where the data file is mapped, which LMDB does not say, and how long it is. If /proc does not know it,
 * nothing is taken to be beyond its end. */
static void find_map(struct check *check)
{
    char line[PATH_MAX + 128], *path = hpx_path_real(check->store->path);
    FILE *maps = fopen("/proc/self/maps", "re");
    struct stat file;
    while (path && maps && !check->map && fgets(line, sizeof line, maps)) {
        line[strcspn(line, "\n")] = 0;
        const char *name = strchr(line, '/');
        if (name && strcmp(name, path) == 0)
            check->map = (const uint8_t *)(uintptr_t)strtoull(line, NULL, 16); /* the first is the lowest */
    }
    if (maps)
        fclose(maps);
    /* The size is taken inside the transaction: the pages it can see have been written. */
    if (check->map && stat(path, &file) == 0)
        check->file_bytes = (uint64_t)file.st_size;
    free(path);
}

/* Touching what a truncated file has lost would be a SIGBUS. */
static bool is_in_file(const struct check *check, const MDB_val *value)
{
    uint64_t at = (uint64_t)((const uint8_t *)value->mv_data - check->map);
    return at <= check->file_bytes && value->mv_size <= check->file_bytes - at;
}

static bool exists(struct check *check, enum database db, const void *bytes, size_t size)
{
    MDB_val key = {.mv_size = size, .mv_data = (void *)bytes}, value;
    return !check->store->lacks[db] && mdb_get(check->txn, check->store->databases[db], &key, &value) == 0;
}

/* What is missing or damaged is a fault of its own. */
static bool read_fields(hpx_fields *out, struct check *check, enum database db, const void *hash)
{
    MDB_val key = {.mv_size = HPX_HASH_BYTES, .mv_data = (void *)hash}, value;
    hpx_error error;
    return mdb_get(check->txn, check->store->databases[db], &key, &value) == 0 && is_in_file(check, &value) &&
           hpx_is_sealed(db, &key, &value) &&
           hpx_fields_decode(out, value.mv_data, value.mv_size - SEAL_BYTES, &error) == HPX_OK;
}

/* What every record must say, whether it is the first of its epoch or a second output. */
static const char *check_artifact(hpx_artifact *out, struct check *check, const MDB_val *key,
                                  const uint8_t *payload, size_t size)
{
    hpx_error error;
    hpx_fields manifest = {0};
    if (hpx_decode_artifact(out, check->store->cells, payload, size, &error) != HPX_OK)
        return "malformed";
    out->epoch = hpx_load_big_u32((const uint8_t *)key->mv_data + HPX_HASH_BYTES);
    const char *wrong = read_fields(&manifest, check, DB_MANIFESTS, key->mv_data)
                            ? hpx_validate_artifact(out, &manifest)
                            : NULL;
    hpx_fields_free(&manifest);
    return wrong;
}

static const char *check_conflict(struct check *check, const MDB_val *key, const uint8_t *payload,
                                  size_t size)
{
    hpx_artifact artifact = {0};
    const char *wrong = check_artifact(&artifact, check, key, payload, size);
    hpx_artifact_free(&artifact);
    return wrong;
}

static const char *check_record(struct check *check, const MDB_val *key, const uint8_t *payload, size_t size)
{
    hpx_artifact artifact = {0};
    const char *wrong = check_artifact(&artifact, check, key, payload, size);
    hpx_artifact_free(&artifact);
    if (wrong)
        return wrong;
    if (artifact.replicate)
        return "a replicate in place of the first run";
    if (hpx_artifact_is_of_program(&artifact) &&
        !exists(check, DB_CONDITIONS, artifact.conditions.bytes, HPX_HASH_BYTES))
        return "its conditions are missing";
    if (!exists(check, DB_MANIFESTS, key->mv_data, HPX_HASH_BYTES))
        return "its manifest is missing";
    if (!exists(check, DB_CODES, artifact.code.bytes, HPX_HASH_BYTES))
        return "its code version is missing";
    if (!exists(check, DB_DATASETS, artifact.dataset.bytes, HPX_HASH_BYTES))
        return "its data set entry is missing";
    hpx_hash hash;
    memcpy(hash.bytes, key->mv_data, HPX_HASH_BYTES);
    struct key parent = hpx_key_of_epoch(&hash, artifact.parent);
    if (artifact.parent > 0 && !exists(check, DB_RECORDS, parent.bytes, parent.size))
        return "the epoch it continued is missing";
    return NULL;
}

static const char *keep_why(struct check *check, const hpx_error *why)
{
    snprintf(check->why, sizeof check->why, "%.250s", why->message);
    return check->why;
}

/* What the trainer says of a whole checkpoint. */
static const char *judge_checkpoint(struct check *check, const hpx_hash *key, uint32_t epoch,
                                    const hpx_hash *dataset, const hpx_blob *checkpoint)
{
    hpx_fields manifest = {0}, data = {0};
    hpx_error why;
    const char *wrong = NULL;
    if (check->store->judge && read_fields(&manifest, check, DB_MANIFESTS, key->bytes) &&
        read_fields(&data, check, DB_DATASETS, dataset->bytes) &&
        check->store->judge->checkpoint(&manifest, &data, epoch, checkpoint, &why) != HPX_OK)
        wrong = keep_why(check, &why);
    hpx_fields_free(&manifest);
    hpx_fields_free(&data);
    return wrong;
}

static const char *gather_chunks(hpx_blob *out, struct check *check, const hpx_hash *key, uint32_t epoch,
                                 const struct checkpoint_entry *entry)
{
    hpx_error why;
    hpx_status status =
        entry->size < BLOB_FILE_BYTES ? hpx_blob_new(out, &why) : hpx_blob_new_file(out, &why);
    for (uint32_t i = 0; i < entry->chunks && !status; i++) {
        struct key at = hpx_key_of_chunk(key, epoch, i);
        MDB_val chunk = {.mv_size = at.size, .mv_data = at.bytes}, value;
        if (mdb_get(check->txn, check->store->databases[DB_CHUNKS], &chunk, &value) != 0 ||
            value.mv_size < SEAL_BYTES || !is_in_file(check, &value))
            return "a chunk is missing";
        status = hpx_blob_add(out, value.mv_data, value.mv_size - SEAL_BYTES, &why);
    }
    return status ? keep_why(check, &why) : NULL;
}

static const char *open_file(hpx_blob *out, struct check *check, const hpx_hash *key, uint32_t epoch,
                             const struct checkpoint_entry *entry)
{
    hpx_error why;
    struct key reference = hpx_key_of_reference(&entry->hash, key, epoch);
    if (!exists(check, DB_BLOBS, reference.bytes, reference.size))
        return "nothing keeps its file";
    hpx_status status = hpx_open_blob(out, check->store, &entry->hash, entry->size, &why);
    return status == HPX_NOT_FOUND ? "its file is missing or of another size"
           : status                ? keep_why(check, &why)
                                   : NULL;
}

/* Hashes of a blob alone, and as the output that it is a part of. */
struct hashers {
    hpx_hasher *whole, *output;
};

static hpx_status add_piece(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    (void)error;
    const struct hashers *hashers = context;
    hpx_hasher_add(hashers->whole, bytes, size);
    hpx_hasher_add(hashers->output, bytes, size);
    return HPX_OK;
}

/* `artifact` is NULL where the record is not readable. */
static const char *check_bytes(struct check *check, const hpx_blob *blob,
                               const struct checkpoint_entry *entry, const hpx_artifact *artifact)
{
    static const hpx_artifact none;
    hpx_error why;
    struct hashers hashers = {hpx_hasher_new(), hpx_hasher_new()};
    hpx_status status = hpx_blob_each_piece(blob, add_piece, &hashers, &why);
    const hpx_hash whole = hpx_hasher_finish(hashers.whole),
                   output = hpx_artifact_output(artifact ? artifact : &none, hashers.output);
    if (status)
        return keep_why(check, &why);
    if (!hpx_hash_equal(&whole, &entry->hash))
        return hpx_is_file_entry(entry) ? "its file does not have its hash"
                                        : "the chunks do not have its hash";
    if (artifact && !hpx_hash_equal(&output, &artifact->output))
        return "it is not the output of its record";
    return NULL;
}

static const char *check_checkpoint(struct check *check, const MDB_val *key, const uint8_t *payload,
                                    size_t size)
{
    struct checkpoint_entry entry;
    if (!hpx_decode_checkpoint_entry(&entry, payload, size))
        return "malformed";
    MDB_val name = *key, record;
    hpx_artifact artifact = {0};
    hpx_error error;
    if (mdb_get(check->txn, check->store->databases[DB_RECORDS], &name, &record) != 0)
        return "its record is missing";
    /* A damaged record is a fault of its own. */
    const bool readable = is_in_file(check, &record) && hpx_is_sealed(DB_RECORDS, key, &record) &&
                          hpx_decode_artifact(&artifact, check->store->cells, record.mv_data,
                                              record.mv_size - SEAL_BYTES, &error) == HPX_OK;
    hpx_hash hash;
    memcpy(hash.bytes, key->mv_data, HPX_HASH_BYTES);
    const uint32_t epoch = hpx_load_big_u32((const uint8_t *)key->mv_data + HPX_HASH_BYTES);
    hpx_blob blob = HPX_NO_BLOB;
    const char *wrong = hpx_is_file_entry(&entry) ? open_file(&blob, check, &hash, epoch, &entry)
                                                  : gather_chunks(&blob, check, &hash, epoch, &entry);
    if (!wrong)
        wrong = check_bytes(check, &blob, &entry, readable ? &artifact : NULL);
    if (!wrong && readable)
        wrong = judge_checkpoint(check, &hash, epoch, &artifact.dataset, &blob);
    hpx_blob_close(&blob);
    hpx_artifact_free(&artifact);
    return wrong;
}

/* Whether the entry of a checkpoint is readable; *there, whether there is one. */
static bool read_entry(struct checkpoint_entry *out, bool *there, struct check *check, const void *key)
{
    MDB_val name = {.mv_size = HPX_HASH_BYTES + 4, .mv_data = (void *)key}, value;
    *there = mdb_get(check->txn, check->store->databases[DB_CHECKPOINTS], &name, &value) == 0;
    return *there && is_in_file(check, &value) && hpx_is_sealed(DB_CHECKPOINTS, &name, &value) &&
           hpx_decode_checkpoint_entry(out, value.mv_data, value.mv_size - SEAL_BYTES);
}

static const char *check_chunk(struct check *check, const MDB_val *key, const uint8_t *payload, size_t size)
{
    (void)payload, (void)size;
    struct checkpoint_entry entry;
    bool there, readable = read_entry(&entry, &there, check, key->mv_data);
    if (!there)
        return "left over: no checkpoint refers to it";
    if (readable && hpx_load_big_u32((const uint8_t *)key->mv_data + key->mv_size - 4) >= entry.chunks)
        return "left over: its checkpoint is shorter";
    return NULL;
}

/* Its bytes are looked at with the checkpoint. */
static const char *check_reference(struct check *check, const MDB_val *key, const uint8_t *payload,
                                   size_t size)
{
    (void)payload;
    struct checkpoint_entry entry;
    const uint8_t *bytes = key->mv_data;
    bool there, readable = read_entry(&entry, &there, check, bytes + HPX_HASH_BYTES);
    if (size != 0)
        return "malformed";
    if (!there)
        return "left over: no checkpoint refers to it";
    if (readable && !(hpx_is_file_entry(&entry) && memcmp(entry.hash.bytes, bytes, HPX_HASH_BYTES) == 0))
        return "left over: its checkpoint refers to another one";
    return NULL;
}

static const char *check_fields(struct check *check, const MDB_val *key, const uint8_t *payload, size_t size)
{
    (void)check;
    (void)key;
    hpx_fields fields = {0};
    hpx_error error;
    hpx_status status = hpx_fields_decode(&fields, payload, size, &error);
    hpx_fields_free(&fields);
    return status ? "malformed" : NULL;
}

/* Manifests, code versions and data sets are named by the hash of their bytes. */
static const char *check_named(struct check *check, enum database db, const MDB_val *key,
                               const uint8_t *payload, size_t size)
{
    hpx_hash hash = hpx_hash_of(payload, size);
    if (memcmp(hash.bytes, key->mv_data, HPX_HASH_BYTES) != 0)
        return "its bytes do not have the hash that names them";
    hpx_fields fields = {0};
    hpx_error error;
    hpx_status status = hpx_fields_decode(&fields, payload, size, &error);
    if (!status)
        status = hpx_validate_fields(check->store, db, &fields, &error);
    hpx_fields_free(&fields);
    return status ? keep_why(check, &error) : NULL;
}

static const char *check_manifest(struct check *check, const MDB_val *key, const uint8_t *payload,
                                  size_t size)
{
    return check_named(check, DB_MANIFESTS, key, payload, size);
}

static const char *check_code(struct check *check, const MDB_val *key, const uint8_t *payload, size_t size)
{
    return check_named(check, DB_CODES, key, payload, size);
}

static const char *check_dataset(struct check *check, const MDB_val *key, const uint8_t *payload, size_t size)
{
    return check_named(check, DB_DATASETS, key, payload, size);
}

static const char *check_conditions(struct check *check, const MDB_val *key, const uint8_t *payload,
                                    size_t size)
{
    return check_named(check, DB_CONDITIONS, key, payload, size);
}

static const char *check_log(struct check *check, const MDB_val *key, const uint8_t *payload, size_t size)
{
    (void)payload;
    if (size > HPX_LOG_BYTES_MAX)
        return "malformed";
    return exists(check, DB_RECORDS, key->mv_data, key->mv_size) ? NULL : "left over: its record is missing";
}

static const char *check_pin(struct check *check, const MDB_val *key, const uint8_t *payload, size_t size)
{
    (void)payload;
    if (size != 0)
        return "malformed";
    return exists(check, DB_MANIFESTS, key->mv_data, HPX_HASH_BYTES) ? NULL : "its manifest is missing";
}

static const char *check_import(struct check *check, const MDB_val *key, const uint8_t *payload, size_t size)
{
    const bool of_code = hpx_load_big_u32((const uint8_t *)key->mv_data + HPX_HASH_BYTES) == 0;
    if (!(of_code ? exists(check, DB_CODES, key->mv_data, HPX_HASH_BYTES)
                  : exists(check, DB_RECORDS, key->mv_data, key->mv_size)))
        return of_code ? "its code version is missing" : "its record is missing";
    return check_fields(check, key, payload, size);
}

/* What a value under a good seal must also satisfy: NULL if it does, else what is wrong. */
static const struct {
    size_t key_bytes;
    const char *(*structure)(struct check *check, const MDB_val *key, const uint8_t *payload, size_t size);
} rules[DATABASES] = {
    [DB_META] = {6, NULL},
    [DB_MANIFESTS] = {HPX_HASH_BYTES, check_manifest},
    [DB_RECORDS] = {HPX_HASH_BYTES + 4, check_record},
    [DB_CHECKPOINTS] = {HPX_HASH_BYTES + 4, check_checkpoint},
    [DB_CHUNKS] = {HPX_HASH_BYTES + 8, check_chunk},
    [DB_CODES] = {HPX_HASH_BYTES, check_code},
    [DB_DATASETS] = {HPX_HASH_BYTES, check_dataset},
    [DB_FILES] = {HPX_HASH_BYTES, check_fields},
    [DB_BUILDS] = {8, check_fields},
    [DB_CONFLICTS] = {HPX_HASH_BYTES + 4 + HPX_HASH_BYTES, check_conflict},
    [DB_PINS] = {HPX_HASH_BYTES, check_pin},
    [DB_ADOPTIONS] = {HPX_HASH_BYTES, check_fields},
    [DB_IMPORTS] = {HPX_HASH_BYTES + 4, check_import},
    [DB_BLOBS] = {2 * HPX_HASH_BYTES + 4, check_reference},
    [DB_CONDITIONS] = {HPX_HASH_BYTES, check_conditions},
    [DB_PROOFS] = {HPX_HASH_BYTES, check_fields},
    [DB_LOGS] = {HPX_HASH_BYTES + 4, check_log},
};

static hpx_status check_database(struct check *check, enum database db, volatile uint64_t *checked,
                                 hpx_error *error)
{
    MDB_cursor *cursor;
    MDB_stat info;
    uint64_t walked = 0;
    struct key last = {.size = 0};
    int code = mdb_stat(check->txn, check->store->databases[db], &info);
    if (code == 0)
        code = mdb_cursor_open(check->txn, check->store->databases[db], &cursor);
    if (code != 0)
        return hpx_lmdb_failed(check->store, code, error);
    MDB_val key, value;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        const char *wrong = NULL;
        if (!is_in_file(check, &key)) {
            code = MDB_PAGE_NOTFOUND;
            break;
        }
        walked++;
        ++*checked;
        if (key.mv_size != rules[db].key_bytes)
            wrong = "a key of the wrong size";
        else if (last.size > 0 && memcmp(last.bytes, key.mv_data, last.size) >= 0)
            wrong = "out of order";
        else if (!is_in_file(check, &value))
            wrong = "its bytes lie beyond the end of the file";
        else if (!hpx_is_sealed(db, &key, &value))
            wrong = "the bytes do not match their hash";
        else if (rules[db].structure)
            wrong = rules[db].structure(check, &key, value.mv_data, value.mv_size - SEAL_BYTES);
        if (wrong)
            fault(check, db, &key, wrong);
        if (key.mv_size == rules[db].key_bytes) {
            last.size = key.mv_size;
            memcpy(last.bytes, key.mv_data, key.mv_size);
        }
    }
    mdb_cursor_close(cursor);
    char text[128];
    if (code != MDB_NOTFOUND) {
        snprintf(text, sizeof text, "the structure is damaged (%s) after %" PRIu64 " values of %zu",
                 mdb_strerror(code), walked, info.ms_entries);
        fault_of_part(check, db, text);
    } else if (walked != info.ms_entries) {
        snprintf(text, sizeof text, "the structure is damaged: %" PRIu64 " values of %zu are reached", walked,
                 info.ms_entries);
        fault_of_part(check, db, text);
    }
    return HPX_OK;
}

const char *hpx_store_part_name(uint32_t part)
{
    return part < DATABASES ? hpx_database_names[part] : part == PART_PAGES ? "pages" : NULL;
}

/* Files that nothing refers to are no damage. */
static hpx_status remark_orphans(struct check *check, hpx_error *error)
{
    uint64_t count, bytes;
    char text[160];
    hpx_status status = hpx_find_orphans(&count, &bytes, check->store, check->txn, false, error);
    if (status || count == 0 || !check->store->remark)
        return status;
    snprintf(text, sizeof text,
             "%" PRIu64 " files (%" PRIu64 " bytes) in blobs/ belong to no checkpoint; `hpx gc` removes them",
             count, bytes);
    check->store->remark(check->store->remark_context, text);
    return HPX_OK;
}

/* In a transaction of its own: LMDB ends one in which it has met damage. */
static hpx_status check_part(hpx_store *store, volatile hpx_verify_progress *progress, hpx_damage_fn *damaged,
                             void *context, hpx_error *error)
{
    const enum database db = (enum database)progress->part;
    struct check check = {.store = store, .file_bytes = UINT64_MAX, .damaged = damaged, .context = context};
    hpx_status status = hpx_hold_files(store, error);
    if (!status)
        status = hpx_begin_read(&check.txn, store, error);
    if (!status) {
        find_map(&check);
        status = check_database(&check, db, &progress->checked, error);
        if (!status && db == DB_BLOBS)
            status = remark_orphans(&check, error);
        hpx_end_read(store, check.txn);
    }
    hpx_release_files(store);
    return status;
}

hpx_status hpx_store_verify_from(hpx_store *store, volatile hpx_verify_progress *progress,
                                 hpx_damage_fn *damaged, void *context, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (; hpx_store_part_name(progress->part) && !status; progress->part++)
        if (progress->part == PART_PAGES)
            status = hpx_check_pages(store, damaged, context, error);
        else if (!store->lacks[progress->part])
            status = check_part(store, progress, damaged, context, error);
    return status;
}

hpx_status hpx_store_verify(hpx_store *store, uint64_t *checked, hpx_damage_fn *damaged, void *context,
                            hpx_error *error)
{
    hpx_verify_progress progress = {0};
    hpx_status status = hpx_store_verify_from(store, &progress, damaged, context, error);
    *checked = progress.checked;
    return status;
}
