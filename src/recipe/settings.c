/* Bindings into slots: every word is checked against its setting, once per value of the axis that it names,
 * so that resolving a cell is a table lookup that cannot fail. */
#include "inside.h"

#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const char *const hpx_recipe_sections[SECTIONS + 1] = {"dataset", "model", "program", "train", NULL};

#define OWN_KEYS_MAX 4
static const char *const own_keys[SECTIONS][OWN_KEYS_MAX + 1] = {
    [SECTION_TRAIN] = {"epochs", "seeds", "objective", "keep"},
};

static const char *const program_keys[] = {"command", "code",    "data",    "version",  "env",      "pass",
                                           "fill",    "metrics", "match",   "volatile", "continue", "repeat",
                                           "run-in",  "threads", "timeout", "memory",   "gpus",     NULL};

const struct binding *hpx_recipe_binding(const struct statement *statement, const char *key)
{
    for (size_t i = 0; statement && i < statement->binding_count; i++)
        if (strcmp(statement->bindings[i].key.text, key) == 0)
            return &statement->bindings[i];
    return NULL;
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
    p->lost = true; /* the axis that was meant */
    if (p->axis_count == 0)
        return hpx_recipe_fail(
            p, reference, "unknown axis '$%s': the recipe has no axes; expected a line 'axis %s = VALUES'",
            reference->text, reference->text);
    return hpx_recipe_fail(p, reference, "unknown axis '$%s': expected %s%s", reference->text,
                           hpx_recipe_list(p, names), hpx_recipe_hint(p, reference->text, names));
}

bool hpx_recipe_takes_zero(const hpx_setting *setting)
{
    return setting->type == HPX_SETTING_COUNTS && setting->min > 0 && !setting->per;
}

static const char *find_word(const char *const *words, const char *text)
{
    while (*words && strcmp(*words, text) != 0)
        words++;
    return *words;
}

static bool read_value(union value *out, struct parse *p, const hpx_setting *setting, const char *text)
{
    if (setting->type == HPX_SETTING_WORD && !setting->words) {
        out->text = text;
        return hpx_metric_is_name(text);
    }
    if (setting->words && (out->text = find_word(setting->words, text)))
        return true;
    if (setting->type == HPX_SETTING_WORD)
        return false;
    double number;
    if (!hpx_parse_real(&number, text))
        return false;
    if (!hpx_setting_in_range(setting, number) && !(hpx_recipe_takes_zero(setting) && number == 0))
        return false;
    if (setting->type == HPX_SETTING_REAL) {
        out->real = number;
        return true;
    }
    if (setting->words)
        out->text = hpx_arena_format(p->arena, "%.0f", number + 0); /* of -0, too */
    else
        out->count = (uint64_t)number;
    return number == floor(number);
}

/* A range of whole numbers as others write it, "1-5" or "1:5", in the way of recipes; NULL: it is none. */
static const char *meant_range(struct parse *p, const char *text)
{
    static const char digits[] = "0123456789";
    const size_t low = strspn(text, digits), between = strspn(text + low, ":-");
    const char *high = text + low + between;
    if (low == 0 || between != 1 || !*high || high[strspn(high, digits)])
        return NULL;
    return hpx_arena_format(p->arena, "%.*s..%s", (int)low, text, high);
}

static const char *value_hint(struct parse *p, const hpx_setting *setting, const char *text, bool literal)
{
    for (size_t i = 0; literal && i < p->axis_count; i++)
        if (strcmp(p->axes[i]->name.text, text) == 0)
            return hpx_arena_format(p->arena, "; did you mean '$%s'?", text);
    if (strchr(text, ','))
        return "; blanks separate words, not commas";
    const char *range = literal && setting->type != HPX_SETTING_COUNTS ? NULL : meant_range(p, text);
    if (range)
        return hpx_arena_format(p->arena, "; did you mean '%s'?", range);
    return setting->words ? hpx_recipe_hint(p, text, setting->words) : "";
}

/* `axis` NULL: the value is stated in the binding. */
static hpx_status bad_value(struct parse *p, const struct word *at, const hpx_setting *setting,
                            const char *text, const char *axis)
{
    const char *from = axis ? hpx_arena_format(p->arena, ", a value of axis '%s'", axis) : "";
    const char *hint = value_hint(p, setting, text, !axis);
    return hpx_recipe_fail(p, at, "'%s' cannot be '%s'%s: expected %s%s", setting->name,
                           hpx_recipe_show(p, text), from, hpx_recipe_expected(p, setting), hint);
}

