/* Records as format 1 has them: each of the six metrics that there were is a field of its own, and a failure has
 * them too, as NaN, which its output takes in. */
#include "internal.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {"train_loss",          "train_accuracy", "validation_loss",
                                    "validation_accuracy", "test_loss",      "test_accuracy"};
#define NAMES (sizeof names / sizeof *names)

static bool is_metric(const char *name)
{
    for (size_t i = 0; i < NAMES; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The metrics of a failure are none, and its output is the hash of the reason alone. */
static hpx_status read_failure(hpx_hash *output, hpx_metrics *metrics, const hpx_fields *fields,
                               hpx_error *error)
{
    const char *reason;
    hpx_hash stored;
    hpx_status status = hpx_fields_text(&reason, fields, "failure", error);
    if (!status)
        status = hpx_fields_hash(&stored, fields, "output", error);
    if (status)
        return status;
    const hpx_hash hash = hpx_output_hash(metrics, (const uint8_t *)reason, strlen(reason));
    for (size_t i = 0; i < metrics->count; i++)
        if (!isnan(metrics->list[i].value))
            return hpx_error_set(error, HPX_DAMAGED, "a failure with metrics");
    if (!hpx_hash_equal(&hash, &stored))
        return hpx_error_set(error, HPX_DAMAGED, "a failure with the output of another one");
    hpx_metrics_free(metrics);
    *output = hpx_failure_hash(reason);
    return HPX_OK;
}

bool is_format_1_record(const hpx_fields *fields)
{
    return hpx_fields_find(fields, names[0]) != NULL;
}

hpx_status upgrade_record(hpx_fields *fields, hpx_error *error)
{
    const bool failed = hpx_fields_find(fields, "failure") != NULL;
    hpx_metrics metrics = {0};
    hpx_hash output;
    hpx_status status = HPX_OK;
    if (hpx_fields_find(fields, "metric.names") || hpx_fields_find(fields, "metric.values"))
        return hpx_error_set(error, HPX_DAMAGED, "metrics as of two formats");
    for (size_t i = 0; i < NAMES && !status; i++) {
        double value = NAN;
        status = hpx_fields_real(&value, fields, names[i], error);
        hpx_metrics_set(&metrics, names[i], value);
    }
    if (!status && failed)
        status = read_failure(&output, &metrics, fields, error);
    if (!status) {
        hpx_fields upgraded = {0};
        for (size_t i = 0; i < fields->count; i++)
            if (!is_metric(fields->fields[i].name))
                hpx_fields_set(&upgraded, &fields->fields[i]);
        hpx_metrics_to_fields(&upgraded, &metrics);
        if (failed)
            hpx_fields_set_hash(&upgraded, "output", &output);
        hpx_fields_free(fields);
        *fields = upgraded;
    }
    hpx_metrics_free(&metrics);
    return status;
}
