/* Named, typed fields: the one codec of all structured bytes hpx stores, sends or hashes (manifests, records,
 * jobs, results). The encoding is canonical: equal fields give equal bytes, so a hash of it is an
 * identity. */
#ifndef HPX_FIELDS_H
#define HPX_FIELDS_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hpx_field_type {
    HPX_FIELD_COUNT = 'u',  /* an unsigned integer */
    HPX_FIELD_REAL = 'f',   /* a double; -0 is stored as 0, every NaN as one NaN */
    HPX_FIELD_TEXT = 's',   /* UTF-8 without NUL */
    HPX_FIELD_BYTES = 'b',  /* any bytes, such as a hash */
    HPX_FIELD_COUNTS = 'U', /* a list of unsigned integers */
    HPX_FIELD_REALS = 'F',  /* a list of doubles, each as a real */
} hpx_field_type;

#define HPX_FIELD_NAME_MAX 80

typedef struct hpx_field {
    const char *name;
    hpx_field_type type;
    uint64_t count; /* HPX_FIELD_COUNT: the value; of a list: how many */
    double real;
    const uint8_t *bytes; /* text (NUL behind it), bytes, or the uint64_t or double values of a list */
    size_t size;          /* of `bytes` */
} hpx_field;

/* Sorted by name, every name once. A zeroed struct is an empty set; it owns what it holds. */
typedef struct hpx_fields {
    hpx_field *fields;
    size_t count, capacity;
    struct hpx_arena *arena;
} hpx_fields;

void hpx_fields_free(hpx_fields *fields); /* leaves it empty */

/* Setting a name again replaces its value. Names are words with dots, lower case unless others
 * have chosen them (env.HOME), at most HPX_FIELD_NAME_MAX bytes. */
void hpx_fields_set_count(hpx_fields *fields, const char *name, uint64_t value);
void hpx_fields_set_real(hpx_fields *fields, const char *name, double value);
void hpx_fields_set_text(hpx_fields *fields, const char *name, const char *value);
void hpx_fields_set_bytes(hpx_fields *fields, const char *name, const void *bytes, size_t size);
void hpx_fields_set_hash(hpx_fields *fields, const char *name, const hpx_hash *hash);
void hpx_fields_set_counts(hpx_fields *fields, const char *name, const uint64_t *values, size_t count);
void hpx_fields_set_reals(hpx_fields *fields, const char *name, const double *values, size_t count);
void hpx_fields_set(hpx_fields *fields, const hpx_field *field);   /* a copy of a field of another set */
void hpx_fields_add(hpx_fields *fields, const hpx_fields *others); /* copies of all of them */

void hpx_fields_remove(hpx_fields *fields, const char *name); /* if there is one */

/* Whether these bytes can be a text: well-formed UTF-8 (RFC 3629) without NUL. */
bool hpx_field_is_text(const void *text, size_t size);

/* NULL if there is none. Borrowed until the next change. */
const hpx_field *hpx_fields_find(const hpx_fields *fields, const char *name);

bool hpx_field_equal(const hpx_field *a, const hpx_field *b); /* NULL: no field; two of these are equal */

/* Walks the differences of two sets by name: `before` and `after` are the fields of that name, NULL where a
 * set has none. `at` begins zeroed. False at the end. */
typedef struct hpx_field_walk {
    size_t before, after;
} hpx_field_walk;
bool hpx_fields_next_difference(hpx_field_walk *at, const hpx_fields *a, const hpx_fields *b,
                                const hpx_field **before, const hpx_field **after);

/* HPX_DAMAGED with a message that names the field when it is missing or of another type. What is pointed to
 * is borrowed from `fields`. */
hpx_status hpx_fields_count(uint64_t *out, const hpx_fields *fields, const char *name, hpx_error *error);
hpx_status hpx_fields_real(double *out, const hpx_fields *fields, const char *name, hpx_error *error);
hpx_status hpx_fields_text(const char **out, const hpx_fields *fields, const char *name, hpx_error *error);
hpx_status hpx_fields_hash(hpx_hash *out, const hpx_fields *fields, const char *name, hpx_error *error);
hpx_status hpx_fields_bytes(const uint8_t **out, size_t *size, const hpx_fields *fields, const char *name,
                            hpx_error *error);
hpx_status hpx_fields_counts(const uint64_t **out, size_t *count, const hpx_fields *fields, const char *name,
                             hpx_error *error);
hpx_status hpx_fields_reals(const double **out, size_t *count, const hpx_fields *fields, const char *name,
                            hpx_error *error);

/* The text of that name; "" where there is none. Borrowed likewise. */
const char *hpx_fields_text_or_empty(const hpx_fields *fields, const char *name);
/* The count of that name; 0 where there is none. */
uint64_t hpx_fields_count_or_zero(const hpx_fields *fields, const char *name);

/* Appends the canonical encoding. */
void hpx_fields_encode(hpx_buffer *out, const hpx_fields *fields);

/* Reads an encoding that must fill `size` bytes exactly. `out` must be empty. HPX_DAMAGED, with `out` empty,
 * for anything that hpx_fields_encode would not have written. */
hpx_status hpx_fields_decode(hpx_fields *out, const uint8_t *bytes, size_t size, hpx_error *error);

/* A value as a person reads it: 128 64, 0.001, hexadecimal for bytes, a text with escapes for what is not
 * visible. */
void hpx_field_print(hpx_buffer *out, const hpx_field *field);

#endif
