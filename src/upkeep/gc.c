#include "upkeep/gc.h"

#include "base/memory.h"
#include "hpx/source.h"
#include "identity/experiment.h"
#include "identity/manifest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SNAPSHOT_SECONDS 86400

struct checkpoint {
    hpx_stored_checkpoint stored;
    bool wanted, collected;
    uint64_t freed; /* bytes that go with it */
    hpx_gc_reason reason;
    uint32_t newer;
    hpx_cell cell;
    uint64_t seed;
    uint64_t cost;  /* of training it from the start, as an epoch costs (hpx_cost); 0: not known */
    uint64_t macs;  /* the same, where these are multiplications; else 0 */
    double seconds; /* NaN: not known */
};

/* The checkpoints of one key, and whose they are. */
struct trajectory {
    hpx_hash key;
    struct checkpoint *checkpoints;
    size_t count;
    bool pinned, busy, named;
};

/* A file that several checkpoints share: it goes with the last of them. */
struct shared_file {
    hpx_hash file;
    uint64_t left;
};

struct gc {
    hpx_store *store;
    const hpx_gc_options *options;
    struct checkpoint *checkpoints; /* in order of key and epoch */
    size_t count, capacity;
    struct trajectory *trajectories; /* in order of key */
    size_t trajectory_count;
    struct shared_file *shared;
    size_t shared_count, shared_capacity;
    uint64_t live_bytes; /* with what has been decided so far */
};

/* --- what there is -------------------------------------------------------------------------------------- */

static hpx_status add_checkpoint(void *context, const hpx_stored_checkpoint *stored, hpx_error *error)
{
    (void)error;
    struct gc *gc = context;
    gc->checkpoints = hpx_grow(gc->checkpoints, &gc->capacity, gc->count + 1, sizeof *gc->checkpoints);
    gc->checkpoints[gc->count++] = (struct checkpoint){.stored = *stored, .seconds = NAN};
    return HPX_OK;
}

static void group(struct gc *gc)
{
    gc->trajectories = hpx_alloc((gc->count + 1) * sizeof *gc->trajectories);
    for (size_t i = 0; i < gc->count; i++) {
        struct trajectory *last = gc->trajectory_count ? &gc->trajectories[gc->trajectory_count - 1] : NULL;
        if (!last || !hpx_hash_equal(&last->key, &gc->checkpoints[i].stored.key)) {
            last = &gc->trajectories[gc->trajectory_count++];
            *last =
                (struct trajectory){.key = gc->checkpoints[i].stored.key, .checkpoints = &gc->checkpoints[i]};
        }
        last->count++;
    }
}

static int compare_keys(const void *key, const void *trajectory)
{
    return memcmp(key, ((const struct trajectory *)trajectory)->key.bytes, HPX_HASH_BYTES);
}

static struct trajectory *find_trajectory(const struct gc *gc, const hpx_hash *key)
{
    return bsearch(key->bytes, gc->trajectories, gc->trajectory_count, sizeof *gc->trajectories,
                   compare_keys);
}

static hpx_status look(struct gc *gc, hpx_error *error)
{
    hpx_status status = hpx_store_each_checkpoint(gc->store, add_checkpoint, gc, error);
    if (status)
        return status;
    group(gc);
    for (size_t i = 0; i < gc->trajectory_count && !status; i++) {
        struct trajectory *trajectory = &gc->trajectories[i];
        status = hpx_store_is_pinned(&trajectory->pinned, gc->store, &trajectory->key, error);
        if (!status)
            status = hpx_store_is_claimed(&trajectory->busy, gc->store, &trajectory->key, error);
    }
    return status;
}

/* --- what is wanted ------------------------------------------------------------------------------------- */

/* Marks the newest whole checkpoint up to an epoch; *epoch is it, or 0. The bytes are only read where another
 * one could take its place. */
