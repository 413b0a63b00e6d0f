/* The statement `program`: the words of its bindings without their quotes, templates of those in which axes may stand,
 * and how it is run. What is wrong in a word is told at its byte, however many quotes are around it. */
#include "inside.h"

#include "base/text.h"
#include "program/words.h"

#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define WORD_OF(list) .type = HPX_SETTING_WORD, .words = (list)
#define THREADS_MAX   4096
#define GPUS_MAX      64
#define TIMEOUT_MAX   1e9 /* seconds */

/* In the order of their types. */
static const char *const metrics_words[] = {"file", "stdout", NULL};
static const char *const continue_words[] = {"no", "resume", "yes", NULL};
static const char *const repeat_words[] = {"exact", "within", "no", NULL};
static const char *const place_words[] = {"copy", "worktree", NULL};

const char *const *hpx_recipe_program_words(const char *key)
{
    static const struct {
        const char *key;
        const char *const *words;
    } choices[] = {{"metrics", metrics_words},
                   {"continue", continue_words},
                   {"repeat", repeat_words},
                   {"run-in", place_words}};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (strcmp(choices[i].key, key) == 0)
            return choices[i].words;
    return NULL;
}

/* What a trial has beside its axes. */
static const char *const trial_names[] = {"seed", "epochs", "params", "out", "resume", "metrics", NULL};

/* --- words ------------------------------------------------------------------------------------------------ */

/* A part of a line, some of its bytes left out. */
struct chars {
    const struct line *line;
    const char *bytes;
    const uint32_t *columns; /* of each */
    size_t size;
};

static struct chars as_written(struct parse *p, const struct word *word)
{
    const size_t size = strlen(word->text);
    uint32_t *columns = hpx_arena_alloc(p->arena, (size + 1) * sizeof *columns);
    for (size_t i = 0; i < size; i++)
        columns[i] = word->column + (uint32_t)i;
    return (struct chars){word->line, word->text, columns, size};
}

/* Without quotes, which all have an end. */
static struct chars unquoted(struct parse *p, struct chars from)
{
    char *bytes = hpx_arena_alloc(p->arena, from.size + 1);
    uint32_t *columns = hpx_arena_alloc(p->arena, (from.size + 1) * sizeof *columns);
    size_t size = 0;
    char quote = 0;
    for (size_t i = 0; i < from.size; i++) {
        const char c = from.bytes[i];
        if (quote ? c == quote : c == '"' || c == '\'') {
            quote = quote ? 0 : c;
            continue;
        }
        columns[size] = from.columns[i];
        bytes[size++] = c;
    }
    return (struct chars){from.line, bytes, columns, size};
}

static hpx_status no_axis(struct parse *p, const struct line *line, uint32_t column, const char *name,
                          const char *key, bool trial)
{
    const char *names[HPX_AXES_MAX + sizeof trial_names / sizeof *trial_names] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < p->axis_count; i++)
        names[count++] = p->recipe->axes[i].name;
    if (!trial && hpx_recipe_is_in(trial_names, name))
        return hpx_recipe_fail_at(p, line, column,
                                  "'$%s' cannot stand in '%s', which is run once and not for each trial",
                                  name, key);
    for (size_t i = 0; trial && trial_names[i]; i++)
        names[count++] = trial_names[i];
    return hpx_recipe_fail_at(p, line, column, "unknown name '$%s': expected %s%s, or '$$' for a dollar%s",
                              hpx_recipe_show(p, name), count ? "" : "an axis (the recipe has none)",
                              hpx_recipe_list(p, names), hpx_recipe_hint(p, name, names));
}

/* The name behind the '$' that stands at `at`: how many bytes with it; 0: there is none. */
static size_t read_name(struct parse *p, const struct chars *from, size_t at, const char **name)
{
    const bool braced = at + 1 < from->size && from->bytes[at + 1] == '{';
    const size_t start = at + 1 + braced;
    size_t end = start;
    while (end < from->size && hpx_recipe_is_name((const char[]){from->bytes[end], 0}, ""))
        end++;
    *name = hpx_arena_strndup(p->arena, from->bytes + start, end - start);
    if (end == start || (braced && (end == from->size || from->bytes[end] != '}')))
        return 0;
    return end + braced - at;
}

