#include "report/json.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

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
        hpx_text_json(json->out, name);
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
    hpx_buffer_pass_on(json->out);
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
    hpx_text_json(json->out, value);
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

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* RFC 8259, section 6; within the range of a double. */
static bool is_number(const char *text)
{
    double number;
    const char *at = text + (*text == '-');
    const size_t whole = digits(at);
    if (whole == 0 || (*at == '0' && whole > 1))
        return false;
    at += whole;
    if (*at == '.') {
        if (digits(at + 1) == 0)
            return false;
        at += 1 + digits(at + 1);
    }
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '+' || at[1] == '-');
        if (digits(at) == 0)
            return false;
        at += digits(at);
    }
    return *at == 0 && hpx_parse_real(&number, text);
}

void hpx_json_value(hpx_json *json, const char *name, const char *text)
{
    double number;
    if (is_number(text)) {
        begin(json, name);
        hpx_buffer_puts(json->out, text);
    } else if (hpx_parse_real(&number, text)) {
        hpx_json_real(json, name, number);
    } else {
        hpx_json_text(json, name, text);
    }
}
