/* What RECIPE[:SEARCH] and NAME=VALUE on a command line stand for, and the results that belong to it. */
#include "cli.h"

#include "base/glob.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/stored.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool hpx_amends(const char *word)
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

hpx_status hpx_no_such_recipe(const char *path, hpx_error *error)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *nearest = NULL;
    char *folder = hpx_strndup(path, (size_t)(name - path)), *with_ending = hpx_format("%s.rcp", name);
    hpx_path_list names = {0};
    hpx_path_list_folder(&names, *folder ? folder : ".", false);
    const char **recipes = hpx_alloc((names.count + 1) * sizeof *recipes);
    size_t count = 0;
    for (size_t i = 0; i < names.count; i++) {
        if (hpx_glob_matches("*.rcp", names.paths[i]))
            recipes[count++] = names.paths[i];
        if (strcmp(names.paths[i], with_ending) == 0)
            nearest = names.paths[i];
    }
    if (!nearest)
        nearest = hpx_nearest_word(name, recipes);
    hpx_error_set(error, HPX_USAGE, "%s: no such recipe%s%s%s%s", path, nearest ? "; did you mean '" : "",
                  nearest ? folder : "", nearest ? nearest : "", nearest ? "'?" : "");
    free(recipes);
    hpx_path_list_free(&names);
    free(with_ending);
    free(folder);
    return HPX_USAGE;
}

static hpx_status open_recipe(struct target *target, const char *path, hpx_recipe_amendments *amendments,
                              hpx_error *error)
{
    hpx_status status = hpx_recipe_open_amended(&target->recipe, path, amendments, error);
    if (status)
        return status == HPX_NOT_FOUND ? hpx_no_such_recipe(path, error) : status;
    target->path = hpx_strdup(path);
    target->searches = hpx_alloc((target->recipe->search_count + 1) * sizeof *target->searches);
    return HPX_OK;
}

hpx_status hpx_open_target(struct target *out, char **words, size_t *count, bool cell, hpx_error *error)
{
    hpx_recipe_amendments amendments = {.words = words + 1, .count = *count - 1, .cell = cell};
    const char *search;
    *out = (struct target){0};
    if (hpx_amends(words[0]))
        return no_recipe(words[0], error);
    char *path = hpx_split_target(words[0], &search);
    hpx_status status = open_recipe(out, path, &amendments, error);
    if (!status)
        status = add_searches(out, search, error);
    if (status)
        hpx_free_target(out);
    *count = status || !cell ? 1 : 1 + amendments.count;
    free(path);
    return status;
}

hpx_status hpx_open_trial(struct target *out, char **words, size_t count, hpx_error *error)
{
    hpx_recipe_amendments amendments = {.words = words + 1, .count = count - 1, .trial = true};
    *out = (struct target){0};
    if (hpx_amends(words[0]))
        return no_recipe(words[0], error);
    hpx_status status = open_recipe(out, words[0], &amendments, error);
    if (!status)
        status = add_searches(out, NULL, error);
    for (size_t axis = 0; !status && axis < out->recipe->grid.axes; axis++) {
        const hpx_axis *at = &out->recipe->axes[axis];
        if (at->count > 1)
            status = hpx_error_set(error, HPX_USAGE, "axis '%s' has %u values: name one, %s=VALUE", at->name,
                                   at->count, at->name);
    }
    if (status)
        hpx_free_target(out);
    return status;
}

/* No recipe has that name, but a search of the recipe before it. */
static void hint_at_search(const struct target *before, const char *name, hpx_error *error)
{
    const hpx_recipe_search *search;
    hpx_error other;
    if (hpx_recipe_find_search(&search, before->recipe, name, &other) == HPX_OK)
        hpx_error_set(error, HPX_USAGE,
                      "%s: no such recipe; a search is named with its recipe: did you mean '%s:%s'?", name,
                      before->path, name);
}

/* One RECIPE[:SEARCH] of several, which may be of a recipe that is open. */
static hpx_status add_target(struct target *targets, size_t *count, const char *argument,
                             hpx_recipe_amendments amendments, hpx_error *error)
{
    const char *search;
    char *path = hpx_split_target(argument, &search);
    hpx_status status = HPX_OK;
    size_t at = 0;
    while (at < *count && strcmp(targets[at].path, path) != 0)
        at++;
    if (at == *count) {
        status = open_recipe(&targets[at], path, &amendments, error);
        if (status && at > 0 && !hpx_path_exists(path))
            hint_at_search(&targets[at - 1], path, error);
        *count += !status;
    }
    if (!status)
        status = add_searches(&targets[at], search, error);
    free(path);
    return status;
}

hpx_status hpx_open_targets(struct target **out, size_t *count, char *const *arguments, size_t argument_count,
                            hpx_error *error)
{
    struct target *targets = hpx_alloc((argument_count + 1) * sizeof *targets);
    char **words = hpx_alloc((argument_count + 1) * sizeof *words);
    hpx_recipe_amendments amendments = {.words = words};
    hpx_status status = HPX_OK;
    *count = 0;
    for (size_t i = 0; i < argument_count; i++)
        if (hpx_amends(arguments[i]))
            words[amendments.count++] = arguments[i];
    for (size_t i = 0; i < argument_count && !status; i++)
        if (!hpx_amends(arguments[i]))
            status = add_target(targets, count, arguments[i], amendments, error);
    if (!status && argument_count > 0 && *count == 0)
        status = no_recipe(arguments[0], error);
    *out = targets;
    free(words);
    if (status) {
        hpx_free_targets(targets, *count);
        *out = NULL;
        *count = 0;
    }
    return status;
}

hpx_status hpx_need_searches(const struct target *targets, size_t count, hpx_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (targets[i].count == 0)
            return hpx_error_set(error, HPX_USAGE, "%s: the recipe has no search; add a `search` statement",
                                 targets[i].path);
    return HPX_OK;
}

void hpx_free_target(struct target *target)
{
    free(target->path);
    free((void *)target->searches);
    hpx_recipe_free(target->recipe);
    *target = (struct target){0};
}

void hpx_free_targets(struct target *targets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hpx_free_target(&targets[i]);
    free(targets);
}

bool hpx_have_one_store(const struct options *options, const struct target *targets, size_t count,
                        const char *folder)
{
    for (size_t i = 1; i < count; i++) {
        char *other = hpx_store_folder(options, targets[i].path);
        bool same = strcmp(other, folder) == 0;
        if (!same)
            hpx_say("%s has its store in %s and %s in %s; name them one after the other", targets[0].path,
                    folder, targets[i].path, other);
        free(other);
        if (!same)
            return false;
    }
    return true;
}

hpx_status hpx_each_stored(hpx_store *store, const struct target *target, const char *data, bool all_epochs,
                           hpx_artifact_fn *each, void *context, hpx_error *error)
{
    const hpx_stored_options options = {
        .recipe = target->recipe,
        .searches = target->searches,
        .search_count = target->named ? target->count : 0,
        .all_epochs = all_epochs,
        .folder = data,
        .elsewhere = hpx_elsewhere(),
        .program = hpx_worker_program(),
        .interrupted = &hpx_interrupted,
    };
    return hpx_stored_each(store, &options, each, context, error);
}
