#include "identity/parcel.h"

#include "base/memory.h"
#include "hpx/buffer.h"
#include "hpx/file.h"
#include "identity/data_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define DATA            "data"
#define INDEX           "index"
#define MODE            0100644u
#define INDEX_BYTES_MAX ((size_t)1 << 30)

hpx_snapshot_file hpx_parcel_file(const char *name, const char *source, const hpx_hash *hash)
{
    return (hpx_snapshot_file){.path = name, .source = source, .mode = MODE, .hash = *hash};
}

hpx_hash hpx_parcel_hash(const hpx_snapshot_file *files, size_t count)
{
    hpx_buffer bytes = {0};
    if (count == 1 && strcmp(files[0].path, DATA) == 0)
        return files[0].hash;
    for (size_t i = 0; i < count; i++) {
        hpx_buffer_add(&bytes, files[i].path, strlen(files[i].path) + 1);
        hpx_buffer_add(&bytes, files[i].hash.bytes, HPX_HASH_BYTES);
    }
    const hpx_hash hash = hpx_hash_of(bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
    return hash;
}

static void encode_index(hpx_buffer *out, const hpx_snapshot_file *files, size_t count)
{
    hpx_data_list list = {0};
    hpx_fields fields = {0};
    for (size_t i = 0; i < count; i++)
        hpx_data_list_add(&list, files[i].path, &files[i].hash, 0);
    hpx_data_list_record(&fields, &list);
    hpx_fields_encode(out, &fields);
    hpx_fields_free(&fields);
}

/* Makes one, unless it is there, and whole. HPX_DIFFERS when a file has not its hash. */
static hpx_status make_parcel(char **path, int *held, const char *scratch, const hpx_snapshot_file *files,
                              size_t count, hpx_error *error)
{
    char name[HPX_HASH_HEX_BYTES], *folder;
    const hpx_hash hash = hpx_parcel_hash(files, count);
    hpx_snapshot_file *all = hpx_alloc((count + 1) * sizeof *all);
    hpx_buffer index = {0};
    encode_index(&index, files, count);
    for (size_t i = 0; i < count; i++)
        all[i] = files[i];
    all[count] = (hpx_snapshot_file){.path = INDEX,
                                     .bytes = index.data,
                                     .size = index.size,
                                     .mode = MODE,
                                     .hash = hpx_hash_of(index.data, index.size)};
    hpx_status status =
        hpx_snapshot_make(&folder, held, scratch, hpx_hash_hex(name, &hash), all, count + 1, error);
    *path = status ? NULL : hpx_path_join(folder, DATA);
    free(folder);
    free(all);
    hpx_buffer_free(&index);
    return status;
}

hpx_status hpx_parcel_hand_over(const char *scratch, const hpx_snapshot_file *files, size_t count,
                                hpx_error *error)
{
    char *path;
    int held = -1;
    hpx_status status = make_parcel(&path, &held, scratch, files, count, error);
    if (held >= 0)
        close(held);
    free(path);
    return status == HPX_DIFFERS ? hpx_error_set(error, HPX_FAILED, "%s", error->message) : status;
}

struct index {
    hpx_fields fields; /* that names are borrowed from */
    hpx_snapshot_file *files;
    size_t count, capacity;
};

static void free_index(struct index *index)
{
    for (size_t i = 0; i < index->count; i++)
        free((char *)(uintptr_t)index->files[i].source);
    free(index->files);
    hpx_fields_free(&index->fields);
}

/* What the parcel in the folder is to hold: checked, for who else may write there. */
static hpx_status read_index(struct index *out, const char *folder, const hpx_hash *hash, hpx_error *error)
{
    hpx_buffer bytes = {0};
    hpx_data_walk at = {0};
    char *path = hpx_path_join(folder, INDEX);
    *out = (struct index){.count = 0};
    hpx_status status = hpx_file_read(&bytes, path, INDEX_BYTES_MAX, error);
    if (!status)
        status = hpx_fields_decode(&out->fields, bytes.data, bytes.size, error);
    while (!status && hpx_data_next(&at, &out->fields)) {
        char *source = hpx_path_join(folder, at.name);
        out->files = hpx_grow(out->files, &out->capacity, out->count + 1, sizeof *out->files);
        out->files[out->count++] = hpx_parcel_file(at.name, source, &at.hash);
    }
    const hpx_hash found = hpx_parcel_hash(out->files, out->count);
    if (!status && !hpx_hash_equal(&found, hash))
        status = hpx_error_set(error, HPX_DAMAGED, "%s: it is damaged", path);
    hpx_buffer_free(&bytes);
    free(path);
    return status;
}

/* Held by one process of the machine at a time; -1, and errno. */
static int lock_copying(const char *scratch)
{
    char *path = hpx_path_join(scratch, "parcels.lock");
    const int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    free(path);
    while (fd >= 0 && flock(fd, LOCK_EX) != 0)
        if (errno != EINTR) {
            close(fd);
            return -1;
        }
    return fd;
}

hpx_status hpx_parcel_copy(char **path, int *held, const char *scratch, const char *from,
                           const hpx_hash *hash, hpx_error *error)
{
    char name[HPX_HASH_HEX_BYTES];
    char *folder = hpx_format("%s/" HPX_SNAPSHOTS "/%s", from, hpx_hash_hex(name, hash));
    struct index index = {.count = 0};
    *path = NULL;
    *held = -1;
    hpx_status status = hpx_path_exists(folder)
                            ? read_index(&index, folder, hash, error)
                            : hpx_error_set(error, HPX_NOT_FOUND, "%s is not there", folder);
    const int lock = status ? -1 : lock_copying(scratch);
    if (!status && lock < 0)
        status = hpx_error_errno(error, "%s", scratch);
    if (!status)
        status = make_parcel(path, held, scratch, index.files, index.count, error);
    if (status == HPX_DIFFERS)
        status = hpx_error_set(error, HPX_DAMAGED, "%s: it is damaged", folder);
    if (lock >= 0)
        close(lock);
    free_index(&index);
    free(folder);
    return status;
}
