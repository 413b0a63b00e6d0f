/* Exponentials, and the loss and its derivatives made of them, against the C library's in double
 * precision. */
#include "nn/softmax.h"

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static float exponential(float x)
{
    hpx_exponentials(&x, 1);
    return x;
}

/* Every 64th of the floats from -87 to 0, vectors full of them. */
static void test_exponentials(void **state)
{
    enum { MANY = 1000 };
    float x[MANY], y[MANY];
    uint32_t bits = 0x80000000, last; /* -0 */
    const float lowest = -87;
    (void)state;
    memcpy(&last, &lowest, sizeof last);
    while (bits < last) {
        size_t count = 0;
        for (; count < MANY && bits <= last; count++, bits += 64)
            memcpy(&x[count], &bits, sizeof bits);
        memcpy(y, x, count * sizeof *x);
        hpx_exponentials(y, count);
        for (size_t i = 0; i < count; i++) {
            const double exact = exp((double)x[i]), unit = ldexp(1, ilogb(exact) - 23);
            if (!(fabs((double)y[i] - exact) <= 2 * unit))
                fail_msg("e^%.9g: %.9g instead of %.9g", (double)x[i], (double)y[i], exact);
        }
    }
    assert_true(exponential(0) == 1);
    assert_true(exponential(-87) > 0);
    assert_true(exponential(nextafterf(-87, -88)) == 0);
    assert_true(exponential(-1e30f) == 0);
    assert_true(exponential(-INFINITY) == 0);
    assert_true(isnan(exponential(NAN)));
}

static float uniform(uint32_t purpose, uint32_t i)
{
    uint32_t words[4];
    hpx_random(words, 23, purpose, 0, 0, i);
    return 2 * hpx_random_float(words[0]) - 1;
}

/* As many rows as are taken at once, more, and fewer; logits that are close together and far apart. */
static void check(size_t rows, size_t classes, float spread)
{
    enum { ROWS_MAX = 50, CLASSES_MAX = 256 };
    static float z[ROWS_MAX * CLASSES_MAX], sums[CLASSES_MAX], bias[CLASSES_MAX];
    static double exact[ROWS_MAX * CLASSES_MAX];
    uint8_t labels[ROWS_MAX];
    double loss = 0;
    uint64_t correct = 0;
    for (uint32_t j = 0; j < classes; j++)
        bias[j] = uniform(1, j);
    for (uint32_t i = 0; i < rows; i++) {
        double *row = exact + i * classes, sum = 0;
        size_t largest = 0;
        labels[i] = (uint8_t)(i * 7 % classes);
        for (uint32_t j = 0; j < classes; j++) {
            z[i * classes + j] = spread * uniform(2 + i, j);
            row[j] = (double)(z[i * classes + j] + bias[j]);
            largest = row[j] > row[largest] ? j : largest;
        }
        correct += largest == labels[i];
        for (size_t j = 0; j < classes; j++)
            sum += exp(row[j] - row[largest]);
        loss += log(sum) + row[largest] - row[labels[i]];
        const double top = row[largest];
        for (size_t j = 0; j < classes; j++)
            row[j] = exp(row[j] - top) / sum;
    }
    const hpx_tally alone = hpx_softmax_forward(NULL, z, bias, labels, rows, classes),
                    found = hpx_softmax_forward(z, z, bias, labels, rows, classes);
    assert_true(fabs(found.loss - loss) < 1e-6 * (1 + loss));
    assert_int_equal(found.correct, correct);
    assert_true(alone.loss == found.loss && alone.correct == found.correct);
    for (size_t i = 0; i < rows * classes; i++)
        assert_true(fabs((double)z[i] - exact[i]) < 1e-6);
    hpx_softmax_backward(z, sums, labels, rows, classes);
    for (size_t j = 0; j < classes; j++) {
        double sum = 0;
        for (size_t i = 0; i < rows; i++) {
            const double derivative = (exact[i * classes + j] - (labels[i] == j)) / (double)rows;
            assert_true(fabs((double)z[i * classes + j] - derivative) < 1e-6);
            sum += derivative;
        }
        assert_true(fabs((double)sums[j] - sum) < 1e-6);
    }
}

static void test_rows(void **state)
{
    static const size_t rows[] = {1, 15, 16, 17, 50}, classes[] = {1, 2, 3, 10, 256};
    static const float spreads[] = {0.1f, 5, 300};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 5; j++)
            for (size_t k = 0; k < 3; k++)
                check(rows[i], classes[j], spreads[k]);
}

/* Among equals the first counts. What is not finite shows in the loss. */
static void test_corners(void **state)
{
    const float none[3] = {0, 0, 0};
    float equal[6] = {2, 2, 1, 2, 2, 1}, broken[6] = {0, NAN, 0, INFINITY, 0, 0};
    (void)state;
    assert_int_equal(hpx_softmax_forward(NULL, equal, none, (const uint8_t[]){0}, 1, 3).correct, 1);
    assert_int_equal(hpx_softmax_forward(NULL, equal + 3, none, (const uint8_t[]){1}, 1, 3).correct, 0);
    assert_true(isnan(hpx_softmax_forward(NULL, broken, none, (const uint8_t[]){0}, 1, 3).loss));
    assert_true(isnan(hpx_softmax_forward(NULL, broken + 3, none, (const uint8_t[]){1}, 1, 3).loss));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponentials),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_corners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
