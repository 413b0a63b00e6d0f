/* hpx reproduce: one result trained again, by this binary or by the very code that made it. */
#include "cli.h"

#include "base/memory.h"
#include "hpx/code.h"
#include "identity/manifest.h"
#include "upkeep/rebuild.h"

#include <stdlib.h>
#include <string.h>

struct reproduction {
    hpx_rebuilt rebuilt; /* `newest` and `why` are not kept */
    char *why;
};

static hpx_status note(void *context, const hpx_rebuilt *rebuilt, hpx_error *error)
{
    (void)error;
    struct reproduction *reproduction = context;
    reproduction->rebuilt = *rebuilt;
    reproduction->why = rebuilt->why ? hpx_strdup(rebuilt->why) : NULL;
    return HPX_OK;
}

static hpx_status train_again(struct reproduction *reproduction, hpx_store *store,
                              const hpx_trajectory *shown, const char *data, const char *program,
                              hpx_error *error)
{
    const hpx_rebuild_wanted wanted = {.key = shown->newest.artifact.key};
    hpx_rebuild_options rebuild = {
        .program = program ? program : worker_program(),
        .jobs = 1,
        .wanted = &wanted,
        .wanted_count = 1,
        .as_this = !program,
        .folder = data,
        .done = note,
        .context = reproduction,
        .interrupted = &interrupted,
    };
    hpx_rebuild_counts counts;
    return hpx_rebuild(&counts, store, &rebuild, error);
}

/* The worker shall multiply as was recorded, not in the best way of this machine. */
static void pin_numerics(const hpx_fields *manifest)
{
    static const char *const pins[][2] = {{"numerics.vector", "HPX_VECTOR"},
                                          {"numerics.kernel", "OPENBLAS_CORETYPE"}};
    for (size_t i = 0; i < sizeof pins / sizeof *pins; i++) {
        const char *value = hpx_fields_text_or_empty(manifest, pins[i][0]);
        if (*value)
            setenv(pins[i][1], value, 1);
    }
}

/* The manifest as it was trained again. */
static void fill_wanted(hpx_reproduced *out, const hpx_trajectory *shown, bool at_code)
{
    const hpx_fields *recorded = &shown->newest.manifest;
    for (size_t i = 0; i < recorded->count; i++)
        hpx_fields_set(&out->manifest, &recorded->fields[i]);
    const hpx_trainer *trainer;
    hpx_error unknown;
    if (!at_code && hpx_trainer_of(&trainer, &out->manifest, &unknown) == HPX_OK)
        hpx_manifest_set_binary(&out->manifest, trainer);
}

int report_rebuilt(const struct options *options, const hpx_trajectory *shown, const hpx_rebuilt *rebuilt)
{
    hpx_buffer text = {0};
    hpx_fields this_code = {0};
    hpx_code_change change = {0};
    hpx_error unknown;
    hpx_reproduced reproduced = {
        .artifact = &shown->newest.artifact,
        .recorded = &shown->newest.manifest,
        .rebuilt = rebuilt,
        .at_code = options->at_code,
    };
    fill_wanted(&reproduced, shown, options->at_code);
    hpx_code_fields(&this_code, &hpx_code_built);
    if (!options->at_code && hpx_code_compare(&change, hpx_code_built.root, hpx_code_built.sources,
                                              &shown->newest.code, &this_code, &unknown) == HPX_OK)
        reproduced.change = &change;
    if (options->json)
        hpx_report_reproduced_json(&text, &reproduced);
    else
        hpx_report_reproduced(&text, &reproduced);
    hpx_code_change_free(&change);
    hpx_fields_free(&this_code);
    hpx_fields_free(&reproduced.manifest);
    const int printed = print_result(&text);
    return printed ? printed : rebuilt->verdict == HPX_REBUILD_SAME ? EXIT_DONE : EXIT_DIFFERS;
}

int run_reproduce(const struct options *options)
{
    char *folder = store_folder(options, "."), *data = data_folder(folder), *tree = NULL, *program = NULL;
    struct reproduction reproduction = {.why = NULL};
    hpx_store *store;
    hpx_error error;
    hpx_trajectory shown = {0};
    int code;
    catch_interrupts();
    hpx_status status = open_store(&store, options, folder, HPX_STORE_READ, &error);
    if (!status)
        status = hpx_trajectory_read(&shown, store, options->arguments[0], &error);
    /* A second output is kept where that is possible, so the store is opened for writing once it is known to
     * exist; what is shown borrows from it. */
    hpx_trajectory_free(&shown);
    hpx_store_close(store);
    store = NULL;
    if (!status)
        status = open_store(&store, options, folder, HPX_STORE_WRITE_OR_READ, &error);
    if (!status)
        status = hpx_trajectory_read(&shown, store, options->arguments[0], &error);
    if (!status && options->at_code)
        status =
            code_check_trust(store, &shown.newest.artifact.code, &shown.newest.code, options->trust, &error);
    if (!status && options->at_code)
        status = code_build(&tree, &program, &shown.newest.code, &shown.newest.manifest, &error);
    if (!status && options->at_code)
        pin_numerics(&shown.newest.manifest);
    if (!status)
        status = train_again(&reproduction, store, &shown, data, program, &error);
    if (!status && reproduction.why)
        status = hpx_error_set(&error, HPX_FAILED, "%s: %s", options->arguments[0], reproduction.why);
    if (!status && reproduction.rebuilt.compared == 0)
        status = hpx_error_set(&error, HPX_FAILED, "%s: its results are lost", options->arguments[0]);
    code = status ? fail(&error) : report_rebuilt(options, &shown, &reproduction.rebuilt);
    code_build_remove(tree);
    hpx_trajectory_free(&shown);
    hpx_store_close(store);
    free(reproduction.why);
    free(program);
    free(data);
    free(folder);
    return code;
}
