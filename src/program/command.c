#include "command.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"
#include "program/processes.h"
#include "program/words.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILLED_BYTES_MAX ((size_t)64 << 20)
#define AXIS             "axis."
#define VARIABLE         "env."

struct making {
    hpx_command *command;
    const hpx_run *run;
    const hpx_copy *copy;
    const hpx_places *places;
    const char *gpus;
    size_t variables, capacity;
    char text[HPX_REAL_TEXT_BYTES]; /* of the number that was looked up last */
};

/* --- names ------------------------------------------------------------------------------------------------ */

static uint64_t seed_of(const hpx_run *run)
{
    return hpx_fields_count_or_zero(run->manifest, "seed");
}

/* A number that is whole is written without an exponent: programs read it as one. */
static const char *number_text(char out[HPX_REAL_TEXT_BYTES], double value)
{
    if (value == floor(value) && fabs(value) < 1e15)
        hpx_print(out, HPX_REAL_TEXT_BYTES, "%.0f", value);
    else
        hpx_real_text(out, value);
    return out;
}

/* What is still a name in the templates of a manifest. */
static const char *look_up(void *context, const char *name)
{
    struct making *making = context;
    const struct {
        const char *name, *value;
    } paths[] = {
        {"params", making->places->params},
        {"out", hpx_copy_out(making->copy)},
        {"resume", making->places->resume ? making->places->resume : ""},
        {"metrics", making->places->metrics},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strcmp(name, paths[i].name) == 0)
            return paths[i].value;
    const uint64_t count = strcmp(name, "seed") == 0 ? seed_of(making->run) : making->run->to;
    if (strcmp(name, "seed") != 0 && strcmp(name, "epochs") != 0)
        return NULL;
    hpx_print(making->text, sizeof making->text, "%" PRIu64, count);
    return making->text;
}

/* The same, and the axes, which are names in files only. */
static const char *look_up_all(void *context, const char *name)
{
    struct making *making = context;
    char *field_name = hpx_format(AXIS "%s", name);
    const hpx_field *axis = hpx_fields_find(making->run->manifest, field_name);
    free(field_name);
    if (!axis)
        return look_up(context, name);
    return axis->type == HPX_FIELD_TEXT ? (const char *)axis->bytes : number_text(making->text, axis->real);
}

/* --- words and environment -------------------------------------------------------------------------------- */

static hpx_status fill(char **out, struct making *making, const char *template, hpx_error *error)
{
    hpx_buffer text = {0};
    hpx_status status = hpx_template_fill(&text, template, look_up, making, error);
    *out = hpx_arena_strndup(making->command->arena, hpx_buffer_text(&text), text.size);
    hpx_buffer_free(&text);
    return status;
}

static hpx_status fill_words(struct making *making, hpx_error *error)
{
    char **words = NULL;
    const char *text;
    size_t count = 0;
    hpx_status status = hpx_fields_text(&text, making->run->manifest, "program.command", error);
    if (!status)
        status = hpx_words_read(&words, &count, text, error);
    if (!status && count == 0)
        status = hpx_error_set(error, HPX_DAMAGED, "the program's command is empty");
    hpx_command *command = making->command;
    command->arguments = hpx_arena_alloc(command->arena, (count + 1) * sizeof *command->arguments);
    for (size_t i = 0; i < count && !status; i++)
        status = fill(&command->arguments[i], making, words[i], error);
    hpx_words_free(words);
    return status;
}

/* Later values replace earlier ones. */
static void set_variable(struct making *making, const char *name, const char *value)
{
    char **list = making->command->environment;
    const size_t length = strlen(name);
    size_t at = 0;
    while (at < making->variables && !(strncmp(list[at], name, length) == 0 && list[at][length] == '='))
        at++;
    list = hpx_grow(list, &making->capacity, making->variables + 2, sizeof *list);
    making->command->environment = list;
    list[at] = hpx_arena_format(making->command->arena, "%s=%s", name, value);
    making->variables += at == making->variables;
    list[making->variables] = NULL;
}

static void pass_variable(struct making *making, const char *name)
{
    const char *value = getenv(name);
    if (value)
        set_variable(making, name, value);
}

static void set_count(struct making *making, const char *name, uint64_t count)
{
    char text[24];
    hpx_print(text, sizeof text, "%" PRIu64, count);
    set_variable(making, name, text);
}

