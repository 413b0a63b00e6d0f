/* The statement `dataset`: a data set known by name, or the user's own files, as the kind of inputs that the trainer
 * reads has them; and what is taken of it. */
#include "inside.h"

#include "hpx/known.h"

#include <string.h>

/* Operands whose values are paths. */
static hpx_status read_files(struct parse *p, struct operand *out, const hpx_input_key *key,
                             const struct binding *given)
{
    if (given->count != key->count)
        return hpx_recipe_fail(p, &given->values[given->count < key->count ? 0 : key->count],
                               "'%s' has %zu value%s: expected %s", given->key.text, given->count,
                               given->count == 1 ? "" : "s", key->words);
    for (size_t i = 0; i < key->count; i++) {
        const struct word *at = &given->values[i];
        const struct source *file = at->line->source;
        out[i].axis = -1;
        uint32_t count = 1;
        if (at->kind == WORD_REFERENCE) {
            hpx_status status = hpx_recipe_axis_of(p, at, &out[i].axis);
            if (status)
                return status;
            p->recipe->inside->axes_in[SECTION_DATASET] |= 1u << out[i].axis;
            count = p->recipe->axes[out[i].axis].count;
        } else if (!*at->text) {
            return hpx_recipe_fail(p, at, "an empty path: expected %s", key->words);
        }
        union value *paths = hpx_arena_alloc(p->arena, count * sizeof *paths);
        for (uint32_t v = 0; v < count; v++)
            paths[v].text = hpx_recipe_beside(
                p, file, out[i].axis < 0 ? at->text : p->recipe->axes[out[i].axis].values[v].text);
        out[i].values = paths;
    }
    return HPX_OK;
}

static const char *own_files(struct parse *p, const hpx_input_kind *kind)
{
    const char *text = "";
    for (size_t i = 0; i < kind->key_count; i++)
        text = hpx_arena_format(p->arena, "%s%s'%s = %s'", text, i == 0 ? "" : " and ", kind->keys[i].name,
                                kind->keys[i].words);
    return text;
}

static void read_own(struct parse *p, const hpx_input_kind *kind, const hpx_input_key *key,
                     struct operand *out)
{
    const struct statement *dataset = p->dataset;
    const struct binding *given = hpx_recipe_binding(dataset, key->name);
    const char *const *known = hpx_known_names();
    if (given)
        read_files(p, out, key, given);
    else if (!dataset->bad && kind->known)
        hpx_recipe_fail(p, &dataset->name,
                        "'%s' is no known data set and has no '%s': expected %s, or your own files as %s%s",
                        hpx_recipe_show(p, dataset->name.text), key->name, hpx_recipe_list(p, known),
                        own_files(p, kind), hpx_recipe_hint(p, dataset->name.text, known));
    else if (!dataset->bad)
        hpx_recipe_fail(p, &dataset->name, "'%s' has no '%s': expected your files as %s",
                        hpx_recipe_show(p, dataset->name.text), key->name, own_files(p, kind));
}

/* --- what is taken ------------------------------------------------------------------------------------------ */

hpx_status hpx_recipe_take(hpx_fields *manifest, const hpx_recipe *recipe, uint32_t cell,
                           const hpx_fields *record, hpx_error *error)
{
    hpx_recipe_dataset dataset;
    const char *setting;
    hpx_error why;
    hpx_recipe_dataset_of(&dataset, recipe, cell);
    hpx_status status = recipe->trainer->inputs->take(manifest, &setting, &dataset.settings, record, &why);
    if (status == HPX_USAGE)
        hpx_recipe_fail_in(error, recipe, "dataset", setting, 0, cell, "%s", why.message);
    else if (status)
        *error = why;
    hpx_recipe_dataset_free(&dataset);
    return status;
}

/* The record of a data set that is known without its files. */
static bool describe_known(hpx_fields *record, const hpx_known_dataset *known, const hpx_input_kind *kind)
{
    hpx_input inputs[HPX_INPUTS_MAX] = {{0}};
    hpx_error ignored;
    for (size_t i = 0; i < kind->count; i++)
        hpx_known_about(&inputs[i].about, known, i);
    const bool described = kind->describe(record, inputs, &ignored) == HPX_OK;
    for (size_t i = 0; i < kind->count; i++)
        hpx_fields_free(&inputs[i].about);
    return described;
}

