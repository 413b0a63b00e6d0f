/* Compaction: a copy without free pages takes the place of the data file, while nobody has the store open.
 * The copy is on the disk before it is renamed, so a crash leaves the old file or the new one. LMDB's lock
 * file belongs to the old one and goes with it; where a crash leaves it, the next to open the store is alone
 * and resets it. */
#include "store/space.h"

#include "internal.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_SUFFIX ".compact"

static hpx_status remove_file(const char *path, hpx_error *error)
{
    return unlink(path) == 0 || errno == ENOENT ? HPX_OK : hpx_error_errno(error, "%s", path);
}

static hpx_status sync_path(const char *path, hpx_error *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    int code = file < 0 ? -1 : fsync(file);
    hpx_status status = code == 0 ? HPX_OK : hpx_error_errno(error, "%s", path);
    if (file >= 0)
        close(file);
    return status;
}

/* Writes the copy, with the data file's permissions, to the disk. */
static hpx_status copy_data(uint64_t *bytes, hpx_store *store, const char *copy, const struct stat *old,
                            hpx_error *error)
{
    struct stat new;
    int code = mdb_env_copy2(store->env, copy, MDB_CP_COMPACT);
    if (code != 0)
        return hpx_lmdb_failed(store, code, error);
    if (chmod(copy, old->st_mode & 07777) != 0 || stat(copy, &new) != 0)
        return hpx_error_errno(error, "%s", copy);
    if ((new.st_uid != old->st_uid || new.st_gid != old->st_gid) &&
        chown(copy, old->st_uid, old->st_gid) != 0)
        return hpx_error_errno(error, "%s", copy);
    *bytes = (uint64_t) new.st_size;
    return sync_path(copy, error);
}

/* Puts the copy in the data file's place. The environment is closed. */
static hpx_status replace_data(hpx_store *store, const char *copy, hpx_error *error)
{
    hpx_close_environments(store);
    if (rename(copy, store->path) != 0)
        return hpx_error_errno(error, "%s", store->path);
    hpx_status status = remove_file(store->lock_path, error);
    return status ? status : sync_path(store->directory, error);
}

hpx_status hpx_store_compact(uint64_t *bytes_before, uint64_t *bytes_after, const char *directory,
                             hpx_error *error)
{
    hpx_store *store = NULL;
    struct stat old;
    char *data = hpx_path_join(directory, DATA_FILE), *copy = hpx_format("%s" TEMPORARY_SUFFIX, data);
    hpx_status status = HPX_OK;
    if (!hpx_path_exists(data))
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no store here", directory);
    if (!status)
        status = hpx_open_locked(&store, directory, HPX_STORE_WRITE, true, false, error);
    if (!status)
        status = remove_file(copy, error);
    if (!status && stat(data, &old) != 0)
        status = hpx_error_errno(error, "%s", data);
    if (!status) {
        status = copy_data(bytes_after, store, copy, &old, error);
        if (!status)
            status = replace_data(store, copy, error);
        if (status)
            unlink(copy);
        *bytes_before = (uint64_t)old.st_size;
    }
    hpx_store_close(store);
    free(data);
    free(copy);
    return status;
}
