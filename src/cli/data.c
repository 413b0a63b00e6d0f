/* hpx data. */
#include "cli.h"

#include "base/text.h"
#include "hpx/known.h"

#include <stdlib.h>
#include <string.h>

static int list(const char *folder, bool as_json)
{
    hpx_buffer text = {0};
    if (as_json)
        hpx_report_datasets_json(&text, folder);
    else
        hpx_report_datasets(&text, folder);
    return hpx_print_result(&text);
}

static int act(const char *verb, const char *name, const char *store, const char *folder,
               const struct options *options)
{
    const hpx_known_dataset *known = hpx_known_find(name);
    if (!known) {
        const char *nearest = hpx_nearest_word(name, hpx_known_names());
        hpx_say("data: unknown data set '%s'%s%s%s `hpx data ls` lists them", name,
                nearest ? "; did you mean '" : ";", nearest ? nearest : "", nearest ? "'?" : "");
        return EXIT_USAGE;
    }
    hpx_error error;
    hpx_status status;
    if (strcmp(verb, "fetch") == 0) {
        struct progress *progress = hpx_progress_new(options, NULL);
        hpx_catch_interrupts();
        status = hpx_make_store_folder(store, &error);
        if (!status)
            status = hpx_known_fetch(known, folder, hpx_progress_fetch, progress, &error);
        hpx_progress_free(progress);
    } else {
        status = hpx_known_verify(known, folder, &error);
    }
    if (status)
        return hpx_fail(&error);
    if (!options->quiet)
        hpx_say("%s: %s", name,
                strcmp(verb, "fetch") == 0 ? "here, every file checked" : "every file has its SHA-256");
    return EXIT_DONE;
}

int hpx_run_data(const struct options *options)
{
    const char *verb = options->count ? options->arguments[0] : "ls";
    bool lists = strcmp(verb, "ls") == 0, acts = strcmp(verb, "fetch") == 0 || strcmp(verb, "verify") == 0;
    if (!(lists && options->count < 2) && !(acts && options->count == 2)) {
        char *usage = hpx_usage_of(options->command);
        hpx_say("usage: %s", usage);
        free(usage);
        return EXIT_USAGE;
    }
    char *store = hpx_store_folder(options, "."), *folder = hpx_data_folder(store);
    int code = lists ? list(folder, options->json) : act(verb, options->arguments[1], store, folder, options);
    free(folder);
    free(store);
    return code;
}
