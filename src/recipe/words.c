/* Files into lines, lines into words. A line that ends in '\' goes on in the next, unless the '\' is part of
 * a comment. Blanks (space, tab, the end of a line that goes on) separate words; "..." is one word taken
 * literally; '#' outside of quotes starts a comment; $NAME refers to an axis. */
#include "inside.h"

#include "base/text.h"
#include "hpx/file.h"

#include <stdlib.h>
#include <string.h>

hpx_status hpx_recipe_check_text(struct parse *p, const struct source *source)
{
    const char *start = source->bytes, *end = source->bytes + source->size;
    uint32_t number = 1;
    for (const char *at = start; at < end;) {
        if (*at == '\n') {
            start = ++at;
            number++;
            continue;
        }
        uint32_t code;
        size_t length = hpx_utf8_next(&code, at, (size_t)(end - at));
        bool line_end = *at == '\r' && (at + 1 == end || at[1] == '\n');
        bool order_mark = length > 0 && code == 0xfeff && at == source->bytes;
        if (length > 0 && (hpx_is_visible(code) || code == '\t' || line_end || order_mark)) {
            at += length;
            continue;
        }
        const char *line_stop = memchr(at, '\n', (size_t)(end - at));
        struct line here = {source, start, (size_t)((line_stop ? line_stop : end) - start), number};
        const size_t column = (size_t)(at - start) + 1;
        return length == 0
                   ? hpx_recipe_fail_at(p, &here, column, "byte 0x%02x is not UTF-8: expected a text file",
                                        (uint8_t)*at)
                   : hpx_recipe_fail_at(p, &here, column,
                                        "U+%04X is a character that is not visible: expected text", code);
    }
    return HPX_OK;
}

/* Whether this part of a line goes on in the next: it ends in '\', outside of a comment. No comment begins in what
 * stands between quotes. */
static bool goes_on(const char *part, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (part[i] == '#')
            return false;
        const char *close =
            part[i] == '"' || part[i] == '\'' ? memchr(part + i + 1, part[i], size - i - 1) : NULL;
        if (!close && part[i] == '"')
            break;
        i = close ? (size_t)(close - part) : i;
    }
    return size > 0 && part[size - 1] == '\\';
}

bool hpx_recipe_line(struct reader *reader, struct line *out)
{
    const char *end = reader->source->bytes + reader->source->size;
    if (reader->next == end)
        return false;
    *out = (struct line){reader->source, reader->next, 0, reader->number + 1};
    for (bool more = true; more;) {
        const char *part = reader->next, *stop = memchr(part, '\n', (size_t)(end - part));
        const char *last = stop ? stop : end;
        reader->next = stop ? stop + 1 : end;
        reader->number++;
        if (last > part && last[-1] == '\r')
            last--;
        out->size = (size_t)(last - out->bytes);
        more = reader->next < end && goes_on(part, (size_t)(last - part));
    }
    return true;
}

static char peek(const struct cursor *at)
{
    return at->at < at->line->size ? at->line->bytes[at->at] : 0;
}

/* How many bytes of blank are here: a space or a tab, or where the line goes on. */
static size_t blank(const struct cursor *at)
{
    const char *c = at->line->bytes + at->at, *end = at->line->bytes + at->line->size;
    if (c == end)
        return 0;
    if (*c == ' ' || *c == '\t')
        return 1;
    size_t length = end - c > 2 && c[1] == '\r' ? 3 : 2;
    return *c == '\\' && (size_t)(end - c) >= length && c[length - 1] == '\n' ? length : 0;
}

bool hpx_recipe_more(struct cursor *at)
{
    for (size_t length; (length = blank(at)) > 0;)
        at->at += length;
    return peek(at) != 0 && peek(at) != '#';
}

/* Everything up to a blank, a comment or one of `stops`. */
static void read_plain(struct parse *p, struct cursor *at, struct word *out, const char *stops)
{
    size_t start = at->at;
    while (peek(at) && !blank(at) && peek(at) != '#' && !strchr(stops, peek(at)))
        at->at++;
    *out = (struct word){
        .text = hpx_arena_strndup(p->arena, at->line->bytes + start, at->at - start),
        .line = at->line,
        .column = (uint32_t)start + 1,
    };
}

void hpx_recipe_key(struct parse *p, struct cursor *at, struct word *out)
{
    read_plain(p, at, out, "=");
}

static hpx_status read_quoted(struct parse *p, struct cursor *at, struct word *out)
{
    size_t start = at->at + 1;
    const char *rest = at->line->bytes + start;
    const char *close = memchr(rest, '"', at->line->size - start);
    if (!close || memchr(rest, '\n', (size_t)(close - rest)))
        return hpx_recipe_fail_at(p, at->line, start,
                                  "the quote has no end: expected another '\"' on this line");
    *out = (struct word){
        .text = hpx_arena_strndup(p->arena, rest, (size_t)(close - rest)),
        .line = at->line,
        .column = (uint32_t)start,
        .kind = WORD_QUOTED,
    };
    at->at = start + (size_t)(close - rest) + 1;
    if (peek(at) && !blank(at) && peek(at) != '#')
        return hpx_recipe_fail_at(p, at->line, at->at + 1, "text right behind a quote: expected a blank");
    return HPX_OK;
}

static hpx_status lone_backslash(struct parse *p, const struct word *word)
{
    return hpx_recipe_fail(p, word,
                           "a lone '\\': expected it to be the last character of a line that goes on in the "
                           "next, without a blank behind it");
}

