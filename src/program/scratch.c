#include "scratch.h"

#include "copy.h"
#include "tree.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define UNFINISHED_SECONDS 60

/* --- where it is ------------------------------------------------------------------------------------------ */

/* The path up to its last part that is there, without links. */
static char *existing_part(const char *path)
{
    char *partial = hpx_strdup(path), *real;
    while (!(real = hpx_path_real(partial)) && strcmp(partial, "/") != 0 && strcmp(partial, ".") != 0) {
        char *above = hpx_path_directory(partial);
        free(partial);
        partial = above;
    }
    free(partial);
    return real;
}

/* What a program reads beside itself is not to be found by accident, and what it writes not to be committed. */
static bool is_in_work_tree(const char *path)
{
    char *at = existing_part(path);
    bool found = false;
    for (char *slash = at ? at + strlen(at) : NULL; slash && !found; slash = strrchr(at, '/')) {
        *slash = 0;
        char *git = hpx_format("%s/.git", at);
        found = hpx_path_exists(git);
        free(git);
    }
    free(at);
    return found;
}

/* NULL when it can be used; made if need be and `make`. */
static char *why_not(const char *path, bool make)
{
    hpx_error error;
    struct stat info;
    if (path[0] != '/')
        return hpx_format("%s: not an absolute path", path);
    if (is_in_work_tree(path))
        return hpx_format("%s: in a git work tree", path);
    if (!make && !hpx_path_exists(path))
        return NULL;
    char *above = hpx_path_directory(path);
    const hpx_status status = hpx_make_directories(above, &error);
    free(above);
    if (status)
        return hpx_strdup(error.message);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return hpx_format("%s: %s", path, strerror(errno));
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return hpx_format("%s: not a folder", path);
    if (info.st_uid != geteuid())
        return hpx_format("%s: it belongs to another user", path);
    if ((info.st_mode & 022) != 0 && chmod(path, info.st_mode & 0755) != 0)
        return hpx_format("%s: other users may write there", path);
    return access(path, W_OK | X_OK) == 0 ? NULL : hpx_format("%s: %s", path, strerror(errno));
}

static char *below(const char *variable, const char *rest)
{
    const char *folder = getenv(variable);
    return folder && *folder ? hpx_format("%s%s", folder, rest) : NULL;
}

/* The first of `count` candidates, which are freed, that can be used; NULL is none of them. */
static hpx_status choose(char **out, char **candidates, size_t count, bool make, const char *variable,
                         hpx_error *error)
{
    hpx_buffer reasons = {0};
    const char *chosen = NULL;
    for (size_t i = 0; i < count; i++) {
        char *why = chosen || !candidates[i] ? NULL : why_not(candidates[i], make);
        if (why)
            hpx_buffer_printf(&reasons, "%s%s", reasons.size ? "; " : "", why);
        else if (!chosen)
            chosen = candidates[i];
        free(why);
    }
    *out = chosen ? hpx_path_real(chosen) : NULL;
    hpx_status status = HPX_OK;
    if (chosen && !*out)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s is not there", chosen);
    else if (!*out)
        status = hpx_error_set(error, HPX_FAILED, "no folder for programs to run in; set %s to one (%s)",
                               variable, hpx_buffer_text(&reasons));
    for (size_t i = 0; i < count; i++)
        free(candidates[i]);
    hpx_buffer_free(&reasons);
    return status;
}

hpx_status hpx_scratch_folder(char **out, bool make, hpx_error *error)
{
    char *own = hpx_format("/hpx-%u", (unsigned)geteuid());
    char *temporary = below("TMPDIR", own);
    char *candidates[] = {
        below("HPX_SCRATCH", ""),
        below("XDG_CACHE_HOME", "/hpx"),
        below("HOME", "/.cache/hpx"),
        temporary ? temporary : hpx_format("/tmp%s", own),
    };
    free(own);
    return choose(out, candidates, sizeof candidates / sizeof *candidates, make, "HPX_SCRATCH", error);
}

