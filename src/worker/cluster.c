/* The executor whose workers are elsewhere: jobs and results go through a pool (worker/pool.h), and a launcher gets the
 * workers their machines. All that is known of a worker is what its sign says. A worker whose sign does not change any more is
 * gone, and its job is lost: the build submits it again, from the newest checkpoint. Should the worker come back, what it has
 * written by then is as good as any other's: results are known by their key. */
#include "worker/executor.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "identity/manifest.h"
#include "worker/launcher.h"
#include "worker/pool.h"
#include "worker/sign.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
    POLL_MIN_MS = 5,
    POLL_MAX_MS = 200,
    RESULTS_AT_ONCE = 64, /* of one worker */
    UNHEARD_SECONDS =
        60, /* after which the engine is asked for workers that were never heard of, and so often then */
    SUBMISSIONS_MAX = 10,     /* that fail one after the other */
    SUBMIT_AGAIN_SECONDS = 5, /* at most, between two that fail */
    EARLY_DEATHS_MAX = 3,
    EARLY_SECONDS = 60,
    PROOF_SECONDS = HPX_POOL_BEAT_SECONDS + 1, /* in which a worker that lives changes its sign */
    FAREWELL_SECONDS = 15,                     /* programs have ten to end */
};

/* A job that is wanted. */
struct post {
    char job[HPX_POOL_NAME_BYTES];
    hpx_hash key, name; /* of the job; its caller's for that */
    bool ours;          /* false: an owner before this one has made it, and nobody has asked for it since */
    uint32_t epoch, to; /* the last that was handed on; the last that is wanted */
    char member[HPX_POOL_NAME_BYTES]; /* that is at it; empty: nobody is known to be */
    double seen;                      /* when it was last seen open, or at a worker */
};

/* A result that was written for an owner before this one, and that nobody has asked for yet. */
struct lying {
    hpx_hash key;
    char *path;
    uint32_t epoch;
    bool last; /* its training has failed or stopped there */
};

struct member {
    char name[HPX_POOL_NAME_BYTES], batch[40];
    hpx_pulse pulse;
    double placed, asked; /* when it was asked for, and the engine was last asked where it is */
    double began;         /* when it was first heard of */
    hpx_member_sign sign;
    uint64_t taken; /* of its results */
    bool found;     /* in the pool: whether it lives is not known before its sign changes */
    bool gone;
};

struct cluster {
    hpx_executor calls;
    hpx_launcher *launcher;
    char *pool;
    int lock;    /* a descriptor, -1: another owner has the pool */
    char id[17]; /* of this owner: the beginning of all its names */
    size_t capacity;
    unsigned batches, jobs; /* made so far */
    unsigned failed, early; /* submissions in a row; workers that ended in their first minute */
    double submit_again;    /* not before */
    hpx_error trouble;      /* the last of them */
    struct post *posts;
    size_t post_count, post_capacity;
    struct member *members;
    size_t member_count, member_capacity;
    struct lying *lying; /* in the order of their writing */
    size_t lying_count, lying_capacity;
    uint64_t beat;
    double beaten; /* when the owner's sign was last written */
    bool changed;  /* it is to be written */
    bool ended;
    double opened;
    hpx_buffer text, message;
};

static double now(void)
{
    return hpx_clock_seconds();
}

static hpx_status say(struct cluster *cluster, hpx_error *error)
{
    const char **jobs = hpx_alloc((cluster->post_count + 1) * sizeof *jobs);
    for (size_t i = 0; i < cluster->post_count; i++)
        jobs[i] = cluster->posts[i].job;
    const hpx_owner_sign sign = {
        .beat = ++cluster->beat, .ended = cluster->ended, .jobs = jobs, .job_count = cluster->post_count};
    char *path = hpx_path_join(cluster->pool, "owner");
    hpx_owner_sign_encode(&cluster->text, &sign);
    hpx_status status = hpx_sign_write(path, &cluster->text, error);
    cluster->beaten = now();
    cluster->changed = false;
    free(path);
    free(jobs);
    return status;
}

static hpx_status beat(struct cluster *cluster, hpx_error *error)
{
    if (!cluster->changed && now() - cluster->beaten < HPX_POOL_BEAT_SECONDS)
        return HPX_OK;
    return say(cluster, error);
}

static void remove_file(const char *pool, const char *part, const char *name, const char *ending)
{
    char *path = hpx_format("%s/%s/%s%s", pool, part, name, ending);
    unlink(path);
    free(path);
}

