#include "report/rows.h"

#include "base/memory.h"
#include "base/text.h"
#include "report/report.h"
#include "report/table.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_NAME SIZE_MAX

/* --- numbers as people read them --------------------------------------------------------------------------- */

/* At least so many digits. A plan shows millions of times. */
static char *put_digits(char *at, uint64_t value, unsigned least)
{
    if (value >= 10 || least > 1)
        at = put_digits(at, value / 10, least - (least > 1));
    *at++ = (char)('0' + value % 10);
    return at;
}

static char *put_sixtieths(char *at, uint64_t value)
{
    *at++ = ':';
    return put_digits(at, value % 60, 2);
}

const char *hpx_duration_text(char out[32], double seconds)
{
    if (!isfinite(seconds)) {
        snprintf(out, 32, "?");
        return out;
    }
    const uint64_t whole = (uint64_t)(seconds + 0.5), minutes = whole / 60, hours = whole / 3600, day = 86400;
    char *at = out;
    if (whole >= day)
        at = put_sixtieths(put_digits(stpcpy(put_digits(at, whole / day, 1), " d "), hours % 24, 2), minutes);
    else if (whole >= 3600)
        at = put_sixtieths(put_sixtieths(put_digits(at, hours, 1), minutes), whole);
    else
        at = put_sixtieths(put_digits(at, minutes, 1), whole);
    *at = 0;
    return out;
}

const char *hpx_bytes_text(char out[32], uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        snprintf(out, 32, "%" PRIu64 " B", bytes);
        return out;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 999.95 && unit < 3; unit++)
        value /= 1024;
    hpx_print(out, 32, "%.1f %s", value, units[unit]);
    return out;
}

/* --- a row ------------------------------------------------------------------------------------------------ */

void hpx_row_clear(hpx_row *row)
{
    row->count = row->depth = row->texts.size = 0;
}

void hpx_row_free(hpx_row *row)
{
    free(row->values);
    hpx_buffer_free(&row->texts);
    *row = (hpx_row){0};
}

static size_t keep_text(hpx_row *row, const char *text)
{
    const size_t at = row->texts.size;
    hpx_buffer_add(&row->texts, text, strlen(text) + 1);
    return at;
}

static hpx_value *add(hpx_row *row, const char *name, hpx_value_kind kind)
{
    row->values = hpx_grow(row->values, &row->capacity, row->count + 1, sizeof *row->values);
    hpx_value *value = &row->values[row->count++];
    *value = (hpx_value){.kind = kind, .name = name ? keep_text(row, name) : NO_NAME};
    return value;
}

static void open(hpx_row *row, const char *name, char bracket, bool flat)
{
    assert(row->depth < sizeof row->open / sizeof *row->open);
    row->open[row->depth++] = row->count;
    add(row, name, bracket == '{' ? HPX_VALUE_OBJECT : HPX_VALUE_LIST)->flat = flat;
}

void hpx_row_open(hpx_row *row, const char *name, char bracket)
{
    open(row, name, bracket, false);
}

void hpx_row_open_flat(hpx_row *row, const char *name, char bracket)
{
    open(row, name, bracket, true);
}

void hpx_row_close(hpx_row *row)
{
    row->values[row->open[--row->depth]].end = row->count;
}

void hpx_row_text(hpx_row *row, const char *name, const char *text)
{
    hpx_value *value = add(row, name, text ? HPX_VALUE_TEXT : HPX_VALUE_NULL);
    if (text)
        value->text = keep_text(row, text);
}

void hpx_row_count(hpx_row *row, const char *name, uint64_t count)
{
    add(row, name, HPX_VALUE_COUNT)->count = count;
}

void hpx_row_real(hpx_row *row, const char *name, double real)
{
    add(row, name, HPX_VALUE_REAL)->real = real;
}

void hpx_row_bool(hpx_row *row, const char *name, bool truth)
{
    add(row, name, HPX_VALUE_BOOL)->truth = truth;
}

