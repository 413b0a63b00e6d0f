/* A message (integers little-endian):
 *
 *     "HPXM"  u8 version = 3  u8 kind  u16 zero  u64 body size  XXH3-128 of version .. body size and the body
 *     body: fields (hpx/fields.h)
 *
 * Fields of a job: key, from, to, manifest, conditions where it has any, path.N for the inputs, and of the
 * checkpoint of epoch `from` checkpoint.size and checkpoint.hash, which a job from 0 has not. Fields of an epoch:
 * key, epoch, parent, output, started, seconds, host, the metrics and checkpoint.size; `output` is the hash of
 * checkpoint and metrics. An epoch in which the training failed has a field `failure`, no metrics and a checkpoint
 * of no bytes; one with which it ended by itself has a field `stopped`. Progress: key, epoch, the metrics,
 * and message where it warns. Done: key. Failed, refused, memory: key, message. What was printed is the field `log` of
 * an epoch and of an accident. */
#include "worker/message.h"

#include "base/memory.h"
#include "hpx/fields.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC          "HPXM"
#define VERSION        3
#define HASHED_AT      4
#define HASH_AT        16
#define HEADER_BYTES   32
#define BODY_BYTES_MAX (HPX_MESSAGE_BYTES_MAX - HEADER_BYTES)

void hpx_job_free(hpx_job *job)
{
    hpx_buffer_free(&job->manifest);
    hpx_buffer_free(&job->conditions);
    hpx_blob_close(&job->checkpoint);
    for (size_t i = 0; i < job->path_count; i++)
        free(job->paths[i]);
    *job = HPX_NO_JOB;
}

void hpx_result_free(hpx_result *result)
{
    hpx_blob_close(&result->checkpoint);
    hpx_metrics_free(&result->metrics);
    hpx_buffer_free(&result->log);
    *result = (hpx_result){.checkpoint = HPX_NO_BLOB};
}

hpx_result hpx_result_copy(const hpx_result *result)
{
    assert(result->checkpoint.fd < 0);
    hpx_result copy = *result;
    copy.metrics = hpx_metrics_copy(&result->metrics);
    copy.log = (hpx_buffer){0};
    hpx_buffer_add(&copy.log, result->log.data, result->log.size);
    return copy;
}

static hpx_hash checked_hash(const uint8_t *header, const uint8_t *body, size_t body_size)
{
    hpx_hasher *hasher = hpx_hasher_new();
    hpx_hasher_add(hasher, header + HASHED_AT, HASH_AT - HASHED_AT);
    hpx_hasher_add(hasher, body, body_size);
    return hpx_hasher_finish(hasher);
}

static void append(hpx_buffer *out, hpx_message_kind kind, const hpx_fields *fields)
{
    hpx_buffer body = {0};
    hpx_fields_encode(&body, fields);
    hpx_buffer_reserve(out, HEADER_BYTES + body.size);
    size_t start = out->size;
    const uint8_t words[4] = {VERSION, (uint8_t)kind, 0, 0};
    hpx_buffer_add(out, MAGIC, 4);
    hpx_buffer_add(out, words, sizeof words);
    hpx_buffer_u64(out, body.size);
    hpx_hash hash = checked_hash(out->data + start, body.data, body.size);
    hpx_buffer_add(out, hash.bytes, HPX_HASH_BYTES);
    hpx_buffer_add(out, body.data, body.size);
    hpx_buffer_free(&body);
}

static char *path_field(size_t input)
{
    return hpx_format("path.%zu", input);
}

void hpx_hello_encode(hpx_buffer *out, const hpx_fields *trainers)
{
    append(out, HPX_MESSAGE_HELLO, trainers);
}

