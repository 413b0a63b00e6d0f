/* Checkpoints, small and large, and which of them a put keeps (keep.c). */
#ifndef HPX_STORE_CHECKPOINT_H
#define HPX_STORE_CHECKPOINT_H

#include "blobs.h"
#include "sealed.h"

/* A chunk with its seal and LMDB's page header (16 bytes) fills four pages of 4 KiB. */
#define CHUNK_BYTES (4 * 4096 - 16 - SEAL_BYTES)

struct checkpoint_entry {
    uint64_t size;
    uint32_t chunks; /* 0 of a size above 0: a file (blobs.c) */
    hpx_hash hash;
};
#define CHECKPOINT_ENTRY_BYTES (8 + 4 + HPX_HASH_BYTES)

bool hpx_is_file_entry(const struct checkpoint_entry *entry);
bool hpx_decode_checkpoint_entry(struct checkpoint_entry *out, const uint8_t *bytes, size_t size);
/* Puts a blob; a large one is a file that has been staged. */
hpx_status hpx_put_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                              const hpx_blob *blob, struct staged *staged, hpx_error *error);
hpx_status hpx_drop_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                               hpx_error *error);
/* HPX_NOT_FOUND when it is not there, or damaged (and reported). */
hpx_status hpx_find_whole_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                                     hpx_error *error);
/* One checkpoint, checked: the caller's to close. HPX_NOT_FOUND when it is not there, or damaged (and
 * reported). */
hpx_status hpx_open_checkpoint(hpx_blob *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                               uint32_t epoch, hpx_error *error);
/* The same bytes also as another trajectory's. */
hpx_status hpx_copy_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *from, const hpx_hash *to,
                               uint32_t epoch, hpx_error *error);

/* The epochs of a trajectory in a database of records or checkpoints, ascending; free(epochs). */
struct epochs {
    uint32_t *epochs;
    size_t count, capacity;
};
/* The last of them up to `epoch`; HPX_NOT_FOUND when there is none. */
hpx_status hpx_last_epoch(uint32_t *found, hpx_store *store, MDB_txn *txn, enum database db,
                          const hpx_hash *key, uint32_t epoch, hpx_error *error);
hpx_status hpx_list_epochs(struct epochs *out, hpx_store *store, MDB_txn *txn, enum database db,
                           const hpx_hash *key, hpx_error *error);

/* Puts the checkpoint of a new artifact and drops others, as the options say. */
hpx_status hpx_keep_checkpoints(hpx_store *store, MDB_txn *txn, const hpx_artifact *artifact,
                                const hpx_blob *checkpoint, struct staged *staged,
                                const hpx_put_options *options, hpx_error *error);

#endif
