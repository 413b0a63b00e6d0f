/* The user's configuration, $XDG_CONFIG_HOME/hpx/config or ~/.config/hpx/config: lines "NAME = VALUE", and such that begin with
 * '#'. What it says is of this machine and its user, never of a recipe. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG_BYTES_MAX ((size_t)1 << 20)

/* The names that there are, and what a line of each looks like. */
static const struct line {
    const char *name, *example;
} lines[] = {
    {"executor", "'executor = local' or 'executor = slurm OPTION...'"},
    {"remote", "'remote = URL' or 'remote = DIR'"},
};

static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

/* Parts a line into name and value. HPX_USAGE if it is none that there can be. */
static hpx_status read_line(const char **name, const char **value, char *text, const char *place,
                            hpx_error *error)
{
    char *equals = strchr(text, '=');
    *name = *value = NULL;
    if (!*text || *text == '#')
        return HPX_OK;
    if (equals) {
        *equals = '\0';
        *name = trim(text);
        *value = trim(equals + 1);
    }
    for (size_t i = 0; *name && **value && i < sizeof lines / sizeof *lines; i++)
        if (strcmp(lines[i].name, *name) == 0)
            return HPX_OK;
    return hpx_error_set(error, HPX_USAGE, "%s: expected %s, or %s", place, lines[0].example,
                         lines[1].example);
}

hpx_status hpx_config_find(char **value, char **place, const char *name, hpx_error *error)
{
    hpx_buffer bytes = {0};
    char *path = hpx_path_of_user("config");
    hpx_status status =
        path && hpx_path_exists(path) ? hpx_file_read(&bytes, path, CONFIG_BYTES_MAX, error) : HPX_OK;
    char *rest, *text = (char *)(uintptr_t)hpx_buffer_text(&bytes);
    size_t number = 0;
    *value = *place = NULL;
    for (char *line = text; !status && line && *line; line = rest) {
        const char *found, *said;
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = '\0';
        char *here = hpx_format("%s:%zu", path, ++number);
        status = read_line(&found, &said, trim(line), here, error);
        if (!status && found && strcmp(found, name) == 0) {
            free(*value);
            free(*place);
            *value = hpx_strdup(said);
            *place = here;
        } else {
            free(here);
        }
    }
    if (status) {
        free(*value);
        free(*place);
        *value = *place = NULL;
    }
    hpx_buffer_free(&bytes);
    free(path);
    return status;
}
