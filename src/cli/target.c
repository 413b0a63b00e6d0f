/* What RECIPE[:SEARCH] and NAME=VALUE on a command line stand for, and the results that belong to it. */
#include "cli.h"

#include "base/memory.h"
#include "identity/experiment.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Splits RECIPE:SEARCH at the last colon, unless there is a file of the whole name. *search is NULL without
 * one. */
static char *split(const char *argument, const char **search)
{
    const char *colon = strrchr(argument, ':');
    *search = NULL;
    if (!colon || hpx_path_exists(argument))
        return hpx_strdup(argument);
    *search = colon + 1;
    return hpx_strndup(argument, (size_t)(colon - argument));
}

char *recipe_path(const char *argument)
{
    const char *search;
    return split(argument, &search);
}

/* Whether a word amends recipes: NAME=VALUE, where NAME is no path. */
static bool amends(const char *word)
{
    const char *end = word;
    while (isalnum((unsigned char)*end) || (*end && strchr("-_.", *end)))
        end++;
    return isalnum((unsigned char)*word) && *end == '=' && !hpx_path_exists(word);
}

static hpx_status no_recipe(const char *word, hpx_error *error)
{
    return hpx_error_set(error, HPX_USAGE, "%s amends a recipe, and none is given", word);
}

static hpx_status add_searches(struct target *target, const char *name, hpx_error *error)
{
    const hpx_recipe *recipe = target->recipe;
    if (!name) {
        target->count = recipe->search_count;
        target->named = false;
        for (size_t i = 0; i < recipe->search_count; i++)
            target->searches[i] = &recipe->searches[i];
        return HPX_OK;
    }
    const hpx_recipe_search *search;
    hpx_status status = hpx_recipe_find_search(&search, recipe, name, error);
    if (status)
        return status;
    for (size_t i = 0; i < target->count; i++)
        if (target->searches[i] == search)
            return HPX_OK;
    target->named = target->count == 0 || target->named;
    target->searches[target->count++] = search;
    return HPX_OK;
}

static hpx_status open_recipe(struct target *target, const char *path, hpx_recipe_amendments *amendments,
                              hpx_error *error)
{
    hpx_status status = hpx_recipe_open_amended(&target->recipe, path, amendments, error);
    if (status)
        return status == HPX_NOT_FOUND ? hpx_error_set(error, HPX_USAGE, "%s: no such recipe", path) : status;
    target->path = hpx_strdup(path);
    target->searches = hpx_alloc((target->recipe->search_count + 1) * sizeof *target->searches);
    return HPX_OK;
}

hpx_status open_target(struct target *out, char **words, size_t *count, bool cell, hpx_error *error)
{
    hpx_recipe_amendments amendments = {words + 1, *count - 1, cell};
    const char *search;
    *out = (struct target){0};
    if (amends(words[0]))
        return no_recipe(words[0], error);
    char *path = split(words[0], &search);
    hpx_status status = open_recipe(out, path, &amendments, error);
    if (!status)
        status = add_searches(out, search, error);
    if (status)
        free_target(out);
    *count = status || !cell ? 1 : 1 + amendments.count;
    free(path);
    return status;
}

/* One RECIPE[:SEARCH] of several, which may be of a recipe that is open. */
static hpx_status add_target(struct target *targets, size_t *count, const char *argument,
                             hpx_recipe_amendments amendments, hpx_error *error)
{
    const char *search;
    char *path = split(argument, &search);
    hpx_status status = HPX_OK;
    size_t at = 0;
    while (at < *count && strcmp(targets[at].path, path) != 0)
        at++;
    if (at == *count) {
        status = open_recipe(&targets[at], path, &amendments, error);
        *count += !status;
    }
    if (!status)
        status = add_searches(&targets[at], search, error);
    free(path);
    return status;
}

hpx_status open_targets(struct target **out, size_t *count, char *const *arguments, size_t argument_count,
                        hpx_error *error)
{
    struct target *targets = hpx_alloc((argument_count + 1) * sizeof *targets);
    char **words = hpx_alloc((argument_count + 1) * sizeof *words);
    hpx_recipe_amendments amendments = {.words = words};
    hpx_status status = HPX_OK;
    *count = 0;
    for (size_t i = 0; i < argument_count; i++)
        if (amends(arguments[i]))
            words[amendments.count++] = arguments[i];
    for (size_t i = 0; i < argument_count && !status; i++)
        if (!amends(arguments[i]))
            status = add_target(targets, count, arguments[i], amendments, error);
    if (!status && argument_count > 0 && *count == 0)
        status = no_recipe(arguments[0], error);
    *out = targets;
    free(words);
    if (status) {
        free_targets(targets, *count);
        *out = NULL;
        *count = 0;
    }
    return status;
}

