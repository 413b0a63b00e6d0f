/* --where, --sort and --top: which results a command shows, and in what order. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a result has under a name: a number (text NULL), or a text; neither where it has nothing. */
struct value {
    const char *text;
    double number;
};

static const char *const names[] = {"key",    "cell", "seed",    "epoch",   "seeds", "score",
                                    "status", "host", "seconds", "trained", NULL};

static struct value number_of(double number)
{
    return (struct value){.number = number};
}

/* `room`: for a text that is put together. */
static struct value value_of(const struct result *result, const char *name, hpx_buffer *room)
{
    const hpx_artifact *artifact = &result->artifact;
    const char *value = hpx_cell_value(&artifact->cell, name);
    double number;
    if (value)
        return hpx_parse_real(&number, value) ? number_of(number) : (struct value){.text = value};
    for (int metric = 0; metric < HPX_METRICS; metric++)
        if (strcmp(name, hpx_metric_names[metric]) == 0)
            return number_of(artifact->metrics.values[metric]);
    char hex[HPX_HASH_HEX_BYTES];
    room->size = 0;
    if (strcmp(name, "seed") == 0)
        return number_of((double)artifact->seed);
    if (strcmp(name, "seeds") == 0)
        return number_of((double)result->seeds);
    if (strcmp(name, "epoch") == 0)
        return number_of(artifact->epoch);
    if (strcmp(name, "seconds") == 0)
        return number_of(artifact->total_seconds);
    if (strcmp(name, "trained") == 0)
        return number_of((double)artifact->started_ns);
    if (strcmp(name, "key") == 0)
        hpx_buffer_puts(room, hpx_hash_hex(hex, &artifact->key));
    else if (strcmp(name, "cell") == 0)
        hpx_cell_print(room, &artifact->cell);
    else if (strcmp(name, "host") == 0)
        hpx_buffer_puts(room, artifact->host);
    else if (strcmp(name, "status") == 0)
        hpx_buffer_puts(room, *artifact->failure ? "failed" : "done");
    else
        return number_of(NAN);
    return (struct value){.text = hpx_buffer_text(room)};
}

/* The metric that a column's name means; HPX_METRICS: none. The tables' short heads are accuracies. */
static hpx_metric metric_of(const char *name, hpx_metric objective)
{
    if (strcmp(name, "score") == 0)
        return objective;
    for (int metric = 0; metric < HPX_METRICS; metric++)
        if (strcmp(name, hpx_metric_names[metric]) == 0)
            return (hpx_metric)metric;
    return strcmp(name, "validation") == 0 ? HPX_VALIDATION_ACCURACY
           : strcmp(name, "test") == 0     ? HPX_TEST_ACCURACY
                                           : HPX_METRICS;
}

static const char *full_name(const char *name, hpx_metric objective)
{
    hpx_metric metric = metric_of(name, objective);
    return metric == HPX_METRICS ? name : hpx_metric_names[metric];
}

/* Whether the condition NAME=VALUE holds. */
static bool holds(const struct result *result, const char *condition, hpx_metric objective)
{
    const char *equals = strchr(condition, '=');
    char *name = hpx_strndup(condition, (size_t)(equals - condition));
    hpx_buffer room = {0};
    double wanted = NAN;
    struct value value = value_of(result, full_name(name, objective), &room);
    bool same = value.text ? strcmp(value.text, equals + 1) == 0
                           : hpx_parse_real(&wanted, equals + 1) && wanted == value.number;
    if (strcmp(name, "key") == 0 && value.text)
        same = strncasecmp(value.text, equals + 1, strlen(equals + 1)) == 0;
    hpx_buffer_free(&room);
    free(name);
    return same;
}

struct order {
    const char *name;
    bool descending; /* the best first */
};

static int compare(const void *a, const void *b, void *context)
{
    const struct order *order = context;
    hpx_buffer rooms[2] = {{0}, {0}};
    struct value p = value_of(a, order->name, &rooms[0]), q = value_of(b, order->name, &rooms[1]);
    int result;
    if (p.text || q.text)
        result = p.text && q.text ? strcmp(p.text, q.text) : (q.text != NULL) - (p.text != NULL);
    else if (isnan(p.number) || isnan(q.number))
        result = isnan(p.number) - isnan(q.number); /* what has none is last */
    else
        result = ((p.number > q.number) - (p.number < q.number)) * (order->descending ? -1 : 1);
    hpx_buffer_free(&rooms[0]);
    hpx_buffer_free(&rooms[1]);
    const struct result *x = a, *y = b;
    return result ? result : (x->number > y->number) - (x->number < y->number);
}

void results_add(struct results *results, const struct result *result)
{
    if (!results->cells)
        results->cells = hpx_cell_set_new();
    results->at = hpx_grow(results->at, &results->capacity, results->count + 1, sizeof *results->at);
    struct result *copy = &results->at[results->count];
    *copy = *result;
    copy->artifact.cell = hpx_cell_set_keep(results->cells, &result->artifact.cell);
    copy->number = results->count++;
}

void results_order(struct results *results, const char *column, hpx_metric objective,
                   const struct options *options)
{
    if (column && results->count > 0) {
        hpx_metric metric = metric_of(column, objective);
        struct order order = {full_name(column, objective),
                              metric != HPX_METRICS && !hpx_metric_minimised(metric)};
        qsort_r(results->at, results->count, sizeof *results->at, compare, &order);
    }
    if (options->top && options->top < results->count)
        results->count = options->top;
}

void results_free(struct results *results)
{
    hpx_cell_set_free(results->cells);
    free(results->at);
    *results = (struct results){0};
}

static bool is_known(const struct results *results, const char *name)
{
    for (const char *const *known = names; *known; known++)
        if (strcmp(*known, name) == 0)
            return true;
    for (size_t i = 0; i < results->count; i++)
        if (hpx_cell_value(&results->at[i].artifact.cell, name))
            return true;
    return metric_of(name, HPX_TEST_LOSS) != HPX_METRICS || results->count == 0;
}

static hpx_status check_name(const struct results *results, const char *option, const char *name,
                             hpx_error *error)
{
    if (is_known(results, name))
        return HPX_OK;
    const char *nearest = hpx_nearest_word(name, names);
    return hpx_error_set(error, HPX_USAGE,
                         "%s %s: no result has that%s%s%s expected an axis, a metric, key, seed, epoch, "
                         "status, host, seconds or trained",
                         option, name, nearest ? "; did you mean '" : ";", nearest ? nearest : "",
                         nearest ? "'?" : "");
}

hpx_status results_check(const struct results *results, const struct options *options, hpx_error *error)
{
    hpx_status status = options->sort ? check_name(results, "--sort", options->sort, error) : HPX_OK;
    for (size_t i = 0; i < options->where_count && !status; i++) {
        char *name = hpx_strndup(options->where[i], strcspn(options->where[i], "="));
        status = check_name(results, "--where", name, error);
        free(name);
    }
    return status;
}

void results_filter(struct results *results, hpx_metric objective, const struct options *options)
{
    size_t kept = 0;
    for (size_t i = 0; i < results->count; i++) {
        bool all = true;
        for (size_t c = 0; c < options->where_count && all; c++)
            all = holds(&results->at[i], options->where[c], objective);
        if (all)
            results->at[kept++] = results->at[i];
    }
    results->count = kept;
}
