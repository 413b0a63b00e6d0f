#include "files.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (64u << 20)

bool hpx_code_name_counts(const char *name)
{
    const size_t length = strlen(name);
    return length > 0 && name[0] != '.' && name[0] != '#' && name[length - 1] != '~';
}

bool hpx_code_path_is_below(const char *path, const char *paths)
{
    for (const char *at = paths; *at; at += strspn(at, " \t\n")) {
        const size_t length = strcspn(at, " \t\n");
        if (length > 0 && strncmp(path, at, length) == 0 && (path[length] == 0 || path[length] == '/'))
            return true;
        at += length;
    }
    return false;
}

bool hpx_code_path_is_plain(const char *path)
{
    for (const char *at = path;; at++) {
        const size_t part = strcspn(at, "/");
        if (part == 0 || (part == 1 && at[0] == '.') || (part == 2 && at[0] == '.' && at[1] == '.'))
            return false;
        at += part;
        if (*at == 0)
            return true;
    }
}

code_file *hpx_code_files_add(code_files *files, char *path, uint32_t mode)
{
    files->files = hpx_grow(files->files, &files->capacity, files->count + 1, sizeof *files->files);
    files->files[files->count] = (code_file){.path = path, .mode = mode};
    return &files->files[files->count++];
}

static void free_file(code_file *file)
{
    hpx_buffer_free(&file->bytes);
    free(file->path);
}

void hpx_code_files_free(code_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free_file(&files->files[i]);
    free(files->files);
    *files = (code_files){0};
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const code_file *)a)->path, ((const code_file *)b)->path);
}

void hpx_code_files_sort(code_files *files)
{
    if (files->count == 0)
        return;
    qsort(files->files, files->count, sizeof *files->files, by_path);
    size_t kept = 1;
    for (size_t i = 1; i < files->count; i++) {
        if (strcmp(files->files[i].path, files->files[kept - 1].path) == 0)
            free_file(&files->files[i]); /* below two of the paths */
        else
            files->files[kept++] = files->files[i];
    }
    files->count = kept;
}

const code_file *hpx_code_files_find(const code_files *files, const char *path)
{
    const code_file wanted = {.path = (char *)path};
    return files->count ? bsearch(&wanted, files->files, files->count, sizeof wanted, by_path) : NULL;
}

bool hpx_code_file_equal(const code_file *a, const code_file *b)
{
    return a && b && strcmp(a->path, b->path) == 0 && a->mode == b->mode &&
           memcmp(a->id, b->id, HPX_CODE_BYTES) == 0;
}

bool hpx_code_files_next_difference(code_walk *at, const code_files *a, const code_files *b,
                                    const code_file **in_a, const code_file **in_b)
{
    while (at->a < a->count || at->b < b->count) {
        const int order = at->a == a->count   ? 1
                          : at->b == b->count ? -1
                                              : strcmp(a->files[at->a].path, b->files[at->b].path);
        *in_a = order <= 0 ? &a->files[at->a++] : NULL;
        *in_b = order >= 0 ? &b->files[at->b++] : NULL;
        if (!hpx_code_file_equal(*in_a, *in_b))
            return true;
    }
    return false;
}

/* --- reading -------------------------------------------------------------------------------------------- */

static hpx_status read_link(hpx_buffer *out, const char *path, hpx_error *error)
{
    char target[PATH_MAX];
    const ssize_t length = readlink(path, target, sizeof target);
    if (length < 0)
        return hpx_error_errno(error, "%s", path);
    hpx_buffer_add(out, target, (size_t)length);
    return HPX_OK;
}

static hpx_status read_path(code_files *files, const char *root, const char *path, hpx_error *error);

static hpx_status read_folder(code_files *files, const char *root, const char *path, const char *full,
                              hpx_error *error)
{
    DIR *folder = opendir(full);
    if (!folder)
        return hpx_error_errno(error, "%s", full);
    hpx_status status = HPX_OK;
    for (struct dirent *entry; !status && (entry = readdir(folder));) {
        if (!hpx_code_name_counts(entry->d_name))
            continue;
        char *child = hpx_path_join(path, entry->d_name);
        status = read_path(files, root, child, error);
        free(child);
    }
    closedir(folder);
    return status;
}

static hpx_status read_path(code_files *files, const char *root, const char *path, hpx_error *error)
{
    char *full = hpx_path_join(root, path);
    struct stat info;
    hpx_status status = HPX_OK;
    if (lstat(full, &info) != 0) {
        status = errno == ENOENT ? hpx_error_set(error, HPX_FAILED, "%s: no such source", full)
                                 : hpx_error_errno(error, "%s", full);
    } else if (S_ISDIR(info.st_mode)) {
        status = read_folder(files, root, path, full, error);
    } else if (S_ISREG(info.st_mode) || S_ISLNK(info.st_mode)) {
        const bool link = S_ISLNK(info.st_mode);
        const uint32_t mode = link                       ? CODE_MODE_LINK
                              : (info.st_mode & S_IXUSR) ? CODE_MODE_EXECUTABLE
                                                         : CODE_MODE_FILE;
        code_file *file = hpx_code_files_add(files, hpx_strdup(path), mode);
        file->has_bytes = true;
        status = link ? read_link(&file->bytes, full, error)
                      : hpx_file_read(&file->bytes, full, FILE_BYTES_MAX, error);
    }
    free(full);
    return status;
}

