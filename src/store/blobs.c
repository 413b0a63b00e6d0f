/* Large checkpoints: files in the folder blobs/ beside the data file, named by the XXH3-128 of their bytes,
 * 256 folders of them. Equal checkpoints share one file. A row of the database `blobs` says which checkpoint
 * refers to which file; a file that no row names is left over from a crash, or from a time in which somebody
 * read the files, and gc removes it.
 *
 * A file is written under a temporary name, or one without a name is given that, and synced before the
 * transaction that names it. Within that transaction, so that no other process can remove it meanwhile, it is
 * renamed, and its folder synced. A file that is no longer named is removed when the transaction has ended, with
 * the turn still taken (transaction.c). Who reads files holds a lock while a snapshot may still name them (hpx_hold_files). */
#include "blobs.h"
#include "internal.h"
#include "sealed.h"
#include "transaction.h"
#include "walk.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER    "blobs"
#define TEMPORARY "incoming.tmp.%ld.%u" /* as of hpx/file.h, whose hpx_file_remove_left_over knows it */

static char *folder_of(const hpx_store *store)
{
    return hpx_path_join(store->directory, FOLDER);
}

/* blobs/01/0123... */
static char *path_of(const hpx_store *store, const hpx_hash *hash)
{
    char hex[HPX_HASH_HEX_BYTES];
    hpx_hash_hex(hex, hash);
    return hpx_format("%s/" FOLDER "/%.2s/%s", store->directory, hex, hex);
}

/* errno says what failed. */
static hpx_status file_failed(hpx_store *store, const char *path, hpx_error *error)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return hpx_lmdb_failed(store, ENOSPC, error);
    return hpx_error_errno(error, "%s", path);
}

static hpx_status sync_folder(hpx_store *store, const char *path, hpx_error *error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    hpx_status status = fd >= 0 && fsync(fd) == 0 ? HPX_OK : file_failed(store, path, error);
    if (fd >= 0)
        close(fd);
    return status;
}

/* Makes a folder that is on the disk in its parent; one that exists is fine. */
static hpx_status make_folder(hpx_store *store, const char *path, const char *parent, hpx_error *error)
{
    if (mkdir(path, 0777) != 0)
        return errno == EEXIST ? HPX_OK : file_failed(store, path, error);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        hpx_leave_to_owner(store, fd);
        close(fd);
    }
    return sync_folder(store, parent, error);
}

/* --- writing --- */

/* It shows that the file is no left-over one. */
static bool lock(int fd)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &all) == 0;
}

/* Before it was locked, somebody may have removed it. */
static bool lock_new(int fd)
{
    struct stat info;
    return lock(fd) && fstat(fd, &info) == 0 && info.st_nlink > 0;
}

hpx_status hpx_stage_new(struct staged *out, hpx_store *store, hpx_error *error)
{
    char *folder = folder_of(store);
    *out = (struct staged){.blob = HPX_NO_BLOB};
    hpx_status status = hpx_check_writable(store, error);
    if (!status)
        status = make_folder(store, folder, store->directory, error);
    for (unsigned i = 0; !status && out->blob.fd < 0; i++) {
        free(out->path);
        out->path = hpx_format("%s/" TEMPORARY, folder, (long)getpid(), i);
        int fd = open(out->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 && lock_new(fd))
            out->blob.fd = fd;
        else if (fd >= 0)
            close(fd);
        else if (errno != EEXIST)
            status = file_failed(store, out->path, error);
    }
    if (out->blob.fd >= 0)
        hpx_leave_to_owner(store, out->blob.fd);
    free(folder);
    return status;
}

hpx_status hpx_stage_add(struct staged *staged, hpx_store *store, const void *bytes, size_t size,
                         hpx_error *error)
{
    if (!staged->hasher)
        staged->hasher = hpx_hasher_new();
    hpx_hasher_add(staged->hasher, bytes, size);
    hpx_status status = hpx_blob_add(&staged->blob, bytes, size, error);
    return status ? file_failed(store, staged->path, error) : HPX_OK;
}

hpx_status hpx_stage_sync(struct staged *staged, hpx_store *store, hpx_error *error)
{
    if (staged->hasher)
        staged->hash = hpx_hasher_finish(staged->hasher);
    staged->hasher = NULL;
    return fsync(staged->blob.fd) == 0 ? HPX_OK : file_failed(store, staged->path, error);
}

