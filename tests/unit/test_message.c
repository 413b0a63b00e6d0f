/* Messages between a build and its workers: whole and right, or refused. */
#include "worker/message.h"

#include "base/memory.h"
#include "hpx/fields.h"
#include "hpx/file.h"

#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static hpx_error error;

static hpx_blob blob_with(const char *text)
{
    hpx_blob blob = HPX_NO_BLOB;
    if (*text)
        expect_ok(hpx_blob_from_bytes(&blob, text, strlen(text), &error), &error);
    return blob;
}

/* Another descriptor of it, to give away. */
static hpx_blob again(const hpx_blob *blob)
{
    return (hpx_blob){blob->fd < 0 ? -1 : dup(blob->fd), blob->size};
}

static hpx_job make_job(uint32_t from, size_t checkpoint_size)
{
    hpx_job job = {.from = from, .to = 15, .checkpoint = HPX_NO_BLOB};
    hpx_buffer_puts(&job.manifest, "any bytes \xff");
    job.key = hpx_hash_of(job.manifest.data, job.manifest.size);
    for (size_t i = 0; i < 4; i++)
        job.paths[job.path_count++] = hpx_format("/data/%zu\xff", i); /* not UTF-8: file names need not be */
    if (from > 0) {
        hpx_fields conditions = {0};
        hpx_fields_set_count(&conditions, "run.gpus", from);
        hpx_fields_encode(&job.conditions, &conditions);
        hpx_fields_free(&conditions);
    }
    if (checkpoint_size > 0) {
        char *text = malloc(checkpoint_size + 1);
        memset(text, 'c', checkpoint_size);
        text[checkpoint_size] = 0;
        job.checkpoint = blob_with(text);
        expect_ok(hpx_blob_hash(&job.checkpoint_hash, &job.checkpoint, &error), &error);
        free(text);
    }
    return job;
}

static hpx_result make_epoch(const char *checkpoint)
{
    const hpx_metrics metrics = made_metrics(0.5, 0.75, NAN, NAN, 0.25, 1);
    hpx_result result = {
        .kind = HPX_MESSAGE_EPOCH,
        .key = {{1, 2, 3}},
        .epoch = 4,
        .parent = 3,
        .metrics = hpx_metrics_copy(&metrics),
        .started_ns = 1700000000123456789,
        .seconds = 0.125,
        .host = "node",
        .checkpoint = blob_with(checkpoint),
    };
    expect_ok(hpx_result_output(&result.output, &result, &error), &error);
    return result;
}

static hpx_result make_failure(void)
{
    hpx_result result = make_epoch("");
    hpx_metrics_free(&result.metrics);
    strcpy(result.failure, "the loss is no longer finite");
    result.output = hpx_failure_hash(result.failure);
    return result;
}

static hpx_message read_whole(const hpx_buffer *bytes)
{
    hpx_message message;
    expect_ok(hpx_message_read(&message, bytes->data, bytes->size, &error), &error);
    assert_int_equal(message.size, bytes->size);
    return message;
}

static void test_job(void **state)
{
    (void)state;
    static const struct {
        uint32_t from;
        size_t checkpoint_size;
    } cases[] = {{0, 0}, {3, 1}, {14, 100000}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        hpx_job job = make_job(cases[i].from, cases[i].checkpoint_size), read;
        hpx_blob blob = again(&job.checkpoint);
        hpx_buffer bytes = {0};
        hpx_job_encode(&bytes, &job);
        hpx_message message = read_whole(&bytes);
        assert_int_equal(message.kind, HPX_MESSAGE_JOB);
        expect_ok(hpx_job_decode(&read, &message, &blob, &error), &error);
        assert_int_equal(blob.fd, -1);
        assert_memory_equal(&read.key, &job.key, sizeof job.key);
        assert_int_equal(read.from, job.from);
        assert_int_equal(read.to, job.to);
        assert_int_equal(read.manifest.size, job.manifest.size);
        assert_memory_equal(read.manifest.data, job.manifest.data, job.manifest.size);
        assert_int_equal(read.conditions.size, job.conditions.size);
        assert_true(job.conditions.size == 0 ||
                    memcmp(read.conditions.data, job.conditions.data, job.conditions.size) == 0);
        assert_int_equal(read.checkpoint.size, job.checkpoint.size);
        assert_memory_equal(&read.checkpoint_hash, &job.checkpoint_hash, sizeof read.checkpoint_hash);
        assert_int_equal(read.checkpoint.fd >= 0, job.from > 0);
        assert_int_equal(read.path_count, 4);
        for (size_t k = 0; k < read.path_count; k++)
            assert_string_equal(read.paths[k], job.paths[k]);
        hpx_result result;
        blob = again(&job.checkpoint);
        assert_int_equal(hpx_result_decode(&result, &message, &blob, &error), HPX_DAMAGED);
        hpx_job_free(&read);
        assert_null(read.manifest.data);
        hpx_job_free(&job);
        hpx_buffer_free(&bytes);
    }
}

