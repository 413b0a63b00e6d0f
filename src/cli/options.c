/* Options mean what make users expect. They are one table, which the help prints, too. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS_MAX 4096

/* An option as the command line has it: what it is called there, and its value (NULL: a flag). */
struct given {
    const struct row *row;
    const char *name, *value;
};

/* Checks the value and puts it into the options. False after saying what is wrong. */
typedef bool read_fn(struct options *out, const struct given *given);

static read_fn read_flag, read_text, read_count, read_percent, read_size, read_directory, read_where,
    read_progress, read_executor;

/* An option: how it is written, which commands take it, what it does, and how its value is read. */
static const struct row {
    char letter; /* of its short form; 0: it has none */
    const char *name, *argument;
    const char *commands; /* that take it, one blank between them; NULL: all */
    const char *help;
    read_fn *read;
    size_t field; /* of the options: where the value goes */
    uint64_t max; /* of a count, which is at least 1 */
} table[] = {
#define TO(member) offsetof(struct options, member)
    // clang-format off
    {'j', "jobs", "N", "build trial adopt verify",
     "train N trials at once (default: the processors)",
     read_count, TO(jobs), JOBS_MAX},
    {0, "executor", "slurm|local", "build plan",
     "train on machines that Slurm gives, through a folder they share; words behind -- are options of sbatch",
     read_executor, TO(executor), 0},
    {0, "kernel", "KERNEL", "build plan watch trial compare report best ls audit export why gc forget",
     "trials as computed with avx512, avx2 or plain vectors, or with plain ones and a kernel of OpenBLAS: Haswell",
     read_text, TO(kernel)},
    {0, "remote", "PLACE", "build trial",
     "take results that are there, a URL or a folder, and signed by a key that is trusted (hpx help key)",
     read_text, TO(remote)},
    {0, "push", NULL, "build trial",
     "put this store's results there, signed by your key",
     read_flag, TO(push)},
    {0, "push-all", NULL, "build trial",
     "the same with patches, sources, logs and names of hosts",
     read_flag, TO(push_all)},
    {'k', "keep-going", NULL, "build",
     "go on after an accident to a trial; its cell counts as failed",
     read_flag, TO(keep_going)},
    {'n', "dry-run", NULL, "build trial gc forget key fmt",
     "say what would be done, and change nothing",
     read_flag, TO(dry)},
    {'y', "yes", NULL, "forget key",
     "do not ask",
     read_flag, TO(yes)},
    {'B', "always-make", NULL, "build plan trial",
     "retrain what is stored, and compare",
     read_flag, TO(again)},
    {0, "no-speculate", NULL, "build",
     "leave processors idle rather than train what may not be needed",
     read_flag, TO(no_speculate)},
    {0, "require-clean", NULL, "build",
     "refuse to train with a binary built from uncommitted sources",
     read_flag, TO(require_clean)},
    {0, "json", NULL, "build plan trial check replay compare best ls show predict audit why log diff reproduce adopt data doctor verify gc forget import key",
     "print JSON",
     read_flag, TO(json)},
    {0, "csv", NULL, "compare export",
     "print CSV",
     read_flag, TO(csv)},
    {0, "table", "FILE", "compare",
     "over the results of a table (CSV) instead of the store's",
     read_text, TO(table)},
    {0, "compare", "FILE", "report",
     "with the figures of what `hpx compare --json` has written to FILE",
     read_text, TO(compared)},
    {0, "watch", NULL, "report",
     "write the page again whenever a build has stored results; it loads itself",
     read_flag, TO(watch)},
    {0, "figures", "DIR", "report",
     "write each figure as an SVG file into the folder DIR, which is made if need be",
     read_text, TO(figures)},
    {0, "against", "SEARCH", "compare",
     "the search that the others are compared with (default: the first)",
     read_text, TO(against)},
    {0, "starts", "all", "compare",
     "run searches that have a start from every cell",
     read_text, TO(starts)},
    {0, "repeat", "N", "compare",
     "run searches that have a seed with the seeds 1 to N",
     read_count, TO(repeat), UINT32_MAX},
    {'o', "output", "FILE", "export report predict",
     "write the result to FILE; -: to standard output",
     read_text, TO(output)},
    {0, "all", NULL, "export",
     "all that is stored",
     read_flag, TO(all)},
    {0, "no-checkpoints", NULL, "export",
     "leave checkpoints out: results that cannot be continued",
     read_flag, TO(no_checkpoints)},
    {0, "logs", NULL, "export",
     "with what programs have printed, which bundles leave out",
     read_flag, TO(logs)},
    {0, "checkpoint", NULL, "export",
     "write the files of the newest checkpoint of KEY to the new folder DIR",
     read_flag, TO(checkpoint)},
    {0, "optuna", "FILE", "export",
     "write the recipe's results to FILE as a study for Optuna; -: to standard output",
     read_text, TO(optuna)},
    {0, "safetensors", NULL, "export",
     "write the weights of the newest checkpoint of KEY to FILE; -: to standard output",
     read_flag, TO(safetensors)},
    {0, "logits", NULL, "predict",
     "what the softmax makes probabilities of, instead of these",
     read_flag, TO(logits)},
    {0, "check", NULL, "fmt",
     "change nothing; exit with 1 and name the files that would be changed",
     read_flag, TO(check)},
    {0, "curve", NULL, "show",
     "plot each metric by epoch",
     read_flag, TO(curve)},
    {0, "log", NULL, "show",
     "print what the program printed",
     read_flag, TO(log)},
    {0, "exit-code", NULL, "plan",
     "exit with 10 when work remains",
     read_flag, TO(exit_code)},
    {0, "rebuild", "N%", "verify",
     "train N % of the results again, and compare",
     read_percent, TO(rebuild)},
    {0, "signer", "SIGNER", "verify",
     "with --rebuild: only of results that this key has signed",
     read_text, TO(signer)},
    {0, "patch", "CODE", "audit",
     "print the uncommitted edits that code was built with",
     read_text, TO(patch)},
    {0, "at-code", NULL, "reproduce",
     "by the code that made it, built from its stored sources",
     read_flag, TO(at_code)},
    {0, "trust", NULL, "reproduce",
     "also code that came by an import: read first what is shown without this",
     read_flag, TO(trust)},
    {0, "sample", "N", "adopt",
     "compare N trajectories at least (default: 3)",
     read_count, TO(sample), SIZE_MAX},
    {0, "reason", "TEXT", "adopt",
     "a note; without --sample nothing is proven, and that is said everywhere",
     read_text, TO(reason)},
    {0, "forget", "TRAINER", "adopt",
     "make this trainer equivalent to no other again",
     read_text, TO(forget)},
    {0, "max-size", "S", "gc",
     "collect until S bytes are live; k, M, G and T are powers of 1024",
     read_size, TO(bytes_max)},
    {0, "compact", NULL, "gc",
     "give free pages back to the file system",
     read_flag, TO(compact)},
    {0, "pin", NULL, "gc",
     "keep all checkpoints of these keys",
     read_flag, TO(pin)},
    {0, "unpin", NULL, "gc",
     "no longer",
     read_flag, TO(unpin)},
    {0, "where", "NAME=VALUE", "best ls",
     "only results that have it; may be given again",
     read_where},
    {0, "sort", "COLUMN", "best ls",
     "by an axis, a metric or another column; the best metric first",
     read_text, TO(selection.sort)},
    {0, "top", "N", "best ls",
     "the first N",
     read_count, TO(selection.top), SIZE_MAX},
    {0, "metrics", NULL, "best ls",
     "all metrics, not only the objective",
     read_flag, TO(metrics)},
    {0, "epochs", NULL, "ls",
     "all epochs that are stored, not only the newest",
     read_flag, TO(epochs)},
    {'C', "directory", "DIR", NULL,
     "change to DIR first",
     read_directory},
    {0, "store", "DIR", NULL,
     "the store's folder",
     read_text, TO(store)},
    {'q', "quiet", NULL, NULL,
     "say nothing but results and errors",
     read_flag, TO(quiet)},
    {0, "progress", "lines|json", "build trial",
     "a line for each trial, at a terminal, too; or JSON on standard error",
     read_progress},
    {'v', "verbose", NULL, NULL,
     "a line for every trial",
     read_flag, TO(verbose)},
    {'h', "help", NULL, NULL,
     "help for the command",
     read_flag, TO(help)},
// clang-format on
#undef TO
};
#define OPTIONS (sizeof table / sizeof table[0])

