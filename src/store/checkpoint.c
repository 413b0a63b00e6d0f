/* Checkpoints: cut into chunks of one size, so that a dropped checkpoint's pages are reused by the next one
 * whatever the size of its network. */
#include "internal.h"

#include "base/memory.h"

#include <string.h>

static uint32_t chunks_of(uint64_t size)
{
    return (uint32_t)((size + CHUNK_BYTES - 1) / CHUNK_BYTES);
}

bool decode_checkpoint_entry(struct checkpoint_entry *out, const uint8_t *bytes, size_t size)
{
    if (size != CHECKPOINT_ENTRY_BYTES)
        return false;
    out->size = hpx_load_u64(bytes);
    out->chunks = hpx_load_u32(bytes + 8);
    memcpy(out->hash.bytes, bytes + 12, HPX_HASH_BYTES);
    return out->size <= (uint64_t)UINT32_MAX * CHUNK_BYTES && out->chunks == chunks_of(out->size);
}

hpx_status put_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                          const uint8_t *bytes, size_t size, hpx_error *error)
{
    uint32_t chunks = chunks_of(size);
    hpx_status status = HPX_OK;
    for (uint32_t i = 0; i < chunks && !status; i++) {
        size_t at = (size_t)i * CHUNK_BYTES, length = size - at < CHUNK_BYTES ? size - at : CHUNK_BYTES;
        struct key name = key_of_chunk(key, epoch, i);
        status = put_sealed(store, txn, DB_CHUNKS, &name, bytes + at, length, error);
    }
    if (status)
        return status;
    hpx_buffer entry = {0};
    hpx_hash hash = hpx_hash_of(bytes, size);
    hpx_buffer_u64(&entry, size);
    hpx_buffer_u32(&entry, chunks);
    hpx_buffer_add(&entry, hash.bytes, HPX_HASH_BYTES);
    struct key name = key_of_epoch(key, epoch);
    status = put_sealed(store, txn, DB_CHECKPOINTS, &name, entry.data, entry.size, error);
    hpx_buffer_free(&entry);
    return status;
}

hpx_status delete_prefix(hpx_store *store, MDB_txn *txn, enum database db, const struct key *prefix,
                         hpx_error *error)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, store->databases[db], &cursor);
    if (code != 0)
        return lmdb_failed(store, code, error);
    hpx_status status = HPX_OK;
    MDB_val key = {.mv_size = prefix->size, .mv_data = (void *)prefix->bytes}, value;
    for (code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); code == 0;
         code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (key.mv_size < prefix->size || memcmp(key.mv_data, prefix->bytes, prefix->size) != 0)
            break;
        status = check_way(store, txn, db, &key, error);
        if (!status)
            code = mdb_cursor_del(cursor, 0);
        if (status || code != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return code == 0 || code == MDB_NOTFOUND ? status : lmdb_failed(store, code, error);
}

hpx_status drop_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                           hpx_error *error)
{
    struct key name = key_of_epoch(key, epoch);
    hpx_status status = delete_prefix(store, txn, DB_CHUNKS, &name, error);
    return status ? status : delete_prefix(store, txn, DB_CHECKPOINTS, &name, error);
}

hpx_status last_epoch(uint32_t *found, hpx_store *store, MDB_txn *txn, enum database db, const hpx_hash *hash,
                      uint32_t epoch, hpx_error *error)
{
    struct key name = key_of_epoch(hash, epoch);
    MDB_val key = {.mv_size = name.size, .mv_data = name.bytes}, last;
    hpx_status status = find_last_key(&last, store, txn, db, &key, error);
    if (status)
        return status;
    if (last.mv_size != name.size || memcmp(last.mv_data, hash->bytes, HPX_HASH_BYTES) != 0)
        return hpx_error_set(error, HPX_NOT_FOUND, "no epoch up to %u", epoch);
    *found = load_big_u32((const uint8_t *)last.mv_data + HPX_HASH_BYTES);
    return HPX_OK;
}

