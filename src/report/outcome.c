/* Tables of builds, replays and plans. */
#include "parts.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *hpx_duration_text(char out[32], double seconds)
{
    if (!isfinite(seconds)) {
        snprintf(out, 32, "?");
        return out;
    }
    unsigned long long whole = (unsigned long long)(seconds + 0.5), day = 86400;
    unsigned minutes = (unsigned)(whole / 60 % 60), hours = (unsigned)(whole / 3600 % 24);
    if (whole >= day)
        snprintf(out, 32, "%llu d %02u:%02u", whole / day, hours, minutes);
    else if (whole >= 3600)
        snprintf(out, 32, "%u:%02u:%02u", hours, minutes, (unsigned)(whole % 60));
    else
        snprintf(out, 32, "%u:%02u", minutes, (unsigned)(whole % 60));
    return out;
}

#define REASONS_SHOWN 4

/* (128, 64) */
static char *cell_text(const hpx_recipe *recipe, uint32_t cell)
{
    hpx_buffer text = {0};
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &recipe->grid, cell);
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        hpx_buffer_printf(&text, "%s%s", axis ? ", " : "(", recipe->axes[axis].values[indices[axis]].text);
    hpx_buffer_puts(&text, ")");
    char *copy = hpx_strdup(hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return copy;
}

static void add_heading(hpx_buffer *out, const hpx_outcome *outcome)
{
    const hpx_recipe *recipe = outcome->recipe;
    hpx_buffer_printf(out, "%s: %s over %u %s", recipe->path, recipe->objective.name, outcome->cells,
                      hpx_plural(outcome->cells, "cell", "cells"));
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        hpx_buffer_printf(out, "%s%s", axis ? ", " : " (", recipe->axes[axis].name);
    hpx_buffer_printf(out, "%s, %u %s, %zu %s\n\n", recipe->grid.axes ? ")" : "", recipe->epochs,
                      hpx_plural(recipe->epochs, "epoch", "epochs"), recipe->seed_count,
                      hpx_plural(recipe->seed_count, "seed", "seeds"));
}

/* Six decimals for losses, four for accuracies: a test set of 10,000 resolves no more. */
static int decimals(const hpx_outcome *outcome)
{
    return outcome->recipe->objective.minimised ? 6 : 4;
}

static void add_counts(hpx_table *table, const hpx_search_outcome *search)
{
    for (int verdict = 0; verdict < HPX_VERDICTS; verdict++)
        hpx_table_add(table, "%zu", search->trial_counts[verdict]);
    hpx_table_add(table, "%zu", search->failed);
}

static void add_result(hpx_table *table, const hpx_outcome *outcome, const hpx_search_outcome *search)
{
    if (!search->done) {
        hpx_table_add(table, "unfinished");
        hpx_table_add(table, "-");
        hpx_table_add(table, "-");
        return;
    }
    char *end = cell_text(outcome->recipe, search->result.end);
    int digits = decimals(outcome);
    hpx_table_add(table, "%s", end);
    free(end);
    if (isnan(search->score))
        hpx_table_add(table, "failed");
    else if (isnan(search->score_sd))
        hpx_table_add(table, "%.*f", digits, search->score);
    else
        hpx_table_add(table, "%.*f ± %.*f", digits, search->score, digits, search->score_sd);
    if (isnan(search->difference))
        hpx_table_add(table, "-");
    else
        hpx_table_add(table, "%.*f", digits, search->difference);
}

static void add_notes(hpx_buffer *out, const hpx_outcome *outcome)
{
    const hpx_speculative *speculative = &outcome->speculative;
    if (speculative->trials)
        hpx_buffer_printf(out, "Trained speculatively and not needed: %zu %s, %.1f seconds.\n",
                          speculative->trials, hpx_plural(speculative->trials, "trial", "trials"),
                          speculative->seconds);
    for (size_t i = 0; i < outcome->search_count; i++) {
        const hpx_search_outcome *search = &outcome->searches[i];
        if (!search->done || search->result.incumbent == search->result.end || isnan(search->incumbent_score))
            continue;
        char *best = cell_text(outcome->recipe, search->result.incumbent);
        hpx_buffer_printf(out, "%s visited a better cell than its end: %s %.*f\n", search->search->name, best,
                          decimals(outcome), search->incumbent_score);
        free(best);
    }
    if (strncmp(outcome->recipe->objective.name, "test_", 5) == 0)
        hpx_buffer_puts(out, "Cells were selected on test images, so their scores are optimistic.\n");
}

void hpx_report_outcome(hpx_buffer *out, const hpx_outcome *outcome)
{
    static const char *const columns[] = {"search", "end",    "score", "difference", "relative cost", "cells",
                                          "hit",    "extend", "train", "failed",     "seconds"};
    hpx_table *table = hpx_table_new("llrrrrrrrrr");
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        hpx_table_add(table, "%s", columns[i]);
    for (size_t i = 0; i < outcome->search_count; i++) {
        const hpx_search_outcome *search = &outcome->searches[i];
        hpx_table_add(table, "%s", search->search->name);
        add_result(table, outcome, search);
        hpx_table_add(table, "%.3f", search->relative_cost);
        hpx_table_add(table, "%zu", search->visit_count);
        add_counts(table, search);
        hpx_table_add(table, "%.1f", search->seconds);
    }
    add_heading(out, outcome);
    hpx_table_print(out, table);
    hpx_table_free(table);
    hpx_buffer_puts(out, "\n");
    add_notes(out, outcome);
}

static bool depends_on_scores(const hpx_search_outcome *search)
{
    return !search->done && !search->search->options.method->fixed;
}

