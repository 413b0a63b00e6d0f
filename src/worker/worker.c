#include "worker/worker.h"

#include "base/machine.h"
#include "base/memory.h"
#include "hpx/file.h"
#include "hpx/trainer.h"
#include "identity/manifest.h"
#include "program/copy.h"
#include "worker/channel.h"
#include "worker/hello.h"
#include "worker/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

struct worker {
    int socket;
    char host[64];
    hpx_buffer in, out;
    size_t untaken;             /* checkpoints that the other side has not taken in */
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

/* The bytes are hashed here, once per worker and data set, so that what is trained is what the manifest
 * says. */
static hpx_status open_inputs(struct worker *worker, const hpx_job *job, const hpx_fields *manifest,
                              hpx_error *error)
{
    const hpx_input_kind *kind = worker->trainer->inputs;
    hpx_input inputs[HPX_INPUTS_MAX];
    if (job->path_count != (kind ? kind->count : 0))
        return hpx_error_set(error, HPX_FAILED, "the job has %zu inputs", job->path_count);
    if (!kind) {
        close_inputs(worker);
        return HPX_OK;
    }
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
        worker->machine = trainer->check_machine ? trainer->check_machine(&worker->machine_error) : HPX_OK;
        worker->trainer = trainer;
    }
    if (!status && worker->machine) {
        *error = worker->machine_error;
        status = worker->machine;
    }
    return status;
}

/* What comes next, from the other side. */
static hpx_status receive(hpx_packet *packet, hpx_blob *blob, struct worker *worker, hpx_error *error)
{
    hpx_status status = hpx_channel_receive(packet, &worker->in, blob, worker->socket, true, error);
    worker->untaken -= !status && *packet == HPX_PACKET_TAKEN && worker->untaken > 0;
    return status;
}

/* While a job runs, nothing comes but word of checkpoints. */
static hpx_status wait_until_taken(struct worker *worker, hpx_error *error)
{
    hpx_status status = HPX_OK;
    while (!status && worker->untaken >= HPX_CHANNEL_BLOBS_MAX) {
        hpx_packet packet;
        hpx_blob blob;
        status = receive(&packet, &blob, worker, error);
        hpx_blob_close(&blob);
        if (!status && packet != HPX_PACKET_TAKEN)
            status = hpx_error_set(error, HPX_FAILED, "the build is gone");
    }
    return status;
}

static hpx_status send_result(struct worker *worker, const hpx_result *result, hpx_error *error)
{
    worker->out.size = 0;
    hpx_result_encode(&worker->out, result);
    worker->untaken += result->checkpoint.fd >= 0;
    return hpx_channel_send(worker->socket, &worker->out, &result->checkpoint, true, error);
}

struct training {
    struct worker *worker;
    const hpx_job *job;
    hpx_buffer log;   /* what it has printed */
    hpx_metrics seen; /* names of all epochs so far */
    int64_t started_ns;
    hpx_status broken; /* what is wrong with the channel, not with the training */
};

/* Records have room for so many metrics of a trial, with names of a certain form. */
static hpx_status check_metrics(struct training *training, const hpx_epoch *epoch, hpx_error *error)
{
    for (size_t i = 0; i < epoch->metrics.count; i++) {
        const char *name = epoch->metrics.list[i].name;
        if (!hpx_metric_is_name(name))
            return hpx_error_set(
                error, HPX_FAILED,
                "epoch %u: a metric whose name is none: expected 1 to %d printable characters "
                "without blank, comma or quote",
                epoch->epoch, HPX_METRIC_NAME_MAX);
        if (!hpx_metrics_set(&training->seen, name, 0))
            return hpx_error_set(error, HPX_FAILED,
                                 "epoch %u: a trial has at most %d metrics, and '%s' is one more",
                                 epoch->epoch, HPX_METRICS_MAX, name);
    }
    return HPX_OK;
}

static hpx_status send_epoch(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    struct training *training = context;
    hpx_result result = {
        .kind = HPX_MESSAGE_EPOCH,
        .key = training->job->key,
        .epoch = epoch->epoch,
        .parent = training->job->from,
        .metrics = epoch->metrics,
        .started_ns = training->started_ns,
        .seconds = epoch->seconds,
        .log = training->log,
        .checkpoint = epoch->checkpoint, /* it and the metrics are the trainer's */
    };
    hpx_status status = check_metrics(training, epoch, error);
    if (status)
        return status;
    memcpy(result.host, training->worker->host, sizeof result.host);
    if (epoch->failure) {
        snprintf(result.failure, sizeof result.failure, "%s", epoch->failure);
        result.output = hpx_failure_hash(epoch->failure);
    } else {
        snprintf(result.stopped, sizeof result.stopped, "%s", epoch->stopped ? epoch->stopped : "");
        status = hpx_result_output(&result.output, &result, error);
    }
    if (!status) {
        status = send_result(training->worker, &result, error);
        if (!status)
            status = wait_until_taken(training->worker, error);
        training->broken = status;
    }
    training->started_ns = hpx_clock_ns();
    return status;
}

