#include "compare/compare.h"

#include "inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "identity/experiment.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED = 5 }; /* missing trials */

void hpx_compare_metrics_of(hpx_compare_metrics *out, const hpx_recipe *recipe)
{
    *out = (hpx_compare_metrics){.names = {recipe->objective.name}, .count = 1};
    if (hpx_metric_of_test(out->truth, recipe->objective.name))
        out->names[out->count++] = out->truth;
}

struct comparison {
    hpx_contest *out;
    const hpx_compare_options *options;
    const char *source; /* of the results, in messages */
    hpx_experiment *experiment;
    hpx_lab lab;
    hpx_view *views; /* by block */
    size_t note_capacity, search_capacity;
};

/* Takes the text. */
static void add_note(struct comparison *comparison, char *text)
{
    hpx_contest *out = comparison->out;
    out->notes = hpx_grow(out->notes, &comparison->note_capacity, out->note_count + 1, sizeof *out->notes);
    out->notes[out->note_count++] = text;
}

static void __attribute__((format(printf, 2, 3))) note(struct comparison *comparison, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_note(comparison, hpx_vformat(format, args));
    va_end(args);
}

/* Whether the seed has every cell at the recipe's epochs. Appends to `names` the first few that it has not, and counts
 * them. */
static bool is_complete(const struct comparison *comparison, size_t seed, hpx_buffer *names, size_t *missing)
{
    const hpx_lab *lab = &comparison->lab;
    const size_t before = *missing;
    double value;
    for (uint32_t cell = 0; cell < lab->cells; cell++) {
        const hpx_request request = {cell, lab->recipe->epochs};
        if (hpx_measured_value(&value, lab->measured, seed, request, 0) != HPX_MEASURE_MISSING &&
            hpx_measured_value(&value, lab->measured, seed, request, lab->truth_metric) !=
                HPX_MEASURE_MISSING)
            continue;
        if (++*missing > NAMED)
            continue;
        hpx_buffer_puts(names, names->size ? "; " : "");
        hpx_recipe_cell_text(names, lab->recipe, cell);
        hpx_buffer_printf(names, " seed=%u", hpx_measured_seed(lab->measured, seed));
    }
    return *missing == before;
}

/* Takes the seeds that are complete, and says what the others lack. */
static void take_seeds(struct comparison *comparison, hpx_buffer *missing_text)
{
    hpx_contest *out = comparison->out;
    hpx_lab *lab = &comparison->lab;
    const size_t count = hpx_measured_seed_count(lab->measured);
    hpx_buffer names = {0};
    size_t missing = 0;
    lab->seeds = hpx_alloc((count + 1) * sizeof *lab->seeds);
    out->seeds = hpx_alloc((count + 1) * sizeof *out->seeds);
    for (size_t i = 0; i < count; i++) {
        if (!is_complete(comparison, i, &names, &missing))
            continue;
        out->seeds[lab->seed_count] = hpx_measured_seed(lab->measured, i);
        lab->seeds[lab->seed_count++] = i;
    }
    out->seed_count = lab->seed_count;
    if (missing)
        hpx_buffer_printf(missing_text, "%zu of %zu seeds %s %zu %s: %s%s", count - lab->seed_count, count,
                          hpx_plural(count - lab->seed_count, "lacks", "lack"), missing,
                          hpx_plural(missing, "trial", "trials"), hpx_buffer_text(&names),
                          missing > NAMED ? "; ..." : "");
    hpx_buffer_free(&names);
}

static hpx_status cut_blocks(struct comparison *comparison, hpx_error *error)
{
    hpx_contest *out = comparison->out;
    const hpx_recipe *recipe = comparison->lab.recipe;
    hpx_buffer missing = {0};
    take_seeds(comparison, &missing);
    out->block_seeds = recipe->seed_count;
    out->block_count = out->seed_count / out->block_seeds;
    out->truth_is_table = out->seed_count == out->block_seeds;
    out->truth_seeds = out->truth_is_table ? out->seed_count : out->seed_count - out->block_seeds;
    hpx_status status = HPX_OK;
    if (out->block_count == 0)
        status = hpx_error_set(
            error, HPX_USAGE, "%s: the recipe has %zu %s, and %zu %s all of its cells at %u epochs%s%s",
            comparison->source, out->block_seeds, hpx_plural(out->block_seeds, "seed", "seeds"),
            out->seed_count, hpx_plural(out->seed_count, "seed has", "seeds have"), recipe->epochs,
            missing.size ? "; " : "", hpx_buffer_text(&missing));
    else if (missing.size)
        note(comparison, "Left out: %s.", hpx_buffer_text(&missing));
    hpx_buffer_free(&missing);
    return status;
}

