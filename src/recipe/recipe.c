#include "inside.h"

#include "hpx/file.h"

#include <stdlib.h>
#include <string.h>

static void parse_all(struct parse *p)
{
    void (*const stages[])(struct parse *) = {
        hpx_recipe_statements,       hpx_recipe_axes,     hpx_recipe_trainer,   hpx_recipe_dataset_settings,
        hpx_recipe_trainer_settings, hpx_recipe_training, hpx_recipe_axes_used, hpx_recipe_searches};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        stages[i](p);
}

hpx_status hpx_recipe_parse(hpx_recipe **out, const char *path, const void *bytes, size_t size,
                            hpx_recipe_load_fn *load, void *context, hpx_error *error)
{
    *out = NULL;
    if (size > RECIPE_BYTES_MAX)
        return hpx_error_set(error, HPX_USAGE, "%s: larger than %u bytes: expected a recipe", path,
                             RECIPE_BYTES_MAX);
    hpx_recipe *recipe = hpx_alloc(sizeof *recipe);
    hpx_arena *arena = hpx_arena_new();
    recipe->inside = hpx_alloc(sizeof *recipe->inside);
    recipe->inside->arena = arena;
    recipe->path = hpx_arena_strndup(arena, path, strlen(path));
    struct source *file = hpx_arena_alloc(arena, sizeof *file);
    *file = (struct source){
        .path = recipe->path, .bytes = hpx_arena_strndup(arena, size ? bytes : "", size), .size = size};
    struct parse p = {.recipe = recipe, .arena = arena, .load = load, .context = context, .file = file};
    parse_all(&p);
    if (p.status) {
        hpx_recipe_tell(&p, error);
        hpx_recipe_free(recipe);
    } else {
        *out = recipe;
    }
    return p.status;
}

static hpx_status load_file(void *context, const char *path, hpx_buffer *out, hpx_error *error)
{
    (void)context;
    return hpx_file_read(out, path, RECIPE_BYTES_MAX, error);
}

hpx_status hpx_recipe_open(hpx_recipe **out, const char *path, hpx_error *error)
{
    *out = NULL;
    hpx_buffer bytes = {0};
    hpx_status status = load_file(NULL, path, &bytes, error);
    if (!status)
        status = hpx_recipe_parse(out, path, bytes.data, bytes.size, load_file, NULL, error);
    hpx_buffer_free(&bytes);
    return status;
}

void hpx_recipe_free(hpx_recipe *recipe)
{
    if (!recipe)
        return;
    hpx_arena_free(recipe->inside->arena);
    free(recipe->inside);
    free(recipe);
}
