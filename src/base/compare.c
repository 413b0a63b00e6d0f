#include "hpx/compare.h"

#include "base/text.h"

#include <float.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_ENDS " \"" /* no name of a metric has one of these */

static const char *const times[] = {"time",      "seconds",   "runtime",     "*_time",
                                    "*_seconds", "*_runtime", "*_per_second"};

hpx_comparison hpx_comparison_of(const hpx_fields *conditions)
{
    hpx_comparison comparison = {.likeness = HPX_LIKE_BITS};
    const char *repeat = hpx_fields_text_or_empty(conditions, "run.repeat");
    hpx_error none;
    if (!*repeat)
        return comparison;
    comparison.likeness = strcmp(repeat, "no") == 0 ? HPX_LIKE_ANY : HPX_LIKE_METRICS;
    comparison.volatiles = hpx_fields_text_or_empty(conditions, "run.volatile");
    if (strcmp(repeat, "within") != 0 ||
        hpx_fields_real(&comparison.within, conditions, "run.within", &none) != HPX_OK)
        comparison.within = 0;
    return comparison;
}

static bool matches(const char *pattern, size_t length, const char *name)
{
    char text[2 * HPX_METRIC_NAME_MAX + 1];
    if (length >= sizeof text)
        return false;
    memcpy(text, pattern, length);
    text[length] = 0;
    return fnmatch(text, name, 0) == 0;
}

bool hpx_comparison_is_volatile(const hpx_comparison *comparison, const char *name)
{
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (matches(times[i], strlen(times[i]), name))
            return true;
    const char *at = comparison->volatiles ? comparison->volatiles : "";
    while (*(at += strspn(at, PATTERN_ENDS))) {
        const size_t length = strcspn(at, PATTERN_ENDS);
        if (matches(at, length, name))
            return true;
        at += length;
    }
    return false;
}

static const hpx_metric *find(const hpx_metrics *metrics, const char *name)
{
    for (size_t i = 0; i < metrics->count; i++)
        if (strcmp(metrics->list[i].name, name) == 0)
            return &metrics->list[i];
    return NULL;
}

/* How far apart two values are, which one side may lack. */
static double distance(const hpx_metric *a, const hpx_metric *b)
{
    if (!a || !b)
        return INFINITY;
    if ((isnan(a->value) && isnan(b->value)) || a->value == b->value)
        return 0;
    const double apart = fabs(a->value - b->value);
    return isnan(apart) ? INFINITY : apart;
}

/* 0.972 and 0.97 are within 0.002, although their doubles are a little further apart. */
static double rounding(const hpx_metric *a, const hpx_metric *b)
{
    return a && b && isfinite(a->value) && isfinite(b->value)
               ? 2 * DBL_EPSILON * (fabs(a->value) + fabs(b->value))
               : 0;
}

/* The furthest of the metrics of one list, each against the one of that name in the other. */
static void find_furthest(hpx_difference *out, double *furthest, const hpx_metrics *these,
                          const hpx_metrics *those, bool swapped, const hpx_comparison *comparison)
{
    for (size_t i = 0; i < these->count; i++) {
        const hpx_metric *mine = &these->list[i], *other = find(those, mine->name);
        const double apart = distance(mine, other);
        const double within = comparison->within > 0 ? comparison->within + rounding(mine, other) : 0;
        if (!(apart > within && apart > *furthest) || hpx_comparison_is_volatile(comparison, mine->name))
            continue;
        const double value = other ? other->value : NAN;
        *furthest = apart;
        *out = swapped ? (hpx_difference){mine->name, value, mine->value}
                       : (hpx_difference){mine->name, mine->value, value};
    }
}

bool hpx_metrics_alike(hpx_difference *out, const hpx_metrics *a, const hpx_metrics *b,
                       const hpx_comparison *comparison)
{
    double furthest = 0;
    *out = (hpx_difference){.name = NULL};
    find_furthest(out, &furthest, a, b, false, comparison);
    find_furthest(out, &furthest, b, a, true, comparison);
    return !out->name;
}

void hpx_difference_print(hpx_buffer *out, const hpx_difference *difference, const char *before)
{
    char a[HPX_REAL_TEXT_BYTES], b[HPX_REAL_TEXT_BYTES];
    hpx_buffer_printf(out, "%s %s, and %s %s", difference->name, hpx_real_text(a, difference->a),
                      hpx_real_text(b, difference->b), before);
    if (isfinite(difference->a) && isfinite(difference->b))
        hpx_buffer_printf(out, " (%.3g apart)", fabs(difference->a - difference->b));
}
