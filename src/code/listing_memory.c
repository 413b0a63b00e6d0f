/* The memory of a listing. Integers are little-endian; texts end with NUL, stats are device, inode, size, times of change of
 * the bytes and of the file (u64 each), and u8 whether its file system hides writes.
 *
 *     u32 magic   u64 when it was begun   16 bytes: hash of the request
 *     root   folder   u8 in a work tree   20 bytes: version   warning ("" for none)
 *     u32 witnesses, of each: path   u8 kind   stat
 *     u32 files, of each: path   real path ("" when it is the path)   u32 mode   20 bytes: id   16 bytes: hash   stat */
#include "listing_memory.h"

#include "base/memory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAGIC 0x31787068u /* "hpx1" */

void hpx_listing_free(hpx_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->files[i].path);
        free(listing->files[i].real);
    }
    free(listing->files);
    free(listing->root);
    free(listing->folder);
    free(listing->warning);
    hpx_buffer_free(&listing->memory);
    *listing = (hpx_listing){0};
}

void hpx_code_memory_free(code_memory *memory)
{
    for (size_t i = 0; i < memory->count; i++)
        free(memory->witnesses[i].path);
    free(memory->witnesses);
    hpx_listing_free(&memory->listing);
    *memory = (code_memory){0};
}

/* --- stats ---------------------------------------------------------------------------------------------- */

static bool hides_writes(const char *path)
{
    struct statfs info;
    return statfs(path, &info) == 0 &&
           (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC || info.f_type == HUGETLBFS_MAGIC);
}

/* A file system is asked once for all of its files that follow each other. */
static bool is_untimed(const char *path, uint64_t device)
{
    static _Thread_local uint64_t last_device;
    static _Thread_local bool last, known;
    if (!known || last_device != device)
        last = hides_writes(path);
    known = true;
    last_device = device;
    return last;
}

void hpx_code_stat(hpx_file_stat *out, const char *path)
{
    struct stat info;
    *out = (hpx_file_stat){0};
    if (lstat(path, &info) != 0)
        return;
    *out = (hpx_file_stat){
        .device = info.st_dev,
        .inode = info.st_ino,
        .size = (uint64_t)info.st_size,
        .modified_ns = hpx_time_ns(info.st_mtim),
        .changed_ns = hpx_time_ns(info.st_ctim),
        .untimed = S_ISREG(info.st_mode) && is_untimed(path, info.st_dev),
    };
}