static hpx_status want_newest(uint32_t *epoch, struct gc *gc, struct trajectory *trajectory,
                              uint32_t epoch_max, hpx_error *error)
{
    size_t candidates = 0;
    while (candidates < trajectory->count && trajectory->checkpoints[candidates].stored.epoch <= epoch_max)
        candidates++;
    *epoch = candidates == 1 ? trajectory->checkpoints[0].stored.epoch : 0;
    if (candidates > 1) {
        hpx_blob whole;
        hpx_status status =
            hpx_store_newest_checkpoint(epoch, &whole, gc->store, &trajectory->key, epoch_max, error);
        hpx_blob_close(&whole);
        if (status)
            return status == HPX_NOT_FOUND ? HPX_OK : status;
    }
    for (size_t i = 0; i < candidates; i++)
        if (trajectory->checkpoints[i].stored.epoch == *epoch)
            trajectory->checkpoints[i].wanted = true;
    return HPX_OK;
}

/* A trial that is no hit would be continued from the newest checkpoint below its last epoch. */
static hpx_status want_trial(struct gc *gc, hpx_experiment *experiment, uint32_t cell, uint32_t seed,
                             hpx_error *error)
{
    hpx_buffer manifest = {0};
    hpx_artifact artifact;
    uint32_t epochs = hpx_experiment_recipe(experiment)->epochs, from;
    const hpx_hash key = hpx_experiment_manifest(&manifest, experiment, cell, seed, epochs);
    struct trajectory *trajectory = find_trajectory(gc, &key);
    hpx_status status = HPX_OK;
    if (trajectory) {
        trajectory->named = true;
        status = hpx_store_find(&artifact, gc->store, &key, epochs, &manifest, error);
        if (!status)
            hpx_artifact_free(&artifact);
        if (status == HPX_NOT_FOUND)
            status = want_newest(&from, gc, trajectory, epochs - 1, error);
    }
    hpx_buffer_free(&manifest);
    return status;
}

static hpx_status want_recipe(struct gc *gc, const hpx_recipe *recipe, hpx_error *error)
{
    hpx_source_options source = {
        .store = gc->store, .folder = gc->options->folder, .elsewhere = gc->options->elsewhere};
    hpx_experiment *experiment;
    hpx_status status = hpx_experiment_open(&experiment, recipe, &source, error);
    if (status)
        return status;
    uint32_t cells = hpx_grid_cells(&recipe->grid);
    for (uint32_t cell = 0; cell < cells && !status; cell++)
        for (size_t i = 0; i < recipe->seed_count && !status; i++)
            status = want_trial(gc, experiment, cell, recipe->seeds[i], error);
    hpx_experiment_free(experiment);
    return status;
}

/* --- what it costs -------------------------------------------------------------------------------------- */

static bool counts_macs(const hpx_fields *manifest)
{
    hpx_error ignored;
    const hpx_trainer *trainer;
    return hpx_trainer_of(&trainer, manifest, &ignored) == HPX_OK && trainer->cost;
}

/* What the store has lost of it stays unknown. */
static hpx_status describe(struct gc *gc, const struct trajectory *trajectory, hpx_error *error)
{
    hpx_fields manifest = {0}, dataset = {0};
    hpx_status status = hpx_store_manifest(&manifest, gc->store, &trajectory->key, error);
    uint64_t cost = 0;
    for (size_t i = 0; i < trajectory->count && (!status || status == HPX_NOT_FOUND); i++) {
        struct checkpoint *checkpoint = &trajectory->checkpoints[i];
        hpx_artifact artifact;
        status = hpx_store_get(&artifact, gc->store, &trajectory->key, checkpoint->stored.epoch, NULL, error);
        if (status)
            continue;
        checkpoint->cell = artifact.cell;
        checkpoint->seed = artifact.seed;
        checkpoint->seconds = artifact.total_seconds;
        hpx_artifact_free(&artifact);
        if (cost == 0 && dataset.count == 0)
            status = hpx_store_get_record(&dataset, gc->store, HPX_RECORD_DATASET, &artifact.dataset, error);
        if (cost == 0)
            cost = hpx_manifest_epoch_cost(&manifest, &dataset);
        checkpoint->cost = cost * checkpoint->stored.epoch;
        checkpoint->macs = counts_macs(&manifest) ? checkpoint->cost : 0;
    }
    hpx_fields_free(&manifest);
    hpx_fields_free(&dataset);
    return status == HPX_NOT_FOUND ? HPX_OK : status;
}

/* --- what goes ------------------------------------------------------------------------------------------ */

