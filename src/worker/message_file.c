/* Messages as files: what rename makes of two of them, and no more. What they say is read in message.c. */
#include "worker/message.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static hpx_status add_piece(void *writer, const uint8_t *bytes, size_t size, hpx_error *error)
{
    return hpx_file_add(writer, bytes, size, error);
}

static hpx_status write_blob(const char *path, const hpx_blob *blob, hpx_error *error)
{
    hpx_file_writer *writer;
    hpx_status status = hpx_file_create(&writer, path, error);
    if (status)
        return status;
    status = hpx_blob_each_piece(blob, add_piece, writer, error);
    if (!status)
        return hpx_file_finish(writer, error);
    hpx_file_discard(writer);
    return status;
}

hpx_status hpx_message_write_file(const char *path, const hpx_buffer *bytes, const hpx_blob *blob,
                                  hpx_error *error)
{
    char *message_path = hpx_format("%s.msg", path), *blob_path = hpx_format("%s.blob", path);
    hpx_status status = HPX_OK;
    if (blob->fd >= 0)
        status = write_blob(blob_path, blob, error);
    else if (unlink(blob_path) != 0 && errno != ENOENT) /* of one that was never finished */
        status = hpx_error_errno(error, "%s", blob_path);
    if (!status)
        status = hpx_file_write(message_path, bytes->data, bytes->size, error);
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
