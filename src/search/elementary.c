/* Both reduce their argument by powers of two and sum a power series whose remainder is below half a unit in
 * the last place (J.-M. Muller, Elementary Functions, 3rd ed. 2016, chapters 4 and 11).
 *
 *     x = n ln 2 + r, |r| <= (ln 2)/2:      e^x = 2^n sum_k r^k / k!
 *     x = 2^n m, sqrt(1/2) <= m < sqrt(2):  ln x = n ln 2 + 2 artanh(s), s = (m-1)/(m+1), |s| < 0.172
 *
 * ln 2 is the sum of two numbers, of which the first has so few bits that its product with n is exact. */
#include "elementary.h"

#include <assert.h>
#include <math.h>

#define LN2      0x1.62e42fefa39efp-1
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW  0x1.a39ef35793c76p-33

enum { EXP_TERMS = 14, LN_TERMS = 12 };

double hpx_exp(double x)
{
    assert(x <= 700);
    if (x < -700)
        return 0;
    const double n = floor(x / LN2 + 0.5), r = x - n * LN2_HIGH - n * LN2_LOW;
    double sum = 1;
    for (int k = EXP_TERMS; k > 0; k--)
        sum = 1 + sum * r / k;
    return ldexp(sum, (int)n);
}

double hpx_ln(double x)
{
    assert(x > 0);
    int n;
    double m = frexp(x, &n);
    if (m < M_SQRT1_2) {
        m *= 2;
        n--;
    }
    const double s = (m - 1) / (m + 1), square = s * s;
    double sum = 0;
    for (int k = LN_TERMS; k >= 0; k--)
        sum = sum * square + 1.0 / (2 * k + 1);
    return n * LN2_HIGH + (n * LN2_LOW + 2 * s * sum);
}

double hpx_billionths(double x)
{
    return floor(x * 1e9 + 0.5);
}
