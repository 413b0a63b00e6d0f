/* The user's script as a program: how it is started, which of its options are axes, which files are its code and data, and
 * what it seems to report. */
#include "inside.h"

#include "base/text.h"
#include "hpx/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT_BYTES_MAX ((size_t)1 << 20)
#define AXES_MAX         3 /* that a first recipe has; further options are shown */
#define FILES_MAX        32
#define VALUE_MAX        1e12 /* around which values are made up */
#define EPOCHS           5

static const struct language {
    const char *ending, *interpreter, *version;
} languages[] = {
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

/* What it may report, the better choice first; the objective is one of them. */
static const struct metric {
    const char *name;
    bool minimised;
} metrics[] = {
    {"val_accuracy", false}, {"val_acc", false}, {"test_accuracy", false},
    {"accuracy", false},     {"score", false},   {"auc", false},
    {"f1", false},           {"val_loss", true}, {"test_loss", true},
    {"loss", true},          {"error", true},    {"rmse", true},
    {"mse", true},           {"mae", true},
};

/* Options that are no hyperparameters, by the parts of their names. */
static const char *const others[] = {
    "seed",   "epoch", "epochs", "worker",  "workers", "thread",  "threads", "jobs",   "device",  "gpu",
    "gpus",   "log",   "logs",   "verbose", "port",    "path",    "file",    "dir",    "folder",  "out",
    "output", "save",  "data",   "dataset", "sample",  "samples", "params",  "resume", "metrics", NULL};

struct script {
    const char *folder;
    char *name;
    hpx_arena *arena;
    hpx_buffer text;
    const struct language *language; /* NULL: it is started by itself */
    struct script_options options;
    const struct script_option *axes[AXES_MAX];
    size_t axis_count;
    const char *files[FILES_MAX]; /* of its code, the script first */
    size_t file_count;
};

/* --- which ------------------------------------------------------------------------------------------------- */

static bool is_plain(const char *name)
{
    return !strpbrk(name, " \t\n\"'$#\\*?[") && hpx_text_is_visible(name, strlen(name));
}

static const struct language *language_of(const char *name)
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
    if (executable && interpreted)
        script->language = NULL;
    else if (!script->language)
        return 0;
    hpx_starter_options(&script->options, script->arena, text);
    return 1 + (script->options.count > 0 ? 2 : 0) + (begins_with(name, trains) ? 3 : 0);
}