void hpx_job_encode(hpx_buffer *out, const hpx_job *job)
{
    hpx_fields fields = {0};
    hpx_fields_set_hash(&fields, "key", &job->key);
    hpx_fields_set_count(&fields, "from", job->from);
    hpx_fields_set_count(&fields, "to", job->to);
    hpx_fields_set_bytes(&fields, "manifest", job->manifest.data, job->manifest.size);
    if (job->conditions.size > 0)
        hpx_fields_set_bytes(&fields, "conditions", job->conditions.data, job->conditions.size);
    for (size_t i = 0; i < job->path_count; i++) {
        char *name = path_field(i);
        hpx_fields_set_bytes(&fields, name, job->paths[i], strlen(job->paths[i]));
        free(name);
    }
    if (job->from > 0) {
        hpx_fields_set_count(&fields, "checkpoint.size", job->checkpoint.size);
        hpx_fields_set_hash(&fields, "checkpoint.hash", &job->checkpoint_hash);
    }
    append(out, HPX_MESSAGE_JOB, &fields);
    hpx_fields_free(&fields);
}

static bool is_accident(hpx_message_kind kind)
{
    return kind == HPX_MESSAGE_FAILED || kind == HPX_MESSAGE_REFUSED || kind == HPX_MESSAGE_MEMORY;
}

void hpx_result_encode(hpx_buffer *out, const hpx_result *result)
{
    hpx_fields fields = {0};
    hpx_fields_set_hash(&fields, "key", &result->key);
    if (result->kind == HPX_MESSAGE_EPOCH) {
        hpx_fields_set_count(&fields, "epoch", result->epoch);
        hpx_fields_set_count(&fields, "parent", result->parent);
        hpx_fields_set_hash(&fields, "output", &result->output);
        hpx_fields_set_count(&fields, "started", (uint64_t)result->started_ns);
        hpx_fields_set_real(&fields, "seconds", result->seconds);
        hpx_fields_set_text(&fields, "host", result->host);
        hpx_metrics_to_fields(&fields, &result->metrics);
        hpx_fields_set_count(&fields, "checkpoint.size", result->checkpoint.size);
        hpx_failure_to_fields(&fields, result->failure);
        hpx_stopped_to_fields(&fields, result->stopped);
    } else if (result->kind == HPX_MESSAGE_PROGRESS) {
        hpx_fields_set_count(&fields, "epoch", result->epoch);
        hpx_metrics_to_fields(&fields, &result->metrics);
    }
    if (is_accident(result->kind) || (result->kind == HPX_MESSAGE_PROGRESS && *result->message))
        hpx_fields_set_bytes(&fields, "message", result->message, strlen(result->message));
    if (result->log.size > 0)
        hpx_fields_set_bytes(&fields, "log", result->log.data, result->log.size);
    append(out, result->kind, &fields);
    hpx_fields_free(&fields);
}

static bool is_kind(uint8_t kind)
{
    return kind == HPX_MESSAGE_HELLO || kind == HPX_MESSAGE_JOB || kind == HPX_MESSAGE_EPOCH ||
           kind == HPX_MESSAGE_PROGRESS || kind == HPX_MESSAGE_DONE || is_accident(kind);
}

hpx_status hpx_message_read(hpx_message *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    *out = (hpx_message){.size = HEADER_BYTES};
    size_t magic = size < 4 ? size : 4;
    if (magic > 0 && memcmp(bytes, MAGIC, magic) != 0)
        return hpx_error_set(error, HPX_DAMAGED, "not a message of hpx");
    if (size < HEADER_BYTES)
        return hpx_error_set(error, HPX_NOT_FOUND, "the message is not whole");
    uint64_t body_size = hpx_load_u64(bytes + 8);
    if (bytes[4] != VERSION)
        return hpx_error_set(error, HPX_DAMAGED, "a message of version %u; this hpx speaks version %d",
                             bytes[4], VERSION);
    if (!is_kind(bytes[5]) || bytes[6] || bytes[7] || body_size > BODY_BYTES_MAX)
        return hpx_error_set(error, HPX_DAMAGED, "a malformed message");
    out->size = HEADER_BYTES + body_size;
    if (size < out->size)
        return hpx_error_set(error, HPX_NOT_FOUND, "the message is not whole");
    out->kind = (hpx_message_kind)bytes[5];
    out->body = bytes + HEADER_BYTES;
    out->body_size = body_size;
    hpx_hash hash = checked_hash(bytes, out->body, out->body_size);
    if (memcmp(hash.bytes, bytes + HASH_AT, HPX_HASH_BYTES) != 0)
        return hpx_error_set(error, HPX_DAMAGED, "a message that does not match its hash");
    return HPX_OK;
}

