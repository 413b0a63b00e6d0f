/* Graphics processors as slots that all builds of a host share. The devices are those that HPX_GPUS names, or CUDA_VISIBLE_DEVICES,
 * or `nvidia-smi -L` lists, or /dev/nvidia0 and so on; each has a lock file in /tmp. */
#ifndef HPX_PROGRAM_GPU_H
#define HPX_PROGRAM_GPU_H

#include "hpx/error.h"

#include <stddef.h>

/* How many devices there are. They are looked for once in a process. */
size_t hpx_gpu_count(void);

/* "HPX_GPUS=0,1" for the environment of processes that this one starts, which need not look for them again; NULL when nobody
 * has looked for them here. free() it. */
char *hpx_gpus_variable(void);

typedef struct hpx_gpus hpx_gpus;

/* Takes so many that are free, and waits until there are; HPX_INTERRUPTED when `stop` (-1: none) hangs up meanwhile. HPX_FAILED when
 * the host has fewer. */
hpx_status hpx_gpus_take(hpx_gpus **out, size_t count, int stop, hpx_error *error);
void hpx_gpus_release(hpx_gpus *gpus); /* NULL is fine */

/* Their names as CUDA_VISIBLE_DEVICES has them: "0,2". */
const char *hpx_gpus_names(hpx_gpus *gpus);

#endif
