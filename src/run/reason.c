#include "reason.h"

#include "base/memory.h"
#include "identity/adoption.h"

#include <string.h>

#define DIFFERENCES_MAX 3 /* in one reason */

static char *to_text(hpx_buffer *buffer)
{
    char *text = hpx_strdup(hpx_buffer_text(buffer));
    hpx_buffer_free(buffer);
    return text;
}

/* What the records of two sides depend on. */
static hpx_hash hash_sides(const hpx_artifact *nearest, const hpx_fields *wanted)
{
    hpx_fields some = {0};
    for (size_t i = 0; i < wanted->count; i++)
        if (strncmp(wanted->fields[i].name, "version.", strlen("version.")) == 0)
            hpx_fields_set(&some, &wanted->fields[i]);
    hpx_fields_set_hash(&some, "code", &nearest->code);
    hpx_fields_set_hash(&some, "data", &nearest->dataset);
    const hpx_hash hash = hpx_record_id(&some);
    hpx_fields_free(&some);
    return hash;
}

/* Finds what is known of a program's code and data, then and now; mostly both are those of the trial before. */
static void find_sides(struct reasons *reasons, const hpx_artifact *nearest, const hpx_fields *wanted,
                       uint32_t cell)
{
    const hpx_hash hash = hash_sides(nearest, wanted);
    if (hpx_hash_equal(&reasons->sides_hash, &hash))
        return;
    hpx_sides_free(&reasons->sides);
    hpx_sides_find(&reasons->sides, reasons->experiment, reasons->store, nearest, cell);
    reasons->sides_hash = hash;
}

struct list {
    hpx_buffer text;
    size_t count;
};

static void add_difference(void *context, const char *field, const char *text)
{
    struct list *list = context;
    (void)field;
    if (++list->count <= DIFFERENCES_MAX)
        hpx_buffer_printf(&list->text, "%s%s", list->count > 1 ? ", " : "", text);
}

/* Neighbours are of the same cell and seed; one in another cell is no reason. */
static char *differences(struct reasons *reasons, const hpx_neighbour *nearest, const hpx_fields *wanted,
                         uint32_t cell)
{
    struct list list = {.count = 0};
    if (hpx_experiment_recipe(reasons->experiment)->program)
        find_sides(reasons, &nearest->artifact, wanted, cell);
    const hpx_compared compared = hpx_sides_compare(&reasons->sides, &nearest->manifest, wanted);
    hpx_differences(&compared, add_difference, &list);
    hpx_buffer text = list.text;
    const size_t count = list.count;
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
        reason =
            nearest.found ? differences(reasons, &nearest, &wanted, trial->cell) : hpx_strdup("never seen");
    hpx_neighbour_free(&nearest);
    hpx_fields_free(&wanted);
    return reason;
}

void hpx_reasons_free(struct reasons *reasons)
{
    hpx_neighbours_free(reasons->neighbours);
    hpx_fields_free(&reasons->varying);
    hpx_sides_free(&reasons->sides);
}