static bool takes(const struct command *command, const struct row *row)
{
    const size_t length = command ? strlen(command->name) : 0;
    if (!row->commands)
        return true;
    for (const char *at = row->commands; command && *at; at += strspn(at, " ")) {
        if (strncmp(at, command->name, length) == 0 && (at[length] == ' ' || at[length] == 0))
            return true;
        at += strcspn(at, " ");
    }
    return false;
}

char *hpx_usage_of(const struct command *command)
{
    return hpx_format("hpx %s [OPTION]...%s%s", command->name, *command->usage ? " " : "", command->usage);
}

void hpx_each_option(const struct command *command, option_fn *each, void *context)
{
    for (const struct row *row = table; row < table + OPTIONS; row++)
        if (takes(command, row))
            each(context, &(struct option){row->letter, row->name, row->argument, row->help});
}

static void *field_of(struct options *out, const struct given *given)
{
    return (char *)out + given->row->field;
}

static bool read_flag(struct options *out, const struct given *given)
{
    *(bool *)field_of(out, given) = true;
    return true;
}

static bool read_text(struct options *out, const struct given *given)
{
    if (!*given->value) {
        hpx_say("%s: expected %s, not an empty word", given->name, given->row->argument);
        return false;
    }
    *(const char **)field_of(out, given) = given->value;
    return true;
}

