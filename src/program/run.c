#include "program/run.h"

#include "trial.h"

#include "base/memory.h"
#include "base/process.h"
#include "hpx/file.h"
#include "program/archive.h"
#include "program/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- preparing -------------------------------------------------------------------------------------------- */

static bool says(const hpx_fields *fields, const char *name, const char *text)
{
    return strcmp(hpx_fields_text_or_empty(fields, name), text) == 0;
}

/* The checkpoint, under the name that it had. */
static hpx_status make_resume(struct trial *trial, hpx_error *error)
{
    hpx_places *places = &trial->places;
    if (trial->run->from == 0)
        return HPX_OK;
    if (!trial->run->checkpoint)
        return hpx_error_set(error, HPX_DAMAGED, "there is no checkpoint to go on from");
    places->resume = hpx_format("%s/resume", places->folder);
    hpx_folder_remove(places->resume);
    hpx_status status = hpx_make_directories(places->resume, error);
    return status ? status : hpx_archive_unpack(places->resume, trial->run->checkpoint, error);
}

/* An empty file, open to be read. */
static hpx_status make_file(int *out, const char *path, hpx_error *error)
{
    unlink(path);
    *out = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *out < 0 ? hpx_error_errno(error, "%s: cannot write it", path) : HPX_OK;
}

static hpx_status make_places(struct trial *trial, hpx_error *error)
{
    hpx_places *places = &trial->places;
    int metrics = -1;
    places->folder = hpx_path_directory(hpx_copy_out(trial->copy));
    places->params = hpx_format("%s/params.json", places->folder);
    places->metrics = hpx_format("%s/metrics.jsonl", places->folder);
    unlink(places->params);
    hpx_status status = make_file(&metrics, places->metrics, error);
    if (!status && trial->printed) {
        close(metrics);
        metrics = -1;
        /* A pipe does not tell when it was written to, and checkpoints are compared with that. */
        places->output = trial->continues ? hpx_format("%s/output", places->folder) : NULL;
        if (places->output)
            status = make_file(&metrics, places->output, error);
    }
    trial->watch.metrics = metrics;
    return status ? status : make_resume(trial, error);
}

static hpx_status take_gpus(struct trial *trial, hpx_error *error)
{
    const uint64_t count = hpx_fields_count_or_zero(trial->run->conditions, "run.gpus");
    return count ? hpx_gpus_take(&trial->gpus, (size_t)count, trial->run->stop, error) : HPX_OK;
}

/* The file that lines come in. */
static const char *lines_path(const struct trial *trial)
{
    return trial->places.output ? trial->places.output : trial->places.metrics;
}

static hpx_status make_lines(struct trial *trial, hpx_error *error)
{
    const hpx_run *run = trial->run;
    const hpx_field *match = hpx_fields_find(run->manifest, "program.match");
    const hpx_lines_options options = {
        .printed = trial->printed,
        .match = match && match->type == HPX_FIELD_TEXT ? (const char *)match->bytes : NULL,
        .continues = trial->continues,
        .from = run->from,
        .to = run->to,
        .on_epoch = hpx_trial_told,
        .context = trial,
    };
    trial->checkpoints =
        hpx_checkpoints_new(hpx_copy_out(trial->copy), trial->continues ? lines_path(trial) : NULL);
    return hpx_lines_new(&trial->lines, &options, error);
}

static hpx_status prepare(struct trial *trial, hpx_error *error)
{
    const hpx_fields *conditions = trial->run->conditions;
    trial->continues = says(conditions, "run.continue", "yes") || says(conditions, "run.continue", "resume");
    trial->printed = says(trial->run->manifest, "program.metrics", "stdout");
    trial->objective = hpx_fields_text_or_empty(conditions, "run.objective");
    trial->log = hpx_log_new();
    hpx_status status = hpx_copy_take(&trial->copy, conditions, error);
    if (!status)
        status = make_places(trial, error);
    if (!status)
        status = take_gpus(trial, error);
    if (!status)
        status = hpx_command_make(&trial->command, trial->run, trial->copy, &trial->places,
                                  trial->gpus ? hpx_gpus_names(trial->gpus) : NULL, error);
    return status ? status : make_lines(trial, error);
}

