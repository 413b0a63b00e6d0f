/* What this machine has made goes up, signed: first the blobs, last the entry that names them. What is there already is not sent
 * again, and an entry of more epochs stays. */
#include "state.h"

#include "action_result.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <stdlib.h>
#include <string.h>

#define PUSHES_MAX 8 /* at once */

static const char LEFT_OUT[] = "not all is pushed";

struct push;

/* A part of the entry that is to be there. */
struct piece {
    struct push *push;
    hpx_blob blob;
};

struct push {
    struct remote *remote;
    hpx_hash key;
    hpx_entry entry;
    uint32_t epoch;     /* the newest that is stored */
    hpx_buffer message; /* the entry */
    hpx_blob message_blob;
    struct piece pieces[HPX_ENTRY_PARTS];
    size_t coming;   /* transfers */
    bool incomplete; /* a part is missing of an entry that is as long */
    bool failed;
};

static void end(struct push *push)
{
    push->remote->pushes--;
    for (size_t part = 0; part < HPX_ENTRY_PARTS; part++)
        hpx_blob_close(&push->pieces[part].blob);
    hpx_blob_close(&push->message_blob);
    hpx_buffer_free(&push->message);
    free(push);
}

static void end_entry(hpx_transfer *transfer, hpx_status status, const hpx_error *error)
{
    struct push *push = transfer->context;
    push->remote->shared.pushed += hpx_remote_had(push->remote, status, error, LEFT_OUT);
    free(transfer);
    end(push);
}

static void put_entry(struct push *push)
{
    char path[HPX_ENTRY_PATH_BYTES];
    struct remote *remote = push->remote;
    hpx_entry_path(path, push->entry.manifest, &remote->keys.own);
    hpx_remote_start(remote, HPX_PUT, path, 0, &push->message_blob, end_entry, push);
}

/* A blob is there, or is not to be had there. */
static void end_piece(struct push *push)
{
    if (--push->coming > 0)
        return;
    if (push->failed || push->remote->off)
        end(push);
    else
        put_entry(push);
}

static void take_put(hpx_transfer *transfer, hpx_status status, const hpx_error *error)
{
    struct push *push = transfer->context;
    push->failed = !hpx_remote_had(push->remote, status, error, LEFT_OUT) || push->failed;
    free(transfer);
    end_piece(push);
}

static void take_has(hpx_transfer *transfer, hpx_status status, const hpx_error *error)
{
    struct piece *piece = transfer->context;
    struct push *push = piece->push;
    char path[HPX_ENTRY_PATH_BYTES];
    memcpy(path, transfer->path, sizeof path);
    free(transfer);
    if (status == HPX_NOT_FOUND && !push->remote->off) {
        hpx_remote_start(push->remote, HPX_PUT, path, 0, &piece->blob, take_put, push);
        return;
    }
    push->failed = !hpx_remote_had(push->remote, status, error, LEFT_OUT) || push->failed;
    end_piece(push);
}

static hpx_status add_part(void *context, hpx_bundle_part part, const void *bytes, size_t size,
                           hpx_error *error)
{
    struct push *push = context;
    return hpx_blob_add(&push->pieces[part].blob, bytes, size, error);
}

/* Reads the trajectory out of the store, and signs it. */
static hpx_status make_pieces(struct push *push, hpx_error *error)
{
    struct remote *remote = push->remote;
    const hpx_bundle_options options = {
        .checkpoints = true, .logs = remote->options.all, .discreet = !remote->options.all};
    hpx_exported done = {0};
    hpx_buffer statement = {0};
    hpx_status status = hpx_blob_new(&push->pieces[HPX_BUNDLE_RECORD].blob, error);
    if (!status)
        status = hpx_blob_new(&push->pieces[HPX_BUNDLE_METRICS].blob, error);
    if (!status)
        status = hpx_blob_new_file(&push->pieces[HPX_BUNDLE_CHECKPOINT].blob, error);
    if (!status)
        status =
            hpx_bundle_write_parts(&done, remote->options.store, &push->key, &options, add_part, push, error);
    push->entry.epoch = done.epoch;
    push->entry.checkpoint_epoch = done.checkpoint_epoch;
    for (size_t part = 0; part < HPX_BUNDLE_PARTS && !status; part++)
        if (hpx_entry_has(&push->entry, part))
            status = hpx_digest_of_blob(&push->entry.parts[part], &push->pieces[part].blob, error);
    if (!status) {
        hpx_entry_encode(&push->message, &statement, &push->entry, &remote->keys);
        status = hpx_blob_from_bytes(&push->pieces[HPX_ENTRY_STATEMENT].blob, statement.data, statement.size,
                                     error);
    }
    if (!status)
        status = hpx_blob_from_bytes(&push->message_blob, push->message.data, push->message.size, error);
    hpx_buffer_free(&statement);
    return status;
}

