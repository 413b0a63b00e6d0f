/* What checkpoints occupy, pins, and dropping what is not wanted. */
#include "store/space.h"

#include "internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* LMDB puts a value that does not fit into half a page into pages of its own, behind a header. */
#define PAGE_HEADER_BYTES 16
#define STRAYS_AT_ONCE    1024

static size_t page_bytes(const hpx_store *store)
{
    MDB_stat pages;
    mdb_env_stat(store->env, &pages);
    return pages.ms_psize;
}

/* Bytes of the data file that a chunk occupies: its own pages, or its share of a page with others. */
static uint64_t chunk_bytes(const MDB_val *key, const MDB_val *value, size_t page)
{
    size_t node = 8 + key->mv_size + value->mv_size, room = (page - PAGE_HEADER_BYTES) / 2;
    if (node <= room)
        return node;
    return (value->mv_size + PAGE_HEADER_BYTES + page - 1) / page * page;
}

/* The pages that earlier transactions have given back, and those of the list itself: the free list, database
 * 0, holds for each transaction the number of its pages and then their names. */
static int count_free_pages(uint64_t *out, MDB_txn *txn)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_stat list;
    int code = mdb_stat(txn, 0, &list);
    if (code == 0)
        code = mdb_cursor_open(txn, 0, &cursor);
    if (code != 0)
        return code;
    *out = list.ms_branch_pages + list.ms_leaf_pages + list.ms_overflow_pages;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        size_t count;
        memcpy(&count, value.mv_data, sizeof count);
        *out += count;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

hpx_status hpx_store_space(hpx_space *out, hpx_store *store, hpx_error *error)
{
    MDB_txn *txn;
    MDB_envinfo info;
    struct stat file;
    uint64_t free_pages = 0;
    hpx_status status = begin_read(&txn, store, error);
    if (status)
        return status;
    int code = count_free_pages(&free_pages, txn);
    mdb_env_info(store->env, &info);
    if (code != 0)
        status = lmdb_failed(store, code, error);
    else if (stat(store->path, &file) != 0)
        status = hpx_error_errno(error, "%s", store->path);
    end_read(store, txn);
    if (!status)
        *out = (hpx_space){
            .file_bytes = (uint64_t)file.st_size,
            .live_bytes = ((uint64_t)info.me_last_pgno + 1 - free_pages) * page_bytes(store),
        };
    return status;
}

static hpx_status stored_bytes(uint64_t *out, hpx_store *store, MDB_txn *txn, const struct key *prefix,
                               hpx_error *error)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, store->databases[DB_CHUNKS], &cursor);
    if (code != 0)
        return lmdb_failed(store, code, error);
    size_t page = page_bytes(store);
    MDB_val key = {.mv_size = prefix->size, .mv_data = (void *)prefix->bytes}, value;
    *out = 0;
    for (code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); code == 0;
         code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (key.mv_size < prefix->size || memcmp(key.mv_data, prefix->bytes, prefix->size) != 0)
            break;
        *out += chunk_bytes(&key, &value, page);
    }
    mdb_cursor_close(cursor);
    return code == 0 || code == MDB_NOTFOUND ? HPX_OK : lmdb_failed(store, code, error);
}

hpx_status hpx_store_each_checkpoint(hpx_store *store, hpx_checkpoint_fn *each, void *context,
                                     hpx_error *error)
{
    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    hpx_status status = begin_read(&txn, store, error);
    if (status)
        return status;
    int code = mdb_cursor_open(txn, store->databases[DB_CHECKPOINTS], &cursor);
    MDB_val key, value;
    while (!status && code == 0 && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        hpx_stored_checkpoint checkpoint;
        if (key.mv_size != HPX_HASH_BYTES + 4)
            continue;
        memcpy(checkpoint.key.bytes, key.mv_data, HPX_HASH_BYTES);
        checkpoint.epoch = load_big_u32((const uint8_t *)key.mv_data + HPX_HASH_BYTES);
        struct key name = key_of_epoch(&checkpoint.key, checkpoint.epoch);
        status = stored_bytes(&checkpoint.bytes, store, txn, &name, error);
        if (!status)
            status = each(context, &checkpoint, error);
    }
    if (!status && code != MDB_NOTFOUND)
        status = lmdb_failed(store, code, error);
    mdb_cursor_close(cursor);
    end_read(store, txn);
    return status;
}

hpx_status hpx_store_drop_checkpoints(bool *dropped, hpx_store *store, const hpx_hash *key,
                                      const uint32_t *epochs, size_t count, hpx_error *error)
{
    MDB_txn *txn;
    bool pinned = false;
    hpx_status status = begin_write(&txn, store, error);
    if (status)
        return status;
    status = find_pin(&pinned, store, txn, key, error);
    for (size_t i = 0; i < count && !status && !pinned; i++)
        status = drop_checkpoint(store, txn, key, epochs[i], error);
    *dropped = !pinned;
    return end_write(store, txn, status, error);
}

/* Whether a checkpoint refers to the chunk, as far as anyone can tell: what stands under a damaged entry is
 * that checkpoint's. */
