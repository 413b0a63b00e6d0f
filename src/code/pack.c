/* The files of a code record, as its field "files". Integers are little-endian.
 *
 *     u64 bytes of the entries   zlib stream (RFC 1950) of the entries, one after the other:
 *         u32 mode   u32 bytes of the path   path   u64 bytes of the content   content
 *
 * Entries ascend strictly by path. A path is relative, has no empty part, "." or "..", and leads through no
 * entry. The content of a link is the path that it holds. */
#include "files.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void hpx_code_files_pack(hpx_buffer *out, const code_files *files)
{
    hpx_buffer entries = {0};
    for (size_t i = 0; i < files->count; i++) {
        const code_file *file = &files->files[i];
        hpx_buffer_u32(&entries, file->mode);
        hpx_buffer_u32(&entries, (uint32_t)strlen(file->path));
        hpx_buffer_puts(&entries, file->path);
        hpx_buffer_u64(&entries, file->bytes.size);
        hpx_buffer_add(&entries, file->bytes.data, file->bytes.size);
    }
    uLongf size = compressBound(entries.size);
    hpx_buffer_u64(out, entries.size);
    hpx_buffer_reserve(out, size);
    if (compress2(out->data + out->size, &size, entries.data, entries.size, Z_DEFAULT_COMPRESSION) != Z_OK)
        hpx_out_of_memory(size);
    out->size += size;
    hpx_buffer_free(&entries);
}

/* What is left to read; a read beyond the end fails and all after it. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static const uint8_t *take(struct reader *reader, uint64_t size)
{
    const uint8_t *at = reader->at;
    if (reader->failed || size > reader->left) {
        reader->failed = true;
        return NULL;
    }
    reader->at += size;
    reader->left -= (size_t)size;
    return at;
}

static uint32_t take_u32(struct reader *reader)
{
    const uint8_t *at = take(reader, 4);
    return at ? hpx_load_u32(at) : 0;
}

/* Whether the path may follow in the list. Of the folders on its way none may be an entry; that stands before
 * it, but not always right before it ("a", "a.c", "a/b"). */
static bool follows(const code_files *files, const char *path)
{
    if (files->count > 0 && strcmp(files->files[files->count - 1].path, path) >= 0)
        return false;
    for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
        char *folder = hpx_strndup(path, (size_t)(slash - path));
        const bool entry = hpx_code_files_find(files, folder) != NULL;
        free(folder);
        if (entry)
            return false;
    }
    return true;
}

static bool take_entry(code_files *files, struct reader *reader)
{
    const uint32_t mode = take_u32(reader), length = take_u32(reader);
    const uint8_t *text = take(reader, length), *size = take(reader, 8);
    if (!size || (mode != CODE_MODE_FILE && mode != CODE_MODE_EXECUTABLE && mode != CODE_MODE_LINK))
        return false;
    const uint64_t bytes = hpx_load_u64(size);
    const uint8_t *content = take(reader, bytes);
    char *path = hpx_strndup((const char *)text, length);
    if (!content || strlen(path) != length || !hpx_code_path_is_plain(path) || !follows(files, path)) {
        free(path);
        return false;
    }
    code_file *file = hpx_code_files_add(files, path, mode);
    file->has_bytes = true;
    hpx_buffer_add(&file->bytes, content, (size_t)bytes);
    return mode != CODE_MODE_LINK || (bytes > 0 && !memchr(content, 0, (size_t)bytes));
}

hpx_status hpx_code_files_unpack(code_files *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    *out = (code_files){0};
    const uint64_t expected = size >= 8 ? hpx_load_u64(bytes) : UINT64_MAX;
    uint8_t *entries = NULL;
    bool right = expected <= CODE_FILES_BYTES_MAX;
    if (right) {
        uLongf got = expected;
        uLong used = size - 8;
        entries = hpx_realloc(NULL, expected + 1, 1);
        right = uncompress2(entries, &got, bytes + 8, &used) == Z_OK && got == expected && used == size - 8;
    }
    struct reader reader = {.at = entries, .left = right ? (size_t)expected : 0};
    while (right && reader.left > 0)
        right = take_entry(out, &reader);
    free(entries);
    if (right)
        return HPX_OK;
    hpx_code_files_free(out);
    return hpx_error_set(error, HPX_DAMAGED, "the list of files stored with this code cannot be read");
}
