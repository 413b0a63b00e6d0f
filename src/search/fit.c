/* The hyperparameters of a Gaussian process that are most probable after what was observed (maximum a
 * posteriori): lengths of 2^(k/2), k = -8 .. 12, and noise of 1e-4, 1e-3 .. 1.
 *
 * Lengths are log-normal beforehand, ln l ~ N(sqrt 2 + ln(D)/2, 3) on D axes: the more axes, the farther apart
 * are cells, and the longer are the lengths over which values may be expected to change [1, eq. 4]. The noise
 * may be any.
 *
 * Coordinate sweeps: each axis' length in turn, then the noise, takes the value that is best while the others
 * stay, until a sweep changes none.
 *
 * [1] C. Hvarfner, E. Hellsten and L. Nardi, "Vanilla Bayesian optimization performs great in high
 *     dimensions", ICML 2024. */
#include "gaussian.h"

#include "base/memory.h"
#include "elementary.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define LN_SQRT_2PI 0.91893853320467274178

enum { LENGTHS = 21, NOISES = 5, SWEEPS_MAX = 16 };

static const double noises[NOISES] = {1e-4, 1e-3, 1e-2, 1e-1, 1};

static double length_of(int i)
{
    const int k = i - 8;
    return k % 2 ? ldexp(M_SQRT2, (k - 1) / 2) : ldexp(1, k / 2);
}

static double ln_length_prior(double length, size_t axes)
{
    const double ln = hpx_ln(length), off = ln - (M_SQRT2 + hpx_ln((double)axes) / 2);
    return -ln - off * off / (2 * 3);
}

/* What was observed: the places of the cells, axes numbers each, and the values; room for a Cholesky factor,
 * row by row. */
struct sample {
    const hpx_space *space;
    size_t count;
    double *places;
    const double *values;
    double *factor, *a;
};

static void open_sample(struct sample *out, const hpx_space *space, const uint32_t *cells,
                        const double *values, size_t count)
{
    const size_t axes = space->grid.axes;
    *out = (struct sample){
        .space = space,
        .count = count,
        .places = hpx_alloc((count * axes + 1) * sizeof(double)),
        .values = values,
        .factor = hpx_alloc((count * (count + 1) / 2 + 1) * sizeof(double)),
        .a = hpx_alloc((count + 1) * sizeof(double)),
    };
    for (size_t i = 0; i < count; i++) {
        uint32_t at[HPX_AXES_MAX];
        hpx_grid_indices(at, &space->grid, cells[i]);
        for (size_t axis = 0; axis < axes; axis++)
            out->places[i * axes + axis] = space->places[axis][at[axis]];
    }
}

static void close_sample(struct sample *sample)
{
    free(sample->places);
    free(sample->factor);
    free(sample->a);
}

static double covariance(const struct sample *sample, const hpx_hyper *hyper, size_t i, size_t j)
{
    const size_t axes = sample->space->grid.axes;
    const double *a = sample->places + i * axes, *b = sample->places + j * axes;
    double square = 0;
    for (size_t axis = 0; axis < axes; axis++)
        square += hpx_space_square(sample->space, axis, a[axis], b[axis]) /
                  (hyper->lengths[axis] * hyper->lengths[axis]);
    return hpx_matern(square);
}

/* y' K^-1 y / 2 + ln det(K) / 2 + n ln(2 pi) / 2, of the factor L of K and a = L^-1 y. */
static double loss_of(const struct sample *sample, const hpx_hyper *hyper)
{
    double loss = (double)sample->count * LN_SQRT_2PI;
    for (size_t i = 0; i < sample->count; i++) {
        double *row = sample->factor + i * (i + 1) / 2, a = sample->values[i], end = 1 + hyper->noise;
        for (size_t j = 0; j < i; j++) {
            const double *other = sample->factor + j * (j + 1) / 2;
            double sum = covariance(sample, hyper, i, j);
            for (size_t k = 0; k < j; k++)
                sum -= row[k] * other[k];
            row[j] = sum / other[j];
            a -= row[j] * sample->a[j];
            end -= row[j] * row[j];
        }
        assert(end > 0);
        row[i] = sqrt(end);
        sample->a[i] = a / row[i];
        loss += sample->a[i] * sample->a[i] / 2 + hpx_ln(end) / 2;
    }
    return loss;
}

double hpx_gaussian_loss(const hpx_space *space, const hpx_hyper *hyper, const uint32_t *cells,
                         const double *values, size_t count)
{
    struct sample sample;
    open_sample(&sample, space, cells, values, count);
    const double loss = loss_of(&sample, hyper);
    close_sample(&sample);
    return loss;
}

/* Minus the logarithm of the posterior, but for a constant. */
static double judge(const struct sample *sample, const hpx_hyper *hyper)
{
    const hpx_grid *grid = &sample->space->grid;
    double loss = loss_of(sample, hyper);
    for (size_t axis = 0; axis < grid->axes; axis++)
        if (grid->counts[axis] > 1)
            loss -= ln_length_prior(hyper->lengths[axis], grid->axes);
    return hpx_billionths(loss);
}

/* Gives one coordinate its best value, of equals the smallest; says whether that is another. */
static bool improve(struct sample *sample, hpx_hyper *hyper, double *coordinate, const double *values,
                    size_t count)
{
    const double before = *coordinate;
    double best = before, least = INFINITY;
    for (size_t i = 0; i < count; i++) {
        *coordinate = values[i];
        const double loss = judge(sample, hyper);
        if (loss < least) {
            least = loss;
            best = values[i];
        }
    }
    *coordinate = best;
    return best != before;
}

hpx_hyper hpx_gaussian_first_hyper(void)
{
    hpx_hyper hyper = {.noise = 1e-2};
    for (size_t axis = 0; axis < HPX_AXES_MAX; axis++)
        hyper.lengths[axis] = 1;
    return hyper;
}

void hpx_gaussian_fit(hpx_hyper *hyper, const hpx_space *space, const uint32_t *cells, const double *values,
                      size_t count)
{
    double lengths[LENGTHS];
    for (int i = 0; i < LENGTHS; i++)
        lengths[i] = length_of(i);
    struct sample sample;
    open_sample(&sample, space, cells, values, count);
    bool changed = true;
    for (int sweep = 0; sweep < SWEEPS_MAX && changed; sweep++) {
        changed = false;
        for (size_t axis = 0; axis < space->grid.axes; axis++)
            if (space->grid.counts[axis] > 1)
                changed |= improve(&sample, hyper, &hyper->lengths[axis], lengths, LENGTHS);
        changed |= improve(&sample, hyper, &hyper->noise, noises, NOISES);
    }
    close_sample(&sample);
}
