/* What an owner of a pool takes over from the one before it. */
#include "cluster.h"

#include "base/glob.h"
#include "base/memory.h"
#include "hpx/file.h"
#include "sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MEMBERS_BYTES_MAX ((size_t)1 << 24)

/* The job that a worker is at: it stays wanted, so that the worker ends it. */
static void adopt_job(struct cluster *cluster, const char *job)
{
    hpx_message message;
    hpx_blob blob;
    hpx_job read = HPX_NO_JOB;
    hpx_error unknown;
    char *path = hpx_pool_path(cluster->pool, "taken", job),
         *checkpoint = hpx_format("%s/job/%s.blob", cluster->pool, job); /* it stays where it was */
    if (hpx_message_read_file(&message, &cluster->message, &blob, path, &unknown) == HPX_OK) {
        (void)hpx_blob_open(&blob, checkpoint, &unknown);
        if (hpx_job_decode(&read, &message, &blob, &unknown) == HPX_OK &&
            !hpx_cluster_post(cluster, &read.key)) {
            struct post post = {.key = read.key, .from = read.from, .epoch = read.from, .to = read.to};
            snprintf(post.job, sizeof post.job, "%s", job);
            hpx_cluster_add_post(cluster, &post);
        }
    } else {
        hpx_blob_close(&blob);
    }
    hpx_job_free(&read);
    free(checkpoint);
    free(path);
}

static bool is_of_job(const char *file, const char *job)
{
    const size_t length = strlen(job);
    return strncmp(file, job, length) == 0 && file[length] == '.';
}

/* Removes what is in a part of the pool and no job that is wanted. */
static void clear(const struct cluster *cluster, const char *part)
{
    char *folder = hpx_path_join(cluster->pool, part);
    hpx_path_list files = {0};
    hpx_path_list_folder(&files, folder, false);
    for (size_t i = 0; i < files.count; i++) {
        bool wanted = false;
        for (size_t k = 0; k < cluster->post_count && !wanted; k++)
            wanted = is_of_job(files.paths[i], cluster->posts[k].job);
        if (!wanted)
            hpx_pool_remove(cluster->pool, part, files.paths[i], "");
    }
    hpx_path_list_free(&files);
    free(folder);
}

static void adopt_member(struct cluster *cluster, const char *name)
{
    struct member *member = hpx_cluster_add_member(cluster, name, "");
    char *path = hpx_pool_path(cluster->pool, "member", name);
    hpx_error unknown;
    member->adopted = member->found = true;
    if (hpx_sign_read(&cluster->text, path, &unknown) == HPX_OK &&
        hpx_member_sign_decode(&member->sign, &cluster->text) && *member->sign.job && !*member->sign.ended)
        adopt_job(cluster, member->sign.job);
    free(path);
}

/* Its workers, those that have ended too: what they have written is still to be taken. */
void hpx_cluster_adopt(struct cluster *cluster)
{
    hpx_buffer names = {0};
    hpx_error unknown;
    char *path = hpx_path_join(cluster->pool, "workers"), *rest;
    if (hpx_file_read(&names, path, MEMBERS_BYTES_MAX, &unknown) == HPX_OK) {
        hpx_buffer_text(&names);
        for (char *name = strtok_r((char *)names.data, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest))
            if (!strchr(name, '/'))
                adopt_member(cluster, name);
    }
    hpx_buffer_free(&names);
    free(path);
    clear(cluster, "job");
    clear(cluster, "taken");
}

/* A pool has one owner at a time, and none after its death. */
hpx_status hpx_cluster_lock(struct cluster *cluster, hpx_error *error)
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
