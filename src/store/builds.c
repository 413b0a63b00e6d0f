/* The log of builds. An entry has the fields that its build gives it, and the field "spans". That of a build that goes on
 * has the field "running" and no spans; it gets its place in the log when it begins to train, and what it comes to takes
 * that place. While it goes on, its process has a lock for it on the file of claims (lock.h): an entry without one is of a
 * build that was killed. */
#include "internal.h"
#include "lock.h"
#include "sealed.h"
#include "transaction.h"
#include "walk.h"

#include "base/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define BUILDS_BYTE (SPECIAL_BYTES + ((off_t)1 << 31))
#define BUILDS      (1u << 17) /* that have locks of their own: further ones share them */
#define APART       8192       /* as locks are long (lock.c) */

static struct lock lock_of(const hpx_store *store, uint64_t number)
{
    return (struct lock){store->claims, BUILDS_BYTE + (off_t)(number % BUILDS) * APART};
}

/* The field "spans" of an entry: for each, key(16) u32 slot, from, to, u8 verdict (128 more: speculative),
 * u64 start and end. */
#define SPECULATIVE 0x80
#define SPAN_BYTES  (HPX_HASH_BYTES + 3 * 4 + 1 + 2 * 8)

static void encode_spans(hpx_buffer *out, const hpx_build_span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hpx_buffer_add(out, spans[i].key.bytes, HPX_HASH_BYTES);
        hpx_buffer_u32(out, spans[i].slot);
        hpx_buffer_u32(out, spans[i].from);
        hpx_buffer_u32(out, spans[i].to);
        const uint8_t verdict = spans[i].verdict | (spans[i].speculative ? SPECULATIVE : 0);
        hpx_buffer_add(out, &verdict, 1);
        hpx_buffer_u64(out, (uint64_t)spans[i].start_ns);
        hpx_buffer_u64(out, (uint64_t)spans[i].end_ns);
    }
}

static void decode_span(hpx_build_span *out, const uint8_t *bytes)
{
    memcpy(out->key.bytes, bytes, HPX_HASH_BYTES);
    bytes += HPX_HASH_BYTES;
    out->slot = hpx_load_u32(bytes);
    out->from = hpx_load_u32(bytes + 4);
    out->to = hpx_load_u32(bytes + 8);
    out->verdict = bytes[12] & ~SPECULATIVE;
    out->speculative = bytes[12] & SPECULATIVE;
    out->start_ns = (int64_t)hpx_load_u64(bytes + 13);
    out->end_ns = (int64_t)hpx_load_u64(bytes + 21);
}

/* The number behind the last one. */
static hpx_status next_number(uint64_t *out, hpx_store *store, MDB_txn *txn, hpx_error *error)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    *out = 0;
    const int code = mdb_cursor_open(txn, store->databases[DB_BUILDS], &cursor);
    if (code != 0)
        return hpx_lmdb_failed(store, code, error);
    if (mdb_cursor_get(cursor, &key, &value, MDB_LAST) == 0 && key.mv_size == 8)
        *out = hpx_load_big_u64(key.mv_data) + 1;
    mdb_cursor_close(cursor);
    return HPX_OK;
}

/* Puts an entry in its place: that of the build which this process runs, or behind all others. */
static hpx_status put(uint64_t *number, hpx_store *store, MDB_txn *txn, const hpx_fields *entry,
                      hpx_error *error)
{
    hpx_buffer bytes = {0};
    *number = store->build;
    hpx_status status = store->builds ? HPX_OK : next_number(number, store, txn, error);
    const struct key name = hpx_key_of_number(*number);
    hpx_fields_encode(&bytes, entry);
    if (!status)
        status = hpx_put_sealed(store, txn, DB_BUILDS, &name, bytes.data, bytes.size, error);
    hpx_buffer_free(&bytes);
    return status;
}

