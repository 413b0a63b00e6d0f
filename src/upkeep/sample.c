#include "sample.h"

#include "base/memory.h"
#include "hpx/source.h"
#include "identity/cover.h"
#include "identity/manifest.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A data set of the results, by the id of its record. */
struct opened {
    hpx_hash record;
    hpx_status status; /* of opening it, and */
    hpx_error why;
    const hpx_input_kind *kind;
    void *data;
};

struct sample {
    const struct sample_options *options;
    struct opened *opened;
    size_t opened_count, opened_capacity;
    struct numbering kinds; /* trainings that differ in more than the seed, and what paths they take: */
    hpx_paths *paths;
    size_t path_capacity;
    struct cover cover;
};

/* --- paths ---------------------------------------------------------------------------------------------- */

static hpx_status open_files(struct opened *out, const struct sample *sample, const hpx_fields *manifest,
                             hpx_error *error)
{
    hpx_input inputs[HPX_INPUTS_MAX];
    hpx_status status = hpx_source_locate(inputs, manifest, out->kind, sample->options->store,
                                          sample->options->folder, error);
    if (status == HPX_NOT_FOUND)
        hpx_error_set(error, HPX_NOT_FOUND, "its data is gone");
    if (status)
        return status;
    status = out->kind->open(&out->data, inputs, error);
    for (size_t i = 0; i < out->kind->count; i++)
        free(inputs[i].path);
    return status;
}

static hpx_status open_data(struct opened **out, struct sample *sample, const hpx_hash *record,
                            const hpx_trainer *trainer, const hpx_fields *manifest, hpx_error *error)
{
    size_t at = 0;
    while (at < sample->opened_count && (sample->opened[at].kind != trainer->inputs ||
                                         !hpx_hash_equal(&sample->opened[at].record, record)))
        at++;
    if (at == sample->opened_count) {
        sample->opened = hpx_grow(sample->opened, &sample->opened_capacity, at + 1, sizeof *sample->opened);
        struct opened *opened = &sample->opened[sample->opened_count++];
        *opened = (struct opened){.record = *record, .kind = trainer->inputs};
        opened->status = opened->kind ? open_files(opened, sample, manifest, &opened->why) : HPX_OK;
    }
    *out = &sample->opened[at];
    *error = (*out)->why;
    return (*out)->status;
}

static hpx_status ask_trainer(hpx_paths *out, struct sample *sample, const struct trajectory *trajectory,
                              const hpx_fields *manifest, hpx_error *error)
{
    struct opened *opened;
    const hpx_trainer *trainer;
    hpx_status status = hpx_trainer_of(&trainer, manifest, error);
    if (!status)
        status = open_data(&opened, sample, &trajectory->dataset, trainer, manifest, error);
    return status ? status : trainer->paths(out, manifest, opened->data, trajectory->to, error);
}

/* The paths that a training takes, asked once for all its seeds. */
static hpx_status find_paths(hpx_paths *out, struct sample *sample, const struct trajectory *trajectory,
                             const hpx_fields *manifest, hpx_error *error)
{
    hpx_fields kind = {0};
    hpx_status status = HPX_OK;
    bool fresh;
    for (size_t i = 0; i < manifest->count; i++)
        if (strcmp(manifest->fields[i].name, "seed") != 0)
            hpx_fields_set(&kind, &manifest->fields[i]);
    hpx_fields_set_count(&kind, "epochs", trajectory->to);
    const hpx_hash id = hpx_record_id(&kind);
    const uint32_t number = hpx_number_of(&sample->kinds, &id, &fresh);
    hpx_fields_free(&kind);
    if (fresh) {
        sample->paths =
            hpx_grow(sample->paths, &sample->path_capacity, (size_t)number + 1, sizeof *sample->paths);
        status = ask_trainer(&sample->paths[number], sample, trajectory, manifest, error);
        if (status)
            sample->paths[number] = (hpx_paths){0};
    }
    *out = sample->paths[number];
    if (!status && !memcmp(out, &(hpx_paths){0}, sizeof *out))
        status = hpx_error_set(error, HPX_FAILED, "nor could it be for another seed");
    return status;
}

/* --- marks ---------------------------------------------------------------------------------------------- */

struct marks {
    hpx_hash *items;
    size_t count, capacity;
};

static void add_mark(struct marks *marks, const char *name, size_t index, const hpx_buffer *value)
{
    hpx_buffer text = {0};
    hpx_buffer_printf(&text, "%s %zu ", name, index);
    hpx_buffer_add(&text, value->data, value->size);
    marks->items = hpx_grow(marks->items, &marks->capacity, marks->count + 1, sizeof *marks->items);
    marks->items[marks->count++] = hpx_hash_of(text.data, text.size);
    hpx_buffer_free(&text);
}

static void add_number(struct marks *marks, const char *name, size_t index, int64_t value)
{
    hpx_buffer text = {0};
    hpx_buffer_printf(&text, "%" PRId64, value);
    add_mark(marks, name, index, &text);
    hpx_buffer_free(&text);
}

