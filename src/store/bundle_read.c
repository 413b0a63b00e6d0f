/* Reading bundles. Nothing is believed: lengths are bounded by kind and paid for only as the bytes arrive,
 * every entry must match its hash, follow the one before it, and have all that it refers to in the store. The
 * store here is the one seen within the transaction, so what came earlier in the bundle counts. */
#include "bundle_format.h"

#include "base/memory.h"
#include "base/spool.h"
#include "base/text.h"
#include "hpx/file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BYTES (64u << 10)

/* The place of an entry in the order of a bundle: compared as bytes, a prefix before what it begins. */
struct place {
    uint8_t bytes[2 + KEY_BYTES_MAX];
    size_t size;
};

/* The checkpoint whose pieces are coming. */
struct incoming {
    bool open, skipped;
    hpx_artifact artifact;
    struct checkpoint_entry entry;
    uint32_t next;
    hpx_hasher *whole, *output;
    struct staged staged; /* its blob has what has come: a large one in a file of the store, else in memory */
};

struct reader {
    hpx_store *store;
    MDB_txn *txn;
    const char *name;
    const hpx_bundle_origin *origin; /* of parts; NULL: a whole bundle */
    hpx_hash key_of_origin;
    hpx_read_fn *read;
    void *context;
    hpx_spool *spool;
    bool spooled; /* the bundle is read from there */
    uint32_t version;
    uint32_t piece_bytes; /* of a checkpoint; the last has fewer */
    uint64_t at;          /* bytes read */
    hpx_hasher *all;
    uint64_t entries;
    struct place last;
    struct incoming incoming;
    hpx_imported *done;
    hpx_fields mark;       /* of what is new */
    hpx_hash manifest_key; /* of the manifest below */
    hpx_fields manifest;   /* of the trajectory at hand */
    /* Key and epoch of the last replicate of what is stored: the rest of that run stays out. */
    hpx_artifact beside;
    /* The entry at hand. */
    uint64_t entry_at;
    enum bundle_kind kind;
    struct key key;
    hpx_buffer payload;
};

static hpx_status refuse_at(const struct reader *reader, uint64_t offset, hpx_error *error,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));

static hpx_status refuse_at(const struct reader *reader, uint64_t offset, hpx_error *error,
                            const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    hpx_vprint(what, sizeof what, format, args);
    va_end(args);
    return hpx_error_set(error, HPX_FAILED, "%s: byte %" PRIu64 ": %s", reader->name, offset, what);
}

/* The entry at hand is wrong: names it. */
static hpx_status entry_failed(const struct reader *reader, hpx_status status, const char *what,
                               hpx_error *error)
{
    char entry[256] = "end";
    MDB_val key = {.mv_size = reader->key.size, .mv_data = (void *)reader->key.bytes};
    if (reader->kind != BUNDLE_END)
        hpx_describe_key(entry, sizeof entry, hpx_bundle_rules[reader->kind].db, &key);
    refuse_at(reader, reader->entry_at, error, "%s: %s", entry, what);
    return error->status = status;
}

static hpx_status refuse(const struct reader *reader, const char *what, hpx_error *error)
{
    return entry_failed(reader, HPX_FAILED, what, error);
}

static hpx_status read_some(struct reader *reader, void *bytes, size_t size, size_t *got, hpx_error *error)
{
    uint8_t *to = bytes;
    *got = 0;
    while (*got < size) {
        size_t more = 0;
        hpx_status status = reader->spooled
                                ? hpx_spool_read(reader->spool, to + *got, size - *got, &more, error)
                                : reader->read(reader->context, to + *got, size - *got, &more, error);
        if (!status && !reader->spooled)
            status = hpx_spool_add(reader->spool, to + *got, more, error);
        if (status)
            return status;
        if (more == 0)
            break;
        *got += more;
    }
    reader->at += *got;
    return HPX_OK;
}

static hpx_status ends_early(const struct reader *reader, hpx_error *error)
{
    return refuse_at(reader, reader->at, error, "the bundle ends here, before its end entry");
}

static hpx_status read_all(struct reader *reader, void *bytes, size_t size, hpx_error *error)
{
    size_t got;
    hpx_status status = read_some(reader, bytes, size, &got, error);
    return status || got == size ? status : ends_early(reader, error);
}

