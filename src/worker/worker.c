#include "worker/worker.h"

#include "base/machine.h"
#include "base/memory.h"
#include "hpx/file.h"
#include "hpx/trainer.h"
#include "identity/manifest.h"
#include "worker/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct worker {
    int input, output;
    char host[64];
    hpx_buffer in, out;
    hpx_status blas; /* whether this machine's BLAS computes what it should */
    hpx_error blas_error;
    /* The data set of the last job, kept for the next. */
    hpx_dataset dataset;
    hpx_hash hashes[HPX_ROLES];
    bool loaded;
};

static void forget_dataset(struct worker *worker)
{
    hpx_dataset_close(&worker->dataset);
    worker->loaded = false;
}

static bool has_dataset(const struct worker *worker, const hpx_hash wanted[HPX_ROLES])
{
    bool same = worker->loaded;
    for (int role = 0; role < HPX_ROLES; role++)
        same = same && hpx_hash_equal(&worker->hashes[role], &wanted[role]);
    return same;
}

/* The bytes are hashed here, once per worker and data set, so that what is trained is what the manifest says.
 */
static hpx_status load_dataset(struct worker *worker, const hpx_job *job, const hpx_fields *manifest,
                               hpx_error *error)
{
    hpx_hash wanted[HPX_ROLES];
    hpx_status status = hpx_manifest_dataset(wanted, manifest, error);
    if (status || has_dataset(worker, wanted))
        return status;
    forget_dataset(worker);
    status = hpx_dataset_open(&worker->dataset, (const char *const *)job->paths, error);
    if (status)
        return status;
    for (int role = 0; role < HPX_ROLES; role++)
        worker->hashes[role] =
            hpx_hash_of(worker->dataset.bytes[role].data, worker->dataset.bytes[role].size);
    worker->loaded = true;
    return HPX_OK;
}

static hpx_status put(const struct worker *worker, const uint8_t *bytes, size_t size, hpx_error *error)
{
    for (size_t at = 0; at < size;) {
        ssize_t written = write(worker->output, bytes + at, size - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return hpx_error_errno(error, "cannot send a result");
        at += (size_t)written;
    }
    return HPX_OK;
}

static hpx_status send(struct worker *worker, const hpx_result *result, hpx_error *error)
{
    worker->out.size = 0;
    hpx_result_encode_head(&worker->out, result);
    hpx_status status = put(worker, worker->out.data, worker->out.size, error);
    return status ? status : put(worker, result->checkpoint, result->checkpoint_size, error);
}

struct training {
    struct worker *worker;
    const hpx_job *job;
    int64_t started_ns;
    bool broken; /* the stream, not the training */
};

static hpx_status send_epoch(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    struct training *training = context;
    hpx_result result = {
        .kind = HPX_MESSAGE_EPOCH,
        .key = training->job->key,
        .epoch = epoch->epoch,
        .parent = training->job->from,
        .metrics = epoch->metrics,
        .output = epoch->failure
                      ? hpx_failure_hash(epoch->failure)
                      : hpx_output_hash(&epoch->metrics, epoch->checkpoint, epoch->checkpoint_size),
        .started_ns = training->started_ns,
        .seconds = epoch->seconds,
        .checkpoint = epoch->checkpoint,
        .checkpoint_size = epoch->checkpoint_size,
    };
    memcpy(result.host, training->worker->host, sizeof result.host);
    if (epoch->failure)
        snprintf(result.failure, sizeof result.failure, "%s", epoch->failure);
    hpx_status status = send(training->worker, &result, error);
    training->broken = status != HPX_OK;
    training->started_ns = hpx_clock_ns();
    return status;
}

static hpx_status train(struct training *training, hpx_error *error)
{
    struct worker *worker = training->worker;
    const hpx_job *job = training->job;
    hpx_fields manifest = {0};
    hpx_split split;
    const char *kind = "";
    const hpx_trainer *trainer = NULL;
    if (worker->blas) {
        *error = worker->blas_error;
        return worker->blas;
    }
    hpx_status status = hpx_fields_decode(&manifest, job->manifest.data, job->manifest.size, error);
    if (!status)
        status = hpx_manifest_check_binary(&manifest, error);
    if (!status)
        status = load_dataset(worker, job, &manifest, error);
    if (!status)
        status = hpx_manifest_split(&split, &manifest, &worker->dataset, worker->hashes, error);
    if (!status)
        status = hpx_fields_text(&kind, &manifest, "model.kind", error);
    if (!status && !(trainer = hpx_trainer_find(kind)))
        status = hpx_error_set(error, HPX_FAILED, "no trainer is called '%s'", kind);
    training->started_ns = hpx_clock_ns();
    if (!status)
        status = trainer->run(&manifest, &split, job->from, job->to, job->from ? job->checkpoint.data : NULL,
                              job->checkpoint.size, send_epoch, training, error);
    hpx_fields_free(&manifest);
    return status;
}

static hpx_status serve(struct worker *worker, const hpx_message *message, hpx_error *error)
{
    hpx_job job = {0};
    hpx_status status = hpx_job_decode(&job, message, error);
    if (status)
        return status;
    struct training training = {.worker = worker, .job = &job};
    hpx_error failure;
    hpx_result result = {.kind = HPX_MESSAGE_DONE, .key = job.key};
    status = train(&training, &failure);
    if (training.broken) {
        *error = failure;
    } else {
        if (status) {
            result.kind = status == HPX_NO_MEMORY ? HPX_MESSAGE_MEMORY : HPX_MESSAGE_FAILED;
            snprintf(result.message, sizeof result.message, "%.500s", failure.message);
        }
        status = send(worker, &result, error);
    }
    hpx_job_free(&job);
    return status;
}

/* Reads until a message is whole. HPX_NOT_FOUND at the end of the stream. */
static hpx_status receive(struct worker *worker, hpx_message *message, hpx_error *error)
{
    for (;;) {
        hpx_status status = hpx_message_read(message, worker->in.data, worker->in.size, error);
        if (status != HPX_NOT_FOUND)
            return status;
        hpx_buffer_reserve(&worker->in, message->size - worker->in.size);
        ssize_t got = read(worker->input, worker->in.data + worker->in.size, message->size - worker->in.size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return hpx_error_errno(error, "cannot read a job");
        if (got == 0)
            return HPX_NOT_FOUND;
        worker->in.size += (size_t)got;
    }
}

hpx_status hpx_worker_run(int input, int output, hpx_error *error)
{
    struct worker worker = {.input = input, .output = output};
    hpx_host_name(worker.host, sizeof worker.host);
    worker.blas = hpx_numerics_check(&worker.blas_error);
    hpx_status status = HPX_OK;
    while (!status) {
        hpx_message message;
        status = receive(&worker, &message, error);
        if (!status)
            status = serve(&worker, &message, error);
        worker.in.size = 0; /* messages are read one at a time */
    }
    forget_dataset(&worker);
    hpx_buffer_free(&worker.in);
    hpx_buffer_free(&worker.out);
    return status == HPX_NOT_FOUND ? HPX_OK : status;
}
