#include "upkeep/rebuild.h"

#include "base/memory.h"
#include "base/random.h"
#include "hpx/source.h"
#include "identity/adoption.h"
#include "identity/manifest.h"
#include "identity/restored.h"
#include "worker/executor.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 200

struct candidate {
    hpx_artifact newest;
    uint32_t to;           /* epoch */
    hpx_fields manifest;   /* as it is trained now */
    hpx_fields conditions; /* of a program */
    bool same_key; /* what trains it now has the same key: another output would contradict the stored one */
    hpx_rebuilt rebuilt;
};

struct rebuild {
    hpx_store *store;
    const hpx_rebuild_options *options;
    hpx_adoptions adoptions;
    hpx_restored *restored; /* programs' code and data */
    hpx_executor *executor;
    size_t running; /* jobs */
    struct candidate *candidates;
    size_t count, capacity;
    hpx_rebuild_counts counts;
};

hpx_rebuilt hpx_rebuilt_copy(const hpx_rebuilt *rebuilt)
{
    hpx_rebuilt copy = *rebuilt;
    copy.newest = NULL;
    copy.manifest = NULL;
    copy.why = NULL;
    copy.stored = hpx_artifact_copy(&rebuilt->stored);
    copy.again = hpx_artifact_copy(&rebuilt->again);
    return copy;
}

void hpx_rebuilt_free(hpx_rebuilt *rebuilt)
{
    hpx_artifact_free(&rebuilt->stored);
    hpx_artifact_free(&rebuilt->again);
}

static void free_candidate(struct candidate *candidate)
{
    hpx_artifact_free(&candidate->newest);
    hpx_rebuilt_free(&candidate->rebuilt);
    hpx_fields_free(&candidate->manifest);
    hpx_fields_free(&candidate->conditions);
}

/* Artifacts come in order of key and epoch, so the last of a key is its newest. */
static hpx_status collect(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    struct rebuild *rebuild = context;
    bool same = rebuild->count > 0 &&
                hpx_hash_equal(&rebuild->candidates[rebuild->count - 1].newest.key, &artifact->key);
    if (!same) {
        rebuild->candidates = hpx_grow(rebuild->candidates, &rebuild->capacity, rebuild->count + 1,
                                       sizeof *rebuild->candidates);
        rebuild->candidates[rebuild->count++] = (struct candidate){.to = 0};
    }
    struct candidate *candidate = &rebuild->candidates[rebuild->count - 1];
    hpx_artifact_set(&candidate->newest, artifact);
    candidate->to = artifact->epoch;
    return HPX_OK;
}

/* The trainer that made a result, which may not be the one that it is equivalent to. */
static hpx_status set_maker(hpx_fields *manifest, const struct rebuild *rebuild, const hpx_artifact *artifact,
                            hpx_error *error)
{
    hpx_fields code = {0};
    const uint8_t *version;
    size_t size = 0;
    hpx_status status = hpx_store_get_record(&code, rebuild->store, HPX_RECORD_CODE, &artifact->code, error);
    if (!status)
        status = hpx_fields_bytes(&version, &size, &code, "version", error);
    if (!status && size == HPX_CODE_BYTES)
        hpx_adoptions_set_maker(&rebuild->adoptions, manifest, version);
    hpx_fields_free(&code);
    return status;
}

/* The key that a manifest's results are stored under. */
static hpx_hash stored_key(const struct rebuild *rebuild, const hpx_fields *manifest)
{
    hpx_fields stored = {0};
    hpx_fields_add(&stored, manifest);
    hpx_adoptions_resolve(&rebuild->adoptions, &stored);
    hpx_hash key = hpx_record_id(&stored);
    hpx_fields_free(&stored);
    return key;
}

static hpx_status find_inputs(hpx_job *job, const struct rebuild *rebuild, const hpx_fields *manifest,
                              hpx_error *error)
{
    hpx_input inputs[HPX_INPUTS_MAX];
    const hpx_trainer *trainer;
    hpx_status status = hpx_trainer_of(&trainer, manifest, error);
    if (status || !trainer->inputs)
        return status;
    status =
        hpx_source_locate(inputs, manifest, trainer->inputs, rebuild->store, rebuild->options->folder, error);
    for (size_t i = 0; i < trainer->inputs->count && !status; i++)
        job->paths[job->path_count++] = inputs[i].path;
    return status;
}

/* The whole training as a job. HPX_NOT_FOUND when a sample of what is this binary's is asked for and it is
 * not, or its data is gone. */
