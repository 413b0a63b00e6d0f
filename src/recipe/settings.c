/* Bindings into slots: every word is checked against its setting, once per value of the axis that it names,
 * so that resolving a cell is a table lookup that cannot fail. */
#include "inside.h"

#include "hpx/text.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const hpx_recipe_sections[SECTIONS + 1] = {"dataset", "model", "train", NULL};

/* What a recipe says of training that is not part of a cell. */
static const hpx_setting epochs_setting = {
    .name = "epochs", .type = HPX_SETTING_COUNT, .min = 1, .max = 1000000, .fallback = "15"};
static const hpx_setting seeds_setting = {
    .name = "seeds", .type = HPX_SETTING_COUNTS, .min = 0, .max = UINT32_MAX, .fallback = "1"};
static const hpx_setting objective_setting = {.name = "objective",
                                              .type = HPX_SETTING_WORD,
                                              .words = hpx_objective_names,
                                              .fallback = "validation_accuracy"};

/* What neither types nor ranges can say: where the first setting has that value, the second must not be 0. */
static const struct need {
    const char *field, *value, *needed;
} needs[] = {{"train.nesterov", "yes", "train.momentum"}};

const struct binding *hpx_recipe_binding(const struct statement *statement, const char *key)
{
    for (size_t i = 0; statement && i < statement->binding_count; i++)
        if (strcmp(statement->bindings[i].key.text, key) == 0)
            return &statement->bindings[i];
    return NULL;
}

hpx_status hpx_recipe_unknown(struct parse *p, const struct word *key, const struct statement *statement,
                              const char *const *known)
{
    return hpx_recipe_fail(p, key, "unknown setting '%s' of %s: expected %s%s", hpx_recipe_show(p, key->text),
                           statement->keyword.text, hpx_recipe_list(p, known),
                           hpx_recipe_hint(p, key->text, known));
}

hpx_status hpx_recipe_axis_of(struct parse *p, const struct word *reference, int *out)
{
    const char *names[HPX_AXES_MAX + 1] = {NULL};
    for (size_t i = 0; i < p->axis_count; i++) {
        names[i] = p->recipe->axes[i].name;
        if (strcmp(names[i], reference->text) == 0) {
            *out = (int)i;
            return HPX_OK;
        }
    }
    if (p->axis_count == 0)
        return hpx_recipe_fail(p, reference,
                               "unknown axis '$%s': the recipe has no axes; expected a line 'axis %s = "
                               "VALUES'",
                               reference->text, reference->text);
    return hpx_recipe_fail(p, reference, "unknown axis '$%s': expected %s%s", reference->text,
                           hpx_recipe_list(p, names), hpx_recipe_hint(p, reference->text, names));
}

static bool read_value(union value *out, const hpx_setting *setting, const char *text)
{
    if (setting->type == HPX_SETTING_WORD) {
        for (const char *const *word = setting->words; *word; word++) {
            if (strcmp(*word, text) == 0) {
                out->text = *word;
                return true;
            }
        }
        return false;
    }
    double number;
    if (!hpx_parse_real(&number, text) || number < setting->min || number > setting->max ||
        (setting->above_min && number == setting->min) || (setting->below_max && number == setting->max))
        return false;
    if (setting->type == HPX_SETTING_REAL) {
        out->real = number;
        return true;
    }
    out->count = (uint64_t)number;
    return number == floor(number);
}

static hpx_status bad_value(struct parse *p, const struct word *at, const hpx_setting *setting,
                            const char *text, const char *axis)
{
    const char *from = axis ? hpx_arena_format(p->arena, ", a value of axis '%s'", axis) : "";
    const char *hint = setting->type == HPX_SETTING_WORD ? hpx_recipe_hint(p, text, setting->words) : "";
    return hpx_recipe_fail(p, at, "'%s' cannot be '%s'%s: expected %s%s", setting->name,
                           hpx_recipe_show(p, text), from, hpx_recipe_expected(p, setting), hint);
}

static struct operand *new_operand(struct parse *p, struct slot *out, const struct word *at, size_t list_max,
                                   hpx_status *status)
{
    if (out->count == list_max) {
        *status = hpx_recipe_fail(p, at, "'%s' has more than %zu values: expected at most that many",
                                  out->setting->name, list_max);
        return NULL;
    }
    out->operands = hpx_recipe_room(p, out->operands, out->count, sizeof(struct operand));
    return &out->operands[out->count++];
}

