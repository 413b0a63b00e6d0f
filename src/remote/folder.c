/* A shared store in a folder that several may write to: FOLDER/ac/DIGITS and FOLDER/cas/DIGITS, a file each. A file is written
 * under another name and renamed, so that nobody sees a part of it. It is not synced: what a crash cuts short has another size
 * or hash than it should, and is written again by whoever has it. The folder itself must be there: it may be a disk that is not
 * mounted. */
#include "transport.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)64 << 10)

struct folder {
    hpx_transport transport;
    char *path;
    mode_t mode;      /* of the folder: who may read it may read what is in it, too */
    unsigned written; /* files, or tried to */
};

static hpx_status open_file(int *out, uint64_t *size, const char *path, hpx_error *error)
{
    struct stat info;
    *out = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*out < 0 && errno == ENOENT)
        return hpx_error_set(error, HPX_NOT_FOUND, "%s: there is no such file", path);
    if (*out < 0 || fstat(*out, &info) != 0)
        return hpx_error_errno(error, "%s", path);
    *size = (uint64_t)info.st_size;
    return S_ISREG(info.st_mode) ? HPX_OK : hpx_error_set(error, HPX_FAILED, "%s: not a regular file", path);
}

static hpx_status get(struct folder *folder, hpx_transfer *transfer, const char *path, hpx_error *error)
{
    uint8_t piece[PIECE_BYTES];
    uint64_t size = 0;
    int fd = -1;
    hpx_status status = open_file(&fd, &size, path, error);
    if (!status && size > transfer->size)
        status = hpx_error_set(error, HPX_FAILED, "%s: larger than it may be", path);
    if (!status)
        status = hpx_transfer_make_room(transfer, size, error);
    for (uint64_t left = size; !status && left > 0;) {
        const ssize_t got = read(fd, piece, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            status = hpx_error_errno(error, "%s", path);
        if (got <= 0)
            break;
        left -= (uint64_t)got;
        folder->transport.moved += (uint64_t)got;
        status = hpx_blob_add(&transfer->blob, piece, (size_t)got, error);
    }
    if (fd >= 0)
        close(fd);
    return status;
}

/* A new file beside the path. In containers processes have the same numbers, and one that was killed leaves its file. */
static int create_temporary(char **name, struct folder *folder, const char *path)
{
    int fd;
    *name = NULL;
    do {
        free(*name);
        *name = hpx_format("%s.%ld.%u.part", path, (long)getpid(), folder->written++);
        fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    } while (fd < 0 && errno == EEXIST);
    return fd;
}

static hpx_status write_file(struct folder *folder, const hpx_transfer *transfer, const char *path,
                             hpx_error *error)
{
    hpx_status status = HPX_OK;
    char *temporary;
    const int fd = create_temporary(&temporary, folder, path);
    if (fd < 0 || fchmod(fd, (folder->mode & 0444) | 0600) != 0)
        status = hpx_error_errno(error, "%s", temporary);
    else if (hpx_blob_copy(fd, NULL, &transfer->blob, error))
        status = hpx_error_errno(error, "%s", temporary);
    if (fd >= 0 && close(fd) != 0 && !status)
        status = hpx_error_errno(error, "%s", temporary);
    if (!status && rename(temporary, path) != 0)
        status = hpx_error_errno(error, "%s", path);
    if (status && fd >= 0)
        unlink(temporary);
    folder->transport.moved += status ? 0 : transfer->blob.size;
    free(temporary);
    return status;
}

static hpx_status put(struct folder *folder, const hpx_transfer *transfer, const char *path, hpx_error *error)
{
    char *parent = hpx_path_directory(path);
    hpx_status status = HPX_OK;
    if ((mkdir(parent, 0700) != 0 || chmod(parent, folder->mode) != 0) && errno != EEXIST)
        status = hpx_error_errno(error, "%s", parent);
    if (!status)
        status = write_file(folder, transfer, path, error);
    free(parent);
    return status;
}

static hpx_status move(struct folder *folder, hpx_transfer *transfer, hpx_error *error)
{
    char *path = hpx_path_join(folder->path, transfer->path);
    struct stat info;
    uint64_t size;
    int fd = -1;
    hpx_status status;
    folder->mode = stat(folder->path, &info) == 0 && S_ISDIR(info.st_mode) ? info.st_mode & 07777 : 0;
    if (folder->mode == 0) {
        folder->transport.gone = true;
        status = hpx_error_set(error, HPX_FAILED, "there is no such folder");
    } else if (transfer->kind == HPX_HAS) {
        status = open_file(&fd, &size, path, error);
        if (!status && size != transfer->size)
            status = hpx_error_set(error, HPX_NOT_FOUND, "%s: of another size", path);
        if (fd >= 0)
            close(fd);
    } else {
        status = transfer->kind == HPX_GET ? get(folder, transfer, path, error)
                                           : put(folder, transfer, path, error);
    }
    free(path);
    return status;
}

static void wait(hpx_transport *transport, double seconds)
{
    struct folder *folder = (struct folder *)transport;
    hpx_transfer *transfer = hpx_transport_take(transport);
    hpx_error error;
    (void)seconds;
    if (!transfer)
        return;
    const hpx_status status = move(folder, transfer, &error);
    transfer->done(transfer, status, &error);
}

static void close_folder(hpx_transport *transport)
{
    struct folder *folder = (struct folder *)transport;
    free(folder->path);
    free(folder);
}

hpx_transport *hpx_transport_folder(const char *path)
{
    struct folder *folder = hpx_alloc(sizeof *folder);
    folder->transport = (hpx_transport){.wait = wait, .close = close_folder};
    folder->path = hpx_strdup(path);
    return &folder->transport;
}
