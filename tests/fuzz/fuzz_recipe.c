/* Any bytes as a recipe: parsed, and what parses is resolved at its first and last cell. */
#include "fuzz.h"

#include "hpx/recipe.h"

#include <stdlib.h>
#include <string.h>

/* The files that a fuzzed recipe can include: one that is whole, and two that include each other. */
static const char *const included[][2] = {
    {"base.rcp",
     "dataset mnist\n  validation = 0\nmodel mlp\n  hidden = $n1 $n2\ntrain\n  objective = test_accuracy\n"
     "axis n1 = log2 16..512\naxis n2 = 16 32 64\nsearch s\n  method = grid\n"},
    {"ping.rcp", "include pong.rcp\n"},
    {"pong.rcp", "include ping.rcp\n"},
};

static hpx_status load(void *context, const char *path, hpx_buffer *out, hpx_error *error)
{
    (void)context;
    for (size_t i = 0; i < sizeof included / sizeof *included; i++) {
        if (strcmp(path, included[i][0]) == 0) {
            hpx_buffer_puts(out, included[i][1]);
            return HPX_OK;
        }
    }
    return hpx_error_set(error, HPX_NOT_FOUND, "%s: no such file", path);
}

static void expect(int holds)
{
    if (!holds)
        abort();
}

static void resolve(const hpx_recipe *recipe, uint32_t cell)
{
    hpx_fields all = {0}, model = {0};
    hpx_recipe_dataset dataset;
    hpx_recipe_settings(&all, recipe, cell);
    hpx_recipe_model_settings(&model, recipe, cell);
    hpx_recipe_dataset_of(&dataset, recipe, cell);
    expect(dataset.name && model.count <= all.count);
    for (size_t i = 0; i < model.count; i++)
        expect(hpx_fields_find(&all, model.fields[i].name) != NULL);
    hpx_buffer bytes = {0};
    hpx_fields_encode(&bytes, &all); /* reads every byte of every value */
    hpx_buffer_free(&bytes);
    hpx_fields_free(&model);
    hpx_fields_free(&all);
}

/* Every cell has a name, and the name leads back to it. */
static void name_and_find(const hpx_recipe *recipe, uint32_t cell)
{
    uint32_t indices[HPX_AXES_MAX], found;
    hpx_buffer names[HPX_AXES_MAX] = {{0}};
    char *words[HPX_AXES_MAX];
    hpx_error error;
    hpx_grid_indices(indices, &recipe->grid, cell);
    for (size_t i = 0; i < recipe->grid.axes; i++) {
        const hpx_axis *axis = &recipe->axes[i];
        hpx_buffer_printf(&names[i], "%s=%s", axis->name, axis->values[indices[i]].text);
        words[i] = (char *)hpx_buffer_text(&names[i]);
    }
    expect(hpx_recipe_find_cell(&found, recipe, words, recipe->grid.axes, &error) == HPX_OK && found == cell);
    for (size_t i = 0; i < recipe->grid.axes; i++)
        hpx_buffer_free(&names[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hpx_recipe *recipe;
    hpx_error error = {HPX_OK, ""};
    hpx_status status = hpx_recipe_parse(&recipe, "fuzz.rcp", data, size, load, NULL, &error);
    if (status) {
        expect(status == HPX_USAGE && !recipe && error.status == status && strstr(error.message, ".rcp:"));
        return 0;
    }
    uint32_t last = hpx_grid_cells(&recipe->grid) - 1;
    resolve(recipe, 0);
    resolve(recipe, last);
    name_and_find(recipe, 0);
    name_and_find(recipe, last);
    for (size_t i = 0; i < recipe->search_count; i++) {
        const hpx_recipe_search *found;
        expect(hpx_recipe_find_search(&found, recipe, recipe->searches[i].name, &error) == HPX_OK);
        expect(found == &recipe->searches[i] && found->options.start <= last);
    }
    hpx_recipe_free(recipe);
    return 0;
}
