#include "worker/node.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "hpx/trainer.h"
#include "identity/manifest.h"
#include "identity/parcel.h"
#include "program/copy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A copy, which is not removed while it is held. */
struct copy {
    hpx_hash hash;
    char *path;
    int held;
};

struct hpx_node {
    const char *pool;
    char *scratch; /* NULL: not needed yet */
    struct copy *copies;
    size_t count, capacity;
};

hpx_node *hpx_node_new(const char *pool)
{
    hpx_node *node = hpx_alloc(sizeof *node);
    *node = (hpx_node){.pool = pool};
    return node;
}

static hpx_status need_scratch(hpx_node *node, hpx_error *error)
{
    return node->scratch ? HPX_OK : hpx_scratch_on_node(&node->scratch, error);
}

void hpx_node_free(hpx_node *node)
{
    hpx_scratch_space space;
    if (!node)
        return;
    for (size_t i = 0; i < node->count; i++) {
        close(node->copies[i].held);
        free(node->copies[i].path);
    }
    if (node->scratch)
        hpx_scratch_collect(&space, node->scratch, 0, false);
    free(node->copies);
    free(node->scratch);
    free(node);
}

/* Where data of this hash is: `path`, if it is there, else a copy. Borrowed. */
static hpx_status find(const char **out, hpx_hash *wanted, hpx_node *node, const char *path,
                       const hpx_hash *hash, hpx_error *error)
{
    struct copy copy = {.hash = *hash};
    *out = path;
    if (hpx_path_exists(path))
        return HPX_OK;
    for (size_t i = 0; i < node->count; i++)
        if (hpx_hash_equal(&node->copies[i].hash, hash)) {
            *out = node->copies[i].path;
            return HPX_OK;
        }
    hpx_status status = need_scratch(node, error);
    if (!status)
        status = hpx_parcel_copy(&copy.path, &copy.held, node->scratch, node->pool, hash, error);
    if (status) {
        *wanted = *hash;
        return status;
    }
    node->copies = hpx_grow(node->copies, &node->capacity, node->count + 1, sizeof *node->copies);
    node->copies[node->count++] = copy;
    *out = copy.path;
    return HPX_OK;
}

/* Those of a model. */
static hpx_status fit_inputs(hpx_job *job, hpx_hash *wanted, hpx_node *node, const hpx_fields *manifest,
                             hpx_error *error)
{
    const hpx_trainer *trainer;
    hpx_input inputs[HPX_INPUTS_MAX];
    hpx_status status = hpx_trainer_of(&trainer, manifest, error);
    if (status || !trainer->inputs || job->path_count != trainer->inputs->count)
        return status; /* who is to train it says what is wrong */
    status = hpx_manifest_inputs(inputs, manifest, trainer->inputs, error);
    for (size_t i = 0; i < job->path_count && !status; i++) {
        const char *path;
        status = find(&path, wanted, node, job->paths[i], &inputs[i].hash, error);
        if (!status && path != job->paths[i]) {
            free(job->paths[i]);
            job->paths[i] = hpx_strdup(path);
        }
    }
    return status;
}

/* What is linked into a program's copy: pairs of place and path. */
static hpx_status fit_links(hpx_buffer *out, hpx_hash *wanted, hpx_node *node, const hpx_fields *conditions,
                            hpx_error *error)
{
    const hpx_field *pairs = hpx_fields_find(conditions, "job.data"),
                    *hashes = hpx_fields_find(conditions, "job.parcels");
    const uint8_t *at = pairs ? pairs->bytes : NULL, *end = pairs ? at + pairs->size : NULL;
    const size_t count = hashes ? hashes->size / HPX_HASH_BYTES : 0;
    const char *place, *path;
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < count && !status && hpx_copy_next_link(&place, &path, &at, end); i++) {
        hpx_hash hash;
        memcpy(hash.bytes, hashes->bytes + i * HPX_HASH_BYTES, HPX_HASH_BYTES);
        status = find(&path, wanted, node, path, &hash, error);
        hpx_buffer_add(out, place, strlen(place) + 1);
        hpx_buffer_add(out, path, strlen(path) + 1);
    }
    if (!status && at < end)
        status = hpx_error_set(error, HPX_DAMAGED, "the job's data are not as they should be");
    return status;
}

/* A program runs on this machine's disk: what it writes crosses the network once, as a result. */
static hpx_status fit_program(hpx_job *job, hpx_hash *wanted, hpx_node *node, hpx_error *error)
{
    hpx_fields conditions = {0};
    hpx_buffer links = {0};
    hpx_status status = hpx_fields_decode(&conditions, job->conditions.data, job->conditions.size, error);
    if (!status)
        status = need_scratch(node, error);
    if (!status)
        status = fit_links(&links, wanted, node, &conditions, error);
    if (!status) {
        hpx_fields_set_bytes(&conditions, "job.data", links.data, links.size);
        hpx_fields_set_text(&conditions, "job.scratch", node->scratch);
        job->conditions.size = 0;
        hpx_fields_encode(&job->conditions, &conditions);
    }
    hpx_fields_free(&conditions);
    hpx_buffer_free(&links);
    return status;
}

hpx_status hpx_node_fit(hpx_job *job, hpx_hash *wanted, hpx_node *node, const hpx_fields *manifest,
                        hpx_error *error)
{
    return job->conditions.size > 0 ? fit_program(job, wanted, node, error)
                                    : fit_inputs(job, wanted, node, manifest, error);
}