static hpx_status add_literal(struct parse *p, struct slot *out, const struct word *at, const char *text,
                              size_t list_max)
{
    hpx_status status = HPX_OK;
    union value *v = hpx_arena_alloc(p->arena, sizeof *v);
    if (!read_value(v, out->setting, text))
        return bad_value(p, at, out->setting, text, NULL);
    struct operand *o = new_operand(p, out, at, list_max, &status);
    if (o)
        *o = (struct operand){v, -1};
    return status;
}

static hpx_status add_reference(struct parse *p, struct slot *out, const struct word *at, size_t list_max,
                                uint32_t *axes)
{
    hpx_status status;
    int index;
    if (!axes)
        return hpx_recipe_fail(p, at, "'%s' takes no axis: it is not part of a cell", out->setting->name);
    status = hpx_recipe_axis_of(p, at, &index);
    if (status)
        return status;
    const hpx_axis *axis = &p->recipe->axes[index];
    union value *v = hpx_arena_alloc(p->arena, axis->count * sizeof *v);
    for (uint32_t i = 0; i < axis->count; i++)
        if (!read_value(&v[i], out->setting, axis->values[i].text))
            return bad_value(p, at, out->setting, axis->values[i].text, axis->name);
    *axes |= 1u << index;
    struct operand *o = new_operand(p, out, at, list_max, &status);
    if (o)
        *o = (struct operand){v, index};
    return status;
}

static hpx_status add_range(struct parse *p, struct slot *out, const struct word *at, const char *low,
                            const char *high, size_t list_max)
{
    uint64_t a, b;
    if (!hpx_parse_u64(&a, low) || !hpx_parse_u64(&b, high) || a > b)
        return hpx_recipe_fail(p, at,
                               "'%s' is no range: expected two whole numbers as A..B, the smaller first",
                               hpx_recipe_show(p, at->text));
    hpx_status status = HPX_OK;
    for (uint64_t i = a; !status; i++) {
        status = add_literal(p, out, at, hpx_arena_format(p->arena, "%llu", (unsigned long long)i), list_max);
        if (i == b)
            break;
    }
    return status;
}

hpx_status hpx_recipe_slot(struct parse *p, struct slot *out, const hpx_setting *setting,
                           const struct binding *binding, size_t list_max, uint32_t *axes)
{
    *out = (struct slot){.setting = setting, .binding = binding};
    if (!binding) {
        struct word standard = {.text = setting->fallback};
        return add_literal(p, out, &standard, standard.text, 1);
    }
    bool is_list = setting->type == HPX_SETTING_COUNTS;
    if (!is_list && binding->count > 1)
        return hpx_recipe_fail(p, &binding->values[1], "a second value of '%s': expected one value, %s",
                               setting->name, hpx_recipe_expected(p, setting));
    hpx_status status = HPX_OK;
    for (size_t i = 0; !status && i < binding->count; i++) {
        const struct word *at = &binding->values[i];
        const char *low, *high;
        if (at->kind == WORD_REFERENCE)
            status = add_reference(p, out, at, list_max, axes);
        else if (is_list && hpx_recipe_range(p, at, &low, &high))
            status = add_range(p, out, at, low, high, list_max);
        else
            status = add_literal(p, out, at, at->text, list_max);
    }
    return status;
}

/* The settings of one section: those of the trainer and, for train, those of the recipe. */
static hpx_status check_keys(struct parse *p, const struct statement *statement, const char *section,
                             const char *const *own)
{
    const hpx_trainer *trainer = p->recipe->trainer;
    const char **known = hpx_arena_alloc(p->arena, (trainer->setting_count + 4) * sizeof *known);
    size_t count = 0;
    for (size_t i = 0; i < trainer->setting_count; i++)
        if (strcmp(trainer->settings[i].section, section) == 0)
            known[count++] = trainer->settings[i].name;
    for (; *own; own++)
        known[count++] = *own;
    for (size_t i = 0; statement && i < statement->binding_count; i++) {
        const struct word *key = &statement->bindings[i].key;
        size_t k = 0;
        while (k < count && strcmp(known[k], key->text) != 0)
            k++;
        if (k == count)
            return hpx_recipe_unknown(p, key, statement, known);
    }
    return HPX_OK;
}

