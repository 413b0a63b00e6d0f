/* Inside the store: the databases and sealed values. */
#ifndef HPX_STORE_INTERNAL_H
#define HPX_STORE_INTERNAL_H

#include "hpx/blob.h"
#include "hpx/store.h"

#include <lmdb.h>
#include <signal.h>
#include <sys/types.h>

enum database {
    DB_META,
    DB_MANIFESTS,
    DB_RECORDS,
    DB_CHECKPOINTS,
    DB_CHUNKS,
    DB_CODES,
    DB_DATASETS,
    DB_FILES,
    DB_BUILDS,
    DB_CONFLICTS, /* from here on younger than the format: a store may lack them */
    DB_PINS,
    DB_ADOPTIONS,
    DB_IMPORTS,
    DB_BLOBS,
    DATABASES,
    DB_YOUNGER = DB_CONFLICTS,
};

struct hpx_store {
    MDB_env *env;                 /* for reading */
    MDB_env *writing;             /* the same, but for a guest; NULL when open for reading */
    bool guest;                   /* reads without a place in LMDB's lock file (transaction.c) */
    uint32_t format;              /* of the data file */
    bool alone;                   /* no other process has it open */
    unsigned turns;               /* transactions in the turn that this process has */
    sigset_t signals;             /* to be restored after it */
    struct leaving_file *leaving; /* files that go with the transaction (transaction.c) */
    size_t leaving_count, leaving_capacity;
    MDB_dbi databases[DATABASES];
    bool lacks[DATABASES]; /* when reading an older store: it counts as empty */
    char *directory;
    char *path;      /* of the data file */
    char *lock_path; /* of LMDB's lock file */
    int claims;      /* the file of claims; -1 where a reader can neither make nor open it */
    unsigned number; /* among those who have the store open; 0: no name (lock.c) */
    hpx_damage_fn *damaged;
    void *damaged_context;
    hpx_damage_fn *remark;
    void *remark_context;
    hpx_checkpoint_check_fn *check_checkpoint; /* NULL: nobody can judge */
    hpx_cell_set *cells;                       /* of the artifacts read so far */
    struct pages *pages;                       /* as pages.c last read them; NULL before the first value */
    char **reported;                           /* what was damaged, so that it is said once */
    size_t reported_count, reported_capacity;
};

#define KEY_BYTES_MAX 40

/* A key of any database, built from its parts. Integers are big-endian, so that keys sort by number. */
struct key {
    uint8_t bytes[KEY_BYTES_MAX];
    size_t size;
};

struct key key_of_hash(const hpx_hash *hash);
struct key key_of_epoch(const hpx_hash *hash, uint32_t epoch);
struct key key_of_output(const hpx_artifact *artifact); /* of a conflict */
struct key key_of_chunk(const hpx_hash *hash, uint32_t epoch, uint32_t index);
struct key key_of_number(uint64_t number);
uint32_t load_big_u32(const uint8_t *bytes);
uint64_t load_big_u64(const uint8_t *bytes);

hpx_status lmdb_failed(hpx_store *store, int code, hpx_error *error);

/* A value is its payload followed by the XXH3-128 of database name, key and payload. */
#define SEAL_BYTES HPX_HASH_BYTES
#define DATA_FILE  "hpx.mdb"

hpx_status put_sealed(hpx_store *store, MDB_txn *txn, enum database db, const struct key *key,
                      const void *payload, size_t size, hpx_error *error);

/* Nothing happens if it is not there. */
hpx_status delete_key(hpx_store *store, MDB_txn *txn, enum database db, const struct key *key,
                      hpx_error *error);

/* Checks a value that was read. */
bool is_sealed(enum database db, const MDB_val *key, const MDB_val *value);

/* The payload, borrowed until the next value of its database is got or the transaction ends. HPX_NOT_FOUND
 * when there is none; when it is damaged also, after reporting it. */
hpx_status get_sealed(const uint8_t **payload, size_t *size, hpx_store *store, MDB_txn *txn, enum database db,
                      const struct key *key, hpx_error *error);

void report_damage(hpx_store *store, enum database db, const MDB_val *key);

/* Where a value stands, for people: "record 0123.. epoch 3". */
void describe_key(char *out, size_t room, enum database db, const MDB_val *key);

extern const char *const database_names[DATABASES];

/* hpx_store_open; `alone` while no other process has the store open, HPX_FAILED if one still has after a few
 * seconds. */
