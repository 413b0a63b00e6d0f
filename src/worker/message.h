/* What a build and its workers say to each other: self-contained, versioned, checked messages. A job names
 * the whole training; its results can be checked and stored by whoever owns a store, wherever the worker ran.
 * A worker never opens a store. The bytes are described in src/worker/message.c. */
#ifndef HPX_MESSAGE_H
#define HPX_MESSAGE_H

#include "hpx/buffer.h"
#include "hpx/dataset.h"
#include "hpx/error.h"
#include "hpx/hash.h"
#include "hpx/metrics.h"

#include <stddef.h>
#include <stdint.h>

typedef enum hpx_message_kind {
    HPX_MESSAGE_JOB = 'J',
    HPX_MESSAGE_EPOCH = 'E',  /* an epoch of a job has been trained, or the training failed in it */
    HPX_MESSAGE_DONE = 'D',   /* a job is finished */
    HPX_MESSAGE_FAILED = 'F', /* a job ended before, by accident */
    HPX_MESSAGE_MEMORY =
        'M', /* likewise, for lack of memory, or killed as then it is: alone it may end well */
} hpx_message_kind;

/* Train epochs from+1 .. to of the trajectory that the manifest describes. */
typedef struct hpx_job {
    hpx_hash key; /* of the manifest */
    uint32_t from, to;
    hpx_buffer manifest;
    char *paths[HPX_ROLES]; /* uncompressed IDX files; the worker checks their bytes against the manifest */
    hpx_buffer checkpoint;  /* of epoch `from`; empty when that is 0 */
} hpx_job;

/* One epoch, the end or the failure of a job. */
typedef struct hpx_result {
    hpx_message_kind kind;
    hpx_hash key;
    uint32_t epoch;      /* EPOCH: its number */
    uint32_t parent;     /* EPOCH: the job's `from` */
    hpx_metrics metrics; /* EPOCH */
    hpx_hash output;     /* EPOCH: hpx_output_hash of metrics and checkpoint, or hpx_failure_hash */
    char failure[HPX_FAILURE_BYTES]; /* EPOCH: why the training failed in it; empty: it did not */
    int64_t started_ns;              /* EPOCH: since 1970 */
    double seconds;                  /* EPOCH */
    char host[64];                   /* EPOCH */
    char message[512];               /* FAILED, MEMORY: why */
    const uint8_t *checkpoint;       /* EPOCH: borrowed */
    size_t checkpoint_size;
} hpx_result;

void hpx_job_free(hpx_job *job); /* leaves it empty */

/* Append one message. */
void hpx_job_encode(hpx_buffer *out, const hpx_job *job);
void hpx_result_encode(hpx_buffer *out, const hpx_result *result);

/* All of the message but the result's checkpoint, which must follow: it is large, and need not be copied. */
void hpx_result_encode_head(hpx_buffer *out, const hpx_result *result);

/* A message within a stream. */
typedef struct hpx_message {
    hpx_message_kind kind;
    const uint8_t *body; /* borrowed */
    size_t body_size, size;
} hpx_message;

/* Looks at the beginning of `bytes`. HPX_OK: a whole message, checked against its hash, `size` bytes long.
 * HPX_NOT_FOUND: the message is not whole yet; out->size is how many bytes are needed at least. HPX_DAMAGED:
 * not a message. */
hpx_status hpx_message_read(hpx_message *out, const uint8_t *bytes, size_t size, hpx_error *error);

/* HPX_DAMAGED on anything the encoders would not have written. `job` must be empty; a result borrows its
 * checkpoint from the message. */
hpx_status hpx_job_decode(hpx_job *job, const hpx_message *message, hpx_error *error);
hpx_status hpx_result_decode(hpx_result *result, const hpx_message *message, hpx_error *error);

#endif
