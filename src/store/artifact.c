/* Artifacts: the manifests that name them, and the transaction that makes one visible. */
#include "artifact.h"
#include "blobs.h"
#include "checkpoint.h"
#include "internal.h"
#include "record.h"
#include "sealed.h"
#include "transaction.h"
#include "walk.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES_MAX 4 /* of an ambiguous prefix */

/* HPX_DIFFERS when the stored manifest of the key is another one: two manifests with one hash. */
static hpx_status compare_manifest(hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                                   const hpx_buffer *manifest, hpx_error *error)
{
    const uint8_t *stored;
    size_t size;
    struct key name = hpx_key_of_hash(key);
    hpx_status status = hpx_get_sealed(&stored, &size, store, txn, DB_MANIFESTS, &name, error);
    if (status)
        return status;
    if (size == manifest->size && memcmp(stored, manifest->data, size) == 0)
        return HPX_OK;
    char hex[HPX_HASH_HEX_BYTES];
    return hpx_error_set(error, HPX_DIFFERS, "key %s stands for another manifest: the hashes collide",
                         hpx_hash_hex(hex, key));
}

/* The end that an epoch before this one is: it failed, or stopped. */
static hpx_status get_end(hpx_artifact *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                          uint32_t epoch, hpx_error *error)
{
    uint32_t last;
    hpx_status status = hpx_last_epoch(&last, store, txn, DB_RECORDS, key, epoch - 1, error);
    if (!status)
        status = hpx_get_artifact(out, store, txn, key, last, error);
    if (!status && !*out->failure && !*out->stopped) {
        hpx_artifact_free(out);
        status = hpx_error_set(error, HPX_NOT_FOUND, "not in the store");
    }
    return status;
}

