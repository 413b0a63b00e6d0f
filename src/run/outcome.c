#include "ledger.h"
#include "pace.h"

#include "base/memory.h"
#include "statistics/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct hpx_outcome_ledger {
    struct ledger of;
    struct pace pace;
    bool dry; /* a plan: what would be trained is on the bill too, by this pace */
    /* A plan: the layers of the cells on its bills, and which they are, by cell at 0 epochs. */
    hpx_layer *layers;
    size_t layer_count, layer_capacity;
    hpx_requests of_cells;
};

struct cell_layers {
    size_t first, count;
    bool found;
};

static void find_layers(hpx_outcome *outcome, const hpx_search_outcome *search)
{
    const size_t seeds = outcome->recipe->seed_count;
    struct hpx_outcome_ledger *ledger = outcome->ledger;
    hpx_layer layers[HPX_LAYERS_MAX];
    for (size_t i = 0; i < search->trial_count / seeds; i++) {
        const hpx_request request = {search->billed[i].cell, 0};
        struct cell_layers *of_cell = hpx_requests_at(&ledger->of_cells, request);
        if (of_cell->found)
            continue;
        const size_t count = hpx_experiment_layers(layers, ledger->of.experiment, request.cell);
        *of_cell = (struct cell_layers){ledger->layer_count, count, true};
        ledger->layers = hpx_grow(ledger->layers, &ledger->layer_capacity, ledger->layer_count + count + 1,
                                  sizeof *layers);
        memcpy(ledger->layers + ledger->layer_count, layers, count * sizeof *layers);
        ledger->layer_count += count;
    }
}

size_t hpx_outcome_layers(const hpx_layer **out, const hpx_outcome *outcome, uint32_t cell)
{
    const struct cell_layers *found = hpx_requests_find(&outcome->ledger->of_cells, (hpx_request){cell, 0});
    *out = found ? outcome->ledger->layers + found->first : NULL;
    return found ? found->count : 0;
}

void hpx_outcome_free(hpx_outcome *outcome)
{
    if (!outcome)
        return;
    for (size_t i = 0; i < outcome->search_count; i++) {
        free(outcome->searches[i].visits);
        free(outcome->searches[i].billed);
        free(outcome->searches[i].charged);
    }
    free(outcome->searches);
    for (size_t i = 0; i < outcome->reason_count; i++)
        free(outcome->reasons[i].text);
    free(outcome->reasons);
    hpx_fields_free(&outcome->code);
    hpx_fields_free(&outcome->dataset);
    hpx_fields_free(&outcome->numerics);
    hpx_ledger_free(&outcome->ledger->of);
    hpx_requests_free(&outcome->ledger->of_cells);
    free(outcome->ledger->layers);
    free(outcome->ledger);
    free(outcome);
}

struct accountant {
    const hpx_outcome *outcome;
    const hpx_plan *plan;
    struct ledger *ledger;
    const hpx_recipe *recipe;
    bool dry;
    uint32_t *charged; /* by trial: epochs that an earlier search, or an earlier cell, has on its bill */
    size_t billed_capacity, charged_capacity; /* of the search at hand */
    double nominal;                           /* of it: T times epochs */
};

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
        const struct trial *trial = ledger_at(ledger, i);
        const bool ended = trial->state == TRIAL_KNOWN || trial->state == TRIAL_ACCIDENT;
        if (trial->verdict == HPX_HIT || trial->needed == 0 || !(dry || ended))
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

/* Epochs of training that remain to be done for an answer. */
static uint32_t epochs_left(const struct trial *trial, uint32_t epochs)
{
    const uint32_t from = trial->verdict == HPX_EXTEND ? trial->from : 0;
    return epochs > from ? epochs - from : 0;
}

static double seconds_left(const struct pace *pace, const struct trial *trial, uint32_t epochs)
{
    return epochs_left(trial, epochs) * hpx_pace_seconds(pace, trial->epoch_cost);
}

/* Of the seconds in which this run has trained the trial, those of so many epochs. */
static double seconds_of(const struct trial *trial, uint32_t epochs)
{
    const uint32_t trained = hpx_trial_trained(trial);
    return epochs == trained ? trial->past->seconds : trial->past->seconds * epochs / trained;
}

/* A trial as a search meets it when so many of its epochs are on a bill already: what an earlier search has paid
 * for is a hit. */
