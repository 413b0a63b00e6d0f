#include "inside.h"

#include "hpx/file.h"

#include <stdlib.h>
#include <string.h>

static hpx_status parse_all(struct parse *p)
{
    hpx_status (*const stages[])(struct parse *) = {
        hpx_recipe_statements,       hpx_recipe_axes,     hpx_recipe_trainer,   hpx_recipe_dataset_settings,
        hpx_recipe_trainer_settings, hpx_recipe_training, hpx_recipe_axes_used, hpx_recipe_searches};
    hpx_status status = HPX_OK;
    for (size_t i = 0; !status && i < sizeof stages / sizeof *stages; i++)
        status = stages[i](p);
    return status;
}

hpx_status hpx_recipe_parse(hpx_recipe **out, const char *path, const void *bytes, size_t size,
                            hpx_recipe_load_fn *load, void *context, hpx_error *error)
{
    *out = NULL;
    if (size > RECIPE_BYTES_MAX)
        return hpx_error_set(error, HPX_USAGE, "%s: larger than %u bytes: expected a recipe", path,
                             RECIPE_BYTES_MAX);
    hpx_recipe *recipe = hpx_alloc(sizeof *recipe);
    recipe->inside = hpx_alloc(sizeof *recipe->inside);
    recipe->inside->arena = hpx_arena_new();
    recipe->path = hpx_arena_strndup(recipe->inside->arena, path, strlen(path));
    struct source file = {.path = recipe->path, .bytes = size ? bytes : "", .size = size};
    struct parse p = {
        .recipe = recipe,
        .arena = recipe->inside->arena,
        .load = load,
        .context = context,
        .error = error,
        .file = &file,
    };
    hpx_status status = parse_all(&p);
    if (status)
        hpx_recipe_free(recipe);
    else
        *out = recipe;
    return status;
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