hpx_status list_epochs(struct epochs *out, hpx_store *store, MDB_txn *txn, enum database db,
                       const hpx_hash *hash, hpx_error *error)
{
    uint32_t epoch;
    hpx_status status = HPX_OK;
    for (uint32_t at = UINT32_MAX; !status; at = epoch - 1) {
        status = last_epoch(&epoch, store, txn, db, hash, at, error);
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

/* Checks all chunks and, with `out`, appends them. */
static hpx_status read_chunks(hpx_buffer *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                              uint32_t epoch, const struct checkpoint_entry *entry, hpx_error *error)
{
    hpx_status status = HPX_OK;
    uint64_t total = 0;
    hpx_hasher *hasher = hpx_hasher_new();
    for (uint32_t i = 0; i < entry->chunks && !status; i++) {
        const uint8_t *payload;
        size_t size;
        struct key name = key_of_chunk(key, epoch, i);
        status = get_sealed(&payload, &size, store, txn, DB_CHUNKS, &name, error);
        if (!status) {
            hpx_hasher_add(hasher, payload, size);
            total += size;
        }
        if (!status && out)
            hpx_buffer_add(out, payload, size);
        MDB_val missing = {.mv_size = name.size, .mv_data = name.bytes};
        if (status == HPX_NOT_FOUND)
            report_damage(store, DB_CHUNKS, &missing);
    }
    hpx_hash hash = hpx_hasher_finish(hasher);
    if (status)
        return status;
    if (total == entry->size && hpx_hash_equal(&hash, &entry->hash))
        return HPX_OK;
    struct key name = key_of_epoch(key, epoch);
    MDB_val damaged = {.mv_size = name.size, .mv_data = name.bytes};
    report_damage(store, DB_CHECKPOINTS, &damaged);
    return hpx_error_set(error, HPX_NOT_FOUND, "damaged in the store");
}

static hpx_status read_entry(struct checkpoint_entry *out, hpx_store *store, MDB_txn *txn,
                             const hpx_hash *key, uint32_t epoch, hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    struct key name = key_of_epoch(key, epoch);
    hpx_status status = get_sealed(&payload, &size, store, txn, DB_CHECKPOINTS, &name, error);
    if (!status && !decode_checkpoint_entry(out, payload, size)) {
        MDB_val damaged = {.mv_size = name.size, .mv_data = name.bytes};
        report_damage(store, DB_CHECKPOINTS, &damaged);
        status = hpx_error_set(error, HPX_NOT_FOUND, "damaged in the store");
    }
    return status;
}

hpx_status read_checkpoint(hpx_buffer *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                           uint32_t epoch, hpx_error *error)
{
    struct checkpoint_entry entry;
    size_t start = out ? out->size : 0;
    hpx_status status = read_entry(&entry, store, txn, key, epoch, error);
    if (!status && out)
        status = read_chunks(out, store, txn, key, epoch, &entry, error);
    if (status && out)
        out->size = start;
    return status;
}

hpx_status find_whole_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                                 hpx_error *error)
{
    struct checkpoint_entry entry;
    hpx_status status = read_entry(&entry, store, txn, key, epoch, error);
    return status ? status : read_chunks(NULL, store, txn, key, epoch, &entry, error);
}

/* The newest readable checkpoint up to epoch_max, and its bytes if `out` is given; damaged ones are passed
 * over. */
static hpx_status newest(uint32_t *epoch, hpx_buffer *out, hpx_store *store, const hpx_hash *key,
                         uint32_t epoch_max, hpx_error *error)
{
    MDB_txn *txn;
    uint32_t found = 0;
    hpx_status status = begin_read(&txn, store, error);
    if (status)
        return status;
    for (uint32_t at = epoch_max;; at = found - 1) {
        status = last_epoch(&found, store, txn, DB_CHECKPOINTS, key, at, error);
        if (status)
            break;
        status = read_checkpoint(out, store, txn, key, found, error);
        if (status != HPX_NOT_FOUND || found == 0)
            break;
    }
    if (!status)
        *epoch = found;
    end_read(store, txn);
    return status;
}

hpx_status hpx_store_newest_checkpoint(uint32_t *epoch, hpx_buffer *checkpoint, hpx_store *store,
                                       const hpx_hash *key, uint32_t epoch_max, hpx_error *error)
{
    return newest(epoch, checkpoint, store, key, epoch_max, error);
}

hpx_status hpx_store_newest_checkpoint_epoch(uint32_t *epoch, hpx_store *store, const hpx_hash *key,
                                             uint32_t epoch_max, hpx_error *error)
{
    return newest(epoch, NULL, store, key, epoch_max, error);
}
