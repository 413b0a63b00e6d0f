#include "inside.h"

#include "base/memory.h"
#include "statistics/ranks.h"
#include "statistics/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

hpx_page *hpx_page_new(const hpx_recipe *recipe)
{
    hpx_page *page = hpx_alloc(sizeof *page);
    page->recipe = recipe;
    page->count = hpx_grid_cells(&recipe->grid);
    page->cells = hpx_alloc(page->count * sizeof *page->cells);
    page->costs = hpx_alloc(page->count * sizeof *page->costs);
    page->timed = true;
    for (uint32_t cell = 0; cell < page->count; cell++)
        page->costs[cell] = NAN;
    return page;
}

void hpx_page_free(hpx_page *page)
{
    if (!page)
        return;
    for (uint32_t cell = 0; cell < page->count; cell++) {
        free(page->cells[cell].values);
        free(page->cells[cell].failure);
    }
    hpx_page_contest_free(page->contest);
    hpx_page_timeline_free(page->timeline);
    free(page->keys);
    hpx_page_free_figures(page);
    hpx_page_free_origins(page);
    free(page->cells);
    free(page->costs);
    free(page);
}

void hpx_page_set_cost(hpx_page *page, uint32_t cell, uint64_t macs)
{
    page->costs[cell] = (double)macs;
    page->timed = false;
}

/* --- results -------------------------------------------------------------------------------------------------- */

/* The number of a cell that has the recipe's own values. */
static uint32_t number_of(const hpx_recipe *recipe, const hpx_cell *cell)
{
    uint32_t indices[HPX_AXES_MAX] = {0};
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        const char *value = hpx_cell_value(cell, recipe->axes[axis].name);
        while (value && indices[axis] + 1 < recipe->axes[axis].count &&
               strcmp(recipe->axes[axis].values[indices[axis]].text, value) != 0)
            indices[axis]++;
    }
    return hpx_grid_cell(&recipe->grid, indices);
}

static size_t seed_index(const hpx_recipe *recipe, uint64_t seed)
{
    size_t index = 0;
    while (index + 1 < recipe->seed_count && recipe->seeds[index] != seed)
        index++;
    return index;
}

static double *values_of(const hpx_page *page, struct cell *cell)
{
    const size_t count = page->recipe->seed_count * page->recipe->epochs;
    if (!cell->values) {
        cell->values = hpx_alloc(count * sizeof *cell->values);
        for (size_t i = 0; i < count; i++)
            cell->values[i] = NAN;
    }
    return cell->values;
}

/* Epochs of a trajectory come one after the other. Whether this is the first. */
static bool add_key(hpx_page *page, const hpx_artifact *artifact, uint32_t cell)
{
    const size_t count = page->key_count;
    if (count > 0 && hpx_hash_equal(&page->keys[count - 1].key, &artifact->key))
        return false;
    page->keys = hpx_grow(page->keys, &page->key_capacity, count + 1, sizeof *page->keys);
    page->keys[page->key_count++] = (struct named_key){artifact->key, cell, artifact->seed};
    return true;
}

unsigned hpx_page_add(hpx_page *page, const hpx_artifact *artifact)
{
    const hpx_recipe *recipe = page->recipe;
    if (artifact->epoch == 0 || artifact->epoch > recipe->epochs)
        return 0;
    const uint32_t number = number_of(recipe, &artifact->cell);
    struct cell *cell = &page->cells[number];
    const bool first = !cell->values;
    double *values =
        values_of(page, cell) + seed_index(recipe, artifact->seed) * recipe->epochs + artifact->epoch - 1;
    *values = *artifact->failure ? NAN : hpx_objective_value(&recipe->objective, &artifact->metrics);
    for (uint32_t later = artifact->epoch + 1; *artifact->stopped && later <= recipe->epochs; later++)
        values[later - artifact->epoch] = *values; /* it stands for all later epochs */
    if (*artifact->failure && cell->failed++ == 0) {
        cell->failed_epoch = artifact->epoch;
        cell->failure = hpx_strdup(artifact->failure);
    }
    if (first) {
        cell->key = artifact->key;
        cell->origin = hpx_page_find_origin(page, &artifact->code);
    }
    cell->epochs = artifact->epoch > cell->epochs ? artifact->epoch : cell->epochs;
    cell->seconds += artifact->seconds;
    return hpx_page_parts(page, artifact, add_key(page, artifact, number));
}

uint32_t hpx_page_cells(const hpx_page *page)
{
    uint32_t count = 0;
    for (uint32_t cell = 0; cell < page->count; cell++)
        count += page->cells[cell].values != NULL;
    return count;
}

double hpx_page_seed_value(const hpx_page *page, uint32_t cell, size_t seed, uint32_t epoch)
{
    const double *values = page->cells[cell].values;
    return values ? values[seed * page->recipe->epochs + epoch - 1] : NAN;
}

double hpx_page_after(const hpx_page *page, uint32_t cell, uint32_t epoch)
{
    double sum = 0;
    for (size_t seed = 0; seed < page->recipe->seed_count; seed++)
        sum += hpx_page_seed_value(page, cell, seed, epoch);
    return sum / (double)page->recipe->seed_count;
}

int hpx_page_decimals(const hpx_page *page)
{
    return page->recipe->objective.minimised ? 6 : 4;
}

bool hpx_page_has_accuracies(const hpx_page *page)
{
    const hpx_objective *objective = &page->recipe->objective;
    for (uint32_t i = 0; i < page->count; i++)
        if (page->cells[i].score < 0 || page->cells[i].score > 1)
            return false;
    return !objective->minimised && strstr(objective->name, "accuracy");
}

