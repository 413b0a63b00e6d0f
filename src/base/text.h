/* Numbers and words as people write them, and text that is safe to show. */
#ifndef HPX_TEXT_H
#define HPX_TEXT_H

#include "hpx/buffer.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As snprintf, vsnprintf and strtod, but in the C locale, whatever the process has set: a decimal point is a point. All text
 * that hpx makes goes through these. */
int hpx_print(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int hpx_vprint(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
double hpx_strtod(const char *text, char **end);

/* The whole of `text` as a decimal integer or a finite real number in the C locale; false if it is anything
 * else (empty, signed integer, trailing characters, out of range, hexadecimal, "nan", "inf"). -0 becomes
 * 0. */
bool hpx_parse_u64(uint64_t *out, const char *text);
bool hpx_parse_real(double *out, const char *text);

#define HPX_REAL_TEXT_BYTES 32

/* The shortest decimal that reads back as the same double, in the C locale; returns `out`. */
char *hpx_real_text(char out[HPX_REAL_TEXT_BYTES], double value);

/* Appends a count: with all its digits, or with three, as "%.3g" does: 1.23e+08. */
void hpx_text_count(hpx_buffer *out, uint64_t count);
void hpx_text_about(hpx_buffer *out, uint64_t count);

/* Appends a number with so many decimals; what then shows as 0 has no sign. */
void hpx_text_decimals(hpx_buffer *out, double value, int decimals);

/* The bytes of the UTF-8 sequence (RFC 3629) that begins there, and its code point; 0 if there is none. */
size_t hpx_utf8_next(uint32_t *code, const void *bytes, size_t size);

/* Whether a terminal shows the character as itself: no control character, no line or paragraph separator,
 * nothing invisible, nothing that changes the direction of the text beside it (CVE-2021-42574). */
bool hpx_is_visible(uint32_t code);

/* Whether the text is UTF-8 of visible characters; blanks are visible. */
bool hpx_text_is_visible(const void *text, size_t size);

/* Appends the text with an escape for every character that is not visible and for every byte that is not
 * UTF-8: \n, \t, \x1b, \u202e, \U000e0001. Characters of `keep` stay as they are. */
void hpx_text_show(hpx_buffer *out, const void *text, size_t size, const char *keep);

/* Columns that a character takes on a terminal: 0, 1 or 2; and all of a text. */
size_t hpx_utf8_columns(uint32_t code);
size_t hpx_text_width(const void *text, size_t size);

/* Appends the text as a JSON string, in quotes; what is not visible is escaped, what is no UTF-8 replaced. */
void hpx_text_json(hpx_buffer *out, const char *text);

/* Appends the text as hpx_text_show does, for XML: what has a meaning there is an entity. `quotes`: these, too, as values
 * of attributes need it. */
void hpx_text_xml(hpx_buffer *out, const char *text, bool quotes);

/* Appends the text in quotes, as one word of a shell. */
void hpx_text_shell(hpx_buffer *out, const char *text);
/* The same, but without quotes where a shell needs none. */
void hpx_text_shell_word(hpx_buffer *out, const char *text);

/* The word for so many: hpx_plural(n, "trial", "trials"). */
const char *hpx_plural(uint64_t count, const char *one, const char *many);

/* Whether a list that ends with NULL has the word. */
bool hpx_word_is_in(const char *const *words, const char *word);
/* The word of a NULL-terminated list nearest to `word` by edit distance (adjacent swaps count one), or NULL
 * when none is near enough to be what was meant. */
const char *hpx_nearest_word(const char *word, const char *const *words);

/* What other tools call something, and what it is called here. */
typedef struct hpx_alias {
    const char *word, *here;
} hpx_alias;

/* What `word` is called here, if that is one of `words` (NULL-terminated; NULL: any). NULL: nothing. */
const char *hpx_alias_find(const hpx_alias *aliases, size_t count, const char *word,
                           const char *const *words);

#endif