/* Encodes a result and reads it. */
static hpx_result there_and_back(const hpx_result *result)
{
    hpx_buffer bytes = {0};
    hpx_result read;
    hpx_job job;
    hpx_result_encode(&bytes, result);
    hpx_message message = read_whole(&bytes);
    hpx_blob blob = again(&result->checkpoint), none = HPX_NO_BLOB;
    expect_ok(hpx_result_decode(&read, &message, &blob, &error), &error);
    assert_int_equal(blob.fd, -1);
    assert_int_equal(read.kind, result->kind);
    assert_int_equal(hpx_job_decode(&job, &message, &none, &error), HPX_DAMAGED);
    hpx_buffer_free(&bytes);
    return read;
}

static void test_results(void **state)
{
    (void)state;
    hpx_result epoch = make_epoch("weights"), failure = make_failure();
    const hpx_result done = {.kind = HPX_MESSAGE_DONE, .key = {{9}}, .checkpoint = HPX_NO_BLOB};
    const hpx_result failed = {
        .kind = HPX_MESSAGE_FAILED, .key = {{8}}, .message = "the loss is \xff", .checkpoint = HPX_NO_BLOB};
    char bytes[7];
    hpx_result read = there_and_back(&epoch);
    assert_memory_equal(&read.key, &epoch.key, sizeof read.key);
    assert_int_equal(read.epoch, 4);
    assert_int_equal(read.parent, 3);
    assert_true(hpx_metrics_same_names(&read.metrics, &epoch.metrics));
    for (size_t i = 0; i < read.metrics.count; i++)
        assert_true(read.metrics.list[i].value == epoch.metrics.list[i].value ||
                    isnan(epoch.metrics.list[i].value));
    assert_memory_equal(&read.output, &epoch.output, sizeof read.output);
    assert_true(read.started_ns == epoch.started_ns && read.seconds == 0.125);
    assert_string_equal(read.host, "node");
    assert_string_equal(read.failure, "");
    assert_int_equal(read.checkpoint.size, 7);
    expect_ok(hpx_blob_read(&read.checkpoint, bytes, 7, 0, &error), &error);
    assert_memory_equal(bytes, "weights", 7);
    hpx_result_free(&read);
    assert_int_equal(read.checkpoint.fd, -1);
    hpx_result_free(&epoch);

    read = there_and_back(&failure);
    assert_int_equal(read.epoch, 4);
    assert_string_equal(read.failure, failure.failure);
    assert_memory_equal(&read.output, &failure.output, sizeof read.output);
    assert_int_equal(read.metrics.count, 0);
    assert_int_equal(read.checkpoint.fd, -1);
    hpx_result_free(&read);
    hpx_result_free(&failure);

    read = there_and_back(&done);
    assert_int_equal(read.key.bytes[0], 9);
    read = there_and_back(&failed);
    assert_string_equal(read.message, "the loss is \xff");
}

