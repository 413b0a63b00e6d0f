/* hpx export --optuna: what is stored of a recipe as a study in Optuna's journal. */
#include "cli.h"

#include "base/text.h"

#include <stdlib.h>

struct exported {
    hpx_store *store;
    hpx_study *study;
    hpx_hash key;
    hpx_fields manifest; /* of that key */
};

static hpx_status add(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct exported *exported = context;
    hpx_status status = HPX_OK;
    if (!hpx_hash_equal(&exported->key, &artifact->key)) {
        hpx_fields_free(&exported->manifest);
        status = hpx_store_manifest(&exported->manifest, exported->store, &artifact->key, error);
        exported->key = artifact->key;
    }
    if (!status)
        hpx_study_add(exported->study, artifact, &exported->manifest);
    return status;
}

static hpx_status export(hpx_study_counts *counts, hpx_buffer *text, hpx_store *store,
                         const struct options *options, const char *data, hpx_error *error)
{
    struct target target;
    size_t count = options->count;
    hpx_status status = hpx_open_target(&target, options->arguments, &count, false, error);
    if (status)
        return status;
    struct exported exported = {.store = store, .study = hpx_study_new(text, target.recipe)};
    status = hpx_each_stored(store, &target, data, true, add, &exported, error);
    *counts = hpx_study_finish(exported.study);
    if (!status && counts->trials == 0)
        status = hpx_error_set(error, HPX_NOT_FOUND,
                               "%s: no cell of its grid is stored with all of its seeds", target.path);
    hpx_fields_free(&exported.manifest);
    hpx_free_target(&target);
    return status;
}

int hpx_export_optuna(const struct options *options)
{
    if (options->count == 0 || options->csv || hpx_has_bundle_options(options)) {
        hpx_say("export: --optuna takes the file to write and a recipe, and no other option of export");
        return EXIT_USAGE;
    }
    char *folder = hpx_store_folder(options, options->arguments[0]), *data = hpx_data_folder(folder);
    hpx_study_counts counts = {0};
    hpx_buffer text = {0};
    hpx_store *store;
    hpx_error error;
    hpx_status status = hpx_open_store(&store, options, folder, HPX_STORE_READ, &error);
    if (!status && !store)
        status = hpx_error_set(&error, HPX_NOT_FOUND, "%s: no store here", folder);
    if (!status)
        status = export(&counts, &text, store, options, data, &error);
    hpx_store_close(store);
    const int code = status ? hpx_fail(&error) : hpx_write_output(options->optuna, &text);
    if (code == EXIT_DONE && counts.left_out > 0)
        hpx_say("%zu %s left out: not all of their seeds have come to an epoch", counts.left_out,
                hpx_plural(counts.left_out, "cell is", "cells are"));
    if (code == EXIT_DONE && !options->quiet)
        hpx_say("exported %zu %s", counts.trials, hpx_plural(counts.trials, "trial", "trials"));
    hpx_buffer_free(&text);
    free(data);
    free(folder);
    return code;
}
