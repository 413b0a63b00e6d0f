#include "upkeep/doctor.h"

#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "diagnosis.h"
#include "hpx/build.h"
#include "hpx/file.h"
#include "hpx/store.h"
#include "identity/experiment.h"
#include "identity/manifest.h"
#include "program/copy.h"
#include "program/words.h"
#include "strace.h"
#include "worker/executor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS 200

const char *const hpx_doctor_names[HPX_DOCTOR_CHECKS] = {"declared", "deterministic", "continues", "output"};

struct doctor {
    const hpx_recipe *recipe;
    const hpx_doctor_options *options;
    hpx_experiment *experiment;
    hpx_executor *executor;
    hpx_fields manifest, conditions, data;
    hpx_comparison comparison; /* borrows from the conditions */
    struct hpx_trial_run first, second, traced;
};

void hpx_examination_free(hpx_examination *examination)
{
    for (size_t i = 0; i < HPX_DOCTOR_CHECKS; i++) {
        hpx_buffer_free(&examination->checks[i].found);
        hpx_buffer_free(&examination->checks[i].advice);
        hpx_buffer_free(&examination->checks[i].bindings);
    }
}

static void say(const struct doctor *doctor, const char *text)
{
    if (doctor->options->say)
        doctor->options->say(doctor->options->context, text);
}

/* --- running the trial ------------------------------------------------------------------------------------ */

struct running {
    struct hpx_trial_run *run;
    bool ended;
};

static hpx_status receive(void *context, const hpx_result *result, hpx_error *error)
{
    struct running *running = context;
    struct hpx_trial_run *run = running->run;
    (void)error;
    if (result->kind == HPX_MESSAGE_PROGRESS)
        return HPX_OK;
    if (result->log.size > 0) {
        run->log.size = 0;
        hpx_buffer_add(&run->log, result->log.data, result->log.size);
    }
    if (hpx_result_is_end(result)) {
        running->ended = true;
        if (result->kind != HPX_MESSAGE_DONE)
            run->accident = hpx_strdup(result->message);
    } else if (*result->failure) {
        memcpy(run->failure, result->failure, sizeof run->failure);
    } else {
        run->epochs = hpx_grow(run->epochs, &run->capacity, run->count + 1, sizeof *run->epochs);
        run->epochs[run->count++] = (struct told_epoch){result->epoch, hpx_metrics_copy(&result->metrics)};
    }
    return HPX_OK;
}

/* The whole trial, as a build would run it; behind the words of `wrapper`, unless that is NULL. */
static hpx_status run_trial(struct hpx_trial_run *out, struct doctor *doctor, const char *wrapper,
                            hpx_error *error)
{
    hpx_executor *executor = doctor->executor;
    hpx_job job = {.to = doctor->recipe->epochs, .checkpoint = HPX_NO_BLOB};
    struct running running = {.run = out};
    hpx_fields conditions = {0};
    for (size_t i = 0; i < doctor->conditions.count; i++)
        hpx_fields_set(&conditions, &doctor->conditions.fields[i]);
    if (wrapper)
        hpx_fields_set_text(&conditions, "job.wrapper", wrapper);
    hpx_fields_encode(&job.conditions, &conditions);
    hpx_fields_encode(&job.manifest, &doctor->manifest);
    job.key = hpx_hash_of(job.manifest.data, job.manifest.size);
    out->ran = true;
    hpx_status status = executor->submit(executor, &job, &job.key, error);
    while (!status && !running.ended) {
        status = executor->wait(executor, TICK_MS, receive, &running, error);
        if (!status && doctor->options->interrupted && *doctor->options->interrupted)
            status = hpx_error_set(error, HPX_INTERRUPTED, "interrupted");
    }
    hpx_fields_free(&conditions);
    hpx_job_free(&job);
    return status;
}

static hpx_status prepare(struct doctor *doctor, hpx_error *error)
{
    const hpx_recipe *recipe = doctor->recipe;
    const hpx_source_options sources = {.store = NULL};
    hpx_fields binary = {0}, code = {0};
    hpx_status status = hpx_experiment_open(&doctor->experiment, recipe, &sources, error);
    if (!status)
        status = doctor->executor->binary(&binary, doctor->executor, recipe->trainer, error);
    if (!status) {
        hpx_experiment_set_binary(doctor->experiment, &binary);
        status = hpx_experiment_prepare(&doctor->conditions, doctor->experiment, error);
    }
    if (!status) {
        hpx_experiment_fields(&doctor->manifest, doctor->experiment, 0, recipe->seeds[0]);
        hpx_manifest_set_binary_fields(&doctor->manifest, &binary);
        hpx_fields_set_text(&doctor->conditions, "job.trial", "doctor");
        hpx_experiment_records(&code, &doctor->data, doctor->experiment, 0);
        doctor->comparison = hpx_comparison_of(&doctor->conditions);
        char *warnings = hpx_experiment_take_warnings(doctor->experiment);
        if (warnings)
            say(doctor, warnings);
        free(warnings);
    }
    hpx_fields_free(&binary);
    hpx_fields_free(&code);
    return status;
}

