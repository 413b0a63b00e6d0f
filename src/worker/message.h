/* What a build and its workers say to each other: self-contained, versioned, checked messages. A job names
 * the whole training; its results can be checked and stored by whoever owns a store, wherever the worker ran.
 * A worker never opens a store. A checkpoint is no part of its message: it goes beside it as a blob, and the
 * message has its size and a hash. The bytes are described in src/worker/message.c. */
#ifndef HPX_MESSAGE_H
#define HPX_MESSAGE_H

#include "hpx/blob.h"
#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "hpx/input.h"
#include "hpx/metrics.h"
#include "hpx/training.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hpx_message_kind {
    HPX_MESSAGE_HELLO = 'H', /* a worker is there: what it says first */
    HPX_MESSAGE_JOB = 'J',
    HPX_MESSAGE_EPOCH = 'E',    /* an epoch of a job has been trained, or the training failed in it */
    HPX_MESSAGE_PROGRESS = 'P', /* metrics of an epoch that has not, or whose result comes later */
    HPX_MESSAGE_DONE = 'D',     /* a job is finished */
    HPX_MESSAGE_FAILED = 'F',   /* a job ended before, by accident */
    HPX_MESSAGE_REFUSED = 'R',  /* likewise: the trainer cannot go on from the checkpoint of its job */
    HPX_MESSAGE_MEMORY = 'M',   /* likewise, for lack of memory, or so killed: alone it may end well */
    HPX_MESSAGE_LOST =
        'L', /* likewise, because its worker is gone: an executor's word, which no worker sends */
} hpx_message_kind;

/* Train epochs from+1 .. to of the trajectory that the manifest describes. */
typedef struct hpx_job {
    hpx_hash key; /* of the manifest */
    uint32_t from, to;
    hpx_buffer manifest;
    hpx_buffer conditions; /* fields of how it is run, on which no result depends, encoded; empty: none */
    char *paths
        [HPX_INPUTS_MAX]; /* of the trainer's inputs; the worker checks their bytes against the manifest */
    size_t path_count;
    hpx_blob checkpoint; /* of epoch `from`; HPX_NO_BLOB when that is 0 */
    hpx_hash checkpoint_hash;
} hpx_job;

#define HPX_NO_JOB ((hpx_job){.checkpoint = HPX_NO_BLOB})

#define HPX_ACCIDENT_BYTES 1024

/* One epoch, the end or the failure of a job. */
typedef struct hpx_result {
    hpx_message_kind kind;
    hpx_hash key;
    uint32_t epoch;      /* EPOCH, PROGRESS: its number */
    uint32_t parent;     /* EPOCH: the job's `from` */
    hpx_metrics metrics; /* EPOCH, PROGRESS */
    hpx_hash output;     /* EPOCH: hpx_output_hash of metrics and checkpoint, or hpx_failure_hash */
    char failure[HPX_FAILURE_BYTES]; /* EPOCH: why the training failed in it; empty: it did not */
    char stopped[HPX_FAILURE_BYTES]; /* EPOCH: why the training ends with it; empty: it goes on, or is done */
    int64_t started_ns;              /* EPOCH: since 1970 */
    double seconds;                  /* EPOCH */
    char host[64];                   /* EPOCH */
    hpx_buffer log; /* what was printed, up to HPX_LOG_BYTES_MAX: EPOCH, the last; accidents */
    char message[HPX_ACCIDENT_BYTES]; /* accidents: why, and more lines that may help; PROGRESS: warnings */
    hpx_blob checkpoint;              /* EPOCH; HPX_NO_BLOB: there is none */
} hpx_result;

/* Whether no more comes of its job. */
static inline bool hpx_result_is_end(const hpx_result *result)
{
    return result->kind != HPX_MESSAGE_EPOCH && result->kind != HPX_MESSAGE_PROGRESS;
}

/* They own what they hold, and are left empty. */
void hpx_job_free(hpx_job *job);
void hpx_result_free(hpx_result *result);
hpx_result hpx_result_copy(const hpx_result *result); /* of one without a checkpoint */

/* hpx_output_hash of the metrics and the checkpoint of an epoch that did not fail. */
hpx_status hpx_result_output(hpx_hash *out, const hpx_result *result, hpx_error *error);

/* Append one message. The checkpoint goes beside it. `trainers` has for each trainer of the worker, by its name, the
 * encoded fields that it contributes to manifests (hpx_manifest_set_binary). */
void hpx_hello_encode(hpx_buffer *out, const hpx_fields *trainers);
void hpx_job_encode(hpx_buffer *out, const hpx_job *job);
void hpx_result_encode(hpx_buffer *out, const hpx_result *result);

/* A message among bytes. */
typedef struct hpx_message {
    hpx_message_kind kind;
    const uint8_t *body; /* borrowed */
    size_t body_size, size;
} hpx_message;

#define HPX_MESSAGE_BYTES_MAX ((size_t)1 << 20)

/* Looks at the beginning of `bytes`. HPX_OK: a whole message, checked against its hash, `size` bytes long.
 * HPX_NOT_FOUND: the message is not whole yet; out->size is how many bytes are needed at least. HPX_DAMAGED:
 * not a message. */
hpx_status hpx_message_read(hpx_message *out, const uint8_t *bytes, size_t size, hpx_error *error);

/* The file form, for a folder that several machines share: PATH.msg, and beside it PATH.blob where there is a blob.
 * Each is written under another name, PATH.msg.tmp, and renamed, the blob first, so that whoever sees the message
 * finds its blob whole. A path is used for one message, by one process. `sync`: its bytes are to outlive a power cut. */
hpx_status hpx_message_write_file(const char *path, const hpx_buffer *bytes, const hpx_blob *blob, bool sync,
                                  hpx_error *error);

/* Reads `bytes` and looks at them; `message` borrows them, and `blob` is the caller's to close or to have
 * decoded. HPX_NOT_FOUND when there is no message, HPX_DAMAGED when it is not one whole message. */
hpx_status hpx_message_read_file(hpx_message *message, hpx_buffer *bytes, hpx_blob *blob, const char *path,
                                 hpx_error *error);

/* Read the message and the blob that came with it, whose bytes are checked, too. HPX_DAMAGED on anything the
 * encoders would not have written. They take the blob over, and leave HPX_NO_BLOB. What they give is empty
 * when they fail. */
hpx_status hpx_hello_decode(hpx_fields *trainers, const hpx_message *message, hpx_blob *blob,
                            hpx_error *error);
hpx_status hpx_job_decode(hpx_job *out, const hpx_message *message, hpx_blob *blob, hpx_error *error);
hpx_status hpx_result_decode(hpx_result *out, const hpx_message *message, hpx_blob *blob, hpx_error *error);

#endif
