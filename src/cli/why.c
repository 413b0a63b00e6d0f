/* hpx why, hpx log: one cell of a recipe, under this binary and under others. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/code.h"
#include "hpx/verdict.h"
#include "identity/manifest.h"
#include "identity/neighbours.h"

#include <stdio.h>
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
    bool any_seed;    /* none was given */
    hpx_buffer pairs; /* of the cell */
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
        asked->any_seed = false;
        memmove(words + i, words + i + 1, (--*count - i) * sizeof *words);
        return HPX_OK;
    }
    return HPX_OK;
}

/* The words that are left after the recipe has been amended. */
static hpx_status find_trial(struct asked *asked, char **words, size_t count, hpx_error *error)
{
    asked->seed = asked->recipe->seeds[0];
    asked->any_seed = true;
    hpx_status status = take_seed(asked, words, &count, error);
    if (!status)
        status = hpx_recipe_find_cell(&asked->cell, asked->recipe, words, count, error);
    return status;
}

static hpx_status open_asked(struct asked *asked, const struct options *options, hpx_error *error)
{
    size_t count = options->count;
    *asked = (struct asked){.folder = store_folder(options, options->arguments[0])};
    asked->data = data_folder(asked->folder);
    hpx_status status = open_target(&asked->target, options->arguments, &count, true, error);
    asked->recipe = asked->target.recipe;
    if (!status)
        status = find_trial(asked, options->arguments + 1, count - 1, error);
    if (!status)
        status = open_store(&asked->store, options, asked->folder, HPX_STORE_READ, error);
    hpx_source_options source = {.store = asked->store, .folder = asked->data};
    if (!status)
        status = hpx_experiment_open(&asked->experiment, asked->recipe, &source, error);
    if (!status)
        hpx_experiment_cell(&asked->pairs, asked->experiment, asked->cell);
    return status;
}

static void close_asked(struct asked *asked)
{
    hpx_buffer_free(&asked->pairs);
    hpx_experiment_free(asked->experiment);
    free_target(&asked->target);
    hpx_store_close(asked->store);
    free(asked->data);
    free(asked->folder);
}

static hpx_status keep_newest(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    *(hpx_artifact *)context = *artifact;
    return HPX_OK;
}

/* What changed between the code that made an artifact and this binary's; false where nobody can say. */
static bool find_change(hpx_code_change *out, hpx_store *store, const hpx_artifact *artifact)
{
    hpx_fields before = {0}, after = {0};
    hpx_error error;
    hpx_code_fields(&after, &hpx_code_built);
    bool found =
        hpx_store_get_record(&before, store, HPX_RECORD_CODE, &artifact->code, &error) == HPX_OK &&
        hpx_code_compare(out, hpx_code_built.root, hpx_code_built.sources, &before, &after, &error) == HPX_OK;
    hpx_fields_free(&before);
    hpx_fields_free(&after);
    return found;
}

static hpx_status explain(hpx_buffer *text, struct asked *asked, bool json, hpx_error *error)
{
    hpx_buffer bytes = {0};
    hpx_code_change change = {0};
    hpx_neighbours *neighbours = hpx_neighbours_new(asked->store, NULL);
    hpx_why why = {.cell = hpx_cell_of(&asked->pairs), .seed = asked->seed, .epochs = asked->recipe->epochs};
    hpx_experiment_fields(&why.wanted, asked->experiment, asked->cell, asked->seed);
    hpx_fields_encode(&bytes, &why.wanted);
    why.key = hpx_hash_of(bytes.data, bytes.size);
    hpx_status status = hpx_verdict_find(&why.verdict, &why.from, &why.stored, asked->store, &why.key, &bytes,
                                         why.epochs, error);
    if (!status && why.verdict != HPX_HIT && asked->store)
        status = hpx_store_each(asked->store, &why.key, keep_newest, &why.stored, error);
    if (!status)
        status = hpx_adoptions_read(&why.adoptions, asked->store, error);
    if (!status && why.stored.epoch == 0)
        status = hpx_neighbours_nearest(&why.nearest, neighbours, &why.wanted, error);
    if (!status) {
        if (why.nearest.found && find_change(&change, asked->store, &why.nearest.artifact))
            why.change = &change;
        if (json)
            hpx_report_why_json(text, &why);
        else
            hpx_report_why(text, &why);
    }
    hpx_code_change_free(&change);
    hpx_adoptions_free(&why.adoptions);
    hpx_neighbour_free(&why.nearest);
    hpx_neighbours_free(neighbours);
    hpx_fields_free(&why.wanted);
    hpx_buffer_free(&bytes);
    return status;
}

