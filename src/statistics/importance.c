#include "importance.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* The table's cells, and what the effects taken so far leave of their means. */
struct table {
    const double *values; /* cells x seeds */
    const uint32_t *counts;
    size_t axes, cells, seeds;
    size_t *strides; /* between cells that are one apart on an axis */
    double *rest;    /* by cell */
};

static size_t level(const struct table *table, size_t axis, size_t cell)
{
    return cell / table->strides[axis] % table->counts[axis];
}

/* Where the cell belongs among the levels of an axis, or of a pair of axes. */
static size_t group(const struct table *table, size_t a, size_t b, size_t cell)
{
    return a == b ? level(table, a, cell) : level(table, a, cell) * table->counts[b] + level(table, b, cell);
}

/* Takes the effect of an axis (a = b) or of a pair of axes off the cells, and returns its sum of squares. The effects of
 * fewer axes have been taken, so a group's effect is the mean of what remains of its cells. */
static double take_effect(struct table *table, size_t a, size_t b)
{
    const size_t groups = (size_t)table->counts[a] * (a == b ? 1 : table->counts[b]);
    const double size = (double)(table->cells / groups);
    double *effects = hpx_alloc(groups * sizeof *effects), squares = 0;
    for (size_t cell = 0; cell < table->cells; cell++)
        effects[group(table, a, b, cell)] += table->rest[cell] / size;
    for (size_t cell = 0; cell < table->cells; cell++)
        table->rest[cell] -= effects[group(table, a, b, cell)];
    for (size_t i = 0; i < groups; i++)
        squares += size * effects[i] * effects[i];
    free(effects);
    return squares;
}

/* The mean of a cell over its seeds (stride 1), or of a seed over all cells (stride `seeds`). */
static double mean_of(const double *values, size_t count, size_t stride)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i * stride];
    return sum / (double)count;
}

/* Writes what the means of the cells differ from the mean of all. Returns sigma^2, 0 with one seed: of what is left
 * of each value when its cell's and its seed's means are taken off. */
static double begin(struct table *table)
{
    const size_t cells = table->cells, seeds = table->seeds;
    const double all = mean_of(table->values, cells * seeds, 1);
    double *by_seed = hpx_alloc(seeds * sizeof *by_seed), squares = 0;
    for (size_t seed = 0; seed < seeds; seed++)
        by_seed[seed] = mean_of(table->values + seed, cells, seeds) - all;
    for (size_t cell = 0; cell < cells; cell++) {
        const double *values = table->values + cell * seeds, mean = mean_of(values, seeds, 1);
        table->rest[cell] = mean - all;
        for (size_t seed = 0; seed < seeds; seed++) {
            const double residual = values[seed] - mean - by_seed[seed];
            squares += residual * residual;
        }
    }
    free(by_seed);
    return seeds > 1 ? squares / ((double)(cells - 1) * (double)(seeds - 1)) : 0;
}

static double variance(const struct table *table, double squares, double degrees, double sigma2)
{
    if (degrees == 0)
        return 0;
    return fmax(0, (squares - degrees * sigma2 / (double)table->seeds) / (double)table->cells);
}

/* Writes the variances of axes, pairs and the rest; returns their sum. */
static double decompose(hpx_importance *out, struct table *table, double sigma2)
{
    const size_t axes = table->axes;
    double sum = 0, degrees_left = (double)(table->cells - 1), squares = 0;
    for (size_t a = 0; a < axes; a++) {
        const double degrees = table->counts[a] - 1;
        sum += out->axis[a] = variance(table, take_effect(table, a, a), degrees, sigma2);
        degrees_left -= degrees;
    }
    for (size_t a = 0; a < axes; a++)
        for (size_t b = a + 1; b < axes; b++) {
            const double degrees = (double)(table->counts[a] - 1) * (table->counts[b] - 1);
            const double of_pair = variance(table, take_effect(table, a, b), degrees, sigma2);
            sum += out->pair[a * axes + b] = out->pair[b * axes + a] = of_pair;
            degrees_left -= degrees;
        }
    for (size_t cell = 0; cell < table->cells; cell++)
        squares += table->rest[cell] * table->rest[cell];
    out->rest = variance(table, squares, degrees_left, sigma2);
    return sum + out->rest;
}

/* What is below it comes of rounding. */
static double least_variance(const struct table *table)
{
    double greatest = 0;
    for (size_t i = 0; i < table->cells * table->seeds; i++)
        greatest = fmax(greatest, fabs(table->values[i]));
    return 1e-24 * greatest * greatest;
}

static hpx_status check(const struct table *table, hpx_error *error)
{
    if (table->cells < 2)
        return hpx_error_set(error, HPX_USAGE, "importance needs a grid of two cells or more");
    for (size_t i = 0; i < table->cells * table->seeds; i++)
        if (!isfinite(table->values[i]))
            return hpx_error_set(error, HPX_USAGE,
                                 "importance needs a full table: cell %zu has no value with seed %zu",
                                 i / table->seeds, i % table->seeds);
    return HPX_OK;
}

hpx_status hpx_importance_of(hpx_importance *out, const double *values, size_t axes, const uint32_t *counts,
                             size_t seeds, hpx_error *error)
{
    *out = (hpx_importance){.axes = axes, .raw = seeds == 1, .noise_sd = NAN};
    assert(axes > 0 && seeds > 0);
    struct table table = {values, counts, axes, 1, seeds, hpx_alloc(axes * sizeof(size_t)), NULL};
    for (size_t a = axes; a-- > 0; table.cells *= counts[a])
        table.strides[a] = table.cells;
    const hpx_status status = check(&table, error);
    if (!status) {
        table.rest = hpx_alloc(table.cells * sizeof *table.rest);
        out->axis = hpx_alloc(axes * sizeof *out->axis);
        out->pair = hpx_alloc(axes * axes * sizeof *out->pair);
        const double sigma2 = begin(&table);
        const double whole = decompose(out, &table, sigma2) + sigma2;
        const double scale = whole > least_variance(&table) ? 1 / whole : 0;
        for (size_t a = 0; a < axes; a++)
            out->axis[a] *= scale;
        for (size_t i = 0; i < axes * axes; i++)
            out->pair[i] *= scale;
        out->rest *= scale;
        out->noise = sigma2 * scale;
        if (seeds > 1)
            out->noise_sd = sqrt(sigma2);
    }
    free(table.rest);
    free(table.strides);
    return status;
}

void hpx_importance_free(hpx_importance *importance)
{
    free(importance->axis);
    free(importance->pair);
    *importance = (hpx_importance){.axes = 0};
}
