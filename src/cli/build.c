/* hpx build, hpx plan. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/code.h"
#include "run/shared.h"
#include "worker/launcher.h"

#include <stdlib.h>
#include <string.h>

static void say_shared(const hpx_outcome *outcome)
{
    if (outcome->pulled > 0)
        hpx_say("%zu %s taken from the shared store", outcome->pulled,
                hpx_plural(outcome->pulled, "trial was", "trials were"));
    if (outcome->pushed > 0)
        hpx_say("%zu %s put into the shared store", outcome->pushed,
                hpx_plural(outcome->pushed, "trial was", "trials were"));
}

static void summarise(const hpx_outcome *outcome, const struct options *options)
{
    const bool trains = outcome->trained + outcome->extended + outcome->pending > 0;
    if (!options->quiet)
        say_shared(outcome);
    if (options->quiet || (!trains && hpx_interrupted))
        return;
    if (!trains) {
        const size_t stored = outcome->stored;
        char *failed = outcome->failed == 0 ? hpx_strdup("")
                       : stored == 1        ? hpx_strdup("; it failed")
                                            : hpx_format("; %zu of them failed", outcome->failed);
        hpx_say("nothing to train: %s%zu %s stored%s", stored > 1 ? "all " : "", stored,
                hpx_plural(stored, "trial is", "trials are"), failed);
        free(failed);
    } else {
        hpx_buffer why = {0};
        hpx_report_reasons(&why, outcome);
        hpx_say("%zu %s trained, %zu extended, %zu failed%s%s", outcome->trained,
                hpx_plural(outcome->trained, "trial", "trials"), outcome->extended, outcome->failed,
                why.size ? ": " : "", hpx_buffer_text(&why));
        why.size = 0;
        hpx_report_adopt_hint(&why, outcome);
        if (why.size > 0)
            hpx_say("%s", hpx_buffer_text(&why));
        hpx_buffer_free(&why);
    }
}

/* How `hpx watch` opens the recipe again. */
static void describe(hpx_fields *out, const struct target *target, const struct options *options)
{
    hpx_buffer words = {0};
    char *folder = hpx_path_real(".");
    for (size_t i = 0; i < options->count; i++)
        hpx_buffer_add(&words, options->arguments[i], strlen(options->arguments[i]) + 1);
    hpx_fields_set_text(out, "command", options->command->name);
    hpx_fields_set_bytes(out, "words", words.data, words.size);
    hpx_fields_set_bytes(out, "recipe", target->path, strlen(target->path));
    hpx_fields_set_bytes(out, "folder", folder ? folder : "", folder ? strlen(folder) : 0);
    hpx_fields_set_count(out, "started", (uint64_t)hpx_clock_ns());
    hpx_buffer_free(&words);
    free(folder);
}

hpx_status hpx_build_target(hpx_outcome **out, const struct target *target, hpx_store *store,
                            const char *data, const struct options *options, hpx_error *error)
{
    bool dry = options->dry;
    struct progress *progress = hpx_progress_new(options, target);
    hpx_fields about = {0};
    struct where where;
    hpx_status status = hpx_find_where(&where, target, options, error);
    describe(&about, target, options);
    hpx_source_options source = {
        .store = store,
        .remember = !dry,
        .folder = data,
        .fetch = !dry,
        .elsewhere = where.numerics,
        .progress = hpx_progress_fetch,
        .context = progress,
    };
    hpx_build_options build = {
        .program = hpx_worker_program(),
        .jobs = where.elsewhere && options->jobs > 0 ? options->jobs : hpx_jobs_of(options),
        .dry = dry,
        .keep_going = options->keep_going,
        .again = options->again,
        .speculative = !options->no_speculate,
        .about = &about,
        .event = hpx_progress_event,
        .context = progress,
        .interrupted = &hpx_interrupted,
    };
    *out = NULL;
    if (!status && !dry) {
        build.launcher = hpx_where_launcher(&where, target->recipe);
        build.pool = where.pool;
    }
    if (!status)
        status = hpx_open_shared(&build.shared, options, store, error);
    if (status && build.launcher)
        build.launcher->close(build.launcher);
    if (!status)
        status = hpx_build(out, target->recipe, target->searches, target->count, &source, &build, error);
    if (build.shared)
        build.shared->close(build.shared);
    hpx_progress_end(progress, *out, status);
    hpx_progress_free(progress);
    hpx_fields_free(&about);
    hpx_where_free(&where);
    return status;
}

