/* A kind of network, as the training loop sees it (nn/training.h): its settings, and the calls that it is made of. */
#ifndef HPX_NN_MODEL_H
#define HPX_NN_MODEL_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/setting.h"
#include "nn/checkpoint.h"
#include "nn/mlp.h"
#include "nn/options.h"
#include "nn/samples.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A network is `bytes` bytes of the model's own, zeroed at first. The calls are made in the order in which they stand
 * here; `shape` and `describe` need no data and no memory. */
typedef struct hpx_model {
    const hpx_setting *settings;
    size_t setting_count;
    size_t bytes;

    /* Gives it the shape of these settings, which have been checked against the table, for such samples. HPX_USAGE
     * when there is no such network. */
    hpx_status (*shape)(void *network, const hpx_fields *settings, const hpx_sample_shape *samples,
                        hpx_error *error);

    /* Writes the version, the numbers and the parameters of its checkpoints. */
    void (*describe)(hpx_checkpoint *out, const void *network);

    /* Says how it is to compute, by what the manifest names alone; `batch` samples a step. Returns how many samples
     * it evaluates at once. */
    uint32_t (*choose)(void *network, const hpx_options *options, const hpx_split *data, uint32_t batch);

    /* Lays out its workspace for batches of so many rows to train by and to evaluate, and returns its size in floats.
     * With `block` NULL it only counts. */
    size_t (*attach)(void *network, float *parameters, float *block, uint32_t batch, uint32_t evaluated);

    /* As hpx_mlp_init, _load (a batch to train by, or to evaluate), _evaluate and _gradient. */
    void (*init)(void *network, hpx_init init, uint32_t seed);
    void (*load)(void *network, bool train, const uint8_t *samples, const uint32_t *order, size_t rows,
                 size_t more);
    hpx_tally (*evaluate)(void *network, const uint8_t *labels, size_t rows);
    hpx_tally (*gradient)(void *network, const uint8_t *labels, size_t rows, hpx_mlp_draw draw,
                          hpx_gradient_fn *take, void *context);
} hpx_model;

#endif