static bool read_count(struct options *out, const struct given *given)
{
    uint64_t count, max = given->row->max;
    bool good = hpx_parse_u64(&count, given->value) && count >= 1 && count <= max;
    if (good)
        *(size_t *)field_of(out, given) = count;
    else if (max == SIZE_MAX)
        hpx_say("%s %s: expected a whole number, 1 or more", given->name, given->value);
    else
        hpx_say("%s %s: expected a whole number from 1 to %llu", given->name, given->value,
                (unsigned long long)max);
    return good;
}

static bool read_percent(struct options *out, const struct given *given)
{
    size_t length = strlen(given->value);
    char *number = hpx_strndup(given->value, length - (length > 0 && given->value[length - 1] == '%'));
    double percent;
    bool good = hpx_parse_real(&percent, number) && percent > 0 && percent <= 100;
    free(number);
    if (good)
        *(double *)field_of(out, given) = percent;
    else
        hpx_say("%s %s: expected a percentage above 0, at most 100%%", given->name, given->value);
    return good;
}

static bool read_size(struct options *out, const struct given *given)
{
    static const char units[] = "KMGT";
    size_t length = strlen(given->value);
    const char *unit = length ? strchr(units, toupper((unsigned char)given->value[length - 1])) : NULL;
    char *number = hpx_strndup(given->value, length - (unit != NULL));
    double count, bytes = 1;
    for (const char *at = units; unit && at <= unit; at++)
        bytes *= 1024;
    bool good = hpx_parse_real(&count, number) && count >= 0 && count * bytes < 0x1p63;
    free(number);
    out->limited = true;
    if (good)
        *(uint64_t *)field_of(out, given) = (uint64_t)(count * bytes);
    else
        hpx_say("%s %s: expected a number of bytes such as 500M (K, M, G, T)", given->name, given->value);
    return good;
}

static bool read_executor(struct options *out, const struct given *given)
{
    const bool known = strcmp(given->value, "slurm") == 0 || strcmp(given->value, "local") == 0;
    if (known)
        out->executor = given->value;
    else
        hpx_say("%s %s: expected slurm or local", given->name, given->value);
    return known;
}

static bool read_where(struct options *out, const struct given *given)
{
    const char *equals = strchr(given->value, '=');
    const bool good = equals && equals != given->value, room = out->selection.where_count < WHERE_MAX;
    if (!good)
        hpx_say("%s %s: expected NAME=VALUE", given->name, given->value);
    else if (!room)
        hpx_say("%s %s: at most %d conditions", given->name, given->value, WHERE_MAX);
    else
        out->where[out->selection.where_count++] = given->value;
    out->selection.where = out->where;
    return good && room;
}

