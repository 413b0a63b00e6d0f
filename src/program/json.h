/* A JSON object on one line (RFC 8259), read pair by pair. Only what is flat has a value here. Beyond the standard, numbers
 * may be NaN, Infinity and whatever else printf and bc write for one: nan, -inf, .5, +1. */
#ifndef HPX_PROGRAM_JSON_H
#define HPX_PROGRAM_JSON_H

#include <stdbool.h>
#include <stddef.h>

typedef enum hpx_json_kind {
    HPX_JSON_NUMBER,
    HPX_JSON_TEXT,
    HPX_JSON_TRUE,
    HPX_JSON_NOTHING, /* false or null */
    HPX_JSON_NESTED,  /* an array or an object */
} hpx_json_kind;

typedef struct hpx_json_pair {
    const char *name; /* it and the text are without NUL, borrowed during the call */
    hpx_json_kind kind;
    double number;
    const char *text;
} hpx_json_pair;

typedef void hpx_json_pair_fn(void *context, const hpx_json_pair *pair);

/* Calls for each pair in turn. False, and nothing is called, when the bytes are anything but one object. */
bool hpx_json_object(const char *bytes, size_t size, hpx_json_pair_fn *each, void *context);

/* A whole document, on as many lines as it likes: calls for each value that is no array or object, in order. `path`: the names
 * and indices that lead to it, with dots between them, "searches.0.name". False likewise, but values may have come by then. */
typedef void hpx_json_value_fn(void *context, const char *path, const hpx_json_pair *value);
bool hpx_json_document(const char *bytes, size_t size, hpx_json_value_fn *each, void *context);

/* A number as above that the text begins with, and its end; false if it begins with none. */
bool hpx_json_number(double *out, const char **end, const char *text);

#endif
