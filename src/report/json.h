/* Writes JSON (RFC 8259) into a buffer: commas, indentation and escapes are taken care of. What is not
 * visible (base/text.h) is written with escapes. */
#ifndef HPX_JSON_H
#define HPX_JSON_H

#include "hpx/buffer.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct hpx_json {
    hpx_buffer *out;
    unsigned depth;
    unsigned flat; /* depth at which everything began to go on one line; 0: none */
    bool follows;  /* a value of the same array or object came before */
} hpx_json;

/* `name` is the member's name within an object, NULL within an array and at the top. */
void hpx_json_open(hpx_json *json, const char *name, char bracket);      /* '{' or '[' */
void hpx_json_open_flat(hpx_json *json, const char *name, char bracket); /* all of it on one line */
void hpx_json_close(hpx_json *json, char bracket);                       /* '}' or ']' */
void hpx_json_text(hpx_json *json, const char *name,
                   const char *value); /* NULL: null; bytes not UTF-8: U+FFFD */
void hpx_json_count(hpx_json *json, const char *name, uint64_t value);
void hpx_json_real(hpx_json *json, const char *name,
                   double value); /* the shortest that reads back; null if not finite */
void hpx_json_bool(hpx_json *json, const char *name, bool value);
void hpx_json_null(hpx_json *json, const char *name);
/* A value of an axis: a number if it is one, else a text. */
void hpx_json_value(hpx_json *json, const char *name, const char *text);
#endif
