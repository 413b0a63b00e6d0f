/* People print metrics in many ways that are no pairs alone:
 *
 *     Test set: Average loss: 0.0345, Accuracy: 9887/10000 (99%)
 *     Epoch 3 done in 12 s | val acc = 0.971 | lr 0.1
 *     test accuracy 0.97
 *     {'eval_loss': 0.41, 'epoch': 1.0}
 *     [10]    valid_1's auc: 0.93
 *      * Acc@1 55.300
 *
 * So a name in front of a number is taken for a metric: with a sign between them, or if it is a word that metrics have. */
#include "program/printed.h"

#include "base/memory.h"
#include "base/text.h"
#include "json.h"
#include "line.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUMBER "([-+.0-9eE]+)"

static bool is_one_of(const char *word, size_t length, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == length && strncasecmp(word, *words, length) == 0)
            return true;
    return false;
}

static bool counts(const char *word, size_t length)
{
    static const char *const words[] = {"epoch",   "step", "iter", "iteration", "batch", "seed",
                                        "version", "line", "pid",  "port",      "rank",  NULL};
    return is_one_of(word, length, words);
}

/* Whether people know the last part of a word, or what is before its '@', for a metric. */
static bool measures(const char *word, size_t length)
{
    static const char *const words[] = {"acc",        "accuracy", "loss",   "error",     "err",    "score",
                                        "f1",         "auc",      "mse",    "rmse",      "mae",    "bleu",
                                        "perplexity", "ppl",      "reward", "precision", "recall", NULL};
    const char *rank = memchr(word, '@', length);
    length = rank ? (size_t)(rank - word) : length;
    size_t part = length;
    while (part > 0 && isalnum((unsigned char)word[part - 1]))
        part--;
    return is_one_of(word + part, length - part, words);
}

static bool is_of_word(char c)
{
    return isalnum((unsigned char)c) || (c != 0 && strchr("_-./@", c));
}

static bool is_quote(char c)
{
    return c == '\'' || c == '"';
}

/* An apostrophe between letters. */
static bool is_inside(const char *line, const char *at)
{
    return *at == '\'' && at > line && isalnum((unsigned char)at[-1]) && isalnum((unsigned char)at[1]);
}

/* Where the word begins that ends there; it has a letter in front. */
static const char *word_before(const char *line, const char *end)
{
    const char *at = end;
    while (at > line && (is_of_word(at[-1]) || is_inside(line, at - 1)))
        at--;
    while (at < end && !isalpha((unsigned char)*at))
        at++;
    return at;
}

/* --- names and expressions -------------------------------------------------------------------------------- */

/* The word, and the one before it where that is part of the name: "val loss". */
static const char *name_begin(const char *line, const char *word)
{
    const char *end = word > line && word[-1] == ' ' ? word - 1 : line;
    const char *before = word_before(line, end);
    return before < end && !counts(before, (size_t)(end - before)) ? before : word;
}

static void set_name(char *out, const char *begin, size_t length)
{
    for (const char *c = begin; c < begin + length; c++)
        if (!is_quote(*c))
            *out++ = *c == ' ' ? '_' : (char)tolower((unsigned char)*c);
    *out = 0;
}

/* What stands before a name, so that those of a longer name are no match: "val_loss" is not "loss". A quote is part of the
 * expression and suffices. */
static char *put_anchor(char *at, size_t room, const char *line, const char *begin)
{
    if (is_quote(*begin))
        return at;
    if (begin == line)
        return at + hpx_print(at, room, "^");
    if (begin[-1] == ' ')
        return at + hpx_print(at, room, " ");
    if (begin[-1] == '\t')
        return at + hpx_print(at, room, "[[:blank:]]");
    return strchr("([{,;|", begin[-1]) ? at + hpx_print(at, room, "[%c]", begin[-1]) : at;
}

/* The words of the line up to its number. */
static void set_regex(hpx_unread *unread, const char *line, const char *begin, const char *end, char sign,
                      bool percent)
{
    char *at = put_anchor(unread->regex, sizeof unread->regex, line, begin);
    for (const char *c = begin; c < end; c++) {
        if (*c == '.')
            *at++ = '\\';
        *at++ = *c;
    }
    const size_t room = sizeof unread->regex - (size_t)(at - unread->regex);
    const char *number = percent ? ".*\\(" NUMBER "%\\)" : NUMBER;
    if (sign)
        hpx_print(at, room, " *%c *%s", sign, number);
    else
        hpx_print(at, room, " +%s", number);
}

