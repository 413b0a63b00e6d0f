#include "ledger.h"
#include "pace.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void hpx_outcome_free(hpx_outcome *outcome)
{
    if (!outcome)
        return;
    for (size_t i = 0; i < outcome->search_count; i++) {
        free(outcome->searches[i].visits);
        free(outcome->searches[i].trials);
    }
    free(outcome->searches);
    for (size_t i = 0; i < outcome->reason_count; i++)
        free(outcome->reasons[i].text);
    free(outcome->reasons);
    hpx_fields_free(&outcome->code);
    hpx_fields_free(&outcome->dataset);
    hpx_fields_free(&outcome->numerics);
    free(outcome);
}

struct accountant {
    const hpx_outcome *outcome;
    const hpx_plan *plan;
    struct ledger *ledger;
    const hpx_recipe *recipe;
    const struct pace *dry; /* a plan: what would be trained is on the bill too, by this pace; else NULL */
    bool *charged;          /* by trial: an earlier search, or an earlier cell, has it on its bill */
    size_t capacity;        /* of the trials of the search at hand */
};

static size_t index_of(const struct accountant *accountant, uint32_t cell, size_t seed_index)
{
    const struct ledger *ledger = accountant->ledger;
    return ledger->by_seed[ledger->cells[cell] - 1 + seed_index];
}

static hpx_reason *find_reason(const hpx_outcome *outcome, const struct trial *trial)
{
    for (size_t i = 0; i < outcome->reason_count; i++)
        if (outcome->reasons[i].verdict == trial->verdict &&
            strcmp(outcome->reasons[i].text, trial->reason ? trial->reason : "") == 0)
            return &outcome->reasons[i];
    return NULL;
}

/* Only of trials that are needed and, unless it is a plan, have had their end. */
static void count_reasons(hpx_outcome *outcome, const struct ledger *ledger, bool dry)
{
    size_t capacity = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        const struct trial *trial = ledger->trials[i];
        const bool ended = trial->state == TRIAL_KNOWN || trial->state == TRIAL_ACCIDENT;
        if (trial->verdict == HPX_HIT || trial->task.speculative || !(dry || ended))
            continue;
        hpx_reason *reason = find_reason(outcome, trial);
        if (!reason) {
            outcome->reasons =
                hpx_grow(outcome->reasons, &capacity, outcome->reason_count + 1, sizeof *outcome->reasons);
            reason = &outcome->reasons[outcome->reason_count++];
            *reason = (hpx_reason){trial->verdict, hpx_strdup(trial->reason ? trial->reason : ""), 0};
        }
        reason->trials++;
    }
}

/* Of training that remains to be done. */
static double seconds_left(const struct pace *pace, const struct trial *trial, uint32_t epochs)
{
    uint32_t from = trial->verdict == HPX_EXTEND ? trial->from : 0;
    return (epochs - from) * pace_seconds(pace, trial->macs_per_epoch);
}

/* A trial as this search meets it: what an earlier search has paid for is a hit. */
static hpx_outcome_trial meet(struct accountant *accountant, uint32_t cell, size_t seed_index)
{
    size_t index = index_of(accountant, cell, seed_index);
    const struct trial *trial = accountant->ledger->trials[index];
    uint32_t epochs = accountant->recipe->epochs;
    hpx_outcome_trial met = {
        .cell = cell,
        .seed = accountant->recipe->seeds[seed_index],
        .key = trial->key,
        .verdict = trial->verdict,
        .known = trial->state == TRIAL_KNOWN,
        .failed = trial_failed(trial),
        .from = trial->verdict == HPX_EXTEND ? trial->from : 0,
        .epoch = trial->epoch,
        .seconds = trial->seconds,
    };
    if (met.verdict == HPX_HIT)
        return met;
    const hpx_reason *reason = trial->reason ? find_reason(accountant->outcome, trial) : NULL;
    met.reason = reason ? reason->text : NULL;
    if (!met.known)
        met.macs_left = (epochs - met.from) * trial->macs_per_epoch;
    met.seconds_left = accountant->dry ? seconds_left(accountant->dry, trial, epochs) : NAN;
    if (accountant->charged[index])
        met = (hpx_outcome_trial){.cell = cell,
                                  .seed = met.seed,
                                  .key = met.key,
                                  .verdict = HPX_HIT,
                                  .known = met.known,
                                  .failed = met.failed,
                                  .epoch = met.epoch};
    accountant->charged[index] = true;
    return met;
}

