/* Gaussian process regression [1, algorithm 2.1], kept so that one more observation is cheap.
 *
 * K is the covariance of the observed cells, noise on its diagonal, K = L L' (Cholesky), and k(c) that of the
 * observed cells with a cell c. With v(c) = L^-1 k(c) and a = L^-1 y,
 *
 *     mean(c) = a' v(c),   variance(c) = 1 - v(c)' v(c).
 *
 * A row of v has one number of every cell. One more observation, at x, appends a number to a and a row to v,
 *
 *     l = sqrt(1 + noise - v(x)' v(x)),   v_n(c) = (k(x, c) - v(x)' v(c)) / l,   a_n = (y - v(x)' a) / l,
 *
 * since v(x) is the new row of L, and l its end. An observation of just the mean has a_n = 0. What was appended
 * last is taken back by forgetting it.
 *
 * [1] C. Rasmussen and C. Williams, Gaussian Processes for Machine Learning, 2006. */
#include "gaussian.h"

#include "base/memory.h"
#include "elementary.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Rounding may leave less, even nothing, beside an observation. */
static const double variance_min = 1e-12;

struct hpx_gaussian {
    const hpx_space *space;
    hpx_hyper hyper;
    uint32_t *points; /* the cells appended */
    double **rows;    /* v, by them */
    double *ends;     /* l */
    size_t count;
    size_t made; /* rows, those of points that were forgotten included */
    size_t points_capacity, rows_capacity, ends_capacity;
};

void hpx_space_init(hpx_space *space, const hpx_grid *grid)
{
    *space = (hpx_space){.grid = *grid, .cells = hpx_grid_cells(grid)};
    for (size_t axis = 0; axis < grid->axes; axis++) {
        const uint32_t count = grid->counts[axis];
        double *places = space->places[axis] = hpx_alloc(count * sizeof *places);
        const double *values = hpx_grid_is_unordered(grid, axis) ? NULL : grid->values[axis];
        for (uint32_t i = 0; i < count; i++)
            places[i] = !values ? i : grid->logarithmic >> axis & 1 ? hpx_ln(values[i]) : values[i];
        double low = places[0], high = places[0];
        for (uint32_t i = 1; i < count; i++) {
            low = places[i] < low ? places[i] : low;
            high = places[i] > high ? places[i] : high;
        }
        for (uint32_t i = 0; high > low && i < count && !hpx_grid_is_unordered(grid, axis); i++)
            places[i] = (places[i] - low) / (high - low);
    }
}

void hpx_space_free(hpx_space *space)
{
    for (size_t axis = 0; axis < space->grid.axes; axis++)
        free(space->places[axis]);
    *space = (hpx_space){0};
}

double hpx_matern(double square)
{
    const double d = sqrt(5 * square);
    return (1 + d + d * d / 3) * hpx_exp(-d);
}

hpx_gaussian *hpx_gaussian_new(const hpx_space *space, const hpx_hyper *hyper)
{
    hpx_gaussian *gaussian = hpx_alloc(sizeof *gaussian);
    gaussian->space = space;
    gaussian->hyper = *hyper;
    return gaussian;
}

void hpx_gaussian_free(hpx_gaussian *gaussian)
{
    if (!gaussian)
        return;
    for (size_t i = 0; i < gaussian->made; i++)
        free(gaussian->rows[i]);
    free(gaussian->rows);
    free(gaussian->points);
    free(gaussian->ends);
    free(gaussian);
}

/* The squares of the distances of all cells from one. Cells are numbered row by row: from those of the first
 * axes alone follow those of one axis more, from the last on, in place. */
static void set_squares(double *squares, const hpx_space *space, const hpx_hyper *hyper, uint32_t cell)
{
    uint32_t at[HPX_AXES_MAX], cells = 1;
    hpx_grid_indices(at, &space->grid, cell);
    squares[0] = 0;
    for (size_t axis = 0; axis < space->grid.axes; axis++) {
        const double *places = space->places[axis], length = hyper->lengths[axis];
        const uint32_t count = space->grid.counts[axis];
        for (uint32_t before = cells; before-- > 0;) {
            const double sum = squares[before];
            for (uint32_t i = count; i-- > 0;)
                squares[before * count + i] =
                    sum + hpx_space_square(space, axis, places[i], places[at[axis]]) / (length * length);
        }
        cells *= count;
    }
}

/* The row of a cell behind `count` others. */
static void set_row(double *row, const hpx_gaussian *gaussian, size_t count, uint32_t cell)
{
    const uint32_t cells = gaussian->space->cells;
    set_squares(row, gaussian->space, &gaussian->hyper, cell);
    for (uint32_t c = 0; c < cells; c++)
        row[c] = hpx_matern(row[c]);
    double end = 1 + gaussian->hyper.noise;
    for (size_t i = 0; i < count; i++) {
        const double *other = gaussian->rows[i], factor = other[cell];
        end -= factor * factor;
        for (uint32_t c = 0; c < cells; c++)
            row[c] -= factor * other[c];
    }
    end = sqrt(end);
    for (uint32_t c = 0; c < cells; c++)
        row[c] /= end;
    gaussian->ends[count] = end;
}

void hpx_gaussian_append(hpx_gaussian *gaussian, uint32_t cell)
{
    const size_t count = gaussian->count + 1;
    assert(cell < gaussian->space->cells && gaussian->hyper.noise > 0);
    gaussian->points = hpx_grow(gaussian->points, &gaussian->points_capacity, count, sizeof(uint32_t));
    gaussian->rows = hpx_grow(gaussian->rows, &gaussian->rows_capacity, count, sizeof(double *));
    gaussian->ends = hpx_grow(gaussian->ends, &gaussian->ends_capacity, count, sizeof(double));
    if (gaussian->made < count)
        gaussian->rows[gaussian->made++] = hpx_alloc(gaussian->space->cells * sizeof(double));
    gaussian->points[count - 1] = cell;
    set_row(gaussian->rows[count - 1], gaussian, count - 1, cell);
    gaussian->count = count;
}

void hpx_gaussian_truncate(hpx_gaussian *gaussian, size_t count)
{
    assert(count <= gaussian->count);
    gaussian->count = count;
}

size_t hpx_gaussian_count(const hpx_gaussian *gaussian)
{
    return gaussian->count;
}

void hpx_gaussian_posterior(double *means, double *variances, const hpx_gaussian *gaussian,
                            const double *values)
{
    const uint32_t cells = gaussian->space->cells;
    for (uint32_t c = 0; c < cells; c++) {
        means[c] = 0;
        variances[c] = 1;
    }
    for (size_t i = 0; i < gaussian->count; i++) {
        const double *row = gaussian->rows[i];
        /* So far the mean is that of the observations before this one. */
        const double a = isnan(values[i]) ? 0 : (values[i] - means[gaussian->points[i]]) / gaussian->ends[i];
        for (uint32_t c = 0; c < cells; c++) {
            means[c] += a * row[c];
            variances[c] -= row[c] * row[c];
        }
    }
    for (uint32_t c = 0; c < cells; c++)
        if (variances[c] < variance_min)
            variances[c] = variance_min;
}
