/* What workers of a pool have written, on its way to who has asked for it. */
#include "cluster.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RESULTS_AT_ONCE = 64 }; /* of one worker */

/* Whether nothing is missing of a job before this epoch. */
static bool follows(uint32_t epoch, bool last, const struct post *post)
{
    return epoch == post->epoch + 1 ||
           (post->jumps && epoch > post->epoch && (last || (epoch == post->to && post->epoch == post->from)));
}

static bool has_gap(const struct post *post, const hpx_result *result)
{
    const bool last = *result->failure || *result->stopped;
    return result->epoch > post->epoch && !(post->inherited && post->epoch == post->from) &&
           !follows(result->epoch, last, post);
}

/* Hands a result on to who has asked for its job. *kept: nobody has yet, or one before it is missing, and it was written for
 * an owner before this one; it stays where it is. */
static hpx_status deliver(bool *kept, struct cluster *cluster, const struct member *member,
                          hpx_result *result, hpx_result_fn *each, void *context, hpx_error *error)
{
    struct post *post = hpx_cluster_post(cluster, &result->key);
    const bool ours = post && post->ours;
    if (result->kind == HPX_MESSAGE_EPOCH && (!ours || has_gap(post, result))) {
        *kept = member->adopted;
        return HPX_OK;
    }
    if (!post)
        return HPX_OK;
    if (hpx_result_is_end(result)) {
        if (*post->member && strcmp(post->member, member->name) != 0)
            return HPX_OK; /* another is at it by now */
        hpx_cluster_note_work(cluster, member);
        result->key = post->name;
        hpx_cluster_drop(cluster, post);
        return ours ? each(context, result, error) : HPX_OK;
    }
    if (!ours || (result->kind == HPX_MESSAGE_EPOCH && result->epoch <= post->epoch))
        return HPX_OK; /* another has sent it */
    if (result->kind == HPX_MESSAGE_EPOCH) {
        memcpy(post->member, member->name, sizeof post->member);
        post->epoch = result->epoch;
        post->over = *result->failure || *result->stopped;
    }
    result->key = post->name;
    return each(context, result, error);
}

/* One result, read and checked: the pool is a folder that others may have damaged. */
hpx_status hpx_cluster_read_result(hpx_result *out, struct cluster *cluster, const char *path,
                                   hpx_error *error)
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

static void remove_later(struct cluster *cluster, char *path)
{
    cluster->handed_on = hpx_grow(cluster->handed_on, &cluster->handed_on_capacity,
                                  cluster->handed_on_count + 1, sizeof *cluster->handed_on);
    cluster->handed_on[cluster->handed_on_count++] = path;
}

void hpx_cluster_remove_handed_on(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->handed_on_count; i++) {
        char *message = hpx_format("%s.msg", cluster->handed_on[i]),
             *blob = hpx_format("%s.blob", cluster->handed_on[i]);
        unlink(message);
        unlink(blob);
        free(message);
        free(blob);
        free(cluster->handed_on[i]);
    }
    cluster->handed_on_count = 0;
}

static void keep(struct cluster *cluster, const hpx_result *result, char *path)
{
    cluster->lying =
        hpx_grow(cluster->lying, &cluster->lying_capacity, cluster->lying_count + 1, sizeof *cluster->lying);
    cluster->lying[cluster->lying_count++] = (struct lying){
        .key = result->key,
        .path = path,
        .epoch = result->epoch,
        .last = *result->failure || *result->stopped,
    };
}

/* Whether a result that cannot be read now, as on a network that is gone, is waited for. */
static bool is_awaited(struct member *member, hpx_status had)
{
    if (had != HPX_FAILED)
        member->unread = 0;
    else if (member->unread == 0)
        member->unread = hpx_cluster_now();
    return had == HPX_FAILED && hpx_cluster_now() - member->unread < HPX_POOL_EXPIRY_SECONDS;
}

hpx_status hpx_cluster_take_results(size_t *taken, struct cluster *cluster, struct member *member,
                                    hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < RESULTS_AT_ONCE && member->taken < member->sign.results && !status; i++) {
        hpx_result result = {.checkpoint = HPX_NO_BLOB};
        bool kept = false;
        char *path = hpx_pool_result_path(cluster->pool, member->name, member->taken);
        const hpx_status had = hpx_cluster_read_result(&result, cluster, path, error);
        const bool is_old = had == HPX_NOT_FOUND && member->adopted; /* the owner before has taken it */
        if (is_awaited(member, had)) {
            free(path);
            return HPX_OK;
        }
        if (!had)
            status = deliver(&kept, cluster, member, &result, each, context, error);
        else if (!is_old)
            status = hpx_cluster_lose_job(cluster, member, error->message, each, context, error);
        if (kept)
            keep(cluster, &result, path);
        else
            remove_later(cluster, path);
        hpx_result_free(&result);
        member->taken++;
        (*taken)++;
    }
    return status;
}

/* Once through the list. A job that it ends is done. */
static hpx_status hand_on_once(size_t *taken, struct cluster *cluster, hpx_result_fn *each, void *context,
                               hpx_error *error)
{
    static const struct member nobody = {.gone = true, .adopted = true};
    hpx_status status = HPX_OK;
    size_t left = 0;
    for (size_t i = 0; i < cluster->lying_count; i++) {
        struct lying *lying = &cluster->lying[i];
        struct post *post = hpx_cluster_post(cluster, &lying->key);
        hpx_result result = {.checkpoint = HPX_NO_BLOB};
        bool kept = false;
        if (status || !post || !post->ours) {
            cluster->lying[left++] = *lying;
            continue;
        }
        if (hpx_cluster_read_result(&result, cluster, lying->path, error) == HPX_OK)
            status = deliver(&kept, cluster, &nobody, &result, each, context, error);
        hpx_result_free(&result);
        if (kept) {
            cluster->lying[left++] = *lying;
            continue;
        }
        post = hpx_cluster_post(cluster, &lying->key);
        if (!status && post && !hpx_cluster_member_at(cluster, post) &&
            (post->over || post->epoch >= post->to))
            status = hpx_cluster_end(cluster, post, HPX_MESSAGE_DONE, "", each, context, error);
        remove_later(cluster, lying->path);
        (*taken)++;
    }
    cluster->lying_count = left;
    return status;
}

/* Until nothing more follows: what different workers have written is in no order of epochs. */
hpx_status hpx_cluster_hand_on_lying(size_t *taken, struct cluster *cluster, hpx_result_fn *each,
                                     void *context, hpx_error *error)
{
    hpx_status status;
    size_t before;
    do {
        before = *taken;
        status = hand_on_once(taken, cluster, each, context, error);
    } while (!status && *taken > before);
    return status;
}

const struct lying *hpx_cluster_newest_lying(const struct cluster *cluster, const struct post *post)
{
    const struct lying *newest = NULL;
    struct post reached = *post;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < cluster->lying_count; i++) {
            const struct lying *lying = &cluster->lying[i];
            if (!hpx_hash_equal(&lying->key, &post->key) || !follows(lying->epoch, lying->last, &reached))
                continue;
            newest = lying;
            reached.epoch = lying->epoch;
            more = true;
        }
    }
    return newest;
}
