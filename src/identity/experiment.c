#include "identity/experiment.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "identity/adoption.h"
#include "identity/elsewhere.h"
#include "identity/manifest.h"
#include "identity/missing.h"
#include "identity/parcel.h"
#include "identity/program.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One choice of data set bindings. Most recipes have one; `take = $t` gives one for each value of t. */
struct data {
    hpx_recipe_dataset dataset;
    hpx_source *source; /* shared by choices that name the same files */
    hpx_fields taken;   /* of it by a training, as in the manifest */
};

#define COSTS       4096
#define RECENT_USES 256 /* then they are made anew: replaced values stay in their memory */

/* The cost of a model on a choice of data. */
struct known_cost {
    uint32_t model;
    const struct data *data; /* NULL: none is known */
    hpx_cost cost;
};

struct hpx_experiment {
    const hpx_recipe *recipe;
    hpx_fields binary;          /* what workers contribute to every manifest, here or on other machines */
    bool presumes;              /* theirs are asked for, and are not known */
    hpx_program_state *program; /* NULL: the trainer is a model */
    hpx_adoptions adoptions;
    hpx_grid data_grid;       /* the axes that the data set depends on; the others have one value here */
    struct data *data;        /* by cell of data_grid */
    hpx_grid model_grid;      /* likewise the axes of the cost */
    struct known_cost *costs; /* COSTS of them: the last ones asked for */
    hpx_fields recent;        /* of the cell that was asked for last */
    uint32_t recent_cell;
    uint32_t recent_data; /* its choice of data */
    size_t recent_uses;   /* since they were made anew; 0: there are none */
    hpx_source *sources;
    size_t source_count;
};

/* The grid of the axes named in a section: all the others are cut to one value. */
static hpx_grid section_grid(const hpx_recipe *recipe, const char *section)
{
    hpx_grid grid = recipe->grid;
    for (size_t axis = 0; axis < grid.axes; axis++)
        if (!hpx_recipe_axis_in(recipe, axis, section))
            grid.counts[axis] = 1;
    return grid;
}

static uint32_t project(const hpx_experiment *experiment, const hpx_grid *grid, uint32_t cell)
{
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &experiment->recipe->grid, cell);
    for (size_t axis = 0; axis < grid->axes; axis++)
        if (grid->counts[axis] == 1)
            indices[axis] = 0;
    return hpx_grid_cell(grid, indices);
}

/* A cell of the recipe that projects to this cell of a smaller grid. */
static uint32_t unproject(const hpx_experiment *experiment, const hpx_grid *grid, uint32_t cell)
{
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, grid, cell);
    return hpx_grid_cell(&experiment->recipe->grid, indices);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_files(const hpx_recipe_dataset *a, const hpx_recipe_dataset *b)
{
    bool same = same_text(a->name, b->name);
    for (size_t i = 0; i < HPX_INPUTS_MAX; i++)
        same = same && same_text(a->files[i], b->files[i]);
    return same;
}

static hpx_status find_data(hpx_experiment *experiment, uint32_t at, const hpx_source_options *options,
                            hpx_buffer *mistakes, hpx_error *error)
{
    struct data *data = &experiment->data[at];
    const hpx_recipe *recipe = experiment->recipe;
    uint32_t cell = unproject(experiment, &experiment->data_grid, at);
    hpx_recipe_dataset_of(&data->dataset, recipe, cell);
    for (uint32_t before = 0; before < at && !data->source; before++)
        if (same_files(&experiment->data[before].dataset, &data->dataset))
            data->source = experiment->data[before].source;
    hpx_status status = HPX_OK;
    if (!data->source) {
        hpx_source *source = &experiment->sources[experiment->source_count];
        status = hpx_source_find(source, &data->dataset, recipe->trainer->inputs, options, error);
        if (status)
            return hpx_missing_inputs(mistakes, recipe, cell, &data->dataset) ? HPX_OK : status;
        experiment->source_count++;
        data->source = source;
    }
    if (recipe->trainer->inputs)
        status = hpx_recipe_take(&data->taken, recipe, cell, &data->source->record, error);
    if (status == HPX_USAGE)
        hpx_mistakes_add(mistakes, error->message);
    return status == HPX_USAGE ? HPX_OK : status;
}