/* Pooled over the cells of which no seed failed. */
static double pooled_sd(const hpx_lab *lab)
{
    double *values = hpx_alloc(lab->seed_count * sizeof *values), sum = 0;
    size_t count = 0;
    for (uint32_t cell = 0; cell < lab->cells && lab->seed_count > 1; cell++) {
        bool failed = false;
        for (size_t i = 0; i < lab->seed_count; i++)
            failed = hpx_measured_value(&values[i], lab->measured, lab->seeds[i],
                                        (hpx_request){cell, lab->recipe->epochs},
                                        lab->truth_metric) != HPX_MEASURE_VALUE ||
                     failed;
        if (failed)
            continue;
        const double sd = hpx_sd(values, lab->seed_count);
        sum += sd * sd;
        count++;
    }
    free(values);
    return count ? sqrt(sum / (double)count) : (double)NAN;
}

static hpx_status look_at_blocks(struct comparison *comparison, hpx_error *error)
{
    hpx_contest *out = comparison->out;
    hpx_lab *lab = &comparison->lab;
    comparison->views = hpx_alloc(out->block_count * sizeof *comparison->views);
    for (size_t b = 0; b < out->block_count; b++) {
        hpx_view_init(&comparison->views[b], lab, b * out->block_seeds, out->block_seeds);
        if (isinf(comparison->views[b].best))
            return hpx_error_set(error, HPX_USAGE, "%s: every cell failed with one of the seeds",
                                 comparison->source);
    }
    out->seed_sd = pooled_sd(lab);
    out->tie = lab->tie = 1.96 * out->seed_sd * sqrt(2 / (double)out->truth_seeds);
    return HPX_OK;
}

static bool takes(const hpx_recipe_search *search, hpx_binding binding)
{
    return search->options.method->takes >> binding & 1;
}

static bool is_exact(const hpx_recipe_search *search)
{
    return search->options.method == &hpx_methods[HPX_METHOD_RANDOM] && search->options.screen_epochs == 0;
}

/* All runs of a search over one block. */
static bool run_block(hpx_runs *runs, hpx_request *missing, const struct comparison *comparison,
                      const hpx_recipe_search *search, hpx_view *view)
{
    hpx_search_options options = search->options;
    const bool starts = comparison->options->all_starts && takes(search, HPX_BINDING_START);
    const bool repeats = comparison->options->repeat && takes(search, HPX_BINDING_SEED);
    if (is_exact(search))
        return hpx_runs_add_random(runs, missing, view, &options);
    for (uint32_t start = 0; start < (starts ? comparison->lab.cells : 1); start++)
        for (uint32_t seed = 1; seed <= (repeats ? comparison->options->repeat : 1); seed++) {
            options.start = starts ? start : options.start;
            options.seed = repeats ? seed : options.seed;
            if (!hpx_runs_add(runs, missing, view, &options))
                return false;
        }
    return true;
}

static void free_search(hpx_contender *search)
{
    free(search->regret);
    free(search->tied);
    free(search->cost);
    free(search->evaluations);
    free(search->flattery);
    free(search->within);
    free(search->end);
    free(search->curve);
    free(search->curve_regret);
}

static char *lacks(const struct comparison *comparison, const char *search, hpx_request missing)
{
    hpx_buffer cell = {0};
    hpx_recipe_cell_text(&cell, comparison->lab.recipe, missing.cell);
    char *text = hpx_format("Search %s is left out: it asks for %s after %u %s, which %s lacks.", search,
                            hpx_buffer_text(&cell), missing.epochs,
                            hpx_plural(missing.epochs, "epoch", "epochs"), comparison->source);
    hpx_buffer_free(&cell);
    return text;
}

/* Notes what the runs over a block came to. */
static void take_block(hpx_contender *out, hpx_runs *runs, size_t block, const hpx_contest *contest)
{
    const double count = (double)runs->count;
    out->runs = runs->count;
    out->regret[block] = hpx_tidy(runs->regret / count);
    out->tied[block] = isnan(contest->tie) ? (double)NAN : runs->tied / count;
    out->cost[block] = runs->cost / count;
    out->evaluations[block] = runs->evaluations / count;
    out->flattery[block] = hpx_tidy(runs->flattery / count);
    out->end[block] = runs->end;
    hpx_runs_curve(out->curve + block * contest->cost_count, &out->within[block], runs, contest->costs,
                   contest->cost_count, contest->seed_sd);
}

static bool is_named(const hpx_recipe_search *search, const char *name)
{
    return name && strcmp(search->name, name) == 0;
}

