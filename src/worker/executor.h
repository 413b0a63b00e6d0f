/* Runs jobs on this machine: one worker process per processor in use (exec'd, never forked with an open
 * store), one BLAS thread each. A worker that dies fails its job and is replaced. Never prints. */
#ifndef HPX_EXECUTOR_H
#define HPX_EXECUTOR_H

#include "hpx/error.h"
#include "worker/message.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hpx_executor hpx_executor;

/* Up to `workers` (1 or more) processes of `program`, run as `program worker`. They start when they are
 * needed. */
hpx_executor *hpx_executor_new(const char *program, size_t workers);
void hpx_executor_free(hpx_executor *executor); /* kills what still runs; NULL is fine */

size_t hpx_executor_running(const hpx_executor *executor); /* jobs */
bool hpx_executor_has_room(const hpx_executor *executor);

/* Remembers which results have begun to arrive, from workers that go on with the next; and whether some of
 * those are not handed on yet. For taking in, before an end, all that is finished and no more. */
void hpx_executor_mark(hpx_executor *executor);
bool hpx_executor_is_receiving(const hpx_executor *executor);

/* Gives the job to an idle worker; there must be room. `name` is the key that its results are handed on
 * under: the job's own names the code that trains, and that may count as other code. HPX_FAILED when no
 * process can be started. */
hpx_status hpx_executor_submit(hpx_executor *executor, const hpx_job *job, const hpx_hash *name,
                               hpx_error *error);

/* Ends the workers that have no job: they keep memory. */
void hpx_executor_trim(hpx_executor *executor);

/* Kills the worker that has the job of this name, if one has; no more is heard of it. */
void hpx_executor_stop(hpx_executor *executor, const hpx_hash *name);

/* Waits until results come, at most `timeout_ms` (-1: for ever) or until a signal, and calls for each of them
 * in turn; of one job, the epochs in order and last its end: done, or failed with why (a worker that was
 * killed, too). Anything but HPX_OK from `each` ends the call with that status. */
typedef hpx_status hpx_result_fn(void *context, const hpx_result *result, hpx_error *error);
hpx_status hpx_executor_wait(hpx_executor *executor, int timeout_ms, hpx_result_fn *each, void *context,
                             hpx_error *error);

#endif