/* What else a program's training says: progress, why it stopped, what it printed. */
static void test_programs(void **state)
{
    (void)state;
    hpx_result epoch = make_epoch("weights");
    strcpy(epoch.stopped, "no progress");
    hpx_buffer_puts(&epoch.log, "a line\n\xff");
    hpx_result progress = {.kind = HPX_MESSAGE_PROGRESS, .epoch = 7, .checkpoint = HPX_NO_BLOB};
    hpx_metrics_set(&progress.metrics, "score", 0.5);
    strcpy(progress.message, "line 1: it is ignored\n");
    hpx_result failed = {.kind = HPX_MESSAGE_FAILED, .message = "exit code 1", .checkpoint = HPX_NO_BLOB};
    hpx_buffer_puts(&failed.log, "Traceback");
    assert_true(hpx_result_is_end(&failed) && !hpx_result_is_end(&progress) && !hpx_result_is_end(&epoch));

    hpx_result read = there_and_back(&epoch);
    assert_string_equal(read.stopped, "no progress");
    assert_int_equal(read.log.size, epoch.log.size);
    assert_memory_equal(read.log.data, epoch.log.data, epoch.log.size);
    hpx_result_free(&read);
    read = there_and_back(&progress);
    assert_int_equal(read.epoch, 7);
    assert_int_equal(read.metrics.count, 1);
    assert_string_equal(read.metrics.list[0].name, "score");
    assert_string_equal(read.message, "line 1: it is ignored\n");
    hpx_result_free(&read);
    read = there_and_back(&failed);
    assert_string_equal(hpx_buffer_text(&read.log), "Traceback");
    hpx_result_free(&read);
    hpx_result_free(&epoch);
    hpx_result_free(&progress);
    hpx_result_free(&failed);
}

/* A log that is too long, conditions that are no fields, a failure that stopped. */
static void test_hostile_programs(void **state)
{
    (void)state;
    hpx_result failed = {.kind = HPX_MESSAGE_FAILED, .checkpoint = HPX_NO_BLOB}, failure = make_failure(),
               read;
    hpx_buffer bytes = {0};
    hpx_blob none = HPX_NO_BLOB;
    hpx_job job = make_job(0, 0), decoded;
    hpx_buffer_reserve(&failed.log, HPX_LOG_BYTES_MAX + 1);
    memset(failed.log.data, 'x', HPX_LOG_BYTES_MAX + 1);
    failed.log.size = HPX_LOG_BYTES_MAX + 1;
    hpx_result_encode(&bytes, &failed);
    hpx_message message = read_whole(&bytes);
    assert_int_equal(hpx_result_decode(&read, &message, &none, &error), HPX_DAMAGED);
    bytes.size = 0;
    strcpy(failure.stopped, "no progress");
    hpx_result_encode(&bytes, &failure);
    message = read_whole(&bytes);
    assert_int_equal(hpx_result_decode(&read, &message, &none, &error), HPX_DAMAGED);
    bytes.size = 0;
    hpx_buffer_puts(&job.conditions, "timeout");
    hpx_job_encode(&bytes, &job);
    message = read_whole(&bytes);
    assert_int_equal(hpx_job_decode(&decoded, &message, &none, &error), HPX_DAMAGED);
    hpx_job_free(&job);
    hpx_result_free(&failed);
    hpx_result_free(&failure);
    hpx_buffer_free(&bytes);
}

static void expect_refused_metrics(const hpx_metric *list, size_t count)
{
    hpx_result epoch = make_epoch(""), read;
    hpx_buffer bytes = {0};
    hpx_blob none = HPX_NO_BLOB;
    hpx_metrics_free(&epoch.metrics);
    epoch.metrics = (hpx_metrics){(hpx_metric *)list, count};
    expect_ok(hpx_result_output(&epoch.output, &epoch, &error), &error);
    hpx_result_encode(&bytes, &epoch);
    hpx_message message = read_whole(&bytes);
    assert_int_equal(hpx_result_decode(&read, &message, &none, &error), HPX_DAMAGED);
    expect_contains(error.message, "metric.");
    epoch.metrics = (hpx_metrics){0};
    hpx_result_free(&epoch);
    hpx_buffer_free(&bytes);
}

/* Names that no trainer may give, one twice, and more than there is room for. */
static void test_metrics(void **state)
{
    (void)state;
    static hpx_metric many[HPX_METRICS_MAX + 1];
    char names[HPX_METRICS_MAX + 1][8];
    for (size_t i = 0; i <= HPX_METRICS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "m%zu", i);
        many[i].name = names[i];
    }
    expect_refused_metrics((const hpx_metric[]){{"a b", 1}}, 1);
    expect_refused_metrics((const hpx_metric[]){{"a,b", 1}}, 1);
    expect_refused_metrics((const hpx_metric[]){{"", 1}}, 1);
    expect_refused_metrics((const hpx_metric[]){{"a", 1}, {"b", 1}, {"a", 1}}, 3);
    expect_refused_metrics(many, HPX_METRICS_MAX + 1);
}

