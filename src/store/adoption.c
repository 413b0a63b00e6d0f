/* Adoptions, and the results of one trajectory stored again as those of another. */
#include "artifact.h"
#include "checkpoint.h"
#include "internal.h"
#include "sealed.h"
#include "transaction.h"

#include "base/memory.h"

#include <stdlib.h>

hpx_status hpx_store_put_adoption(hpx_store *store, const hpx_hash *id, const hpx_fields *adoption,
                                  hpx_error *error)
{
    MDB_txn *txn;
    struct key key = hpx_key_of_hash(id);
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    hpx_buffer bytes = {0};
    hpx_fields_encode(&bytes, adoption);
    status = hpx_put_sealed(store, txn, DB_ADOPTIONS, &key, bytes.data, bytes.size, error);
    hpx_buffer_free(&bytes);
    return hpx_end_write(store, txn, status, error);
}

hpx_status hpx_store_drop_adoption(hpx_store *store, const hpx_hash *id, hpx_error *error)
{
    MDB_txn *txn;
    struct key key = hpx_key_of_hash(id);
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    status = hpx_delete_key(store, txn, DB_ADOPTIONS, &key, error);
    return hpx_end_write(store, txn, status, error);
}

hpx_status hpx_store_each_adoption(hpx_store *store, hpx_manifest_fn *each, void *context, hpx_error *error)
{
    return hpx_each_fields(store, DB_ADOPTIONS, each, context, error);
}

struct records {
    hpx_artifact *items;
    size_t count, capacity;
};

static hpx_status collect(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    struct records *records = context;
    records->items = hpx_grow(records->items, &records->capacity, records->count + 1, sizeof *records->items);
    records->items[records->count++] = hpx_artifact_copy(artifact);
    return HPX_OK;
}

/* Those that are newer than any there, as an import does; a damaged one is reported and left out. */
static hpx_status copy_checkpoints(hpx_store *store, MDB_txn *txn, const hpx_hash *from, const hpx_hash *to,
                                   hpx_error *error)
{
    struct epochs theirs = {0}, ours = {0};
    hpx_status status = hpx_list_epochs(&theirs, store, txn, DB_CHECKPOINTS, from, error);
    if (!status)
        status = hpx_list_epochs(&ours, store, txn, DB_CHECKPOINTS, to, error);
    const uint32_t newest = ours.count > 0 ? ours.epochs[ours.count - 1] : 0;
    for (size_t i = 0; i < theirs.count && !status; i++) {
        if (theirs.epochs[i] <= newest)
            continue;
        status = hpx_copy_checkpoint(store, txn, from, to, theirs.epochs[i], error);
        if (status == HPX_NOT_FOUND)
            status = HPX_OK;
    }
    free(theirs.epochs);
    free(ours.epochs);
    return status;
}

hpx_status hpx_store_copy(hpx_store *store, const hpx_hash *from, const hpx_buffer *manifest,
                          hpx_error *error)
{
    static const hpx_comparison bits = {.likeness = HPX_LIKE_BITS};
    MDB_txn *txn;
    struct records records = {0};
    const hpx_hash to = hpx_hash_of(manifest->data, manifest->size);
    hpx_status status = hpx_store_each(store, from, collect, &records, error);
    if (!status)
        status = hpx_begin_write(&txn, store, error);
    if (!status) {
        for (size_t i = 0; i < records.count && !status; i++) {
            enum put_outcome outcome;
            records.items[i].key = to;
            status = hpx_put_artifact(&outcome, store, txn, manifest, &records.items[i], &bits, error);
            if (!status)
                status = hpx_copy_import(store, txn, from, &to, records.items[i].epoch, error);
        }
        if (!status)
            status = copy_checkpoints(store, txn, from, &to, error);
        status = hpx_end_write(store, txn, status, error);
    }
    for (size_t i = 0; i < records.count; i++)
        hpx_artifact_free(&records.items[i]);
    free(records.items);
    return status;
}
