/* Tables of results, as `export --csv` writes them (RFC 4180). */
#include "run/measured.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_BYTES_MAX ((size_t)1 << 30)
#define NO_COLUMN       SIZE_MAX
#define SHOWN           200 /* bytes of columns in a message */

struct table {
    const hpx_recipe *recipe;
    const char *path;
    const char *const *metrics;
    size_t metric_count;
    char *at;              /* what remains to be read, NUL-terminated; fields are cut out of it in place */
    size_t line, newlines; /* of the row, the first being 1; read so far */
    char **row;
    size_t row_count, row_capacity;
    size_t columns; /* of the header */
    size_t axis_columns[HPX_AXES_MAX], seed_column, epoch_column, status_column;
    size_t metric_columns[HPX_MEASURED_METRICS_MAX];
    hpx_measured *measured;
};

/* Cuts the next field off, unquoted in place; says whether the row goes on. */
static bool next_field(struct table *table, char **field)
{
    char *from = table->at, *to = table->at;
    *field = to;
    if (*from == '"') {
        from++;
        while (*from && !(from[0] == '"' && from[1] != '"')) {
            from += from[0] == '"';
            table->newlines += *from == '\n';
            *to++ = *from++;
        }
        from += *from == '"';
    }
    while (*from && *from != ',' && *from != '\n' && *from != '\r')
        *to++ = *from++;
    bool more = *from == ',';
    while (*from == '\r')
        from++;
    table->newlines += *from == '\n';
    from += *from == ',' || *from == '\n';
    *to = 0;
    table->at = from;
    return more;
}

/* The next row that is not empty; false at the end. */
static bool next_row(struct table *table)
{
    do {
        if (*table->at == 0)
            return false;
        table->line = table->newlines + 1;
        table->row_count = 0;
        bool more = true;
        while (more) {
            table->row = hpx_grow(table->row, &table->row_capacity, table->row_count + 1, sizeof *table->row);
            more = next_field(table, &table->row[table->row_count++]);
        }
    } while (table->row_count == 1 && table->row[0][0] == 0);
    return true;
}

static size_t find_column(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->columns; i++)
        if (strcmp(table->row[i], name) == 0)
            return i;
    return NO_COLUMN;
}

/* A column that no axis has taken: an axis may be called `seed`, too. */
static size_t find_own_column(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->columns; i++) {
        size_t axis = 0;
        while (axis < table->recipe->grid.axes && table->axis_columns[axis] != i)
            axis++;
        if (axis == table->recipe->grid.axes && strcmp(table->row[i], name) == 0)
            return i;
    }
    return NO_COLUMN;
}

/* A metric that is called like another column has the name metric.NAME. */
static size_t find_metric_column(const struct table *table, const char *name)
{
    char *marked = hpx_format("metric.%s", name);
    const size_t column = find_own_column(table, marked);
    free(marked);
    return column == NO_COLUMN ? find_own_column(table, name) : column;
}

/* `what` the column is. Says which there are, for whoever has misspelt one or has other separators. */
static hpx_status no_column(const struct table *table, const char *name, const char *what, hpx_error *error)
{
    hpx_buffer columns = {0};
    for (size_t i = 0; i < table->columns && columns.size < SHOWN; i++)
        hpx_buffer_printf(&columns, "%s'%.*s'", i ? ", " : "", SHOWN, table->row[i]);
    hpx_error_set(error, HPX_USAGE, "%s:1: no column '%s', %s of %s; it has: %s%s", table->path, name, what,
                  table->recipe->path, hpx_buffer_text(&columns),
                  table->columns == 1 ? "; commas separate columns" : "");
    hpx_buffer_free(&columns);
    return HPX_USAGE;
}

static hpx_status read_header(struct table *table, hpx_error *error)
{
    const hpx_recipe *recipe = table->recipe;
    if (!next_row(table))
        return hpx_error_set(error, HPX_USAGE, "%s: empty; expected a header and rows", table->path);
    table->columns = table->row_count;
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        table->axis_columns[axis] = find_column(table, recipe->axes[axis].name);
        if (table->axis_columns[axis] == NO_COLUMN)
            return no_column(table, recipe->axes[axis].name, "an axis", error);
    }
    for (size_t i = 0; i < table->metric_count; i++)
        table->metric_columns[i] = find_metric_column(table, table->metrics[i]);
    table->seed_column = find_own_column(table, "seed");
    table->epoch_column = find_own_column(table, "epoch");
    table->status_column = find_own_column(table, "status");
    if (table->metric_columns[0] == NO_COLUMN)
        return no_column(table, table->metrics[0], "the objective", error);
    table->measured = hpx_measured_new(recipe, table->metric_count, table->seed_column == NO_COLUMN);
    return HPX_OK;
}

static bool same_value(const hpx_axis_value *value, const char *text)
{
    double number;
    if (!isnan(value->number))
        return hpx_parse_real(&number, text) && number == value->number;
    return strcmp(value->text, text) == 0;
}