/* Messages one behind the other are read one by one. */
static void test_stream(void **state)
{
    (void)state;
    hpx_buffer bytes = {0};
    hpx_result epoch = make_epoch("w"),
               done = {.kind = HPX_MESSAGE_DONE, .key = epoch.key, .checkpoint = HPX_NO_BLOB};
    for (int i = 0; i < 3; i++)
        hpx_result_encode(&bytes, &epoch);
    hpx_result_encode(&bytes, &done);
    static const hpx_message_kind kinds[] = {HPX_MESSAGE_EPOCH, HPX_MESSAGE_EPOCH, HPX_MESSAGE_EPOCH,
                                             HPX_MESSAGE_DONE};
    size_t at = 0;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        hpx_message message;
        expect_ok(hpx_message_read(&message, bytes.data + at, bytes.size - at, &error), &error);
        assert_int_equal(message.kind, kinds[i]);
        at += message.size;
    }
    assert_int_equal(at, bytes.size);
    hpx_result_free(&epoch);
    hpx_buffer_free(&bytes);
}

/* Reads a block of exactly these bytes, so that a sanitizer sees every read beyond them. */
static hpx_status read_exact(hpx_message *message, const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, bytes, size);
    hpx_status status = hpx_message_read(message, exact, size, &error);
    free(exact);
    return status;
}

/* A message cut anywhere is not whole yet, and says what is needed: more than there is, never more than
 * all. */
static void test_truncated_anywhere(void **state)
{
    (void)state;
    hpx_job job = make_job(3, 50);
    hpx_buffer bytes = {0};
    hpx_job_encode(&bytes, &job);
    for (size_t size = 0; size < bytes.size; size++) {
        hpx_message message;
        assert_int_equal(read_exact(&message, bytes.data, size), HPX_NOT_FOUND);
        assert_true(message.size > size && message.size <= bytes.size);
    }
    hpx_buffer_free(&bytes);
    hpx_job_free(&job);
}

/* No flipped bit is read as a message. One in the size may ask for more bytes: then what comes is refused. */
static void test_every_flip(void **state)
{
    (void)state;
    hpx_result epoch = make_epoch("weights");
    hpx_buffer bytes = {0};
    hpx_result_encode(&bytes, &epoch);
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        hpx_message message;
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        hpx_status status = read_exact(&message, bytes.data, bytes.size);
        if (status == HPX_NOT_FOUND) {
            assert_in_range(bit / 8, 8, 15);
            assert_true(message.size > bytes.size);
        } else {
            assert_int_equal(status, HPX_DAMAGED);
        }
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    read_whole(&bytes);
    hpx_result_free(&epoch);
    hpx_buffer_free(&bytes);
}

/* Bodies that a hostile or mistaken writer sealed properly: the hash is right, what it covers is not. */
static hpx_buffer seal(hpx_message_kind kind, const hpx_fields *fields)
{
    hpx_buffer body = {0}, bytes = {0}, hashed = {0};
    hpx_fields_encode(&body, fields);
    const uint8_t head[] = {3, (uint8_t)kind, 0, 0};
    hpx_buffer_add(&hashed, head, sizeof head);
    hpx_buffer_u64(&hashed, body.size);
    hpx_buffer_add(&hashed, body.data, body.size);
    hpx_hash hash = hpx_hash_of(hashed.data, hashed.size);
    hpx_buffer_puts(&bytes, "HPXM");
    hpx_buffer_add(&bytes, hashed.data, 12);
    hpx_buffer_add(&bytes, hash.bytes, HPX_HASH_BYTES);
    hpx_buffer_add(&bytes, body.data, body.size);
    hpx_buffer_free(&body);
    hpx_buffer_free(&hashed);
    return bytes;
}

