#include "missing.h"

#include "base/glob.h"
#include "base/memory.h"
#include "base/process.h"
#include "hpx/file.h"
#include "program/words.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void hpx_mistakes_add(hpx_buffer *mistakes, const char *message)
{
    if (mistakes->size == 0 || !strstr(hpx_buffer_text(mistakes), message))
        hpx_buffer_printf(mistakes, "%s%s", mistakes->size ? "\n" : "", message);
}

bool hpx_missing_inputs(hpx_buffer *mistakes, const hpx_recipe *recipe, uint32_t cell,
                        const hpx_recipe_dataset *dataset)
{
    const hpx_input_kind *kind = recipe->trainer->inputs;
    bool missing = false;
    for (size_t key = 0, at = 0; kind && key < kind->key_count; key++)
        for (size_t word = 0; word < kind->keys[key].count; word++, at++) {
            if (!dataset->files[at] || hpx_path_exists(dataset->files[at]))
                continue;
            hpx_error error;
            hpx_recipe_fail_in(&error, recipe, "dataset", kind->keys[key].name, word, cell,
                               "%s: no such file (%s)", dataset->files[at], kind->names[at]);
            hpx_mistakes_add(mistakes, error.message);
            missing = true;
        }
    return missing;
}

/* Once for every combination of the axes that the data set names. */
static bool add_inputs(hpx_buffer *mistakes, const hpx_recipe *recipe)
{
    const uint32_t cells = hpx_grid_cells(&recipe->grid);
    uint32_t indices[HPX_AXES_MAX];
    bool missing = false, varies = false;
    for (uint32_t cell = 0; cell < cells && (cell == 0 || varies); cell++) {
        bool first = true; /* of those that differ in other axes alone */
        hpx_grid_indices(indices, &recipe->grid, cell);
        for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
            const bool named = hpx_recipe_axis_in(recipe, axis, "dataset");
            varies |= named;
            first &= named || indices[axis] == 0;
        }
        if (!first)
            continue;
        hpx_recipe_dataset dataset;
        hpx_recipe_dataset_of(&dataset, recipe, cell);
        missing |= hpx_missing_inputs(mistakes, recipe, cell, &dataset);
        hpx_recipe_dataset_free(&dataset);
    }
    return missing;
}

/* Whether a word of `code`, `data` or `fill` stands for any file. */
static bool leads_somewhere(const char *folder, const char *word)
{
    char *path = hpx_path_join(folder, word);
    hpx_path_list found = {0};
    bool exists = hpx_path_exists(path);
    if (!exists && hpx_is_glob(word))
        hpx_glob_expand(&found, folder, word, NULL, NULL);
    exists |= found.count > 0;
    hpx_path_list_free(&found);
    free(path);
    return exists;
}

static bool add_words(hpx_buffer *mistakes, const hpx_recipe *recipe, const char *key,
                      const hpx_program_words *words)
{
    bool missing = false;
    for (size_t i = 0; i < words->count; i++) {
        if (leads_somewhere(recipe->program->folder, words->words[i]))
            continue;
        hpx_error error;
        hpx_recipe_fail_in(&error, recipe, "program", key, i, 0, "%s: no such file%s", words->words[i],
                           *words->words[i] == '~' ? "; only a shell knows '~': expected the whole path"
                                                   : "");
        hpx_mistakes_add(mistakes, error.message);
        missing = true;
    }
    return missing;
}

/* The program itself, unless an axis stands in its name. One without a slash is looked for in PATH. */
static bool add_command(hpx_buffer *mistakes, const hpx_recipe *recipe)
{
    const char *name = recipe->program->command.words[0];
    hpx_error error;
    if (strchr(name, '$'))
        return false;
    const bool has_slash = strchr(name, '/') != NULL;
    char *path = has_slash ? hpx_path_join(recipe->program->folder, name) : hpx_process_find(name);
    const bool found = path && hpx_path_exists(path), fits = found && access(path, X_OK) == 0;
    if (!found)
        hpx_recipe_fail_in(&error, recipe, "program", "command", 0, 0, "%s: no such program%s%s", name,
                           has_slash ? "" : " in PATH", hpx_words_hint(name));
    else if (!fits)
        hpx_recipe_fail_in(&error, recipe, "program", "command", 0, 0,
                           "%s: it cannot be executed; `chmod +x` makes it a program", name);
    if (!fits)
        hpx_mistakes_add(mistakes, error.message);
    free(path);
    return !fits;
}

bool hpx_missing_files(hpx_buffer *mistakes, const hpx_recipe *recipe)
{
    const hpx_program *program = recipe->program;
    if (!program)
        return add_inputs(mistakes, recipe);
    bool missing = add_command(mistakes, recipe);
    missing |= add_words(mistakes, recipe, "code", &program->code);
    missing |= add_words(mistakes, recipe, "data", &program->data);
    missing |= add_words(mistakes, recipe, "fill", &program->fill);
    return missing;
}
