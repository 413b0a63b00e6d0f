#include "hpx/blob.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

hpx_status hpx_blob_new(hpx_blob *out, hpx_error *error)
{
    *out = (hpx_blob){.fd = memfd_create("hpx-blob", MFD_CLOEXEC)};
    return out->fd >= 0 ? HPX_OK : hpx_error_errno(error, "cannot keep bytes in memory");
}

/* Not all file systems make files without a name. */
static int open_nameless(const char *folder)
{
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0)
        return file;
    char *path = hpx_format("%s/hpx-spool-XXXXXX", folder);
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    free(path);
    return file;
}

hpx_status hpx_blob_new_file_in(hpx_blob *out, const char *folder, hpx_error *error)
{
    *out = (hpx_blob){.fd = open_nameless(folder)};
    return out->fd >= 0 ? HPX_OK : hpx_error_errno(error, "%s: cannot keep bytes there meanwhile", folder);
}

hpx_status hpx_blob_new_file(hpx_blob *out, hpx_error *error)
{
    const char *variable = getenv("TMPDIR");
    const char *folder = variable && *variable           ? variable
                         : access("/var/tmp", W_OK) == 0 ? "/var/tmp"
                                                         : "/tmp";
    if (!hpx_blob_new_file_in(out, folder, error))
        return HPX_OK;
    return hpx_error_set(error, HPX_FAILED, "%s; set TMPDIR to a folder with room", error->message);
}

hpx_status hpx_blob_from_bytes(hpx_blob *out, const void *bytes, size_t size, hpx_error *error)
{
    hpx_status status = hpx_blob_new(out, error);
    if (!status)
        status = hpx_blob_add(out, bytes, size, error);
    if (status)
        hpx_blob_close(out);
    return status;
}

