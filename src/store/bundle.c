/* A bundle, format version 3 or, with results of programs, 4. Integers are little-endian, those in keys big-endian as in the
 * store.
 *
 *     "HPXB"  u32 version
 *     entries:  u8 kind  key  u32 payload size  payload  XXH3-128 of kind, key and payload
 *
 *     kind  key                         payload, of at most
 *     'C'   id(16)                      fields of a code version                       64 MiB
 *     'D'   id(16)                      fields of a data set entry                     16 MiB
 *     'O'   id(16)                      fields of conditions                           64 KiB
 *     'M'   key(16)                     manifest                                        1 MiB
 *     'R'   key(16) epoch(4)            fields of an artifact                         128 KiB
 *     'X'   key(16) epoch(4) name(16)   the same: a later run of this epoch           128 KiB
 *     'L'   key(16) epoch(4)            log of the run that ended with this epoch     256 KiB
 *     'P'   key(16) epoch(4)            u64 size, u32 pieces, XXH3-128 of the whole    28 bytes, exactly
 *     'K'   key(16) epoch(4) index(4)   1 MiB of a checkpoint, the last piece fewer     1 MiB
 *     'E'                               u64 number of entries before this one, XXH3-128 of
 *                                       all bytes before it, from the magic on         24 bytes, exactly
 *
 * Keys and payloads are the store's (store.c) but for pieces. Entries ascend strictly: first code versions by id, then data
 * sets by id, then conditions by id, then trajectories by key, each with its manifest, its records by epoch, their later runs,
 * its logs by epoch, and its checkpoints by epoch, each with its pieces by index. So every entry refers only to entries before
 * it, none can come twice, a reader needs to remember no more than the last one, and the same results always make the same
 * bytes. 'E' ends the bundle: no byte follows. Version 1 had no 'X', up to version 2 pieces had 16352 bytes, and up to version 3
 * there is no 'O' and no 'L'. */
#include "bundle_format.h"
#include "discreet.h"
#include "walk.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define KIB 1024u

const struct bundle_rule hpx_bundle_rules[BUNDLE_KINDS] = {
    [BUNDLE_CODE] = {'C', DB_CODES, HPX_HASH_BYTES, 1, 64 * KIB *KIB, "code version"},
    [BUNDLE_DATASET] = {'D', DB_DATASETS, HPX_HASH_BYTES, 1, 16 * KIB *KIB, "data set"},
    [BUNDLE_CONDITIONS] = {'O', DB_CONDITIONS, HPX_HASH_BYTES, 1, 64 * KIB, "record of conditions"},
    [BUNDLE_MANIFEST] = {'M', DB_MANIFESTS, HPX_HASH_BYTES, 1, KIB *KIB, "manifest"},
    [BUNDLE_RECORD] = {'R', DB_RECORDS, HPX_HASH_BYTES + 4, 1, 128 * KIB, "record"},
    [BUNDLE_CONFLICT] = {'X', DB_CONFLICTS, 2 * HPX_HASH_BYTES + 4, 1, 128 * KIB, "second output"},
    [BUNDLE_LOG] = {'L', DB_LOGS, HPX_HASH_BYTES + 4, 0, HPX_LOG_BYTES_MAX, "log"},
    [BUNDLE_CHECKPOINT] = {'P', DB_CHECKPOINTS, HPX_HASH_BYTES + 4, CHECKPOINT_ENTRY_BYTES,
                           CHECKPOINT_ENTRY_BYTES, "checkpoint"},
    [BUNDLE_PIECE] = {'K', DB_CHUNKS, HPX_HASH_BYTES + 8, 1, BUNDLE_PIECE_BYTES, "piece of a checkpoint"},
    [BUNDLE_END] = {'E', DATABASES, 0, BUNDLE_END_BYTES, BUNDLE_END_BYTES, "end"},
};

hpx_hash hpx_bundle_entry_hash(enum bundle_kind kind, const struct key *key, const void *payload, size_t size)
{
    /* Keys of one kind have one size, so the concatenation is unambiguous. */
    hpx_hasher *hasher = hpx_hasher_new();
    hpx_hasher_add(hasher, &hpx_bundle_rules[kind].letter, 1);
    hpx_hasher_add(hasher, key->bytes, key->size);
    hpx_hasher_add(hasher, payload, size);
    return hpx_hasher_finish(hasher);
}

