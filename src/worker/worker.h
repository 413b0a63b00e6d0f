/* A worker: reads jobs, trains them, writes results (hpx/message.h). It opens no store and shares nothing
 * with whoever sent the job but the files of the data set. */
#ifndef HPX_WORKER_H
#define HPX_WORKER_H

#include "hpx/error.h"

enum { HPX_WORKER_NO_MEMORY = 13 }; /* its exit code when it has no memory to say why in */

/* Serves jobs from `input` until its end, one after the other, and writes results to `output`. A job that
 * fails is answered with a failure and the worker goes on. HPX_FAILED when a stream breaks. */
hpx_status hpx_worker_run(int input, int output, hpx_error *error);

#endif
