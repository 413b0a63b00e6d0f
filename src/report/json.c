#include "hpx/json.h"

#include "hpx/text.h"

#include <math.h>
#include <string.h>

/* The bytes of a well-formed UTF-8 sequence at p, 0 if there is none (RFC 3629). */
static size_t utf8_length(const unsigned char *p)
{
    size_t length = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : *p >= 0xe0 && *p < 0xf0 ? 3 : 4;
    if (*p >= 0x80 && (*p < 0xc2 || *p > 0xf4))
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
        (*p == 0xf4 && p[1] > 0x8f))
        return 0;
    return length;
}

static void quote(hpx_buffer *out, const char *text)
{
    hpx_buffer_puts(out, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t length = utf8_length(p);
        if (length == 0) {
            hpx_buffer_puts(out, "\\ufffd");
            length = 1;
        } else if (*p == '"' || *p == '\\') {
            hpx_buffer_printf(out, "\\%c", *p);
        } else if (*p < 0x20) {
            hpx_buffer_printf(out, "\\u%04x", *p);
        } else {
            hpx_buffer_add(out, p, length);
        }
        p += length;
    }
    hpx_buffer_puts(out, "\"");
}

static void next_line(hpx_json *json)
{
    if (json->flat) {
        if (json->follows)
            hpx_buffer_puts(json->out, " ");
        return;
    }
    hpx_buffer_puts(json->out, "\n");
    for (unsigned i = 0; i < json->depth; i++)
        hpx_buffer_puts(json->out, "  ");
}

static void begin(hpx_json *json, const char *name)
{
    if (json->follows)
        hpx_buffer_puts(json->out, ",");
    if (json->depth > 0)
        next_line(json);
    if (name) {
        quote(json->out, name);
        hpx_buffer_puts(json->out, ": ");
    }
    json->follows = true;
}

void hpx_json_open(hpx_json *json, const char *name, char bracket)
{
    begin(json, name);
    hpx_buffer_add(json->out, &bracket, 1);
    json->depth++;
    json->follows = false;
}

void hpx_json_open_flat(hpx_json *json, const char *name, char bracket)
{
    hpx_json_open(json, name, bracket);
    if (!json->flat)
        json->flat = json->depth;
}

void hpx_json_close(hpx_json *json, char bracket)
{
    bool flat = json->flat != 0;
    if (json->flat == json->depth)
        json->flat = 0;
    json->depth--;
    if (!flat && json->follows)
        next_line(json);
    hpx_buffer_add(json->out, &bracket, 1);
    json->follows = true;
    if (json->depth == 0) {
        hpx_buffer_puts(json->out, "\n");
        json->follows = false;
    }
}

void hpx_json_text(hpx_json *json, const char *name, const char *value)
{
    if (!value) {
        hpx_json_null(json, name);
        return;
    }
    begin(json, name);
    quote(json->out, value);
}

void hpx_json_count(hpx_json *json, const char *name, uint64_t value)
{
    begin(json, name);
    hpx_buffer_printf(json->out, "%llu", (unsigned long long)value);
}

void hpx_json_real(hpx_json *json, const char *name, double value)
{
    char text[HPX_REAL_TEXT_BYTES];
    begin(json, name);
    hpx_buffer_puts(json->out, isfinite(value) ? hpx_real_text(text, value) : "null");
}

void hpx_json_bool(hpx_json *json, const char *name, bool value)
{
    begin(json, name);
    hpx_buffer_puts(json->out, value ? "true" : "false");
}

void hpx_json_null(hpx_json *json, const char *name)
{
    begin(json, name);
    hpx_buffer_puts(json->out, "null");
}

void hpx_json_number_text(hpx_json *json, const char *name, const char *number)
{
    begin(json, name);
    hpx_buffer_puts(json->out, number);
}

static void member(hpx_json *json, const hpx_field *field)
{
    hpx_buffer text = {0};
    switch (field->type) {
    case HPX_FIELD_COUNT:
        hpx_json_count(json, field->name, field->count);
        break;
    case HPX_FIELD_REAL:
        hpx_json_real(json, field->name, field->real);
        break;
    case HPX_FIELD_COUNTS:
        hpx_json_open_flat(json, field->name, '[');
        for (uint64_t i = 0; i < field->count; i++)
            hpx_json_count(json, NULL, ((const uint64_t *)(const void *)field->bytes)[i]);
        hpx_json_close(json, ']');
        break;
    case HPX_FIELD_TEXT:
    case HPX_FIELD_BYTES:
        hpx_field_print(&text, field);
        hpx_json_text(json, field->name, hpx_buffer_text(&text));
        break;
    }
    hpx_buffer_free(&text);
}

void hpx_json_fields(hpx_json *json, const hpx_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        member(json, &fields->fields[i]);
}
