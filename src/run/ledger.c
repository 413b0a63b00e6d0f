#include "ledger.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void ledger_init(struct ledger *ledger, hpx_experiment *experiment)
{
    *ledger = (struct ledger){.experiment = experiment, .table_size = 64};
    ledger->arena = hpx_arena_new();
    ledger->table = hpx_alloc(ledger->table_size * sizeof *ledger->table);
    ledger->cells =
        hpx_alloc(hpx_grid_cells(&hpx_experiment_recipe(experiment)->grid) * sizeof *ledger->cells);
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger->experiment)
        return;
    hpx_arena_free(ledger->arena);
    hpx_buffer_free(&ledger->manifest);
    free(ledger->trials);
    free(ledger->table);
    free(ledger->cells);
    free(ledger->by_seed);
}

/* Keys are hashes: any eight bytes of one are as good as a hash of it. */
static size_t slot_of(const struct ledger *ledger, const hpx_hash *key)
{
    size_t slot = hpx_load_u64(key->bytes) & (ledger->table_size - 1);
    while (ledger->table[slot] && !hpx_hash_equal(&ledger->trials[ledger->table[slot] - 1]->key, key))
        slot = (slot + 1) & (ledger->table_size - 1);
    return slot;
}

struct trial *ledger_find(const struct ledger *ledger, const hpx_hash *key)
{
    uint32_t index = ledger->table[slot_of(ledger, key)];
    return index ? ledger->trials[index - 1] : NULL;
}

static void grow_table(struct ledger *ledger)
{
    free(ledger->table);
    ledger->table_size *= 2;
    ledger->table = hpx_alloc(ledger->table_size * sizeof *ledger->table);
    for (size_t i = 0; i < ledger->count; i++)
        ledger->table[slot_of(ledger, &ledger->trials[i]->key)] = (uint32_t)i + 1;
}

static uint32_t add_trial(struct ledger *ledger, const hpx_hash *key)
{
    if (2 * (ledger->count + 1) > ledger->table_size)
        grow_table(ledger);
    struct trial *trial = hpx_arena_alloc(ledger->arena, sizeof *trial);
    trial->key = *key;
    trial->verdict = HPX_TRAIN;
    ledger->trials = hpx_grow(ledger->trials, &ledger->capacity, ledger->count + 1, sizeof *ledger->trials);
    ledger->trials[ledger->count++] = trial;
    ledger->table[slot_of(ledger, key)] = (uint32_t)ledger->count;
    return (uint32_t)ledger->count - 1;
}

void ledger_add_cell(struct ledger *ledger, uint32_t cell, ledger_fresh_fn *fresh, void *context)
{
    const hpx_recipe *recipe = hpx_experiment_recipe(ledger->experiment);
    hpx_cost cost = hpx_experiment_cost(ledger->experiment, cell);
    uint32_t samples = hpx_experiment_train_count(ledger->experiment, cell);
    assert(ledger->cells[cell] == 0);
    ledger->cells[cell] = (uint32_t)ledger->by_seed_count + 1;
    for (size_t i = 0; i < recipe->seed_count; i++) {
        ledger->manifest.size = 0;
        hpx_hash key = hpx_experiment_manifest(&ledger->manifest, ledger->experiment, cell, recipe->seeds[i]);
        uint32_t index = ledger->table[slot_of(ledger, &key)];
        bool is_new = index == 0;
        index = is_new ? add_trial(ledger, &key) : index - 1;
        ledger->by_seed =
            hpx_grow(ledger->by_seed, &ledger->by_seed_capacity, ledger->by_seed_count + 1, sizeof index);
        ledger->by_seed[ledger->by_seed_count++] = index;
        if (is_new) {
            struct trial *trial = ledger->trials[index];
            trial->cell = cell;
            trial->seed = recipe->seeds[i];
            trial->macs_per_epoch = cost.training * samples;
            fresh(context, trial, &ledger->manifest);
        }
    }
}

struct trial *ledger_trial(const struct ledger *ledger, uint32_t cell, size_t seed_index)
{
    assert(ledger->cells[cell] > 0);
    return ledger->trials[ledger->by_seed[ledger->cells[cell] - 1 + seed_index]];
}

bool trial_failed(const struct trial *trial)
{
    return trial->failure || trial->state == TRIAL_ACCIDENT;
}

bool ledger_score(double *mean, double *sd, const struct ledger *ledger, uint32_t cell)
{
    const hpx_recipe *recipe = hpx_experiment_recipe(ledger->experiment);
    size_t seeds = recipe->seed_count;
    double sum = 0, squares = 0;
    bool failed = false;
    for (size_t i = 0; i < seeds; i++) {
        const struct trial *trial = ledger_trial(ledger, cell, i);
        if (trial->state == TRIAL_WAITING || trial->state == TRIAL_RUNNING)
            return false;
        failed = failed || trial_failed(trial);
        sum += trial->metrics.values[recipe->objective];
    }
    *mean = failed ? NAN : sum / (double)seeds;
    for (size_t i = 0; i < seeds && !failed; i++) {
        double off = ledger_trial(ledger, cell, i)->metrics.values[recipe->objective] - *mean;
        squares += off * off;
    }
    *sd = failed || seeds < 2 ? NAN : sqrt(squares / (double)(seeds - 1));
    return true;
}
