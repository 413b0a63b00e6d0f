#include "line.h"

#include "json.h"

#include "base/memory.h"
#include "program/words.h"

#include <ctype.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SHOWN_BYTES 80 /* of what is ignored, in a message */

void hpx_line_clear(hpx_line *line)
{
    line->has_epoch = line->has_step = line->names_checkpoint = line->failed = line->stopped = false;
    line->epoch = 0;
    line->count = 0;
    line->checkpoint.size = line->failure.size = line->reason.size = line->ignored.size = 0;
}

void hpx_line_free(hpx_line *line)
{
    free(line->metrics);
    hpx_buffer_free(&line->checkpoint);
    hpx_buffer_free(&line->failure);
    hpx_buffer_free(&line->reason);
    hpx_buffer_free(&line->ignored);
    *line = (hpx_line){0};
}

static void ignore(hpx_line *line, const char *name, const char *why)
{
    if (line->ignored.size == 0)
        hpx_buffer_printf(&line->ignored, "'%.*s' %s", SHOWN_BYTES, name, why);
}

static void set_number(hpx_line *line, const char *name, double value)
{
    const bool whole = value >= 0 && value <= UINT32_MAX && value == floor(value);
    if (strcmp(name, "epoch") == 0 && whole) {
        line->has_epoch = true;
        line->epoch = (uint32_t)value;
    } else if (strcmp(name, "epoch") == 0) {
        ignore(line, name, "is no whole number and is ignored");
    } else if (strcmp(name, "step") == 0) {
        line->has_step = true;
    } else if (!hpx_metric_is_name(name)) {
        ignore(line, name,
               "is ignored: a metric's name is 1 to 64 printable characters without blank, comma or quote");
    } else {
        line->metrics = hpx_grow(line->metrics, &line->capacity, line->count + 1, sizeof *line->metrics);
        struct hpx_line_metric *metric = &line->metrics[line->count++];
        memcpy(metric->name, name, strlen(name) + 1);
        metric->value = value;
    }
}

/* --- a JSON object ---------------------------------------------------------------------------------------- */

/* A reason or a name; `true` is one without text. */
static void set_text(hpx_line *line, bool *is_there, hpx_buffer *out, const hpx_json_pair *pair)
{
    if (pair->kind == HPX_JSON_TEXT || pair->kind == HPX_JSON_TRUE) {
        *is_there = true;
        out->size = 0;
        hpx_buffer_puts(out, pair->text ? pair->text : "");
    } else if (pair->kind != HPX_JSON_NOTHING) {
        ignore(line, pair->name, "is no text and is ignored");
    }
}

static void set_pair(void *context, const hpx_json_pair *pair)
{
    hpx_line *line = context;
    if (strcmp(pair->name, "failed") == 0)
        set_text(line, &line->failed, &line->failure, pair);
    else if (strcmp(pair->name, "stopped") == 0)
        set_text(line, &line->stopped, &line->reason, pair);
    else if (strcmp(pair->name, "checkpoint") == 0)
        set_text(line, &line->names_checkpoint, &line->checkpoint, pair);
    else if (pair->kind == HPX_JSON_NUMBER)
        set_number(line, pair->name, pair->number);
    else
        ignore(line, pair->name, "is no number and is ignored");
}

bool hpx_line_read_json(hpx_line *out, const char *bytes, size_t size)
{
    return hpx_json_object(bytes, size, set_pair, out);
}

/* --- pairs ------------------------------------------------------------------------------------------------ */

static const char *skip(const char *at, const char *these)
{
    return at + strspn(at, these);
}

/* `Epoch N`, also `epoch: N/M`; `at` stays where there is none. */
static const char *read_epoch(hpx_line *line, const char *at)
{
    const char *digits = strncasecmp(at, "epoch", 5) == 0 ? skip(at + 5, " \t:#") : at;
    char *end;
    if (digits <= at + 5 || !isdigit((unsigned char)*digits) || strspn(digits, "0123456789") > 9)
        return at;
    const unsigned long epoch = strtoul(digits, &end, 10);
    if (*end == '/')
        end += 1 + strspn(end + 1, "0123456789");
    if (*end && !strchr(" \t,;:", *end))
        return at;
    if (line) {
        line->has_epoch = true;
        line->epoch = (uint32_t)epoch;
    }
    return skip(end, " \t,;:-");
}