static hpx_status read_header(struct reader *reader, hpx_error *error)
{
    uint8_t header[BUNDLE_HEADER_BYTES];
    size_t got;
    hpx_status status = read_some(reader, header, sizeof header, &got, error);
    if (status)
        return status;
    uint32_t version = got == sizeof header ? hpx_load_u32(header + 4) : 0;
    if (version == 0 || memcmp(header, BUNDLE_MAGIC, 4) != 0)
        return refuse_at(reader, 0, error, "not a bundle");
    if (version > BUNDLE_VERSION)
        return refuse_at(reader, 4, error,
                         "written by a newer hpx (bundle version %u, this one knows up to %d); use that one",
                         version, BUNDLE_VERSION);
    hpx_hasher_add(reader->all, header, sizeof header);
    reader->version = version;
    reader->piece_bytes = version <= 2 ? CHUNK_BYTES : BUNDLE_PIECE_BYTES;
    return HPX_OK;
}

static hpx_status read_payload(struct reader *reader, uint32_t size, hpx_error *error)
{
    hpx_buffer *payload = &reader->payload;
    hpx_status status = HPX_OK;
    payload->size = 0;
    while (!status && payload->size < size) {
        size_t step = size - payload->size < STEP_BYTES ? size - payload->size : STEP_BYTES;
        hpx_buffer_reserve(payload, step);
        status = read_all(reader, payload->data + payload->size, step, error);
        payload->size += step;
    }
    return status;
}

/* Which came with results of programs. */
static bool is_younger(int kind)
{
    return kind == BUNDLE_CONDITIONS || kind == BUNDLE_LOG;
}

static hpx_status find_kind(struct reader *reader, uint8_t letter, hpx_error *error)
{
    for (int kind = 0; kind < BUNDLE_KINDS; kind++)
        if (hpx_bundle_rules[kind].letter == letter && (reader->version >= 4 || !is_younger(kind))) {
            reader->kind = (enum bundle_kind)kind;
            return HPX_OK;
        }
    return refuse_at(reader, reader->entry_at, error, "an entry of unknown kind 0x%02x", letter);
}

/* Reads one entry and checks it against its hash. */
static hpx_status read_entry(struct reader *reader, hpx_error *error)
{
    uint8_t head[1 + KEY_BYTES_MAX + 4];
    hpx_hash hash;
    size_t got;
    reader->entry_at = reader->at;
    hpx_status status = read_some(reader, head, 1, &got, error);
    if (!status && got == 0 && reader->origin) {
        reader->kind = BUNDLE_END;
        return HPX_OK;
    }
    if (!status && got == 0)
        status = ends_early(reader, error);
    if (!status)
        status = find_kind(reader, head[0], error);
    if (status)
        return status;
    const struct bundle_rule *rule = &hpx_bundle_rules[reader->kind];
    status = read_all(reader, head + 1, rule->key_bytes + 4u, error);
    if (status)
        return status;
    reader->key.size = rule->key_bytes;
    memcpy(reader->key.bytes, head + 1, rule->key_bytes);
    uint32_t size = hpx_load_u32(head + 1 + rule->key_bytes);
    if (size < rule->payload_min || size > rule->payload_max)
        return refuse_at(reader, reader->entry_at, error, "a %s of %" PRIu32 " bytes: expected %u to %u",
                         rule->name, size, rule->payload_min, rule->payload_max);
    status = read_payload(reader, size, error);
    if (!status)
        status = read_all(reader, hash.bytes, sizeof hash.bytes, error);
    if (status)
        return status;
    hpx_hash expected = hpx_bundle_entry_hash(reader->kind, &reader->key, reader->payload.data, size);
    if (!hpx_hash_equal(&hash, &expected))
        return refuse_at(reader, reader->entry_at, error, "a %s whose bytes do not match their hash",
                         rule->name);
    if (reader->kind == BUNDLE_END)
        return HPX_OK;
    reader->entries++;
    hpx_hasher_add(reader->all, head, 1u + rule->key_bytes + 4u);
    hpx_hasher_add(reader->all, reader->payload.data, size);
    hpx_hasher_add(reader->all, hash.bytes, sizeof hash.bytes);
    return HPX_OK;
}

/* Code versions, data sets, conditions, then by key: the manifest, the records by epoch, their later runs, the logs and
 * the checkpoints by epoch. */
static struct place place_of(enum bundle_kind kind, const struct key *key)
{
    struct place place = {.size = 0};
    place.bytes[place.size++] = kind < BUNDLE_MANIFEST ? (uint8_t)kind : BUNDLE_MANIFEST;
    memcpy(place.bytes + place.size, key->bytes, HPX_HASH_BYTES);
    place.size += HPX_HASH_BYTES;
    if (kind >= BUNDLE_MANIFEST)
        place.bytes[place.size++] = kind == BUNDLE_PIECE ? BUNDLE_CHECKPOINT : (uint8_t)kind;
    memcpy(place.bytes + place.size, key->bytes + HPX_HASH_BYTES, key->size - HPX_HASH_BYTES);
    place.size += key->size - HPX_HASH_BYTES;
    return place;
}