/* The data of every choice; all mistakes at once. */
static hpx_status find_all_data(hpx_experiment *experiment, const hpx_source_options *options,
                                hpx_error *error)
{
    uint32_t choices = hpx_grid_cells(&experiment->data_grid);
    hpx_buffer mistakes = {0};
    hpx_status status = HPX_OK;
    experiment->data = hpx_alloc(choices * sizeof *experiment->data);
    experiment->sources = hpx_alloc(choices * sizeof *experiment->sources);
    for (uint32_t at = 0; at < choices && !status && mistakes.size < HPX_ERROR_BYTES / 2; at++)
        status = find_data(experiment, at, options, &mistakes, error);
    if (!status && mistakes.size > 0)
        status = hpx_error_set(error, HPX_USAGE, "%s", hpx_buffer_text(&mistakes));
    hpx_buffer_free(&mistakes);
    return status;
}

/* Whether an axis stands in a setting of the model in which the cost is no polynomial; of `several`: and in another
 * one. */
static bool is_irregular(const hpx_recipe *recipe, size_t axis, bool several)
{
    const hpx_setting *setting;
    size_t count = 0;
    bool any = false;
    for (; (setting = hpx_recipe_axis_setting(recipe, axis, "model", count)); count++)
        any = any || setting->irregular;
    return any && (count > 1 || !several);
}

/* The values of an axis that have to be tried for a check of all: the least and the greatest number, or every
 * word. Writes their indices and returns how many. */
static uint32_t corner_values(uint32_t *out, const hpx_recipe *recipe, size_t number)
{
    const hpx_axis *axis = &recipe->axes[number];
    uint32_t least = 0, greatest = 0, words = 0;
    for (uint32_t i = 0; i < axis->count; i++) {
        words += isnan(axis->values[i].number);
        least = axis->values[i].number < axis->values[least].number ? i : least;
        greatest = axis->values[i].number > axis->values[greatest].number ? i : greatest;
        out[i] = i;
    }
    if (words > 0 || axis->count < 2 || is_irregular(recipe, number, true))
        return axis->count;
    out[0] = least;
    out[1] = greatest;
    return 2;
}

/* " of n1 = 64, n2 = 32": the axes of a cell that decide on the sizes of the model's layers. */
static void name_sizes(hpx_buffer *out, const hpx_recipe *recipe, const uint32_t *indices)
{
    size_t named = 0;
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        const hpx_setting *setting;
        bool sizes = false;
        for (size_t i = 0; (setting = hpx_recipe_axis_setting(recipe, axis, "model", i)); i++)
            sizes = sizes || setting->type == HPX_SETTING_COUNTS;
        if (sizes)
            hpx_buffer_printf(out, "%s%s = %s", named++ > 0 ? ", " : " of ", recipe->axes[axis].name,
                              recipe->axes[axis].values[indices[axis]].text);
    }
}

static hpx_status check_model(const hpx_experiment *experiment, uint32_t cell, hpx_error *error)
{
    const hpx_recipe *recipe = experiment->recipe;
    hpx_status status = HPX_OK;
    hpx_fields settings = {0};
    hpx_recipe_settings(&settings, recipe, cell);
    for (size_t i = 0; i < experiment->source_count && !status; i++)
        status = recipe->trainer->check(&settings, &experiment->sources[i].record, error);
    hpx_fields_free(&settings);
    return status;
}

