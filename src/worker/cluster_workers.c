/* The workers of a pool, as the owner sees them: asked for, heard of, lost. */
#include "cluster.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "sign.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SUBMISSIONS_MAX = 10,     /* that fail one after the other */
    SUBMIT_AGAIN_SECONDS = 5, /* at most, between two that fail */
    EARLY_DEATHS_MAX = 3,
    EARLY_SECONDS = 60,
    EARLY_PAUSE_SECONDS = 300, /* after so many of them */
    UNHEARD_SECONDS = 60,      /* between questions to the engine for a worker that was never heard of */
};

struct member *hpx_cluster_member_at(struct cluster *cluster, const struct post *post)
{
    for (size_t i = 0; *post->job && i < cluster->member_count; i++)
        if (!cluster->members[i].gone && strcmp(cluster->members[i].sign.job, post->job) == 0)
            return &cluster->members[i];
    return NULL;
}

struct member *hpx_cluster_add_member(struct cluster *cluster, const char *name, const char *batch)
{
    cluster->members = hpx_grow(cluster->members, &cluster->member_capacity, cluster->member_count + 1,
                                sizeof *cluster->members);
    struct member *member = &cluster->members[cluster->member_count++];
    *member = (struct member){.asked = hpx_cluster_now()};
    snprintf(member->name, sizeof member->name, "%s", name);
    snprintf(member->batch, sizeof member->batch, "%s", batch);
    return member;
}

/* Writes who is asked for, a batch that is about to be included: the owner after this one reads it, to whom a listing may
 * show what was there a minute ago. */
static hpx_status write_members(const struct cluster *cluster, const char *batch, size_t count,
                                hpx_error *error)
{
    hpx_buffer names = {0};
    char *path = hpx_path_join(cluster->pool, "workers");
    for (size_t i = 0; i < cluster->member_count; i++)
        hpx_buffer_printf(&names, "%s\n", cluster->members[i].name);
    for (size_t i = 0; i < count; i++)
        hpx_buffer_printf(&names, "%s-%zu\n", batch, i);
    hpx_status status = hpx_file_write(path, names.data, names.size, error);
    hpx_buffer_free(&names);
    free(path);
    return status;
}

static hpx_status place(struct cluster *cluster, size_t count, hpx_error *error)
{
    char name[40], one[HPX_POOL_NAME_BYTES];
    snprintf(name, sizeof name, "%s-%u", cluster->id, cluster->batches++);
    hpx_status status = write_members(cluster, name, count, error);
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
        hpx_cluster_add_member(cluster, one, name);
    }
    return status;
}

size_t hpx_cluster_workers(const struct cluster *cluster)
{
    size_t count = 0;
    for (size_t i = 0; i < cluster->member_count; i++)
        count += !cluster->members[i].gone && !cluster->members[i].found;
    return count;
}

/* Whether trying again is of no use. */
bool hpx_cluster_is_hopeless(const struct cluster *cluster)
{
    return cluster->failed >= SUBMISSIONS_MAX || cluster->early >= EARLY_DEATHS_MAX;
}