static void drop_post(struct cluster *cluster, struct post *post)
{
    remove_file(cluster->pool, "open", post->job, "");
    remove_file(cluster->pool, "taken", post->job, "");
    remove_file(cluster->pool, "job", post->job, ".msg");
    remove_file(cluster->pool, "job", post->job, ".blob");
    *post = cluster->posts[--cluster->post_count];
    cluster->changed = true;
}

static struct post *post_of_key(struct cluster *cluster, const hpx_hash *key)
{
    for (size_t i = 0; i < cluster->post_count; i++)
        if (hpx_hash_equal(&cluster->posts[i].key, key))
            return &cluster->posts[i];
    return NULL;
}

static struct member *member_at(struct cluster *cluster, const struct post *post)
{
    for (size_t i = 0; *post->job && i < cluster->member_count; i++)
        if (!cluster->members[i].gone && strcmp(cluster->members[i].sign.job, post->job) == 0)
            return &cluster->members[i];
    return NULL;
}

/* --- workers ---------------------------------------------------------------------------------------------------------- */

static struct member *add_member(struct cluster *cluster, const char *name, const char *batch)
{
    cluster->members = hpx_grow(cluster->members, &cluster->member_capacity, cluster->member_count + 1,
                                sizeof *cluster->members);
    struct member *member = &cluster->members[cluster->member_count++];
    *member = (struct member){.placed = now(), .asked = now()};
    snprintf(member->name, sizeof member->name, "%s", name);
    snprintf(member->batch, sizeof member->batch, "%s", batch);
    return member;
}

static hpx_status place(struct cluster *cluster, size_t count, hpx_error *error)
{
    char name[40], one[HPX_POOL_NAME_BYTES];
    hpx_status status = HPX_OK;
    snprintf(name, sizeof name, "%s-%u", cluster->id, cluster->batches++);
    for (size_t i = 0; i < count && !status; i++) {
        snprintf(one, sizeof one, "%.40s-%zu", name, i);
        char *sign = hpx_pool_path(cluster->pool, "member", one),
             *end = hpx_pool_path(cluster->pool, "end", one);
        status = hpx_sign_make(sign, error);
        if (!status)
            status = hpx_sign_make(end, error);
        free(sign);
        free(end);
    }
    if (!status)
        status = cluster->launcher->place(cluster->launcher, name, count, error);
    cluster->failed = status ? cluster->failed + 1 : 0;
    for (size_t i = 0; i < count && !status; i++) {
        snprintf(one, sizeof one, "%.40s-%zu", name, i);
        add_member(cluster, one, name);
    }
    return status;
}

static size_t workers_left(const struct cluster *cluster)
{
    size_t count = 0;
    for (size_t i = 0; i < cluster->member_count; i++)
        count += !cluster->members[i].gone && !cluster->members[i].found;
    return count;
}

/* Whether trying again is of no use. */
static bool is_hopeless(const struct cluster *cluster)
{
    return cluster->failed >= SUBMISSIONS_MAX || cluster->early >= EARLY_DEATHS_MAX;
}

/* As many workers as there are to be. A submission that fails is tried again at the next call. */
static void keep_up(struct cluster *cluster)
{
    const size_t left = workers_left(cluster);
    hpx_error error;
    if (cluster->ended || left >= cluster->capacity || cluster->post_count == 0 || is_hopeless(cluster) ||
        now() < cluster->submit_again)
        return;
    for (size_t i = 0; i < cluster->member_count && now() - cluster->opened < PROOF_SECONDS; i++)
        if (cluster->members[i].found && !cluster->members[i].gone)
            return; /* it may be one that lives */
    if (place(cluster, cluster->capacity - left, &error)) {
        cluster->trouble = error;
        cluster->submit_again = now() + fmin(SUBMIT_AGAIN_SECONDS, 0.05 * (1u << cluster->failed));
    }
}

/* The last line of a file that a worker has written; empty: there is none. free() it. */
static char *last_line(const struct cluster *cluster, const char *part, const char *name)
{
    hpx_error unknown;
    hpx_buffer bytes = {0};
    char *path = hpx_pool_path(cluster->pool, part, name);
    if (hpx_file_read(&bytes, path, 1 << 20, &unknown) != HPX_OK)
        bytes.size = 0;
    while (bytes.size > 0 && bytes.data[bytes.size - 1] == '\n')
        bytes.size--;
    const char *text = hpx_buffer_text(&bytes), *end = strrchr(text, '\n');
    char *line = hpx_strdup(end ? end + 1 : text);
    hpx_buffer_free(&bytes);
    free(path);
    return line;
}

