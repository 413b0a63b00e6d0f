/* Samples and manifests for tests of trainings: the same in every run. */
#ifndef HPX_TESTS_SAMPLES_H
#define HPX_TESTS_SAMPLES_H

#include "hpx/fields.h"
#include "nn/samples.h"

#include <stddef.h>
#include <stdint.h>

/* A split with these features, classes and counts (of training, validation and test samples), whose pixels and
 * labels are written to arrays that have room for all. One pixel in `some` is not zero. */
hpx_split draw_split(uint8_t *pixels, uint8_t *labels, uint32_t features, uint32_t classes,
                     const uint32_t counts[3], uint32_t some);

/* A multilayer perceptron with these hidden layers: relu, Adam at a rate of 0.01, batches of 20, seed 1. */
hpx_fields mlp_manifest(const uint64_t *hidden, size_t layers);

/* Convolutions with so many filters each, all with the same kernel, stride, padding ("same", "valid" or a count) and
 * pooling ("max" or "average" of `pool` x `pool`), and those hidden layers behind them; else as mlp_manifest. */
typedef struct convolutions {
    uint64_t filters[4];
    size_t count;
    uint64_t kernel, stride;
    const char *padding;
    uint64_t pool;
    const char *pooling;
} convolutions;
hpx_fields cnn_manifest(const convolutions *c, const uint64_t *hidden, size_t layers);

#endif
