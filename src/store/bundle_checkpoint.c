/* Checkpoints of a bundle, into the store: an entry that says size, pieces and hash, then the pieces. */
#include "bundle_reader.h"

#include <stdlib.h>
#include <string.h>

/* Whether the trainer takes it, where it can be asked. */
static hpx_status judge_checkpoint(struct bundle_reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    hpx_fields dataset = {0};
    hpx_error why;
    if (!reader->store->judge)
        return HPX_OK;
    hpx_status status =
        hpx_bundle_find_fields(&dataset, reader, DB_DATASETS, &incoming->artifact.dataset, error);
    if (!status && reader->store->judge->checkpoint(&reader->manifest, &dataset, incoming->artifact.epoch,
                                                    &incoming->staged.blob, &why) != HPX_OK)
        status = hpx_bundle_refuse(reader, why.message, error);
    hpx_fields_free(&dataset);
    return status;
}

/* In place of a damaged one that may be there. */
static hpx_status put_incoming(struct bundle_reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    const hpx_artifact *artifact = &incoming->artifact;
    hpx_status status =
        hpx_drop_checkpoint(reader->store, reader->txn, &artifact->key, artifact->epoch, error);
    if (!status && incoming->staged.path)
        status = hpx_stage_sync(&incoming->staged, reader->store, error);
    if (!status)
        status = hpx_put_checkpoint(reader->store, reader->txn, &artifact->key, artifact->epoch,
                                    &incoming->staged.blob, &incoming->staged, error);
    return status;
}

/* All pieces are there: are they what the entry and the record say? */
static hpx_status finish_checkpoint(struct bundle_reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    hpx_hash whole = hpx_hasher_finish(incoming->whole),
             output = hpx_artifact_output(&incoming->artifact, incoming->output);
    incoming->open = false;
    if (!hpx_hash_equal(&whole, &incoming->entry.hash))
        return hpx_bundle_refuse(reader, "the checkpoint's chunks do not have its hash", error);
    if (!hpx_hash_equal(&output, &incoming->artifact.output))
        return hpx_bundle_refuse(reader, "checkpoint and metrics do not give the record's output", error);
    hpx_status status = incoming->skipped ? HPX_OK : judge_checkpoint(reader, error);
    if (!status && !incoming->skipped)
        status = put_incoming(reader, error);
    hpx_stage_end(&incoming->staged);
    if (status)
        return status;
    *(incoming->skipped ? &reader->done->checkpoints.known : &reader->done->checkpoints.added) += 1;
    return HPX_OK;
}

/* Whether the checkpoint is there or, unless its trajectory is pinned, superseded by a newer one. None is
 * dropped for it: what it supersedes may have been kept on purpose, and gc collects it if not. */
static hpx_status decide_to_skip(struct bundle_reader *reader, const hpx_hash *key, uint32_t epoch,
                                 hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    struct epochs stored = {0};
    bool pinned;
    incoming->skipped = hpx_bundle_is_beside(reader, key, epoch);
    hpx_status status = hpx_find_pin(&pinned, reader->store, reader->txn, key, error);
    if (!status)
        status = hpx_list_epochs(&stored, reader->store, reader->txn, DB_CHECKPOINTS, key, error);
    for (size_t i = stored.count; i-- > 0 && stored.epochs[i] >= epoch && !incoming->skipped && !status;) {
        uint32_t found = stored.epochs[i];
        if (pinned && found > epoch)
            continue;
        status = hpx_find_whole_checkpoint(reader->store, reader->txn, key, found, error);
        incoming->skipped = !status;
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged: of no use, and overwritten if it is of this epoch */
    }
    free(stored.epochs);
    return status;
}

/* Size, number of pieces and hash agree with each other as far as anyone can tell before the pieces come. */
static bool decode_entry(struct bundle_reader *reader)
{
    struct checkpoint_entry *entry = &reader->incoming.entry;
    const uint8_t *bytes = reader->payload.data;
    entry->size = hpx_load_u64(bytes);
    entry->chunks = hpx_load_u32(bytes + 8);
    memcpy(entry->hash.bytes, bytes + 12, HPX_HASH_BYTES);
    return entry->size <= (uint64_t)UINT32_MAX * reader->piece_bytes &&
           entry->chunks == (entry->size + reader->piece_bytes - 1) / reader->piece_bytes;
}

hpx_status hpx_bundle_take_checkpoint(struct bundle_reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    hpx_hash key;
    memcpy(key.bytes, reader->key.bytes, HPX_HASH_BYTES);
    uint32_t epoch = hpx_load_big_u32(reader->key.bytes + HPX_HASH_BYTES);
    hpx_artifact_free(&incoming->artifact);
    incoming->artifact = (hpx_artifact){0};
    hpx_status status = hpx_get_artifact(&incoming->artifact, reader->store, reader->txn, &key, epoch, error);
    if (status)
        return status == HPX_NOT_FOUND ? hpx_bundle_refuse(reader, "its record is missing", error) : status;
    status = hpx_bundle_validate(reader, &incoming->artifact, error);
    if (status)
        return status;
    if (!decode_entry(reader))
        return hpx_bundle_refuse(reader, "malformed", error);
    status = decide_to_skip(reader, &key, epoch, error);
    if (!status && !incoming->skipped && incoming->entry.size >= BLOB_FILE_BYTES)
        status = hpx_stage_new(&incoming->staged, reader->store, error);
    else if (!status && !incoming->skipped)
        status = hpx_blob_new(&incoming->staged.blob, error);
    if (status)
        return status;
    incoming->open = true;
    incoming->next = 0;
    incoming->whole = hpx_hasher_new();
    incoming->output = hpx_hasher_new();
    return incoming->entry.chunks == 0 ? finish_checkpoint(reader, error) : HPX_OK;
}

static hpx_status keep_piece(struct bundle_reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    const hpx_buffer *payload = &reader->payload;
    hpx_hasher_add(incoming->whole, payload->data, payload->size);
    hpx_hasher_add(incoming->output, payload->data, payload->size);
    if (incoming->skipped)
        return HPX_OK;
    if (incoming->staged.path)
        return hpx_stage_add(&incoming->staged, reader->store, payload->data, payload->size, error);
    return hpx_blob_add(&incoming->staged.blob, payload->data, payload->size, error);
}

hpx_status hpx_bundle_take_piece(struct bundle_reader *reader, hpx_error *error)
{
    struct incoming *incoming = &reader->incoming;
    if (!incoming->open)
        return hpx_bundle_refuse(reader, "no checkpoint that it belongs to, or one that is complete", error);
    struct key expected = hpx_key_of_chunk(&incoming->artifact.key, incoming->artifact.epoch, incoming->next);
    if (memcmp(reader->key.bytes, expected.bytes, expected.size) != 0)
        return hpx_bundle_refuse(reader, "not the checkpoint's next chunk", error);
    uint64_t left = incoming->entry.size - (uint64_t)incoming->next * reader->piece_bytes;
    if (reader->payload.size != (left < reader->piece_bytes ? left : reader->piece_bytes))
        return hpx_bundle_refuse(reader, "not of the size that its checkpoint says", error);
    hpx_status status = keep_piece(reader, error);
    if (status)
        return status;
    return ++incoming->next == incoming->entry.chunks ? finish_checkpoint(reader, error) : HPX_OK;
}