/* Runs a search over all blocks; one that asks for what there is not is left out, with a note. */
static hpx_status run_search(struct comparison *comparison, const hpx_recipe_search *search, hpx_error *error)
{
    hpx_contest *out = comparison->out;
    const size_t blocks = out->block_count;
    hpx_contender contender = {
        .search = search,
        .exact = is_exact(search),
        .regret = hpx_alloc(blocks * sizeof(double)),
        .tied = hpx_alloc(blocks * sizeof(double)),
        .cost = hpx_alloc(blocks * sizeof(double)),
        .evaluations = hpx_alloc(blocks * sizeof(double)),
        .flattery = hpx_alloc(blocks * sizeof(double)),
        .within = hpx_alloc(blocks * sizeof(double)),
        .end = hpx_alloc(blocks * sizeof(uint32_t)),
        .curve = hpx_alloc(blocks * out->cost_count * sizeof(double)),
    };
    hpx_request missing;
    bool complete = true;
    for (size_t b = 0; b < blocks && complete; b++) {
        hpx_runs runs = {0};
        complete = run_block(&runs, &missing, comparison, search, &comparison->views[b]);
        if (complete)
            take_block(&contender, &runs, b, out);
        hpx_runs_free(&runs);
    }
    if (!complete) {
        char *text = lacks(comparison, search->name, missing);
        add_note(comparison, text);
        free_search(&contender);
        return is_named(search, comparison->options->against)
                   ? hpx_error_set(error, HPX_USAGE, "--against %s: %s", search->name, text)
                   : HPX_OK;
    }
    if (contender.exact || contender.runs > 1) {
        free(contender.end);
        contender.end = NULL;
    }
    out->searches =
        hpx_grow(out->searches, &comparison->search_capacity, out->search_count + 1, sizeof *out->searches);
    if (is_named(search, comparison->options->against))
        out->reference = out->search_count;
    out->searches[out->search_count++] = contender;
    return HPX_OK;
}

/* The costs of curves: ten to a decade, the preferred numbers of ISO 3, so that documents can be laid side by side. */
static void choose_costs(hpx_contest *out)
{
    static const char *const steps[] = {"1", "1.25", "1.6", "2", "2.5", "3.15", "4", "5", "6.3", "8"};
    enum { STEPS = sizeof steps / sizeof *steps, FIRST = -4, DECADES = 5 };
    out->costs = hpx_alloc((STEPS * DECADES + 1) * sizeof *out->costs);
    for (int i = 0; i <= STEPS * DECADES; i++) {
        char text[32];
        hpx_print(text, sizeof text, "%se%d", steps[i % STEPS], FIRST + i / STEPS);
        hpx_parse_real(&out->costs[out->cost_count++], text);
    }
}

/* An option that no search can take is a mistake. */
static hpx_status check_options(const struct comparison *comparison, hpx_error *error)
{
    const hpx_compare_options *options = comparison->options;
    const char *recipe = comparison->lab.recipe->path;
    bool starts = false, seeds = false, against = !options->against;
    for (size_t i = 0; i < options->search_count; i++) {
        const hpx_recipe_search *search = options->searches[i];
        starts = starts || takes(search, HPX_BINDING_START);
        seeds = seeds || (takes(search, HPX_BINDING_SEED) && !is_exact(search));
        against = against || is_named(search, options->against);
    }
    if (!against)
        return hpx_error_set(error, HPX_USAGE, "--against %s: that search is not among those compared",
                             options->against);
    if (options->all_starts && !starts)
        return hpx_error_set(error, HPX_USAGE, "--starts all: no search of %s has a start", recipe);
    if (options->repeat && !seeds)
        return hpx_error_set(error, HPX_USAGE,
                             "--repeat %u: no search of %s has a seed; random is exact without",
                             options->repeat, recipe);
    return HPX_OK;
}

static hpx_status run_searches(struct comparison *comparison, hpx_error *error)
{
    const hpx_compare_options *options = comparison->options;
    hpx_contest *out = comparison->out;
    hpx_status status = HPX_OK;
    choose_costs(out);
    for (size_t i = 0; i < options->search_count && !status; i++)
        status = run_search(comparison, options->searches[i], error);
    if (!status && out->search_count == 0)
        return hpx_error_set(error, HPX_USAGE, "%s: no search can be compared. %s", comparison->source,
                             out->notes[out->note_count - 1]);
    return status;
}

/* Cells that failed with one seed or more. */
static size_t count_failed(const hpx_lab *lab)
{
    size_t count = 0;
    for (uint32_t cell = 0; cell < lab->cells; cell++) {
        bool failed = false;
        for (size_t i = 0; i < lab->seed_count; i++) {
            const uint32_t epoch = hpx_measured_failed(lab->measured, lab->seeds[i], cell);
            failed = failed || (epoch && epoch <= lab->recipe->epochs);
        }
        count += failed;
    }
    return count;
}