void hpx_row_null(hpx_row *row, const char *name)
{
    add(row, name, HPX_VALUE_NULL);
}

void hpx_row_setting(hpx_row *row, const char *name, const char *text)
{
    add(row, name, HPX_VALUE_SETTING)->text = keep_text(row, text);
}

void hpx_row_field(hpx_row *row, const char *name, const hpx_field *field)
{
    hpx_buffer text = {0};
    if (field && field->type == HPX_FIELD_TEXT)
        hpx_buffer_add(&text, field->bytes, field->size);
    else if (field)
        hpx_field_print(&text, field);
    hpx_row_text(row, name, text.size ? hpx_buffer_text(&text) : NULL);
    hpx_buffer_free(&text);
}

static void add_field(hpx_row *row, const hpx_field *field)
{
    hpx_buffer text = {0};
    switch (field->type) {
    case HPX_FIELD_COUNT:
        hpx_row_count(row, field->name, field->count);
        break;
    case HPX_FIELD_REAL:
        hpx_row_real(row, field->name, field->real);
        break;
    case HPX_FIELD_COUNTS:
        hpx_row_open_flat(row, field->name, '[');
        for (uint64_t i = 0; i < field->count; i++)
            hpx_row_count(row, NULL, ((const uint64_t *)(const void *)field->bytes)[i]);
        hpx_row_close(row);
        break;
    case HPX_FIELD_REALS:
        hpx_row_open_flat(row, field->name, '[');
        for (uint64_t i = 0; i < field->count; i++)
            hpx_row_real(row, NULL, ((const double *)(const void *)field->bytes)[i]);
        hpx_row_close(row);
        break;
    case HPX_FIELD_TEXT:
        hpx_row_text(row, field->name, (const char *)field->bytes);
        break;
    case HPX_FIELD_BYTES:
        hpx_field_print(&text, field);
        hpx_row_text(row, field->name, hpx_buffer_text(&text));
        break;
    }
    hpx_buffer_free(&text);
}

void hpx_row_fields(hpx_row *row, const hpx_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        add_field(row, &fields->fields[i]);
}

/* --- what is in it ---------------------------------------------------------------------------------------- */

static const char *name_of(const hpx_row *row, const hpx_value *value)
{
    return value->name == NO_NAME ? NULL : (const char *)row->texts.data + value->name;
}

const char *hpx_value_text(const hpx_row *row, const hpx_value *value)
{
    return (const char *)row->texts.data + value->text;
}

static bool holds_values(const hpx_value *value)
{
    return value->kind == HPX_VALUE_OBJECT || value->kind == HPX_VALUE_LIST;
}

static size_t behind(const hpx_row *row, size_t at)
{
    return holds_values(&row->values[at]) ? row->values[at].end : at + 1;
}

/* A member's name may have dots of its own: the longest one that fits is taken. */
const hpx_value *hpx_value_find(const hpx_row *row, const hpx_value *object, const char *path)
{
    for (size_t at = (size_t)(object - row->values) + 1; at < object->end; at = behind(row, at)) {
        const hpx_value *value = &row->values[at];
        const char *name = name_of(row, value);
        if (*name != *path)
            continue; /* as most do; names are not empty */
        const size_t length = strlen(name);
        if (strcmp(name, path) == 0)
            return value;
        if (value->kind == HPX_VALUE_OBJECT && strncmp(path, name, length) == 0 && path[length] == '.')
            return hpx_value_find(row, value, path + length + 1);
    }
    return NULL;
}

const hpx_value *hpx_row_find(const hpx_row *row, const char *path)
{
    return hpx_value_find(row, &row->values[0], path);
}

const char *hpx_value_name(const hpx_row *row, const hpx_value *value)
{
    return name_of(row, value);
}

