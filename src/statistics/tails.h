/* Upper tails of the distributions that tests refer to: how likely a value of x or more is. To about 1e-12 of the value. */
#ifndef HPX_STATISTICS_TAILS_H
#define HPX_STATISTICS_TAILS_H

/* Chi squared with so many degrees of freedom, above 0. x >= 0, or infinite. */
double hpx_chi_squared_tail(double x, double degrees);

/* F with so many degrees of freedom above and below, both above 0. x >= 0, or infinite. */
double hpx_f_tail(double x, double above, double below);

#endif
