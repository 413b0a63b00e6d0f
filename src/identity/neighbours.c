#include "identity/neighbours.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Of an axis that are looked at: what its second value does not show, the next few do. */
#define VALUES_MAX 16

/* A trajectory, by the hash of those of its fields that are fixed. */
struct place {
    hpx_hash fixed, key;
};

struct hpx_neighbours {
    hpx_store *store;
    const hpx_fields *fixed;
    struct place *places; /* sorted */
    size_t count, capacity;
    bool read;
};

hpx_neighbours *hpx_neighbours_new(hpx_store *store, const hpx_fields *fixed)
{
    hpx_neighbours *neighbours = hpx_alloc(sizeof *neighbours);
    neighbours->store = store;
    neighbours->fixed = fixed;
    return neighbours;
}

void hpx_neighbours_free(hpx_neighbours *neighbours)
{
    if (!neighbours)
        return;
    free(neighbours->places);
    free(neighbours);
}

void hpx_neighbour_free(hpx_neighbour *neighbour)
{
    hpx_fields_free(&neighbour->manifest);
    hpx_artifact_free(&neighbour->artifact);
    *neighbour = (hpx_neighbour){0};
}

static hpx_hash hash_fixed(const hpx_neighbours *neighbours, const hpx_fields *manifest)
{
    hpx_fields some = {0};
    for (size_t i = 0; neighbours->fixed && i < neighbours->fixed->count; i++) {
        const hpx_field *field = hpx_fields_find(manifest, neighbours->fixed->fields[i].name);
        if (field)
            hpx_fields_set(&some, field);
    }
    hpx_hash hash = hpx_record_id(&some);
    hpx_fields_free(&some);
    return hash;
}

static hpx_status note(void *context, const hpx_hash *key, const hpx_fields *manifest, hpx_error *error)
{
    (void)error;
    hpx_neighbours *neighbours = context;
    neighbours->places = hpx_grow(neighbours->places, &neighbours->capacity, neighbours->count + 1,
                                  sizeof *neighbours->places);
    neighbours->places[neighbours->count++] = (struct place){hash_fixed(neighbours, manifest), *key};
    return HPX_OK;
}

static int by_fixed(const void *a, const void *b)
{
    return memcmp(((const struct place *)a)->fixed.bytes, ((const struct place *)b)->fixed.bytes,
                  HPX_HASH_BYTES);
}

static hpx_status read_once(hpx_neighbours *neighbours, hpx_error *error)
{
    if (neighbours->read || !neighbours->store)
        return HPX_OK;
    neighbours->read = true;
    hpx_status status = hpx_store_each_manifest(neighbours->store, note, neighbours, error);
    if (neighbours->count > 0)
        qsort(neighbours->places, neighbours->count, sizeof *neighbours->places, by_fixed);
    return status;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static size_t distance(const hpx_fields *a, const hpx_fields *b)
{
    enum { CODE, NUMERICS, SEED, DATASET, OTHER, GROUPS };
    static const size_t weights[GROUPS] = {
        [CODE] = 1, [NUMERICS] = 1, [SEED] = 3, [DATASET] = 10, [OTHER] = 10};
    const hpx_field *before, *after;
    size_t sum = 0;
    bool counted[GROUPS] = {false};
    for (hpx_field_walk at = {0}; hpx_fields_next_difference(&at, a, b, &before, &after);) {
        const char *name = before ? before->name : after->name;
        const int group = has_prefix(name, "code.") || has_prefix(name, "version.") ? CODE
                          : has_prefix(name, "numerics.")                           ? NUMERICS
                          : strcmp(name, "seed") == 0                               ? SEED
                          : has_prefix(name, "dataset.")                            ? DATASET
                                                                                    : OTHER;
        /* A new kernel changes several fields at once, as do other images. */
        if (group == OTHER || !counted[group])
            sum += weights[group];
        counted[group] = true;
    }
    return sum;
}

hpx_status hpx_neighbours_nearest(hpx_neighbour *out, hpx_neighbours *neighbours, const hpx_fields *wanted,
                                  hpx_error *error)
{
    *out = (hpx_neighbour){0};
    hpx_status status = read_once(neighbours, error);
    if (status || neighbours->count == 0)
        return status;
    const hpx_hash fixed = hash_fixed(neighbours, wanted);
    size_t least = SIZE_MAX, at = 0;
    for (size_t high = neighbours->count; at < high;) {
        const size_t middle = at + (high - at) / 2;
        if (memcmp(neighbours->places[middle].fixed.bytes, fixed.bytes, HPX_HASH_BYTES) < 0)
            at = middle + 1;
        else
            high = middle;
    }
    for (; !status && at < neighbours->count && hpx_hash_equal(&neighbours->places[at].fixed, &fixed); at++) {
        hpx_neighbour candidate = {.found = true};
        status =
            hpx_store_manifest(&candidate.manifest, neighbours->store, &neighbours->places[at].key, error);
        const size_t far = status ? SIZE_MAX : distance(&candidate.manifest, wanted);
        if (!status && far <= least)
            status = hpx_store_newest(&candidate.artifact, neighbours->store, &neighbours->places[at].key,
                                      UINT32_MAX, error);
        const bool nearer = !status && far <= least &&
                            (far < least || candidate.artifact.started_ns > out->artifact.started_ns);
        if (nearer) {
            hpx_neighbour_free(out);
            *out = candidate;
            least = far;
        } else {
            hpx_neighbour_free(&candidate);
        }
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* nothing was finished, or what was is damaged, and reported */
    }
    return status;
}

/* Adds the names of the fields in which the manifests of two cells differ; of programs the axes themselves, for what
 * follows from them may differ for another reason, too. */
static void add_differing(hpx_fields *out, const hpx_experiment *experiment, const hpx_fields *first,
                          uint32_t cell)
{
    hpx_fields other = {0};
    const hpx_field *before, *after;
    const bool program = hpx_experiment_recipe(experiment)->program != NULL;
    hpx_experiment_fields(&other, experiment, cell, 0);
    for (hpx_field_walk at = {0}; hpx_fields_next_difference(&at, first, &other, &before, &after);) {
        const char *name = before ? before->name : after->name;
        if (!program || has_prefix(name, "axis."))
            hpx_fields_set_count(out, name, 0);
    }
    hpx_fields_free(&other);
}

void hpx_neighbours_varying(hpx_fields *out, const hpx_experiment *experiment)
{
    const hpx_recipe *recipe = hpx_experiment_recipe(experiment);
    hpx_fields first = {0};
    hpx_experiment_fields(&first, experiment, 0, 0);
    hpx_fields_set_count(out, "seed", 0);
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        uint32_t indices[HPX_AXES_MAX] = {0};
        const uint32_t last = recipe->grid.counts[axis] < VALUES_MAX ? recipe->grid.counts[axis] : VALUES_MAX;
        for (indices[axis] = 1; indices[axis] < last; indices[axis]++)
            add_differing(out, experiment, &first, hpx_grid_cell(&recipe->grid, indices));
    }
    hpx_fields_free(&first);
}
