/* Numbers and words as people write them. */
#ifndef HPX_TEXT_H
#define HPX_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The whole of `text` as a decimal integer or a finite real number in the C locale; false if it is anything
 * else (empty, signed integer, trailing characters, out of range, hexadecimal, "nan", "inf"). -0 becomes 0.
 */
bool hpx_parse_u64(uint64_t *out, const char *text);
bool hpx_parse_real(double *out, const char *text);

#define HPX_REAL_TEXT_BYTES 32

/* The shortest decimal that reads back as the same double, in the C locale; returns `out`. */
char *hpx_real_text(char out[HPX_REAL_TEXT_BYTES], double value);

/* The word of a NULL-terminated list nearest to `word` by edit distance (adjacent swaps count one), or NULL
 * when none is near enough to be what was meant. */
const char *hpx_nearest_word(const char *word, const char *const *words);

#endif
