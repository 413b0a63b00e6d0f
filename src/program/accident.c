/* How a program ended, as a person wants to know it. */
#include "trial.h"

#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define MIB 1048576.0

/* "WHAT", or "WHAT: the last line that it printed". */
static hpx_status with_line(hpx_status status, const char *what, const char *last, hpx_error *error)
{
    hpx_buffer line = {0};
    hpx_text_show(&line, last, strlen(last), "");
    hpx_error_set(error, status, "%s%s%s", what, line.size ? ": " : "", hpx_buffer_text(&line));
    hpx_buffer_free(&line);
    return status;
}

static hpx_status of_signal(int number, const char *last, hpx_error *error)
{
    if (number == SIGKILL)
        return hpx_error_set(error, HPX_NO_MEMORY,
                             "signal 9: the program was killed; out of memory is the usual cause");
    char *what = hpx_format("signal %d (%s)", number, strsignal(number));
    hpx_status status = with_line(HPX_FAILED, what, last, error);
    free(what);
    return status;
}

static hpx_status of_exit(int code, const char *last, hpx_error *error)
{
    char *what = hpx_format("exit code %d", code);
    hpx_status status = with_line(HPX_FAILED, what, last, error);
    free(what);
    return status;
}

/* What it reported, for whoever has misspelt a name. */
static hpx_status of_no_objective(const struct trial *trial, const hpx_metrics *metrics, hpx_error *error)
{
    hpx_buffer names = {0};
    hpx_metrics_show_names(&names, metrics);
    hpx_error_set(error, HPX_FAILED, "no metrics: the program did not report %s%s%s%s%s", trial->objective,
                  trial->continues && metrics->count ? " in its last epoch" : "",
                  metrics->count ? " (it reported: " : "", metrics->count ? hpx_buffer_text(&names) : "",
                  metrics->count ? ")" : "");
    hpx_buffer_free(&names);
    return HPX_FAILED;
}

/* It ended well: whether it said enough. */
static hpx_status of_lines(const struct trial *trial, const hpx_lines_state *state, hpx_error *error)
{
    const uint32_t to = trial->run->to;
    const struct told *last = trial->first < trial->count ? &trial->pending[trial->count - 1] : NULL;
    if (state->failure)
        return HPX_OK;
    if (!last || (last->metrics.count == 0 && !trial->continues))
        return hpx_error_set(error, HPX_FAILED,
                             "no metrics: the program ended well and reported none%s; see `metrics` and "
                             "`match`, which `hpx doctor` proposes",
                             *state->warnings ? " that could be read" : "");
    if (trial->continues && last->epoch < to && !state->stopped)
        return hpx_error_set(error, HPX_FAILED,
                             "no metrics: the program ended well after epoch %u, and was to go on to %u",
                             last->epoch, to);
    for (size_t i = 0; i < last->metrics.count; i++)
        if (strcmp(last->metrics.list[i].name, trial->objective) == 0)
            return HPX_OK;
    return *trial->objective ? of_no_objective(trial, &last->metrics, error) : HPX_OK;
}

/* One that goes on from a checkpoint begins behind it, or the checkpoint is none of its own. */
hpx_status hpx_trial_broken(const struct trial *trial, const hpx_lines_state *state, hpx_error *error)
{
    const bool at_begin = trial->run->from > 0 && state->newest == trial->run->from;
    return hpx_error_set(error, at_begin ? HPX_DAMAGED : HPX_FAILED, "%s", state->broken);
}

static hpx_status of_disk(const char *folder, hpx_error *error)
{
    return hpx_error_set(error, HPX_FAILED, "disk: less than %.0f MiB are left on the file system of %s",
                         (double)HPX_DISK_LEFT_BYTES / MIB, folder);
}

static hpx_status of_end(struct trial *trial, const char *last, hpx_error *error)
{
    const hpx_lines_state state = hpx_lines_state_of(trial->lines);
    const int how = trial->watch.how;
    const char *full = how == 0 ? NULL : hpx_watch_full_disk(&trial->watch);
    if (trial->watch.misused && !state.failure)
        return hpx_error_set(error, HPX_FAILED,
                             "no metrics: lines must be appended to $HPX_METRICS; the program %s",
                             trial->watch.misused);
    if (state.broken)
        return hpx_trial_broken(trial, &state, error);
    if (how == 0 || state.failure)
        return of_lines(trial, &state, error);
    if (full)
        return of_disk(full, error);
    return WIFSIGNALED(how) ? of_signal(WTERMSIG(how), last, error) : of_exit(WEXITSTATUS(how), last, error);
}

hpx_status hpx_trial_accident(struct trial *trial, hpx_end end, const char *last, hpx_error *error)
{
    const hpx_watch *watch = &trial->watch;
    const hpx_field *timeout = hpx_fields_find(trial->run->conditions, "run.timeout");
    const char *full = end == HPX_END_DISK ? hpx_watch_full_disk(watch) : NULL;
    switch (end) {
    case HPX_END_TIME:
        return hpx_error_set(error, HPX_FAILED, "time: the program was ended after %.6g seconds (`timeout`)",
                             timeout ? timeout->real : 0);
    case HPX_END_MEMORY:
        return hpx_error_set(error, HPX_FAILED,
                             "memory: the program used %.0f MiB, and may use %.0f (`memory`)",
                             (double)watch->used / MIB, (double)watch->memory / MIB);
    case HPX_END_DISK:
        return of_disk(full ? full : watch->disks[0], error);
    case HPX_END_STOPPED:
        return hpx_error_set(error, HPX_INTERRUPTED, "the program was ended: nobody waits for it any more");
    case HPX_END_CALLER:
        return error->status;
    default:
        return of_end(trial, last, error);
    }
}