/* --- declared --------------------------------------------------------------------------------------------- */

/* The trial under strace, whose log goes to `log`. */
static hpx_status trace(struct doctor *doctor, const char *strace, const char *log, hpx_error *error)
{
    hpx_buffer wrapper = {0};
    hpx_words_add(&wrapper, strace);
    for (const char *const *option = hpx_strace_options; *option; option++)
        hpx_words_add(&wrapper, *option);
    hpx_words_add(&wrapper, "-o");
    hpx_words_add(&wrapper, log);
    hpx_words_add(&wrapper, "--");
    say(doctor, "running the trial under strace");
    hpx_status status = run_trial(&doctor->traced, doctor, hpx_buffer_text(&wrapper), error);
    hpx_buffer_free(&wrapper);
    return status;
}

/* Names that the accident's hints have. */
static void note_hints(hpx_opened *opened, const char *accident)
{
    for (const char *line = accident; line && *line;) {
        const size_t length = strcspn(line, "\n");
        char *name = hpx_undeclared_name(line, length);
        if (name)
            hpx_opened_note_missing(opened, name);
        free(name);
        line += length + (line[length] == '\n');
    }
}

static char *log_path(const struct doctor *doctor)
{
    return hpx_format("%s/trace-%d", hpx_fields_text_or_empty(&doctor->conditions, "job.scratch"),
                      (int)getpid());
}

/* HPX_NOT_FOUND when strace has seen nothing: it may not trace everywhere, and then the program runs without it. */
static hpx_status read_log(const struct doctor *doctor, hpx_opened *opened, const char *path,
                           hpx_error *error)
{
    struct stat info;
    if (stat(path, &info) != 0 || info.st_size == 0)
        return hpx_error_set(error, HPX_NOT_FOUND, "strace may not trace here");
    /* The first process is run by its whole path; one that has not said where it is, is taken to be in the copy. */
    const char *folder = hpx_fields_text_or_empty(&doctor->conditions, "job.scratch");
    hpx_strace *strace = hpx_strace_new(folder, hpx_opened_note, opened);
    hpx_status status = hpx_strace_read(strace, path, error);
    hpx_strace_free(strace);
    return status;
}

/* Why it is not known, or not known in full, what the program opens; NULL: it is. free() it. */
static char *why_unknown(const struct doctor *doctor, const char *strace, hpx_status read,
                         const hpx_error *error)
{
    const char *accident = doctor->traced.accident;
    if (!strace)
        return hpx_strdup("strace is not installed");
    if (read)
        return hpx_strdup(error->message);
    if (accident && doctor->first.accident)
        return hpx_strdup("the trial ended by accident");
    return accident ? hpx_format("under strace the trial ended by accident: %.*s",
                                 (int)strcspn(accident, "\n"), accident)
                    : NULL;
}

static hpx_status check_declared(hpx_diagnosis *out, struct doctor *doctor, hpx_error *error)
{
    const hpx_opened_options options = {.conditions = &doctor->conditions,
                                        .data = &doctor->data,
                                        .home = getenv("HOME"),
                                        .path = getenv("PATH")};
    hpx_opened *opened = hpx_opened_new(&options);
    hpx_undeclared undeclared;
    char *strace = hpx_process_find("strace"), *log = log_path(doctor), *why = NULL;
    hpx_status status = strace ? trace(doctor, strace, log, error) : HPX_OK;
    if (!status) {
        const hpx_status read = strace ? read_log(doctor, opened, log, error) : HPX_OK;
        why = why_unknown(doctor, strace, read, error);
    }
    note_hints(opened, doctor->first.accident);
    hpx_opened_sum_up(&undeclared, opened);
    if (!status)
        hpx_diagnose_declared(out, doctor->recipe, &undeclared, why);
    unlink(log);
    hpx_undeclared_free(&undeclared);
    hpx_opened_free(opened);
    free(strace);
    free(log);
    free(why);
    return status;
}

/* --- continues -------------------------------------------------------------------------------------------- */

/* What a build says while it proves that its program continues. */
struct proof {
    hpx_diagnosis *out;
    bool proven, failed;
};

static void note_proof(void *context, const hpx_event *event)
{
    struct proof *proof = context;
    hpx_buffer *found = &proof->out->found;
    if (event->kind != HPX_EVENT_PROOF && event->kind != HPX_EVENT_PROVEN && event->kind != HPX_EVENT_FAILED)
        return;
    found->size = 0;
    hpx_text_show(found, event->message, strcspn(event->message, "\n"), "");
    proof->proven = event->kind == HPX_EVENT_PROVEN;
    proof->failed = event->kind == HPX_EVENT_FAILED;
}