/* A sorted set of hashes. */
struct hashes {
    hpx_hash *items;
    size_t count, capacity;
};

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(hpx_hash));
}

/* Where the hash is, or would go. */
static size_t lower_bound(const struct hashes *set, const hpx_hash *hash)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(&set->items[middle], hash) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool contains(const struct hashes *set, const hpx_hash *hash)
{
    size_t at = lower_bound(set, hash);
    return at < set->count && hpx_hash_equal(&set->items[at], hash);
}

static void add(struct hashes *set, const hpx_hash *hash)
{
    size_t at = lower_bound(set, hash);
    if (at < set->count && hpx_hash_equal(&set->items[at], hash))
        return;
    set->items = hpx_grow(set->items, &set->capacity, set->count + 1, sizeof *set->items);
    memmove(set->items + at + 1, set->items + at, (set->count - at) * sizeof *set->items);
    set->items[at] = *hash;
    set->count++;
}

struct writer {
    hpx_store *store;
    MDB_txn *txn;
    hpx_write_fn *write;
    hpx_part_fn *part; /* in its place, of a trajectory in parts */
    void *context;
    hpx_hasher *all;  /* every byte written */
    hpx_buffer entry; /* the one being written */
    uint64_t entries;
    struct hashes keys, codes, datasets, conditions;
    struct discreet discreet; /* the codes, where the options say so */
    const hpx_bundle_options *options;
    hpx_exported *done;
};

/* Epochs of the trajectory at hand. */
struct artifacts {
    hpx_artifact *items;
    size_t count, capacity;
};

static hpx_bundle_part part_of(enum bundle_kind kind)
{
    return kind <= BUNDLE_MANIFEST ? HPX_BUNDLE_RECORD
           : kind <= BUNDLE_LOG    ? HPX_BUNDLE_METRICS
                                   : HPX_BUNDLE_CHECKPOINT;
}

static hpx_status put_bytes(struct writer *writer, enum bundle_kind kind, const void *bytes, size_t size,
                            hpx_error *error)
{
    hpx_hasher_add(writer->all, bytes, size);
    writer->done->bytes += size;
    return writer->part ? writer->part(writer->context, part_of(kind), bytes, size, error)
                        : writer->write(writer->context, bytes, size, error);
}

static hpx_status put_entry(struct writer *writer, enum bundle_kind kind, const struct key *key,
                            const void *payload, size_t size, hpx_error *error)
{
    const struct bundle_rule *rule = &hpx_bundle_rules[kind];
    if (size < rule->payload_min || size > rule->payload_max)
        return hpx_error_set(error, HPX_FAILED, "a %s of %zu bytes does not fit into a bundle", rule->name,
                             size);
    hpx_hash hash = hpx_bundle_entry_hash(kind, key, payload, size);
    hpx_buffer *entry = &writer->entry;
    entry->size = 0;
    hpx_buffer_add(entry, &rule->letter, 1);
    hpx_buffer_add(entry, key->bytes, key->size);
    hpx_buffer_u32(entry, (uint32_t)size);
    hpx_buffer_add(entry, payload, size);
    hpx_buffer_add(entry, hash.bytes, HPX_HASH_BYTES);
    writer->entries++;
    return put_bytes(writer, kind, entry->data, entry->size, error);
}

static hpx_status put_end(struct writer *writer, hpx_error *error)
{
    hpx_buffer payload = {0};
    hpx_buffer_u64(&payload, writer->entries);
    hpx_hash all = hpx_hasher_finish(writer->all);
    writer->all = hpx_hasher_new(); /* of the end itself: of no use, but put_entry adds to it */
    hpx_buffer_add(&payload, all.bytes, HPX_HASH_BYTES);
    struct key none = {.size = 0};
    hpx_status status = put_entry(writer, BUNDLE_END, &none, payload.data, payload.size, error);
    hpx_buffer_free(&payload);
    return status;
}

static hpx_status put_header(struct writer *writer, hpx_error *error)
{
    hpx_buffer header = {0};
    hpx_buffer_add(&header, BUNDLE_MAGIC, 4);
    hpx_buffer_u32(&header, writer->conditions.count > 0 ? BUNDLE_VERSION : BUNDLE_MODELS);
    hpx_status status = put_bytes(writer, BUNDLE_CODE, header.data, header.size, error);
    hpx_buffer_free(&header);
    return status;
}

