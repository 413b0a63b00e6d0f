#include "worker/executor.h"

#include "base/memory.h"
#include "base/process.h"
#include "worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_BYTES 65536

struct worker {
    pid_t pid; /* 0: no process */
    int input, output;
    bool busy;
    hpx_hash key;       /* of the job it is at */
    hpx_hash name;      /* its caller's for that */
    hpx_buffer pending; /* of the job that has not been written yet */
    size_t written;
    hpx_buffer received;
    size_t begun; /* bytes up to the end of what had begun to arrive at the last mark, not handed on yet */
};

struct hpx_executor {
    char *program;
    struct worker *workers;
    size_t count;
    struct pollfd *polls; /* two per worker */
};

hpx_executor *hpx_executor_new(const char *program, size_t workers)
{
    assert(workers > 0);
    hpx_executor *executor = hpx_alloc(sizeof *executor);
    executor->program = hpx_strdup(program);
    executor->workers = hpx_alloc(workers * sizeof *executor->workers);
    executor->polls = hpx_alloc(2 * workers * sizeof *executor->polls);
    executor->count = workers;
    return executor;
}

/* Closes the pipes and collects the process; returns its wait status, 0 when that is not to be had. */
static int stop(struct worker *worker, bool kill_it)
{
    int how = 0;
    hpx_error unknown;
    if (worker->pid > 0) {
        if (kill_it)
            kill(worker->pid, SIGKILL); /* first, or it complains of the closed pipe */
        close(worker->input);
        close(worker->output);
        hpx_process_wait(&how, worker->pid, &unknown);
    }
    worker->pid = 0;
    worker->busy = false;
    worker->written = worker->begun = 0;
    hpx_buffer_free(&worker->pending);
    hpx_buffer_free(&worker->received);
    return how;
}

void hpx_executor_free(hpx_executor *executor)
{
    if (!executor)
        return;
    for (size_t i = 0; i < executor->count; i++)
        stop(&executor->workers[i], executor->workers[i].busy);
    free(executor->workers);
    free(executor->polls);
    free(executor->program);
    free(executor);
}

size_t hpx_executor_running(const hpx_executor *executor)
{
    size_t running = 0;
    for (size_t i = 0; i < executor->count; i++)
        running += executor->workers[i].busy;
    return running;
}

bool hpx_executor_has_room(const hpx_executor *executor)
{
    return hpx_executor_running(executor) < executor->count;
}

void hpx_executor_trim(hpx_executor *executor)
{
    for (size_t i = 0; i < executor->count; i++)
        if (!executor->workers[i].busy)
            stop(&executor->workers[i], false);
}

void hpx_executor_mark(hpx_executor *executor)
{
    for (size_t i = 0; i < executor->count; i++) {
        struct worker *worker = &executor->workers[i];
        int in_pipe = 0;
        if (worker->pid > 0 && ioctl(worker->output, FIONREAD, &in_pipe) == 0)
            worker->begun = worker->received.size + (size_t)in_pipe;
    }
}

bool hpx_executor_is_receiving(const hpx_executor *executor)
{
    for (size_t i = 0; i < executor->count; i++)
        if (executor->workers[i].begun > 0)
            return true;
    return false;
}

/* The environment with one BLAS thread: several single-threaded trials beat one that is spread. */
static char **worker_environment(void)
{
    extern char **environ;
    static const char threads[] = "OPENBLAS_NUM_THREADS=";
    size_t count = 0;
    while (environ[count])
        count++;
    char **copy = hpx_alloc((count + 2) * sizeof *copy);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], threads, strlen(threads)) != 0)
            copy[kept++] = environ[i];
    copy[kept] = "OPENBLAS_NUM_THREADS=1";
    return copy;
}

static hpx_status start(hpx_executor *executor, struct worker *worker, hpx_error *error)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    hpx_status status = HPX_OK;
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        status = hpx_error_errno(error, "cannot start a worker");
        goto close_pipes;
    }
    char **environment = worker_environment();
    char *arguments[] = {"hpx", "worker", NULL};
    const hpx_process_options options = {
        .program = executor->program,
        .arguments = arguments,
        .environment = environment,
        .descriptors = {in[0], out[1], STDERR_FILENO},
    };
    status = hpx_process_start(&worker->pid, &options, error);
    free(environment);
    if (status) {
        worker->pid = 0;
        status = hpx_error_set(error, HPX_FAILED, "cannot start a worker: %s: %s", executor->program,
                               strerror(errno));
        goto close_pipes;
    }
    close(in[0]);
    close(out[1]);
    worker->input = in[1];
    worker->output = out[0];
    fcntl(worker->input, F_SETFL, O_NONBLOCK);
    fcntl(worker->output, F_SETFL, O_NONBLOCK);
    return HPX_OK;

close_pipes:
    for (int i = 0; i < 2; i++) {
        if (in[i] >= 0)
            close(in[i]);
        if (out[i] >= 0)
            close(out[i]);
    }
    return status;
}