/* Whether the file of a blob has no name, and may get one here. */
static bool can_take(const struct staged *staged, const hpx_blob *blob)
{
    struct stat given, here;
    return fstat(blob->fd, &given) == 0 && fstat(staged->blob.fd, &here) == 0 && S_ISREG(given.st_mode) &&
           given.st_nlink == 0 && given.st_dev == here.st_dev && (uint64_t)given.st_size == blob->size;
}

/* The file gets the name of the one that is staged, empty, in whose place it stands from then on. On failure nothing is
 * staged any more. */
static bool take_file(struct staged *staged, hpx_store *store, const hpx_blob *blob)
{
    struct stat here;
    char *open_file = hpx_format("/proc/self/fd/%d", blob->fd);
    int fd = open(open_file, O_RDWR | O_CLOEXEC); /* so that the lock is not shared with who gave it */
    bool taken = fd >= 0 && lock(fd) && fstat(staged->blob.fd, &here) == 0 &&
                 fchmod(fd, here.st_mode & 0777) == 0 && unlink(staged->path) == 0;
    if (taken) {
        hpx_leave_to_owner(store, fd);
        taken = linkat(AT_FDCWD, open_file, AT_FDCWD, staged->path, AT_SYMLINK_FOLLOW) == 0;
    }
    free(open_file);
    if (taken) {
        close(staged->blob.fd);
        staged->blob = (hpx_blob){fd, blob->size};
        return true;
    }
    if (fd >= 0)
        close(fd);
    hpx_stage_end(staged);
    return false;
}

static hpx_status stage_copy(struct staged *out, hpx_store *store, const hpx_blob *blob, hpx_error *error)
{
    out->blob.size = blob->size;
    if (hpx_blob_copy(out->blob.fd, &out->hash, blob, error) == HPX_OK)
        return HPX_OK;
    return errno == ENOSPC || errno == EDQUOT ? hpx_lmdb_failed(store, ENOSPC, error)
                                              : hpx_error_prefix(error, "%s", out->path);
}

hpx_status hpx_stage(struct staged *out, hpx_store *store, const hpx_blob *blob, bool take, hpx_error *error)
{
    hpx_status status = hpx_stage_new(out, store, error);
    if (!status && take && can_take(out, blob)) {
        take = take_file(out, store, blob);
        status = take ? hpx_blob_hash(&out->hash, blob, error) : hpx_stage_new(out, store, error);
    } else {
        take = false;
    }
    if (!status && !take)
        status = stage_copy(out, store, blob, error);
    return status ? status : hpx_stage_sync(out, store, error);
}

void hpx_stage_end(struct staged *staged)
{
    if (staged->path)
        unlink(staged->path);
    if (staged->hasher)
        hpx_hasher_finish(staged->hasher);
    if (staged->blob.fd >= 0)
        hpx_blob_close(&staged->blob);
    free(staged->path);
    *staged = (struct staged){.blob = HPX_NO_BLOB};
}

/* Gives the file its name, in place of one that may be there and damaged. */
static hpx_status give_name(hpx_store *store, struct staged *staged, const char *path, hpx_error *error)
{
    char *folder = hpx_path_directory(path), *parent = folder_of(store);
    hpx_status status = make_folder(store, folder, parent, error);
    if (!status && rename(staged->path, path) != 0)
        status = file_failed(store, path, error);
    if (!status) {
        free(staged->path);
        staged->path = NULL;
        status = sync_folder(store, folder, error);
    }
    free(folder);
    free(parent);
    return status;
}

/* --- which checkpoint refers to which file --- */

struct key hpx_key_of_reference(const hpx_hash *hash, const hpx_hash *key, uint32_t epoch)
{
    struct key reference = hpx_key_of_hash(hash), checkpoint = hpx_key_of_epoch(key, epoch);
    memcpy(reference.bytes + reference.size, checkpoint.bytes, checkpoint.size);
    reference.size += checkpoint.size;
    return reference;
}

hpx_status hpx_count_references(uint64_t *out, hpx_store *store, MDB_txn *txn, const hpx_hash *hash,
                                hpx_error *error)
{
    const struct key prefix = hpx_key_of_hash(hash);
    struct walk walk = hpx_walk(store, txn, DB_BLOBS, &prefix);
    *out = 0;
    while (hpx_walk_next(&walk))
        ++*out;
    return hpx_walk_end(&walk, HPX_OK, error);
}

hpx_status hpx_refer_to_blob(hpx_store *store, MDB_txn *txn, const hpx_hash *hash, const hpx_hash *key,
                             uint32_t epoch, hpx_error *error)
{
    struct key name = hpx_key_of_reference(hash, key, epoch);
    return hpx_put_sealed(store, txn, DB_BLOBS, &name, "", 0, error);
}

