#include "hpx/metrics.h"

#include <math.h>
#include <string.h>

const char *const hpx_metric_names[HPX_METRICS + 1] = {
    "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy",
    NULL,
};

const hpx_metrics hpx_no_metrics = {{NAN, NAN, NAN, NAN, NAN, NAN}};

bool hpx_metric_minimised(hpx_metric metric)
{
    return metric == HPX_TRAIN_LOSS || metric == HPX_VALIDATION_LOSS || metric == HPX_TEST_LOSS;
}

void hpx_metrics_to_fields(hpx_fields *out, const hpx_metrics *metrics)
{
    for (int i = 0; i < HPX_METRICS; i++)
        hpx_fields_set_real(out, hpx_metric_names[i], metrics->values[i]);
}

hpx_status hpx_metrics_from_fields(hpx_metrics *out, const hpx_fields *fields, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (int i = 0; i < HPX_METRICS && !status; i++)
        status = hpx_fields_real(&out->values[i], fields, hpx_metric_names[i], error);
    return status;
}

hpx_hash hpx_output_hash_finish(hpx_hasher *checkpoint, const hpx_metrics *metrics)
{
    hpx_buffer tail = {0};
    for (int i = 0; i < HPX_METRICS; i++) {
        uint64_t bits = 0x7ff8000000000000u;
        if (!isnan(metrics->values[i]))
            memcpy(&bits, &metrics->values[i], sizeof bits);
        hpx_buffer_u64(&tail, bits);
    }
    hpx_hasher_add(checkpoint, tail.data, tail.size);
    hpx_buffer_free(&tail);
    return hpx_hasher_finish(checkpoint);
}

hpx_hash hpx_output_hash(const hpx_metrics *metrics, const uint8_t *checkpoint, size_t size)
{
    hpx_hasher *hasher = hpx_hasher_new();
    hpx_hasher_add(hasher, checkpoint, size);
    return hpx_output_hash_finish(hasher, metrics);
}

hpx_hash hpx_failure_hash(const char *failure)
{
    return hpx_output_hash(&hpx_no_metrics, (const uint8_t *)failure, strlen(failure));
}

void hpx_failure_to_fields(hpx_fields *out, const char *failure)
{
    if (*failure)
        hpx_fields_set_text(out, "failure", failure);
}

static bool is_line(const char *text)
{
    const char *end = text;
    while (*end && (unsigned char)*end >= ' ' && *end != 0x7f)
        end++;
    return end > text && *end == 0 && end - text < HPX_FAILURE_BYTES;
}

hpx_status hpx_failure_from_fields(char out[HPX_FAILURE_BYTES], const hpx_fields *fields,
                                   const hpx_metrics *metrics, const hpx_hash *output, hpx_error *error)
{
    const char *failure;
    *out = 0;
    if (!hpx_fields_find(fields, "failure"))
        return HPX_OK;
    hpx_status status = hpx_fields_text(&failure, fields, "failure", error);
    if (status)
        return status;
    if (!is_line(failure))
        return hpx_error_set(error, HPX_DAMAGED, "field 'failure' is not a text on one line");
    const hpx_hash hash = hpx_failure_hash(failure);
    bool none = hpx_hash_equal(&hash, output);
    for (int i = 0; i < HPX_METRICS; i++)
        none = none && isnan(metrics->values[i]);
    if (!none)
        return hpx_error_set(error, HPX_DAMAGED, "a failure with metrics, or with the output of another one");
    memcpy(out, failure, strlen(failure) + 1);
    return HPX_OK;
}
