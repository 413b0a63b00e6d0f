/* hpx trial: one trial, by its cell. */
#include "cli.h"

#include <stdlib.h>

/* Prints the result; the exit code. */
static int print(hpx_store *store, const struct target *target, const hpx_outcome *outcome,
                 const struct options *options, hpx_error *error)
{
    const hpx_outcome_trial trial = hpx_outcome_trial_at(outcome, &outcome->searches[0], 0);
    hpx_artifact artifact = {0};
    hpx_buffer text = {0};
    if (trial.known) {
        hpx_status status = hpx_store_find(&artifact, store, &trial.key, trial.to, NULL, error);
        if (status)
            return hpx_fail(error);
    }
    const hpx_artifact *result = trial.known ? &artifact : NULL;
    if (options->json)
        hpx_report_trial_json(&text, target->recipe, &trial, result);
    else if (result)
        hpx_report_trial(&text, result);
    int code = hpx_print_result(&text);
    if (result && *result->failure && !options->json)
        hpx_say("the trial failed in epoch %u: %s", result->epoch, result->failure);
    if (!result && !options->json && !options->quiet)
        hpx_say("the trial is not stored; without -n it is run");
    hpx_artifact_free(&artifact);
    return code ? code : !trial.known ? EXIT_WORK_REMAINS : trial.failed ? EXIT_FAILED : EXIT_DONE;
}

int hpx_run_trial(const struct options *options)
{
    struct target target;
    hpx_store *store = NULL;
    hpx_outcome *outcome = NULL;
    hpx_error error;
    int code = EXIT_DONE;
    hpx_status status = hpx_open_trial(&target, options->arguments, options->count, &error);
    if (status)
        return hpx_fail(&error);
    char *folder = hpx_store_folder(options, target.path), *data = hpx_data_folder(folder);
    if (!options->quiet) {
        hpx_warn_if_stale();
        hpx_warn_without_code(target.recipe);
    }
    if (!options->dry)
        hpx_catch_interrupts();
    status = hpx_open_store(&store, options, folder, options->dry ? HPX_STORE_READ : HPX_STORE_WRITE_OR_READ,
                            &error);
    if (!status)
        status = hpx_build_target(&outcome, &target, store, data, options, &error);
    code = status ? hpx_fail(&error) : print(store, &target, outcome, options, &error);
    hpx_outcome_free(outcome);
    hpx_store_close(store);
    hpx_free_target(&target);
    free(data);
    free(folder);
    return code;
}
