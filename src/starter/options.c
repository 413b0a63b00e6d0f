/* What a script takes, as its text shows: the calls add_argument(...) of Python's argparse, option(...) of click and DEFINE_...
 * of absl, the parameters of the function that typer, tyro, fire or jsonargparse runs, and the labels --NAME) and --NAME=*) of a
 * shell's case. It is read as a person skims it, and believed as little: what comes of it stands in a recipe for the user to
 * change. */
#include "inside.h"

#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES   40
#define VALUES_BYTES 200

static bool is_name(const char *name)
{
    const size_t length = strspn(name, NAME_CHARACTERS);
    return length > 0 && length <= NAME_BYTES && !name[length] && isalpha((unsigned char)*name);
}

static void add(struct script_options *out, struct script_option option)
{
    for (size_t i = 0; i < out->count; i++)
        if (strcmp(out->at[i].name, option.name) == 0)
            return;
    out->at = hpx_grow(out->at, &out->capacity, out->count + 1, sizeof *out->at);
    out->at[out->count++] = option;
}

/* --- Python ------------------------------------------------------------------------------------------------ */

/* Behind the quoted text that begins there. */
static const char *skip_quoted(const char *at)
{
    const char quote = *at++;
    while (*at && *at != quote)
        at += *at == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : at;
}

/* Behind one argument of a call: up to its ',' or the ')' that ends the call. */
static const char *skip_argument(const char *at)
{
    for (int depth = 0; *at;) {
        if (depth == 0 && (*at == ',' || *at == ')'))
            break;
        if (*at == '"' || *at == '\'') {
            at = skip_quoted(at);
            continue;
        }
        depth += strchr("([{", *at) != NULL;
        depth -= strchr(")]}", *at) != NULL;
        at++;
    }
    return at;
}

/* The text in quotes; NULL: it is none. */
static const char *unquote(hpx_arena *arena, const char *text)
{
    const size_t length = strlen(text);
    if (length < 2 || (*text != '"' && *text != '\'') || text[length - 1] != *text || strchr(text, '\\'))
        return NULL;
    return hpx_arena_strndup(arena, text + 1, length - 2);
}

/* A number as it is written, or a text without what a recipe would read otherwise. */
static const char *plain(hpx_arena *arena, const char *text)
{
    double number;
    if (hpx_parse_real(&number, text))
        return text;
    text = unquote(arena, text);
    return text && *text && hpx_text_is_visible(text, strlen(text)) && !strpbrk(text, " \t\"'$#\\") &&
                   !strstr(text, "..")
               ? text
               : NULL;
}

/* As a value of an axis: numbers in their one form; some words have a meaning of their own there. */
static const char *as_value(hpx_arena *arena, const char *text)
{
    static const char *const forms[] = {"log2", "log10", "linear", "log", "ordered", "unordered"};
    char shortest[HPX_REAL_TEXT_BYTES];
    double number;
    if (hpx_parse_real(&number, text))
        return hpx_arena_format(arena, "%s", hpx_real_text(shortest, number));
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(text, forms[i]) == 0)
            return hpx_arena_format(arena, "\"%s\"", text);
    return text;
}

static bool has_value(const char *list, const char *value)
{
    const size_t length = strlen(value);
    for (const char *at = list; *at; at += strspn(at, " ")) {
        if (strcspn(at, " ") == length && strncmp(at, value, length) == 0)
            return true;
        at += strcspn(at, " ");
    }
    return false;
}

/* The values in [...] or (...), with blanks between; NULL where one is no plain value. */
static const char *read_list(hpx_arena *arena, const char *text)
{
    const char *list = "";
    if (*text != '[' && *text != '(')
        return NULL;
    for (const char *at = text + 1, *end; *at && *at != ']' && *at != ')'; at = *end == ',' ? end + 1 : end) {
        at += strspn(at, " \t\n");
        end = at + strcspn(at, ",])");
        size_t size = (size_t)(end - at);
        while (size > 0 && isspace((unsigned char)at[size - 1]))
            size--;
        const char *value = size ? plain(arena, hpx_arena_strndup(arena, at, size)) : NULL;
        if (size > 0 && !value)
            return NULL;
        value = value ? as_value(arena, value) : "";
        if (!has_value(list, value) && *value)
            list = hpx_arena_format(arena, "%s%s%s", list, *list ? " " : "", value);
        if (strlen(list) > VALUES_BYTES)
            return NULL;
    }
    return strchr(list, ' ') ? list : NULL;
}

