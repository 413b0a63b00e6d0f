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
    hpx_rebuild_verdict verdict;
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
    *job = (hpx_job){.key = newest->key, .to = newest->epoch};
    hpx_status status = hpx_store_manifest(&manifest, rebuild->store, &newest->key, error);
    if (!status && hpx_manifest_check_binary(&manifest, error) != HPX_OK)
        status = HPX_NOT_FOUND;
    if (!status)
        status = hpx_source_locate(job->paths, &manifest, rebuild->store, rebuild->options->folder, error);
    if (!status)
        hpx_fields_encode(&job->manifest, &manifest);
    hpx_fields_free(&manifest);
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
    while (!hpx_hash_equal(&rebuild->candidates[i].newest.key, key))
        i++;
    assert(i < rebuild->count);
    return &rebuild->candidates[i];
}

static hpx_status compare_epoch(struct rebuild *rebuild, struct candidate *candidate,
                                const hpx_result *result, hpx_error *error)
{
    hpx_artifact stored;
    hpx_status status = hpx_store_get(&stored, rebuild->store, &result->key, result->epoch, NULL, error);
    if (status == HPX_NOT_FOUND)
        return HPX_OK; /* lost or damaged, and reported: nothing to compare with */
    if (status || hpx_hash_equal(&stored.output, &result->output))
        return status;
    stored.metrics = result->metrics;
    stored.output = result->output;
    stored.parent = 0;
    stored.started_ns = result->started_ns;
    stored.seconds = result->seconds;
    memcpy(stored.host, result->host, sizeof stored.host);
    candidate->verdict = HPX_REBUILD_DIFFERS;
    status = hpx_store_put_conflict(rebuild->store, &stored, error);
    return status == HPX_DIFFERS ? HPX_OK : status;
}

static hpx_status receive(void *context, const hpx_result *result, hpx_error *error)
{
    struct rebuild *rebuild = context;
    struct candidate *candidate = find(rebuild, &result->key);
    if (result->kind == HPX_MESSAGE_EPOCH)
        return compare_epoch(rebuild, candidate, result, error);
    bool failed = result->kind == HPX_MESSAGE_FAILED;
    if (failed)
        candidate->verdict = HPX_REBUILD_FAILED;
    rebuild->counts.same += candidate->verdict == HPX_REBUILD_SAME;
    rebuild->counts.differing += candidate->verdict == HPX_REBUILD_DIFFERS;
    rebuild->counts.failed += failed;
    rebuild->options->done(rebuild->options->context, &candidate->newest, candidate->verdict,
                           failed ? result->message : NULL);
    return HPX_OK;
}

static hpx_status train_sample(struct rebuild *rebuild, hpx_error *error)
{
    hpx_status status = HPX_OK;
    size_t next = 0;
    while (!status && (next < rebuild->count || hpx_executor_running(rebuild->executor) > 0)) {
        while (!status && next < rebuild->count && hpx_executor_has_room(rebuild->executor)) {
            hpx_job job;
            status = make_job(&job, rebuild, &rebuild->candidates[next++].newest, error);
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
    hpx_status status = hpx_store_each(store, NULL, collect, &rebuild, error);
    if (!status)
        status = choose(&rebuild, error);
    if (!status) {
        rebuild.executor = hpx_executor_new(options->program, options->jobs);
        status = train_sample(&rebuild, error);
    }
    hpx_executor_free(rebuild.executor);
    free(rebuild.candidates);
    *out = rebuild.counts;
    return status;
}
