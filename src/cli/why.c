/* hpx why, hpx log: one cell of a recipe, under this binary and under others. */
#include "cli.h"

#include "base/text.h"
#include "identity/why.h"

#include <stdlib.h>
#include <string.h>

/* What the arguments RECIPE name=value... name. */
struct asked {
    char *folder, *data;
    hpx_store *store; /* NULL: there is none */
    struct target target;
    const hpx_recipe *recipe; /* the target's */
    hpx_experiment *experiment;
    uint32_t cell, seed;
    const uint32_t *seeds; /* the one given, or those of the recipe */
    size_t seed_count;
};

/* Takes seed=N out of the words, unless an axis has that name. */
static hpx_status take_seed(struct asked *asked, char **words, size_t *count, hpx_error *error)
{
    static const char prefix[] = "seed=";
    for (size_t i = 0; i < asked->recipe->grid.axes; i++)
        if (strcmp(asked->recipe->axes[i].name, "seed") == 0)
            return HPX_OK;
    for (size_t i = 0; i < *count; i++) {
        uint64_t seed;
        if (strncmp(words[i], prefix, strlen(prefix)) != 0)
            continue;
        if (!hpx_parse_u64(&seed, words[i] + strlen(prefix)) || seed > UINT32_MAX)
            return hpx_error_set(error, HPX_USAGE, "%s: expected a seed, 0 to %u", words[i], UINT32_MAX);
        asked->seed = (uint32_t)seed;
        asked->seeds = &asked->seed;
        asked->seed_count = 1;
        memmove(words + i, words + i + 1, (--*count - i) * sizeof *words);
        return HPX_OK;
    }
    return HPX_OK;
}

/* The words that are left after the recipe has been amended. */
static hpx_status find_trial(struct asked *asked, char **words, size_t count, hpx_error *error)
{
    asked->seeds = asked->recipe->seeds;
    asked->seed_count = asked->recipe->seed_count;
    hpx_status status = take_seed(asked, words, &count, error);
    if (!status)
        status = hpx_recipe_find_cell(&asked->cell, asked->recipe, words, count, error);
    return status;
}

static hpx_status open_asked(struct asked *asked, const struct options *options, hpx_error *error)
{
    size_t count = options->count;
    *asked = (struct asked){.folder = hpx_store_folder(options, options->arguments[0])};
    asked->data = hpx_data_folder(asked->folder);
    hpx_status status = hpx_open_target(&asked->target, options->arguments, &count, true, error);
    asked->recipe = asked->target.recipe;
    if (!status)
        status = find_trial(asked, options->arguments + 1, count - 1, error);
    if (!status)
        status = hpx_open_store(&asked->store, options, asked->folder, HPX_STORE_READ, error);
    hpx_source_options source = {.store = asked->store, .folder = asked->data, .elsewhere = hpx_elsewhere()};
    if (!status)
        status = hpx_experiment_open(&asked->experiment, asked->recipe, &source, error);
    return status;
}

static void close_asked(struct asked *asked)
{
    hpx_experiment_free(asked->experiment);
    hpx_free_target(&asked->target);
    hpx_store_close(asked->store);
    free(asked->data);
    free(asked->folder);
}

int hpx_run_why(const struct options *options)
{
    struct asked asked;
    hpx_why why = {0};
    hpx_error error;
    hpx_buffer text = {0};
    if (!options->quiet)
        hpx_warn_if_stale();
    hpx_status status = open_asked(&asked, options, &error);
    if (!status)
        status = hpx_why_find(&why, asked.experiment, asked.store, asked.cell, asked.seeds[0], &error);
    if (!status && options->json)
        hpx_report_why_json(&text, &why);
    else if (!status)
        hpx_report_why(&text, &why);
    hpx_why_free(&why);
    close_asked(&asked);
    return status ? hpx_fail(&error) : hpx_print_result(&text);
}

static hpx_status add_history(hpx_rows *rows, const hpx_history *history, hpx_store *store, hpx_error *error)
{
    hpx_adoptions adoptions;
    hpx_status status = hpx_adoptions_read(&adoptions, store, error);
    for (size_t i = 0; i < history->count && !status; i++) {
        hpx_provenance provenance;
        status = hpx_provenance_find(&provenance, store, &adoptions, &history->artifacts[i],
                                     HPX_PROVENANCE_ALL, error);
        if (!status)
            hpx_report_provenance(rows, &provenance, NULL);
        hpx_provenance_free(&provenance);
    }
    hpx_adoptions_free(&adoptions);
    return status;
}

static hpx_status print_history(hpx_buffer *text, const hpx_history *history, hpx_store *store,
                                const hpx_objective *objective, bool as_json, hpx_error *error)
{
    hpx_json json = {.out = text};
    hpx_rows *rows = as_json ? hpx_rows_to_json(&json) : hpx_rows_to_table();
    hpx_report_log_columns(rows, objective);
    if (as_json)
        hpx_json_open(&json, NULL, '[');
    hpx_status status = add_history(rows, history, store, error);
    if (as_json)
        hpx_json_close(&json, ']');
    hpx_rows_finish(text, rows);
    return status;
}

int hpx_run_log(const struct options *options)
{
    struct asked asked;
    hpx_history history = {0};
    hpx_error error;
    hpx_buffer text = {0};
    hpx_status status = open_asked(&asked, options, &error);
    if (!status)
        status = hpx_history_find(&history, asked.experiment, asked.store, asked.cell, asked.seeds,
                                  asked.seed_count, &error);
    if (!status)
        status = print_history(&text, &history, asked.store, &asked.recipe->objective, options->json, &error);
    hpx_history_free(&history);
    close_asked(&asked);
    if (status)
        hpx_buffer_free(&text);
    return status ? hpx_fail(&error) : hpx_print_result(&text);
}