/* Adds the trials of a cell to the bill; returns the verdict that cost most. */
static hpx_verdict charge(hpx_search_outcome *out, struct accountant *accountant, uint32_t cell)
{
    const hpx_recipe *recipe = accountant->recipe;
    hpx_experiment *experiment = accountant->ledger->experiment;
    hpx_cost cost = hpx_experiment_cost(experiment, cell);
    uint64_t samples = hpx_experiment_train_count(experiment, cell);
    hpx_verdict worst = HPX_HIT;
    for (size_t i = 0; i < recipe->seed_count; i++) {
        hpx_outcome_trial trial = meet(accountant, cell, i);
        if (!accountant->dry && !trial.known && !trial.failed)
            continue; /* the run stopped before it got there */
        out->trial_counts[trial.verdict]++;
        out->failed += trial.failed;
        if (trial.verdict > worst)
            worst = trial.verdict;
        if (trial.verdict != HPX_HIT && trial.epoch > trial.from) {
            uint32_t trained = trial.epoch - trial.from;
            out->paid_macs += (double)cost.forward * trained / recipe->epochs / (double)recipe->seed_count;
            out->paid_training_macs += cost.training * samples * trained;
            out->seconds += trial.seconds;
        }
        out->trials = hpx_grow(out->trials, &accountant->capacity, out->trial_count + 1, sizeof *out->trials);
        out->trials[out->trial_count++] = trial;
    }
    return worst;
}

/* Charges those of the cells that have been looked up and are not on the search's bill yet. */
static void charge_others(hpx_search_outcome *out, struct accountant *accountant, const uint32_t *cells,
                          size_t count, bool *billed)
{
    for (size_t i = 0; i < count; i++) {
        if (!billed[cells[i]] && accountant->ledger->cells[cells[i]])
            charge(out, accountant, cells[i]);
        billed[cells[i]] = true;
    }
}

/* Of training it from the start: to its end, or to the epoch in which it failed. */
static uint64_t nominal_macs(const struct trial *trial, const hpx_recipe *recipe)
{
    return trial->macs_per_epoch * (trial->failure ? trial->epoch : recipe->epochs);
}

static void account(hpx_search_outcome *out, struct accountant *accountant, size_t i)
{
    hpx_search *search = hpx_plan_search(accountant->plan, i);
    hpx_experiment *experiment = accountant->ledger->experiment;
    const hpx_recipe *recipe = accountant->recipe;
    const uint32_t *cells;
    bool *billed = hpx_alloc(hpx_grid_cells(&recipe->grid) * sizeof *billed);
    accountant->capacity = 0;
    out->search = hpx_plan_recipe_search(accountant->plan, i);
    out->visit_count = hpx_search_trace(search, &cells);
    out->visits = hpx_alloc(out->visit_count * sizeof *out->visits);
    for (size_t v = 0; v < out->visit_count; v++) {
        hpx_cost cost = hpx_experiment_cost(experiment, cells[v]);
        hpx_verdict verdict = charge(out, accountant, cells[v]);
        out->visits[v] = (hpx_visit){cells[v], hpx_plan_value(accountant->plan, cells[v]), verdict};
        out->nominal_macs += cost.forward;
        for (size_t seed = 0; seed < recipe->seed_count; seed++)
            out->nominal_training_macs +=
                nominal_macs(ledger_trial(accountant->ledger, cells[v], seed), recipe);
        billed[cells[v]] = true;
    }
    size_t told = hpx_plan_told(accountant->plan, i, &cells);
    charge_others(out, accountant, cells, told, billed);
    size_t wanted = hpx_search_wanted(search, &cells);
    charge_others(out, accountant, cells, wanted, billed);
    free(billed);
    out->done = wanted == 0;
    out->score = out->score_sd = out->incumbent_score = out->difference = NAN;
    if (out->done) {
        out->result = hpx_search_result_of(search);
        ledger_score(&out->score, &out->score_sd, accountant->ledger, out->result.end);
        out->incumbent_score = hpx_plan_value(accountant->plan, out->result.incumbent);
    }
}

