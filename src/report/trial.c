/* One trial: its key and its metrics. */
#include "outcome.h"
#include "parts.h"

#include "base/text.h"

void hpx_report_trial(hpx_buffer *out, const hpx_artifact *result)
{
    for (size_t i = 0; i < result->metrics.count; i++) {
        const hpx_metric *metric = &result->metrics.list[i];
        char value[HPX_REAL_TEXT_BYTES];
        hpx_buffer_printf(out, "%s %s\n", metric->name, hpx_real_text(value, metric->value));
    }
}

void hpx_report_trial_json(hpx_buffer *out, const hpx_recipe *recipe, const hpx_outcome_trial *trial,
                           const hpx_artifact *result)
{
    hpx_row row = {0};
    hpx_row_open(&row, NULL, '{');
    hpx_row_count(&row, "schema", 1);
    hpx_add_hash(&row, "key", &trial->key);
    hpx_add_grid_cell(&row, "cell", recipe, trial->cell);
    hpx_row_count(&row, "seed", trial->seed);
    hpx_row_text(&row, "verdict", hpx_verdict_names[trial->verdict]);
    hpx_row_text(&row, "objective", recipe->objective.name);
    if (result)
        hpx_add_epoch(&row, result);
    hpx_row_close(&row);
    hpx_row_print(out, &row);
    hpx_row_free(&row);
}