/* What cannot be written is reported, and left out with all that refers to it. */
static void leave_out(struct writer *writer, enum database db, const struct key *key)
{
    MDB_val name = {.mv_size = key->size, .mv_data = (void *)key->bytes};
    hpx_report_damage(writer->store, db, &name);
    writer->done->left_out++;
}

/* Every key with a record. */
static hpx_status gather_all_keys(struct writer *writer, hpx_error *error)
{
    struct walk walk = hpx_walk(writer->store, writer->txn, DB_RECORDS, NULL);
    while (hpx_walk_next(&walk)) {
        hpx_hash hash;
        if (walk.key.mv_size != sizeof hash.bytes + 4)
            continue;
        memcpy(hash.bytes, walk.key.mv_data, sizeof hash.bytes);
        add(&writer->keys, &hash);
    }
    return hpx_walk_end(&walk, HPX_OK, error);
}

static hpx_status gather_references(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    struct writer *writer = context;
    add(&writer->codes, &artifact->code);
    add(&writer->datasets, &artifact->dataset);
    if (hpx_artifact_is_of_program(artifact))
        add(&writer->conditions, &artifact->conditions);
    return HPX_OK;
}

/* Keeps the keys that have a record, and notes what code versions and data sets their records name. */
static hpx_status gather(struct writer *writer, hpx_error *error)
{
    size_t kept = 0;
    uint64_t damaged;
    for (size_t i = 0; i < writer->keys.count; i++) {
        hpx_hash key = writer->keys.items[i];
        struct epochs epochs = {0};
        hpx_status status = hpx_list_epochs(&epochs, writer->store, writer->txn, DB_RECORDS, &key, error);
        for (size_t e = 0; e < epochs.count && !status; e++) {
            hpx_artifact artifact;
            status = hpx_get_artifact(&artifact, writer->store, writer->txn, &key, epochs.epochs[e], error);
            if (status == HPX_NOT_FOUND) {
                status = HPX_OK; /* reported; left out when its turn comes */
                continue;
            }
            if (!status) {
                status = gather_references(writer, &artifact, error);
                hpx_artifact_free(&artifact);
            }
        }
        if (!status)
            status = hpx_each_conflict(&damaged, writer->store, writer->txn, &key, gather_references, writer,
                                       error);
        if (epochs.count > 0)
            writer->keys.items[kept++] = key;
        free(epochs.epochs);
        if (status)
            return status;
    }
    writer->keys.count = kept;
    return kept ? HPX_OK : hpx_error_set(error, HPX_NOT_FOUND, "nothing is stored that could be exported");
}

/* A value that is named by the hash of its bytes. HPX_NOT_FOUND, after reporting it, when it is not
 * readable. */
static hpx_status get_named(const uint8_t **payload, size_t *size, struct writer *writer, enum database db,
                            const hpx_hash *id, hpx_error *error)
{
    struct key key = hpx_key_of_hash(id);
    hpx_status status = hpx_get_sealed(payload, size, writer->store, writer->txn, db, &key, error);
    if (!status) {
        hpx_hash hash = hpx_hash_of(*payload, *size);
        if (!hpx_hash_equal(&hash, id))
            status = hpx_error_set(error, HPX_NOT_FOUND, "damaged in the store");
    }
    if (status == HPX_NOT_FOUND)
        leave_out(writer, db, &key);
    return status;
}

/* Writes those that are readable, and drops the others from the set. */
static hpx_status put_all_named(struct writer *writer, enum bundle_kind kind, struct hashes *ids,
                                hpx_error *error)
{
    size_t kept = 0;
    for (size_t i = 0; i < ids->count; i++) {
        const uint8_t *payload;
        size_t size;
        hpx_hash id = ids->items[i];
        hpx_status status = get_named(&payload, &size, writer, hpx_bundle_rules[kind].db, &id, error);
        if (status == HPX_NOT_FOUND)
            continue;
        struct key key = hpx_key_of_hash(&id);
        if (!status)
            status = put_entry(writer, kind, &key, payload, size, error);
        if (status)
            return status;
        ids->items[kept++] = id;
    }
    ids->count = kept;
    return HPX_OK;
}

