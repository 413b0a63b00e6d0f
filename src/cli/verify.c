/* hpx verify. */
#include "cli.h"

#include "hpx/memory.h"

#include <inttypes.h>
#include <stdlib.h>

struct faults {
    char **lines;
    size_t count, capacity;
};

static void note(void *context, const char *what)
{
    struct faults *faults = context;
    faults->lines = hpx_grow(faults->lines, &faults->capacity, faults->count + 1, sizeof *faults->lines);
    faults->lines[faults->count++] = hpx_strdup(what);
}

static void print(hpx_buffer *text, const struct faults *faults, uint64_t checked, bool as_json)
{
    if (!as_json) {
        for (size_t i = 0; i < faults->count; i++)
            hpx_buffer_printf(text, "damaged: %s\n", faults->lines[i]);
        hpx_buffer_printf(text, "%" PRIu64 " values checked, %zu damaged\n", checked, faults->count);
        return;
    }
    hpx_json json = {.out = text};
    hpx_json_open(&json, NULL, '{');
    hpx_json_count(&json, "checked", checked);
    hpx_json_open(&json, "damaged", '[');
    for (size_t i = 0; i < faults->count; i++)
        hpx_json_text(&json, NULL, faults->lines[i]);
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
}

int run_verify(const struct options *options)
{
    char *folder = store_folder(options, ".");
    hpx_store *store;
    hpx_error error;
    hpx_buffer text = {0};
    struct faults faults = {0};
    uint64_t checked = 0;
    int code = EXIT_DONE;
    hpx_status status = open_store(&store, folder, HPX_STORE_READ, &error);
    if (!status && store)
        status = hpx_store_verify(store, &checked, note, &faults, &error);
    if (status) {
        code = fail(&error);
    } else {
        print(&text, &faults, checked, options->json);
        code = print_result(&text);
        if (!code && faults.count)
            code = EXIT_DAMAGED;
    }
    for (size_t i = 0; i < faults.count; i++)
        free(faults.lines[i]);
    free(faults.lines);
    hpx_store_close(store);
    free(folder);
    return code;
}