static hpx_status check_order(struct reader *reader, hpx_error *error)
{
    struct place place = place_of(reader->kind, &reader->key), *last = &reader->last;
    size_t common = place.size < last->size ? place.size : last->size;
    int order = memcmp(place.bytes, last->bytes, common);
    if (order == 0 && place.size == last->size)
        return refuse(reader, "a second entry for it", error);
    if (order < 0 || (order == 0 && place.size < last->size))
        return refuse(reader, "not in its place: it belongs before the entry that precedes it", error);
    *last = place;
    return HPX_OK;
}

/* Whether the value is in the store, or in the bundle before. */
static hpx_status expect(struct reader *reader, enum database db, const struct key *key, const char *missing,
                         hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    hpx_status status = hpx_get_sealed(&payload, &size, reader->store, reader->txn, db, key, error);
    return status == HPX_NOT_FOUND ? refuse(reader, missing, error) : status;
}

static hpx_status put(struct reader *reader, hpx_error *error)
{
    hpx_status status = HPX_OK;
    if (reader->kind == BUNDLE_CONDITIONS)
        status = hpx_take_programs(reader->store, reader->txn, error);
    return status ? status
                  : hpx_put_sealed(reader->store, reader->txn, hpx_bundle_rules[reader->kind].db,
                                   &reader->key, reader->payload.data, reader->payload.size, error);
}

static hpx_status put_marked(struct reader *reader, uint32_t epoch, hpx_error *error)
{
    hpx_hash key;
    memcpy(key.bytes, reader->key.bytes, HPX_HASH_BYTES);
    hpx_status status = put(reader, error);
    return status ? status : hpx_mark_import(reader->store, reader->txn, &key, epoch, &reader->mark, error);
}

/* Fields under their own hash: a code version, a data set entry, a manifest. */
static hpx_status take_named(struct reader *reader, hpx_error *error)
{
    const hpx_buffer *payload = &reader->payload;
    hpx_hash hash = hpx_hash_of(payload->data, payload->size);
    if (memcmp(hash.bytes, reader->key.bytes, HPX_HASH_BYTES) != 0)
        return refuse(reader, "a foreign key: it is not the hash of these bytes", error);
    hpx_fields fields = {0};
    hpx_status status = hpx_fields_decode(&fields, payload->data, payload->size, error);
    if (status)
        return refuse(reader, "malformed", error);
    status = hpx_validate_fields(reader->store, hpx_bundle_rules[reader->kind].db, &fields, error);
    hpx_fields_free(&fields);
    if (status)
        return refuse(reader, error->message, error);
    const uint8_t *stored;
    size_t size;
    status = hpx_get_sealed(&stored, &size, reader->store, reader->txn, hpx_bundle_rules[reader->kind].db,
                            &reader->key, error);
    if (status == HPX_NOT_FOUND)
        return reader->kind == BUNDLE_CODE ? put_marked(reader, 0, error) : put(reader, error);
    if (!status && (size != payload->size || memcmp(stored, payload->data, size) != 0))
        status = entry_failed(reader, HPX_DIFFERS,
                              "the store has other bytes under this key: the hashes collide", error);
    return status;
}

/* Whether nothing of the fields is lost in the artifact: they are what hpx_encode_artifact writes. A cell may
 * still be a text, as older records have it. */
static bool holds_all(const hpx_artifact *artifact, const hpx_fields *fields)
{
    const hpx_field *before, *after;
    hpx_fields again = {0};
    hpx_artifact_fields(&again, artifact);
    bool same = true;
    for (hpx_field_walk at = {0}; same && hpx_fields_next_difference(&at, fields, &again, &before, &after);)
        same = before && after && strcmp(before->name, "cell") == 0 && before->type == HPX_FIELD_TEXT;
    hpx_fields_free(&again);
    return same;
}

/* A record of format 1 becomes what this hpx writes; a second output of format 1 may then have another name. */
static hpx_status upgrade_payload(struct reader *reader, hpx_fields *fields, hpx_error *error)
{
    hpx_hash before, after;
    uint8_t *name = reader->key.bytes + HPX_HASH_BYTES + 4;
    hpx_status status = hpx_fields_hash(&before, fields, "output", error);
    if (!status)
        status = hpx_upgrade_record(fields, error);
    if (!status)
        status = hpx_fields_hash(&after, fields, "output", error);
    if (status)
        return status;
    if (reader->kind == BUNDLE_CONFLICT && memcmp(name, before.bytes, HPX_HASH_BYTES) == 0)
        memcpy(name, after.bytes, HPX_HASH_BYTES);
    reader->payload.size = 0;
    hpx_fields_encode(&reader->payload, fields);
    return HPX_OK;
}

