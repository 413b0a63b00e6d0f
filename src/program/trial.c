#include "trial.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_SECONDS 0.1

/* --- while it runs ---------------------------------------------------------------------------------------- */

void hpx_trial_told(void *context, uint32_t epoch, const hpx_metrics *metrics, double told)
{
    struct trial *trial = context;
    if (trial->first == trial->count)
        trial->first = trial->count = 0;
    trial->pending = hpx_grow(trial->pending, &trial->capacity, trial->count + 1, sizeof *trial->pending);
    trial->pending[trial->count++] = (struct told){epoch, hpx_metrics_copy(metrics), told - trial->told};
    trial->told = told;
}

/* Hands on the first epoch that is pending. */
static hpx_status hand_on_one(struct trial *trial, const char *stopped, hpx_error *error)
{
    struct told *told = &trial->pending[trial->first];
    const bool has_checkpoint = trial->checkpoint.fd >= 0 && trial->checkpoint_epoch == told->epoch;
    hpx_epoch epoch = HPX_EPOCH(told->epoch);
    epoch.metrics = told->metrics;
    epoch.seconds = told->seconds;
    epoch.stopped = stopped;
    epoch.checkpoint = has_checkpoint ? trial->checkpoint : HPX_NO_BLOB;
    hpx_status status = trial->run->on_epoch(trial->run->context, &epoch, error);
    hpx_metrics_free(&told->metrics);
    trial->first++;
    if (has_checkpoint)
        hpx_blob_close(&trial->checkpoint);
    return status;
}

/* Hands on the epochs up to the checkpoint that was taken last, as soon as its own is complete. */
static hpx_status hand_on_taken(struct trial *trial, hpx_error *error)
{
    hpx_status status = HPX_OK;
    if (trial->checkpoint.fd < 0 || trial->first == trial->count ||
        trial->pending[trial->count - 1].epoch < trial->checkpoint_epoch)
        return HPX_OK;
    while (!status && trial->first < trial->count &&
           trial->pending[trial->first].epoch <= trial->checkpoint_epoch)
        status = hand_on_one(trial, NULL, error);
    return status;
}

/* Warnings at once, and metrics now and then. */
static hpx_status show_progress(struct trial *trial, const hpx_lines_state *state, hpx_error *error)
{
    const double now = hpx_clock_seconds();
    const char *warnings = state->warnings + trial->warned;
    const bool news =
        state->changes != trial->shown && now >= trial->next_progress && state->metrics.count > 0;
    if (!trial->run->on_progress || (!news && !*warnings))
        return HPX_OK;
    trial->shown = state->changes;
    trial->next_progress = now + PROGRESS_SECONDS;
    trial->warned += strlen(warnings);
    hpx_epoch epoch = HPX_EPOCH(state->own);
    epoch.metrics = state->metrics;
    epoch.warnings = *warnings ? warnings : NULL;
    return trial->run->on_progress(trial->run->context, &epoch, error);
}

hpx_status hpx_trial_on_lines(void *context, int64_t written_ns, hpx_error *error)
{
    struct trial *trial = context;
    const hpx_lines_state state = hpx_lines_state_of(trial->lines);
    if (state.broken)
        return hpx_trial_broken(trial, &state, error);
    hpx_status status = hand_on_taken(trial, error);
    if (trial->continues && state.checkpoint_is_last && state.checkpoint_change != trial->noted) {
        trial->noted = state.checkpoint_change;
        hpx_checkpoints_note(trial->checkpoints, state.checkpoint_epoch, state.checkpoint, written_ns);
    }
    return status ? status : show_progress(trial, &state, error);
}

/* One that cannot be taken is passed over, but not a disk without room for it. */
static hpx_status keep_checkpoint(struct trial *trial, hpx_status status, hpx_blob taken, uint32_t epoch,
                                  hpx_error *error)
{
    if (status == HPX_NOT_FOUND) {
        hpx_blob_close(&taken);
        return HPX_OK;
    }
    if (status)
        return hpx_error_prefix(error, "disk: cannot keep the checkpoint of epoch %u", epoch);
    hpx_blob_close(&trial->checkpoint);
    trial->checkpoint = taken;
    trial->checkpoint_epoch = epoch;
    return HPX_OK;
}

hpx_status hpx_trial_on_due(void *context, hpx_error *error)
{
    struct trial *trial = context;
    hpx_blob taken;
    uint32_t epoch;
    hpx_status status = hand_on_taken(trial, error);
    if (status)
        return status;
    status = hpx_checkpoints_take(&taken, &epoch, trial->checkpoints, error);
    trial->taken = status ? trial->taken : trial->noted;
    return keep_checkpoint(trial, status, taken, epoch, error);
}