static hpx_status get(hpx_artifact *out, hpx_store *store, const hpx_hash *key, uint32_t epoch, bool or_end,
                      const hpx_buffer *manifest, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    status = hpx_get_artifact(out, store, txn, key, epoch, error);
    if (status == HPX_NOT_FOUND && or_end)
        status = get_end(out, store, txn, key, epoch, error);
    if (!status && manifest) {
        status = compare_manifest(store, txn, key, manifest, error);
        if (status)
            hpx_artifact_free(out);
    }
    hpx_end_read(store, txn);
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

hpx_status hpx_store_newest(hpx_artifact *out, hpx_store *store, const hpx_hash *key, uint32_t epoch_max,
                            hpx_error *error)
{
    MDB_txn *txn;
    uint32_t epoch;
    hpx_artifact found;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    do {
        status = hpx_last_epoch(&epoch, store, txn, DB_RECORDS, key, epoch_max, error);
        if (status)
            break;
        status = hpx_get_artifact(&found, store, txn, key, epoch, error);
        epoch_max = epoch - 1;
    } while (status == HPX_NOT_FOUND && epoch > 0);
    hpx_end_read(store, txn);
    if (!status)
        *out = found;
    return status;
}

static hpx_status contradicts(const hpx_artifact *stored, const hpx_artifact *artifact,
                              const hpx_difference *difference, hpx_error *error)
{
    char hex[HPX_HASH_HEX_BYTES], old[HPX_HASH_HEX_BYTES], new[HPX_HASH_HEX_BYTES];
    hpx_buffer what = {0};
    if (difference->name)
        hpx_difference_print(&what, difference, "before");
    else
        hpx_buffer_printf(&what, "another output: %.12s, and %.12s before",
                          hpx_hash_hex(new, &artifact->output), hpx_hash_hex(old, &stored->output));
    hpx_hash_hex(hex, &artifact->key);
    hpx_error_set(error, HPX_DIFFERS,
                  "%s epoch %u: trained again with %s; both are kept, and the one before is what hits give",
                  hex, artifact->epoch, hpx_buffer_text(&what));
    hpx_buffer_free(&what);
    return HPX_DIFFERS;
}

/* A run of an epoch that has one. */
static hpx_status put_again(enum put_outcome *out, hpx_store *store, MDB_txn *txn, const hpx_artifact *stored,
                            const hpx_artifact *artifact, const hpx_comparison *comparison, hpx_error *error)
{
    hpx_difference difference;
    if (comparison->likeness == HPX_LIKE_ANY) {
        hpx_artifact later = *artifact;
        later.replicate = true;
        *out = PUT_BESIDE;
        return hpx_put_later(store, txn, &later, error);
    }
    *out = hpx_artifact_alike(&difference, artifact, stored, comparison) ? PUT_KNOWN : PUT_CONTRADICTS;
    return *out == PUT_KNOWN ? HPX_OK : contradicts(stored, artifact, &difference, error);
}

hpx_status hpx_put_artifact(enum put_outcome *out, hpx_store *store, MDB_txn *txn, const hpx_buffer *manifest,
                            const hpx_artifact *artifact, const hpx_comparison *comparison, hpx_error *error)
{
    struct key name = hpx_key_of_hash(&artifact->key);
    hpx_status status = compare_manifest(store, txn, &artifact->key, manifest, error);
    *out = PUT_NEW;
    if (status == HPX_NOT_FOUND)
        status = hpx_put_sealed(store, txn, DB_MANIFESTS, &name, manifest->data, manifest->size, error);
    if (status)
        return status;
    hpx_artifact stored;
    status = hpx_get_artifact(&stored, store, txn, &artifact->key, artifact->epoch, error);
    if (status == HPX_NOT_FOUND) {
        hpx_buffer record = {0};
        hpx_encode_artifact(&record, artifact);
        name = hpx_key_of_epoch(&artifact->key, artifact->epoch);
        status = hpx_put_sealed(store, txn, DB_RECORDS, &name, record.data, record.size, error);
        hpx_buffer_free(&record);
        return status;
    }
    if (status)
        return status;
    status = put_again(out, store, txn, &stored, artifact, comparison, error);
    hpx_artifact_free(&stored);
    return status;
}

/* The first log of an epoch stays. */
static hpx_status put_log(hpx_store *store, MDB_txn *txn, const hpx_artifact *artifact, const hpx_buffer *log,
                          hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    const struct key name = hpx_key_of_epoch(&artifact->key, artifact->epoch);
    hpx_status status = hpx_get_sealed(&payload, &size, store, txn, DB_LOGS, &name, error);
    if (status != HPX_NOT_FOUND)
        return status;
    size = log->size < HPX_LOG_BYTES_MAX ? log->size : HPX_LOG_BYTES_MAX;
    return hpx_put_sealed(store, txn, DB_LOGS, &name, log->data, size, error);
}

hpx_status hpx_store_get_log(hpx_buffer *out, hpx_store *store, const hpx_hash *key, uint32_t epoch,
                             hpx_error *error)
{
    MDB_txn *txn;
    const uint8_t *payload;
    size_t size;
    const struct key name = hpx_key_of_epoch(key, epoch);
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    status = hpx_get_sealed(&payload, &size, store, txn, DB_LOGS, &name, error);
    if (!status)
        hpx_buffer_add(out, payload, size);
    hpx_end_read(store, txn);
    return status;
}

/* An epoch that is being put. */
struct putting {
    hpx_artifact artifact;
    hpx_put_options options;
    struct staged staged; /* a large checkpoint, written and synced before the transaction */
    enum put_outcome outcome;
};

static hpx_status stage(struct putting *out, hpx_store *store, const hpx_put *put, hpx_error *error)
{
    *out = (struct putting){.artifact = *put->artifact,
                            .options = {.keep = HPX_KEEP_NEWEST},
                            .staged = {.blob = HPX_NO_BLOB},
                            .outcome = PUT_NEW};
    if (put->options)
        out->options = *put->options;
    if (hpx_artifact_is_of_program(put->artifact))
        out->artifact.output = hpx_artifact_output(put->artifact, NULL);
    const bool large = put->checkpoint && put->checkpoint->size >= BLOB_FILE_BYTES;
    return large ? hpx_stage(&out->staged, store, put->checkpoint, out->options.take_file, error) : HPX_OK;
}

static hpx_status put_staged(struct putting *putting, hpx_store *store, MDB_txn *txn, const hpx_put *put,
                             hpx_error *error)
{
    const hpx_artifact *artifact = &putting->artifact;
    const hpx_put_options *options = &putting->options;
    hpx_status status =
        hpx_put_artifact(&putting->outcome, store, txn, put->manifest, artifact, &options->comparison, error);
    if (status || putting->outcome == PUT_BESIDE)
        return status;
    status = hpx_keep_checkpoints(store, txn, artifact, put->checkpoint, &putting->staged, options, error);
    if (!status && options->log)
        status = put_log(store, txn, artifact, options->log, error);
    return status;
}

hpx_status hpx_store_put_all(hpx_store *store, const hpx_put *puts, size_t count, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = HPX_OK;
    struct putting *puttings = hpx_alloc(count * sizeof *puttings);
    size_t staged = 0;
    while (staged < count && !status) {
        status = stage(&puttings[staged], store, &puts[staged], error);
        staged++;
    }
    if (!status)
        status = hpx_begin_write(&txn, store, error);
    if (!status) {
        for (size_t i = 0; i < count && !status; i++)
            status = put_staged(&puttings[i], store, txn, &puts[i], error);
        status = hpx_end_write(store, txn, status, error);
    }
    for (size_t i = 0; i < staged; i++)
        hpx_stage_end(&puttings[i].staged);
    if (count == 1 && puttings->outcome == PUT_CONTRADICTS)
        status = hpx_store_put_conflict(store, &puttings->artifact, error);
    free(puttings);
    return status;
}

hpx_status hpx_store_put(hpx_store *store, const hpx_buffer *manifest, const hpx_artifact *artifact,
                         const hpx_blob *checkpoint, const hpx_put_options *options, hpx_error *error)
{
    const hpx_put put = {manifest, artifact, checkpoint, options};
    return hpx_store_put_all(store, &put, 1, error);
}

/* Record, checkpoint, log and mark. */
static hpx_status drop_epoch(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                             hpx_error *error)
{
    struct key name = hpx_key_of_epoch(key, epoch);
    hpx_status status = hpx_drop_checkpoint(store, txn, key, epoch, error);
    if (!status)
        status = hpx_delete_key(store, txn, DB_IMPORTS, &name, error);
    if (!status)
        status = hpx_delete_key(store, txn, DB_LOGS, &name, error);
    return status ? status : hpx_delete_key(store, txn, DB_RECORDS, &name, error);
}

hpx_status hpx_store_reject(hpx_store *store, const hpx_hash *key, uint32_t epoch, const char *why,
                            hpx_error *error)
{
    MDB_txn *txn;
    char hex[HPX_HASH_HEX_BYTES];
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    status = drop_epoch(store, txn, key, epoch, error);
    status = hpx_end_write(store, txn, status, error);
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
    struct key name = hpx_key_of_hash(hash);
    hpx_status status = hpx_get_sealed(&payload, &size, store, txn, db, &name, error);
    return status ? status : hpx_fields_decode(out, payload, size, error);
}

hpx_status hpx_store_manifest(hpx_fields *out, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    status = get_fields(out, store, txn, DB_MANIFESTS, key, error);
    hpx_end_read(store, txn);
    return status;
}

static bool is_hexadecimal(const char *text)
{
    return *text && strspn(text, "0123456789abcdefABCDEF") == strlen(text);
}

/* Calls for the names in a database that begin with these digits, in order, as long as it says so. */
static hpx_status each_name(hpx_store *store, enum database db, const char *prefix, hpx_key_fn *each,
                            void *context, hpx_error *error)
{
    size_t digits = strlen(prefix);
    if ((digits > 0 && !is_hexadecimal(prefix)) || digits > 2 * HPX_HASH_BYTES)
        return hpx_error_set(error, HPX_USAGE, "%s: not a key: expected up to 32 hexadecimal digits", prefix);
    char low[] = "00000000000000000000000000000000", hex[HPX_HASH_HEX_BYTES];
    memcpy(low, prefix, digits);
    uint8_t from[HPX_HASH_BYTES];
    hpx_unhex(from, sizeof from, low);

    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    int code = mdb_cursor_open(txn, store->databases[db], &cursor);
    MDB_val key = {.mv_size = sizeof from, .mv_data = from}, value;
    if (code == 0)
        code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        hpx_hash name;
        if (key.mv_size != sizeof name.bytes)
            continue;
        memcpy(name.bytes, key.mv_data, sizeof name.bytes);
        if (strncasecmp(hpx_hash_hex(hex, &name), prefix, digits) != 0 || !each(context, &name))
            break;
    }
    if (code != 0 && code != MDB_NOTFOUND)
        status = hpx_lmdb_failed(store, code, error);
    mdb_cursor_close(cursor);
    hpx_end_read(store, txn);
    return status;
}

