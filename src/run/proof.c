#include "proof.h"

#include "inside.h"

#include "base/memory.h"
#include "identity/manifest.h"
#include "program/words.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define CAUSES                                                                                               \
    "; usual causes: the order of the data begins anew; optimizer, schedule or random state are not in the " \
    "checkpoint"

/* An epoch as the run in one go had it. */
struct epoch {
    uint32_t number;
    hpx_artifact artifact; /* its metrics, and how it ended */
};

enum step { IN_ONE_GO, FIRST_LEG, SECOND_LEG };

struct proof {
    struct trial *trial;
    hpx_fields *questions; /* that it answers */
    size_t question_count;
    enum step step;
    bool due;      /* its next run is to be started */
    bool given_up; /* the trial cannot show it, and runs without */
    uint32_t last; /* epochs in one go */
    struct epoch *epochs;
    size_t count, capacity;
    bool ended; /* the run in one go failed, or stopped of itself */
    hpx_blob checkpoint;
    uint32_t from;       /* its epoch */
    uint32_t compared;   /* epochs */
    char *contradiction; /* NULL: none so far */
};

/* --- questions --------------------------------------------------------------------------------------------- */

/* Whether a field of a manifest says which trial it is, not what is proved. */
static bool is_of_trial(const char *field)
{
    return strncmp(field, "axis.", 5) == 0 || strncmp(field, "env.", 4) == 0 ||
           strcmp(field, "program.command") == 0 || strcmp(field, "seed") == 0 ||
           strcmp(field, "last-epoch") == 0;
}

static void set_templates(hpx_fields *out, const hpx_program *program)
{
    hpx_buffer words = {0};
    for (size_t i = 0; i < program->command.count; i++)
        hpx_words_add(&words, program->command.words[i]);
    for (size_t i = 0; i < program->env_count; i++) {
        char *pair = hpx_format("%s=%s", program->env[i].name, program->env[i].text);
        hpx_words_add(&words, pair);
        free(pair);
    }
    hpx_fields_set_text(out, "proof.command", hpx_buffer_text(&words));
    hpx_buffer_free(&words);
}

static void set_conditions(hpx_fields *out, const hpx_recipe *recipe)
{
    static const char *const names[] = {"run.continue", "run.repeat", "run.within", "run.volatile"};
    hpx_fields conditions = {0};
    hpx_recipe_conditions(&conditions, recipe);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const hpx_field *field = hpx_fields_find(&conditions, names[i]);
        if (field)
            hpx_fields_set(out, field);
    }
    hpx_fields_free(&conditions);
}

static hpx_fields copy_of(const hpx_fields *fields)
{
    hpx_fields copy = {0};
    hpx_fields_add(&copy, fields);
    return copy;
}

static hpx_fields question_of_all(const struct build *build, const struct trial *trial)
{
    hpx_fields manifest = {0}, question = {0};
    hpx_experiment_fields(&manifest, build->experiment, trial->cell, trial->seed);
    for (size_t i = 0; i < manifest.count; i++)
        if (!is_of_trial(manifest.fields[i].name))
            hpx_fields_set(&question, &manifest.fields[i]);
    hpx_fields_add(&question, &build->binary);
    set_templates(&question, build->recipe->program);
    set_conditions(&question, build->recipe);
    hpx_fields_free(&manifest);
    return question;
}

/* All questions that a trial of this cell can answer; free_questions. */
static hpx_fields *questions_of(size_t *count, const struct build *build, const struct trial *trial)
{
    const hpx_recipe *recipe = build->recipe;
    hpx_fields *questions = hpx_alloc((recipe->grid.axes + 1) * sizeof *questions);
    uint32_t indices[HPX_AXES_MAX];
    hpx_grid_indices(indices, &recipe->grid, trial->cell);
    questions[0] = question_of_all(build, trial);
    *count = 1;
    for (size_t i = 0; i < recipe->grid.axes; i++) {
        const hpx_axis *axis = &recipe->axes[i];
        if (axis->ordered)
            continue;
        hpx_fields question = copy_of(&questions[0]);
        hpx_fields_set_text(&question, "proof.axis", axis->name);
        hpx_fields_set_text(&question, "proof.word", axis->values[indices[i]].text);
        questions[(*count)++] = question;
    }
    return questions;
}