static hpx_outcome_trial meet(const hpx_outcome *outcome, hpx_request request, size_t seed_index,
                              uint32_t charged)
{
    const struct trial *trial = hpx_ledger_trial(&outcome->ledger->of, request, seed_index);
    const uint32_t from = trial->verdict == HPX_EXTEND ? trial->from : 0;
    double value;
    hpx_outcome_trial met = {
        .cell = request.cell,
        .seed = outcome->recipe->seeds[seed_index],
        .key = trial->key,
        .verdict = HPX_HIT,
        .known = hpx_trial_answer(&value, trial, request.epochs),
        .failed = hpx_trial_failed(trial, request.epochs),
        .epoch = trial->epoch < request.epochs ? trial->epoch : request.epochs,
        .to = request.epochs,
    };
    if (trial->verdict == HPX_HIT) {
        met.seconds = trial->past->seconds;
        return met;
    }
    if (charged >= request.epochs || (met.known && from >= request.epochs))
        return met;
    met.verdict = charged > from ? HPX_EXTEND : (hpx_verdict)trial->verdict;
    met.from = charged > from ? charged : from;
    met.reason = trial->reason;
    met.seconds = met.epoch > met.from ? seconds_of(trial, met.epoch - met.from) : 0;
    const uint32_t left = met.to > met.from ? met.to - met.from : 0;
    if (!met.known)
        met.macs_left = left * trial->epoch_cost;
    met.seconds_left =
        outcome->ledger->dry ? left * hpx_pace_seconds(&outcome->ledger->pace, trial->epoch_cost) : NAN;
    return met;
}

hpx_outcome_trial hpx_outcome_trial_at(const hpx_outcome *outcome, const hpx_search_outcome *search, size_t i)
{
    const size_t seeds = outcome->recipe->seed_count;
    return meet(outcome, search->billed[i / seeds], i % seeds, search->charged[i]);
}

/* Adds a trial to the bill; returns its verdict. */
static hpx_verdict charge_trial(hpx_search_outcome *out, struct accountant *accountant, hpx_request request,
                                size_t seed_index)
{
    const hpx_recipe *recipe = accountant->recipe;
    hpx_experiment *experiment = accountant->ledger->experiment;
    uint32_t *charged = &accountant->charged[hpx_ledger_index(accountant->ledger, request, seed_index)];
    out->charged =
        hpx_grow(out->charged, &accountant->charged_capacity, out->trial_count + 1, sizeof *out->charged);
    out->charged[out->trial_count++] = *charged;
    const hpx_outcome_trial trial = meet(accountant->outcome, request, seed_index, *charged);
    if (trial.verdict != HPX_HIT)
        *charged = request.epochs;
    if (!accountant->dry && !trial.known && !trial.failed)
        return HPX_HIT; /* the run stopped before it got there */
    out->trial_counts[trial.verdict]++;
    out->failed += trial.failed;
    if (trial.verdict != HPX_HIT && trial.epoch > trial.from) {
        const uint32_t paid = trial.epoch - trial.from;
        const hpx_cost cost = hpx_experiment_cost(experiment, request.cell);
        out->paid_macs += (double)cost.forward * paid / recipe->epochs / (double)recipe->seed_count;
        out->paid_training_macs += cost.epoch * paid;
        out->seconds += trial.seconds;
    }
    return trial.verdict;
}

/* Adds the trials of a request to the bill; returns the verdict that cost most. */
static hpx_verdict charge(hpx_search_outcome *out, struct accountant *accountant, hpx_request request)
{
    const size_t seeds = accountant->recipe->seed_count, count = out->trial_count / seeds;
    hpx_verdict worst = HPX_HIT;
    out->billed = hpx_grow(out->billed, &accountant->billed_capacity, count + 1, sizeof *out->billed);
    out->billed[count] = request;
    for (size_t i = 0; i < seeds; i++) {
        const hpx_verdict verdict = charge_trial(out, accountant, request, i);
        worst = verdict > worst ? verdict : worst;
    }
    return worst;
}

/* Charges those of the requests that have been looked up and are not on the search's bill yet. */
static void charge_others(hpx_search_outcome *out, struct accountant *accountant, const hpx_request *requests,
                          size_t count, hpx_requests *billed)
{
    for (size_t i = 0; i < count; i++) {
        const hpx_request request = requests[i];
        bool *is_billed = hpx_requests_at(billed, request);
        if (!*is_billed && hpx_ledger_has(accountant->ledger, request))
            charge(out, accountant, request);
        *is_billed = true;
    }
}

