/* hpx complete: the words that a command line may go on with, for the completion of shells (completion/). It is told the words
 * behind `hpx`, the last of which is the one to complete, and prints a candidate a line: the whole word, and behind a tab
 * what it is. Commands and options come from their tables, names from the recipe, right or not, keys from the store. It
 * writes nothing, and whatever is wrong it says nothing. */
#include "cli.h"

#include "base/glob.h"
#include "base/memory.h"
#include "hpx/file.h"
#include "hpx/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX   64 /* more are told by their next digit */
#define KEY_DIGITS 12 /* as tables show them */

struct completion {
    hpx_buffer out;
    const char *lead; /* stands before the word: "--where=" */
    const char *word; /* to be completed */
    const struct options *options;
    const char *recipe; /* among the arguments; NULL: there is none */
};

/* --- candidates ------------------------------------------------------------------------------------------- */

static void offer(struct completion *c, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void offer(struct completion *c, const char *about, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = hpx_vformat(format, args);
    va_end(args);
    if (strncmp(text, c->word, strlen(c->word)) == 0 && !strpbrk(text, "\t\n"))
        hpx_buffer_printf(&c->out, "%s%s%s%s\n", c->lead, text, about ? "\t" : "", about ? about : "");
    free(text);
}

/* Files whose names end so, and folders. `ending` NULL: folders alone; "": all files. */
static void offer_files(struct completion *c, const char *ending)
{
    const char *slash = strrchr(c->word, '/'), *home = getenv("HOME");
    char *typed = hpx_strndup(c->word, slash ? (size_t)(slash - c->word) + 1 : 0);
    char *folder = strncmp(typed, "~/", 2) == 0 && home ? hpx_format("%s/%s", home, typed + 2)
                                                        : hpx_strdup(*typed ? typed : ".");
    const bool hidden = c->word[strlen(typed)] == '.';
    hpx_path_list names = {0};
    hpx_path_list_folder(&names, folder, hidden);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.paths[i];
        const size_t length = strlen(name), end = ending ? strlen(ending) : 0;
        char *path = hpx_path_join(folder, name);
        if (hpx_path_is_folder(path))
            offer(c, "folder", "%s%s/", typed, name);
        else if (ending && length >= end && strcmp(name + length - end, ending) == 0)
            offer(c, NULL, "%s%s", typed, name);
        free(path);
    }
    hpx_path_list_free(&names);
    free(folder);
    free(typed);
}

struct keys {
    char names[KEYS_MAX][HPX_HASH_HEX_BYTES];
    size_t count, max;
};

static bool add_key(void *context, const hpx_hash *key)
{
    struct keys *keys = context;
    if (keys->count < KEYS_MAX)
        hpx_hash_hex(keys->names[keys->count], key);
    return ++keys->count < keys->max;
}

static void offer_keys(struct completion *c)
{
    char *folder = hpx_store_folder(c->options, c->recipe ? c->recipe : ".");
    hpx_store *store = NULL;
    hpx_error error;
    struct keys keys = {.max = KEYS_MAX + 1};
    if (hpx_store_open(&store, folder, HPX_STORE_READ, &error) == HPX_OK)
        hpx_store_each_key(store, c->word, add_key, &keys, &error);
    const size_t typed = strlen(c->word);
    for (size_t i = 0; i < keys.count && keys.count <= KEYS_MAX; i++)
        offer(c, "key", "%.*s", typed > KEY_DIGITS ? (int)HPX_HASH_HEX_BYTES : KEY_DIGITS, keys.names[i]);
    for (const char *digit = "0123456789abcdef"; keys.count > KEYS_MAX && *digit; digit++) {
        char *prefix = hpx_format("%s%c", c->word, *digit);
        struct keys first = {.max = 1};
        if (hpx_store_each_key(store, prefix, add_key, &first, &error) == HPX_OK && first.count > 0)
            offer(c, "keys that begin so", "%s", prefix);
        free(prefix);
    }
    hpx_store_close(store);
    free(folder);
}

static void offer_signers(struct completion *c)
{
    hpx_keys keys;
    hpx_error error;
    if (hpx_keys_read(&keys, &error) == HPX_OK)
        for (size_t i = 0; i < keys.count; i++)
            offer(c, "trusted", "%s", keys.trusted[i].name);
    hpx_keys_free(&keys);
}

/* --- names of a recipe ------------------------------------------------------------------------------------ */

/* RECIPE:SEARCH. */
static void offer_search(void *context, const hpx_recipe_name *name)
{
    struct completion *c = context;
    const char *colon = strrchr(c->word, ':');
    if (!name->name)
        offer(c, "search", "%.*s:%s", (int)(colon - c->word), c->word, name->owner);
}

