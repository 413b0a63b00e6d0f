/* Inside the store: an open one, its databases, and keys. */
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
    DB_CONDITIONS,
    DB_PROOFS,
    DB_LOGS,
    DATABASES,
    DB_YOUNGER = DB_CONFLICTS,
};

struct hpx_store {
    MDB_env *env;                 /* for reading */
    MDB_env *writing;             /* the same, but for a guest; NULL when open for reading */
    bool guest;                   /* reads without a place in LMDB's lock file (transaction.c) */
    uint32_t format;              /* of the data file */
    bool alone;                   /* no other process has it open */
    bool checked;                 /* its pages are, before LMDB reads any of them */
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
    const hpx_store_judge *judge; /* NULL: nobody can */
    hpx_cell_set *cells;          /* of the artifacts read so far */
    struct pages *pages;          /* as pages.c last read them; NULL before the first value */
    bool builds;                  /* this process runs a build that is in the log... */
    uint64_t build;               /* ...under this number */
    char **reported;              /* what was damaged, so that it is said once */
    size_t reported_count, reported_capacity;
};

#define KEY_BYTES_MAX 40

/* A key of any database, built from its parts. Integers are big-endian, so that keys sort by number. */
struct key {
    uint8_t bytes[KEY_BYTES_MAX];
    size_t size;
};

struct key hpx_key_of_hash(const hpx_hash *hash);
struct key hpx_key_of_epoch(const hpx_hash *hash, uint32_t epoch);
struct key hpx_key_of_chunk(const hpx_hash *hash, uint32_t epoch, uint32_t index);
struct key hpx_key_of_number(uint64_t number);
uint32_t hpx_load_big_u32(const uint8_t *bytes);
uint64_t hpx_load_big_u64(const uint8_t *bytes);

#define DATA_FILE "hpx.mdb"

hpx_status hpx_lmdb_failed(hpx_store *store, int code, hpx_error *error);

/* Where a value stands, for people: "record 0123.. epoch 3". */
void hpx_describe_key(char *out, size_t room, enum database db, const MDB_val *key);

extern const char *const hpx_database_names[DATABASES];

/* hpx_store_open; `alone` while no other process has the store open, HPX_FAILED if one still has after a few
 * seconds; `checked` as hpx_store_open_checked. */
hpx_status hpx_open_locked(hpx_store **out, const char *directory, hpx_store_mode mode, bool alone,
                           bool checked, hpx_error *error);

/* From here on the store has results of programs: programs that know none may not open it any more. */
hpx_status hpx_take_programs(hpx_store *store, MDB_txn *txn, hpx_error *error);

void hpx_close_environments(hpx_store *store);

/* Gives a file of the store, when root has opened it, to the owner of the data file or, before there is one,
 * of the folder. */
void hpx_leave_to_owner(const hpx_store *store, int file);

#endif