/* What the settings' table cannot say, at the corners of the models' grid and for every data set. */
static hpx_status check_models(const hpx_experiment *experiment, hpx_error *error)
{
    const hpx_recipe *recipe = experiment->recipe;
    hpx_grid corners = experiment->model_grid;
    uint32_t *values[HPX_AXES_MAX] = {NULL};
    for (size_t axis = 0; axis < corners.axes; axis++) {
        values[axis] = hpx_alloc(recipe->axes[axis].count * sizeof **values);
        if (corners.counts[axis] > 1)
            corners.counts[axis] = corner_values(values[axis], recipe, axis);
    }
    hpx_status status = HPX_OK;
    hpx_buffer cell = {0};
    const uint32_t count = hpx_grid_cells(&corners);
    for (uint32_t corner = 0; corner < count && !status; corner++) {
        uint32_t indices[HPX_AXES_MAX];
        hpx_grid_indices(indices, &corners, corner);
        for (size_t axis = 0; axis < corners.axes; axis++)
            indices[axis] = values[axis][indices[axis]];
        status = check_model(experiment, hpx_grid_cell(&recipe->grid, indices), error);
        if (status)
            name_sizes(&cell, recipe, indices);
    }
    for (size_t axis = 0; axis < corners.axes; axis++)
        free(values[axis]);
    if (status)
        hpx_recipe_fail_in(error, recipe, "model", NULL, 0, 0, "%s%s", error->message,
                           hpx_buffer_text(&cell));
    hpx_buffer_free(&cell);
    return status;
}

/* The files of a program's `data` are the one data set of all its cells. */
static hpx_status look_at_program(hpx_experiment *experiment, const hpx_source_options *options,
                                  hpx_error *error)
{
    hpx_status status = hpx_program_look(&experiment->program, experiment->recipe, options, error);
    if (status)
        return status;
    const hpx_fields *record = hpx_program_data_record(experiment->program);
    hpx_fields_add(&experiment->sources->record, record);
    return HPX_OK;
}

hpx_status hpx_experiment_open(hpx_experiment **out, const hpx_recipe *recipe,
                               const hpx_source_options *options, hpx_error *error)
{
    hpx_experiment *experiment = hpx_alloc(sizeof *experiment);
    experiment->recipe = recipe;
    hpx_manifest_set_binary(&experiment->binary, recipe->trainer);
    if (options->numerics)
        hpx_manifest_set_numerics(&experiment->binary, options->numerics);
    else if (options->elsewhere)
        experiment->presumes =
            !hpx_elsewhere_recall(&experiment->binary, options->elsewhere, recipe->trainer->name);
    experiment->data_grid = section_grid(recipe, "dataset");
    experiment->model_grid = section_grid(recipe, "model");
    hpx_status status = hpx_adoptions_read(&experiment->adoptions, options->store, error);
    if (!status)
        status = find_all_data(experiment, options, error);
    if (!status && recipe->program)
        status = look_at_program(experiment, options, error);
    experiment->costs = hpx_alloc(COSTS * sizeof *experiment->costs);
    if (!status && recipe->trainer->check)
        status = check_models(experiment, error);
    if (status)
        hpx_experiment_free(experiment);
    *out = status ? NULL : experiment;
    return status;
}

void hpx_experiment_free(hpx_experiment *experiment)
{
    if (!experiment)
        return;
    for (size_t i = 0; i < experiment->source_count; i++)
        hpx_source_free(&experiment->sources[i]);
    const uint32_t choices = experiment->data ? hpx_grid_cells(&experiment->data_grid) : 0;
    for (uint32_t i = 0; i < choices; i++) {
        hpx_recipe_dataset_free(&experiment->data[i].dataset);
        hpx_fields_free(&experiment->data[i].taken);
    }
    hpx_program_state_free(experiment->program);
    hpx_fields_free(&experiment->binary);
    hpx_fields_free(&experiment->recent);
    hpx_adoptions_free(&experiment->adoptions);
    free(experiment->sources);
    free(experiment->data);
    free(experiment->costs);
    free(experiment);
}

const hpx_fields *hpx_experiment_binary(const hpx_experiment *experiment)
{
    return &experiment->binary;
}

bool hpx_experiment_presumes(const hpx_experiment *experiment)
{
    return experiment->presumes && hpx_experiment_needs_numerics(experiment);
}

void hpx_experiment_set_binary(hpx_experiment *experiment, const hpx_fields *binary)
{
    hpx_manifest_set_binary_fields(&experiment->binary, binary);
    hpx_fields_free(&experiment->recent);
    experiment->recent_uses = 0;
}