static void check_known_cell(struct parse *p, const hpx_input_kind *kind, const hpx_fields *record,
                             const uint32_t *indices)
{
    const struct hpx_recipe_inside *inside = p->recipe->inside;
    hpx_fields settings = {0}, manifest = {0};
    const char *setting;
    hpx_error error;
    for (size_t i = 0; i < inside->dataset_slot_count; i++)
        hpx_recipe_set_field(&settings, &inside->dataset_slots[i], indices);
    if (kind->take(&manifest, &setting, &settings, record, &error) == HPX_USAGE) {
        const struct slot *slot =
            hpx_recipe_find_slot(inside, hpx_arena_format(p->arena, "dataset.%s", setting));
        const struct operand *o = slot->operands;
        const struct word *at = o->axis >= 0 ? inside->axis_words[o->axis][indices[o->axis]]
                                : o->at      ? o->at
                                             : &p->dataset->name;
        hpx_recipe_fail(p, at, "%s", error.message);
    }
    hpx_fields_free(&settings);
    hpx_fields_free(&manifest);
}

/* For every value of every setting with those of the others that it may meet. */
static void check_known(struct parse *p, const hpx_input_kind *kind, const hpx_known_dataset *known)
{
    const struct hpx_recipe_inside *inside = p->recipe->inside;
    hpx_grid grid = p->recipe->grid;
    hpx_fields record = {0};
    for (size_t axis = 0; axis < grid.axes; axis++)
        if (!(inside->axes_in[SECTION_DATASET] >> axis & 1))
            grid.counts[axis] = 1;
    const uint32_t cells = hpx_grid_cells(&grid);
    if (describe_known(&record, known, kind))
        for (uint32_t cell = 0; cell < cells; cell++) {
            uint32_t indices[HPX_AXES_MAX] = {0};
            hpx_grid_indices(indices, &grid, cell);
            check_known_cell(p, kind, &record, indices);
        }
    hpx_fields_free(&record);
}

/* --- the statement ------------------------------------------------------------------------------------------ */

/* False where a setting is a mistake. */
static bool make_slots(struct parse *p, const hpx_input_kind *kind)
{
    struct hpx_recipe_inside *inside = p->recipe->inside;
    bool good = true;
    inside->dataset_slots = hpx_arena_alloc(p->arena, (kind->setting_count + 1) * sizeof(struct slot));
    for (size_t i = 0; i < kind->setting_count; i++) {
        const hpx_setting *setting = &kind->settings[i];
        const struct binding *given = hpx_recipe_binding(p->dataset, setting->name);
        if (!given && setting->optional)
            continue;
        struct slot *slot = &inside->dataset_slots[inside->dataset_slot_count++];
        good &= hpx_recipe_slot(p, slot, setting, given, 1, &inside->axes_in[SECTION_DATASET]) == HPX_OK;
        slot->field = hpx_arena_format(p->arena, "dataset.%s", setting->name);
    }
    return good;
}

void hpx_recipe_dataset_settings(struct parse *p)
{
    const struct statement *dataset = p->dataset;
    const hpx_input_kind *kind = hpx_recipe_inputs(p);
    if (!dataset || !dataset->name.text || p->program)
        return;
    if (!kind) {
        hpx_recipe_fail(p, &dataset->keyword, "model %s reads no data set: expected no 'dataset'",
                        p->recipe->trainer->name);
        return;
    }
    struct hpx_recipe_inside *inside = p->recipe->inside;
    const hpx_known_dataset *known = kind->known ? hpx_known_find(dataset->name.text) : NULL;
    inside->dataset = dataset->name.text;
    hpx_recipe_check_keys(p, p->dataset, SECTION_DATASET);
    struct operand *files = inside->files;
    for (size_t i = 0; i < kind->key_count; files += kind->keys[i++].count) {
        const struct binding *own = hpx_recipe_binding(dataset, kind->keys[i].name);
        if (!known)
            read_own(p, kind, &kind->keys[i], files);
        else if (own)
            hpx_recipe_fail(p, &own->key,
                            "'%s' is known by name and has files of its own: expected no '%s', or "
                            "another name for your data set",
                            dataset->name.text, own->key.text);
    }
    if (make_slots(p, kind) && known)
        check_known(p, kind, known);
}