static void free_questions(hpx_fields *questions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hpx_fields_free(&questions[i]);
    free(questions);
}

static bool is_settled(const struct proofs *proofs, const hpx_hash *id)
{
    for (size_t i = 0; i < proofs->settled_count; i++)
        if (hpx_hash_equal(&proofs->settled[i], id))
            return true;
    return false;
}

static void settle(struct proofs *proofs, const hpx_hash *id)
{
    proofs->settled = hpx_grow(proofs->settled, &proofs->settled_capacity, proofs->settled_count + 1,
                               sizeof *proofs->settled);
    proofs->settled[proofs->settled_count++] = *id;
}

/* Whether the question has its answer. */
static hpx_status find_answer(bool *found, struct build *build, const hpx_hash *id, hpx_error *error)
{
    hpx_fields record = {0};
    *found = is_settled(&build->proofs, id);
    if (*found || !build->store)
        return HPX_OK;
    hpx_status status = hpx_store_get_record(&record, build->store, HPX_RECORD_PROOF, id, error);
    hpx_fields_free(&record);
    *found = status == HPX_OK;
    if (*found)
        settle(&build->proofs, id);
    return status == HPX_NOT_FOUND ? HPX_OK : status;
}

static bool is_being_answered(const struct proofs *proofs, const hpx_hash *id)
{
    for (size_t i = 0; i < proofs->count; i++)
        for (size_t q = 0; q < proofs->at[i]->question_count && !proofs->at[i]->given_up; q++) {
            const hpx_hash theirs = hpx_record_id(&proofs->at[i]->questions[q]);
            if (hpx_hash_equal(&theirs, id))
                return true;
        }
    return false;
}

static struct proof *find(const struct proofs *proofs, const struct trial *trial)
{
    for (size_t i = 0; i < proofs->count; i++)
        if (proofs->at[i]->trial == trial)
            return proofs->at[i];
    return NULL;
}

/* Whether a trial of so many epochs relies on a checkpoint, or may come to. */
static bool may_rely(const struct build *build, uint32_t epochs)
{
    const hpx_program *program = build->recipe->program;
    return program && program->continues != HPX_CONTINUE_NO && epochs > 1;
}

hpx_status hpx_proof_gate(enum proof_gate *out, struct build *build, const struct trial *trial,
                          hpx_error *error)
{
    size_t count;
    bool open = false, asked = false;
    hpx_status status = HPX_OK;
    *out = PROOF_OPEN;
    if (!may_rely(build, hpx_trial_target(trial)) || find(&build->proofs, trial))
        return HPX_OK;
    hpx_fields *questions = questions_of(&count, build, trial);
    for (size_t i = 0; i < count && !status; i++) {
        bool answered;
        const hpx_hash id = hpx_record_id(&questions[i]);
        status = find_answer(&answered, build, &id, error);
        open = open || !answered;
        asked = asked || (!answered && is_being_answered(&build->proofs, &id));
    }
    free_questions(questions, count);
    if (open)
        *out = asked || trial->task.speculative ? PROOF_ASIDE : PROOF_DUE;
    return status;
}

