#include "hpx/metrics.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAMES      "metric.names"
#define VALUES     "metric.values"
#define TEST       "test_"
#define VALIDATION "validation_"
#define FEW        16
#define SHOWN      300 /* bytes of names in a message */

bool hpx_metric_is_name(const char *name)
{
    size_t length = 0;
    for (; name[length] > ' ' && name[length] < 0x7f && name[length] != ',' && name[length] != '"'; length++)
        if (length == HPX_METRIC_NAME_MAX)
            return false;
    return length > 0 && name[length] == 0;
}

static bool begins_with(const char *name, const char *beginning)
{
    return strncmp(name, beginning, strlen(beginning)) == 0;
}

bool hpx_metric_is_of_test(const char *name)
{
    return begins_with(name, TEST);
}

bool hpx_metric_of_test(char out[HPX_METRIC_NAME_MAX + 1], const char *name)
{
    if (!begins_with(name, VALIDATION))
        return false;
    hpx_print(out, HPX_METRIC_NAME_MAX + 1, TEST "%s", name + strlen(VALIDATION));
    return true;
}

void hpx_metrics_free(hpx_metrics *metrics)
{
    free(metrics->list);
    *metrics = (hpx_metrics){0};
}

/* A list with room for its names behind it. */
static hpx_metrics new_list(size_t count, size_t name_bytes)
{
    return (hpx_metrics){hpx_realloc(NULL, 1, count * sizeof(hpx_metric) + name_bytes), count};
}

/* A list of `old` and one more; with its names' text as its own. */
static hpx_metrics join(const hpx_metrics *old, const hpx_metric *more)
{
    size_t name_bytes = more ? strlen(more->name) + 1 : 0;
    for (size_t i = 0; i < old->count; i++)
        name_bytes += strlen(old->list[i].name) + 1;
    hpx_metrics new = new_list(old->count + (more != NULL), name_bytes);
    char *text = (char *)(new.list + new.count);
    for (size_t i = 0; i < new.count; i++) {
        const hpx_metric *metric = i < old->count ? &old->list[i] : more;
        const size_t size = strlen(metric->name) + 1;
        new.list[i] = (hpx_metric){memcpy(text, metric->name, size), metric->value};
        text += size;
    }
    return new;
}

hpx_metrics hpx_metrics_copy(const hpx_metrics *metrics)
{
    return metrics->count ? join(metrics, NULL) : (hpx_metrics){0};
}

static hpx_metric *find(const hpx_metrics *metrics, const char *name)
{
    for (size_t i = 0; i < metrics->count; i++)
        if (strcmp(metrics->list[i].name, name) == 0)
            return &metrics->list[i];
    return NULL;
}

bool hpx_metrics_set(hpx_metrics *metrics, const char *name, double value)
{
    hpx_metric *found = find(metrics, name);
    if (found) {
        found->value = value;
        return true;
    }
    if (!hpx_metric_is_name(name) || metrics->count == HPX_METRICS_MAX)
        return false;
    hpx_metrics new = join(metrics, &(hpx_metric){name, value});
    hpx_metrics_free(metrics);
    *metrics = new;
    return true;
}

double hpx_metrics_value(const hpx_metrics *metrics, const char *name)
{
    const hpx_metric *found = find(metrics, name);
    return found ? found->value : NAN;
}

bool hpx_metrics_has(const hpx_metrics *metrics, const char *name)
{
    return find(metrics, name) != NULL;
}

void hpx_metrics_show_names(hpx_buffer *out, const hpx_metrics *metrics)
{
    const size_t before = out->size;
    for (size_t i = 0; i < metrics->count && out->size - before < SHOWN; i++)
        hpx_buffer_printf(out, "%s%s", i ? " " : "", metrics->list[i].name);
}

bool hpx_metrics_same_names(const hpx_metrics *a, const hpx_metrics *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->list[i].name, b->list[i].name) == 0;
    return same;
}

