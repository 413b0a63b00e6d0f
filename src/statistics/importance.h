/* Which axes of a grid matter: the functional analysis of variance (Hutter, Hoos and Leyton-Brown, "An efficient
 * approach for assessing hyperparameter importance", ICML 2014) of a whole table, where it needs no model: the
 * design is balanced. Seeds are blocks, and what they leave unexplained is noise, which is taken off the effects. */
#ifndef HPX_STATISTICS_IMPORTANCE_H
#define HPX_STATISTICS_IMPORTANCE_H

#include "hpx/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Shares of the sum of all variances and the noise; they add up to 1, or are all 0 where nothing varies. */
typedef struct hpx_importance {
    size_t axes;
    double *axis;    /* axes: each axis by itself */
    double *pair;    /* axes x axes, symmetric, 0 on the diagonal: what two axes have beyond each by itself */
    double rest;     /* what three or more axes have beyond that */
    double noise;    /* 0 with one seed */
    double noise_sd; /* sigma, of one trial, in units of the values; NaN with one seed */
    bool raw;        /* one seed: the shares have noise in them */
} hpx_importance;

/* `values` is cells x seeds; cells are numbered row by row, the last axis fastest, as an hpx_grid's are. Weights are
 * uniform. For a set U of axes, V(U) = max(0, (SS(U) - df(U) sigma^2 / seeds) / cells), SS(U) the sum of squares of
 * its effects on the cells' means, df(U) the product of (levels - 1), sigma^2 the residual mean square of the table
 * with (cells - 1)(seeds - 1) degrees. HPX_USAGE: a value is not finite, or there is one cell alone. */
hpx_status hpx_importance_of(hpx_importance *out, const double *values, size_t axes, const uint32_t *counts,
                             size_t seeds, hpx_error *error);
void hpx_importance_free(hpx_importance *importance); /* a zeroed one is fine */

#endif