static hpx_status make_job(hpx_job *job, const struct rebuild *rebuild, struct candidate *candidate,
                           hpx_error *error)
{
    hpx_fields manifest = {0};
    const hpx_trainer *trainer;
    const hpx_artifact *newest = &candidate->newest;
    const bool as_made = rebuild->options->wanted && !rebuild->options->as_this;
    *job = (hpx_job){.to = candidate->to, .checkpoint = HPX_NO_BLOB};
    hpx_status status = hpx_store_manifest(&manifest, rebuild->store, &newest->key, error);
    if (!status && as_made)
        status = set_maker(&manifest, rebuild, newest, error);
    else if (!status && !(status = hpx_trainer_of(&trainer, &manifest, error)))
        hpx_manifest_set_binary(&manifest, trainer);
    if (!status && hpx_manifest_is_of_program(&manifest)) {
        hpx_fields_free(&candidate->conditions);
        status = hpx_restored_conditions(&candidate->conditions, &manifest, rebuild->restored, newest, error);
        hpx_fields_encode(&job->conditions, &candidate->conditions);
    }
    if (!status) {
        const hpx_hash key = stored_key(rebuild, &manifest);
        candidate->same_key = as_made || hpx_hash_equal(&key, &newest->key);
        if (!rebuild->options->wanted && !candidate->same_key)
            status = HPX_NOT_FOUND;
    }
    if (!status)
        status = find_inputs(job, rebuild, &manifest, error);
    if (!status)
        hpx_fields_encode(&job->manifest, &manifest);
    job->key = hpx_hash_of(job->manifest.data, job->manifest.size);
    hpx_fields_free(&candidate->manifest);
    candidate->manifest = manifest;
    return status;
}

/* Those asked for: why one cannot be trained is an error. */
static hpx_status choose_wanted(struct rebuild *rebuild, hpx_error *error)
{
    const hpx_rebuild_options *options = rebuild->options;
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < options->wanted_count && !status; i++) {
        hpx_job job = HPX_NO_JOB;
        status = hpx_store_each(rebuild->store, &options->wanted[i].key, collect, rebuild, error);
        if (!status && rebuild->count <= i)
            status = hpx_error_set(error, HPX_FAILED, "the results of a trajectory are lost");
        if (!status && options->wanted[i].to > 0)
            rebuild->candidates[i].to = options->wanted[i].to;
        if (!status)
            status = make_job(&job, rebuild, &rebuild->candidates[i], error);
        hpx_job_free(&job);
    }
    return status;
}

static void swap(struct rebuild *rebuild, size_t a, size_t b)
{
    struct candidate first = rebuild->candidates[a];
    rebuild->candidates[a] = rebuild->candidates[b];
    rebuild->candidates[b] = first;
}

static hpx_status collect_all(struct rebuild *rebuild, hpx_error *error)
{
    const hpx_rebuild_options *options = rebuild->options;
    if (!options->among)
        return hpx_store_each(rebuild->store, NULL, collect, rebuild, error);
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < options->among_count && !status; i++)
        status = hpx_store_each(rebuild->store, &options->among[i], collect, rebuild, error);
    return status;
}

/* Leaves only the trajectories that can be trained here, and of those a random sample. */
static hpx_status choose(struct rebuild *rebuild, hpx_error *error)
{
    size_t kept = 0;
    hpx_status collected = collect_all(rebuild, error);
    if (collected)
        return collected;
    for (size_t i = 0; i < rebuild->count; i++) {
        hpx_job job;
        hpx_status status = make_job(&job, rebuild, &rebuild->candidates[i], error);
        hpx_job_free(&job);
        if (status && status != HPX_NOT_FOUND)
            return status;
        if (status == HPX_NOT_FOUND)
            rebuild->counts.others++;
        else
            swap(rebuild, kept++, i);
    }
    size_t sample = (size_t)ceil(rebuild->options->share * (double)kept);
    for (size_t i = 0; i < sample; i++) {
        /* A Fisher-Yates shuffle that stops when it has enough; its bias below 2^-32 does not matter here. */
        uint32_t words[4];
        hpx_random(words, rebuild->options->draw, HPX_RANDOM_SHUFFLE, 0, 0, (uint32_t)i);
        swap(rebuild, i, i + words[0] % (kept - i));
    }
    while (rebuild->count > sample)
        free_candidate(&rebuild->candidates[--rebuild->count]);
    return HPX_OK;
}

static struct candidate *find(struct rebuild *rebuild, const hpx_hash *key)
{
    size_t i = 0;
    while (!hpx_hash_equal(&rebuild->candidates[i].newest.key, key))
        i++;
    assert(i < rebuild->count);
    return &rebuild->candidates[i];
}

/* The stored epoch as it came out this time; its metrics are the result's. */
static hpx_artifact artifact_of(const hpx_artifact *stored, const hpx_result *result)
{
    hpx_artifact again = *stored;
    again.metrics = result->metrics;
    memcpy(again.failure, result->failure, sizeof again.failure);
    memcpy(again.stopped, result->stopped, sizeof again.stopped);
    again.output = result->output;
    again.parent = 0;
    again.started_ns = result->started_ns;
    again.seconds = result->seconds;
    memcpy(again.host, result->host, sizeof again.host);
    return again;
}