struct candidates {
    hpx_hash first;
    size_t count;
    hpx_buffer text;
};

static bool add_candidate(void *context, const hpx_hash *name)
{
    struct candidates *candidates = context;
    char hex[HPX_HASH_HEX_BYTES];
    if (candidates->count == 0)
        candidates->first = *name;
    if (candidates->count++ < CANDIDATES_MAX)
        hpx_buffer_printf(&candidates->text, " %.12s", hpx_hash_hex(hex, name));
    return candidates->count <= CANDIDATES_MAX;
}

hpx_status hpx_find_name(hpx_hash *out, hpx_store *store, enum database db, const char *prefix,
                         hpx_error *error)
{
    struct candidates found = {.count = 0};
    if (!*prefix)
        return hpx_error_set(error, HPX_USAGE, "an empty key: expected up to 32 hexadecimal digits");
    hpx_status status = each_name(store, db, prefix, add_candidate, &found, error);
    if (!status && found.count == 0)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no such key", prefix);
    if (!status && found.count > 1)
        status =
            hpx_error_set(error, HPX_USAGE, "%s: ambiguous key prefix; candidates:%s%s", prefix,
                          hpx_buffer_text(&found.text), found.count > CANDIDATES_MAX ? " and others" : "");
    if (!status)
        *out = found.first;
    hpx_buffer_free(&found.text);
    return status;
}

