/* A checked recipe and a cell into what that cell means. Nothing here can fail but the lookups of names. */
#include "inside.h"

#include "base/text.h"
#include "hpx/cell.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SEARCHES_LISTED 16 /* in a message */

union value hpx_recipe_operand(const struct operand *operand, const uint32_t *indices)
{
    return operand->values[operand->axis < 0 ? 0 : indices[operand->axis]];
}

bool hpx_recipe_present(const struct slot *slot, const uint32_t *indices)
{
    const struct slot *condition = slot->condition;
    return !condition || (hpx_recipe_operand(condition->operands, indices).text == slot->condition_value &&
                          hpx_recipe_present(condition, indices));
}

/* The values of a list in a cell: those that stand for nothing are left out, also of the lists that go by it, and one value
 * that stands for all is written out. */
static size_t list_values(union value out[HPX_SETTING_LIST_MAX], const struct slot *slot,
                          const uint32_t *indices)
{
    const struct slot *leader = slot->leader ? slot->leader : slot;
    size_t count = 0;
    for (size_t i = 0; i < leader->count; i++)
        if (!hpx_recipe_takes_zero(leader->setting) ||
            hpx_recipe_operand(&leader->operands[i], indices).count > 0)
            out[count++] = hpx_recipe_operand(&slot->operands[slot->count == 1 ? 0 : i], indices);
    return count;
}

static void set_list(hpx_fields *out, const struct slot *slot, const uint32_t *indices)
{
    union value values[HPX_SETTING_LIST_MAX];
    uint64_t numbers[HPX_SETTING_LIST_MAX];
    hpx_buffer text = {0};
    const size_t count = list_values(values, slot, indices);
    for (size_t i = 0; i < count; i++) {
        if (slot->setting->words)
            hpx_buffer_printf(&text, "%s%s", i > 0 ? " " : "", values[i].text);
        else
            numbers[i] = values[i].count;
    }
    if (slot->setting->words)
        hpx_fields_set_text(out, slot->field, hpx_buffer_text(&text));
    else
        hpx_fields_set_counts(out, slot->field, numbers, count);
    hpx_buffer_free(&text);
}

void hpx_recipe_set_field(hpx_fields *out, const struct slot *slot, const uint32_t *indices)
{
    const union value first = hpx_recipe_operand(slot->operands, indices);
    switch (slot->setting->type) {
    case HPX_SETTING_WORD:
        hpx_fields_set_text(out, slot->field, first.text);
        break;
    case HPX_SETTING_COUNT:
        hpx_fields_set_count(out, slot->field, first.count);
        break;
    case HPX_SETTING_REAL:
        hpx_fields_set_real(out, slot->field, first.real);
        break;
    case HPX_SETTING_COUNTS:
        set_list(out, slot, indices);
        break;
    }
}

void hpx_recipe_settings(hpx_fields *out, const hpx_recipe *recipe, uint32_t cell)
{
    uint32_t indices[HPX_AXES_MAX];
    if (recipe->program)
        hpx_recipe_program_fields(out, recipe, cell);
    hpx_grid_indices(indices, &recipe->grid, cell);
    for (size_t i = 0; i < recipe->inside->slot_count; i++)
        if (hpx_recipe_present(&recipe->inside->slots[i], indices))
            hpx_recipe_set_field(out, &recipe->inside->slots[i], indices);
}

void hpx_recipe_change_settings(hpx_fields *fields, const hpx_recipe *recipe, uint32_t cell)
{
    uint32_t indices[HPX_AXES_MAX];
    if (recipe->program)
        hpx_recipe_program_fields(fields, recipe, cell);
    hpx_grid_indices(indices, &recipe->grid, cell);
    for (size_t i = 0; i < recipe->inside->slot_count; i++) {
        const struct slot *slot = &recipe->inside->slots[i];
        if (!slot->varies)
            continue;
        if (hpx_recipe_present(slot, indices))
            hpx_recipe_set_field(fields, slot, indices);
        else
            hpx_fields_remove(fields, slot->field);
    }
}