static bool ends_in(const char *name, const char *end)
{
    const size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

bool hpx_objective_guess(bool *minimised, const char *name)
{
    *minimised = ends_in(name, "loss") || ends_in(name, "error");
    return *minimised || ends_in(name, "accuracy");
}

hpx_scale hpx_metric_scale(const hpx_metric_kind *kind)
{
    if (!kind->minimised && ends_in(kind->name, "accuracy"))
        return HPX_SCALE_ACCURACY;
    return kind->minimised && ends_in(kind->name, "loss") ? HPX_SCALE_LOSS : HPX_SCALE_LINEAR;
}

double hpx_objective_value(const hpx_objective *objective, const hpx_metrics *metrics)
{
    const double value = hpx_metrics_value(metrics, objective->name);
    return isfinite(value) ? value : NAN;
}

bool hpx_objective_better(const hpx_objective *objective, double value, double other)
{
    if (isnan(value) || isnan(other))
        return !isnan(value);
    return objective->minimised ? value < other : value > other;
}

void hpx_metrics_to_fields(hpx_fields *out, const hpx_metrics *metrics)
{
    hpx_buffer names = {0};
    if (metrics->count == 0)
        return;
    double *values = hpx_realloc(NULL, metrics->count, sizeof *values);
    for (size_t i = 0; i < metrics->count; i++) {
        hpx_buffer_printf(&names, "%s%s", i ? " " : "", metrics->list[i].name);
        values[i] = metrics->list[i].value;
    }
    hpx_fields_set_text(out, NAMES, hpx_buffer_text(&names));
    hpx_fields_set_reals(out, VALUES, values, metrics->count);
    hpx_buffer_free(&names);
    free(values);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether a name is there twice. Most lists are short, and read for every stored result. */
static bool has_twice(const hpx_metrics *metrics)
{
    const char *names[HPX_METRICS_MAX];
    bool twice = false;
    if (metrics->count <= FEW) {
        for (size_t i = 1; i < metrics->count; i++)
            for (size_t k = 0; k < i; k++)
                twice = twice || strcmp(metrics->list[i].name, metrics->list[k].name) == 0;
        return twice;
    }
    for (size_t i = 0; i < metrics->count; i++)
        names[i] = metrics->list[i].name;
    qsort(names, metrics->count, sizeof *names, by_name);
    for (size_t i = 1; i < metrics->count; i++)
        twice = twice || strcmp(names[i - 1], names[i]) == 0;
    return twice;
}

/* Cuts the names, which are joined by blanks, apart; whether each is one, and there are so many. */
static bool cut_names(hpx_metrics *metrics, char *names)
{
    for (size_t i = 0; i < metrics->count; i++) {
        const bool last = i + 1 == metrics->count;
        char *end = strchr(names, ' ');
        if (last != (end == NULL))
            return false;
        if (end)
            *end = 0;
        if (!hpx_metric_is_name(names))
            return false;
        metrics->list[i].name = names;
        names = end + !last;
    }
    return true;
}

hpx_status hpx_metrics_from_fields(hpx_metrics *out, const hpx_fields *fields, hpx_error *error)
{
    const char *names;
    const double *values;
    size_t count;
    *out = (hpx_metrics){0};
    if (!hpx_fields_find(fields, NAMES) && !hpx_fields_find(fields, VALUES))
        return HPX_OK;
    hpx_status status = hpx_fields_text(&names, fields, NAMES, error);
    if (!status)
        status = hpx_fields_reals(&values, &count, fields, VALUES, error);
    if (status)
        return status;
    if (count == 0 || count > HPX_METRICS_MAX)
        return hpx_error_set(error, HPX_DAMAGED, "field '" VALUES "' has %zu values", count);
    const size_t size = strlen(names) + 1;
    hpx_metrics metrics = new_list(count, size);
    for (size_t i = 0; i < count; i++)
        metrics.list[i].value = values[i];
    if (!cut_names(&metrics, memcpy(metrics.list + count, names, size)) || has_twice(&metrics)) {
        hpx_metrics_free(&metrics);
        return hpx_error_set(error, HPX_DAMAGED, "field '" NAMES "' is no list of %zu names", count);
    }
    *out = metrics;
    return HPX_OK;
}

hpx_hash hpx_output_hash_finish(hpx_hasher *checkpoint, const hpx_metrics *metrics)
{
    hpx_buffer tail = {0};
    for (size_t i = 0; i < metrics->count; i++) {
        uint64_t bits = 0x7ff8000000000000u;
        if (!isnan(metrics->list[i].value))
            memcpy(&bits, &metrics->list[i].value, sizeof bits);
        hpx_buffer_u64(&tail, bits);
    }
    hpx_hasher_add(checkpoint, tail.data, tail.size);
    hpx_buffer_free(&tail);
    return hpx_hasher_finish(checkpoint);
}

hpx_hash hpx_output_hash(const hpx_metrics *metrics, const uint8_t *checkpoint, size_t size)
{
    hpx_hasher *hasher = hpx_hasher_new();
    hpx_hasher_add(hasher, checkpoint, size);
    return hpx_output_hash_finish(hasher, metrics);
}

hpx_hash hpx_failure_hash(const char *failure)
{
    return hpx_hash_of(failure, strlen(failure));
}

void hpx_failure_to_fields(hpx_fields *out, const char *failure)
{
    if (*failure)
        hpx_fields_set_text(out, "failure", failure);
}

static bool is_line(const char *text)
{
    const char *end = text;
    while (*end && (unsigned char)*end >= ' ' && *end != 0x7f)
        end++;
    return end > text && *end == 0 && end - text < HPX_FAILURE_BYTES;
}

/* Empty where there is no such field. */
static hpx_status line_from_fields(char out[HPX_FAILURE_BYTES], const hpx_fields *fields, const char *name,
                                   hpx_error *error)
{
    const char *line;
    memset(out, 0, HPX_FAILURE_BYTES);
    if (!hpx_fields_find(fields, name))
        return HPX_OK;
    hpx_status status = hpx_fields_text(&line, fields, name, error);
    if (status)
        return status;
    if (!is_line(line))
        return hpx_error_set(error, HPX_DAMAGED, "field '%s' is not a text on one line", name);
    memcpy(out, line, strlen(line) + 1);
    return HPX_OK;
}

hpx_status hpx_failure_from_fields(char out[HPX_FAILURE_BYTES], const hpx_fields *fields,
                                   const hpx_metrics *metrics, const hpx_hash *output, hpx_error *error)
{
    char failure[HPX_FAILURE_BYTES];
    *out = 0;
    hpx_status status = line_from_fields(failure, fields, "failure", error);
    if (status || !*failure)
        return status;
    const hpx_hash hash = hpx_failure_hash(failure);
    if (metrics->count > 0 || !hpx_hash_equal(&hash, output))
        return hpx_error_set(error, HPX_DAMAGED, "a failure with metrics, or with the output of another one");
    memcpy(out, failure, sizeof failure);
    return HPX_OK;
}

void hpx_stopped_to_fields(hpx_fields *out, const char *stopped)
{
    if (*stopped)
        hpx_fields_set_text(out, "stopped", stopped);
}

hpx_status hpx_stopped_from_fields(char out[HPX_FAILURE_BYTES], const hpx_fields *fields, hpx_error *error)
{
    return line_from_fields(out, fields, "stopped", error);
}