hpx_status hpx_store_each_key(hpx_store *store, const char *prefix, hpx_key_fn *each, void *context,
                              hpx_error *error)
{
    return each_name(store, DB_MANIFESTS, prefix, each, context, error);
}

hpx_status hpx_store_find_key(hpx_hash *out, hpx_store *store, const char *prefix, hpx_error *error)
{
    hpx_status status = hpx_find_name(out, store, DB_MANIFESTS, prefix, error);
    if (status == HPX_NOT_FOUND)
        hpx_error_set(error, HPX_NOT_FOUND, "%s: no such key; `hpx ls` lists them", prefix);
    return status;
}

hpx_status hpx_store_each(hpx_store *store, const hpx_hash *only, hpx_artifact_fn *each, void *context,
                          hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    const struct key prefix = only ? hpx_key_of_hash(only) : (struct key){.size = 0};
    struct walk walk = hpx_walk(store, txn, DB_RECORDS, &prefix);
    while (!status && hpx_walk_next(&walk)) {
        hpx_hash hash;
        hpx_artifact artifact;
        if (walk.key.mv_size != HPX_HASH_BYTES + 4)
            continue;
        memcpy(hash.bytes, walk.key.mv_data, HPX_HASH_BYTES);
        uint32_t epoch = hpx_load_big_u32((const uint8_t *)walk.key.mv_data + HPX_HASH_BYTES);
        status = hpx_get_artifact(&artifact, store, txn, &hash, epoch, error);
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged: reported */
        else if (!status) {
            status = each(context, &artifact, error);
            hpx_artifact_free(&artifact);
        }
    }
    status = hpx_walk_end(&walk, status, error);
    hpx_end_read(store, txn);
    return status;
}

hpx_status hpx_each_fields(hpx_store *store, enum database db, hpx_manifest_fn *each, void *context,
                           hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    struct walk walk = hpx_walk(store, txn, db, NULL);
    while (!status && hpx_walk_next(&walk)) {
        hpx_hash hash;
        hpx_fields fields = {0};
        if (walk.key.mv_size != HPX_HASH_BYTES)
            continue;
        memcpy(hash.bytes, walk.key.mv_data, HPX_HASH_BYTES);
        status = get_fields(&fields, store, txn, db, &hash, error);
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged: reported */
        else if (!status)
            status = each(context, &hash, &fields, error);
        hpx_fields_free(&fields);
    }
    status = hpx_walk_end(&walk, status, error);
    hpx_end_read(store, txn);
    return status;
}

hpx_status hpx_store_each_manifest(hpx_store *store, hpx_manifest_fn *each, void *context, hpx_error *error)
{
    return hpx_each_fields(store, DB_MANIFESTS, each, context, error);
}