/* The epochs of a visit's trials, `before` of each of which the search has paid for. */
static void count_epochs(hpx_search_outcome *out, const struct accountant *accountant, hpx_request request,
                         uint32_t before, size_t visit)
{
    const size_t seeds = accountant->recipe->seed_count;
    for (size_t seed = 0; seed < seeds; seed++) {
        const hpx_outcome_trial trial =
            meet(accountant->outcome, request, seed, out->charged[visit * seeds + seed]);
        const uint32_t from = trial.verdict == HPX_HIT ? request.epochs : trial.from;
        out->epochs_retrained += request.epochs;
        out->epochs_continued += request.epochs - before;
        out->epochs_saved += from > before ? from - before : 0;
    }
}

/* What a search would pay for a visit with an empty store: the epochs by which it goes on from those that it
 * has visited of the cell (`visited`, by cell, at 0 epochs). Of training it to its end, or to the epoch in
 * which it failed. */
static void add_nominal(hpx_search_outcome *out, struct accountant *accountant, hpx_request request,
                        hpx_requests *visited, size_t visit)
{
    const hpx_recipe *recipe = accountant->recipe;
    const hpx_cost cost = hpx_experiment_cost(accountant->ledger->experiment, request.cell);
    uint32_t *before = hpx_requests_at(visited, (hpx_request){request.cell, 0});
    out->cells += *before == 0;
    if (!hpx_experiment_continues(accountant->ledger->experiment))
        *before = 0;
    count_epochs(out, accountant, request, *before < request.epochs ? *before : request.epochs, visit);
    if (request.epochs <= *before)
        return;
    accountant->nominal += (double)cost.forward * (request.epochs - *before);
    for (size_t seed = 0; seed < recipe->seed_count; seed++) {
        const struct trial *trial = hpx_ledger_trial(accountant->ledger, request, seed);
        const uint32_t to =
            trial->past->failure && trial->epoch < request.epochs ? trial->epoch : request.epochs;
        if (to > *before)
            out->nominal_training_macs += trial->epoch_cost * (to - *before);
    }
    *before = request.epochs;
}

static void account(hpx_search_outcome *out, struct accountant *accountant, size_t i)
{
    hpx_search *search = hpx_plan_search(accountant->plan, i);
    const hpx_recipe *recipe = accountant->recipe;
    const hpx_request *requests;
    hpx_requests billed, visited;
    hpx_requests_init(&billed, &recipe->grid, sizeof(bool));
    hpx_requests_init(&visited, &recipe->grid, sizeof(uint32_t));
    accountant->billed_capacity = accountant->charged_capacity = 0;
    accountant->nominal = 0;
    out->search = hpx_plan_recipe_search(accountant->plan, i);
    out->visit_count = hpx_search_trace(search, &requests);
    out->visits = hpx_alloc(out->visit_count * sizeof *out->visits);
    for (size_t v = 0; v < out->visit_count; v++) {
        hpx_verdict verdict = charge(out, accountant, requests[v]);
        out->visits[v] = (hpx_visit){requests[v].cell, requests[v].epochs,
                                     hpx_plan_value(accountant->plan, requests[v]), verdict};
        add_nominal(out, accountant, requests[v], &visited, v);
        *(bool *)hpx_requests_at(&billed, requests[v]) = true;
    }
    const double nominal = accountant->nominal / recipe->epochs;
    out->nominal_macs = (uint64_t)(nominal + 0.5);
    out->relative_cost = nominal / (double)accountant->outcome->grid_macs;
    size_t told = hpx_plan_told(accountant->plan, i, &requests), certain;
    charge_others(out, accountant, requests, told, &billed);
    hpx_search_ask(search, NULL, 0, &certain);
    const size_t before = out->trial_count / recipe->seed_count;
    out->billed = hpx_grow(out->billed, &accountant->billed_capacity, before + certain, sizeof *out->billed);
    hpx_search_ask(search, out->billed + before, certain, &certain);
    charge_others(out, accountant, out->billed + before, certain, &billed); /* which may leave some out */
    hpx_requests_free(&billed);
    hpx_requests_free(&visited);
    out->done = hpx_search_is_done(search);
    out->score = out->score_sd = out->incumbent_score = out->difference = NAN;
    if (out->done) {
        out->result = hpx_search_result_of(search);
        const uint32_t epochs = out->result.epochs;
        hpx_ledger_score(&out->score, &out->score_sd, accountant->ledger,
                         (hpx_request){out->result.end, epochs});
        out->incumbent_score = hpx_plan_value(accountant->plan, (hpx_request){out->result.incumbent, epochs});
    }
}

