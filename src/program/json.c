#include "json.h"

#include "base/text.h"
#include "hpx/buffer.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX    64 /* of arrays and objects in each other */
#define NUMBER_BYTES 512

struct reader {
    hpx_buffer bytes;
    const char *at, *end; /* of these; a NUL is behind the end */
    bool lines;           /* their ends are blanks, too */
    hpx_buffer name, text;
    hpx_json_value_fn *each; /* for the values in arrays and objects; NULL: they are passed over */
    void *context;
    hpx_buffer path; /* to the value at hand */
};

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, reader->lines ? " \t\r\n" : " \t");
}

static bool take(struct reader *reader, char wanted)
{
    skip_blanks(reader);
    if (*reader->at != wanted || reader->at == reader->end)
        return false;
    reader->at++;
    return true;
}

static bool is_at_end(struct reader *reader)
{
    skip_blanks(reader);
    return reader->at == reader->end;
}

static bool take_word(struct reader *reader, const char *word)
{
    const size_t length = strlen(word);
    if (strncmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

static void add_character(hpx_buffer *out, uint32_t code)
{
    if (code == 0 || (code >= 0xd800 && code < 0xe000))
        code = 0xfffd; /* what no text can have */
    const uint8_t bytes[] = {
        (uint8_t)(code < 0x80      ? code
                  : code < 0x800   ? 0xc0 | code >> 6
                  : code < 0x10000 ? 0xe0 | code >> 12
                                   : 0xf0 | code >> 18),
        (uint8_t)(0x80 | (code >> (code < 0x800     ? 0
                                   : code < 0x10000 ? 6
                                                    : 12) &
                          0x3f)),
        (uint8_t)(0x80 | (code >> (code < 0x10000 ? 0 : 6) & 0x3f)),
        (uint8_t)(0x80 | (code & 0x3f)),
    };
    hpx_buffer_add(out, bytes, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
}

static bool read_hex(uint32_t *out, struct reader *reader)
{
    *out = 0;
    for (int i = 0; i < 4; i++, reader->at++) {
        const char c = *reader->at;
        if (!isxdigit((unsigned char)c))
            return false;
        *out = *out << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
}

/* Behind "\u". A character of two is written as a pair of surrogates. */
static bool read_code(hpx_buffer *out, struct reader *reader)
{
    uint32_t code, low;
    if (!read_hex(&code, reader))
        return false;
    if (code >= 0xd800 && code < 0xdc00 && reader->at[0] == '\\' && reader->at[1] == 'u') {
        const char *before = reader->at;
        reader->at += 2;
        if (!read_hex(&low, reader))
            return false;
        if (low >= 0xdc00 && low < 0xe000)
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        else
            reader->at = before;
    }
    add_character(out, code);
    return true;
}

static bool read_string(hpx_buffer *out, struct reader *reader)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    out->size = 0;
    if (!take(reader, '"'))
        return false;
    while (*reader->at != '"') {
        if ((unsigned char)*reader->at < ' ')
            return false; /* the end, too */
        if (*reader->at != '\\') {
            hpx_buffer_add(out, reader->at++, 1);
            continue;
        }
        const char escape = *++reader->at;
        const char *found = escape ? strchr(escapes, escape) : NULL;
        if (!found && escape != 'u')
            return false;
        reader->at++;
        if (found)
            hpx_buffer_add(out, &meant[found - escapes], 1);
        else if (!read_code(out, reader))
            return false;
    }
    reader->at++;
    return true;
}

static bool read_special(double *out, const char **at)
{
    static const char *const words[] = {"nan", "infinity", "inf"};
    const bool negative = **at == '-';
    const char *text = *at + (negative || **at == '+');
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t length = strlen(words[i]);
        if (strncasecmp(text, words[i], length) != 0 || isalnum((unsigned char)text[length]))
            continue;
        *out = i == 0 ? NAN : negative ? -INFINITY : INFINITY;
        *at = text + length;
        return true;
    }
    return false;
}

bool hpx_json_number(double *out, const char **end, const char *text)
{
    char copy[NUMBER_BYTES], *behind;
    *end = text;
    if (read_special(out, end))
        return true;
    const size_t length = strspn(text, "0123456789+-.eE");
    if (length == 0 || length >= sizeof copy || !strpbrk(text, "0123456789"))
        return false;
    memcpy(copy, text, length);
    copy[length] = 0;
    *out = hpx_strtod(copy, &behind);
    *end = text + (behind - copy);
    return behind == copy + length && !isalnum((unsigned char)**end);
}

static bool read_string_or_word(hpx_json_pair *pair, struct reader *reader)
{
    if (*reader->at == '"') {
        pair->kind = HPX_JSON_TEXT;
        return read_string(&reader->text, reader);
    }
    if (take_word(reader, "true")) {
        pair->kind = HPX_JSON_TRUE;
        return true;
    }
    pair->kind = HPX_JSON_NOTHING;
    if (take_word(reader, "false") || take_word(reader, "null"))
        return true;
    pair->kind = HPX_JSON_NUMBER;
    return hpx_json_number(&pair->number, &reader->at, reader->at);
}

static bool walk_value(struct reader *reader, size_t depth);

/* Behind the opening bracket of an array or object. */
static bool walk_nested(struct reader *reader, char closing, size_t depth)
{
    const size_t before = reader->path.size;
    if (depth == DEPTH_MAX)
        return false;
    if (take(reader, closing))
        return true;
    for (size_t i = 0; i == 0 || take(reader, ','); i++) {
        const bool named = closing == '}';
        if (named && (!read_string(&reader->text, reader) || !take(reader, ':')))
            return false;
        hpx_buffer_puts(&reader->path, before ? "." : "");
        if (named)
            hpx_buffer_add(&reader->path, reader->text.data, reader->text.size);
        else
            hpx_buffer_printf(&reader->path, "%zu", i);
        if (!walk_value(reader, depth + 1))
            return false;
        reader->path.size = before;
    }
    return take(reader, closing);
}

/* Any value, and all that is in it. */
static bool walk_value(struct reader *reader, size_t depth)
{
    hpx_json_pair value = {.name = ""};
    skip_blanks(reader);
    if (take(reader, '['))
        return walk_nested(reader, ']', depth);
    if (take(reader, '{'))
        return walk_nested(reader, '}', depth);
    if (!read_string_or_word(&value, reader))
        return false;
    value.text = value.kind == HPX_JSON_TEXT ? hpx_buffer_text(&reader->text) : NULL;
    if (reader->each)
        reader->each(reader->context, hpx_buffer_text(&reader->path), &value);
    return true;
}

static bool read_value(hpx_json_pair *pair, struct reader *reader)
{
    skip_blanks(reader);
    if (*reader->at != '[' && *reader->at != '{')
        return read_string_or_word(pair, reader);
    pair->kind = HPX_JSON_NESTED;
    return walk_value(reader, 0);
}

static bool read_object(struct reader *reader, hpx_json_pair_fn *each, void *context)
{
    if (!take(reader, '{'))
        return false;
    for (bool more = !take(reader, '}'); more;) {
        hpx_json_pair pair = {0};
        if (!read_string(&reader->name, reader) || !take(reader, ':') || !read_value(&pair, reader))
            return false;
        pair.name = hpx_buffer_text(&reader->name);
        pair.text = pair.kind == HPX_JSON_TEXT ? hpx_buffer_text(&reader->text) : NULL;
        if (each)
            each(context, &pair);
        more = take(reader, ',');
        if (!more && !take(reader, '}'))
            return false;
    }
    return is_at_end(reader);
}

static void open_reader(struct reader *reader, const char *bytes, size_t size)
{
    hpx_buffer_add(&reader->bytes, bytes, size);
    reader->at = hpx_buffer_text(&reader->bytes);
    reader->end = reader->at + size;
}

static void close_reader(struct reader *reader)
{
    hpx_buffer_free(&reader->bytes);
    hpx_buffer_free(&reader->name);
    hpx_buffer_free(&reader->text);
    hpx_buffer_free(&reader->path);
}

bool hpx_json_object(const char *bytes, size_t size, hpx_json_pair_fn *each, void *context)
{
    struct reader reader = {.each = NULL};
    open_reader(&reader, bytes, size);
    const char *text = reader.at;
    bool whole = read_object(&reader, NULL, NULL);
    if (whole) {
        reader.at = text;
        whole = read_object(&reader, each, context);
    }
    close_reader(&reader);
    return whole;
}

bool hpx_json_document(const char *bytes, size_t size, hpx_json_value_fn *each, void *context)
{
    struct reader reader = {.lines = true, .each = each, .context = context};
    open_reader(&reader, bytes, size);
    const bool whole = walk_value(&reader, 0) && is_at_end(&reader);
    close_reader(&reader);
    return whole;
}
