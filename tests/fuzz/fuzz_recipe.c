/* Any bytes as a recipe: parsed, and what parses is resolved at its first and last cell. Lines behind a NUL
 * byte are words of a command line that amend it. */
#include "fuzz.h"

#include "hpx/recipe.h"
#include "program/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

static const char *name_of(void *context, const char *name)
{
    (void)context;
    return name;
}

/* What a cell's program is started with is written words, each a template. */
static void resolve_program(const hpx_recipe *recipe, uint32_t cell, const hpx_fields *settings)
{
    hpx_fields conditions = {0};
    hpx_buffer version = {0}, filled = {0};
    char **words;
    size_t count;
    hpx_error error;
    expect(hpx_words_read(&words, &count, hpx_fields_text_or_empty(settings, "program.command"), &error) ==
           HPX_OK);
    expect(count == recipe->program->command.count);
    for (size_t i = 0; i < count; i++)
        expect(hpx_template_fill(&filled, words[i], name_of, NULL, &error) == HPX_OK);
    hpx_words_free(words);
    for (size_t i = 0; i < recipe->program->version_count; i++) {
        hpx_buffer_free(&version);
        hpx_recipe_version_command(&version, recipe, cell, i);
        expect(hpx_words_read(&words, &count, hpx_buffer_text(&version), &error) == HPX_OK && count > 0);
        hpx_words_free(words);
    }
    hpx_recipe_conditions(&conditions, recipe);
    expect(hpx_fields_find(&conditions, "run.repeat") != NULL);
    hpx_fields_free(&conditions);
    hpx_buffer_free(&version);
    hpx_buffer_free(&filled);
}

static void resolve(const hpx_recipe *recipe, uint32_t cell)
{
    hpx_fields all = {0};
    hpx_recipe_dataset dataset;
    hpx_recipe_settings(&all, recipe, cell);
    hpx_recipe_dataset_of(&dataset, recipe, cell);
    expect(recipe->program || dataset.name);
    if (recipe->program)
        resolve_program(recipe, cell, &all);
    hpx_buffer bytes = {0};
    hpx_fields_encode(&bytes, &all); /* reads every byte of every value */
    hpx_buffer_free(&bytes);
    hpx_recipe_dataset_free(&dataset);
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

/* Splits text at its newlines, which become NUL. */
static size_t split(char **words, size_t room, char *text)
{
    size_t count = 0;
    for (char *save, *word = strtok_r(text, "\n", &save); word && count < room;
         word = strtok_r(NULL, "\n", &save))
        words[count++] = word;
    return count;
}

/* A file of these bytes, to be closed. */
static int open_bytes(char path[32], const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz.rcp", MFD_CLOEXEC);
    expect(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static void take_name(void *context, const hpx_recipe_name *name)
{
    size_t *bytes = context;
    expect(name->owner && (name->name || name->of_search));
    for (const char *const *value = name->values; value && *value; value++)
        *bytes += strlen(*value);
}

/* Whatever is wrong in a recipe, its names can be read. */
static void read_names(const uint8_t *data, size_t size)
{
    char path[32];
    size_t bytes = 0;
    int fd = open_bytes(path, data, size);
    hpx_recipe_each_name(path, take_name, &bytes);
    close(fd);
}

/* The first `size` bytes are the recipe; `text` holds the words, and must outlive it. */
static hpx_status parse_amended(hpx_recipe **out, const uint8_t *data, size_t size, char *text,
                                hpx_error *error)
{
    char path[32], *words[16];
    int fd = open_bytes(path, data, size);
    hpx_recipe_amendments amendments = {.words = words, .count = split(words, 16, text), .cell = size % 2};
    size_t count = amendments.count;
    hpx_status status = hpx_recipe_open_amended(out, path, &amendments, error);
    expect(amendments.count <= count);
    close(fd);
    return status;
}

/* The usual layout is its own layout, and says the same: as a recipe it has the same status. */
static void format_it(const uint8_t *data, size_t size, hpx_status status)
{
    hpx_buffer once = {0}, twice = {0};
    hpx_error error;
    hpx_recipe *recipe;
    if (hpx_recipe_format(&once, "fuzz.rcp", data, size, &error) != HPX_OK) {
        expect(status == HPX_USAGE && once.size == 0 && error.status == HPX_USAGE);
        return;
    }
    expect(hpx_recipe_format(&twice, "fuzz.rcp", once.data, once.size, &error) == HPX_OK);
    expect(once.size == twice.size && (once.size == 0 || memcmp(once.data, twice.data, once.size) == 0));
    expect(hpx_recipe_parse(&recipe, "fuzz.rcp", once.data, once.size, load, NULL, &error) == status);
    hpx_recipe_free(recipe);
    hpx_buffer_free(&once);
    hpx_buffer_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hpx_recipe *recipe;
    hpx_error error = {HPX_OK, ""};
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    size_t text_size = zero ? (size_t)(data + size - zero) : 0;
    char *text = calloc(1, text_size + 1);
    expect(text != NULL);
    if (zero)
        memcpy(text, zero + 1, text_size - 1);
    hpx_status status = zero ? parse_amended(&recipe, data, (size_t)(zero - data), text, &error)
                             : hpx_recipe_parse(&recipe, "fuzz.rcp", data, size, load, NULL, &error);
    if (!zero)
        format_it(data, size, status);
    read_names(data, size);
    if (status) {
        expect(!recipe && error.status == status && strchr(error.message, ':'));
        expect(zero || (status == HPX_USAGE && strstr(error.message, ".rcp:")));
        free(text);
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
    free(text);
    return 0;
}