/* Asks which parts of an entry are there. */
static void ask_for_parts(struct push *push, const hpx_entry *entry, hpx_transfer_fn *done)
{
    char path[HPX_ENTRY_PATH_BYTES];
    for (size_t part = 0; part < HPX_ENTRY_PARTS; part++) {
        if (!hpx_entry_has(entry, part))
            continue;
        push->coming++;
        hpx_blob_path(path, &entry->parts[part]);
        hpx_remote_start(push->remote, HPX_HAS, path, entry->parts[part].size, NULL, done,
                         &push->pieces[part]);
    }
}

static void put_pieces(struct push *push)
{
    hpx_error error;
    const hpx_status status = make_pieces(push, &error);
    if (status) {
        if (status != HPX_NOT_FOUND)
            hpx_remote_warn(push->remote, "a result is not pushed: %s", error.message);
        end(push);
        return;
    }
    ask_for_parts(push, &push->entry, take_has);
}

/* Whether a part of the entry that is there is there, too. */
static void take_check(hpx_transfer *transfer, hpx_status status, const hpx_error *error)
{
    const struct piece *piece = transfer->context;
    struct push *push = piece->push;
    push->incomplete = !hpx_remote_had(push->remote, status, error, LEFT_OUT) || push->incomplete;
    free(transfer);
    if (--push->coming > 0)
        return;
    if (push->incomplete && !push->remote->off)
        put_pieces(push);
    else
        end(push);
}

/* What is there already under the user's own key. */
static void take_entry(hpx_transfer *transfer, hpx_status status, const hpx_error *error)
{
    struct push *push = transfer->context;
    struct remote *remote = push->remote;
    hpx_entry there;
    hpx_error why;
    const bool good =
        hpx_remote_had(remote, status, error, LEFT_OUT) &&
        hpx_entry_read(&there, &transfer->blob, push->entry.manifest, &remote->keys.own, &why) == HPX_OK;
    hpx_blob_close(&transfer->blob);
    free(transfer);
    if (remote->off || (status != HPX_OK && status != HPX_NOT_FOUND))
        end(push);
    else if (good && there.epoch > push->epoch)
        end(push);
    else if (good && there.epoch == push->epoch)
        ask_for_parts(push, &there, take_check);
    else
        put_pieces(push);
}

/* Whether the newest epoch was made with this store; what came from elsewhere is others' to sign. */
static bool is_own(struct push *push)
{
    hpx_store *store = push->remote->options.store;
    hpx_artifact newest;
    hpx_fields mark = {0};
    hpx_error error;
    if (hpx_store_newest(&newest, store, &push->key, UINT32_MAX, &error))
        return false;
    push->epoch = newest.epoch;
    hpx_artifact_free(&newest);
    const hpx_status status = hpx_store_find_import(&mark, store, &push->key, push->epoch, &error);
    hpx_fields_free(&mark);
    return status == HPX_NOT_FOUND;
}

static bool find_manifest(struct push *push)
{
    hpx_fields manifest = {0};
    hpx_buffer bytes = {0};
    hpx_error error;
    const hpx_status status = hpx_store_manifest(&manifest, push->remote->options.store, &push->key, &error);
    hpx_fields_encode(&bytes, &manifest);
    const hpx_digest digest = hpx_digest_of(bytes.data, bytes.size);
    memcpy(push->entry.manifest, digest.sha256, HPX_SHA256_BYTES);
    hpx_fields_free(&manifest);
    hpx_buffer_free(&bytes);
    return status == HPX_OK;
}

static void begin(struct remote *remote, const hpx_hash *key)
{
    char path[HPX_ENTRY_PATH_BYTES];
    struct push *push = hpx_alloc(sizeof *push);
    *push = (struct push){.remote = remote, .key = *key, .message_blob = HPX_NO_BLOB};
    for (size_t part = 0; part < HPX_ENTRY_PARTS; part++)
        push->pieces[part] = (struct piece){.push = push, .blob = HPX_NO_BLOB};
    remote->pushes++;
    if (!is_own(push) || !find_manifest(push)) {
        end(push);
        return;
    }
    hpx_entry_path(path, push->entry.manifest, &remote->keys.own);
    hpx_remote_start(remote, HPX_GET, path, HPX_ACTION_RESULT_BYTES_MAX, NULL, take_entry, push);
}

void hpx_remote_push_next(struct remote *remote)
{
    struct offers *offers = &remote->offers;
    while (!remote->off && remote->pushes < PUSHES_MAX && offers->next < offers->count)
        begin(remote, &offers->keys[offers->next++]);
}

void hpx_remote_offer(hpx_shared *shared, const hpx_hash *key)
{
    struct remote *remote = (struct remote *)shared;
    struct offers *offers = &remote->offers;
    if (!remote->options.push || remote->off)
        return;
    offers->keys = hpx_grow(offers->keys, &offers->capacity, offers->count + 1, sizeof *offers->keys);
    offers->keys[offers->count++] = *key;
}
