/* hpx help. What a command does is told in help/NAME.txt, and so is what the other topics say (help.h). */
#include "help.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define USAGE_WIDTH 31
#define TERM_WIDTH  14
#define TEXT_WIDTH  80
#define NAMES_MAX   63 /* among which the nearest to a misspelt one is looked for */

extern const unsigned char hpx_help_texts[]; /* all of them, each behind a line "== NAME" */
extern const size_t hpx_help_texts_size;

static const struct command *command_of(const char *name)
{
    const struct command *command = hpx_commands;
    while (command->name && strcmp(command->name, name) != 0)
        command++;
    return command->name ? command : NULL;
}

static const struct topic *topic_of(const char *name)
{
    const struct topic *topic = hpx_topics;
    while (topic->name && strcmp(topic->name, name) != 0)
        topic++;
    return topic->name ? topic : NULL;
}

/* What other tools call a command. */
static const hpx_alias aliases[] = {
    {"run", "build"},      {"train", "build"}, {"search", "build"},  {"tune", "build"},
    {"optimize", "build"}, {"start", "build"}, {"resume", "build"},  {"make", "build"},
    {"continue", "build"}, {"status", "plan"}, {"list", "ls"},       {"results", "ls"},
    {"trials", "ls"},      {"top", "watch"},   {"info", "show"},     {"cat", "show"},
    {"clean", "gc"},       {"rm", "forget"},   {"remove", "forget"}, {"delete", "forget"},
    {"new", "init"},       {"create", "init"}, {"lint", "check"},    {"validate", "check"},
    {"format", "fmt"},     {"blame", "audit"}, {"history", "audit"}, {"version", "--version"},
};

static void unknown(const char *name, bool topics)
{
    const char *names[NAMES_MAX + 1] = {NULL};
    size_t count = 0;
    for (const struct command *command = hpx_commands; command->name; command++)
        if (command->summary && count < NAMES_MAX)
            names[count++] = command->name;
    for (const struct topic *topic = hpx_topics; topics && topic->name && count < NAMES_MAX; topic++)
        names[count++] = topic->name;
    const char *nearest = hpx_alias_find(aliases, sizeof aliases / sizeof *aliases, name, NULL);
    if (!nearest)
        nearest = hpx_nearest_word(name, names);
    hpx_say("unknown command '%s'%s%s%s `hpx help` lists them", name, nearest ? "; did you mean '" : ";",
            nearest ? nearest : "", nearest ? "'?" : "");
}

const struct command *hpx_find_command(const char *name)
{
    const struct command *command = command_of(name);
    if (!command)
        unknown(name, false);
    return command;
}

const char *hpx_help_text(const char *name, size_t *size)
{
    const char *text = (const char *)hpx_help_texts, *end = text + hpx_help_texts_size;
    char *head = hpx_format("== %s\n", name);
    const size_t length = strlen(head);
    const char *found = memmem(text, hpx_help_texts_size, head, length);
    const char *start = found ? found + length : end;
    const char *next = memmem(start, (size_t)(end - start), "\n== ", 4);
    free(head);
    *size = (size_t)((next ? next + 1 : end) - start);
    return start;
}

static void print_commands(hpx_buffer *out)
{
    for (const struct command *command = hpx_commands; command->name; command++) {
        if (!command->summary)
            continue;
        hpx_buffer_printf(out, "  %-9s %-*s", command->name, USAGE_WIDTH, command->usage);
        if (strlen(command->usage) >= USAGE_WIDTH) /* then its summary stands below */
            hpx_buffer_printf(out, "\n%*s", 12 + USAGE_WIDTH, "");
        hpx_buffer_printf(out, "%s\n", command->summary);
    }
}

static void print_option(void *out, const struct option *option)
{
    char *name = hpx_format("%s%s%s", option->name, option->argument ? " " : "",
                            option->argument ? option->argument : "");
    if (option->letter)
        hpx_buffer_printf(out, "  -%c, --%-18s %s\n", option->letter, name, option->help);
    else
        hpx_buffer_printf(out, "      --%-18s %s\n", name, option->help);
    free(name);
}

/* The meaning in lines beside the term, or below one that is too long for that. */
static void print_item(void *out, const char *term, const char *meaning)
{
    size_t column = 2 + TERM_WIDTH;
    hpx_buffer_printf(out, "  %s", term);
    if (strlen(term) > TERM_WIDTH - 2)
        column = TEXT_WIDTH;
    else
        hpx_buffer_printf(out, "%*s", (int)(TERM_WIDTH - strlen(term)), "");
    for (size_t length; *meaning; meaning += length, meaning += strspn(meaning, " ")) {
        length = strcspn(meaning, " ");
        if (column + 1 + length > TEXT_WIDTH) {
            hpx_buffer_printf(out, "\n%*s", TERM_WIDTH + 2, "");
            column = TERM_WIDTH + 2;
        } else if (column > TERM_WIDTH + 2) {
            hpx_buffer_puts(out, " ");
            column++;
        }
        hpx_buffer_add(out, meaning, length);
        column += length;
    }
    hpx_buffer_puts(out, "\n");
}

/* As it is written, but for what the tables say. */
static void print_text(hpx_buffer *out, const char *name)
{
    size_t size;
    const char *line = hpx_help_text(name, &size);
    for (const char *end = line + size, *next; line < end; line = next) {
        const size_t length = (size_t)((const char *)memchr(line, '\n', (size_t)(end - line)) - line);
        next = line + length + 1;
        if (hpx_is_directive(line, length, "@commands"))
            print_commands(out);
        else if (hpx_is_directive(line, length, "@options"))
            hpx_each_option(NULL, print_option, out);
        else if (!hpx_language_items(line, length, print_item, out))
            hpx_buffer_add(out, line, length + 1);
    }
}

bool hpx_is_directive(const char *line, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(line, word, length) == 0;
}

bool hpx_language_items(const char *line, size_t length, hpx_recipe_item_fn *each, void *context)
{
    static const char head[] = "@recipe ";
    if (length < sizeof head || memcmp(line, head, sizeof head - 1) != 0)
        return false;
    char *statement = hpx_strndup(line + sizeof head - 1, length - (sizeof head - 1));
    hpx_recipe_each_item(statement, each, context);
    free(statement);
    return true;
}

static void print_list(hpx_buffer *text)
{
    hpx_buffer_puts(text, "hpx: make for experiments\n\nusage: hpx COMMAND [OPTION]... [ARGUMENT]...\n\n");
    print_commands(text);
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
    hpx_buffer_puts(text, "Other topics:\n");
    for (const struct topic *topic = hpx_topics; topic->name; topic++)
        hpx_buffer_printf(text, "`hpx help %s`%*s%s\n", topic->name, (int)(TERM_WIDTH - strlen(topic->name)),
                          "", topic->summary);
}

int hpx_print_help(const char *name)
{
    hpx_buffer text = {0};
    const struct command *command = name ? command_of(name) : NULL;
    if (!name) {
        print_list(&text);
    } else if (command) {
        char *usage = hpx_usage_of(command);
        hpx_buffer_printf(&text, "usage: %s\n\n", usage);
        free(usage);
        print_text(&text, name);
        hpx_buffer_puts(&text, "\n");
        hpx_each_option(command, print_option, &text);
    } else if (topic_of(name)) {
        print_text(&text, name);
    } else {
        unknown(name, true);
        return EXIT_USAGE;
    }
    return hpx_print_result(&text);
}

int hpx_run_help(const struct options *options)
{
    return hpx_print_help(options->count ? options->arguments[0] : NULL);
}
