/* hpx forget: whole trajectories, whatever epochs of them are stored. What is pinned or in training stays. */
#include "cli.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool are_keys(const struct options *options)
{
    size_t keys = 0;
    while (keys < options->count && hpx_is_key(options->arguments[keys]))
        keys++;
    return keys == options->count;
}

/* Targets, or where there are none the arguments as keys. */
static hpx_status select_items(hpx_forget_list *list, hpx_store *store, const struct options *options,
                               const struct target *targets, size_t count, const char *data, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < count && !status; i++)
        status = hpx_each_stored(store, &targets[i], data, true, hpx_forget_add, list, error);
    for (size_t i = 0; i < options->count && count == 0 && !status; i++)
        status = hpx_forget_add_key(list, store, options->arguments[i], error);
    return status ? status : hpx_forget_prepare(list, store, error);
}

static size_t count_going(const hpx_forget_list *list)
{
    size_t going = 0;
    for (size_t i = 0; i < list->count; i++)
        going += !list->items[i].kept;
    return going;
}

static char *count_text(const hpx_forget_list *list)
{
    size_t results = 0, trials = count_going(list);
    for (size_t i = 0; i < list->count; i++)
        results += list->items[i].kept ? 0 : list->items[i].epochs;
    return hpx_format("%zu result%s of %zu trial%s", results, results == 1 ? "" : "s", trials,
                      trials == 1 ? "" : "s");
}

/* On a terminal; where nobody can answer, the command line has said it. */
static bool ask(const hpx_forget_list *list)
{
    char answer[16] = "";
    char *count = count_text(list), *question = hpx_format("hpx: forget %s? [y/N] ", count);
    hpx_show_text(question);
    free(question);
    free(count);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int print(const struct options *options, const hpx_forget_list *list)
{
    hpx_buffer text = {0};
    if (options->json)
        hpx_report_forgotten_json(&text, list->items, list->count);
    else
        hpx_report_forgotten(&text, list->items, list->count);
    return hpx_print_result(&text);
}

int hpx_show_going(const struct options *options, const hpx_forget_list *list)
{
    return options->json || list->count == 0 ? EXIT_DONE : print(options, list);
}

bool hpx_is_meant_to_go(const struct options *options, const hpx_forget_list *list)
{
    return !options->dry && (options->yes || !isatty(STDIN_FILENO) || count_going(list) == 0 || ask(list));
}

int hpx_forget_listed(const struct options *options, hpx_store *store, hpx_forget_list *list, bool meant)
{
    hpx_error error;
    const size_t going = count_going(list);
    if (meant && going > 0 && hpx_forget(list, store, &hpx_interrupted, &error))
        return hpx_fail(&error);
    const int code = options->json ? print(options, list) : EXIT_DONE;
    char *count = count_text(list);
    if (!options->quiet && going == 0)
        hpx_say("nothing to forget: %s", list->count ? "all of it stays" : "none of it is stored");
    else if (!options->quiet && meant)
        hpx_say("forgot %s", count);
    else if (!options->quiet)
        hpx_say("nothing was changed%s", options->dry ? " (-n)" : "");
    free(count);
    return code;
}

static int run(const struct options *options, hpx_store *store, hpx_forget_list *list)
{
    const int shown = hpx_show_going(options, list);
    const int code = hpx_forget_listed(options, store, list, hpx_is_meant_to_go(options, list));
    return code ? code : shown;
}

static int forget_from(const char *folder, const struct options *options, const struct target *targets,
                       size_t count)
{
    hpx_forget_list list = {0};
    char *data = hpx_data_folder(folder);
    hpx_store *store;
    hpx_error error;
    hpx_status status =
        hpx_open_existing(&store, options, folder, options->dry ? HPX_STORE_READ : HPX_STORE_WRITE, &error);
    if (!status && store)
        status = select_items(&list, store, options, targets, count, data, &error);
    else if (!status && count == 0)
        status = hpx_error_set(&error, HPX_NOT_FOUND, "%s: no such key; the store is empty",
                               options->arguments[0]);
    int code = status ? hpx_fail(&error) : run(options, store, &list);
    hpx_forget_list_free(&list);
    hpx_store_close(store);
    free(data);
    return code;
}

int hpx_run_forget(const struct options *options)
{
    struct target *targets = NULL;
    size_t count = 0;
    hpx_error error;
    hpx_catch_interrupts();
    if (!are_keys(options) && hpx_open_targets(&targets, &count, options->arguments, options->count, &error))
        return hpx_fail(&error);
    char *folder = hpx_store_folder(options, count > 0 ? targets[0].path : ".");
    if (count > 0 && !options->quiet)
        hpx_warn_if_stale();
    int code = EXIT_USAGE;
    if (hpx_have_one_store(options, targets, count, folder))
        code = forget_from(folder, options, targets, count);
    free(folder);
    hpx_free_targets(targets, count);
    return code;
}
