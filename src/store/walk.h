/* A walk over a database: its entries in order of key, or those whose keys begin so.
 *
 *     struct walk walk = hpx_walk(store, txn, DB_RECORDS, &prefix);
 *     while (!status && hpx_walk_next(&walk))
 *         status = ...walk.key, walk.value...
 *     status = hpx_walk_end(&walk, status, error); */
#ifndef HPX_STORE_WALK_H
#define HPX_STORE_WALK_H

#include "internal.h"

struct walk {
    MDB_val key, value; /* borrowed: until the next, and until the transaction changes the database */
    hpx_store *store;
    MDB_cursor *cursor; /* NULL: there is nothing to walk over */
    struct key prefix;
    bool begun;
    int code; /* of LMDB */
};

/* `prefix` NULL: all entries. */
struct walk hpx_walk(hpx_store *store, MDB_txn *txn, enum database db, const struct key *prefix);
bool hpx_walk_next(struct walk *walk);
/* Before the transaction ends. Returns what came first: the status, or why LMDB could not go on. */
hpx_status hpx_walk_end(struct walk *walk, hpx_status status, hpx_error *error);

#endif
