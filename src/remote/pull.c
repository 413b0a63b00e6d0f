/* What is wanted is looked for under each trusted key at once. Of the entries that hold, the one that helps most is taken: record
 * and metrics, and its checkpoint only if the training has to go on from that. Where a part is missing, or not what is signed, the
 * next entry has its turn. */
#include "state.h"

#include "action_result.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const char TRAINED[] = "what cannot be had from it is trained";

struct answer {
    struct lookup *lookup;
    const hpx_trusted *signer;
    bool good, tried;
    hpx_entry entry;
};

struct lookup {
    struct remote *remote;
    hpx_buffer manifest;
    hpx_digest digest; /* of the manifest */
    hpx_hash key;
    uint32_t epochs;
    uint32_t stored;        /* the epoch of the newest checkpoint in the store; 0: there is none */
    struct answer *answers; /* for each trusted key */
    struct answer *taken;   /* whose parts are being fetched */
    size_t coming;          /* transfers */
    bool broken;            /* one of the parts that are fetched is not there */
    bool added;             /* the store has something that it lacked */
    hpx_blob parts[HPX_BUNDLE_PARTS];
};

static void forget_parts(struct lookup *lookup)
{
    for (size_t part = 0; part < HPX_BUNDLE_PARTS; part++)
        hpx_blob_close(&lookup->parts[part]);
}

static void end(struct lookup *lookup)
{
    struct remote *remote = lookup->remote;
    remote->shared.pulled += lookup->added;
    remote->lookups--;
    forget_parts(lookup);
    hpx_buffer_free(&lookup->manifest);
    free(lookup->answers);
    free(lookup);
}

/* Whether it answers what is wanted, or has a checkpoint behind all that there are. */
static bool helps(const struct lookup *lookup, const struct answer *answer)
{
    return answer->good && !answer->tried &&
           (answer->entry.epoch >= lookup->epochs || answer->entry.epoch > lookup->stored);
}

/* One that answers is as good as another; of the others the longest is. */
static bool is_better(const struct lookup *lookup, const struct answer *answer, const struct answer *than)
{
    return !than || (than->entry.epoch < lookup->epochs && answer->entry.epoch > than->entry.epoch);
}

static void take_part(hpx_transfer *transfer, hpx_status status, const hpx_error *error);

static void fetch(struct lookup *lookup, hpx_bundle_part part)
{
    char path[HPX_ENTRY_PATH_BYTES];
    const hpx_digest *digest = &lookup->taken->entry.parts[part];
    hpx_blob_path(path, digest);
    lookup->coming++;
    hpx_remote_start(lookup->remote, HPX_GET, path, digest->size, NULL, take_part, lookup);
}

static void take_next(struct lookup *lookup)
{
    struct remote *remote = lookup->remote;
    struct answer *best = NULL;
    forget_parts(lookup);
    for (size_t i = 0; i < remote->keys.count && !remote->off; i++)
        if (helps(lookup, &lookup->answers[i]) && is_better(lookup, &lookup->answers[i], best))
            best = &lookup->answers[i];
    if (!best) {
        end(lookup);
        return;
    }
    best->tried = true;
    lookup->taken = best;
    lookup->broken = false;
    fetch(lookup, HPX_BUNDLE_RECORD);
    fetch(lookup, HPX_BUNDLE_METRICS);
}

/* The parts that have come, one behind the other. */
struct joined {
    const hpx_blob *parts;
    size_t part;
    uint64_t at;
};

static hpx_status read_joined(void *context, void *bytes, size_t size, size_t *got, hpx_error *error)
{
    struct joined *joined = context;
    *got = 0;
    while (joined->part < HPX_BUNDLE_PARTS && joined->at >= joined->parts[joined->part].size) {
        joined->part++;
        joined->at = 0;
    }
    if (joined->part == HPX_BUNDLE_PARTS)
        return HPX_OK;
    const uint64_t left = joined->parts[joined->part].size - joined->at;
    *got = left < size ? (size_t)left : size;
    const uint64_t at = joined->at;
    joined->at += *got;
    return hpx_blob_read(&joined->parts[joined->part], bytes, *got, at, error);
}

