#include "run/measured.h"

#include "requests.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct seed {
    uint32_t number;
    hpx_requests entries; /* struct entry */
    hpx_requests failed;  /* by cell, at 0 epochs: uint32_t, the epoch in which it failed; 0: none */
};

struct entry {
    bool known;
    double values[]; /* of all metrics */
};

struct hpx_measured {
    const hpx_recipe *recipe;
    size_t metrics;
    bool has[HPX_MEASURED_METRICS_MAX];
    struct seed *seeds; /* in ascending order */
    size_t seed_count, seed_capacity;
    bool any_seed; /* the first stands for every seed */
};

hpx_measured *hpx_measured_new(const hpx_recipe *recipe, size_t metrics, bool any_seed)
{
    assert(metrics >= 1 && metrics <= HPX_MEASURED_METRICS_MAX);
    hpx_measured *measured = hpx_alloc(sizeof *measured);
    measured->recipe = recipe;
    measured->metrics = metrics;
    measured->any_seed = any_seed;
    return measured;
}

void hpx_measured_free(hpx_measured *measured)
{
    if (!measured)
        return;
    for (size_t i = 0; i < measured->seed_count; i++) {
        hpx_requests_free(&measured->seeds[i].entries);
        hpx_requests_free(&measured->seeds[i].failed);
    }
    free(measured->seeds);
    free(measured);
}

/* The index of a seed, or of the first above it. */
static size_t lower_bound(const hpx_measured *measured, uint32_t seed)
{
    size_t index = 0;
    while (index < measured->seed_count && measured->seeds[index].number < seed)
        index++;
    return index;
}

bool hpx_measured_find_seed(size_t *index, const hpx_measured *measured, uint32_t seed)
{
    *index = measured->any_seed ? 0 : lower_bound(measured, seed);
    return *index < measured->seed_count && (measured->any_seed || measured->seeds[*index].number == seed);
}

/* The index of a seed, which is new to it or not. */
static size_t add_seed(hpx_measured *measured, uint32_t number)
{
    size_t index;
    if (hpx_measured_find_seed(&index, measured, number))
        return index;
    measured->seeds = hpx_grow(measured->seeds, &measured->seed_capacity, measured->seed_count + 1,
                               sizeof *measured->seeds);
    struct seed *seed = &measured->seeds[index];
    memmove(seed + 1, seed, (measured->seed_count++ - index) * sizeof *seed);
    *seed = (struct seed){.number = number};
    hpx_requests_init(&seed->entries, &measured->recipe->grid,
                      sizeof(struct entry) + measured->metrics * sizeof(double));
    hpx_requests_init(&seed->failed, &measured->recipe->grid, sizeof(uint32_t));
    return index;
}

bool hpx_measured_add(hpx_measured *measured, uint32_t seed, hpx_request request, const double *values)
{
    const size_t index = add_seed(measured, seed);
    struct entry *entry = hpx_requests_at(&measured->seeds[index].entries, request);
    const uint32_t failed = hpx_measured_failed(measured, index, request.cell);
    if (entry->known || (failed && failed <= request.epochs))
        return false;
    entry->known = true;
    for (size_t i = 0; i < measured->metrics; i++) {
        entry->values[i] = values[i];
        measured->has[i] = measured->has[i] || !isnan(values[i]);
    }
    return true;
}

/* Whether there are values of the cell at these epochs or more. */
static bool goes_on(const struct seed *seed, hpx_request request)
{
    for (size_t i = 0; i < seed->entries.count; i++) {
        const hpx_request other = {request.cell, seed->entries.levels[i].epochs};
        const struct entry *entry = hpx_requests_find(&seed->entries, other);
        if (other.epochs >= request.epochs && entry && entry->known)
            return true;
    }
    return false;
}

bool hpx_measured_fail(hpx_measured *measured, uint32_t seed, hpx_request request)
{
    const size_t index = add_seed(measured, seed);
    uint32_t *failed = hpx_requests_at(&measured->seeds[index].failed, (hpx_request){request.cell, 0});
    if (*failed || goes_on(&measured->seeds[index], request))
        return false;
    *failed = request.epochs;
    return true;
}

bool hpx_measured_has(const hpx_measured *measured, size_t metric)
{
    return measured->has[metric];
}

size_t hpx_measured_seed_count(const hpx_measured *measured)
{
    return measured->seed_count;
}

uint32_t hpx_measured_seed(const hpx_measured *measured, size_t index)
{
    return measured->seeds[index].number;
}

uint32_t hpx_measured_failed(const hpx_measured *measured, size_t seed, uint32_t cell)
{
    const uint32_t *failed = hpx_requests_find(&measured->seeds[seed].failed, (hpx_request){cell, 0});
    return failed ? *failed : 0;
}

hpx_measure hpx_measured_value(double *value, const hpx_measured *measured, size_t seed, hpx_request request,
                               size_t metric)
{
    const struct entry *entry = hpx_requests_find(&measured->seeds[seed].entries, request);
    const uint32_t failed = hpx_measured_failed(measured, seed, request.cell);
    *value = NAN;
    if ((failed && failed <= request.epochs) || (entry && entry->known && isnan(entry->values[0])))
        return HPX_MEASURE_FAILED;
    if (!entry || !entry->known || isnan(entry->values[metric]))
        return HPX_MEASURE_MISSING;
    *value = entry->values[metric];
    return HPX_MEASURE_VALUE;
}
