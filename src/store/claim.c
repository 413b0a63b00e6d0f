/* Claims: which process trains a trajectory, when several want it at once. A claim is a lock on one byte of
 * the file hpx.claims, at an offset taken from the key. The kernel drops it when its process ends, however it
 * ends, so there is nothing to time out and no stale claim. Locks belong to the open file and not to the
 * process (F_OFD_SETLK, see fcntl(2)), and workers do not inherit it. Two keys that share an offset, one
 * chance in 2^62, only wait for each other. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct flock byte_of(const hpx_hash *key, short type)
{
    return (struct flock){
        .l_type = type,
        .l_whence = SEEK_SET,
        .l_start = (off_t)(load_big_u64(key->bytes) >> 2),
        .l_len = 1,
    };
}

hpx_status open_claims(hpx_store *store, hpx_error *error)
{
    char *path = hpx_path_join(store->directory, "hpx.claims");
    store->claims = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    hpx_status status = store->claims < 0 ? hpx_error_errno(error, "%s", path) : HPX_OK;
    free(path);
    return status;
}

hpx_status hpx_store_claim(bool *claimed, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    struct flock lock = byte_of(key, F_WRLCK);
    *claimed = fcntl(store->claims, F_OFD_SETLK, &lock) == 0;
    if (*claimed || errno == EAGAIN || errno == EACCES)
        return HPX_OK;
    return hpx_error_errno(error, "%s: cannot claim a trial", store->directory);
}

void hpx_store_release(hpx_store *store, const hpx_hash *key)
{
    struct flock lock = byte_of(key, F_UNLCK);
    fcntl(store->claims, F_OFD_SETLK, &lock);
}
