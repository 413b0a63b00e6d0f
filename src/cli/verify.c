/* hpx verify: every byte of the store; with --rebuild also whether this binary still gives what is stored. */
#include "cli.h"

#include "identity/manifest.h"
#include "store/check.h"
#include "upkeep/rebuild.h"

#include <stdlib.h>

static hpx_status add(void *verified, const hpx_rebuilt *rebuilt, hpx_error *error)
{
    (void)error;
    hpx_verified_add(verified, rebuilt);
    return HPX_OK;
}

/* Trains options->rebuild percent of the store again, or of what `of` has signed; the exit code. */
static int rebuild(hpx_verified *verified, hpx_store *store, const hpx_signed *of, const char *data,
                   const struct options *options)
{
    hpx_rebuild_options rebuild = {
        .program = hpx_worker_program(),
        .jobs = hpx_jobs_of(options),
        .share = options->rebuild / 100,
        .draw = (uint32_t)(hpx_clock_ns() / 1000),
        .among = of ? of->keys : NULL,
        .among_count = of ? of->count : 0,
        .folder = data,
        .done = add,
        .context = verified,
        .interrupted = &hpx_interrupted,
    };
    hpx_rebuild_counts counts;
    hpx_error error;
    hpx_catch_interrupts();
    hpx_verified_begin_rebuild(verified);
    hpx_status status = hpx_rebuild(&counts, store, &rebuild, &error);
    hpx_verified_end_rebuild(verified, &counts);
    if (status)
        return hpx_fail(&error);
    return counts.differing ? EXIT_DIFFERS : counts.failed ? EXIT_FAILED : EXIT_DONE;
}

/* What --signer has signed of the store. */
static int rebuild_signed(hpx_verified *verified, hpx_store *store, const char *data,
                          const struct options *options)
{
    hpx_signed_list stored = {0};
    hpx_signer signer;
    hpx_error error;
    char key[HPX_SIGNER_TEXT_BYTES];
    hpx_status status = hpx_find_signer(&signer, options->signer, &error);
    if (!status)
        status = hpx_signed_read(&stored, store, &error);
    const hpx_signed *of = status ? NULL : hpx_signed_find(&stored, hpx_signer_text(key, &signer));
    int code = EXIT_DONE;
    if (status)
        code = hpx_fail(&error);
    else if (of)
        code = rebuild(verified, store, of, data, options);
    else
        hpx_say("the store has nothing that %s has signed", options->signer);
    hpx_signed_free(&stored);
    return code;
}

/* `store`: open for what --rebuild finds, or NULL. The exit code. */
static int report(const hpx_findings *found, const struct options *options, hpx_store *store,
                  const char *data)
{
    hpx_buffer text = {0};
    hpx_verified *verified = hpx_verified_new(found);
    int code = !store            ? EXIT_DONE
               : options->signer ? rebuild_signed(verified, store, data, options)
                                 : rebuild(verified, store, NULL, data, options);
    if (options->json)
        hpx_report_verified_json(&text, verified);
    else
        hpx_report_verified(&text, verified, options->verbose);
    hpx_verified_free(verified);
    const int printed = hpx_print_result(&text);
    return printed                  ? printed
           : found->damaged.count   ? EXIT_DAMAGED
           : found->differing.count ? EXIT_DIFFERS
                                    : code;
}

int hpx_run_verify(const struct options *options)
{
    char *folder = hpx_store_folder(options, "."), *data = hpx_data_folder(folder);
    hpx_store *store = NULL;
    hpx_error error;
    hpx_findings found = {0};
    hpx_status status = HPX_OK;
    if (options->signer && options->rebuild <= 0)
        status = hpx_error_set(&error, HPX_USAGE,
                               "verify: --signer goes with --rebuild, as in --rebuild 5%% --signer %s",
                               options->signer);
    else if (options->store && !hpx_store_exists(folder))
        status = hpx_error_set(&error, HPX_USAGE, "--store %s: there is no store to check", folder);
    if (!status)
        status = hpx_store_check(&found, folder, &hpx_manifest_judge, &error);
    if (status == HPX_NOT_FOUND) {
        hpx_say("%s: there is nothing to check", error.message);
        status = HPX_OK;
    }
    if (!status && options->rebuild > 0 && !found.broken)
        status = hpx_open_store(&store, options, folder, HPX_STORE_WRITE_OR_READ, &error);
    int code = status ? hpx_fail(&error) : report(&found, options, store, data);
    hpx_findings_free(&found);
    hpx_store_close(store);
    free(data);
    free(folder);
    return code;
}