hpx_status open_locked(hpx_store **out, const char *directory, hpx_store_mode mode, bool alone,
                       hpx_error *error);

void close_environments(hpx_store *store);

/* Gives a file of the store, when root has opened it, to the owner of the data file or, before there is one,
 * of the folder. */
void leave_to_owner(const hpx_store *store, int file);

/* lock.c */
#define USE_BYTE      ((off_t)1 << 62) /* locked by all who have the store open */
#define SPECIAL_BYTES (USE_BYTE + ((off_t)1 << 32))

struct lock {
    int file;
    off_t byte;
};

/* How long to wait, and what the other process does meanwhile, for people. */
struct patience {
    const char *doing;
    double seconds;
};

/* Types are F_RDLCK (shared) and F_WRLCK. */
hpx_status try_lock(bool *taken, hpx_store *store, const struct lock *lock, short type, hpx_error *error);
/* HPX_FAILED when it takes too long, HPX_INTERRUPTED (hpx_store_on_wait). */
hpx_status wait_for_lock(hpx_store *store, const struct lock *lock, short type,
                         const struct patience *patience, hpx_error *error);
void drop_lock(const hpx_store *store, const struct lock *lock);
/* Whether others' locks exclude one of this type. */
hpx_status is_locked(bool *locked, const hpx_store *store, const struct lock *lock, short type,
                     hpx_error *error);
/* Who that is, in words, NULL if nobody. free() it. */
char *lock_holder(const hpx_store *store, const struct lock *lock, short type);
/* Takes a number for this process, and writes its name under it, until it closes the store. */
void take_number(hpx_store *store);
void write_name(hpx_store *store);
void clear_name(hpx_store *store);

/* claim.c */
/* Opens the file of claims and takes the lock that goes with an open store: `alone`, that of a compaction. */
hpx_status open_claims(hpx_store *store, hpx_store_mode mode, bool alone, hpx_error *error);
/* A store counts as made once its file of claims says so. Makers take turns. */
bool is_made(const hpx_store *store);
hpx_status begin_making(hpx_store *store, hpx_error *error);
void end_making(hpx_store *store, bool made);

/* pages.c */
/* Before a key is put or deleted: HPX_DAMAGED if a page that LMDB would write through is not what it should
 * be. */
hpx_status check_way(hpx_store *store, MDB_txn *txn, enum database db, const MDB_val *key, hpx_error *error);
/* As mdb_get, and borrowed until the next call for this database. HPX_NOT_FOUND if there is none, HPX_DAMAGED
 * if a page on the way to it is not what it should be. */
hpx_status find_value(MDB_val *value, hpx_store *store, MDB_txn *txn, enum database db, const MDB_val *key,
                      hpx_error *error);
/* Likewise the last key that is not above this one. */
hpx_status find_last_key(MDB_val *found, hpx_store *store, MDB_txn *txn, enum database db, const MDB_val *key,
                         hpx_error *error);
/* Checks every page of a snapshot of its own, and that none is used twice; the first fault of each tree. */
hpx_status check_pages(hpx_store *store, hpx_damage_fn *damaged, void *context, hpx_error *error);
void pages_free(struct pages *pages);

/* artifact.c */
void artifact_fields(hpx_fields *out, const hpx_artifact *artifact);
void encode_artifact(hpx_buffer *out, const hpx_artifact *artifact);

/* format_1.c: whether the fields of a record are as format 1 has them, and to make them what encode_artifact
 * writes. HPX_DAMAGED, with the fields as they were, where they contradict each other. */
bool is_format_1_record(const hpx_fields *fields);
hpx_status upgrade_record(hpx_fields *fields, hpx_error *error);
/* All records of a store. */
hpx_status upgrade_format_1(hpx_store *store, MDB_txn *txn, hpx_error *error);

/* The one name in a database that begins with these hexadecimal digits, as hpx_store_find_key. */
hpx_status find_name(hpx_hash *out, hpx_store *store, enum database db, const char *prefix, hpx_error *error);

/* Calls for every value of a database of fields under hashes. */
hpx_status each_fields(hpx_store *store, enum database db, hpx_manifest_fn *each, void *context,
                       hpx_error *error);
/* Puts manifest and record where they are missing or damaged; HPX_DIFFERS when another manifest has the key,
 * or *contradicts when the record has another output. */
hpx_status put_artifact(bool *contradicts, hpx_store *store, MDB_txn *txn, const hpx_buffer *manifest,
                        const hpx_artifact *artifact, hpx_error *error);