static bool read_progress(struct options *out, const struct given *given)
{
    static const char *const ways[] = {[PROGRESS_AUTO] = "auto", "lines", "json", NULL};
    for (size_t i = 0; ways[i]; i++) {
        if (strcmp(given->value, ways[i]) == 0) {
            out->progress = (enum progress_way)i;
            return true;
        }
    }
    hpx_say("%s %s: expected auto, lines or json", given->name, given->value);
    return false;
}

static bool read_directory(struct options *out, const struct given *given)
{
    (void)out;
    if (chdir(given->value) == 0)
        return true;
    hpx_say("%s %s: %s", given->name, given->value, strerror(errno));
    return false;
}

/* The command line, and how far it has been read. Arguments move to its front. */
struct reader {
    struct options *out;
    const struct command *command; /* NULL: the options before it */
    char **argv;
    int argc, at;
};

/* Says what is wrong, after the command's name. */
static bool __attribute__((format(printf, 2, 3)))
complain(const struct reader *reader, const char *format, ...)
{
    char text[HPX_ERROR_BYTES];
    va_list args;
    va_start(args, format);
    hpx_vprint(text, sizeof text, format, args);
    va_end(args);
    hpx_say("%s%s%s", reader->command ? reader->command->name : "", reader->command ? ": " : "", text);
    return false;
}

/* Takes the value of an option from the next word, unless `attached` has it. */
static bool take_value(struct reader *reader, struct given *given, const char *attached)
{
    given->value = attached;
    if (!given->value && reader->at + 1 < reader->argc)
        given->value = reader->argv[++reader->at];
    return given->value ||
           complain(reader, "option '%s' needs a value: %s", given->name, given->row->argument);
}

/* The options of the command whose long name begins so; an exact name is the only one. */
static size_t find_long(const struct row **found, const struct reader *reader, const char *name,
                        size_t length, hpx_buffer *candidates)
{
    size_t count = 0;
    for (size_t i = 0; i < OPTIONS; i++) {
        if (!takes(reader->command, &table[i]) || strncmp(table[i].name, name, length) != 0)
            continue;
        *found = &table[i];
        if (strlen(table[i].name) == length)
            return 1;
        hpx_buffer_printf(candidates, "%s--%s", count++ ? ", " : "", table[i].name);
    }
    return count;
}

/* What other tools call it. */
static const hpx_alias aliases[] = {
    {"parallel", "jobs"},     {"processes", "jobs"}, {"threads", "jobs"},  {"workers", "jobs"},
    {"force", "always-make"}, {"cache", "store"},    {"file", "output"},   {"filter", "where"},
    {"limit", "top"},         {"sort-by", "sort"},   {"cwd", "directory"}, {"silent", "quiet"},
    {"format", "json"},
};

/* The option of this command that was meant; NULL: none is near. */
static const char *nearest_option(const struct command *command, const char *word)
{
    const char *names[OPTIONS + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < OPTIONS; i++)
        if (takes(command, &table[i]))
            names[count++] = table[i].name;
    const char *alias = hpx_alias_find(aliases, sizeof aliases / sizeof *aliases, word, names);
    return alias ? alias : hpx_nearest_word(word, names);
}

/* "; it belongs to compare, export": an option of other commands. */
static void add_owners(hpx_buffer *out, const struct command *command, const struct row *row)
{
    hpx_buffer_puts(out, command ? "; it belongs to " : "; it stands behind its command, ");
    for (const char *at = row->commands; *at; at++)
        hpx_buffer_printf(out, *at == ' ' ? ", " : "%c", *at);
}

