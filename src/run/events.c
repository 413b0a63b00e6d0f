/* What a build says of itself, and how long it will take yet. */
#include "inside.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SILENT_SECONDS   1.0 /* shorter waits for other builds are not said */
#define ESTIMATE_SECONDS 0.1

/* Asks all trials, so not for each of the thousand epochs that small networks may finish in a second. */
static double seconds_left(struct build *build)
{
    double now = hpx_clock_seconds(), all = 0, longest = 0;
    if (build->spent_cost == 0)
        return NAN;
    if (build->estimated_at > 0 && now - build->estimated_at < ESTIMATE_SECONDS)
        return build->seconds_left;
    for (size_t i = 0; i < build->ledger.count; i++) {
        const struct trial *trial = ledger_at(&build->ledger, i);
        if (trial->task.speculative || (trial->state != TRIAL_WAITING && trial->state != TRIAL_RUNNING))
            continue;
        double left = (double)hpx_trial_cost_left(trial);
        all += left;
        longest = left > longest ? left : longest;
    }
    double spread = all / (double)build->options->jobs;
    build->estimated_at = now;
    build->seconds_left = (spread > longest ? spread : longest) * build->spent_seconds / build->spent_cost;
    return build->seconds_left;
}

#define TAIL_LINES 20
#define TAIL_BYTES 4096

/* Where the last lines of a text begin. */
static size_t find_tail(const hpx_buffer *text, size_t size)
{
    size_t at = size, lines = 0;
    while (at > 0 && size - at < TAIL_BYTES) {
        lines += text->data[at - 1] == '\n';
        if (lines == TAIL_LINES)
            break;
        at--;
    }
    return at;
}

char *hpx_build_accident_text(const hpx_result *result)
{
    hpx_buffer text = {0};
    size_t size = result->log.size;
    hpx_buffer_puts(&text, result->message);
    while (size > 0 && result->log.data[size - 1] == '\n')
        size--;
    if (size > 0)
        hpx_buffer_puts(&text, "\n  the end of what it printed:");
    for (size_t at = find_tail(&result->log, size); at < size;) {
        const uint8_t *line = result->log.data + at, *end = memchr(line, '\n', size - at);
        const size_t length = end ? (size_t)(end - line) : size - at;
        hpx_buffer_puts(&text, "\n  | ");
        hpx_buffer_add(&text, line, length);
        at += length + 1;
    }
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == 0)
            text.data[i] = '?'; /* or the rest of the text is lost */
    char *copy = hpx_strndup(hpx_buffer_text(&text), text.size);
    hpx_buffer_free(&text);
    return copy;
}

static void hand_on(const struct build *build, const hpx_event *event)
{
    if (build->options->event)
        build->options->event(build->options->context, event);
}

/* By its own epochs, where it has any yet. */
static double trial_left(const struct build *build, const struct trial *trial)
{
    const uint32_t trained = hpx_trial_trained(trial);
    if (trial->state != TRIAL_RUNNING)
        return NAN;
    if (trained > 0)
        return trial->past->seconds / trained * (trial->to > trial->epoch ? trial->to - trial->epoch : 0);
    return build->spent_cost > 0
               ? (double)hpx_trial_cost_left(trial) * build->spent_seconds / build->spent_cost
               : NAN;
}

static void emit(struct build *build, hpx_event_kind kind, const struct trial *trial, const char *message,
                 const hpx_result *result)
{
    if (!build->options->event)
        return;
    hpx_dispatch_counts counts = hpx_dispatch_count(build->dispatch);
    hpx_event event = {
        .kind = kind,
        .message = message,
        .epochs = build->recipe->epochs,
        .value = NAN,
        .trial_left = NAN,
        .done = build->trained,
        .running = counts.running,
        .waiting = counts.waiting,
        .speculative = counts.speculative,
        .cells_seen = build->cells_seen,
        .seconds_left = seconds_left(build),
    };
    hpx_buffer cell = {0};
    if (trial) {
        hpx_recipe_cell_text(&cell, build->recipe, trial->cell);
        event.cell = hpx_buffer_text(&cell);
        event.number = trial->cell;
        event.key = &trial->key;
        event.seed = trial->seed;
        event.verdict = trial->verdict;
        event.reason = trial->reason;
        event.from = trial->from;
        event.epoch = hpx_trial_trained(trial) ? trial->epoch : 0;
        event.epochs = trial->state == TRIAL_RUNNING ? trial->to : build->recipe->epochs;
        if (event.epoch > 0)
            event.value = trial->past->value;
        event.failed = trial->past->failure != NULL;
        event.trial_seconds = trial->past->seconds;
        event.trial_left = trial_left(build, trial);
    }
    if (build->recipe->program && build->recipe->program->continues == HPX_CONTINUE_NO) {
        event.epochs = 0;
        event.trial_left = NAN;
    }
    if (result && result->metrics.count > 0)
        event.metrics = &result->metrics;
    if (event.metrics && kind == HPX_EVENT_PROGRESS) {
        event.epoch = result->epoch;
        event.value = hpx_objective_value(&build->recipe->objective, &result->metrics);
    }
    hand_on(build, &event);
    hpx_buffer_free(&cell);
}

