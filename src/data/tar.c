/* A tar archive is a row of 512-byte headers, each followed by its file padded to a multiple of 512 (POSIX.1,
 * pax, "ustar interchange format"). Only what a search needs is looked at; other types of entry are
 * skipped. */
#include "fetching.h"

#include "hpx/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAR_BLOCK 512

typedef struct tar_header {
    char name[100], mode[8], owner[8], group[8], size[12], modified[12], checksum[8];
    char type; /* '0', or NUL in old archives: a regular file */
    char link[100], magic[8], user_name[32], group_name[32], major[8], minor[8];
    char prefix[155]; /* what stands before "/name" when it does not fit there */
    char padding[12];
} tar_header;

_Static_assert(sizeof(tar_header) == TAR_BLOCK, "a tar header is one block");

static bool parse_octal(size_t *out, const char *digits, size_t length)
{
    size_t value = 0, i = 0;
    for (; i < length && digits[i] >= '0' && digits[i] <= '7'; i++)
        value = value * 8 + (size_t)(digits[i] - '0');
    *out = value;
    return i > 0 && (i == length || digits[i] == 0 || digits[i] == ' ');
}

static bool is_file_named(const tar_header *header, const char *path)
{
    char found[sizeof header->prefix + sizeof header->name + 2];
    bool prefixed = memcmp(header->magic, "ustar", 5) == 0 && header->prefix[0] != 0;
    snprintf(found, sizeof found, "%.*s%s%.*s", prefixed ? (int)sizeof header->prefix : 0, header->prefix,
             prefixed ? "/" : "", (int)sizeof header->name, header->name);
    return (header->type == '0' || header->type == 0) && strcmp(found, path) == 0;
}

bool hpx_tar_find(const uint8_t **bytes, size_t *size, const hpx_buffer *tar, const char *folder,
                  const char *name)
{
    char *path = hpx_path_join(folder, name);
    bool found = false;
    for (size_t at = 0; !found && tar->size - at >= TAR_BLOCK;) {
        tar_header header;
        memcpy(&header, tar->data + at, sizeof header);
        at += TAR_BLOCK;
        /* The archive ends with empty headers; one with no size, or that says more than is there, ends it
         * too. */
        if (!parse_octal(size, header.size, sizeof header.size) || *size > tar->size - at)
            break;
        found = is_file_named(&header, path);
        if (found)
            *bytes = tar->data + at;
        size_t padded = (*size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
        at = padded < tar->size - at ? at + padded : tar->size;
    }
    free(path);
    return found;
}