/* Whether the training would have to go on from the entry's checkpoint. */
static bool needs_checkpoint(const struct lookup *lookup)
{
    hpx_artifact artifact;
    hpx_error error;
    const hpx_entry *entry = &lookup->taken->entry;
    const hpx_status status = hpx_store_find(&artifact, lookup->remote->options.store, &lookup->key,
                                             lookup->epochs, &lookup->manifest, &error);
    if (!status)
        hpx_artifact_free(&artifact);
    return status == HPX_NOT_FOUND && entry->checkpoint_epoch > lookup->stored &&
           entry->checkpoint_epoch < lookup->epochs;
}

/* All that was asked for has come. */
static void take_parts(struct lookup *lookup)
{
    struct ready *ready = &lookup->remote->ready;
    if (lookup->broken) {
        take_next(lookup);
        return;
    }
    ready->at = (struct lookup **)hpx_grow((void *)ready->at, &ready->capacity, ready->count + 1,
                                           sizeof(struct lookup *));
    ready->at[ready->count++] = lookup;
}

/* What has come of some trajectories goes into the store, all of it or nothing. */
static bool import(struct remote *remote, struct lookup *const *lookups, size_t count, hpx_error *error)
{
    struct source {
        char signer[HPX_SIGNER_TEXT_BYTES];
        hpx_bundle_origin origin;
        struct joined joined;
    } *sources = hpx_alloc(count * sizeof *sources);
    hpx_bundle_input *inputs = hpx_alloc(count * sizeof *inputs);
    for (size_t i = 0; i < count; i++) {
        struct source *source = &sources[i];
        source->joined.parts = lookups[i]->parts;
        source->origin.manifest = &lookups[i]->manifest;
        source->origin.signer = hpx_signer_text(source->signer, &lookups[i]->taken->signer->signer);
        inputs[i] = (hpx_bundle_input){.name = remote->place,
                                       .origin = &source->origin,
                                       .read = read_joined,
                                       .context = &source->joined};
    }
    const bool good = hpx_bundle_read_all(remote->options.store, inputs, count, error) == HPX_OK;
    for (size_t i = 0; i < count; i++)
        lookups[i]->added =
            lookups[i]->added || inputs[i].done.artifacts.added + inputs[i].done.checkpoints.added > 0;
    free(inputs);
    free(sources);
    return good;
}

/* What was taken is in the store. */
static void go_on(struct lookup *lookup)
{
    if (!lookup->remote->off && lookup->parts[HPX_BUNDLE_CHECKPOINT].fd < 0 && needs_checkpoint(lookup))
        fetch(lookup, HPX_BUNDLE_CHECKPOINT);
    else
        end(lookup);
}

void hpx_remote_import(struct remote *remote)
{
    struct ready ready = remote->ready;
    hpx_error error;
    remote->ready = (struct ready){.count = 0};
    const bool all = ready.count > 0 && import(remote, ready.at, ready.count, &error);
    for (size_t i = 0; i < ready.count; i++) {
        struct lookup *lookup = ready.at[i];
        if (all || import(remote, &lookup, 1, &error)) {
            go_on(lookup);
        } else {
            hpx_remote_warn(remote, "a result of '%s' is not taken: %s", lookup->taken->signer->name,
                            error.message);
            take_next(lookup);
        }
    }
    free((void *)ready.at);
}

/* Which part of the entry that is being taken a transfer was to bring. */
static hpx_bundle_part part_of(const struct lookup *lookup, const hpx_transfer *transfer)
{
    char path[HPX_ENTRY_PATH_BYTES];
    size_t part = 0;
    for (; part + 1 < HPX_BUNDLE_PARTS; part++) {
        hpx_blob_path(path, &lookup->taken->entry.parts[part]);
        if (lookup->parts[part].fd < 0 && strcmp(path, transfer->path) == 0)
            break;
    }
    return (hpx_bundle_part)part;
}