static hpx_status decode_record(hpx_artifact *out, struct reader *reader, hpx_error *error)
{
    const hpx_buffer *payload = &reader->payload;
    *out = (hpx_artifact){.epoch = hpx_load_big_u32(reader->key.bytes + HPX_HASH_BYTES)};
    memcpy(out->key.bytes, reader->key.bytes, HPX_HASH_BYTES);
    hpx_fields fields = {0};
    hpx_status status = hpx_fields_decode(&fields, payload->data, payload->size, error);
    if (!status && hpx_is_format_1_record(&fields))
        status = upgrade_payload(reader, &fields, error);
    if (!status)
        status = hpx_decode_artifact(out, reader->store->cells, payload->data, payload->size, error);
    const bool whole = !status && holds_all(out, &fields);
    hpx_fields_free(&fields);
    if (!whole)
        hpx_artifact_free(out);
    return whole ? HPX_OK : refuse(reader, "malformed", error);
}

static hpx_status read_fields(hpx_fields *out, struct reader *reader, enum database db, const hpx_hash *hash,
                              hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    struct key key = hpx_key_of_hash(hash);
    hpx_status status = hpx_get_sealed(&payload, &size, reader->store, reader->txn, db, &key, error);
    return status ? status : hpx_fields_decode(out, payload, size, error);
}

static hpx_status validate(struct reader *reader, const hpx_artifact *artifact, hpx_error *error)
{
    hpx_status status = HPX_OK;
    if (!hpx_hash_equal(&reader->manifest_key, &artifact->key)) {
        hpx_fields_free(&reader->manifest);
        reader->manifest_key = artifact->key;
        status = read_fields(&reader->manifest, reader, DB_MANIFESTS, &artifact->key, error);
    }
    const char *wrong = status ? NULL : hpx_validate_artifact(artifact, &reader->manifest);
    return wrong ? refuse(reader, wrong, error) : status;
}

static hpx_status check_references(struct reader *reader, const hpx_artifact *artifact, hpx_error *error)
{
    struct key manifest = hpx_key_of_hash(&artifact->key), code = hpx_key_of_hash(&artifact->code),
               dataset = hpx_key_of_hash(&artifact->dataset),
               conditions = hpx_key_of_hash(&artifact->conditions),
               parent = hpx_key_of_epoch(&artifact->key, artifact->parent);
    hpx_status status = expect(reader, DB_MANIFESTS, &manifest, "its manifest is missing", error);
    if (!status)
        status = validate(reader, artifact, error);
    if (!status)
        status = expect(reader, DB_CODES, &code, "its code version is missing", error);
    if (!status)
        status = expect(reader, DB_DATASETS, &dataset, "its data set entry is missing", error);
    if (!status && hpx_artifact_is_of_program(artifact))
        status = expect(reader, DB_CONDITIONS, &conditions, "its conditions are missing", error);
    if (!status && artifact->parent > 0)
        status = expect(reader, DB_RECORDS, &parent, "the epoch it continued is missing", error);
    return status;
}

/* As the record's own conditions say. */
static hpx_status find_comparison(hpx_comparison *out, hpx_fields *conditions, struct reader *reader,
                                  const hpx_artifact *artifact, hpx_error *error)
{
    hpx_status status = HPX_OK;
    if (hpx_artifact_is_of_program(artifact))
        status = read_fields(conditions, reader, DB_CONDITIONS, &artifact->conditions, error);
    *out = hpx_comparison_of(conditions);
    return status;
}

/* A run of an epoch that is stored, and need not be alike: its replicate, unless it is the same run. */
static hpx_status put_replicate(struct reader *reader, const hpx_artifact *artifact, hpx_error *error)
{
    hpx_artifact later = *artifact;
    const uint8_t *payload;
    size_t size;
    later.replicate = true;
    reader->beside = (hpx_artifact){.key = artifact->key, .epoch = artifact->epoch};
    const struct key name = hpx_key_of_later(&later);
    hpx_status status =
        hpx_get_sealed(&payload, &size, reader->store, reader->txn, DB_CONFLICTS, &name, error);
    if (status != HPX_NOT_FOUND) {
        reader->done->conflicts.known += !status;
        return status;
    }
    status = hpx_put_later(reader->store, reader->txn, &later, error);
    reader->done->conflicts.added += !status;
    return status;
}

/* Whether two records are of one run. */
static bool is_same_run(const hpx_artifact *a, const hpx_artifact *b)
{
    const bool same_host = !*a->host || !*b->host || strcmp(a->host, b->host) == 0; /* one may be left out */
    return a->started_ns == b->started_ns && same_host && hpx_artifact_same_output(a, b);
}