/* `trial`: names of what a trial has may stand in it, too. */
static hpx_status make_template(struct parse *p, struct chars from, const char *key, bool trial,
                                const char **out)
{
    hpx_status status = HPX_OK;
    hpx_buffer text = {0};
    for (size_t at = 0, length; at < from.size; at += length) {
        const char *name;
        length = 1;
        if (from.bytes[at] != '$') {
            hpx_buffer_add(&text, from.bytes + at, 1);
            continue;
        }
        if (at + 1 < from.size && from.bytes[at + 1] == '$') {
            hpx_buffer_puts(&text, "$$");
            length = 2;
            continue;
        }
        length = read_name(p, &from, at, &name);
        if (length == 0) {
            status =
                hpx_recipe_fail_at(p, from.line, from.columns[at],
                                   "'$' before no name: expected $NAME or ${NAME}, or '$$' for a dollar");
            break;
        }
        bool known = trial && hpx_recipe_is_in(trial_names, name);
        for (size_t i = 0; i < p->axis_count; i++)
            known |= strcmp(p->recipe->axes[i].name, name) == 0;
        if (!known)
            status = no_axis(p, from.line, from.columns[at], name, key, trial);
        hpx_buffer_printf(&text, "${%s}", name);
    }
    *out = hpx_arena_strndup(p->arena, hpx_buffer_text(&text), text.size);
    hpx_buffer_free(&text);
    return status;
}

/* A word in which no axis may stand. */
static hpx_status literal(struct parse *p, const struct binding *given, size_t i, const char **out)
{
    const struct word *word = &given->values[i];
    const struct chars text = unquoted(p, as_written(p, word));
    *out = text.bytes;
    if (!*word->text || text.size == 0)
        return hpx_recipe_fail(p, word, "an empty word cannot stand in '%s'", given->key.text);
    if (*word->text == '$' && word->text[1])
        return hpx_recipe_fail(p, word,
                               "'%s' cannot stand in '%s': axes stand in command, env and version; quote the "
                               "word if the '$' is meant literally",
                               hpx_recipe_show(p, word->text), given->key.text);
    return HPX_OK;
}

static hpx_status read_literals(struct parse *p, const char *key, hpx_program_words *out)
{
    const struct binding *given = hpx_recipe_binding(p->program, key);
    hpx_status status = HPX_OK;
    if (!given)
        return HPX_OK;
    out->words = hpx_arena_alloc(p->arena, (given->count + 1) * sizeof *out->words);
    for (size_t i = 0; i < given->count; i++)
        if (literal(p, given, i, &out->words[i]))
            status = HPX_USAGE;
    out->count = status ? 0 : given->count;
    return status;
}

/* In a shell such words end a command or lead it elsewhere. */
static const char *const shell_words[] = {"|", "||", "&",  "&&",   ";",  "<",
                                          ">", ">>", "2>", "2>&1", "&>", NULL};

/* A word that does something in a shell or in another tool, and nothing here, is a mistake, unless it is quoted. `word` is
 * as it is written. */
static hpx_status check_written(struct parse *p, const struct word *word)
{
    if (hpx_recipe_is_in(shell_words, word->text))
        return hpx_recipe_fail(p, word,
                               "no shell reads the command, so '%s' would go to the program: expected sh -c "
                               "\"...\"; quote the word if it is meant "
                               "literally",
                               word->text);
    for (size_t i = 0; i < p->axis_count && !strpbrk(word->text, "\"'"); i++) {
        const char *name = p->recipe->axes[i].name;
        const char *braced = hpx_arena_format(p->arena, "{%s}", name);
        const char *found = strstr(word->text, braced);
        if (found && (found == word->text || found[-1] != '$'))
            return hpx_recipe_fail(p, word,
                                   "'%s' is plain text: expected '$%s' for the value of the axis; quote the "
                                   "word if it is meant literally",
                                   braced, name);
    }
    return HPX_OK;
}

/* --- command, version, env -------------------------------------------------------------------------------- */

/* "NAME=VALUE", which in a shell may stand before a command. */
static bool sets_variable(struct parse *p, const char *word)
{
    const char *equals = strchr(word, '=');
    return equals && hpx_recipe_is_name(hpx_arena_strndup(p->arena, word, (size_t)(equals - word)), "");
}

