#include "copy.h"
#include "scratch.h"
#include "tree.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE_EXECUTABLE 0100755u
#define MODE_LINK       0120000u

/* The hash of what is in an open file, from its beginning. */
static bool hash_of(hpx_hash *out, int fd)
{
    uint8_t piece[1 << 16];
    hpx_hasher *hasher = hpx_hasher_new();
    off_t at = 0;
    ssize_t got = 1;
    while (got > 0 || (got < 0 && errno == EINTR)) {
        got = pread(fd, piece, sizeof piece, at);
        if (got > 0)
            hpx_hasher_add(hasher, piece, (size_t)got);
        at += got > 0 ? got : 0;
    }
    *out = hpx_hasher_finish(hasher);
    return got == 0;
}

static bool link_says(int at, const char *name, const hpx_snapshot_file *file)
{
    char *target = hpx_alloc(file->size + 1);
    const ssize_t length = readlinkat(at, name, target, file->size + 1);
    const bool same = length == (ssize_t)file->size && memcmp(target, file->bytes, file->size) == 0;
    free(target);
    return same;
}

/* --- a snapshot that is there ----------------------------------------------------------------------------- */

/* The machine may have lost its power since, and programs know the place. */
static bool is_whole(int folder, const hpx_snapshot_file *file)
{
    if (file->mode == MODE_LINK)
        return link_says(folder, file->path, file);
    struct stat info;
    hpx_hash hash;
    const int fd = openat(folder, file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const bool whole = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                       !(info.st_mode & S_IXUSR) == (file->mode != MODE_EXECUTABLE) && hash_of(&hash, fd) &&
                       hpx_hash_equal(&hash, &file->hash);
    if (fd >= 0)
        close(fd);
    return whole;
}

/* Opened and locked against collection; -1 when there is none. One that is not what it was is set aside, and removed
 * unless somebody still uses it: gc does so later. */
static int open_snapshot(int snapshots, const char *name, const hpx_snapshot_file *files, size_t count)
{
    struct stat mine, there;
    const int fd = openat(snapshots, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    bool whole = flock(fd, LOCK_SH) == 0 && fstat(fd, &mine) == 0 &&
                 fstatat(snapshots, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && mine.st_ino == there.st_ino;
    const bool collected = !whole;
    for (size_t i = 0; i < count && whole; i++)
        whole = is_whole(fd, &files[i]);
    if (whole) {
        futimens(fd, NULL);
        return fd;
    }
    char *aside = hpx_format("%s" UNFINISHED "%ld.damaged", name, (long)getpid());
    if (!collected && renameat(snapshots, name, snapshots, aside) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        hpx_tree_remove(snapshots, aside);
    free(aside);
    close(fd);
    return -1;
}

/* --- a new one -------------------------------------------------------------------------------------------- */

static hpx_status write_bytes(int fd, const hpx_snapshot_file *file, hpx_error *error)
{
    const uint8_t *bytes = file->bytes;
    for (size_t done = 0; done < file->size;) {
        const ssize_t wrote = write(fd, bytes + done, file->size - done);
        if (wrote < 0 && errno != EINTR)
            return hpx_error_errno(error, "%s", file->path);
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return HPX_OK;
}

static int create(int at, const char *name, const hpx_snapshot_file *file)
{
    if (!file->source)
        return openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    const int from = open(file->source, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const int fd = from >= 0 ? hpx_tree_copy(at, name, from, 0600) : -1;
    const int code = errno;
    if (from >= 0)
        close(from);
    errno = code;
    return fd;
}

/* What was copied is what is hashed, so that an edit at the same time is noticed. */
static hpx_status make_file(int at, const char *name, const hpx_snapshot_file *file, hpx_error *error)
{
    if (file->mode == MODE_LINK) {
        char *target = hpx_strndup(file->bytes, file->size);
        const int code = symlinkat(target, at, name);
        free(target);
        return code == 0 ? HPX_OK : hpx_error_errno(error, "%s", file->path);
    }
    hpx_hash hash;
    const int fd = create(at, name, file);
    if (fd < 0)
        return errno == ENOENT ? hpx_error_set(error, HPX_DIFFERS, "%s is gone", file->path)
                               : hpx_error_errno(error, "%s", file->source ? file->source : file->path);
    hpx_status status = file->source ? HPX_OK : write_bytes(fd, file, error);
    const int copied = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (!status && (copied < 0 || !hash_of(&hash, copied) ||
                    fchmod(fd, file->mode == MODE_EXECUTABLE ? 0555 : 0444) != 0))
        status = hpx_error_errno(error, "%s", file->path);
    if (!status && !hpx_hash_equal(&hash, &file->hash))
        status = hpx_error_set(error, HPX_DIFFERS, "%s is being edited", file->path);
    if (copied >= 0)
        close(copied);
    close(fd);
    return status;
}

/* Makes the folders on the way to the file, and it. */
static hpx_status make_below(int folder, const hpx_snapshot_file *file, hpx_error *error)
{
    const char *at = file->path;
    int here = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    for (const char *slash; here >= 0 && (slash = strchr(at, '/')); at = slash + 1) {
        char *name = hpx_strndup(at, (size_t)(slash - at));
        const int next = hpx_tree_make(here, name, 0700);
        free(name);
        close(here);
        here = next;
    }
    if (here < 0)
        return hpx_error_errno(error, "%s", file->path);
    hpx_status status = make_file(here, at, file, error);
    close(here);
    return status;
}

/* Folders, too, cannot be written to by accident. */
static void protect(int folder, const hpx_snapshot_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *path = hpx_path_directory(files[i].path);
        while (strcmp(path, ".") != 0) {
            fchmodat(folder, path, 0555, 0);
            char *above = hpx_path_directory(path);
            free(path);
            path = above;
        }
        free(path);
    }
    fchmod(folder, 0555);
}

static int make_unfinished(char **name, int snapshots, const char *final)
{
    for (unsigned i = 0;; i++) {
        *name = hpx_format("%s" UNFINISHED "%ld.%u", final, (long)getpid(), i);
        if (mkdirat(snapshots, *name, 0700) == 0)
            break;
        free(*name);
        *name = NULL;
        if (errno != EEXIST)
            return -1;
    }
    const int fd = openat(snapshots, *name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        flock(fd, LOCK_SH);
    return fd;
}

static hpx_status make_snapshot(int *held, int snapshots, const char *final, const hpx_snapshot_file *files,
                                size_t count, hpx_error *error)
{
    char *name = NULL;
    const int fd = make_unfinished(&name, snapshots, final);
    if (fd < 0) {
        free(name);
        return hpx_error_errno(error, "the snapshot of the code");
    }
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < count && !status; i++)
        status = make_below(fd, &files[i], error);
    if (!status)
        protect(fd, files, count);
    /* Another process may have made it meanwhile. */
    if (!status && renameat(snapshots, name, snapshots, final) == 0) {
        *held = fd;
    } else {
        const int code = errno;
        hpx_tree_remove(snapshots, name);
        close(fd);
        errno = code;
        if (!status && code != EEXIST && code != ENOTEMPTY)
            status = hpx_error_errno(error, "the snapshot of the code");
    }
    free(name);
    return status;
}

hpx_status hpx_snapshot_make(char **folder, int *held, const char *scratch, const char *name,
                             const hpx_snapshot_file *files, size_t count, hpx_error *error)
{
    int snapshots;
    *folder = NULL;
    *held = -1;
    hpx_status status = hpx_scratch_open(&snapshots, scratch, HPX_SNAPSHOTS, error);
    if (status)
        return status;
    while (!status && *held < 0) {
        *held = open_snapshot(snapshots, name, files, count);
        if (*held < 0)
            status = make_snapshot(held, snapshots, name, files, count, error);
    }
    if (!status)
        *folder = hpx_format("%s/" HPX_SNAPSHOTS "/%s", scratch, name);
    close(snapshots);
    return status;
}
