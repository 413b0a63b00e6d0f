/* Any bytes as a stream of messages, and any bytes as the body of one, since no mutation finds the hash that
 * lets a body in: the first byte chooses the stream (0) or the kind of the message. */
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

static void decode(const hpx_message *message)
{
    hpx_buffer again = {0};
    hpx_error error;
    hpx_job job = {0};
    hpx_result result;
    if (hpx_job_decode(&job, message, &error) == HPX_OK) {
        hpx_job_encode(&again, &job);
        expect_same_body(&again, message);
    } else {
        expect(!job.manifest.data && !job.checkpoint.data && !job.paths[0]);
    }
    again.size = 0;
    if (hpx_result_decode(&result, message, &error) == HPX_OK) {
        hpx_result_encode(&again, &result);
        expect_same_body(&again, message);
    }
    hpx_job_free(&job);
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
        decode(&message);
        at += message.size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hpx_message_kind kinds[] = {HPX_MESSAGE_JOB, HPX_MESSAGE_EPOCH, HPX_MESSAGE_DONE,
                                             HPX_MESSAGE_FAILED};
    if (size == 0)
        return 0;
    if (data[0] % 5 == 0)
        read_stream(data + 1, size - 1);
    else if (size >= 5) /* hpx_message_read lets no shorter body through */
        decode(&(hpx_message){.kind = kinds[data[0] % 5 - 1], .body = data + 1, .body_size = size - 1});
    return 0;
}
