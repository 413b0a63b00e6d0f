/* Checkpoints. Small ones are cut into chunks of one size, so that a dropped checkpoint's pages are reused by
 * the next one whatever the size of its network. Large ones are files (blobs.c). */
#include "checkpoint.h"
#include "blobs.h"
#include "internal.h"
#include "pages.h"
#include "sealed.h"
#include "transaction.h"

#include "base/memory.h"

#include <string.h>

static uint32_t chunks_of(uint64_t size)
{
    return (uint32_t)((size + CHUNK_BYTES - 1) / CHUNK_BYTES);
}

bool hpx_decode_checkpoint_entry(struct checkpoint_entry *out, const uint8_t *bytes, size_t size)
{
    if (size != CHECKPOINT_ENTRY_BYTES)
        return false;
    out->size = hpx_load_u64(bytes);
    out->chunks = hpx_load_u32(bytes + 8);
    memcpy(out->hash.bytes, bytes + 12, HPX_HASH_BYTES);
    if (hpx_is_file_entry(out))
        return out->size >= BLOB_FILE_BYTES;
    return out->size <= (uint64_t)UINT32_MAX * CHUNK_BYTES && out->chunks == chunks_of(out->size);
}

bool hpx_is_file_entry(const struct checkpoint_entry *entry)
{
    return entry->chunks == 0 && entry->size > 0;
}

static hpx_status put_entry(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                            const struct checkpoint_entry *entry, hpx_error *error)
{
    hpx_buffer bytes = {0};
    struct key name = hpx_key_of_epoch(key, epoch);
    hpx_buffer_u64(&bytes, entry->size);
    hpx_buffer_u32(&bytes, entry->chunks);
    hpx_buffer_add(&bytes, entry->hash.bytes, HPX_HASH_BYTES);
    hpx_status status = hpx_put_sealed(store, txn, DB_CHECKPOINTS, &name, bytes.data, bytes.size, error);
    hpx_buffer_free(&bytes);
    return status;
}

static hpx_status put_chunks(hpx_hash *hash, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                             uint32_t epoch, const hpx_blob *blob, hpx_error *error)
{
    hpx_status status = HPX_OK;
    uint8_t bytes[CHUNK_BYTES];
    hpx_hasher *hasher = hpx_hasher_new();
    for (uint32_t i = 0; i < chunks_of(blob->size) && !status; i++) {
        uint64_t at = (uint64_t)i * CHUNK_BYTES, left = blob->size - at;
        size_t size = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
        struct key name = hpx_key_of_chunk(key, epoch, i);
        status = hpx_blob_read(blob, bytes, size, at, error);
        if (status)
            break;
        hpx_hasher_add(hasher, bytes, size);
        status = hpx_put_sealed(store, txn, DB_CHUNKS, &name, bytes, size, error);
    }
    *hash = hpx_hasher_finish(hasher);
    return status;
}

hpx_status hpx_put_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                              const hpx_blob *blob, struct staged *staged, hpx_error *error)
{
    struct checkpoint_entry entry = {.size = blob->size};
    hpx_status status;
    if (staged->path) {
        entry.hash = staged->hash;
        status = hpx_place_blob(store, txn, staged, key, epoch, error);
    } else {
        entry.chunks = chunks_of(blob->size);
        status = put_chunks(&entry.hash, store, txn, key, epoch, blob, error);
    }
    return status ? status : put_entry(store, txn, key, epoch, &entry, error);
}

/* A file whose entry is not readable goes with gc. */
static hpx_status release_file(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                               hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    struct checkpoint_entry entry;
    struct key name = hpx_key_of_epoch(key, epoch);
    hpx_status status = hpx_get_sealed(&payload, &size, store, txn, DB_CHECKPOINTS, &name, error);
    if (!status && hpx_decode_checkpoint_entry(&entry, payload, size) && hpx_is_file_entry(&entry))
        status = hpx_release_blob(store, txn, &entry.hash, key, epoch, error);
    return status == HPX_NOT_FOUND ? HPX_OK : status;
}

hpx_status hpx_drop_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                               hpx_error *error)
{
    struct key name = hpx_key_of_epoch(key, epoch);
    hpx_status status = release_file(store, txn, key, epoch, error);
    if (!status)
        status = hpx_delete_prefix(store, txn, DB_CHUNKS, &name, error);
    return status ? status : hpx_delete_prefix(store, txn, DB_CHECKPOINTS, &name, error);
}

