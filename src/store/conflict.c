/* Later runs of an epoch that is stored. The first record stays what hits give. Beside it are kept, where runs need
 * not be alike, all others as its replicates; else what contradicts it, to be shown until somebody finds out why. */
#include "artifact.h"
#include "internal.h"
#include "record.h"
#include "sealed.h"
#include "transaction.h"
#include "walk.h"

#include <string.h>

struct key hpx_key_of_later(const hpx_artifact *later)
{
    struct key key = hpx_key_of_epoch(&later->key, later->epoch);
    hpx_fields fields = {0};
    hpx_artifact_fields(&fields, later);
    const hpx_hash name = later->replicate ? hpx_record_id(&fields) : later->output;
    hpx_fields_free(&fields);
    memcpy(key.bytes + key.size, name.bytes, HPX_HASH_BYTES);
    key.size += HPX_HASH_BYTES;
    return key;
}

hpx_status hpx_put_later(hpx_store *store, MDB_txn *txn, const hpx_artifact *later, hpx_error *error)
{
    hpx_buffer record = {0};
    const struct key key = hpx_key_of_later(later);
    hpx_encode_artifact(&record, later);
    hpx_status status = hpx_put_sealed(store, txn, DB_CONFLICTS, &key, record.data, record.size, error);
    hpx_buffer_free(&record);
    return status;
}

static hpx_status put_alone(hpx_store *store, const hpx_artifact *artifact, bool replicate, hpx_error *error)
{
    MDB_txn *txn;
    hpx_artifact later = *artifact;
    later.replicate = replicate;
    if (hpx_artifact_is_of_program(artifact))
        later.output = hpx_artifact_output(artifact, NULL);
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    status = hpx_put_later(store, txn, &later, error);
    return hpx_end_write(store, txn, status, error);
}

hpx_status hpx_store_put_conflict(hpx_store *store, const hpx_artifact *artifact, hpx_error *error)
{
    hpx_error failure;
    if (put_alone(store, artifact, false, &failure) == HPX_OK)
        return HPX_DIFFERS;
    *error = failure;
    return error->status;
}

hpx_status hpx_store_put_replicate(hpx_store *store, const hpx_artifact *artifact, hpx_error *error)
{
    return put_alone(store, artifact, true, error);
}

static hpx_status hand_on(hpx_store *store, const MDB_val *key, const MDB_val *value, hpx_artifact_fn *each,
                          void *context, uint64_t *damaged, hpx_error *error)
{
    const uint8_t *bytes = key->mv_data;
    hpx_artifact artifact = {.epoch = hpx_load_big_u32(bytes + HPX_HASH_BYTES)};
    memcpy(artifact.key.bytes, bytes, HPX_HASH_BYTES);
    hpx_status status = HPX_NOT_FOUND;
    if (hpx_is_sealed(DB_CONFLICTS, key, value))
        status =
            hpx_decode_artifact(&artifact, store->cells, value->mv_data, value->mv_size - SEAL_BYTES, error);
    if (!status) {
        status = each(context, &artifact, error);
        hpx_artifact_free(&artifact);
        return status;
    }
    hpx_report_damage(store, DB_CONFLICTS, key);
    ++*damaged;
    return HPX_OK;
}

hpx_status hpx_each_conflict(uint64_t *damaged, hpx_store *store, MDB_txn *txn, const hpx_hash *only,
                             hpx_artifact_fn *each, void *context, hpx_error *error)
{
    const struct key prefix = only ? hpx_key_of_hash(only) : (struct key){.size = 0};
    struct walk walk = hpx_walk(store, txn, DB_CONFLICTS, &prefix);
    hpx_status status = HPX_OK;
    *damaged = 0;
    while (!status && hpx_walk_next(&walk))
        if (walk.key.mv_size == 2 * HPX_HASH_BYTES + 4)
            status = hand_on(store, &walk.key, &walk.value, each, context, damaged, error);
    return hpx_walk_end(&walk, status, error);
}

hpx_status hpx_store_each_conflict(hpx_store *store, const hpx_hash *only, hpx_artifact_fn *each,
                                   void *context, hpx_error *error)
{
    MDB_txn *txn;
    uint64_t damaged;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    status = hpx_each_conflict(&damaged, store, txn, only, each, context, error);
    hpx_end_read(store, txn);
    return status;
}
