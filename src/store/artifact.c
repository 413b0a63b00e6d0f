/* Artifacts: their records, the manifests that name them, and the transaction that makes one visible. */
#include "blobs.h"
#include "internal.h"
#include "transaction.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hpx_artifact_free(hpx_artifact *artifact)
{
    hpx_metrics_free(&artifact->metrics);
}

hpx_artifact hpx_artifact_copy(const hpx_artifact *artifact)
{
    hpx_artifact copy = *artifact;
    copy.metrics = hpx_metrics_copy(&artifact->metrics);
    return copy;
}

bool hpx_artifact_same_output(const hpx_artifact *a, const hpx_artifact *b)
{
    return hpx_hash_equal(&a->output, &b->output) && hpx_metrics_same_names(&a->metrics, &b->metrics);
}

void hpx_artifact_set(hpx_artifact *out, const hpx_artifact *artifact)
{
    const hpx_artifact copy = hpx_artifact_copy(artifact);
    hpx_artifact_free(out);
    *out = copy;
}

void artifact_fields(hpx_fields *out, const hpx_artifact *artifact)
{
    hpx_metrics_to_fields(out, &artifact->metrics);
    hpx_failure_to_fields(out, artifact->failure);
    hpx_fields_set_count(out, "parent", artifact->parent);
    hpx_fields_set_hash(out, "output", &artifact->output);
    hpx_fields_set_hash(out, "code", &artifact->code);
    hpx_fields_set_hash(out, "dataset", &artifact->dataset);
    hpx_fields_set_bytes(out, "cell", artifact->cell.pairs, artifact->cell.size);
    hpx_fields_set_count(out, "seed", artifact->seed);
    hpx_fields_set_text(out, "host", artifact->host);
    hpx_fields_set_count(out, "started", (uint64_t)artifact->started_ns);
    hpx_fields_set_real(out, "seconds", artifact->seconds);
    hpx_fields_set_real(out, "total-seconds", artifact->total_seconds);
}

void encode_artifact(hpx_buffer *out, const hpx_artifact *artifact)
{
    hpx_fields fields = {0};
    artifact_fields(&fields, artifact);
    hpx_fields_encode(out, &fields);
    hpx_fields_free(&fields);
}

static hpx_status text_field(char *out, size_t room, const hpx_fields *fields, const char *name,
                             hpx_error *error)
{
    const char *text;
    hpx_status status = hpx_fields_text(&text, fields, name, error);
    if (!status)
        snprintf(out, room, "%s", text);
    return status;
}

/* Records that are older than cells without a limit have the printed cell, cut off at this many bytes or, not
 * to cut a character, up to three fewer. Then nobody knows whether the last axis is whole. */
#define PRINTED_CELL_MAX 255
#define CANDIDATES_MAX   4 /* of an ambiguous prefix */

static void parse_printed(hpx_buffer *pairs, const char *text)
{
    size_t length = strlen(text);
    hpx_buffer whole = {0};
    if (length + 3 >= PRINTED_CELL_MAX)
        while (length > 0 && text[length - 1] != ' ')
            length--;
    hpx_buffer_add(&whole, text, length);
    hpx_cell_parse(pairs, hpx_buffer_text(&whole));
    hpx_buffer_free(&whole);
}

static hpx_status decode_cell(hpx_cell *out, hpx_cell_set *cells, const hpx_fields *fields, hpx_error *error)
{
    hpx_buffer pairs = {0};
    const hpx_field *field = hpx_fields_find(fields, "cell");
    if (field && field->type == HPX_FIELD_TEXT)
        parse_printed(&pairs, (const char *)field->bytes);
    else if (field && field->type == HPX_FIELD_BYTES)
        hpx_buffer_add(&pairs, field->bytes, field->size);
    const bool whole = field && hpx_cell_is_whole(pairs.data, pairs.size);
    const hpx_cell cell = hpx_cell_of(&pairs);
    if (whole)
        *out = hpx_cell_set_keep(cells, &cell);
    hpx_buffer_free(&pairs);
    return whole ? HPX_OK : hpx_error_set(error, HPX_DAMAGED, "field 'cell' is missing or no cell");
}

