#include "hpx/rebuild.h"

#include "hpx/executor.h"
#include "hpx/manifest.h"
#include "hpx/memory.h"
#include "hpx/random.h"
#include "hpx/source.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 200

struct candidate {
    hpx_artifact newest;
    hpx_hash trained; /* the key it is trained under: another one with `as_this` */
    hpx_rebuilt rebuilt;
};

struct rebuild {
    hpx_store *store;
    const hpx_rebuild_options *options;
    hpx_executor *executor;
    struct candidate *candidates;
    size_t count, capacity;
    hpx_rebuild_counts counts;
};

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
        rebuild->count++;
    }
    rebuild->candidates[rebuild->count - 1] = (struct candidate){.newest = *artifact};
    return HPX_OK;
}

/* The whole training as a job for this binary. HPX_NOT_FOUND when it is not this binary's, or its data is
 * gone. */
static hpx_status make_job(hpx_job *job, const struct rebuild *rebuild, const hpx_artifact *newest,
                           hpx_error *error)
{
    hpx_fields manifest = {0};
    *job = (hpx_job){.to = newest->epoch};
    hpx_status status = hpx_store_manifest(&manifest, rebuild->store, &newest->key, error);
    if (!status && rebuild->options->as_this)
        hpx_manifest_set_binary(&manifest);
    else if (!status && !rebuild->options->only && hpx_manifest_check_binary(&manifest, error) != HPX_OK)
        status = HPX_NOT_FOUND;
    if (!status)
        status = hpx_source_locate(job->paths, &manifest, rebuild->store, rebuild->options->folder, error);
    if (!status)
        hpx_fields_encode(&job->manifest, &manifest);
    job->key = hpx_hash_of(job->manifest.data, job->manifest.size);
    hpx_fields_free(&manifest);
    return status;
}

/* The one asked for: why it cannot be trained is an error. */
static hpx_status choose_only(struct rebuild *rebuild, hpx_error *error)
{
    hpx_job job;
    hpx_status status = make_job(&job, rebuild, &rebuild->candidates[0].newest, error);
    hpx_job_free(&job);
    return status;
}

/* Leaves only the trajectories that can be trained here, and of those a random sample. */
static hpx_status choose(struct rebuild *rebuild, hpx_error *error)
{
    size_t kept = 0;
    for (size_t i = 0; i < rebuild->count; i++) {
        hpx_job job;
        hpx_status status = make_job(&job, rebuild, &rebuild->candidates[i].newest, error);
        hpx_job_free(&job);
        if (status && status != HPX_NOT_FOUND)
            return status;
        if (status == HPX_NOT_FOUND)
            rebuild->counts.others++;
        else
            rebuild->candidates[kept++] = rebuild->candidates[i];
    }
    rebuild->count = kept;
    size_t sample = (size_t)ceil(rebuild->options->share * (double)kept);
    for (size_t i = 0; i < sample; i++) {
        /* A Fisher-Yates shuffle that stops when it has enough; its bias below 2^-32 does not matter here. */
        uint32_t words[4];
        hpx_random(words, rebuild->options->draw, HPX_RANDOM_SHUFFLE, 0, 0, (uint32_t)i);
        size_t j = i + words[0] % (kept - i);
        struct candidate swap = rebuild->candidates[i];
        rebuild->candidates[i] = rebuild->candidates[j];
        rebuild->candidates[j] = swap;
    }
    rebuild->count = sample;
    return HPX_OK;
}

static struct candidate *find(struct rebuild *rebuild, const hpx_hash *key)
{
    size_t i = 0;
    while (!hpx_hash_equal(&rebuild->candidates[i].trained, key))
        i++;
    assert(i < rebuild->count);
    return &rebuild->candidates[i];
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
    if (hpx_hash_equal(&stored.output, &result->output))
        return HPX_OK;
    hpx_artifact again = stored;
    again.metrics = result->metrics;
    again.output = result->output;
    again.parent = 0;
    again.started_ns = result->started_ns;
    again.seconds = result->seconds;
    memcpy(again.host, result->host, sizeof again.host);
    candidate->rebuilt.verdict = HPX_REBUILD_DIFFERS;
    if (candidate->rebuilt.first_difference == 0) {
        candidate->rebuilt.first_difference = result->epoch;
        candidate->rebuilt.stored = stored;
        candidate->rebuilt.again = again;
    }
    if (!hpx_hash_equal(&candidate->trained, &stored.key))
        return HPX_OK; /* other code may give other bits */
    status = hpx_store_put_conflict(rebuild->store, &again, error);
    return status == HPX_DIFFERS ? HPX_OK : status;
}

static hpx_status receive(void *context, const hpx_result *result, hpx_error *error)
{
    struct rebuild *rebuild = context;
    struct candidate *candidate = find(rebuild, &result->key);
    if (result->kind == HPX_MESSAGE_EPOCH)
        return compare_epoch(rebuild, candidate, result, error);
    hpx_rebuilt *rebuilt = &candidate->rebuilt;
    rebuilt->newest = &candidate->newest;
    if (result->kind == HPX_MESSAGE_FAILED) {
        rebuilt->verdict = HPX_REBUILD_FAILED;
        rebuilt->why = result->message;
    }
    rebuild->counts.same += rebuilt->verdict == HPX_REBUILD_SAME;
    rebuild->counts.differing += rebuilt->verdict == HPX_REBUILD_DIFFERS;
    rebuild->counts.failed += rebuilt->verdict == HPX_REBUILD_FAILED;
    rebuild->options->done(rebuild->options->context, rebuilt);
    return HPX_OK;
}

static hpx_status train_sample(struct rebuild *rebuild, hpx_error *error)
{
    hpx_status status = HPX_OK;
    size_t next = 0;
    while (!status && (next < rebuild->count || hpx_executor_running(rebuild->executor) > 0)) {
        while (!status && next < rebuild->count && hpx_executor_has_room(rebuild->executor)) {
            hpx_job job;
            struct candidate *candidate = &rebuild->candidates[next++];
            status = make_job(&job, rebuild, &candidate->newest, error);
            candidate->trained = job.key;
            if (!status)
                status = hpx_executor_submit(rebuild->executor, &job, error);
            hpx_job_free(&job);
        }
        if (!status)
            status = hpx_executor_wait(rebuild->executor, TICK_MS, receive, rebuild, error);
        if (!status && rebuild->options->interrupted && *rebuild->options->interrupted)
            status = hpx_error_set(error, HPX_INTERRUPTED, "interrupted");
    }
    return status;
}

hpx_status hpx_rebuild(hpx_rebuild_counts *out, hpx_store *store, const hpx_rebuild_options *options,
                       hpx_error *error)
{
    struct rebuild rebuild = {.store = store, .options = options};
    hpx_status status = hpx_store_each(store, options->only, collect, &rebuild, error);
    if (!status)
        status = options->only ? choose_only(&rebuild, error) : choose(&rebuild, error);
    if (!status) {
        rebuild.executor = hpx_executor_new(options->program, options->jobs);
        status = train_sample(&rebuild, error);
    }
    hpx_executor_free(rebuild.executor);
    free(rebuild.candidates);
    *out = rebuild.counts;
    return status;
}