const hpx_value *hpx_value_next(const hpx_row *row, const hpx_value *values, const hpx_value *value)
{
    const size_t at = value ? behind(row, (size_t)(value - row->values)) : (size_t)(values - row->values) + 1;
    return at < values->end ? &row->values[at] : NULL;
}

/* --- JSON ------------------------------------------------------------------------------------------------- */

static void print_value(hpx_json *json, const hpx_row *row, size_t at);

static void print_values(hpx_json *json, const hpx_row *row, size_t at)
{
    const hpx_value *value = &row->values[at];
    const char open = value->kind == HPX_VALUE_OBJECT ? '{' : '[', close = open == '{' ? '}' : ']';
    if (value->flat)
        hpx_json_open_flat(json, name_of(row, value), open);
    else
        hpx_json_open(json, name_of(row, value), open);
    for (size_t next = at + 1; next < value->end; next = behind(row, next))
        print_value(json, row, next);
    hpx_json_close(json, close);
}

static void print_value(hpx_json *json, const hpx_row *row, size_t at)
{
    const hpx_value *value = &row->values[at];
    const char *name = name_of(row, value);
    if (name && *name == ' ')
        return;
    switch (value->kind) {
    case HPX_VALUE_NULL:
        hpx_json_null(json, name);
        break;
    case HPX_VALUE_BOOL:
        hpx_json_bool(json, name, value->truth);
        break;
    case HPX_VALUE_COUNT:
        hpx_json_count(json, name, value->count);
        break;
    case HPX_VALUE_REAL:
        hpx_json_real(json, name, value->real);
        break;
    case HPX_VALUE_TEXT:
        hpx_json_text(json, name, hpx_value_text(row, value));
        break;
    case HPX_VALUE_SETTING:
        hpx_json_value(json, name, hpx_value_text(row, value));
        break;
    case HPX_VALUE_OBJECT:
    case HPX_VALUE_LIST:
        print_values(json, row, at);
        break;
    }
}

void hpx_row_to_json(hpx_json *json, const hpx_row *row)
{
    print_value(json, row, 0);
}

void hpx_row_print(hpx_buffer *out, const hpx_row *row)
{
    hpx_json json = {.out = out};
    hpx_row_to_json(&json, row);
}

/* --- rows ------------------------------------------------------------------------------------------------- */

struct hpx_rows {
    hpx_row row;
    hpx_json *json; /* NULL: a table or CSV */
    bool is_csv;
    hpx_column *columns;
    size_t count, capacity;
    hpx_table *table; /* from the first row on */
    hpx_buffer *out;  /* of a long table; else NULL */
    hpx_buffer csv;
    hpx_buffer cell; /* room for one */
    bool begun;
};

hpx_rows *hpx_rows_to_json(hpx_json *json)
{
    hpx_rows *rows = hpx_alloc(sizeof *rows);
    rows->json = json;
    return rows;
}

hpx_rows *hpx_rows_to_table(void)
{
    return hpx_alloc(sizeof(hpx_rows));
}

hpx_rows *hpx_rows_to_long_table(hpx_buffer *out)
{
    hpx_rows *rows = hpx_alloc(sizeof *rows);
    rows->out = out;
    return rows;
}

hpx_rows *hpx_rows_to_csv(void)
{
    hpx_rows *rows = hpx_alloc(sizeof *rows);
    rows->is_csv = true;
    return rows;
}

bool hpx_rows_are_json(const hpx_rows *rows)
{
    return rows->json != NULL;
}

void hpx_rows_add_column(hpx_rows *rows, const char *heading, const char *path, char alignment,
                         hpx_show_fn *show, int digits)
{
    rows->columns = hpx_grow(rows->columns, &rows->capacity, rows->count + 1, sizeof *rows->columns);
    rows->columns[rows->count++] =
        (hpx_column){hpx_strdup(heading), hpx_strdup(path), alignment, show, digits};
}

