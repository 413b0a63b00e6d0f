/* Under which numerics a build asks for results. Where its workers are elsewhere, the first of them says it; a build that has
 * nothing to train under what was last seen there needs none. */
#include "inside.h"

#include "identity/elsewhere.h"

#define TICK_MS 200

/* Whether all that the searches ask for is stored. */
static hpx_status is_stored(bool *out, const struct build *build, const hpx_recipe_search *const *searches,
                            size_t search_count, const hpx_source_options *source_options, hpx_error *error)
{
    const hpx_build_options plan = {.program = build->options->program,
                                    .jobs = build->options->jobs,
                                    .dry = true,
                                    .interrupted = build->options->interrupted};
    hpx_source_options source = *source_options;
    hpx_outcome *outcome;
    source.fetch = source.remember = false;
    hpx_status status = hpx_build(&outcome, build->recipe, searches, search_count, &source, &plan, error);
    *out = !status && outcome->pending == 0;
    hpx_outcome_free(outcome);
    return status;
}

static hpx_status take_nothing(void *context, const hpx_result *result, hpx_error *error)
{
    (void)context, (void)result, (void)error;
    return HPX_OK;
}

static hpx_status wait_for_first(struct build *build, hpx_error *error)
{
    hpx_executor *executor = build->executor;
    hpx_status status;
    hpx_build_say(build, "waiting for the first worker: its machine decides which results are asked for");
    while ((status = executor->binary(&build->binary, executor, build->recipe->trainer, error)) ==
           HPX_NOT_FOUND) {
        if (build->options->interrupted && *build->options->interrupted)
            return hpx_error_set(error, HPX_INTERRUPTED, "interrupted; no worker had come yet");
        status = executor->wait(executor, TICK_MS, take_nothing, NULL, error);
        if (status)
            return status;
        hpx_build_say_words(build);
        hpx_build_emit(build, HPX_EVENT_TICK, NULL, NULL);
    }
    return status;
}

hpx_status hpx_build_choose_binary(struct build *build, const hpx_recipe_search *const *searches,
                                   size_t search_count, const hpx_source_options *source_options,
                                   hpx_error *error)
{
    const hpx_build_options *options = build->options;
    const hpx_trainer *trainer = build->recipe->trainer;
    const bool waits = options->launcher && hpx_experiment_needs_numerics(build->experiment);
    bool stored = false;
    hpx_status status = HPX_OK;
    if (!waits && !source_options->elsewhere && !source_options->numerics)
        status = build->executor->binary(&build->binary, build->executor, trainer, error);
    else
        hpx_fields_add(&build->binary, hpx_experiment_binary(build->experiment));
    if (waits && !options->again)
        status = is_stored(&stored, build, searches, search_count, source_options, error);
    if (!status && waits && !stored) {
        status = wait_for_first(build, error);
        if (!status && source_options->elsewhere)
            hpx_elsewhere_remember(source_options->elsewhere, trainer->name, &build->binary);
    }
    if (!status)
        hpx_experiment_set_binary(build->experiment, &build->binary);
    if (options->dry && hpx_experiment_presumes(build->experiment))
        hpx_build_say(
            build,
            "the cluster's numerics are unknown before its first worker: this plan is for this machine's");
    return status;
}
