#include "activation.h"

#include "base/random.h"
#include "path.h"
#include "vector.h"

#include <math.h>
#include <string.h>

typedef float rule(float z, float *derivative);

static inline float relu(float z, float *derivative)
{
    *derivative = 0;
    return z > 0 ? z : 0;
}

static inline float hyperbolic_tangent(float z, float *derivative)
{
    float y = tanhf(z);
    *derivative = 1 - y * y;
    return y;
}

static inline float sigmoid(float z, float *derivative)
{
    float y = 1 / (1 + expf(-z));
    *derivative = y * (1 - y);
    return y;
}

/* D. Hendrycks and K. Gimpel, "Gaussian error linear units", 2016: z times the normal distribution function,
 * exactly, not by the tanh approximation. */
static inline float gelu(float z, float *derivative)
{
    const float root_half = 0.70710678f, inverse_root_2pi = 0.39894228f;
    float below = 0.5f * (1 + erff(z * root_half));
    *derivative = below + z * inverse_root_2pi * expf(-0.5f * z * z);
    return z * below;
}

/* Always inlined with a constant rule, so that each activation becomes a loop of its own. */
static inline __attribute__((always_inline)) void apply(rule *f, float *restrict y,
                                                        float *restrict derivatives,
                                                        const float *restrict bias, size_t rows,
                                                        size_t columns, size_t stride)
{
    for (size_t i = 0; i < rows; i++, y += stride) {
        for (size_t j = 0; j < columns; j++) {
            float derivative;
            y[j] = f(y[j] + bias[j], &derivative);
            if (derivatives)
                derivatives[i * stride + j] = derivative;
        }
    }
}

bool hpx_activation_keeps_derivative(hpx_activation kind)
{
    return kind != HPX_RELU;
}

HPX_VECTORISED(, hpx_activation_forward,
               (hpx_activation kind, float *y, float *derivative, const float *bias, size_t rows,
                size_t columns, size_t stride),
               (kind, y, derivative, bias, rows, columns, stride))
{
    switch (kind) {
    case HPX_RELU:
        hpx_path_take(HPX_PATH_RELU);
        apply(relu, y, NULL, bias, rows, columns, stride);
        break;
    case HPX_TANH:
        hpx_path_take(HPX_PATH_TANH);
        apply(hyperbolic_tangent, y, derivative, bias, rows, columns, stride);
        break;
    case HPX_SIGMOID:
        hpx_path_take(HPX_PATH_SIGMOID);
        apply(sigmoid, y, derivative, bias, rows, columns, stride);
        break;
    case HPX_GELU:
        hpx_path_take(HPX_PATH_GELU);
        apply(gelu, y, derivative, bias, rows, columns, stride);
        break;
    }
}

void hpx_dropout(float *y, float *derivative, size_t rows, size_t first, size_t columns, size_t stride,
                 float probability, uint32_t layer, hpx_mlp_draw draw)
{
    const float scale = 1 / (1 - probability);
    hpx_path_take(columns % 4 == 0 ? HPX_PATH_DROPOUT : HPX_PATH_DROPOUT_REST);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j += 4) {
            uint32_t words[4];
            hpx_random(words, draw.seed, HPX_RANDOM_DROPOUT + layer, draw.epoch, draw.first + (uint32_t)i,
                       (uint32_t)((first + j) / 4));
            for (size_t k = 0; k < 4 && j + k < columns; k++) {
                float factor = hpx_random_float(words[k]) < probability ? 0 : scale;
                y[i * stride + j + k] *= factor;
                if (derivative)
                    derivative[i * stride + j + k] *= factor;
            }
        }
    }
}

HPX_VECTORISED(, hpx_activation_backward,
               (float *restrict delta, float *restrict bias_gradient, const float *restrict y,
                const float *restrict derivative, float scale, size_t rows, size_t columns, size_t stride),
               (delta, bias_gradient, y, derivative, scale, rows, columns, stride))
{
    memset(bias_gradient, 0, columns * sizeof(float));
    for (size_t i = 0; i < rows; i++) {
        const size_t row = i * stride;
        for (size_t j = 0; j < columns; j++) {
            float factor = derivative ? derivative[row + j] : y[row + j] > 0 ? scale : 0;
            delta[row + j] *= factor;
            bias_gradient[j] += delta[row + j];
        }
    }
}
