/* The multilayer perceptron's training: epochs of shuffled batches, evaluation, checkpoints. What the calls
 * of a trainer do (hpx/trainer.h), on samples. */
#ifndef HPX_NN_MLP_TRAINING_H
#define HPX_NN_MLP_TRAINING_H

#include "hpx/fields.h"
#include "hpx/training.h"
#include "nn/samples.h"

/* Loss and accuracy of the training, of the samples held out and of the test: mean cross-entropy (nats per sample) and
 * the fraction classified right. Those of the training are means over the batches of the epoch as they were trained
 * (with dropout, before each step). */
enum { HPX_MLP_METRICS = 6 };
extern const hpx_metric_kind hpx_mlp_metrics[HPX_MLP_METRICS];

/* Trains epochs from+1 .. to. */
hpx_status hpx_mlp_train(const hpx_fields *manifest, const hpx_split *data, uint32_t from, uint32_t to,
                         const hpx_blob *checkpoint, hpx_epoch_fn *on_epoch, void *context, hpx_error *error);

/* The paths that training these epochs from the first on takes. */
hpx_status hpx_mlp_paths(hpx_paths *out, const hpx_fields *manifest, const hpx_split *data, uint32_t epochs,
                         hpx_error *error);

/* HPX_USAGE for a network that is too large. */
hpx_status hpx_mlp_check(const hpx_fields *settings, uint32_t features, uint32_t classes, hpx_error *error);

/* HPX_DAMAGED for a checkpoint that hpx_mlp_train does not take for such a training's after that epoch. */
hpx_status hpx_mlp_check_checkpoint(const hpx_fields *manifest, uint32_t features, uint32_t classes,
                                    uint32_t epoch, const hpx_blob *checkpoint, hpx_error *error);

#endif
