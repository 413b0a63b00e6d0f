/* Options mean what make users expect. Each command takes those of `everywhere` and its own. */
#include "cli.h"

#include "hpx/memory.h"
#include "hpx/text.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Letters beyond the alphabet of short options name those that have only a long form. */
static const struct {
    char letter;
    bool is_short;
    const char *name, *argument, *help;
} table[] = {
    {'j', true, "jobs", "N", "train N trials at once (default: the processors)"},
    {'k', true, "keep-going", NULL, "go on when a trial fails; its cell is worse than any score"},
    {'n', true, "dry-run", NULL, "say what would be done, and change nothing"},
    {'B', true, "always-make", NULL, "retrain what is stored, and compare"},
    {'I', false, "no-speculate", NULL, "leave processors idle rather than train what may not be needed"},
    {'Q', false, "require-clean", NULL, "refuse to train with a binary built from uncommitted sources"},
    {'J', false, "json", NULL, "print JSON"},
    {'V', false, "csv", NULL, "print CSV"},
    {'o', true, "output", "FILE", "write the bundle to FILE; -: to standard output"},
    {'A', false, "all", NULL, "all that is stored"},
    {'N', false, "no-checkpoints", NULL, "leave checkpoints out: results that cannot be continued"},
    {'E', false, "exit-code", NULL, "exit with 10 when work remains"},
    {'R', false, "rebuild", "N%", "train N % of the results again, and compare"},
    {'D', false, "patch", "CODE", "print the uncommitted edits that code was built with"},
    {'T', false, "at-code", NULL, "by the code that made it, built from its commit and patch"},
    {'L', false, "sample", "N", "compare N trajectories at least (default: 3)"},
    {'Y', false, "reason", "TEXT", "a note; without --sample nothing is proven, and that is said everywhere"},
    {'F', false, "forget", "TRAINER", "let this trainer count as itself again"},
    {'M', false, "max-size", "S", "collect until S bytes are live; K, M and G are powers of 1024"},
    {'K', false, "compact", NULL, "give free pages back to the file system"},
    {'P', false, "pin", NULL, "keep all checkpoints of these keys"},
    {'U', false, "unpin", NULL, "no longer"},
    {'C', true, "directory", "DIR", "change to DIR first"},
    {'S', false, "store", "DIR", "the store's folder"},
    {'q', true, "quiet", NULL, "say nothing but results and errors"},
    {'v', true, "verbose", NULL, "a line for every trial"},
    {'h', true, "help", NULL, "help for the command"},
};
#define OPTIONS (sizeof table / sizeof table[0])

static const char everywhere[] = "CSqvh";

static bool takes(const struct command *command, char letter)
{
    return strchr(everywhere, letter) || (command && strchr(command->options, letter));
}

void print_options(hpx_buffer *out, const struct command *command)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (!takes(command, table[i].letter))
            continue;
        char *name = hpx_format("%s%s%s", table[i].name, table[i].argument ? " " : "",
                                table[i].argument ? table[i].argument : "");
        if (table[i].is_short)
            hpx_buffer_printf(out, "  -%c, --%-18s %s\n", table[i].letter, name, table[i].help);
        else
            hpx_buffer_printf(out, "      --%-18s %s\n", name, table[i].help);
        free(name);
    }
}

