#include "hpx/metrics.h"

#include <math.h>
#include <string.h>

const char *const hpx_metric_names[HPX_METRICS + 1] = {
    "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy",
    NULL,
};

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
