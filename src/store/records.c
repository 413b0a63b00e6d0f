/* Code versions, data sets, known files and the log of builds: small values beside the artifacts. */
#include "artifact.h"
#include "internal.h"
#include "sealed.h"
#include "transaction.h"

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

/* The field "spans" of an entry: for each, key(16) u32 slot, from, to, u8 verdict (128 more: speculative),
 * u64 start and end. */
#define SPECULATIVE 0x80
#define SPAN_BYTES  (HPX_HASH_BYTES + 3 * 4 + 1 + 2 * 8)

static void encode_spans(hpx_buffer *out, const hpx_build_span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hpx_buffer_add(out, spans[i].key.bytes, HPX_HASH_BYTES);
        hpx_buffer_u32(out, spans[i].slot);
        hpx_buffer_u32(out, spans[i].from);
        hpx_buffer_u32(out, spans[i].to);
        const uint8_t verdict = spans[i].verdict | (spans[i].speculative ? SPECULATIVE : 0);
        hpx_buffer_add(out, &verdict, 1);
        hpx_buffer_u64(out, (uint64_t)spans[i].start_ns);
        hpx_buffer_u64(out, (uint64_t)spans[i].end_ns);
    }
}

static void decode_span(hpx_build_span *out, const uint8_t *bytes)
{
    memcpy(out->key.bytes, bytes, HPX_HASH_BYTES);
    bytes += HPX_HASH_BYTES;
    out->slot = hpx_load_u32(bytes);
    out->from = hpx_load_u32(bytes + 4);
    out->to = hpx_load_u32(bytes + 8);
    out->verdict = bytes[12] & ~SPECULATIVE;
    out->speculative = bytes[12] & SPECULATIVE;
    out->start_ns = (int64_t)hpx_load_u64(bytes + 13);
    out->end_ns = (int64_t)hpx_load_u64(bytes + 21);
}

hpx_status hpx_store_log_build(hpx_store *store, const hpx_fields *entry, const hpx_build_span *spans,
                               size_t span_count, hpx_error *error)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    hpx_buffer bytes = {0}, packed = {0};
    hpx_fields whole = {0};
    hpx_fields_add(&whole, entry);
    encode_spans(&packed, spans, span_count);
    hpx_fields_set_bytes(&whole, "spans", packed.data, packed.size);
    hpx_fields_encode(&bytes, &whole);
    hpx_fields_free(&whole);
    hpx_buffer_free(&packed);
    uint64_t number = 0;
    int code = mdb_cursor_open(txn, store->databases[DB_BUILDS], &cursor);
    if (code == 0) {
        MDB_val key, value;
        if (mdb_cursor_get(cursor, &key, &value, MDB_LAST) == 0 && key.mv_size == 8)
            number = hpx_load_big_u64(key.mv_data) + 1;
        mdb_cursor_close(cursor);
        struct key name = hpx_key_of_number(number);
        status = hpx_put_sealed(store, txn, DB_BUILDS, &name, bytes.data, bytes.size, error);
    } else {
        status = hpx_lmdb_failed(store, code, error);
    }
    hpx_buffer_free(&bytes);
    return hpx_end_write(store, txn, status, error);
}

static hpx_status hand_on(const uint8_t *payload, size_t size, hpx_build_entry_fn *each, void *context,
                          hpx_error *error)
{
    hpx_fields entry = {0};
    const uint8_t *packed = NULL;
    size_t bytes = 0;
    hpx_error ignored;
    hpx_status status = hpx_fields_decode(&entry, payload, size, error);
    if (!status && hpx_fields_find(&entry, "spans"))
        hpx_fields_bytes(&packed, &bytes, &entry, "spans", &ignored);
    const size_t count = bytes / SPAN_BYTES;
    hpx_build_span *spans = hpx_alloc((count + 1) * sizeof *spans);
    for (size_t i = 0; i < count; i++)
        decode_span(&spans[i], packed + i * SPAN_BYTES);
    if (!status)
        status = each(context, &entry, spans, count, error);
    free(spans);
    hpx_fields_free(&entry);
    return status;
}

hpx_status hpx_store_each_build(hpx_store *store, hpx_build_entry_fn *each, void *context, hpx_error *error)
{
    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    int code = mdb_cursor_open(txn, store->databases[DB_BUILDS], &cursor);
    while (!status && code == 0 && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
        if (hpx_is_sealed(DB_BUILDS, &key, &value))
            status = hand_on(value.mv_data, value.mv_size - SEAL_BYTES, each, context, error);
        else
            hpx_report_damage(store, DB_BUILDS, &key);
    mdb_cursor_close(cursor);
    hpx_end_read(store, txn);
    return status || code == MDB_NOTFOUND ? status : hpx_lmdb_failed(store, code, error);
}

/* Few files are ever known: walking them all is cheaper than an index to keep true. */
hpx_status hpx_store_find_file(char **path, hpx_known_bytes *known, hpx_store *store, const hpx_hash *hash,
                               hpx_error *error)
{
    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    int code = mdb_cursor_open(txn, store->databases[DB_FILES], &cursor);
    bool found = false;
    while (code == 0 && !found && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        hpx_fields fields = {0};
        const uint8_t *bytes;
        size_t size;
        hpx_error ignored;
        if (hpx_is_sealed(DB_FILES, &key, &value) &&
            hpx_fields_decode(&fields, value.mv_data, value.mv_size - SEAL_BYTES, &ignored) == HPX_OK &&
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
    mdb_cursor_close(cursor);
    hpx_end_read(store, txn);
    if (found)
        return HPX_OK;
    *path = NULL;
    if (code == 0)
        return hpx_error_set(
            error, HPX_NOT_FOUND,
            "this store knows no file with the data set's bytes: build a recipe that names it, or "
            "`hpx data fetch` it");
    return hpx_lmdb_failed(store, code, error);
}
