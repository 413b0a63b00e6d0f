/* Records of artifacts, as fields and as bytes. */
#include "record.h"
#include "internal.h"
#include "sealed.h"

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

bool hpx_artifact_alike(hpx_difference *out, const hpx_artifact *a, const hpx_artifact *b,
                        const hpx_comparison *comparison)
{
    *out = (hpx_difference){.name = NULL};
    if (comparison->likeness == HPX_LIKE_BITS)
        return hpx_artifact_same_output(a, b);
    if (comparison->likeness == HPX_LIKE_ANY)
        return true;
    if (*a->failure || *b->failure || !*a->stopped != !*b->stopped)
        return *a->failure && *b->failure;
    return hpx_metrics_alike(out, &a->metrics, &b->metrics, comparison);
}

hpx_hash hpx_artifact_output(const hpx_artifact *artifact, hpx_hasher *checkpoint)
{
    if (checkpoint && !hpx_artifact_is_of_program(artifact))
        return hpx_output_hash_finish(checkpoint, &artifact->metrics);
    if (checkpoint)
        hpx_hasher_finish(checkpoint);
    return *artifact->failure ? hpx_failure_hash(artifact->failure)
                              : hpx_output_hash(&artifact->metrics, NULL, 0);
}

bool hpx_artifact_is_of_program(const hpx_artifact *artifact)
{
    return !hpx_hash_is_zero(&artifact->conditions);
}

void hpx_artifact_set(hpx_artifact *out, const hpx_artifact *artifact)
{
    const hpx_artifact copy = hpx_artifact_copy(artifact);
    hpx_artifact_free(out);
    *out = copy;
}

void hpx_artifact_fields(hpx_fields *out, const hpx_artifact *artifact)
{
    hpx_metrics_to_fields(out, &artifact->metrics);
    hpx_failure_to_fields(out, artifact->failure);
    hpx_stopped_to_fields(out, artifact->stopped);
    if (hpx_artifact_is_of_program(artifact))
        hpx_fields_set_hash(out, "conditions", &artifact->conditions);
    if (artifact->replicate)
        hpx_fields_set_count(out, "replicate", 1);
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

void hpx_encode_artifact(hpx_buffer *out, const hpx_artifact *artifact)
{
    hpx_fields fields = {0};
    hpx_artifact_fields(&fields, artifact);
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

/* What only results of programs have. */
static hpx_status decode_program_fields(hpx_artifact *out, const hpx_fields *fields, hpx_error *error)
{
    uint64_t replicate = 0;
    hpx_status status = hpx_stopped_from_fields(out->stopped, fields, error);
    if (!status && hpx_fields_find(fields, "conditions"))
        status = hpx_fields_hash(&out->conditions, fields, "conditions", error);
    if (!status && hpx_fields_find(fields, "replicate"))
        status = hpx_fields_count(&replicate, fields, "replicate", error);
    out->replicate = replicate > 0;
    return status;
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
        status = decode_program_fields(out, fields, error);
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

hpx_status hpx_decode_artifact(hpx_artifact *out, hpx_cell_set *cells, const uint8_t *bytes, size_t size,
                               hpx_error *error)
{
    hpx_fields fields = {0};
    hpx_status status = hpx_fields_decode(&fields, bytes, size, error);
    if (!status && hpx_is_format_1_record(&fields))
        status = hpx_upgrade_record(&fields, error);
    if (!status)
        status = decode_fields(out, cells, &fields, error);
    hpx_fields_free(&fields);
    if (status)
        hpx_artifact_free(out);
    return status;
}

hpx_status hpx_get_artifact(hpx_artifact *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                            uint32_t epoch, hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    struct key name = hpx_key_of_epoch(key, epoch);
    hpx_status status = hpx_get_sealed(&payload, &size, store, txn, DB_RECORDS, &name, error);
    if (status)
        return status;
    *out = (hpx_artifact){.key = *key, .epoch = epoch};
    status = hpx_decode_artifact(out, store->cells, payload, size, error);
    if (status == HPX_DAMAGED) {
        MDB_val damaged = {.mv_size = name.size, .mv_data = name.bytes};
        hpx_report_damage(store, DB_RECORDS, &damaged);
        status = hpx_error_set(error, HPX_NOT_FOUND, "damaged in the store");
    }
    return status;
}
