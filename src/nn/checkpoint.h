/* The weights and optimizer state of a network after an epoch, as bytes. The layout is described in
 * src/nn/checkpoint.c. */
#ifndef HPX_CHECKPOINT_H
#define HPX_CHECKPOINT_H

#include "hpx/error.h"
#include "nn/optimizer.h"

#include <stddef.h>
#include <stdint.h>

#define HPX_CHECKPOINT_NUMBERS_MAX 1024

/* Versions: of a perceptron, and of any other network. */
enum { HPX_CHECKPOINT_PERCEPTRON = 2, HPX_CHECKPOINT_NETWORK = 3 };

/* What a checkpoint says of itself. It holds 1 + states arrays: the network's parameters, then the optimizer's state
 * arrays. */
typedef struct hpx_checkpoint {
    uint32_t version;
    uint32_t count, numbers[HPX_CHECKPOINT_NUMBERS_MAX]; /* describe the network, as its model says */
    uint64_t parameters;                                 /* of one array */
    hpx_optimizer_kind optimizer;
    uint32_t states;
    uint32_t epoch;
} hpx_checkpoint;

size_t hpx_checkpoint_size(const hpx_checkpoint *checkpoint);

/* Where array `index` begins in the bytes: a multiple of 64. */
size_t hpx_checkpoint_offset(const hpx_checkpoint *checkpoint, size_t index);

/* Writes all but the arrays and the zeros between them. */
void hpx_checkpoint_write_header(uint8_t *bytes, const hpx_checkpoint *checkpoint);

/* Reads and checks everything but the values of the state arrays. HPX_DAMAGED for what this program would not
 * have written: wrong magic, version, sizes, lengths, padding, weights that are not finite. */
hpx_status hpx_checkpoint_parse(hpx_checkpoint *out, const uint8_t *bytes, size_t size, hpx_error *error);

#endif