double hpx_trial_due(void *context)
{
    const struct trial *trial = context;
    return hpx_checkpoints_due(trial->checkpoints);
}

/* --- when it has ended ------------------------------------------------------------------------------------ */

static void say(struct trial *trial, const char *text)
{
    for (const char *line = text; *line;) {
        const size_t length = strcspn(line, "\n");
        char *whole = hpx_format("hpx: %.*s\n", (int)length, line);
        hpx_log_add(trial->log, true, whole, strlen(whole));
        free(whole);
        line += length + (line[length] == '\n');
    }
}

/* The last line's checkpoint. Where nothing goes on from it, whatever it is now is the program's. */
static hpx_status take_last(struct trial *trial, const hpx_lines_state *state, hpx_error *error)
{
    hpx_blob taken;
    if (!state->checkpoint || state->failure || state->checkpoint_change == trial->taken)
        return HPX_OK;
    const int64_t written_ns = !trial->continues           ? INT64_MAX
                               : state->checkpoint_is_last ? trial->watch.written_ns
                                                           : INT64_MIN;
    hpx_status status = hpx_checkpoints_take_last(&taken, trial->checkpoints, state->checkpoint_epoch,
                                                  state->checkpoint, written_ns, error);
    if (status == HPX_NOT_FOUND) {
        char *text =
            hpx_format("the checkpoint of epoch %u is not kept: %s", state->checkpoint_epoch, error->message);
        say(trial, text);
        free(text);
    }
    return keep_checkpoint(trial, status, taken, state->checkpoint_epoch, error);
}

/* An accident may have come between two lines of the newest epoch: it counts if it has what the search goes by. */
static void drop_unfinished(struct trial *trial)
{
    if (trial->first == trial->count)
        return;
    struct told *last = &trial->pending[trial->count - 1];
    bool found = *trial->objective == 0;
    for (size_t i = 0; i < last->metrics.count; i++)
        found = found || strcmp(last->metrics.list[i].name, trial->objective) == 0;
    if (found)
        return;
    hpx_metrics_free(&last->metrics);
    trial->count--;
}

static hpx_status hand_on_failure(struct trial *trial, const hpx_lines_state *state, hpx_error *error)
{
    hpx_epoch epoch = HPX_EPOCH(state->failure_epoch);
    epoch.failure = state->failure;
    epoch.seconds = hpx_clock_seconds() - trial->told;
    return trial->run->on_epoch(trial->run->context, &epoch, error);
}

static hpx_status hand_on_all(struct trial *trial, const hpx_lines_state *state, hpx_error *error)
{
    hpx_status status = HPX_OK;
    while (!status && trial->first < trial->count) {
        const bool last = trial->first + 1 == trial->count;
        if (last && !state->failure)
            hpx_log_text(trial->run->log, trial->log);
        status = hand_on_one(trial, last && !state->failure ? state->stopped : NULL, error);
    }
    if (!status && state->failure) {
        hpx_log_text(trial->run->log, trial->log);
        status = hand_on_failure(trial, state, error);
    }
    return status;
}

/* Epochs with checkpoints are kept whatever the end is. */
static hpx_status end_by_accident(struct trial *trial, hpx_status status, hpx_error *error)
{
    hpx_buffer hints = {0};
    hpx_error ignored;
    if (trial->continues && status != HPX_DAMAGED) {
        drop_unfinished(trial);
        hand_on_taken(trial, &ignored);
    }
    trial->run->log->size = 0;
    hpx_log_text(trial->run->log, trial->log);
    if (status != HPX_INTERRUPTED)
        hpx_copy_undeclared(&hints, trial->copy, trial->run->log->data, trial->run->log->size);
    if (hints.size)
        hpx_error_set(error, status, "%s\n%s", error->message, hpx_buffer_text(&hints));
    hpx_buffer_free(&hints);
    return status;
}

hpx_status hpx_trial_finish(struct trial *trial, hpx_end end, hpx_error *error)
{
    char *last = hpx_strdup(hpx_log_last_line(trial->log));
    hpx_error why = *error, later;
    hpx_lines_end(trial->lines);
    const hpx_lines_state state = hpx_lines_state_of(trial->lines);
    hpx_status status = hpx_trial_accident(trial, end, last, &why);
    say(trial, state.warnings);
    hpx_status told = end == HPX_END_CALLER ? HPX_OK : show_progress(trial, &state, &later);
    if (!told && end != HPX_END_CALLER)
        told = take_last(trial, &state, &later);
    if (!status && told) {
        status = told;
        why = later;
    }
    if (status)
        status = end_by_accident(trial, status, &why);
    else
        status = hand_on_all(trial, &state, &why);
    if (status)
        *error = why;
    free(last);
    return status;
}
