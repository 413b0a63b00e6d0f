/* The statement `dataset`: a data set known by name, or the user's own four files. */
#include "inside.h"

#include "hpx/known.h"

#include <string.h>

static const hpx_setting validation_setting = {
    .name = "validation", .type = HPX_SETTING_COUNT, .min = 0, .max = 16777216, .fallback = "10000"};
static const hpx_setting take_setting = {
    .name = "take", .type = HPX_SETTING_COUNT, .min = 1, .max = 16777216, .fallback = NULL};

/* Each names the files of two roles, images and labels. */
static const char *const file_keys[HPX_ROLES / 2] = {"train", "test"};

/* "IMAGES LABELS": two operands whose values are paths. */
static hpx_status read_files(struct parse *p, struct operand out[2], const struct binding *given)
{
    if (given->count != 2)
        return hpx_recipe_fail(p, given->count < 2 ? &given->values[0] : &given->values[2],
                               "'%s' has %zu value%s: expected two, IMAGES LABELS", given->key.text,
                               given->count, given->count == 1 ? "" : "s");
    for (size_t i = 0; i < 2; i++) {
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
            return hpx_recipe_fail(p, at, "an empty path: expected IMAGES LABELS");
        }
        union value *paths = hpx_arena_alloc(p->arena, count * sizeof *paths);
        for (uint32_t v = 0; v < count; v++)
            paths[v].text = hpx_recipe_beside(
                p, file, out[i].axis < 0 ? at->text : p->recipe->axes[out[i].axis].values[v].text);
        out[i].values = paths;
    }
    return HPX_OK;
}

static hpx_status read_own(struct parse *p, const char *key, struct operand out[2])
{
    const struct statement *dataset = p->dataset;
    const struct binding *given = hpx_recipe_binding(dataset, key);
    if (given)
        return read_files(p, out, given);
    const char *const *known = hpx_known_names();
    return hpx_recipe_fail(p, &dataset->name,
                           "'%s' is no known data set and has no '%s': expected %s, or your own files as "
                           "'train = IMAGES LABELS' and 'test = IMAGES LABELS'%s",
                           hpx_recipe_show(p, dataset->name.text), key, hpx_recipe_list(p, known),
                           hpx_recipe_hint(p, dataset->name.text, known));
}

hpx_status hpx_recipe_dataset_settings(struct parse *p)
{
    const struct statement *dataset = p->dataset;
    struct hpx_recipe_inside *inside = p->recipe->inside;
    uint32_t *axes = &inside->axes_in[SECTION_DATASET];
    bool known = hpx_known_find(dataset->name.text) != NULL;
    inside->dataset = dataset->name.text;
    hpx_status status = hpx_recipe_check_keys(p, dataset, SECTION_DATASET);
    for (size_t role = HPX_TRAIN_IMAGES; !status && known && role < HPX_ROLES; role += 2) {
        const struct binding *own = hpx_recipe_binding(dataset, file_keys[role / 2]);
        if (own)
            return hpx_recipe_fail(p, &own->key,
                                   "'%s' is known by name and has files of its own: expected no '%s', or "
                                   "another name for your data set",
                                   dataset->name.text, own->key.text);
    }
    for (size_t role = HPX_TRAIN_IMAGES; !status && !known && role < HPX_ROLES; role += 2)
        status = read_own(p, file_keys[role / 2], &inside->files[role]);
    if (!status)
        status = hpx_recipe_slot(p, &inside->validation, &validation_setting,
                                 hpx_recipe_binding(dataset, "validation"), 1, axes);
    const struct binding *take = hpx_recipe_binding(dataset, "take");
    if (!status && take)
        status = hpx_recipe_slot(p, &inside->take, &take_setting, take, 1, axes);
    return status;
}
