/* Locks on bytes of the file hpx.claims. The kernel drops them when their process ends, however it ends, so
 * there is nothing to time out and no stale lock. They belong to the open file and not to the process
 * (F_OFD_SETLK, see fcntl(2)), and workers do not inherit it.
 *
 * A claim says which process trains a trajectory, when several want it at once: the byte at an offset below
 * 2^62 taken from the key. Two keys that share an offset, one chance in 2^62, only wait for each other.
 *
 * The byte at 2^62 is locked, shared, by everybody who has the store open, and alone by a compaction, which
 * replaces the data file: LMDB's lock file and memory map belong to one data file. The byte behind it is the
 * gate: everybody passes it who opens the store, and a compaction closes it first, so that those who come and
 * go all the time do not keep it out. */
#include "internal.h"

#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define USE_BYTE     ((off_t)1 << 62)
#define GATE_BYTE    (USE_BYTE + 1)
#define WAIT_SECONDS 3
#define WAIT_STEP_NS 2000000

static struct flock lock_of(off_t byte, short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

static struct flock byte_of(const hpx_hash *key, short type)
{
    return lock_of((off_t)(load_big_u64(key->bytes) >> 2), type);
}

static bool is_held(int code)
{
    return code == EAGAIN || code == EACCES;
}

/* Where the folder cannot be written to, another user's file is enough for a reader; where there is none
 * either, nobody can be writing. */
static hpx_status open_file(hpx_store *store, hpx_store_mode mode, hpx_error *error)
{
    char *path = hpx_path_join(store->directory, "hpx.claims");
    hpx_status status = HPX_OK;
    store->claims = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (store->claims < 0 && mode == HPX_STORE_READ)
        store->claims = open(path, O_RDONLY | O_CLOEXEC);
    else if (store->claims < 0)
        status = hpx_error_errno(error, "%s", path);
    free(path);
    return status;
}

/* Waits for others. */
static hpx_status lock_shared(hpx_store *store, off_t byte, hpx_error *error)
{
    struct flock lock = lock_of(byte, F_RDLCK);
    if (fcntl(store->claims, F_OFD_SETLKW, &lock) == 0)
        return HPX_OK;
    if (errno == EINTR)
        return hpx_error_set(error, HPX_INTERRUPTED, "interrupted while the store is compacted");
    return hpx_error_errno(error, "%s: cannot lock the store", store->directory);
}

/* Waits while a compaction goes on, or is about to. */
static hpx_status lock_use(hpx_store *store, hpx_error *error)
{
    struct flock gate = lock_of(GATE_BYTE, F_UNLCK);
    hpx_status status = lock_shared(store, GATE_BYTE, error);
    if (!status)
        status = lock_shared(store, USE_BYTE, error);
    fcntl(store->claims, F_OFD_SETLK, &gate);
    return status;
}

static hpx_status lock_alone(hpx_store *store, off_t byte, double end, hpx_error *error)
{
    for (;;) {
        struct flock lock = lock_of(byte, F_WRLCK);
        if (fcntl(store->claims, F_OFD_SETLK, &lock) == 0)
            return HPX_OK;
        if (!is_held(errno))
            return hpx_error_errno(error, "%s: cannot lock the store", store->directory);
        if (hpx_clock_seconds() > end)
            return hpx_error_set(error, HPX_FAILED,
                                 "%s: the store is in use by another process; try again later",
                                 store->directory);
        nanosleep(&(struct timespec){.tv_nsec = WAIT_STEP_NS}, NULL);
    }
}

hpx_status open_claims(hpx_store *store, hpx_store_mode mode, bool alone, hpx_error *error)
{
    hpx_status status = open_file(store, mode, error);
    if (status || store->claims < 0)
        return status;
    if (!alone)
        return lock_use(store, error);
    double end = hpx_clock_seconds() + WAIT_SECONDS;
    status = lock_alone(store, GATE_BYTE, end, error);
    return status ? status : lock_alone(store, USE_BYTE, end, error);
}

hpx_status hpx_store_claim(bool *claimed, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    struct flock lock = byte_of(key, F_WRLCK);
    *claimed = fcntl(store->claims, F_OFD_SETLK, &lock) == 0;
    if (*claimed || is_held(errno))
        return HPX_OK;
    return hpx_error_errno(error, "%s: cannot claim a trial", store->directory);
}

void hpx_store_release(hpx_store *store, const hpx_hash *key)
{
    struct flock lock = byte_of(key, F_UNLCK);
    fcntl(store->claims, F_OFD_SETLK, &lock);
}

hpx_status hpx_store_is_claimed(bool *claimed, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    struct flock lock = byte_of(key, F_WRLCK);
    *claimed = false;
    if (store->claims < 0)
        return HPX_OK;
    if (fcntl(store->claims, F_OFD_GETLK, &lock) != 0)
        return hpx_error_errno(error, "%s: cannot see who trains", store->directory);
    *claimed = lock.l_type != F_UNLCK;
    return HPX_OK;
}
