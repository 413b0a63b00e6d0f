#include "softmax.h"

#include "path.h"
#include "vector.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define ROWS        16  /* at once: the product of as many sums of 256 exponentials is still a double */
#define CLASSES_MAX 256 /* labels are bytes */

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

HPX_VECTORISED(, hpx_exponentials, (float *x, size_t count), (x, count))
{
    for (size_t i = 0; i < count; i++)
        x[i] = exponential(x[i]);
}

/* A column of some rows at once: `rows` of them, and what the others give does not count. */
HPX_VECTORISED(static, forward_rows,
               (hpx_tally * sums, float *softmax, const float *z, const float *bias, const uint8_t *labels,
                size_t rows, size_t classes),
               (sums, softmax, z, bias, labels, rows, classes))
{
    float columns[CLASSES_MAX][ROWS], top[ROWS];
    uint32_t first[ROWS]; /* of the largest */
    double sum[ROWS], product = 1, own = 0;
    memset(columns, 0, classes * sizeof columns[0]);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < classes; j++)
            columns[j][i] = z[i * classes + j];
    for (size_t i = 0; i < ROWS; i++) {
        columns[0][i] += bias[0];
        top[i] = columns[0][i];
        first[i] = 0;
    }
    for (size_t j = 1; j < classes; j++) {
        for (size_t i = 0; i < ROWS; i++) {
            columns[j][i] += bias[j];
            first[i] = columns[j][i] > top[i] ? (uint32_t)j : first[i];
            top[i] = columns[j][i] > top[i] ? columns[j][i] : top[i];
        }
    }
    for (size_t j = 0; j < classes; j++)
        for (size_t i = 0; i < ROWS; i++)
            columns[j][i] -= top[i];
    for (size_t i = 0; i < rows; i++) {
        assert(labels[i] < classes);
        const float label = columns[labels[i]][i];
        own += (double)label;
        sums->correct += (first[i] == labels[i]) & (label == 0); /* which it is not if it is not finite */
    }
    hpx_exponentials_loops(columns[0], classes * ROWS);
    for (size_t i = 0; i < ROWS; i++)
        sum[i] = (double)columns[0][i];
    for (size_t j = 1; j < classes; j++)
        for (size_t i = 0; i < ROWS; i++)
            sum[i] += (double)columns[j][i];
    for (size_t i = 0; i < rows; i++)
        product *= sum[i];
    sums->loss += log(product) - own;
    if (!softmax)
        return;
    for (size_t i = 0; i < ROWS; i++)
        top[i] = (float)(1 / sum[i]);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < classes; j++)
            softmax[i * classes + j] = columns[j][i] * top[i];
}

hpx_tally hpx_softmax_forward(float *softmax, const float *z, const float *bias, const uint8_t *labels,
                              size_t rows, size_t classes)
{
    hpx_tally sums = {0, 0};
    for (size_t i = 0, some; i < rows; i += some) {
        some = rows - i < ROWS ? rows - i : ROWS;
        hpx_path_take(some == ROWS ? HPX_PATH_SOFTMAX_WHOLE : HPX_PATH_SOFTMAX_REST);
        forward_rows(&sums, softmax ? softmax + i * classes : NULL, z + i * classes, bias, labels + i, some,
                     classes);
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
