/* Locks on bytes of files, with names (lock.c), and those of the file of claims (claim.c). */
#ifndef HPX_STORE_LOCK_H
#define HPX_STORE_LOCK_H

#include "internal.h"

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
hpx_status hpx_try_lock(bool *taken, hpx_store *store, const struct lock *lock, short type, hpx_error *error);
/* HPX_FAILED when it takes too long, HPX_INTERRUPTED (hpx_store_on_wait). */
hpx_status hpx_wait_for_lock(hpx_store *store, const struct lock *lock, short type,
                             const struct patience *patience, hpx_error *error);
void hpx_drop_lock(const hpx_store *store, const struct lock *lock);
/* Whether others' locks exclude one of this type. */
hpx_status hpx_is_locked(bool *locked, const hpx_store *store, const struct lock *lock, short type,
                         hpx_error *error);
/* Who that is, in words, NULL if nobody. free() it. */
char *hpx_lock_holder(const hpx_store *store, const struct lock *lock, short type);
/* Takes a number for this process, and writes its name under it, until it closes the store. */
void hpx_take_number(hpx_store *store);
void hpx_write_name(hpx_store *store);
void hpx_clear_name(hpx_store *store);

/* A store counts as made once its file of claims says so. */
bool hpx_is_made(const hpx_store *store);
void hpx_say_made(const hpx_store *store);

/* Opens the file of claims and takes the lock that goes with an open store: `alone`, that of a compaction. */
hpx_status hpx_open_claims(hpx_store *store, hpx_store_mode mode, bool alone, hpx_error *error);
/* Makers of a store take turns. */
hpx_status hpx_begin_making(hpx_store *store, hpx_error *error);
void hpx_end_making(hpx_store *store, bool made);

#endif