static size_t has(const hpx_fields *fields, const char *name)
{
    return hpx_fields_find(fields, name) != NULL;
}

/* A message has the fields of its kind and no others: those that are asked for, and this many. */
static size_t field_count(hpx_message_kind kind, const hpx_fields *fields, size_t paths)
{
    const size_t metrics = has(fields, "metric.names") * 2;
    switch (kind) {
    case HPX_MESSAGE_JOB:
        return 4 + paths + has(fields, "conditions") + has(fields, "checkpoint.size") * 2;
    case HPX_MESSAGE_EPOCH:
        return 8 + metrics + has(fields, "failure") + has(fields, "stopped") + has(fields, "log");
    case HPX_MESSAGE_PROGRESS:
        return 2 + metrics + has(fields, "message");
    case HPX_MESSAGE_FAILED:
    case HPX_MESSAGE_REFUSED:
    case HPX_MESSAGE_MEMORY:
        return 2 + has(fields, "log");
    default:
        return 1;
    }
}

static hpx_status check_count(hpx_message_kind kind, const hpx_fields *fields, size_t paths, hpx_error *error)
{
    if (fields->count == field_count(kind, fields, paths))
        return HPX_OK;
    return hpx_error_set(error, HPX_DAMAGED, "a message with %zu fields", fields->count);
}

/* Takes the blob that came with a message, which says how many of its bytes count. */
static hpx_status take_blob(hpx_blob *out, hpx_blob *blob, const hpx_fields *fields, hpx_error *error)
{
    uint64_t size;
    hpx_status status = hpx_fields_count(&size, fields, "checkpoint.size", error);
    if (status)
        return status;
    if ((size > 0) != (blob->fd >= 0) || size > blob->size)
        return hpx_error_set(error, HPX_DAMAGED, "a message without its checkpoint, or with part of it");
    *out = (hpx_blob){blob->fd, size};
    *blob = HPX_NO_BLOB;
    return HPX_OK;
}

static hpx_status epoch_field(uint32_t *out, const hpx_fields *fields, const char *name, hpx_error *error)
{
    uint64_t value;
    hpx_status status = hpx_fields_count(&value, fields, name, error);
    if (!status && value > UINT32_MAX)
        status = hpx_error_set(error, HPX_DAMAGED, "field '%s' is out of range", name);
    if (!status)
        *out = (uint32_t)value;
    return status;
}

static hpx_status decode_paths(hpx_job *job, const hpx_fields *fields, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (bool more = true; more && !status && job->path_count < HPX_INPUTS_MAX;) {
        const uint8_t *path;
        size_t size;
        char *name = path_field(job->path_count);
        more = hpx_fields_find(fields, name) != NULL;
        if (more)
            status = hpx_fields_bytes(&path, &size, fields, name, error);
        if (more && !status && memchr(path, 0, size))
            status = hpx_error_set(error, HPX_DAMAGED, "field '%s' holds a NUL", name);
        if (more && !status)
            job->paths[job->path_count++] = hpx_strndup((const char *)path, size);
        free(name);
    }
    return status ? status : check_count(HPX_MESSAGE_JOB, fields, job->path_count, error);
}

static hpx_status decode_conditions(hpx_buffer *out, const hpx_fields *fields, hpx_error *error)
{
    const uint8_t *bytes;
    size_t size;
    hpx_fields conditions = {0};
    if (!has(fields, "conditions"))
        return HPX_OK;
    hpx_status status = hpx_fields_bytes(&bytes, &size, fields, "conditions", error);
    if (!status)
        status = hpx_fields_decode(&conditions, bytes, size, error);
    if (!status)
        hpx_buffer_add(out, bytes, size);
    hpx_fields_free(&conditions);
    return status;
}

/* Of a job that goes on from an epoch. */
static hpx_status decode_checkpoint(hpx_job *job, const hpx_fields *fields, hpx_blob *blob, hpx_error *error)
{
    hpx_hash hash;
    hpx_status status = take_blob(&job->checkpoint, blob, fields, error);
    if (!status)
        status = hpx_fields_hash(&job->checkpoint_hash, fields, "checkpoint.hash", error);
    if (!status)
        status = hpx_blob_hash(&hash, &job->checkpoint, error);
    if (!status && !hpx_hash_equal(&hash, &job->checkpoint_hash))
        status = hpx_error_set(error, HPX_DAMAGED, "a checkpoint that does not match its hash");
    return status;
}

