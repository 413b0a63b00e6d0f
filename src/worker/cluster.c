/* The executor whose workers are elsewhere: jobs and results go through a pool (worker/pool.h), and a launcher gets the
 * workers their machines. All that is known of a worker is what its sign says. A worker whose sign does not change any more is
 * gone, and its job is lost: the build submits it again, from the newest checkpoint. Should the worker come back, what it has
 * written by then is as good as any other's: results are known by their key. */
#include "cluster.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "program/copy.h"
#include "sign.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MIN_MS = 2, /* between looks for news, while there are some */
    LOOK_MAX_MS = 50,
    FAREWELL_SECONDS = 15, /* programs have ten to end */
};

double hpx_cluster_now(void)
{
    return hpx_clock_seconds();
}

void hpx_cluster_say(struct cluster *cluster, const char *format, ...)
{
    va_list arguments;
    if (cluster->words.size > 0)
        hpx_buffer_puts(&cluster->words, "\n");
    va_start(arguments, format);
    hpx_buffer_vprintf(&cluster->words, format, arguments);
    va_end(arguments);
}

static hpx_status write_sign(struct cluster *cluster, hpx_error *error)
{
    const char **jobs = hpx_alloc((cluster->post_count + 1) * sizeof *jobs);
    for (size_t i = 0; i < cluster->post_count; i++)
        jobs[i] = cluster->posts[i].job;
    const hpx_owner_sign sign = {
        .beat = ++cluster->beat, .ended = cluster->ended, .jobs = jobs, .job_count = cluster->post_count};
    char *path = hpx_path_join(cluster->pool, "owner");
    hpx_owner_sign_encode(&cluster->text, &sign);
    hpx_status status = hpx_sign_write(path, &cluster->text, error);
    cluster->beaten = hpx_cluster_now();
    cluster->changed = false;
    free(path);
    free(jobs);
    return status;
}

/* What cannot be written now, as on a network that is gone, is at the next look: workers wait for it. */
static void beat(struct cluster *cluster)
{
    hpx_error error;
    if (!cluster->changed && hpx_cluster_now() - cluster->beaten < HPX_POOL_BEAT_SECONDS)
        return;
    const bool failed = write_sign(cluster, &error) != HPX_OK;
    if (failed && !cluster->unwritten)
        hpx_cluster_say(cluster, "%s; it is tried again", error.message);
    cluster->unwritten = failed;
    cluster->changed = cluster->changed || failed;
}

void hpx_cluster_drop(struct cluster *cluster, struct post *post)
{
    hpx_pool_remove(cluster->pool, "job", post->job, ".msg");
    hpx_pool_remove(cluster->pool, "taken", post->job, ".msg");
    hpx_pool_remove(cluster->pool, "job", post->job, ".blob");
    *post = cluster->posts[--cluster->post_count];
    cluster->changed = true;
}

struct post *hpx_cluster_add_post(struct cluster *cluster, const struct post *post)
{
    cluster->posts =
        hpx_grow(cluster->posts, &cluster->post_capacity, cluster->post_count + 1, sizeof *cluster->posts);
    struct post *added = &cluster->posts[cluster->post_count++];
    *added = *post;
    added->seen = added->looked = hpx_cluster_now();
    return added;
}

struct post *hpx_cluster_post(struct cluster *cluster, const hpx_hash *key)
{
    for (size_t i = 0; i < cluster->post_count; i++)
        if (hpx_hash_equal(&cluster->posts[i].key, key))
            return &cluster->posts[i];
    return NULL;
}

static hpx_result accident(const struct post *post, hpx_message_kind kind)
{
    return (hpx_result){.kind = kind, .key = post->name, .checkpoint = HPX_NO_BLOB};
}

/* Takes a job off the list and says so. */
hpx_status hpx_cluster_end(struct cluster *cluster, struct post *post, hpx_message_kind kind, const char *why,
                           hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_result result = accident(post, kind);
    const bool ours = post->ours;
    snprintf(result.message, sizeof result.message, "%.1000s", why);
    hpx_cluster_drop(cluster, post);
    return ours ? each(context, &result, error) : HPX_OK;
}

/* Jobs that have been taken by a worker which had no time to say so. One that has just taken it has time: they are looked for
 * more often than they are given up. */
