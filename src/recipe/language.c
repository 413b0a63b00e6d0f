/* The tables of settings and methods as people read them. */
#include "inside.h"

#include "base/text.h"

#include <string.h>

void hpx_recipe_values(hpx_buffer *out, const hpx_setting *setting)
{
    char min[HPX_REAL_TEXT_BYTES], max[HPX_REAL_TEXT_BYTES];
    hpx_real_text(min, setting->min);
    hpx_real_text(max, setting->max);
    switch (setting->type) {
    case HPX_SETTING_WORD:
        if (!setting->words)
            hpx_buffer_puts(out, "the name of a metric, printable characters without blank, comma or quote");
        for (size_t i = 0; setting->words && setting->words[i]; i++)
            hpx_buffer_printf(out, "%s%s", i ? ", " : "", setting->words[i]);
        return;
    case HPX_SETTING_COUNT:
        hpx_buffer_printf(out, "a whole number from %s to %s", min, max);
        return;
    case HPX_SETTING_COUNTS:
        for (size_t i = 0; setting->words && setting->words[i]; i++)
            hpx_buffer_printf(out, "%s, ", setting->words[i]);
        hpx_buffer_printf(out, "%swhole numbers from %s to %s%s", setting->words ? "or " : "", min, max,
                          hpx_recipe_takes_zero(setting) ? ", or 0 for none" : "");
        return;
    case HPX_SETTING_REAL:
        break;
    }
    const char *low = setting->above_min ? "above" : "from";
    const char *high = setting->below_max   ? setting->above_min ? " and below" : " to below"
                       : setting->above_min ? ", at most"
                                            : " to";
    hpx_buffer_printf(out, "a number %s %s%s %s", low, min, high, max);
}

struct items {
    hpx_recipe_item_fn *each;
    void *context;
};

/* `of`: the trainer that has it, where there are several; else "". */
static void say_setting(const struct items *items, const hpx_setting *setting, const char *of)
{
    hpx_buffer text = {0};
    const bool has_values = setting->max > 0 || setting->words;
    hpx_buffer_printf(&text, "%s%s%s", of, *of ? ": " : "", setting->help);
    if (has_values) {
        hpx_buffer_puts(&text, ": ");
        hpx_recipe_values(&text, setting);
    }
    if (setting->per)
        hpx_buffer_printf(&text, "; one for all, or one for each of `%s`", setting->per);
    if (setting->fallback)
        hpx_buffer_printf(&text, "; %s unless given", setting->fallback);
    else if (setting->section && !setting->optional)
        hpx_buffer_puts(&text, "; required");
    if (setting->only_if)
        hpx_buffer_printf(&text, "; only with `%s = %s`", setting->only_if, setting->only_value);
    if (setting->needs_if)
        hpx_buffer_printf(&text, "; %s needs `%s`", setting->needs_if, setting->needs);
    items->each(items->context, setting->name, hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

/* A setting of a trainer or of its inputs, from index 0 on; NULL: there are no more. */
static const hpx_setting *setting_of(const hpx_trainer *trainer, size_t index)
{
    const size_t first = trainer->inputs ? trainer->inputs->setting_count : 0;
    if (index < first)
        return &trainer->inputs->settings[index];
    return index - first < trainer->setting_count ? &trainer->settings[index - first] : NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether people would read the same of both. */
static bool same_setting(const hpx_setting *a, const hpx_setting *b)
{
    return strcmp(a->section, b->section) == 0 && strcmp(a->name, b->name) == 0 && a->type == b->type &&
           a->min == b->min && a->max == b->max && a->words == b->words && same_text(a->help, b->help) &&
           same_text(a->fallback, b->fallback);
}

static bool has_setting(const hpx_trainer *trainer, const hpx_setting *wanted)
{
    const hpx_setting *setting;
    for (size_t i = 0; (setting = setting_of(trainer, i)); i++)
        if (same_setting(setting, wanted))
            return true;
    return false;
}

/* What all trainers have is said once, of none of them. */
static void say_settings(const struct items *items, const char *statement)
{
    const char *const *names = hpx_trainer_names();
    const hpx_setting *setting;
    for (const char *const *name = names; *name; name++)
        for (size_t i = 0; (setting = setting_of(hpx_trainer_find(*name), i)); i++) {
            bool of_all = true;
            for (const char *const *other = names; *other; other++)
                of_all = of_all && has_setting(hpx_trainer_find(*other), setting);
            if (strcmp(setting->section, statement) == 0 && (!of_all || name == names))
                say_setting(items, setting, of_all ? "" : *name);
        }
    for (size_t i = 0; i < HPX_RECIPE_TRAINING; i++)
        if (strcmp(hpx_recipe_training_settings[i].section, statement) == 0)
            say_setting(items, &hpx_recipe_training_settings[i], "");
}

/* The bindings that each method takes. */
static void say_methods(const struct items *items)
{
    for (const hpx_method *method = hpx_methods; method < hpx_methods + HPX_METHODS; method++) {
        hpx_buffer text = {0};
        for (size_t i = 0; i < HPX_BINDINGS; i++)
            if (method->takes >> i & 1)
                hpx_buffer_printf(&text, "%s`%s`%s", text.size ? ", " : "",
                                  hpx_recipe_search_setting(i + 1)->name,
                                  method->needs >> i & 1 ? " (required)" : "");
        items->each(items->context, method->name, hpx_buffer_text(&text));
        hpx_buffer_free(&text);
    }
}

void hpx_recipe_each_item(const char *statement, hpx_recipe_item_fn *each, void *context)
{
    const struct items items = {each, context};
    const hpx_setting *setting;
    if (strcmp(statement, "methods") == 0)
        say_methods(&items);
    else if (strcmp(statement, "search") != 0)
        say_settings(&items, statement);
    else
        for (size_t i = 0; (setting = hpx_recipe_search_setting(i)); i++)
            say_setting(&items, setting, "");
}
