/* Makes the n-th write to a store's files a short one: half of what was asked for is written. Counts
 * pwrite, pwritev, writev and write to files named hpx.* and incoming.*, and to blobs in memory;
 * FAULT_WRITE_AT is n. When it has fired, FAULT_FIRED names a file that is made. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at);

static bool is_store_file(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    const char *name = strrchr(path, '/');
    return name && (strncmp(name, "/hpx.", 5) == 0 || strncmp(name, "/incoming.", 10) == 0 ||
                    strncmp(name, "/memfd:hpx", 10) == 0);
}

static bool is_short(int fd)
{
    static long count;
    const char *when = getenv("FAULT_WRITE_AT"), *fired = getenv("FAULT_FIRED");
    if (!when || !is_store_file(fd) || ++count != strtol(when, NULL, 10))
        return false;
    if (fired)
        close(open(fired, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    return true;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t size)
{
    return REAL(write)(fd, bytes, is_short(fd) ? size / 2 : size);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    return REAL(pwrite)(fd, bytes, is_short(fd) ? size / 2 : size, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
    return REAL(pwrite64)(fd, bytes, is_short(fd) ? size / 2 : size, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    if (!is_short(fd))
        return REAL(pwritev)(fd, parts, count, at);
    if (count > 1)
        return REAL(pwritev)(fd, parts, count / 2, at);
    return REAL(pwrite)(fd, parts[0].iov_base, parts[0].iov_len / 2, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (!is_short(fd))
        return REAL(writev)(fd, parts, count);
    if (count > 1)
        return REAL(writev)(fd, parts, count / 2);
    return REAL(write)(fd, parts[0].iov_base, parts[0].iov_len / 2);
}