static hpx_status find_lost(struct cluster *cluster, hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < cluster->post_count && !status; i++) {
        struct post *post = &cluster->posts[i];
        const double now = hpx_cluster_now();
        if (now - post->looked < HPX_POOL_BEAT_SECONDS || hpx_cluster_member_at(cluster, post))
            continue;
        post->looked = now;
        if (hpx_pool_is_open(cluster->pool, post->job))
            post->seen = now;
        else if (now - post->seen >= HPX_POOL_EXPIRY_SECONDS)
            status = hpx_cluster_end(cluster, post, HPX_MESSAGE_LOST,
                                     "the worker that took it was not heard of again", each, context, error);
    }
    return status;
}

/* Without a worker, and no hope of one, jobs end with what has gone wrong. */
static hpx_status give_up(struct cluster *cluster, hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_status status = HPX_OK;
    while (hpx_cluster_is_hopeless(cluster) && hpx_cluster_workers(cluster) == 0 && cluster->post_count > 0 &&
           !status)
        status = hpx_cluster_end(cluster, &cluster->posts[0], HPX_MESSAGE_FAILED, cluster->trouble.message,
                                 each, context, error);
    return status;
}

static hpx_status collect(size_t *taken, struct cluster *cluster, hpx_result_fn *each, void *context,
                          hpx_error *error)
{
    hpx_cluster_remove_handed_on(cluster);
    beat(cluster);
    hpx_status status = hpx_cluster_hand_on_lying(taken, cluster, each, context, error);
    for (size_t i = 0; i < cluster->member_count && !status; i++)
        status = hpx_cluster_look_at(taken, cluster, &cluster->members[i], each, context, error);
    hpx_cluster_forget_ended(cluster);
    if (!status)
        status = find_lost(cluster, each, context, error);
    if (!status)
        status = give_up(cluster, each, context, error);
    hpx_cluster_keep_up(cluster);
    beat(cluster);
    return status;
}

static hpx_status binary_cluster(hpx_fields *out, hpx_executor *executor, const hpx_trainer *trainer,
                                 hpx_error *error)
{
    return hpx_cluster_binary(out, (struct cluster *)executor, trainer, error);
}

static char *words_cluster(hpx_executor *executor)
{
    struct cluster *cluster = (struct cluster *)executor;
    char *words = cluster->words.size > 0 ? hpx_strdup(hpx_buffer_text(&cluster->words)) : NULL;
    cluster->words.size = 0;
    return words;
}

static bool lacks_cluster(hpx_hash *out, hpx_executor *executor)
{
    struct cluster *cluster = (struct cluster *)executor;
    if (cluster->wants_told == cluster->want_count)
        return false;
    *out = cluster->wants[cluster->wants_told++];
    return true;
}

static size_t capacity_cluster(const hpx_executor *executor)
{
    return ((const struct cluster *)executor)->capacity;
}

static hpx_status write_job(struct cluster *cluster, const struct post *post, const hpx_job *job,
                            hpx_error *error)
{
    char *path = hpx_pool_path(cluster->pool, "job", post->job);
    cluster->message.size = 0;
    hpx_job_encode(&cluster->message, job);
    hpx_status status = hpx_message_write_file(path, &cluster->message, &job->checkpoint, false, error);
    free(path);
    return status;
}

/* The job, from the newest checkpoint that lies there; nothing, if all that it wants does. */
static hpx_status write_rest(struct cluster *cluster, const struct post *post, const hpx_job *job,
                             hpx_error *error)
{
    const struct lying *lying = hpx_cluster_newest_lying(cluster, post);
    hpx_result result = {.checkpoint = HPX_NO_BLOB};
    hpx_error unknown;
    hpx_job rest = *job;
    if (lying && (lying->last || lying->epoch >= job->to))
        return HPX_OK; /* all is there */
    hpx_status status = HPX_OK;
    if (lying && hpx_cluster_read_result(&result, cluster, lying->path, &unknown) == HPX_OK &&
        result.checkpoint.fd >= 0) {
        rest.from = result.epoch;
        rest.checkpoint = result.checkpoint;
        status = hpx_blob_hash(&rest.checkpoint_hash, &rest.checkpoint, error);
    }
    if (!status)
        status = write_job(cluster, post, &rest, error);
    hpx_result_free(&result);
    return status;
}

