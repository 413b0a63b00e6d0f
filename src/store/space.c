/* What checkpoints occupy, pins, and dropping what is not wanted. */
#include "store/space.h"

#include "artifact.h"
#include "blobs.h"
#include "checkpoint.h"
#include "internal.h"
#include "sealed.h"
#include "transaction.h"
#include "walk.h"

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
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    int code = count_free_pages(&free_pages, txn);
    mdb_env_info(store->env, &info);
    if (code != 0)
        status = hpx_lmdb_failed(store, code, error);
    else if (stat(store->path, &file) != 0)
        status = hpx_error_errno(error, "%s", store->path);
    hpx_end_read(store, txn);
    uint64_t blob_bytes = 0;
    if (!status)
        status = hpx_count_blob_bytes(&blob_bytes, store, error);
    if (!status)
        *out = (hpx_space){
            .file_bytes = (uint64_t)file.st_size + blob_bytes,
            .live_bytes = ((uint64_t)info.me_last_pgno + 1 - free_pages) * page_bytes(store) + blob_bytes,
        };
    return status;
}

static hpx_status chunks_bytes(uint64_t *out, hpx_store *store, MDB_txn *txn, const struct key *prefix,
                               hpx_error *error)
{
    const size_t page = page_bytes(store);
    struct walk walk = hpx_walk(store, txn, DB_CHUNKS, prefix);
    *out = 0;
    while (hpx_walk_next(&walk))
        *out += chunk_bytes(&walk.key, &walk.value, page);
    return hpx_walk_end(&walk, HPX_OK, error);
}

/* Of a damaged entry, what stands under it in chunks. */
static hpx_status stored_bytes(hpx_stored_checkpoint *checkpoint, hpx_store *store, MDB_txn *txn,
                               const MDB_val *key, const MDB_val *value, hpx_error *error)
{
    struct checkpoint_entry entry;
    const struct key name = hpx_key_of_epoch(&checkpoint->key, checkpoint->epoch);
    const bool readable = hpx_is_sealed(DB_CHECKPOINTS, key, value) &&
                          hpx_decode_checkpoint_entry(&entry, value->mv_data, value->mv_size - SEAL_BYTES);
    if (!readable || !hpx_is_file_entry(&entry))
        return chunks_bytes(&checkpoint->bytes, store, txn, &name, error);
    checkpoint->bytes = entry.size;
    checkpoint->file = entry.hash;
    return hpx_count_references(&checkpoint->references, store, txn, &entry.hash, error);
}

hpx_status hpx_store_each_checkpoint(hpx_store *store, hpx_checkpoint_fn *each, void *context,
                                     hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    struct walk walk = hpx_walk(store, txn, DB_CHECKPOINTS, NULL);
    while (!status && hpx_walk_next(&walk)) {
        hpx_stored_checkpoint checkpoint = {.references = 1};
        if (walk.key.mv_size != HPX_HASH_BYTES + 4)
            continue;
        memcpy(checkpoint.key.bytes, walk.key.mv_data, HPX_HASH_BYTES);
        checkpoint.epoch = hpx_load_big_u32((const uint8_t *)walk.key.mv_data + HPX_HASH_BYTES);
        status = stored_bytes(&checkpoint, store, txn, &walk.key, &walk.value, error);
        if (!status)
            status = each(context, &checkpoint, error);
    }
    status = hpx_walk_end(&walk, status, error);
    hpx_end_read(store, txn);
    return status;
}

hpx_status hpx_store_drop_checkpoints(bool *dropped, hpx_store *store, const hpx_hash *key,
                                      const uint32_t *epochs, size_t count, hpx_error *error)
{
    MDB_txn *txn;
    bool pinned = false;
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    status = hpx_find_pin(&pinned, store, txn, key, error);
    for (size_t i = 0; i < count && !status && !pinned; i++)
        status = hpx_drop_checkpoint(store, txn, key, epochs[i], error);
    *dropped = !pinned;
    return hpx_end_write(store, txn, status, error);
}

/* --- what no checkpoint refers to --- */

