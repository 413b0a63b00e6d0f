/* hpx export --csv; without it a bundle is written. */
#include "cli.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct table {
    hpx_buffer *text;
    char **axes;
    size_t count, capacity;
};

static hpx_status add_row(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    struct table *table = context;
    hpx_report_csv_row(table->text, (const char *const *)table->axes, table->count, artifact);
    return HPX_OK;
}

static void add_axis(struct table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->axes[i], name) == 0)
            return;
    table->axes = hpx_grow(table->axes, &table->capacity, table->count + 1, sizeof *table->axes);
    table->axes[table->count++] = hpx_strdup(name);
}

/* Without a recipe the columns are the axes that any stored cell names, in order of first appearance. */
static hpx_status add_axes(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    const char *axis, *value;
    for (size_t at = 0; hpx_cell_next(&at, &axis, &value, &artifact->cell);)
        add_axis(context, axis);
    return HPX_OK;
}

static hpx_status export_all(struct table *table, hpx_store *store, hpx_error *error)
{
    hpx_status status = store ? hpx_store_each(store, NULL, add_axes, table, error) : HPX_OK;
    hpx_report_csv_header(table->text, (const char *const *)table->axes, table->count);
    if (!status && store)
        status = hpx_store_each(store, NULL, add_row, table, error);
    return status;
}

static hpx_status export_recipe(struct table *table, hpx_store *store, const struct options *options,
                                const char *data, hpx_error *error)
{
    struct target target;
    size_t count = options->count;
    hpx_status status = open_target(&target, options->arguments, &count, false, error);
    if (status)
        return status;
    for (size_t i = 0; i < target.recipe->grid.axes; i++)
        add_axis(table, target.recipe->axes[i].name);
    hpx_report_csv_header(table->text, (const char *const *)table->axes, table->count);
    if (store)
        status = each_of_target(store, &target, data, true, add_row, table, error);
    free_target(&target);
    return status;
}

int run_export(const struct options *options)
{
    if (!options->csv)
        return export_bundle(options);
    if (options->output || options->all || options->no_checkpoints) {
        say("export: --csv prints a table of results; -o, --all and --no-checkpoints are for bundles");
        return EXIT_USAGE;
    }
    bool whole = options->count == 0;
    char *folder = store_folder(options, whole ? "." : options->arguments[0]), *data = data_folder(folder);
    hpx_buffer text = {0};
    struct table table = {.text = &text};
    hpx_store *store;
    hpx_error error;
    hpx_status status = open_store(&store, options, folder, HPX_STORE_READ, &error);
    if (!status)
        status =
            whole ? export_all(&table, store, &error) : export_recipe(&table, store, options, data, &error);
    hpx_store_close(store);
    int code = status ? fail(&error) : print_bytes(&text);
    hpx_buffer_free(&text);
    for (size_t i = 0; i < table.count; i++)
        free(table.axes[i]);
    free(table.axes);
    free(data);
    free(folder);
    return code;
}
