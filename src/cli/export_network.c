/* hpx export --safetensors: the weights of a stored network, for other programs. */
#include "cli.h"

#include "identity/trained.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_clear(const struct options *options)
{
    if (options->count != 2 || options->csv || options->optuna || hpx_has_bundle_options(options))
        hpx_say("export: --safetensors takes a key and the file to write, and no other option of export");
    else if (strcmp(options->arguments[1], "-") == 0 && isatty(STDOUT_FILENO))
        hpx_say("export: weights are not for a terminal; redirect them or name a file");
    else
        return true;
    return false;
}

int hpx_export_network(const struct options *options)
{
    if (!is_clear(options))
        return EXIT_USAGE;
    char *folder = hpx_store_folder(options, ".");
    hpx_trained trained = {.artifact = {.epoch = 0}};
    hpx_buffer text = {0};
    hpx_store *store;
    hpx_error error;
    hpx_status status = hpx_open_existing(&store, options, folder, HPX_STORE_READ, &error);
    if (!status)
        status = hpx_trained_find(&trained, store, options->arguments[0], &error);
    if (!status)
        hpx_report_safetensors(&text, &trained);
    const uint32_t epoch = trained.artifact.epoch;
    hpx_trained_close(&trained);
    hpx_store_close(store);
    const int code = status ? hpx_fail(&error) : hpx_write_output(options->arguments[1], &text);
    if (code == EXIT_DONE && !options->quiet)
        hpx_say("exported the weights after epoch %u to %s", epoch, options->arguments[1]);
    hpx_buffer_free(&text);
    free(folder);
    return code;
}
