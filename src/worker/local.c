/* The executor of this machine: worker processes, exec'd, never forked with an open store. */
#include "worker/executor.h"

#include "base/memory.h"
#include "base/process.h"
#include "identity/manifest.h"
#include "program/gpu.h"
#include "program/processes.h"
#include "worker/channel.h"
#include "worker/hello.h"
#include "worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct worker {
    pid_t pid; /* 0: no process */
    int socket;
    bool busy;
    hpx_hash key;        /* of the job it is at */
    hpx_hash name;       /* its caller's for that */
    hpx_buffer manifest; /* of its first job, until its hello has been compared */
    char *trial;         /* what marks the processes of its program (job.trial); NULL: it has a model */
};

struct local {
    hpx_executor calls;
    char *program;
    struct worker *workers;
    size_t count;
    struct pollfd *polls; /* one per worker */
    hpx_buffer message;   /* being read or written */
    bool starved;         /* a job has ended for lack of memory */
    bool guest;           /* in another's process: its other children and its stderr are not touched */
    bool adopts;          /* what workers leave behind that die becomes this process's */
    pid_t *ending;        /* workers that are ending the programs of jobs which nobody wants any more */
    size_t ending_count, ending_capacity;
};

static void forget(struct worker *worker)
{
    hpx_buffer_free(&worker->manifest);
    free(worker->trial);
    *worker = (struct worker){.pid = 0};
}

/* Its own processes. free() them. */
static pid_t *own_processes(const struct local *local, size_t *count)
{
    pid_t *pids = hpx_alloc((local->count + local->ending_count) * sizeof *pids);
    *count = 0;
    for (size_t i = 0; i < local->count; i++)
        if (local->workers[i].pid > 0)
            pids[(*count)++] = local->workers[i].pid;
    for (size_t i = 0; i < local->ending_count; i++)
        pids[(*count)++] = local->ending[i];
    return pids;
}

/* Before the first worker of a program. */
static void adopt(struct local *local)
{
    size_t count;
    free(own_processes(local, &count));
    if (count == 0 && !local->adopts && !local->guest)
        local->adopts = hpx_processes_adopt_orphans();
}

/* A worker is dead that had no time to end its program. Nobody hears that any more, and others will be given its copy of the
 * files: so it is killed without a grace. `trial`: what marks it, if that is known. */
static void end_orphans(const struct local *local, const char *trial)
{
    size_t count;
    if (!local->adopts) {
        if (trial)
            hpx_processes_end_strays(trial, 0);
        return;
    }
    pid_t *pids = own_processes(local, &count);
    hpx_processes_end_orphans(pids, count);
    free(pids);
}

/* One that ends by itself has ended its program before. */
static bool has_died(int how)
{
    return !WIFEXITED(how) || WEXITSTATUS(how) != 0;
}

/* Closes the socket and collects the process, and what it has left behind; returns its wait status, 0 when that is not to
 * be had. */
static int stop(const struct local *local, struct worker *worker, bool kill_it)
{
    int how = 0;
    hpx_error unknown;
    if (worker->pid > 0) {
        if (kill_it)
            kill(worker->pid, SIGKILL); /* first, or it complains of the closed socket */
        close(worker->socket);
        hpx_process_wait(&how, worker->pid, &unknown);
        worker->pid = 0;
        if (worker->trial && has_died(how))
            end_orphans(local, worker->trial);
    }
    forget(worker);
    return how;
}

/* A job that nobody wants. A worker that sees its socket closed ends its program, which may take its time: that is not waited
 * for here. */
static void abandon(struct local *local, struct worker *worker)
{
    if (!worker->trial) {
        stop(local, worker, true);
        return;
    }
    close(worker->socket);
    local->ending =
        hpx_grow(local->ending, &local->ending_capacity, local->ending_count + 1, sizeof *local->ending);
    local->ending[local->ending_count++] = worker->pid;
    forget(worker);
}

/* Collects the workers that have ended their programs; all of them, if told to wait. */
static void collect(struct local *local, bool wait)
{
    size_t kept = 0, dead = 0;
    for (size_t i = 0; i < local->ending_count; i++) {
        pid_t ended;
        int how = 0;
        while ((ended = waitpid(local->ending[i], &how, wait ? 0 : WNOHANG)) < 0 && errno == EINTR)
            ;
        if (ended == 0)
            local->ending[kept++] = local->ending[i];
        else
            dead += has_died(how);
    }
    local->ending_count = kept;
    if (dead > 0)
        end_orphans(local, NULL);
}

