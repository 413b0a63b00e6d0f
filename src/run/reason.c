#include "reason.h"

#include "base/memory.h"
#include "identity/adoption.h"
#include "identity/manifest.h"

#define DIFFERENCES_MAX 3 /* in one reason */

static char *to_text(hpx_buffer *buffer)
{
    char *text = hpx_strdup(hpx_buffer_text(buffer));
    hpx_buffer_free(buffer);
    return text;
}

/* Neighbours are of the same cell and seed; one in another cell is no reason. */
static char *differences(struct reasons *reasons, const hpx_neighbour *nearest, const hpx_fields *wanted)
{
    hpx_buffer text = {0};
    const hpx_field *before, *after;
    size_t count = 0;
    for (hpx_field_walk at = {0};
         hpx_fields_next_difference(&at, &nearest->manifest, wanted, &before, &after);) {
        if (++count > DIFFERENCES_MAX)
            continue;
        hpx_buffer_puts(&text, count > 1 ? ", " : "");
        hpx_manifest_difference(&text, before, after);
    }
    if (hpx_adoption_is_possible(&nearest->manifest, wanted))
        hpx_hex(reasons->other, hpx_fields_find(&nearest->manifest, "code.version")->bytes, HPX_CODE_BYTES);
    if (count > DIFFERENCES_MAX)
        hpx_buffer_printf(&text, " and %zu more", count - DIFFERENCES_MAX);
    if (count == 0)
        hpx_buffer_printf(&text, "stored up to epoch %u, without a checkpoint", nearest->artifact.epoch);
    return to_text(&text);
}

char *hpx_reason_for(struct reasons *reasons, const struct trial *trial)
{
    hpx_neighbour nearest = {.found = false};
    hpx_fields wanted = {0};
    hpx_error error;
    char *reason = NULL;
    if (trial->verdict == HPX_EXTEND)
        return hpx_format("%u -> %u", trial->from, hpx_trial_target(trial));
    if (!reasons->store)
        return hpx_strdup("never seen");
    if (!reasons->neighbours) {
        hpx_neighbours_varying(&reasons->varying, reasons->experiment);
        reasons->neighbours = hpx_neighbours_new(reasons->store, &reasons->varying);
    }
    hpx_experiment_fields(&wanted, reasons->experiment, trial->cell, trial->seed);
    if (hpx_neighbours_nearest(&nearest, reasons->neighbours, &wanted, &error) == HPX_OK)
        reason = nearest.found ? differences(reasons, &nearest, &wanted) : hpx_strdup("never seen");
    hpx_neighbour_free(&nearest);
    hpx_fields_free(&wanted);
    return reason;
}

void hpx_reasons_free(struct reasons *reasons)
{
    hpx_neighbours_free(reasons->neighbours);
    hpx_fields_free(&reasons->varying);
}
