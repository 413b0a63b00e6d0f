/* The file hpx.claims, whose bytes are locked (lock.c).
 *
 * A claim says which process trains a trajectory, when several want it at once: the byte at an offset below
 * 2^62 taken from the key. Two keys that share an offset only wait for each other.
 *
 * The byte at 2^62 is locked, shared, by everybody who has the store open, and alone by a compaction, which
 * replaces the data file: LMDB's lock file and memory map belong to one data file. The byte behind it is the
 * gate: everybody passes it who opens the store, and a compaction closes it first, so that those who come and
 * go all the time do not keep it out. Another is locked by who makes a store.
 *
 * The file begins with a line once the store has been made. */
#include "internal.h"
#include "lock.h"
#include "transaction.h"

#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GATE_BYTE    (USE_BYTE + 1)
#define MAKING_BYTE  (SPECIAL_BYTES + ((off_t)1 << 20))
#define WAIT_SECONDS 3

static struct lock lock_of(const hpx_store *store, off_t byte)
{
    return (struct lock){store->claims, byte};
}

static struct lock lock_of_key(const hpx_store *store, const hpx_hash *key)
{
    return lock_of(store, (off_t)(hpx_load_big_u64(key->bytes) >> 2));
}

/* Where the folder cannot be written to, another user's file is enough for a reader. */
static hpx_status open_file(hpx_store *store, hpx_store_mode mode, hpx_error *error)
{
    char *path = hpx_path_join(store->directory, "hpx.claims");
    hpx_status status = HPX_OK;
    store->claims = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (store->claims < 0 && mode != HPX_STORE_WRITE)
        store->claims = open(path, O_RDONLY | O_CLOEXEC);
    else if (store->claims < 0)
        status = hpx_error_errno(error, "%s", path);
    else
        hpx_leave_to_owner(store, store->claims);
    free(path);
    return status;
}

/* Waits while a compaction goes on, or is about to. */
static hpx_status lock_use(hpx_store *store, hpx_error *error)
{
    static const struct patience patience = {"which compacts it", INFINITY};
    struct lock gate = lock_of(store, GATE_BYTE), use = lock_of(store, USE_BYTE);
    hpx_status status = hpx_wait_for_lock(store, &gate, F_RDLCK, &patience, error);
    if (!status)
        status = hpx_wait_for_lock(store, &use, F_RDLCK, &patience, error);
    hpx_drop_lock(store, &gate);
    return status;
}

static hpx_status lock_alone(hpx_store *store, hpx_error *error)
{
    static const struct patience patience = {"which has it open", WAIT_SECONDS};
    struct lock gate = lock_of(store, GATE_BYTE), use = lock_of(store, USE_BYTE);
    hpx_status status = hpx_wait_for_lock(store, &gate, F_WRLCK, &patience, error);
    return status ? status : hpx_wait_for_lock(store, &use, F_WRLCK, &patience, error);
}

hpx_status hpx_open_claims(hpx_store *store, hpx_store_mode mode, bool alone, hpx_error *error)
{
    hpx_status status = open_file(store, mode, error);
    if (status || store->claims < 0)
        return status;
    hpx_take_number(store);
    if (hpx_is_made(store))
        hpx_write_name(store);
    return alone ? lock_alone(store, error) : lock_use(store, error);
}

hpx_status hpx_begin_making(hpx_store *store, hpx_error *error)
{
    static const struct patience patience = {"which makes it", INFINITY};
    struct lock making = lock_of(store, MAKING_BYTE);
    return hpx_wait_for_lock(store, &making, F_WRLCK, &patience, error);
}

void hpx_end_making(hpx_store *store, bool made)
{
    struct lock making = lock_of(store, MAKING_BYTE);
    if (made) {
        hpx_say_made(store);
        hpx_write_name(store);
    }
    hpx_drop_lock(store, &making);
}

hpx_status hpx_store_claim(bool *claimed, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    struct lock claim = lock_of_key(store, key);
    *claimed = false;
    hpx_status status = hpx_check_writable(store, error);
    return status ? status : hpx_try_lock(claimed, store, &claim, F_WRLCK, error);
}

void hpx_store_release(hpx_store *store, const hpx_hash *key)
{
    struct lock claim = lock_of_key(store, key);
    hpx_drop_lock(store, &claim);
}

hpx_status hpx_store_is_claimed(bool *claimed, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    struct lock claim = lock_of_key(store, key);
    *claimed = false;
    return store->claims < 0 ? HPX_OK : hpx_is_locked(claimed, store, &claim, F_WRLCK, error);
}

char *hpx_store_claimant(hpx_store *store, const hpx_hash *key)
{
    struct lock claim = lock_of_key(store, key);
    return hpx_lock_holder(store, &claim, F_WRLCK);
}