static hpx_status submit_cluster(hpx_executor *executor, const hpx_job *job, const hpx_hash *name,
                                 hpx_error *error)
{
    struct cluster *cluster = (struct cluster *)executor;
    struct post wanted = {.key = job->key,
                          .name = *name,
                          .ours = true,
                          .jumps = job->conditions.size > 0,
                          .from = job->from,
                          .epoch = job->from,
                          .to = job->to};
    struct post *post = hpx_cluster_post(cluster, &job->key);
    assert(!post || !post->ours);
    if (post && post->to == job->to && post->from <= job->from) {
        /* a worker is at it that an owner before this one has given it to */
        memcpy(wanted.job, post->job, sizeof wanted.job);
        memcpy(wanted.member, post->member, sizeof wanted.member);
        wanted.inherited = true;
        wanted.seen = wanted.looked = hpx_cluster_now();
        *post = wanted;
        return HPX_OK;
    }
    if (post)
        hpx_cluster_drop(cluster, post);
    snprintf(wanted.job, sizeof wanted.job, "%s-j%u", cluster->id, cluster->jobs++);
    post = hpx_cluster_add_post(cluster, &wanted);
    hpx_status status = write_rest(cluster, post, job, error);
    if (status)
        hpx_cluster_drop(cluster, post);
    cluster->changed = true;
    return status;
}

static void stop_cluster(hpx_executor *executor, const hpx_hash *name)
{
    struct cluster *cluster = (struct cluster *)executor;
    for (size_t i = cluster->post_count; i-- > 0;)
        if (cluster->posts[i].ours && hpx_hash_equal(&cluster->posts[i].name, name))
            hpx_cluster_drop(cluster, &cluster->posts[i]);
}

/* Seconds between looks at the least and at the most. Each opens a file for every worker, so they are rarer where there are
 * many: a thousand have 200 ms, in which they write hundreds of results, and a second. */
static double shortest_pause(const struct cluster *cluster)
{
    return 1e-3 * (LOOK_MIN_MS + (double)cluster->member_count / 5);
}

static double longest_pause(const struct cluster *cluster)
{
    return 1e-3 * (LOOK_MAX_MS + (double)cluster->member_count);
}

/* False: until a signal. */
static bool doze(double seconds)
{
    const struct timespec time = {.tv_sec = (time_t)seconds,
                                  .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};
    return seconds <= 0 || nanosleep(&time, NULL) == 0;
}

/* Looks, and says when the next look is due. */
static hpx_status look(size_t *taken, struct cluster *cluster, hpx_result_fn *each, void *context,
                       hpx_error *error)
{
    *taken = 0;
    hpx_status status = collect(taken, cluster, each, context, error);
    cluster->pause = *taken > 0 ? 0 : cluster->pause * 1.5;
    cluster->pause = fmin(fmax(cluster->pause, shortest_pause(cluster)), longest_pause(cluster));
    cluster->next_look = hpx_cluster_now() + cluster->pause;
    return status;
}

static hpx_status wait_cluster(hpx_executor *executor, int timeout_ms, hpx_result_fn *each, void *context,
                               hpx_error *error)
{
    struct cluster *cluster = (struct cluster *)executor;
    const double until = timeout_ms < 0 ? INFINITY : hpx_cluster_now() + timeout_ms * 1e-3;
    size_t taken = 0;
    if (timeout_ms == 0)
        return look(&taken, cluster, each, context, error);
    hpx_status status = HPX_OK;
    beat(cluster);
    while (!status && taken == 0 && cluster->next_look < until) {
        if (!doze(cluster->next_look - hpx_cluster_now()))
            return HPX_OK;
        status = look(&taken, cluster, each, context, error);
    }
    if (!status && taken == 0)
        doze(until - hpx_cluster_now());
    return status;
}

static bool all_have_ended(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->member_count; i++) {
        const struct member *member = &cluster->members[i];
        if (!member->gone && member->pulse.changed > 0)
            return false;
    }
    return true;
}

/* Workers that read in the owner's sign that it has ended end what they are at, write what that has finished, and go. */
static hpx_status finish_cluster(hpx_executor *executor, hpx_result_fn *each, void *context, hpx_error *error)
{
    struct cluster *cluster = (struct cluster *)executor;
    const double until = hpx_cluster_now() + FAREWELL_SECONDS;
    cluster->ended = cluster->changed = true;
    hpx_status status = HPX_OK;
    while (!status && hpx_cluster_now() < until && !all_have_ended(cluster)) {
        size_t taken = 0;
        status = collect(&taken, cluster, each, context, error);
        doze(shortest_pause(cluster));
    }
    cluster->launcher->cancel(cluster->launcher);
    return status;
}

