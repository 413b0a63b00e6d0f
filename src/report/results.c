#include "report/results.h"

#include "parts.h"

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

/* The metric that a column's name means: metric.NAME, or NAME. */
static const hpx_metric *find_metric(const hpx_artifact *artifact, const char *name)
{
    static const char prefix[] = "metric.";
    const bool marked = strncmp(name, prefix, strlen(prefix)) == 0;
    for (size_t i = 0; i < artifact->metrics.count; i++) {
        const hpx_metric *metric = &artifact->metrics.list[i];
        if (strcmp(name, metric->name) == 0 || (marked && strcmp(name + strlen(prefix), metric->name) == 0))
            return metric;
    }
    return NULL;
}

/* `room`: for a text that is put together. */
static struct value value_of(const hpx_stored_result *result, const char *name, hpx_buffer *room)
{
    const hpx_artifact *artifact = &result->artifact;
    const char *value = hpx_cell_value(&artifact->cell, name);
    double number;
    if (value)
        return hpx_parse_real(&number, value) ? number_of(number) : (struct value){.text = value};
    const hpx_metric *metric = find_metric(artifact, name);
    if (metric)
        return number_of(metric->value);
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

/* What a column's name stands for: "score" for the objective, and the headings of tables for their metrics. */
static const char *full_name(const char *name, const hpx_objective *objective)
{
    return strcmp(name, "score") == 0 ? objective->name : hpx_metric_under(name);
}

/* Whether the condition NAME=VALUE holds. */
static bool holds(const hpx_stored_result *result, const char *condition, const hpx_objective *objective)
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
    const hpx_stored_result *x = a, *y = b;
    return result ? result : (x->number > y->number) - (x->number < y->number);
}

static hpx_stored_result *add(hpx_results *results, const hpx_artifact *artifact)
{
    if (!results->cells)
        results->cells = hpx_cell_set_new();
    results->at = hpx_grow(results->at, &results->capacity, results->count + 1, sizeof *results->at);
    hpx_stored_result *result = &results->at[results->count];
    *result = (hpx_stored_result){.artifact = hpx_artifact_copy(artifact), .number = results->count};
    result->artifact.cell = hpx_cell_set_keep(results->cells, &artifact->cell);
    results->count++;
    return result;
}

void hpx_results_add(hpx_results *results, const hpx_artifact *artifact)
{
    add(results, artifact)->seeds = 1;
}

/* Means and spread as B. P. Welford computes them (Technometrics 4, 1962). */
void hpx_results_add_seed(hpx_results *results, const hpx_artifact *artifact, const hpx_objective *objective)
{
    hpx_stored_result *last = results->count ? &results->at[results->count - 1] : NULL;
    if (!last || !hpx_cell_equal(&last->artifact.cell, &artifact->cell))
        last = add(results, artifact);
    hpx_metrics *means = &last->artifact.metrics;
    const double n = (double)++last->seeds;
    for (size_t i = 0; i < means->count; i++) {
        const char *name = means->list[i].name;
        const double value = hpx_metrics_value(&artifact->metrics, name);
        const double before = value - means->list[i].value;
        means->list[i].value += before / n;
        if (strcmp(name, objective->name) == 0)
            last->spread += before * (value - means->list[i].value);
    }
}

double hpx_stored_result_sd(const hpx_stored_result *result)
{
    return result->seeds > 1 ? sqrt(result->spread / (double)(result->seeds - 1)) : NAN;
}

static void drop_behind(hpx_results *results, size_t count)
{
    while (results->count > count)
        hpx_artifact_free(&results->at[--results->count].artifact);
}

void hpx_results_metrics(hpx_names *metrics, const hpx_results *results)
{
    for (size_t i = 0; i < results->count; i++)
        hpx_names_add_metrics(metrics, &results->at[i].artifact.metrics);
}

static bool is_metric(const hpx_results *results, const char *name)
{
    for (size_t i = 0; i < results->count; i++)
        if (find_metric(&results->at[i].artifact, name))
            return true;
    return false;
}

/* Whether more of it is better. */
static bool is_maximised(const hpx_results *results, const char *name, const hpx_objective *objective)
{
    bool minimised;
    if (strcmp(name, objective->name) == 0)
        return !objective->minimised;
    return is_metric(results, name) && hpx_metric_direction(&minimised, name) && !minimised;
}

static void order(hpx_results *results, const hpx_objective *objective, const hpx_selection *selection)
{
    if (selection->sort && results->count > 0) {
        const char *name = full_name(selection->sort, objective);
        struct order by = {name, is_maximised(results, name, objective)};
        qsort_r(results->at, results->count, sizeof *results->at, compare, &by);
    }
    if (selection->top && selection->top < results->count)
        drop_behind(results, selection->top);
}

void hpx_results_free(hpx_results *results)
{
    drop_behind(results, 0);
    hpx_cell_set_free(results->cells);
    free(results->at);
    *results = (hpx_results){0};
}

static bool is_known(const hpx_results *results, const char *name)
{
    for (const char *const *known = names; *known; known++)
        if (strcmp(*known, name) == 0)
            return true;
    for (size_t i = 0; i < results->count; i++)
        if (hpx_cell_value(&results->at[i].artifact.cell, name))
            return true;
    return results->count == 0 || is_metric(results, full_name(name, &(hpx_objective){.name = name}));
}

static hpx_status check_name(const hpx_results *results, const char *option, const char *name,
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

static hpx_status check_names(const hpx_results *results, const hpx_selection *selection, hpx_error *error)
{
    hpx_status status = selection->sort ? check_name(results, "--sort", selection->sort, error) : HPX_OK;
    for (size_t i = 0; i < selection->where_count && !status; i++) {
        char *name = hpx_strndup(selection->where[i], strcspn(selection->where[i], "="));
        status = check_name(results, "--where", name, error);
        free(name);
    }
    return status;
}

static void filter(hpx_results *results, const hpx_objective *objective, const hpx_selection *selection)
{
    size_t kept = 0;
    for (size_t i = 0; i < results->count; i++) {
        bool all = true;
        for (size_t c = 0; c < selection->where_count && all; c++)
            all = holds(&results->at[i], selection->where[c], objective);
        if (!all)
            continue;
        hpx_stored_result left_out = results->at[kept];
        results->at[kept++] = results->at[i];
        results->at[i] = left_out;
    }
    drop_behind(results, kept);
}

hpx_status hpx_results_select(hpx_results *results, const hpx_objective *objective,
                              const hpx_selection *selection, hpx_error *error)
{
    hpx_status status = check_names(results, selection, error);
    if (status)
        return status;
    filter(results, objective, selection);
    order(results, objective, selection);
    return HPX_OK;
}