hpx_status hpx_blob_open(hpx_blob *out, const char *path, hpx_error *error)
{
    struct stat info;
    *out = (hpx_blob){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    hpx_status status = HPX_OK;
    if (out->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no such file", path);
    else if (out->fd < 0 || fstat(out->fd, &info) != 0)
        status = hpx_error_errno(error, "%s", path);
    else if (!S_ISREG(info.st_mode))
        status = hpx_error_set(error, HPX_FAILED, "%s: not a regular file", path);
    else
        out->size = (uint64_t)info.st_size;
    if (status)
        hpx_blob_close(out);
    return status;
}

void hpx_blob_close(hpx_blob *blob)
{
    if (blob->fd >= 0)
        close(blob->fd);
    *blob = HPX_NO_BLOB;
}

static hpx_status write_at(int fd, const uint8_t *bytes, size_t size, uint64_t at, hpx_error *error)
{
    while (size > 0) {
        ssize_t put = pwrite(fd, bytes, size, (off_t)at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return hpx_error_errno(error, "cannot write");
        bytes += put;
        at += (uint64_t)put;
        size -= (size_t)put;
    }
    return HPX_OK;
}

hpx_status hpx_blob_add(hpx_blob *blob, const void *bytes, size_t size, hpx_error *error)
{
    hpx_status status = write_at(blob->fd, bytes, size, blob->size, error);
    if (!status)
        blob->size += size;
    return status;
}

hpx_status hpx_blob_read(const hpx_blob *blob, void *bytes, size_t size, uint64_t at, hpx_error *error)
{
    uint8_t *to = bytes;
    while (size > 0) {
        ssize_t got = pread(blob->fd, to, size, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return hpx_error_errno(error, "cannot read");
        if (got == 0)
            break;
        to += got;
        at += (uint64_t)got;
        size -= (size_t)got;
    }
    if (size == 0)
        return HPX_OK;
    errno = EIO;
    return hpx_error_set(error, HPX_FAILED, "the file is shorter than %llu bytes",
                         (unsigned long long)blob->size);
}

hpx_status hpx_blob_each_piece(const hpx_blob *blob, hpx_piece_fn *each, void *context, hpx_error *error)
{
    hpx_status status = HPX_OK;
    uint8_t *piece = hpx_realloc(NULL, blob->size < HPX_PIECE_BYTES ? blob->size : HPX_PIECE_BYTES, 1);
    for (uint64_t at = 0; at < blob->size && !status; at += HPX_PIECE_BYTES) {
        size_t size = blob->size - at < HPX_PIECE_BYTES ? (size_t)(blob->size - at) : HPX_PIECE_BYTES;
        status = hpx_blob_read(blob, piece, size, at, error);
        if (!status)
            status = each(context, piece, size, error);
    }
    free(piece);
    return status;
}

struct copy {
    int fd; /* -1: none, only hashed */
    uint64_t at;
    hpx_hasher *hasher; /* NULL: not hashed */
};

static hpx_status copy_piece(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    struct copy *copy = context;
    if (copy->hasher)
        hpx_hasher_add(copy->hasher, bytes, size);
    hpx_status status = copy->fd >= 0 ? write_at(copy->fd, bytes, size, copy->at, error) : HPX_OK;
    copy->at += size;
    return status;
}

hpx_status hpx_blob_hash(hpx_hash *out, const hpx_blob *blob, hpx_error *error)
{
    struct copy copy = {.fd = -1, .hasher = hpx_hasher_new()};
    hpx_status status = hpx_blob_each_piece(blob, copy_piece, &copy, error);
    *out = hpx_hasher_finish(copy.hasher);
    return status;
}

/* All its blocks in one call, as btrfs, XFS and others can. */
static bool share_blocks(int fd, const hpx_blob *blob)
{
    struct stat info;
    return fstat(blob->fd, &info) == 0 && (uint64_t)info.st_size == blob->size &&
           ioctl(fd, FICLONE, blob->fd) == 0;
}

/* Within the kernel, as far as it can; returns how many bytes. */
static uint64_t copy_in_kernel(int fd, const hpx_blob *blob)
{
    loff_t from = 0, to = 0;
    while ((uint64_t)from < blob->size) {
        ssize_t put = copy_file_range(blob->fd, &from, fd, &to, (size_t)(blob->size - (uint64_t)from), 0);
        if (put <= 0 && !(put < 0 && errno == EINTR))
            break;
    }
    return (uint64_t)from;
}

hpx_status hpx_blob_copy(int fd, hpx_hash *hash, const hpx_blob *blob, hpx_error *error)
{
    if (share_blocks(fd, blob))
        return hash ? hpx_blob_hash(hash, blob, error) : HPX_OK;
    if (!hash && copy_in_kernel(fd, blob) == blob->size)
        return HPX_OK;
    struct copy copy = {.fd = fd, .hasher = hash ? hpx_hasher_new() : NULL};
    hpx_status status = hpx_blob_each_piece(blob, copy_piece, &copy, error);
    if (hash)
        *hash = hpx_hasher_finish(copy.hasher);
    return status;
}

hpx_status hpx_blob_map(const uint8_t **bytes, const hpx_blob *blob, hpx_error *error)
{
    struct stat info;
    *bytes = NULL;
    if (blob->size == 0)
        return HPX_OK;
    /* A touch behind the end of the file would be a SIGBUS. */
    if (fstat(blob->fd, &info) != 0)
        return hpx_error_errno(error, "cannot read");
    if ((uint64_t)info.st_size < blob->size)
        return hpx_error_set(error, HPX_FAILED, "the file is shorter than %llu bytes",
                             (unsigned long long)blob->size);
    void *map = mmap(NULL, (size_t)blob->size, PROT_READ, MAP_SHARED, blob->fd, 0);
    if (map == MAP_FAILED)
        return hpx_error_errno(error, "cannot map %llu bytes", (unsigned long long)blob->size);
    *bytes = map;
    return HPX_OK;
}

void hpx_blob_unmap(const uint8_t *bytes, uint64_t size)
{
    if (bytes)
        munmap((void *)bytes, (size_t)size);
}