static void compare(hpx_outcome *outcome)
{
    bool minimised = hpx_metric_minimised(outcome->recipe->objective);
    double best = NAN;
    for (size_t i = 0; i < outcome->search_count; i++) {
        double score = outcome->searches[i].score;
        if (isnan(best) || (minimised ? score < best : score > best))
            best = score;
    }
    for (size_t i = 0; i < outcome->search_count; i++) {
        hpx_search_outcome *search = &outcome->searches[i];
        search->relative_cost = (double)search->nominal_macs / (double)outcome->grid_macs;
        /* Of two decimals of a few digits: without the noise of their binary difference. */
        search->difference = round((minimised ? search->score - best : best - search->score) * 1e12) / 1e12;
    }
}

static void charge_speculative(hpx_speculative *out, const struct ledger *ledger, const struct trial *trial)
{
    const hpx_recipe *recipe = hpx_experiment_recipe(ledger->experiment);
    if (trial->verdict == HPX_HIT || trial->epoch <= trial->from)
        return;
    uint32_t trained = trial->epoch - trial->from;
    double forward = (double)hpx_experiment_cost(ledger->experiment, trial->cell).forward;
    out->trials++;
    out->paid_macs += forward * trained / recipe->epochs / (double)recipe->seed_count;
    out->paid_training_macs += trained * trial->macs_per_epoch;
    out->seconds += trial->seconds;
}

static void count_trials(hpx_outcome *outcome, const struct ledger *ledger, const struct pace *dry)
{
    for (size_t i = 0; i < ledger->count; i++) {
        const struct trial *trial = ledger->trials[i];
        uint32_t epochs = outcome->recipe->epochs;
        uint32_t from = trial->verdict == HPX_EXTEND ? trial->from : 0;
        if (trial->task.speculative) {
            charge_speculative(&outcome->speculative, ledger, trial);
        } else if (trial->state == TRIAL_KNOWN || trial->state == TRIAL_ACCIDENT) {
            outcome->stored += trial->verdict == HPX_HIT;
            outcome->trained += trial->verdict == HPX_TRAIN;
            outcome->extended += trial->verdict == HPX_EXTEND;
            outcome->failed += trial_failed(trial);
            outcome->accidents += trial->state == TRIAL_ACCIDENT;
        } else {
            outcome->pending++;
            outcome->macs_left += (epochs - from) * trial->macs_per_epoch;
            outcome->seconds_left += dry ? seconds_left(dry, trial, epochs) : NAN;
        }
    }
    outcome->calibrated = dry && dry->calibrated;
}

hpx_outcome *outcome_of(const hpx_plan *plan, struct ledger *ledger, const struct pace *dry)
{
    hpx_outcome *outcome = hpx_alloc(sizeof *outcome);
    struct accountant accountant = {
        .outcome = outcome,
        .plan = plan,
        .ledger = ledger,
        .recipe = hpx_experiment_recipe(ledger->experiment),
        .dry = dry,
        .charged = hpx_alloc(ledger->count * sizeof(bool)),
    };
    outcome->recipe = accountant.recipe;
    outcome->cells = hpx_grid_cells(&outcome->recipe->grid);
    outcome->grid_macs = hpx_experiment_grid_macs(ledger->experiment);
    outcome->search_count = hpx_plan_count(plan);
    outcome->searches = hpx_alloc(outcome->search_count * sizeof *outcome->searches);
    hpx_fields settings = {0};
    hpx_recipe_settings(&settings, outcome->recipe, 0);
    outcome->depends_on_last_epoch = outcome->recipe->trainer->needs_last_epoch(&settings);
    hpx_fields_free(&settings);
    count_reasons(outcome, ledger, dry != NULL);
    for (size_t i = 0; i < outcome->search_count; i++)
        account(&outcome->searches[i], &accountant, i);
    compare(outcome);
    count_trials(outcome, ledger, dry);
    free(accountant.charged);
    return outcome;
}