static hpx_result accident(const struct post *post, hpx_message_kind kind)
{
    return (hpx_result){.kind = kind, .key = post->name, .checkpoint = HPX_NO_BLOB};
}

/* Takes a job off the list and says so. */
static hpx_status end_post(struct cluster *cluster, struct post *post, hpx_message_kind kind, const char *why,
                           hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_result result = accident(post, kind);
    const bool ours = post->ours;
    snprintf(result.message, sizeof result.message, "%.1000s", why);
    drop_post(cluster, post);
    return ours ? each(context, &result, error) : HPX_OK;
}

/* Workers that end in their first minute will go on to do so. */
static void note_early_end(struct cluster *cluster, const struct member *member, const char *why)
{
    const bool heard = member->pulse.changed > 0;
    if (cluster->ended || member->placed == 0 || (heard && now() - member->began > EARLY_SECONDS))
        return;
    char *said = last_line(cluster, "log", member->name);
    hpx_error_set(&cluster->trouble, HPX_FAILED, "workers end in their first minute: %s%s%s", why,
                  *said ? ": " : "", said);
    cluster->early++;
    free(said);
}

/* A worker that is no more: by its own word, or silent for too long. */
static hpx_status lose(struct cluster *cluster, struct member *member, const char *why, hpx_result_fn *each,
                       void *context, hpx_error *error)
{
    static const char *const parts[] = {"member", "end", "log"};
    note_early_end(cluster, member, why);
    member->gone = true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && *member->sign.ended; i++)
        remove_file(cluster->pool, parts[i], member->name, "");
    for (size_t i = 0; i < cluster->post_count && *member->sign.job; i++)
        if (strcmp(cluster->posts[i].job, member->sign.job) == 0)
            return end_post(cluster, &cluster->posts[i], HPX_MESSAGE_LOST, why, each, context, error);
    return HPX_OK;
}

/* --- results ---------------------------------------------------------------------------------------------------------- */

/* Hands a result on to who has asked for its job. *kept: nobody has yet; it stays where it is. */
static hpx_status deliver(bool *kept, struct cluster *cluster, const struct member *member,
                          hpx_result *result, hpx_result_fn *each, void *context, hpx_error *error)
{
    struct post *post = post_of_key(cluster, &result->key);
    *kept = (!post || !post->ours) && result->kind == HPX_MESSAGE_EPOCH;
    if (!post)
        return HPX_OK;
    if (hpx_result_is_end(result)) {
        const bool current = !*post->member || strcmp(post->member, member->name) == 0;
        if (result->kind != HPX_MESSAGE_DONE && !current)
            return HPX_OK; /* another is at it by now */
        cluster->early = 0;
        result->key = post->name;
        const bool ours = post->ours;
        drop_post(cluster, post);
        return ours ? each(context, result, error) : HPX_OK;
    }
    if (!post->ours || (result->kind == HPX_MESSAGE_EPOCH && result->epoch <= post->epoch))
        return HPX_OK; /* another has sent it */
    if (result->kind == HPX_MESSAGE_EPOCH)
        post->epoch = result->epoch;
    result->key = post->name;
    return each(context, result, error);
}

/* One result, read and checked: the pool is a folder that others may have damaged. */
static hpx_status read_result(hpx_result *out, struct cluster *cluster, const char *path, hpx_error *error)
{
    hpx_message message;
    hpx_blob blob;
    hpx_status status = hpx_message_read_file(&message, &cluster->message, &blob, path, error);
    if (!status)
        status = hpx_result_decode(out, &message, &blob, error);
    else
        hpx_blob_close(&blob);
    return status;
}

static void remove_result(const char *path)
{
    char *message = hpx_format("%s.msg", path), *blob = hpx_format("%s.blob", path);
    unlink(message);
    unlink(blob);
    free(message);
    free(blob);
}

static void keep(struct cluster *cluster, const hpx_result *result, const char *path)
{
    cluster->lying =
        hpx_grow(cluster->lying, &cluster->lying_capacity, cluster->lying_count + 1, sizeof *cluster->lying);
    cluster->lying[cluster->lying_count++] = (struct lying){
        .key = result->key,
        .path = hpx_strdup(path),
        .epoch = result->epoch,
        .last = *result->failure || *result->stopped,
    };
}