static hpx_status decode(hpx_message_kind kind, const hpx_fields *fields, const char *checkpoint)
{
    hpx_buffer bytes = seal(kind, fields);
    hpx_message message = read_whole(&bytes);
    hpx_blob blob = blob_with(checkpoint);
    hpx_job job = HPX_NO_JOB;
    hpx_result result = {.checkpoint = HPX_NO_BLOB};
    hpx_status status = kind == HPX_MESSAGE_JOB ? hpx_job_decode(&job, &message, &blob, &error)
                                                : hpx_result_decode(&result, &message, &blob, &error);
    assert_int_equal(blob.fd, -1);
    if (status)
        assert_true(!job.manifest.data && !job.paths[0] && job.checkpoint.fd < 0 && result.checkpoint.fd < 0);
    hpx_job_free(&job);
    hpx_result_free(&result);
    hpx_buffer_free(&bytes);
    return status;
}

/* The fields of what an encoder writes, to be changed. */
static hpx_fields fields_of(const hpx_buffer *bytes)
{
    hpx_fields fields = {0};
    hpx_message message = read_whole(bytes);
    expect_ok(hpx_fields_decode(&fields, message.body, message.body_size, &error), &error);
    return fields;
}

static hpx_fields without(const hpx_fields *fields, const char *name)
{
    hpx_fields out = {0};
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->fields[i].name, name) != 0)
            hpx_fields_set(&out, &fields->fields[i]);
    return out;
}

/* Every field is needed, as the type it has, and there is no other. */
static void expect_exact_fields(hpx_message_kind kind, const hpx_buffer *bytes, const char *checkpoint)
{
    hpx_fields fields = fields_of(bytes);
    expect_ok(decode(kind, &fields, checkpoint), &error);
    for (size_t i = 0; i < fields.count; i++) {
        const char *name = fields.fields[i].name;
        if (strcmp(name, "path.3") == 0 || strcmp(name, "conditions") == 0)
            continue; /* a trainer may have fewer inputs, and no conditions */
        hpx_fields changed = without(&fields, name);
        if (decode(kind, &changed, checkpoint) != HPX_DAMAGED)
            fail_msg("a message without '%s' was read", name);
        hpx_fields_set_counts(&changed, name, NULL, 0);
        if (decode(kind, &changed, checkpoint) != HPX_DAMAGED)
            fail_msg("a message with another type of '%s' was read", name);
        hpx_fields_free(&changed);
    }
    hpx_fields_set_count(&fields, "more", 1);
    if (decode(kind, &fields, checkpoint) != HPX_DAMAGED)
        fail_msg("a message '%c' with a field more was read", kind);
    hpx_fields_free(&fields);
}

static void refuse_failure(hpx_fields *fields, const char *checkpoint, const char *what)
{
    if (decode(HPX_MESSAGE_EPOCH, fields, checkpoint) != HPX_DAMAGED)
        fail_msg("a failure %s was read", what);
    hpx_fields_free(fields);
}

/* A failure that contradicts itself, or whose reason is no text on one line. */
static void expect_refused_failures(void)
{
    const hpx_result failure = make_failure();
    hpx_buffer bytes = {0};
    char text[HPX_FAILURE_BYTES + 1] = "";
    hpx_result_encode(&bytes, &failure);
    hpx_fields fields = fields_of(&bytes);
    expect_ok(decode(HPX_MESSAGE_EPOCH, &fields, ""), &error);
    refuse_failure(&fields, "c", "with a checkpoint");
    fields = fields_of(&bytes);
    hpx_fields_set_real(&fields, "train_accuracy", 0.5);
    refuse_failure(&fields, "", "with a metric");
    fields = fields_of(&bytes);
    hpx_fields_set_text(&fields, "failure", "another reason");
    refuse_failure(&fields, "", "with another output");
    memset(text, 'x', HPX_FAILURE_BYTES);
    const char *const texts[] = {"", "two\nlines", "\033[2J", text};
    for (size_t i = 0; i < COUNT(texts); i++) {
        const hpx_hash output = hpx_failure_hash(texts[i]);
        fields = fields_of(&bytes);
        hpx_fields_set_text(&fields, "failure", texts[i]);
        hpx_fields_set_hash(&fields, "output", &output);
        refuse_failure(&fields, "", "that is no line");
    }
    hpx_buffer_free(&bytes);
}

