/* Which script of a folder it is, and which files are its code and its data. */
#include "inside.h"

#include "base/text.h"
#include "hpx/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT_BYTES_MAX ((size_t)1 << 20)

static const struct script_language languages[] = {
    {".py", "python3", "python3 -V"},
    {".sh", "sh", NULL},
    {".bash", "bash", NULL},
    {".R", "Rscript", "Rscript --version"},
    {".jl", "julia", "julia --version"},
    {".pl", "perl", "perl -v"},
    {".rb", "ruby", "ruby -v"},
    {".js", "node", "node -v"},
    {".lua", "lua", "lua -v"},
};

/* --- which ------------------------------------------------------------------------------------------------- */

static bool is_plain(const char *name)
{
    return hpx_starter_is_plain(name) && !hpx_is_glob(name);
}

static const struct script_language *language_of(const char *name)
{
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending && i < sizeof languages / sizeof *languages; i++)
        if (strcmp(ending, languages[i].ending) == 0)
            return &languages[i];
    return NULL;
}

static bool begins_with(const char *name, const char *const *words)
{
    for (; *words; words++)
        if (strncmp(name, *words, strlen(*words)) == 0)
            return true;
    return false;
}

static bool read_text(hpx_buffer *out, const char *folder, const char *name)
{
    char *path = hpx_path_join(folder, name);
    hpx_error error;
    hpx_file_stat stat;
    const bool good = hpx_file_stat_of(&stat, path, &error) == HPX_OK && !hpx_path_is_folder(path) &&
                      !hpx_path_is_stream(path) &&
                      hpx_file_read(out, path, SCRIPT_BYTES_MAX, &error) == HPX_OK &&
                      (out->size == 0 || !memchr(out->data, 0, out->size));
    free(path);
    if (!good)
        hpx_buffer_free(out);
    return good;
}

/* How much it looks like what trains: 0, it is no script. */
static unsigned weigh(struct script *script, const char *name)
{
    static const char *const tools[] = {"setup.",  "conftest.", "test_",     "__",
                                        "install", "build",     "configure", NULL};
    static const char *const trains[] = {"train", "fit", "main", "run", "search", "experiment", NULL};
    char *path = hpx_path_join(script->folder, name);
    const bool executable = access(path, X_OK) == 0;
    free(path);
    script->language = language_of(name);
    if (!is_plain(name) || begins_with(name, tools) || (!script->language && !executable) ||
        !read_text(&script->text, script->folder, name))
        return 0;
    const char *text = hpx_buffer_text(&script->text);
    const bool interpreted = strncmp(text, "#!", 2) == 0;
    script->runs_itself = executable && interpreted;
    if (!script->runs_itself && !script->language)
        return 0;
    hpx_starter_options(&script->options, script->arena, text);
    return 1 + (script->options.count > 0 ? 2 : 0) + (begins_with(name, trains) ? 3 : 0);
}

static void forget(struct script *script)
{
    hpx_buffer_free(&script->text);
    free(script->options.at);
    hpx_path_list_free(&script->data);
    free(script->name);
    hpx_arena_free(script->arena);
}

static struct script open_script(const char *folder, const char *name, unsigned *weight)
{
    struct script script = {.folder = folder, .name = hpx_strdup(name), .arena = hpx_arena_new()};
    *weight = weigh(&script, name);
    return script;
}

/* The weightiest of the folder; the first of equals. */
static bool find(struct script *out, const char *folder, unsigned least)
{
    hpx_path_list names = {0};
    unsigned heaviest = 0;
    hpx_path_list_folder(&names, folder, false);
    for (size_t i = 0; i < names.count; i++) {
        unsigned weight;
        struct script script = open_script(folder, names.paths[i], &weight);
        if (weight < least || weight <= heaviest) {
            forget(&script);
            continue;
        }
        if (heaviest > 0)
            forget(out);
        *out = script;
        heaviest = weight;
    }
    hpx_path_list_free(&names);
    return heaviest > 0;
}

/* --- what it is made of ------------------------------------------------------------------------------------ */

static bool has_file(const struct script *script, const char *name)
{
    char *path = hpx_path_join(script->folder, name);
    const bool exists = hpx_path_exists(path);
    free(path);
    return exists;
}

static bool is_code(const struct script *script, const char *name)
{
    for (size_t i = 0; i < script->file_count; i++)
        if (strcmp(script->files[i], name) == 0)
            return true;
    return false;
}

static void add_code(struct script *script, const char *name)
{
    if (script->file_count < SCRIPT_FILES_MAX && !is_code(script, name))
        script->files[script->file_count++] = name;
}

/* The modules beside it that a line `import NAME` or `from NAME import` names. */
static void add_import(struct script *script, const char *line)
{
    line += strspn(line, " \t");
    const size_t word = strncmp(line, "import ", 7) == 0 ? 7 : strncmp(line, "from ", 5) == 0 ? 5 : 0;
    if (word == 0)
        return;
    line += word + strspn(line + word, " .");
    size_t length = 0;
    while (isalnum((unsigned char)line[length]) || line[length] == '_')
        length++;
    const char *file = hpx_arena_format(script->arena, "%.*s.py", (int)length, line);
    const char *folder = hpx_arena_format(script->arena, "%.*s/", (int)length, line);
    if (length > 0 && has_file(script, file))
        add_code(script, file);
    else if (length > 0 && has_file(script, folder))
        add_code(script, folder);
}

/* The script, and of Python what it imports from beside it, and so on. */
static void find_code(struct script *script)
{
    add_code(script, script->name);
    for (size_t i = 0; i < script->file_count; i++) {
        const struct script_language *language = language_of(script->files[i]);
        hpx_buffer text = {0};
        if (!language || strcmp(language->ending, ".py") != 0 ||
            !read_text(&text, script->folder, script->files[i]))
            continue;
        for (const char *line = hpx_buffer_text(&text); *line;) {
            add_import(script, line);
            line += strcspn(line, "\n");
            line += *line == '\n';
        }
        hpx_buffer_free(&text);
    }
}

/* The files and folders beside it that it names in quotes. */
static void find_data(struct script *script)
{
    for (const char *at = hpx_buffer_text(&script->text); (at = strpbrk(at, "\"'"));) {
        const size_t length = strcspn(at + 1, "\"'\n");
        const char *name = hpx_arena_strndup(script->arena, at + 1, length < 200 ? length : 0);
        const bool inside = *name && *name != '/' && !strstr(name, "..") && strcmp(name, ".") != 0 &&
                            strcmp(name, "cache") != 0; /* where the store is */
        if (inside && is_plain(name) && has_file(script, name) && !is_code(script, name))
            hpx_path_list_add(&script->data, name);
        at += 1 + length + (at[1 + length] != 0 && at[1 + length] != '\n');
    }
    hpx_path_list_sort(&script->data);
}

bool hpx_starter_script(hpx_starter *out, const char *folder, bool likely)
{
    struct script script;
    if (!find(&script, folder, likely ? 3 : 1))
        return false;
    find_code(&script);
    find_data(&script);
    hpx_starter_put_script(&out->text, &script);
    out->name = hpx_format("%.*s.rcp", (int)strcspn(script.name, "."), script.name);
    out->about = script.axis_count > 0 ? hpx_format("a recipe for %s; options of it that are axes: %zu",
                                                    script.name, script.axis_count)
                                       : hpx_format("a recipe for %s, without an axis so far", script.name);
    forget(&script);
    return true;
}