hpx_status need_searches(const struct target *targets, size_t count, hpx_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (targets[i].count == 0)
            return hpx_error_set(error, HPX_USAGE, "%s: the recipe has no search; add a `search` statement",
                                 targets[i].path);
    return HPX_OK;
}

void free_target(struct target *target)
{
    free(target->path);
    free((void *)target->searches);
    hpx_recipe_free(target->recipe);
    *target = (struct target){0};
}

void free_targets(struct target *targets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free_target(&targets[i]);
    free(targets);
}

/* Hands artifacts on under the recipe's own name for the cell: another recipe may have trained it. */
struct renaming {
    hpx_buffer pairs;
    hpx_artifact_fn *each;
    void *context;
};

static hpx_status rename_cell(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct renaming *renaming = context;
    hpx_artifact renamed = *artifact;
    renamed.cell = hpx_cell_of(&renaming->pairs);
    return renaming->each(renaming->context, &renamed, error);
}

static hpx_status each_of_trial(hpx_store *store, hpx_experiment *experiment, uint32_t cell, uint32_t seed,
                                bool all_epochs, struct renaming *renaming, hpx_error *error)
{
    hpx_buffer manifest = {0};
    hpx_artifact artifact;
    hpx_hash key = hpx_experiment_manifest(&manifest, experiment, cell, seed);
    renaming->pairs.size = 0;
    hpx_experiment_cell(&renaming->pairs, experiment, cell);
    hpx_status status;
    if (all_epochs) {
        status = hpx_store_each(store, &key, rename_cell, renaming, error);
    } else {
        uint32_t epochs = hpx_experiment_recipe(experiment)->epochs;
        status = hpx_store_find(&artifact, store, &key, epochs, &manifest, error);
        if (!status) {
            status = rename_cell(renaming, &artifact, error);
            hpx_artifact_free(&artifact);
        } else if (status == HPX_NOT_FOUND) {
            status = HPX_OK;
        }
    }
    hpx_buffer_free(&manifest);
    return status;
}

/* Marks the cells that the target's searches visit, as far as what is stored decides. */
static hpx_status mark_visited(bool *cells, const struct target *target, const hpx_source_options *source,
                               hpx_error *error)
{
    const hpx_build_options build = {
        .program = worker_program(), .dry = true, .jobs = 1, .interrupted = &interrupted};
    hpx_outcome *outcome;
    hpx_status status =
        hpx_build(&outcome, target->recipe, target->searches, target->count, source, &build, error);
    for (size_t i = 0; outcome && i < outcome->search_count; i++)
        for (size_t k = 0; k < outcome->searches[i].visit_count; k++)
            cells[outcome->searches[i].visits[k].cell] = true;
    hpx_outcome_free(outcome);
    return status;
}

hpx_status each_of_target(hpx_store *store, const struct target *target, const char *data, bool all_epochs,
                          hpx_artifact_fn *each, void *context, hpx_error *error)
{
    const hpx_recipe *recipe = target->recipe;
    hpx_source_options source = {.store = store, .folder = data};
    struct renaming renaming = {.each = each, .context = context};
    uint32_t cells = hpx_grid_cells(&recipe->grid);
    bool *visited = target->named ? hpx_alloc(cells * sizeof *visited) : NULL;
    hpx_experiment *experiment;
    hpx_status status = visited ? mark_visited(visited, target, &source, error) : HPX_OK;
    if (!status)
        status = hpx_experiment_open(&experiment, recipe, &source, error);
    if (status) {
        free(visited);
        return status;
    }
    for (uint32_t cell = 0; cell < cells && !status; cell++)
        for (size_t i = 0; i < recipe->seed_count && (!visited || visited[cell]) && !status; i++)
            status = each_of_trial(store, experiment, cell, recipe->seeds[i], all_epochs, &renaming, error);
    hpx_buffer_free(&renaming.pairs);
    hpx_experiment_free(experiment);
    free(visited);
    return status;
}

bool have_one_store(const struct options *options, const struct target *targets, size_t count,
                    const char *folder)
{
    for (size_t i = 1; i < count; i++) {
        char *other = store_folder(options, targets[i].path);
        bool same = strcmp(other, folder) == 0;
        if (!same)
            say("%s has its store in %s and %s in %s; name them one after the other", targets[0].path, folder,
                targets[i].path, other);
        free(other);
        if (!same)
            return false;
    }
    return true;
}
