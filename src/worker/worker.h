/* A worker: takes jobs, trains them, sends results (worker/message.h). It opens no store and shares nothing
 * with whoever sent the job but the files of the data set. */
#ifndef HPX_WORKER_H
#define HPX_WORKER_H

#include "hpx/error.h"

enum { HPX_WORKER_NO_MEMORY = 13 }; /* its exit code when it has no memory to say why in */

/* Serves the jobs that come through a channel (worker/channel.h) until its end, one after the other. A job
 * that fails is answered with a failure and the worker goes on. The end of the channel ends a program that runs (SIGTERM, ten
 * seconds later SIGKILL, to all that it started); a model is ended by killing the worker. HPX_FAILED when the channel breaks. */
hpx_status hpx_worker_run(int socket, hpx_error *error);

#endif
