/* A replay: the searches over a table of results instead of training. The table is CSV (RFC 4180): a header
 * and a row per cell, or per cell, seed and epoch. Of its columns a replay reads the axes, the objective (or
 * metric.OBJECTIVE), and, where they are there, `seed` (only the recipe's seeds), `epoch` (up to the recipe's epochs) and
 * `status` (empty, or "failed": in this epoch, and so in all later ones). A row that has neither failed nor
 * an objective says nothing. */
#include "hpx/build.h"

#include "ledger.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_BYTES_MAX ((size_t)1 << 30)
#define NO_COLUMN       SIZE_MAX

/* What the table says of a cell with a seed after an epoch. */
enum slot { MISSING, SCORED, FAILED };

struct entry {
    double value; /* SCORED */
    enum slot slot;
};

struct table {
    const hpx_recipe *recipe;
    const char *path;
    char *at;              /* what remains to be read, NUL-terminated; fields are cut out of it in place */
    size_t line, newlines; /* of the row, the first being 1; read so far */
    char **row;
    size_t row_count, row_capacity;
    size_t columns; /* of the header */
    size_t axis_columns[HPX_AXES_MAX], seed_column, epoch_column, status_column, value_column;
    hpx_requests entries; /* struct entry for every seed */
    hpx_requests
        failed; /* by cell, at 0 epochs: uint32_t for every seed, the epoch in which it failed; 0: none */
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

static hpx_status read_header(struct table *table, hpx_error *error)
{
    const hpx_recipe *recipe = table->recipe;
    if (!next_row(table))
        return hpx_error_set(error, HPX_USAGE, "%s: empty; expected a header and rows", table->path);
    table->columns = table->row_count;
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        table->axis_columns[axis] = find_column(table, recipe->axes[axis].name);
        if (table->axis_columns[axis] == NO_COLUMN)
            return hpx_error_set(error, HPX_USAGE, "%s:1: no column '%s', an axis of %s", table->path,
                                 recipe->axes[axis].name, recipe->path);
    }
    const char *objective = recipe->objective.name;
    table->value_column = find_metric_column(table, objective);
    table->seed_column = find_own_column(table, "seed");
    table->epoch_column = find_own_column(table, "epoch");
    table->status_column = find_own_column(table, "status");
    if (table->value_column == NO_COLUMN)
        return hpx_error_set(error, HPX_USAGE, "%s:1: no column '%s', the objective of %s", table->path,
                             objective, recipe->path);
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
    if (column == NO_COLUMN || hpx_parse_u64(out, table->row[column]))
        return HPX_OK;
    return hpx_error_set(error, HPX_USAGE, "%s:%zu: %s '%s' is not a number", table->path, table->line, name,
                         table->row[column]);
}

/* Whether the row failed, has a value or neither. */
static hpx_status read_result(enum slot *slot, double *value, const struct table *table, hpx_error *error)
{
    const char *text = table->row[table->value_column];
    const char *word = table->status_column == NO_COLUMN ? "" : table->row[table->status_column];
    *slot = strcmp(word, "failed") == 0 ? FAILED : *text ? SCORED : MISSING;
    if (*word && *slot != FAILED)
        return hpx_error_set(error, HPX_USAGE, "%s:%zu: status '%s': expected nothing or 'failed'",
                             table->path, table->line, word);
    if (*slot == SCORED && !hpx_parse_real(value, text))
        return hpx_error_set(error, HPX_USAGE, "%s:%zu: %s '%s' is not a number", table->path, table->line,
                             table->recipe->objective.name, text);
    return HPX_OK;
}

/* The epoch, up to that of the request, in which the table says that the training failed; 0: it did not. */
static uint32_t failed_epoch(const struct table *table, hpx_request request, size_t seed)
{
    const uint32_t *failed = hpx_requests_find(&table->failed, (hpx_request){request.cell, 0});
    return failed && failed[seed] <= request.epochs ? failed[seed] : 0;
}

static enum slot find_entry(double *value, const struct table *table, hpx_request request, size_t seed)
{
    const struct entry *entries = hpx_requests_find(&table->entries, request);
    *value = entries ? entries[seed].value : NAN;
    return failed_epoch(table, request, seed) ? FAILED : entries ? entries[seed].slot : MISSING;
}

static hpx_status add_entry(struct table *table, hpx_request request, size_t seed, enum slot slot,
                            double value, hpx_error *error)
{
    const hpx_request last = {request.cell, table->recipe->epochs};
    double other;
    if (find_entry(&other, table, slot == FAILED ? last : request, seed) != MISSING)
        return hpx_error_set(error, HPX_USAGE, "%s:%zu: a second row for the same cell", table->path,
                             table->line);
    if (slot == FAILED) {
        uint32_t *failed = hpx_requests_at(&table->failed, (hpx_request){request.cell, 0});
        failed[seed] = request.epochs;
    } else {
        struct entry *entries = hpx_requests_at(&table->entries, request);
        entries[seed] = (struct entry){value, SCORED};
    }
    return HPX_OK;
}