static void test_exact_fields(void **state)
{
    (void)state;
    hpx_job job = make_job(3, 4);
    hpx_result epoch = make_epoch("cccc"), done = {.kind = HPX_MESSAGE_DONE, .checkpoint = HPX_NO_BLOB},
               failed = {.kind = HPX_MESSAGE_FAILED, .message = "why", .checkpoint = HPX_NO_BLOB};
    hpx_buffer bytes = {0};
    hpx_job_encode(&bytes, &job);
    expect_exact_fields(HPX_MESSAGE_JOB, &bytes, "cccc");
    bytes.size = 0;
    hpx_result_encode(&bytes, &epoch);
    expect_exact_fields(HPX_MESSAGE_EPOCH, &bytes, "cccc");
    expect_refused_failures();
    bytes.size = 0;
    hpx_result_encode(&bytes, &done);
    expect_exact_fields(HPX_MESSAGE_DONE, &bytes, "");
    bytes.size = 0;
    hpx_result_encode(&bytes, &failed);
    expect_exact_fields(HPX_MESSAGE_FAILED, &bytes, "");
    hpx_buffer_free(&bytes);
    hpx_result_free(&epoch);
    hpx_job_free(&job);
}

static void expect_refused_count(hpx_message_kind kind, const hpx_buffer *bytes, const char *checkpoint,
                                 const char *name, uint64_t value)
{
    hpx_fields fields = fields_of(bytes);
    hpx_fields_set_count(&fields, name, value);
    if (decode(kind, &fields, checkpoint) != HPX_DAMAGED)
        fail_msg("%s = %llu was read", name, (unsigned long long)value);
    hpx_fields_free(&fields);
}

static void expect_refused_bytes(hpx_message_kind kind, const hpx_buffer *bytes, const char *name,
                                 const char *value, size_t size)
{
    hpx_fields fields = fields_of(bytes);
    hpx_fields_set_bytes(&fields, name, value, size);
    if (decode(kind, &fields, kind == HPX_MESSAGE_JOB ? "cccc" : "") != HPX_DAMAGED)
        fail_msg("another '%s' was read", name);
    hpx_fields_free(&fields);
}

static void test_hostile_jobs(void **state)
{
    (void)state;
    hpx_job job = make_job(3, 4);
    hpx_buffer bytes = {0};
    hpx_job_encode(&bytes, &job);
    expect_refused_count(HPX_MESSAGE_JOB, &bytes, "cccc", "from", 15); /* nothing to train */
    expect_refused_count(HPX_MESSAGE_JOB, &bytes, "cccc", "from", (uint64_t)UINT32_MAX + 4); /* cut to 3 */
    expect_refused_count(HPX_MESSAGE_JOB, &bytes, "cccc", "to", (uint64_t)UINT32_MAX + 16);
    expect_refused_count(HPX_MESSAGE_JOB, &bytes, "cccc", "from", 0); /* with a checkpoint */
    expect_refused_count(HPX_MESSAGE_JOB, &bytes, "", "from", 3);     /* without one */
    expect_refused_bytes(HPX_MESSAGE_JOB, &bytes, "manifest", "another", 7);
    expect_refused_count(HPX_MESSAGE_JOB, &bytes, "cccc", "checkpoint.size", 0);
    expect_refused_count(HPX_MESSAGE_JOB, &bytes, "cccc", "checkpoint.size", 5); /* more than there is */
    expect_refused_count(HPX_MESSAGE_JOB, &bytes, "cccc", "checkpoint.size", 3); /* another hash */
    expect_refused_bytes(HPX_MESSAGE_JOB, &bytes, "checkpoint.hash", "0123456789abcdef", 16);
    expect_refused_bytes(HPX_MESSAGE_JOB, &bytes, "key", "0123456789abcdef", 16);
    expect_refused_bytes(HPX_MESSAGE_JOB, &bytes, "key", "short", 5);
    expect_refused_bytes(HPX_MESSAGE_JOB, &bytes, "path.3", "/data/a\0b", 9);
    hpx_buffer_free(&bytes);
    hpx_job_free(&job);
}