/* As many workers as there are to be. A submission that fails is tried again at the next call. */
void hpx_cluster_keep_up(struct cluster *cluster)
{
    const size_t left = hpx_cluster_workers(cluster);
    hpx_error error;
    if (cluster->ended || left >= cluster->capacity || (cluster->post_count == 0 && !cluster->awaited) ||
        cluster->failed >= SUBMISSIONS_MAX || hpx_cluster_now() < cluster->submit_again)
        return;
    for (size_t i = 0;
         i < cluster->member_count && hpx_cluster_now() - cluster->opened < HPX_CLUSTER_PROOF_SECONDS; i++)
        if (cluster->members[i].found && !cluster->members[i].gone)
            return; /* it may be one that lives */
    if (place(cluster, cluster->capacity - left, &error)) {
        cluster->trouble = error;
        cluster->submit_again =
            hpx_cluster_now() + fmin(SUBMIT_AGAIN_SECONDS, 0.05 * (1u << cluster->failed));
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

/* Workers that end in their first minute, without a word of a job, will go on to do so. */
void hpx_cluster_note_early_end(struct cluster *cluster, const struct member *member, const char *why)
{
    const bool heard = member->pulse.changed > 0;
    if (cluster->ended || member->adopted || member->taken > 0 ||
        (heard && hpx_cluster_now() - member->began > EARLY_SECONDS))
        return;
    char *said = last_line(cluster, "log", member->name);
    const bool has_more = *said && !strstr(said, why);
    char *reason = hpx_format("%s%s%s", why, has_more ? ": " : "", has_more ? said : "");
    cluster->early_at = hpx_cluster_now();
    if (++cluster->early >= EARLY_DEATHS_MAX)
        cluster->submit_again = cluster->early_at + EARLY_PAUSE_SECONDS;
    if (cluster->early == 1)
        hpx_cluster_say(cluster, "a worker has ended in its first minute: %s", reason);
    if (cluster->early == EARLY_DEATHS_MAX && hpx_cluster_workers(cluster) > 1)
        hpx_cluster_say(cluster, "%u workers have, one after the other: more are asked for in %d minutes",
                        cluster->early, EARLY_PAUSE_SECONDS / 60);
    hpx_error_set(&cluster->trouble, HPX_FAILED, "workers end in their first minute: %s", reason);
    free(reason);
    free(said);
}

void hpx_cluster_note_work(struct cluster *cluster, const struct member *member)
{
    if (member->began > cluster->early_at)
        cluster->early = 0;
}

/* Whether what it has written is still to be asked for: the next owner is to find it, too. */
static bool has_lying(const struct cluster *cluster, const struct member *member)
{
    char *out = hpx_pool_path(cluster->pool, "out", member->name);
    const size_t length = strlen(out);
    bool some = false;
    for (size_t i = 0; i < cluster->lying_count && !some; i++)
        some = strncmp(cluster->lying[i].path, out, length) == 0 && cluster->lying[i].path[length] == '.';
    free(out);
    return some;
}

hpx_status hpx_cluster_lose_job(struct cluster *cluster, const struct member *member, const char *why,
                                hpx_result_fn *each, void *context, hpx_error *error)
{
    for (size_t i = 0; i < cluster->post_count && *member->sign.job; i++)
        if (strcmp(cluster->posts[i].job, member->sign.job) == 0)
            return hpx_cluster_end(cluster, &cluster->posts[i], HPX_MESSAGE_LOST, why, each, context, error);
    return HPX_OK;
}

/* A worker that is no more: by its own word, or silent for too long. Its job is lost. */
static hpx_status lose(struct cluster *cluster, struct member *member, const char *why, hpx_result_fn *each,
                       void *context, hpx_error *error)
{
    static const char *const parts[] = {"member", "end", "log"};
    if (*member->sign.unfit)
        hpx_cluster_release(cluster, member);
    else
        hpx_cluster_note_early_end(cluster, member, why);
    member->gone = true;
    const bool forgotten = *member->sign.ended && !has_lying(cluster, member);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && forgotten; i++)
        hpx_pool_remove(cluster->pool, parts[i], member->name, "");
    if (forgotten)
        hpx_pool_remove(cluster->pool, "hello", member->name, ".msg");
    return hpx_cluster_lose_job(cluster, member, why, each, context, error);
}

void hpx_cluster_forget_ended(struct cluster *cluster)
{
    size_t left = 0;
    for (size_t i = 0; i < cluster->member_count; i++)
        if (!cluster->members[i].gone || !*cluster->members[i].sign.ended ||
            cluster->members[i].taken < cluster->members[i].sign.results ||
            has_lying(cluster, &cluster->members[i]))
            cluster->members[left++] = cluster->members[i];
    cluster->member_count = left;
}

static void note_post(struct cluster *cluster, const struct member *member)
{
    for (size_t i = 0; i < cluster->post_count; i++)
        if (strcmp(cluster->posts[i].job, member->sign.job) == 0) {
            cluster->posts[i].seen = hpx_cluster_now();
            memcpy(cluster->posts[i].member, member->name, sizeof member->name);
        }
}

void hpx_cluster_read_sign(struct cluster *cluster, struct member *member)
{
    hpx_error unknown;
    hpx_member_sign sign;
    char *path = hpx_pool_path(cluster->pool, "member", member->name);
    if (hpx_sign_read(&cluster->text, path, &unknown) == HPX_OK &&
        hpx_member_sign_decode(&sign, &cluster->text)) {
        member->sign = sign;
        if (member->pulse.changed == 0)
            member->began = hpx_cluster_now();
        else if (member->pulse.beat != sign.beat)
            member->found = member->gone = false;
        hpx_pulse_feel(&member->pulse, sign.beat);
        hpx_cluster_note_wants(cluster, member);
        note_post(cluster, member);
    }
    free(path);
}

static bool is_silent(const struct member *member)
{
    return member->pulse.changed == 0 ||
           hpx_cluster_now() - member->pulse.changed > HPX_CLUSTER_PROOF_SECONDS;
}

/* Whether it was asked for long ago, never heard of, and the engine knows nothing of it. */
static bool has_vanished(struct cluster *cluster, struct member *member)
{
    if (member->pulse.changed > 0 || member->adopted || hpx_cluster_now() - member->asked < UNHEARD_SECONDS)
        return false;
    member->asked = hpx_cluster_now();
    return !cluster->launcher->has(cluster->launcher, member->batch);
}

/* The job whose last epoch it has written, if it is not at it any more. */
static struct post *done_by(struct cluster *cluster, const struct member *member)
{
    for (size_t i = 0; i < cluster->post_count; i++) {
        struct post *post = &cluster->posts[i];
        if (strcmp(post->member, member->name) == 0 && strcmp(post->job, member->sign.job) != 0 &&
            post->ours && (post->over || post->epoch >= post->to))
            return post;
    }
    return NULL;
}

hpx_status hpx_cluster_look_at(size_t *taken, struct cluster *cluster, struct member *member,
                               hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_cluster_read_sign(cluster, member);
    hpx_status status = hpx_cluster_take_results(taken, cluster, member, each, context, error);
    struct post *done = status || member->taken < member->sign.results ? NULL : done_by(cluster, member);
    if (done) {
        hpx_cluster_note_work(cluster, member);
        (*taken)++;
        status = hpx_cluster_end(cluster, done, HPX_MESSAGE_DONE, "", each, context, error);
    }
    if (status || member->gone || member->taken < member->sign.results)
        return status;
    if (*member->sign.ended)
        return lose(cluster, member, member->sign.ended, each, context, error);
    if (!is_silent(member))
        return HPX_OK;
    char *end = last_line(cluster, "end", member->name);
    if (*end)
        snprintf(member->sign.ended, sizeof member->sign.ended, "%.500s", end);
    else if (has_vanished(cluster, member))
        snprintf(member->sign.ended, sizeof member->sign.ended,
                 "its worker ended without a word: do the nodes see the pool's folder, and this hpx?");
    free(end);
    if (*member->sign.ended)
        return lose(cluster, member, member->sign.ended, each, context, error);
    if (hpx_pulse_is_gone(&member->pulse))
        return lose(cluster, member, "its worker was not heard of for 20 seconds", each, context, error);
    return HPX_OK;
}