hpx_status hpx_proofs_count(size_t *out, struct build *build, hpx_error *error)
{
    struct proofs *proofs = &build->proofs;
    hpx_status status = HPX_OK;
    const size_t known = proofs->settled_count;
    *out = 0;
    for (size_t i = 0; i < build->ledger.count && !status && build->recipe->program; i++) {
        const struct trial *trial = ledger_at(&build->ledger, i);
        enum proof_gate gate = PROOF_OPEN;
        size_t count;
        if (trial->state == TRIAL_WAITING)
            status = hpx_proof_gate(&gate, build, trial, error);
        if (gate != PROOF_DUE)
            continue;
        ++*out;
        hpx_fields *questions = questions_of(&count, build, trial);
        for (size_t q = 0; q < count; q++) {
            const hpx_hash id = hpx_record_id(&questions[q]);
            settle(proofs, &id);
        }
        free_questions(questions, count);
    }
    proofs->settled_count = known < proofs->settled_count ? known : proofs->settled_count;
    return status;
}

/* --- runs -------------------------------------------------------------------------------------------------- */

static bool goes_to_more(const struct build *build)
{
    return build->recipe->program->continues == HPX_CONTINUE_YES;
}

/* The manifest of the trajectory that is run: where its last epoch is part of it, another one than the trial's. */
static void change_last_epoch(hpx_fields *manifest, const struct proof *proof)
{
    if (hpx_fields_find(manifest, "last-epoch"))
        hpx_fields_set_count(manifest, "last-epoch", proof->last);
}

static hpx_status submit(struct build *build, struct proof *proof, hpx_error *error)
{
    hpx_job job = HPX_NO_JOB;
    hpx_fields manifest = {0};
    hpx_trial_name_job(&job, build, proof->trial);
    job.to = proof->step == FIRST_LEG ? 1 : proof->last;
    hpx_status status = hpx_fields_decode(&manifest, job.manifest.data, job.manifest.size, error);
    if (!status) {
        change_last_epoch(&manifest, proof);
        job.manifest.size = 0;
        hpx_fields_encode(&job.manifest, &manifest);
        job.key = hpx_hash_of(job.manifest.data, job.manifest.size);
    }
    if (!status && proof->step == SECOND_LEG) {
        job.from = proof->from;
        job.checkpoint = proof->checkpoint; /* the job's from here on */
        proof->checkpoint = HPX_NO_BLOB;
        status = hpx_blob_hash(&job.checkpoint_hash, &job.checkpoint, error);
    }
    if (!status)
        status = build->executor->submit(build->executor, &job, &proof->trial->key, error);
    hpx_fields_free(&manifest);
    hpx_job_free(&job);
    return status;
}

hpx_status hpx_proof_start(struct build *build, struct trial *trial, hpx_error *error)
{
    struct proofs *proofs = &build->proofs;
    struct proof *proof = hpx_alloc(sizeof *proof);
    *proof = (struct proof){.trial = trial, .last = 2, .checkpoint = HPX_NO_BLOB};
    proof->questions = questions_of(&proof->question_count, build, trial);
    proofs->at = hpx_grow(proofs->at, &proofs->capacity, proofs->count + 1, sizeof *proofs->at);
    proofs->at[proofs->count++] = proof;
    hpx_status status = hpx_trial_put_records(build, trial, error);
    if (!status)
        status = submit(build, proof, error);
    if (status) {
        hpx_store_release(build->store, &trial->key);
        return status;
    }
    trial->state = TRIAL_RUNNING;
    trial->to = hpx_trial_target(trial);
    hpx_timeline_start(&build->timeline, &trial->key, (hpx_verdict)trial->verdict, false, 0);
    hpx_dispatch_start(build->dispatch, &trial->task);
    hpx_build_emit(build, HPX_EVENT_STARTED, trial, NULL);
    hpx_build_emit(build, HPX_EVENT_PROOF, trial,
                   "first it is to prove that it continues: in one go, and from a checkpoint");
    return HPX_OK;
}

bool hpx_proof_has(const struct build *build, const struct trial *trial)
{
    const struct proof *proof = find(&build->proofs, trial);
    return proof && !proof->given_up;
}

/* --- what they send ---------------------------------------------------------------------------------------- */