static void read_command(struct parse *p, hpx_program_words *out)
{
    const struct binding *given = hpx_recipe_binding(p->program, "command");
    if (!given && !p->program->bad)
        hpx_recipe_fail(p, &p->program->keyword,
                        "program has no 'command': expected a binding such as 'command = python3 train.py'");
    if (!given)
        return;
    out->words = hpx_arena_alloc(p->arena, (given->count + 1) * sizeof *out->words);
    for (size_t i = 0; i < given->count; i++) {
        check_written(p, &given->values[i]);
        make_template(p, unquoted(p, as_written(p, &given->values[i])), "command", true,
                      &out->words[out->count++]);
    }
    if (!*out->words[0])
        hpx_recipe_fail(p, &given->values[0], "an empty word cannot be a program");
    else if (sets_variable(p, given->values[0].text))
        hpx_recipe_fail(p, &given->values[0], "'%s' is no program: expected it as 'env = %s'",
                        hpx_recipe_show(p, given->values[0].text), hpx_recipe_show(p, given->values[0].text));
}

/* The next word of a command that is one word of the recipe. False: there is none. */
static bool next_word(struct parse *p, const struct chars *command, size_t *at, struct chars *out,
                      hpx_status *status)
{
    while (*at < command->size && (command->bytes[*at] == ' ' || command->bytes[*at] == '\t'))
        ++*at;
    const size_t start = *at;
    char quote = 0;
    size_t open = start;
    for (; *at < command->size; ++*at) {
        const char c = command->bytes[*at];
        if (quote ? c == quote : c == '"' || c == '\'') {
            quote = quote ? 0 : c;
            open = *at;
        } else if (!quote && (c == ' ' || c == '\t')) {
            break;
        }
    }
    if (quote)
        *status = hpx_recipe_fail_at(p, command->line, command->columns[open],
                                     "the quote has no end: expected another %c in this command", quote);
    *out = (struct chars){command->line, command->bytes + start, command->columns + start, *at - start};
    return *at > start && !quote;
}

static void read_version(struct parse *p, const struct word *word, hpx_program_words *out)
{
    const struct chars command = unquoted(p, as_written(p, word));
    hpx_status status = HPX_OK;
    struct chars written;
    for (size_t at = 0; next_word(p, &command, &at, &written, &status);) {
        out->words = hpx_recipe_room(p, out->words, out->count, sizeof *out->words);
        make_template(p, unquoted(p, written), "version", false, &out->words[out->count++]);
    }
    if (out->count == 0 && !status)
        hpx_recipe_fail(p, word, "an empty command: expected such as \"python3 -V\"");
    else if (out->count > 0 && out->words[0][0] == '-')
        hpx_recipe_fail(p, word,
                        "'%s' is no command: expected each command in quotes, such as \"python3 -V\"",
                        hpx_recipe_show(p, out->words[0]));
}

static void read_versions(struct parse *p)
{
    const struct binding *given = hpx_recipe_binding(p->program, "version");
    struct hpx_recipe_inside *inside = p->recipe->inside;
    if (!given)
        return;
    inside->versions = hpx_arena_alloc(p->arena, given->count * sizeof *inside->versions);
    inside->program.version_count = given->count;
    for (size_t i = 0; i < given->count; i++)
        read_version(p, &given->values[i], &inside->versions[i]);
}

static hpx_status check_variable(struct parse *p, const struct word *at, const char *name, const char *usage)
{
    const bool is_name =
        hpx_recipe_is_name(name, "") && !strchr(name, '-') && !(*name >= '0' && *name <= '9');
    if (!is_name)
        return hpx_recipe_fail(
            p, at, "'%s' cannot name a variable: expected %s, with letters, digits and '_', at most %d",
            hpx_recipe_show(p, name), usage, RECIPE_NAME_MAX);
    if (strncmp(name, "HPX_", 4) == 0)
        return hpx_recipe_fail(p, at, "'%s' is hpx's own: expected no variable that begins with HPX_", name);
    return HPX_OK;
}