static void offer_recipes(struct completion *c)
{
    const char *colon = strrchr(c->word, ':');
    char *path = colon ? hpx_strndup(c->word, (size_t)(colon - c->word)) : NULL;
    if (path && hpx_path_exists(path))
        hpx_recipe_each_name(path, offer_search, c);
    else
        offer_files(c, ".rcp");
    free(path);
}

/* The name of a search alone. */
static void offer_search_name(void *context, const hpx_recipe_name *name)
{
    if (!name->name)
        offer(context, "search", "%s", name->owner);
}

static bool is_axis(const hpx_recipe_name *name)
{
    return !name->of_search && strcmp(name->owner, "axis") == 0;
}

/* NAME of an axis. */
static void offer_axis_name(void *context, const hpx_recipe_name *name)
{
    if (is_axis(name))
        offer(context, "axis", "%s", name->name);
}

/* NAME=VALUE, or as much of it as is next: "rate=", "optimizer=sgd", "train.rate=", "n1=16". A search has its settings
 * behind its name: "partial.", "partial.limit=". */
static void offer_amendment(void *context, const hpx_recipe_name *name)
{
    struct completion *c = context;
    const char *equals = strchr(c->word, '='), *dot = strrchr(c->word, '.');
    if (!name->name) {
        if (!equals && strlen(c->word) <= strlen(name->owner))
            offer(c, "search", "%s.", name->owner);
        return;
    }
    const bool qualified = name->of_search || (dot && (!equals || dot < equals));
    char *key = qualified ? hpx_format("%s.%s=", name->owner, name->name) : hpx_format("%s=", name->name);
    if (!equals) {
        if (!name->of_search || strncmp(c->word, key, strlen(name->owner) + 1) == 0)
            offer(c, name->owner, "%s", key);
    } else if (strncmp(c->word, key, strlen(key)) == 0) {
        for (const char *const *value = name->values; value && *value; value++)
            offer(c, NULL, "%s%s", key, *value);
    }
    free(key);
}

static void offer_axis_value(void *context, const hpx_recipe_name *name)
{
    if (is_axis(name))
        offer_amendment(context, name);
}

static void offer_names(struct completion *c, hpx_recipe_name_fn *each)
{
    if (!c->recipe)
        return;
    char *path = hpx_recipe_path(c->recipe);
    hpx_recipe_each_name(path, each, c);
    free(path);
}

/* --- what may stand there --------------------------------------------------------------------------------- */

static void offer_commands(struct completion *c, bool topics)
{
    for (const struct command *command = hpx_commands; command->name; command++)
        if (command->summary)
            offer(c, command->summary, "%s", command->name);
    for (const struct topic *topic = hpx_topics; topics && topic->name; topic++)
        offer(c, topic->summary, "%s", topic->name);
}

static void offer_option(void *context, const struct option *option)
{
    struct completion *c = context;
    offer(c, option->help, "--%s", option->name);
    if (option->letter && !c->word[1])
        offer(c, option->help, "-%c", option->letter);
}

/* The words in small letters of a usage, "[ls | fetch NAME | verify NAME]", or of what an option takes, "lines|json". */
static void offer_literals(struct completion *c, const char *usage)
{
    for (const char *at = usage; *at;) {
        const size_t length = strcspn(at, " []|");
        char *word = hpx_strndup(at, length);
        if (length > 0 && strspn(word, "abcdefghijklmnopqrstuvwxyz") == length)
            offer(c, NULL, "%s", word);
        free(word);
        at += length + strspn(at + length, " []|");
    }
}

/* The value of an option, by what its help calls it; words in small letters are the values themselves. */
static void offer_value(struct completion *c, const char *what)
{
    if (strcmp(what, "DIR") == 0)
        offer_files(c, NULL);
    else if (strcmp(what, "FILE") == 0)
        offer_files(c, "");
    else if (strcmp(what, "KEY") == 0)
        offer_keys(c);
    else if (strcmp(what, "SIGNER") == 0)
        offer_signers(c);
    else if (strcmp(what, "SEARCH") == 0)
        offer_names(c, offer_search_name);
    else if (strcmp(what, "COLUMN") == 0)
        offer_names(c, offer_axis_name);
    else if (strcmp(what, "NAME=VALUE") == 0)
        offer_names(c, offer_axis_value);
    else
        offer_literals(c, what);
}

static bool has(const char *usage, const char *what)
{
    return strstr(usage, what) != NULL;
}

