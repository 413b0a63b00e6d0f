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
    *got = fread(bytes, 1, size, input->file);
    if (hpx_interrupted)
        return hpx_error_set(error, HPX_INTERRUPTED, "interrupted; nothing was imported");
    return *got == 0 && ferror(input->file) ? hpx_error_errno(error, "%s", input->name) : HPX_OK;
}

static void print(hpx_buffer *text, const hpx_imported *done, bool as_json)
{
    const struct {
        const char *name, *member;
        bool rare; /* said only when there are some */
        uint64_t added, known;
    } rows[] = {
        {"results", "results", false, done->artifacts.added, done->artifacts.known},
        {"checkpoints", "checkpoints", false, done->checkpoints.added, done->checkpoints.known},
        {"second outputs", "conflicts", true, done->conflicts.added, done->conflicts.known},
    };
    hpx_json json = {.out = text};
    if (as_json)
        hpx_json_open(&json, NULL, '{');
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (as_json) {
            hpx_json_open_flat(&json, rows[i].member, '{');
            hpx_json_count(&json, "new", rows[i].added);
            hpx_json_count(&json, "known", rows[i].known);
            hpx_json_close(&json, '}');
        } else if (!rows[i].rare || rows[i].added + rows[i].known > 0) {
            hpx_buffer_printf(text, "%s: %llu new, %llu already there\n", rows[i].name,
                              (unsigned long long)rows[i].added, (unsigned long long)rows[i].known);
        }
    }
    if (as_json)
        hpx_json_close(&json, '}');
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
        status = hpx_bundle_read(&done, store, input.name, input_read, &input, &error);
    if (!status)
        print(&text, &done, options->json);
    int code = status ? hpx_fail(&error) : hpx_print_result(&text);
    hpx_store_close(store);
    free(folder);
    if (!standard)
        fclose(input.file);
    return code;
}