/* The code versions as others may know them, under their own ids. */
static hpx_status put_discreet_codes(struct writer *writer, hpx_error *error)
{
    struct discreet *discreet = &writer->discreet;
    size_t kept = 0;
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < writer->codes.count && !status; i++) {
        const uint8_t *payload;
        size_t size;
        const hpx_hash id = writer->codes.items[i];
        status = get_named(&payload, &size, writer, DB_CODES, &id, error);
        if (status == HPX_NOT_FOUND) {
            status = HPX_OK;
            continue;
        }
        if (!status)
            status = hpx_discreet_add(discreet, &id, payload, size, error);
        writer->codes.items[kept++] = id;
    }
    writer->codes.count = kept;
    hpx_discreet_sort(discreet);
    for (size_t i = 0; i < discreet->count && !status; i++) {
        const struct discreet_code *code = &discreet->codes[i];
        const struct key key = hpx_key_of_hash(&code->renamed);
        if (i == 0 || !hpx_hash_equal(&code->renamed, &code[-1].renamed))
            status = put_entry(writer, BUNDLE_CODE, &key, code->bytes.data, code->bytes.size, error);
    }
    return status;
}

static const hpx_artifact *find_epoch(const struct artifacts *epochs, uint32_t epoch)
{
    for (size_t i = epochs->count; i > 0; i--)
        if (epochs->items[i - 1].epoch == epoch)
            return &epochs->items[i - 1];
    return NULL;
}

/* Whether all that the artifact refers to is written, with these epochs before it. */
static bool is_complete(const struct writer *writer, const hpx_artifact *artifact,
                        const struct artifacts *epochs)
{
    return contains(&writer->codes, &artifact->code) && contains(&writer->datasets, &artifact->dataset) &&
           (!hpx_artifact_is_of_program(artifact) || contains(&writer->conditions, &artifact->conditions)) &&
           (artifact->parent == 0 || find_epoch(epochs, artifact->parent));
}

/* The epochs that are readable, and have all that they refer to. */
static hpx_status select_epochs(struct artifacts *out, struct writer *writer, const hpx_hash *key,
                                hpx_error *error)
{
    struct epochs epochs = {0};
    hpx_status status = hpx_list_epochs(&epochs, writer->store, writer->txn, DB_RECORDS, key, error);
    for (size_t i = 0; i < epochs.count && !status; i++) {
        hpx_artifact artifact;
        const uint32_t epoch = epochs.epochs[i];
        status = hpx_get_artifact(&artifact, writer->store, writer->txn, key, epoch, error);
        if (status && status != HPX_NOT_FOUND)
            break;
        if (status || !is_complete(writer, &artifact, out)) {
            struct key name = hpx_key_of_epoch(key, epoch);
            leave_out(writer, DB_RECORDS, &name);
            if (!status)
                hpx_artifact_free(&artifact);
            status = HPX_OK;
            continue;
        }
        out->items = hpx_grow(out->items, &out->capacity, out->count + 1, sizeof *out->items);
        out->items[out->count++] = artifact;
    }
    free(epochs.epochs);
    return status;
}

static hpx_status put_fields(struct writer *writer, enum bundle_kind kind, const struct key *key,
                             const hpx_artifact *artifact, hpx_error *error)
{
    hpx_buffer record = {0};
    const hpx_artifact shown = hpx_discreet_artifact(&writer->discreet, artifact);
    hpx_encode_artifact(&record, writer->options->discreet ? &shown : artifact);
    hpx_status status = put_entry(writer, kind, key, record.data, record.size, error);
    hpx_buffer_free(&record);
    return status;
}

static hpx_status put_record(struct writer *writer, const hpx_artifact *artifact, hpx_error *error)
{
    struct key key = hpx_key_of_epoch(&artifact->key, artifact->epoch);
    hpx_status status = put_fields(writer, BUNDLE_RECORD, &key, artifact, error);
    writer->done->artifacts += !status;
    writer->done->epoch = artifact->epoch;
    return status;
}

struct conflicts {
    struct writer *writer;
    const struct artifacts *epochs; /* that are written */
};

static hpx_status put_conflict(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    const struct conflicts *conflicts = context;
    struct writer *writer = conflicts->writer;
    struct key key = hpx_key_of_later(artifact);
    if (!find_epoch(conflicts->epochs, artifact->epoch) ||
        !is_complete(writer, artifact, conflicts->epochs)) {
        leave_out(writer, DB_CONFLICTS, &key);
        return HPX_OK;
    }
    hpx_status status = put_fields(writer, BUNDLE_CONFLICT, &key, artifact, error);
    *(artifact->replicate ? &writer->done->replicates : &writer->done->conflicts) += !status;
    return status;
}

