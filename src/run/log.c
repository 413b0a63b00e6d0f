/* What the store's log of builds has of this one: while it runs, and what it came to. */
#include "inside.h"

#include "hpx/file.h"

#include <string.h>

hpx_status hpx_build_begin_log(struct build *build, hpx_error *error)
{
    if (build->begun || !build->options->about)
        return HPX_OK;
    hpx_fields entry = {0};
    hpx_buffer binary = {0};
    build->begun = true;
    hpx_fields_encode(&binary, &build->binary);
    hpx_fields_add(&entry, build->options->about);
    hpx_fields_set_bytes(&entry, "binary", binary.data, binary.size);
    const hpx_status status = hpx_store_begin_build(build->store, &entry, error);
    hpx_buffer_free(&binary);
    hpx_fields_free(&entry);
    return status;
}

hpx_status hpx_build_end_log(struct build *build, const hpx_outcome *outcome, int64_t started_ns,
                             hpx_status result, hpx_error *error)
{
    if (build->spent_seconds == 0 && !build->begun)
        return HPX_OK;
    hpx_fields entry = {0};
    for (size_t i = 0; i < build->ledger.count; i++) {
        const struct trial *trial = ledger_at(&build->ledger, i);
        if (trial->state == TRIAL_RUNNING)
            hpx_timeline_end(&build->timeline, &trial->key, trial->epoch);
    }
    hpx_fields_set_bytes(&entry, "recipe", build->recipe->path, strlen(build->recipe->path));
    hpx_fields_set_count(&entry, "started", (uint64_t)started_ns);
    hpx_fields_set_real(&entry, "seconds", (double)(hpx_clock_ns() - started_ns) * 1e-9);
    const hpx_hash unknown = {{0}};
    hpx_fields_set_hash(&entry, "code", build->code_count ? &build->codes[0].id : &unknown);
    hpx_fields_set_count(&entry, "stored", outcome->stored);
    hpx_fields_set_count(&entry, "trained", outcome->trained);
    hpx_fields_set_count(&entry, "extended", outcome->extended);
    hpx_fields_set_count(&entry, "failed", outcome->failed);
    hpx_fields_set_count(&entry, "status", (uint64_t)result);
    hpx_status status =
        hpx_store_log_build(build->store, &entry, build->timeline.done, build->timeline.count, error);
    hpx_fields_free(&entry);
    return status;
}
