/* What two runs of one training have to have in common. A model's give the same bits, checkpoint included; a program's
 * the same metrics, as its recipe says with `repeat`, but for those that time decides. */
#ifndef HPX_COMPARE_H
#define HPX_COMPARE_H

#include "hpx/fields.h"
#include "hpx/metrics.h"

#include <stdbool.h>

typedef enum hpx_likeness {
    HPX_LIKE_BITS,    /* the same output, bit for bit: models */
    HPX_LIKE_METRICS, /* each metric within a distance, which may be 0 */
    HPX_LIKE_ANY,     /* anything: later runs are replicates of the first */
} hpx_likeness;

/* Zeroed it is that of models. */
typedef struct hpx_comparison {
    hpx_likeness likeness;
    double within;         /* the distance, absolute */
    const char *volatiles; /* patterns of more metrics that time decides, parted by blanks; NULL: none */
} hpx_comparison;

/* As the conditions of a run say: the fields "run.repeat", "run.within" and "run.volatile", whose text is borrowed.
 * Without them it is that of models. */
hpx_comparison hpx_comparison_of(const hpx_fields *conditions);

/* Whether a metric says how long something took: `time`, `*_seconds` and such, and what the patterns match. */
bool hpx_comparison_is_volatile(const hpx_comparison *comparison, const char *name);

/* Where two runs are not alike. Names are borrowed from the metrics. */
typedef struct hpx_difference {
    const char *name; /* the metric that is furthest apart; NULL: it is not in a metric */
    double a, b;      /* NaN also where one run does not report it */
} hpx_difference;

/* Whether the metrics of two runs of a program are alike, each but the volatile ones within the distance. */
bool hpx_metrics_alike(hpx_difference *out, const hpx_metrics *a, const hpx_metrics *b,
                       const hpx_comparison *comparison);

/* "val_accuracy 0.971, and 0.97 before (0.001 apart)", for people; `before` is the word for b. */
void hpx_difference_print(hpx_buffer *out, const hpx_difference *difference, const char *before);

#endif