static bool unknown_option(const struct command *command, const char *word)
{
    const char *names[OPTIONS + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < OPTIONS; i++)
        if (takes(command, table[i].letter))
            names[count++] = table[i].name;
    const char *nearest = strncmp(word, "--", 2) == 0 ? hpx_nearest_word(word + 2, names) : NULL;
    say("%s%sunknown option '%s'%s%s%s", command ? command->name : "", command ? ": " : "", word,
        nearest ? "; did you mean '--" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return false;
}

static bool read_percent(double *out, const char *value)
{
    size_t length = strlen(value);
    char *number = hpx_strndup(value, length - (length > 0 && value[length - 1] == '%'));
    bool good = hpx_parse_real(out, number) && *out > 0 && *out <= 100;
    free(number);
    if (!good)
        say("--rebuild %s: expected a percentage above 0, at most 100%%", value);
    return good;
}

static bool read_size(uint64_t *out, const char *value)
{
    static const char units[] = "KMGT";
    size_t length = strlen(value);
    const char *unit = length ? strchr(units, toupper((unsigned char)value[length - 1])) : NULL;
    char *number = hpx_strndup(value, length - (unit != NULL));
    double count, bytes = 1;
    for (const char *at = units; unit && at <= unit; at++)
        bytes *= 1024;
    bool good = hpx_parse_real(&count, number) && count >= 0 && count * bytes < 0x1p63;
    free(number);
    if (good)
        *out = (uint64_t)(count * bytes);
    else
        say("--max-size %s: expected a number of bytes such as 500M (K, M, G, T)", value);
    return good;
}

static bool apply(struct options *out, char letter, const char *value)
{
    uint64_t count;
    switch (letter) {
    case 'j':
        if (!hpx_parse_u64(&count, value) || count < 1 || count > 4096) {
            say("-j %s: expected a number from 1 to 4096", value);
            return false;
        }
        out->jobs = count;
        return true;
    case 'L':
        if (!hpx_parse_u64(&count, value) || count < 1) {
            say("--sample %s: expected a number, 1 or more", value);
            return false;
        }
        out->sample = count;
        return true;
    case 'Y':
        out->reason = value;
        return true;
    case 'F':
        out->forget = value;
        return true;
    case 'R':
        return read_percent(&out->rebuild, value);
    case 'M':
        out->limited = true;
        return read_size(&out->bytes_max, value);
    case 'C':
        if (chdir(value) != 0) {
            say("-C %s: %s", value, strerror(errno));
            return false;
        }
        return true;
    case 'S':
        out->store = value;
        return true;
    case 'o':
        out->output = value;
        return true;
    case 'D':
        out->patch = value;
        return true;
    default:
        *(letter == 'k'   ? &out->keep_going
          : letter == 'n' ? &out->dry
          : letter == 'B' ? &out->again
          : letter == 'I' ? &out->no_speculate
          : letter == 'Q' ? &out->require_clean
          : letter == 'J' ? &out->json
          : letter == 'V' ? &out->csv
          : letter == 'A' ? &out->all
          : letter == 'N' ? &out->no_checkpoints
          : letter == 'E' ? &out->exit_code
          : letter == 'K' ? &out->compact
          : letter == 'P' ? &out->pin
          : letter == 'U' ? &out->unpin
          : letter == 'T' ? &out->at_code
          : letter == 'q' ? &out->quiet
                          : &out->verbose) = true;
        return true;
    }
}

static bool count_is_right(const struct options *options, const struct command *command)
{
    if (options->count >= command->arguments_min && options->count <= command->arguments_max)
        return true;
    say("usage: hpx %s %s", command->name, command->usage);
    return false;
}

bool read_options(struct options *out, const struct command *command, int argc, char **argv, int *used)
{
    struct option longs[OPTIONS + 1] = {{0}};
    char shorts[2 * OPTIONS + 3] = {command ? ':' : '+', ':', 0};
    size_t end = command ? 1 : 2, count = 0;
    for (size_t i = 0; i < OPTIONS; i++) {
        if (!takes(command, table[i].letter))
            continue;
        longs[count++] = (struct option){table[i].name, table[i].argument ? required_argument : no_argument,
                                         NULL, table[i].letter};
        if (!table[i].is_short)
            continue;
        shorts[end++] = table[i].letter;
        if (table[i].argument)
            shorts[end++] = ':';
    }
    optind = 0; /* a fresh scan, for the second call */
    opterr = 0;
    for (int letter; (letter = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (letter == 'h') {
            struct options help = {.arguments = (char *[]){(char *)(command ? command->name : "help")},
                                   .count = 1};
            exit(run_help(&help));
        }
        if (letter == ':') {
            say("option '%s' needs a value", argv[optind - 1]);
            return false;
        }
        if (letter == '?') {
            char word[3] = {'-', (char)optopt, 0};
            return unknown_option(
                command, optopt && optopt < 128 && strchr(shorts, optopt) == NULL ? word : argv[optind - 1]);
        }
        if (!apply(out, (char)letter, optarg))
            return false;
    }
    *used = optind;
    out->arguments = argv + optind;
    out->count = (size_t)(argc - optind);
    return !command || count_is_right(out, command);
}
