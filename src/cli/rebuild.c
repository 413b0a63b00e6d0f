/* hpx verify --rebuild. */
#include "cli.h"

#include "base/memory.h"
#include "upkeep/rebuild.h"

#include <stdlib.h>

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

int rebuild_sample(const struct options *options, hpx_store *store, const char *data, hpx_buffer *text,
                   hpx_json *json)
{
    struct rebuilt rebuilt = {.verbose = options->verbose, .json = json, .text = text};
    hpx_rebuild_options rebuild = {
        .program = worker_program(),
        .jobs = jobs_of(options),
        .share = options->rebuild / 100,
        .draw = (uint32_t)(hpx_clock_ns() / 1000),
        .folder = data,
        .done = note,
        .context = &rebuilt,
        .interrupted = &interrupted,
    };
    hpx_rebuild_counts counts;
    hpx_error error;
    catch_interrupts();
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
        return fail(&error);
    return counts.differing ? EXIT_DIFFERS : counts.failed ? EXIT_FAILED : EXIT_DONE;
}
