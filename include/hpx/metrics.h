/* The six figures of an epoch, and the names they go by everywhere: in recipes, tables, records and messages.
 */
#ifndef HPX_METRICS_H
#define HPX_METRICS_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hpx_metric {
    HPX_TRAIN_LOSS,
    HPX_TRAIN_ACCURACY,
    HPX_VALIDATION_LOSS,
    HPX_VALIDATION_ACCURACY,
    HPX_TEST_LOSS,
    HPX_TEST_ACCURACY,
    HPX_METRICS,
} hpx_metric;

/* "train_loss" and so on; NULL-terminated. */
extern const char *const hpx_metric_names[HPX_METRICS + 1];

/* Whether less is better. */
bool hpx_metric_minimised(hpx_metric metric);

/* Mean cross-entropy (nats per sample) and the fraction classified right. Training figures are means over the
 * batches of the epoch as they were trained (with dropout, before each step). NaN where there are no samples.
 */
typedef struct hpx_metrics {
    double values[HPX_METRICS];
} hpx_metrics;

/* As fields named by hpx_metric_names. */
void hpx_metrics_to_fields(hpx_fields *out, const hpx_metrics *metrics);
hpx_status hpx_metrics_from_fields(hpx_metrics *out, const hpx_fields *fields, hpx_error *error);

/* The hash of all that a training gives at an epoch: XXH3-128 of the checkpoint followed by the metrics as
 * little-endian doubles (with one NaN). What "bit for bit" compares. */
hpx_hash hpx_output_hash(const hpx_metrics *metrics, const uint8_t *checkpoint, size_t size);
/* The same for a checkpoint that was hashed in pieces; frees the hasher. */
hpx_hash hpx_output_hash_finish(hpx_hasher *checkpoint, const hpx_metrics *metrics);

/* An epoch in which a training fails, as its manifest decides, has a reason, a text on one line, and neither
 * metrics nor a checkpoint. Its output is the hash of that reason. */
#define HPX_FAILURE_BYTES 128
extern const hpx_metrics hpx_no_metrics; /* NaN all */
hpx_hash hpx_failure_hash(const char *failure);

/* As the field `failure`, which an epoch that did not fail (empty) has not. HPX_DAMAGED on a reason that is
 * no text on one line with room here, or that metrics or output contradict. */
void hpx_failure_to_fields(hpx_fields *out, const char *failure);
hpx_status hpx_failure_from_fields(char out[HPX_FAILURE_BYTES], const hpx_fields *fields,
                                   const hpx_metrics *metrics, const hpx_hash *output, hpx_error *error);

#endif