/* An argument, by what the command's usage names. */
static void offer_argument(struct completion *c, const struct command *command)
{
    const char *usage = command->usage;
    const size_t before = c->options->count;
    if (before >= command->arguments_max)
        return;
    if (has(usage, "COMMAND"))
        offer_commands(c, has(usage, "TOPIC"));
    if (before == 0)
        offer_literals(c, usage);
    else if (has(usage, " NAME"))
        for (const char *const *name = hpx_known_names(); *name && !has(usage, "NAME="); name++)
            offer(c, "data set", "%s", *name);
    if (before == 1 && has(usage, "SIGNER") && strcmp(c->options->arguments[0], "forget") == 0)
        offer_signers(c);
    if (has(usage, "TABLE.csv") && before == 0)
        offer_files(c, ".csv");
    else if (has(usage, "RECIPE") &&
             (!c->recipe || has(usage, "RECIPE...") || has(usage, "SEARCH]...") || has(usage, "RECIPE]...")))
        offer_recipes(c);
    if (has(usage, "KEY"))
        offer_keys(c);
    if (has(usage, "NAME=VALUE"))
        offer_names(c, offer_amendment);
    if (has(usage, "RECIPE NAME=VALUE") && c->recipe && !strchr(c->word, '='))
        offer(c, "the trial's seed", "seed=");
    if (has(usage, "IMAGES") || strcmp(usage, "FILE") == 0)
        offer_files(c, "");
    if (strcmp(usage, "[DIR]") == 0 || (before > 0 && has(usage, "KEY DIR")))
        offer_files(c, NULL);
}

/* --- the words before it ---------------------------------------------------------------------------------- */

struct pending {
    const char *word, *argument;
};

/* Whether the word is an option whose value is the next one, and not part of it. */
static void look_for(void *context, const struct option *option)
{
    struct pending *pending = context;
    const char letter[] = {'-', option->letter, 0};
    const bool is_long = strncmp(pending->word, "--", 2) == 0 && strcmp(pending->word + 2, option->name) == 0;
    if (option->argument && (is_long || (option->letter && strcmp(pending->word, letter) == 0)))
        pending->argument = option->argument;
}

static const char *value_of(const struct command *command, const char *word)
{
    struct pending pending = {.word = word};
    hpx_each_option(command, look_for, &pending);
    return pending.argument;
}

static const struct command *command_of(const char *name)
{
    for (const struct command *command = hpx_commands; command->name; command++)
        if (command->summary && strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

/* The last argument that is a recipe's file. */
static const char *recipe_of(const struct options *options, const char *usage)
{
    const char *found = NULL;
    for (size_t i = has(usage, "TABLE.csv"); i < options->count; i++) {
        char *path = hpx_recipe_path(options->arguments[i]);
        if (!hpx_amends(options->arguments[i]) && hpx_path_exists(path) && !hpx_path_is_folder(path))
            found = options->arguments[i];
        free(path);
    }
    return found;
}

static void offer_next(struct completion *c, const struct command *command, const char *value)
{
    const char *equals = strchr(c->word, '=');
    char *name = hpx_strndup(c->word, equals ? (size_t)(equals - c->word) : 0);
    const char *attached = *name == '-' ? value_of(command, name) : NULL;
    char *lead = hpx_format("%s=", name);
    if (attached) {
        c->lead = lead;
        c->word = equals + 1;
        value = attached;
    }
    if (value)
        offer_value(c, value);
    else if (*c->word == '-')
        hpx_each_option(command, offer_option, c);
    else if (command)
        offer_argument(c, command);
    else
        offer_commands(c, false);
    c->lead = "";
    free(lead);
    free(name);
}

/* Completes the last of the words; those before it, words[1] on, are read as a command line. */
static void complete(struct completion *c, struct options *options, char **words, int count)
{
    const char *value = count > 1 ? value_of(NULL, words[count - 1]) : NULL;
    int used = 1;
    if (!hpx_read_options(options, NULL, count - (value != NULL), words, &used))
        return;
    if (used == count - (value != NULL)) {
        offer_next(c, NULL, value);
        return;
    }
    const struct command *command = command_of(words[used]);
    if (!command)
        return;
    words += used;
    count -= used;
    value = count > 1 ? value_of(command, words[count - 1]) : NULL;
    hpx_read_options(options, command, count - (value != NULL), words,
                     &used); /* arguments may be too few yet */
    if (!options->command)
        return;
    c->recipe = recipe_of(options, command->usage);
    offer_next(c, command, value);
}

int hpx_run_complete(const struct options *given)
{
    static char program[] = "hpx";
    const size_t count = given->count > 0 ? given->count : 1;
    char **words = hpx_alloc((count + 1) * sizeof *words);
    struct options options = {0};
    struct completion c = {
        .lead = "", .word = given->count ? given->arguments[count - 1] : "", .options = &options};
    if (!freopen("/dev/null", "w", stderr))
        fclose(stderr);
    words[0] = program;
    for (size_t i = 0; i + 1 < count; i++)
        words[i + 1] = given->arguments[i];
    complete(&c, &options, words, (int)count);
    free(words);
    hpx_print_result(&c.out);
    return EXIT_DONE;
}