static hpx_status take_results(size_t *taken, struct cluster *cluster, struct member *member,
                               hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < RESULTS_AT_ONCE && member->taken < member->sign.results && !status; i++) {
        hpx_result result = {.checkpoint = HPX_NO_BLOB};
        bool kept = false;
        char *path = hpx_pool_result_path(cluster->pool, member->name, member->taken);
        const hpx_status had = read_result(&result, cluster, path, error);
        if (had == HPX_FAILED) {
            free(path);
            return had;
        }
        if (!had)
            status = deliver(&kept, cluster, member, &result, each, context, error);
        if (had == HPX_DAMAGED && *member->sign.job)
            status = lose(cluster, member, error->message, each, context, error);
        if (kept)
            keep(cluster, &result, path);
        else
            remove_result(path);
        free(path);
        hpx_result_free(&result);
        member->taken++;
        (*taken)++;
    }
    return status;
}

static void note_post(struct cluster *cluster, const struct member *member)
{
    for (size_t i = 0; i < cluster->post_count; i++)
        if (strcmp(cluster->posts[i].job, member->sign.job) == 0) {
            cluster->posts[i].seen = now();
            memcpy(cluster->posts[i].member, member->name, sizeof member->name);
        }
}

static void read_sign(struct cluster *cluster, struct member *member)
{
    hpx_error unknown;
    hpx_member_sign sign;
    char *path = hpx_pool_path(cluster->pool, "member", member->name);
    if (hpx_sign_read(&cluster->text, path, &unknown) == HPX_OK &&
        hpx_member_sign_decode(&sign, &cluster->text)) {
        member->sign = sign;
        if (member->pulse.changed == 0)
            member->began = now();
        else if (member->pulse.beat != sign.beat)
            member->found = member->gone = false;
        hpx_pulse_feel(&member->pulse, sign.beat);
        note_post(cluster, member);
    }
    free(path);
}

static bool is_silent(const struct member *member)
{
    return member->pulse.changed == 0 || now() - member->pulse.changed > PROOF_SECONDS;
}

/* Whether it was asked for long ago, never heard of, and the engine knows nothing of it. */
static bool has_vanished(struct cluster *cluster, struct member *member)
{
    if (member->pulse.changed > 0 || member->placed == 0 || now() - member->asked < UNHEARD_SECONDS)
        return false;
    member->asked = now();
    return !cluster->launcher->has(cluster->launcher, member->batch);
}

static hpx_status look_at(size_t *taken, struct cluster *cluster, struct member *member, hpx_result_fn *each,
                          void *context, hpx_error *error)
{
    if (member->gone && *member->sign.ended)
        return HPX_OK; /* for good, and all of its results were taken */
    read_sign(cluster, member);
    hpx_status status = take_results(taken, cluster, member, each, context, error);
    if (status || member->gone || member->taken < member->sign.results)
        return status;
    if (*member->sign.ended)
        return lose(cluster, member, member->sign.ended, each, context, error);
    if (!is_silent(member))
        return HPX_OK;
    char *end = last_line(cluster, "end", member->name);
    if (*end)
        status = lose(cluster, member, end, each, context, error);
    else if (hpx_pulse_is_gone(&member->pulse))
        status = lose(cluster, member, "its worker was not heard of for 20 seconds", each, context, error);
    else if (has_vanished(cluster, member))
        status = lose(cluster, member,
                      "its worker ended without a word: do the nodes see the pool's folder, and this hpx?",
                      each, context, error);
    free(end);
    return status;
}

/* Jobs that have been taken by a worker which had no time to say so. */
static hpx_status find_lost(struct cluster *cluster, hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < cluster->post_count && !status; i++) {
        struct post *post = &cluster->posts[i];
        if (now() - post->seen < HPX_POOL_EXPIRY_SECONDS || member_at(cluster, post))
            continue;
        char *open = hpx_pool_path(cluster->pool, "open", post->job);
        if (hpx_path_exists(open))
            post->seen = now();
        else
            status = end_post(cluster, post, HPX_MESSAGE_LOST,
                              "the worker that took it was not heard of again", each, context, error);
        free(open);
    }
    return status;
}

