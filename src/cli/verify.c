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

static hpx_status note_conflict(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    struct faults *conflicts = context;
    char hex[HPX_HASH_HEX_BYTES], output[HPX_HASH_HEX_BYTES];
    char *line = hpx_format("%s epoch %u: a second output %s of %s", hpx_hash_hex(hex, &artifact->key),
                            artifact->epoch, hpx_hash_hex(output, &artifact->output), artifact->host);
    note(conflicts, line);
    free(line);
    return HPX_OK;
}

static void print_text(hpx_buffer *text, const struct faults *faults, const struct faults *conflicts,
                       uint64_t checked)
{
    for (size_t i = 0; i < faults->count; i++)
        hpx_buffer_printf(text, "damaged: %s\n", faults->lines[i]);
    for (size_t i = 0; i < conflicts->count; i++)
        hpx_buffer_printf(text, "differs: %s\n", conflicts->lines[i]);
    hpx_buffer_printf(text, "%" PRIu64 " values checked, %zu damaged\n", checked, faults->count);
}

static void add_lines(hpx_json *json, const char *name, const struct faults *faults)
{
    hpx_json_open(json, name, '[');
    for (size_t i = 0; i < faults->count; i++)
        hpx_json_text(json, NULL, faults->lines[i]);
    hpx_json_close(json, ']');
}

static void free_faults(struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        free(faults->lines[i]);
    free(faults->lines);
}

int run_verify(const struct options *options)
{
    char *folder = store_folder(options, "."), *data = data_folder(folder);
    hpx_store *store;
    hpx_error error;
    hpx_buffer text = {0};
    hpx_json json = {.out = &text};
    struct faults faults = {0}, conflicts = {0};
    uint64_t checked = 0;
    int code = EXIT_DONE;
    hpx_status status =
        open_store(&store, folder, options->rebuild > 0 ? HPX_STORE_WRITE : HPX_STORE_READ, &error);
    if (!status && store)
        status = hpx_store_verify(store, &checked, note, &faults, &error);
    if (!status && store)
        status = hpx_store_each_conflict(store, NULL, note_conflict, &conflicts, &error);
    if (status) {
        code = fail(&error);
    } else {
        if (options->json) {
            hpx_json_open(&json, NULL, '{');
            hpx_json_count(&json, "checked", checked);
            add_lines(&json, "damaged", &faults);
            add_lines(&json, "differing", &conflicts);
        } else {
            print_text(&text, &faults, &conflicts, checked);
        }
        if (options->rebuild > 0)
            code = rebuild_sample(options, store, data, &text, options->json ? &json : NULL);
        if (options->json)
            hpx_json_close(&json, '}');
        int printed = print_result(&text);
        code = printed ? printed : faults.count ? EXIT_DAMAGED : conflicts.count ? EXIT_DIFFERS : code;
    }
    free_faults(&faults);
    free_faults(&conflicts);
    hpx_store_close(store);
    free(data);
    free(folder);
    return code;
}