/* What is set for every program. */
static void set_own_variables(struct making *making)
{
    static const char *const inherited[] = {"PATH", "HOME", "USER"};
    static const char *const threaded[] = {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"};
    const hpx_run *run = making->run;
    const hpx_places *places = making->places;
    const hpx_field *threads = hpx_fields_find(run->manifest, "program.threads");
    for (size_t i = 0; i < sizeof inherited / sizeof *inherited; i++)
        pass_variable(making, inherited[i]);
    for (size_t i = 0; i < sizeof threaded / sizeof *threaded; i++)
        set_count(making, threaded[i], threads ? threads->count : 1);
    set_variable(making, "LC_ALL", "C.UTF-8");
    set_variable(making, "TZ", "UTC");
    set_variable(making, "PYTHONHASHSEED", "0");
    set_variable(making, "PYTHONUNBUFFERED", "1");
    set_variable(making, "TMPDIR", hpx_copy_tmp(making->copy));
    if (making->gpus)
        set_variable(making, "CUDA_VISIBLE_DEVICES", making->gpus);
    set_variable(making, "HPX_PARAMS", places->params);
    set_variable(making, "HPX_METRICS", places->metrics);
    set_variable(making, "HPX_OUT", hpx_copy_out(making->copy));
    set_count(making, "HPX_SEED", seed_of(run));
    set_count(making, "HPX_EPOCHS", run->to);
    if (places->resume) {
        set_variable(making, "HPX_RESUME", places->resume);
        set_count(making, "HPX_RESUME_EPOCH", run->from);
    }
    char *mark = hpx_processes_mark(hpx_fields_text_or_empty(run->conditions, "job.trial"));
    set_variable(making, "HPX_TRIAL", mark);
    free(mark);
}

/* Those that the recipe passes on, and then those that it sets. */
static hpx_status set_recipe_variables(struct making *making, hpx_error *error)
{
    const hpx_fields *manifest = making->run->manifest;
    char **names = NULL;
    size_t count = 0;
    hpx_status status =
        hpx_words_read(&names, &count, hpx_fields_text_or_empty(making->run->conditions, "run.pass"), error);
    for (size_t i = 0; i < count && !status; i++)
        pass_variable(making, names[i]);
    hpx_words_free(names);
    for (size_t i = 0; i < manifest->count && !status; i++) {
        const hpx_field *field = &manifest->fields[i];
        char *value;
        if (strncmp(field->name, VARIABLE, strlen(VARIABLE)) != 0 || field->type != HPX_FIELD_TEXT)
            continue;
        status = fill(&value, making, (const char *)field->bytes, error);
        if (!status)
            set_variable(making, field->name + strlen(VARIABLE), value);
    }
    return status;
}

/* --- the program ------------------------------------------------------------------------------------------ */

static bool is_program(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* In the folders of the PATH that the program is given, as it sees them. */
static const char *find_in_path(const struct making *making, const char *word)
{
    const char *path = NULL;
    for (size_t i = 0; i < making->variables; i++)
        if (strncmp(making->command->environment[i], "PATH=", 5) == 0)
            path = making->command->environment[i] + 5;
    for (const char *at = path; at;) {
        const size_t length = strcspn(at, ":");
        char *folder = hpx_strndup(at, length),
             *whole = hpx_path_join(making->command->folder, length ? folder : ".");
        const char *candidate = hpx_arena_format(making->command->arena, "%s/%s", whole, word);
        free(folder);
        free(whole);
        if (is_program(candidate))
            return candidate;
        at = at[length] ? at + length + 1 : NULL;
    }
    return NULL;
}

/* A word with a slash is looked for in the copy and then beside the recipe, where it is given its whole path: what is there,
 * such as a virtual environment, may look for itself by its name. */
static hpx_status find_program(struct making *making, hpx_error *error)
{
    hpx_command *command = making->command;
    const hpx_fields *conditions = making->run->conditions;
    const char *word = command->arguments[0];
    if (!strchr(word, '/')) {
        command->program = find_in_path(making, word);
        return command->program ? HPX_OK
                                : hpx_error_set(error, HPX_NOT_FOUND, "%s: no such program in PATH%s", word,
                                                hpx_words_hint(word));
    }
    command->program = *word == '/' ? word : hpx_arena_format(command->arena, "%s/%s", command->folder, word);
    if (*word == '/' || hpx_path_exists(command->program))
        return HPX_OK;
    char *beside =
        hpx_arena_format(command->arena, "%s/%s/%s", hpx_fields_text_or_empty(conditions, "job.root"),
                         hpx_fields_text_or_empty(conditions, "run.folder"), word);
    if (!is_program(beside))
        return hpx_error_set(error, HPX_NOT_FOUND,
                             "%s: no such program, neither in `code` nor beside the recipe%s", word,
                             hpx_words_hint(word));
    command->program = command->arguments[0] = beside;
    return HPX_OK;
}

/* What looks on while it runs has the program's words behind its own. */
static hpx_status wrap(struct making *making, hpx_error *error)
{
    hpx_command *command = making->command;
    char **words = NULL, **program = command->arguments;
    size_t count = 0, own = 0;
    hpx_status status = hpx_words_read(
        &words, &count, hpx_fields_text_or_empty(making->run->conditions, "job.wrapper"), error);
    if (!status && count > 0) {
        while (program[own])
            own++;
        command->arguments = hpx_arena_alloc(command->arena, (count + own + 1) * sizeof *command->arguments);
        for (size_t i = 0; i < count; i++)
            command->arguments[i] = hpx_arena_format(command->arena, "%s", words[i]);
        memcpy(command->arguments + count, program, own * sizeof *program);
        command->arguments[count] = (char *)command->program;
        command->program = command->arguments[0];
    }
    hpx_words_free(words);
    return status;
}

/* --- files ------------------------------------------------------------------------------------------------ */

static hpx_status write_file(const char *path, int flags, const hpx_buffer *bytes, hpx_error *error)
{
    const int fd = open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
    if (fd < 0)
        return hpx_error_errno(error, "%s: cannot write it", path);
    hpx_blob blob = {.fd = fd};
    hpx_status status = hpx_blob_add(&blob, bytes->data, bytes->size, error);
    if (close(fd) != 0 && !status)
        status = hpx_error_errno(error, "cannot write");
    return status ? hpx_error_prefix(error, "%s", path) : HPX_OK;
}

static hpx_status write_params(const struct making *making, hpx_error *error)
{
    const hpx_fields *manifest = making->run->manifest;
    hpx_buffer json = {0};
    hpx_buffer_puts(&json, "{");
    for (size_t i = 0; i < manifest->count; i++) {
        const hpx_field *field = &manifest->fields[i];
        char number[HPX_REAL_TEXT_BYTES];
        if (strncmp(field->name, AXIS, strlen(AXIS)) != 0)
            continue;
        hpx_text_json(&json, field->name + strlen(AXIS));
        hpx_buffer_puts(&json, ": ");
        if (field->type == HPX_FIELD_TEXT)
            hpx_text_json(&json, (const char *)field->bytes);
        else
            hpx_buffer_puts(&json, number_text(number, field->real));
        hpx_buffer_puts(&json, ", ");
    }
    hpx_buffer_printf(&json, "\"seed\": %" PRIu64 ", \"epochs\": %u}\n", seed_of(making->run),
                      making->run->to);
    hpx_status status = write_file(making->places->params, O_CREAT, &json, error);
    hpx_buffer_free(&json);
    return status;
}

static hpx_status fill_file(struct making *making, const char *name, hpx_error *error)
{
    hpx_buffer before = {0}, after = {0};
    char *path = hpx_path_join(making->command->folder, name);
    hpx_status status = hpx_file_read(&before, path, FILLED_BYTES_MAX, error);
    if (!status) {
        hpx_bytes_fill(&after, before.data, before.size, look_up_all, making);
        status = write_file(path, 0, &after, error);
    }
    hpx_buffer_free(&before);
    hpx_buffer_free(&after);
    free(path);
    return status;
}

static hpx_status fill_files(struct making *making, hpx_error *error)
{
    const char *text = hpx_fields_text_or_empty(making->run->manifest, "program.fill");
    char **names = NULL;
    size_t count = 0;
    hpx_status status = hpx_words_read(&names, &count, text, error);
    if (!status && count > 0 &&
        strcmp(hpx_fields_text_or_empty(making->run->conditions, "run.in"), "worktree") == 0)
        status = hpx_error_set(error, HPX_USAGE, "`fill` changes files, and so needs run-in = copy");
    for (size_t i = 0; i < count && !status; i++)
        status = fill_file(making, names[i], error);
    hpx_words_free(names);
    return status;
}

hpx_status hpx_command_make(hpx_command *out, const hpx_run *run, const hpx_copy *copy,
                            const hpx_places *places, const char *gpus, hpx_error *error)
{
    struct making making = {.command = out, .run = run, .copy = copy, .places = places, .gpus = gpus};
    *out = (hpx_command){.arena = hpx_arena_new(), .folder = hpx_copy_folder(copy)};
    set_own_variables(&making);
    hpx_status status = set_recipe_variables(&making, error);
    if (!status)
        status = fill_words(&making, error);
    if (!status)
        status = fill_files(&making, error);
    if (!status)
        status = find_program(&making, error);
    if (!status)
        status = wrap(&making, error);
    if (!status)
        status = write_params(&making, error);
    if (status)
        hpx_command_free(out);
    return status;
}

void hpx_command_free(hpx_command *command)
{
    free(command->environment);
    hpx_arena_free(command->arena);
    *command = (hpx_command){0};
}