static void say_what_truth_is(struct comparison *comparison, const char *wanted)
{
    hpx_contest *out = comparison->out;
    const size_t spare = out->seed_count - out->block_count * out->block_seeds;
    if (out->truth_is_table)
        note(comparison,
             "No other seeds: the truth is the table itself, so the luck of the seeds stays in it.");
    else if (spare)
        note(comparison, "%zu %s for the truth alone.", spare,
             hpx_plural(spare, "seed is in no block and counts", "seeds are in no block and count"));
    const size_t failed = count_failed(&comparison->lab);
    if (failed)
        note(comparison, "%zu %s with some seed; where the truth has failed it counts as the worst.", failed,
             hpx_plural(failed, "cell failed", "cells failed"));
    if (!out->is_test)
        return;
    const char *luck = comparison->lab.recipe->program ? "data" : "images";
    if (wanted)
        note(comparison,
             "The table has no %s, so the truth is %s, which the searches select on: the luck of its %s "
             "stays.",
             wanted, out->truth, luck);
    else
        note(comparison, "The searches select on %s, which is also the truth: the luck of its %s stays.",
             out->truth, luck);
}

static hpx_status compare(struct comparison *comparison, hpx_error *error)
{
    hpx_contest *out = comparison->out;
    hpx_lab *lab = &comparison->lab;
    hpx_compare_metrics metrics;
    hpx_compare_metrics_of(&metrics, lab->recipe);
    lab->truth_metric = metrics.count > 1 && hpx_measured_has(lab->measured, 1);
    out->is_test = lab->truth_metric == 0;
    out->selected_on = hpx_strdup(metrics.names[0]);
    out->truth = hpx_strdup(metrics.names[lab->truth_metric]);
    hpx_status status = check_options(comparison, error);
    if (!status)
        status = cut_blocks(comparison, error);
    if (!status)
        status = look_at_blocks(comparison, error);
    if (status)
        return status;
    say_what_truth_is(comparison, metrics.count > 1 ? metrics.names[1] : NULL);
    status = run_searches(comparison, error);
    if (status)
        return status;
    hpx_compare_summarise(out);
    hpx_compare_importance(out, lab);
    return HPX_OK;
}

hpx_status hpx_compare_searches(hpx_contest **out, const hpx_recipe *recipe, const hpx_measured *measured,
                                const char *source, const hpx_compare_options *options, hpx_error *error)
{
    struct comparison comparison = {.options = options, .source = source};
    hpx_lab *lab = &comparison.lab;
    hpx_source_options shape = *options->source;
    shape.shape_only = true;
    *out = NULL;
    hpx_status status = hpx_experiment_open(&comparison.experiment, recipe, &shape, error);
    if (status)
        return status;
    hpx_contest *contest = comparison.out = hpx_alloc(sizeof *contest);
    contest->recipe = recipe;
    contest->cells = hpx_grid_cells(&recipe->grid);
    *lab = (hpx_lab){.recipe = recipe, .measured = measured, .cells = contest->cells};
    lab->continues = hpx_experiment_continues(comparison.experiment);
    lab->macs = hpx_alloc(lab->cells * sizeof *lab->macs);
    lab->visited = hpx_alloc(lab->cells * sizeof *lab->visited);
    for (uint32_t cell = 0; cell < lab->cells; cell++)
        lab->macs[cell] = hpx_experiment_macs(comparison.experiment, cell);
    contest->grid_macs = hpx_experiment_grid_macs(comparison.experiment);
    lab->grid_macs = (double)contest->grid_macs;
    status = compare(&comparison, error);
    for (size_t b = 0; comparison.views && b < contest->block_count; b++)
        hpx_view_free(&comparison.views[b]);
    free(comparison.views);
    free(lab->seeds);
    free(lab->macs);
    free(lab->visited);
    hpx_experiment_free(comparison.experiment);
    if (status)
        hpx_contest_free(contest);
    else
        *out = contest;
    return status;
}

void hpx_contest_free(hpx_contest *contest)
{
    if (!contest)
        return;
    for (size_t i = 0; i < contest->search_count; i++)
        free_search(&contest->searches[i]);
    for (size_t i = 0; i < contest->note_count; i++)
        free(contest->notes[i]);
    free(contest->searches);
    free(contest->notes);
    free(contest->selected_on);
    free(contest->truth);
    free(contest->seeds);
    free(contest->superiority);
    free(contest->costs);
    free(contest->untested);
    free(contest->no_importance);
    hpx_importance_free(&contest->importance);
    free(contest);
}
