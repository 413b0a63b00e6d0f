/* A whole gradient from the parts of one, and back. */
#ifndef HPX_TESTS_GRADIENT_H
#define HPX_TESTS_GRADIENT_H

#include "nn/optimizer.h"

/* An hpx_gradient_fn: writes the part to its place in `context`, an array as long as the parameters. */
void gather_gradient(void *context, const hpx_gradient *part);

/* An array of `count` derivatives, those of all parameters, as one part. */
hpx_gradient whole_gradient(const float *values, size_t count);

#endif