/* Stores what the row says for every seed it stands for. */
static hpx_status add_row(struct table *table, hpx_error *error)
{
    const hpx_recipe *recipe = table->recipe;
    uint32_t cell;
    uint64_t epoch = recipe->epochs, seed = 0;
    enum slot slot = MISSING;
    double value = NAN;
    if (table->row_count != table->columns)
        return hpx_error_set(error, HPX_USAGE, "%s:%zu: %zu fields; the header has %zu", table->path,
                             table->line, table->row_count, table->columns);
    if (!row_cell(&cell, table))
        return HPX_OK;
    hpx_status status = read_count(&epoch, table, table->epoch_column, "epoch", error);
    if (!status)
        status = read_count(&seed, table, table->seed_column, "seed", error);
    if (!status)
        status = read_result(&slot, &value, table, error);
    if (status || slot == MISSING || epoch > recipe->epochs)
        return status;
    for (size_t i = 0; i < recipe->seed_count && !status; i++)
        if (table->seed_column == NO_COLUMN || recipe->seeds[i] == seed)
            status = add_entry(table, (hpx_request){cell, (uint32_t)epoch}, i, slot, value, error);
    return status;
}

static hpx_status read_table(struct table *table, hpx_error *error)
{
    const hpx_recipe *recipe = table->recipe;
    hpx_requests_init(&table->entries, &recipe->grid, recipe->seed_count * sizeof(struct entry));
    hpx_requests_init(&table->failed, &recipe->grid, recipe->seed_count * sizeof(uint32_t));
    hpx_status status = read_header(table, error);
    while (!status && next_row(table))
        status = add_row(table, error);
    return status;
}

struct replay {
    struct table *table;
    struct ledger ledger;
    const struct trial *missing;
    uint32_t missing_epochs;
};

static void look_up(void *context, struct trial *trial, uint32_t epochs, const hpx_buffer *manifest)
{
    (void)manifest;
    struct replay *replay = context;
    const hpx_recipe *recipe = replay->table->recipe;
    size_t seed = 0;
    while (recipe->seeds[seed] != trial->seed)
        seed++;
    const hpx_request request = {trial->cell, epochs};
    double value;
    enum slot slot = find_entry(&value, replay->table, request, seed);
    trial->state = TRIAL_KNOWN;
    trial->verdict = HPX_HIT;
    trial->needed = epochs > trial->needed ? epochs : trial->needed;
    if (slot == FAILED) {
        hpx_ledger_past(&replay->ledger, trial)->failure = "failed";
        trial->epoch = failed_epoch(replay->table, request, seed);
        return;
    }
    trial->epoch = epochs > trial->epoch ? epochs : trial->epoch;
    hpx_ledger_note(&replay->ledger, trial, epochs, value);
    if (slot == MISSING && !replay->missing) {
        replay->missing = trial;
        replay->missing_epochs = epochs;
    }
}

static hpx_status run(struct replay *replay, hpx_plan *plan, hpx_error *error)
{
    const hpx_request *requests;
    size_t count;
    while ((count = hpx_plan_ask(plan, &requests)) > 0) {
        for (size_t i = 0; i < count; i++) {
            double mean, sd;
            hpx_ledger_add(&replay->ledger, requests[i], look_up, replay);
            hpx_ledger_score(&mean, &sd, &replay->ledger, requests[i]);
            hpx_plan_tell(plan, requests[i], mean);
        }
        if (!replay->missing)
            continue;
        hpx_buffer cell = {0};
        hpx_experiment_cell_text(&cell, replay->ledger.experiment, replay->missing->cell);
        hpx_status status =
            hpx_error_set(error, HPX_USAGE, "%s: no row for %s (seed %u, epoch %u)", replay->table->path,
                          hpx_buffer_text(&cell), replay->missing->seed, replay->missing_epochs);
        hpx_buffer_free(&cell);
        return status;
    }
    return HPX_OK;
}

hpx_status hpx_replay(hpx_outcome **out, const hpx_recipe *recipe, const hpx_recipe_search *const *searches,
                      size_t search_count, const hpx_source_options *source_options, const char *table_path,
                      hpx_error *error)
{
    *out = NULL;
    hpx_buffer bytes = {0};
    struct table table = {.recipe = recipe, .path = table_path};
    struct replay replay = {.table = &table};
    hpx_experiment *experiment = NULL;
    hpx_plan *plan = NULL;
    hpx_source_options shape = *source_options;
    shape.shape_only = true;
    hpx_status status = hpx_file_read(&bytes, table_path, TABLE_BYTES_MAX, error);
    if (!status) {
        hpx_buffer_text(&bytes);
        table.at = (char *)bytes.data;
        status = read_table(&table, error);
    }
    if (!status)
        status = hpx_experiment_open(&experiment, recipe, &shape, error);
    if (!status) {
        hpx_ledger_init(&replay.ledger, experiment);
        plan = hpx_plan_new(recipe, searches, search_count, hpx_experiment_macs, experiment);
        status = run(&replay, plan, error);
    }
    if (!status)
        *out = hpx_outcome_of(plan, &replay.ledger, NULL);
    else
        hpx_ledger_free(&replay.ledger);
    hpx_plan_free(plan);
    hpx_experiment_free(experiment);
    hpx_requests_free(&table.entries);
    hpx_requests_free(&table.failed);
    free(table.row);
    hpx_buffer_free(&bytes);
    return status;
}