/* TMPDIR may have come from the machine that has asked for this one. */
hpx_status hpx_scratch_on_node(char **out, hpx_error *error)
{
    const char *temporary = getenv("TMPDIR");
    char *own = hpx_format("/hpx-node-%u", (unsigned)geteuid());
    char *candidates[] = {
        below("HPX_NODE_SCRATCH", ""),
        temporary && hpx_path_exists(temporary) ? below("TMPDIR", own) : NULL,
        hpx_format("/tmp%s", own),
    };
    free(own);
    return choose(out, candidates, sizeof candidates / sizeof *candidates, true, "HPX_NODE_SCRATCH", error);
}

hpx_status hpx_scratch_open(int *out, const char *scratch, const char *name, hpx_error *error)
{
    const int top = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *out = -1;
    if (top >= 0) {
        mkdirat(top, name, 0700);
        *out = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        const int code = errno;
        close(top);
        errno = code;
    }
    return *out >= 0 ? HPX_OK : hpx_error_errno(error, "%s/%s", scratch, name);
}

/* --- what is left in it ----------------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *end)
{
    const size_t length = strlen(name), tail = strlen(end);
    return length > tail && strcmp(name + length - tail, end) == 0;
}

/* The process that had the copy has ended: its lock is free. The lock goes last, so that what stays is found again. */
static void remove_dead_copy(int copies, const char *lock_name, bool keep, hpx_scratch_space *space)
{
    const int lock = openat(copies, lock_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (lock < 0)
        return;
    char *name = hpx_strndup(lock_name, strlen(lock_name) - strlen(LOCK));
    if (hpx_tree_lock(lock)) {
        unsigned long long bytes = 0;
        if (space) {
            hpx_tree_measure(&bytes, copies, name);
            space->copies++;
            space->bytes += bytes;
        }
        if (!keep && hpx_tree_remove(copies, name))
            unlinkat(copies, lock_name, 0);
    }
    free(name);
    close(lock);
}

static void each_dead_copy(int copies, bool keep, hpx_scratch_space *space)
{
    DIR *entries = hpx_tree_list(copies);
    const struct dirent *entry;
    while (entries && (entry = hpx_tree_next(entries)))
        if (ends_with(entry->d_name, LOCK))
            remove_dead_copy(copies, entry->d_name, keep, space);
    if (entries)
        closedir(entries);
}

void hpx_scratch_remove_dead_copies(int copies)
{
    each_dead_copy(copies, false, NULL);
}

/* A part of a snapshot is never seen under its name. */
static void remove_snapshot(int snapshots, const char *name)
{
    char *aside = hpx_format("%s" UNFINISHED "%ld", name, (long)getpid());
    const bool moved = renameat(snapshots, name, snapshots, aside) == 0;
    hpx_tree_remove(snapshots, moved ? aside : name);
    free(aside);
}

/* Who uses a snapshot, or makes one, has it locked. An unfinished one that is not is left over. */
static void collect_snapshot(int snapshots, const char *name, double seconds, bool keep,
                             hpx_scratch_space *space)
{
    const bool unfinished = strstr(name, UNFINISHED) != NULL;
    const double age_min = unfinished && seconds > UNFINISHED_SECONDS ? UNFINISHED_SECONDS : seconds;
    struct stat info, there;
    unsigned long long bytes = 0;
    const int fd = openat(snapshots, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    /* Before the lock another process may have collected it, and a third one made it again. */
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &info) == 0 &&
        fstatat(snapshots, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && info.st_ino == there.st_ino &&
        difftime(time(NULL), info.st_mtime) >= age_min) {
        hpx_tree_measure(&bytes, snapshots, name);
        space->snapshots++;
        space->bytes += bytes;
        if (!keep)
            remove_snapshot(snapshots, name);
    }
    close(fd);
}

void hpx_scratch_collect(hpx_scratch_space *out, const char *scratch, double seconds, bool keep)
{
    hpx_error none;
    int copies = -1, snapshots = -1;
    *out = (hpx_scratch_space){0};
    if (hpx_scratch_open(&copies, scratch, COPIES, &none) == HPX_OK) {
        each_dead_copy(copies, keep, out);
        close(copies);
    }
    if (hpx_scratch_open(&snapshots, scratch, HPX_SNAPSHOTS, &none) != HPX_OK)
        return;
    DIR *entries = hpx_tree_list(snapshots);
    const struct dirent *entry;
    while (entries && (entry = hpx_tree_next(entries)))
        collect_snapshot(snapshots, entry->d_name, seconds, keep, out);
    if (entries)
        closedir(entries);
    close(snapshots);
}