hpx_status hpx_executor_submit(hpx_executor *executor, const hpx_job *job, const hpx_hash *name,
                               hpx_error *error)
{
    struct worker *worker = executor->workers;
    while (worker->busy)
        worker++;
    assert(worker < executor->workers + executor->count);
    hpx_status status = worker->pid ? HPX_OK : start(executor, worker, error);
    if (status)
        return status;
    worker->key = job->key;
    worker->name = *name;
    worker->busy = true;
    worker->written = 0;
    worker->pending.size = 0;
    hpx_job_encode(&worker->pending, job);
    return HPX_OK;
}

void hpx_executor_stop(hpx_executor *executor, const hpx_hash *name)
{
    for (size_t i = 0; i < executor->count; i++)
        if (executor->workers[i].busy && hpx_hash_equal(&executor->workers[i].name, name))
            stop(&executor->workers[i], true);
}

static hpx_result failure_of(const struct worker *worker)
{
    return (hpx_result){.kind = HPX_MESSAGE_FAILED, .key = worker->name};
}

/* The worker is gone: says how it ended. */
static hpx_status died(struct worker *worker, hpx_result_fn *each, void *context, hpx_error *error)
{
    bool busy = worker->busy;
    hpx_result result = failure_of(worker);
    int status = stop(worker, false);
    if (!busy)
        return HPX_OK;
    size_t room = sizeof result.message;
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    const bool starved = WIFEXITED(status) && WEXITSTATUS(status) == HPX_WORKER_NO_MEMORY;
    if (killed || starved)
        result.kind = HPX_MESSAGE_MEMORY;
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

/* The worker says what it must not: it is not to be trusted with more. */
static hpx_status misbehaved(struct worker *worker, hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_result result = failure_of(worker);
    snprintf(result.message, sizeof result.message, "its worker sent %.400s", error->message);
    bool busy = worker->busy;
    stop(worker, true);
    return busy ? each(context, &result, error) : HPX_OK;
}

static void write_job(struct worker *worker)
{
    while (worker->written < worker->pending.size) {
        ssize_t put = write(worker->input, worker->pending.data + worker->written,
                            worker->pending.size - worker->written);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return; /* full; or broken, which reading finds out */
        worker->written += (size_t)put;
    }
    hpx_buffer_free(&worker->pending);
    worker->written = 0;
}

/* Hands on every whole message that has been received. */
static hpx_status deliver(struct worker *worker, hpx_result_fn *each, void *context, hpx_error *error)
{
    size_t at = 0;
    hpx_status status = HPX_OK;
    while (!status && at < worker->received.size) {
        hpx_message message;
        hpx_result result;
        status = hpx_message_read(&message, worker->received.data + at, worker->received.size - at, error);
        if (status == HPX_NOT_FOUND) {
            status = HPX_OK; /* the rest is still to come */
            break;
        }
        if (!status)
            status = hpx_result_decode(&result, &message, error);
        if (!status && (!worker->busy || !hpx_hash_equal(&result.key, &worker->key)))
            status = hpx_error_set(error, HPX_DAMAGED, "a result nobody asked for");
        if (status)
            return misbehaved(worker, each, context, error);
        at += message.size;
        if (result.kind != HPX_MESSAGE_EPOCH)
            worker->busy = false;
        result.key = worker->name;
        status = each(context, &result, error);
    }
    memmove(worker->received.data, worker->received.data + at, worker->received.size - at);
    worker->received.size -= at;
    worker->begun -= at < worker->begun ? at : worker->begun;
    return status;
}

/* One piece at a time: a worker that is faster than its results are stored must not keep the caller from the
 * others, nor from an interrupt. */
static hpx_status read_results(struct worker *worker, hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_buffer_reserve(&worker->received, READ_BYTES);
    ssize_t got = read(worker->output, worker->received.data + worker->received.size, READ_BYTES);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return HPX_OK;
    if (got <= 0)
        return died(worker, each, context, error);
    worker->received.size += (size_t)got;
    return deliver(worker, each, context, error);
}

hpx_status hpx_executor_wait(hpx_executor *executor, int timeout_ms, hpx_result_fn *each, void *context,
                             hpx_error *error)
{
    for (size_t i = 0; i < executor->count; i++) {
        const struct worker *worker = &executor->workers[i];
        bool alive = worker->pid > 0;
        executor->polls[2 * i] = (struct pollfd){.fd = alive ? worker->output : -1, .events = POLLIN};
        executor->polls[2 * i + 1] =
            (struct pollfd){.fd = alive && worker->pending.size ? worker->input : -1, .events = POLLOUT};
    }
    int ready = poll(executor->polls, 2 * executor->count, timeout_ms);
    if (ready < 0 && errno != EINTR)
        return hpx_error_errno(error, "cannot wait for the workers");
    hpx_status status = HPX_OK;
    for (size_t i = 0; ready > 0 && i < executor->count && !status; i++) {
        struct worker *worker = &executor->workers[i];
        if (executor->polls[2 * i + 1].revents)
            write_job(worker);
        if (!status && executor->polls[2 * i].revents)
            status = read_results(worker, each, context, error);
    }
    return status;
}
