/* The networks that hpx can read. */
#ifndef HPX_TRAINER_NETWORKS_H
#define HPX_TRAINER_NETWORKS_H

#include "network.h"

/* A checkpoint in memory, as it is on disk, and floats to compute in. */
typedef struct hpx_network_memory {
    const uint8_t *bytes;
    uint64_t size;
    float *work;
    float *parameters; /* in `bytes`: only read, though a network could change its own */
} hpx_network_memory;

/* Of a checkpoint that has been checked. HPX_NO_MEMORY; then there is nothing to release. */
hpx_status hpx_network_hold(hpx_network_memory *out, const hpx_blob *checkpoint, size_t floats,
                            hpx_error *error);
void hpx_network_release(hpx_network_memory *memory);

extern const hpx_network_kind hpx_network_mlp;
extern const hpx_network_kind hpx_network_cnn;

#endif