hpx_status hpx_last_epoch(uint32_t *found, hpx_store *store, MDB_txn *txn, enum database db,
                          const hpx_hash *hash, uint32_t epoch, hpx_error *error)
{
    struct key name = hpx_key_of_epoch(hash, epoch);
    MDB_val key = {.mv_size = name.size, .mv_data = name.bytes}, last;
    hpx_status status = hpx_find_last_key(&last, store, txn, db, &key, error);
    if (status)
        return status;
    if (last.mv_size != name.size || memcmp(last.mv_data, hash->bytes, HPX_HASH_BYTES) != 0)
        return hpx_error_set(error, HPX_NOT_FOUND, "no epoch up to %u", epoch);
    *found = hpx_load_big_u32((const uint8_t *)last.mv_data + HPX_HASH_BYTES);
    return HPX_OK;
}

hpx_status hpx_list_epochs(struct epochs *out, hpx_store *store, MDB_txn *txn, enum database db,
                           const hpx_hash *hash, hpx_error *error)
{
    uint32_t epoch;
    hpx_status status = HPX_OK;
    for (uint32_t at = UINT32_MAX; !status; at = epoch - 1) {
        status = hpx_last_epoch(&epoch, store, txn, db, hash, at, error);
        if (status)
            break;
        out->epochs = hpx_grow(out->epochs, &out->capacity, out->count + 1, sizeof *out->epochs);
        out->epochs[out->count++] = epoch;
        if (epoch == 0)
            break;
    }
    for (size_t i = 0; i < out->count / 2; i++) {
        const uint32_t other = out->epochs[out->count - 1 - i];
        out->epochs[out->count - 1 - i] = out->epochs[i];
        out->epochs[i] = other;
    }
    return status == HPX_NOT_FOUND ? HPX_OK : status;
}

static hpx_status report_checkpoint(hpx_store *store, const hpx_hash *key, uint32_t epoch, hpx_error *error)
{
    struct key name = hpx_key_of_epoch(key, epoch);
    MDB_val damaged = {.mv_size = name.size, .mv_data = name.bytes};
    hpx_report_damage(store, DB_CHECKPOINTS, &damaged);
    return hpx_error_set(error, HPX_NOT_FOUND, "damaged in the store");
}

static hpx_status read_entry(struct checkpoint_entry *out, hpx_store *store, MDB_txn *txn,
                             const hpx_hash *key, uint32_t epoch, hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    struct key name = hpx_key_of_epoch(key, epoch);
    hpx_status status = hpx_get_sealed(&payload, &size, store, txn, DB_CHECKPOINTS, &name, error);
    if (!status && !hpx_decode_checkpoint_entry(out, payload, size))
        status = report_checkpoint(store, key, epoch, error);
    return status;
}

/* Puts the chunks together. Format 1 had large checkpoints in chunks, too. */
static hpx_status gather_chunks(hpx_blob *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                                uint32_t epoch, const struct checkpoint_entry *entry, hpx_error *error)
{
    hpx_status status =
        entry->size < BLOB_FILE_BYTES ? hpx_blob_new(out, error) : hpx_blob_new_file(out, error);
    for (uint32_t i = 0; i < entry->chunks && !status; i++) {
        const uint8_t *payload;
        size_t size;
        struct key name = hpx_key_of_chunk(key, epoch, i);
        status = hpx_get_sealed(&payload, &size, store, txn, DB_CHUNKS, &name, error);
        if (!status)
            status = hpx_blob_add(out, payload, size, error);
        MDB_val missing = {.mv_size = name.size, .mv_data = name.bytes};
        if (status == HPX_NOT_FOUND)
            hpx_report_damage(store, DB_CHUNKS, &missing);
    }
    return status;
}

/* The bytes, not yet compared with their hash. */
static hpx_status open_unchecked(hpx_blob *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                                 uint32_t epoch, const struct checkpoint_entry *entry, hpx_error *error)
{
    *out = HPX_NO_BLOB;
    if (!hpx_is_file_entry(entry))
        return gather_chunks(out, store, txn, key, epoch, entry, error);
    hpx_status status = hpx_open_blob(out, store, &entry->hash, entry->size, error);
    return status == HPX_NOT_FOUND ? report_checkpoint(store, key, epoch, error) : status;
}