/* The record against the one that is stored. */
static hpx_status compare_records(struct reader *reader, const hpx_artifact *artifact,
                                  const hpx_artifact *stored, const hpx_comparison *comparison,
                                  hpx_error *error)
{
    char what[128], old[HPX_HASH_HEX_BYTES], new[HPX_HASH_HEX_BYTES];
    hpx_difference difference;
    if (comparison->likeness == HPX_LIKE_ANY && !is_same_run(artifact, stored))
        return put_replicate(reader, artifact, error);
    reader->done->artifacts.known++;
    if (hpx_hash_equal(&stored->output, &artifact->output)) {
        hpx_hash ours = hpx_output_hash(&stored->metrics, NULL, 0),
                 theirs = hpx_output_hash(&artifact->metrics, NULL, 0);
        if (!hpx_hash_equal(&ours, &theirs) || !hpx_metrics_same_names(&stored->metrics, &artifact->metrics))
            return refuse(reader, "the stored output, but other metrics", error);
        return HPX_OK;
    }
    if (comparison->likeness != HPX_LIKE_BITS &&
        hpx_artifact_alike(&difference, artifact, stored, comparison))
        return HPX_OK;
    snprintf(what, sizeof what, "another output (%.12s, stored %.12s); nothing was imported",
             hpx_hash_hex(new, &artifact->output), hpx_hash_hex(old, &stored->output));
    return entry_failed(reader, HPX_DIFFERS, what, error);
}

static hpx_status put_record(struct reader *reader, const hpx_artifact *artifact, hpx_error *error)
{
    hpx_artifact stored;
    hpx_status status = check_references(reader, artifact, error);
    if (!status && artifact->replicate)
        status = refuse(reader, "a replicate in place of the first run", error);
    if (status)
        return status;
    status = hpx_get_artifact(&stored, reader->store, reader->txn, &artifact->key, artifact->epoch, error);
    if (status == HPX_NOT_FOUND) {
        reader->done->artifacts.added++;
        return put_marked(reader, artifact->epoch, error);
    }
    if (status)
        return status;
    hpx_fields conditions = {0};
    hpx_comparison comparison;
    status = find_comparison(&comparison, &conditions, reader, artifact, error);
    if (!status)
        status = compare_records(reader, artifact, &stored, &comparison, error);
    hpx_fields_free(&conditions);
    hpx_artifact_free(&stored);
    return status;
}

static hpx_status take_record(struct reader *reader, hpx_error *error)
{
    hpx_artifact artifact;
    hpx_status status = decode_record(&artifact, reader, error);
    if (status)
        return status;
    status = put_record(reader, &artifact, error);
    hpx_artifact_free(&artifact);
    return status;
}

/* Whether the store has, or has had from this bundle, another run of the epoch. */
static hpx_status check_first(struct reader *reader, const hpx_artifact *second, hpx_error *error)
{
    hpx_artifact first;
    hpx_status status =
        hpx_get_artifact(&first, reader->store, reader->txn, &second->key, second->epoch, error);
    if (status)
        return status == HPX_NOT_FOUND ? refuse(reader, "the first output is missing", error) : status;
    const bool same = !second->replicate && hpx_artifact_same_output(&first, second);
    hpx_artifact_free(&first);
    return same ? refuse(reader, "no other output than the first", error) : HPX_OK;
}

/* A later run of an epoch. */
static hpx_status take_conflict(struct reader *reader, hpx_error *error)
{
    hpx_artifact artifact;
    const uint8_t *stored;
    size_t size;
    hpx_status status = decode_record(&artifact, reader, error);
    if (status)
        return status;
    const struct key name = hpx_key_of_later(&artifact);
    if (memcmp(name.bytes, reader->key.bytes, name.size) != 0)
        status = refuse(reader, "a foreign key: it is not the record's output", error);
    if (!status)
        status = check_references(reader, &artifact, error);
    if (!status)
        status = check_first(reader, &artifact, error);
    hpx_artifact_free(&artifact);
    if (status)
        return status;
    status = hpx_get_sealed(&stored, &size, reader->store, reader->txn, DB_CONFLICTS, &reader->key, error);
    if (status == HPX_NOT_FOUND) {
        reader->done->conflicts.added++;
        return put(reader, error);
    }
    reader->done->conflicts.known += !status;
    return status;
}

static bool is_beside(const struct reader *reader, const hpx_hash *key, uint32_t epoch)
{
    return epoch == reader->beside.epoch && hpx_hash_equal(key, &reader->beside.key);
}

/* The first log of an epoch stays. */
static hpx_status take_log(struct reader *reader, hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    hpx_hash key;
    memcpy(key.bytes, reader->key.bytes, HPX_HASH_BYTES);
    hpx_status status = expect(reader, DB_RECORDS, &reader->key, "its record is missing", error);
    if (!status)
        status = hpx_get_sealed(&payload, &size, reader->store, reader->txn, DB_LOGS, &reader->key, error);
    if (status == HPX_NOT_FOUND &&
        !is_beside(reader, &key, hpx_load_big_u32(reader->key.bytes + HPX_HASH_BYTES))) {
        reader->done->logs.added++;
        return put(reader, error);
    }
    if (status == HPX_NOT_FOUND)
        status = HPX_OK;
    reader->done->logs.known += !status;
    return status;
}

