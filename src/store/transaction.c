/* Transactions, and the turns that processes take with them.
 *
 * LMDB's writers exclude each other by a mutex, which can neither be interrupted nor say who has it. So
 * writers first lock a byte of the data file (lock.c), and LMDB's mutex is free then. The lock is on the data
 * file itself: it holds under whatever name or mount that is reached.
 *
 * LMDB's readers note in its lock file what they see, so that writers leave those pages alone. Two kinds of
 * readers cannot: those who may not write to that file, and those whose process number another one has, in
 * another container. They are guests: they read without the lock file, and share the writers' lock while they
 * read, so that nobody writes meanwhile.
 *
 * A turn is short: nobody waits for a pipe, a terminal or a worker in it, and Ctrl-Z takes effect behind
 * it. */
#include "transaction.h"
#include "internal.h"
#include "lock.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TURN_BYTE    (SPECIAL_BYTES + ((off_t)2 << 20))
#define WAITING_BYTE (SPECIAL_BYTES + ((off_t)3 << 20))
#define FILES_BYTE   (SPECIAL_BYTES + ((off_t)4 << 20))
#define LOCK_FILES                                                                                           \
    (SPECIAL_BYTES + ((off_t)1 << 40)) /* a byte for each lock file that is in use, by a hash of it */
#define LOCK_FILES_N ((off_t)1 << 32)

#define COURTESY_NS 2000000 /* as long as others sleep between two tries */

static int data_file(const hpx_store *store)
{
    int file = -1;
    mdb_env_get_fd(store->writing ? store->writing : store->env, &file);
    return file;
}

hpx_status hpx_check_writable(const hpx_store *store, hpx_error *error)
{
    if (store->writing)
        return HPX_OK;
    return hpx_error_set(
        error, HPX_FAILED,
        "%s: this store can only be read, and there is something to write; name another one with "
        "--store",
        store->directory);
}

/* Who comes back at once lets those pass who have waited meanwhile. */
static hpx_status be_courteous(const hpx_store *store, const struct lock *waiting, hpx_error *error)
{
    bool others;
    hpx_status status = hpx_is_locked(&others, store, waiting, F_WRLCK, error);
    if (!status && others)
        nanosleep(&(struct timespec){.tv_nsec = COURTESY_NS}, NULL);
    return status;
}

static hpx_status lock_turn(hpx_store *store, short type, hpx_error *error)
{
    static const struct patience patience = {"whose turn it is", INFINITY};
    const struct lock turn = {data_file(store), TURN_BYTE}, waiting = {turn.file, WAITING_BYTE};
    bool taken = false, noted;
    hpx_status status = be_courteous(store, &waiting, error);
    if (!status)
        status = hpx_try_lock(&taken, store, &turn, type, error);
    if (status || taken)
        return status;
    status = hpx_try_lock(&noted, store, &waiting, F_RDLCK, error);
    if (!status)
        status = hpx_wait_for_lock(store, &turn, type, &patience, error);
    hpx_drop_lock(store, &waiting);
    return status;
}

static hpx_status begin_turn(hpx_store *store, short type, hpx_error *error)
{
    static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};
    assert(store->turns == 0 || type == F_RDLCK);
    if (store->turns == 0) {
        sigset_t set;
        hpx_status status = lock_turn(store, type, error);
        if (status)
            return status;
        sigemptyset(&set);
        for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
            sigaddset(&set, stops[i]);
        pthread_sigmask(SIG_BLOCK, &set, &store->signals);
    }
    store->turns++;
    return HPX_OK;
}

static void end_turn(hpx_store *store)
{
    const struct lock turn = {data_file(store), TURN_BYTE};
    if (--store->turns > 0)
        return;
    hpx_drop_lock(store, &turn);
    pthread_sigmask(SIG_SETMASK, &store->signals, NULL);
}

static int begin_lmdb(MDB_txn **txn, MDB_env *env, unsigned flags)
{
    int code = mdb_txn_begin(env, NULL, flags, txn);
    if (code == MDB_MAP_RESIZED) {
        /* Another process uses a larger map; we hold no transaction, so its size can be taken over. */
        code = mdb_env_set_mapsize(env, 0);
        if (code == 0)
            code = mdb_txn_begin(env, NULL, flags, txn);
    }
    return code;
}

hpx_status hpx_begin_read(MDB_txn **txn, hpx_store *store, hpx_error *error)
{
    hpx_status status = store->guest ? begin_turn(store, F_RDLCK, error) : HPX_OK;
    if (status)
        return status;
    int code = begin_lmdb(txn, store->env, MDB_RDONLY);
    if (code != 0 && store->guest)
        end_turn(store);
    return code == 0 ? HPX_OK : hpx_lmdb_failed(store, code, error);
}

void hpx_end_read(hpx_store *store, MDB_txn *txn)
{
    mdb_txn_commit(txn); /* an abort would close the databases that it opened */
    if (store->guest)
        end_turn(store);
}

