/* How workers of a pool come to other machines: through the engine that gives out their processors. */
#ifndef HPX_LAUNCHER_H
#define HPX_LAUNCHER_H

#include "hpx/buffer.h"
#include "hpx/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hpx_launcher hpx_launcher;

struct hpx_launcher {
    /* Asks for workers 0 to count - 1 of a batch: each runs `PROGRAM worker POOL NAME-I`, I its number, wherever and whenever
     * there is room. HPX_FAILED, with what the engine said: none of them is placed then. */
    hpx_status (*place)(hpx_launcher *launcher, const char *name, size_t count, hpx_error *error);

    /* Whether some of a batch still run or wait to. */
    bool (*has)(hpx_launcher *launcher, const char *name);

    /* Asks for no more workers on a machine, by the name that the engine has for it. NULL: the engine has one kind of them. */
    void (*avoid)(hpx_launcher *launcher, const char *node);

    /* Takes back whatever it has asked for, running or not. */
    void (*cancel)(hpx_launcher *launcher);

    void (*close)(hpx_launcher *launcher); /* and frees it */
};

/* What Slurm is to give a worker, of the recipe; 0: nothing said. */
typedef struct hpx_slurm_request {
    size_t processors, gpus;
    uint64_t memory_bytes;
} hpx_slurm_request;

/* Through sbatch: an array for each batch. `program` runs on the nodes; `options`: what else sbatch is given, NULL at the end, or
 * NULL. All are borrowed until it is closed. */
hpx_launcher *hpx_launcher_slurm(const char *program, const char *pool, const hpx_slurm_request *request,
                                 char *const *options);

/* Appends the command that it would run for so many workers, and the script that it would give it. */
void hpx_slurm_describe(hpx_buffer *out, const char *program, const char *pool,
                        const hpx_slurm_request *request, char *const *options, size_t count);

/* HPX_USAGE for an option of sbatch that hpx sets itself. */
hpx_status hpx_slurm_check_options(char *const *options, hpx_error *error);

/* Seconds until Slurm ends this process's job: asked once. INFINITY: it does not say. */
double hpx_slurm_time_left(void);

/* What Slurm calls the node that this process runs on; without Slurm its host name. free() it. */
char *hpx_slurm_node(void);

#endif