/* A build of the trial in a store of its own, which begins with the proof. */
static hpx_status build(struct proof *proof, struct doctor *doctor, const char *folder, hpx_error *error)
{
    const hpx_recipe *recipe = doctor->recipe;
    const hpx_recipe_search *const searches[] = {recipe->searches};
    const hpx_build_options options = {
        .program = doctor->options->program,
        .jobs = recipe->program->threads,
        .event = note_proof,
        .context = proof,
        .interrupted = doctor->options->interrupted,
    };
    hpx_source_options sources = {.remember = true};
    hpx_outcome *outcome = NULL;
    hpx_status status = hpx_store_open(&sources.store, folder, HPX_STORE_WRITE, error);
    if (!status)
        status = hpx_build(&outcome, recipe, searches, 1, &sources, &options, error);
    hpx_outcome_free(outcome);
    hpx_store_close(sources.store);
    return status;
}

static hpx_status prove(hpx_diagnosis *out, struct doctor *doctor, hpx_error *error)
{
    struct proof proof = {.out = out};
    char *folder = hpx_format("%s/store-%d", hpx_fields_text_or_empty(&doctor->conditions, "job.scratch"),
                              (int)getpid());
    say(doctor, "running the trial in one go, and from a checkpoint");
    hpx_status status = build(&proof, doctor, folder, error);
    hpx_folder_remove(folder);
    free(folder);
    if (status == HPX_INTERRUPTED)
        return status;
    out->verdict = proof.failed ? HPX_DOCTOR_FAIL : proof.proven ? HPX_DOCTOR_PASS : HPX_DOCTOR_NOT_TRIED;
    if (status && !proof.failed) { /* there was no build */
        out->verdict = HPX_DOCTOR_NOT_TRIED;
        out->found.size = 0;
        hpx_buffer_puts(&out->found, error->message);
    } else if (out->verdict == HPX_DOCTOR_NOT_TRIED) {
        hpx_buffer_puts(
            &out->advice,
            "name each checkpoint in a line of metrics, when it is complete; epochs=8 looks further\n");
    }
    return HPX_OK;
}

static hpx_status check_continues(hpx_diagnosis *out, struct doctor *doctor, bool repeats, hpx_error *error)
{
    out->verdict = HPX_DOCTOR_NOT_TRIED;
    if (doctor->recipe->program->continues == HPX_CONTINUE_NO) {
        hpx_buffer_puts(&out->found, "continue = no: an interrupted trial begins anew");
        hpx_buffer_puts(
            &out->advice,
            "to go on instead, it must name checkpoints in $HPX_OUT and begin from $HPX_RESUME where "
            "that is set; then say `continue = resume`\n");
    } else if (doctor->recipe->epochs == 1) {
        hpx_buffer_puts(&out->found, "epochs = 1: there is nothing to go on from");
    } else if (doctor->first.accident) {
        hpx_buffer_puts(&out->found, "the trial ended by accident");
    } else if (!repeats) {
        hpx_buffer_puts(&out->found, "two runs differ already without a stop between");
    } else {
        return prove(out, doctor, error);
    }
    return HPX_OK;
}

/* --- all together ----------------------------------------------------------------------------------------- */

static hpx_status examine(hpx_examination *out, struct doctor *doctor, hpx_error *error)
{
    hpx_status status = prepare(doctor, error);
    if (status)
        return status;
    say(doctor, "running the trial");
    status = run_trial(&doctor->first, doctor, NULL, error);
    if (!status)
        status = check_declared(&out->checks[HPX_DOCTOR_DECLARED], doctor, error);
    if (!status && !doctor->first.accident) {
        say(doctor, "running the trial again");
        status = run_trial(&doctor->second, doctor, NULL, error);
    }
    if (!status)
        hpx_diagnose_deterministic(&out->checks[HPX_DOCTOR_DETERMINISTIC], &doctor->first, &doctor->second,
                                   &doctor->comparison);
    if (!status)
        status = check_continues(&out->checks[HPX_DOCTOR_CONTINUES], doctor,
                                 out->checks[HPX_DOCTOR_DETERMINISTIC].verdict == HPX_DOCTOR_PASS, error);
    if (!status)
        hpx_diagnose_output(&out->checks[HPX_DOCTOR_OUTPUT], doctor->recipe, &doctor->first);
    return status;
}

hpx_status hpx_doctor(hpx_examination *out, const hpx_recipe *recipe, const hpx_doctor_options *options,
                      hpx_error *error)
{
    struct doctor doctor = {.recipe = recipe, .options = options};
    *out = (hpx_examination){0};
    assert(recipe->program);
    doctor.executor = hpx_executor_local(options->program, 1, false);
    hpx_status status = examine(out, &doctor, error);
    doctor.executor->close(doctor.executor);
    struct hpx_trial_run *runs[] = {&doctor.first, &doctor.second, &doctor.traced};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        hpx_trial_run_free(runs[i]);
    hpx_experiment_free(doctor.experiment);
    hpx_fields_free(&doctor.manifest);
    hpx_fields_free(&doctor.conditions);
    hpx_fields_free(&doctor.data);
    return status;
}
