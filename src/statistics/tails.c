/* The incomplete gamma and beta functions. Where it converges fast, a series or continued fraction gives the tail
 * itself; elsewhere it gives the rest. Continued fractions are evaluated from their front.
 *
 * [1] DLMF, NIST Digital Library of Mathematical Functions, 8.7.1, 8.9.2 (gamma), 8.17.22 (beta).
 * [2] W. J. Lentz, "Generating Bessel functions in Mie scattering calculations using continued fractions", Applied
 *     Optics 15, 1976; with the change of I. J. Thompson and A. R. Barnett, "Coulomb and Bessel functions of complex
 *     arguments and order", Journal of Computational Physics 64, 1986. */
#include "tails.h"

#include <assert.h>
#include <float.h>
#include <math.h>

#define TERMS_MAX 100000
#define TINY      1e-300

static double ln_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* A continued fraction b0 + a1/(b1 + a2/(b2 + ...)): [2]. */
struct fraction {
    double value, c, d;
};

static struct fraction fraction_begin(double b0)
{
    const double value = b0 == 0 ? TINY : b0;
    return (struct fraction){value, value, 0};
}

/* Takes the next a and b; says whether the value has changed by more than rounding. */
static int fraction_next(struct fraction *fraction, double a, double b)
{
    const double c = b + a / fraction->c, d = b + a * fraction->d;
    fraction->c = c == 0 ? TINY : c;
    fraction->d = 1 / (d == 0 ? TINY : d);
    const double change = fraction->c * fraction->d;
    fraction->value *= change;
    return fabs(change - 1) > DBL_EPSILON;
}

/* Q(a, x), the upper incomplete gamma function over the whole. */
static double upper_gamma(double a, double x)
{
    const double front = exp(a * log(x) - x - ln_gamma(a));
    if (x < a + 1) {
        double term = 1 / a, sum = term;
        for (int n = 1; n < TERMS_MAX && term > sum * DBL_EPSILON; n++) {
            term *= x / (a + n);
            sum += term;
        }
        return 1 - front * sum;
    }
    struct fraction below = fraction_begin(x + 1 - a);
    for (int n = 1; n < TERMS_MAX && fraction_next(&below, -n * (n - a), x + 2 * n + 1 - a); n++)
        ;
    return front / below.value;
}

/* I_x(a, b) by its continued fraction, for x < (a + 1) / (a + b + 2). */
static double lower_beta_fraction(double a, double b, double x)
{
    const double front = exp(ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * log(x) + b * log1p(-x)) / a;
    struct fraction below = fraction_begin(1);
    int more = 1;
    for (int m = 0; m < TERMS_MAX && more; m++) {
        fraction_next(&below, -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1);
        const int n = m + 1;
        more = fraction_next(&below, n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n)), 1);
    }
    return front / below.value;
}

/* I_x(a, b), the lower incomplete beta function over the whole; y = 1 - x. */
static double lower_beta(double a, double b, double x, double y)
{
    return x < (a + 1) / (a + b + 2) ? lower_beta_fraction(a, b, x) : 1 - lower_beta_fraction(b, a, y);
}

double hpx_chi_squared_tail(double x, double degrees)
{
    assert(x >= 0 && degrees > 0);
    return x == 0 ? 1 : isinf(x) ? 0 : upper_gamma(degrees / 2, x / 2);
}

double hpx_f_tail(double x, double above, double below)
{
    assert(x >= 0 && above > 0 && below > 0);
    if (x == 0 || isinf(x))
        return x == 0;
    const double whole = below + above * x;
    return lower_beta(below / 2, above / 2, below / whole, above * x / whole);
}
