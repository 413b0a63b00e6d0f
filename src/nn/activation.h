/* The elementwise work on the outputs of a hidden layer: bias and activation, dropout, and the way back. All
 * arrays are rows x columns, with rows `stride` floats apart; nothing is allocated. */
#ifndef HPX_NN_ACTIVATION_H
#define HPX_NN_ACTIVATION_H

#include "nn/mlp.h"

#include <stdbool.h>

/* Whether the derivative must be kept from the forward pass. ReLU's shows in its output: it is 1 where that
 * is above 0. */
bool hpx_activation_keeps_derivative(hpx_activation kind);

/* y = f(y + bias), and derivative = f'(y + bias) unless it is NULL or need not be kept. */
void hpx_activation_forward(hpx_activation kind, float *y, float *derivative, const float *bias, size_t rows,
                            size_t columns, size_t stride);

/* Inverted dropout (N. Srivastava et al., "Dropout: a simple way to prevent neural networks from
 * overfitting", JMLR 15, 2014): y and derivative (unless NULL) become 0 with the given probability and are divided
 * by 1 - probability otherwise. Row i is the mask of the sample at place draw.first + i of the epoch, and the
 * first column is unit `first` of the layer, a multiple of 4. */
void hpx_dropout(float *y, float *derivative, size_t rows, size_t first, size_t columns, size_t stride,
                 float probability, uint32_t layer, hpx_mlp_draw draw);

/* delta *= derivative (ReLU, with derivative NULL: scale where y > 0, else 0), and bias_gradient = column sums of
 * delta. */
void hpx_activation_backward(float *delta, float *bias_gradient, const float *y, const float *derivative,
                             float scale, size_t rows, size_t columns, size_t stride);

#endif