hpx_status hpx_hello_decode(hpx_fields *trainers, const hpx_message *message, hpx_blob *blob,
                            hpx_error *error)
{
    *trainers = (hpx_fields){0};
    hpx_status status = HPX_OK;
    if (message->kind != HPX_MESSAGE_HELLO || blob->fd >= 0)
        status = hpx_error_set(error, HPX_DAMAGED, "no hello");
    if (!status)
        status = hpx_fields_decode(trainers, message->body, message->body_size, error);
    for (size_t i = 0; !status && i < trainers->count; i++) {
        hpx_fields contributed = {0};
        const hpx_field *trainer = &trainers->fields[i];
        if (trainer->type != HPX_FIELD_BYTES)
            status = hpx_error_set(error, HPX_DAMAGED, "a hello with another field");
        if (!status)
            status = hpx_fields_decode(&contributed, trainer->bytes, trainer->size, error);
        hpx_fields_free(&contributed);
    }
    hpx_blob_close(blob);
    if (status)
        hpx_fields_free(trainers);
    return status;
}

hpx_status hpx_job_decode(hpx_job *out, const hpx_message *message, hpx_blob *blob, hpx_error *error)
{
    hpx_job job = HPX_NO_JOB;
    hpx_fields fields = {0};
    const uint8_t *manifest = NULL;
    size_t size = 0;
    hpx_status status = HPX_OK;
    if (message->kind != HPX_MESSAGE_JOB)
        status = hpx_error_set(error, HPX_DAMAGED, "not a job");
    if (!status)
        status = hpx_fields_decode(&fields, message->body, message->body_size, error);
    if (!status)
        status = hpx_fields_hash(&job.key, &fields, "key", error);
    if (!status)
        status = epoch_field(&job.from, &fields, "from", error);
    if (!status)
        status = epoch_field(&job.to, &fields, "to", error);
    if (!status)
        status = hpx_fields_bytes(&manifest, &size, &fields, "manifest", error);
    if (!status)
        status = decode_conditions(&job.conditions, &fields, error);
    if (!status)
        status = decode_paths(&job, &fields, error);
    if (!status) {
        const hpx_hash hash = hpx_hash_of(manifest, size);
        const bool continued = has(&fields, "checkpoint.size");
        if (!hpx_hash_equal(&hash, &job.key) || job.from >= job.to || (job.from > 0) != continued ||
            (!continued && blob->fd >= 0))
            status = hpx_error_set(error, HPX_DAMAGED, "a job that contradicts itself");
        hpx_buffer_add(&job.manifest, manifest, size);
    }
    if (!status && job.from > 0)
        status = decode_checkpoint(&job, &fields, blob, error);
    hpx_fields_free(&fields);
    hpx_blob_close(blob);
    if (status)
        hpx_job_free(&job);
    *out = job;
    return status;
}

static hpx_status add_piece(void *hasher, const uint8_t *bytes, size_t size, hpx_error *error)
{
    (void)error;
    hpx_hasher_add(hasher, bytes, size);
    return HPX_OK;
}

hpx_status hpx_result_output(hpx_hash *out, const hpx_result *result, hpx_error *error)
{
    hpx_hasher *hasher = hpx_hasher_new();
    hpx_status status = HPX_OK;
    if (result->checkpoint.fd >= 0)
        status = hpx_blob_each_piece(&result->checkpoint, add_piece, hasher, error);
    *out = hpx_output_hash_finish(hasher, &result->metrics);
    return status;
}

