/* hpx compare. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* The results that the searches run over: of the table, or of the store. */
static hpx_status open_results(hpx_measured **out, const struct options *options, const struct target *target,
                               const hpx_compare_metrics *metrics, const char *folder, const char *data,
                               hpx_error *error)
{
    const hpx_stored_options stored = {
        .recipe = target->recipe, .folder = data, .elsewhere = hpx_elsewhere()};
    hpx_store *store;
    *out = NULL;
    if (options->table)
        return hpx_measured_read(out, target->recipe, metrics->names, metrics->count, options->table, error);
    hpx_status status = hpx_open_store(&store, options, folder, HPX_STORE_READ, error);
    if (!status && !store)
        return hpx_error_set(error, HPX_USAGE,
                             "no store in %s; build the grid first, or name a table: --table FILE", folder);
    if (!status)
        status = hpx_stored_measured(out, store, &stored, metrics->names, metrics->count, error);
    hpx_store_close(store);
    return status;
}

static hpx_status compare(hpx_buffer *text, const struct options *options, const struct target *target,
                          const char *folder, const char *data, hpx_error *error)
{
    const hpx_source_options source = {.folder = data};
    const hpx_compare_options compare_options = {
        .searches = target->searches,
        .search_count = target->count,
        .against = options->against,
        .all_starts = options->starts != NULL,
        .repeat = (uint32_t)options->repeat,
        .source = &source,
    };
    hpx_compare_metrics metrics;
    hpx_measured *measured;
    hpx_contest *contest = NULL;
    const hpx_recipe_search *against;
    hpx_compare_metrics_of(&metrics, target->recipe);
    hpx_status status = HPX_OK;
    if (options->against)
        status = hpx_recipe_find_search(&against, target->recipe, options->against, error);
    if (!status)
        status = open_results(&measured, options, target, &metrics, folder, data, error);
    if (status)
        return status;
    status = hpx_compare_searches(&contest, target->recipe, measured,
                                  options->table ? options->table : "the store", &compare_options, error);
    if (!status && options->json)
        hpx_report_contest_json(text, contest);
    else if (!status && options->csv)
        hpx_report_contest_csv(text, contest);
    else if (!status)
        hpx_report_contest(text, contest);
    hpx_contest_free(contest);
    hpx_measured_free(measured);
    return status;
}

/* Searches of one recipe, or all of it. */
static hpx_status open_searches(struct target **out, size_t *count, const struct options *options,
                                hpx_error *error)
{
    hpx_status status = hpx_open_targets(out, count, options->arguments, options->count, error);
    if (!status && *count > 1)
        status = hpx_error_set(error, HPX_USAGE, "compare: %s and %s: searches of one recipe are compared",
                               (*out)[0].path, (*out)[1].path);
    return status ? status : hpx_need_searches(*out, *count, error);
}

int hpx_run_compare(const struct options *options)
{
    struct target *target = NULL;
    size_t count = 0;
    hpx_error error;
    hpx_buffer text = {0};
    if (options->starts && strcmp(options->starts, "all") != 0) {
        hpx_say("compare: --starts %s: expected all", options->starts);
        return EXIT_USAGE;
    }
    if (options->json && options->csv) {
        hpx_say("compare: --json or --csv, not both");
        return EXIT_USAGE;
    }
    hpx_status status = open_searches(&target, &count, options, &error);
    if (!status) {
        char *folder = hpx_store_folder(options, target->path), *data = hpx_data_folder(folder);
        status = compare(&text, options, target, folder, data, &error);
        free(data);
        free(folder);
    }
    if (status == HPX_NOT_FOUND)
        hpx_error_set(&error, HPX_USAGE, "%s", error.message);
    const int code = status ? hpx_fail(&error) : hpx_print_result(&text);
    hpx_buffer_free(&text);
    hpx_free_targets(target, count);
    return code;
}
