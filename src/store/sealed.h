/* Values with a hash. */
#ifndef HPX_STORE_SEALED_H
#define HPX_STORE_SEALED_H

#include "internal.h"

/* A value is its payload followed by the XXH3-128 of database name, key and payload. */
#define SEAL_BYTES HPX_HASH_BYTES

hpx_status hpx_put_sealed(hpx_store *store, MDB_txn *txn, enum database db, const struct key *key,
                          const void *payload, size_t size, hpx_error *error);

/* Nothing happens if it is not there. */
hpx_status hpx_delete_key(hpx_store *store, MDB_txn *txn, enum database db, const struct key *key,
                          hpx_error *error);

/* Checks a value that was read. */
bool hpx_is_sealed(enum database db, const MDB_val *key, const MDB_val *value);

/* The payload, borrowed until the next value of its database is got or the transaction ends. HPX_NOT_FOUND
 * when there is none; when it is damaged also, after reporting it. */
hpx_status hpx_get_sealed(const uint8_t **payload, size_t *size, hpx_store *store, MDB_txn *txn,
                          enum database db, const struct key *key, hpx_error *error);

/* Deletes all keys that begin so: an epoch's chunks whatever their number, a trajectory's epochs. */
hpx_status hpx_delete_prefix(hpx_store *store, MDB_txn *txn, enum database db, const struct key *prefix,
                             hpx_error *error);

void hpx_report_damage(hpx_store *store, enum database db, const MDB_val *key);

#endif