bool hpx_page_better(const hpx_page *page, double value, double other)
{
    return hpx_objective_better(&page->recipe->objective, value, other);
}

/* Mean and deviation over the seeds that have come to the end; a seed that failed fails the cell. */
static void conclude_cell(const hpx_page *page, struct cell *cell, double *scores)
{
    const hpx_recipe *recipe = page->recipe;
    size_t count = 0;
    for (size_t seed = 0; seed < recipe->seed_count; seed++) {
        const double value = cell->values[(seed + 1) * recipe->epochs - 1];
        if (!isnan(value))
            scores[count++] = value;
    }
    cell->seeds = count + cell->failed;
    cell->score = count && !cell->failed ? hpx_mean(scores, count) : NAN;
    cell->sd = count > 1 && !cell->failed ? hpx_sd(scores, count) : NAN;
}

/* Colours go from the score below which 5 % of the cells lie to the best. */
static hpx_svg_heat_scale scale_of(const hpx_page *page)
{
    const bool minimised = page->recipe->objective.minimised;
    double *scores = hpx_alloc((page->count + 1) * sizeof *scores);
    hpx_svg_heat_scale scale = {.dark = 0, .bright = 0, .decimals = -1};
    size_t count = 0;
    for (uint32_t i = 0; i < page->count; i++)
        if (!isnan(page->cells[i].score))
            scores[count++] = page->cells[i].score;
    if (count) {
        scale.dark = hpx_quantile(scores, count, minimised ? 0.95 : 0.05);
        scale.bright = hpx_quantile(scores, count, minimised ? 0 : 1);
    }
    free(scores);
    return scale;
}

void hpx_page_conclude(hpx_page *page)
{
    const hpx_outcome *outcome = page->outcome;
    double *scores = hpx_alloc(page->recipe->seed_count * sizeof *scores);
    page->best = NO_CELL;
    for (uint32_t i = 0; i < page->count; i++) {
        struct cell *cell = &page->cells[i];
        cell->score = cell->sd = NAN;
        if (!cell->values)
            continue;
        conclude_cell(page, cell, scores);
        if (page->timed)
            page->costs[i] = cell->seconds;
        if (!isnan(cell->score) &&
            (page->best == NO_CELL || hpx_page_better(page, cell->score, page->cells[page->best].score)))
            page->best = i;
    }
    page->scale = scale_of(page);
    page->shown = page->best == NO_CELL ? 0 : page->best;
    for (size_t i = outcome ? outcome->search_count : 0; i-- > 0;)
        if (outcome->searches[i].done)
            page->shown = outcome->searches[i].result.end;
    free(scores);
}

bool hpx_page_best(hpx_hash *key, hpx_page *page)
{
    hpx_page_conclude(page);
    if (page->best != NO_CELL)
        *key = page->cells[page->best].key;
    return page->best != NO_CELL;
}

void hpx_page_set_pictures(hpx_page *page, const hpx_page_pictures *pictures)
{
    page->pictures = pictures;
}

hpx_numbered *hpx_page_order(size_t *count, const hpx_page *page, bool by_cost)
{
    const double sign = page->recipe->objective.minimised ? -1 : 1;
    hpx_numbered *cells = hpx_alloc((page->count + 1) * sizeof *cells);
    *count = 0;
    for (uint32_t i = 0; i < page->count; i++)
        if (!isnan(page->cells[i].score))
            cells[(*count)++] = (hpx_numbered){by_cost ? page->costs[i] : sign * page->cells[i].score, i};
    hpx_sort_numbered(cells, *count);
    return cells;
}

/* --- peaks ---------------------------------------------------------------------------------------------------- */

/* A cell and its neighbours, one after the other: `at` begins as the lowest of them. */
struct walk {
    const hpx_grid *grid;
    uint32_t low[HPX_AXES_MAX], high[HPX_AXES_MAX], at[HPX_AXES_MAX];
};

static void begin_walk(struct walk *walk, const hpx_grid *grid, uint32_t cell)
{
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, grid, cell);
    walk->grid = grid;
    for (size_t axis = 0; axis < grid->axes; axis++) {
        hpx_grid_reach(&walk->low[axis], &walk->high[axis], grid, axis, indices[axis]);
        walk->at[axis] = walk->low[axis];
    }
}

static bool next_in_walk(struct walk *walk)
{
    for (size_t axis = walk->grid->axes; axis-- > 0;) {
        if (walk->at[axis] < walk->high[axis]) {
            walk->at[axis]++;
            return true;
        }
        walk->at[axis] = walk->low[axis];
    }
    return false;
}

bool hpx_page_is_above(const struct cell *peak, const struct cell *other)
{
    const double error =
        sqrt(peak->sd * peak->sd / (double)peak->seeds + other->sd * other->sd / (double)other->seeds);
    return fabs(peak->score - other->score) > 2 * error;
}

enum peak hpx_page_peak(const hpx_page *page, uint32_t cell)
{
    const struct cell *peak = &page->cells[cell];
    struct walk walk;
    bool sure = true;
    if (isnan(peak->score))
        return NO_PEAK;
    begin_walk(&walk, &page->recipe->grid, cell);
    do {
        const uint32_t number = hpx_grid_cell(&page->recipe->grid, walk.at);
        const struct cell *neighbour = &page->cells[number];
        if (number == cell || isnan(neighbour->score))
            continue;
        if (!hpx_page_better(page, peak->score, neighbour->score))
            return NO_PEAK;
        sure = sure && hpx_page_is_above(peak, neighbour);
    } while (next_in_walk(&walk));
    return sure ? SURE_PEAK : UNSURE_PEAK;
}
