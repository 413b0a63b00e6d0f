/* The pages of the data file (pages.c). */
#ifndef HPX_STORE_PAGES_H
#define HPX_STORE_PAGES_H

#include "internal.h"

/* Before a key is put or deleted: HPX_DAMAGED if a page that LMDB would write through is not what it should
 * be. */
hpx_status hpx_check_way(hpx_store *store, MDB_txn *txn, enum database db, const MDB_val *key,
                         hpx_error *error);
/* As mdb_get, and borrowed until the next call for this database. HPX_NOT_FOUND if there is none, HPX_DAMAGED
 * if a page on the way to it is not what it should be. */
hpx_status hpx_find_value(MDB_val *value, hpx_store *store, MDB_txn *txn, enum database db,
                          const MDB_val *key, hpx_error *error);
/* Likewise the last key that is not above this one. */
hpx_status hpx_find_last_key(MDB_val *found, hpx_store *store, MDB_txn *txn, enum database db,
                             const MDB_val *key, hpx_error *error);
/* Checks every page of a snapshot of its own, and that none is used twice; the first fault of each tree. */
hpx_status hpx_check_pages(hpx_store *store, hpx_damage_fn *damaged, void *context, hpx_error *error);
void hpx_pages_free(struct pages *pages);

#endif