static char type_of(const char *given, const char *value)
{
    double number;
    if (given && strcmp(given, "int") == 0)
        return 'i';
    if (given && strcmp(given, "float") == 0)
        return 'r';
    if (given || !value || !hpx_parse_real(&number, value))
        return 's';
    return value[strspn(value, "0123456789")] ? 'r' : 'i';
}

struct call {
    const char *name, *type, *value, *values;
    bool flag;
};

/* One argument: a name of the option, or KEY=VALUE. */
static void take(hpx_arena *arena, struct call *call, const char *argument)
{
    const char *text = unquote(arena, argument), *equals = strchr(argument, '=');
    if (text && !call->name && strncmp(text, "--", 2) == 0)
        call->name = text + 2;
    if (text || !equals)
        return;
    size_t length = (size_t)(equals - argument);
    while (length > 0 && isspace((unsigned char)argument[length - 1]))
        length--;
    const char *key = hpx_arena_strndup(arena, argument, length), *value = equals + 1;
    value += strspn(value, " \t\n");
    if (strcmp(key, "default") == 0)
        call->value = plain(arena, value);
    else if (strcmp(key, "type") == 0)
        call->type = value;
    else if (strcmp(key, "choices") == 0)
        call->values = read_list(arena, value);
    else if (strcmp(key, "action") == 0 || strcmp(key, "is_flag") == 0)
        call->flag = true;
}

/* The argument that begins there, and `at` behind it; NULL at the end of the call. */
static const char *next_argument(hpx_arena *arena, const char **at)
{
    *at += strspn(*at, " \t\n");
    if (!**at || **at == ')')
        return NULL;
    const char *begin = *at, *end = skip_argument(begin);
    size_t size = (size_t)(end - begin);
    while (size > 0 && isspace((unsigned char)begin[size - 1]))
        size--;
    *at = *end == ',' ? end + 1 : end;
    return hpx_arena_strndup(arena, begin, size);
}

/* The call whose arguments begin there. */
static void read_call(struct script_options *out, hpx_arena *arena, const char *at)
{
    struct call call = {NULL};
    for (const char *argument; (argument = next_argument(arena, &at));)
        take(arena, &call, argument);
    if (call.name && is_name(call.name))
        add(out, (struct script_option){.name = call.name,
                                        .value = call.value,
                                        .values = call.values,
                                        .type = call.flag ? 'f' : type_of(call.type, call.value)});
}

static void read_calls(struct script_options *out, hpx_arena *arena, const char *text, const char *function)
{
    for (const char *at = text; (at = strstr(at, function));) {
        at += strlen(function);
        read_call(out, arena, at);
    }
}

/* DEFINE_float("lr", 0.1, ...): name and value by their places, and behind them the list of an enum. */
static void read_flags(struct script_options *out, hpx_arena *arena, const char *text)
{
    static const char function[] = "DEFINE_";
    static const struct {
        const char *name;
        char type;
    } kinds[] = {{"float(", 'r'}, {"integer(", 'i'}, {"string(", 's'}, {"enum(", 's'}, {"bool", 'f'}};
    for (const char *at = text; (at = strstr(at, function));) {
        at += strlen(function);
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            if (strncmp(at, kinds[i].name, strlen(kinds[i].name)) != 0)
                continue;
            at += strcspn(at, "(");
            at += *at == '(';
            const char *quoted = next_argument(arena, &at),
                       *value = quoted ? next_argument(arena, &at) : NULL;
            const char *list = value ? next_argument(arena, &at) : NULL,
                       *name = quoted ? unquote(arena, quoted) : NULL;
            if (name && is_name(name))
                add(out, (struct script_option){.name = name,
                                                .value = value ? plain(arena, value) : NULL,
                                                .values = list ? read_list(arena, list) : NULL,
                                                .type = kinds[i].type});
            break;
        }
    }
}

/* Without the Annotated[..., ] or Optional[...] around it. */
static const char *bare_type(hpx_arena *arena, const char *type, size_t size)
{
    static const char *const around[] = {"Annotated[", "Optional["};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++)
        if (strncmp(type, around[i], strlen(around[i])) == 0) {
            type += strlen(around[i]);
            size = strcspn(type, ",]");
        }
    while (size > 0 && isspace((unsigned char)type[size - 1]))
        size--;
    return hpx_arena_strndup(arena, type, size);
}

