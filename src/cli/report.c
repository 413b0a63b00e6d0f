/* hpx report: what is stored of a recipe as one HTML page. */
#include "cli.h"

#include "hpx/file.h"
#include "identity/experiment.h"
#include "page/page.h"

#include <stdlib.h>

struct reported {
    hpx_store *store;
    hpx_page *page;
    hpx_adoptions adoptions;
};

static hpx_status add(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct reported *reported = context;
    hpx_provenance provenance;
    if (hpx_page_add(reported->page, artifact))
        return HPX_OK;
    hpx_status status =
        hpx_provenance_find(&provenance, reported->store, &reported->adoptions, artifact, error);
    if (!status)
        hpx_page_add_origin(reported->page, &provenance);
    hpx_provenance_free(&provenance);
    return status;
}

static hpx_status add_comparison(hpx_page *page, const char *path, hpx_error *error)
{
    enum { BYTES_MAX = 64 << 20 };
    hpx_buffer bytes = {0};
    if (!path)
        return HPX_OK;
    hpx_status status = hpx_file_read(&bytes, path, BYTES_MAX, error);
    if (!status)
        status = hpx_page_compare(page, path, &bytes, error);
    hpx_buffer_free(&bytes);
    return status;
}

static hpx_status add_costs(hpx_page *page, const hpx_recipe *recipe, const hpx_source_options *source,
                            hpx_error *error)
{
    hpx_experiment *experiment;
    if (!recipe->trainer->cost)
        return HPX_OK;
    hpx_status status = hpx_experiment_open(&experiment, recipe, source, error);
    for (uint32_t cell = 0; cell < hpx_grid_cells(&recipe->grid) && !status; cell++)
        hpx_page_set_cost(page, cell, hpx_experiment_cost(experiment, cell).forward);
    hpx_experiment_free(experiment);
    return status;
}

/* The searches, as far as what is stored decides them. */
static hpx_status plan_searches(hpx_outcome **out, const struct target *target,
                                const hpx_source_options *source, hpx_error *error)
{
    const hpx_build_options build = {
        .program = hpx_worker_program(), .dry = true, .jobs = 1, .interrupted = &hpx_interrupted};
    *out = NULL;
    if (target->count == 0)
        return HPX_OK;
    return hpx_build(out, target->recipe, target->searches, target->count, source, &build, error);
}

static hpx_status write_page(hpx_buffer *text, hpx_store *store, const struct target *target,
                             const char *compared, const char *data, hpx_error *error)
{
    const hpx_source_options source = {.store = store, .folder = data};
    const struct target whole = {.recipe = target->recipe};
    struct reported reported = {.store = store, .page = hpx_page_new(target->recipe)};
    hpx_outcome *outcome = NULL;
    hpx_status status = add_comparison(reported.page, compared, error);
    if (!status)
        status = hpx_adoptions_read(&reported.adoptions, store, error);
    if (!status)
        status = add_costs(reported.page, target->recipe, &source, error);
    if (!status)
        status = hpx_each_stored(store, &whole, data, true, add, &reported, error);
    if (!status && hpx_page_cells(reported.page) == 0)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no cell of its grid is stored; first: hpx build %s",
                               target->path, target->path);
    if (!status)
        status = plan_searches(&outcome, target, &source, error);
    if (!status)
        hpx_page_write(text, reported.page, outcome);
    hpx_page_free(reported.page);
    hpx_outcome_free(outcome);
    hpx_adoptions_free(&reported.adoptions);
    return status;
}

static hpx_status report(hpx_buffer *text, const struct options *options, hpx_error *error)
{
    struct target target;
    size_t count = options->count;
    hpx_store *store = NULL;
    hpx_status status = hpx_open_target(&target, options->arguments, &count, false, error);
    if (status)
        return status;
    char *folder = hpx_store_folder(options, target.path), *data = hpx_data_folder(folder);
    status = hpx_open_store(&store, options, folder, HPX_STORE_READ, error);
    if (!status && !store)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no store here; first: hpx build %s", folder,
                               target.path);
    if (!status)
        status = write_page(text, store, &target, options->compared, data, error);
    hpx_store_close(store);
    free(data);
    free(folder);
    hpx_free_target(&target);
    return status;
}

int hpx_run_report(const struct options *options)
{
    hpx_buffer text = {0};
    hpx_error error;
    if (!options->output) {
        hpx_say("report: name the file to write: -o report.html");
        return EXIT_USAGE;
    }
    const hpx_status status = report(&text, options, &error);
    const int code = status ? hpx_fail(&error) : hpx_write_output(options->output, &text);
    hpx_buffer_free(&text);
    return code;
}