/* Workers that idle keep memory that the next job may need. */
static void stop_idle(struct local *local)
{
    for (size_t i = 0; i < local->count; i++)
        if (!local->workers[i].busy)
            stop(local, &local->workers[i], false);
}

static bool has_name(const char *variable, const char *name)
{
    return strncmp(variable, name, strlen(name)) == 0;
}

/* The environment with one BLAS thread, for several single-threaded trials beat one that is spread; and with `gpus` (NULL:
 * none), a variable. free() it. */
static char **worker_environment(char *gpus)
{
    extern char **environ;
    size_t count = 0;
    while (environ[count])
        count++;
    char **copy = hpx_alloc((count + 3) * sizeof *copy);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!has_name(environ[i], "OPENBLAS_NUM_THREADS=") && !(gpus && has_name(environ[i], "HPX_GPUS=")))
            copy[kept++] = environ[i];
    copy[kept++] = "OPENBLAS_NUM_THREADS=1";
    copy[kept] = gpus;
    return copy;
}

static hpx_status start(const struct local *local, struct worker *worker, hpx_error *error)
{
    int sockets[2];
    if (!local->program)
        return hpx_error_set(error, HPX_FAILED,
                             "there is no program hpx, which trains: install it, put it on the PATH, or "
                             "name it in HPX_WORKER");
    hpx_status status = hpx_channel_pair(sockets, error);
    if (status)
        return status;
    char *gpus = hpx_gpus_variable(), **environment = worker_environment(gpus);
    char *arguments[] = {"hpx", "worker", NULL};
    const hpx_process_options options = {
        .program = local->program,
        .arguments = arguments,
        .environment = environment,
        .descriptors = {sockets[1], -1, local->guest ? -1 : STDERR_FILENO},
    };
    status = hpx_process_start(&worker->pid, &options, error);
    free(environment);
    free(gpus);
    if (status) {
        worker->pid = 0;
        status = hpx_error_set(error, HPX_FAILED, "cannot start a worker: %s: %s", local->program,
                               strerror(errno));
        close(sockets[0]);
    }
    close(sockets[1]);
    worker->socket = sockets[0];
    return status;
}

/* Notes what the processes of a job's program are known by. */
static void mark(struct worker *worker, const hpx_job *job)
{
    hpx_fields conditions = {0};
    hpx_error unknown;
    free(worker->trial);
    worker->trial = NULL;
    if (job->conditions.size > 0 &&
        hpx_fields_decode(&conditions, job->conditions.data, job->conditions.size, &unknown) == HPX_OK)
        worker->trial = hpx_strdup(hpx_fields_text_or_empty(&conditions, "job.trial"));
    hpx_fields_free(&conditions);
}

static hpx_status submit_local(hpx_executor *executor, const hpx_job *job, const hpx_hash *name,
                               hpx_error *error)
{
    struct local *local = (struct local *)executor;
    if (local->starved)
        stop_idle(local);
    struct worker *worker = local->workers;
    while (worker->busy)
        worker++;
    assert(worker < local->workers + local->count);
    const bool new = !worker->pid;
    if (new && job->conditions.size > 0)
        adopt(local);
    hpx_status status = new ? start(local, worker, error) : HPX_OK;
    if (status)
        return status;
    if (new)
        hpx_buffer_add(&worker->manifest, job->manifest.data, job->manifest.size);
    local->message.size = 0;
    hpx_job_encode(&local->message, job);
    status = hpx_channel_send(worker->socket, &local->message, &job->checkpoint, false, error);
    if (status && status != HPX_NOT_FOUND) {
        stop(local, worker, true);
        return status;
    }
    /* One that has just died is found by waiting, which says how it ended. */
    worker->key = job->key;
    worker->name = *name;
    worker->busy = true;
    mark(worker, job);
    return HPX_OK;
}

static void stop_local(hpx_executor *executor, const hpx_hash *name)
{
    struct local *local = (struct local *)executor;
    for (size_t i = 0; i < local->count; i++)
        if (local->workers[i].busy && hpx_hash_equal(&local->workers[i].name, name))
            abandon(local, &local->workers[i]);
}

