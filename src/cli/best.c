/* hpx best: the best cells over all that is stored of a recipe's grid. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOP_DEFAULT 10

struct ranking {
    const hpx_objective *objective;
    struct results cells; /* one for each: its first artifact, with the means over its seeds */
};

/* Artifacts come cell by cell. Means and spread as B. P. Welford computes them (Technometrics 4, 1962). */
static hpx_status add(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct ranking *ranking = context;
    struct results *cells = &ranking->cells;
    (void)error;
    if (cells->count == 0 || !hpx_cell_equal(&cells->at[cells->count - 1].artifact.cell, &artifact->cell))
        results_add(cells, artifact);
    struct result *cell = &cells->at[cells->count - 1];
    hpx_metrics *means = &cell->artifact.metrics;
    double n = (double)++cell->seeds;
    for (size_t i = 0; i < means->count; i++) {
        const char *name = means->list[i].name;
        const double value = hpx_metrics_value(&artifact->metrics, name);
        const double before = value - means->list[i].value;
        means->list[i].value += before / n;
        if (strcmp(name, ranking->objective->name) == 0)
            cell->spread += before * (value - means->list[i].value);
    }
    return HPX_OK;
}

static double sd_of(const struct result *cell)
{
    return cell->seeds > 1 ? sqrt(cell->spread / (double)(cell->seeds - 1)) : NAN;
}

static void add_cells(hpx_rows *rows, const struct ranking *ranking, const hpx_recipe *recipe)
{
    for (size_t i = 0; i < ranking->cells.count; i++) {
        const struct result *cell = &ranking->cells.at[i];
        hpx_report_best(rows, &cell->artifact, &recipe->objective, sd_of(cell), cell->seeds,
                        recipe->seed_count);
    }
}

static void print_table(hpx_buffer *text, const struct ranking *ranking, const hpx_recipe *recipe,
                        bool all_metrics)
{
    hpx_names metrics = {0};
    hpx_rows *rows = hpx_rows_to_table();
    results_metrics(&metrics, &ranking->cells);
    hpx_report_best_columns(rows, &recipe->objective, all_metrics ? &metrics : NULL);
    add_cells(rows, ranking, recipe);
    hpx_rows_finish(text, rows);
    hpx_names_free(&metrics);
}

static void print_json(hpx_buffer *text, const struct ranking *ranking, const hpx_recipe *recipe)
{
    hpx_json json = {.out = text};
    hpx_rows *rows = hpx_rows_to_json(&json);
    hpx_json_open(&json, NULL, '{');
    hpx_json_text(&json, "recipe", recipe->path);
    hpx_json_text(&json, "objective", recipe->objective.name);
    hpx_json_count(&json, "epochs", recipe->epochs);
    hpx_json_open(&json, "best", '[');
    add_cells(rows, ranking, recipe);
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
    hpx_rows_free(rows);
}

static hpx_status rank(hpx_buffer *text, hpx_store *store, const struct target *target, const char *data,
                       const struct options *options, hpx_error *error)
{
    struct ranking ranking = {.objective = &target->recipe->objective};
    struct options top = *options;
    hpx_status status = HPX_OK;
    top.top = options->top ? options->top : TOP_DEFAULT;
    if (store)
        status = each_of_target(store, target, data, false, add, &ranking, error);
    if (!status)
        status = results_check(&ranking.cells, options, error);
    if (!status) {
        if (ranking.cells.count == 0 && !options->quiet)
            say("%s: no cell of its grid is stored with %u %s", target->path, target->recipe->epochs,
                hpx_plural(target->recipe->epochs, "epoch", "epochs"));
        results_filter(&ranking.cells, ranking.objective, options);
        results_order(&ranking.cells, options->sort ? options->sort : "score", ranking.objective, &top);
        if (options->json)
            print_json(text, &ranking, target->recipe);
        else
            print_table(text, &ranking, target->recipe, options->metrics);
    }
    results_free(&ranking.cells);
    return status;
}

int run_best(const struct options *options)
{
    struct target target;
    size_t count = options->count;
    hpx_store *store = NULL;
    hpx_error error;
    hpx_buffer text = {0};
    if (!options->quiet)
        warn_if_stale();
    char *folder = store_folder(options, options->arguments[0]), *data = data_folder(folder);
    hpx_status status = open_target(&target, options->arguments, &count, false, &error);
    if (!status)
        status = open_store(&store, options, folder, HPX_STORE_READ, &error);
    if (!status)
        status = rank(&text, store, &target, data, options, &error);
    int code = status ? fail(&error) : print_result(&text);
    hpx_store_close(store);
    free_target(&target);
    free(data);
    free(folder);
    return code;
}
