/* Exponential and logarithm of our own. The C library's differ in their last bits from one version to another;
 * these are sums and products in a fixed order, each rounded as IEEE 754 says, so that they have the same bits
 * everywhere. */
#ifndef HPX_SEARCH_ELEMENTARY_H
#define HPX_SEARCH_ELEMENTARY_H

/* e^x to about one unit in the last place, for x of at most 700; 0 below -700. */
double hpx_exp(double x);

/* The natural logarithm, likewise, for finite x > 0. */
double hpx_ln(double x);

/* The nearest multiple of 1e-9, in these. What is compared is rounded so first, that cells which promise the same
 * but for rounding are equal. */
double hpx_billionths(double x);

#endif
