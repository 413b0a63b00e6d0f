/* What an epoch is measured by: numbers under the names that its trainer gives them. Nothing outside a trainer
 * knows which there are.
 *
 * A name is 1 to 64 printable ASCII bytes without blank, comma or quote: it stands as it is in recipes, tables,
 * records and messages. */
#ifndef HPX_METRICS_H
#define HPX_METRICS_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_METRICS_MAX     1024 /* of a trial */
#define HPX_METRIC_NAME_MAX 64

bool hpx_metric_is_name(const char *name);

/* A name that begins with test_ or validation_ says which samples the metric is of. Whether it is of the test; and the name
 * of the same metric of the test, false where the name is not one of validation. */
bool hpx_metric_is_of_test(const char *name);
bool hpx_metric_of_test(char out[HPX_METRIC_NAME_MAX + 1], const char *name);

/* In the order in which the trainer reports them, every name once. A zeroed struct is an empty list; it owns
 * what it holds, in one allocation. */
typedef struct hpx_metrics {
    hpx_metric *list;
    size_t count;
} hpx_metrics;

void hpx_metrics_free(hpx_metrics *metrics); /* leaves it empty */
hpx_metrics hpx_metrics_copy(const hpx_metrics *metrics);

/* Sets the value of that name, or appends it. False, and nothing is changed, when that is no name of a metric
 * or there are HPX_METRICS_MAX others. */
bool hpx_metrics_set(hpx_metrics *metrics, const char *name, double value);

/* The value of that name; NaN where there is none. */
double hpx_metrics_value(const hpx_metrics *metrics, const char *name);

bool hpx_metrics_has(const hpx_metrics *metrics, const char *name);

/* Adds their names, with a blank between; where they are many, the first. */
void hpx_metrics_show_names(hpx_buffer *out, const hpx_metrics *metrics);

/* The same names in the same order. */
bool hpx_metrics_same_names(const hpx_metrics *a, const hpx_metrics *b);

/* A metric as the trainer that reports it knows it. */
typedef struct hpx_metric_kind {
    const char *name;
    bool minimised; /* less is better */
    /* Where this count of the recipe ("dataset.validation") is 0, it has no value, and `instead` has one; NULL:
     * it always has one. */
    const char *needs, *instead;
    const char *heading; /* in tables with room for few metrics; NULL: they leave it out */
} hpx_metric_kind;

/* What differences between values of a metric mean, to whoever compares them. */
typedef enum hpx_scale {
    HPX_SCALE_LINEAR,
    HPX_SCALE_ACCURACY, /* at most 1: what counts is the logarithm of what it lacks of that */
    HPX_SCALE_LOSS,     /* above 0: what counts is its logarithm */
} hpx_scale;

/* Of a trainer's own metric, whose name says what it is: its accuracies and losses are such. */
hpx_scale hpx_metric_scale(const hpx_metric_kind *kind);

/* What a search goes by: the metric of that name, and whether less is better. */
typedef struct hpx_objective {
    const char *name;
    bool minimised;
} hpx_objective;

/* The direction that the end of a name says: more of an accuracy, less of a loss or an error. False where it
 * says none. */
bool hpx_objective_guess(bool *minimised, const char *name);

/* Its value; NaN where there is none that is finite: then the result counts as failed for this objective. */
double hpx_objective_value(const hpx_objective *objective, const hpx_metrics *metrics);

/* Whether `value` is better than `other`; NaN is worse than any number. */
bool hpx_objective_better(const hpx_objective *objective, double value, double other);

/* As the fields "metric.names", joined by blanks, and "metric.values", in their order; none of a list without
 * metrics. HPX_DAMAGED, with `out` empty, on anything that hpx_metrics_to_fields would not have written. */
void hpx_metrics_to_fields(hpx_fields *out, const hpx_metrics *metrics);
hpx_status hpx_metrics_from_fields(hpx_metrics *out, const hpx_fields *fields, hpx_error *error);

/* The hash of all that a training gives at an epoch: XXH3-128 of the checkpoint followed by the values as
 * little-endian doubles (with one NaN) in their order. What "bit for bit" compares; the names are compared
 * beside it. */
hpx_hash hpx_output_hash(const hpx_metrics *metrics, const uint8_t *checkpoint, size_t size);
/* The same for a checkpoint that was hashed in pieces; frees the hasher. */
hpx_hash hpx_output_hash_finish(hpx_hasher *checkpoint, const hpx_metrics *metrics);

/* An epoch in which a training fails, as its manifest decides, has a reason, a text on one line, and neither
 * metrics nor a checkpoint. Its output is the hash of that reason. */
#define HPX_FAILURE_BYTES 128
hpx_hash hpx_failure_hash(const char *failure);

/* As the field `failure`, which an epoch that did not fail (empty) has not. HPX_DAMAGED on a reason that is
 * no text on one line with room here, or that metrics or output contradict. */
void hpx_failure_to_fields(hpx_fields *out, const char *failure);
hpx_status hpx_failure_from_fields(char out[HPX_FAILURE_BYTES], const hpx_fields *fields,
                                   const hpx_metrics *metrics, const hpx_hash *output, hpx_error *error);

/* Why a training ended by itself after an epoch that has metrics, as the field `stopped`, likewise; empty: it
 * did not. */
void hpx_stopped_to_fields(hpx_fields *out, const char *stopped);
hpx_status hpx_stopped_from_fields(char out[HPX_FAILURE_BYTES], const hpx_fields *fields, hpx_error *error);

#endif
