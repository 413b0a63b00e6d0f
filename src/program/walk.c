#include "walk.h"

#include "base/memory.h"
#include "program/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

hpx_status hpx_walk_refuse(const char *name, const char *why, hpx_error *error)
{
    return hpx_error_set(error, HPX_NOT_FOUND, "%s: %s", name, why);
}

static hpx_status walk_entry(const hpx_walk *walk, int folder, const char *name, const char *leaf,
                             size_t depth, hpx_error *error);

static int without_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static hpx_status walk_folder(const hpx_walk *walk, int folder, const char *name, size_t depth,
                              hpx_error *error)
{
    struct dirent **entries = NULL;
    hpx_status status = HPX_OK;
    const int count =
        depth < HPX_WALK_DEPTH_MAX ? scandirat(folder, ".", &entries, without_dots, by_name) : 0;
    if (depth >= HPX_WALK_DEPTH_MAX)
        return hpx_walk_refuse(name, "folders are too deep in each other", error);
    if (count < 0)
        return hpx_walk_refuse(name, strerror(errno), error);
    for (int i = 0; i < count; i++) {
        char *path = hpx_format("%s/%s", name, entries[i]->d_name);
        if (!status)
            status = walk_entry(walk, folder, path, entries[i]->d_name, depth + 1, error);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static hpx_status walk_entry(const hpx_walk *walk, int folder, const char *name, const char *leaf,
                             size_t depth, hpx_error *error)
{
    struct stat info;
    const int how = walk->reads ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH;
    const int fd = openat(folder, leaf, how | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return hpx_walk_refuse(name, errno == ELOOP ? "it is a symbolic link" : strerror(errno), error);
    hpx_status status = HPX_OK;
    if (fstat(fd, &info) != 0)
        status = hpx_walk_refuse(name, strerror(errno), error);
    else if (S_ISLNK(info.st_mode))
        status = hpx_walk_refuse(name, "it is a symbolic link", error);
    else if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        status = hpx_walk_refuse(name, "it is neither a file nor a folder", error);
    else if (!hpx_archive_is_name(name))
        status = hpx_walk_refuse(name, "its name is too long", error);
    if (!status)
        status = walk->visit(walk->context, name, fd, &info, error);
    if (!status && S_ISDIR(info.st_mode))
        status = walk_folder(walk, fd, name, depth, error);
    close(fd);
    return status;
}

/* The folder that `name` is in, without following links; -1, and errno. A look at it gives no notice of one that opens it. */
static int open_parent(const char *folder, const char *name, const char **leaf)
{
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (const char *slash; fd >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
        char *part = hpx_strndup(name, (size_t)(slash - name));
        const int next = openat(fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), why = errno;
        free(part);
        close(fd);
        errno = why;
        fd = next;
    }
    *leaf = name;
    return fd;
}

hpx_status hpx_walk_checkpoint(const char *folder, const char *name, const hpx_walk *walk, hpx_error *error)
{
    const char *leaf;
    if (!hpx_archive_is_name(name))
        return hpx_walk_refuse(name, "it is no name below HPX_OUT", error);
    const int parent = open_parent(folder, name, &leaf);
    if (parent < 0)
        return hpx_walk_refuse(name, strerror(errno), error);
    hpx_status status = walk_entry(walk, parent, name, leaf, 0, error);
    close(parent);
    return status;
}