static hpx_status decode_fields(hpx_artifact *out, hpx_cell_set *cells, const hpx_fields *fields,
                                hpx_error *error)
{
    uint64_t parent = 0, started = 0;
    hpx_status status = hpx_metrics_from_fields(&out->metrics, fields, error);
    if (!status)
        status = hpx_fields_count(&parent, fields, "parent", error);
    if (!status)
        status = hpx_fields_hash(&out->output, fields, "output", error);
    if (!status)
        status = hpx_failure_from_fields(out->failure, fields, &out->metrics, &out->output, error);
    if (!status)
        status = hpx_fields_hash(&out->code, fields, "code", error);
    if (!status)
        status = hpx_fields_hash(&out->dataset, fields, "dataset", error);
    if (!status)
        status = decode_cell(&out->cell, cells, fields, error);
    if (!status)
        status = hpx_fields_count(&out->seed, fields, "seed", error);
    if (!status)
        status = text_field(out->host, sizeof out->host, fields, "host", error);
    if (!status)
        status = hpx_fields_count(&started, fields, "started", error);
    if (!status)
        status = hpx_fields_real(&out->seconds, fields, "seconds", error);
    if (!status)
        status = hpx_fields_real(&out->total_seconds, fields, "total-seconds", error);
    out->parent = (uint32_t)parent;
    out->started_ns = (int64_t)started;
    return status;
}

hpx_status decode_artifact(hpx_artifact *out, hpx_cell_set *cells, const uint8_t *bytes, size_t size,
                           hpx_error *error)
{
    hpx_fields fields = {0};
    hpx_status status = hpx_fields_decode(&fields, bytes, size, error);
    if (!status && is_format_1_record(&fields))
        status = upgrade_record(&fields, error);
    if (!status)
        status = decode_fields(out, cells, &fields, error);
    hpx_fields_free(&fields);
    if (status)
        hpx_artifact_free(out);
    return status;
}

/* HPX_DIFFERS when the stored manifest of the key is another one: two manifests with one hash. */
static hpx_status compare_manifest(hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                                   const hpx_buffer *manifest, hpx_error *error)
{
    const uint8_t *stored;
    size_t size;
    struct key name = key_of_hash(key);
    hpx_status status = get_sealed(&stored, &size, store, txn, DB_MANIFESTS, &name, error);
    if (status)
        return status;
    if (size == manifest->size && memcmp(stored, manifest->data, size) == 0)
        return HPX_OK;
    char hex[HPX_HASH_HEX_BYTES];
    return hpx_error_set(error, HPX_DIFFERS, "key %s stands for another manifest: the hashes collide",
                         hpx_hash_hex(hex, key));
}

hpx_status get_artifact(hpx_artifact *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                        uint32_t epoch, hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    struct key name = key_of_epoch(key, epoch);
    hpx_status status = get_sealed(&payload, &size, store, txn, DB_RECORDS, &name, error);
    if (status)
        return status;
    *out = (hpx_artifact){.key = *key, .epoch = epoch};
    status = decode_artifact(out, store->cells, payload, size, error);
    if (status == HPX_DAMAGED) {
        MDB_val damaged = {.mv_size = name.size, .mv_data = name.bytes};
        report_damage(store, DB_RECORDS, &damaged);
        status = hpx_error_set(error, HPX_NOT_FOUND, "damaged in the store");
    }
    return status;
}

/* The failure of an epoch before this one. */
static hpx_status get_failure(hpx_artifact *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                              uint32_t epoch, hpx_error *error)
{
    uint32_t last;
    hpx_status status = last_epoch(&last, store, txn, DB_RECORDS, key, epoch - 1, error);
    if (!status)
        status = get_artifact(out, store, txn, key, last, error);
    if (!status && !*out->failure) {
        hpx_artifact_free(out);
        status = hpx_error_set(error, HPX_NOT_FOUND, "not in the store");
    }
    return status;
}

static hpx_status get(hpx_artifact *out, hpx_store *store, const hpx_hash *key, uint32_t epoch,
                      bool or_failure, const hpx_buffer *manifest, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = begin_read(&txn, store, error);
    if (status)
        return status;
    status = get_artifact(out, store, txn, key, epoch, error);
    if (status == HPX_NOT_FOUND && or_failure)
        status = get_failure(out, store, txn, key, epoch, error);
    if (!status && manifest) {
        status = compare_manifest(store, txn, key, manifest, error);
        if (status)
            hpx_artifact_free(out);
    }
    end_read(store, txn);
    return status;
}

hpx_status hpx_store_get(hpx_artifact *out, hpx_store *store, const hpx_hash *key, uint32_t epoch,
                         const hpx_buffer *manifest, hpx_error *error)
{
    return get(out, store, key, epoch, false, manifest, error);
}

hpx_status hpx_store_find(hpx_artifact *out, hpx_store *store, const hpx_hash *key, uint32_t epochs,
                          const hpx_buffer *manifest, hpx_error *error)
{
    return get(out, store, key, epochs, true, manifest, error);
}

