/* The names that a recipe has, right or not, and the values that they may have. */
#include "inside.h"

#include "hpx/file.h"

#include <string.h>

static const char *const *metric_names(struct parse *p, const hpx_trainer *trainer)
{
    const char **names = hpx_arena_alloc(p->arena, (trainer->metric_count + 1) * sizeof *names);
    for (size_t i = 0; i < trainer->metric_count; i++)
        names[i] = trainer->metrics[i].name;
    return names;
}

/* The words that a setting may be; NULL: it is none of a few words. */
static const char *const *words_of(struct parse *p, enum section section, const char *key)
{
    const hpx_trainer *trainer = p->recipe->trainer;
    if (section == SECTION_PROGRAM)
        return hpx_recipe_program_words(key);
    for (size_t i = 0; trainer && i < trainer->setting_count; i++)
        if (strcmp(trainer->settings[i].section, hpx_recipe_sections[section]) == 0 &&
            strcmp(trainer->settings[i].name, key) == 0)
            return trainer->settings[i].words;
    if (section == SECTION_TRAIN && trainer && strcmp(key, "objective") == 0)
        return metric_names(p, trainer);
    for (size_t i = 0; i < HPX_RECIPE_TRAINING; i++)
        if (section == SECTION_TRAIN && strcmp(hpx_recipe_training_settings[i].name, key) == 0)
            return hpx_recipe_training_settings[i].words;
    return NULL;
}

static void tell_settings(struct parse *p, hpx_recipe_name_fn *each, void *context)
{
    for (enum section section = 0; section < SECTIONS; section++) {
        if (section != SECTION_TRAIN && (section == SECTION_PROGRAM) != (p->program != NULL))
            continue;
        for (const char *const *key = hpx_recipe_known_keys(p, section); *key; key++)
            each(context, &(hpx_recipe_name){.owner = hpx_recipe_sections[section],
                                             .name = *key,
                                             .values = words_of(p, section, *key)});
    }
}

static void tell_axes(struct parse *p, hpx_recipe_name_fn *each, void *context)
{
    for (size_t i = 0; i < p->axis_count; i++) {
        const hpx_axis *axis = &p->recipe->axes[i];
        const char **values = hpx_arena_alloc(p->arena, (axis->count + 1) * sizeof *values);
        for (uint32_t k = 0; k < axis->count; k++)
            values[k] = axis->values[k].text;
        each(context, &(hpx_recipe_name){.owner = "axis", .name = p->axes[i]->name.text, .values = values});
    }
}

/* Likewise of a search, whose methods and axes no table lists. */
static const char *const *search_words(struct parse *p, const char *key)
{
    const char **names = hpx_arena_alloc(p->arena, (HPX_METHODS + HPX_AXES_MAX + 1) * sizeof *names);
    const hpx_setting *setting;
    for (size_t i = 0; (setting = hpx_recipe_search_setting(i)); i++)
        if (strcmp(setting->name, key) == 0 && setting->words)
            return setting->words;
    for (size_t i = 0; i < HPX_METHODS && strcmp(key, "method") == 0; i++)
        names[i] = hpx_methods[i].name;
    for (size_t i = 0; i < p->axis_count && strcmp(key, "first") == 0; i++)
        names[i] = p->axes[i]->name.text;
    return names;
}

static void tell_searches(struct parse *p, hpx_recipe_name_fn *each, void *context)
{
    for (size_t i = 0; i < p->search_count; i++) {
        const char *name = p->searches[i]->name.text;
        each(context, &(hpx_recipe_name){.owner = name, .of_search = true});
        for (const char *const *key = hpx_recipe_search_taken(p, p->searches[i]); *key; key++)
            each(context,
                 &(hpx_recipe_name){
                     .owner = name, .name = *key, .of_search = true, .values = search_words(p, *key)});
    }
}

void hpx_recipe_each_name(const char *path, hpx_recipe_name_fn *each, void *context)
{
    struct parse p = {.load = hpx_recipe_load_file};
    hpx_buffer bytes = {0};
    hpx_error error;
    if (hpx_file_read(&bytes, path, RECIPE_BYTES_MAX, &error) == HPX_OK) {
        const struct source given = {.path = path, .bytes = (const char *)bytes.data, .size = bytes.size};
        if (hpx_recipe_begin(&p, &given, &error) == HPX_OK) {
            hpx_recipe_stages(&p);
            tell_axes(&p, each, context);
            tell_settings(&p, each, context);
            tell_searches(&p, each, context);
            hpx_recipe_free(p.recipe);
        }
    }
    hpx_buffer_free(&bytes);
}