static void forget(struct script *script)
{
    hpx_buffer_free(&script->text);
    free(script->options.at);
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
    hpx_starter_list(&names, folder);
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
    if (script->file_count < FILES_MAX && !is_code(script, name))
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
        const struct language *language = language_of(script->files[i]);
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
static void put_data(hpx_buffer *out, struct script *script)
{
    hpx_path_list data = {0};
    for (const char *at = hpx_buffer_text(&script->text); (at = strpbrk(at, "\"'"));) {
        const size_t length = strcspn(at + 1, "\"'\n");
        const char *name = hpx_arena_strndup(script->arena, at + 1, length < 200 ? length : 0);
        const bool inside = *name && *name != '/' && !strstr(name, "..") && strcmp(name, ".") != 0;
        if (inside && is_plain(name) && has_file(script, name) && !is_code(script, name))
            hpx_path_list_add(&data, name);
        at += 1 + length + (at[1 + length] != 0 && at[1 + length] != '\n');
    }
    hpx_path_list_sort(&data);
    for (size_t i = 0; i < data.count; i++)
        hpx_buffer_printf(out, "%s%s", i ? " " : "  data = ", data.paths[i]);
    hpx_buffer_puts(out, data.count ? "\n" : "");
    hpx_path_list_free(&data);
}

/* --- axes -------------------------------------------------------------------------------------------------- */

static bool is_other(const char *name)
{
    for (const char *part = name; *part; part += strspn(part, "-_")) {
        const size_t length = strcspn(part, "-_");
        for (const char *const *other = others; *other; other++)
            if (strlen(*other) == length && strncmp(*other, part, length) == 0)
                return true;
        part += length;
    }
    return false;
}

static void put_real(hpx_buffer *out, double value)
{
    char text[HPX_REAL_TEXT_BYTES];
    hpx_print(text, sizeof text, "%.6g", value);
    hpx_real_text(text, hpx_strtod(text, NULL));
    hpx_buffer_printf(out, " %s", text);
}

/* Values around its default; false: nobody knows any. */
static bool put_values(hpx_buffer *out, const struct script_option *option)
{
    double value = 0;
    if (option->values) {
        hpx_buffer_printf(out, " %s", option->values);
        return true;
    }
    const bool given = option->value && hpx_parse_real(&value, option->value);
    if (option->type == 'f' || option->type == 's' || (given && (value <= 0 || value > VALUE_MAX)))
        return false;
    const bool whole = option->type == 'i';
    if (!given)
        hpx_buffer_puts(out, whole ? " 1 2 4" : " 0.001 0.01 0.1");
    else if (whole && value < 2)
        hpx_buffer_puts(out, " 1 2 3");
    else if (whole && value == (double)(uint64_t)value)
        hpx_buffer_printf(out, " %llu %s %llu", (unsigned long long)value / 2, option->value,
                          (unsigned long long)value * 2);
    else if (whole)
        return false;
    else {
        const bool small = value <= 0.05; /* such as a rate: by its order of magnitude */
        put_real(out, small ? value / 10 : value / 2);
        hpx_buffer_printf(out, " %s", option->value);
        put_real(out, small ? value * 10 : value < 1 ? (1 + value) / 2 : value * 2);
    }
    return true;
}

static bool is_axis(const struct script *script, const struct script_option *option)
{
    for (size_t i = 0; i < script->axis_count; i++)
        if (script->axes[i] == option)
            return true;
    return false;
}

static void choose_axes(struct script *script)
{
    for (size_t i = 0; i < script->options.count && script->axis_count < AXES_MAX; i++) {
        hpx_buffer values = {0};
        const struct script_option *option = &script->options.at[i];
        if (!is_other(option->name) && put_values(&values, option))
            script->axes[script->axis_count++] = option;
        hpx_buffer_free(&values);
    }
}

static void put_axes(hpx_buffer *out, const struct script *script)
{
    bool more = false;
    hpx_buffer_puts(out, "\n");
    if (script->axis_count == 0)
        hpx_buffer_printf(
            out, "# An axis is a name and its values; `$NAME` in `command` is the value of a trial:\n"
                 "# axis rate = 0.001 0.01 0.1\n\n");
    for (size_t i = 0; i < script->axis_count; i++) {
        const struct script_option *option = script->axes[i];
        hpx_buffer_printf(out, "axis %s =", option->name);
        put_values(out, option);
        if (option->value)
            hpx_buffer_printf(out, " # its default is %s", option->value);
        hpx_buffer_puts(out, "\n");
    }
    for (size_t i = 0; i < script->options.count; i++) {
        const struct script_option *option = &script->options.at[i];
        if (is_axis(script, option) || strcmp(option->name, "seed") == 0 || option->type == 'f')
            continue;
        hpx_buffer_puts(out,
                        more ? "" : "\n# It takes these, too; an axis needs `--NAME $NAME` in `command`:\n");
        hpx_buffer_printf(out, "# axis %s =", option->name);
        if (!put_values(out, option))
            hpx_buffer_puts(out, option->value ? hpx_arena_format(script->arena, " %s", option->value)
                                               : " VALUES");
        hpx_buffer_puts(out, "\n");
        more = true;
    }
    hpx_buffer_puts(out, "\n");
}

/* --- the recipe -------------------------------------------------------------------------------------------- */

static bool has_word(const char *text, const char *word)
{
    for (const char *at = text; (at = strstr(at, word)); at++) {
        const char next = at[strlen(word)];
        const bool begins = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
        if (begins && !isalnum((unsigned char)next) && next != '_')
            return true;
    }
    return false;
}

static void put_train(hpx_buffer *out, const char *text)
{
    const struct metric *metric = NULL;
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics && !metric; i++)
        if (has_word(text, metrics[i].name))
            metric = &metrics[i];
    hpx_buffer_puts(out, "\ntrain\n");
    if (has_word(text, "HPX_EPOCHS"))
        hpx_buffer_printf(out, "  epochs = %d\n", EPOCHS);
    hpx_buffer_printf(out,
                      "  seeds = 1 # `seeds = 1..3` scores a cell by the mean over three runs\n"
                      "  objective = %s %s # %s\n",
                      !metric || metric->minimised ? "minimise" : "maximise", metric ? metric->name : "loss",
                      metric ? "what its text names; any metric that it reports"
                             : "a metric that it reports");
}