hpx_status put_artifact(bool *contradicts, hpx_store *store, MDB_txn *txn, const hpx_buffer *manifest,
                        const hpx_artifact *artifact, hpx_error *error)
{
    struct key name = key_of_hash(&artifact->key);
    hpx_status status = compare_manifest(store, txn, &artifact->key, manifest, error);
    if (status == HPX_NOT_FOUND)
        status = put_sealed(store, txn, DB_MANIFESTS, &name, manifest->data, manifest->size, error);
    if (status)
        return status;
    hpx_artifact stored;
    status = get_artifact(&stored, store, txn, &artifact->key, artifact->epoch, error);
    if (status == HPX_NOT_FOUND) {
        hpx_buffer record = {0};
        encode_artifact(&record, artifact);
        name = key_of_epoch(&artifact->key, artifact->epoch);
        status = put_sealed(store, txn, DB_RECORDS, &name, record.data, record.size, error);
        hpx_buffer_free(&record);
        return status;
    }
    if (status)
        return status;
    *contradicts = !hpx_artifact_same_output(&stored, artifact);
    hpx_artifact_free(&stored);
    if (*contradicts) {
        char hex[HPX_HASH_HEX_BYTES], old[HPX_HASH_HEX_BYTES], new[HPX_HASH_HEX_BYTES];
        status = hpx_error_set(
            error, HPX_DIFFERS,
            "%s epoch %u: trained again with another output: %.12s, and %.12s before; both are kept, "
            "and the one before is what hits give",
            hpx_hash_hex(hex, &artifact->key), artifact->epoch, hpx_hash_hex(new, &artifact->output),
            hpx_hash_hex(old, &stored.output));
    }
    return status;
}

hpx_status hpx_store_put(hpx_store *store, const hpx_buffer *manifest, const hpx_artifact *artifact,
                         const hpx_blob *checkpoint, const hpx_put_options *options, hpx_error *error)
{
    static const hpx_put_options defaults = {.keep = HPX_KEEP_NEWEST};
    MDB_txn *txn;
    bool contradicts = false;
    struct staged staged = {.blob = HPX_NO_BLOB};
    hpx_status status = HPX_OK;
    if (checkpoint && checkpoint->size >= BLOB_FILE_BYTES)
        status = stage(&staged, store, checkpoint, error);
    if (!status)
        status = begin_write(&txn, store, error);
    if (!status) {
        status = put_artifact(&contradicts, store, txn, manifest, artifact, error);
        if (!status)
            status = keep_checkpoints(store, txn, artifact, checkpoint, &staged,
                                      options ? options : &defaults, error);
        status = end_write(store, txn, status, error);
    }
    stage_end(&staged);
    return contradicts ? hpx_store_put_conflict(store, artifact, error) : status;
}

hpx_status drop_epoch(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch, hpx_error *error)
{
    struct key name = key_of_epoch(key, epoch);
    hpx_status status = drop_checkpoint(store, txn, key, epoch, error);
    if (!status)
        status = delete_key(store, txn, DB_IMPORTS, &name, error);
    return status ? status : delete_key(store, txn, DB_RECORDS, &name, error);
}

hpx_status hpx_store_reject(hpx_store *store, const hpx_hash *key, uint32_t epoch, const char *why,
                            hpx_error *error)
{
    MDB_txn *txn;
    char hex[HPX_HASH_HEX_BYTES];
    hpx_status status = begin_write(&txn, store, error);
    if (status)
        return status;
    status = drop_epoch(store, txn, key, epoch, error);
    status = end_write(store, txn, status, error);
    if (!status && store->damaged) {
        char *what = hpx_format("%s epoch %u: %s", hpx_hash_hex(hex, key), epoch, why);
        store->damaged(store->damaged_context, what);
        free(what);
    }
    return status;
}

static hpx_status get_fields(hpx_fields *out, hpx_store *store, MDB_txn *txn, enum database db,
                             const hpx_hash *hash, hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    struct key name = key_of_hash(hash);
    hpx_status status = get_sealed(&payload, &size, store, txn, db, &name, error);
    return status ? status : hpx_fields_decode(out, payload, size, error);
}

hpx_status hpx_store_manifest(hpx_fields *out, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = begin_read(&txn, store, error);
    if (status)
        return status;
    status = get_fields(out, store, txn, DB_MANIFESTS, key, error);
    end_read(store, txn);
    return status;
}

/* Moves to the first key not below the prefix. */
static int seek(MDB_cursor *cursor, MDB_val *key, MDB_val *value, const void *prefix, size_t size)
{
    *key = (MDB_val){.mv_size = size, .mv_data = (void *)prefix};
    return mdb_cursor_get(cursor, key, value, size ? MDB_SET_RANGE : MDB_FIRST);
}

static bool is_hexadecimal(const char *text)
{
    return *text && strspn(text, "0123456789abcdefABCDEF") == strlen(text);
}