static hpx_result failure_of(const struct worker *worker)
{
    return (hpx_result){.kind = HPX_MESSAGE_FAILED, .key = worker->name, .checkpoint = HPX_NO_BLOB};
}

/* The worker is gone: says how it ended. */
static hpx_status died(struct local *local, struct worker *worker, hpx_result_fn *each, void *context,
                       hpx_error *error)
{
    bool busy = worker->busy;
    hpx_result result = failure_of(worker);
    int status = stop(local, worker, false);
    if (!busy)
        return HPX_OK;
    size_t room = sizeof result.message;
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    const bool starved = WIFEXITED(status) && WEXITSTATUS(status) == HPX_WORKER_NO_MEMORY;
    if (killed || starved) {
        result.kind = HPX_MESSAGE_MEMORY;
        local->starved = true;
    }
    if (starved)
        snprintf(result.message, room, "its worker ran out of memory");
    else if (killed)
        snprintf(result.message, room, "its worker was killed (signal 9); out of memory is the usual cause");
    else if (WIFSIGNALED(status))
        snprintf(result.message, room, "its worker died of signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(result.message, room, "its worker ended with exit code %d", WEXITSTATUS(status));
    return each(context, &result, error);
}

/* The worker is not to be trusted with more. */
static hpx_status dismiss(const struct local *local, struct worker *worker, const char *why,
                          hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_result result = failure_of(worker);
    snprintf(result.message, sizeof result.message, "%.500s", why);
    bool busy = worker->busy;
    stop(local, worker, true);
    return busy ? each(context, &result, error) : HPX_OK;
}

/* Compares what a worker says first with what its first job asks for; it finds out itself about later ones. */
static hpx_status greet(struct worker *worker, const hpx_message *message, hpx_blob *blob, hpx_error *error)
{
    hpx_fields hello = {0}, manifest = {0};
    hpx_status status = hpx_hello_decode(&hello, message, blob, error);
    if (!status)
        status = hpx_fields_decode(&manifest, worker->manifest.data, worker->manifest.size, error);
    if (!status)
        status = hpx_hello_check(&hello, &manifest, error);
    hpx_buffer_free(&worker->manifest);
    hpx_fields_free(&manifest);
    hpx_fields_free(&hello);
    return status;
}

static hpx_status decode(hpx_result *out, const struct worker *worker, const hpx_message *message,
                         hpx_blob *blob, hpx_error *error)
{
    hpx_status status = hpx_result_decode(out, message, blob, error);
    if (status || (worker->busy && hpx_hash_equal(&out->key, &worker->key)))
        return status;
    hpx_result_free(out);
    return hpx_error_set(error, HPX_DAMAGED, "a result nobody asked for");
}

/* Hands one result on. */
static hpx_status deliver(struct worker *worker, hpx_result *result, hpx_result_fn *each, void *context,
                          hpx_error *error)
{
    const bool blob = result->checkpoint.fd >= 0;
    if (hpx_result_is_end(result))
        worker->busy = false;
    result->key = worker->name;
    hpx_status status = each(context, result, error);
    if (blob && worker->pid)
        hpx_channel_take(worker->socket);
    hpx_result_free(result);
    return status;
}

/* What has come from a worker: a hello first, then results. */
static hpx_status take(struct local *local, struct worker *worker, hpx_blob *blob, hpx_result_fn *each,
                       void *context, hpx_error *error)
{
    hpx_message message;
    hpx_result result;
    const bool first = worker->manifest.size > 0;
    hpx_status status = hpx_message_read(&message, local->message.data, local->message.size, error);
    if (status)
        hpx_blob_close(blob);
    else
        status =
            first ? greet(worker, &message, blob, error) : decode(&result, worker, &message, blob, error);
    if (status == HPX_DAMAGED || status == HPX_NOT_FOUND)
        hpx_error_prefix(error, "its worker sent");
    if (status)
        return dismiss(local, worker, error->message, each, context, error);
    if (first)
        return HPX_OK;
    local->starved = local->starved || result.kind == HPX_MESSAGE_MEMORY;
    return deliver(worker, &result, each, context, error);
}

/* Takes in what one worker has on the way, and no more: one that is faster than its results are stored must
 * not keep the caller from the others, nor from an interrupt. */
static hpx_status receive(struct local *local, struct worker *worker, hpx_result_fn *each, void *context,
                          hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < HPX_CHANNEL_PACKETS_MAX && worker->pid && !status; i++) {
        hpx_packet packet;
        hpx_blob blob;
        hpx_status received =
            hpx_channel_receive(&packet, &local->message, &blob, worker->socket, false, error);
        if (received)
            status = dismiss(local, worker, error->message, each, context, error);
        else if (packet == HPX_PACKET_NONE)
            break;
        else if (packet == HPX_PACKET_END)
            status = died(local, worker, each, context, error);
        else
            status = take(local, worker, &blob, each, context, error);
    }
    return status;
}

