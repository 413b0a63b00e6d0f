/* What was stamped into this binary. */
#include "hpx/code.h"

#include "hpx/file.h"
#include "hpx/memory.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SOURCE_BYTES_MAX (64u << 20)

void hpx_code_fields(hpx_fields *out, const hpx_code_stamp *stamp)
{
    hpx_fields_set_bytes(out, "version", stamp->version, HPX_CODE_BYTES);
    hpx_fields_set_text(out, "commit", stamp->commit);
    hpx_fields_set_text(out, "describe", stamp->describe);
    hpx_fields_set_text(out, "branch", stamp->branch);
    hpx_fields_set_text(out, "author-date", stamp->author_date);
    hpx_fields_set_text(out, "folder", stamp->folder);
    hpx_fields_set_count(out, "dirty", stamp->dirty);
    hpx_fields_set_bytes(out, "patch", stamp->patch, stamp->patch_size);
}

/* The print of a file: its path below root, a NUL and the hash of its bytes; one after the other. */
struct prints {
    const char *root;
    hpx_buffer all, bytes; /* bytes: of the file at hand */
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static hpx_status add_file(struct prints *prints, const char *path, const char *full, hpx_error *error)
{
    prints->bytes.size = 0;
    hpx_status status = hpx_file_read(&prints->bytes, full, SOURCE_BYTES_MAX, error);
    if (status)
        return status;
    hpx_hash hash = hpx_hash_of(prints->bytes.data, prints->bytes.size);
    hpx_buffer_add(&prints->all, path, strlen(path) + 1);
    hpx_buffer_add(&prints->all, hash.bytes, HPX_HASH_BYTES);
    return HPX_OK;
}

static hpx_status add_path(struct prints *prints, const char *path, hpx_error *error)
{
    char *full = hpx_path_join(prints->root, path);
    struct stat info;
    struct dirent **entries = NULL;
    int count = 0;
    hpx_status status = HPX_OK;
    if (stat(full, &info) != 0 ||
        (S_ISDIR(info.st_mode) && (count = scandir(full, &entries, NULL, by_name)) < 0))
        status = hpx_error_errno(error, "%s", full);
    else if (!S_ISDIR(info.st_mode))
        status = add_file(prints, path, full, error);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char *child = hpx_path_join(path, name);
        if (!status && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            status = add_path(prints, child, error);
        free(child);
        free(entries[i]);
    }
    free(entries);
    free(full);
    return status;
}

hpx_status hpx_code_fingerprint(hpx_hash *out, const char *root, const char *sources, hpx_error *error)
{
    struct prints prints = {.root = root};
    hpx_status status = HPX_OK;
    for (const char *p = sources; *p && !status;) {
        size_t skip = strspn(p, " \t\n"), length = strcspn(p + skip, " \t\n");
        char *path = hpx_strndup(p + skip, length);
        if (length > 0)
            status = add_path(&prints, path, error);
        free(path);
        p += skip + length;
    }
    *out = hpx_hash_of(prints.all.data, prints.all.size);
    hpx_buffer_free(&prints.all);
    hpx_buffer_free(&prints.bytes);
    return status;
}

bool hpx_code_is_stale(uint8_t now[HPX_CODE_BYTES], const hpx_code_stamp *stamp)
{
    hpx_hash fingerprint;
    hpx_error error;
    if (hpx_code_fingerprint(&fingerprint, stamp->root, stamp->sources, &error) != HPX_OK ||
        hpx_hash_equal(&fingerprint, &stamp->fingerprint))
        return false;
    /* Bytes that git ignores, or stores in another form, make no other version. */
    return hpx_code_version(now, stamp->root, stamp->sources, &error) == HPX_OK &&
           memcmp(now, stamp->version, HPX_CODE_BYTES) != 0;
}
