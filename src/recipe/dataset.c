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

static void read_own(struct parse *p, const char *key, struct operand out[2])
{
    const struct statement *dataset = p->dataset;
    const struct binding *given = hpx_recipe_binding(dataset, key);
    const char *const *known = hpx_known_names();
    if (given)
        read_files(p, out, given);
    else if (!dataset->bad)
        hpx_recipe_fail(p, &dataset->name,
                        "'%s' is no known data set and has no '%s': expected %s, or your own files as "
                        "'train = IMAGES LABELS' and 'test = IMAGES LABELS'%s",
                        hpx_recipe_show(p, dataset->name.text), key, hpx_recipe_list(p, known),
                        hpx_recipe_hint(p, dataset->name.text, known));
}

/* What is wrong with a choice of `validation` and `take` for a training file of so many images; NULL:
 * nothing. */
static const char *split_fault(hpx_buffer *out, uint32_t images, uint64_t validation, uint64_t take)
{
    if (validation >= images) {
        hpx_buffer_printf(out,
                          "'validation' is %llu, and the data set has %u training images: expected less, to "
                          "leave some to train on",
                          (unsigned long long)validation, images);
        return "validation";
    }
    if (take <= images - validation)
        return NULL;
    hpx_buffer_printf(out, "'take' is %llu, and the data set has %u training images",
                      (unsigned long long)take, images);
    if (validation > 0)
        hpx_buffer_printf(out, ", %llu of them held out for validation", (unsigned long long)validation);
    hpx_buffer_printf(out, ": expected at most %llu", (unsigned long long)(images - validation));
    return "take";
}

hpx_status hpx_recipe_check_split(hpx_error *error, const hpx_recipe *recipe, uint32_t cell, uint32_t images)
{
    hpx_recipe_dataset dataset;
    hpx_buffer text = {0};
    hpx_recipe_dataset_of(&dataset, recipe, cell);
    const char *key = split_fault(&text, images, dataset.validation, dataset.take);
    hpx_status status = HPX_OK;
    if (key)
        status = hpx_recipe_fail_in(error, recipe, "dataset", key, 0, cell, "%s", hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return status;
}

static uint32_t value_count(const struct parse *p, const struct slot *slot)
{
    int axis = slot->count ? slot->operands->axis : -1;
    return slot->count == 0 ? 0 : axis < 0 ? 1 : p->recipe->axes[axis].count;
}

/* Every value of `validation` with every value of `take` that it may meet, where the number of images is
 * known without the files. */
static void check_known_split(struct parse *p, uint32_t images)
{
    const struct hpx_recipe_inside *inside = p->recipe->inside;
    const struct slot *validation = &inside->validation, *take = &inside->take;
    bool together =
        take->count && take->operands->axis >= 0 && take->operands->axis == validation->operands->axis;
    uint32_t takes = value_count(p, take), validations = value_count(p, validation);
    for (uint32_t v = 0; v < validations; v++) {
        for (uint32_t t = 0; t < (takes ? takes : 1); t++) {
            hpx_buffer text = {0};
            if (together && t != v)
                continue;
            const char *key = split_fault(&text, images, validation->operands->values[v].count,
                                          takes ? take->operands->values[t].count : 0);
            if (key) {
                bool is_take = strcmp(key, "take") == 0;
                const struct operand *o = is_take ? take->operands : validation->operands;
                const struct word *at = o->axis >= 0 ? inside->axis_words[o->axis][is_take ? t : v]
                                        : o->at      ? o->at
                                                     : &p->dataset->name;
                hpx_recipe_fail(p, at, "%s", hpx_buffer_text(&text));
            }
            hpx_buffer_free(&text);
        }
    }
}

void hpx_recipe_dataset_settings(struct parse *p)
{
    const struct statement *dataset = p->dataset;
    if (!dataset || !dataset->name.text)
        return;
    struct hpx_recipe_inside *inside = p->recipe->inside;
    uint32_t *axes = &inside->axes_in[SECTION_DATASET];
    const hpx_known_dataset *known = hpx_known_find(dataset->name.text);
    inside->dataset = dataset->name.text;
    hpx_recipe_check_keys(p, p->dataset, SECTION_DATASET);
    for (size_t role = HPX_TRAIN_IMAGES; role < HPX_ROLES; role += 2) {
        const struct binding *own = hpx_recipe_binding(dataset, file_keys[role / 2]);
        if (!known)
            read_own(p, file_keys[role / 2], &inside->files[role]);
        else if (own)
            hpx_recipe_fail(p, &own->key,
                            "'%s' is known by name and has files of its own: expected no '%s', or "
                            "another name for your data set",
                            dataset->name.text, own->key.text);
    }
    const struct binding *validation = hpx_recipe_binding(dataset, "validation"),
                         *take = hpx_recipe_binding(dataset, "take");
    hpx_recipe_slot(p, &inside->validation, &validation_setting, validation, 1, axes);
    if (take)
        hpx_recipe_slot(p, &inside->take, &take_setting, take, 1, axes);
    if (known && inside->validation.count)
        check_known_split(p, known->train_count);
}
