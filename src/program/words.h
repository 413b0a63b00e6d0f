/* A command as text, and templates.
 *
 * Written words are parted by one blank. A word that is empty, or has a blank, a tab, a line end, a quote of either kind, '#' or
 * '\', stands between double quotes, in which \" and \\ are a quote and a backslash.
 *
 * A template is a text in which `$$` is a dollar and `${NAME}` stands for what that name has. */
#ifndef HPX_WORDS_H
#define HPX_WORDS_H

#include "hpx/buffer.h"
#include "hpx/error.h"

#include <stddef.h>

/* One more word of a command that is written to `out`. */
void hpx_words_add(hpx_buffer *out, const char *word);

/* The words of a line as a shell parts them: by blanks, but for those in quotes of either kind or behind a backslash; nothing
 * else is special. NULL behind them: hpx_words_free. HPX_DAMAGED, with *words NULL, where a quote is not closed. */
hpx_status hpx_words_split(char ***words, size_t *count, const char *line, hpx_error *error);

/* What to say of a word that is the name of no program: it may be several, which quotes make one. */
const char *hpx_words_hint(const char *program);

/* The words again, NULL behind them: hpx_words_free. HPX_DAMAGED for a text that hpx_words_add would not have written. */
hpx_status hpx_words_read(char ***words, size_t *count, const char *text, hpx_error *error);
void hpx_words_free(char **words); /* NULL is fine */

/* What a name stands for, borrowed until the next call; NULL: it is not known. */
typedef const char *hpx_lookup_fn(void *context, const char *name);

/* Appends what the template says: `$$` as `$`. A name that is not known stays as `${NAME}`. HPX_DAMAGED for a text that
 * is no template. */
hpx_status hpx_template_fill(hpx_buffer *out, const char *template, hpx_lookup_fn *lookup, void *context,
                             hpx_error *error);

/* Appends the template with the known names filled in: again a template, of the others. */
hpx_status hpx_template_bind(hpx_buffer *out, const char *template, hpx_lookup_fn *lookup, void *context,
                             hpx_error *error);

/* Appends a text as a template that says it: `$$` for each `$`. */
void hpx_template_literal(hpx_buffer *out, const char *text);

/* Appends any bytes with each `${NAME}` of a known name replaced, and nothing else. */
void hpx_bytes_fill(hpx_buffer *out, const void *bytes, size_t size, hpx_lookup_fn *lookup, void *context);

#endif