hpx_status hpx_begin_write(MDB_txn **txn, hpx_store *store, hpx_error *error)
{
    hpx_status status = hpx_check_writable(store, error);
    if (!status)
        status = begin_turn(store, F_WRLCK, error);
    if (status)
        return status;
    int code = begin_lmdb(txn, store->writing, 0);
    if (code != 0)
        end_turn(store);
    return code == 0 ? HPX_OK : hpx_lmdb_failed(store, code, error);
}

/* --- files that go with a transaction --- */

struct leaving_file {
    char *path;
    bool committed; /* it goes if the transaction is committed, or if it is not */
};

void hpx_remove_at_end(hpx_store *store, const char *path, bool committed)
{
    store->leaving =
        hpx_grow(store->leaving, &store->leaving_capacity, store->leaving_count + 1, sizeof *store->leaving);
    store->leaving[store->leaving_count++] = (struct leaving_file){hpx_strdup(path), committed};
}

bool hpx_keep_at_end(hpx_store *store, const char *path)
{
    for (size_t i = 0; i < store->leaving_count; i++)
        if (store->leaving[i].committed && strcmp(store->leaving[i].path, path) == 0) {
            free(store->leaving[i].path);
            store->leaving[i] = store->leaving[--store->leaving_count];
            return true;
        }
    return false;
}

/* What somebody's snapshot may still name stays, and gc removes it. */
static void remove_leaving_files(hpx_store *store, bool committed)
{
    const struct lock files = {data_file(store), FILES_BYTE};
    hpx_error ignored;
    bool held = false;
    if (store->leaving_count > 0 && committed)
        held = hpx_is_locked(&held, store, &files, F_WRLCK, &ignored) != HPX_OK || held;
    for (size_t i = 0; i < store->leaving_count && !held; i++)
        if (store->leaving[i].committed == committed)
            unlink(store->leaving[i].path);
}

static void forget_leaving_files(hpx_store *store)
{
    while (store->leaving_count > 0)
        free(store->leaving[--store->leaving_count].path);
}

hpx_status hpx_hold_files(hpx_store *store, hpx_error *error)
{
    const struct lock files = {data_file(store), FILES_BYTE};
    bool taken; /* always: who removes files only looks */
    return hpx_try_lock(&taken, store, &files, F_RDLCK, error);
}

void hpx_release_files(const hpx_store *store)
{
    const struct lock files = {data_file(store), FILES_BYTE};
    hpx_drop_lock(store, &files);
}

hpx_status hpx_end_write(hpx_store *store, MDB_txn *txn, hpx_status status, hpx_error *error)
{
    int code = 0;
    if (status)
        mdb_txn_abort(txn);
    else
        code = mdb_txn_commit(txn);
    /* Whether a commit that failed is on the disk nobody knows. */
    if (code == 0)
        remove_leaving_files(store, !status);
    forget_leaving_files(store);
    end_turn(store);
    if (code != 0)
        return hpx_lmdb_failed(store, code, error);
    return status ? status : hpx_store_is_there(store, error);
}

hpx_status hpx_store_is_there(const hpx_store *store, hpx_error *error)
{
    struct stat ours, named;
    if (fstat(data_file(store), &ours) == 0 && stat(store->path, &named) == 0 &&
        ours.st_dev == named.st_dev && ours.st_ino == named.st_ino)
        return HPX_OK;
    return hpx_error_set(
        error, HPX_FAILED,
        "%s: the store was deleted, moved or replaced while it was in use; what was to be stored is "
        "not in it",
        store->path);
}

hpx_status hpx_share_lock_file(hpx_store *store, hpx_error *error)
{
    struct stat file;
    struct flock above = {.l_type = F_WRLCK, .l_whence = SEEK_SET}, below = above;
    if (stat(store->lock_path, &file) != 0)
        return hpx_error_errno(error, "%s", store->lock_path);
    const uint64_t identity[] = {file.st_dev, file.st_ino};
    const hpx_hash hash = hpx_hash_of(identity, sizeof identity);
    const off_t at = LOCK_FILES + (off_t)hpx_load_big_u32(hash.bytes);
    struct flock mine = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    below.l_start = LOCK_FILES, below.l_len = at - LOCK_FILES;
    above.l_start = at + 1, above.l_len = LOCK_FILES + LOCK_FILES_N - above.l_start;
    const int data = data_file(store);
    if (fcntl(data, F_OFD_SETLK, &mine) != 0 || (below.l_len > 0 && fcntl(data, F_OFD_GETLK, &below) != 0) ||
        (above.l_len > 0 && fcntl(data, F_OFD_GETLK, &above) != 0))
        return hpx_error_errno(error, "%s: cannot lock the store", store->path);
    if ((below.l_len == 0 || below.l_type == F_UNLCK) && (above.l_len == 0 || above.l_type == F_UNLCK))
        return HPX_OK;
    return hpx_error_set(
        error, HPX_FAILED,
        "%s: in use under another name (a hard link or a mount), or its lock file was replaced; end "
        "what uses it, and use one name",
        store->path);
}
