/* Large checkpoints as files beside the data file (blobs.c). */
#ifndef HPX_STORE_BLOBS_H
#define HPX_STORE_BLOBS_H

#include "internal.h"

#include "hpx/blob.h"

/* Checkpoints of this size and above are files. */
#define BLOB_FILE_BYTES (1u << 20)

/* A file that is being written and has no name that counts. Zeroed but for blob.fd, it is none. */
struct staged {
    hpx_blob blob;
    char *path;         /* NULL: it has been placed */
    hpx_hash hash;      /* once it is synced */
    hpx_hasher *hasher; /* while pieces are added */
};

/* Outside of a transaction, a copy of a blob, on the disk; or in pieces. hpx_stage_end also when these fail.
 * `take`: not a copy but the blob's file itself, if that has no name and is on the store's file system. */
hpx_status hpx_stage(struct staged *out, hpx_store *store, const hpx_blob *blob, bool take, hpx_error *error);
hpx_status hpx_stage_new(struct staged *out, hpx_store *store, hpx_error *error);
hpx_status hpx_stage_add(struct staged *staged, hpx_store *store, const void *bytes, size_t size,
                         hpx_error *error);
hpx_status hpx_stage_sync(struct staged *staged, hpx_store *store, hpx_error *error);
void hpx_stage_end(struct staged *staged);

/* Within a transaction: gives the file its name, and makes a checkpoint refer to it. */
hpx_status hpx_place_blob(hpx_store *store, MDB_txn *txn, struct staged *staged, const hpx_hash *key,
                          uint32_t epoch, hpx_error *error);
/* Another checkpoint refers to a file that has been placed. */
hpx_status hpx_refer_to_blob(hpx_store *store, MDB_txn *txn, const hpx_hash *hash, const hpx_hash *key,
                             uint32_t epoch, hpx_error *error);
/* A checkpoint no longer does; if it was the last, the file goes with the end of the transaction. */
hpx_status hpx_release_blob(hpx_store *store, MDB_txn *txn, const hpx_hash *hash, const hpx_hash *key,
                            uint32_t epoch, hpx_error *error);
struct key hpx_key_of_reference(const hpx_hash *hash, const hpx_hash *key, uint32_t epoch);
hpx_status hpx_count_references(uint64_t *out, hpx_store *store, MDB_txn *txn, const hpx_hash *hash,
                                hpx_error *error);

/* HPX_NOT_FOUND if it is missing, or not of this size. The bytes are not read. */
hpx_status hpx_open_blob(hpx_blob *out, const hpx_store *store, const hpx_hash *hash, uint64_t size,
                         hpx_error *error);

/* The sizes of all files. */
hpx_status hpx_count_blob_bytes(uint64_t *out, hpx_store *store, hpx_error *error);
/* Files that no checkpoint refers to; `remove`, within a turn to write: they go with the end of the
 * transaction, and what killed processes have left of unfinished ones goes now. */
hpx_status hpx_find_orphans(uint64_t *count, uint64_t *bytes, hpx_store *store, MDB_txn *txn, bool remove,
                            hpx_error *error);

#endif
