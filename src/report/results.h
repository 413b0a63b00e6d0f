/* Results that are shown in an order, or of which only some are. */
#ifndef HPX_RESULTS_H
#define HPX_RESULTS_H

#include "hpx/cell.h"
#include "hpx/error.h"
#include "hpx/metrics.h"
#include "hpx/recipe.h"
#include "hpx/store.h"
#include "report/report.h"

#include <stdbool.h>
#include <stddef.h>

/* Which results, by names of axes, metrics and the columns of `ls`; "score" is the objective. */
typedef struct hpx_selection {
    const char *const *where; /* NAME=VALUE each: all must hold */
    size_t where_count;
    const char *sort; /* the best metric first, everything else upwards; NULL: as they came */
    size_t top;       /* the first so many; 0: all */
} hpx_selection;

/* An artifact, or all of a cell: then its metrics are means over seeds. */
typedef struct hpx_stored_result {
    hpx_artifact artifact; /* its cell is of the results */
    size_t seeds;
    double spread; /* of the objective: squared distances from the mean, summed up */
    size_t number; /* in the order in which they came */
} hpx_stored_result;

typedef struct hpx_results {
    hpx_stored_result *at;
    size_t count, capacity;
    hpx_cell_set *cells;
} hpx_results;

void hpx_results_add(hpx_results *results, const hpx_artifact *artifact); /* a copy */
/* The same as one more seed of the last result, if that is of the same cell. */
void hpx_results_add_seed(hpx_results *results, const hpx_artifact *artifact, const hpx_objective *objective);
double hpx_stored_result_sd(
    const hpx_stored_result *result); /* of the objective, between seeds; NaN: there is one seed */

/* The names of all their metrics. */
void hpx_results_metrics(hpx_names *metrics, const hpx_results *results);
void hpx_results_free(hpx_results *results);

/* Leaves what is selected, in its order. HPX_USAGE when no result has what the selection names. */
hpx_status hpx_results_select(hpx_results *results, const hpx_objective *objective,
                              const hpx_selection *selection, hpx_error *error);

/* `best`: cells, and whether the table has all metrics or the objective alone. */
/* `curves`: a sparkline for each of them; NULL: none. */
void hpx_report_best(hpx_buffer *out, const hpx_results *cells, const hpx_recipe *recipe, bool all_metrics,
                     char *const *curves);
void hpx_report_best_json(hpx_buffer *out, const hpx_results *cells, const hpx_recipe *recipe);

#endif