static void read_variable(struct parse *p, const struct word *word, hpx_program *program)
{
    struct chars text = unquoted(p, as_written(p, word));
    const char *equals = memchr(text.bytes, '=', text.size);
    const size_t length = equals ? (size_t)(equals - text.bytes) : text.size;
    const char *name = hpx_arena_strndup(p->arena, text.bytes, length);
    if (!equals) {
        hpx_recipe_fail(p, word, "'%s' sets no variable: expected NAME=VALUE; 'pass' takes names alone",
                        hpx_recipe_show(p, text.bytes));
        return;
    }
    if (check_variable(p, word, name, "NAME=VALUE"))
        return;
    check_written(p, word);
    for (size_t i = 0; i < program->env_count; i++)
        if (strcmp(program->env[i].name, name) == 0)
            hpx_recipe_fail(p, word, "'env' sets '%s' twice: expected every variable once", name);
    for (size_t i = 0; i < program->pass.count; i++)
        if (strcmp(program->pass.words[i], name) == 0)
            hpx_recipe_fail(p, word, "'%s' stands in 'env' and in 'pass': expected it in one of them", name);
    program->env = hpx_recipe_room(p, program->env, program->env_count, sizeof *program->env);
    hpx_program_pair *pair = &program->env[program->env_count++];
    text =
        (struct chars){text.line, text.bytes + length + 1, text.columns + length + 1, text.size - length - 1};
    pair->name = name;
    make_template(p, text, "env", true, &pair->text);
}

/* `env` and `pass`. */
static void read_environment(struct parse *p, hpx_program *program)
{
    const struct binding *env = hpx_recipe_binding(p->program, "env"),
                         *pass = hpx_recipe_binding(p->program, "pass");
    read_literals(p, "pass", &program->pass);
    for (size_t i = 0; i < program->pass.count; i++)
        check_variable(p, &pass->values[i], program->pass.words[i], "the name of a variable");
    for (size_t i = 0; env && i < env->count; i++)
        read_variable(p, &env->values[i], program);
}

/* --- metrics ---------------------------------------------------------------------------------------------- */

/* \d, \t and the like of other languages; glibc knows \w, \s, \b and their opposites. NULL: there is none. */
static const char *foreign_escape(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c == '\\' && c[1]) {
            const bool letter = (c[1] >= 'a' && c[1] <= 'z') || (c[1] >= 'A' && c[1] <= 'Z');
            if (letter && !strchr("wWsSbB", c[1]))
                return c;
            c++;
        }
    return NULL;
}

static void check_expression(struct parse *p, const struct word *at, const char *text)
{
    const char *escape = foreign_escape(text);
    if (escape) {
        hpx_recipe_fail(p, at, "'%.2s' means nothing in a POSIX extended regular expression%s", escape,
                        escape[1] == 'd' ? ": expected [0-9]" : "");
        return;
    }
    regex_t expression;
    const int code = regcomp(&expression, text, REG_EXTENDED);
    char why[128];
    if (code) {
        regerror(code, &expression, why, sizeof why);
        hpx_recipe_fail(p, at, "no POSIX extended regular expression: %s", why);
        return;
    }
    if (expression.re_nsub == 0)
        hpx_recipe_fail(p, at,
                        "the expression has no group: expected the number in parentheses, such as "
                        "\"accuracy: ([0-9.]+)\"");
    regfree(&expression);
}

static void read_matches(struct parse *p, hpx_program *program)
{
    const struct binding *given = hpx_recipe_binding(p->program, "match");
    hpx_program_words words = {0};
    if (!given || read_literals(p, "match", &words))
        return;
    if (words.count % 2 != 0) {
        hpx_recipe_fail(p, &given->values[words.count - 1],
                        "'match' has an odd number of words: expected pairs of NAME REGEX");
        return;
    }
    program->match_count = words.count / 2;
    program->matches = hpx_arena_alloc(p->arena, (program->match_count + 1) * sizeof *program->matches);
    for (size_t i = 0; i < program->match_count; i++) {
        program->matches[i] = (hpx_program_pair){words.words[2 * i], words.words[2 * i + 1]};
        if (!hpx_metric_is_name(words.words[2 * i]))
            hpx_recipe_fail(p, &given->values[2 * i],
                            "'%s' cannot name a metric: expected printable characters without blank, comma "
                            "or quote",
                            hpx_recipe_show(p, words.words[2 * i]));
        check_expression(p, &given->values[2 * i + 1], words.words[2 * i + 1]);
    }
    if (program->metrics != HPX_METRICS_STDOUT)
        hpx_recipe_fail(p, &given->key,
                        "'match' belongs to metrics stdout: expected 'metrics = stdout', or no 'match'");
}

static void read_volatiles(struct parse *p, hpx_program *program)
{
    const struct binding *given = hpx_recipe_binding(p->program, "volatile");
    read_literals(p, "volatile", &program->volatiles);
    for (size_t i = 0; i < program->volatiles.count; i++)
        if (!hpx_metric_is_name(program->volatiles.words[i]))
            hpx_recipe_fail(p, &given->values[i],
                            "'%s' is like no metric: expected a name, in which * and ? stand for any",
                            hpx_recipe_show(p, program->volatiles.words[i]));
}

