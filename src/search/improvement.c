/* ln h(z), h(z) = phi(z) + z Phi(z), in a form that is stable for every z [1, eq. 9].
 *
 * Below -1 the two terms of h cancel. There, with x = -z and Mills' ratio R(x) = (1 - Phi(x)) / phi(x),
 *
 *     h(-x) = phi(x) (1 - x R(x)),   R(x) = 1/(x + 1/(x + 2/(x + 3/(x + ...))))    [2, 26.2.14]
 *
 * and with t = x + 2/(x + 3/(x + ...)), so that R(x) = 1/(x + 1/t), nothing is subtracted any more:
 *
 *     1 - x R(x) = 1 / (1 + x t).
 *
 * Between -1 and 1, Phi(z) = 1/2 + phi(z) sum_k z^(2k+1) / (1 3 5 ... (2k+1)) [2, 26.2.11]. Above 1,
 * h(z) = z + h(-z).
 *
 * [1] S. Ament et al., "Unexpected improvements to expected improvement for Bayesian optimization", NeurIPS 2023.
 * [2] M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 1964. */
#include "improvement.h"

#include "elementary.h"

#include <math.h>

#define LN_SQRT_2PI 0.91893853320467274178

/* The remainder of the fraction after n terms falls with exp(-2 x sqrt(2n)). */
static double ln_tail(double x)
{
    double t = x;
    for (int k = 10 + (int)(200 / (x * x)); k >= 2; k--)
        t = x + k / t;
    return -x * x / 2 - LN_SQRT_2PI - hpx_ln(1 + x * t);
}

static double near_zero(double z)
{
    enum { TERMS = 14 };
    double sum = 0;
    for (int k = TERMS; k >= 0; k--)
        sum = (1 + z * z * sum) / (2 * k + 1);
    const double phi = hpx_exp(-z * z / 2 - LN_SQRT_2PI);
    return phi + z * (0.5 + phi * z * sum);
}

double hpx_ln_improvement(double z)
{
    if (z < -1)
        return ln_tail(-z);
    return hpx_ln(z > 1 ? z + hpx_exp(ln_tail(z)) : near_zero(z));
}

double hpx_ln_expected_improvement(double best, double mean, double sd)
{
    return hpx_ln(sd) + hpx_ln_improvement((best - mean) / sd);
}
