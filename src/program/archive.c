/* Format 1, integers little-endian:
 *
 *     the bytes of all files in the order of the index; one of at least BIG_BYTES begins and ends at a multiple of ALIGNMENT,
 *         with zeros around it, so that a file system can share its blocks
 *     the index, of each file and folder
 *         u32 mode (S_IFREG or S_IFDIR, and permissions)    u64 size (0 of a folder)    u16 length of the name    the name
 *     the trailer
 *         "hpxarch1"    u64 where the index begins    u64 its entries    the hash of index and trailer up to here
 *
 * The first entry is the checkpoint itself, and all others are in it. A folder stands before what it holds, and what it
 * holds is in the order of names. There is nothing between the parts. */
#include "program/archive.h"

#include "walk.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC         "hpxarch1"
#define TRAILER_BYTES (8 + 8 + 8 + HPX_HASH_BYTES)
#define ENTRY_BYTES   (4 + 8 + 2)
#define INDEX_MAX     ((uint64_t)1 << 28)
#define BIG_BYTES     65536
#define ALIGNMENT     4096

/* A file's bytes lie at `at`, the next file's behind it at the earliest. */
struct place {
    uint64_t at, behind;
};

static uint64_t align(uint64_t at)
{
    return (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static struct place place_behind(uint64_t behind, uint64_t size)
{
    if (size < BIG_BYTES)
        return (struct place){behind, behind + size};
    return (struct place){align(behind), align(align(behind) + size)};
}

bool hpx_archive_is_name(const char *name)
{
    const size_t length = strlen(name);
    if (length == 0 || length >= PATH_MAX)
        return false;
    for (const char *part = name;; part++) {
        const size_t size = strcspn(part, "/");
        if (size == 0 || size > NAME_MAX || (size <= 2 && strspn(part, ".") >= size))
            return false;
        part += size;
        if (*part == 0)
            return true;
    }
}

/* Copies bytes from one file into another, and shares blocks where that can be done. errno says why it failed; 0: the file
 * is shorter. */
static bool copy_bytes(int to, uint64_t to_at, int from, uint64_t from_at, uint64_t size)
{
    struct file_clone_range range = {
        .src_fd = from, .src_offset = from_at, .src_length = size, .dest_offset = to_at};
    if (size >= BIG_BYTES && ioctl(to, FICLONERANGE, &range) == 0)
        return true;
    for (loff_t source = (loff_t)from_at, target = (loff_t)to_at; size > 0;) {
        const ssize_t put =
            copy_file_range(from, &source, to, &target, size < SSIZE_MAX ? size : SSIZE_MAX, 0);
        if (put <= 0)
            break;
        size -= (size_t)put;
        from_at += (uint64_t)put;
        to_at += (uint64_t)put;
    }
    uint8_t *piece = hpx_realloc(NULL, size < HPX_PIECE_BYTES ? size : HPX_PIECE_BYTES, 1);
    while (size > 0) {
        const ssize_t got =
            pread(from, piece, size < HPX_PIECE_BYTES ? size : HPX_PIECE_BYTES, (off_t)from_at);
        errno = got == 0 ? 0 : errno;
        if (got <= 0)
            break;
        ssize_t put = 0;
        for (ssize_t more = 1; put < got && more > 0; put += more > 0 ? more : 0)
            more = pwrite(to, piece + put, (size_t)(got - put), (off_t)to_at + put);
        if (put < got)
            break;
        size -= (size_t)got;
        from_at += (uint64_t)got;
        to_at += (uint64_t)got;
    }
    free(piece);
    return size == 0;
}

/* --- looking and packing ---------------------------------------------------------------------------------- */

struct look {
    hpx_archive_state *state;
    hpx_hasher *hasher;
};

static hpx_status look_at(void *context, const char *name, int fd, const struct stat *info, hpx_error *error)
{
    struct look *look = context;
    const int64_t changed = hpx_time_ns(info->st_ctim);
    const int64_t facts[] = {(int64_t)info->st_dev,
                             (int64_t)info->st_ino,
                             (int64_t)info->st_mode,
                             (int64_t)info->st_size,
                             (int64_t)info->st_mtim.tv_sec,
                             info->st_mtim.tv_nsec,
                             changed};
    (void)fd, (void)error;
    look->state->is_folder = look->state->is_folder || S_ISDIR(info->st_mode);
    hpx_hasher_add(look->hasher, name, strlen(name) + 1);
    hpx_hasher_add(look->hasher, facts, sizeof facts);
    look->state->bytes += S_ISREG(info->st_mode) ? (uint64_t)info->st_size : 0;
    if (changed > look->state->changed_ns)
        look->state->changed_ns = changed;
    return HPX_OK;
}

hpx_status hpx_archive_look(hpx_archive_state *out, const char *folder, const char *name, hpx_error *error)
{
    *out = (hpx_archive_state){0};
    struct look look = {out, hpx_hasher_new()};
    const hpx_walk walk = {.visit = look_at, .context = &look};
    hpx_status status = hpx_walk_checkpoint(folder, name, &walk, error);
    out->hash = hpx_hasher_finish(look.hasher);
    return status;
}

struct packing {
    int fd;
    uint64_t behind; /* the last file */
    uint64_t count;
    hpx_buffer index;
};

static hpx_status pack_one(void *context, const char *name, int fd, const struct stat *info, hpx_error *error)
{
    struct packing *packing = context;
    const bool is_file = S_ISREG(info->st_mode);
    const uint64_t size = is_file ? (uint64_t)info->st_size : 0;
    hpx_buffer_u32(&packing->index, info->st_mode & (S_IFMT | 0777));
    hpx_buffer_u64(&packing->index, size);
    hpx_buffer_u16(&packing->index, (uint16_t)strlen(name));
    hpx_buffer_puts(&packing->index, name);
    packing->count++;
    if (packing->index.size > INDEX_MAX)
        return hpx_walk_refuse(name, "there are too many files", error);
    if (!is_file)
        return HPX_OK;
    const struct place place = place_behind(packing->behind, size);
    packing->behind = place.behind;
    if (copy_bytes(packing->fd, place.at, fd, 0, size))
        return HPX_OK;
    return errno == 0 ? hpx_walk_refuse(name, "it became shorter while it was read", error)
                      : hpx_error_errno(error, "%s: cannot copy it", name);
}

hpx_status hpx_archive_pack(hpx_blob *out, const char *folder, const char *name, hpx_error *error)
{
    struct packing packing = {.fd = out->fd};
    const hpx_walk walk = {.visit = pack_one, .context = &packing, .reads = true};
    hpx_status status = hpx_walk_checkpoint(folder, name, &walk, error);
    out->size = packing.behind; /* a hole where nothing was written */
    hpx_buffer *tail = &packing.index;
    hpx_buffer_puts(tail, MAGIC);
    hpx_buffer_u64(tail, packing.behind);
    hpx_buffer_u64(tail, packing.count);
    const hpx_hash hash = hpx_hash_of(tail->data, tail->size);
    hpx_buffer_add(tail, hash.bytes, sizeof hash.bytes);
    if (!status)
        status = hpx_blob_add(out, tail->data, tail->size, error);
    hpx_buffer_free(tail);
    return status;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

struct entry {
    char *name;
    uint32_t mode;
    uint64_t size, at;
};

struct index {
    hpx_arena *arena;
    struct entry *entries;
    uint64_t count;
};

static hpx_status no_archive(hpx_error *error)
{
    return hpx_error_set(error, HPX_DAMAGED, "the checkpoint is no archive of a program's files");
}

static void free_index(struct index *index)
{
    hpx_arena_free(index->arena);
    free(index->entries);
}

/* Reads index and trailer, and checks their hash. */
static hpx_status read_tail(hpx_buffer *tail, uint64_t *at, uint64_t *count, const hpx_blob *archive,
                            hpx_error *error)
{
    uint8_t trailer[TRAILER_BYTES];
    if (archive->size < TRAILER_BYTES)
        return no_archive(error);
    hpx_status status = hpx_blob_read(archive, trailer, sizeof trailer, archive->size - TRAILER_BYTES, error);
    if (status)
        return status;
    *at = hpx_load_u64(trailer + 8);
    *count = hpx_load_u64(trailer + 16);
    const uint64_t index_end = archive->size - TRAILER_BYTES;
    if (memcmp(trailer, MAGIC, 8) != 0 || *at > index_end || index_end - *at > INDEX_MAX ||
        *count > (index_end - *at) / ENTRY_BYTES)
        return no_archive(error);
    const size_t size = (size_t)(archive->size - *at);
    hpx_buffer_reserve(tail, size);
    status = hpx_blob_read(archive, tail->data, size, *at, error);
    tail->size = size - TRAILER_BYTES;
    if (status)
        return status;
    const hpx_hash hash = hpx_hash_of(tail->data, size - HPX_HASH_BYTES);
    return memcmp(hash.bytes, tail->data + size - HPX_HASH_BYTES, HPX_HASH_BYTES) == 0 ? HPX_OK
                                                                                       : no_archive(error);
}

static bool is_below(const char *name, const char *folder)
{
    const size_t length = strlen(folder);
    return strncmp(name, folder, length) == 0 && name[length] == '/';
}

/* What folders an entry is in. */
struct folders {
    const char *names[HPX_WALK_DEPTH_MAX + 1];
    size_t depth;
    const char *previous; /* entry */
};

/* Whether it comes right after the previous one in the order of a walk. */
static bool is_next(struct folders *folders, const struct entry *entry)
{
    const bool first = folders->previous == NULL;
    while (folders->depth > 0 && !is_below(entry->name, folders->names[folders->depth - 1]))
        folders->depth--;
    if (!first && folders->depth == 0)
        return false;
    const char *parent = first ? NULL : folders->names[folders->depth - 1];
    const char *leaf = first ? entry->name : entry->name + strlen(parent) + 1;
    if (!first && strchr(leaf, '/'))
        return false;
    if (!first && is_below(folders->previous, parent)) {
        const char *last = folders->previous + strlen(parent) + 1;
        char *sibling = hpx_strndup(last, strcspn(last, "/"));
        const bool behind = strcmp(sibling, leaf) < 0;
        free(sibling);
        if (!behind)
            return false;
    }
    folders->previous = entry->name;
    if (S_ISDIR(entry->mode)) {
        if (folders->depth > HPX_WALK_DEPTH_MAX)
            return false;
        folders->names[folders->depth++] = entry->name;
    }
    return true;
}

/* One entry and where the next begins; 0: it is none. */
static size_t read_entry(struct entry *out, hpx_arena *arena, const uint8_t *bytes, size_t size)
{
    if (size < ENTRY_BYTES)
        return 0;
    out->mode = hpx_load_u32(bytes);
    out->size = hpx_load_u64(bytes + 4);
    const size_t length = hpx_load_u16(bytes + 12), type = out->mode & ~(uint32_t)0777;
    if (length > size - ENTRY_BYTES || (type != S_IFREG && type != S_IFDIR) ||
        (type == S_IFDIR && out->size != 0) || memchr(bytes + ENTRY_BYTES, 0, length))
        return 0;
    out->name = hpx_arena_strndup(arena, (const char *)bytes + ENTRY_BYTES, length);
    return hpx_archive_is_name(out->name) ? ENTRY_BYTES + length : 0;
}

static hpx_status read_entries(struct index *index, const hpx_buffer *tail, uint64_t end, hpx_error *error)
{
    struct folders folders = {.depth = 0};
    uint64_t behind = 0;
    size_t at = 0;
    for (uint64_t i = 0; i < index->count; i++) {
        struct entry *entry = &index->entries[i];
        const size_t step = read_entry(entry, index->arena, tail->data + at, tail->size - at);
        if (step == 0 || entry->size > end || !is_next(&folders, entry))
            return no_archive(error);
        at += step;
        if (S_ISDIR(entry->mode))
            continue;
        const struct place place = place_behind(behind, entry->size);
        entry->at = place.at;
        behind = place.behind;
        if (behind > end)
            return no_archive(error);
    }
    return at == tail->size && behind == end && index->count > 0 ? HPX_OK : no_archive(error);
}

static hpx_status read_index(struct index *out, const hpx_blob *archive, hpx_error *error)
{
    hpx_buffer tail = {0};
    uint64_t at = 0;
    *out = (struct index){.arena = hpx_arena_new()};
    hpx_status status = read_tail(&tail, &at, &out->count, archive, error);
    if (!status) {
        out->entries = hpx_realloc(NULL, out->count, sizeof *out->entries);
        status = read_entries(out, &tail, at, error);
    }
    hpx_buffer_free(&tail);
    if (status)
        free_index(out);
    return status;
}

hpx_status hpx_archive_check(const hpx_blob *archive, hpx_error *error)
{
    struct index index;
    hpx_status status = read_index(&index, archive, error);
    if (!status)
        free_index(&index);
    return status;
}

/* What is copied may end behind the file, where the archive has zeros: whole blocks can be shared. */
static hpx_status unpack_file(const char *path, const struct entry *entry, const hpx_blob *archive,
                              hpx_error *error)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return hpx_error_errno(error, "%s: cannot write it", path);
    const uint64_t size = entry->size < BIG_BYTES ? entry->size : align(entry->size);
    bool good = copy_bytes(fd, 0, archive->fd, entry->at, size) && ftruncate(fd, (off_t)entry->size) == 0 &&
                fchmod(fd, (entry->mode & 0777) | 0600) == 0;
    const int why = errno;
    good = close(fd) == 0 && good;
    errno = why;
    return good ? HPX_OK : hpx_error_errno(error, "%s: cannot write it", path);
}

hpx_status hpx_archive_unpack(const char *folder, const hpx_blob *archive, hpx_error *error)
{
    struct index index;
    hpx_status status = read_index(&index, archive, error);
    if (status)
        return status;
    char *first = hpx_path_join(folder, index.entries[0].name), *parent = hpx_path_directory(first);
    status = hpx_make_directories(parent, error);
    for (uint64_t i = 0; i < index.count && !status; i++) {
        const struct entry *entry = &index.entries[i];
        char *path = hpx_path_join(folder, entry->name);
        if (S_ISREG(entry->mode))
            status = unpack_file(path, entry, archive, error);
        else if (mkdir(path, 0700) != 0 || chmod(path, (entry->mode & 0777) | 0700) != 0)
            status = hpx_error_errno(error, "%s: cannot make the folder", path);
        free(path);
    }
    free(parent);
    free(first);
    free_index(&index);
    return status;
}