/* `letter` 0: a long one, `word` with its dashes; `valued`: "=VALUE" stands behind it. */
static bool unknown(const struct reader *reader, const char *word, char letter, bool valued)
{
    const struct command *command = reader->command;
    hpx_buffer hint = {0};
    const struct row *row = table;
    while (row < table + OPTIONS && (letter ? row->letter != letter : strcmp(row->name, word + 2) != 0))
        row++;
    const bool known = row < table + OPTIONS && (row->argument || !valued);
    const char *nearest = letter || known ? NULL : nearest_option(command, word + 2);
    if (known)
        add_owners(&hint, command, row);
    else if (nearest)
        hpx_buffer_printf(&hint, "; did you mean '--%s'?", nearest);
    else if (!letter && command && strcmp(word, "--search") == 0 && strstr(command->usage, ":SEARCH"))
        hpx_buffer_puts(&hint, "; a search is named with its recipe: RECIPE:SEARCH");
    else if (!letter && command && strstr(command->usage, "NAME=VALUE"))
        hpx_buffer_puts(&hint, "; a setting of the recipe has no dashes: NAME=VALUE");
    complain(reader, "unknown option '%s'%s", word, hpx_buffer_text(&hint));
    hpx_buffer_free(&hint);
    return false;
}

/* --NAME, --NAME=VALUE, --NAME VALUE; the name may be cut short where no other begins so. */
static bool read_long(struct reader *reader, const char *word)
{
    const char *equals = strchr(word, '=');
    char *name = hpx_strndup(word, equals ? (size_t)(equals - word) : strlen(word));
    hpx_buffer candidates = {0};
    struct given given = {.name = name};
    size_t found = find_long(&given.row, reader, name + 2, strlen(name + 2), &candidates);
    bool good;
    if (found == 1) { /* messages have the whole name */
        free(name);
        given.name = name = hpx_format("--%s", given.row->name);
    }
    if (found == 0)
        good = unknown(reader, name, 0, equals != NULL);
    else if (found > 1)
        good = complain(reader, "ambiguous option '%s': %s", name, hpx_buffer_text(&candidates));
    else if (equals && !given.row->argument)
        good = complain(reader, "option '%s' takes no value", name);
    else
        good = (!given.row->argument || take_value(reader, &given, equals ? equals + 1 : NULL)) &&
               given.row->read(reader->out, &given);
    hpx_buffer_free(&candidates);
    free(name);
    return good;
}

static const struct row *find_short(const struct command *command, char letter)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (table[i].letter == letter && takes(command, &table[i]))
            return &table[i];
    return NULL;
}

/* -abc, where the last letter may take a value: -j4, -j 4. */
static bool read_short(struct reader *reader, const char *word)
{
    for (const char *at = word + 1; *at; at++) {
        char name[] = {'-', *at, 0};
        struct given given = {.row = find_short(reader->command, *at), .name = name};
        if (!given.row) /* a letter outside of ASCII is shown with the rest of the word */
            return unknown(reader, *at & 0x80 ? word : name, *at, false);
        bool takes_value = given.row->argument != NULL;
        if (takes_value && !take_value(reader, &given, at[1] ? at + 1 : NULL))
            return false;
        if (!given.row->read(reader->out, &given))
            return false;
        if (takes_value)
            break;
    }
    return true;
}

static bool count_is_right(const struct options *options, const struct command *command)
{
    if (options->count >= command->arguments_min && options->count <= command->arguments_max)
        return true;
    char *usage = hpx_usage_of(command);
    if (options->count > command->arguments_max)
        hpx_say("%s: unexpected argument '%s'; usage: %s", command->name,
                options->arguments[command->arguments_max], usage);
    else
        hpx_say("usage: %s", usage);
    free(usage);
    return false;
}

/* "-" and "-:SEARCH" are recipes on standard input. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] && word[1] != ':';
}

bool hpx_read_options(struct options *out, const struct command *command, int argc, char **argv, int *used)
{
    struct reader reader = {out, command, argv, argc, 1};
    int kept = 1;
    for (bool only_arguments = false; reader.at < argc && !out->help; reader.at++) {
        char *word = argv[reader.at];
        if (only_arguments || !is_option(word)) {
            if (!command)
                break;
            argv[kept++] = word;
        } else if (strcmp(word, "--") == 0 && out->executor) {
            out->sbatch = argv + reader.at + 1;
            reader.at = argc;
            break;
        } else if (strcmp(word, "--") == 0) {
            only_arguments = true;
        } else if (word[1] == '-' ? !read_long(&reader, word) : !read_short(&reader, word)) {
            return false;
        }
    }
    *used = reader.at;
    out->arguments = argv + 1;
    out->count = (size_t)kept - 1;
    out->command = command;
    return !command || out->help || count_is_right(out, command);
}
