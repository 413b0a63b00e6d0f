/* What a program is started with: the words of its bindings without their quotes, and templates of those in which axes
 * may stand, in `command`, `version` and `env`. What is wrong in a word is told at its byte, however many quotes are around
 * it. */
#include "inside.h"

#include "base/text.h"

#include <string.h>

/* What a trial has beside its axes. */
static const char *const trial_names[] = {"seed", "epochs", "params", "out", "resume", "metrics", NULL};

bool hpx_recipe_is_of_trial(const char *name)
{
    return hpx_word_is_in(trial_names, name);
}

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
    if (!trial && hpx_word_is_in(trial_names, name))
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
        bool known = trial && hpx_word_is_in(trial_names, name);
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

/* A comma between two words; an expression of `match` may end with one. */
static hpx_status check_comma(struct parse *p, const struct binding *given, size_t i)
{
    const struct word *word = &given->values[i];
    const size_t length = strlen(word->text);
    if (i + 1 == given->count || length == 0 || word->text[length - 1] != ',' ||
        strcmp(given->key.text, "match") == 0)
        return HPX_OK;
    return hpx_recipe_fail(
        p, word,
        "a comma behind '%.*s': expected blanks between words; quote the word if the comma is part of it",
        (int)(length - 1), word->text);
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
    return check_comma(p, given, i);
}

hpx_status hpx_recipe_literals(struct parse *p, const char *key, hpx_program_words *out)
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
    if (hpx_word_is_in(shell_words, word->text))
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
    hpx_recipe_literals(p, "pass", &program->pass);
    for (size_t i = 0; i < program->pass.count; i++)
        check_variable(p, &pass->values[i], program->pass.words[i], "the name of a variable");
    for (size_t i = 0; env && i < env->count; i++)
        if (!check_comma(p, env, i))
            read_variable(p, &env->values[i], program);
}

void hpx_recipe_command(struct parse *p)
{
    hpx_program *program = &p->recipe->inside->program;
    read_command(p, &program->command);
    read_versions(p);
    read_environment(p, program);
}
