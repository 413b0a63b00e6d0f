/* Sealed values. Every byte that is put is hashed, and what is got is checked. */
#include "sealed.h"
#include "internal.h"
#include "pages.h"
#include "walk.h"

#include "base/memory.h"

#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* for a hash state on the stack */
#include <xxhash.h>

static void seal_of(uint8_t out[SEAL_BYTES], enum database db, const MDB_val *key, const void *payload,
                    size_t size)
{
    /* Names and keys of one database have one length, so the concatenation is unambiguous. */
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, hpx_database_names[db], strlen(hpx_database_names[db]));
    XXH3_128bits_update(&state, key->mv_data, key->mv_size);
    XXH3_128bits_update(&state, payload, size);
    XXH128_canonical_t form;
    XXH128_canonicalFromHash(&form, XXH3_128bits_digest(&state));
    memcpy(out, form.digest, SEAL_BYTES);
}

hpx_status hpx_put_sealed(hpx_store *store, MDB_txn *txn, enum database db, const struct key *key,
                          const void *payload, size_t size, hpx_error *error)
{
    MDB_val name = {.mv_size = key->size, .mv_data = (void *)key->bytes};
    MDB_val value = {.mv_size = size + SEAL_BYTES};
    hpx_status status = hpx_check_way(store, txn, db, &name, error);
    if (status)
        return status;
    int code = mdb_put(txn, store->databases[db], &name, &value, MDB_RESERVE);
    if (code != 0)
        return hpx_lmdb_failed(store, code, error);
    if (size > 0)
        memcpy(value.mv_data, payload, size);
    seal_of((uint8_t *)value.mv_data + size, db, &name, payload, size);
    return HPX_OK;
}

hpx_status hpx_delete_key(hpx_store *store, MDB_txn *txn, enum database db, const struct key *key,
                          hpx_error *error)
{
    MDB_val name = {.mv_size = key->size, .mv_data = (void *)key->bytes};
    hpx_status status = hpx_check_way(store, txn, db, &name, error);
    int code = status ? 0 : mdb_del(txn, store->databases[db], &name, NULL);
    return code == 0 || code == MDB_NOTFOUND ? status : hpx_lmdb_failed(store, code, error);
}

bool hpx_is_sealed(enum database db, const MDB_val *key, const MDB_val *value)
{
    if (value->mv_size < SEAL_BYTES)
        return false;
    size_t size = value->mv_size - SEAL_BYTES;
    uint8_t seal[SEAL_BYTES];
    seal_of(seal, db, key, value->mv_data, size);
    return memcmp(seal, (const uint8_t *)value->mv_data + size, SEAL_BYTES) == 0;
}

hpx_status hpx_delete_prefix(hpx_store *store, MDB_txn *txn, enum database db, const struct key *prefix,
                             hpx_error *error)
{
    hpx_status status = HPX_OK;
    struct walk walk = hpx_walk(store, txn, db, prefix);
    while (!status && hpx_walk_next(&walk)) {
        status = hpx_check_way(store, txn, db, &walk.key, error);
        if (!status)
            walk.code = mdb_cursor_del(walk.cursor, 0);
    }
    return hpx_walk_end(&walk, status, error);
}

void hpx_report_damage(hpx_store *store, enum database db, const MDB_val *key)
{
    if (!store->damaged)
        return;
    char what[256];
    hpx_describe_key(what, sizeof what, db, key);
    for (size_t i = 0; i < store->reported_count; i++)
        if (strcmp(store->reported[i], what) == 0)
            return;
    store->reported = hpx_grow(store->reported, &store->reported_capacity, store->reported_count + 1,
                               sizeof *store->reported);
    store->reported[store->reported_count++] = hpx_strdup(what);
    store->damaged(store->damaged_context, what);
}

hpx_status hpx_get_sealed(const uint8_t **payload, size_t *size, hpx_store *store, MDB_txn *txn,
                          enum database db, const struct key *key, hpx_error *error)
{
    MDB_val name = {.mv_size = key->size, .mv_data = (void *)key->bytes}, value;
    if (store->lacks[db])
        return hpx_error_set(error, HPX_NOT_FOUND, "not in the store");
    hpx_status status = hpx_find_value(&value, store, txn, db, &name, error);
    if (status)
        return status;
    if (!hpx_is_sealed(db, &name, &value)) {
        hpx_report_damage(store, db, &name);
        return hpx_error_set(error, HPX_NOT_FOUND, "damaged in the store");
    }
    *payload = value.mv_data;
    *size = value.mv_size - SEAL_BYTES;
    return HPX_OK;
}