bool hpx_experiment_needs_numerics(const hpx_experiment *experiment)
{
    const hpx_program *program = experiment->recipe->program;
    return !program || program->repeat == HPX_REPEAT_EXACT;
}

const hpx_recipe *hpx_experiment_recipe(const hpx_experiment *experiment)
{
    return experiment->recipe;
}

static const struct data *data_of(const hpx_experiment *experiment, uint32_t cell)
{
    return &experiment->data[project(experiment, &experiment->data_grid, cell)];
}

const hpx_source *hpx_experiment_source(const hpx_experiment *experiment, uint32_t cell)
{
    return data_of(experiment, cell)->source;
}

/* Where the trajectory depends on it: a program's does unless it says that it goes on to more. */
static void set_last_epoch(hpx_fields *manifest, const hpx_recipe *recipe)
{
    const hpx_program *program = recipe->program;
    if (program ? program->continues != HPX_CONTINUE_YES
                : recipe->trainer->needs_last_epoch && recipe->trainer->needs_last_epoch(manifest))
        hpx_fields_set_count(manifest, "last-epoch", recipe->epochs);
}

/* Of what the binary contributes: a program's results depend on the machine only where they repeat exactly. */
static bool is_of_identity(const hpx_experiment *experiment, const char *field)
{
    const hpx_program *program = experiment->recipe->program;
    if (!program || strcmp(field, "format") == 0)
        return true;
    return hpx_experiment_needs_numerics(experiment) &&
           (program->gpus > 0 || strcmp(field, "numerics.processor") == 0);
}

/* As this binary would have them, whatever is adopted. */
static void set_own_fields(hpx_fields *out, const hpx_experiment *experiment, uint32_t cell, uint32_t seed)
{
    const struct data *data = data_of(experiment, cell);
    const hpx_recipe *recipe = experiment->recipe;
    for (size_t i = 0; i < experiment->binary.count; i++)
        if (is_of_identity(experiment, experiment->binary.fields[i].name))
            hpx_fields_set(out, &experiment->binary.fields[i]);
    if (experiment->program)
        hpx_program_fields(out, experiment->program, cell);
    hpx_recipe_settings(out, recipe, cell);
    hpx_manifest_set_inputs(out, data->source->inputs, data->source->count);
    hpx_fields_add(out, &data->taken);
    hpx_fields_set_count(out, "seed", seed);
    set_last_epoch(out, recipe);
}

void hpx_experiment_fields(hpx_fields *out, const hpx_experiment *experiment, uint32_t cell, uint32_t seed)
{
    set_own_fields(out, experiment, cell, seed);
    hpx_adoptions_resolve(&experiment->adoptions, out);
}

/* A cell's own fields, with any seed. Those of the cell before are changed where both have the same data: a plan makes
 * millions. */
static hpx_fields *recent_fields(hpx_experiment *experiment, uint32_t cell)
{
    const hpx_recipe *recipe = experiment->recipe;
    const uint32_t data = project(experiment, &experiment->data_grid, cell);
    hpx_fields *recent = &experiment->recent;
    if (recent->count > 0 && experiment->recent_cell == cell)
        return recent;
    if (experiment->recent_uses == 0 || experiment->recent_data != data) {
        hpx_fields_free(recent);
        set_own_fields(recent, experiment, cell, recipe->seeds[0]);
    } else {
        hpx_recipe_change_settings(recent, recipe, cell);
        if (experiment->program)
            hpx_program_fields(recent, experiment->program, cell);
        hpx_fields_remove(recent, "last-epoch");
        set_last_epoch(recent, recipe);
    }
    experiment->recent_cell = cell;
    experiment->recent_data = data;
    experiment->recent_uses = (experiment->recent_uses + 1) % RECENT_USES;
    return recent;
}

bool hpx_experiment_continues(const hpx_experiment *experiment)
{
    const hpx_program *program = experiment->recipe->program;
    return !program || program->continues == HPX_CONTINUE_YES;
}

