/* The marks of what came by an import: a record or a code version that was trained or built elsewhere. A
 * bundle carries no marks, so whoever imports it sets his own. */
#include "artifact.h"
#include "internal.h"
#include "sealed.h"
#include "transaction.h"
#include "walk.h"

#include <string.h>

hpx_status hpx_mark_import(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                           const hpx_fields *mark, hpx_error *error)
{
    hpx_buffer bytes = {0};
    struct key name = hpx_key_of_epoch(key, epoch);
    hpx_fields_encode(&bytes, mark);
    hpx_status status = hpx_put_sealed(store, txn, DB_IMPORTS, &name, bytes.data, bytes.size, error);
    hpx_buffer_free(&bytes);
    return status;
}

static hpx_status get_mark(hpx_fields *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                           uint32_t epoch, hpx_error *error)
{
    const uint8_t *payload;
    size_t size;
    struct key name = hpx_key_of_epoch(key, epoch);
    hpx_status status = hpx_get_sealed(&payload, &size, store, txn, DB_IMPORTS, &name, error);
    return status ? status : hpx_fields_decode(out, payload, size, error);
}

hpx_status hpx_copy_import(hpx_store *store, MDB_txn *txn, const hpx_hash *from, const hpx_hash *to,
                           uint32_t epoch, hpx_error *error)
{
    hpx_fields mark = {0};
    hpx_status status = get_mark(&mark, store, txn, from, epoch, error);
    if (!status)
        status = hpx_mark_import(store, txn, to, epoch, &mark, error);
    hpx_fields_free(&mark);
    return status == HPX_NOT_FOUND ? HPX_OK : status;
}

hpx_status hpx_unmark_import(hpx_store *store, const hpx_hash *key, uint32_t epoch, hpx_error *error)
{
    MDB_txn *txn;
    hpx_fields mark = {0};
    struct key name = hpx_key_of_epoch(key, epoch);
    hpx_status status = hpx_store_find_import(&mark, store, key, epoch, error);
    hpx_fields_free(&mark);
    if (status)
        return status == HPX_NOT_FOUND ? HPX_OK : status;
    status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    status = hpx_delete_key(store, txn, DB_IMPORTS, &name, error);
    return hpx_end_write(store, txn, status, error);
}

hpx_status hpx_store_find_import(hpx_fields *out, hpx_store *store, const hpx_hash *key, uint32_t epoch,
                                 hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    status = get_mark(out, store, txn, key, epoch, error);
    hpx_end_read(store, txn);
    return status;
}

hpx_status hpx_store_each_import(hpx_store *store, hpx_manifest_fn *each, void *context, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    struct walk walk = hpx_walk(store, txn, DB_IMPORTS, NULL);
    while (!status && hpx_walk_next(&walk)) {
        hpx_hash key;
        hpx_fields mark = {0};
        if (walk.key.mv_size != HPX_HASH_BYTES + 4)
            continue;
        memcpy(key.bytes, walk.key.mv_data, HPX_HASH_BYTES);
        const uint32_t epoch = hpx_load_big_u32((const uint8_t *)walk.key.mv_data + HPX_HASH_BYTES);
        if (epoch == 0)
            continue; /* a code version */
        status = get_mark(&mark, store, txn, &key, epoch, error);
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged: reported */
        else if (!status)
            status = each(context, &key, &mark, error);
        hpx_fields_free(&mark);
    }
    status = hpx_walk_end(&walk, status, error);
    hpx_end_read(store, txn);
    return status;
}