int run_why(const struct options *options)
{
    struct asked asked;
    hpx_error error;
    hpx_buffer text = {0};
    if (!options->quiet)
        warn_if_stale();
    hpx_status status = open_asked(&asked, options, &error);
    if (!status)
        status = explain(&text, &asked, options->json, &error);
    close_asked(&asked);
    return status ? fail(&error) : print_result(&text);
}

/* The trajectories of one cell, whatever code and machine trained them. */
struct history {
    struct asked *asked;
    hpx_fields wanted; /* with the first seed */
    hpx_artifact *artifacts;
    size_t count, capacity;
    hpx_adoptions adoptions;
};

static bool is_asked(const struct asked *asked, uint64_t seed)
{
    if (!asked->any_seed)
        return seed == asked->seed;
    for (size_t i = 0; i < asked->recipe->seed_count; i++)
        if (seed == asked->recipe->seeds[i])
            return true;
    return false;
}

/* Whether a stored field may differ from the wanted one. */
static bool may_differ(const struct asked *asked, const hpx_field *stored, const hpx_field *wanted)
{
    const char *name = stored ? stored->name : wanted->name;
    if (strcmp(name, "seed") == 0)
        return stored && is_asked(asked, stored->count);
    return hpx_manifest_is_origin(name);
}

static hpx_status add_if_same(void *context, const hpx_hash *key, const hpx_fields *manifest,
                              hpx_error *error)
{
    struct history *history = context;
    const hpx_field *before, *after;
    for (hpx_field_walk at = {0};
         hpx_fields_next_difference(&at, manifest, &history->wanted, &before, &after);)
        if (!may_differ(history->asked, before, after))
            return HPX_OK;
    hpx_artifact newest = {.epoch = 0};
    hpx_status status = hpx_store_each(history->asked->store, key, keep_newest, &newest, error);
    if (status || newest.epoch == 0)
        return status;
    newest.cell = hpx_cell_of(&history->asked->pairs);
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

static hpx_status collect_history(struct history *history, hpx_error *error)
{
    const struct asked *asked = history->asked;
    hpx_status status = HPX_OK;
    hpx_experiment_fields(&history->wanted, asked->experiment, asked->cell, asked->seed);
    if (asked->store)
        status = hpx_store_each_manifest(asked->store, add_if_same, history, error);
    hpx_fields_free(&history->wanted);
    if (history->count > 0)
        qsort(history->artifacts, history->count, sizeof *history->artifacts, by_time);
    return status;
}

static hpx_status print_history(hpx_buffer *text, const struct history *history, bool as_json,
                                hpx_error *error)
{
    hpx_table *table = hpx_report_log_new();
    hpx_json json = {.out = text};
    hpx_status status = HPX_OK;
    if (as_json)
        hpx_json_open(&json, NULL, '[');
    for (size_t i = 0; i < history->count && !status; i++) {
        hpx_provenance provenance;
        status = find_provenance(&provenance, history->asked->store, &history->adoptions,
                                 &history->artifacts[i], error);
        if (status)
            break;
        if (as_json)
            hpx_report_provenance_json(&json, &provenance);
        else
            hpx_report_log_add(table, &provenance);
        hpx_provenance_free(&provenance);
    }
    if (as_json)
        hpx_json_close(&json, ']');
    else
        hpx_table_print(text, table);
    hpx_table_free(table);
    return status;
}

int run_log(const struct options *options)
{
    struct asked asked;
    struct history history = {.asked = &asked};
    hpx_error error;
    hpx_buffer text = {0};
    hpx_status status = open_asked(&asked, options, &error);
    if (!status)
        status = hpx_adoptions_read(&history.adoptions, asked.store, &error);
    if (!status)
        status = collect_history(&history, &error);
    if (!status)
        status = print_history(&text, &history, options->json, &error);
    free(history.artifacts);
    hpx_adoptions_free(&history.adoptions);
    close_asked(&asked);
    if (status)
        hpx_buffer_free(&text);
    return status ? fail(&error) : print_result(&text);
}