hpx_status hpx_store_begin_build(hpx_store *store, const hpx_fields *entry, hpx_error *error)
{
    MDB_txn *txn;
    bool taken;
    uint64_t number;
    hpx_fields whole = {0};
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    hpx_fields_add(&whole, entry);
    hpx_fields_set_count(&whole, "running", 1);
    status = put(&number, store, txn, &whole, error);
    const struct lock lock = lock_of(store, number);
    if (!status)
        status = hpx_try_lock(&taken, store, &lock, F_WRLCK, error);
    status = hpx_end_write(store, txn, status, error);
    hpx_fields_free(&whole);
    store->build = number;
    store->builds = !status;
    return status;
}

hpx_status hpx_store_log_build(hpx_store *store, const hpx_fields *entry, const hpx_build_span *spans,
                               size_t span_count, hpx_error *error)
{
    MDB_txn *txn;
    hpx_buffer packed = {0};
    hpx_fields whole = {0};
    uint64_t number;
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    hpx_fields_add(&whole, entry);
    encode_spans(&packed, spans, span_count);
    hpx_fields_set_bytes(&whole, "spans", packed.data, packed.size);
    status = hpx_end_write(store, txn, put(&number, store, txn, &whole, error), error);
    hpx_fields_free(&whole);
    hpx_buffer_free(&packed);
    if (store->builds) {
        const struct lock lock = lock_of(store, number);
        hpx_drop_lock(store, &lock);
        store->builds = false;
    }
    return status;
}

/* `running`: which entries are wanted. */
static hpx_status hand_on(const MDB_val *key, const MDB_val *value, bool running, hpx_build_entry_fn *each,
                          void *context, hpx_error *error)
{
    hpx_fields entry = {0};
    const uint8_t *packed = NULL;
    size_t bytes = 0;
    hpx_error ignored;
    hpx_status status = hpx_fields_decode(&entry, value->mv_data, value->mv_size - SEAL_BYTES, error);
    if (!status && hpx_fields_find(&entry, "spans"))
        hpx_fields_bytes(&packed, &bytes, &entry, "spans", &ignored);
    const size_t count = bytes / SPAN_BYTES;
    hpx_build_span *spans = hpx_alloc((count + 1) * sizeof *spans);
    for (size_t i = 0; i < count; i++)
        decode_span(&spans[i], packed + i * SPAN_BYTES);
    hpx_fields_set_count(&entry, "number", hpx_load_big_u64(key->mv_data));
    if (!status && running == (hpx_fields_find(&entry, "running") != NULL))
        status = each(context, &entry, spans, count, error);
    free(spans);
    hpx_fields_free(&entry);
    return status;
}

static hpx_status each_entry(hpx_store *store, bool running, hpx_build_entry_fn *each, void *context,
                             hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    struct walk walk = hpx_walk(store, txn, DB_BUILDS, NULL);
    while (!status && hpx_walk_next(&walk))
        if (walk.key.mv_size == 8 && hpx_is_sealed(DB_BUILDS, &walk.key, &walk.value))
            status = hand_on(&walk.key, &walk.value, running, each, context, error);
        else
            hpx_report_damage(store, DB_BUILDS, &walk.key);
    status = hpx_walk_end(&walk, status, error);
    hpx_end_read(store, txn);
    return status;
}

hpx_status hpx_store_each_build(hpx_store *store, hpx_build_entry_fn *each, void *context, hpx_error *error)
{
    return each_entry(store, false, each, context, error);
}

hpx_status hpx_store_each_begun(hpx_store *store, hpx_build_entry_fn *each, void *context, hpx_error *error)
{
    return each_entry(store, true, each, context, error);
}

hpx_status hpx_store_build_runs(bool *runs, hpx_store *store, uint64_t number, hpx_error *error)
{
    const struct lock lock = lock_of(store, number);
    *runs = false;
    return store->claims < 0 ? HPX_OK : hpx_is_locked(runs, store, &lock, F_WRLCK, error);
}