/* One pair and what parts it from the next; NULL: it is none. */
static const char *read_pair(hpx_line *line, const char *at)
{
    char name[HPX_METRIC_NAME_MAX + 1];
    const size_t length = strcspn(at, " \t,;=:\"");
    const char *sign = skip(at + length, " \t"), *end;
    double value;
    if (length == 0 || length > HPX_METRIC_NAME_MAX || (*sign != '=' && *sign != ':') ||
        !hpx_json_number(&value, &end, skip(sign + 1, " \t")) || (*end && !strchr(" \t,;", *end)))
        return NULL;
    memcpy(name, at, length);
    name[length] = 0;
    if (!hpx_metric_is_name(name))
        return NULL;
    if (line)
        set_number(line, name, value);
    return skip(end, " \t,;");
}

/* The whole line, or nothing of it; with `line` NULL it is only looked at. */
static bool read_pairs(hpx_line *line, const char *text)
{
    const char *at = skip(text, " \t"), *behind = read_epoch(line, at);
    bool any = behind > at;
    for (at = behind; *at; any = true)
        if (!(at = read_pair(line, at)))
            return false;
    return any;
}

/* --- matches ---------------------------------------------------------------------------------------------- */

struct hpx_matches {
    size_t count, compiled;
    char **words; /* names and expressions in turn */
    regex_t *expressions;
};

void hpx_matches_free(hpx_matches *matches)
{
    if (!matches)
        return;
    for (size_t i = 0; i < matches->compiled; i++)
        regfree(&matches->expressions[i]);
    free(matches->expressions);
    hpx_words_free(matches->words);
    free(matches);
}

hpx_status hpx_matches_new(hpx_matches **out, const char *text, hpx_error *error)
{
    hpx_matches *matches = *out = hpx_alloc(sizeof *matches);
    size_t words;
    hpx_status status = hpx_words_read(&matches->words, &words, text, error);
    if (!status && words % 2)
        status = hpx_error_set(error, HPX_DAMAGED, "program.match is no list of names and expressions");
    matches->count = status ? 0 : words / 2;
    matches->expressions = hpx_alloc((matches->count + 1) * sizeof *matches->expressions);
    for (size_t i = 0; i < matches->count && !status; i++) {
        const int code = regcomp(&matches->expressions[i], matches->words[2 * i + 1], REG_EXTENDED);
        char why[128];
        matches->compiled += code == 0;
        if (code && regerror(code, &matches->expressions[i], why, sizeof why))
            status = hpx_error_set(error, HPX_USAGE, "'%s' is no regular expression: %s",
                                   matches->words[2 * i + 1], why);
    }
    if (status) {
        hpx_matches_free(matches);
        *out = NULL;
    }
    return status;
}

/* The number that the first group finds, or the whole expression where there is no group. */
static bool find(double *out, const regex_t *expression, const char *text)
{
    regmatch_t found[2];
    const char *end;
    if (regexec(expression, text, 2, found, 0) != 0)
        return false;
    const regmatch_t *group = &found[expression->re_nsub > 0];
    if (group->rm_so < 0)
        return false;
    char *number = hpx_strndup(text + group->rm_so, (size_t)(group->rm_eo - group->rm_so));
    const bool good = hpx_json_number(out, &end, number) && *end == 0;
    free(number);
    return good;
}

static bool read_matches(hpx_line *out, const hpx_matches *matches, const char *text)
{
    bool any = false;
    for (size_t i = 0; matches && i < matches->count; i++) {
        double value;
        if (!find(&value, &matches->expressions[i], text))
            continue;
        set_number(out, matches->words[2 * i], value);
        any = true;
    }
    return any;
}

bool hpx_line_read_printed(hpx_line *out, const char *bytes, size_t size, const hpx_matches *matches)
{
    if (memchr(bytes, 0, size))
        return false;
    if (*bytes == '{' && hpx_line_read_json(out, bytes, size))
        return true;
    char *text = hpx_strndup(bytes, size);
    /* A terminal shows what is behind the last return. */
    const char *shown = strrchr(text, '\r') ? strrchr(text, '\r') + 1 : text;
    const bool pairs = read_pairs(NULL, shown) && read_pairs(out, shown);
    const bool matched = read_matches(out, matches, shown);
    free(text);
    return pairs || matched;
}