static hpx_status wait_local(hpx_executor *executor, int timeout_ms, hpx_result_fn *each, void *context,
                             hpx_error *error)
{
    struct local *local = (struct local *)executor;
    collect(local, false);
    for (size_t i = 0; i < local->count; i++) {
        const struct worker *worker = &local->workers[i];
        local->polls[i] = (struct pollfd){.fd = worker->pid ? worker->socket : -1, .events = POLLIN};
    }
    int ready = poll(local->polls, local->count, timeout_ms);
    if (ready < 0 && errno != EINTR)
        return hpx_error_errno(error, "cannot wait for the workers");
    hpx_status status = HPX_OK;
    for (size_t i = 0; ready > 0 && i < local->count && !status; i++)
        if (local->polls[i].revents)
            status = receive(local, &local->workers[i], each, context, error);
    return status;
}

/* A program's worker that is sent no more ends the program, sends what that has finished, and then the end of the job. */
static hpx_status finish_local(hpx_executor *executor, hpx_result_fn *each, void *context, hpx_error *error)
{
    struct local *local = (struct local *)executor;
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < local->count; i++)
        if (local->workers[i].busy && local->workers[i].trial)
            shutdown(local->workers[i].socket, SHUT_WR);
    for (bool more = true; more && !status;) {
        more = false;
        for (size_t i = 0; i < local->count; i++)
            more = more || (local->workers[i].busy && local->workers[i].trial);
        if (more)
            status = wait_local(executor, -1, each, context, error);
    }
    return status;
}

static hpx_status binary_local(hpx_fields *out, hpx_executor *executor, const hpx_trainer *trainer,
                               hpx_error *error)
{
    (void)executor; /* its workers are this binary */
    (void)error;
    hpx_manifest_set_binary(out, trainer);
    return HPX_OK;
}

static size_t capacity_local(const hpx_executor *executor)
{
    return ((const struct local *)executor)->count;
}

static char *words_local(hpx_executor *executor)
{
    (void)executor;
    return NULL;
}

static bool lacks_local(hpx_hash *out, hpx_executor *executor)
{
    (void)out, (void)executor;
    return false;
}

static void close_local(hpx_executor *executor)
{
    struct local *local = (struct local *)executor;
    for (size_t i = 0; i < local->count; i++) {
        if (local->workers[i].busy)
            abandon(local, &local->workers[i]);
        else
            stop(local, &local->workers[i], false);
    }
    collect(local, true);
    if (local->adopts)
        hpx_processes_disown();
    free(local->ending);
    hpx_buffer_free(&local->message);
    free(local->workers);
    free(local->polls);
    free(local->program);
    free(local);
}

hpx_executor *hpx_executor_local(const char *program, size_t workers, bool guest)
{
    assert(workers > 0);
    struct local *local = hpx_alloc(sizeof *local);
    local->calls = (hpx_executor){.binary = binary_local,
                                  .capacity = capacity_local,
                                  .submit = submit_local,
                                  .stop = stop_local,
                                  .wait = wait_local,
                                  .words = words_local,
                                  .lacks = lacks_local,
                                  .finish = finish_local,
                                  .close = close_local};
    local->program = program ? hpx_strdup(program) : NULL;
    local->guest = guest;
    local->workers = hpx_alloc(workers * sizeof *local->workers);
    local->polls = hpx_alloc(workers * sizeof *local->polls);
    local->count = workers;
    return &local->calls;
}
