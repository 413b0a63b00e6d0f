/* Where jobs run. Whoever wants trials trained submits jobs and takes in results, and knows of an executor
 * only the calls below: another kind of executor is a file beside local.c with a struct that begins with
 * hpx_executor, and a function here that makes it. Jobs and results are self-contained (worker/message.h), so
 * a worker may be anywhere. An executor never opens a store and never prints. */
#ifndef HPX_EXECUTOR_H
#define HPX_EXECUTOR_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/trainer.h"
#include "worker/launcher.h"
#include "worker/message.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hpx_executor hpx_executor;

/* Takes one result, borrowed during the call. Anything but HPX_OK ends the wait with that status. */
typedef hpx_status hpx_result_fn(void *context, const hpx_result *result, hpx_error *error);

struct hpx_executor {
    /* What its workers contribute to the manifests of a trainer's results, format, code version and numerics: sets those
     * fields (hpx_manifest_set_binary). They are the workers' to say, not this process's. HPX_NOT_FOUND: none has said it yet;
     * whoever needs it waits, as for results, and asks again. HPX_FAILED when no worker can be had. */
    hpx_status (*binary)(hpx_fields *out, hpx_executor *executor, const hpx_trainer *trainer,
                         hpx_error *error);

    /* How many jobs it runs at once, 1 or more. */
    size_t (*capacity)(const hpx_executor *executor);

    /* Starts a job; fewer than its capacity may run. It fails if its worker turns out to be of another code or numerics than the
     * job's manifest has. `name` is the key that its results are handed on under: the job's own names the code that trains, and
     * that may be equivalent to other code. HPX_FAILED when no worker can be had. After a job that ended for lack of memory,
     * workers that idle are ended before the next one starts. */
    hpx_status (*submit)(hpx_executor *executor, const hpx_job *job, const hpx_hash *name, hpx_error *error);

    /* Ends the job of this name, if it runs; no more is heard of it. A program has ten seconds to end; its slot is free at
     * once. */
    void (*stop)(hpx_executor *executor, const hpx_hash *name);

    /* Waits until results come, at most `timeout_ms` (-1: for ever) or until a signal, and calls for each of
     * them in turn. Of one job come the epochs in order and last its end: done, or failed with why (a worker
     * that was killed, too). With a timeout of 0 all that workers have sent by then is handed on. */
    hpx_status (*wait)(hpx_executor *executor, int timeout_ms, hpx_result_fn *each, void *context,
                       hpx_error *error);

    /* What is to be said of its workers since it was last asked, in lines; NULL: nothing. free() it. */
    char *(*words)(hpx_executor *executor);

    /* Sets the hash of data that a worker has asked for since, because its machine does not see it where the job says that it is;
     * each once. False: of none. */
    bool (*lacks)(hpx_hash *out, hpx_executor *executor);

    /* Ends all programs, and hands on, as `wait` does, what they have finished by then. Of other jobs no more is heard than
     * what `wait` gives. */
    hpx_status (*finish)(hpx_executor *executor, hpx_result_fn *each, void *context, hpx_error *error);

    /* Ends whatever still runs, waits until all programs have ended, and frees the executor. */
    void (*close)(hpx_executor *executor);
};

/* On this machine: up to `workers` (1 or more) processes of `program`, run as `program worker`, with one BLAS
 * thread each. They start when they are needed; with `program` NULL none can. One that dies fails its job and is replaced.
 * `guest`: this process is not hpx's own, but a program's that uses the library. */
hpx_executor *hpx_executor_local(const char *program, size_t workers, bool guest);

/* Elsewhere: `workers` of them, through the folder `pool` (worker/pool.h), on machines that the launcher gets; it is taken over,
 * also when this fails. What an owner before this one has left in the pool is adopted: its workers, and what they have trained is
 * handed on when it is asked for. */
hpx_status hpx_executor_cluster(hpx_executor **out, hpx_launcher *launcher, const char *pool, size_t workers,
                                hpx_error *error);

#endif
