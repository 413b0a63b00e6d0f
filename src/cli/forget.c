/* hpx forget: whole trajectories, whatever epochs of them are stored. What is pinned or in training stays. */
#include "cli.h"

#include "base/memory.h"
#include "store/space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct list {
    hpx_forgotten *items;
    size_t count, capacity;
    hpx_cell_set *cells; /* of the items */
    bool any;            /* a result of the argument at hand was found */
};

/* Artifacts come in order of epochs, those of a key together. */
static hpx_status add(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    struct list *list = context;
    list->any = true;
    hpx_forgotten *last = list->count ? &list->items[list->count - 1] : NULL;
    if (!last || !hpx_hash_equal(&last->newest.key, &artifact->key)) {
        list->items = hpx_grow(list->items, &list->capacity, list->count + 1, sizeof *list->items);
        last = &list->items[list->count++];
        *last = (hpx_forgotten){.epochs = 0};
    } else if (artifact->epoch <= last->newest.epoch) {
        return HPX_OK; /* named a second time */
    }
    last->newest = *artifact;
    last->newest.metrics = (hpx_metrics){0}; /* nobody asks for them */
    last->newest.cell = hpx_cell_set_keep(list->cells, &artifact->cell);
    last->epochs++;
    return HPX_OK;
}

static hpx_status add_key(struct list *list, hpx_store *store, const char *prefix, hpx_error *error)
{
    hpx_hash key;
    list->any = false;
    hpx_status status = hpx_store_find_key(&key, store, prefix, error);
    if (!status)
        status = hpx_store_each(store, &key, add, list, error);
    if (!status && !list->any) { /* its results are lost: what is left of it goes as well */
        const hpx_artifact lost = {.key = key};
        status = add(list, &lost, error);
        list->items[list->count - 1].epochs = 0;
    }
    return status;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(&((const hpx_forgotten *)a)->newest.key, &((const hpx_forgotten *)b)->newest.key,
                  HPX_HASH_BYTES);
}

/* Two arguments, or two cells, may name one trajectory. */
static void sort_out(struct list *list)
{
    size_t kept = 0;
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, by_key);
    for (size_t i = 0; i < list->count; i++)
        if (kept == 0 || by_key(&list->items[kept - 1], &list->items[i]) != 0)
            list->items[kept++] = list->items[i];
    list->count = kept;
}

static hpx_status find_kept(const struct list *list, hpx_store *store, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < list->count && !status; i++) {
        hpx_forgotten *item = &list->items[i];
        bool pinned = false, busy = false;
        status = hpx_store_is_pinned(&pinned, store, &item->newest.key, error);
        if (!status)
            status = hpx_store_is_claimed(&busy, store, &item->newest.key, error);
        item->kept = pinned ? "pinned" : busy ? "in training" : NULL;
    }
    return status;
}

static bool are_keys(const struct options *options)
{
    size_t keys = 0;
    while (keys < options->count && is_key(options->arguments[keys]))
        keys++;
    return keys == options->count;
}

/* Targets, or where there are none the arguments as keys. */
static hpx_status select_items(struct list *list, hpx_store *store, const struct options *options,
                               const struct target *targets, size_t count, const char *data, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < count && !status; i++)
        status = each_of_target(store, &targets[i], data, true, add, list, error);
    for (size_t i = 0; i < options->count && count == 0 && !status; i++)
        status = add_key(list, store, options->arguments[i], error);
    sort_out(list);
    return status ? status : find_kept(list, store, error);
}

static hpx_status forget(struct list *list, hpx_store *store, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < list->count && !status; i++) {
        hpx_forgotten *item = &list->items[i];
        bool claimed = false, forgotten = false;
        if (item->kept)
            continue;
        if (interrupted)
            return hpx_error_set(error, HPX_INTERRUPTED, "interrupted; %zu of %zu trials are forgotten", i,
                                 list->count);
        status = hpx_store_claim(&claimed, store, &item->newest.key, error);
        if (claimed) {
            status = hpx_store_forget(&forgotten, store, &item->newest.key, error);
            hpx_store_release(store, &item->newest.key);
        }
        item->kept = !claimed ? "in training" : !forgotten ? "pinned" : NULL;
    }
    return status;
}

static size_t count_going(const struct list *list)
{
    size_t going = 0;
    for (size_t i = 0; i < list->count; i++)
        going += !list->items[i].kept;
    return going;
}

static char *count_text(const struct list *list)
{
    size_t results = 0, trials = count_going(list);
    for (size_t i = 0; i < list->count; i++)
        results += list->items[i].kept ? 0 : list->items[i].epochs;
    return hpx_format("%zu result%s of %zu trial%s", results, results == 1 ? "" : "s", trials,
                      trials == 1 ? "" : "s");
}

/* On a terminal; where nobody can answer, the command line has said it. */
static bool is_meant(const struct options *options, const struct list *list)
{
    char answer[16] = "";
    if (options->yes || !isatty(STDIN_FILENO))
        return true;
    char *count = count_text(list), *question = hpx_format("hpx: forget %s? [y/N] ", count);
    show_text(question);
    free(question);
    free(count);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int print(const struct options *options, const struct list *list)
{
    hpx_buffer text = {0};
    if (options->json)
        hpx_report_forgotten_json(&text, list->items, list->count);
    else
        hpx_report_forgotten(&text, list->items, list->count);
    return print_result(&text);
}

/* What goes is listed before anybody is asked; in JSON, what went. */
static int run(const struct options *options, hpx_store *store, struct list *list)
{
    hpx_error error;
    hpx_status status = HPX_OK;
    int code = options->json || list->count == 0 ? EXIT_DONE : print(options, list);
    const size_t going = count_going(list);
    const bool meant = going > 0 && !options->dry && is_meant(options, list);
    if (meant)
        status = forget(list, store, &error);
    if (status)
        return fail(&error);
    if (options->json)
        code = print(options, list);
    char *count = count_text(list);
    if (!options->quiet && meant)
        say("forgot %s", count);
    else if (!options->quiet && going == 0)
        say("nothing to forget: %s", list->count ? "all of it stays" : "none of it is stored");
    else if (!options->quiet)
        say("nothing was changed%s", options->dry ? " (-n)" : "");
    free(count);
    return code;
}

static int forget_from(const char *folder, const struct options *options, const struct target *targets,
                       size_t count)
{
    struct list list = {.cells = hpx_cell_set_new()};
    char *data = data_folder(folder);
    hpx_store *store;
    hpx_error error;
    hpx_status status =
        open_existing(&store, options, folder, options->dry ? HPX_STORE_READ : HPX_STORE_WRITE, &error);
    if (!status && store)
        status = select_items(&list, store, options, targets, count, data, &error);
    else if (!status && count == 0)
        status = hpx_error_set(&error, HPX_NOT_FOUND, "%s: no such key; the store is empty",
                               options->arguments[0]);
    int code = status ? fail(&error) : run(options, store, &list);
    free(list.items);
    hpx_cell_set_free(list.cells);
    hpx_store_close(store);
    free(data);
    return code;
}

int run_forget(const struct options *options)
{
    struct target *targets = NULL;
    size_t count = 0;
    hpx_error error;
    catch_interrupts();
    if (!are_keys(options) && open_targets(&targets, &count, options->arguments, options->count, &error))
        return fail(&error);
    char *folder = store_folder(options, count > 0 ? targets[0].path : ".");
    if (count > 0 && !options->quiet)
        warn_if_stale();
    int code = EXIT_USAGE;
    if (have_one_store(options, targets, count, folder))
        code = forget_from(folder, options, targets, count);
    free(folder);
    free_targets(targets, count);
    return code;
}