/* Whether the checkpoint's bytes go with it. */
static bool is_last_of_file(struct gc *gc, const hpx_stored_checkpoint *stored)
{
    if (stored->references <= 1)
        return true;
    for (size_t i = 0; i < gc->shared_count; i++)
        if (hpx_hash_equal(&gc->shared[i].file, &stored->file))
            return --gc->shared[i].left == 0;
    gc->shared = hpx_grow(gc->shared, &gc->shared_capacity, gc->shared_count + 1, sizeof *gc->shared);
    gc->shared[gc->shared_count++] = (struct shared_file){stored->file, stored->references - 1};
    return false;
}

static void collect(struct gc *gc, struct checkpoint *checkpoint, hpx_gc_reason reason, uint32_t newer)
{
    checkpoint->collected = true;
    checkpoint->reason = reason;
    checkpoint->newer = newer;
    checkpoint->freed = is_last_of_file(gc, &checkpoint->stored) ? checkpoint->stored.bytes : 0;
    gc->live_bytes -= checkpoint->freed;
}

static hpx_status decide(struct gc *gc, struct trajectory *trajectory, hpx_error *error)
{
    uint32_t newest = 0;
    if (trajectory->pinned || trajectory->busy)
        return HPX_OK;
    bool wanted = gc->options->recipe_count == 0 || trajectory->named;
    if (wanted) {
        hpx_status status = want_newest(&newest, gc, trajectory, UINT32_MAX, error);
        if (status)
            return status;
    }
    for (size_t i = 0; i < trajectory->count; i++) {
        struct checkpoint *checkpoint = &trajectory->checkpoints[i];
        if (!wanted)
            collect(gc, checkpoint, HPX_GC_NOT_NAMED, 0);
        else if (!checkpoint->wanted && checkpoint->stored.epoch < newest)
            collect(gc, checkpoint, HPX_GC_SUPERSEDED, newest);
    }
    return HPX_OK;
}

static int compare_cost(const void *a, const void *b)
{
    const struct checkpoint *x = *(struct checkpoint *const *)a, *y = *(struct checkpoint *const *)b;
    /* What is not known may be much. */
    double p = x->cost ? (double)x->cost / (double)x->stored.bytes : INFINITY;
    double q = y->cost ? (double)y->cost / (double)y->stored.bytes : INFINITY;
    return p != q ? (p > q) - (p < q) : (x > y) - (x < y);
}

/* Takes what is cheap to train again for its size, until the live bytes are within the limit. */
static void shrink(struct gc *gc)
{
    struct checkpoint **candidates = hpx_alloc((gc->count + 1) * sizeof(struct checkpoint *));
    size_t count = 0;
    for (size_t i = 0; i < gc->trajectory_count; i++) {
        struct trajectory *trajectory = &gc->trajectories[i];
        if (trajectory->pinned || trajectory->busy || trajectory->named)
            continue;
        for (size_t k = 0; k < trajectory->count; k++)
            if (!trajectory->checkpoints[k].collected)
                candidates[count++] = &trajectory->checkpoints[k];
    }
    qsort(candidates, count, sizeof *candidates, compare_cost);
    for (size_t i = 0; i < count && gc->live_bytes > gc->options->bytes_max; i++)
        collect(gc, candidates[i], HPX_GC_SIZE, 0);
    free(candidates);
}

static hpx_status plan(struct gc *gc, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < gc->options->recipe_count && !status; i++)
        status = want_recipe(gc, gc->options->recipes[i], error);
    for (size_t i = 0; i < gc->trajectory_count && !status; i++)
        status = decide(gc, &gc->trajectories[i], error);
    for (size_t i = 0; i < gc->trajectory_count && !status; i++)
        status = describe(gc, &gc->trajectories[i], error);
    if (!status && gc->options->limited)
        shrink(gc);
    return status;
}

/* --- and goes ------------------------------------------------------------------------------------------- */

/* One transaction, while nobody can begin to train the trajectory. What others have begun or pinned since the
 * plan was made stays. */
