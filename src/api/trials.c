/* Reading results: what is stored, as a list that owns all that it points to. */
#include "inside.h"

#include "run/stored.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The code of results, by the id of its record: few codes make all results. */
struct code {
    hpx_hash id;
    const char *version, *commit;
};

/* The public list comes first: who frees it has all. */
struct trials {
    hpx_trials public;
    hpx_arena *arena;
    hpx_store *store;
    hpx_trial *list;
    size_t count, capacity;
    struct code *codes;
    size_t code_count, code_capacity;
};

static const struct code *find_code(struct trials *trials, const hpx_hash *id)
{
    for (size_t i = 0; i < trials->code_count; i++)
        if (hpx_hash_equal(&trials->codes[i].id, id))
            return &trials->codes[i];
    hpx_fields record = {0};
    hpx_error lost;
    char hex[HPX_CODE_HEX_BYTES] = "";
    if (hpx_store_get_record(&record, trials->store, HPX_RECORD_CODE, id, &lost) == HPX_OK) {
        const hpx_field *version = hpx_fields_find(&record, "version");
        if (version && version->size == HPX_CODE_BYTES)
            hpx_hex(hex, version->bytes, HPX_CODE_BYTES);
    }
    trials->codes =
        hpx_grow(trials->codes, &trials->code_capacity, trials->code_count + 1, sizeof *trials->codes);
    struct code *code = &trials->codes[trials->code_count++];
    *code = (struct code){*id, hpx_arena_format(trials->arena, "%s", hex),
                          hpx_arena_format(trials->arena, "%s", hpx_fields_text_or_empty(&record, "commit"))};
    hpx_fields_free(&record);
    return code;
}

static hpx_metric *metrics_of(hpx_arena *arena, const hpx_metrics *metrics)
{
    hpx_metric *out = hpx_arena_alloc(arena, metrics->count * sizeof *out);
    for (size_t i = 0; i < metrics->count; i++)
        out[i] = (hpx_metric){hpx_arena_format(arena, "%s", metrics->list[i].name), metrics->list[i].value};
    return out;
}

static hpx_status add(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct trials *trials = context;
    char hex[HPX_HASH_HEX_BYTES];
    const struct code *code = find_code(trials, &artifact->code);
    (void)error;
    trials->list = hpx_grow(trials->list, &trials->capacity, trials->count + 1, sizeof *trials->list);
    hpx_trial *trial = &trials->list[trials->count++];
    *trial = (hpx_trial){
        .key = hpx_arena_format(trials->arena, "%s", hpx_hash_hex(hex, &artifact->key)),
        .seed = artifact->seed,
        .epoch = artifact->epoch,
        .failure = *artifact->failure ? hpx_arena_format(trials->arena, "%s", artifact->failure) : NULL,
        .metrics = metrics_of(trials->arena, &artifact->metrics),
        .metric_count = artifact->metrics.count,
        .code = code->version,
        .commit = code->commit,
        .host = hpx_arena_format(trials->arena, "%s", artifact->host),
        .started_ns = artifact->started_ns,
        .seconds = artifact->total_seconds,
    };
    trial->cell = hpx_coordinates(&trial->axis_count, trials->arena, &artifact->cell);
    return HPX_OK;
}

/* The artifacts of a trajectory follow each other, in order of epochs: a later one takes the place of an earlier one. */
static hpx_status add_newest(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct trials *trials = context;
    char hex[HPX_HASH_HEX_BYTES];
    if (trials->count > 0 &&
        strcmp(trials->list[trials->count - 1].key, hpx_hash_hex(hex, &artifact->key)) == 0)
        trials->count--;
    return add(context, artifact, error);
}

static hpx_status read_trials(struct trials *trials, const hpx_handle *handle, const hpx_recipe *recipe,
                              bool all_epochs, hpx_error *error)
{
    const hpx_stored_options stored = {
        .recipe = recipe, .all_epochs = all_epochs, .folder = handle->data_folder, .program = handle->hpx};
    if (!recipe)
        return hpx_store_each(handle->store, NULL, all_epochs ? add : add_newest, trials, error);
    return hpx_stored_each(handle->store, &stored, add, trials, error);
}

hpx_status hpx_read_trials(hpx_trials **out, hpx_handle *handle, const hpx_recipe *recipe, int all_epochs,
                           hpx_error *error)
{
    struct call call;
    hpx_status status = hpx_call_begin(&call, handle, out && handle, error);
    if (out)
        *out = NULL;
    if (status)
        return status;
    struct trials *trials = hpx_alloc(sizeof *trials);
    trials->arena = hpx_arena_new();
    trials->store = handle->store;
    status = read_trials(trials, handle, recipe, all_epochs, call.error);
    trials->public = (hpx_trials){trials->list, trials->count};
    free(trials->codes);
    if (status)
        hpx_free_trials(&trials->public);
    else
        *out = &trials->public;
    return hpx_call_end(&call, status);
}

void hpx_free_trials(hpx_trials *public)
{
    struct trials *trials = (struct trials *)public;
    if (!trials)
        return;
    hpx_arena_free(trials->arena);
    free(trials->list);
    free(trials);
}

double hpx_trial_metric(const hpx_trial *trial, const char *name)
{
    for (size_t i = 0; trial && name && i < trial->metric_count; i++)
        if (strcmp(trial->metrics[i].name, name) == 0)
            return trial->metrics[i].value;
    return NAN;
}

const char *hpx_trial_value(const hpx_trial *trial, const char *axis)
{
    for (size_t i = 0; trial && axis && i < trial->axis_count; i++)
        if (strcmp(trial->cell[i].axis, axis) == 0)
            return trial->cell[i].value;
    return NULL;
}