void hpx_rows_add_columns(hpx_rows *rows, const hpx_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hpx_rows_add_column(rows, columns[i].heading, columns[i].path, columns[i].alignment, columns[i].show,
                            columns[i].digits);
}

static void quote_csv(hpx_buffer *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        hpx_buffer_puts(out, text);
        return;
    }
    hpx_buffer_puts(out, "\"");
    for (; *text; text++)
        hpx_buffer_printf(out, *text == '"' ? "\"\"" : "%c", *text);
    hpx_buffer_puts(out, "\"");
}

static void begin_table(hpx_rows *rows)
{
    if (!rows->table) {
        char *alignment = hpx_alloc(rows->count + 1);
        for (size_t i = 0; i < rows->count; i++)
            alignment[i] = rows->columns[i].alignment;
        rows->table = hpx_table_new(alignment);
        free(alignment);
        if (rows->out)
            hpx_table_begin_passes(rows->table);
    }
    for (size_t i = 0; i < rows->count; i++)
        hpx_table_put(rows->table, rows->columns[i].heading, strlen(rows->columns[i].heading));
}

static void begin_csv(hpx_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        hpx_buffer_puts(&rows->csv, i ? "," : "");
        quote_csv(&rows->csv, rows->columns[i].heading);
    }
    hpx_buffer_puts(&rows->csv, "\n");
}

/* The headings, once all columns are known. */
static void begin(hpx_rows *rows)
{
    if (!rows->begun && rows->is_csv)
        begin_csv(rows);
    else if (!rows->begun && !rows->json)
        begin_table(rows);
    rows->begun = true;
}

hpx_row *hpx_rows_begin(hpx_rows *rows)
{
    hpx_row_clear(&rows->row);
    hpx_row_open(&rows->row, NULL, '{');
    return &rows->row;
}

hpx_row *hpx_rows_begin_flat(hpx_rows *rows)
{
    hpx_row_clear(&rows->row);
    hpx_row_open_flat(&rows->row, NULL, '{');
    return &rows->row;
}

static bool is_nothing(const hpx_value *value)
{
    return !value || value->kind == HPX_VALUE_NULL || (value->kind == HPX_VALUE_REAL && isnan(value->real));
}

static void show_plain(hpx_buffer *out, const hpx_row *row, const hpx_value *value)
{
    char text[HPX_REAL_TEXT_BYTES];
    if (value->kind == HPX_VALUE_COUNT)
        hpx_text_count(out, value->count);
    else if (value->kind == HPX_VALUE_REAL)
        hpx_buffer_puts(out, hpx_real_text(text, value->real));
    else if (value->kind == HPX_VALUE_BOOL)
        hpx_buffer_puts(out, value->truth ? "yes" : "no");
    else if (value->kind == HPX_VALUE_TEXT || value->kind == HPX_VALUE_SETTING)
        hpx_buffer_puts(out, hpx_value_text(row, value));
}

static void show(hpx_buffer *out, const hpx_row *row, const hpx_column *column, const char *nothing)
{
    const hpx_value *value = hpx_row_find(row, column->path);
    value = is_nothing(value) ? NULL : value;
    if (column->show)
        column->show(out, row, value, column);
    else if (value)
        show_plain(out, row, value);
    else
        hpx_buffer_puts(out, nothing);
}

/* Whether a cell shows something, that is neither "-" nor that there could be nothing. */
static bool has_something(hpx_buffer *cell)
{
    return cell->size > 0 && strcmp(hpx_buffer_text(cell), "-") != 0 &&
           strcmp(hpx_buffer_text(cell), "failed") != 0;
}

static void add_cells(hpx_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        rows->cell.size = 0;
        show(&rows->cell, &rows->row, &rows->columns[i], "-");
        if (isupper((unsigned char)rows->columns[i].alignment) && has_something(&rows->cell))
            hpx_table_keep(rows->table, i);
        hpx_table_put(rows->table, rows->cell.data, rows->cell.size);
    }
}

