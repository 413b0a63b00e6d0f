#include "hpx/text.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool hpx_parse_u64(uint64_t *out, const char *text)
{
    if (*text == 0)
        return false;
    uint64_t value = 0;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

bool hpx_parse_real(double *out, const char *text)
{
    /* strtod also takes leading blanks, hexadecimal, "nan" and "inf": allow only what a decimal number is
     * made of. */
    if (*text == 0 || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (*end != 0 || end == text || !isfinite(value) || (errno == ERANGE && value == 0))
        return false;
    *out = value == 0 ? 0 : value;
    return true;
}

char *hpx_real_text(char out[HPX_REAL_TEXT_BYTES], double value)
{
    /* Every decimal of 15 digits can be told from its neighbours by a normal double; subnormal ones have
     * fewer. */
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        snprintf(out, HPX_REAL_TEXT_BYTES, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return out;
}

#define WORD_MAX 63

static size_t smallest(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance: insertion, deletion, substitution and the swap of two neighbours cost
 * one each. */
static size_t distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na > WORD_MAX || nb > WORD_MAX)
        return SIZE_MAX;
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++)
        above[j] = j;
    for (size_t i = 1; i <= na; i++) {
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = smallest(best, smallest(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = smallest(best, before[j - 2] + 1);
            row[j] = best;
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[nb];
}

const char *hpx_nearest_word(const char *word, const char *const *words)
{
    size_t length = strlen(word);
    size_t limit = length <= 2 ? 1 : length <= 5 ? 2 : 3;
    const char *nearest = NULL;
    for (; *words; words++) {
        size_t d = distance(word, *words);
        if (d <= limit && d < length) {
            limit = d - (d > 0);
            nearest = *words;
            if (d == 0)
                break;
        }
    }
    return nearest;
}