static bool is_stray(hpx_store *store, MDB_txn *txn, const MDB_val *chunk)
{
    struct checkpoint_entry entry;
    if (chunk->mv_size != HPX_HASH_BYTES + 8)
        return false; /* nothing that a put has written: for verify to report */
    MDB_val name = {.mv_size = HPX_HASH_BYTES + 4, .mv_data = chunk->mv_data}, value;
    if (mdb_get(txn, store->databases[DB_CHECKPOINTS], &name, &value) != 0)
        return true;
    return is_sealed(DB_CHECKPOINTS, &name, &value) &&
           decode_checkpoint_entry(&entry, value.mv_data, value.mv_size - SEAL_BYTES) &&
           load_big_u32((const uint8_t *)chunk->mv_data + HPX_HASH_BYTES + 4) >= entry.chunks;
}

struct strays {
    struct key *keys;
    size_t count, capacity;
    uint64_t bytes;
};

static hpx_status find_strays(struct strays *out, hpx_store *store, hpx_error *error)
{
    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    hpx_status status = begin_read(&txn, store, error);
    if (status)
        return status;
    size_t page = page_bytes(store);
    int code = mdb_cursor_open(txn, store->databases[DB_CHUNKS], &cursor);
    MDB_val key, value;
    while (code == 0 && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (!is_stray(store, txn, &key))
            continue;
        out->keys = hpx_grow(out->keys, &out->capacity, out->count + 1, sizeof *out->keys);
        struct key *found = &out->keys[out->count++];
        found->size = key.mv_size;
        memcpy(found->bytes, key.mv_data, key.mv_size);
        out->bytes += chunk_bytes(&key, &value, page);
    }
    mdb_cursor_close(cursor);
    end_read(store, txn);
    return code == MDB_NOTFOUND ? HPX_OK : lmdb_failed(store, code, error);
}

/* One transaction. Since the strays were found, a put may have made them chunks of a checkpoint. */
static hpx_status drop_strays(hpx_store *store, const struct key *keys, size_t count, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = begin_write(&txn, store, error);
    if (status)
        return status;
    for (size_t i = 0; i < count && !status; i++) {
        MDB_val key = {.mv_size = keys[i].size, .mv_data = (void *)keys[i].bytes};
        if (is_stray(store, txn, &key))
            status = delete_key(store, txn, DB_CHUNKS, &keys[i], error);
    }
    return end_write(store, txn, status, error);
}

hpx_status hpx_store_drop_strays(uint64_t *chunks, uint64_t *bytes, hpx_store *store, bool dry,
                                 hpx_error *error)
{
    struct strays strays = {0};
    hpx_status status = find_strays(&strays, store, error);
    for (size_t i = 0; i < strays.count && !dry && !status; i += STRAYS_AT_ONCE) {
        size_t left = strays.count - i;
        status = drop_strays(store, strays.keys + i, left < STRAYS_AT_ONCE ? left : STRAYS_AT_ONCE, error);
    }
    *chunks = strays.count;
    *bytes = strays.bytes;
    free(strays.keys);
    return status;
}

/* What counts is that the pin is there: damage to it is reported and unpins nothing. */
hpx_status find_pin(bool *pinned, hpx_store *store, MDB_txn *txn, const hpx_hash *key, hpx_error *error)
{
    struct key bytes = key_of_hash(key);
    MDB_val name = {.mv_size = bytes.size, .mv_data = bytes.bytes}, value;
    *pinned = false;
    int code = store->lacks[DB_PINS] ? MDB_NOTFOUND : mdb_get(txn, store->databases[DB_PINS], &name, &value);
    *pinned = code == 0;
    if (code != 0 && code != MDB_NOTFOUND)
        return lmdb_failed(store, code, error);
    if (*pinned && !is_sealed(DB_PINS, &name, &value))
        report_damage(store, DB_PINS, &name);
    return HPX_OK;
}

hpx_status hpx_store_is_pinned(bool *pinned, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = begin_read(&txn, store, error);
    if (status)
        return status;
    status = find_pin(pinned, store, txn, key, error);
    end_read(store, txn);
    return status;
}

hpx_status hpx_store_pin(hpx_store *store, const hpx_hash *key, bool pinned, hpx_error *error)
{
    MDB_txn *txn;
    struct key name = key_of_hash(key);
    hpx_status status = begin_write(&txn, store, error);
    if (status)
        return status;
    if (pinned) {
        status = put_sealed(store, txn, DB_PINS, &name, "", 0, error);
    } else {
        status = delete_key(store, txn, DB_PINS, &name, error);
    }
    return end_write(store, txn, status, error);
}

hpx_status hpx_store_forget(bool *forgotten, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    static const enum database all[] = {DB_CHUNKS,  DB_CHECKPOINTS, DB_CONFLICTS,
                                        DB_IMPORTS, DB_RECORDS,     DB_MANIFESTS};
    MDB_txn *txn;
    bool pinned = false;
    const struct key prefix = key_of_hash(key);
    hpx_status status = begin_write(&txn, store, error);
    if (status)
        return status;
    status = find_pin(&pinned, store, txn, key, error);
    for (size_t i = 0; i < sizeof all / sizeof *all && !status && !pinned; i++)
        status = delete_prefix(store, txn, all[i], &prefix, error);
    *forgotten = !pinned;
    return end_write(store, txn, status, error);
}