/* `name`: what stands behind a '$' and is no name, such as "{n}" or "n,". */
static const char *reference_hint(struct parse *p, const char *name)
{
    const size_t open = strspn(name, "{("), size = strcspn(name + open, "}),");
    const char *meant = hpx_arena_strndup(p->arena, name + open, size);
    if (!hpx_recipe_is_name(meant, ""))
        return "";
    return name[open + size] == ',' ? "; blanks separate words, not commas"
                                    : hpx_arena_format(p->arena, "; did you mean '$%s'?", meant);
}

hpx_status hpx_recipe_word(struct parse *p, struct cursor *at, struct word *out)
{
    if (peek(at) == '"')
        return read_quoted(p, at, out);
    read_plain(p, at, out, "\"");
    if (peek(at) == '"')
        return hpx_recipe_fail_at(p, at->line, at->at + 1,
                                  "a quote inside a word: expected it around the whole word");
    if (strcmp(out->text, "\\") == 0)
        return lone_backslash(p, out);
    const char *dollar = strchr(out->text, '$');
    if (!dollar)
        return HPX_OK;
    if (dollar != out->text)
        return hpx_recipe_fail_at(p, at->line, out->column + (size_t)(dollar - out->text),
                                  "'$' inside a word: expected $NAME to be a word of its own; quote the word "
                                  "if the '$' is meant literally");
    if (!hpx_recipe_is_name(dollar + 1, ""))
        return hpx_recipe_fail(
            p, out, "'%s' names no axis: expected '$' and a name of letters, digits, '-' and '_'%s",
            hpx_recipe_show(p, out->text), reference_hint(p, dollar + 1));
    out->text++;
    out->kind = WORD_REFERENCE;
    return HPX_OK;
}

/* A word of `program`: anything up to a blank or a comment, but for what stands between quotes in it. */
static hpx_status read_written(struct parse *p, struct cursor *at, struct word *out)
{
    const char *bytes = at->line->bytes;
    const size_t start = at->at;
    while (peek(at) && !blank(at) && peek(at) != '#') {
        const char quote = peek(at);
        const size_t open = at->at++;
        if (quote != '"' && quote != '\'')
            continue;
        const char *close = memchr(bytes + at->at, quote, at->line->size - at->at);
        if (!close || memchr(bytes + at->at, '\n', (size_t)(close - bytes) - at->at)) {
            at->at = start;
            return hpx_recipe_fail_at(p, at->line, open + 1,
                                      "the quote has no end: expected another %c on this line", quote);
        }
        at->at = (size_t)(close - bytes) + 1;
    }
    *out = (struct word){
        .text = hpx_arena_strndup(p->arena, bytes + start, at->at - start),
        .line = at->line,
        .column = (uint32_t)start + 1,
        .kind = WORD_WRITTEN,
    };
    return strcmp(out->text, "\\") == 0 ? lone_backslash(p, out) : HPX_OK;
}

hpx_status hpx_recipe_words(struct parse *p, struct cursor *at, bool written, struct word **out,
                            size_t *count)
{
    hpx_status status = HPX_OK;
    *out = NULL;
    *count = 0;
    while (hpx_recipe_more(at)) {
        *out = hpx_recipe_room(p, *out, *count, sizeof(struct word));
        size_t start = at->at;
        if ((written ? read_written : hpx_recipe_word)(p, at, &(*out)[*count]) == HPX_OK)
            ++*count;
        else
            status = HPX_USAGE;
        if (at->at == start) /* what cannot be read: a quote without an end */
            break;
    }
    return status;
}

bool hpx_recipe_is_name(const char *text, const char *others)
{
    size_t length = strlen(text);
    if (length == 0 || length > RECIPE_NAME_MAX)
        return false;
    for (const char *c = text; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!letter && *c != '-' && *c != '_' && !strchr(others, *c))
            return false;
    }
    return true;
}

bool hpx_recipe_are_numbers(const struct word *words, size_t count)
{
    double number;
    size_t i = 0;
    while (i < count && words[i].kind == WORD_PLAIN && hpx_parse_real(&number, words[i].text))
        i++;
    return i == count;
}

bool hpx_recipe_range(struct parse *p, const struct word *word, const char **low, const char **high)
{
    const char *dots = word->kind == WORD_PLAIN ? strstr(word->text, "..") : NULL;
    if (!dots)
        return false;
    *low = hpx_arena_strndup(p->arena, word->text, (size_t)(dots - word->text));
    *high = dots + 2;
    return true;
}

const char *hpx_recipe_folder(struct parse *p, const struct source *file)
{
    if (file->folder)
        return file->folder;
    char *folder = hpx_path_directory(file->path);
    const char *kept = hpx_arena_strndup(p->arena, folder, strlen(folder));
    free(folder);
    return kept;
}

const char *hpx_recipe_beside(struct parse *p, const struct source *file, const char *path)
{
    char *joined = hpx_path_join(hpx_recipe_folder(p, file), path);
    const char *kept = hpx_arena_strndup(p->arena, joined, strlen(joined));
    free(joined);
    return kept;
}

void *hpx_recipe_room(struct parse *p, void *array, size_t count, size_t bytes)
{
    /* The capacity is the next power of two, so it need not be stored. */
    if (count & (count - 1))
        return array;
    void *grown = hpx_arena_alloc(p->arena, (count ? 2 * count : 1) * bytes);
    if (count > 0)
        memcpy(grown, array, count * bytes);
    return grown;
}
