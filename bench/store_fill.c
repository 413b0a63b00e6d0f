/* store_fill STORE RECIPE [ARTIFACTS]: fills a store with made-up results, for measuring how commands behave
 * on a large one. Every trial of the recipe's grid gets all its epochs, under the keys that a build by this
 * binary asks for; then trials of seeds beyond the recipe's do, until the store holds ARTIFACTS.
 *
 * The numbers are no training's: only ever fill a store that is thrown away. An existing one is refused. */
#include "base/memory.h"
#include "base/text.h"
#include "hpx/code.h"
#include "identity/experiment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPARE_SEEDS_FROM 1000000000u
#define CHECKPOINT_BYTES 256 /* real ones take megabytes, and are not read by what is measured */

struct filling {
    hpx_store *store;
    hpx_experiment *experiment;
    const hpx_recipe *recipe;
    hpx_hash code, dataset;
    hpx_blob checkpoint;
    uint64_t artifacts;
};

static hpx_metrics made_up_metrics(const hpx_hash *from)
{
    const hpx_trainer *trainer = hpx_trainer_find("mlp");
    hpx_metrics metrics = {0};
    for (size_t i = 0; i < trainer->metric_count; i++)
        hpx_metrics_set(&metrics, trainer->metrics[i].name, from->bytes[i] / 256.0);
    return metrics;
}

static hpx_status put_trial(struct filling *filling, uint32_t cell, uint32_t seed, hpx_error *error)
{
    hpx_buffer manifest = {0}, name = {0};
    hpx_artifact artifact = {
        .key = hpx_experiment_manifest(&manifest, filling->experiment, cell, seed,
                                       hpx_experiment_recipe(filling->experiment)->epochs),
        .code = filling->code,
        .dataset = filling->dataset,
        .seed = seed,
        .host = "nowhere",
        .seconds = 1,
    };
    hpx_recipe_cell(&name, filling->recipe, cell);
    artifact.cell = hpx_cell_of(&name);
    hpx_status status = HPX_OK;
    for (artifact.epoch = 1; artifact.epoch <= filling->recipe->epochs && !status; artifact.epoch++) {
        struct {
            hpx_hash key;
            uint32_t epoch;
        } what = {artifact.key, artifact.epoch};
        artifact.output = hpx_hash_of(&what, sizeof what);
        artifact.metrics = made_up_metrics(&artifact.output);
        artifact.total_seconds = artifact.epoch;
        bool last = artifact.epoch == filling->recipe->epochs;
        hpx_put_options keep = {.keep = last ? HPX_KEEP_NEWEST : HPX_KEEP_NONE, .last = !last};
        status = hpx_store_put(filling->store, &manifest, &artifact, &filling->checkpoint, &keep, error);
        hpx_artifact_free(&artifact);
        filling->artifacts += !status;
    }
    hpx_buffer_free(&name);
    hpx_buffer_free(&manifest);
    return status;
}

static hpx_status put_records(struct filling *filling, hpx_error *error)
{
    hpx_fields code = {0};
    hpx_code_fields(&code, &hpx_code_built, hpx_trainer_find("mlp")->sources);
    const hpx_fields *dataset = &hpx_experiment_source(filling->experiment, 0)->record;
    hpx_status status = hpx_store_put_record(filling->store, HPX_RECORD_CODE, &code, error);
    if (!status)
        status = hpx_store_put_record(filling->store, HPX_RECORD_DATASET, dataset, error);
    filling->code = hpx_record_id(&code);
    filling->dataset = hpx_record_id(dataset);
    hpx_fields_free(&code);
    return status;
}

static hpx_status fill(struct filling *filling, uint64_t artifacts, hpx_error *error)
{
    const hpx_recipe *recipe = filling->recipe;
    uint32_t cells = hpx_grid_cells(&recipe->grid);
    hpx_status status = put_records(filling, error);
    for (uint32_t cell = 0; cell < cells; cell++)
        for (size_t i = 0; i < recipe->seed_count && !status; i++)
            status = put_trial(filling, cell, recipe->seeds[i], error);
    for (uint32_t n = 0; filling->artifacts < artifacts && !status; n++)
        status = put_trial(filling, n % cells, SPARE_SEEDS_FROM + n / cells, error);
    return status;
}

int main(int argc, char **argv)
{
    uint64_t artifacts = 0;
    if (argc < 3 || (argc > 3 && !hpx_parse_u64(&artifacts, argv[3]))) {
        fprintf(stderr, "usage: store_fill STORE RECIPE [ARTIFACTS]\n");
        return 2;
    }
    if (hpx_path_exists(argv[1])) {
        fprintf(stderr, "store_fill: %s: exists; made-up results go into a new store only\n", argv[1]);
        return 2;
    }
    const char *data = getenv("HPX_DATA");
    char *beside = hpx_path_join(argv[1], "data");
    static const uint8_t checkpoint[CHECKPOINT_BYTES];
    struct filling filling = {.checkpoint = HPX_NO_BLOB};
    hpx_recipe *recipe = NULL;
    hpx_error error;
    hpx_status status = hpx_recipe_open(&recipe, argv[2], &error);
    if (!status)
        status = hpx_blob_from_bytes(&filling.checkpoint, checkpoint, sizeof checkpoint, &error);
    if (!status)
        status = hpx_store_open(&filling.store, argv[1], HPX_STORE_WRITE, &error);
    hpx_source_options source = {
        .store = filling.store, .remember = true, .folder = data && *data ? data : beside};
    if (!status)
        status = hpx_experiment_open(&filling.experiment, recipe, &source, &error);
    if (!status) {
        filling.recipe = recipe;
        status = fill(&filling, artifacts, &error);
    }
    if (status)
        fprintf(stderr, "store_fill: %s\n", error.message);
    hpx_experiment_free(filling.experiment);
    hpx_recipe_free(recipe);
    hpx_store_close(filling.store);
    hpx_blob_close(&filling.checkpoint);
    free(beside);
    return status != HPX_OK;
}
