/* hpx help. */
#include "cli.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define USAGE_WIDTH  31
#define COMMANDS_MAX 63 /* among which the nearest to a misspelt one is looked for */

const struct command *hpx_find_command(const struct command *commands, const char *name)
{
    const char *names[COMMANDS_MAX + 1] = {NULL};
    size_t visible = 0;
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
        if (command->summary && visible < COMMANDS_MAX)
            names[visible++] = command->name;
    }
    const char *nearest = hpx_nearest_word(name, names);
    hpx_say("unknown command '%s'%s%s%s `hpx help` lists them", name, nearest ? "; did you mean '" : ";",
            nearest ? nearest : "", nearest ? "'?" : "");
    return NULL;
}

static void print_list(hpx_buffer *text, const struct command *commands)
{
    hpx_buffer_puts(text, "hpx: make for experiments\n\nusage: hpx COMMAND [OPTION]... [ARGUMENT]...\n\n");
    for (const struct command *command = commands; command->name; command++) {
        if (!command->summary)
            continue;
        hpx_buffer_printf(text, "  %-9s %-*s", command->name, USAGE_WIDTH, command->usage);
        if (strlen(command->usage) >= USAGE_WIDTH) /* then its summary stands below */
            hpx_buffer_printf(text, "\n%*s", 12 + USAGE_WIDTH, "");
        hpx_buffer_printf(text, "%s\n", command->summary);
    }
    hpx_buffer_puts(
        text,
        "\nRECIPE is a file, or - for standard input; RECIPE:SEARCH means one search of it. NAME=VALUE "
        "behind\n"
        "it amends it, as in `hpx build r.rcp epochs=3 \"axis.n1=16 32\"`: NAME where one statement has it,\n"
        "else STATEMENT.NAME.\n"
        "`hpx help COMMAND` says more; `hpx --version` names the code.\n"
        "The store is --store DIR, else $HPX_STORE, else cache/ at the root of the git work tree that\n"
        "holds the recipe, else ./cache.\n"
        "Exit codes: 0 done, 1 something failed, 2 usage or recipe error, 10 work remains\n"
        "(plan --exit-code), 11 damage found, 12 not reproducible.\n");
}

int hpx_print_help(const struct command *commands, const char *name)
{
    hpx_buffer text = {0};
    if (!name) {
        print_list(&text, commands);
        return hpx_print_result(&text);
    }
    const struct command *command = hpx_find_command(commands, name);
    if (!command)
        return EXIT_USAGE;
    char *usage = hpx_usage_of(command);
    hpx_buffer_printf(&text, "usage: %s\n\n%s\n", usage, command->help);
    free(usage);
    hpx_print_options(&text, command);
    return hpx_print_result(&text);
}