void hpx_recipe_dataset_of(hpx_recipe_dataset *out, const hpx_recipe *recipe, uint32_t cell)
{
    const struct hpx_recipe_inside *inside = recipe->inside;
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &recipe->grid, cell);
    *out = (hpx_recipe_dataset){.name = inside->dataset};
    for (size_t i = 0; i < inside->dataset_slot_count; i++)
        hpx_recipe_set_field(&out->settings, &inside->dataset_slots[i], indices);
    for (size_t i = 0; i < HPX_INPUTS_MAX; i++)
        if (inside->files[i].values)
            out->files[i] = hpx_recipe_operand(&inside->files[i], indices).text;
}

void hpx_recipe_dataset_free(hpx_recipe_dataset *dataset)
{
    hpx_fields_free(&dataset->settings);
}

static enum section section_of(const char *name)
{
    enum section section = 0;
    while (section < SECTIONS && strcmp(hpx_recipe_sections[section], name) != 0)
        section++;
    assert(section < SECTIONS);
    return section;
}

/* Where the value is written that a reference has in a cell. */
static const struct word *word_of_cell(const hpx_recipe *recipe, const struct word *reference, uint32_t cell)
{
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &recipe->grid, cell);
    size_t axis = 0;
    while (strcmp(recipe->axes[axis].name, reference->text) != 0)
        axis++;
    return recipe->inside->axis_words[axis][indices[axis]];
}

