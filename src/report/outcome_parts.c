/* What the reports of builds, replays and plans share. */
#include "outcome.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>

#define SCHEMA 1

char *hpx_grid_cell_text(const hpx_recipe *recipe, uint32_t cell)
{
    hpx_buffer text = {0};
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &recipe->grid, cell);
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        hpx_buffer_printf(&text, "%s%s", axis ? ", " : "(", recipe->axes[axis].values[indices[axis]].text);
    hpx_buffer_puts(&text, ")");
    char *copy = hpx_strdup(hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return copy;
}

void hpx_report_heading(hpx_buffer *out, const hpx_outcome *outcome)
{
    const hpx_recipe *recipe = outcome->recipe;
    hpx_buffer_printf(out, "%s: %s over %u %s", recipe->path, recipe->objective.name, outcome->cells,
                      hpx_plural(outcome->cells, "cell", "cells"));
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        hpx_buffer_printf(out, "%s%s", axis ? ", " : " (", recipe->axes[axis].name);
    hpx_buffer_printf(out, "%s, %u %s, %zu %s\n\n", recipe->grid.axes ? ")" : "", recipe->epochs,
                      hpx_plural(recipe->epochs, "epoch", "epochs"), recipe->seed_count,
                      hpx_plural(recipe->seed_count, "seed", "seeds"));
}

void hpx_add_grid_cell(hpx_row *row, const char *name, const hpx_recipe *recipe, uint32_t cell)
{
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &recipe->grid, cell);
    hpx_row_open_flat(row, name, '{');
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        hpx_row_setting(row, recipe->axes[axis].name, recipe->axes[axis].values[indices[axis]].text);
    hpx_row_close(row);
}

void hpx_show_grid_cell(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    (void)column;
    const size_t first = (size_t)(value - row->values) + 1;
    hpx_buffer_puts(out, "(");
    for (size_t at = first; at < value->end; at++) {
        hpx_buffer_puts(out, at > first ? ", " : "");
        hpx_buffer_puts(out, hpx_value_text(row, &row->values[at]));
    }
    hpx_buffer_puts(out, ")");
}

void hpx_add_counts(hpx_row *row, const char *name, const hpx_search_outcome *search)
{
    hpx_row_open_flat(row, name, '{');
    for (int verdict = 0; verdict < HPX_VERDICTS; verdict++)
        hpx_row_count(row, hpx_verdict_names[verdict], search->trial_counts[verdict]);
    hpx_row_count(row, "failed", search->failed);
    hpx_row_close(row);
}

void hpx_add_macs(hpx_row *row, const char *name, const hpx_recipe *recipe, uint64_t macs)
{
    if (recipe->trainer->cost)
        hpx_row_count(row, name, macs);
    else
        hpx_row_null(row, name);
}

void hpx_add_macs_json(hpx_json *json, const char *name, const hpx_recipe *recipe, uint64_t macs)
{
    if (recipe->trainer->cost)
        hpx_json_count(json, name, macs);
    else
        hpx_json_null(json, name);
}

void hpx_report_axis_json(hpx_json *json, const hpx_axis *axis)
{
    hpx_json_text(json, "name", axis->name);
    hpx_json_open(json, "values", '[');
    for (uint32_t i = 0; i < axis->count; i++)
        hpx_json_value(json, NULL, axis->values[i].text);
    hpx_json_close(json, ']');
}

void hpx_add_grid(hpx_json *json, const hpx_recipe *recipe, uint64_t macs)
{
    hpx_json_open(json, "grid", '{');
    hpx_json_open(json, "axes", '[');
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        hpx_json_open_flat(json, NULL, '{');
        hpx_report_axis_json(json, &recipe->axes[axis]);
        if (!recipe->axes[axis].ordered)
            hpx_json_bool(json, "ordered", false);
        hpx_json_close(json, '}');
    }
    hpx_json_close(json, ']');
    hpx_json_count(json, "cells", hpx_grid_cells(&recipe->grid));
    hpx_add_macs_json(json, "macs", recipe, macs);
    hpx_json_close(json, '}');
}

/* Code, data set and numerics. */
static void add_origins(hpx_json *json, const hpx_outcome *outcome)
{
    hpx_row row = {0};
    hpx_add_code(&row, "code", &outcome->code);
    hpx_row_to_json(json, &row);
    hpx_row_clear(&row);
    if (outcome->dataset.count) {
        hpx_row_open(&row, "dataset", '{');
        hpx_add_record(&row, &outcome->dataset);
        hpx_row_close(&row);
        hpx_row_to_json(json, &row);
        hpx_row_clear(&row);
    } else {
        hpx_json_null(json, "dataset");
    }
    if (outcome->numerics.count) {
        hpx_add_numerics(&row, "numerics", &outcome->numerics);
        hpx_row_to_json(json, &row);
    } else {
        hpx_json_null(json, "numerics");
    }
    hpx_row_free(&row);
}

void hpx_open_outcome(hpx_json *json, const hpx_outcome *outcome)
{
    hpx_json_open(json, NULL, '{');
    hpx_json_count(json, "schema", SCHEMA);
    hpx_json_text(json, "recipe", outcome->recipe->path);
    hpx_json_text(json, "objective", outcome->recipe->objective.name);
    hpx_json_count(json, "epochs", outcome->recipe->epochs);
    hpx_json_open_flat(json, "seeds", '[');
    for (size_t i = 0; i < outcome->recipe->seed_count; i++)
        hpx_json_count(json, NULL, outcome->recipe->seeds[i]);
    hpx_json_close(json, ']');
    hpx_add_grid(json, outcome->recipe, outcome->grid_macs);
    add_origins(json, outcome);
}