hpx_status hpx_code_files_read(code_files *out, const char *root, const char *paths, hpx_error *error)
{
    hpx_status status = HPX_OK;
    *out = (code_files){0};
    for (const char *at = paths; *at && !status;) {
        const size_t skip = strspn(at, " \t\n"), length = strcspn(at + skip, " \t\n");
        char *path = hpx_strndup(at + skip, length);
        if (length > 0)
            status = read_path(out, root, path, error);
        free(path);
        at += skip + length;
    }
    hpx_code_files_sort(out);
    if (status)
        hpx_code_files_free(out);
    return status == HPX_NOT_FOUND ? HPX_FAILED : status; /* removed while it was read */
}

/* Whether the list has the file, or files in the folder, of this path. */
static bool has_path(const code_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++) {
        const size_t length = strlen(path);
        const char *have = files->files[i].path;
        if (strncmp(have, path, length) == 0 && (have[length] == 0 || have[length] == '/'))
            return true;
    }
    return false;
}

/* Takes what the compiler reads there: the bytes of the link's target, unless the target is in the list itself. */
static hpx_status follow(code_file *file, const code_files *files, const char *full, const char *base,
                         hpx_error *error)
{
    const size_t length = base ? strlen(base) : 0;
    char *target = hpx_path_real(full);
    struct stat info;
    hpx_status status = HPX_OK;
    const bool inside = target && base && strncmp(target, base, length) == 0 && target[length] == '/';
    if (target && !inside) {
        status = hpx_error_set(
            error, HPX_FAILED,
            "%s: a link to a file outside of the source tree, which its record would lack; copy "
            "the file in",
            full);
    } else if (target && !has_path(files, target + length + 1) && stat(target, &info) == 0 &&
               S_ISREG(info.st_mode)) {
        file->mode = info.st_mode & S_IXUSR ? CODE_MODE_EXECUTABLE : CODE_MODE_FILE;
        file->bytes.size = 0;
        status = hpx_file_read(&file->bytes, target, FILE_BYTES_MAX, error);
    }
    free(target); /* one to nowhere is never compiled */
    return status;
}

hpx_status hpx_code_files_read_trainer(code_files *out, const char *root, const char *paths, hpx_error *error)
{
    hpx_status status = hpx_code_files_read(out, root, paths, error);
    if (status)
        return status;
    char *base = hpx_path_real(root);
    for (size_t i = 0; i < out->count && !status; i++) {
        if (out->files[i].mode != CODE_MODE_LINK)
            continue;
        char *full = hpx_path_join(root, out->files[i].path);
        status = follow(&out->files[i], out, full, base, error);
        free(full);
    }
    free(base);
    if (status)
        hpx_code_files_free(out);
    return status == HPX_NOT_FOUND ? HPX_FAILED : status;
}

/* --- writing -------------------------------------------------------------------------------------------- */

static hpx_status write_all(int file, const hpx_buffer *bytes, const char *path, hpx_error *error)
{
    for (size_t done = 0; done < bytes->size;) {
        const ssize_t wrote = write(file, bytes->data + done, bytes->size - done);
        if (wrote < 0 && errno != EINTR)
            return hpx_error_errno(error, "%s", path);
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return HPX_OK;
}

static hpx_status write_file(int folder, const char *name, const code_file *file, hpx_error *error)
{
    if (file->mode == CODE_MODE_LINK) {
        char *target = hpx_strndup((const char *)file->bytes.data, file->bytes.size);
        const int code = symlinkat(target, folder, name);
        free(target);
        return code == 0 ? HPX_OK : hpx_error_errno(error, "%s", file->path);
    }
    const int out = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           file->mode == CODE_MODE_EXECUTABLE ? 0755 : 0644);
    if (out < 0)
        return hpx_error_errno(error, "%s", file->path);
    hpx_status status = write_all(out, &file->bytes, file->path, error);
    if (close(out) != 0 && !status)
        status = hpx_error_errno(error, "%s", file->path);
    return status;
}

/* Goes down the path from `folder`, which it closes, and makes the folders on the way. */
static hpx_status write_below(int folder, const code_file *file, hpx_error *error)
{
    hpx_status status = HPX_OK;
    const char *at = file->path;
    if (!hpx_code_path_is_plain(at))
        status = hpx_error_set(error, HPX_FAILED, "'%s' leads out of the source tree", at);
    for (const char *slash; !status && (slash = strchr(at, '/')); at = slash + 1) {
        char *name = hpx_strndup(at, (size_t)(slash - at));
        int next = -1;
        if (mkdirat(folder, name, 0755) == 0 || errno == EEXIST)
            next = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            status = hpx_error_errno(error, "%s", file->path);
        close(folder);
        folder = next;
        free(name);
    }
    if (!status)
        status = write_file(folder, at, file, error);
    if (folder >= 0)
        close(folder);
    return status;
}

hpx_status hpx_code_files_write(const char *folder, const code_files *files, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < files->count && !status; i++) {
        const int top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        status = top < 0 ? hpx_error_errno(error, "%s", folder) : write_below(top, &files->files[i], error);
    }
    return status;
}
