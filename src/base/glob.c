#include "glob.h"

#include "hpx/file.h"
#include "memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool hpx_is_glob(const char *name)
{
    return strpbrk(name, "*?[") != NULL;
}

void hpx_path_list_add(hpx_path_list *paths, const char *path)
{
    paths->paths = hpx_grow(paths->paths, &paths->capacity, paths->count + 1, sizeof *paths->paths);
    paths->paths[paths->count++] = hpx_strdup(path);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void hpx_path_list_sort(hpx_path_list *paths)
{
    size_t kept = 0;
    if (paths->count > 1)
        qsort(paths->paths, paths->count, sizeof *paths->paths, by_text);
    for (size_t i = 0; i < paths->count; i++) {
        if (kept > 0 && strcmp(paths->paths[kept - 1], paths->paths[i]) == 0)
            free(paths->paths[i]);
        else
            paths->paths[kept++] = paths->paths[i];
    }
    paths->count = kept;
}

void hpx_path_list_free(hpx_path_list *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->paths[i]);
    free(paths->paths);
    *paths = (hpx_path_list){0};
}

void hpx_path_list_folder(hpx_path_list *out, const char *folder, bool hidden)
{
    DIR *entries = opendir(folder);
    for (const struct dirent *entry; entries && (entry = readdir(entries));)
        if (hidden ? strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0
                   : *entry->d_name != '.')
            hpx_path_list_add(out, entry->d_name);
    if (entries)
        closedir(entries);
    hpx_path_list_sort(out);
}

/* The first part of a glob, to be freed; *rest is what follows, "" at the end. */
static char *first_part(const char *glob, const char **rest)
{
    const size_t length = strcspn(glob, "/");
    *rest = glob + length + strspn(glob + length, "/");
    return hpx_strndup(glob, length);
}

bool hpx_glob_matches(const char *glob, const char *path)
{
    const char *glob_rest, *path_rest;
    if (!*glob || !*path)
        return !*glob && !*path;
    char *part = first_part(glob, &glob_rest), *name = first_part(path, &path_rest);
    bool matches;
    if (strcmp(part, "**") == 0)
        matches = hpx_glob_matches(glob_rest, path) || (name[0] != '.' && hpx_glob_matches(glob, path_rest));
    else
        matches =
            fnmatch(part, name, FNM_PERIOD | FNM_NOESCAPE) == 0 && hpx_glob_matches(glob_rest, path_rest);
    free(part);
    free(name);
    return matches;
}

static char *add_part(const char *path, const char *part)
{
    return *path ? hpx_path_join(path, part) : hpx_strdup(part);
}

struct expansion {
    hpx_path_list *out;
    const char *folder;
    void (*looked)(void *context, const char *folder);
    void *context;
};

static void expand(const struct expansion *expansion, const char *path, const char *glob);

/* Goes on in the entries of a folder that the part matches; through **, in its folders. */
static void expand_entries(const struct expansion *expansion, const char *path, const char *part,
                           const char *glob, const char *rest)
{
    const bool any = strcmp(part, "**") == 0;
    char *full = hpx_path_join(expansion->folder, *path ? path : ".");
    DIR *entries = opendir(full);
    if (entries && expansion->looked)
        expansion->looked(expansion->context, full);
    free(full);
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        struct stat info;
        if (fnmatch(any ? "*" : part, entry->d_name, FNM_PERIOD | FNM_NOESCAPE) != 0 ||
            strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            (any && (fstatat(dirfd(entries), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
                     !S_ISDIR(info.st_mode))))
            continue;
        char *below = add_part(path, entry->d_name);
        expand(expansion, below, any ? glob : rest);
        free(below);
    }
    if (entries)
        closedir(entries);
}

static void expand(const struct expansion *expansion, const char *path, const char *glob)
{
    const char *rest;
    if (!*glob) {
        char *full = hpx_path_join(expansion->folder, path);
        struct stat info;
        if (lstat(full, &info) == 0)
            hpx_path_list_add(expansion->out, path);
        free(full);
        return;
    }
    char *part = first_part(glob, &rest);
    if (strcmp(part, "**") == 0)
        expand(expansion, path, *rest ? rest : "*");
    if (hpx_is_glob(part)) {
        expand_entries(expansion, path, part, glob, rest);
    } else {
        char *below = glob[0] == '/' ? hpx_strdup("/") : add_part(path, part);
        expand(expansion, below, rest);
        free(below);
    }
    free(part);
}

void hpx_glob_expand(hpx_path_list *out, const char *folder, const char *glob,
                     void (*looked)(void *context, const char *folder), void *context)
{
    const struct expansion expansion = {out, folder, looked, context};
    expand(&expansion, "", glob);
    hpx_path_list_sort(out);
}

char *hpx_path_normal(const char *folder, const char *name)
{
    char *joined = *folder ? hpx_format("%s/%s", folder, name) : hpx_strdup(name), *rest = joined;
    hpx_buffer place = {0};
    for (char *part; (part = strsep(&rest, "/"));) {
        if (!*part || strcmp(part, ".") == 0)
            continue;
        const char *last = place.size ? strrchr(hpx_buffer_text(&place), '/') : NULL;
        last = last ? last + 1 : hpx_buffer_text(&place);
        if (strcmp(part, "..") == 0 && place.size > 0 && strcmp(last, "..") != 0) {
            const size_t length = (size_t)(last - (const char *)place.data);
            place.size = length > 0 ? length - 1 : 0;
            continue;
        }
        hpx_buffer_printf(&place, "%s%s", place.size ? "/" : "", part);
    }
    char *copy = hpx_strdup(hpx_buffer_text(&place));
    hpx_buffer_free(&place);
    free(joined);
    return copy;
}
