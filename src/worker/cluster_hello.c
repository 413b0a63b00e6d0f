/* What workers say of their machines: which numerics they have, and which data they lack. The numerics of a build are those of
 * the first that is heard of; a worker whose machine computes otherwise finds that out by the first job that it sees, and goes
 * (worker/member.c). */
#include "cluster.h"

#include "base/memory.h"
#include "identity/manifest.h"
#include "worker/hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether two binaries differ in their numerics alone. */
static bool same_code(const hpx_fields *a, const hpx_fields *b)
{
    const hpx_field *before, *after;
    hpx_field_walk at = {0};
    while (hpx_manifest_next_of_binary(&at, a, b, &before, &after))
        if (!hpx_manifest_is_numerics((before ? before : after)->name))
            return false;
    return true;
}

static bool is_there(const struct member *member)
{
    return !member->gone && !member->found && member->pulse.changed > 0 && !*member->sign.ended &&
           !*member->sign.unfit;
}

/* What it contributes. HPX_DIFFERS: it is of another hpx than this one. HPX_FAILED: it cannot be read now. */
static hpx_status read_hello(hpx_fields *out, const struct cluster *cluster, const struct member *member,
                             const hpx_trainer *trainer)
{
    hpx_fields hello = {0}, here = {0};
    hpx_error unknown;
    char *path = hpx_pool_path(cluster->pool, "hello", member->name);
    hpx_manifest_set_binary(&here, trainer);
    hpx_status status = hpx_hello_read(&hello, path, &unknown);
    if (status != HPX_FAILED &&
        (status || hpx_hello_binary(out, &hello, trainer->name, &unknown) || !same_code(out, &here)))
        status = HPX_DIFFERS;
    hpx_fields_free(&hello);
    hpx_fields_free(&here);
    free(path);
    return status;
}

/* One that nobody asks for any more ends. */
static void dismiss(struct cluster *cluster, struct member *member)
{
    if (member->adopted)
        hpx_cluster_say(cluster, "a worker of another hpx (%s) is sent away", member->name);
    hpx_cluster_note_early_end(cluster, member, "it is of another hpx than this one");
    hpx_pool_remove(cluster->pool, "member", member->name, "");
    hpx_pool_remove(cluster->pool, "hello", member->name, ".msg");
    member->gone = true;
}

hpx_status hpx_cluster_binary(hpx_fields *out, struct cluster *cluster, const hpx_trainer *trainer,
                              hpx_error *error)
{
    for (size_t i = 0; i < cluster->member_count && cluster->binary.count == 0; i++) {
        hpx_fields binary = {0};
        if (!is_there(&cluster->members[i]))
            continue;
        const hpx_status status = read_hello(&binary, cluster, &cluster->members[i], trainer);
        if (!status)
            cluster->binary = binary;
        else
            hpx_fields_free(&binary);
        if (status == HPX_DIFFERS)
            dismiss(cluster, &cluster->members[i]);
    }
    cluster->awaited = cluster->binary.count == 0;
    if (!cluster->awaited) {
        hpx_manifest_set_binary_fields(out, &cluster->binary);
        return HPX_OK;
    }
    if (hpx_cluster_is_hopeless(cluster) && hpx_cluster_workers(cluster) == 0) {
        *error = cluster->trouble;
        return HPX_FAILED;
    }
    return hpx_error_set(error, HPX_NOT_FOUND, "no worker has been heard of yet");
}

static bool was_released(const struct cluster *cluster, const char *node)
{
    const char *at = (const char *)cluster->released.data, *end = at + cluster->released.size;
    while (at < end && strcmp(at, node) != 0)
        at += strlen(at) + 1;
    return at < end;
}

void hpx_cluster_release(struct cluster *cluster, const struct member *member)
{
    const char *node = member->sign.unfit;
    if (was_released(cluster, node))
        return;
    hpx_buffer_add(&cluster->released, node, strlen(node) + 1);
    hpx_cluster_say(cluster, "the workers on %s are released: %s", node, member->sign.ended);
    if (cluster->launcher->avoid)
        cluster->launcher->avoid(cluster->launcher, node);
}

void hpx_cluster_note_wants(struct cluster *cluster, const struct member *member)
{
    hpx_hash hash;
    if (!*member->sign.wants || !hpx_unhex(hash.bytes, HPX_HASH_BYTES, member->sign.wants))
        return;
    for (size_t i = 0; i < cluster->want_count; i++)
        if (hpx_hash_equal(&cluster->wants[i], &hash))
            return;
    cluster->wants =
        hpx_grow(cluster->wants, &cluster->want_capacity, cluster->want_count + 1, sizeof *cluster->wants);
    cluster->wants[cluster->want_count++] = hash;
}