static hpx_status send_progress(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    struct training *training = context;
    hpx_result result = {
        .kind = HPX_MESSAGE_PROGRESS,
        .key = training->job->key,
        .epoch = epoch->epoch,
        .metrics = epoch->metrics,
        .checkpoint = HPX_NO_BLOB,
    };
    hpx_status status = check_metrics(training, epoch, error);
    if (status)
        return status;
    snprintf(result.message, sizeof result.message, "%.1000s", epoch->warnings ? epoch->warnings : "");
    status = send_result(training->worker, &result, error);
    training->broken = status;
    return status;
}

static hpx_status train(struct training *training, hpx_error *error)
{
    struct worker *worker = training->worker;
    const hpx_job *job = training->job;
    hpx_fields manifest = {0}, conditions = {0};
    hpx_status status = hpx_fields_decode(&manifest, job->manifest.data, job->manifest.size, error);
    if (!status && job->conditions.size > 0) {
        prctl(PR_SET_PDEATHSIG, 0); /* a program is ended before its worker */
        status = hpx_fields_decode(&conditions, job->conditions.data, job->conditions.size, error);
    }
    if (!status)
        status = find_trainer(worker, &manifest, error);
    if (!status)
        status = hpx_manifest_check_binary(&manifest, worker->trainer, error);
    if (!status)
        status = open_inputs(worker, job, &manifest, error);
    training->started_ns = hpx_clock_ns();
    const hpx_run run = {
        .manifest = &manifest,
        .data = worker->data,
        .conditions = &conditions,
        .from = job->from,
        .to = job->to,
        .checkpoint = job->from ? &job->checkpoint : NULL,
        .on_epoch = send_epoch,
        .on_progress = send_progress,
        .context = training,
        .log = &training->log,
        .stop = worker->socket,
    };
    if (!status)
        status = worker->trainer->run(&run, error);
    hpx_fields_free(&manifest);
    hpx_fields_free(&conditions);
    return status;
}

static hpx_status serve(struct worker *worker, hpx_blob *blob, hpx_error *error)
{
    hpx_message message;
    hpx_job job = HPX_NO_JOB;
    hpx_status status = hpx_message_read(&message, worker->in.data, worker->in.size, error);
    if (status)
        hpx_blob_close(blob);
    else
        status = hpx_job_decode(&job, &message, blob, error);
    if (status)
        return status;
    struct training training = {.worker = worker, .job = &job};
    hpx_error failure;
    hpx_result result = {.kind = HPX_MESSAGE_DONE, .key = job.key, .checkpoint = HPX_NO_BLOB};
    status = train(&training, &failure);
    hpx_metrics_free(&training.seen);
    if (training.broken || status == HPX_INTERRUPTED) {
        status = training.broken ? training.broken : status;
        *error = failure;
    } else {
        if (status) {
            result.kind = status == HPX_NO_MEMORY             ? HPX_MESSAGE_MEMORY
                          : status == HPX_DAMAGED && job.from ? HPX_MESSAGE_REFUSED
                                                              : HPX_MESSAGE_FAILED;
            snprintf(result.message, sizeof result.message, "%.1000s", failure.message);
            result.log = training.log; /* borrowed */
        }
        status = send_result(worker, &result, error);
    }
    hpx_buffer_free(&training.log);
    hpx_job_free(&job);
    return status;
}

static hpx_status say_hello(struct worker *worker, hpx_error *error)
{
    hpx_fields hello = {0};
    hpx_hello_of_binary(&hello);
    worker->out.size = 0;
    hpx_hello_encode(&worker->out, &hello);
    hpx_fields_free(&hello);
    return hpx_channel_send(worker->socket, &worker->out, &HPX_NO_BLOB, true, error);
}

hpx_status hpx_worker_run(int socket, hpx_error *error)
{
    struct worker worker = {.socket = socket};
    hpx_host_name(worker.host, sizeof worker.host);
    hpx_status status = say_hello(&worker, error);
    hpx_packet packet = HPX_PACKET_NONE;
    while (!status && packet != HPX_PACKET_END) {
        hpx_blob blob;
        status = receive(&packet, &blob, &worker, error);
        if (!status && packet == HPX_PACKET_MESSAGE)
            status = serve(&worker, &blob, error);
    }
    if (status == HPX_INTERRUPTED || status == HPX_NOT_FOUND)
        status = HPX_OK; /* nobody wants the job, or the build has gone: it is ended */
    close_inputs(&worker);
    hpx_copies_remove();
    hpx_buffer_free(&worker.in);
    hpx_buffer_free(&worker.out);
    return status;
}