/* "partial (partial-cross): 3 hit, 5 train; more may follow from their scores" */
static void add_verdicts(hpx_buffer *out, const hpx_search_outcome *search)
{
    const char *separator = "";
    hpx_buffer_printf(out, "%s (%s): ", search->search->name, search->search->options.method->name);
    for (int verdict = 0; verdict < HPX_VERDICTS; verdict++) {
        if (search->trial_counts[verdict] == 0)
            continue;
        hpx_buffer_printf(out, "%s%zu %s", separator, search->trial_counts[verdict],
                          hpx_verdict_names[verdict]);
        separator = ", ";
    }
    if (search->failed)
        hpx_buffer_printf(out, "%s%zu failed", separator, search->failed);
    hpx_buffer_puts(out, search->done                ? "; nothing to train\n"
                         : depends_on_scores(search) ? "; more may follow from their scores\n"
                                                     : "\n");
}

static const char *about(char out[48], double seconds)
{
    char text[32];
    if (!isfinite(seconds))
        snprintf(out, 48, "?");
    else if (seconds < 10)
        snprintf(out, 48, "%.1f s", fmax(seconds, 0.1));
    else
        snprintf(out, 48, "%s", hpx_duration_text(text, seconds));
    return out;
}

static void add_planned(hpx_table *table, const hpx_outcome *outcome, const hpx_search_outcome *search)
{
    static const char *const columns[] = {"    verdict", "cell", "seed", "multiplications",
                                          "time",        "why",  NULL};
    char text[48];
    if (search->trial_counts[HPX_EXTEND] + search->trial_counts[HPX_TRAIN] > 0)
        report_columns(table, columns);
    for (size_t t = 0; t < search->trial_count; t++) {
        const hpx_outcome_trial *trial = &search->trials[t];
        if (trial->macs_left == 0)
            continue;
        char *cell = cell_text(outcome->recipe, trial->cell);
        hpx_table_add(table, "    %s", hpx_verdict_names[trial->verdict]);
        hpx_table_add(table, "%s", cell);
        hpx_table_add(table, "%u", trial->seed);
        hpx_table_add(table, "%.3g", (double)trial->macs_left);
        hpx_table_add(table, "%s", about(text, trial->seconds_left));
        if (trial->verdict == HPX_EXTEND)
            hpx_table_add(table, "from epoch %u", trial->from);
        else
            hpx_table_add(table, trial->reason ? "%s" : "", trial->reason);
        free(cell);
    }
}

static void add_total(hpx_buffer *out, const hpx_outcome *outcome)
{
    char text[48];
    bool more = false;
    for (size_t i = 0; i < outcome->search_count; i++)
        more = more || depends_on_scores(&outcome->searches[i]);
    if (outcome->pending == 0) {
        hpx_buffer_puts(out, "Nothing to train.\n");
        return;
    }
    hpx_buffer_printf(out, "%s%zu %s to train%s.\n", more ? "At least " : "", outcome->pending,
                      hpx_plural(outcome->pending, "trial", "trials"),
                      more ? "; more may follow from their scores" : "");
    hpx_buffer_printf(out, "%s %.3g multiplications", hpx_plural(outcome->pending, "It takes", "They take"),
                      (double)outcome->macs_left);
    if (isfinite(outcome->seconds_left))
        hpx_buffer_printf(out, ", about %s on one processor", about(text, outcome->seconds_left));
    hpx_buffer_puts(out, outcome->calibrated ? ", by a short training made now to measure that.\n" : ".\n");
}

void hpx_report_plan(hpx_buffer *out, const hpx_outcome *outcome)
{
    add_heading(out, outcome);
    for (size_t i = 0; i < outcome->search_count; i++) {
        hpx_table *table = hpx_table_new("llrrrl");
        add_verdicts(out, &outcome->searches[i]);
        add_planned(table, outcome, &outcome->searches[i]);
        hpx_table_print(out, table);
        hpx_table_free(table);
    }
    hpx_buffer_puts(out, "\n");
    add_total(out, outcome);
    if (*outcome->other_trainer) {
        hpx_report_adopt_hint(out, outcome);
        hpx_buffer_puts(out, "\n");
    }
    if (outcome->absent)
        hpx_buffer_printf(out, "Data set %s %s.\n", hpx_fields_text_or_empty(&outcome->dataset, "name"),
                          outcome->absent);
    if (outcome->depends_on_last_epoch)
        hpx_buffer_puts(
            out, "The schedule depends on the last epoch: a change of epochs trains from the start.\n");
}

void hpx_report_reasons(hpx_buffer *out, const hpx_outcome *outcome)
{
    for (size_t i = 0; i < outcome->reason_count && i < REASONS_SHOWN; i++) {
        const hpx_reason *reason = &outcome->reasons[i];
        hpx_buffer_printf(out, "%s%zu %s", i ? ", " : "", reason->trials, hpx_verdict_names[reason->verdict]);
        if (*reason->text)
            hpx_buffer_printf(out, reason->verdict == HPX_EXTEND ? " %s" : " (%s)", reason->text);
    }
    if (outcome->reason_count > REASONS_SHOWN)
        hpx_buffer_printf(out, " and %zu other %s", outcome->reason_count - REASONS_SHOWN,
                          hpx_plural(outcome->reason_count - REASONS_SHOWN, "reason", "reasons"));
}

void hpx_report_adopt_hint(hpx_buffer *out, const hpx_outcome *outcome)
{
    char mine[HPX_CODE_HEX_BYTES];
    if (!*outcome->other_trainer)
        return;
    hpx_hex(mine, outcome->recipe->trainer->sources->version, HPX_CODE_BYTES);
    hpx_buffer_printf(out, "if the trainer's edit changes no number: hpx adopt %.8s %.8s",
                      outcome->other_trainer, mine);
}
