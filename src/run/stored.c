#include "run/stored.h"

#include "base/memory.h"
#include "hpx/build.h"
#include "identity/experiment.h"

#include <stdlib.h>

/* Hands artifacts on under the recipe's own name for the cell: another recipe may have trained it. */
struct renaming {
    hpx_buffer pairs;
    hpx_artifact_fn *each;
    void *context;
};

static hpx_status rename_cell(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct renaming *renaming = context;
    hpx_artifact renamed = *artifact;
    renamed.cell = hpx_cell_of(&renaming->pairs);
    return renaming->each(renaming->context, &renamed, error);
}

static hpx_status each_of_trial(hpx_store *store, hpx_experiment *experiment, uint32_t cell, uint32_t seed,
                                bool all_epochs, struct renaming *renaming, hpx_error *error)
{
    hpx_buffer manifest = {0};
    hpx_artifact artifact;
    hpx_hash key = hpx_experiment_manifest(&manifest, experiment, cell, seed);
    renaming->pairs.size = 0;
    hpx_experiment_cell(&renaming->pairs, experiment, cell);
    hpx_status status;
    if (all_epochs) {
        status = hpx_store_each(store, &key, rename_cell, renaming, error);
    } else {
        uint32_t epochs = hpx_experiment_recipe(experiment)->epochs;
        status = hpx_store_find(&artifact, store, &key, epochs, &manifest, error);
        if (!status) {
            status = rename_cell(renaming, &artifact, error);
            hpx_artifact_free(&artifact);
        } else if (status == HPX_NOT_FOUND) {
            status = HPX_OK;
        }
    }
    hpx_buffer_free(&manifest);
    return status;
}

/* Marks the cells that the searches visit. */
static hpx_status mark_visited(bool *cells, const hpx_stored_options *options,
                               const hpx_source_options *source, hpx_error *error)
{
    const hpx_build_options build = {
        .program = options->program, .dry = true, .jobs = 1, .interrupted = options->interrupted};
    hpx_outcome *outcome;
    hpx_status status =
        hpx_build(&outcome, options->recipe, options->searches, options->search_count, source, &build, error);
    for (size_t i = 0; outcome && i < outcome->search_count; i++)
        for (size_t k = 0; k < outcome->searches[i].visit_count; k++)
            cells[outcome->searches[i].visits[k].cell] = true;
    hpx_outcome_free(outcome);
    return status;
}

hpx_status hpx_stored_each(hpx_store *store, const hpx_stored_options *options, hpx_artifact_fn *each,
                           void *context, hpx_error *error)
{
    const hpx_recipe *recipe = options->recipe;
    const hpx_source_options source = {.store = store, .folder = options->folder};
    struct renaming renaming = {.each = each, .context = context};
    uint32_t cells = hpx_grid_cells(&recipe->grid);
    bool *visited = options->search_count ? hpx_alloc(cells * sizeof *visited) : NULL;
    hpx_experiment *experiment = NULL;
    hpx_status status = visited ? mark_visited(visited, options, &source, error) : HPX_OK;
    if (!status)
        status = hpx_experiment_open(&experiment, recipe, &source, error);
    for (uint32_t cell = 0; cell < cells && !status; cell++)
        for (size_t i = 0; i < recipe->seed_count && (!visited || visited[cell]) && !status; i++)
            status = each_of_trial(store, experiment, cell, recipe->seeds[i], options->all_epochs, &renaming,
                                   error);
    hpx_buffer_free(&renaming.pairs);
    hpx_experiment_free(experiment);
    free(visited);
    return status;
}
