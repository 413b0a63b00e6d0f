/* The network's end: softmax and cross-entropy, forward and back. Arrays are rows x classes; nothing is
 * allocated. */
#ifndef HPX_NN_SOFTMAX_H
#define HPX_NN_SOFTMAX_H

#include "nn/mlp.h"

/* The softmax of each row of the logits z with biases added; `softmax` may be z, or NULL when it is not
 * wanted. Returns the sums of the cross-entropies, log(sum(exp(z - max z))) - (z[label] - max z), so that no
 * exponential overflows, and of the samples whose label's logit is the first of the largest. Labels are below
 * `classes`. */
hpx_tally hpx_softmax_forward(float *softmax, const float *z, const float *bias, const uint8_t *labels,
                              size_t rows, size_t classes);

/* From the softmax to the derivative of the mean loss by the logits, (softmax - one-hot label) / rows, and
 * its column sums. */
void hpx_softmax_backward(float *delta, float *bias_gradient, const uint8_t *labels, size_t rows,
                          size_t classes);

/* x = e^x for values of at most 0, to 2 units in the last place, and 0 below -87; NaN stays NaN. */
void hpx_exponentials(float *x, size_t count);

#endif