/* Whether the trainer takes it, where it can be asked. */
static hpx_status judge_checkpoint(struct reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    hpx_fields dataset = {0};
    hpx_error why;
    if (!reader->store->judge)
        return HPX_OK;
    hpx_status status = read_fields(&dataset, reader, DB_DATASETS, &incoming->artifact.dataset, error);
    if (!status && reader->store->judge->checkpoint(&reader->manifest, &dataset, incoming->artifact.epoch,
                                                    &incoming->staged.blob, &why) != HPX_OK)
        status = refuse(reader, why.message, error);
    hpx_fields_free(&dataset);
    return status;
}

/* In place of a damaged one that may be there. */
static hpx_status put_incoming(struct reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    const hpx_artifact *artifact = &incoming->artifact;
    hpx_status status =
        hpx_drop_checkpoint(reader->store, reader->txn, &artifact->key, artifact->epoch, error);
    if (!status && incoming->staged.path)
        status = hpx_stage_sync(&incoming->staged, reader->store, error);
    if (!status)
        status = hpx_put_checkpoint(reader->store, reader->txn, &artifact->key, artifact->epoch,
                                    &incoming->staged.blob, &incoming->staged, error);
    return status;
}

/* All pieces are there: are they what the entry and the record say? */
static hpx_status finish_checkpoint(struct reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    hpx_hash whole = hpx_hasher_finish(incoming->whole),
             output = hpx_artifact_output(&incoming->artifact, incoming->output);
    incoming->open = false;
    if (!hpx_hash_equal(&whole, &incoming->entry.hash))
        return refuse(reader, "the checkpoint's chunks do not have its hash", error);
    if (!hpx_hash_equal(&output, &incoming->artifact.output))
        return refuse(reader, "checkpoint and metrics do not give the record's output", error);
    hpx_status status = incoming->skipped ? HPX_OK : judge_checkpoint(reader, error);
    if (!status && !incoming->skipped)
        status = put_incoming(reader, error);
    hpx_stage_end(&incoming->staged);
    if (status)
        return status;
    *(incoming->skipped ? &reader->done->checkpoints.known : &reader->done->checkpoints.added) += 1;
    return HPX_OK;
}

/* Whether the checkpoint is there or, unless its trajectory is pinned, superseded by a newer one. None is
 * dropped for it: what it supersedes may have been kept on purpose, and gc collects it if not. */
static hpx_status decide_to_skip(struct reader *reader, const hpx_hash *key, uint32_t epoch, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    struct epochs stored = {0};
    bool pinned;
    incoming->skipped = is_beside(reader, key, epoch);
    hpx_status status = hpx_find_pin(&pinned, reader->store, reader->txn, key, error);
    if (!status)
        status = hpx_list_epochs(&stored, reader->store, reader->txn, DB_CHECKPOINTS, key, error);
    for (size_t i = stored.count; i-- > 0 && stored.epochs[i] >= epoch && !incoming->skipped && !status;) {
        uint32_t found = stored.epochs[i];
        if (pinned && found > epoch)
            continue;
        status = hpx_find_whole_checkpoint(reader->store, reader->txn, key, found, error);
        incoming->skipped = !status;
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged: of no use, and overwritten if it is of this epoch */
    }
    free(stored.epochs);
    return status;
}

/* Size, number of pieces and hash agree with each other as far as anyone can tell before the pieces come. */
static bool decode_entry(struct reader *reader)
{
    struct checkpoint_entry *entry = &reader->incoming.entry;
    const uint8_t *bytes = reader->payload.data;
    entry->size = hpx_load_u64(bytes);
    entry->chunks = hpx_load_u32(bytes + 8);
    memcpy(entry->hash.bytes, bytes + 12, HPX_HASH_BYTES);
    return entry->size <= (uint64_t)UINT32_MAX * reader->piece_bytes &&
           entry->chunks == (entry->size + reader->piece_bytes - 1) / reader->piece_bytes;
}

