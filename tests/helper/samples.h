/* Samples for tests of trainings: drawn, and the same in every run. */
#ifndef HPX_TESTS_SAMPLES_H
#define HPX_TESTS_SAMPLES_H

#include "nn/samples.h"

#include <stdint.h>

/* A split with these features, classes and counts (of training, validation and test samples), whose pixels and
 * labels are written to arrays that have room for all. One pixel in `some` is not zero. */
hpx_split draw_split(uint8_t *pixels, uint8_t *labels, uint32_t features, uint32_t classes,
                     const uint32_t counts[3], uint32_t some);

#endif