/* --- how it is run ---------------------------------------------------------------------------------------- */

/* The binding with its words as the other statements have them; NULL: there is none, or a mistake in it. */
static const struct binding *plain_binding(struct parse *p, const char *key)
{
    const struct binding *given = hpx_recipe_binding(p->program, key);
    hpx_program_words words = {0};
    if (!given || read_literals(p, key, &words))
        return NULL;
    struct binding *plain = hpx_arena_alloc(p->arena, sizeof *plain);
    *plain = *given;
    plain->values = hpx_arena_alloc(p->arena, given->count * sizeof *plain->values);
    for (size_t i = 0; i < given->count; i++) {
        plain->values[i] = given->values[i];
        plain->values[i].text = words.words[i];
        plain->values[i].kind = WORD_QUOTED;
    }
    return plain;
}

static uint32_t read_count(struct parse *p, const char *key, uint32_t least, uint32_t most)
{
    const struct binding *given = plain_binding(p, key);
    const hpx_setting setting = {.name = key, .type = HPX_SETTING_COUNT, .min = least, .max = most};
    struct slot slot;
    if (!given || hpx_recipe_slot(p, &slot, &setting, given, 1, NULL))
        return least;
    return (uint32_t)slot.operands[0].values[0].count;
}

/* Which of the words it is; the first where none is given. */
static int read_choice(struct parse *p, const char *key, const char *const *words)
{
    const struct binding *given = plain_binding(p, key);
    const hpx_setting setting = {.name = key, WORD_OF(words)};
    struct slot slot;
    int choice = 0;
    if (given && hpx_recipe_slot(p, &slot, &setting, given, 1, NULL) == HPX_OK)
        while (words[choice] != slot.operands[0].values[0].text)
            choice++;
    return choice;
}

/* exact, within X, no. */
static void read_repeat(struct parse *p, hpx_program *program)
{
    const struct binding *given = plain_binding(p, "repeat");
    const hpx_setting setting = {.name = "repeat", WORD_OF(repeat_words)};
    struct slot slot;
    if (!given || strcmp(given->values[0].text, "within") != 0) {
        program->repeat = (hpx_program_repeat)read_choice(p, "repeat", repeat_words);
        return;
    }
    struct binding word = *given;
    word.count = 1;
    program->repeat = HPX_REPEAT_WITHIN;
    if (hpx_recipe_slot(p, &slot, &setting, &word, 1, NULL))
        return;
    const struct word *last = &given->values[given->count - 1];
    if (given->count != 2 || !hpx_parse_real(&program->within, last->text) || program->within < 0)
        hpx_recipe_fail(
            p, last,
            "'within' needs how far apart metrics may be: expected 'repeat = within X', X a number "
            "from 0");
}

typedef struct unit {
    const char *name;
    double size;
} unit;

