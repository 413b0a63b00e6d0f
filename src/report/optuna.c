/* A study in the journal of Optuna (https://optuna.org), as its JournalStorage reads it from a file: JSON, one operation a
 * line, each with "op_code" and "worker_id". Three operations are enough:
 *
 *     0  create study     study_name, directions [1: minimize, 2: maximize]
 *     2  set an attribute of a study       study_id, user_attr: {NAME: VALUE}
 *     4  create a trial, finished          study_id, datetime_start, datetime_complete, state, value, values (null),
 *                                          distributions, params, user_attrs, system_attrs, intermediate_values
 *
 * States: 1 complete, 2 pruned, 3 failed. A distribution is a text of JSON. A parameter of a categorical one is the number
 * of its choice. Written after Optuna 3.1, optuna/storages/_journal/storage.py; later versions read the same. */
#include "parts.h"

#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum operation { CREATE_STUDY = 0, SET_STUDY_USER_ATTR = 2, CREATE_TRIAL = 4 };
enum state { COMPLETE = 1, PRUNED = 2, FAIL = 3 };
enum direction { MINIMIZE = 1, MAXIMIZE = 2 };

/* What is stored of a cell with one seed. */
struct seed {
    hpx_hash key;
    char code[HPX_CODE_HEX_BYTES]; /* its version; empty: a program that states none */
    double *values;                /* of the objective after epoch i + 1; NaN: none */
    uint32_t last;                 /* the newest epoch; 0: nothing is stored */
    bool ended;                    /* it failed in it, or stopped there: no later one differs */
    char failure[HPX_FAILURE_BYTES];
};

struct hpx_study {
    hpx_buffer *out;
    const hpx_recipe *recipe;
    hpx_buffer pairs; /* of the cell at hand; empty: none yet */
    struct seed *seeds;
    int64_t started_ns, ended_ns;
    hpx_study_counts counts;
};

/* --- operations ------------------------------------------------------------------------------------------- */

static hpx_json begin(const hpx_study *study, enum operation operation)
{
    hpx_json json = {.out = study->out};
    hpx_json_open_flat(&json, NULL, '{');
    hpx_json_count(&json, "op_code", operation);
    hpx_json_text(&json, "worker_id", "hpx");
    if (operation != CREATE_STUDY)
        hpx_json_count(&json, "study_id", 0);
    return json;
}

static void create_study(const hpx_study *study)
{
    const char *slash = strrchr(study->recipe->path, '/'), *name = slash ? slash + 1 : study->recipe->path;
    const size_t length = strlen(name), suffix = strlen(".rcp");
    const bool known = length > suffix && strcmp(name + length - suffix, ".rcp") == 0;
    char *own = hpx_strndup(name, known ? length - suffix : length);
    hpx_json json = begin(study, CREATE_STUDY);
    hpx_json_text(&json, "study_name", own);
    hpx_json_open(&json, "directions", '[');
    hpx_json_count(&json, NULL, study->recipe->objective.minimised ? MINIMIZE : MAXIMIZE);
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
    free(own);

    json = begin(study, SET_STUDY_USER_ATTR);
    hpx_json_open(&json, "user_attr", '{');
    hpx_json_text(&json, "objective", study->recipe->objective.name);
    hpx_json_close(&json, '}');
    hpx_json_close(&json, '}');

    json = begin(study, SET_STUDY_USER_ATTR);
    hpx_json_open(&json, "user_attr", '{');
    hpx_json_count(&json, "epochs", study->recipe->epochs);
    hpx_json_close(&json, '}');
    hpx_json_close(&json, '}');
}

/* --- distributions ---------------------------------------------------------------------------------------- */

static bool is_categorical(const hpx_recipe *recipe, size_t axis)
{
    for (uint32_t i = 0; i < recipe->axes[axis].count; i++)
        if (isnan(recipe->axes[axis].values[i].number))
            return true;
    return hpx_grid_is_unordered(&recipe->grid, axis);
}

struct range {
    double low, high;
    uint64_t step; /* of whole numbers, the widest that meets all values; 0: they are not whole */
};

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    return b ? common_divisor(b, a % b) : a;
}

static struct range range_of(const hpx_axis *axis)
{
    struct range range = {axis->values[0].number, axis->values[0].number, 0};
    bool whole = true;
    for (uint32_t i = 0; i < axis->count; i++) {
        const double value = axis->values[i].number;
        range.low = fmin(range.low, value);
        range.high = fmax(range.high, value);
        whole = whole && value == trunc(value) && fabs(value) < 0x1p53;
    }
    for (uint32_t i = 0; i < axis->count && whole; i++)
        range.step = common_divisor(range.step, (uint64_t)(axis->values[i].number - range.low));
    if (whole && (range.step == 0 || axis->logarithmic))
        range.step = 1;
    return range;
}

