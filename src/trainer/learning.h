/* What trainers of networks on labelled images share (hpx/trainer.h), for any kind of network. */
#ifndef HPX_TRAINER_LEARNING_H
#define HPX_TRAINER_LEARNING_H

#include "hpx/trainer.h"
#include "nn/model.h"

#include <stdbool.h>

/* The calls of a trainer. */
hpx_status hpx_learning_check(const hpx_model *model, const hpx_fields *settings, const hpx_fields *inputs,
                              hpx_error *error);
hpx_status hpx_learning_run(const hpx_model *model, const hpx_run *run, hpx_error *error);
hpx_status hpx_learning_paths(hpx_paths *out, const hpx_model *model, const hpx_fields *manifest,
                              const void *data, uint32_t epochs, hpx_error *error);
hpx_status hpx_learning_check_checkpoint(const hpx_model *model, const hpx_fields *manifest,
                                         const hpx_fields *inputs, uint32_t epoch, const hpx_blob *checkpoint,
                                         hpx_error *error);

/* A layer of so many multiplications. A step of training has products for the sums, for the gradient of the weights, and
 * for that of the layer's inputs, which the first layer has not. */
hpx_layer hpx_learning_layer(const char *kind, uint64_t forward, bool first);

/* The cost of a network by that of its layers, of which there are `count`. */
hpx_cost hpx_learning_cost(const hpx_layer *layers, size_t count, const hpx_fields *settings);

/* Two epochs of a few images that are made up. `cost`: of the training. */
hpx_status hpx_learning_calibrate(double *seconds, const hpx_model *model, hpx_cost cost,
                                  const hpx_fields *manifest, const hpx_fields *inputs, hpx_error *error);

#endif