static hpx_status take_checkpoint(struct reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    hpx_hash key;
    memcpy(key.bytes, reader->key.bytes, HPX_HASH_BYTES);
    uint32_t epoch = hpx_load_big_u32(reader->key.bytes + HPX_HASH_BYTES);
    hpx_artifact_free(&incoming->artifact);
    incoming->artifact = (hpx_artifact){0};
    hpx_status status = hpx_get_artifact(&incoming->artifact, reader->store, reader->txn, &key, epoch, error);
    if (status)
        return status == HPX_NOT_FOUND ? refuse(reader, "its record is missing", error) : status;
    status = validate(reader, &incoming->artifact, error);
    if (status)
        return status;
    if (!decode_entry(reader))
        return refuse(reader, "malformed", error);
    status = decide_to_skip(reader, &key, epoch, error);
    if (!status && !incoming->skipped && incoming->entry.size >= BLOB_FILE_BYTES)
        status = hpx_stage_new(&incoming->staged, reader->store, error);
    else if (!status && !incoming->skipped)
        status = hpx_blob_new(&incoming->staged.blob, error);
    if (status)
        return status;
    incoming->open = true;
    incoming->next = 0;
    incoming->whole = hpx_hasher_new();
    incoming->output = hpx_hasher_new();
    return incoming->entry.chunks == 0 ? finish_checkpoint(reader, error) : HPX_OK;
}

static hpx_status keep_piece(struct reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    const hpx_buffer *payload = &reader->payload;
    hpx_hasher_add(incoming->whole, payload->data, payload->size);
    hpx_hasher_add(incoming->output, payload->data, payload->size);
    if (incoming->skipped)
        return HPX_OK;
    if (incoming->staged.path)
        return hpx_stage_add(&incoming->staged, reader->store, payload->data, payload->size, error);
    return hpx_blob_add(&incoming->staged.blob, payload->data, payload->size, error);
}

static hpx_status take_piece(struct reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    if (!incoming->open)
        return refuse(reader, "no checkpoint that it belongs to, or one that is complete", error);
    struct key expected = hpx_key_of_chunk(&incoming->artifact.key, incoming->artifact.epoch, incoming->next);
    if (memcmp(reader->key.bytes, expected.bytes, expected.size) != 0)
        return refuse(reader, "not the checkpoint's next chunk", error);
    uint64_t left = incoming->entry.size - (uint64_t)incoming->next * reader->piece_bytes;
    if (reader->payload.size != (left < reader->piece_bytes ? left : reader->piece_bytes))
        return refuse(reader, "not of the size that its checkpoint says", error);
    hpx_status status = keep_piece(reader, error);
    if (status)
        return status;
    return ++incoming->next == incoming->entry.chunks ? finish_checkpoint(reader, error) : HPX_OK;
}

static hpx_status take_end(struct reader *reader, hpx_error *error)
{
    if (reader->origin)
        return HPX_OK;
    hpx_hash all = hpx_hasher_finish(reader->all);
    reader->all = hpx_hasher_new();
    const uint8_t *payload = reader->payload.data;
    if (hpx_load_u64(payload) != reader->entries)
        return refuse(reader, "it counts other entries than there are", error);
    if (memcmp(payload + 8, all.bytes, HPX_HASH_BYTES) != 0)
        return refuse(reader, "its hash is not that of the bytes before it", error);
    uint8_t more;
    size_t got;
    uint64_t end = reader->at;
    hpx_status status = read_some(reader, &more, 1, &got, error);
    if (!status && got > 0)
        status = refuse_at(reader, end, error, "bytes after the end of the bundle");
    return status;
}

/* Parts are of the one trajectory that is asked for: the manifest itself is compared, and keys are its hash. */
static hpx_status check_origin(const struct reader *reader, hpx_error *error)
{
    const hpx_buffer *manifest = reader->origin->manifest, *payload = &reader->payload;
    if (reader->kind < BUNDLE_MANIFEST || reader->kind == BUNDLE_END)
        return HPX_OK;
    if (memcmp(reader->key.bytes, reader->key_of_origin.bytes, HPX_HASH_BYTES) != 0)
        return refuse(reader, "of another trajectory than the one asked for", error);
    if (reader->kind == BUNDLE_MANIFEST &&
        (payload->size != manifest->size || memcmp(payload->data, manifest->data, manifest->size) != 0))
        return refuse(reader, "another manifest than the one asked for", error);
    return HPX_OK;
}

static hpx_status take(struct reader *reader, hpx_error *error)
{
    static hpx_status (*const takers[BUNDLE_KINDS])(struct reader * reader, hpx_error * error) = {
        [BUNDLE_CODE] = take_named,       [BUNDLE_DATASET] = take_named,
        [BUNDLE_CONDITIONS] = take_named, [BUNDLE_MANIFEST] = take_named,
        [BUNDLE_RECORD] = take_record,    [BUNDLE_CONFLICT] = take_conflict,
        [BUNDLE_LOG] = take_log,          [BUNDLE_CHECKPOINT] = take_checkpoint,
        [BUNDLE_PIECE] = take_piece,      [BUNDLE_END] = take_end,
    };
    hpx_status status = reader->kind == BUNDLE_END ? HPX_OK : check_order(reader, error);
    if (!status && reader->origin)
        status = check_origin(reader, error);
    if (status)
        return status;
    if (reader->incoming.open && reader->kind != BUNDLE_PIECE)
        return refuse(reader, "the checkpoint before it lacks chunks", error);
    return takers[reader->kind](reader, error);
}