/* "9887/10000 (99%)": the share is what is meant. */
static bool is_share(const char *behind)
{
    const char *at = behind;
    if (*at++ != '/' || !isdigit((unsigned char)*at))
        return false;
    at += strspn(at, "0123456789");
    at += strspn(at, " ");
    if (*at++ != '(')
        return false;
    at += strspn(at, "0123456789.");
    return strncmp(at, "%)", 2) == 0;
}

/* --- lines ------------------------------------------------------------------------------------------------ */

static bool is_known(const hpx_printed *printed, const char *name)
{
    for (size_t i = 0; i < printed->unread_count; i++)
        if (strcmp(printed->unread[i].name, name) == 0)
            return true;
    return false;
}

/* The number that begins there, if it is one by itself and has a name in front. */
static void try_number(hpx_printed *printed, const char *line, const char *number)
{
    double value;
    const char *behind, *sign = number;
    if (!hpx_json_number(&value, &behind, number) || (*behind && !strchr(" \t,;)]}%|/", *behind)))
        return;
    while (sign > line && sign[-1] == ' ')
        sign--;
    const bool has_sign = sign > line && (sign[-1] == ':' || sign[-1] == '=');
    const char *end = has_sign ? sign - 1 : sign;
    while (end > line && end[-1] == ' ')
        end--;
    const bool is_quoted = has_sign && end > line && is_quote(end[-1]);
    const char *word_end = end - is_quoted, *word = word_before(line, word_end);
    const char *begin = is_quoted ? word - (word > line) : name_begin(line, word);
    const size_t length = (size_t)(end - begin);
    const bool in_address = word > line && word[-1] == '/'; /* http://host:80 */
    if (word == word_end || (is_quoted && *begin != end[-1]) || in_address || length > HPX_METRIC_NAME_MAX ||
        counts(word, (size_t)(word_end - word)) ||
        (!has_sign && (sign == number || !measures(word, (size_t)(word_end - word)))))
        return;
    hpx_unread *unread = &printed->unread[printed->unread_count];
    set_name(unread->name, begin, length);
    if (is_known(printed, unread->name) || !hpx_metric_is_name(unread->name))
        return;
    set_regex(unread, line, begin, end, has_sign ? sign[-1] : 0, is_share(behind));
    hpx_print(unread->line, sizeof unread->line, "%s", line);
    printed->unread_count++;
}

static void try_line(hpx_printed *printed, const char *line)
{
    for (const char *at = line; *at && printed->unread_count < HPX_UNREAD_MAX; at++)
        if (at > line && strchr(" :=", at[-1]) && strchr("+-.0123456789nNiI", *at))
            try_number(printed, line, at);
}

static void look(hpx_printed *printed, const char *text, size_t size, const hpx_matches *matches)
{
    hpx_line read = {.has_epoch = false};
    char *line = hpx_strndup(text, size);
    if (hpx_line_read_json(&read, line, size))
        printed->objects += read.count > 0;
    else if (hpx_line_read_printed(&read, line, size, NULL))
        printed->pairs += read.count > 0;
    else if (matches && hpx_line_read_printed(&read, line, size, matches))
        printed->matched++;
    else if (strncmp(line, "hpx: ", 5) != 0)
        try_line(printed, line);
    hpx_line_free(&read);
    free(line);
}

void hpx_printed_look(hpx_printed *out, const void *text, size_t size, const char *match)
{
    hpx_matches *matches = NULL;
    hpx_error ignored;
    *out = (hpx_printed){0};
    if (match && hpx_matches_new(&matches, match, &ignored))
        matches = NULL;
    for (const char *at = text, *end = at + size; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *last = newline ? newline : end;
        const size_t length = (size_t)(last - at);
        if (length > 0 && length <= HPX_LINE_BYTES_MAX && !memchr(at, 0, length))
            look(out, at, length - (at[length - 1] == '\r'), matches);
        at = newline ? newline + 1 : end;
    }
    hpx_matches_free(matches);
}