hpx_hash hpx_experiment_manifest(hpx_buffer *out, hpx_experiment *experiment, uint32_t cell, uint32_t seed,
                                 uint32_t epochs)
{
    const size_t start = out->size;
    hpx_fields *own = recent_fields(experiment, cell);
    hpx_fields_set_count(own, "seed", seed);
    if (!hpx_experiment_continues(experiment))
        hpx_fields_set_count(own, "last-epoch", epochs);
    if (experiment->adoptions.count > 0) {
        hpx_fields resolved = {0};
        hpx_fields_add(&resolved, own);
        hpx_adoptions_resolve(&experiment->adoptions, &resolved);
        hpx_fields_encode(out, &resolved);
        hpx_fields_free(&resolved);
    } else {
        hpx_fields_encode(out, own);
    }
    return hpx_hash_of(out->data + start, out->size - start);
}

hpx_cost hpx_experiment_cost(hpx_experiment *experiment, uint32_t cell)
{
    const hpx_trainer *trainer = experiment->recipe->trainer;
    if (!trainer->cost)
        return (hpx_cost){1, 1};
    const struct data *data = data_of(experiment, cell);
    const uint32_t model = project(experiment, &experiment->model_grid, cell);
    struct known_cost *known = &experiment->costs[(model + (size_t)(data - experiment->data)) % COSTS];
    if (known->data != data || known->model != model)
        *known = (struct known_cost){model, data,
                                     trainer->cost(recent_fields(experiment, cell), &data->source->record)};
    return known->cost;
}

size_t hpx_experiment_layers(hpx_layer out[HPX_LAYERS_MAX], hpx_experiment *experiment, uint32_t cell)
{
    const hpx_trainer *trainer = experiment->recipe->trainer;
    return trainer->layers ? trainer->layers(out, recent_fields(experiment, cell),
                                             &data_of(experiment, cell)->source->record)
                           : 0;
}

uint64_t hpx_experiment_macs(void *experiment, uint32_t cell)
{
    return hpx_experiment_cost(experiment, cell).forward;
}

/* Whether the cost is a polynomial in the values of the axis. */
static bool is_polynomial(const hpx_experiment *experiment, size_t axis)
{
    const hpx_axis *values = &experiment->recipe->axes[axis];
    bool polynomial = experiment->recipe->trainer->cost_degree > 0 &&
                      experiment->data_grid.counts[axis] == 1 &&
                      !is_irregular(experiment->recipe, axis, false);
    for (uint32_t i = 0; i < values->count && polynomial; i++) {
        const double number = values->values[i].number;
        polynomial = number >= 1 && number <= UINT32_MAX && number == floor(number);
    }
    return polynomial;
}

static uint64_t sum_costs(hpx_experiment *experiment, uint32_t indices[HPX_AXES_MAX], size_t axis);

static uint64_t sum_at(hpx_experiment *experiment, uint32_t indices[HPX_AXES_MAX], size_t axis,
                       uint32_t index)
{
    indices[axis] = index;
    return sum_costs(experiment, indices, axis + 1);
}

#define DEGREE_MAX 4

/* By Newton's interpolation through the first values of the axis. The divided differences of a polynomial with
 * whole coefficients at whole numbers are whole numbers, so this is exact. */
static uint64_t interpolate(hpx_experiment *experiment, uint32_t indices[HPX_AXES_MAX], size_t axis,
                            unsigned degree)
{
    const hpx_axis *values = &experiment->recipe->axes[axis];
    assert(degree <= DEGREE_MAX);
    __int128 differences[DEGREE_MAX + 1], sum = 0;
    int64_t x[DEGREE_MAX + 1];
    for (unsigned i = 0; i <= degree; i++) {
        x[i] = (int64_t)values->values[i].number;
        differences[i] = sum_at(experiment, indices, axis, i);
    }
    for (unsigned order = 1; order <= degree; order++)
        for (unsigned i = degree; i >= order; i--)
            differences[i] = (differences[i] - differences[i - 1]) / (x[i] - x[i - order]);
    for (uint32_t at = 0; at < values->count; at++) {
        __int128 value = differences[degree];
        for (unsigned i = degree; i-- > 0;)
            value = value * ((int64_t)values->values[at].number - x[i]) + differences[i];
        sum += value;
    }
    return (uint64_t)sum;
}

