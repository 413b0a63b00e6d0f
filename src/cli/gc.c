/* hpx gc. */
#include "cli.h"

#include "base/memory.h"
#include "store/space.h"
#include "upkeep/gc.h"

#include <stdlib.h>
#include <string.h>

/* All keys are found before the first is pinned. */
static hpx_status pin(hpx_store *store, const struct options *options, hpx_error *error)
{
    hpx_hash *keys = hpx_alloc(options->count * sizeof *keys);
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < options->count && !status; i++)
        status = hpx_store_find_key(&keys[i], store, options->arguments[i], error);
    for (size_t i = 0; i < options->count && !status; i++)
        status = hpx_store_pin(store, &keys[i], options->pin, error);
    free(keys);
    return status;
}

static int print(const hpx_gc_result *result, const struct options *options, uint64_t compacted)
{
    hpx_buffer text = {0};
    if (options->json)
        hpx_report_gc_json(&text, result, compacted);
    else
        hpx_report_gc(&text, result);
    return hpx_print_result(&text);
}

/* Closes the store. Says what follows from the result; the exit code. */
static int finish(hpx_store *store, const char *folder, const hpx_gc_result *result,
                  const struct options *options)
{
    uint64_t before = 0, after = 0;
    char from[32], to[32];
    hpx_error error;
    hpx_store_close(store);
    hpx_status status = HPX_OK;
    if (store && options->compact && !options->dry)
        status = hpx_store_compact(&before, &after, folder, &error);
    int code = print(result, options, after);
    if (status)
        return hpx_fail(&error);
    if (after && !options->quiet)
        hpx_say("compacted the data file from %s to %s", hpx_bytes_text(from, before),
                hpx_bytes_text(to, after));
    if (options->dry && !options->quiet)
        hpx_say("nothing was changed (-n)");
    if (!result->reached) {
        hpx_say(
            "%s are live, above the %s asked for: the rest is pinned, named by a recipe, in training, or no "
            "checkpoint",
            hpx_bytes_text(from, result->live_after), hpx_bytes_text(to, options->bytes_max));
        return EXIT_FAILED;
    }
    return code;
}

static int collect(const struct options *options, const struct target *targets, size_t count,
                   const char *folder, const char *data)
{
    const hpx_recipe **recipes = hpx_alloc((count + 1) * sizeof *recipes);
    for (size_t i = 0; i < count; i++)
        recipes[i] = targets[i].recipe;
    hpx_store *store = NULL;
    hpx_error error;
    hpx_gc_result result = {.reached = true};
    hpx_gc_options gc = {
        .recipes = recipes,
        .recipe_count = count,
        .folder = data,
        .elsewhere = hpx_elsewhere(),
        .limited = options->limited,
        .bytes_max = options->bytes_max,
        .dry = options->dry,
    };
    hpx_status status =
        hpx_open_existing(&store, options, folder, options->dry ? HPX_STORE_READ : HPX_STORE_WRITE, &error);
    if (!status && store)
        status = hpx_gc(&result, store, &gc, &error);
    if (!status && store && count && result.named == 0)
        hpx_say("warning: no checkpoint here belongs to the recipe%s under this binary",
                count == 1 ? "" : "s");
    int code = status ? hpx_fail(&error) : finish(store, folder, &result, options);
    if (status)
        hpx_store_close(store);
    hpx_gc_result_free(&result);
    free(recipes);
    return code;
}

/* Changing pins is all that such a command does. */
static bool may_pin(const struct options *options)
{
    const char *name = options->pin ? "--pin" : "--unpin";
    const struct {
        bool given;
        const char *name;
    } others[] = {{options->pin && options->unpin, "--unpin"},
                  {options->dry, "-n"},
                  {options->compact, "--compact"},
                  {options->limited, "--max-size"},
                  {options->json, "--json"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (others[i].given) {
            hpx_say("gc: %s does not go with %s; usage: hpx gc %s KEY...", others[i].name, name, name);
            return false;
        }
    }
    if (options->count == 0)
        hpx_say("gc: %s names no key; usage: hpx gc %s KEY...", name, name);
    return options->count > 0;
}

static int change_pins(const struct options *options, const char *folder)
{
    hpx_store *store;
    hpx_error error;
    if (!may_pin(options))
        return EXIT_USAGE;
    hpx_status status = hpx_open_existing(&store, options, folder, HPX_STORE_WRITE, &error);
    if (!status && !store)
        status = hpx_error_set(&error, HPX_NOT_FOUND, "%s: no such key; the store is empty",
                               options->arguments[0]);
    if (!status)
        status = pin(store, options, &error);
    hpx_store_close(store);
    return status ? hpx_fail(&error) : EXIT_DONE;
}

static int run_collect(const struct options *options)
{
    struct target *targets;
    size_t count;
    hpx_error error;
    if (hpx_open_targets(&targets, &count, options->arguments, options->count, &error))
        return hpx_fail(&error);
    char *folder = hpx_store_folder(options, count ? targets[0].path : "."), *data = hpx_data_folder(folder);
    if (count && !options->quiet)
        hpx_warn_if_stale();
    int code = EXIT_USAGE;
    if (hpx_have_one_store(options, targets, count, folder))
        code = collect(options, targets, count, folder, data);
    free(data);
    free(folder);
    hpx_free_targets(targets, count);
    return code;
}

int hpx_run_gc(const struct options *options)
{
    if (!options->pin && !options->unpin)
        return run_collect(options);
    char *folder = hpx_store_folder(options, ".");
    int code = change_pins(options, folder);
    free(folder);
    return code;
}