static void report_plan(hpx_buffer *out, const hpx_outcome *outcome, const struct target *target,
                        const struct options *options)
{
    struct where where = {.pool = NULL};
    hpx_error error;
    hpx_report_plan(out, outcome, options->verbose);
    if (outcome->pending > 0 && options->jobs > 0 &&
        hpx_find_where(&where, target, options, &error) == HPX_OK && where.elsewhere)
        hpx_where_describe(out, &where, target->recipe, options->jobs);
    hpx_where_free(&where);
}

static hpx_status build_target(int *printed, const struct target *target, hpx_store *store, const char *data,
                               const struct options *options, hpx_error *error)
{
    const bool dry = options->dry;
    hpx_outcome *outcome;
    hpx_buffer text = {.sink = hpx_pass_on};
    hpx_status status = hpx_build_target(&outcome, target, store, data, options, error);
    if (outcome) {
        if (dry && options->json)
            hpx_report_plan_json(&text, outcome);
        else if (dry)
            report_plan(&text, outcome, target, options);
        else if (options->json)
            hpx_report_outcome_json(&text, outcome);
        else
            hpx_report_outcome(&text, outcome);
        *printed = hpx_print_result(&text);
        if (!dry) {
            summarise(outcome, options);
            *printed = *printed ? *printed : hpx_check_searches(outcome);
        }
        if (!*printed && dry && options->exit_code && outcome->pending)
            *printed = EXIT_WORK_REMAINS;
    }
    hpx_outcome_free(outcome);
    return status;
}

/* For results that must be had again from the repository alone. */
static bool is_clean(void)
{
    if (*hpx_code_built.commit && !hpx_code_built.dirty)
        return true;
    hpx_say("--require-clean: this binary was built %s%s; commit its sources and run make",
            *hpx_code_built.commit ? "from uncommitted sources on " : "from sources whose commit is unknown",
            hpx_code_built.commit);
    return false;
}

/* The store of a target, for as long as the next one has the same. */
struct place {
    char *folder, *data;
    hpx_store *store;
};

static void leave(struct place *place)
{
    hpx_store_close(place->store);
    free(place->data);
    free(place->folder);
    *place = (struct place){0};
}

static hpx_status enter(struct place *place, const struct target *target, const struct options *options,
                        hpx_error *error)
{
    char *folder = hpx_store_folder(options, target->path);
    if (place->folder && strcmp(place->folder, folder) == 0) {
        free(folder);
        return HPX_OK;
    }
    leave(place);
    *place = (struct place){.folder = folder, .data = hpx_data_folder(folder)};
    if (options->dry && !hpx_store_exists(folder)) {
        if (options->store && !options->quiet)
            hpx_say("there is no store in %s yet; build makes it", folder);
        return HPX_OK;
    }
    return hpx_open_store(&place->store, options, folder,
                          options->dry ? HPX_STORE_READ : HPX_STORE_WRITE_OR_READ, error);
}

static int run(const struct options *options)
{
    struct target *targets;
    struct place place = {0};
    size_t count;
    hpx_error error;
    int code = EXIT_DONE;
    hpx_status status = hpx_open_targets(&targets, &count, options->arguments, options->count, &error);
    if (!status && (status = hpx_need_searches(targets, count, &error)))
        hpx_free_targets(targets, count);
    if (status)
        return hpx_fail(&error);
    if (options->require_clean && !is_clean()) {
        hpx_free_targets(targets, count);
        return EXIT_FAILED;
    }
    if (!options->quiet) {
        hpx_warn_if_stale();
        for (size_t i = 0; i < count; i++)
            hpx_warn_without_code(targets[i].recipe);
    }
    if (!options->dry)
        hpx_catch_interrupts();
    for (size_t i = 0; i < count; i++) {
        int printed = EXIT_DONE;
        hpx_status built = enter(&place, &targets[i], options, &error);
        if (!built)
            built = build_target(&printed, &targets[i], place.store, place.data, options, &error);
        if (built)
            printed = hpx_fail(&error);
        if (printed)
            code = printed;
        if (built == HPX_INTERRUPTED || (built && !options->keep_going))
            break;
    }
    leave(&place);
    hpx_free_targets(targets, count);
    return code;
}

int hpx_run_build(const struct options *options)
{
    return run(options);
}

int hpx_run_plan(const struct options *options)
{
    struct options plan = *options;
    plan.dry = true;
    return run(&plan);
}