static hpx_status decode_epoch(hpx_result *result, const hpx_fields *fields, hpx_blob *blob, hpx_error *error)
{
    uint64_t started = 0;
    const char *host = "";
    hpx_hash output;
    hpx_status status = epoch_field(&result->epoch, fields, "epoch", error);
    if (!status)
        status = epoch_field(&result->parent, fields, "parent", error);
    if (!status)
        status = hpx_fields_hash(&result->output, fields, "output", error);
    if (!status)
        status = hpx_fields_count(&started, fields, "started", error);
    if (!status)
        status = hpx_fields_real(&result->seconds, fields, "seconds", error);
    if (!status)
        status = hpx_fields_text(&host, fields, "host", error);
    if (!status)
        status = hpx_metrics_from_fields(&result->metrics, fields, error);
    if (!status)
        status = hpx_failure_from_fields(result->failure, fields, &result->metrics, &result->output, error);
    if (!status)
        status = hpx_stopped_from_fields(result->stopped, fields, error);
    if (!status)
        status = take_blob(&result->checkpoint, blob, fields, error);
    if (status)
        return status;
    const bool failed = *result->failure;
    if (result->parent >= result->epoch || strlen(host) >= sizeof result->host ||
        (failed && (result->checkpoint.fd >= 0 || *result->stopped)))
        return hpx_error_set(error, HPX_DAMAGED, "an epoch that contradicts itself");
    result->started_ns = (int64_t)started;
    memcpy(result->host, host, strlen(host) + 1);
    status = hpx_result_output(&output, result, error);
    if (!status && !failed && !hpx_hash_equal(&output, &result->output))
        status = hpx_error_set(error, HPX_DAMAGED, "an epoch that does not have its output hash");
    return status;
}

static hpx_status decode_message(hpx_result *result, const hpx_fields *fields, hpx_error *error)
{
    const uint8_t *text;
    size_t length;
    hpx_status status = hpx_fields_bytes(&text, &length, fields, "message", error);
    if (!status && (length >= sizeof result->message || memchr(text, 0, length)))
        status = hpx_error_set(error, HPX_DAMAGED, "field 'message' is not a text of its size");
    if (!status)
        memcpy(result->message, text, length);
    return status;
}

static hpx_status decode_progress(hpx_result *result, const hpx_fields *fields, hpx_error *error)
{
    hpx_status status = epoch_field(&result->epoch, fields, "epoch", error);
    if (!status)
        status = hpx_metrics_from_fields(&result->metrics, fields, error);
    return status || !has(fields, "message") ? status : decode_message(result, fields, error);
}

static hpx_status decode_log(hpx_buffer *out, const hpx_fields *fields, hpx_error *error)
{
    const uint8_t *bytes;
    size_t size;
    if (!has(fields, "log"))
        return HPX_OK;
    hpx_status status = hpx_fields_bytes(&bytes, &size, fields, "log", error);
    if (!status && (size == 0 || size > HPX_LOG_BYTES_MAX))
        status = hpx_error_set(error, HPX_DAMAGED, "a log of %zu bytes", size);
    if (!status)
        hpx_buffer_add(out, bytes, size);
    return status;
}

hpx_status hpx_result_decode(hpx_result *out, const hpx_message *message, hpx_blob *blob, hpx_error *error)
{
    hpx_result result = {.kind = message->kind, .checkpoint = HPX_NO_BLOB};
    hpx_fields fields = {0};
    hpx_status status = HPX_OK;
    if (message->kind == HPX_MESSAGE_JOB || message->kind == HPX_MESSAGE_HELLO)
        status = hpx_error_set(error, HPX_DAMAGED, "not a result");
    if (!status)
        status = hpx_fields_decode(&fields, message->body, message->body_size, error);
    if (!status)
        status = check_count(message->kind, &fields, 0, error);
    if (!status && result.kind != HPX_MESSAGE_EPOCH && blob->fd >= 0)
        status = hpx_error_set(error, HPX_DAMAGED, "a checkpoint with a message that has none");
    if (!status)
        status = hpx_fields_hash(&result.key, &fields, "key", error);
    if (!status && result.kind == HPX_MESSAGE_EPOCH)
        status = decode_epoch(&result, &fields, blob, error);
    if (!status && result.kind == HPX_MESSAGE_PROGRESS)
        status = decode_progress(&result, &fields, error);
    if (!status && is_accident(result.kind))
        status = decode_message(&result, &fields, error);
    if (!status)
        status = decode_log(&result.log, &fields, error);
    hpx_fields_free(&fields);
    hpx_blob_close(blob);
    if (status)
        hpx_result_free(&result);
    *out = result;
    return status;
}