static void add_line(hpx_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        rows->cell.size = 0;
        show(&rows->cell, &rows->row, &rows->columns[i], "");
        hpx_buffer_puts(&rows->csv, i ? "," : "");
        quote_csv(&rows->csv, hpx_buffer_text(&rows->cell));
    }
    hpx_buffer_puts(&rows->csv, "\n");
}

void hpx_rows_end(hpx_rows *rows)
{
    hpx_row_close(&rows->row);
    begin(rows);
    if (rows->json)
        hpx_row_to_json(rows->json, &rows->row);
    else if (rows->is_csv)
        add_line(rows);
    else
        add_cells(rows);
}

bool hpx_rows_next_pass(hpx_rows *rows)
{
    rows->begun = false;
    return rows->out && rows->table && hpx_table_next_pass(rows->table, rows->out);
}

void hpx_rows_finish(hpx_buffer *out, hpx_rows *rows)
{
    begin(rows);
    if (rows->table)
        hpx_table_print(out, rows->table);
    hpx_buffer_add(out, rows->csv.data, rows->csv.size);
    hpx_rows_free(rows);
}

void hpx_rows_free(hpx_rows *rows)
{
    if (!rows)
        return;
    for (size_t i = 0; i < rows->count; i++) {
        free((char *)rows->columns[i].heading);
        free((char *)rows->columns[i].path);
    }
    free(rows->columns);
    hpx_table_free(rows->table);
    hpx_row_free(&rows->row);
    hpx_buffer_free(&rows->csv);
    hpx_buffer_free(&rows->cell);
    free(rows);
}

/* --- ways to show values ---------------------------------------------------------------------------------- */

static double number_of(const hpx_value *value)
{
    return value->kind == HPX_VALUE_COUNT ? (double)value->count : value->real;
}

void hpx_show_digits(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    if (value)
        hpx_buffer_printf(out, "%.*s", column->digits, hpx_value_text(row, value));
    else
        hpx_buffer_puts(out, "-");
}

void hpx_show_decimals(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    (void)row;
    if (value)
        hpx_text_decimals(out, number_of(value), column->digits);
    else
        hpx_buffer_puts(out, "-");
}

void hpx_show_cell(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    hpx_buffer pairs = {0};
    (void)column;
    for (size_t at = (size_t)(value - row->values) + 1; at < value->end; at++) {
        const char *axis = name_of(row, &row->values[at]), *setting = hpx_value_text(row, &row->values[at]);
        hpx_buffer_add(&pairs, axis, strlen(axis) + 1);
        hpx_buffer_add(&pairs, setting, strlen(setting) + 1);
    }
    const hpx_cell cell = hpx_cell_of(&pairs);
    hpx_cell_print(out, &cell);
    hpx_buffer_free(&pairs);
}

void hpx_show_metric(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    const hpx_value *status = hpx_row_find(row, "status");
    if (status && strcmp(hpx_value_text(row, status), "failed") == 0)
        hpx_buffer_puts(out, "failed");
    else
        hpx_show_decimals(out, row, value, column);
}

void hpx_show_about(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    (void)row, (void)column;
    if (!value)
        hpx_buffer_puts(out, "?");
    else if (value->kind == HPX_VALUE_COUNT)
        hpx_text_about(out, value->count);
    else
        hpx_buffer_printf(out, "%.3g", value->real);
}

void hpx_show_duration(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    char text[32];
    (void)row, (void)column;
    hpx_buffer_puts(out, hpx_duration_text(text, value ? number_of(value) : NAN));
}

void hpx_show_bytes(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    char text[32];
    (void)row, (void)column;
    hpx_buffer_puts(out, hpx_bytes_text(text, value ? value->count : 0));
}

void hpx_show_if_any(hpx_buffer *out, const hpx_row *row, const hpx_value *value, const hpx_column *column)
{
    (void)column;
    if (value)
        show_plain(out, row, value);
}
