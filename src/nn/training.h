/* The training of a network, whatever its kind: epochs of shuffled batches, evaluation, checkpoints. What the calls
 * of a trainer do (hpx/trainer.h), on samples. */
#ifndef HPX_NN_TRAINING_H
#define HPX_NN_TRAINING_H

#include "hpx/fields.h"
#include "hpx/training.h"
#include "nn/model.h"
#include "nn/samples.h"

/* Loss and accuracy of the training, of the samples held out and of the test: mean cross-entropy (nats per sample) and
 * the fraction classified right. Those of the training are means over the batches of the epoch as they were trained
 * (with dropout, before each step). */
enum { HPX_TRAINING_METRICS = 6 };
extern const hpx_metric_kind hpx_training_metrics[HPX_TRAINING_METRICS];

/* Trains epochs from+1 .. to. */
hpx_status hpx_training_run(const hpx_model *model, const hpx_fields *manifest, const hpx_split *data,
                            uint32_t from, uint32_t to, const hpx_blob *checkpoint, hpx_epoch_fn *on_epoch,
                            void *context, hpx_error *error);

/* The paths that training these epochs from the first on takes. */
hpx_status hpx_training_paths(hpx_paths *out, const hpx_model *model, const hpx_fields *manifest,
                              const hpx_split *data, uint32_t epochs, hpx_error *error);

/* HPX_USAGE for settings that describe no network, or one that is too large. */
hpx_status hpx_training_check(const hpx_model *model, const hpx_fields *settings,
                              const hpx_sample_shape *samples, hpx_error *error);

/* HPX_DAMAGED for a checkpoint that hpx_training_run does not take for such a training's after that epoch. */
hpx_status hpx_training_check_checkpoint(const hpx_model *model, const hpx_fields *manifest,
                                         const hpx_sample_shape *samples, uint32_t epoch,
                                         const hpx_blob *checkpoint, hpx_error *error);

#endif