/* The costs of all cells that have these indices on the axes before this one. */
static uint64_t sum_costs(hpx_experiment *experiment, uint32_t indices[HPX_AXES_MAX], size_t axis)
{
    const hpx_grid *grid = &experiment->recipe->grid;
    const unsigned degree = experiment->recipe->trainer->cost_degree;
    if (axis == grid->axes)
        return hpx_experiment_cost(experiment, hpx_grid_cell(grid, indices)).forward;
    if (experiment->model_grid.counts[axis] == 1 && experiment->data_grid.counts[axis] == 1)
        return grid->counts[axis] *
               sum_at(experiment, indices, axis, 0); /* only the training depends on it */
    if (grid->counts[axis] > degree + 1 && is_polynomial(experiment, axis))
        return interpolate(experiment, indices, axis, degree);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < grid->counts[axis]; i++)
        sum += sum_at(experiment, indices, axis, i);
    return sum;
}

uint64_t hpx_experiment_grid_macs(hpx_experiment *experiment)
{
    uint32_t indices[HPX_AXES_MAX];
    return experiment->recipe->trainer->cost ? sum_costs(experiment, indices, 0)
                                             : hpx_grid_cells(&experiment->recipe->grid);
}

void hpx_experiment_records(hpx_fields *code, hpx_fields *data, const hpx_experiment *experiment,
                            uint32_t cell)
{
    hpx_error unknown;
    if (!experiment->program) {
        hpx_code_fields(code, &hpx_code_built, experiment->recipe->trainer->sources);
        return;
    }
    if (hpx_program_code_record(code, experiment->program, cell, &unknown))
        hpx_fields_free(code);
    const hpx_fields *record = hpx_program_data_record(experiment->program);
    hpx_fields_add(data, record);
}

bool hpx_experiment_code_change(hpx_code_change *out, const hpx_experiment *experiment,
                                const hpx_fields *code)
{
    const hpx_sources *sources = experiment->recipe->trainer->sources;
    hpx_fields now = {0};
    hpx_error unknown;
    if (experiment->program)
        return hpx_program_code_change(out, experiment->program, code, &unknown) == HPX_OK;
    hpx_code_fields(&now, &hpx_code_built, sources);
    const bool known =
        hpx_code_compare(out, hpx_code_built.root, sources->names, code, &now, &unknown) == HPX_OK;
    hpx_fields_free(&now);
    return known;
}

char *hpx_experiment_take_warnings(hpx_experiment *experiment)
{
    return experiment->program ? hpx_program_take_warnings(experiment->program) : NULL;
}

hpx_status hpx_experiment_prepare(hpx_fields *conditions, hpx_experiment *experiment, hpx_error *error)
{
    if (!experiment->program)
        return HPX_OK;
    hpx_recipe_conditions(conditions, experiment->recipe);
    return hpx_program_prepare(conditions, experiment->program, error);
}

hpx_status hpx_experiment_hand_over(hpx_buffer *name, const hpx_experiment *experiment, const hpx_hash *hash,
                                    const char *scratch, hpx_error *error)
{
    for (size_t i = 0; i < experiment->source_count; i++)
        for (size_t k = 0; k < experiment->sources[i].count; k++) {
            const hpx_input *input = &experiment->sources[i].inputs[k];
            if (!hpx_hash_equal(&input->hash, hash))
                continue;
            const hpx_snapshot_file file = hpx_parcel_file("data", input->path, hash);
            hpx_buffer_puts(name, input->path);
            return hpx_parcel_hand_over(scratch, &file, 1, error);
        }
    if (experiment->program)
        return hpx_program_hand_over(name, experiment->program, hash, scratch, error);
    return hpx_error_set(error, HPX_NOT_FOUND, "no job has such data");
}

hpx_status hpx_experiment_unchanged(const hpx_experiment *experiment, hpx_error *error)
{
    return experiment->program ? hpx_program_unchanged(experiment->program, error) : HPX_OK;
}
