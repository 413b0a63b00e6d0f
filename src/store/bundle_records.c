/* Records of a bundle, into the store: each must be one that its manifest allows, have all that it refers to there, and agree
 * with what is known of its epoch. The store is the one seen within the transaction, so what came earlier in the bundle
 * counts. */
#include "bundle_reader.h"

#include <stdio.h>
#include <string.h>

/* Whether the value is in the store, or in the bundle before. */
static hpx_status expect(struct bundle_reader *reader, enum database db, const struct key *key,
                         const char *missing, hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    hpx_status status = hpx_get_sealed(&payload, &size, reader->store, reader->txn, db, key, error);
    return status == HPX_NOT_FOUND ? hpx_bundle_refuse(reader, missing, error) : status;
}

hpx_status hpx_bundle_put(struct bundle_reader *reader, hpx_error *error)
{
    hpx_status status = HPX_OK;
    if (reader->kind == BUNDLE_CONDITIONS)
        status = hpx_take_programs(reader->store, reader->txn, error);
    return status ? status
                  : hpx_put_sealed(reader->store, reader->txn, hpx_bundle_rules[reader->kind].db,
                                   &reader->key, reader->payload.data, reader->payload.size, error);
}

hpx_status hpx_bundle_put_marked(struct bundle_reader *reader, uint32_t epoch, hpx_error *error)
{
    hpx_hash key;
    memcpy(key.bytes, reader->key.bytes, HPX_HASH_BYTES);
    hpx_status status = hpx_bundle_put(reader, error);
    return status ? status : hpx_mark_import(reader->store, reader->txn, &key, epoch, &reader->mark, error);
}

hpx_status hpx_bundle_find_fields(hpx_fields *out, struct bundle_reader *reader, enum database db,
                                  const hpx_hash *hash, hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    struct key key = hpx_key_of_hash(hash);
    hpx_status status = hpx_get_sealed(&payload, &size, reader->store, reader->txn, db, &key, error);
    return status ? status : hpx_fields_decode(out, payload, size, error);
}

hpx_status hpx_bundle_validate(struct bundle_reader *reader, const hpx_artifact *artifact, hpx_error *error)
{
    hpx_status status = HPX_OK;
    if (!hpx_hash_equal(&reader->manifest_key, &artifact->key)) {
        hpx_fields_free(&reader->manifest);
        reader->manifest_key = artifact->key;
        status = hpx_bundle_find_fields(&reader->manifest, reader, DB_MANIFESTS, &artifact->key, error);
    }
    const char *wrong = status ? NULL : hpx_validate_artifact(artifact, &reader->manifest);
    return wrong ? hpx_bundle_refuse(reader, wrong, error) : status;
}

bool hpx_bundle_is_beside(const struct bundle_reader *reader, const hpx_hash *key, uint32_t epoch)
{
    return epoch == reader->beside.epoch && hpx_hash_equal(key, &reader->beside.key);
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
static hpx_status upgrade_payload(struct bundle_reader *reader, hpx_fields *fields, hpx_error *error)
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

static hpx_status decode_record(hpx_artifact *out, struct bundle_reader *reader, hpx_error *error)
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
    return whole ? HPX_OK : hpx_bundle_refuse(reader, "malformed", error);
}

