#include "identity/why.h"

#include "base/memory.h"
#include "identity/manifest.h"

#include <stdlib.h>
#include <string.h>

static hpx_status find_nearest(hpx_why *why, const hpx_experiment *experiment, hpx_store *store,
                               uint32_t cell, hpx_error *error)
{
    hpx_neighbours *neighbours = hpx_neighbours_new(store, NULL);
    hpx_status status = hpx_neighbours_nearest(&why->nearest, neighbours, &why->wanted, error);
    if (!status && why->nearest.found)
        hpx_sides_find(&why->sides, experiment, store, &why->nearest.artifact, cell);
    hpx_neighbours_free(neighbours);
    return status;
}

hpx_status hpx_why_find(hpx_why *out, hpx_experiment *experiment, hpx_store *store, uint32_t cell,
                        uint32_t seed, hpx_error *error)
{
    hpx_buffer manifest = {0};
    *out = (hpx_why){.seed = seed, .epochs = hpx_experiment_recipe(experiment)->epochs};
    hpx_recipe_cell(&out->pairs, hpx_experiment_recipe(experiment), cell);
    hpx_experiment_fields(&out->wanted, experiment, cell, seed);
    out->key =
        hpx_experiment_manifest(&manifest, experiment, cell, seed, hpx_experiment_recipe(experiment)->epochs);
    hpx_status status = hpx_verdict_find(&out->verdict, &out->from, &out->stored, store, &out->key, &manifest,
                                         out->epochs, error);
    if (!status && out->verdict != HPX_HIT && store)
        status = hpx_store_newest(&out->stored, store, &out->key, UINT32_MAX, error);
    if (!status || status == HPX_NOT_FOUND)
        status = hpx_adoptions_read(&out->adoptions, store, error);
    if (!status && out->stored.epoch == 0)
        status = find_nearest(out, experiment, store, cell, error);
    hpx_buffer_free(&manifest);
    return status;
}

void hpx_why_free(hpx_why *why)
{
    hpx_sides_free(&why->sides);
    hpx_adoptions_free(&why->adoptions);
    hpx_neighbour_free(&why->nearest);
    hpx_artifact_free(&why->stored);
    hpx_fields_free(&why->wanted);
    hpx_buffer_free(&why->pairs);
    *why = (hpx_why){0};
}

/* --- history ------------------------------------------------------------------------------------------------ */

struct search {
    hpx_history *history;
    hpx_store *store;
    hpx_fields wanted; /* with the first seed */
    const uint32_t *seeds;
    size_t seed_count;
};

static bool is_wanted_seed(const struct search *search, uint64_t seed)
{
    for (size_t i = 0; i < search->seed_count; i++)
        if (seed == search->seeds[i])
            return true;
    return false;
}

/* Whether a stored field may differ from the wanted one. */
static bool may_differ(const struct search *search, const hpx_field *stored, const hpx_field *wanted)
{
    const char *name = stored ? stored->name : wanted->name;
    if (strcmp(name, "seed") == 0)
        return stored && is_wanted_seed(search, stored->count);
    return hpx_manifest_is_origin(name) || strncmp(name, "version.", strlen("version.")) == 0;
}

static hpx_status add_if_same(void *context, const hpx_hash *key, const hpx_fields *manifest,
                              hpx_error *error)
{
    struct search *search = context;
    hpx_history *history = search->history;
    const hpx_field *before, *after;
    for (hpx_field_walk at = {0};
         hpx_fields_next_difference(&at, manifest, &search->wanted, &before, &after);)
        if (!may_differ(search, before, after))
            return HPX_OK;
    hpx_artifact newest;
    hpx_status status = hpx_store_newest(&newest, search->store, key, UINT32_MAX, error);
    if (status)
        return status == HPX_NOT_FOUND ? HPX_OK : status; /* its results are lost */
    newest.cell = hpx_cell_of(&history->pairs);
    history->artifacts =
        hpx_grow(history->artifacts, &history->capacity, history->count + 1, sizeof *history->artifacts);
    history->artifacts[history->count++] = newest;
    return HPX_OK;
}

static int by_time(const void *a, const void *b)
{
    const int64_t left = ((const hpx_artifact *)a)->started_ns, right = ((const hpx_artifact *)b)->started_ns;
    return (left > right) - (left < right);
}

hpx_status hpx_history_find(hpx_history *out, hpx_experiment *experiment, hpx_store *store, uint32_t cell,
                            const uint32_t *seeds, size_t seed_count, hpx_error *error)
{
    *out = (hpx_history){0};
    struct search search = {.history = out, .store = store, .seeds = seeds, .seed_count = seed_count};
    hpx_recipe_cell(&out->pairs, hpx_experiment_recipe(experiment), cell);
    hpx_experiment_fields(&search.wanted, experiment, cell, seeds[0]);
    hpx_status status = store ? hpx_store_each_manifest(store, add_if_same, &search, error) : HPX_OK;
    hpx_fields_free(&search.wanted);
    if (out->count > 0)
        qsort(out->artifacts, out->count, sizeof *out->artifacts, by_time);
    return status;
}

void hpx_history_free(hpx_history *history)
{
    for (size_t i = 0; i < history->count; i++)
        hpx_artifact_free(&history->artifacts[i]);
    free(history->artifacts);
    hpx_buffer_free(&history->pairs);
    *history = (hpx_history){0};
}
