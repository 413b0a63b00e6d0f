#include "tree.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define NAME_BYTES   32

/* A folder of that name, opened, with permissions restored; -1, and errno, where it is none. */
static int open_folder(int at, const char *name)
{
    int fd = openat(at, name, FOLDER_FLAGS);
    struct stat info;
    if (fd < 0 && errno == EACCES && fchmodat(at, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        fd = openat(at, name, FOLDER_FLAGS);
    if (fd >= 0 && fstat(fd, &info) == 0 && (info.st_mode & 0700) != 0700 && fchmod(fd, 0700) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int hpx_tree_make(int at, const char *name, mode_t mode)
{
    int fd = open_folder(at, name);
    if (fd < 0 && hpx_tree_remove(at, name) && mkdirat(at, name, mode) == 0)
        fd = open_folder(at, name);
    return fd;
}

bool hpx_tree_lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

DIR *hpx_tree_list(int fd)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *entries = own >= 0 ? fdopendir(own) : NULL;
    if (!entries && own >= 0)
        close(own);
    if (entries)
        rewinddir(entries);
    return entries;
}

const struct dirent *hpx_tree_next(DIR *entries)
{
    const struct dirent *entry;
    do
        entry = readdir(entries);
    while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry;
}

static bool is_folder(int at, const char *name)
{
    struct stat info;
    return fstatat(at, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

/* Moves the folder below `top` under a free number. */
static bool move_up(int at, const char *name, int top, unsigned *number)
{
    char free_name[NAME_BYTES];
    fchmodat(at, name, 0700, AT_SYMLINK_NOFOLLOW); /* one that is moved is written to, for its ".." */
    do
        snprintf(free_name, sizeof free_name, "%u", ++*number);
    while (faccessat(top, free_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
    return renameat(at, name, top, free_name) == 0;
}

/* Empties the folder `name` of `top`, and removes it; the folders in it come to stand in `top`. */
static bool flatten(int top, const char *name, unsigned *number)
{
    const int fd = open_folder(top, name);
    DIR *entries = fd >= 0 ? hpx_tree_list(fd) : NULL;
    const struct dirent *entry;
    bool done = entries != NULL;
    while (done && (entry = hpx_tree_next(entries)))
        done = is_folder(fd, entry->d_name) ? move_up(fd, entry->d_name, top, number)
                                            : unlinkat(fd, entry->d_name, 0) == 0;
    if (entries)
        closedir(entries);
    if (fd >= 0)
        close(fd);
    return done && unlinkat(top, name, AT_REMOVEDIR) == 0;
}

/* One round over the entries of a folder; *left: folders that stood below others do now stand here. */
static bool empty_once(int top, unsigned *number, bool *left)
{
    DIR *entries = hpx_tree_list(top);
    const struct dirent *entry;
    bool done = entries != NULL;
    *left = false;
    while (done && (entry = hpx_tree_next(entries))) {
        const unsigned before = *number;
        done = is_folder(top, entry->d_name) ? flatten(top, entry->d_name, number)
                                             : unlinkat(top, entry->d_name, 0) == 0;
        *left = *left || *number != before;
    }
    if (entries)
        closedir(entries);
    return done;
}

/* However deep folders are nested, it takes no more descriptors and no more stack. */
bool hpx_tree_remove(int at, const char *name)
{
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return true;
    if (!is_folder(at, name))
        return false;
    const int top = open_folder(at, name);
    unsigned number = 0;
    bool done = top >= 0, left = true;
    while (done && left)
        done = empty_once(top, &number, &left);
    if (top >= 0)
        close(top);
    return done && (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT);
}

/* --- copies ----------------------------------------------------------------------------------------------- */

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t wrote = write(fd, bytes + done, size - done);
        if (wrote < 0 && errno != EINTR)
            return false;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return true;
}

static bool copy_bytes(int to, int from)
{
    uint8_t piece[1 << 16];
    off_t at = 0;
    for (ssize_t got = 1; got != 0;) {
        got = pread(from, piece, sizeof piece, at);
        if (got < 0 && errno != EINTR)
            return false;
        if (got > 0 && !write_all(to, piece, (size_t)got))
            return false;
        at += got > 0 ? got : 0;
    }
    return true;
}

/* A clone shares the blocks; copy_file_range leaves the copying to a file server, where there is one. A small file is
 * copied sooner than asked about. */
static bool fill(int to, int from)
{
    struct stat info;
    if (fstat(from, &info) != 0)
        return false;
    if (info.st_size <= 1 << 16)
        return copy_bytes(to, from);
    if (ioctl(to, FICLONE, from) == 0)
        return true;
    off_t at = 0;
    ssize_t copied = 1;
    while (at < info.st_size && copied > 0)
        copied = copy_file_range(from, &at, to, NULL, (size_t)(info.st_size - at), 0);
    if (at == info.st_size)
        return true;
    return ftruncate(to, 0) == 0 && lseek(to, 0, SEEK_SET) == 0 && copy_bytes(to, from);
}

int hpx_tree_copy(int at, const char *name, int from, mode_t mode)
{
    const int to = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return -1;
    if (fill(to, from) && fchmod(to, mode) == 0)
        return to;
    const int code = errno;
    close(to);
    unlinkat(at, name, 0);
    errno = code;
    return -1;
}

void hpx_tree_measure(unsigned long long *bytes, int at, const char *name)
{
    const int fd = openat(at, name, FOLDER_FLAGS);
    DIR *entries = fd >= 0 ? hpx_tree_list(fd) : NULL;
    const struct dirent *entry;
    struct stat info;
    while (entries && (entry = hpx_tree_next(entries))) {
        if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        *bytes += (unsigned long long)info.st_blocks * 512;
        if (S_ISDIR(info.st_mode))
            hpx_tree_measure(bytes, fd, entry->d_name);
    }
    if (entries)
        closedir(entries);
    if (fd >= 0)
        close(fd);
}