/* A parameter, NAME[: TYPE] = VALUE. What has no value is no option; `dashes`: a '_' of its name is a '-' of the option's. */
static void read_parameter(struct script_options *out, hpx_arena *arena, const char *parameter, bool dashes)
{
    const size_t length = strspn(parameter, NAME_CHARACTERS);
    char *name = hpx_arena_strndup(arena, parameter, length);
    const char *equals = strrchr(parameter, ']'), *type = NULL;
    equals = strchr(equals ? equals : parameter, '=');
    const char *rest = parameter + length + strspn(parameter + length, " \t\n");
    if (!is_name(name) || !equals)
        return;
    if (*rest == ':') {
        rest += 1 + strspn(rest + 1, " \t\n");
        type = bare_type(arena, rest, (size_t)(equals - rest));
    }
    const char *value = equals + 1 + strspn(equals + 1, " \t\n"), *option = strstr(value, "Option(");
    if (option) {
        option += strlen("Option(");
        value = next_argument(arena, &option);
    }
    const bool is_flag = (type && strcmp(type, "bool") == 0) ||
                         (value && (strcmp(value, "True") == 0 || strcmp(value, "False") == 0));
    for (char *c = name; dashes && *c; c++)
        *c = *c == '_' ? '-' : *c;
    value = value ? plain(arena, value) : NULL;
    add(out, (struct script_option){
                 .name = name,
                 .value = value,
                 .values = type && strncmp(type, "Literal[", 8) == 0 ? read_list(arena, type + 7) : NULL,
                 .type = is_flag ? 'f' : type_of(type, value),
             });
}

static void read_parameters(struct script_options *out, hpx_arena *arena, const char *at, bool dashes)
{
    for (const char *parameter; (parameter = next_argument(arena, &at));)
        read_parameter(out, arena, parameter, dashes);
}

/* The parameters of the function that a call `run`NAME) runs. */
static void read_run(struct script_options *out, hpx_arena *arena, const char *text, const char *run,
                     bool dashes)
{
    const char *call = strstr(text, run);
    if (!call)
        return;
    call += strlen(run);
    const char *head = hpx_arena_format(arena, "def %.*s(", (int)strspn(call, NAME_CHARACTERS), call);
    const char *at = strstr(text, head);
    if (at)
        read_parameters(out, arena, at + strlen(head), dashes);
}

/* The function behind typer's @NAME.command(). */
static void read_command(struct script_options *out, hpx_arena *arena, const char *text)
{
    const char *at = strstr(text, "typer") ? strstr(text, ".command(") : NULL;
    at = at ? strstr(at, "def ") : NULL;
    at = at ? strchr(at, '(') : NULL;
    if (at)
        read_parameters(out, arena, at + 1, true);
}

/* --- shells ------------------------------------------------------------------------------------------------ */

static void read_label(struct script_options *out, hpx_arena *arena, const char *line, size_t size)
{
    const size_t dashes = strspn(line, " \t");
    size_t end = dashes + 2;
    if (size < dashes + 3 || strncmp(line + dashes, "--", 2) != 0)
        return;
    while (end < size && (isalnum((unsigned char)line[end]) || line[end] == '-' || line[end] == '_'))
        end++;
    if (end == size || !strchr(")|=", line[end]) || !memchr(line + end, ')', size - end))
        return;
    const char *name = hpx_arena_strndup(arena, line + dashes + 2, end - dashes - 2);
    if (is_name(name))
        add(out, (struct script_option){.name = name, .type = 's'});
}

void hpx_starter_options(struct script_options *out, hpx_arena *arena, const char *text)
{
    read_calls(out, arena, text, "add_argument(");
    read_calls(out, arena, text, ".option(");
    read_flags(out, arena, text);
    read_run(out, arena, text, "fire.Fire(", false);
    read_run(out, arena, text, "typer.run(", true);
    read_run(out, arena, text, "tyro.cli(", true);
    read_run(out, arena, text, "CLI(", false); /* of jsonargparse */
    read_command(out, arena, text);
    for (const char *line = text; *line;
         line += line[strcspn(line, "\n")] ? strcspn(line, "\n") + 1 : strlen(line))
        read_label(out, arena, line, strcspn(line, "\n"));
}
