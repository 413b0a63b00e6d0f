#include "ledger.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void hpx_ledger_init(struct ledger *ledger, hpx_experiment *experiment)
{
    *ledger = (struct ledger){.experiment = experiment, .table_size = 64};
    ledger->arena = hpx_arena_new();
    ledger->table = hpx_alloc(ledger->table_size * sizeof *ledger->table);
    const hpx_recipe *recipe = hpx_experiment_recipe(experiment);
    hpx_requests_init(&ledger->requests, &recipe->grid, recipe->seed_count * sizeof(uint32_t));
}

void hpx_ledger_free(struct ledger *ledger)
{
    if (!ledger->experiment)
        return;
    hpx_arena_free(ledger->arena);
    hpx_buffer_free(&ledger->manifest);
    for (size_t i = 0; i < ledger->count; i += TRIALS_IN_BLOCK)
        free(ledger->blocks[i / TRIALS_IN_BLOCK]);
    free((void *)ledger->blocks);
    free(ledger->table);
    hpx_requests_free(&ledger->requests);
}

/* Where to begin to look. Keys are hashes: any eight bytes of one are as good as a hash of it. */
static size_t first_slot(const struct ledger *ledger, const hpx_hash *key)
{
    return hpx_load_u64(key->bytes) & (ledger->table_size - 1);
}

static size_t slot_after(const struct ledger *ledger, size_t slot)
{
    return (slot + 1) & (ledger->table_size - 1);
}

/* The slot of the key, or the free one where it would go. */
static size_t slot_of(const struct ledger *ledger, const hpx_hash *key)
{
    size_t slot = first_slot(ledger, key);
    while (ledger->table[slot] && !hpx_hash_equal(&ledger_at(ledger, ledger->table[slot] - 1)->key, key))
        slot = slot_after(ledger, slot);
    return slot;
}

struct trial *hpx_ledger_find(const struct ledger *ledger, const hpx_hash *key)
{
    uint32_t index = ledger->table[slot_of(ledger, key)];
    return index ? ledger_at(ledger, index - 1) : NULL;
}

static void grow_table(struct ledger *ledger)
{
    free(ledger->table);
    ledger->table_size *= 2;
    ledger->table = hpx_alloc(ledger->table_size * sizeof *ledger->table);
    for (size_t i = 0; i < ledger->count; i++) {
        size_t slot = first_slot(ledger, &ledger_at(ledger, i)->key);
        while (ledger->table[slot])
            slot = slot_after(ledger, slot);
        ledger->table[slot] = (uint32_t)i + 1;
    }
}

static const struct past nothing = {.value = (double)NAN};

static struct trial *add_trial(struct ledger *ledger, const hpx_hash *key)
{
    const size_t index = ledger->count++, block = index / TRIALS_IN_BLOCK;
    if (index % TRIALS_IN_BLOCK == 0) {
        ledger->blocks = (struct trial **)hpx_grow((void *)ledger->blocks, &ledger->block_capacity, block + 1,
                                                   sizeof *ledger->blocks);
        ledger->blocks[block] = hpx_alloc(TRIALS_IN_BLOCK * sizeof **ledger->blocks);
    }
    struct trial *trial = ledger_at(ledger, index);
    trial->key = *key;
    trial->verdict = HPX_TRAIN;
    trial->past = &nothing;
    return trial;
}

struct past *hpx_ledger_past(struct ledger *ledger, struct trial *trial)
{
    if (trial->past == &nothing) {
        struct past *past = hpx_arena_alloc(ledger->arena, sizeof *past);
        *past = nothing;
        trial->past = past;
    }
    return (struct past *)(uintptr_t)trial->past;
}

static struct point *find_point(const struct trial *trial, uint32_t epochs)
{
    struct point *point = trial->past->points;
    while (point && point->epochs != epochs)
        point = point->next;
    return point;
}

static struct point *add_point(struct ledger *ledger, struct trial *trial, uint32_t epochs)
{
    struct past *past = hpx_ledger_past(ledger, trial);
    struct point *point = hpx_arena_alloc(ledger->arena, sizeof *point);
    *point = (struct point){.epochs = epochs, .next = past->points};
    past->points = point;
    return point;
}

/* Whether the trial has to be looked up for so many epochs. */
static bool ask_of(struct ledger *ledger, struct trial *trial, uint32_t epochs)
{
    double value;
    if (trial->asked == 0) {
        trial->asked = epochs;
        return true;
    }
    if (trial->asked == epochs || find_point(trial, epochs) || hpx_trial_answer(&value, trial, epochs))
        return false;
    add_point(ledger, trial, epochs);
    if (trial->state != TRIAL_RUNNING)
        trial->state = TRIAL_WAITING;
    return true;
}

