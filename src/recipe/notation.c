/* How other languages write the values of an axis. All of it would be words here, which a program is told as they are. So each
 * is a mistake, unless it is quoted. */
#include "inside.h"

#include "base/text.h"

#include <string.h>

/* "16," and "16,32": from a language that separates values so. */
static bool has_comma(struct parse *p, const struct word *w)
{
    const char *comma = w->kind == WORD_PLAIN ? strchr(w->text, ',') : NULL;
    if (!comma)
        return false;
    if (comma == w->text || w->text[strlen(w->text) - 1] == ',')
        return true;
    double number;
    return hpx_parse_real(&number, hpx_arena_strndup(p->arena, w->text, (size_t)(comma - w->text)));
}

/* "[16 32]": around the values, and not around each, which are words. */
static bool is_bracketed(const struct word *words, size_t count)
{
    static const char begins[] = "[{(", ends[] = "]})";
    const struct word *last = &words[count - 1];
    const char *begin = *words->text ? strchr(begins, *words->text) : NULL;
    if (!begin || count < 2 || words->kind != WORD_PLAIN || last->kind != WORD_PLAIN)
        return false;
    const char end = ends[begin - begins];
    return last->text[strlen(last->text) - 1] == end && !strchr(words->text, end);
}

/* "1e-4 - 1e-1". */
static bool is_between_numbers(const struct word *words, size_t count, size_t i)
{
    static const char *const signs[] = {"-", "..", "...", ":", "to", "~", NULL};
    return i > 0 && i + 1 < count && words[i].kind == WORD_PLAIN && hpx_word_is_in(signs, words[i].text) &&
           hpx_recipe_are_numbers(&words[i - 1], 1) && hpx_recipe_are_numbers(&words[i + 1], 1);
}

/* "2^4", "10**-3". */
static bool is_power(struct parse *p, const char *text)
{
    const size_t length = strcspn(text, "^*");
    const char *sign = text + length;
    const size_t size = strspn(sign, "^*");
    double number;
    return (size == 1 ? *sign == '^' : size == 2 && strncmp(sign, "**", 2) == 0) &&
           hpx_parse_real(&number, hpx_arena_strndup(p->arena, text, length)) &&
           hpx_parse_real(&number, sign + size);
}

static bool has_power(struct parse *p, const struct word *w)
{
    const char *low, *high;
    if (w->kind != WORD_PLAIN)
        return false;
    return hpx_recipe_range(p, w, &low, &high) ? is_power(p, low) || is_power(p, high) : is_power(p, w->text);
}

hpx_status hpx_recipe_notation(struct parse *p, const char *axis, const struct word *words, size_t count)
{
    if (is_bracketed(words, count))
        return hpx_recipe_fail(
            p, words,
            "brackets around the values of an axis: expected the values alone, as in 'axis "
            "%s = 16 32'; quote the word if the bracket is part of it",
            axis);
    for (size_t i = 0; i < count; i++) {
        const char *text = hpx_recipe_show(p, words[i].text);
        if (has_comma(p, &words[i]))
            return hpx_recipe_fail(p, &words[i],
                                   "a comma in '%s': expected blanks between the values of an axis, as in "
                                   "'axis %s = 16 32'; quote the word if the comma is part of it",
                                   text, axis);
        if (is_between_numbers(words, count, i))
            return hpx_recipe_fail(p, &words[i],
                                   "'%s' between numbers: expected a range without blanks, A..B; quote the "
                                   "word if it is a value",
                                   text);
        if (has_power(p, &words[i]))
            return hpx_recipe_fail(p, &words[i],
                                   "'%s' is no number: expected one such as 16 or 1e-3; 'log2 16..512' and "
                                   "'log10 1e-4..1e-1' are powers; quote the word if it is a value",
                                   text);
    }
    return HPX_OK;
}
