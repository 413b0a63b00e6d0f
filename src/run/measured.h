/* What is known of a recipe's cells: values of metrics by cell, seed and epoch, from a table of results or from a
 * store. Replay and compare take scores from it instead of training. */
#ifndef HPX_MEASURED_H
#define HPX_MEASURED_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/recipe.h"
#include "hpx/search.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_MEASURED_METRICS_MAX 16

/* What is known of a cell with a seed after so many epochs. */
typedef enum hpx_measure { HPX_MEASURE_MISSING, HPX_MEASURE_VALUE, HPX_MEASURE_FAILED } hpx_measure;

typedef struct hpx_measured hpx_measured;

/* Of so many metrics, which go by their numbers; 1 or more. `any_seed`: the one seed that it will have stands for every
 * seed. The recipe must outlive it. */
hpx_measured *hpx_measured_new(const hpx_recipe *recipe, size_t metrics, bool any_seed);
void hpx_measured_free(hpx_measured *measured); /* NULL is fine */

/* Notes the values of all metrics (NaN: there is none; without the first the epoch counts as failed), or that the
 * training failed in the request's epoch. False, and nothing is noted: something is known of it already. */
bool hpx_measured_add(hpx_measured *measured, uint32_t seed, hpx_request request, const double *values);
bool hpx_measured_fail(hpx_measured *measured, uint32_t seed, hpx_request request);

/* Reads a table (CSV, RFC 4180): a header and a row per cell, or per cell, seed and epoch. Of its columns it takes the
 * axes, the metrics (NAME or metric.NAME; all but the first need not be there) and, where they are there, `seed`, `epoch`
 * (1 to the recipe's epochs; without the column those) and `status` (empty, or "failed": in this epoch, and so in all
 * later ones). A row that has neither failed nor a value of the first metric says nothing; one beside the recipe's grid
 * is passed over. HPX_USAGE names line and column of what is wrong. */
hpx_status hpx_measured_read(hpx_measured **out, const hpx_recipe *recipe, const char *const *metrics,
                             size_t count, const char *path, hpx_error *error);
/* The same of the bytes of a file of that name, which it changes. */
hpx_status hpx_measured_parse(hpx_measured **out, const hpx_recipe *recipe, const char *const *metrics,
                              size_t count, const char *path, hpx_buffer *bytes, hpx_error *error);

/* Whether anything has a value of a metric. */
bool hpx_measured_has(const hpx_measured *measured, size_t metric);

/* The seeds of which something is known, in ascending order. A table without that column has one, which stands for every
 * seed. */
size_t hpx_measured_seed_count(const hpx_measured *measured);
uint32_t hpx_measured_seed(const hpx_measured *measured, size_t index);
bool hpx_measured_find_seed(size_t *index, const hpx_measured *measured, uint32_t seed);

/* By the index of a seed and a metric; *value is NaN unless there is one. */
hpx_measure hpx_measured_value(double *value, const hpx_measured *measured, size_t seed, hpx_request request,
                               size_t metric);

/* The epoch in which the training of a cell is known to have failed; 0: none. */
uint32_t hpx_measured_failed(const hpx_measured *measured, size_t seed, uint32_t cell);

#endif
