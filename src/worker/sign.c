/* The bytes of a sign: "hpx-sign SIZE HASH\n", the first line 64 bytes long, and SIZE bytes of text. What an older, longer
 * text has left behind them is not looked at. A reader that meets a text half written sees a hash that is not its. */
#include "sign.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEAD_BYTES 64

static void make_head(char head[HEAD_BYTES + 1], const void *text, size_t size)
{
    char hex[HPX_HASH_HEX_BYTES];
    const hpx_hash hash = hpx_hash_of(text, size);
    snprintf(head, HEAD_BYTES + 1, "hpx-sign %7zu %-46s\n", size, hpx_hash_hex(hex, &hash));
}

hpx_status hpx_sign_make(const char *path, hpx_error *error)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return hpx_error_errno(error, "%s", path);
    close(file);
    return HPX_OK;
}

hpx_status hpx_sign_write(const char *path, const hpx_buffer *text, hpx_error *error)
{
    hpx_buffer bytes = {0};
    char head[HEAD_BYTES + 1];
    if (text->size > HPX_SIGN_BYTES_MAX)
        return hpx_error_set(error, HPX_FAILED, "%s: %zu bytes are more than a sign holds", path, text->size);
    make_head(head, text->data, text->size);
    hpx_buffer_add(&bytes, head, HEAD_BYTES);
    hpx_buffer_add(&bytes, text->data, text->size);
    const int file = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t written = file < 0 ? -1 : pwrite(file, bytes.data, bytes.size, 0);
    hpx_status status = HPX_OK;
    if (written < 0)
        status = hpx_error_errno(error, "%s", path);
    else if ((size_t)written < bytes.size)
        status = hpx_error_set(error, HPX_FAILED, "%s: no space is left", path);
    if (file >= 0 && close(file) != 0 && !status) /* where some file systems say that the disk is full */
        status = hpx_error_errno(error, "%s", path);
    hpx_buffer_free(&bytes);
    return status;
}

/* What a read leaves out is not there, or the hash tells. */
static hpx_status read_whole(hpx_buffer *out, int file, const char *path, hpx_error *error)
{
    size_t room;
    ssize_t got;
    do {
        hpx_buffer_reserve(out, 4096);
        room = out->capacity - out->size;
        got = pread(file, out->data + out->size, room, (off_t)out->size);
        out->size += got > 0 ? (size_t)got : 0;
    } while ((got == (ssize_t)room && out->size <= HEAD_BYTES + HPX_SIGN_BYTES_MAX) ||
             (got < 0 && errno == EINTR));
    return got < 0 ? hpx_error_errno(error, "%s", path) : HPX_OK;
}

/* Leaves the text alone, if it is whole. */
static bool take_text(hpx_buffer *bytes)
{
    size_t size;
    char head[HEAD_BYTES + 1];
    if (bytes->size < HEAD_BYTES || sscanf(hpx_buffer_text(bytes), "hpx-sign %7zu ", &size) != 1 ||
        size > bytes->size - HEAD_BYTES)
        return false;
    make_head(head, bytes->data + HEAD_BYTES, size);
    if (memcmp(head, bytes->data, HEAD_BYTES) != 0)
        return false;
    memmove(bytes->data, bytes->data + HEAD_BYTES, size);
    bytes->size = size;
    return true;
}

hpx_status hpx_sign_read(hpx_buffer *out, const char *path, hpx_error *error)
{
    out->size = 0;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && (errno == ENOENT || errno == ESTALE))
        return hpx_error_set(error, HPX_NOT_FOUND, "%s: there is none", path);
    if (file < 0)
        return hpx_error_errno(error, "%s", path);
    hpx_status status = read_whole(out, file, path, error);
    close(file);
    if (!status && !take_text(out))
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: it says nothing yet", path);
    return status;
}
