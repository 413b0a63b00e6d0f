/* Any bytes as a stream of messages, and any bytes as the body of one, since no mutation finds the hash that
 * lets a body in: the first byte chooses the stream (0) or the kind of the message, and whether a blob came
 * with it. */
#include "fuzz.h"

#include "worker/message.h"

#include <stdlib.h>
#include <string.h>

static void expect(int holds)
{
    if (!holds)
        abort();
}

/* What is read is written again with the same body. */
static void expect_same_body(const hpx_buffer *again, const hpx_message *message)
{
    hpx_message read;
    hpx_error error;
    expect(hpx_message_read(&read, again->data, again->size, &error) == HPX_OK && read.size == again->size);
    expect(read.kind == message->kind && read.body_size == message->body_size);
    expect(memcmp(read.body, message->body, read.body_size) == 0);
}

/* With a checkpoint of 5 bytes and without one. */
static void decode(const hpx_message *message, int with_blob)
{
    hpx_buffer again = {0};
    hpx_error error;
    hpx_job job;
    hpx_result result;
    hpx_fields hello;
    hpx_blob blobs[3] = {HPX_NO_BLOB, HPX_NO_BLOB, HPX_NO_BLOB};
    for (int i = 0; i < 3 && with_blob; i++)
        expect(hpx_blob_from_bytes(&blobs[i], "bytes", 5, &error) == HPX_OK);
    if (hpx_job_decode(&job, message, &blobs[0], &error) == HPX_OK) {
        hpx_job_encode(&again, &job);
        expect_same_body(&again, message);
    } else {
        expect(!job.manifest.data && job.checkpoint.fd < 0 && !job.paths[0]);
    }
    again.size = 0;
    if (hpx_result_decode(&result, message, &blobs[1], &error) == HPX_OK) {
        hpx_result_encode(&again, &result);
        expect_same_body(&again, message);
    } else {
        expect(result.checkpoint.fd < 0);
    }
    again.size = 0;
    if (hpx_hello_decode(&hello, message, &blobs[2], &error) == HPX_OK) {
        hpx_hello_encode(&again, &hello);
        expect_same_body(&again, message);
    }
    expect(blobs[0].fd < 0 && blobs[1].fd < 0 && blobs[2].fd < 0);
    hpx_fields_free(&hello);
    hpx_job_free(&job);
    hpx_result_free(&result);
    hpx_buffer_free(&again);
}

static void read_stream(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        hpx_message message;
        hpx_error error;
        hpx_status status = hpx_message_read(&message, data + at, size - at, &error);
        if (status) {
            expect(status == HPX_DAMAGED || (status == HPX_NOT_FOUND && message.size > size - at));
            return;
        }
        expect(message.size <= size - at);
        decode(&message, 0);
        at += message.size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hpx_message_kind kinds[] = {HPX_MESSAGE_JOB, HPX_MESSAGE_EPOCH, HPX_MESSAGE_DONE,
                                             HPX_MESSAGE_FAILED, HPX_MESSAGE_HELLO};
    if (size == 0)
        return 0;
    if (data[0] % 6 == 0)
        read_stream(data + 1, size - 1);
    else
        decode(&(hpx_message){.kind = kinds[data[0] % 6 - 1], .body = data + 1, .body_size = size - 1},
               data[0] / 6 % 2);
    return 0;
}
