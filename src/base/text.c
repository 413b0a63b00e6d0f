#include "base/text.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t hpx_utf8_next(uint32_t *code, const void *bytes, size_t size)
{
    /* Unicode 15, table 3-7: first byte, and the range of the second; the others are 80..BF. */
    static const struct {
        uint8_t first, last, low, high, length;
    } rows[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const uint8_t *b = bytes;
    size_t row = 0;
    while (size > 0 && row < sizeof rows / sizeof *rows &&
           !(b[0] >= rows[row].first && b[0] <= rows[row].last))
        row++;
    if (size == 0 || row == sizeof rows / sizeof *rows || size < rows[row].length)
        return 0;
    const size_t length = rows[row].length;
    if (length > 1 && (b[1] < rows[row].low || b[1] > rows[row].high))
        return 0;
    *code = length == 1 ? b[0] : b[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (b[i] & 0x3fu);
    }
    return length;
}

struct range {
    uint32_t first, last;
};

static bool is_in(const struct range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

#define IS_IN(ranges, code) is_in(ranges, sizeof(ranges) / sizeof *(ranges), code)

bool hpx_is_visible(uint32_t code)
{
    /* The control characters, then those of Unicode 15 with the property Bidi_Control, the separators of
     * lines, and the other format characters without a shape of their own (general category Cf). */
    static const struct range hidden[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},       {0x061c, 0x061c},   {0x180e, 0x180e},
        {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},   {0xfeff, 0xfeff},
        {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };
    return !IS_IN(hidden, code);
}

size_t hpx_utf8_columns(uint32_t code)
{
    /* The blocks of Unicode 15 that are wide (UAX #11: W, F), and of marks that stand on the character before. */
    static const struct range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},
                                        {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
                                        {0xfe30, 0xfe6f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},
                                        {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff},
                                        {0x20000, 0x3fffd}},
                              marks[] = {{0x0300, 0x036f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
                                         {0x200c, 0x200d}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f},
                                         {0xfe20, 0xfe2f}};
    if (code < 0x0300)
        return 1;
    return IS_IN(marks, code) ? 0 : IS_IN(wide, code) ? 2 : 1;
}

bool hpx_text_is_visible(const void *text, size_t size)
{
    uint32_t code;
    const uint8_t *bytes = text;
    for (size_t at = 0, length; at < size; at += length) {
        length = hpx_utf8_next(&code, bytes + at, size - at);
        if (length == 0 || !hpx_is_visible(code))
            return false;
    }
    return true;
}

static void show_escape(hpx_buffer *out, uint32_t code)
{
    if (code == '\n' || code == '\t' || code == '\r')
        hpx_buffer_puts(out, code == '\n' ? "\\n" : code == '\t' ? "\\t" : "\\r");
    else
        hpx_buffer_printf(out, code < 0x80 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Behind the visible ASCII characters from `at` on, eight at a time: most text is nothing else. */
static size_t skip_ascii(const uint8_t *bytes, size_t at, size_t size)
{
    for (uint64_t word; size - at >= sizeof word; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        const uint64_t below_blank = ~(word + EACH_BYTE(0x60)), above_tilde = word | (word + EACH_BYTE(1));
        if ((below_blank | above_tilde) & EACH_BYTE(0x80))
            break;
    }
    while (at < size && bytes[at] >= ' ' && bytes[at] <= '~')
        at++;
    return at;
}

size_t hpx_text_width(const void *text, size_t size)
{
    const uint8_t *bytes = text;
    size_t width = skip_ascii(bytes, 0, size);
    uint32_t code;
    for (size_t at = width, length; at<size; at += length> 0 ? length : 1) {
        length = hpx_utf8_next(&code, bytes + at, size - at);
        width += length > 0 ? hpx_utf8_columns(code) : 1;
    }
    return width;
}

void hpx_text_show(hpx_buffer *out, const void *text, size_t size, const char *keep)
{
    uint32_t code;
    const uint8_t *bytes = text;
    size_t shown = 0; /* before it all is appended; from there to `at` all is visible */
    for (size_t at = 0, length; (at = skip_ascii(bytes, at, size)) < size; at += length) {
        length = hpx_utf8_next(&code, bytes + at, size - at);
        if (length > 0 && (hpx_is_visible(code) || (code > 0 && code < 0x80 && strchr(keep, (int)code))))
            continue;
        hpx_buffer_add(out, bytes + shown, at - shown);
        if (length > 0) {
            show_escape(out, code);
        } else {
            length = 1;
            hpx_buffer_printf(out, "\\x%02x", bytes[at]);
        }
        shown = at + length;
    }
    hpx_buffer_add(out, bytes + shown, size - shown);
}

/* What is not visible is escaped, too: a document may be read on a terminal. */
static void json_escape(hpx_buffer *out, uint32_t code)
{
    if (code == '"' || code == '\\')
        hpx_buffer_printf(out, "\\%c", (int)code);
    else if (code < 0x10000)
        hpx_buffer_printf(out, "\\u%04x", code);
    else /* two surrogates */
        hpx_buffer_printf(out, "\\u%04x\\u%04x", 0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
}

void hpx_text_json(hpx_buffer *out, const char *text)
{
    const size_t size = strlen(text);
    uint32_t code;
    hpx_buffer_puts(out, "\"");
    for (size_t at = 0, length; at < size; at += length) {
        length = hpx_utf8_next(&code, text + at, size - at);
        if (length == 0) {
            length = 1;
            json_escape(out, 0xfffd);
        } else if (code == '"' || code == '\\' || !hpx_is_visible(code)) {
            json_escape(out, code);
        } else {
            hpx_buffer_add(out, text + at, length);
        }
    }
    hpx_buffer_puts(out, "\"");
}

void hpx_text_xml(hpx_buffer *out, const char *text, bool quotes)
{
    static const char special[] = "&<>\"'";
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    const size_t count = quotes ? 5 : 3;
    hpx_buffer shown = {0};
    hpx_text_show(&shown, text, strlen(text), "");
    for (const char *c = hpx_buffer_text(&shown); *c; c++) {
        const char *found = memchr(special, *c, count);
        if (found)
            hpx_buffer_puts(out, entities[found - special]);
        else
            hpx_buffer_add(out, c, 1);
    }
    hpx_buffer_free(&shown);
}

void hpx_text_shell(hpx_buffer *out, const char *text)
{
    hpx_buffer_puts(out, "'");
    for (; *text; text++)
        if (*text == '\'')
            hpx_buffer_puts(out, "'\\''");
        else
            hpx_buffer_add(out, text, 1);
    hpx_buffer_puts(out, "'");
}

void hpx_text_shell_word(hpx_buffer *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-=:,+@%";
    if (*text && text[strspn(text, plain)] == '\0')
        hpx_buffer_puts(out, text);
    else
        hpx_text_shell(out, text);
}

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
    double value = hpx_strtod(text, &end);
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
        hpx_print(out, HPX_REAL_TEXT_BYTES, "%.*g", digits, value);
        if (hpx_strtod(out, NULL) == value)
            break;
    }
    return out;
}

void hpx_text_decimals(hpx_buffer *out, double value, int decimals)
{
    hpx_buffer digits = {0};
    hpx_buffer_printf(&digits, "%.*f", decimals, value);
    const char *text = hpx_buffer_text(&digits);
    hpx_buffer_puts(out, text + (*text == '-' && text[strspn(text, "-0.")] == 0));
    hpx_buffer_free(&digits);
}

void hpx_text_count(hpx_buffer *out, uint64_t count)
{
    char text[20], *at = text + sizeof text;
    do
        *--at = (char)('0' + count % 10);
    while (count /= 10);
    hpx_buffer_add(out, at, (size_t)(text + sizeof text - at));
}

void hpx_text_about(hpx_buffer *out, uint64_t count)
{
    uint64_t unit = 1, exponent = 2;
    for (; count / unit >= 1000; unit *= 10)
        exponent++;
    if (unit == 1) {
        hpx_text_count(out, count);
        return;
    }
    uint64_t digits = count / unit;
    const uint64_t rest = count % unit;
    digits += 2 * rest > unit || (2 * rest == unit && digits % 2 == 1); /* half to even */
    if (digits == 1000)
        digits = 100, exponent++;
    char text[] = {(char)('0' + digits / 100), '.', (char)('0' + digits / 10 % 10),
                   (char)('0' + digits % 10)};
    hpx_buffer_add(out, text, digits % 10 ? 4 : digits % 100 ? 3 : 1);
    hpx_buffer_puts(out, exponent < 10 ? "e+0" : "e+");
    hpx_text_count(out, exponent);
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

bool hpx_word_is_in(const char *const *words, const char *word)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

const char *hpx_alias_find(const hpx_alias *aliases, size_t count, const char *word, const char *const *words)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, aliases[i].word) == 0 && (!words || hpx_word_is_in(words, aliases[i].here)))
            return aliases[i].here;
    return NULL;
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

const char *hpx_plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}