static void add_choices(hpx_json *json, const hpx_axis *axis)
{
    hpx_json_text(json, "name", "CategoricalDistribution");
    hpx_json_open(json, "attributes", '{');
    hpx_json_open(json, "choices", '[');
    for (uint32_t i = 0; i < axis->count; i++)
        hpx_json_value(json, NULL, axis->values[i].text);
    hpx_json_close(json, ']');
    hpx_json_close(json, '}');
}

static void add_range(hpx_json *json, const hpx_axis *axis)
{
    const struct range range = range_of(axis);
    hpx_json_text(json, "name", range.step > 0 ? "IntDistribution" : "FloatDistribution");
    hpx_json_open(json, "attributes", '{');
    hpx_json_real(json, "low", range.low);
    hpx_json_real(json, "high", range.high);
    hpx_json_bool(json, "log", axis->logarithmic);
    if (range.step > 0)
        hpx_json_count(json, "step", range.step);
    else
        hpx_json_null(json, "step");
    hpx_json_close(json, '}');
}

static void add_distribution(hpx_json *json, const hpx_recipe *recipe, size_t at)
{
    const hpx_axis *axis = &recipe->axes[at];
    hpx_buffer text = {0};
    hpx_json own = {.out = &text};
    hpx_json_open_flat(&own, NULL, '{');
    if (is_categorical(recipe, at))
        add_choices(&own, axis);
    else
        add_range(&own, axis);
    hpx_json_close(&own, '}');
    text.size--; /* the line's end */
    hpx_json_text(json, axis->name, hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

static void add_parameter(hpx_json *json, const hpx_study *study, size_t at)
{
    const hpx_axis *axis = &study->recipe->axes[at];
    const hpx_cell cell = hpx_cell_of(&study->pairs);
    const char *text = hpx_cell_value(&cell, axis->name);
    uint32_t index = 0;
    while (strcmp(axis->values[index].text, text) != 0)
        index++;
    if (is_categorical(study->recipe, at))
        hpx_json_count(json, axis->name, index);
    else
        hpx_json_real(json, axis->name, axis->values[index].number);
}

/* --- trials ----------------------------------------------------------------------------------------------- */

/* Whether all seeds have a result of an epoch. */
static bool is_stored(const hpx_study *study, uint32_t epoch)
{
    for (size_t i = 0; i < study->recipe->seed_count; i++)
        if (epoch > study->seeds[i].last && !study->seeds[i].ended)
            return false;
    return true;
}

/* The mean over all seeds after an epoch, summed up in their order as a build does; NaN where one has no value. */
static double score_at(const hpx_study *study, uint32_t epoch)
{
    double sum = 0;
    for (size_t i = 0; i < study->recipe->seed_count; i++) {
        const struct seed *seed = &study->seeds[i];
        const bool ended = seed->ended && epoch > seed->last;
        sum += seed->values[ended ? seed->last - 1 : epoch - 1];
    }
    return sum / (double)study->recipe->seed_count;
}

static void add_seeds(hpx_json *json, const hpx_study *study)
{
    const size_t count = study->recipe->seed_count;
    const struct seed *failed = NULL;
    hpx_json_open(json, "seeds", '[');
    for (size_t i = 0; i < count; i++)
        hpx_json_count(json, NULL, study->recipe->seeds[i]);
    hpx_json_close(json, ']');
    hpx_json_open(json, "keys", '[');
    for (size_t i = 0; i < count; i++) {
        char hex[HPX_HASH_HEX_BYTES];
        hpx_hash_hex(hex, &study->seeds[i].key);
        hpx_json_text(json, NULL, hex);
    }
    hpx_json_close(json, ']');
    hpx_json_open(json, "code", '[');
    for (size_t i = 0; i < count; i++)
        hpx_json_text(json, NULL, *study->seeds[i].code ? study->seeds[i].code : NULL);
    hpx_json_close(json, ']');
    for (size_t i = count; i-- > 0;)
        failed = *study->seeds[i].failure ? &study->seeds[i] : failed;
    if (failed)
        hpx_json_text(json, "failure", failed->failure);
}

static void add_time(hpx_json *json, const char *name, int64_t ns)
{
    char seconds[32], text[48];
    hpx_report_time(seconds, ns);
    *strchr(seconds, 'Z') = 0; /* Optuna's times have no zone */
    snprintf(text, sizeof text, "%s.%06" PRId64, seconds, ns % 1000000000 / 1000);
    hpx_json_text(json, name, text);
}

static void create_trial(const hpx_study *study, enum state state, double value)
{
    const hpx_recipe *recipe = study->recipe;
    hpx_json json = begin(study, CREATE_TRIAL);
    add_time(&json, "datetime_start", study->started_ns);
    add_time(&json, "datetime_complete", study->ended_ns);
    hpx_json_count(&json, "state", state);
    hpx_json_real(&json, "value", value);
    hpx_json_null(&json, "values");
    hpx_json_open(&json, "distributions", '{');
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        add_distribution(&json, recipe, axis);
    hpx_json_close(&json, '}');
    hpx_json_open(&json, "params", '{');
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        add_parameter(&json, study, axis);
    hpx_json_close(&json, '}');
    hpx_json_open(&json, "user_attrs", '{');
    add_seeds(&json, study);
    hpx_json_close(&json, '}');
    hpx_json_open(&json, "system_attrs", '{');
    hpx_json_close(&json, '}');
    hpx_json_open(&json, "intermediate_values", '{');
    for (uint32_t epoch = 1; epoch <= recipe->epochs; epoch++) {
        char name[16];
        const double score = score_at(study, epoch);
        snprintf(name, sizeof name, "%" PRIu32, epoch);
        if (isfinite(score))
            hpx_json_real(&json, name, score);
    }
    hpx_json_close(&json, '}');
    hpx_json_close(&json, '}');
}

/* A cell that has not come to the recipe's epochs was pruned where it is; its value is of fewer epochs. */
static void end_cell(hpx_study *study)
{
    uint32_t epoch = study->recipe->epochs;
    double value = score_at(study, epoch);
    const enum state state = !is_stored(study, epoch) ? PRUNED : isfinite(value) ? COMPLETE : FAIL;
    while (state == PRUNED && !isfinite(value) && --epoch > 0)
        value = score_at(study, epoch);
    const bool left_out = state == PRUNED && !isfinite(value);
    if (!left_out)
        create_trial(study, state, value);
    study->counts.trials += !left_out;
    study->counts.left_out += left_out;
}

static void begin_cell(hpx_study *study, const hpx_artifact *artifact)
{
    study->pairs.size = 0;
    hpx_buffer_add(&study->pairs, artifact->cell.pairs, artifact->cell.size);
    study->started_ns = INT64_MAX;
    study->ended_ns = 0;
    for (size_t i = 0; i < study->recipe->seed_count; i++) {
        double *values = study->seeds[i].values;
        for (uint32_t epoch = 0; epoch < study->recipe->epochs; epoch++)
            values[epoch] = NAN;
        study->seeds[i] = (struct seed){.values = values};
    }
}

hpx_study *hpx_study_new(hpx_buffer *out, const hpx_recipe *recipe)
{
    hpx_study *study = hpx_alloc(sizeof *study);
    *study = (hpx_study){.out = out, .recipe = recipe};
    study->seeds = hpx_alloc(recipe->seed_count * sizeof *study->seeds);
    for (size_t i = 0; i < recipe->seed_count; i++)
        study->seeds[i].values = hpx_alloc(recipe->epochs * sizeof *study->seeds[i].values);
    create_study(study);
    return study;
}

void hpx_study_add(hpx_study *study, const hpx_artifact *artifact, const hpx_fields *manifest)
{
    const hpx_cell cell = hpx_cell_of(&study->pairs);
    const hpx_field *code = hpx_fields_find(manifest, "code.version");
    if (!hpx_cell_equal(&cell, &artifact->cell)) {
        if (study->pairs.size > 0)
            end_cell(study);
        begin_cell(study, artifact);
    }
    if (artifact->epoch > study->recipe->epochs)
        return;
    struct seed *seed = study->seeds;
    for (size_t i = 0; study->recipe->seeds[i] != artifact->seed; i++)
        seed++;
    seed->key = artifact->key;
    if (code)
        hpx_hex(seed->code, code->bytes, HPX_CODE_BYTES);
    seed->last = artifact->epoch;
    seed->values[artifact->epoch - 1] = hpx_objective_value(&study->recipe->objective, &artifact->metrics);
    seed->ended = *artifact->failure || *artifact->stopped;
    memcpy(seed->failure, artifact->failure, sizeof seed->failure);
    const int64_t ended_ns = artifact->started_ns + (int64_t)(artifact->seconds * 1e9);
    study->started_ns = artifact->started_ns < study->started_ns ? artifact->started_ns : study->started_ns;
    study->ended_ns = ended_ns > study->ended_ns ? ended_ns : study->ended_ns;
}

hpx_study_counts hpx_study_finish(hpx_study *study)
{
    if (study->pairs.size > 0)
        end_cell(study);
    const hpx_study_counts counts = study->counts;
    for (size_t i = 0; i < study->recipe->seed_count; i++)
        free(study->seeds[i].values);
    free(study->seeds);
    hpx_buffer_free(&study->pairs);
    free(study);
    return counts;
}