static hpx_status check_references(struct bundle_reader *reader, const hpx_artifact *artifact,
                                   hpx_error *error)
{
    struct key manifest = hpx_key_of_hash(&artifact->key), code = hpx_key_of_hash(&artifact->code),
               dataset = hpx_key_of_hash(&artifact->dataset),
               conditions = hpx_key_of_hash(&artifact->conditions),
               parent = hpx_key_of_epoch(&artifact->key, artifact->parent);
    hpx_status status = expect(reader, DB_MANIFESTS, &manifest, "its manifest is missing", error);
    if (!status)
        status = hpx_bundle_validate(reader, artifact, error);
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
static hpx_status find_comparison(hpx_comparison *out, hpx_fields *conditions, struct bundle_reader *reader,
                                  const hpx_artifact *artifact, hpx_error *error)
{
    hpx_status status = HPX_OK;
    if (hpx_artifact_is_of_program(artifact))
        status = hpx_bundle_find_fields(conditions, reader, DB_CONDITIONS, &artifact->conditions, error);
    *out = hpx_comparison_of(conditions);
    return status;
}

/* A run of an epoch that is stored, and need not be alike: its replicate, unless it is the same run. */
static hpx_status put_replicate(struct bundle_reader *reader, const hpx_artifact *artifact, hpx_error *error)
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
static hpx_status compare_records(struct bundle_reader *reader, const hpx_artifact *artifact,
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
            return hpx_bundle_refuse(reader, "the stored output, but other metrics", error);
        return HPX_OK;
    }
    if (comparison->likeness != HPX_LIKE_BITS &&
        hpx_artifact_alike(&difference, artifact, stored, comparison))
        return HPX_OK;
    snprintf(what, sizeof what, "another output (%.12s, stored %.12s); nothing was imported",
             hpx_hash_hex(new, &artifact->output), hpx_hash_hex(old, &stored->output));
    return hpx_bundle_entry_failed(reader, HPX_DIFFERS, what, error);
}

static hpx_status put_record(struct bundle_reader *reader, const hpx_artifact *artifact, hpx_error *error)
{
    hpx_artifact stored;
    hpx_status status = check_references(reader, artifact, error);
    if (!status && artifact->replicate)
        status = hpx_bundle_refuse(reader, "a replicate in place of the first run", error);
    if (status)
        return status;
    status = hpx_get_artifact(&stored, reader->store, reader->txn, &artifact->key, artifact->epoch, error);
    if (status == HPX_NOT_FOUND) {
        reader->done->artifacts.added++;
        return hpx_bundle_put_marked(reader, artifact->epoch, error);
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

hpx_status hpx_bundle_take_record(struct bundle_reader *reader, hpx_error *error)
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
static hpx_status check_first(struct bundle_reader *reader, const hpx_artifact *second, hpx_error *error)
{
    hpx_artifact first;
    hpx_status status =
        hpx_get_artifact(&first, reader->store, reader->txn, &second->key, second->epoch, error);
    if (status)
        return status == HPX_NOT_FOUND ? hpx_bundle_refuse(reader, "the first output is missing", error)
                                       : status;
    const bool same = !second->replicate && hpx_artifact_same_output(&first, second);
    hpx_artifact_free(&first);
    return same ? hpx_bundle_refuse(reader, "no other output than the first", error) : HPX_OK;
}

/* A later run of an epoch. */
hpx_status hpx_bundle_take_conflict(struct bundle_reader *reader, hpx_error *error)
{
    hpx_artifact artifact;
    const uint8_t *stored;
    size_t size;
    hpx_status status = decode_record(&artifact, reader, error);
    if (status)
        return status;
    const struct key name = hpx_key_of_later(&artifact);
    if (memcmp(name.bytes, reader->key.bytes, name.size) != 0)
        status = hpx_bundle_refuse(reader, "a foreign key: it is not the record's output", error);
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
        return hpx_bundle_put(reader, error);
    }
    reader->done->conflicts.known += !status;
    return status;
}

/* The first log of an epoch stays. */
hpx_status hpx_bundle_take_log(struct bundle_reader *reader, hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    hpx_hash key;
    memcpy(key.bytes, reader->key.bytes, HPX_HASH_BYTES);
    hpx_status status = expect(reader, DB_RECORDS, &reader->key, "its record is missing", error);
    if (!status)
        status = hpx_get_sealed(&payload, &size, reader->store, reader->txn, DB_LOGS, &reader->key, error);
    if (status == HPX_NOT_FOUND &&
        !hpx_bundle_is_beside(reader, &key, hpx_load_big_u32(reader->key.bytes + HPX_HASH_BYTES))) {
        reader->done->logs.added++;
        return hpx_bundle_put(reader, error);
    }
    if (status == HPX_NOT_FOUND)
        status = HPX_OK;
    reader->done->logs.known += !status;
    return status;
}