static void release(struct trial *trial)
{
    hpx_places *places = &trial->places;
    if (trial->watch.metrics >= 0)
        close(trial->watch.metrics);
    for (; trial->first < trial->count; trial->first++)
        hpx_metrics_free(&trial->pending[trial->first].metrics);
    free(trial->pending);
    hpx_blob_close(&trial->checkpoint);
    hpx_checkpoints_free(trial->checkpoints);
    hpx_lines_free(trial->lines);
    hpx_log_free(trial->log);
    hpx_command_free(&trial->command);
    hpx_gpus_release(trial->gpus);
    if (places->params)
        unlink(places->params);
    if (places->metrics)
        unlink(places->metrics);
    if (places->output)
        unlink(places->output);
    hpx_folder_remove(places->resume);
    hpx_copy_release(trial->copy);
    free(places->folder);
    free(places->params);
    free(places->metrics);
    free(places->output);
    free(places->resume);
}

/* --- running ---------------------------------------------------------------------------------------------- */

static hpx_status start(struct trial *trial, hpx_error *error)
{
    hpx_watch *watch = &trial->watch;
    const hpx_command *command = &trial->command;
    const char *path = trial->places.output;
    int ends[2][2];
    const int output = path ? open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (path && output < 0)
        return hpx_error_errno(error, "%s: cannot write it", path);
    for (int i = 0; i < 2; i++) {
        if (pipe2(ends[i], O_CLOEXEC) != 0) {
            hpx_status status = hpx_error_errno(error, "cannot start the program");
            if (i == 1) {
                close(ends[0][0]);
                close(ends[0][1]);
            }
            if (path)
                close(output);
            return status;
        }
        fcntl(ends[i][0], F_SETFL, O_NONBLOCK);
        watch->output[i] = ends[i][0];
    }
    const hpx_process_options options = {
        .program = command->program,
        .arguments = command->arguments,
        .environment = command->environment,
        .folder = command->folder,
        .descriptors = {-1, path ? output : ends[0][1], ends[1][1]},
        .own_session = true,
    };
    hpx_status status = hpx_process_start(&watch->program, &options, error);
    if (path)
        close(output);
    for (int i = 0; i < 2; i++) {
        close(ends[i][1]);
        if (status)
            close(ends[i][0]);
    }
    if (status == HPX_NOT_FOUND) /* the file is there */
        status = hpx_error_set(error, HPX_FAILED, "%s: cannot be started: what it names after #! is missing",
                               command->program);
    return status;
}

static void set_limits(struct trial *trial, double grace)
{
    hpx_watch *watch = &trial->watch;
    const hpx_fields *conditions = trial->run->conditions;
    const hpx_field *timeout = hpx_fields_find(conditions, "run.timeout");
    trial->told = hpx_clock_seconds();
    trial->next_progress = trial->told;
    watch->metrics_path = lines_path(trial);
    watch->printed = trial->printed;
    watch->stop = trial->run->stop;
    watch->end = timeout && timeout->real > 0 ? trial->told + timeout->real : INFINITY;
    watch->memory = hpx_fields_count_or_zero(conditions, "run.memory");
    watch->disks[0] = hpx_copy_out(trial->copy);
    watch->disks[1] = hpx_copy_folder(trial->copy);
    watch->grace = grace;
    watch->log = trial->log;
    watch->lines = trial->lines;
    watch->on_lines = hpx_trial_on_lines;
    watch->on_due = hpx_trial_on_due;
    watch->due = hpx_trial_due;
    watch->context = trial;
}

static hpx_status start_and_watch(struct trial *trial, double grace, hpx_error *error)
{
    set_limits(trial, grace);
    hpx_processes_adopt();
    trial->watch.children = hpx_processes_watch();
    if (trial->watch.children < 0)
        return hpx_error_errno(error, "cannot watch the program");
    hpx_status status = start(trial, error);
    if (!status) {
        const hpx_end end = hpx_watch_program(&trial->watch, error);
        status = hpx_trial_finish(trial, end, error);
    }
    hpx_processes_unwatch(trial->watch.children);
    return status;
}

hpx_status hpx_program_run_with(const hpx_run *run, double grace, hpx_error *error)
{
    struct trial trial = {.run = run, .checkpoint = HPX_NO_BLOB, .watch.metrics = -1};
    hpx_status status = prepare(&trial, error);
    if (!status)
        status = start_and_watch(&trial, grace, error);
    release(&trial);
    return status;
}

hpx_status hpx_program_run(const hpx_run *run, hpx_error *error)
{
    return hpx_program_run_with(run, HPX_GRACE_SECONDS, error);
}