static hpx_status make_slots(struct parse *p, const struct statement *statement, enum section section)
{
    const hpx_trainer *trainer = p->recipe->trainer;
    struct hpx_recipe_inside *inside = p->recipe->inside;
    const char *name = hpx_recipe_sections[section];
    hpx_status status = HPX_OK;
    for (size_t i = 0; !status && i < trainer->setting_count; i++) {
        const hpx_setting *setting = &trainer->settings[i];
        if (strcmp(setting->section, name) != 0)
            continue;
        const struct binding *given = hpx_recipe_binding(statement, setting->name);
        if (!given && !setting->fallback)
            return hpx_recipe_fail(p, statement ? &statement->keyword : &p->model->keyword,
                                   "%s %s needs '%s': expected a binding '%s = ' of %s", name, trainer->name,
                                   setting->name, setting->name, hpx_recipe_expected(p, setting));
        struct slot *slot = &inside->slots[inside->slot_count++];
        status = hpx_recipe_slot(p, slot, setting, given, HPX_SETTING_LIST_MAX, &inside->axes_in[section]);
        slot->field = hpx_arena_format(p->arena, "%s.%s", name, setting->name);
    }
    return status;
}

static struct slot *find_slot(const struct hpx_recipe_inside *inside, const char *field)
{
    for (size_t i = 0; i < inside->slot_count; i++)
        if (strcmp(inside->slots[i].field, field) == 0)
            return &inside->slots[i];
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
static hpx_status tie_conditions(struct parse *p)
{
    struct hpx_recipe_inside *inside = p->recipe->inside;
    for (size_t i = 0; i < inside->slot_count; i++) {
        struct slot *slot = &inside->slots[i];
        const hpx_setting *setting = slot->setting;
        if (!setting->only_if)
            continue;
        const char *field = hpx_arena_format(p->arena, "%s.%s", setting->section, setting->only_if);
        slot->condition = find_slot(inside, field);
        assert(slot->condition && slot->condition->setting->type == HPX_SETTING_WORD);
        union value wanted;
        bool known = read_value(&wanted, slot->condition->setting, setting->only_value);
        assert(known);
        (void)known;
        slot->condition_value = wanted.text;
        if (slot->binding && !can_be(p->recipe, slot->condition->operands, wanted.text))
            return hpx_recipe_fail(p, &slot->binding->key,
                                   "'%s' belongs to %s %s: expected '%s = %s', or no '%s'", setting->name,
                                   setting->only_if, setting->only_value, setting->only_if,
                                   setting->only_value, setting->name);
    }
    return HPX_OK;
}

static hpx_status check_need(struct parse *p, const struct need *need)
{
    const hpx_recipe *recipe = p->recipe;
    const struct slot *asks = find_slot(recipe->inside, need->field),
                      *needed = find_slot(recipe->inside, need->needed);
    if (!asks || !needed || !asks->binding)
        return HPX_OK;
    uint32_t cells = hpx_grid_cells(&recipe->grid);
    for (uint32_t cell = 0; cell < cells; cell++) {
        uint32_t indices[HPX_AXES_MAX];
        hpx_grid_indices(indices, &recipe->grid, cell);
        if (!hpx_recipe_present(asks, indices) ||
            strcmp(hpx_recipe_operand(asks->operands, indices).text, need->value) != 0 ||
            hpx_recipe_operand(needed->operands, indices).real != 0)
            continue;
        return hpx_recipe_fail(p, &asks->binding->values[0],
                               "'%s' is %s where '%s' is 0: expected '%s' above 0", asks->setting->name,
                               need->value, needed->setting->name, needed->setting->name);
    }
    return HPX_OK;
}

static int by_field(const void *a, const void *b)
{
    return strcmp(((const struct slot *)a)->field, ((const struct slot *)b)->field);
}

static hpx_status find_trainer(struct parse *p)
{
    const struct word *kind = &p->model->name;
    const char *const *names = hpx_trainer_names();
    p->recipe->trainer = hpx_trainer_find(kind->text);
    if (!p->recipe->trainer)
        return hpx_recipe_fail(p, kind, "unknown model '%s': expected %s%s", hpx_recipe_show(p, kind->text),
                               hpx_recipe_list(p, names), hpx_recipe_hint(p, kind->text, names));
    struct hpx_recipe_inside *inside = p->recipe->inside;
    inside->slots = hpx_arena_alloc(p->arena, (p->recipe->trainer->setting_count + 1) * sizeof(struct slot));
    inside->kind =
        (hpx_setting){.section = "model", .name = "kind", .type = HPX_SETTING_WORD, .words = names};
    struct slot *slot = &inside->slots[inside->slot_count++];
    struct binding given = {.values = &p->model->name, .count = 1};
    hpx_status status = hpx_recipe_slot(p, slot, &inside->kind, &given, 1, NULL);
    slot->binding = NULL;
    slot->field = "model.kind";
    return status;
}

static hpx_status read_seeds(struct parse *p)
{
    hpx_recipe *recipe = p->recipe;
    const struct binding *given = hpx_recipe_binding(p->train, "seeds");
    struct slot slot;
    hpx_status status = hpx_recipe_slot(p, &slot, &seeds_setting, given, SEEDS_MAX, NULL);
    if (status)
        return status;
    recipe->seeds = hpx_arena_alloc(p->arena, slot.count * sizeof *recipe->seeds);
    for (size_t i = 0; i < slot.count; i++) {
        uint32_t seed = (uint32_t)slot.operands[i].values[0].count;
        for (size_t k = 0; k < i; k++)
            if (recipe->seeds[k] == seed)
                return hpx_recipe_fail(p, &given->values[0], "'seeds' has %u twice: expected every seed once",
                                       seed);
        recipe->seeds[recipe->seed_count++] = seed;
    }
    return HPX_OK;
}

static hpx_status read_objective(struct parse *p)
{
    const struct binding *given = hpx_recipe_binding(p->train, "objective");
    struct slot slot;
    hpx_status status = hpx_recipe_slot(p, &slot, &objective_setting, given, 1, NULL);
    if (status)
        return status;
    hpx_objective objective = HPX_TRAIN_LOSS;
    while (hpx_objective_names[objective] != slot.operands[0].values[0].text)
        objective++;
    p->recipe->objective = objective;
    if (objective != HPX_VALIDATION_LOSS && objective != HPX_VALIDATION_ACCURACY)
        return HPX_OK;
    const struct operand *validation = p->recipe->inside->validation.operands;
    uint32_t count = validation->axis < 0 ? 1 : p->recipe->axes[validation->axis].count;
    for (uint32_t i = 0; i < count; i++)
        if (validation->values[i].count == 0)
            return hpx_recipe_fail(p, &p->recipe->inside->validation.binding->values[0],
                                   "no images are held out to select on, and the objective is %s%s: expected "
                                   "'validation' above 0, or 'objective = test_%s' under train",
                                   hpx_objective_names[objective], given ? "" : " (the default)",
                                   objective == HPX_VALIDATION_LOSS ? "loss" : "accuracy");
    return HPX_OK;
}

static hpx_status check_axes_used(struct parse *p)
{
    const uint32_t *in = p->recipe->inside->axes_in;
    for (size_t i = 0; i < p->axis_count; i++)
        if (!((in[SECTION_DATASET] | in[SECTION_MODEL] | in[SECTION_TRAIN]) >> i & 1))
            return hpx_recipe_fail(p, &p->axes[i]->name,
                                   "axis '%s' is used nowhere, so all its values would be one trial: "
                                   "expected '$%s' in a binding of dataset, model or train",
                                   p->axes[i]->name.text, p->axes[i]->name.text);
    return HPX_OK;
}

hpx_status hpx_recipe_trainer_settings(struct parse *p)
{
    static const char *const none[] = {NULL};
    static const char *const own[] = {"epochs", "seeds", "objective", NULL};
    struct hpx_recipe_inside *inside = p->recipe->inside;
    hpx_status status = find_trainer(p);
    if (!status)
        status = check_keys(p, p->model, "model", none);
    if (!status)
        status = make_slots(p, p->model, SECTION_MODEL);
    inside->model_count = inside->slot_count;
    if (!status)
        status = check_keys(p, p->train, "train", own);
    if (!status)
        status = make_slots(p, p->train, SECTION_TRAIN);
    if (status)
        return status;
    qsort(inside->slots, inside->slot_count, sizeof(struct slot), by_field);
    status = tie_conditions(p);
    for (size_t i = 0; !status && i < sizeof needs / sizeof *needs; i++)
        status = check_need(p, &needs[i]);
    struct slot epochs;
    if (!status)
        status =
            hpx_recipe_slot(p, &epochs, &epochs_setting, hpx_recipe_binding(p->train, "epochs"), 1, NULL);
    if (!status)
        p->recipe->epochs = (uint32_t)epochs.operands[0].values[0].count;
    if (!status)
        status = read_seeds(p);
    if (!status)
        status = read_objective(p);
    if (!status)
        status = check_axes_used(p);
    return status;
}
