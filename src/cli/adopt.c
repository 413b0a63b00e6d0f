/* hpx adopt. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/code.h"
#include "upkeep/makers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static hpx_status list(hpx_buffer *text, hpx_store *store, const struct options *options, hpx_error *error)
{
    hpx_adoptions adoptions;
    hpx_status status = hpx_adoptions_read(&adoptions, store, error);
    if (!status && options->json)
        hpx_report_adoptions_json(text, &adoptions);
    else if (!status)
        hpx_report_adoptions(text, &adoptions);
    hpx_adoptions_free(&adoptions);
    return status;
}

static bool begins(const uint8_t version[HPX_CODE_BYTES], const char *prefix)
{
    char hex[HPX_CODE_HEX_BYTES];
    hpx_hex(hex, version, HPX_CODE_BYTES);
    return *prefix && strncasecmp(hex, prefix, strlen(prefix)) == 0;
}

static hpx_status forget(hpx_buffer *text, hpx_store *store, const char *prefix, hpx_error *error)
{
    uint8_t version[HPX_CODE_BYTES];
    char hex[HPX_CODE_HEX_BYTES];
    hpx_status status = hpx_adopt_forget(version, store, prefix, error);
    if (status)
        return status;
    hpx_hex(hex, version, HPX_CODE_BYTES);
    hpx_buffer_printf(
        text, "trainer %.8s is equivalent to no other any more; what is stored stays as it is\n", hex);
    return HPX_OK;
}

static hpx_status say_done(void *context, const hpx_rebuilt *rebuilt, hpx_error *error)
{
    (void)error;
    const struct options *options = context;
    char hex[HPX_HASH_HEX_BYTES], *cell = hpx_cell_text(&rebuilt->newest->cell);
    if (options->verbose)
        hpx_say("%s: %.12s %s, %u %s compared", rebuilt->verdict == HPX_REBUILD_SAME ? "equal" : "differs",
                hpx_hash_hex(hex, &rebuilt->newest->key), cell, rebuilt->compared,
                hpx_plural(rebuilt->compared, "epoch", "epochs"));
    free(cell);
    return HPX_OK;
}

static hpx_status adopt(hpx_adopted *out, hpx_store *store, const char *data, const struct options *options,
                        hpx_error *error)
{
    char mine[HPX_CODE_HEX_BYTES];
    hpx_adopt_options adopt = {
        .sample = options->sample ? options->sample : HPX_ADOPT_SAMPLE,
        .unproven = options->reason && !options->sample,
        .reason = options->reason,
        .program = hpx_worker_program(),
        .jobs = hpx_jobs_of(options),
        .folder = data,
        .done = say_done,
        .context = (void *)options,
        .interrupted = &hpx_interrupted,
    };
    const hpx_trainer *trainer;
    hpx_status status = hpx_adopt_find_trainer(adopt.as, store, options->arguments[0], error);
    if (!status)
        status = hpx_adopt_trainer(&trainer, store, adopt.as, error);
    if (status)
        return status;
    hpx_hex(mine, trainer->sources->version, HPX_CODE_BYTES);
    if (options->count > 1 && !begins(trainer->sources->version, options->arguments[1]))
        return hpx_error_set(error, HPX_USAGE,
                             "%s: not the trainer of this binary, which is %.8s; run adopt with the new hpx",
                             options->arguments[1], mine);
    return hpx_adopt(out, store, &adopt, error);
}

/* The result that came out otherwise, as `reproduce` shows it. */
static int show_difference(hpx_store *store, const hpx_adopted *adopted, const struct options *options)
{
    hpx_reproduced reproduced;
    hpx_error error;
    hpx_status status =
        hpx_reproduced_from(&reproduced, store, &adopted->differing, &adopted->difference, &error);
    int code = status ? hpx_fail(&error) : hpx_print_reproduced(options, &reproduced);
    hpx_reproduced_free(&reproduced);
    return code;
}

int hpx_run_adopt(const struct options *options)
{
    const bool proves = options->sample || options->reason;
    if (options->forget ? options->count > 0 || proves : options->count == 0 && proves) {
        hpx_say("adopt: OLD with --sample or --reason, or --forget alone; `hpx help adopt`");
        return EXIT_USAGE;
    }
    if (options->count == 0 && !options->forget)
        return hpx_print_from_store(options, list, hpx_print_result);
    char *folder = hpx_store_folder(options, "."), *data = hpx_data_folder(folder);
    hpx_store *store;
    hpx_error error;
    hpx_buffer text = {0};
    hpx_adopted adopted = {.results = 0};
    int code;
    if (!options->quiet)
        hpx_warn_if_stale();
    hpx_catch_interrupts();
    hpx_status status = hpx_open_existing(&store, options, folder, HPX_STORE_WRITE, &error);
    if (!status && !store)
        status = hpx_error_set(&error, HPX_NOT_FOUND, "%s: there is no store", folder);
    if (!status && options->forget) {
        status = forget(&text, store, options->forget, &error);
    } else if (!status) {
        status = adopt(&adopted, store, data, options, &error);
        if (!options->json)
            hpx_report_adopted(&text, &adopted);
        else if (!status)
            hpx_report_adopted_json(&text, &adopted);
    }
    code = hpx_print_result(&text);
    if (status)
        code = hpx_fail(&error);
    if (status == HPX_DIFFERS && adopted.difference.first_difference)
        code = show_difference(store, &adopted, options);
    hpx_adopted_free(&adopted);
    hpx_store_close(store);
    free(data);
    free(folder);
    return code;
}