/* Every value of the manifest, those of a list each by itself. */
static void add_field(struct marks *marks, const hpx_field *field)
{
    if (field->type == HPX_FIELD_COUNTS) {
        add_number(marks, field->name, 0, (int64_t)field->count);
        for (size_t i = 0; i < field->count; i++) {
            uint64_t value;
            memcpy(&value, field->bytes + i * sizeof value, sizeof value);
            add_number(marks, field->name, i + 1, (int64_t)value);
        }
        return;
    }
    hpx_buffer text = {0};
    hpx_field_print(&text, field);
    add_mark(marks, field->name, 0, &text);
    hpx_buffer_free(&text);
}

/* Numbers choose paths, too, where an exponential underflows or a unit is dead, and what they were shows in
 * the losses. */
static void add_loss(struct marks *marks, const struct trajectory *trajectory, const char *name)
{
    const double loss = hpx_metrics_value(&trajectory->metrics, name);
    add_number(marks, name, 0, loss > 0 && isfinite(loss) ? ilogb(loss) : INT32_MAX);
}

/* The losses that every training has. */
static void add_losses(struct marks *marks, const struct trajectory *trajectory, const hpx_fields *manifest)
{
    const hpx_trainer *trainer;
    hpx_error ignored;
    if (hpx_trainer_of(&trainer, manifest, &ignored))
        return;
    for (size_t i = 0; i < trainer->metric_count; i++)
        if (trainer->metrics[i].minimised && !trainer->metrics[i].needs)
            add_loss(marks, trajectory, trainer->metrics[i].name);
}

static void list_marks(struct marks *marks, const struct trajectory *trajectory, const hpx_fields *manifest)
{
    for (size_t i = 0; i < manifest->count; i++)
        if (!hpx_manifest_is_origin(manifest->fields[i].name))
            add_field(marks, &manifest->fields[i]);
    add_number(marks, "epochs", 0, trajectory->to);
    add_losses(marks, trajectory, manifest);
}

/* --- the sample ----------------------------------------------------------------------------------------- */

static hpx_status offer(struct sample *sample, size_t number, struct trajectory *trajectory, hpx_error *why,
                        hpx_error *error)
{
    hpx_paths paths;
    hpx_fields manifest = {0};
    struct marks marks = {0};
    hpx_status status = hpx_store_manifest(&manifest, sample->options->store, &trajectory->key, error);
    if (status)
        return status == HPX_NOT_FOUND ? HPX_OK : status; /* damaged, and reported */
    const bool known = find_paths(&paths, sample, trajectory, &manifest, error) == HPX_OK;
    trajectory->covered = known || trajectory->proven;
    if (known && trajectory->failed) {
        trajectory->chosen = true;
    } else if (known) {
        list_marks(&marks, trajectory, &manifest);
        hpx_cover_offer(&sample->cover, number, &paths, marks.items, marks.count, trajectory->proven);
    } else if (why->status == HPX_OK) {
        *why = *error;
    }
    free(marks.items);
    hpx_fields_free(&manifest);
    return HPX_OK;
}

/* Marks those of the cover, and then the cheapest until there are enough. */
static void take_members(const struct cover *cover, struct trajectory *const *trajectories, size_t count,
                         size_t least)
{
    size_t taken = 0;
    for (size_t i = 0; i < cover->count; i++)
        trajectories[cover->members[i].training]->chosen = true;
    for (size_t i = 0; i < count; i++)
        taken += trajectories[i]->chosen || trajectories[i]->proven;
    for (size_t i = 0; i < count && taken < least; i++) {
        taken += trajectories[i]->covered && !trajectories[i]->chosen && !trajectories[i]->proven;
        trajectories[i]->chosen = trajectories[i]->covered;
    }
    for (size_t i = 0; i < count; i++)
        trajectories[i]->chosen = trajectories[i]->chosen && !trajectories[i]->proven;
}

hpx_status hpx_sample_choose(hpx_paths *paths, hpx_error *why, struct trajectory *const *trajectories,
                             size_t count, const struct sample_options *options, hpx_error *error)
{
    struct sample sample = {.options = options};
    hpx_status status = HPX_OK;
    *why = (hpx_error){.status = HPX_OK};
    for (size_t i = 0; i < count && !status; i++) {
        status = offer(&sample, i, trajectories[i], why, error);
        if (!status && options->interrupted && *options->interrupted)
            status = hpx_error_set(error, HPX_INTERRUPTED, "interrupted");
    }
    hpx_cover_prune(&sample.cover);
    take_members(&sample.cover, trajectories, count, options->least);
    *paths = (hpx_paths){0};
    for (size_t i = 0; i < sample.kinds.count; i++)
        for (size_t word = 0; word < HPX_PATHS_MAX / 64; word++)
            paths->words[word] |= sample.paths[i].words[word];
    for (size_t i = 0; i < sample.opened_count; i++)
        if (sample.opened[i].kind)
            sample.opened[i].kind->close(sample.opened[i].data);
    hpx_cover_free(&sample.cover);
    hpx_numbering_free(&sample.kinds);
    free(sample.opened);
    free(sample.paths);
    return status;
}
