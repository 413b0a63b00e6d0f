/* hpx import. */
#include "cli.h"

#include "store/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
    const char *name;
    FILE *file;
};

static hpx_status input_read(void *context, void *bytes, size_t size, size_t *got, hpx_error *error)
{
    struct input *input = context;
    *got = 0;
    if (!hpx_interrupted) /* before a read that may wait for ever, which a signal then ends */
        *got = fread(bytes, 1, size, input->file);
    if (hpx_interrupted)
        return hpx_error_set(error, HPX_INTERRUPTED, "interrupted; nothing was imported");
    return *got == 0 && ferror(input->file) ? hpx_error_errno(error, "%s", input->name) : HPX_OK;
}

int hpx_run_import(const struct options *options)
{
    const char *path = options->arguments[0];
    bool standard = strcmp(path, "-") == 0;
    struct input input = {.name = standard ? "standard input" : path};
    input.file = standard ? stdin : fopen(path, "rb");
    if (!input.file) {
        hpx_say("%s: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    char *folder = hpx_store_folder(options, ".");
    hpx_store *store;
    hpx_imported done;
    hpx_error error;
    hpx_buffer text = {0};
    hpx_catch_interrupts();
    hpx_status status = hpx_open_store(&store, options, folder, HPX_STORE_WRITE, &error);
    if (!status)
        status = hpx_bundle_read(&done, store, input.name, NULL, input_read, &input, &error);
    if (!status && options->json)
        hpx_report_imported_json(&text, &done);
    else if (!status)
        hpx_report_imported(&text, &done);
    int code = status ? hpx_fail(&error) : hpx_print_result(&text);
    hpx_store_close(store);
    free(folder);
    if (!standard)
        fclose(input.file);
    return code;
}