/* The entry of a checkpoint: *there whether there is one, *readable whether anyone can tell what it says. */
static void find_entry(bool *there, bool *readable, struct checkpoint_entry *out, hpx_store *store,
                       MDB_txn *txn, const void *key)
{
    MDB_val name = {.mv_size = HPX_HASH_BYTES + 4, .mv_data = (void *)key}, value;
    *there = mdb_get(txn, store->databases[DB_CHECKPOINTS], &name, &value) == 0;
    *readable = *there && hpx_is_sealed(DB_CHECKPOINTS, &name, &value) &&
                hpx_decode_checkpoint_entry(out, value.mv_data, value.mv_size - SEAL_BYTES);
}

/* What stands under a damaged entry is that checkpoint's. */
static bool is_stray_chunk(hpx_store *store, MDB_txn *txn, const MDB_val *key)
{
    struct checkpoint_entry entry;
    bool there, readable;
    if (key->mv_size != HPX_HASH_BYTES + 8)
        return false; /* nothing that a put has written: for verify to report */
    find_entry(&there, &readable, &entry, store, txn, key->mv_data);
    return !there ||
           (readable && hpx_load_big_u32((const uint8_t *)key->mv_data + HPX_HASH_BYTES + 4) >= entry.chunks);
}

static bool is_stray_reference(hpx_store *store, MDB_txn *txn, const MDB_val *key)
{
    struct checkpoint_entry entry;
    bool there, readable;
    if (key->mv_size != 2 * HPX_HASH_BYTES + 4)
        return false;
    find_entry(&there, &readable, &entry, store, txn, (const uint8_t *)key->mv_data + HPX_HASH_BYTES);
    return !there || (readable && !(hpx_is_file_entry(&entry) &&
                                    memcmp(entry.hash.bytes, key->mv_data, HPX_HASH_BYTES) == 0));
}

static bool is_stray(hpx_store *store, MDB_txn *txn, enum database db, const MDB_val *key)
{
    return db == DB_CHUNKS ? is_stray_chunk(store, txn, key) : is_stray_reference(store, txn, key);
}

struct strays {
    struct key *keys;
    size_t count, capacity;
    uint64_t bytes;
};

static hpx_status find_strays(struct strays *out, hpx_store *store, enum database db, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    const size_t page = page_bytes(store);
    struct walk walk = hpx_walk(store, txn, db, NULL);
    while (hpx_walk_next(&walk)) {
        if (!is_stray(store, txn, db, &walk.key))
            continue;
        out->keys = hpx_grow(out->keys, &out->capacity, out->count + 1, sizeof *out->keys);
        struct key *found = &out->keys[out->count++];
        found->size = walk.key.mv_size;
        memcpy(found->bytes, walk.key.mv_data, walk.key.mv_size);
        out->bytes += chunk_bytes(&walk.key, &walk.value, page);
    }
    status = hpx_walk_end(&walk, HPX_OK, error);
    hpx_end_read(store, txn);
    return status;
}

/* One transaction. Since the strays were found, a put may have made them a checkpoint's. */
static hpx_status drop_some(hpx_store *store, enum database db, const struct key *keys, size_t count,
                            hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    for (size_t i = 0; i < count && !status; i++) {
        MDB_val key = {.mv_size = keys[i].size, .mv_data = (void *)keys[i].bytes};
        if (is_stray(store, txn, db, &key))
            status = hpx_delete_key(store, txn, db, &keys[i], error);
    }
    return hpx_end_write(store, txn, status, error);
}

static hpx_status drop_strays(uint64_t *count, uint64_t *bytes, hpx_store *store, enum database db, bool dry,
                              hpx_error *error)
{
    struct strays strays = {0};
    hpx_status status = find_strays(&strays, store, db, error);
    for (size_t i = 0; i < strays.count && !dry && !status; i += STRAYS_AT_ONCE) {
        size_t left = strays.count - i;
        status = drop_some(store, db, strays.keys + i, left < STRAYS_AT_ONCE ? left : STRAYS_AT_ONCE, error);
    }
    *count = strays.count;
    *bytes = strays.bytes;
    free(strays.keys);
    return status;
}