static struct operand *new_operand(struct parse *p, struct slot *out, const struct word *at, size_t list_max,
                                   hpx_status *status)
{
    if (out->count == list_max) {
        *status = hpx_recipe_fail(p, at, "'%s' has too many values: expected at most %zu", out->setting->name,
                                  list_max);
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
    if (!read_value(v, p, out->setting, text))
        return bad_value(p, at, out->setting, text, NULL);
    struct operand *o = new_operand(p, out, at, list_max, &status);
    if (o)
        *o = (struct operand){v, at, -1};
    return status;
}

static hpx_status add_reference(struct parse *p, struct slot *out, const struct word *at, size_t list_max,
                                uint32_t *axes)
{
    hpx_status status;
    int index;
    if (!axes)
        return hpx_recipe_fail(p, at, "'%s' takes no '$': it is not part of a cell", out->setting->name);
    status = hpx_recipe_axis_of(p, at, &index);
    if (status)
        return status;
    const hpx_axis *axis = &p->recipe->axes[index];
    *axes |= 1u << index;
    if (axis->count == 0)
        return HPX_USAGE; /* as was said of the axis */
    union value *v = hpx_arena_alloc(p->arena, axis->count * sizeof *v);
    for (uint32_t i = 0; i < axis->count; i++)
        if (!read_value(&v[i], p, out->setting, axis->values[i].text))
            status = bad_value(p, p->recipe->inside->axis_words[index][i], out->setting, axis->values[i].text,
                               axis->name);
    if (status)
        return status;
    struct operand *o = new_operand(p, out, at, list_max, &status);
    if (o)
        *o = (struct operand){v, at, index};
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
        union value *standard = hpx_arena_alloc(p->arena, sizeof *standard);
        bool valid = read_value(standard, p, setting, setting->fallback);
        assert(valid);
        (void)valid;
        out->operands = hpx_arena_alloc(p->arena, sizeof *out->operands);
        out->operands[out->count++] = (struct operand){standard, NULL, -1};
        return HPX_OK;
    }
    bool is_list = setting->type == HPX_SETTING_COUNTS;
    if (!is_list && binding->count > 1)
        return hpx_recipe_fail(p, &binding->values[1], "a second value of '%s': expected one value, %s",
                               setting->name, hpx_recipe_expected(p, setting));
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < binding->count; i++) {
        const struct word *at = &binding->values[i];
        const char *low, *high;
        hpx_status added;
        if (at->kind == WORD_REFERENCE)
            added = add_reference(p, out, at, list_max, axes);
        else if (is_list && hpx_recipe_range(p, at, &low, &high))
            added = add_range(p, out, at, low, high, list_max);
        else
            added = add_literal(p, out, at, at->text, list_max);
        if (added)
            status = added;
        if (added && out->count == list_max)
            break;
    }
    if (status)
        out->count = 0;
    return status;
}

const hpx_input_kind *hpx_recipe_inputs(const struct parse *p)
{
    const hpx_trainer *trainer = p->recipe->trainer;
    return (trainer ? trainer : hpx_trainer_find(*hpx_trainer_names()))->inputs;
}

static const char *const *dataset_keys(struct parse *p)
{
    const hpx_input_kind *kind = hpx_recipe_inputs(p);
    const size_t most = kind ? kind->setting_count + kind->key_count : 0;
    const char **known = hpx_arena_alloc(p->arena, (most + 1) * sizeof *known), **end = known;
    for (size_t i = 0; kind && i < kind->setting_count; i++)
        *end++ = kind->settings[i].name;
    for (size_t i = 0; kind && i < kind->key_count; i++)
        *end++ = kind->keys[i].name;
    return known;
}

const char *const *hpx_recipe_known_keys(struct parse *p, enum section section)
{
    if (section == SECTION_DATASET)
        return dataset_keys(p);
    const hpx_trainer *trainer = p->recipe->trainer;
    size_t settings = trainer ? trainer->setting_count : 0, count = 0;
    if (section == SECTION_PROGRAM && p->program)
        return program_keys;
    const char **known = hpx_arena_alloc(p->arena, (settings + OWN_KEYS_MAX + 1) * sizeof *known);
    for (size_t i = 0; i < settings; i++)
        if (strcmp(trainer->settings[i].section, hpx_recipe_sections[section]) == 0)
            known[count++] = trainer->settings[i].name;
    for (const char *const *own = own_keys[section]; *own; own++)
        known[count++] = *own;
    return known;
}

/* A misspelt word of another statement begins as it does: of so many words some are near to any. */
static const char *near_elsewhere(struct parse *p, const char *wrong, const char *const *words)
{
    const char *nearest = hpx_recipe_nearest(p, wrong, words);
    return nearest && strncmp(nearest, wrong, 3) == 0 ? nearest : NULL;
}

static const char *hint_elsewhere(struct parse *p, const char *wrong, const char *keyword,
                                  const char *(*find)(struct parse *, const char *, const char *const *))
{
    for (enum section other = 0; other < SECTIONS; other++) {
        const char *section = hpx_recipe_sections[other];
        const char *found =
            strcmp(section, keyword) == 0 ? NULL : find(p, wrong, hpx_recipe_known_keys(p, other));
        if (found)
            return hpx_arena_format(p->arena, "; did you mean '%s' of %s?", found, section);
    }
    return NULL;
}

void hpx_recipe_unknown(struct parse *p, const struct word *key, const char *keyword,
                        const char *const *known, const char *const *near)
{
    for (enum section other = 0; other < SECTIONS; other++)
        if (hpx_word_is_in(hpx_recipe_known_keys(p, other), key->text)) {
            hpx_recipe_fail(p, key, "'%s' is a setting of %s, not of %s: expected %s", key->text,
                            hpx_recipe_sections[other], keyword, hpx_recipe_list(p, known));
            return;
        }
    const char *hint = NULL;
    if (!hpx_recipe_meant(p, key->text, near))
        hint = hint_elsewhere(p, key->text, keyword, hpx_recipe_meant);
    if (!hint)
        hint = hpx_recipe_hint(p, key->text, near);
    if (!*hint)
        hint = hint_elsewhere(p, key->text, keyword, near_elsewhere);
    hpx_recipe_fail(p, key, "unknown setting '%s' of %s: expected %s%s", hpx_recipe_show(p, key->text),
                    keyword, hpx_recipe_list(p, known), hint ? hint : "");
}

void hpx_recipe_check_keys(struct parse *p, struct statement *statement, enum section section)
{
    const char *const *known = hpx_recipe_known_keys(p, section);
    for (size_t i = 0; statement && i < statement->binding_count; i++) {
        if (hpx_word_is_in(known, statement->bindings[i].key.text))
            continue;
        hpx_recipe_unknown(p, &statement->bindings[i].key, statement->keyword.text, known, known);
        statement->bad = true;
    }
}
