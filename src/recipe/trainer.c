/* The settings of the trainer: a slot for each, given or default, and where it exists. */
#include "inside.h"

#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void find_program(struct parse *p)
{
    const struct statement *models[] = {p->dataset, p->model};
    p->recipe->trainer = hpx_trainer_find("program");
    for (size_t i = 0; i < 2; i++)
        if (models[i])
            hpx_recipe_fail(p, &models[i]->keyword,
                            "'%s' beside 'program': a program takes the place of dataset and model, expected "
                            "no '%s'",
                            models[i]->keyword.text, models[i]->keyword.text);
}

/* Of a misspelt kind the rest is checked as that of the one that was meant. */
static void find_model(struct parse *p)
{
    if (!p->model || !p->model->name.text)
        return;
    const struct word *kind = &p->model->name;
    const char *const *names = hpx_trainer_names();
    p->recipe->trainer = hpx_word_is_in(names, kind->text) ? hpx_trainer_find(kind->text) : NULL;
    if (!p->recipe->trainer) {
        const char *nearest = hpx_recipe_nearest(p, kind->text, names);
        const char *own = strcmp(kind->text, "program") == 0
                              ? "; a program is a statement of its own, expected a line 'program'"
                              : "";
        hpx_recipe_fail(p, kind, "unknown model '%s': expected %s%s%s", hpx_recipe_show(p, kind->text),
                        hpx_recipe_list(p, names), own, hpx_recipe_hint(p, kind->text, names));
        p->recipe->trainer = nearest ? hpx_trainer_find(nearest) : NULL;
    }
}

void hpx_recipe_trainer(struct parse *p)
{
    if (p->program) {
        find_program(p);
        return;
    }
    find_model(p);
    if (!p->lost && !p->dataset && !p->model)
        hpx_recipe_missing(p, "model", "model KIND' with a line 'dataset NAME', or a line 'program");
    else if (!p->lost && !p->dataset && (!p->recipe->trainer || p->recipe->trainer->inputs))
        hpx_recipe_missing(p, "dataset", "dataset NAME");
    if (!p->lost && p->dataset && !p->model)
        hpx_recipe_missing(p, "model", "model KIND");
}

static void make_kind(struct parse *p)
{
    struct hpx_recipe_inside *inside = p->recipe->inside;
    inside->kind = (hpx_setting){
        .section = "model", .name = "kind", .type = HPX_SETTING_WORD, .words = hpx_trainer_names()};
    struct slot *slot = &inside->slots[inside->slot_count++];
    struct binding given = {.values = &p->model->name, .count = 1};
    hpx_recipe_slot(p, slot, &inside->kind, &given, 1, NULL);
    slot->binding = NULL;
    slot->field = "model.kind";
}

static void make_slots(struct parse *p, const struct statement *statement, enum section section)
{
    const hpx_trainer *trainer = p->recipe->trainer;
    struct hpx_recipe_inside *inside = p->recipe->inside;
    const char *name = hpx_recipe_sections[section];
    for (size_t i = 0; i < trainer->setting_count; i++) {
        const hpx_setting *setting = &trainer->settings[i];
        if (strcmp(setting->section, name) != 0)
            continue;
        const struct binding *given = hpx_recipe_binding(statement, setting->name);
        struct slot *slot = &inside->slots[inside->slot_count++];
        *slot = (struct slot){.setting = setting};
        if (given || setting->fallback)
            hpx_recipe_slot(p, slot, setting, given, HPX_SETTING_LIST_MAX, &inside->axes_in[section]);
        else if (!statement || !statement->bad)
            hpx_recipe_fail(p, hpx_recipe_keyword(p, statement),
                            "%s %s needs '%s': expected a binding '%s = ' of %s", name, trainer->name,
                            setting->name, setting->name, hpx_recipe_expected(p, setting));
        slot->field = hpx_arena_format(p->arena, "%s.%s", name, setting->name);
    }
}

const struct slot *hpx_recipe_find_slot(const struct hpx_recipe_inside *inside, const char *field)
{
    for (size_t i = 0; i < inside->slot_count; i++)
        if (strcmp(inside->slots[i].field, field) == 0)
            return &inside->slots[i];
    for (size_t i = 0; i < inside->dataset_slot_count; i++)
        if (strcmp(inside->dataset_slots[i].field, field) == 0)
            return &inside->dataset_slots[i];
    return NULL;
}

static bool can_be(const hpx_recipe *recipe, const struct operand *operand, const char *word)
{
    uint32_t count = operand->axis < 0 ? 1 : recipe->axes[operand->axis].count;
    for (uint32_t i = 0; i < count; i++)
        if (operand->values[i].text == word)
            return true;
    return false;
}

