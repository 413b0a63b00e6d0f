/* hpx data. */
#include "cli.h"

#include "base/text.h"
#include "hpx/known.h"

#include <stdlib.h>
#include <string.h>

static const char *state_of(const hpx_known_dataset *known, const char *folder)
{
    size_t present = 0;
    for (size_t role = 0; role < HPX_ROLES; role++) {
        char *path = hpx_known_path(known, folder, role);
        hpx_file_stat stat;
        hpx_error error;
        present += hpx_file_stat_of(&stat, path, &error) == HPX_OK && stat.size == known->files[role].size;
        free(path);
    }
    return present == HPX_ROLES ? "downloaded" : present ? "downloaded in part" : "not downloaded";
}

static int list(const char *folder, bool as_json)
{
    hpx_buffer text = {0};
    hpx_json json = {.out = &text};
    hpx_table *table = hpx_table_new("lrrrrl");
    static const char *const columns[] = {"data set", "train", "test", "features", "classes", "state"};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        hpx_table_add(table, "%s", columns[i]);
    hpx_json_open(&json, NULL, '[');
    for (const char *const *name = hpx_known_names(); *name; name++) {
        const hpx_known_dataset *known = hpx_known_find(*name);
        const char *state = state_of(known, folder);
        hpx_table_add(table, "%s", *name);
        hpx_table_add(table, "%u", known->train_count);
        hpx_table_add(table, "%u", known->test_count);
        hpx_table_add(table, "%u", known->features);
        hpx_table_add(table, "%u", known->classes);
        hpx_table_add(table, "%s", state);
        hpx_json_open_flat(&json, NULL, '{');
        hpx_json_text(&json, "name", *name);
        hpx_json_count(&json, "train", known->train_count);
        hpx_json_count(&json, "test", known->test_count);
        hpx_json_count(&json, "features", known->features);
        hpx_json_count(&json, "classes", known->classes);
        hpx_json_text(&json, "state", state);
        hpx_json_text(&json, "folder", folder);
        hpx_json_close(&json, '}');
    }
    hpx_json_close(&json, ']');
    if (!as_json) {
        text.size = 0;
        hpx_table_print(&text, table);
    }
    hpx_table_free(table);
    return print_result(&text);
}

static int act(const char *verb, const char *name, const char *store, const char *folder,
               const struct options *options)
{
    const hpx_known_dataset *known = hpx_known_find(name);
    if (!known) {
        const char *nearest = hpx_nearest_word(name, hpx_known_names());
        say("data: unknown data set '%s'%s%s%s `hpx data ls` lists them", name,
            nearest ? "; did you mean '" : ";", nearest ? nearest : "", nearest ? "'?" : "");
        return EXIT_USAGE;
    }
    hpx_error error;
    hpx_status status;
    if (strcmp(verb, "fetch") == 0) {
        struct progress *progress = progress_new(options, NULL);
        catch_interrupts();
        status = make_store_folder(store, &error);
        if (!status)
            status = hpx_known_fetch(known, folder, progress_fetch, progress, &error);
        progress_free(progress);
    } else {
        status = hpx_known_verify(known, folder, &error);
    }
    if (status)
        return fail(&error);
    if (!options->quiet)
        say("%s: %s", name,
            strcmp(verb, "fetch") == 0 ? "here, every file checked" : "every file has its SHA-256");
    return EXIT_DONE;
}

int run_data(const struct options *options)
{
    const char *verb = options->count ? options->arguments[0] : "ls";
    bool lists = strcmp(verb, "ls") == 0, acts = strcmp(verb, "fetch") == 0 || strcmp(verb, "verify") == 0;
    if (!(lists && options->count < 2) && !(acts && options->count == 2)) {
        char *usage = usage_of(options->command);
        say("usage: %s", usage);
        free(usage);
        return EXIT_USAGE;
    }
    char *store = store_folder(options, "."), *folder = data_folder(store);
    int code = lists ? list(folder, options->json) : act(verb, options->arguments[1], store, folder, options);
    free(folder);
    free(store);
    return code;
}