static void compare(hpx_outcome *outcome)
{
    bool minimised = outcome->recipe->objective.minimised;
    double best = NAN;
    for (size_t i = 0; i < outcome->search_count; i++) {
        double score = outcome->searches[i].score;
        if (outcome->searches[i].result.epochs != outcome->recipe->epochs)
            continue; /* scores of different epochs are not compared */
        if (isnan(best) || (minimised ? score < best : score > best))
            best = score;
    }
    for (size_t i = 0; i < outcome->search_count; i++) {
        hpx_search_outcome *search = &outcome->searches[i];
        if (search->result.epochs != outcome->recipe->epochs)
            continue;
        search->difference = hpx_tidy(minimised ? search->score - best : best - search->score);
    }
}

/* What this run has trained beyond the epochs that a search has come to. */
static void charge_speculative(hpx_speculative *out, const struct ledger *ledger, const struct trial *trial)
{
    const hpx_recipe *recipe = hpx_experiment_recipe(ledger->experiment);
    const uint32_t from = trial->needed > trial->from ? trial->needed : trial->from;
    if (hpx_trial_trained(trial) == 0 || trial->epoch <= from)
        return;
    uint32_t trained = trial->epoch - from;
    double forward = (double)hpx_experiment_cost(ledger->experiment, trial->cell).forward;
    out->trials++;
    out->paid_macs += forward * trained / recipe->epochs / (double)recipe->seed_count;
    out->paid_training_macs += trained * trial->epoch_cost;
    out->seconds += seconds_of(trial, trained);
}

static void count_trials(hpx_outcome *outcome, const struct ledger *ledger, const struct pace *dry)
{
    for (size_t i = 0; i < ledger->count; i++) {
        const struct trial *trial = ledger_at(ledger, i);
        charge_speculative(&outcome->speculative, ledger, trial);
        if (trial->needed == 0)
            continue;
        if (trial->state == TRIAL_KNOWN || trial->state == TRIAL_ACCIDENT) {
            outcome->stored += trial->verdict == HPX_HIT;
            outcome->trained += trial->verdict == HPX_TRAIN;
            outcome->extended += trial->verdict == HPX_EXTEND;
            outcome->failed += hpx_trial_failed(trial, trial->needed);
            outcome->accidents += trial->state == TRIAL_ACCIDENT;
        } else {
            outcome->pending++;
            outcome->macs_left += epochs_left(trial, trial->needed) * trial->epoch_cost;
            outcome->seconds_left += dry ? seconds_left(dry, trial, trial->needed) : NAN;
        }
    }
    outcome->calibrated = dry && dry->calibrated;
}

hpx_outcome *hpx_outcome_of(const hpx_plan *plan, struct ledger *ledger, const struct pace *dry)
{
    hpx_outcome *outcome = hpx_alloc(sizeof *outcome);
    outcome->ledger = hpx_alloc(sizeof *outcome->ledger);
    outcome->ledger->of = *ledger;
    outcome->ledger->dry = dry != NULL;
    if (dry)
        outcome->ledger->pace = *dry;
    struct accountant accountant = {
        .outcome = outcome,
        .plan = plan,
        .ledger = ledger,
        .recipe = hpx_experiment_recipe(ledger->experiment),
        .dry = dry != NULL,
        .charged = hpx_alloc(ledger->count * sizeof(uint32_t)),
    };
    outcome->recipe = accountant.recipe;
    outcome->cells = hpx_grid_cells(&outcome->recipe->grid);
    outcome->grid_macs = hpx_experiment_grid_macs(ledger->experiment);
    outcome->search_count = hpx_plan_count(plan);
    outcome->searches = hpx_alloc(outcome->search_count * sizeof *outcome->searches);
    hpx_fields settings = {0};
    hpx_recipe_settings(&settings, outcome->recipe, 0);
    outcome->depends_on_last_epoch =
        outcome->recipe->trainer->needs_last_epoch && outcome->recipe->trainer->needs_last_epoch(&settings);
    hpx_fields_free(&settings);
    count_reasons(outcome, ledger, dry != NULL);
    hpx_requests_init(&outcome->ledger->of_cells, &outcome->recipe->grid, sizeof(struct cell_layers));
    for (size_t i = 0; i < outcome->search_count; i++) {
        account(&outcome->searches[i], &accountant, i);
        if (dry)
            find_layers(outcome, &outcome->searches[i]);
    }
    compare(outcome);
    count_trials(outcome, ledger, dry);
    free(accountant.charged);
    return outcome;
}