static hpx_status drop_orphans(hpx_strays *out, hpx_store *store, bool dry, hpx_error *error)
{
    MDB_txn *txn;
    uint64_t bytes = 0;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    status = hpx_find_orphans(&out->files, &bytes, store, txn, false, error);
    hpx_end_read(store, txn);
    if (!status && !dry) {
        status = hpx_begin_write(&txn, store, error);
        if (status)
            return status;
        status = hpx_find_orphans(&out->files, &bytes, store, txn, true, error);
        status = hpx_end_write(store, txn, status, error);
    }
    out->bytes += bytes;
    return status;
}

hpx_status hpx_store_drop_strays(hpx_strays *out, hpx_store *store, bool dry, hpx_error *error)
{
    uint64_t references, share;
    *out = (hpx_strays){0};
    hpx_status status = drop_strays(&out->chunks, &out->bytes, store, DB_CHUNKS, dry, error);
    if (!status)
        status = drop_strays(&references, &share, store, DB_BLOBS, dry, error);
    return status ? status : drop_orphans(out, store, dry, error);
}

/* What counts is that the pin is there: damage to it is reported and unpins nothing. */
hpx_status hpx_find_pin(bool *pinned, hpx_store *store, MDB_txn *txn, const hpx_hash *key, hpx_error *error)
{
    struct key bytes = hpx_key_of_hash(key);
    MDB_val name = {.mv_size = bytes.size, .mv_data = bytes.bytes}, value;
    *pinned = false;
    int code = store->lacks[DB_PINS] ? MDB_NOTFOUND : mdb_get(txn, store->databases[DB_PINS], &name, &value);
    *pinned = code == 0;
    if (code != 0 && code != MDB_NOTFOUND)
        return hpx_lmdb_failed(store, code, error);
    if (*pinned && !hpx_is_sealed(DB_PINS, &name, &value))
        hpx_report_damage(store, DB_PINS, &name);
    return HPX_OK;
}

hpx_status hpx_store_is_pinned(bool *pinned, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    status = hpx_find_pin(pinned, store, txn, key, error);
    hpx_end_read(store, txn);
    return status;
}

hpx_status hpx_store_pin(hpx_store *store, const hpx_hash *key, bool pinned, hpx_error *error)
{
    MDB_txn *txn;
    struct key name = hpx_key_of_hash(key);
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    if (pinned) {
        status = hpx_put_sealed(store, txn, DB_PINS, &name, "", 0, error);
    } else {
        status = hpx_delete_key(store, txn, DB_PINS, &name, error);
    }
    return hpx_end_write(store, txn, status, error);
}

static hpx_status drop_all_checkpoints(hpx_store *store, MDB_txn *txn, const hpx_hash *key, hpx_error *error)
{
    struct epochs stored = {0};
    hpx_status status = hpx_list_epochs(&stored, store, txn, DB_CHECKPOINTS, key, error);
    for (size_t i = 0; i < stored.count && !status; i++)
        status = hpx_drop_checkpoint(store, txn, key, stored.epochs[i], error);
    free(stored.epochs);
    return status;
}

hpx_status hpx_store_forget(bool *forgotten, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    static const enum database all[] = {DB_CHUNKS, DB_CONFLICTS, DB_IMPORTS,
                                        DB_LOGS,   DB_RECORDS,   DB_MANIFESTS};
    MDB_txn *txn;
    bool pinned = false;
    const struct key prefix = hpx_key_of_hash(key);
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    status = hpx_find_pin(&pinned, store, txn, key, error);
    if (!status && !pinned)
        status = drop_all_checkpoints(store, txn, key, error);
    for (size_t i = 0; i < sizeof all / sizeof *all && !status && !pinned; i++)
        status = hpx_delete_prefix(store, txn, all[i], &prefix, error);
    *forgotten = !pinned;
    return hpx_end_write(store, txn, status, error);
}