static hpx_status put_conflicts(struct writer *writer, const hpx_hash *key, const struct artifacts *epochs,
                                hpx_error *error)
{
    uint64_t damaged;
    struct conflicts conflicts = {writer, epochs};
    hpx_status status =
        hpx_each_conflict(&damaged, writer->store, writer->txn, key, put_conflict, &conflicts, error);
    writer->done->left_out += damaged;
    return status;
}

static hpx_status put_logs(struct writer *writer, const struct artifacts *epochs, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < epochs->count && !status; i++) {
        const uint8_t *payload;
        size_t size;
        const struct key key = hpx_key_of_epoch(&epochs->items[i].key, epochs->items[i].epoch);
        status = hpx_get_sealed(&payload, &size, writer->store, writer->txn, DB_LOGS, &key, error);
        if (!status)
            status = put_entry(writer, BUNDLE_LOG, &key, payload, size, error);
        writer->done->logs += !status;
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* a damaged one is reported */
    }
    return status;
}

static hpx_status hash_piece(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    (void)error;
    hpx_hasher_add(context, bytes, size);
    return HPX_OK;
}

/* The checkpoint, if it is whole and the record's own, before its first byte is written. */
static hpx_status open_own(hpx_blob *out, struct writer *writer, const hpx_artifact *artifact,
                           hpx_error *error)
{
    hpx_status status =
        hpx_open_checkpoint(out, writer->store, writer->txn, &artifact->key, artifact->epoch, error);
    if (status)
        return status;
    hpx_hasher *hasher = hpx_hasher_new();
    status = hpx_blob_each_piece(out, hash_piece, hasher, error);
    hpx_hash output = hpx_artifact_output(artifact, hasher);
    if (!status && !hpx_hash_equal(&output, &artifact->output))
        status = hpx_error_set(error, HPX_NOT_FOUND, "damaged in the store");
    if (status)
        hpx_blob_close(out);
    return status;
}

struct pieces {
    struct writer *writer;
    const hpx_artifact *artifact;
    uint32_t index;
};

static hpx_status put_piece(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    struct pieces *pieces = context;
    struct key key = hpx_key_of_chunk(&pieces->artifact->key, pieces->artifact->epoch, pieces->index++);
    return put_entry(pieces->writer, BUNDLE_PIECE, &key, bytes, size, error);
}

static hpx_status put_blob(struct writer *writer, const hpx_artifact *artifact, const hpx_blob *blob,
                           hpx_error *error)
{
    hpx_hash hash;
    hpx_buffer entry = {0};
    struct key key = hpx_key_of_epoch(&artifact->key, artifact->epoch);
    struct pieces pieces = {.writer = writer, .artifact = artifact};
    hpx_status status = hpx_blob_hash(&hash, blob, error);
    if (status)
        return status;
    hpx_buffer_u64(&entry, blob->size);
    hpx_buffer_u32(&entry, (uint32_t)((blob->size + BUNDLE_PIECE_BYTES - 1) / BUNDLE_PIECE_BYTES));
    hpx_buffer_add(&entry, hash.bytes, HPX_HASH_BYTES);
    status = put_entry(writer, BUNDLE_CHECKPOINT, &key, entry.data, entry.size, error);
    hpx_buffer_free(&entry);
    return status ? status : hpx_blob_each_piece(blob, put_piece, &pieces, error);
}

static hpx_status put_checkpoint_of(struct writer *writer, const hpx_artifact *artifact, hpx_error *error)
{
    hpx_blob blob;
    struct key key = hpx_key_of_epoch(&artifact->key, artifact->epoch);
    hpx_status status = open_own(&blob, writer, artifact, error);
    if (status == HPX_NOT_FOUND) {
        leave_out(writer, DB_CHECKPOINTS, &key);
        return HPX_OK;
    }
    if (!status)
        status = put_blob(writer, artifact, &blob, error);
    hpx_blob_close(&blob);
    writer->done->checkpoints += !status;
    writer->done->checkpoint_epoch = artifact->epoch;
    return status;
}

static hpx_status put_checkpoints(struct writer *writer, const hpx_hash *key, const struct artifacts *epochs,
                                  hpx_error *error)
{
    struct epochs stored = {0};
    hpx_status status = hpx_list_epochs(&stored, writer->store, writer->txn, DB_CHECKPOINTS, key, error);
    for (size_t i = 0; i < stored.count && !status; i++) {
        const uint32_t epoch = stored.epochs[writer->part ? stored.count - 1 - i : i];
        const hpx_artifact *artifact = find_epoch(epochs, epoch);
        struct key name = hpx_key_of_epoch(key, epoch);
        if (writer->part && writer->done->checkpoints > 0)
            break;
        if (artifact)
            status = put_checkpoint_of(writer, artifact, error);
        else
            leave_out(writer, DB_CHECKPOINTS, &name);
    }
    free(stored.epochs);
    return status;
}