static void test_hostile_results(void **state)
{
    (void)state;
    hpx_result epoch = make_epoch("cccc"), done = {.kind = HPX_MESSAGE_DONE, .checkpoint = HPX_NO_BLOB},
               failed = {.kind = HPX_MESSAGE_FAILED, .message = "why", .checkpoint = HPX_NO_BLOB};
    char long_text[HPX_ACCIDENT_BYTES];
    memset(long_text, 'x', sizeof long_text);
    hpx_buffer bytes = {0};
    hpx_result_encode(&bytes, &epoch);
    expect_refused_count(HPX_MESSAGE_EPOCH, &bytes, "cccc", "epoch", (uint64_t)UINT32_MAX + 5);
    expect_refused_count(HPX_MESSAGE_EPOCH, &bytes, "cccc", "parent", 4); /* not before its epoch */
    expect_refused_count(HPX_MESSAGE_EPOCH, &bytes, "cccc", "checkpoint.size", 3);
    expect_refused_count(HPX_MESSAGE_EPOCH, &bytes, "cccc", "checkpoint.size", 5);
    expect_refused_count(HPX_MESSAGE_EPOCH, &bytes, "", "checkpoint.size", 0);
    hpx_fields fields = fields_of(&bytes);
    assert_int_equal(decode(HPX_MESSAGE_EPOCH, &fields, "cccd"), HPX_DAMAGED); /* not its output hash */
    hpx_fields_set_real(&fields, "test_accuracy", 0.5);
    assert_int_equal(decode(HPX_MESSAGE_EPOCH, &fields, "cccc"), HPX_DAMAGED);
    hpx_fields_free(&fields);
    fields = fields_of(&bytes);
    long_text[64] = 0;
    hpx_fields_set_text(&fields, "host", long_text);
    assert_int_equal(decode(HPX_MESSAGE_EPOCH, &fields, "cccc"), HPX_DAMAGED);
    hpx_fields_free(&fields);

    bytes.size = 0;
    hpx_result_encode(&bytes, &done);
    fields = fields_of(&bytes);
    assert_int_equal(decode(HPX_MESSAGE_DONE, &fields, "a checkpoint"), HPX_DAMAGED);
    hpx_fields_free(&fields);
    bytes.size = 0;
    hpx_result_encode(&bytes, &failed);
    long_text[64] = 'x';
    expect_refused_bytes(HPX_MESSAGE_FAILED, &bytes, "message", long_text, sizeof long_text);
    hpx_buffer_free(&bytes);

    hpx_result_free(&epoch);
}

static void test_not_a_message(void **state)
{
    (void)state;
    hpx_message message;
    static const char *const heads[] = {
        "G",
        "HPXF",
        "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "hpx: usage",
    };
    for (size_t i = 0; i < COUNT(heads); i++)
        assert_int_equal(read_exact(&message, (const uint8_t *)heads[i], strlen(heads[i])), HPX_DAMAGED);
    uint8_t head[32] = {'H', 'P', 'X', 'M', 4, 'D', 0, 0, 4};
    assert_int_equal(read_exact(&message, head, sizeof head), HPX_DAMAGED);
    expect_contains(error.message, "version 4");
    head[4] = 3;
    assert_int_equal(read_exact(&message, head, sizeof head), HPX_NOT_FOUND);
    head[10] = 16; /* more than HPX_MESSAGE_BYTES_MAX */
    assert_int_equal(read_exact(&message, head, sizeof head), HPX_DAMAGED);
    head[10] = 0;
    head[5] = 'X';
    assert_int_equal(read_exact(&message, head, sizeof head), HPX_DAMAGED);
}

static char *folder; /* of message files */

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static char *path_of(int number)
{
    return hpx_format("%s/%d", folder, number);
}

/* An epoch with a checkpoint of its own. */
static void write_epoch(int number)
{
    char *path = path_of(number), *text = hpx_format("the weights of %d", number);
    hpx_result epoch = make_epoch(text);
    hpx_buffer bytes = {0};
    hpx_result_encode(&bytes, &epoch);
    expect_ok(hpx_message_write_file(path, &bytes, &epoch.checkpoint, true, &error), &error);
    hpx_buffer_free(&bytes);
    hpx_result_free(&epoch);
    free(text);
    free(path);
}

static hpx_status read_epoch(int number)
{
    char *path = path_of(number), *text = hpx_format("the weights of %d", number), *found;
    hpx_buffer bytes = {0};
    hpx_message message;
    hpx_blob blob;
    hpx_result read = {.checkpoint = HPX_NO_BLOB};
    hpx_status status = hpx_message_read_file(&message, &bytes, &blob, path, &error);
    if (!status)
        status = hpx_result_decode(&read, &message, &blob, &error);
    if (!status) {
        found = calloc(1, read.checkpoint.size + 1);
        expect_ok(hpx_blob_read(&read.checkpoint, found, read.checkpoint.size, 0, &error), &error);
        assert_string_equal(found, text);
        free(found);
    }
    hpx_blob_close(&blob);
    hpx_result_free(&read);
    hpx_buffer_free(&bytes);
    free(text);
    free(path);
    return status;
}

