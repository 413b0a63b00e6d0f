#include "run/stored.h"

#include "base/memory.h"
#include "hpx/build.h"
#include "identity/experiment.h"

#include <stdlib.h>

/* What is asked, and by whom. */
struct query {
    hpx_store *store;
    const hpx_stored_options *options;
    hpx_experiment *experiment;
    hpx_artifact_fn *each;
    void *context;
    uint32_t cell;
    hpx_buffer pairs, manifest; /* room for those of a cell */
};

/* Hands an artifact on under the recipe's own name for the cell: another recipe may have trained it. */
static hpx_status hand_on(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct query *query = context;
    hpx_artifact renamed = *artifact;
    query->pairs.size = 0;
    hpx_recipe_cell(&query->pairs, query->options->recipe, query->cell);
    renamed.cell = hpx_cell_of(&query->pairs);
    return query->each(query->context, &renamed, error);
}

static hpx_status each_of_trial(struct query *query, uint32_t seed, hpx_error *error)
{
    hpx_artifact artifact;
    query->manifest.size = 0;
    const hpx_hash key = hpx_experiment_manifest(&query->manifest, query->experiment, query->cell, seed,
                                                 query->options->recipe->epochs);
    if (query->options->all_epochs)
        return hpx_store_each(query->store, &key, hand_on, query, error);
    hpx_status status = hpx_store_find(&artifact, query->store, &key, query->options->recipe->epochs,
                                       &query->manifest, error);
    if (status)
        return status == HPX_NOT_FOUND ? HPX_OK : status;
    status = hand_on(query, &artifact, error);
    hpx_artifact_free(&artifact);
    return status;
}

static int compare_cells(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* The cells that the searches visit, every one once, in order of number. free() them. */
static hpx_status find_visited(uint32_t **cells, size_t *count, const hpx_stored_options *options,
                               const hpx_source_options *source, hpx_error *error)
{
    const hpx_build_options build = {
        .program = options->program, .dry = true, .jobs = 1, .interrupted = options->interrupted};
    hpx_outcome *outcome;
    size_t visits = 0, capacity = 0;
    hpx_status status =
        hpx_build(&outcome, options->recipe, options->searches, options->search_count, source, &build, error);
    for (size_t i = 0; outcome && i < outcome->search_count; i++) {
        const hpx_search_outcome *search = &outcome->searches[i];
        *cells = hpx_grow(*cells, &capacity, visits + search->visit_count, sizeof **cells);
        for (size_t k = 0; k < search->visit_count; k++)
            (*cells)[visits++] = search->visits[k].cell;
    }
    hpx_outcome_free(outcome);
    if (visits > 0)
        qsort(*cells, visits, sizeof **cells, compare_cells);
    *count = 0;
    for (size_t i = 0; i < visits; i++)
        if (i == 0 || (*cells)[i] != (*cells)[i - 1])
            (*cells)[(*count)++] = (*cells)[i];
    return status;
}

/* Calls for all that is asked. */
static hpx_status each_of(struct query *query, hpx_error *error)
{
    const hpx_stored_options *options = query->options;
    const hpx_recipe *recipe = options->recipe;
    const hpx_source_options source = {
        .store = query->store, .folder = options->folder, .elsewhere = options->elsewhere};
    uint32_t *visited = NULL;
    size_t count = hpx_grid_cells(&recipe->grid);
    hpx_status status = HPX_OK;
    if (options->search_count > 0)
        status = find_visited(&visited, &count, options, &source, error);
    if (!status)
        status = hpx_experiment_open(&query->experiment, recipe, &source, error);
    for (size_t i = 0; i < count && !status; i++) {
        query->cell = options->search_count > 0 ? visited[i] : (uint32_t)i;
        for (size_t seed = 0; seed < recipe->seed_count && !status; seed++)
            status = each_of_trial(query, recipe->seeds[seed], error);
    }
    hpx_buffer_free(&query->pairs);
    hpx_buffer_free(&query->manifest);
    hpx_experiment_free(query->experiment);
    free(visited);
    return status;
}

hpx_status hpx_stored_each(hpx_store *store, const hpx_stored_options *options, hpx_artifact_fn *each,
                           void *context, hpx_error *error)
{
    struct query query = {.store = store, .options = options, .each = each, .context = context};
    return each_of(&query, error);
}

/* The seeds of all trajectories, whosever they are. */
struct seeds {
    uint32_t *at;
    size_t count, capacity;
};

static hpx_status add_seed(void *context, const hpx_hash *key, const hpx_fields *manifest, hpx_error *error)
{
    struct seeds *seeds = context;
    uint64_t seed;
    (void)key;
    if (hpx_fields_count(&seed, manifest, "seed", error) || seed > UINT32_MAX)
        return HPX_OK;
    for (size_t i = seeds->count; i-- > 0;)
        if (seeds->at[i] == seed)
            return HPX_OK;
    seeds->at = hpx_grow(seeds->at, &seeds->capacity, seeds->count + 1, sizeof *seeds->at);
    seeds->at[seeds->count++] = (uint32_t)seed;
    return HPX_OK;
}

struct measuring {
    struct query query;
    uint32_t epochs; /* of the recipe */
    const char *const *metrics;
    size_t count;
    hpx_measured *measured;
};

static hpx_status measure(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct measuring *measuring = context;
    const uint32_t seed = (uint32_t)artifact->seed;
    hpx_request request = {measuring->query.cell, artifact->epoch};
    double values[HPX_MEASURED_METRICS_MAX];
    (void)error;
    if (request.epochs > measuring->epochs)
        return HPX_OK;
    if (*artifact->failure) {
        hpx_measured_fail(measuring->measured, seed, request);
        return HPX_OK;
    }
    for (size_t i = 0; i < measuring->count; i++)
        values[i] = hpx_objective_value(&(hpx_objective){measuring->metrics[i]}, &artifact->metrics);
    const uint32_t last = *artifact->stopped ? measuring->epochs : request.epochs;
    for (; request.epochs <= last; request.epochs++)
        hpx_measured_add(measuring->measured, seed, request, values);
    return HPX_OK;
}

hpx_status hpx_stored_measured(hpx_measured **out, hpx_store *store, const hpx_stored_options *options,
                               const char *const *metrics, size_t count, hpx_error *error)
{
    struct seeds seeds = {0};
    hpx_recipe recipe = *options->recipe;
    hpx_stored_options all = *options;
    all.recipe = &recipe;
    all.all_epochs = true;
    struct measuring measuring = {
        .query = {.store = store, .options = &all, .each = measure, .context = &measuring},
        .epochs = recipe.epochs,
        .metrics = metrics,
        .count = count,
        .measured = hpx_measured_new(options->recipe, count, false),
    };
    hpx_status status = hpx_store_each_manifest(store, add_seed, &seeds, error);
    recipe.seeds = seeds.at;
    recipe.seed_count = seeds.count;
    if (!status)
        status = each_of(&measuring.query, error);
    if (status)
        hpx_measured_free(measuring.measured);
    *out = status ? NULL : measuring.measured;
    free(seeds.at);
    return status;
}
