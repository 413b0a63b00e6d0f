/* hpx verify: every byte of the store; with --rebuild also whether this binary still gives what is stored. */
#include "cli.h"

#include "identity/manifest.h"
#include "store/check.h"
#include "upkeep/rebuild.h"

#include <inttypes.h>
#include <stdlib.h>

static void add_lines(hpx_json *json, const char *name, const hpx_faults *faults)
{
    hpx_json_open(json, name, '[');
    for (size_t i = 0; i < faults->count; i++)
        hpx_json_text(json, NULL, faults->lines[i]);
    hpx_json_close(json, ']');
}

static void print_findings(hpx_buffer *text, hpx_json *json, const hpx_findings *found)
{
    if (json) {
        hpx_json_count(json, "checked", found->checked);
        add_lines(json, "damaged", &found->damaged);
        add_lines(json, "differing", &found->differing);
        add_lines(json, "remarks", &found->remarks);
        return;
    }
    for (size_t i = 0; i < found->damaged.count; i++)
        hpx_buffer_printf(text, "damaged: %s\n", found->damaged.lines[i]);
    for (size_t i = 0; i < found->differing.count; i++)
        hpx_buffer_printf(text, "differs: %s\n", found->differing.lines[i]);
    for (size_t i = 0; i < found->remarks.count; i++)
        hpx_buffer_printf(text, "note: %s\n", found->remarks.lines[i]);
    hpx_buffer_printf(text, "%" PRIu64 " values checked, %zu damaged\n", found->checked,
                      found->damaged.count);
}

struct rebuilt {
    bool verbose;
    hpx_json *json; /* NULL: text */
    hpx_buffer *text;
};

static hpx_status note(void *context, const hpx_rebuilt *done, hpx_error *error)
{
    static const char *const words[] = {"same", "differs", "failed"};
    (void)error;
    struct rebuilt *rebuilt = context;
    char hex[HPX_HASH_HEX_BYTES];
    hpx_hash_hex(hex, &done->newest->key);
    if (rebuilt->json) {
        hpx_json_open_flat(rebuilt->json, NULL, '{');
        hpx_json_text(rebuilt->json, "key", hex);
        hpx_json_count(rebuilt->json, "epoch", done->newest->epoch);
        hpx_json_text(rebuilt->json, "verdict", words[done->verdict]);
        hpx_json_text(rebuilt->json, "why", done->why);
        hpx_json_close(rebuilt->json, '}');
    } else if (done->verdict != HPX_REBUILD_SAME || rebuilt->verbose) {
        hpx_buffer_printf(rebuilt->text, "%s: %s ", words[done->verdict], hex);
        hpx_cell_print(rebuilt->text, &done->newest->cell);
        hpx_buffer_printf(rebuilt->text, " epoch %u%s%s\n", done->newest->epoch, done->why ? ": " : "",
                          done->why ? done->why : "");
    }
    return HPX_OK;
}

/* Trains options->rebuild percent of the store again; the exit code. */
static int rebuild(const struct options *options, hpx_store *store, const char *data, hpx_buffer *text,
                   hpx_json *json)
{
    struct rebuilt rebuilt = {.verbose = options->verbose, .json = json, .text = text};
    hpx_rebuild_options rebuild = {
        .program = hpx_worker_program(),
        .jobs = hpx_jobs_of(options),
        .share = options->rebuild / 100,
        .draw = (uint32_t)(hpx_clock_ns() / 1000),
        .folder = data,
        .done = note,
        .context = &rebuilt,
        .interrupted = &hpx_interrupted,
    };
    hpx_rebuild_counts counts;
    hpx_error error;
    hpx_catch_interrupts();
    if (json)
        hpx_json_open(json, "rebuilt", '[');
    hpx_status status = hpx_rebuild(&counts, store, &rebuild, &error);
    if (json)
        hpx_json_close(json, ']');
    else
        hpx_buffer_printf(
            text,
            "%zu trained again: %zu the same, %zu differ, %zu failed; %zu are of other code, machines "
            "or data\n",
            counts.same + counts.differing + counts.failed, counts.same, counts.differing, counts.failed,
            counts.others);
    if (status)
        return hpx_fail(&error);
    return counts.differing ? EXIT_DIFFERS : counts.failed ? EXIT_FAILED : EXIT_DONE;
}

/* `store`: open for what --rebuild finds, or NULL. The exit code. */
static int report(const hpx_findings *found, const struct options *options, hpx_store *store,
                  const char *data)
{
    hpx_buffer text = {0};
    hpx_json json = {.out = &text}, *document = options->json ? &json : NULL;
    if (document)
        hpx_json_open(document, NULL, '{');
    print_findings(&text, document, found);
    int code = store ? rebuild(options, store, data, &text, document) : EXIT_DONE;
    if (document)
        hpx_json_close(document, '}');
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
    if (options->store && !hpx_store_exists(folder))
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
