#include "program_parts.h"

#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "hpx/file.h"
#include "program/words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_BYTES_MAX (1u << 20)

/* What a program is given, too, and of the user's own only where things are: outputs differ with nothing else. */
static char **make_environment(const hpx_program *program)
{
    static const char *const kept[] = {"PATH", "HOME", "USER"};
    static const char *const set[] = {"LC_ALL=C.UTF-8", "TZ=UTC", "PYTHONHASHSEED=0"};
    const size_t room = 7 + program->pass.count + program->env_count;
    char **environment = hpx_realloc(NULL, room, sizeof *environment);
    size_t count = 0;
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        environment[count++] = hpx_strdup(set[i]);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (getenv(kept[i]))
            environment[count++] = hpx_format("%s=%s", kept[i], getenv(kept[i]));
    for (size_t i = 0; i < program->pass.count; i++)
        if (getenv(program->pass.words[i]))
            environment[count++] =
                hpx_format("%s=%s", program->pass.words[i], getenv(program->pass.words[i]));
    for (size_t i = 0; i < program->env_count; i++) {
        hpx_buffer value = {0};
        hpx_error none; /* the recipe's templates are well made */
        /* One that depends on the cell is not set. */
        if (!strstr(program->env[i].text, "${") &&
            hpx_template_fill(&value, program->env[i].text, NULL, NULL, &none) == HPX_OK)
            environment[count++] = hpx_format("%s=%s", program->env[i].name, hpx_buffer_text(&value));
        hpx_buffer_free(&value);
    }
    environment[count] = NULL;
    return environment;
}

/* Reads until the end of the output, or of the process: what it leaves running may hold the pipe. */
static void read_output(hpx_buffer *out, int fd, pid_t pid)
{
    char piece[1 << 14];
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN},
                              {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN}};
    for (bool ended = false;;) {
        if (poll(polled, 2, ended ? 0 : -1) < 0 && errno != EINTR)
            break;
        if (polled[0].revents == 0 && ended)
            break;
        ended = ended || polled[1].revents != 0;
        if (polled[0].revents == 0)
            continue;
        const ssize_t got = read(fd, piece, sizeof piece);
        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        if (got > 0 && out->size <= OUTPUT_BYTES_MAX)
            hpx_buffer_add(out, piece, (size_t)got);
    }
    if (polled[1].fd >= 0)
        close(polled[1].fd);
}

/* Runs the words, and gives what they print and the wait status. */
static hpx_status run(hpx_buffer *out, int *how, char **words, char **environment, const char *folder,
                      hpx_error *error)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return hpx_error_errno(error, "%s", words[0]);
    const hpx_process_options options = {.arguments = words,
                                         .environment = environment,
                                         .folder = folder,
                                         .descriptors = {-1, ends[1], ends[1]}};
    hpx_status status = hpx_process_start(&pid, &options, error);
    close(ends[1]);
    if (!status) {
        read_output(out, ends[0], pid);
        status = hpx_process_wait(how, pid, error);
    }
    close(ends[0]);
    return status;
}

static void add_last_line(hpx_buffer *out, const hpx_buffer *output)
{
    const char *text = (const char *)output->data;
    size_t end = output->size;
    while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == '\r'))
        end--;
    const char *newline = end ? memrchr(text, '\n', end) : NULL;
    const char *line = newline ? newline + 1 : text;
    if (end > 0)
        hpx_text_show(out, line, (size_t)(text + end - line), "");
    else
        hpx_buffer_puts(out, "it printed nothing");
}

