/* Sparklines in tables, for people at a terminal alone: what scripts read stays as it is. */
#include "cli.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define CURVE_WIDTH 16

bool hpx_shows_curves(const struct options *options)
{
    return !options->json && isatty(STDOUT_FILENO);
}

struct curve {
    const hpx_objective *objective;
    double *values;
    size_t count, capacity;
};

/* The objective or, of a result that has no such metric, the first that it has. */
static hpx_status add(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct curve *curve = context;
    const hpx_metrics *metrics = &artifact->metrics;
    double value = hpx_metrics_value(metrics, curve->objective->name);
    (void)error;
    if (isnan(value) && metrics->count > 0)
        value = metrics->list[0].value;
    curve->values = hpx_grow(curve->values, &curve->capacity, curve->count + 1, sizeof *curve->values);
    curve->values[curve->count++] = value;
    return HPX_OK;
}

hpx_status hpx_curve_of(char **out, hpx_store *store, const hpx_hash *key, const hpx_objective *objective,
                        hpx_error *error)
{
    struct curve curve = {.objective = objective};
    hpx_buffer text = {0};
    hpx_status status = hpx_store_each(store, key, add, &curve, error);
    if (!status && curve.count > 1)
        hpx_spark(&text, curve.values, curve.count, CURVE_WIDTH, hpx_terminal_screen(STDOUT_FILENO).utf8);
    *out = status ? NULL : hpx_strdup(hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    free(curve.values);
    return status;
}