static hpx_status put_trajectory(struct writer *writer, const hpx_hash *key, hpx_error *error)
{
    const uint8_t *manifest;
    size_t size;
    struct artifacts epochs = {0};
    struct key name = hpx_key_of_hash(key);
    hpx_status status = get_named(&manifest, &size, writer, DB_MANIFESTS, key, error);
    if (status)
        return status == HPX_NOT_FOUND ? HPX_OK : status;
    status = select_epochs(&epochs, writer, key, error);
    if (!status && epochs.count > 0) {
        status = put_entry(writer, BUNDLE_MANIFEST, &name, manifest, size, error);
        for (size_t i = 0; i < epochs.count && !status; i++)
            status = put_record(writer, &epochs.items[i], error);
        if (!status && !writer->part)
            status = put_conflicts(writer, key, &epochs, error);
        if (!status && writer->options->logs)
            status = put_logs(writer, &epochs, error);
        writer->done->trajectories += !status;
    }
    if (!status && writer->options->checkpoints)
        status = put_checkpoints(writer, key, &epochs, error);
    for (size_t i = 0; i < epochs.count; i++)
        hpx_artifact_free(&epochs.items[i]);
    free(epochs.items);
    return status;
}

static hpx_status write_bundle(struct writer *writer, const hpx_hash *keys, size_t key_count,
                               hpx_error *error)
{
    hpx_status status = keys ? HPX_OK : gather_all_keys(writer, error);
    for (size_t i = 0; keys && i < key_count; i++)
        add(&writer->keys, &keys[i]);
    if (!status)
        status = gather(writer, error);
    if (!status)
        status = put_header(writer, error);
    if (!status)
        status = writer->options->discreet ? put_discreet_codes(writer, error)
                                           : put_all_named(writer, BUNDLE_CODE, &writer->codes, error);
    if (!status)
        status = put_all_named(writer, BUNDLE_DATASET, &writer->datasets, error);
    if (!status)
        status = put_all_named(writer, BUNDLE_CONDITIONS, &writer->conditions, error);
    for (size_t i = 0; i < writer->keys.count && !status; i++)
        status = put_trajectory(writer, &writer->keys.items[i], error);
    return status || writer->part ? status : put_end(writer, error);
}

static hpx_status run(struct writer *writer, const hpx_hash *keys, size_t key_count, hpx_error *error)
{
    *writer->done = (hpx_exported){0};
    hpx_status status = hpx_hold_files(writer->store, error);
    if (!status)
        status = hpx_begin_read(&writer->txn, writer->store, error);
    if (status) {
        hpx_release_files(writer->store);
        return status;
    }
    writer->all = hpx_hasher_new();
    status = write_bundle(writer, keys, key_count, error);
    hpx_hasher_finish(writer->all);
    hpx_end_read(writer->store, writer->txn);
    hpx_release_files(writer->store);
    hpx_buffer_free(&writer->entry);
    hpx_discreet_free(&writer->discreet);
    free(writer->keys.items);
    free(writer->codes.items);
    free(writer->datasets.items);
    free(writer->conditions.items);
    return status;
}

hpx_status hpx_bundle_write(hpx_exported *out, hpx_store *store, const hpx_hash *keys, size_t key_count,
                            const hpx_bundle_options *options, hpx_write_fn *write, void *context,
                            hpx_error *error)
{
    struct writer writer = {
        .store = store, .write = write, .context = context, .options = options, .done = out};
    return run(&writer, keys, key_count, error);
}

hpx_status hpx_bundle_write_parts(hpx_exported *out, hpx_store *store, const hpx_hash *key,
                                  const hpx_bundle_options *options, hpx_part_fn *write, void *context,
                                  hpx_error *error)
{
    struct writer writer = {
        .store = store, .part = write, .context = context, .options = options, .done = out};
    hpx_status status = run(&writer, key, 1, error);
    return status || out->epoch > 0
               ? status
               : hpx_error_set(error, HPX_NOT_FOUND, "no epoch of the trajectory is whole in the store");
}
