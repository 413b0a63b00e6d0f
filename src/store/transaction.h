/* Transactions, and the turns that processes take with them (transaction.c). */
#ifndef HPX_STORE_TRANSACTION_H
#define HPX_STORE_TRANSACTION_H

#include "internal.h"

hpx_status hpx_begin_read(MDB_txn **txn, hpx_store *store, hpx_error *error);
void hpx_end_read(hpx_store *store, MDB_txn *txn);
/* Waits for other writers. This process may have no transaction open. */
hpx_status hpx_begin_write(MDB_txn **txn, hpx_store *store, hpx_error *error);
/* Commits a change or, if it failed, gives it up; returns what came first. */
hpx_status hpx_end_write(hpx_store *store, MDB_txn *txn, hpx_status status, hpx_error *error);
/* HPX_FAILED when the store is open for reading. */
hpx_status hpx_check_writable(const hpx_store *store, hpx_error *error);
/* LMDB's lock file belongs to a path, and readers and writers must have the same: HPX_FAILED if the data file
 * is in use with another one. */
hpx_status hpx_share_lock_file(hpx_store *store, hpx_error *error);

/* A file that is removed when the transaction that writes is committed or, `committed` false, given up. */
void hpx_remove_at_end(hpx_store *store, const char *path, bool committed);
/* It is not to be removed with the commit after all; false if it was not to be. */
bool hpx_keep_at_end(hpx_store *store, const char *path);

/* While a process holds the files, no other one removes one that is no longer named. It takes hold before it
 * begins to read, so that what its snapshot names is there. */
hpx_status hpx_hold_files(hpx_store *store, hpx_error *error);
void hpx_release_files(const hpx_store *store);

#endif
