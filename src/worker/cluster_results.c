/* What workers of a pool have written, on its way to who has asked for it. */
#include "cluster.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RESULTS_AT_ONCE = 64 }; /* of one worker */

/* Hands a result on to who has asked for its job. *kept: nobody has yet; it stays where it is. */
static hpx_status deliver(bool *kept, struct cluster *cluster, const struct member *member,
                          hpx_result *result, hpx_result_fn *each, void *context, hpx_error *error)
{
    struct post *post = hpx_cluster_post(cluster, &result->key);
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
        hpx_cluster_drop(cluster, post);
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

hpx_status hpx_cluster_take_results(size_t *taken, struct cluster *cluster, struct member *member,
                                    hpx_result_fn *each, void *context, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < RESULTS_AT_ONCE && member->taken < member->sign.results && !status; i++) {
        hpx_result result = {.checkpoint = HPX_NO_BLOB};
        bool kept = false;
        char *path = hpx_pool_result_path(cluster->pool, member->name, member->taken);
        const hpx_status had = hpx_cluster_read_result(&result, cluster, path, error);
        if (had == HPX_FAILED) {
            free(path);
            return had;
        }
        if (!had)
            status = deliver(&kept, cluster, member, &result, each, context, error);
        if (had == HPX_DAMAGED && *member->sign.job)
            status = hpx_cluster_lose(cluster, member, error->message, each, context, error);
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

/* Hands on what was lying there and has been asked for since. A job that it ends is done. */
hpx_status hpx_cluster_hand_on_lying(size_t *taken, struct cluster *cluster, hpx_result_fn *each,
                                     void *context, hpx_error *error)
{
    static const struct member nobody = {.gone = true};
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
        post = hpx_cluster_post(cluster, &lying->key);
        if (!status && post && !hpx_cluster_member_at(cluster, post) &&
            (lying->last || lying->epoch == post->to))
            status = hpx_cluster_end(cluster, post, HPX_MESSAGE_DONE, "", each, context, error);
        remove_result(lying->path);
        free(lying->path);
        (*taken)++;
    }
    cluster->lying_count = left;
    return status;
}

/* The newest of what is lying there of the job, with a checkpoint to go on from where that is wanted. */
const struct lying *hpx_cluster_newest_lying(const struct cluster *cluster, const hpx_job *job)
{
    const struct lying *newest = NULL;
    for (size_t i = 0; i < cluster->lying_count; i++) {
        const struct lying *lying = &cluster->lying[i];
        if (hpx_hash_equal(&lying->key, &job->key) && lying->epoch > (newest ? newest->epoch : job->from))
            newest = lying;
    }
    return newest;
}
