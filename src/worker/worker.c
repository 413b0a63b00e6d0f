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
    const hpx_trainer *trainer; /* of the last job */
    hpx_status machine;         /* whether it computes here what it should */
    hpx_error machine_error;
    /* The inputs of the last job, kept for the next. */
    const hpx_input_kind *kind;
    hpx_hash hashes[HPX_INPUTS_MAX];
    void *data; /* NULL: none are open */
};

static void close_inputs(struct worker *worker)
{
    if (worker->data)
        worker->kind->close(worker->data);
    worker->data = NULL;
}

static bool are_open(const struct worker *worker, const hpx_input_kind *kind, const hpx_input *inputs)
{
    bool same = worker->data && worker->kind == kind;
    for (size_t i = 0; i < kind->count && same; i++)
        same = hpx_hash_equal(&worker->hashes[i], &inputs[i].hash);
    return same;
}

/* The bytes are hashed here, once per worker and data set, so that what is trained is what the manifest says.
 */
static hpx_status open_inputs(struct worker *worker, const hpx_job *job, const hpx_fields *manifest,
                              hpx_error *error)
{
    const hpx_input_kind *kind = worker->trainer->inputs;
    hpx_input inputs[HPX_INPUTS_MAX];
    hpx_status status = hpx_manifest_inputs(inputs, manifest, kind, error);
    if (status || are_open(worker, kind, inputs))
        return status;
    close_inputs(worker);
    worker->kind = kind;
    for (size_t i = 0; i < kind->count; i++) {
        inputs[i].path = job->paths[i];
        worker->hashes[i] = inputs[i].hash;
    }
    return kind->open(&worker->data, inputs, error);
}

static hpx_status find_trainer(struct worker *worker, const hpx_fields *manifest, hpx_error *error)
{
    const hpx_trainer *trainer;
    hpx_status status = hpx_trainer_of(&trainer, manifest, error);
    if (!status && worker->trainer != trainer) {
        worker->machine = trainer->check_machine(&worker->machine_error);
        worker->trainer = trainer;
    }
    if (!status && worker->machine) {
        *error = worker->machine_error;
        status = worker->machine;
    }
    return status;
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
    hpx_status status = hpx_fields_decode(&manifest, job->manifest.data, job->manifest.size, error);
    if (!status)
        status = find_trainer(worker, &manifest, error);
    if (!status)
        status = hpx_manifest_check_binary(&manifest, worker->trainer, error);
    if (!status)
        status = open_inputs(worker, job, &manifest, error);
    training->started_ns = hpx_clock_ns();
    if (!status)
        status = worker->trainer->run(&manifest, worker->data, job->from, job->to,
                                      job->from ? job->checkpoint.data : NULL, job->checkpoint.size,
                                      send_epoch, training, error);
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
    hpx_status status = HPX_OK;
    while (!status) {
        hpx_message message;
        status = receive(&worker, &message, error);
        if (!status)
            status = serve(&worker, &message, error);
        worker.in.size = 0; /* messages are read one at a time */
    }
    close_inputs(&worker);
    hpx_buffer_free(&worker.in);
    hpx_buffer_free(&worker.out);
    return status == HPX_NOT_FOUND ? HPX_OK : status;
}