/* The cell is one of the set. */
hpx_status decode_artifact(hpx_artifact *out, hpx_cell_set *cells, const uint8_t *bytes, size_t size,
                           hpx_error *error);
/* HPX_NOT_FOUND when there is none; when it is damaged also, after reporting it. */
hpx_status get_artifact(hpx_artifact *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                        uint32_t epoch, hpx_error *error);

/* checkpoint.c */

/* A chunk with its seal and LMDB's page header (16 bytes) fills four pages of 4 KiB. */
#define CHUNK_BYTES (4 * 4096 - 16 - SEAL_BYTES)

struct checkpoint_entry {
    uint64_t size;
    uint32_t chunks; /* 0 of a size above 0: a file (blobs.c) */
    hpx_hash hash;
};
#define CHECKPOINT_ENTRY_BYTES (8 + 4 + HPX_HASH_BYTES)

/* Deletes all keys that begin so: an epoch's chunks whatever their number, a trajectory's epochs. */
hpx_status delete_prefix(hpx_store *store, MDB_txn *txn, enum database db, const struct key *prefix,
                         hpx_error *error);

bool is_file_entry(const struct checkpoint_entry *entry);
bool decode_checkpoint_entry(struct checkpoint_entry *out, const uint8_t *bytes, size_t size);
/* Puts a blob; a large one is a file that has been staged. */
struct staged;
hpx_status put_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                          const hpx_blob *blob, struct staged *staged, hpx_error *error);
hpx_status drop_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                           hpx_error *error);
/* HPX_NOT_FOUND when it is not there, or damaged (and reported). */
hpx_status find_whole_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                                 hpx_error *error);
/* hpx_store_each_conflict within a transaction. *damaged: how many could not be read, which were reported. */
hpx_status each_conflict(uint64_t *damaged, hpx_store *store, MDB_txn *txn, const hpx_hash *only,
                         hpx_artifact_fn *each, void *context, hpx_error *error);

/* One checkpoint, checked: the caller's to close. HPX_NOT_FOUND when it is not there, or damaged (and
 * reported). */
hpx_status open_checkpoint(hpx_blob *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                           hpx_error *error);
/* The same bytes also as another trajectory's. */
hpx_status copy_checkpoint(hpx_store *store, MDB_txn *txn, const hpx_hash *from, const hpx_hash *to,
                           uint32_t epoch, hpx_error *error);

/* The epochs of a trajectory in a database of records or checkpoints, ascending; free(epochs). */
struct epochs {
    uint32_t *epochs;
    size_t count, capacity;
};
/* The last of them up to `epoch`; HPX_NOT_FOUND when there is none. */
hpx_status last_epoch(uint32_t *found, hpx_store *store, MDB_txn *txn, enum database db, const hpx_hash *key,
                      uint32_t epoch, hpx_error *error);
hpx_status list_epochs(struct epochs *out, hpx_store *store, MDB_txn *txn, enum database db,
                       const hpx_hash *key, hpx_error *error);

/* imports.c: the mark of a record, or with epoch 0 of a code version. */
hpx_status mark_import(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                       const hpx_fields *mark, hpx_error *error);
hpx_status copy_import(hpx_store *store, MDB_txn *txn, const hpx_hash *from, const hpx_hash *to,
                       uint32_t epoch, hpx_error *error);

/* In a transaction of its own; nothing happens if there is no mark. */
hpx_status unmark_import(hpx_store *store, const hpx_hash *key, uint32_t epoch, hpx_error *error);

/* Record, checkpoint and mark. */
hpx_status drop_epoch(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch, hpx_error *error);

/* validate.c */
/* HPX_DAMAGED with what is wrong with a manifest, a code version or a data set. */
hpx_status validate_fields(enum database db, const hpx_fields *fields, hpx_error *error);
/* What is wrong with a record, whose manifest this is; NULL: nothing. */
const char *validate_artifact(const hpx_artifact *artifact, const hpx_fields *manifest);

/* keep.c: puts the checkpoint of a new artifact and drops others, as the options say. */
hpx_status keep_checkpoints(hpx_store *store, MDB_txn *txn, const hpx_artifact *artifact,
                            const hpx_blob *checkpoint, struct staged *staged, const hpx_put_options *options,
                            hpx_error *error);

/* space.c */
hpx_status find_pin(bool *pinned, hpx_store *store, MDB_txn *txn, const hpx_hash *key, hpx_error *error);

#endif