static bool has_bytes(const char *path, const hpx_hash *wanted)
{
    hpx_buffer bytes = {0};
    hpx_error error;
    const bool read = hpx_file_read(&bytes, path, SIZE_MAX, &error) == HPX_OK;
    const hpx_hash hash = hpx_hash_of(bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
    return read && hpx_hash_equal(&hash, wanted);
}

bool hpx_code_is_unchanged(bool *sure, const char *root, const hpx_listed_file *file, int64_t looked_ns)
{
    hpx_file_stat now;
    char *path = hpx_path_join(root, file->real);
    hpx_code_stat(&now, path);
    bool same = hpx_file_stat_equal(&now, &file->stat);
    *sure = same && hpx_file_stat_tells(&now, looked_ns);
    if (same && !*sure)
        same = has_bytes(path, &file->hash);
    free(path);
    return same;
}

void hpx_code_memory_add(code_memory *memory, const char *path, uint8_t kind)
{
    memory->witnesses =
        hpx_grow(memory->witnesses, &memory->capacity, memory->count + 1, sizeof *memory->witnesses);
    code_witness *witness = &memory->witnesses[memory->count++];
    *witness = (code_witness){.path = hpx_strdup(path), .kind = kind};
    hpx_code_stat(&witness->stat, path);
    witness->stat.untimed = false;
}

hpx_hash hpx_code_request_hash(const hpx_listing_request *request)
{
    hpx_buffer bytes = {0};
    hpx_buffer_add(&bytes, request->folder, strlen(request->folder) + 1);
    for (size_t i = 0; i < request->word_count; i++)
        hpx_buffer_add(&bytes, request->words[i], strlen(request->words[i]) + 1);
    for (size_t i = 0; i < request->left_out->count; i++)
        hpx_buffer_add(&bytes, request->left_out->paths[i], strlen(request->left_out->paths[i]) + 1);
    const hpx_hash hash = hpx_hash_of(bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
    return hash;
}

/* --- bytes ---------------------------------------------------------------------------------------------- */

static void put_text(hpx_buffer *out, const char *text)
{
    hpx_buffer_add(out, text, strlen(text) + 1);
}

static void put_u8(hpx_buffer *out, uint8_t value)
{
    hpx_buffer_add(out, &value, 1);
}

static void put_stat(hpx_buffer *out, const hpx_file_stat *stat)
{
    hpx_buffer_u64(out, stat->device);
    hpx_buffer_u64(out, stat->inode);
    hpx_buffer_u64(out, stat->size);
    hpx_buffer_u64(out, (uint64_t)stat->modified_ns);
    hpx_buffer_u64(out, (uint64_t)stat->changed_ns);
    put_u8(out, stat->untimed);
}

void hpx_code_memory_encode(hpx_buffer *out, const code_memory *memory)
{
    const hpx_listing *listing = &memory->listing;
    hpx_buffer_u32(out, MAGIC);
    hpx_buffer_u64(out, (uint64_t)listing->looked_ns);
    hpx_buffer_add(out, memory->request.bytes, HPX_HASH_BYTES);
    put_text(out, listing->root);
    put_text(out, listing->folder);
    put_u8(out, listing->in_work_tree);
    hpx_buffer_add(out, listing->version, HPX_CODE_BYTES);
    put_text(out, listing->warning ? listing->warning : "");
    hpx_buffer_u32(out, (uint32_t)memory->count);
    for (size_t i = 0; i < memory->count; i++) {
        put_text(out, memory->witnesses[i].path);
        put_u8(out, memory->witnesses[i].kind);
        put_stat(out, &memory->witnesses[i].stat);
    }
    hpx_buffer_u32(out, (uint32_t)listing->count);
    for (size_t i = 0; i < listing->count; i++) {
        const hpx_listed_file *file = &listing->files[i];
        put_text(out, file->path);
        put_text(out, strcmp(file->path, file->real) == 0 ? "" : file->real);
        hpx_buffer_u32(out, file->mode);
        hpx_buffer_add(out, file->id, HPX_CODE_BYTES);
        hpx_buffer_add(out, file->hash.bytes, HPX_HASH_BYTES);
        put_stat(out, &file->stat);
    }
}

/* A read beyond the end fails, and all after it. */
struct reader {
    const uint8_t *at, *end;
    bool failed;
};

static const uint8_t *take(struct reader *reader, size_t size)
{
    static const uint8_t nothing[HPX_CODE_BYTES];
    if (reader->failed || size > (size_t)(reader->end - reader->at)) {
        reader->failed = true;
        return nothing;
    }
    reader->at += size;
    return reader->at - size;
}

static char *take_text(struct reader *reader)
{
    const size_t left = (size_t)(reader->end - reader->at);
    const uint8_t *end = reader->failed || left == 0 ? NULL : memchr(reader->at, 0, left);
    if (!end) {
        reader->failed = true;
        return hpx_strdup("");
    }
    char *text = hpx_strdup((const char *)reader->at);
    reader->at = end + 1;
    return text;
}

static hpx_file_stat take_stat(struct reader *reader)
{
    hpx_file_stat stat = {0};
    stat.device = hpx_load_u64(take(reader, 8));
    stat.inode = hpx_load_u64(take(reader, 8));
    stat.size = hpx_load_u64(take(reader, 8));
    stat.modified_ns = (int64_t)hpx_load_u64(take(reader, 8));
    stat.changed_ns = (int64_t)hpx_load_u64(take(reader, 8));
    stat.untimed = *take(reader, 1);
    return stat;
}

static void take_file(hpx_listing *listing, struct reader *reader)
{
    listing->files = hpx_grow(listing->files, &listing->capacity, listing->count + 1, sizeof *listing->files);
    hpx_listed_file *file = &listing->files[listing->count++];
    *file = (hpx_listed_file){.path = take_text(reader)};
    file->real = take_text(reader);
    if (!*file->real) {
        free(file->real);
        file->real = hpx_strdup(file->path);
    }
    file->mode = hpx_load_u32(take(reader, 4));
    memcpy(file->id, take(reader, HPX_CODE_BYTES), HPX_CODE_BYTES);
    memcpy(file->hash.bytes, take(reader, HPX_HASH_BYTES), HPX_HASH_BYTES);
    file->stat = take_stat(reader);
}

bool hpx_code_memory_decode(code_memory *out, const hpx_buffer *bytes)
{
    struct reader reader = {.at = bytes->data, .end = bytes->data + bytes->size};
    *out = (code_memory){0};
    if (bytes->size < 4 || hpx_load_u32(take(&reader, 4)) != MAGIC)
        return false;
    hpx_listing *listing = &out->listing;
    listing->looked_ns = (int64_t)hpx_load_u64(take(&reader, 8));
    memcpy(out->request.bytes, take(&reader, HPX_HASH_BYTES), HPX_HASH_BYTES);
    listing->root = take_text(&reader);
    listing->folder = take_text(&reader);
    listing->in_work_tree = *take(&reader, 1);
    memcpy(listing->version, take(&reader, HPX_CODE_BYTES), HPX_CODE_BYTES);
    listing->warning = take_text(&reader);
    for (uint32_t left = hpx_load_u32(take(&reader, 4)); left > 0 && !reader.failed; left--) {
        out->witnesses = hpx_grow(out->witnesses, &out->capacity, out->count + 1, sizeof *out->witnesses);
        code_witness *witness = &out->witnesses[out->count++];
        *witness = (code_witness){.path = take_text(&reader)};
        witness->kind = *take(&reader, 1);
        witness->stat = take_stat(&reader);
    }
    for (uint32_t left = hpx_load_u32(take(&reader, 4)); left > 0 && !reader.failed; left--)
        take_file(listing, &reader);
    if (!*listing->warning) {
        free(listing->warning);
        listing->warning = NULL;
    }
    if (!reader.failed && reader.at == reader.end)
        return true;
    hpx_code_memory_free(out);
    return false;
}