hpx_status hpx_recipe_fail_in(hpx_error *error, const hpx_recipe *recipe, const char *section,
                              const char *key, size_t value, uint32_t cell, const char *format, ...)
{
    const struct hpx_recipe_inside *inside = recipe->inside;
    const struct statement *statement = inside->statements[section_of(section)];
    const struct binding *binding = key ? hpx_recipe_binding(statement, key) : NULL;
    const struct word *at = binding                ? &binding->values[value]
                            : statement->name.text ? &statement->name
                                                   : &statement->keyword;
    if (at->kind == WORD_REFERENCE)
        at = word_of_cell(recipe, at, cell);
    char message[HPX_ERROR_BYTES];
    va_list args;
    va_start(args, format);
    hpx_vprint(message, sizeof message, format, args);
    va_end(args);
    hpx_buffer text = {0};
    hpx_recipe_describe(&text, at, message);
    hpx_error_set(error, HPX_USAGE, "%s", hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return HPX_USAGE;
}

bool hpx_recipe_axis_in(const hpx_recipe *recipe, size_t axis, const char *section)
{
    assert(axis < recipe->grid.axes);
    return recipe->inside->axes_in[section_of(section)] >> axis & 1;
}

const hpx_setting *hpx_recipe_axis_setting(const hpx_recipe *recipe, size_t axis, const char *section,
                                           size_t index)
{
    const struct hpx_recipe_inside *inside = recipe->inside;
    for (size_t i = 0; i < inside->slot_count; i++) {
        const struct slot *slot = &inside->slots[i];
        bool stands = false;
        for (size_t k = 0; k < slot->count; k++)
            stands = stands || slot->operands[k].axis == (int)axis;
        if (stands && strcmp(slot->setting->section, section) == 0 && index-- == 0)
            return slot->setting;
    }
    return NULL;
}

hpx_status hpx_recipe_find_search(const hpx_recipe_search **out, const hpx_recipe *recipe, const char *name,
                                  hpx_error *error)
{
    const char *names[RECIPE_SEARCHES_MAX + 1] = {NULL};
    for (size_t i = 0; i < recipe->search_count; i++) {
        names[i] = recipe->searches[i].name;
        if (strcmp(names[i], name) == 0) {
            *out = &recipe->searches[i];
            return HPX_OK;
        }
    }
    if (recipe->search_count == 0)
        return hpx_error_set(error, HPX_USAGE, "%s: unknown search '%s': the recipe has no searches",
                             recipe->path, name);
    hpx_buffer text = {0};
    for (size_t i = 0; i < recipe->search_count && i < SEARCHES_LISTED; i++)
        hpx_buffer_printf(&text, "%s%s", i ? ", " : "", names[i]);
    if (recipe->search_count > SEARCHES_LISTED)
        hpx_buffer_puts(&text, ", ...");
    const char *nearest = hpx_nearest_word(name, names);
    if (nearest)
        hpx_buffer_printf(&text, "; did you mean '%s'?", nearest);
    hpx_error_set(error, HPX_USAGE, "%s: unknown search '%s': expected %s", recipe->path, name,
                  hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return HPX_USAGE;
}

static hpx_status unknown_axis(const hpx_recipe *recipe, const char *name, hpx_error *error)
{
    const char *names[HPX_AXES_MAX + 1] = {NULL};
    hpx_buffer text = {0};
    for (size_t i = 0; i < recipe->grid.axes; i++) {
        names[i] = recipe->axes[i].name;
        hpx_buffer_printf(&text, "%s%s", i ? ", " : "", names[i]);
    }
    const char *nearest = hpx_nearest_word(name, names);
    if (nearest)
        hpx_buffer_printf(&text, "; did you mean '%s'?", nearest);
    hpx_error_set(error, HPX_USAGE, "unknown axis '%s': %s has %s", name, recipe->path,
                  hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return HPX_USAGE;
}

static hpx_status unknown_value(const hpx_axis *axis, const char *text, hpx_error *error)
{
    hpx_buffer expected = {0};
    hpx_recipe_expected_values(&expected, axis, text);
    hpx_error_set(error, HPX_USAGE, "axis '%s' has no value '%s': %s", axis->name, text,
                  hpx_buffer_text(&expected));
    hpx_buffer_free(&expected);
    return HPX_USAGE;
}

/* One NAME=VALUE word. */
static hpx_status find_index(const hpx_recipe *recipe, const char *word, uint32_t *indices, uint32_t *given,
                             hpx_error *error)
{
    const char *equals = strchr(word, '=');
    if (!equals)
        return hpx_error_set(error, HPX_USAGE, "'%s' names no value of an axis: expected NAME=VALUE", word);
    size_t length = (size_t)(equals - word), axis = 0;
    while (axis < recipe->grid.axes &&
           (strlen(recipe->axes[axis].name) != length || strncmp(recipe->axes[axis].name, word, length) != 0))
        axis++;
    if (axis == recipe->grid.axes) {
        char *name = hpx_strndup(word, length);
        unknown_axis(recipe, name, error);
        free(name);
        return HPX_USAGE;
    }
    if (*given >> axis & 1)
        return hpx_error_set(error, HPX_USAGE, "axis '%s' is given twice: expected one value",
                             recipe->axes[axis].name);
    *given |= 1u << axis;
    if (!hpx_recipe_axis_value(&indices[axis], &recipe->axes[axis], equals + 1))
        return unknown_value(&recipe->axes[axis], equals + 1, error);
    return HPX_OK;
}

hpx_status hpx_recipe_find_cell(uint32_t *out, const hpx_recipe *recipe, char *const *words, size_t count,
                                hpx_error *error)
{
    uint32_t indices[HPX_AXES_MAX] = {0}, given = 0;
    for (size_t i = 0; i < count; i++) {
        hpx_status status = find_index(recipe, words[i], indices, &given, error);
        if (status)
            return status;
    }
    for (size_t i = 0; i < recipe->grid.axes; i++)
        if (!(given >> i & 1) && recipe->axes[i].count > 1)
            return hpx_error_set(error, HPX_USAGE, "no value of axis '%s' is given: expected %s=VALUE",
                                 recipe->axes[i].name, recipe->axes[i].name);
    *out = hpx_grid_cell(&recipe->grid, indices);
    return HPX_OK;
}

void hpx_recipe_cell(hpx_buffer *pairs, const hpx_recipe *recipe, uint32_t cell)
{
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &recipe->grid, cell);
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        hpx_cell_add(pairs, recipe->axes[axis].name, recipe->axes[axis].values[indices[axis]].text);
}

void hpx_recipe_cell_text(hpx_buffer *out, const hpx_recipe *recipe, uint32_t cell)
{
    hpx_buffer pairs = {0};
    hpx_recipe_cell(&pairs, recipe, cell);
    const hpx_cell printed = hpx_cell_of(&pairs);
    hpx_cell_print(out, &printed);
    hpx_buffer_free(&pairs);
}