hpx_status hpx_place_blob(hpx_store *store, MDB_txn *txn, struct staged *staged, const hpx_hash *key,
                          uint32_t epoch, hpx_error *error)
{
    uint64_t references;
    char *path = path_of(store, &staged->hash);
    hpx_status status = hpx_count_references(&references, store, txn, &staged->hash, error);
    if (!status && !hpx_keep_at_end(store, path) && references == 0)
        hpx_remove_at_end(store, path, false);
    if (!status)
        status = give_name(store, staged, path, error);
    free(path);
    return status ? status : hpx_refer_to_blob(store, txn, &staged->hash, key, epoch, error);
}

hpx_status hpx_release_blob(hpx_store *store, MDB_txn *txn, const hpx_hash *hash, const hpx_hash *key,
                            uint32_t epoch, hpx_error *error)
{
    uint64_t references;
    struct key name = hpx_key_of_reference(hash, key, epoch);
    hpx_status status = hpx_delete_key(store, txn, DB_BLOBS, &name, error);
    if (!status)
        status = hpx_count_references(&references, store, txn, hash, error);
    if (!status && references == 0) {
        char *path = path_of(store, hash);
        hpx_remove_at_end(store, path, true);
        free(path);
    }
    return status;
}

/* --- reading --- */

hpx_status hpx_open_blob(hpx_blob *out, const hpx_store *store, const hpx_hash *hash, uint64_t size,
                         hpx_error *error)
{
    char *path = path_of(store, hash);
    hpx_status status = hpx_blob_open(out, path, error);
    if (!status && out->size != size) {
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: %llu bytes of %llu", path,
                               (unsigned long long)out->size, (unsigned long long)size);
        hpx_blob_close(out);
    }
    free(path);
    return status;
}

/* --- all files --- */

/* Calls for each file below blobs/ that has a hash for a name. */
static hpx_status each_file(hpx_store *store,
                            hpx_status (*each)(void *context, const hpx_hash *hash, uint64_t bytes,
                                               hpx_error *error),
                            void *context, hpx_error *error)
{
    char *top = folder_of(store);
    hpx_status status = HPX_OK;
    for (unsigned first = 0; first < 256 && !status; first++) {
        char *folder = hpx_format("%s/%02x", top, first);
        DIR *files = opendir(folder);
        const struct dirent *entry;
        while (files && !status && (entry = readdir(files))) {
            hpx_hash hash = {{0}};
            struct stat info;
            if (hpx_unhex(hash.bytes, sizeof hash.bytes, entry->d_name) && hash.bytes[0] == first &&
                fstatat(dirfd(files), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0)
                status = each(context, &hash, (uint64_t)info.st_size, error);
        }
        if (files)
            closedir(files);
        free(folder);
    }
    free(top);
    return status;
}

static hpx_status add_bytes(void *context, const hpx_hash *hash, uint64_t bytes, hpx_error *error)
{
    (void)hash, (void)error;
    *(uint64_t *)context += bytes;
    return HPX_OK;
}

hpx_status hpx_count_blob_bytes(uint64_t *out, hpx_store *store, hpx_error *error)
{
    *out = 0;
    return each_file(store, add_bytes, out, error);
}

struct orphans {
    hpx_store *store;
    MDB_txn *txn;
    bool remove;
    uint64_t count, bytes;
};

static hpx_status look_at_file(void *context, const hpx_hash *hash, uint64_t bytes, hpx_error *error)
{
    struct orphans *orphans = context;
    uint64_t references;
    hpx_status status = hpx_count_references(&references, orphans->store, orphans->txn, hash, error);
    if (status || references > 0)
        return status;
    orphans->count++;
    orphans->bytes += bytes;
    if (orphans->remove) {
        char *path = path_of(orphans->store, hash);
        hpx_remove_at_end(orphans->store, path, true);
        free(path);
    }
    return HPX_OK;
}

hpx_status hpx_find_orphans(uint64_t *count, uint64_t *bytes, hpx_store *store, MDB_txn *txn, bool remove,
                            hpx_error *error)
{
    struct orphans orphans = {.store = store, .txn = txn, .remove = remove};
    hpx_status status = each_file(store, look_at_file, &orphans, error);
    *count = orphans.count;
    *bytes = orphans.bytes;
    if (remove) {
        char *folder = folder_of(store);
        hpx_file_remove_left_over(folder);
        free(folder);
    }
    return status;
}