static void put_command(hpx_buffer *out, const struct script *script)
{
    hpx_buffer_puts(out, "  command =");
    if (script->language)
        hpx_buffer_printf(out, " %s %s", script->language->interpreter, script->name);
    else
        hpx_buffer_printf(out, " ./%s", script->name);
    for (size_t i = 0; i < script->axis_count; i++)
        hpx_buffer_printf(out, " --%s $%s", script->axes[i]->name, script->axes[i]->name);
    for (size_t i = 0; i < script->options.count; i++)
        if (strcmp(script->options.at[i].name, "seed") == 0)
            hpx_buffer_puts(out, " --seed $seed");
    hpx_buffer_puts(out, "\n");
}

static void put_program(hpx_buffer *out, struct script *script)
{
    const char *text = hpx_buffer_text(&script->text);
    const struct language *language = language_of(script->name);
    hpx_buffer_puts(out, "\nprogram\n");
    put_command(out, script);
    hpx_buffer_puts(out, "  code =");
    for (size_t i = 0; i < script->file_count; i++)
        hpx_buffer_printf(out, " %s", script->files[i]);
    hpx_buffer_puts(out, " # the files that it is made of: an edit of them makes stored results miss\n");
    put_data(out, script);
    if (script->language && language && language->version)
        hpx_buffer_printf(out, "  version = \"%s\" # what this prints is part of a result's identity\n",
                          language->version);
    if (has_word(text, "HPX_RESUME"))
        hpx_buffer_puts(
            out, "  continue = yes # more epochs go on from the checkpoint of fewer; hpx proves it first\n");
    if (!has_word(text, "HPX_METRICS"))
        hpx_buffer_puts(out, "  metrics = stdout # lines such as `loss=0.1`, or JSON\n");
}

bool hpx_starter_script(hpx_starter *out, const char *folder, bool likely)
{
    struct script script;
    if (!find(&script, folder, likely ? 3 : 1))
        return false;
    hpx_buffer *text = &out->text;
    choose_axes(&script);
    find_code(&script);
    hpx_buffer_printf(text, "# Runs %s. `hpx doctor` tries it once and says what this recipe lacks.\n",
                      script.name);
    put_program(text, &script);
    put_train(text, hpx_buffer_text(&script.text));
    put_axes(text, &script);
    hpx_buffer_puts(
        text, script.axis_count > 1
                  ? "search cross\n  method = partial-cross # or grid, bayes, halving, ...\n  limit = 1\n"
                  : "search all\n  method = grid\n");
    out->name = hpx_format("%.*s.rcp", (int)strcspn(script.name, "."), script.name);
    out->about = script.axis_count > 0 ? hpx_format("a recipe for %s; options of it that are axes: %zu",
                                                    script.name, script.axis_count)
                                       : hpx_format("a recipe for %s, without an axis so far", script.name);
    forget(&script);
    return true;
}