/* Workers that idle see at their next look that it is over. */
static void wait_for_farewells(struct cluster *cluster)
{
    const double until = hpx_cluster_now() + FAREWELL_SECONDS;
    bool waiting = true;
    while (waiting && hpx_cluster_now() < until) {
        waiting = false;
        for (size_t i = 0; i < cluster->member_count; i++) {
            struct member *member = &cluster->members[i];
            if (member->gone || member->found || member->pulse.changed == 0 || *member->sign.ended)
                continue;
            hpx_cluster_read_sign(cluster, member);
            waiting = waiting || (!*member->sign.ended && !hpx_pulse_is_gone(&member->pulse));
        }
        doze(shortest_pause(cluster));
    }
}

/* Nothing is left but what is of use to the next owner. */
static void clean(struct cluster *cluster)
{
    hpx_scratch_space space;
    bool all_taken = cluster->lying_count == 0;
    for (size_t i = 0; i < cluster->member_count; i++)
        all_taken = all_taken && cluster->members[i].taken == cluster->members[i].sign.results;
    if (all_taken) {
        hpx_scratch_collect(&space, cluster->pool, 0, false); /* parcels */
        hpx_folder_remove(cluster->pool);
    }
}

static void close_cluster(hpx_executor *executor)
{
    struct cluster *cluster = (struct cluster *)executor;
    hpx_error unknown;
    cluster->ended = true;
    if (cluster->lock >= 0) {
        for (size_t i = cluster->post_count; i-- > 0;)
            hpx_cluster_drop(cluster, &cluster->posts[i]);
        if (write_sign(cluster, &unknown) == HPX_OK)
            wait_for_farewells(cluster);
        cluster->launcher->cancel(cluster->launcher);
        hpx_cluster_remove_handed_on(cluster);
        clean(cluster);
        close(cluster->lock);
    }
    cluster->launcher->close(cluster->launcher);
    for (size_t i = 0; i < cluster->lying_count; i++)
        free(cluster->lying[i].path);
    free(cluster->lying);
    free(cluster->handed_on);
    hpx_fields_free(&cluster->binary);
    hpx_buffer_free(&cluster->words);
    hpx_buffer_free(&cluster->released);
    free(cluster->wants);
    hpx_buffer_free(&cluster->text);
    hpx_buffer_free(&cluster->message);
    free(cluster->posts);
    free(cluster->members);
    free(cluster->pool);
    free(cluster);
}

hpx_status hpx_executor_cluster(hpx_executor **out, hpx_launcher *launcher, const char *pool, size_t workers,
                                hpx_error *error)
{
    struct cluster *cluster = hpx_alloc(sizeof *cluster);
    uint64_t id = 0;
    assert(workers > 0);
    cluster->calls = (hpx_executor){.binary = binary_cluster,
                                    .capacity = capacity_cluster,
                                    .submit = submit_cluster,
                                    .stop = stop_cluster,
                                    .wait = wait_cluster,
                                    .words = words_cluster,
                                    .lacks = lacks_cluster,
                                    .finish = finish_cluster,
                                    .close = close_cluster};
    cluster->launcher = launcher;
    cluster->pool = hpx_strdup(pool);
    cluster->lock = -1;
    cluster->capacity = workers;
    cluster->opened = hpx_cluster_now();
    hpx_status status = hpx_pool_make(pool, error);
    if (!status)
        status = hpx_cluster_lock(cluster, error);
    if (!status && getrandom(&id, sizeof id, 0) != sizeof id)
        status = hpx_error_errno(error, "cannot name a pool's jobs");
    snprintf(cluster->id, sizeof cluster->id, "%08x", (unsigned)id);
    char *sign = hpx_path_join(pool, "owner");
    if (!status)
        status = hpx_sign_make(sign, error);
    free(sign);
    if (!status) {
        hpx_cluster_adopt(cluster);
        status = write_sign(cluster, error);
    }
    if (status)
        close_cluster(&cluster->calls);
    *out = status ? NULL : &cluster->calls;
    return status;
}
