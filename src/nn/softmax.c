#include "softmax.h"

#include "vector.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define ROWS_AT_ONCE 16

/* e^x = 2^n e^r with r in [-ln 2 / 2, ln 2 / 2] (W. J. Cody and W. Waite, "Software manual for the elementary
 * functions", 1980, chapter 6: ln 2 in two parts, so that n times the first is exact); e^r by its series, cut
 * after r^7 / 7!, whose rest is below 6e-9 e^r. In plain operations, so that the loop is vectorised and all
 * processors agree on every bit. */
static inline float exponential(float x)
{
    const float round = 12582912; /* 1.5 * 2^23: adding it leaves an integer in the last bits */
    const float sum = (x < -87 ? -87 : x) * 1.44269504f + round, n = sum - round;
    const float r = ((x < -87 ? -87 : x) - n * 0.693359375f) + n * 2.12194440e-4f;
    uint32_t bits;
    float power, series = 1 / 5040.0f;
    series = series * r + 1 / 720.0f;
    series = series * r + 1 / 120.0f;
    series = series * r + 1 / 24.0f;
    series = series * r + 1 / 6.0f;
    series = series * r + 0.5f;
    series = series * r + 1;
    series = series * r + 1;
    memcpy(&bits, &sum, sizeof bits);
    bits = (bits + 127) << 23; /* the exponent of 2^n: what else is in the sum's bits is shifted out */
    memcpy(&power, &bits, sizeof power);
    return x < -87 ? 0 : series * power;
}

HPX_VECTORISED
void hpx_exponentials(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = exponential(x[i]);
}

/* A row of logits less the largest, biases added. Returns the label's; *correct says whether that is the
 * first of the largest. Without branches: which logit is the largest cannot be foreseen. */
static float shift(float *z, const float *bias, size_t classes, size_t label, bool *correct)
{
    float top = z[0] += bias[0];
    bool earlier = false;
    for (size_t j = 1; j < classes; j++) {
        z[j] += bias[j];
        top = z[j] > top ? z[j] : top;
    }
    for (size_t j = 0; j < classes; j++) {
        z[j] -= top;
        earlier |= (z[j] == 0) & (j < label);
    }
    *correct = (z[label] == 0) & !earlier;
    return z[label];
}

/* Step by step for some rows, so that they do not wait for each other's sums. */
static void forward_rows(hpx_tally *sums, float *z, const float *bias, const uint8_t *labels, size_t rows,
                         size_t classes)
{
    float own[ROWS_AT_ONCE];
    for (size_t i = 0; i < rows; i++) {
        bool correct;
        assert(labels[i] < classes);
        own[i] = shift(z + i * classes, bias, classes, labels[i], &correct);
        sums->correct += correct;
    }
    hpx_exponentials(z, rows * classes);
    for (size_t i = 0; i < rows; i++, z += classes) {
        double sum = (double)z[0];
        for (size_t j = 1; j < classes; j++)
            sum += (double)z[j];
        const float scale = (float)(1 / sum);
        for (size_t j = 0; j < classes; j++)
            z[j] *= scale;
        sums->loss += log(sum) - (double)own[i];
    }
}

hpx_tally hpx_softmax_forward(float *z, const float *bias, const uint8_t *labels, size_t rows, size_t classes)
{
    hpx_tally sums = {0, 0};
    for (size_t i = 0, some; i < rows; i += some) {
        some = rows - i < ROWS_AT_ONCE ? rows - i : ROWS_AT_ONCE;
        forward_rows(&sums, z + i * classes, bias, labels + i, some, classes);
    }
    return sums;
}

void hpx_softmax_backward(float *delta, float *bias_gradient, const uint8_t *labels, size_t rows,
                          size_t classes)
{
    const float scale = 1 / (float)rows;
    memset(bias_gradient, 0, classes * sizeof(float));
    for (size_t i = 0; i < rows; i++, delta += classes) {
        delta[labels[i]] -= 1;
        for (size_t j = 0; j < classes; j++) {
            delta[j] *= scale;
            bias_gradient[j] += delta[j];
        }
    }
}
