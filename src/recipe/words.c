/* Lines into words. Blanks (space, tab) separate words; "..." is one word taken literally; '#' outside of
 * quotes starts a comment; $NAME refers to an axis. */
#include "inside.h"

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
        size_t length = hpx_recipe_utf8(at, (size_t)(end - at));
        bool line_end = *at == '\r' && (at + 1 == end || at[1] == '\n');
        bool control = length == 1 && ((uint8_t)*at < ' ' || *at == 0x7f) && *at != '\t' && !line_end;
        if (length > 0 && !control) {
            at += length;
            continue;
        }
        const char *line_stop = memchr(at, '\n', (size_t)(end - at));
        struct line here = {source, start, (size_t)((line_stop ? line_stop : end) - start), number};
        const char *what =
            length == 0 ? "is not UTF-8: expected a text file" : "is a control character: expected text";
        return hpx_recipe_fail_at(p, &here, (size_t)(at - start) + 1, "byte 0x%02x %s", (uint8_t)*at, what);
    }
    return HPX_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char peek(const struct cursor *at)
{
    return at->at < at->line->size ? at->line->bytes[at->at] : 0;
}

bool hpx_recipe_more(struct cursor *at)
{
    while (is_blank(peek(at)))
        at->at++;
    return peek(at) != 0 && peek(at) != '#';
}

/* Everything up to a blank, a comment or one of `stops`. */
static void read_plain(struct parse *p, struct cursor *at, struct word *out, const char *stops)
{
    size_t start = at->at;
    while (peek(at) && !is_blank(peek(at)) && peek(at) != '#' && !strchr(stops, peek(at)))
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
    if (!close)
        return hpx_recipe_fail_at(p, at->line, start,
                                  "the quote has no end: expected another '\"' on this line");
    *out = (struct word){
        .text = hpx_arena_strndup(p->arena, rest, (size_t)(close - rest)),
        .line = at->line,
        .column = (uint32_t)start,
        .kind = WORD_QUOTED,
    };
    at->at = start + (size_t)(close - rest) + 1;
    if (peek(at) && !is_blank(peek(at)) && peek(at) != '#')
        return hpx_recipe_fail_at(p, at->line, at->at + 1, "text right behind a quote: expected a blank");
    return HPX_OK;
}

hpx_status hpx_recipe_word(struct parse *p, struct cursor *at, struct word *out)
{
    if (peek(at) == '"')
        return read_quoted(p, at, out);
    read_plain(p, at, out, "\"");
    if (peek(at) == '"')
        return hpx_recipe_fail_at(p, at->line, at->at + 1,
                                  "a quote inside a word: expected it around the whole word");
    const char *dollar = strchr(out->text, '$');
    if (!dollar)
        return HPX_OK;
    if (dollar != out->text)
        return hpx_recipe_fail_at(p, at->line, out->column + (size_t)(dollar - out->text),
                                  "'$' inside a word: expected $NAME to be a word of its own; quote the word "
                                  "if the '$' is meant literally");
    if (!hpx_recipe_is_name(dollar + 1, ""))
        return hpx_recipe_fail(p, out,
                               "'%s' names no axis: expected '$' and a name of letters, digits, '-' and '_'",
                               hpx_recipe_show(p, out->text));
    out->text++;
    out->kind = WORD_REFERENCE;
    return HPX_OK;
}

hpx_status hpx_recipe_words(struct parse *p, struct cursor *at, struct word **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    while (hpx_recipe_more(at)) {
        *out = hpx_recipe_room(p, *out, *count, sizeof(struct word));
        hpx_status status = hpx_recipe_word(p, at, &(*out)[*count]);
        if (status)
            return status;
        ++*count;
    }
    return HPX_OK;
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

bool hpx_recipe_range(struct parse *p, const struct word *word, const char **low, const char **high)
{
    const char *dots = word->kind == WORD_PLAIN ? strstr(word->text, "..") : NULL;
    if (!dots)
        return false;
    *low = hpx_arena_strndup(p->arena, word->text, (size_t)(dots - word->text));
    *high = dots + 2;
    return true;
}

const char *hpx_recipe_beside(struct parse *p, const struct source *file, const char *path)
{
    char *folder = hpx_path_directory(file->path);
    char *joined = hpx_path_join(folder, path);
    const char *kept = hpx_arena_strndup(p->arena, joined, strlen(joined));
    free(joined);
    free(folder);
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
