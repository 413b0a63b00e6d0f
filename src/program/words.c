#include "program/words.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64 /* of what stands in ${} */

static bool needs_quotes(const char *word)
{
    return !*word || strpbrk(word, " \t\n\r\"'\\#") != NULL;
}

void hpx_words_add(hpx_buffer *out, const char *word)
{
    if (out->size > 0)
        hpx_buffer_puts(out, " ");
    if (!needs_quotes(word)) {
        hpx_buffer_puts(out, word);
        return;
    }
    hpx_buffer_puts(out, "\"");
    for (const char *c = word; *c; c++)
        hpx_buffer_printf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    hpx_buffer_puts(out, "\"");
}

/* The next word of a line, or false where there is none; behind it. `quote`: the one that is not closed, or 0. */
static bool next_word(hpx_buffer *word, char *quote, const char **line)
{
    const char *at = *line + strspn(*line, " \t");
    const bool found = *at != 0;
    *quote = 0;
    for (; *at && (*quote || !strchr(" \t", *at)); at++) {
        if (*at == *quote) {
            *quote = 0;
        } else if (!*quote && (*at == '"' || *at == '\'')) {
            *quote = *at;
        } else {
            if (*at == '\\' && at[1] && (!*quote || (*quote == '"' && strchr("\"\\", at[1]))))
                at++;
            hpx_buffer_add(word, at, 1);
        }
    }
    *line = at;
    return found;
}

hpx_status hpx_words_split(char ***words, size_t *count, const char *line, hpx_error *error)
{
    size_t capacity = 0, length = 0;
    char **list = hpx_grow(NULL, &capacity, 1, sizeof *list), quote = 0;
    hpx_buffer word = {0};
    while (!quote && next_word(&word, &quote, &line)) {
        list = hpx_grow(list, &capacity, length + 2, sizeof *list);
        list[length++] = hpx_strdup(hpx_buffer_text(&word));
        word.size = 0;
    }
    hpx_buffer_free(&word);
    list[length] = NULL;
    if (quote) {
        hpx_words_free(list);
        list = NULL;
        length = 0;
        hpx_error_set(error, HPX_DAMAGED, "a quote is not closed: %c", quote);
    }
    *words = list;
    *count = length;
    return quote ? HPX_DAMAGED : HPX_OK;
}

const char *hpx_words_hint(const char *program)
{
    return strchr(program, ' ') ? "; what stands in quotes is one word" : "";
}

hpx_status hpx_words_read(char ***words, size_t *count, const char *text, hpx_error *error)
{
    hpx_buffer again = {0};
    hpx_error unclosed;
    hpx_status status = hpx_words_split(words, count, text, &unclosed);
    for (size_t i = 0; i < *count; i++)
        hpx_words_add(&again, (*words)[i]);
    if (!status && strcmp(hpx_buffer_text(&again), text) != 0)
        status = HPX_DAMAGED;
    hpx_buffer_free(&again);
    if (!status)
        return HPX_OK;
    hpx_words_free(*words);
    *words = NULL;
    *count = 0;
    return hpx_error_set(error, status, "no list of words: %s", text);
}

void hpx_words_free(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

/* The bytes of the `${NAME}` that begins there, and the name; 0 if there is none. */
static size_t reference(char name[NAME_MAX_BYTES + 1], const char *at, size_t size)
{
    size_t length = 0;
    if (size < 4 || at[0] != '$' || at[1] != '{')
        return 0;
    for (; 2 + length < size && at[2 + length] != '}'; length++) {
        const char c = at[2 + length];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (length == NAME_MAX_BYTES || (!letter && c != '-' && c != '_'))
            return 0;
        name[length] = c;
    }
    name[length] = 0;
    return length > 0 && 2 + length < size ? length + 3 : 0;
}

void hpx_template_literal(hpx_buffer *out, const char *text)
{
    for (; *text; text++)
        hpx_buffer_printf(out, *text == '$' ? "$%c" : "%c", *text);
}

/* `literal`: how a text becomes part of `out`, a template's or a plain one. */
static hpx_status fill(hpx_buffer *out, const char *template, hpx_lookup_fn *lookup, void *context,
                       void (*literal)(hpx_buffer *, const char *), hpx_error *error)
{
    const size_t size = strlen(template);
    char name[NAME_MAX_BYTES + 1];
    for (size_t at = 0, length; at < size; at += length) {
        length = strcspn(template + at, "$");
        hpx_buffer_add(out, template + at, length);
        if (length > 0)
            continue;
        if (template[at + 1] == '$') {
            literal(out, "$");
            length = 2;
            continue;
        }
        length = reference(name, template + at, size - at);
        if (length == 0)
            return hpx_error_set(error, HPX_DAMAGED, "no template: %s", template);
        const char *value = lookup(context, name);
        if (value)
            literal(out, value);
        else
            hpx_buffer_add(out, template + at, length);
    }
    return HPX_OK;
}

hpx_status hpx_template_fill(hpx_buffer *out, const char *template, hpx_lookup_fn *lookup, void *context,
                             hpx_error *error)
{
    return fill(out, template, lookup, context, hpx_buffer_puts, error);
}

hpx_status hpx_template_bind(hpx_buffer *out, const char *template, hpx_lookup_fn *lookup, void *context,
                             hpx_error *error)
{
    return fill(out, template, lookup, context, hpx_template_literal, error);
}

void hpx_bytes_fill(hpx_buffer *out, const void *bytes, size_t size, hpx_lookup_fn *lookup, void *context)
{
    const char *text = bytes;
    char name[NAME_MAX_BYTES + 1];
    for (size_t at = 0, length; at < size; at += length) {
        const char *dollar = memchr(text + at, '$', size - at);
        length = dollar ? (size_t)(dollar - text) - at : size - at;
        hpx_buffer_add(out, text + at, length);
        if (length > 0)
            continue;
        length = reference(name, text + at, size - at);
        const char *value = length > 0 ? lookup(context, name) : NULL;
        length = length > 0 ? length : 1;
        if (value)
            hpx_buffer_puts(out, value);
        else
            hpx_buffer_add(out, text + at, length);
    }
}