static const unit durations[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
static const unit sizes[] = {{"K", 0x1p10},   {"M", 0x1p20},   {"G", 0x1p30},   {"T", 0x1p40},
                             {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40},
                             {"kB", 1e3},     {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12}};
#define UNITS(list) (list), sizeof(list) / sizeof *(list)

/* A number above 0 with its unit behind it, or several of these: 1h30m. 0 where it is none. */
static double read_units(struct parse *p, const char *text, const unit *units, size_t count)
{
    double sum = 0;
    while (*text) {
        const size_t digits = strspn(text, "0123456789."), letters = strcspn(text + digits, "0123456789.");
        const char *number = hpx_arena_strndup(p->arena, text, digits);
        const char *name = hpx_arena_strndup(p->arena, text + digits, letters);
        double value;
        size_t at = 0;
        while (at < count && strcmp(units[at].name, name) != 0)
            at++;
        if (at == count || !hpx_parse_real(&value, number))
            return 0;
        sum += value * units[at].size;
        text += digits + letters;
    }
    return sum;
}

/* 0 where none is given. */
static double read_amount(struct parse *p, const char *key, const unit *units, size_t count, double most,
                          const char *expected)
{
    const struct binding *given = plain_binding(p, key);
    if (!given)
        return 0;
    const double amount = given->count == 1 ? read_units(p, given->values[0].text, units, count) : 0;
    if (amount > 0 && amount <= most)
        return amount;
    hpx_recipe_fail(p, &given->values[given->count - 1], "'%s' cannot be '%s': expected %s", key,
                    hpx_recipe_show(p, given->values[given->count - 1].text), expected);
    return 0;
}

static void read_running(struct parse *p, hpx_program *program)
{
    program->metrics = (hpx_program_metrics)read_choice(p, "metrics", metrics_words);
    program->continues = (hpx_program_continue)read_choice(p, "continue", continue_words);
    program->run_in = (hpx_program_place)read_choice(p, "run-in", place_words);
    program->threads = read_count(p, "threads", 1, THREADS_MAX);
    program->gpus = read_count(p, "gpus", 0, GPUS_MAX);
    program->timeout =
        read_amount(p, "timeout", UNITS(durations), TIMEOUT_MAX, "a time such as 90s, 30m or 2h");
    program->memory =
        (uint64_t)read_amount(p, "memory", UNITS(sizes), 0x1p62, "a size such as 512MiB or 16GiB");
    read_repeat(p, program);
    if (program->continues != HPX_CONTINUE_NO && program->repeat == HPX_REPEAT_NO)
        hpx_recipe_fail(
            p, &hpx_recipe_binding(p->program, "continue")->values[0],
            "'continue = %s' beside 'repeat = no': what no run repeats cannot be proved to go on as it "
            "would have; expected 'continue = no', 'repeat = exact' or 'repeat = within X'",
            continue_words[program->continues]);
}

/* --- the statement ---------------------------------------------------------------------------------------- */

/* The name of a setting that models have in `train`. */
static bool is_model_setting(const char *name)
{
    for (const char *const *model = hpx_trainer_names(); *model; model++) {
        const hpx_trainer *trainer = hpx_trainer_find(*model);
        for (size_t i = 0; i < trainer->setting_count; i++)
            if (strcmp(trainer->settings[i].section, "train") == 0 &&
                strcmp(trainer->settings[i].name, name) == 0)
                return true;
    }
    return false;
}

static void check_train(struct parse *p)
{
    for (size_t i = 0; p->train && i < p->train->binding_count; i++) {
        const struct word *key = &p->train->bindings[i].key;
        if (!is_model_setting(key->text))
            continue;
        p->train->bad = true;
        hpx_recipe_fail(p, key,
                        "'%s' is a setting of models: a program is told its settings by its command, such as "
                        "'--%s $%s' with an axis '%s'",
                        key->text, key->text, key->text, key->text);
    }
    hpx_recipe_check_keys(p, p->train, SECTION_TRAIN);
}

static void check_axes(struct parse *p)
{
    for (size_t i = 0; i < p->axis_count; i++)
        if (hpx_recipe_is_in(trial_names, p->recipe->axes[i].name))
            hpx_recipe_fail(p, &p->axes[i]->name,
                            "an axis of a program cannot be called '%s': '$%s' is what hpx tells the program",
                            p->recipe->axes[i].name, p->recipe->axes[i].name);
}

void hpx_recipe_program(struct parse *p)
{
    static const char *const path_keys[] = {"code", "data", "fill"};
    struct hpx_recipe_inside *inside = p->recipe->inside;
    hpx_program *program = &inside->program;
    hpx_program_words *paths[] = {&program->code, &program->data, &program->fill};
    if (!p->program)
        return;
    p->recipe->program = program;
    program->place = hpx_recipe_place(&p->program->keyword);
    program->folder = hpx_recipe_folder(p, p->program->first);
    inside->axes_in[SECTION_MODEL] = (1u << p->axis_count) - 1;
    hpx_recipe_check_keys(p, p->program, SECTION_PROGRAM);
    check_train(p);
    check_axes(p);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        read_literals(p, path_keys[i], paths[i]);
    read_running(p, program);
    read_command(p, &program->command);
    read_versions(p);
    read_environment(p, program);
    read_matches(p, program);
    read_volatiles(p, program);
}

/* --- a cell of it ----------------------------------------------------------------------------------------- */

struct place {
    const hpx_recipe *recipe;
    uint32_t indices[HPX_AXES_MAX];
};

/* The text of an axis's value in a cell; what a trial has besides is not known. */
static const char *value_of(void *context, const char *name)
{
    const struct place *cell = context;
    for (size_t i = 0; i < cell->recipe->grid.axes; i++)
        if (strcmp(cell->recipe->axes[i].name, name) == 0 && cell->recipe->axes[i].place.line > 0)
            return cell->recipe->axes[i].values[cell->indices[i]].text;
    return NULL;
}

typedef hpx_status make_fn(hpx_buffer *out, const char *template, hpx_lookup_fn *lookup, void *context,
                           hpx_error *error);

/* The words of templates in a cell. */
static void add_words(hpx_buffer *out, const hpx_program_words *templates, struct place *cell, make_fn *make)
{
    for (size_t i = 0; i < templates->count; i++) {
        hpx_error none; /* all templates have been made here */
        hpx_buffer word = {0};
        make(&word, templates->words[i], value_of, cell, &none);
        hpx_words_add(out, hpx_buffer_text(&word));
        hpx_buffer_free(&word);
    }
}

static void set_words(hpx_fields *out, const char *name, const hpx_program_words *words)
{
    hpx_buffer text = {0};
    for (size_t i = 0; i < words->count; i++)
        hpx_words_add(&text, words->words[i]);
    if (words->count > 0)
        hpx_fields_set_text(out, name, hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

static void set_axes(hpx_fields *out, const struct place *cell)
{
    char name[HPX_FIELD_NAME_MAX + 1];
    for (size_t i = 0; i < cell->recipe->grid.axes; i++) {
        const hpx_axis *axis = &cell->recipe->axes[i];
        const hpx_axis_value *value = &axis->values[cell->indices[i]];
        hpx_print(name, sizeof name, "axis.%s", axis->name);
        if (axis->place.line == 0)
            continue; /* the recipe has none */
        if (isnan(value->number))
            hpx_fields_set_text(out, name, value->text);
        else
            hpx_fields_set_real(out, name, value->number);
    }
}

void hpx_recipe_program_fields(hpx_fields *out, const hpx_recipe *recipe, uint32_t cell)
{
    const hpx_program *program = recipe->program;
    struct place place = {.recipe = recipe};
    char name[HPX_FIELD_NAME_MAX + 1];
    hpx_buffer text = {0};
    hpx_grid_indices(place.indices, &recipe->grid, cell);
    hpx_fields_set_text(out, "model.kind", recipe->trainer->name);
    hpx_fields_set_count(out, "program.threads", program->threads);
    add_words(&text, &program->command, &place, hpx_template_bind);
    hpx_fields_set_text(out, "program.command", hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    set_axes(out, &place);
    for (size_t i = 0; i < program->env_count; i++) {
        hpx_error none;
        hpx_template_bind(&text, program->env[i].text, value_of, &place, &none);
        hpx_print(name, sizeof name, "env.%s", program->env[i].name);
        hpx_fields_set_text(out, name, hpx_buffer_text(&text));
        hpx_buffer_free(&text);
    }
    set_words(out, "program.fill", &program->fill);
    for (size_t i = 0; i < program->match_count; i++) {
        hpx_words_add(&text, program->matches[i].name);
        hpx_words_add(&text, program->matches[i].text);
    }
    if (program->match_count > 0)
        hpx_fields_set_text(out, "program.match", hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    if (program->metrics == HPX_METRICS_STDOUT)
        hpx_fields_set_text(out, "program.metrics", metrics_words[program->metrics]);
}

void hpx_recipe_version_command(hpx_buffer *out, const hpx_recipe *recipe, uint32_t cell, size_t index)
{
    struct place place = {.recipe = recipe};
    hpx_grid_indices(place.indices, &recipe->grid, cell);
    add_words(out, &recipe->inside->versions[index], &place, hpx_template_fill);
}

void hpx_recipe_conditions(hpx_fields *out, const hpx_recipe *recipe)
{
    const hpx_program *program = recipe->program;
    hpx_fields_set_text(out, "run.continue", continue_words[program->continues]);
    hpx_fields_set_text(out, "run.repeat", repeat_words[program->repeat]);
    hpx_fields_set_real(out, "run.within", program->within);
    set_words(out, "run.pass", &program->pass);
    set_words(out, "run.volatile", &program->volatiles);
    hpx_fields_set_text(out, "run.in", place_words[program->run_in]);
    if (program->timeout > 0)
        hpx_fields_set_real(out, "run.timeout", program->timeout);
    if (program->memory > 0)
        hpx_fields_set_count(out, "run.memory", program->memory);
    hpx_fields_set_count(out, "run.gpus", program->gpus);
    hpx_fields_set_text(out, "run.objective", recipe->objective.name);
}
