/* Messages as files: what rename makes of two of them, and no more. What they say is read in message.c. */
#include "worker/message.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct file {
    int fd;
    const char *path;
};

static hpx_status add_piece(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    const struct file *file = context;
    while (size > 0) {
        const ssize_t put = write(file->fd, bytes, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return hpx_error_errno(error, "%s", file->path);
        bytes += put;
        size -= (size_t)put;
    }
    return HPX_OK;
}

/* The bytes, or the blob where there are none. One process writes the file, so its other name needs no number, and what was left
 * there is written over: the folder is not listed, which takes long where thousands of results are. */
static hpx_status write_file(const char *path, const hpx_buffer *bytes, const hpx_blob *blob, bool sync,
                             hpx_error *error)
{
    char *other = hpx_format("%s.tmp", path);
    struct file file = {open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), path};
    if (file.fd < 0) {
        free(other);
        return hpx_error_errno(error, "%s", path);
    }
    hpx_status status = bytes ? add_piece(&file, bytes->data, bytes->size, error)
                              : hpx_blob_each_piece(blob, add_piece, &file, error);
    if (!status && sync && fsync(file.fd) != 0)
        status = hpx_error_errno(error, "%s", path);
    if (close(file.fd) != 0 && !status)
        status = hpx_error_errno(error, "%s", path);
    if (!status && rename(other, path) != 0)
        status = hpx_error_errno(error, "%s", path);
    if (status)
        unlink(other);
    free(other);
    return status;
}

hpx_status hpx_message_write_file(const char *path, const hpx_buffer *bytes, const hpx_blob *blob, bool sync,
                                  hpx_error *error)
{
    char *message_path = hpx_format("%s.msg", path), *blob_path = hpx_format("%s.blob", path);
    hpx_status status = HPX_OK;
    if (blob->fd >= 0)
        status = write_file(blob_path, NULL, blob, sync, error);
    else if (unlink(blob_path) != 0 && errno != ENOENT) /* of one that was never finished */
        status = hpx_error_errno(error, "%s", blob_path);
    if (!status)
        status = write_file(message_path, bytes, NULL, sync, error);
    free(message_path);
    free(blob_path);
    return status;
}

hpx_status hpx_message_read_file(hpx_message *message, hpx_buffer *bytes, hpx_blob *blob, const char *path,
                                 hpx_error *error)
{
    char *message_path = hpx_format("%s.msg", path), *blob_path = hpx_format("%s.blob", path);
    *blob = HPX_NO_BLOB;
    bytes->size = 0;
    hpx_status status = hpx_file_read(bytes, message_path, HPX_MESSAGE_BYTES_MAX, error);
    if (!status) {
        status = hpx_message_read(message, bytes->data, bytes->size, error);
        if (!status && message->size != bytes->size)
            status = hpx_error_set(error, HPX_DAMAGED, "more than one message");
        if (status)
            hpx_error_prefix(error, "%s", message_path);
        if (status == HPX_NOT_FOUND)
            status = HPX_DAMAGED; /* a part of one */
    }
    if (!status && hpx_blob_open(blob, blob_path, error) == HPX_FAILED)
        status = HPX_FAILED;
    free(message_path);
    free(blob_path);
    return status;
}