/* Takes the whole bundle in and checks its hashes. The sender may take any time. */
static hpx_status spool_bundle(struct reader *reader, hpx_error *error)
{
    hpx_status status = read_header(reader, error);
    do {
        if (!status)
            status = read_entry(reader, error);
    } while (!status && reader->kind != BUNDLE_END);
    if (!status)
        status = take_end(reader, error);
    return status ? status : hpx_spool_rewind(reader->spool, error);
}

/* Puts what has been spooled into the store, within a transaction. */
static hpx_status take_bundle(struct reader *reader, hpx_error *error)
{
    reader->spooled = true;
    reader->at = reader->entries = 0;
    reader->last.size = 0;
    hpx_status status = read_header(reader, error);
    while (!status) {
        status = read_entry(reader, error);
        if (!status)
            status = take(reader, error);
        if (reader->kind == BUNDLE_END)
            break;
    }
    return status;
}

/* From where and when, and by whom it is signed. */
static void fill_mark(hpx_fields *out, const char *name, const hpx_bundle_origin *origin)
{
    hpx_buffer from = {0};
    char *path = hpx_path_real(name);
    const char *where = path ? path : name;
    hpx_text_show(&from, where, strlen(where), "");
    hpx_fields_set_text(out, "from", hpx_buffer_text(&from));
    hpx_fields_set_count(out, "when", (uint64_t)hpx_clock_ns());
    if (origin)
        hpx_fields_set_text(out, "signer", origin->signer);
    hpx_buffer_free(&from);
    free(path);
}

/* Takes a bundle in, as far as that needs no transaction. */
static hpx_status open_reader(struct reader *reader, hpx_store *store, hpx_bundle_input *input,
                              hpx_error *error)
{
    *reader = (struct reader){.store = store,
                              .name = input->name,
                              .origin = input->origin,
                              .read = input->read,
                              .context = input->context,
                              .done = &input->done,
                              .incoming.staged.blob = HPX_NO_BLOB};
    input->done = (hpx_imported){0};
    reader->all = hpx_hasher_new();
    if (input->origin)
        reader->key_of_origin = hpx_hash_of(input->origin->manifest->data, input->origin->manifest->size);
    fill_mark(&reader->mark, input->name, input->origin);
    hpx_status status = hpx_spool_new(&reader->spool, error);
    return status ? status : spool_bundle(reader, error);
}

static void close_reader(struct reader *reader)
{
    hpx_spool_free(reader->spool);
    if (reader->incoming.open) {
        hpx_hasher_finish(reader->incoming.whole);
        hpx_hasher_finish(reader->incoming.output);
    }
    hpx_hasher_finish(reader->all);
    hpx_buffer_free(&reader->payload);
    hpx_fields_free(&reader->mark);
    hpx_fields_free(&reader->manifest);
    hpx_artifact_free(&reader->incoming.artifact);
    hpx_stage_end(&reader->incoming.staged);
}

/* Other writers wait meanwhile. */
static hpx_status take_all(hpx_store *store, struct reader *readers, size_t count, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    for (size_t i = 0; i < count && !status; i++) {
        readers[i].txn = txn;
        status = take_bundle(&readers[i], error);
    }
    return hpx_end_write(store, txn, status, error);
}

hpx_status hpx_bundle_read_all(hpx_store *store, hpx_bundle_input *inputs, size_t count, hpx_error *error)
{
    struct reader *readers = hpx_alloc(count * sizeof *readers);
    size_t opened = 0;
    hpx_status status = HPX_OK;
    while (opened < count && !status) {
        status = open_reader(&readers[opened], store, &inputs[opened], error);
        opened++;
    }
    if (!status)
        status = take_all(store, readers, count, error);
    for (size_t i = 0; i < opened; i++)
        close_reader(&readers[i]);
    for (size_t i = 0; i < count && status; i++)
        inputs[i].done = (hpx_imported){0};
    free(readers);
    return status;
}

hpx_status hpx_bundle_read(hpx_imported *out, hpx_store *store, const char *name,
                           const hpx_bundle_origin *origin, hpx_read_fn *read, void *context,
                           hpx_error *error)
{
    hpx_bundle_input input = {.name = name, .origin = origin, .read = read, .context = context};
    hpx_status status = hpx_bundle_read_all(store, &input, 1, error);
    *out = input.done;
    return status;
}
