/* Inputs of trainers that learn from labelled images: four IDX files. */
#ifndef HPX_TRAINER_IMAGES_H
#define HPX_TRAINER_IMAGES_H

#include "hpx/dataset.h"
#include "hpx/input.h"
#include "nn/samples.h"

extern const hpx_input_kind hpx_images; /* opens an hpx_dataset */

/* The samples that a manifest names. HPX_FAILED if the data set has too few. */
hpx_status hpx_images_split(hpx_split *out, const hpx_fields *manifest, const hpx_dataset *dataset,
                            hpx_error *error);

/* How many of the images a training takes, by its manifest; 0 if it does not say. */
uint32_t hpx_images_train_count(const hpx_fields *manifest);

/* What an image is by a record of such inputs; records of earlier versions do not know its height, width and channels.
 * HPX_DAMAGED if it does not say. */
hpx_status hpx_images_shape(hpx_sample_shape *out, const hpx_fields *inputs, hpx_error *error);

#endif