/* Without a worker, and no hope of one, jobs end with what has gone wrong. */
static hpx_status give_up(struct cluster *cluster, hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_status status = HPX_OK;
    while (is_hopeless(cluster) && workers_left(cluster) == 0 && cluster->post_count > 0 && !status)
        status = end_post(cluster, &cluster->posts[0], HPX_MESSAGE_FAILED, cluster->trouble.message, each,
                          context, error);
    return status;
}

/* Hands on what was lying there and has been asked for since. A job that it ends is done. */
static hpx_status hand_on_lying(size_t *taken, struct cluster *cluster, hpx_result_fn *each, void *context,
                                hpx_error *error)
{
    static const struct member nobody = {.gone = true};
    hpx_status status = HPX_OK;
    size_t left = 0;
    for (size_t i = 0; i < cluster->lying_count; i++) {
        struct lying *lying = &cluster->lying[i];
        struct post *post = post_of_key(cluster, &lying->key);
        hpx_result result = {.checkpoint = HPX_NO_BLOB};
        bool kept = false;
        if (status || !post || !post->ours) {
            cluster->lying[left++] = *lying;
            continue;
        }
        if (read_result(&result, cluster, lying->path, error) == HPX_OK)
            status = deliver(&kept, cluster, &nobody, &result, each, context, error);
        hpx_result_free(&result);
        post = post_of_key(cluster, &lying->key);
        if (!status && post && !member_at(cluster, post) && (lying->last || lying->epoch == post->to))
            status = end_post(cluster, post, HPX_MESSAGE_DONE, "", each, context, error);
        remove_result(lying->path);
        free(lying->path);
        (*taken)++;
    }
    cluster->lying_count = left;
    return status;
}

static hpx_status collect(size_t *taken, struct cluster *cluster, hpx_result_fn *each, void *context,
                          hpx_error *error)
{
    hpx_status status = beat(cluster, error);
    if (!status)
        status = hand_on_lying(taken, cluster, each, context, error);
    for (size_t i = 0; i < cluster->member_count && !status; i++)
        status = look_at(taken, cluster, &cluster->members[i], each, context, error);
    if (!status)
        status = find_lost(cluster, each, context, error);
    if (!status)
        status = give_up(cluster, each, context, error);
    keep_up(cluster);
    return status ? status : beat(cluster, error);
}

/* --- the calls of an executor ------------------------------------------------------------------------------------------ */

static hpx_status binary_cluster(hpx_fields *out, hpx_executor *executor, const hpx_trainer *trainer,
                                 hpx_error *error)
{
    (void)executor; /* its workers are this binary; one that computes otherwise on its machine takes no job */
    (void)error;
    hpx_manifest_set_binary(out, trainer);
    return HPX_OK;
}

static size_t capacity_cluster(const hpx_executor *executor)
{
    return ((const struct cluster *)executor)->capacity;
}

/* The newest of what is lying there of the job, with a checkpoint to go on from where that is wanted. */
static const struct lying *newest_lying(const struct cluster *cluster, const hpx_job *job)
{
    const struct lying *newest = NULL;
    for (size_t i = 0; i < cluster->lying_count; i++) {
        const struct lying *lying = &cluster->lying[i];
        if (hpx_hash_equal(&lying->key, &job->key) && lying->epoch > (newest ? newest->epoch : job->from))
            newest = lying;
    }
    return newest;
}

static hpx_status write_job(struct cluster *cluster, const struct post *post, const hpx_job *job,
                            hpx_error *error)
{
    char *path = hpx_pool_path(cluster->pool, "job", post->job),
         *open = hpx_pool_path(cluster->pool, "open", post->job);
    cluster->message.size = 0;
    hpx_job_encode(&cluster->message, job);
    hpx_status status = hpx_message_write_file(path, &cluster->message, &job->checkpoint, error);
    if (!status)
        status = hpx_sign_make(open, error);
    free(path);
    free(open);
    return status;
}