/* Rows beside the recipe's grid are passed over: a table may hold more than one recipe's. */
static bool row_cell(uint32_t *cell, const struct table *table)
{
    const hpx_recipe *recipe = table->recipe;
    uint32_t indices[HPX_AXES_MAX];
    for (size_t a = 0; a < recipe->grid.axes; a++) {
        const hpx_axis *axis = &recipe->axes[a];
        uint32_t i = 0;
        while (i < axis->count && !same_value(&axis->values[i], table->row[table->axis_columns[a]]))
            i++;
        if (i == axis->count)
            return false;
        indices[a] = i;
    }
    *cell = hpx_grid_cell(&recipe->grid, indices);
    return true;
}

/* A whole number of the row, in a column that need not be there. */
static hpx_status read_count(uint64_t *out, const struct table *table, size_t column, const char *name,
                             hpx_error *error)
{
    double number; /* "2.0", too, as a column with gaps comes from other tools */
    if (column == NO_COLUMN)
        return HPX_OK;
    if (!hpx_parse_real(&number, table->row[column]) || number < 0 || number > UINT32_MAX ||
        number != floor(number))
        return hpx_error_set(error, HPX_USAGE, "%s:%zu: %s '%s' is no whole number from 0 to %" PRIu32,
                             table->path, table->line, name, table->row[column], UINT32_MAX);
    *out = (uint64_t)number;
    return HPX_OK;
}

/* Whether the row failed, has a value of the first metric or neither. */
static hpx_status read_result(hpx_measure *measure, double *values, const struct table *table,
                              hpx_error *error)
{
    const char *word = table->status_column == NO_COLUMN ? "" : table->row[table->status_column];
    const char *first = table->row[table->metric_columns[0]];
    *measure = strcmp(word, "failed") == 0 ? HPX_MEASURE_FAILED
               : *first                    ? HPX_MEASURE_VALUE
                                           : HPX_MEASURE_MISSING;
    if (*word && *measure != HPX_MEASURE_FAILED)
        return hpx_error_set(error, HPX_USAGE, "%s:%zu: status '%s': expected nothing or 'failed'",
                             table->path, table->line, word);
    for (size_t i = 0; i < table->metric_count && *measure == HPX_MEASURE_VALUE; i++) {
        const size_t column = table->metric_columns[i];
        const char *text = column == NO_COLUMN ? "" : table->row[column];
        values[i] = NAN;
        if (*text && !hpx_parse_real(&values[i], text))
            return hpx_error_set(error, HPX_USAGE, "%s:%zu: %s '%s' is not a number", table->path,
                                 table->line, table->metrics[i], text);
    }
    return HPX_OK;
}

static hpx_status add_row(struct table *table, hpx_error *error)
{
    const hpx_recipe *recipe = table->recipe;
    uint32_t cell;
    uint64_t epoch = recipe->epochs, seed = 0;
    hpx_measure measure = HPX_MEASURE_MISSING;
    double values[HPX_MEASURED_METRICS_MAX];
    if (table->row_count != table->columns)
        return hpx_error_set(error, HPX_USAGE, "%s:%zu: %zu fields; the header has %zu", table->path,
                             table->line, table->row_count, table->columns);
    if (!row_cell(&cell, table))
        return HPX_OK;
    hpx_status status = read_count(&epoch, table, table->epoch_column, "epoch", error);
    if (!status)
        status = read_count(&seed, table, table->seed_column, "seed", error);
    if (!status)
        status = read_result(&measure, values, table, error);
    if (status || measure == HPX_MEASURE_MISSING || epoch < 1 || epoch > recipe->epochs)
        return status;
    const hpx_request request = {cell, (uint32_t)epoch};
    const bool fresh = measure == HPX_MEASURE_FAILED
                           ? hpx_measured_fail(table->measured, (uint32_t)seed, request)
                           : hpx_measured_add(table->measured, (uint32_t)seed, request, values);
    return fresh ? HPX_OK
                 : hpx_error_set(error, HPX_USAGE, "%s:%zu: a second row for the same cell", table->path,
                                 table->line);
}

hpx_status hpx_measured_parse(hpx_measured **out, const hpx_recipe *recipe, const char *const *metrics,
                              size_t count, const char *path, hpx_buffer *bytes, hpx_error *error)
{
    struct table table = {.recipe = recipe, .path = path, .metrics = metrics, .metric_count = count};
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, before the first column */
    hpx_buffer_text(bytes);
    table.at = (char *)bytes->data;
    if (strncmp(table.at, mark, strlen(mark)) == 0)
        table.at += strlen(mark);
    hpx_status status = memchr(bytes->data, 0, bytes->size)
                            ? hpx_error_set(error, HPX_USAGE, "%s: no text: expected a CSV table", path)
                            : read_header(&table, error);
    while (!status && next_row(&table))
        status = add_row(&table, error);
    if (status) {
        hpx_measured_free(table.measured);
        table.measured = NULL;
    }
    *out = table.measured;
    free(table.row);
    return status;
}

hpx_status hpx_measured_read(hpx_measured **out, const hpx_recipe *recipe, const char *const *metrics,
                             size_t count, const char *path, hpx_error *error)
{
    hpx_buffer bytes = {0};
    *out = NULL;
    hpx_status status = hpx_stream_read(&bytes, path, TABLE_BYTES_MAX, error);
    if (!status)
        status = hpx_measured_parse(out, recipe, metrics, count, path, &bytes, error);
    hpx_buffer_free(&bytes);
    return status;
}
