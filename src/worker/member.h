/* A worker of a pool (worker/pool.h), on whatever machine: takes jobs from it and has them run by a worker process of its own
 * (hpx_executor_local), so that it can go on telling that it lives, and tell when that one has died. */
#ifndef HPX_MEMBER_H
#define HPX_MEMBER_H

#include "hpx/error.h"

#include <signal.h>

typedef struct hpx_member_options {
    const char *program; /* this binary */
    const char *pool, *name;
    const char *node;              /* its machine, as the engine calls it */
    const char *misfit;            /* why that cannot compute as it is to; NULL: it can */
    double seconds;                /* until its machine is taken from it; INFINITY: it may keep it */
    void (*say)(const char *line); /* what whoever reads its log should know */
    const volatile sig_atomic_t *told_to_go; /* by a signal: after the epoch that is being trained */
} hpx_member_options;

/* Until the owner ends the pool, or has not been heard of for five minutes in which there was nothing to do. */
hpx_status hpx_member_run(const hpx_member_options *options, hpx_error *error);

#endif
