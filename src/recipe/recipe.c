#include "inside.h"

#include "hpx/file.h"

#include <stdlib.h>
#include <string.h>

void hpx_recipe_stages(struct parse *p)
{
    void (*const stages[])(struct parse *) = {
        hpx_recipe_trainer,          hpx_recipe_amend,   hpx_recipe_axes,     hpx_recipe_dataset_settings,
        hpx_recipe_trainer_settings, hpx_recipe_program, hpx_recipe_training, hpx_recipe_axes_used,
        hpx_recipe_searches};
    hpx_recipe_statements(p);
    const size_t count = p->mistake_count;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        stages[i](p);
    if (p->partial) /* what the rest lacks may be in the file that could not be included */
        p->mistake_count = count;
}

hpx_status hpx_recipe_begin(struct parse *p, const struct source *given, hpx_error *error)
{
    if (given->size > RECIPE_BYTES_MAX)
        return hpx_error_set(error, HPX_USAGE, "%s: larger than %u bytes: expected a recipe", given->path,
                             RECIPE_BYTES_MAX);
    hpx_recipe *recipe = hpx_alloc(sizeof *recipe);
    hpx_arena *arena = hpx_arena_new();
    recipe->inside = hpx_alloc(sizeof *recipe->inside);
    recipe->inside->arena = arena;
    recipe->path = hpx_arena_strndup(arena, given->path, strlen(given->path));
    struct source *file = hpx_arena_alloc(arena, sizeof *file);
    *file = *given;
    file->path = recipe->path;
    file->bytes = hpx_arena_strndup(arena, given->size ? given->bytes : "", given->size);
    p->recipe = recipe;
    p->arena = arena;
    p->file = file;
    return HPX_OK;
}

/* `p` has the loader and the amendments. */
static hpx_status parse(hpx_recipe **out, const struct source *given, struct parse p, hpx_error *error)
{
    *out = NULL;
    hpx_status status = hpx_recipe_begin(&p, given, error);
    if (status)
        return status;
    hpx_recipe_stages(&p);
    if (p.status) {
        hpx_recipe_tell(&p, error);
        hpx_recipe_free(p.recipe);
    } else {
        *out = p.recipe;
    }
    return p.status;
}

hpx_status hpx_recipe_parse(hpx_recipe **out, const char *path, const void *bytes, size_t size,
                            hpx_recipe_load_fn *load, void *context, hpx_error *error)
{
    const struct source given = {.path = path, .bytes = bytes, .size = size};
    return parse(out, &given, (struct parse){.load = load, .context = context}, error);
}

hpx_status hpx_recipe_load_file(void *context, const char *path, hpx_buffer *out, hpx_error *error)
{
    (void)context;
    return hpx_file_read(out, path, RECIPE_BYTES_MAX, error);
}

hpx_status hpx_recipe_open_amended(hpx_recipe **out, const char *path, hpx_recipe_amendments *amendments,
                                   hpx_error *error)
{
    *out = NULL;
    hpx_buffer bytes = {0};
    bool stream = hpx_path_is_stream(path);
    hpx_status status = stream ? hpx_stream_read(&bytes, path, RECIPE_BYTES_MAX, error)
                               : hpx_recipe_load_file(NULL, path, &bytes, error);
    const struct source given = {
        .path = path, .bytes = (const char *)bytes.data, .size = bytes.size, .folder = stream ? "." : NULL};
    if (!status)
        status = parse(out, &given, (struct parse){.load = hpx_recipe_load_file, .words = amendments}, error);
    hpx_buffer_free(&bytes);
    return status;
}

hpx_status hpx_recipe_open(hpx_recipe **out, const char *path, hpx_error *error)
{
    return hpx_recipe_open_amended(out, path, NULL, error);
}

void hpx_recipe_free(hpx_recipe *recipe)
{
    if (!recipe)
        return;
    hpx_arena_free(recipe->inside->arena);
    free(recipe->inside);
    free(recipe);
}