void hpx_ledger_add(struct ledger *ledger, hpx_request request, ledger_fresh_fn *fresh, void *context)
{
    const hpx_recipe *recipe = hpx_experiment_recipe(ledger->experiment);
    hpx_cost cost = hpx_experiment_cost(ledger->experiment, request.cell);
    uint32_t *by_seed = hpx_requests_at(&ledger->requests, request);
    assert(request.epochs > 0 && *by_seed == 0);
    for (size_t i = 0; i < recipe->seed_count; i++) {
        ledger->manifest.size = 0;
        hpx_hash key = hpx_experiment_manifest(&ledger->manifest, ledger->experiment, request.cell,
                                               recipe->seeds[i], request.epochs);
        if (2 * (ledger->count + 1) > ledger->table_size)
            grow_table(ledger);
        uint32_t *index = &ledger->table[slot_of(ledger, &key)];
        if (*index == 0) {
            struct trial *trial = add_trial(ledger, &key);
            trial->cell = request.cell;
            trial->seed = recipe->seeds[i];
            trial->epoch_cost = cost.epoch;
            *index = (uint32_t)ledger->count;
        }
        by_seed[i] = *index;
        struct trial *trial = ledger_at(ledger, *index - 1);
        if (ask_of(ledger, trial, request.epochs))
            fresh(context, trial, request.epochs, &ledger->manifest);
    }
}

bool hpx_ledger_has(const struct ledger *ledger, hpx_request request)
{
    const uint32_t *by_seed = hpx_requests_find(&ledger->requests, request);
    return by_seed && *by_seed;
}

size_t hpx_ledger_index(const struct ledger *ledger, hpx_request request, size_t seed_index)
{
    const uint32_t *by_seed = hpx_requests_find(&ledger->requests, request);
    assert(by_seed && by_seed[seed_index] > 0);
    return by_seed[seed_index] - 1;
}

struct trial *hpx_ledger_trial(const struct ledger *ledger, hpx_request request, size_t seed_index)
{
    return ledger_at(ledger, hpx_ledger_index(ledger, request, seed_index));
}

void hpx_ledger_note(struct ledger *ledger, struct trial *trial, uint32_t epoch, double value)
{
    struct point *point = find_point(trial, epoch);
    if (!point && trial->asked != epoch)
        return; /* nobody asks for it */
    if (!point)
        point = add_point(ledger, trial, epoch);
    point->known = true;
    point->value = value;
}

void hpx_ledger_explain(struct ledger *ledger, struct trial *trial, const char *reason)
{
    if (reason && (!ledger->reason || strcmp(ledger->reason, reason) != 0))
        ledger->reason = hpx_arena_strndup(ledger->arena, reason, strlen(reason));
    trial->reason = reason ? ledger->reason : NULL;
}

bool hpx_trial_answer(double *value, const struct trial *trial, uint32_t epochs)
{
    const struct point *point = find_point(trial, epochs);
    const struct past *past = trial->past;
    const bool known = point && point->known, ended = trial->epoch <= epochs, failed = ended && past->failure,
               stopped = ended && past->stopped;
    *value = failed ? (double)NAN : stopped ? past->value : known ? point->value : (double)NAN;
    return known || failed || stopped;
}

uint32_t hpx_trial_target(const struct trial *trial)
{
    double value;
    uint32_t target = hpx_trial_answer(&value, trial, trial->asked) ? 0 : trial->asked;
    for (const struct point *point = trial->past->points; point; point = point->next)
        if (point->epochs > target && !hpx_trial_answer(&value, trial, point->epochs))
            target = point->epochs;
    return target;
}

uint64_t hpx_trial_cost_left(const struct trial *trial)
{
    uint32_t from = trial->epoch > trial->from ? trial->epoch : trial->from, target = hpx_trial_target(trial);
    return target > from ? (target - from) * trial->epoch_cost : 0;
}

bool hpx_trial_failed(const struct trial *trial, uint32_t epochs)
{
    double value;
    return hpx_trial_answer(&value, trial, epochs) ? isnan(value) : trial->state == TRIAL_ACCIDENT;
}

uint32_t hpx_trial_trained(const struct trial *trial)
{
    return trial->verdict == HPX_HIT || trial->epoch <= trial->from ? 0 : trial->epoch - trial->from;
}

bool hpx_ledger_score(double *mean, double *sd, const struct ledger *ledger, hpx_request request)
{
    size_t seeds = hpx_experiment_recipe(ledger->experiment)->seed_count;
    double sum = 0, squares = 0, value;
    for (size_t i = 0; i < seeds; i++) {
        const struct trial *trial = hpx_ledger_trial(ledger, request, i);
        if (!hpx_trial_answer(&value, trial, request.epochs) && trial->state != TRIAL_ACCIDENT)
            return false;
        sum += value; /* NaN: it failed */
    }
    *mean = sum / (double)seeds;
    for (size_t i = 0; i < seeds; i++) {
        hpx_trial_answer(&value, hpx_ledger_trial(ledger, request, i), request.epochs);
        squares += (value - *mean) * (value - *mean);
    }
    *sd = seeds < 2 ? NAN : sqrt(squares / (double)(seeds - 1));
    return true;
}
