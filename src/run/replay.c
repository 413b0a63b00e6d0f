/* A replay: the searches over a table of results instead of training. */
#include "hpx/build.h"

#include "ledger.h"

#include "run/measured.h"

#include <math.h>

struct replay {
    const char *path; /* of the table */
    hpx_measured *table;
    struct ledger ledger;
    const struct trial *missing;
    uint32_t missing_epochs;
};

static void look_up(void *context, struct trial *trial, uint32_t epochs, const hpx_buffer *manifest)
{
    (void)manifest;
    struct replay *replay = context;
    const hpx_request request = {trial->cell, epochs};
    double value = NAN;
    size_t seed;
    hpx_measure measure = HPX_MEASURE_MISSING;
    if (hpx_measured_find_seed(&seed, replay->table, trial->seed))
        measure = hpx_measured_value(&value, replay->table, seed, request, 0);
    trial->state = TRIAL_KNOWN;
    trial->verdict = HPX_HIT;
    trial->needed = epochs > trial->needed ? epochs : trial->needed;
    if (measure == HPX_MEASURE_FAILED) {
        hpx_ledger_past(&replay->ledger, trial)->failure = "failed";
        trial->epoch = hpx_measured_failed(replay->table, seed, trial->cell);
        return;
    }
    trial->epoch = epochs > trial->epoch ? epochs : trial->epoch;
    hpx_ledger_note(&replay->ledger, trial, epochs, value);
    if (measure == HPX_MEASURE_MISSING && !replay->missing) {
        replay->missing = trial;
        replay->missing_epochs = epochs;
    }
}

static hpx_status run(struct replay *replay, hpx_plan *plan, hpx_error *error)
{
    const hpx_request *requests;
    size_t count;
    while ((count = hpx_plan_ask(plan, &requests)) > 0) {
        for (size_t i = 0; i < count; i++) {
            double mean, sd;
            hpx_ledger_add(&replay->ledger, requests[i], look_up, replay);
            hpx_ledger_score(&mean, &sd, &replay->ledger, requests[i]);
            hpx_plan_tell(plan, requests[i], mean);
        }
        if (!replay->missing)
            continue;
        hpx_buffer cell = {0};
        hpx_recipe_cell_text(&cell, hpx_experiment_recipe(replay->ledger.experiment), replay->missing->cell);
        hpx_status status =
            hpx_error_set(error, HPX_USAGE, "%s: no row for %s (seed %u, epoch %u)", replay->path,
                          hpx_buffer_text(&cell), replay->missing->seed, replay->missing_epochs);
        hpx_buffer_free(&cell);
        return status;
    }
    return HPX_OK;
}

hpx_status hpx_replay(hpx_outcome **out, const hpx_recipe *recipe, const hpx_recipe_search *const *searches,
                      size_t search_count, const hpx_source_options *source_options, const char *table_path,
                      hpx_error *error)
{
    *out = NULL;
    struct replay replay = {.path = table_path};
    hpx_experiment *experiment = NULL;
    hpx_plan *plan = NULL;
    hpx_source_options shape = *source_options;
    shape.shape_only = true;
    hpx_status status =
        hpx_measured_read(&replay.table, recipe, &recipe->objective.name, 1, table_path, error);
    if (!status)
        status = hpx_experiment_open(&experiment, recipe, &shape, error);
    if (!status) {
        hpx_ledger_init(&replay.ledger, experiment);
        plan = hpx_plan_new(recipe, searches, search_count, hpx_experiment_macs, experiment);
        status = run(&replay, plan, error);
    }
    if (!status)
        *out = hpx_outcome_of(plan, &replay.ledger, NULL);
    else
        hpx_ledger_free(&replay.ledger);
    hpx_plan_free(plan);
    hpx_experiment_free(experiment);
    hpx_measured_free(replay.table);
    return status;
}
