/* hpx show. */
#include "cli.h"

#include "base/memory.h"

#include <stdlib.h>

struct epochs {
    hpx_artifact *artifacts;
    size_t count, capacity;
};

static hpx_status collect(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    struct epochs *epochs = context;
    epochs->artifacts =
        hpx_grow(epochs->artifacts, &epochs->capacity, epochs->count + 1, sizeof *epochs->artifacts);
    epochs->artifacts[epochs->count++] = *artifact;
    return HPX_OK;
}

hpx_status read_shown(hpx_shown *out, hpx_store *store, const char *prefix, hpx_error *error)
{
    hpx_hash key;
    struct epochs epochs = {0}, conflicts = {0};
    *out = (hpx_shown){0};
    if (!store)
        return hpx_error_set(error, HPX_NOT_FOUND, "%s: no such key; the store is empty", prefix);
    hpx_status status = hpx_store_find_key(&key, store, prefix, error);
    if (!status)
        status = hpx_store_each(store, &key, collect, &epochs, error);
    if (!status && epochs.count == 0)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: its results are lost", prefix);
    if (!status)
        status = hpx_store_each_conflict(store, &key, collect, &conflicts, error);
    out->artifacts = epochs.artifacts;
    out->count = epochs.count;
    out->conflicts = conflicts.artifacts;
    out->conflict_count = conflicts.count;
    if (!status)
        status = forgive(
            hpx_store_newest_checkpoint_epoch(&out->checkpoint_epoch, store, &key, UINT32_MAX, error));
    if (!status)
        status = hpx_store_is_pinned(&out->pinned, store, &key, error);
    if (!status)
        status = hpx_adoptions_read(&out->adoptions, store, error);
    return status ? status
                  : find_provenance(&out->newest, store, &out->adoptions, &epochs.artifacts[epochs.count - 1],
                                    error);
}

void free_shown(hpx_shown *shown)
{
    hpx_provenance_free(&shown->newest);
    free(shown->conflicts);
    free(shown->artifacts);
    hpx_adoptions_free(&shown->adoptions);
    *shown = (hpx_shown){0};
}

static hpx_status show(hpx_buffer *text, hpx_store *store, const struct options *options, hpx_error *error)
{
    hpx_shown shown;
    hpx_status status = read_shown(&shown, store, options->arguments[0], error);
    if (!status && options->json)
        hpx_report_show_json(text, &shown);
    else if (!status)
        hpx_report_show(text, &shown);
    free_shown(&shown);
    return status;
}

int run_show(const struct options *options)
{
    return print_from_store(options, show, print_result);
}
