/* Labelled samples, as the trainers of networks see a data set. */
#ifndef HPX_NN_SAMPLES_H
#define HPX_NN_SAMPLES_H

#include <stdint.h>

/* What one sample is: an image, row by row, the channel last. */
typedef struct hpx_sample_shape {
    uint32_t features, classes;       /* bytes, and of how many classes it is one */
    uint32_t height, width, channels; /* their product is `features`; all 0: not known */
} hpx_sample_shape;

/* count x features bytes, row by row, borrowed. */
typedef struct hpx_samples {
    const uint8_t *pixels; /* count x features */
    const uint8_t *labels; /* count, each below `classes` of the split */
    uint32_t count;
} hpx_samples;

typedef struct hpx_split {
    hpx_sample_shape shape;
    hpx_samples train, validation, test; /* validation.count may be 0 */
} hpx_split;

#endif