static hpx_artifact as_artifact(const hpx_result *result)
{
    hpx_artifact artifact = {.epoch = result->epoch, .metrics = result->metrics};
    memcpy(artifact.failure, result->failure, sizeof artifact.failure);
    memcpy(artifact.stopped, result->stopped, sizeof artifact.stopped);
    return artifact;
}

static const struct epoch *in_one_go(const struct proof *proof, uint32_t number)
{
    for (size_t i = 0; i < proof->count; i++)
        if (proof->epochs[i].number == number)
            return &proof->epochs[i];
    return NULL;
}

/* The first checkpoint that another run can go on from. */
static hpx_status keep_checkpoint(struct proof *proof, const hpx_result *result, hpx_error *error)
{
    if (proof->checkpoint.fd >= 0 || result->checkpoint.fd < 0 || result->epoch >= proof->last)
        return HPX_OK;
    const int fd = fcntl(result->checkpoint.fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return hpx_error_errno(error, "the checkpoint of epoch %u", result->epoch);
    proof->checkpoint = (hpx_blob){.fd = fd, .size = result->checkpoint.size};
    proof->from = result->epoch;
    return HPX_OK;
}

static hpx_status store_epoch(struct build *build, struct proof *proof, const hpx_result *result,
                              hpx_error *error)
{
    struct trial *trial = proof->trial;
    hpx_fields fields = {0};
    hpx_buffer manifest = {0};
    hpx_experiment_fields(&fields, build->experiment, trial->cell, trial->seed);
    change_last_epoch(&fields, proof);
    hpx_fields_encode(&manifest, &fields);
    const hpx_hash key = hpx_hash_of(manifest.data, manifest.size);
    const bool own = hpx_hash_equal(&key, &trial->key) && result->epoch > trial->epoch;
    hpx_status status = own ? hpx_trial_store_epoch(build, trial, result, error)
                            : hpx_trial_put_epoch(build, trial, &manifest, proof->last, result, error);
    hpx_buffer_free(&manifest);
    hpx_fields_free(&fields);
    return status;
}

static hpx_status note_epoch(struct build *build, struct proof *proof, const hpx_result *result,
                             hpx_error *error)
{
    const hpx_artifact seen = as_artifact(result);
    proof->epochs = hpx_grow(proof->epochs, &proof->capacity, proof->count + 1, sizeof *proof->epochs);
    proof->epochs[proof->count++] = (struct epoch){result->epoch, hpx_artifact_copy(&seen)};
    proof->ended = *result->failure || *result->stopped;
    hpx_status status = goes_to_more(build) ? HPX_OK : keep_checkpoint(proof, result, error);
    return status ? status : store_epoch(build, proof, result, error);
}

static void contradict(struct proof *proof, const hpx_result *result, const hpx_difference *difference)
{
    hpx_buffer text = {0};
    hpx_buffer_puts(&text, "it does not continue as it says: ");
    hpx_buffer_printf(&text, "epoch %u: ", result->epoch);
    if (difference->name)
        hpx_difference_print(&text, difference, "in one go");
    else
        hpx_buffer_puts(&text, "it ended otherwise than in one go");
    if (proof->step == FIRST_LEG)
        hpx_buffer_printf(
            &text,
            "; this run was of 1 epoch and that of %u: where the number of epochs decides a schedule, say "
            "`continue = resume`",
            proof->last);
    else
        hpx_buffer_printf(&text, ", from the checkpoint of epoch %u%s", proof->from, CAUSES);
    proof->contradiction = hpx_strdup(hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

static hpx_status compare_epoch(struct build *build, struct proof *proof, const hpx_result *result,
                                hpx_error *error)
{
    hpx_difference difference;
    const struct epoch *before = in_one_go(proof, result->epoch);
    const hpx_artifact now = as_artifact(result);
    if (before && !proof->contradiction) {
        proof->compared++;
        if (!hpx_artifact_alike(&difference, &now, &before->artifact, &build->comparison))
            contradict(proof, result, &difference);
    }
    return proof->step == FIRST_LEG ? keep_checkpoint(proof, result, error) : HPX_OK;
}

/* --- how they end ------------------------------------------------------------------------------------------ */

static void free_proof(struct proof *proof)
{
    for (size_t i = 0; i < proof->count; i++)
        hpx_artifact_free(&proof->epochs[i].artifact);
    free(proof->epochs);
    free_questions(proof->questions, proof->question_count);
    hpx_blob_close(&proof->checkpoint);
    free(proof->contradiction);
    free(proof);
}

static void drop(struct proofs *proofs, struct proof *proof)
{
    size_t kept = 0;
    for (size_t i = 0; i < proofs->count; i++)
        if (proofs->at[i] != proof)
            proofs->at[kept++] = proofs->at[i];
    proofs->count = kept;
    free_proof(proof);
}

/* The trial's slot is free again. */
static void end_run(struct build *build, struct trial *trial)
{
    hpx_dispatch_end(build->dispatch, &trial->task);
    hpx_timeline_end(&build->timeline, &trial->key, trial->epoch);
}

/* The questions are answered, by a record of each where `proven`; the trial goes on as any other. */
static hpx_status answer(struct build *build, struct proof *proof, bool proven, const char *message,
                         hpx_error *error)
{
    struct trial *trial = proof->trial;
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < proof->question_count && !status; i++) {
        const hpx_hash id = hpx_record_id(&proof->questions[i]);
        settle(&build->proofs, &id);
        if (proven)
            status = hpx_store_put_record(build->store, HPX_RECORD_PROOF, &proof->questions[i], error);
    }
    hpx_build_emit(build, proven ? HPX_EVENT_PROVEN : HPX_EVENT_PROOF, trial, message);
    drop(&build->proofs, proof);
    end_run(build, trial);
    hpx_trial_end_job(build, trial);
    return status;
}

/* A build that stops starts nothing more: the next one is to prove it. */
static void abandon(struct build *build, struct proof *proof)
{
    struct trial *trial = proof->trial;
    end_run(build, trial);
    hpx_store_release(build->store, &trial->key);
    trial->state = TRIAL_WAITING;
    drop(&build->proofs, proof);
}

hpx_status hpx_proofs_go_on(struct build *build, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = build->proofs.count; i-- > 0 && !status;) {
        struct proof *proof = build->proofs.at[i];
        if (!proof->due)
            continue;
        proof->due = false;
        if (build->stopping)
            abandon(build, proof);
        else
            status = submit(build, proof, error);
    }
    return status;
}

/* This trial ended before there was anything to compare: it goes on without, and another one is to prove. */
static void give_up(struct build *build, struct proof *proof)
{
    proof->given_up = true;
    end_run(build, proof->trial);
    hpx_trial_end_job(build, proof->trial);
}

static void lose(struct build *build, struct proof *proof, hpx_status why, const char *message)
{
    struct trial *trial = proof->trial;
    end_run(build, trial);
    hpx_trial_lose(build, trial, why, message);
    build->stopping = build->stopping || why == HPX_DIFFERS; /* no other trial of it can be believed */
    drop(&build->proofs, proof);
}

static void lose_to_accident(struct build *build, struct proof *proof, const char *message)
{
    static const char *const runs[] = {"in one go", "of 1 epoch", "from a checkpoint"};
    char *text =
        hpx_format("in the run %s that is to prove that it continues: %s", runs[proof->step], message);
    lose(build, proof, HPX_FAILED, text);
    free(text);
}

/* Another proof is to be made of the trial, or of another. */
static void lose_worker(struct build *build, struct proof *proof, const char *message)
{
    struct trial *trial = proof->trial;
    end_run(build, trial);
    hpx_trial_lose_worker(build, trial, message);
    drop(&build->proofs, proof);
}

static hpx_status end_in_one_go(struct build *build, struct proof *proof, hpx_error *error)
{
    const uint32_t most = build->recipe->epochs;
    if (proof->ended || proof->count == 0) {
        give_up(build, proof);
        return HPX_OK;
    }
    if (!goes_to_more(build) && proof->checkpoint.fd < 0 && proof->last >= most)
        return answer(build, proof, false,
                      "there is nothing to resume from: no checkpoint could be taken before its end", error);
    proof->due = true;
    if (goes_to_more(build)) {
        proof->step = FIRST_LEG;
    } else if (proof->checkpoint.fd >= 0) {
        proof->step = SECOND_LEG;
    } else {
        for (size_t i = 0; i < proof->count; i++)
            hpx_artifact_free(&proof->epochs[i].artifact);
        proof->count = 0;
        proof->last = proof->last < most - proof->last ? 2 * proof->last : most;
    }
    return HPX_OK;
}

static hpx_status end_first_leg(struct build *build, struct proof *proof, hpx_error *error)
{
    if (proof->checkpoint.fd < 0)
        return answer(build, proof, false,
                      "there is nothing to go on from: no checkpoint of epoch 1 could be taken", error);
    proof->step = SECOND_LEG;
    proof->due = true;
    return HPX_OK;
}

static hpx_status end_second_leg(struct build *build, struct proof *proof, hpx_error *error)
{
    char *message = hpx_format("it continues: from epoch %u to %u as in one go", proof->from, proof->last);
    hpx_status status = answer(build, proof, true, message, error);
    free(message);
    return status;
}

static hpx_status end_step(struct build *build, struct proof *proof, hpx_error *error)
{
    if (proof->contradiction) {
        lose(build, proof, HPX_DIFFERS, proof->contradiction);
        return HPX_OK;
    }
    return proof->step == IN_ONE_GO   ? end_in_one_go(build, proof, error)
           : proof->step == FIRST_LEG ? end_first_leg(build, proof, error)
                                      : end_second_leg(build, proof, error);
}

hpx_status hpx_proof_take(struct build *build, struct trial *trial, const hpx_result *result,
                          hpx_error *error)
{
    struct proof *proof = find(&build->proofs, trial);
    if (result->kind == HPX_MESSAGE_PROGRESS) {
        hpx_build_say_progress(build, trial, result);
        return HPX_OK;
    }
    if (result->kind == HPX_MESSAGE_EPOCH && proof->step != IN_ONE_GO)
        return compare_epoch(build, proof, result, error);
    if (result->kind == HPX_MESSAGE_EPOCH && hpx_experiment_unchanged(build->experiment, error)) {
        char *message = hpx_strdup(error->message);
        build->executor->stop(build->executor, &trial->key);
        lose_to_accident(build, proof, message);
        free(message);
        return HPX_OK;
    }
    if (result->kind == HPX_MESSAGE_EPOCH) {
        hpx_status status = note_epoch(build, proof, result, error);
        if (status == HPX_DIFFERS && !proof->contradiction)
            proof->contradiction = hpx_strdup(error->message);
        return status == HPX_DIFFERS ? HPX_OK : status;
    }
    if (build->options->interrupted && *build->options->interrupted)
        return HPX_OK;
    if (result->kind == HPX_MESSAGE_DONE)
        return end_step(build, proof, error);
    if (result->kind == HPX_MESSAGE_REFUSED && !proof->contradiction)
        proof->contradiction = hpx_format("it does not continue as it says: the checkpoint of epoch %u: %s",
                                          proof->from, result->message);
    if (proof->contradiction)
        return end_step(build, proof, error);
    char *message = hpx_build_accident_text(result);
    if (result->kind == HPX_MESSAGE_LOST)
        lose_worker(build, proof, message);
    else
        lose_to_accident(build, proof, message);
    free(message);
    return HPX_OK;
}

void hpx_proofs_free(struct proofs *proofs)
{
    for (size_t i = 0; i < proofs->count; i++)
        free_proof(proofs->at[i]);
    free(proofs->at);
    free(proofs->settled);
    *proofs = (struct proofs){0};
}
