/* A Gaussian process over all cells of a grid: what values it expects of cells, and how sure it is, after some
 * were observed. Mean 0, variance 1, Matern 5/2. All arithmetic is in a fixed order and without the C library's
 * functions, so that every bit is the same everywhere. */
#ifndef HPX_SEARCH_GAUSSIAN_H
#define HPX_SEARCH_GAUSSIAN_H

#include "hpx/search.h"

/* Where the cells lie: every axis has a length of 1. */
typedef struct hpx_space {
    hpx_grid grid;
    uint32_t cells;
    double *places[HPX_AXES_MAX]; /* of the values of an axis, in [0,1]; of an unordered one their indices */
} hpx_space;

void hpx_space_init(hpx_space *space, const hpx_grid *grid);
void hpx_space_free(hpx_space *space);

/* The square of the difference between two places of an axis; of different values of an unordered axis it
 * is 1. */
static inline double hpx_space_square(const hpx_space *space, size_t axis, double a, double b)
{
    return hpx_grid_is_unordered(&space->grid, axis) ? a != b : (a - b) * (a - b);
}

/* The covariance of two cells by the square of their distance, the differences divided by the lengths. */
double hpx_matern(double square);

/* Lengths over which values change, by axis, and the variance of what is observed around what is true. */
typedef struct hpx_hyper {
    double lengths[HPX_AXES_MAX];
    double noise;
} hpx_hyper;

/* Minus the logarithm of the likelihood of values observed at cells. */
double hpx_gaussian_loss(const hpx_space *space, const hpx_hyper *hyper, const uint32_t *cells,
                         const double *values, size_t count);

/* Where a fit starts that has none before it. */
hpx_hyper hpx_gaussian_first_hyper(void);

/* Goes from one fit to the next, when values have been observed since. */
void hpx_gaussian_fit(hpx_hyper *hyper, const hpx_space *space, const uint32_t *cells, const double *values,
                      size_t count);

typedef struct hpx_gaussian hpx_gaussian;

/* The space is borrowed. */
hpx_gaussian *hpx_gaussian_new(const hpx_space *space, const hpx_hyper *hyper);
void hpx_gaussian_free(hpx_gaussian *gaussian); /* NULL is fine */

/* Takes one more cell as observed, in O(n N) after n others, N cells in all. Cells are distinct. */
void hpx_gaussian_append(hpx_gaussian *gaussian, uint32_t cell);
void hpx_gaussian_truncate(hpx_gaussian *gaussian, size_t count); /* to the first `count` of them */
size_t hpx_gaussian_count(const hpx_gaussian *gaussian);

/* Mean and variance of every cell, given the values of the cells appended, in that order. NaN: its value is not known,
 * and it has the mean that those before it lead to. */
void hpx_gaussian_posterior(double *means, double *variances, const hpx_gaussian *gaussian,
                            const double *values);

#endif