static char *file_of(int number, const char *end)
{
    return hpx_format("%s/%d.%s", folder, number, end);
}

static void test_files(void **state)
{
    (void)state;
    assert_int_equal(read_epoch(1), HPX_NOT_FOUND);
    write_epoch(1);
    write_epoch(2);
    expect_ok(read_epoch(1), &error);
    expect_ok(read_epoch(2), &error);

    /* A message without a blob, under a path where one was left over. */
    const hpx_result done = {.kind = HPX_MESSAGE_DONE, .key = {{9}}, .checkpoint = HPX_NO_BLOB};
    char *path = path_of(1);
    hpx_buffer bytes = {0}, read = {0};
    hpx_message message;
    hpx_blob blob;
    hpx_result result;
    hpx_result_encode(&bytes, &done);
    expect_ok(hpx_message_write_file(path, &bytes, &HPX_NO_BLOB, true, &error), &error);
    expect_ok(hpx_message_read_file(&message, &read, &blob, path, &error), &error);
    assert_int_equal(blob.fd, -1);
    expect_ok(hpx_result_decode(&result, &message, &blob, &error), &error);
    assert_int_equal(result.key.bytes[0], 9);
    hpx_buffer_free(&bytes);
    hpx_buffer_free(&read);
    free(path);
}

/* Whatever part of a file is there, of another message or of another version, is refused. */
static void test_damaged_files(void **state)
{
    (void)state;
    char *message = file_of(1, "msg"), *blob = file_of(1, "blob"), *others = file_of(2, "blob");
    hpx_buffer whole = {0};
    write_epoch(1);
    write_epoch(2);
    expect_ok(hpx_file_read(&whole, message, 1 << 20, &error), &error);
    for (size_t size = 0; size < whole.size; size++) {
        expect_ok(hpx_file_write(message, whole.data, size, &error), &error);
        assert_int_equal(read_epoch(1), HPX_DAMAGED);
    }
    whole.data[4]++;
    expect_ok(hpx_file_write(message, whole.data, whole.size, &error), &error);
    assert_int_equal(read_epoch(1), HPX_DAMAGED);
    expect_contains(error.message, "version");
    whole.data[4]--;
    hpx_buffer_puts(&whole, "more");
    expect_ok(hpx_file_write(message, whole.data, whole.size, &error), &error);
    assert_int_equal(read_epoch(1), HPX_DAMAGED);

    write_epoch(1);
    assert_int_equal(truncate(blob, 5), 0);
    assert_int_equal(read_epoch(1), HPX_DAMAGED);
    assert_int_equal(unlink(blob), 0);
    assert_int_equal(read_epoch(1), HPX_DAMAGED);
    assert_int_equal(rename(others, blob), 0);
    assert_int_equal(read_epoch(1), HPX_DAMAGED);
    expect_contains(error.message, "output hash");
    hpx_buffer_free(&whole);
    free(message);
    free(blob);
    free(others);
}

/* A writer that is killed anywhere leaves whole messages and one that is not there. */
static void test_killed_writer(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        pid_t child = fork();
        if (child == 0)
            for (int number = 100 * round;; number++)
                write_epoch(number);
        usleep((useconds_t)(3000 * (round + 1)));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        int number = 100 * round;
        hpx_status status;
        while ((status = read_epoch(number)) == HPX_OK)
            number++;
        assert_int_equal(status, HPX_NOT_FOUND);
        write_epoch(number); /* and whoever comes next writes that one */
        expect_ok(read_epoch(number), &error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_job),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_hostile_programs),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_truncated_anywhere),
        cmocka_unit_test(test_every_flip),
        cmocka_unit_test(test_exact_fields),
        cmocka_unit_test(test_hostile_jobs),
        cmocka_unit_test(test_hostile_results),
        cmocka_unit_test(test_not_a_message),
        cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_writer, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
