/* Code versions, data sets and known files: small values beside the artifacts. */
#include "artifact.h"
#include "internal.h"
#include "sealed.h"
#include "transaction.h"
#include "walk.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

hpx_hash hpx_record_id(const hpx_fields *fields)
{
    hpx_buffer bytes = {0};
    hpx_fields_encode(&bytes, fields);
    hpx_hash id = hpx_hash_of(bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
    return id;
}

static enum database database_of(hpx_record_kind kind)
{
    static const enum database databases[] = {
        [HPX_RECORD_CODE] = DB_CODES,
        [HPX_RECORD_DATASET] = DB_DATASETS,
        [HPX_RECORD_CONDITIONS] = DB_CONDITIONS,
        [HPX_RECORD_PROOF] = DB_PROOFS,
    };
    return databases[kind];
}

/* One value in a transaction of its own. */
static hpx_status put_alone(hpx_store *store, enum database db, const struct key *key,
                            const hpx_buffer *value, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    if (db == DB_CONDITIONS)
        status = hpx_take_programs(store, txn, error);
    if (!status)
        status = hpx_put_sealed(store, txn, db, key, value->data, value->size, error);
    return hpx_end_write(store, txn, status, error);
}

static hpx_status get_fields(hpx_fields *out, hpx_store *store, enum database db, const struct key *key,
                             hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    const uint8_t *payload;
    size_t size;
    status = hpx_get_sealed(&payload, &size, store, txn, db, key, error);
    if (!status)
        status = hpx_fields_decode(out, payload, size, error);
    hpx_end_read(store, txn);
    return status;
}

hpx_status hpx_store_put_record(hpx_store *store, hpx_record_kind kind, const hpx_fields *fields,
                                hpx_error *error)
{
    hpx_fields stored = {0};
    hpx_hash id = hpx_record_id(fields);
    struct key key = hpx_key_of_hash(&id);
    hpx_status status = get_fields(&stored, store, database_of(kind), &key, error);
    hpx_fields_free(&stored);
    if (!status && kind == HPX_RECORD_CODE)
        return hpx_unmark_import(store, &id, 0, error);
    if (status != HPX_NOT_FOUND)
        return status;
    hpx_buffer bytes = {0};
    hpx_fields_encode(&bytes, fields);
    status = put_alone(store, database_of(kind), &key, &bytes, error);
    hpx_buffer_free(&bytes);
    return status;
}

hpx_status hpx_store_get_record(hpx_fields *out, hpx_store *store, hpx_record_kind kind, const hpx_hash *id,
                                hpx_error *error)
{
    struct key key = hpx_key_of_hash(id);
    return get_fields(out, store, database_of(kind), &key, error);
}

hpx_status hpx_store_find_record(hpx_hash *out, hpx_store *store, hpx_record_kind kind, const char *prefix,
                                 hpx_error *error)
{
    return hpx_find_name(out, store, database_of(kind), prefix, error);
}

static struct key key_of_path(const char *path)
{
    hpx_hash hash = hpx_hash_of(path, strlen(path));
    return hpx_key_of_hash(&hash);
}

/* The other fields of an entry are its reader's. */
static const char *const own_fields[] = {"path",    "device", "inode", "stat.size", "modified",
                                         "changed", "hashed", "size",  "hash",      "packed"};

static bool is_own(const char *name)
{
    for (size_t i = 0; i < sizeof own_fields / sizeof *own_fields; i++)
        if (strcmp(own_fields[i], name) == 0)
            return true;
    return false;
}

void hpx_known_bytes_free(hpx_known_bytes *known)
{
    hpx_fields_free(&known->about);
}

static hpx_status decode_file(hpx_known_bytes *out, const hpx_fields *fields, const char *path,
                              hpx_error *error)
{
    uint64_t modified = 0, changed = 0, hashed = 0;
    const uint8_t *stored = NULL;
    size_t length = 0;
    const struct {
        const char *name;
        uint64_t *value;
    } counts[] = {
        {"device", &out->stat.device}, {"inode", &out->stat.inode}, {"stat.size", &out->stat.size},
        {"modified", &modified},       {"changed", &changed},       {"hashed", &hashed},
        {"size", &out->size},
    };
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0] && !status; i++)
        status = hpx_fields_count(counts[i].value, fields, counts[i].name, error);
    if (!status)
        status = hpx_fields_hash(&out->hash, fields, "hash", error);
    if (!status)
        status = hpx_fields_bytes(&stored, &length, fields, "path", error);
    if (!status && (length != strlen(path) || memcmp(stored, path, length) != 0))
        status = hpx_error_set(error, HPX_NOT_FOUND, "not in the store");
    out->stat.modified_ns = (int64_t)modified;
    out->stat.changed_ns = (int64_t)changed;
    out->hashed_ns = (int64_t)hashed;
    uint64_t packed = out->size != out->stat.size;
    hpx_error ignored;
    hpx_fields_count(&packed, fields, "packed", &ignored);
    out->packed = packed;
    out->about = (hpx_fields){0};
    for (size_t i = 0; i < fields->count && !status; i++)
        if (!is_own(fields->fields[i].name))
            hpx_fields_set(&out->about, &fields->fields[i]);
    return status;
}