static hpx_status check_hash(hpx_store *store, const hpx_blob *blob, const hpx_hash *key, uint32_t epoch,
                             const struct checkpoint_entry *entry, hpx_error *error)
{
    hpx_hash hash;
    hpx_status status = hpx_blob_hash(&hash, blob, error);
    if (status)
        return status;
    if (blob->size == entry->size && hpx_hash_equal(&hash, &entry->hash))
        return HPX_OK;
    return report_checkpoint(store, key, epoch, error);
}

hpx_status hpx_open_checkpoint(hpx_blob *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                               uint32_t epoch, hpx_error *error)
{
    struct checkpoint_entry entry;
    *out = HPX_NO_BLOB;
    hpx_status status = read_entry(&entry, store, txn, key, epoch, error);
    if (!status)
        status = open_unchecked(out, store, txn, key, epoch, &entry, error);
    if (!status)
        status = check_hash(store, out, key, epoch, &entry, error);
    if (status)
        hpx_blob_close(out);
    return status;
}

hpx_status hpx_find_whole_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                                     hpx_error *error)
{
    hpx_blob blob;
    hpx_status status = hpx_open_checkpoint(&blob, store, txn, key, epoch, error);
    hpx_blob_close(&blob);
    return status;
}

hpx_status hpx_copy_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *from, const hpx_hash *to,
                               uint32_t epoch, hpx_error *error)
{
    struct checkpoint_entry entry;
    struct staged none = {.blob = HPX_NO_BLOB};
    hpx_blob blob = HPX_NO_BLOB;
    hpx_status status = read_entry(&entry, store, txn, from, epoch, error);
    if (!status)
        status = open_unchecked(&blob, store, txn, from, epoch, &entry, error);
    if (!status && hpx_is_file_entry(&entry)) {
        status = hpx_refer_to_blob(store, txn, &entry.hash, to, epoch, error);
        if (!status)
            status = put_entry(store, txn, to, epoch, &entry, error);
    } else if (!status) {
        status = check_hash(store, &blob, from, epoch, &entry, error);
        if (!status)
            status = hpx_put_checkpoint(store, txn, to, epoch, &blob, &none, error);
    }
    hpx_blob_close(&blob);
    return status;
}

/* The newest checkpoint up to epoch_max whose entry is readable and, with `out`, whose bytes are there. Those
 * that are not are passed over. */
static hpx_status find_newest(uint32_t *epoch, struct checkpoint_entry *entry, hpx_blob *out,
                              hpx_store *store, const hpx_hash *key, uint32_t epoch_max, hpx_error *error)
{
    MDB_txn *txn;
    uint32_t found = 0;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    for (uint32_t at = epoch_max;; at = found - 1) {
        status = hpx_last_epoch(&found, store, txn, DB_CHECKPOINTS, key, at, error);
        if (status)
            break;
        status = read_entry(entry, store, txn, key, found, error);
        if (!status && out)
            status = open_unchecked(out, store, txn, key, found, entry, error);
        if (status && out)
            hpx_blob_close(out);
        if (status != HPX_NOT_FOUND || found == 0)
            break;
    }
    *epoch = found;
    hpx_end_read(store, txn);
    return status;
}

/* The bytes are hashed when the transaction has ended: an open file stays what it is. */
hpx_status hpx_store_newest_checkpoint(uint32_t *epoch, hpx_blob *checkpoint, hpx_store *store,
                                       const hpx_hash *key, uint32_t epoch_max, hpx_error *error)
{
    struct checkpoint_entry entry;
    uint32_t found = 0;
    *checkpoint = HPX_NO_BLOB;
    hpx_status status = hpx_hold_files(store, error);
    if (status)
        return status;
    for (uint32_t at = epoch_max;; at = found - 1) {
        status = find_newest(&found, &entry, checkpoint, store, key, at, error);
        if (status)
            break;
        status = check_hash(store, checkpoint, key, found, &entry, error);
        if (status)
            hpx_blob_close(checkpoint);
        if (status != HPX_NOT_FOUND || found == 0)
            break;
    }
    hpx_release_files(store);
    if (!status)
        *epoch = found;
    return status;
}

hpx_status hpx_store_newest_checkpoint_epoch(uint32_t *epoch, hpx_store *store, const hpx_hash *key,
                                             uint32_t epoch_max, hpx_error *error)
{
    struct checkpoint_entry entry;
    uint32_t found;
    hpx_status status = find_newest(&found, &entry, NULL, store, key, epoch_max, error);
    if (!status)
        *epoch = found;
    return status;
}