/* The job, from the newest checkpoint that lies there. */
static hpx_status write_rest(struct cluster *cluster, const struct post *post, const hpx_job *job,
                             hpx_error *error)
{
    const struct lying *lying = newest_lying(cluster, job);
    hpx_result result = {.checkpoint = HPX_NO_BLOB};
    hpx_error unknown;
    hpx_job rest = *job;
    if (lying && (lying->last || lying->epoch >= job->to))
        return HPX_OK; /* all is there */
    hpx_status status = HPX_OK;
    if (lying && read_result(&result, cluster, lying->path, &unknown) == HPX_OK &&
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
    struct post *post = post_of_key(cluster, &job->key);
    if (post) { /* a worker is at it that an owner before this one has given it to */
        assert(!post->ours);
        post->ours = true;
        post->name = *name;
        post->epoch = job->from;
        post->to = job->to;
        return HPX_OK;
    }
    cluster->posts =
        hpx_grow(cluster->posts, &cluster->post_capacity, cluster->post_count + 1, sizeof *cluster->posts);
    post = &cluster->posts[cluster->post_count++];
    *post = (struct post){
        .key = job->key, .name = *name, .ours = true, .epoch = job->from, .to = job->to, .seen = now()};
    snprintf(post->job, sizeof post->job, "%s-j%u", cluster->id, cluster->jobs++);
    hpx_status status = write_rest(cluster, post, job, error);
    if (status)
        drop_post(cluster, post);
    cluster->changed = true;
    return status;
}

static void stop_cluster(hpx_executor *executor, const hpx_hash *name)
{
    struct cluster *cluster = (struct cluster *)executor;
    for (size_t i = cluster->post_count; i-- > 0;)
        if (cluster->posts[i].ours && hpx_hash_equal(&cluster->posts[i].name, name))
            drop_post(cluster, &cluster->posts[i]);
}

/* Sleeps until it is time to look again; false: until a signal. */
static bool doze(int ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return nanosleep(&time, NULL) == 0;
}

static hpx_status wait_cluster(hpx_executor *executor, int timeout_ms, hpx_result_fn *each, void *context,
                               hpx_error *error)
{
    struct cluster *cluster = (struct cluster *)executor;
    const double until = now() + timeout_ms * 1e-3;
    int pause = POLL_MIN_MS;
    for (;;) {
        size_t taken = 0;
        hpx_status status = collect(&taken, cluster, each, context, error);
        const double left = until - now();
        if (status || taken > 0 || (timeout_ms >= 0 && left <= 0))
            return status;
        if (!doze(timeout_ms >= 0 && left * 1e3 < pause ? (int)(left * 1e3) + 1 : pause))
            return HPX_OK;
        pause = pause * 3 / 2 < POLL_MAX_MS ? pause * 3 / 2 : POLL_MAX_MS;
    }
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
    const double until = now() + FAREWELL_SECONDS;
    cluster->ended = cluster->changed = true;
    hpx_status status = HPX_OK;
    while (!status && now() < until && !all_have_ended(cluster)) {
        size_t taken = 0;
        status = collect(&taken, cluster, each, context, error);
        doze(POLL_MIN_MS);
    }
    cluster->launcher->cancel(cluster->launcher);
    return status;
}

/* Workers that idle see at their next look that it is over. */
static void wait_for_farewells(struct cluster *cluster)
{
    const double until = now() + FAREWELL_SECONDS;
    bool waiting = true;
    while (waiting && now() < until) {
        waiting = false;
        for (size_t i = 0; i < cluster->member_count; i++) {
            struct member *member = &cluster->members[i];
            if (member->gone || member->found || member->pulse.changed == 0 || *member->sign.ended)
                continue;
            read_sign(cluster, member);
            waiting = waiting || (!*member->sign.ended && !hpx_pulse_is_gone(&member->pulse));
        }
        doze(POLL_MIN_MS);
    }
}

/* Nothing is left but what is of use to the next owner. */
static void clean(struct cluster *cluster)
{
    bool all_taken = cluster->lying_count == 0;
    for (size_t i = 0; i < cluster->member_count; i++)
        all_taken = all_taken && cluster->members[i].taken == cluster->members[i].sign.results;
    if (all_taken)
        hpx_folder_remove(cluster->pool);
}

static void close_cluster(hpx_executor *executor)
{
    struct cluster *cluster = (struct cluster *)executor;
    hpx_error unknown;
    cluster->ended = true;
    if (cluster->lock >= 0) {
        for (size_t i = cluster->post_count; i-- > 0;)
            drop_post(cluster, &cluster->posts[i]);
        if (say(cluster, &unknown) == HPX_OK)
            wait_for_farewells(cluster);
        cluster->launcher->cancel(cluster->launcher);
        clean(cluster);
        close(cluster->lock);
    }
    cluster->launcher->close(cluster->launcher);
    for (size_t i = 0; i < cluster->lying_count; i++)
        free(cluster->lying[i].path);
    free(cluster->lying);
    hpx_buffer_free(&cluster->text);
    hpx_buffer_free(&cluster->message);
    free(cluster->posts);
    free(cluster->members);
    free(cluster->pool);
    free(cluster);
}

/* --- what an owner before this one has left ---------------------------------------------------------------------------- */

/* The job that a worker is at: it stays wanted, so that the worker ends it. */
static void adopt_job(struct cluster *cluster, const char *job)
{
    hpx_message message;
    hpx_blob blob;
    hpx_job read = HPX_NO_JOB;
    hpx_error unknown;
    char *path = hpx_pool_path(cluster->pool, "job", job);
    if (hpx_message_read_file(&message, &cluster->message, &blob, path, &unknown) == HPX_OK) {
        if (hpx_job_decode(&read, &message, &blob, &unknown) == HPX_OK && !post_of_key(cluster, &read.key)) {
            cluster->posts = hpx_grow(cluster->posts, &cluster->post_capacity, cluster->post_count + 1,
                                      sizeof *cluster->posts);
            struct post *post = &cluster->posts[cluster->post_count++];
            *post = (struct post){.key = read.key, .epoch = read.from, .to = read.to, .seen = now()};
            snprintf(post->job, sizeof post->job, "%s", job);
        }
    } else {
        hpx_blob_close(&blob);
    }
    hpx_job_free(&read);
    free(path);
}

/* Removes what is in a part of the pool and no job that is wanted. */
static void clear(const struct cluster *cluster, const char *part)
{
    char *folder = hpx_path_join(cluster->pool, part);
    DIR *entries = opendir(folder);
    struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        bool wanted = *entry->d_name == '.';
        for (size_t i = 0; i < cluster->post_count && !wanted; i++)
            wanted = strncmp(entry->d_name, cluster->posts[i].job, strlen(cluster->posts[i].job)) == 0;
        if (!wanted)
            remove_file(cluster->pool, part, entry->d_name, "");
    }
    if (entries)
        closedir(entries);
    free(folder);
}