hpx_status hpx_store_get_file(hpx_known_bytes *out, hpx_store *store, const char *path, hpx_error *error)
{
    hpx_fields fields = {0};
    struct key key = key_of_path(path);
    hpx_status status = get_fields(&fields, store, DB_FILES, &key, error);
    if (!status)
        status = decode_file(out, &fields, path, error);
    hpx_fields_free(&fields);
    return status;
}

hpx_status hpx_store_put_file(hpx_store *store, const char *path, const hpx_known_bytes *known,
                              hpx_error *error)
{
    hpx_fields fields = {0};
    hpx_fields_set_bytes(&fields, "path", path, strlen(path)); /* names of files need not be UTF-8 */
    hpx_fields_set_count(&fields, "device", known->stat.device);
    hpx_fields_set_count(&fields, "inode", known->stat.inode);
    hpx_fields_set_count(&fields, "stat.size", known->stat.size);
    hpx_fields_set_count(&fields, "modified", (uint64_t)known->stat.modified_ns);
    hpx_fields_set_count(&fields, "changed", (uint64_t)known->stat.changed_ns);
    hpx_fields_set_count(&fields, "hashed", (uint64_t)known->hashed_ns);
    hpx_fields_set_count(&fields, "size", known->size);
    hpx_fields_set_hash(&fields, "hash", &known->hash);
    hpx_fields_set_count(&fields, "packed", known->packed);
    hpx_fields_add(&fields, &known->about);
    hpx_buffer bytes = {0};
    hpx_fields_encode(&bytes, &fields);
    struct key key = key_of_path(path);
    hpx_status status = put_alone(store, DB_FILES, &key, &bytes, error);
    hpx_buffer_free(&bytes);
    hpx_fields_free(&fields);
    return status;
}

/* Few files are ever known: walking them all is cheaper than an index to keep true. */
hpx_status hpx_store_find_file(char **path, hpx_known_bytes *known, hpx_store *store, const hpx_hash *hash,
                               hpx_error *error)
{
    MDB_txn *txn;
    bool found = false;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    struct walk walk = hpx_walk(store, txn, DB_FILES, NULL);
    while (!found && hpx_walk_next(&walk)) {
        hpx_fields fields = {0};
        const uint8_t *bytes;
        size_t size;
        hpx_error ignored;
        if (hpx_is_sealed(DB_FILES, &walk.key, &walk.value) &&
            hpx_fields_decode(&fields, walk.value.mv_data, walk.value.mv_size - SEAL_BYTES, &ignored) ==
                HPX_OK &&
            hpx_fields_bytes(&bytes, &size, &fields, "path", &ignored) == HPX_OK) {
            *path = hpx_strndup((const char *)bytes, size);
            found = decode_file(known, &fields, *path, &ignored) == HPX_OK &&
                    hpx_hash_equal(&known->hash, hash) && hpx_path_exists(*path);
            if (!found) {
                hpx_known_bytes_free(known);
                free(*path);
            }
        }
        hpx_fields_free(&fields);
    }
    status = hpx_walk_end(&walk, HPX_OK, error);
    hpx_end_read(store, txn);
    if (found)
        return HPX_OK;
    *path = NULL;
    return status
               ? status
               : hpx_error_set(
                     error, HPX_NOT_FOUND,
                     "this store knows no file with the data set's bytes: build a recipe that names it, or "
                     "`hpx data fetch` it");
}