void hpx_build_emit(struct build *build, hpx_event_kind kind, const struct trial *trial, const char *message)
{
    emit(build, kind, trial, message, NULL);
}

void hpx_build_say(struct build *build, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = hpx_vformat(format, args);
    va_end(args);
    hpx_build_emit(build, HPX_EVENT_SAID, NULL, text);
    free(text);
}

void hpx_build_say_epoch(struct build *build, const struct trial *trial, const hpx_result *result)
{
    emit(build, HPX_EVENT_EPOCH, trial, NULL, result);
}

void hpx_build_say_score(const struct build *build, hpx_request request, double value)
{
    hand_on(build,
            &(hpx_event){
                .kind = HPX_EVENT_SCORE, .number = request.cell, .epochs = request.epochs, .value = value});
}

/* What a search has decided since the last time. */
static void say_visits(const struct build *build, size_t i, struct said *said)
{
    const hpx_search *search = hpx_plan_search(build->plan, i);
    const hpx_request *trace;
    const size_t count = hpx_search_trace(search, &trace);
    hpx_event event = {.kind = HPX_EVENT_VISIT, .search = hpx_plan_recipe_search(build->plan, i)};
    while (said->visits < count) {
        const hpx_request request = trace[said->visits++];
        event.number = request.cell;
        event.epochs = request.epochs;
        event.value = hpx_plan_value(build->plan, request);
        event.visits = said->visits;
        hand_on(build, &event);
    }
    if (!hpx_search_is_done(search) || said->done)
        return;
    said->done = true;
    const hpx_search_result result = hpx_search_result_of(search);
    hand_on(build,
            &(hpx_event){.kind = HPX_EVENT_ARRIVED,
                         .search = event.search,
                         .result = &result,
                         .visits = count,
                         .value = hpx_plan_value(build->plan, (hpx_request){result.end, result.epochs})});
}

void hpx_build_say_decisions(struct build *build)
{
    const size_t count = hpx_plan_count(build->plan);
    if (!build->options->event)
        return;
    if (!build->said)
        build->said = hpx_alloc(count * sizeof *build->said);
    for (size_t i = 0; i < count; i++)
        say_visits(build, i, &build->said[i]);
}

/* The first warnings stand for those that most trials of a program have. */
static void add_warnings(hpx_buffer *text, struct build *build, const char *warnings)
{
    if (!*warnings || build->warned)
        return;
    build->warned = true;
    hpx_buffer_puts(text, "not all that it reported is read (`hpx show --log` has all such warnings):");
    for (size_t length; *warnings; warnings += length + (warnings[length] == '\n')) {
        length = strcspn(warnings, "\n");
        hpx_buffer_printf(text, "\n  %.*s", (int)length, warnings);
    }
}

void hpx_build_say_progress(struct build *build, const struct trial *trial, const hpx_result *result)
{
    hpx_buffer text = {0};
    add_warnings(&text, build, result->message);
    emit(build, HPX_EVENT_PROGRESS, trial, text.size ? hpx_buffer_text(&text) : NULL, result);
    hpx_buffer_free(&text);
}

void hpx_build_say_end(struct build *build, const struct trial *trial)
{
    if (!trial->past->failure) {
        hpx_build_emit(build, HPX_EVENT_DONE, trial, NULL);
    } else if (trial->task.speculative) {
        hpx_build_emit(build, HPX_EVENT_STOPPED, trial, NULL);
    } else {
        char *message = hpx_format("epoch %u: %s", trial->epoch, trial->past->failure);
        hpx_build_emit(build, HPX_EVENT_FAILED, trial, message);
        free(message);
    }
}

void hpx_build_say_waiting(struct build *build, const hpx_dispatch_counts *counts)
{
    double now = hpx_clock_seconds();
    if (counts->running > 0 || counts->aside == 0)
        build->waiting_since = 0;
    else if (build->waiting_since == 0)
        build->waiting_since = now;
    if (build->waiting_since == 0 || now - build->waiting_since < SILENT_SECONDS)
        return;
    char *who = hpx_store_claimant(build->store, &build->aside->key);
    if (who && (!build->waiting_for || strcmp(who, build->waiting_for) != 0)) {
        char *message = hpx_format("waiting for %s, which trains it", who);
        hpx_build_emit(build, HPX_EVENT_WAITING, build->aside, message);
        free(message);
        free(build->waiting_for);
        build->waiting_for = who;
        who = NULL;
    }
    free(who);
}

void hpx_build_say_words(struct build *build)
{
    char *words = build->executor->words(build->executor);
    if (words)
        hpx_build_say(build, "%s", words);
    free(words);
}
