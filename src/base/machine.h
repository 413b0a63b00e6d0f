/* What this process may use of the machine: not what is built in, but what affinity and control groups
 * leave. */
#ifndef HPX_MACHINE_H
#define HPX_MACHINE_H

#include "hpx/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Processors, 1 or more. A quota of a control group counts as so many whole processors, rounded up. */
size_t hpx_processors(void);

/* Bytes of memory that can be had now without swapping: of the machine, or of a control group with a
 * limit. */
uint64_t hpx_memory_available(void);

/* How many more descriptors this process could open; the soft limit is raised up to the hard one for
 * `wanted`. */
size_t hpx_descriptors_available(size_t wanted);

/* The host's name as far as it fits, in valid UTF-8: a host's name is bytes. */
void hpx_host_name(char *out, size_t size);

/* Append the vendor, family and model of the processor, the model of the first GPU, and the version of its driver. False
 * where the system does not say. */
bool hpx_processor_model(hpx_buffer *out);
bool hpx_gpu_model(hpx_buffer *out);
bool hpx_gpu_driver(hpx_buffer *out);

/* The limits of this process's control group and of those above it, version 1 or 2, with /proc and /sys below
 * `root` ("": the machine's own). */
typedef struct hpx_limits {
    double processors;     /* INFINITY: no quota */
    uint64_t memory_bytes; /* still free below the limit; UINT64_MAX: no limit */
} hpx_limits;

hpx_limits hpx_limits_of_group(const char *root);

#endif