/* Its workers, those that have ended too: what they have written is still to be taken. */
static void adopt(struct cluster *cluster)
{
    char *folder = hpx_path_join(cluster->pool, "member");
    DIR *entries = opendir(folder);
    struct dirent *entry;
    while (entries && (entry = readdir(entries)))
        if (*entry->d_name != '.') {
            struct member *member = add_member(cluster, entry->d_name, "");
            member->placed = 0;
            member->found = true;
            char *path = hpx_pool_path(cluster->pool, "member", entry->d_name);
            hpx_error unknown;
            if (hpx_sign_read(&cluster->text, path, &unknown) == HPX_OK &&
                hpx_member_sign_decode(&member->sign, &cluster->text) && *member->sign.job &&
                !*member->sign.ended)
                adopt_job(cluster, member->sign.job);
            free(path);
        }
    if (entries)
        closedir(entries);
    free(folder);
    clear(cluster, "open");
    clear(cluster, "job");
}

/* A pool has one owner at a time, and none after its death. */
static hpx_status lock(struct cluster *cluster, hpx_error *error)
{
    char *path = hpx_format("%s.lock", cluster->pool);
    hpx_status status = HPX_OK;
    cluster->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (cluster->lock < 0)
        status = hpx_error_errno(error, "%s", path);
    else if (flock(cluster->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        status = hpx_error_set(error, HPX_FAILED,
                               "another build of this store has its workers (%s): wait for its end",
                               cluster->pool);
    if (status && cluster->lock >= 0) {
        close(cluster->lock);
        cluster->lock = -1;
    }
    free(path);
    return status;
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
                                    .finish = finish_cluster,
                                    .close = close_cluster};
    cluster->launcher = launcher;
    cluster->pool = hpx_strdup(pool);
    cluster->lock = -1;
    cluster->capacity = workers;
    cluster->opened = now();
    hpx_status status = hpx_pool_make(pool, error);
    if (!status)
        status = lock(cluster, error);
    if (!status && getrandom(&id, sizeof id, 0) != sizeof id)
        status = hpx_error_errno(error, "cannot name a pool's jobs");
    snprintf(cluster->id, sizeof cluster->id, "%08x", (unsigned)id);
    char *sign = hpx_path_join(pool, "owner");
    if (!status)
        status = hpx_sign_make(sign, error);
    free(sign);
    if (!status) {
        adopt(cluster);
        status = say(cluster, error);
    }
    if (status)
        close_cluster(&cluster->calls);
    *out = status ? NULL : &cluster->calls;
    return status;
}