static hpx_status drop(struct gc *gc, struct trajectory *trajectory, hpx_error *error)
{
    uint32_t *epochs = hpx_alloc(trajectory->count * sizeof *epochs);
    size_t count = 0;
    for (size_t i = 0; i < trajectory->count; i++)
        if (trajectory->checkpoints[i].collected)
            epochs[count++] = trajectory->checkpoints[i].stored.epoch;
    bool claimed = false, dropped = false;
    hpx_status status = HPX_OK;
    if (count > 0)
        status = hpx_store_claim(&claimed, gc->store, &trajectory->key, error);
    if (claimed) {
        status = hpx_store_drop_checkpoints(&dropped, gc->store, &trajectory->key, epochs, count, error);
        hpx_store_release(gc->store, &trajectory->key);
    }
    free(epochs);
    trajectory->busy = trajectory->busy || (count > 0 && !claimed);
    for (size_t i = 0; i < trajectory->count && !dropped; i++)
        trajectory->checkpoints[i].collected = false;
    return status;
}

static hpx_status execute(struct gc *gc, hpx_gc_result *out, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < gc->trajectory_count && !status; i++)
        status = drop(gc, &gc->trajectories[i], error);
    if (!status)
        status = hpx_store_drop_strays(&out->strays, gc->store, false, error);
    return status;
}

static void add_item(hpx_gc_result *out, const struct checkpoint *checkpoint)
{
    hpx_gc_item *item = &out->items[out->count++];
    *item = (hpx_gc_item){
        .key = checkpoint->stored.key,
        .epoch = checkpoint->stored.epoch,
        .cell = hpx_cell_set_keep(out->cells, &checkpoint->cell),
        .seed = checkpoint->seed,
        .bytes = checkpoint->freed,
        .reason = checkpoint->reason,
        .newer = checkpoint->newer,
        .macs = checkpoint->macs,
        .seconds = checkpoint->seconds,
    };
    out->bytes += item->bytes;
}

static void sum_up(hpx_gc_result *out, const struct gc *gc)
{
    out->items = hpx_alloc((gc->count + 1) * sizeof *out->items);
    out->cells = hpx_cell_set_new();
    out->seconds = NAN;
    for (size_t i = 0; i < gc->trajectory_count; i++) {
        const struct trajectory *trajectory = &gc->trajectories[i];
        const struct checkpoint *last = NULL;
        for (size_t k = 0; k < trajectory->count; k++) {
            if (!trajectory->checkpoints[k].collected)
                continue;
            last = &trajectory->checkpoints[k];
            add_item(out, last);
        }
        out->macs += last ? last->macs : 0;
        out->epochs += last && !last->macs ? last->stored.epoch : 0;
        if (last && !isnan(last->seconds))
            out->seconds = (isnan(out->seconds) ? 0 : out->seconds) + last->seconds;
        out->busy += trajectory->busy;
        out->named += trajectory->named;
    }
    out->bytes += out->strays.bytes;
    out->live_after = out->before.live_bytes - out->bytes;
    out->reached = !gc->options->limited || out->live_after <= gc->options->bytes_max;
}

/* Nothing where there is no scratch folder that can be used. */
static void collect_scratch(hpx_gc_result *out, const hpx_gc_options *options)
{
    char *scratch;
    hpx_error none;
    if (hpx_scratch_folder(&scratch, false, &none) != HPX_OK)
        return;
    hpx_scratch_collect(&out->scratch, scratch, SNAPSHOT_SECONDS, options->dry);
    free(scratch);
}

hpx_status hpx_gc(hpx_gc_result *out, hpx_store *store, const hpx_gc_options *options, hpx_error *error)
{
    struct gc gc = {.store = store, .options = options};
    *out = (hpx_gc_result){0};
    hpx_status status = hpx_store_space(&out->before, store, error);
    if (!status)
        status = hpx_store_drop_strays(&out->strays, store, true, error);
    gc.live_bytes = out->before.live_bytes - out->strays.bytes;
    if (!status)
        status = look(&gc, error);
    if (!status)
        status = plan(&gc, error);
    if (!status && !options->dry)
        status = execute(&gc, out, error);
    if (!options->dry && options->folder)
        hpx_source_remove_left_over(options->folder);
    if (!status)
        collect_scratch(out, options);
    if (!status)
        sum_up(out, &gc);
    free(gc.shared);
    free(gc.checkpoints);
    free(gc.trajectories);
    return status;
}

void hpx_gc_result_free(hpx_gc_result *result)
{
    free(result->items);
    hpx_cell_set_free(result->cells);
    *result = (hpx_gc_result){0};
}