static hpx_status note_difference(struct rebuild *rebuild, struct candidate *candidate,
                                  const hpx_artifact *stored, const hpx_artifact *again, hpx_error *error)
{
    candidate->rebuilt.verdict = HPX_REBUILD_DIFFERS;
    if (candidate->rebuilt.first_difference == 0) {
        candidate->rebuilt.first_difference = stored->epoch;
        candidate->rebuilt.stored = hpx_artifact_copy(stored);
        candidate->rebuilt.again = hpx_artifact_copy(again);
    }
    if (!candidate->same_key || !hpx_store_is_writable(rebuild->store))
        return HPX_OK; /* other code may give other bits */
    hpx_status status = hpx_store_put_conflict(rebuild->store, again, error);
    return status == HPX_DIFFERS ? HPX_OK : status;
}

static hpx_status compare_epoch(struct rebuild *rebuild, struct candidate *candidate,
                                const hpx_result *result, hpx_error *error)
{
    hpx_artifact stored;
    hpx_status status =
        hpx_store_get(&stored, rebuild->store, &candidate->newest.key, result->epoch, NULL, error);
    if (status == HPX_NOT_FOUND)
        return HPX_OK; /* lost or damaged, and reported: nothing to compare with */
    if (status)
        return status;
    candidate->rebuilt.compared++;
    const hpx_artifact again = artifact_of(&stored, result);
    const hpx_comparison comparison = hpx_comparison_of(&candidate->conditions);
    hpx_difference apart;
    const bool kept = comparison.likeness == HPX_LIKE_ANY && candidate->same_key;
    if (kept && hpx_store_is_writable(rebuild->store))
        status = hpx_store_put_replicate(rebuild->store, &again, error);
    if (!status && !hpx_artifact_alike(&apart, &stored, &again, &comparison))
        status = note_difference(rebuild, candidate, &stored, &again, error);
    hpx_artifact_free(&stored);
    return status;
}

static hpx_status receive(void *context, const hpx_result *result, hpx_error *error)
{
    struct rebuild *rebuild = context;
    struct candidate *candidate = find(rebuild, &result->key);
    if (result->kind == HPX_MESSAGE_EPOCH)
        return compare_epoch(rebuild, candidate, result, error);
    if (!hpx_result_is_end(result))
        return HPX_OK;
    hpx_rebuilt *rebuilt = &candidate->rebuilt;
    rebuild->running--;
    rebuilt->newest = &candidate->newest;
    rebuilt->manifest = &candidate->manifest;
    if (result->kind != HPX_MESSAGE_DONE) {
        rebuilt->verdict = HPX_REBUILD_FAILED;
        rebuilt->why = result->message;
    }
    rebuild->counts.same += rebuilt->verdict == HPX_REBUILD_SAME;
    rebuild->counts.differing += rebuilt->verdict == HPX_REBUILD_DIFFERS;
    rebuild->counts.failed += rebuilt->verdict == HPX_REBUILD_FAILED;
    return rebuild->options->done(rebuild->options->context, rebuilt, error);
}

static hpx_status train_sample(struct rebuild *rebuild, hpx_error *error)
{
    hpx_executor *executor = rebuild->executor;
    hpx_status status = HPX_OK;
    size_t next = 0;
    while (!status && (next < rebuild->count || rebuild->running > 0)) {
        while (!status && next < rebuild->count && rebuild->running < executor->capacity(executor)) {
            hpx_job job;
            struct candidate *candidate = &rebuild->candidates[next++];
            status = make_job(&job, rebuild, candidate, error);
            if (!status)
                status = executor->submit(executor, &job, &candidate->newest.key, error);
            rebuild->running += !status;
            hpx_job_free(&job);
        }
        if (!status)
            status = executor->wait(executor, TICK_MS, receive, rebuild, error);
        if (!status && rebuild->options->interrupted && *rebuild->options->interrupted)
            status = hpx_error_set(error, HPX_INTERRUPTED, "interrupted");
    }
    return status;
}

hpx_status hpx_rebuild(hpx_rebuild_counts *out, hpx_store *store, const hpx_rebuild_options *options,
                       hpx_error *error)
{
    struct rebuild rebuild = {.store = store, .options = options};
    hpx_status status = hpx_adoptions_read(&rebuild.adoptions, store, error);
    rebuild.restored = hpx_restored_new(store, options->trust);
    if (!status && options->wanted) {
        status = choose_wanted(&rebuild, error);
    } else if (!status) {
        status = choose(&rebuild, error);
    }
    if (!status) {
        rebuild.executor = hpx_executor_local(options->program, options->jobs, false);
        status = train_sample(&rebuild, error);
        rebuild.executor->close(rebuild.executor);
    }
    hpx_adoptions_free(&rebuild.adoptions);
    hpx_restored_free(rebuild.restored);
    for (size_t i = 0; i < rebuild.count; i++)
        free_candidate(&rebuild.candidates[i]);
    free(rebuild.candidates);
    *out = rebuild.counts;
    return status;
}