hpx_status find_name(hpx_hash *out, hpx_store *store, enum database db, const char *prefix, hpx_error *error)
{
    size_t digits = strlen(prefix);
    if (!is_hexadecimal(prefix) || digits > 2 * HPX_HASH_BYTES)
        return hpx_error_set(error, HPX_USAGE, "%s: not a key: expected up to 32 hexadecimal digits", prefix);
    char low[] = "00000000000000000000000000000000", hex[HPX_HASH_HEX_BYTES];
    memcpy(low, prefix, digits);
    uint8_t from[HPX_HASH_BYTES];
    hpx_unhex(from, sizeof from, low);

    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    hpx_status status = begin_read(&txn, store, error);
    if (status)
        return status;
    int code = mdb_cursor_open(txn, store->databases[db], &cursor);
    MDB_val key, value;
    size_t found = 0;
    if (code == 0)
        code = seek(cursor, &key, &value, from, sizeof from);
    hpx_buffer candidates = {0};
    for (; code == 0 && found <= CANDIDATES_MAX; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        hpx_hash candidate;
        if (key.mv_size != sizeof candidate.bytes)
            continue;
        memcpy(candidate.bytes, key.mv_data, sizeof candidate.bytes);
        if (strncasecmp(hpx_hash_hex(hex, &candidate), prefix, digits) != 0)
            break;
        if (found == 0)
            *out = candidate;
        if (found++ < CANDIDATES_MAX)
            hpx_buffer_printf(&candidates, " %.12s", hex);
    }
    if (code != 0 && code != MDB_NOTFOUND)
        status = lmdb_failed(store, code, error);
    mdb_cursor_close(cursor);
    end_read(store, txn);
    if (!status && found == 0)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no such key", prefix);
    if (!status && found > 1)
        status = hpx_error_set(error, HPX_USAGE, "%s: ambiguous key prefix; candidates:%s%s", prefix,
                               hpx_buffer_text(&candidates), found > CANDIDATES_MAX ? " and others" : "");
    hpx_buffer_free(&candidates);
    return status;
}

hpx_status hpx_store_find_key(hpx_hash *out, hpx_store *store, const char *prefix, hpx_error *error)
{
    hpx_status status = find_name(out, store, DB_MANIFESTS, prefix, error);
    if (status == HPX_NOT_FOUND)
        hpx_error_set(error, HPX_NOT_FOUND, "%s: no such key; `hpx ls` lists them", prefix);
    return status;
}

hpx_status hpx_store_each(hpx_store *store, const hpx_hash *only, hpx_artifact_fn *each, void *context,
                          hpx_error *error)
{
    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    hpx_status status = begin_read(&txn, store, error);
    if (status)
        return status;
    int code = mdb_cursor_open(txn, store->databases[DB_RECORDS], &cursor);
    MDB_val key, value;
    if (code == 0)
        code = seek(cursor, &key, &value, only ? only->bytes : NULL, only ? HPX_HASH_BYTES : 0);
    for (; code == 0 && !status; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        hpx_hash hash = {{0}};
        if (key.mv_size != HPX_HASH_BYTES + 4)
            continue;
        memcpy(hash.bytes, key.mv_data, HPX_HASH_BYTES);
        if (only && !hpx_hash_equal(only, &hash))
            break;
        hpx_artifact artifact;
        uint32_t epoch = load_big_u32((const uint8_t *)key.mv_data + HPX_HASH_BYTES);
        status = get_artifact(&artifact, store, txn, &hash, epoch, error);
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged: reported */
        else if (!status) {
            status = each(context, &artifact, error);
            hpx_artifact_free(&artifact);
        }
    }
    if (!status && code != 0 && code != MDB_NOTFOUND)
        status = lmdb_failed(store, code, error);
    mdb_cursor_close(cursor);
    end_read(store, txn);
    return status;
}

hpx_status each_fields(hpx_store *store, enum database db, hpx_manifest_fn *each, void *context,
                       hpx_error *error)
{
    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    if (store->lacks[db])
        return HPX_OK;
    hpx_status status = begin_read(&txn, store, error);
    if (status)
        return status;
    int code = mdb_cursor_open(txn, store->databases[db], &cursor);
    MDB_val key, value;
    if (code == 0)
        code = seek(cursor, &key, &value, NULL, 0);
    for (; code == 0 && !status; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        hpx_hash hash;
        hpx_fields fields = {0};
        if (key.mv_size != HPX_HASH_BYTES)
            continue;
        memcpy(hash.bytes, key.mv_data, HPX_HASH_BYTES);
        status = get_fields(&fields, store, txn, db, &hash, error);
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged: reported */
        else if (!status)
            status = each(context, &hash, &fields, error);
        hpx_fields_free(&fields);
    }
    if (!status && code != 0 && code != MDB_NOTFOUND)
        status = lmdb_failed(store, code, error);
    mdb_cursor_close(cursor);
    end_read(store, txn);
    return status;
}

hpx_status hpx_store_each_manifest(hpx_store *store, hpx_manifest_fn *each, void *context, hpx_error *error)
{
    return each_fields(store, DB_MANIFESTS, each, context, error);
}
