/* The model of every report: rows of named values, which three renderers print. JSON prints all of a row; the columns
 * of a table, or of CSV, say which values they show, and how. So what people and scripts read is one thing.
 *
 *     hpx_rows *rows = hpx_rows_to_table();                       or hpx_rows_to_json(json), or hpx_rows_to_csv()
 *     hpx_rows_add_columns(rows, columns, count);
 *     hpx_row *row = hpx_rows_begin(rows);
 *     hpx_row_text(row, "key", "9f2c...");  hpx_row_count(row, "epoch", 15);  ...
 *     hpx_rows_end(rows);
 *     hpx_rows_finish(out, rows);
 *
 * A value has a name within an object, and none within a list. Values whose name begins with a blank, as no axis
 * and no metric is called, are for columns alone: JSON does not print them. */
#ifndef HPX_ROWS_H
#define HPX_ROWS_H

#include "hpx/buffer.h"
#include "hpx/fields.h"
#include "report/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hpx_value_kind {
    HPX_VALUE_NULL,
    HPX_VALUE_BOOL,
    HPX_VALUE_COUNT,
    HPX_VALUE_REAL,
    HPX_VALUE_TEXT,
    HPX_VALUE_SETTING, /* of an axis: a number if it is one, else a text; always with its text */
    HPX_VALUE_OBJECT,
    HPX_VALUE_LIST,
} hpx_value_kind;

typedef struct hpx_value {
    hpx_value_kind kind;
    bool flat; /* OBJECT, LIST: all of it on one line of JSON */
    size_t name;
    union {
        bool truth;
        uint64_t count;
        double real; /* NaN and infinities are null in JSON */
        size_t text;
        size_t end; /* OBJECT, LIST: behind the last value in it */
    };
} hpx_value;

/* An object, and all that is in it, in the order in which it was put there. Zeroed, it is empty. */
typedef struct hpx_row {
    hpx_value *values;
    size_t count, capacity;
    hpx_buffer texts; /* names and texts, each with a NUL; values have offsets into it */
    size_t open[16], depth;
} hpx_row;

void hpx_row_clear(hpx_row *row);
void hpx_row_free(hpx_row *row);

/* Opened and closed like brackets. The first is the row itself, without a name. */
void hpx_row_open(hpx_row *row, const char *name, char bracket); /* '{' or '[' */
void hpx_row_open_flat(hpx_row *row, const char *name, char bracket);
void hpx_row_close(hpx_row *row);

void hpx_row_text(hpx_row *row, const char *name, const char *value); /* NULL: null */
void hpx_row_count(hpx_row *row, const char *name, uint64_t value);
void hpx_row_real(hpx_row *row, const char *name, double value);
void hpx_row_bool(hpx_row *row, const char *name, bool value);
void hpx_row_null(hpx_row *row, const char *name);
void hpx_row_setting(hpx_row *row, const char *name, const char *text);
/* A field of any type as a text, bytes in hexadecimal; null if there is none, or it is empty. */
void hpx_row_field(hpx_row *row, const char *name, const hpx_field *field);
/* All fields of a set, by their types; bytes in hexadecimal. */
void hpx_row_fields(hpx_row *row, const hpx_fields *fields);

/* The value at a path of names with dots between, "code.version"; NULL: there is none. */
const hpx_value *hpx_row_find(const hpx_row *row, const char *path);
const hpx_value *hpx_value_find(const hpx_row *row, const hpx_value *object, const char *path); /* in that */
/* The value behind this one in a list or an object; NULL: the first, and behind the last. */
const hpx_value *hpx_value_next(const hpx_row *row, const hpx_value *values, const hpx_value *value);
const char *hpx_value_name(const hpx_row *row, const hpx_value *value); /* of one in an object */
const char *hpx_value_text(const hpx_row *row, const hpx_value *value); /* of a TEXT or SETTING */

/* As a value of an open JSON document, or as a document of its own. */
void hpx_row_to_json(hpx_json *json, const hpx_row *row);
void hpx_row_print(hpx_buffer *out, const hpx_row *row);

typedef struct hpx_column hpx_column;

/* Appends what people see of a value; NULL: it is null, or not there. */
typedef void hpx_show_fn(hpx_buffer *out, const hpx_row *row, const hpx_value *value,
                         const hpx_column *column);

struct hpx_column {
    const char *heading, *path;
    char alignment; /* 'l' left, 'r' right; 'L', 'R': left out where it shows nothing and another has some */
    hpx_show_fn *show; /* NULL: the value as it is; "-", in CSV nothing, where there is none */
    int digits;        /* what `show` takes it for: digits of a key, decimals of a number */
};

typedef struct hpx_rows hpx_rows;

hpx_rows *hpx_rows_to_json(hpx_json *json); /* into the open list of a document */
hpx_rows *hpx_rows_to_table(void);
hpx_rows *hpx_rows_to_csv(void); /* RFC 4180, with a header */

/* Before the first row, in their order; copied. JSON has no use for them. */
void hpx_rows_add_columns(hpx_rows *rows, const hpx_column *columns, size_t count);
void hpx_rows_add_column(hpx_rows *rows, const char *heading, const char *path, char alignment,
                         hpx_show_fn *show, int digits);

/* A table of so many rows that they are not kept: they are all added again as long as hpx_rows_next_pass says so, first
 * to be measured, then to be printed into `out`, which is passed on between rows (hpx/buffer.h). False at once for other
 * rows. */
hpx_rows *hpx_rows_to_long_table(hpx_buffer *out);
bool hpx_rows_next_pass(hpx_rows *rows);

/* Whether JSON prints the rows: what no column shows is wanted only then. */
bool hpx_rows_are_json(const hpx_rows *rows);

hpx_row *hpx_rows_begin(hpx_rows *rows);               /* an open object, to be filled */
hpx_row *hpx_rows_begin_flat(hpx_rows *rows);          /* on one line of JSON */
void hpx_rows_end(hpx_rows *rows);                     /* closes it */
void hpx_rows_finish(hpx_buffer *out, hpx_rows *rows); /* appends a table or CSV, and frees them */
void hpx_rows_free(hpx_rows *rows);                    /* without that; NULL is fine */

/* Ways to show values. */
hpx_show_fn hpx_show_digits;   /* the first column->digits of a text */
hpx_show_fn hpx_show_decimals; /* a number with so many decimals; "-" */
hpx_show_fn hpx_show_cell;     /* an object: "n1=128 n2=64" */
hpx_show_fn hpx_show_metric;   /* with column->digits decimals; "failed" in a row whose status is that; "-" */
hpx_show_fn hpx_show_about;    /* a number with three digits: 1.23e+08; "?" */
hpx_show_fn hpx_show_duration; /* of seconds; "?" */
hpx_show_fn hpx_show_bytes;    /* "3.4 KiB" */
hpx_show_fn hpx_show_if_any;   /* nothing where there is none */

#endif