static void take_part(hpx_transfer *transfer, hpx_status status, const hpx_error *error)
{
    struct lookup *lookup = transfer->context;
    struct remote *remote = lookup->remote;
    const hpx_bundle_part part = part_of(lookup, transfer);
    const hpx_digest *signed_for = &lookup->taken->entry.parts[part];
    hpx_digest digest;
    hpx_error why;
    bool whole = hpx_remote_had(remote, status, error, TRAINED);
    if (status == HPX_NOT_FOUND)
        hpx_remote_warn(remote, "the %s of a result of '%s': missing", hpx_part_names[part],
                        lookup->taken->signer->name);
    if (whole &&
        (hpx_digest_of_blob(&digest, &transfer->blob, &why) || !hpx_digest_equal(&digest, signed_for))) {
        hpx_remote_warn(remote, "the %s of a result of '%s': not the bytes that were signed",
                        hpx_part_names[part], lookup->taken->signer->name);
        whole = false;
    }
    if (whole)
        lookup->parts[part] = transfer->blob;
    else
        hpx_blob_close(&transfer->blob);
    free(transfer);
    lookup->broken = lookup->broken || !whole;
    if (--lookup->coming == 0)
        take_parts(lookup);
}

static void take_answer(hpx_transfer *transfer, hpx_status status, const hpx_error *error)
{
    struct answer *answer = transfer->context;
    struct lookup *lookup = answer->lookup;
    struct remote *remote = lookup->remote;
    hpx_error why;
    if (hpx_remote_had(remote, status, error, TRAINED)) {
        answer->good = hpx_entry_read(&answer->entry, &transfer->blob, lookup->digest.sha256,
                                      &answer->signer->signer, &why) == HPX_OK;
        if (!answer->good)
            hpx_remote_warn(remote, "a result of '%s' is refused: %s", answer->signer->name, why.message);
    }
    hpx_blob_close(&transfer->blob);
    free(transfer);
    if (--lookup->coming == 0)
        take_next(lookup);
}

void hpx_remote_want(hpx_shared *shared, const hpx_buffer *manifest, uint32_t epochs)
{
    struct remote *remote = (struct remote *)shared;
    char path[HPX_ENTRY_PATH_BYTES];
    hpx_error error;
    if (remote->off || remote->keys.count == 0)
        return;
    struct lookup *lookup = hpx_alloc(sizeof *lookup);
    *lookup = (struct lookup){.remote = remote, .epochs = epochs};
    lookup->key = hpx_hash_of(manifest->data, manifest->size);
    lookup->digest = hpx_digest_of(manifest->data, manifest->size);
    hpx_buffer_add(&lookup->manifest, manifest->data, manifest->size);
    lookup->answers = hpx_alloc(remote->keys.count * sizeof *lookup->answers);
    for (size_t part = 0; part < HPX_BUNDLE_PARTS; part++)
        lookup->parts[part] = HPX_NO_BLOB;
    if (epochs > 1 && hpx_store_newest_checkpoint_epoch(&lookup->stored, remote->options.store, &lookup->key,
                                                        epochs - 1, &error))
        lookup->stored = 0;
    remote->lookups++;
    lookup->coming = remote->keys.count;
    for (size_t i = 0; i < remote->keys.count; i++) {
        lookup->answers[i] = (struct answer){.lookup = lookup, .signer = &remote->keys.trusted[i]};
        hpx_entry_path(path, lookup->digest.sha256, &remote->keys.trusted[i].signer);
        hpx_remote_start(remote, HPX_GET, path, HPX_ACTION_RESULT_BYTES_MAX, NULL, take_answer,
                         &lookup->answers[i]);
    }
    remote->transport->wait(remote->transport, 0);
}
