/* hpx export --csv; without it a bundle is written. */
#include "cli.h"

#include <stdlib.h>

struct table {
    hpx_rows *rows;
    hpx_names axes, metrics;
};

static hpx_status add_row(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    struct table *table = context;
    hpx_report_table_row(table->rows, artifact);
    return HPX_OK;
}

static hpx_status add_metrics(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    struct table *table = context;
    hpx_names_add_metrics(&table->metrics, &artifact->metrics);
    return HPX_OK;
}

/* Without a recipe the columns are the axes that any stored cell names. */
static hpx_status add_columns(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct table *table = context;
    const char *axis, *value;
    for (size_t at = 0; hpx_cell_next(&at, &axis, &value, &artifact->cell);)
        hpx_names_add(&table->axes, axis);
    return add_metrics(context, artifact, error);
}

static hpx_status export_all(struct table *table, hpx_store *store, hpx_error *error)
{
    hpx_status status = store ? hpx_store_each(store, NULL, add_columns, table, error) : HPX_OK;
    hpx_report_table_columns(table->rows, &table->axes, &table->metrics);
    if (!status && store)
        status = hpx_store_each(store, NULL, add_row, table, error);
    return status;
}

static hpx_status export_recipe(struct table *table, hpx_store *store, const struct options *options,
                                const char *data, hpx_error *error)
{
    struct target target;
    size_t count = options->count;
    hpx_status status = hpx_open_target(&target, options->arguments, &count, false, error);
    if (status)
        return status;
    const hpx_recipe *recipe = target.recipe;
    for (size_t i = 0; i < recipe->grid.axes; i++)
        hpx_names_add(&table->axes, recipe->axes[i].name);
    for (size_t i = 0; i < recipe->trainer->metric_count; i++)
        hpx_names_add(&table->metrics, recipe->trainer->metrics[i].name);
    if (store && table->metrics.count == 0) /* only its results know them */
        status = hpx_each_stored(store, &target, data, true, add_metrics, table, error);
    hpx_report_table_columns(table->rows, &table->axes, &table->metrics);
    if (!status && store)
        status = hpx_each_stored(store, &target, data, true, add_row, table, error);
    hpx_free_target(&target);
    return status;
}

int hpx_run_export(const struct options *options)
{
    if (options->checkpoint)
        return hpx_export_checkpoint(options);
    if (options->safetensors)
        return hpx_export_network(options);
    if (options->optuna)
        return hpx_export_optuna(options);
    if (!options->csv)
        return hpx_export_bundle(options);
    if (hpx_has_bundle_options(options)) {
        hpx_say("export: --csv prints a table of results; -o, --all, --no-checkpoints and --logs are for "
                "bundles");
        return EXIT_USAGE;
    }
    bool whole = options->count == 0;
    char *folder = hpx_store_folder(options, whole ? "." : options->arguments[0]),
         *data = hpx_data_folder(folder);
    hpx_buffer text = {0};
    struct table table = {.rows = hpx_rows_to_csv()};
    hpx_store *store;
    hpx_error error;
    hpx_status status = hpx_open_store(&store, options, folder, HPX_STORE_READ, &error);
    if (!status)
        status =
            whole ? export_all(&table, store, &error) : export_recipe(&table, store, options, data, &error);
    hpx_store_close(store);
    hpx_rows_finish(&text, table.rows);
    int code = status ? hpx_fail(&error) : hpx_print_bytes(&text);
    hpx_buffer_free(&text);
    hpx_names_free(&table.axes);
    hpx_names_free(&table.metrics);
    free(data);
    free(folder);
    return code;
}