/* Ties each setting that exists only under a condition to the slot of that condition. */
static void tie_conditions(struct parse *p)
{
    struct hpx_recipe_inside *inside = p->recipe->inside;
    for (size_t i = 0; i < inside->slot_count; i++) {
        struct slot *slot = &inside->slots[i];
        const hpx_setting *setting = slot->setting;
        if (!setting->only_if)
            continue;
        const char *field = hpx_arena_format(p->arena, "%s.%s", setting->section, setting->only_if);
        slot->condition = hpx_recipe_find_slot(inside, field);
        assert(slot->condition && slot->condition->setting->type == HPX_SETTING_WORD);
        const char *const *word = slot->condition->setting->words;
        while (strcmp(*word, setting->only_value) != 0)
            word++;
        slot->condition_value = *word;
        if (slot->binding && slot->condition->count && !can_be(p->recipe, slot->condition->operands, *word))
            hpx_recipe_fail(p, &slot->binding->key, "'%s' belongs to %s %s: expected '%s = %s', or no '%s'",
                            setting->name, setting->only_if, setting->only_value, setting->only_if,
                            setting->only_value, setting->name);
    }
}

/* Ties each list that has a value for each of another one to the slot of that one. */
static void tie_lists(struct parse *p)
{
    struct hpx_recipe_inside *inside = p->recipe->inside;
    for (size_t i = 0; i < inside->slot_count; i++) {
        struct slot *slot = &inside->slots[i];
        const hpx_setting *setting = slot->setting;
        if (!setting->per)
            continue;
        slot->leader =
            hpx_recipe_find_slot(inside, hpx_arena_format(p->arena, "%s.%s", setting->section, setting->per));
        assert(slot->leader);
        const size_t count = slot->count, wanted = slot->leader->count;
        if (count > 1 && wanted > 0 && count != wanted)
            hpx_recipe_fail(p, &slot->binding->key,
                            "'%s' has %zu values and '%s' %zu: expected one, or as many", setting->name,
                            count, setting->per, wanted);
    }
}

/* Where an operand may be 0; NULL: nowhere. */
static const struct word *find_zero(const hpx_recipe *recipe, const struct operand *operand)
{
    if (operand->axis < 0)
        return operand->values[0].count == 0 ? operand->at : NULL;
    for (uint32_t i = 0; i < recipe->axes[operand->axis].count; i++)
        if (operand->values[i].count == 0)
            return recipe->inside->axis_words[operand->axis][i];
    return NULL;
}

/* Zeros are left out of a list, and something must remain in every cell. */
static void check_list(struct parse *p, const struct slot *slot)
{
    const struct word *zero = NULL;
    if (!hpx_recipe_takes_zero(slot->setting) || slot->setting->empty)
        return;
    for (size_t i = 0; i < slot->count; i++) {
        zero = find_zero(p->recipe, &slot->operands[i]);
        if (!zero)
            return;
    }
    if (zero)
        hpx_recipe_fail(p, zero,
                        "'%s' is empty where all of its values are 0: expected one above 0 in every cell",
                        slot->setting->name);
}

static bool varies(const struct slot *slot)
{
    bool any = (slot->condition && varies(slot->condition)) || (slot->leader && varies(slot->leader));
    for (size_t i = 0; i < slot->count; i++)
        any = any || slot->operands[i].axis >= 0;
    return any;
}

/* Looks at whole cells. */
static void check_need(struct parse *p, const struct slot *asks)
{
    const hpx_recipe *recipe = p->recipe;
    const hpx_setting *setting = asks->setting;
    if (!setting->needs || !asks->binding)
        return;
    const struct slot *needed = hpx_recipe_find_slot(
        recipe->inside, hpx_arena_format(p->arena, "%s.%s", setting->section, setting->needs));
    uint32_t cells = hpx_grid_cells(&recipe->grid);
    for (uint32_t cell = 0; cell < cells; cell++) {
        uint32_t indices[HPX_AXES_MAX];
        hpx_grid_indices(indices, &recipe->grid, cell);
        if (!hpx_recipe_present(asks, indices) ||
            strcmp(hpx_recipe_operand(asks->operands, indices).text, setting->needs_if) != 0 ||
            hpx_recipe_operand(needed->operands, indices).real != 0)
            continue;
        hpx_recipe_fail(p, &asks->binding->values[0], "'%s' is %s where '%s' is 0: expected '%s' above 0",
                        setting->name, setting->needs_if, needed->setting->name, needed->setting->name);
        return;
    }
}

static int by_field(const void *a, const void *b)
{
    return strcmp(((const struct slot *)a)->field, ((const struct slot *)b)->field);
}

void hpx_recipe_trainer_settings(struct parse *p)
{
    struct hpx_recipe_inside *inside = p->recipe->inside;
    if (!p->recipe->trainer || p->program)
        return;
    inside->slots = hpx_arena_alloc(p->arena, (p->recipe->trainer->setting_count + 1) * sizeof(struct slot));
    hpx_recipe_check_keys(p, p->model, SECTION_MODEL);
    make_kind(p);
    make_slots(p, p->model, SECTION_MODEL);
    hpx_recipe_check_keys(p, p->train, SECTION_TRAIN);
    make_slots(p, p->train, SECTION_TRAIN);
    qsort(inside->slots, inside->slot_count, sizeof(struct slot), by_field);
    tie_conditions(p);
    tie_lists(p);
    for (size_t i = 0; i < inside->slot_count; i++) {
        inside->slots[i].varies = varies(&inside->slots[i]);
        check_list(p, &inside->slots[i]);
    }
    for (size_t i = 0; !p->status && i < inside->slot_count; i++)
        check_need(p, &inside->slots[i]);
}