hpx_status hpx_version_look(hpx_version_output *out, const hpx_program *program, const char *folder,
                            hpx_error *error)
{
    char **words = NULL, **environment = make_environment(program);
    size_t count;
    int how = 0;
    hpx_buffer line = {0};
    hpx_status status = hpx_words_read(&words, &count, out->command, error);
    if (!status)
        status = run(&out->output, &how, words, environment, folder, error);
    if (!status && how != 0) {
        add_last_line(&line, &out->output);
        status = hpx_error_set(error, HPX_USAGE, "'%s' ended with %s %d: %s", out->command,
                               WIFEXITED(how) ? "exit code" : "signal",
                               WIFEXITED(how) ? WEXITSTATUS(how) : WTERMSIG(how), hpx_buffer_text(&line));
    } else if (!status && out->output.size > OUTPUT_BYTES_MAX) {
        status = hpx_error_set(error, HPX_USAGE, "'%s' prints more than 1 MiB", out->command);
    }
    out->hash = hpx_hash_of(out->output.data, out->output.size);
    hpx_words_free(words);
    hpx_words_free(environment);
    hpx_buffer_free(&line);
    return status;
}

static hpx_version_output *find(const hpx_program_versions *versions, const char *command)
{
    for (size_t i = 0; i < versions->count; i++)
        if (strcmp(versions->outputs[i].command, command) == 0)
            return &versions->outputs[i];
    return NULL;
}

static hpx_status look_at_cell(hpx_program_versions *versions, uint32_t cell, size_t index,
                               const char *folder, hpx_error *error)
{
    hpx_buffer command = {0};
    hpx_status status = HPX_OK;
    hpx_recipe_version_command(&command, versions->recipe, cell, index);
    if (!find(versions, hpx_buffer_text(&command))) {
        hpx_error why;
        versions->outputs =
            hpx_grow(versions->outputs, &versions->capacity, versions->count + 1, sizeof *versions->outputs);
        hpx_version_output *output = &versions->outputs[versions->count++];
        *output = (hpx_version_output){.command = hpx_strdup(hpx_buffer_text(&command))};
        status = hpx_version_look(output, versions->recipe->program, folder, &why);
        if (status)
            status = hpx_recipe_fail_in(error, versions->recipe, "program", "version", index, cell, "%s",
                                        why.message);
    }
    hpx_buffer_free(&command);
    return status;
}

/* Whether it differs from cell to cell: an axis is named in it. */
static bool has_axes(const hpx_recipe *recipe, size_t index)
{
    hpx_buffer first = {0}, other = {0};
    bool differs = false;
    hpx_recipe_version_command(&first, recipe, 0, index);
    uint32_t stride = 1;
    for (size_t axis = recipe->grid.axes; axis-- > 0 && !differs;) {
        if (recipe->axes[axis].count > 1) {
            other.size = 0;
            hpx_recipe_version_command(&other, recipe, stride, index);
            differs = strcmp(hpx_buffer_text(&first), hpx_buffer_text(&other)) != 0;
        }
        stride *= recipe->axes[axis].count;
    }
    hpx_buffer_free(&first);
    hpx_buffer_free(&other);
    return differs;
}

hpx_status hpx_program_versions_look(hpx_program_versions *out, const hpx_recipe *recipe, const char *folder,
                                     hpx_error *error)
{
    hpx_status status = HPX_OK;
    *out = (hpx_program_versions){.recipe = recipe};
    for (size_t i = 0; i < recipe->program->version_count && !status; i++) {
        const uint32_t cells = has_axes(recipe, i) ? hpx_grid_cells(&recipe->grid) : 1;
        for (uint32_t cell = 0; cell < cells && !status; cell++)
            status = look_at_cell(out, cell, i, folder, error);
    }
    return status;
}

const hpx_version_output *hpx_program_version_of(const hpx_program_versions *versions, uint32_t cell,
                                                 size_t index)
{
    hpx_buffer command = {0};
    hpx_recipe_version_command(&command, versions->recipe, cell, index);
    const hpx_version_output *output = find(versions, hpx_buffer_text(&command));
    hpx_buffer_free(&command);
    return output;
}

void hpx_program_versions_free(hpx_program_versions *versions)
{
    for (size_t i = 0; i < versions->count; i++) {
        free(versions->outputs[i].command);
        hpx_buffer_free(&versions->outputs[i].output);
    }
    free(versions->outputs);
    *versions = (hpx_program_versions){0};
}
