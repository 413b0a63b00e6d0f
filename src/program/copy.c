/* A copy is a tree of nodes, each with the stat that its file had when it was made. A file whose stat is as it was has its
 * bytes, unless it could be written to without a new time: within the tick of the clock in which the copy was handed out, or
 * through a mapping on a file system in memory. Such files are compared with the snapshot's. */
#include "copy.h"

#include "scratch.h"
#include "tree.h"
#include "undeclared.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The kernel's clock for file times ticks every 1 to 10 ms; where times have no nanoseconds, every 2 s at most. */
#define TICK_NS      20000000
#define SLOW_TICK_NS 2000000000

struct node {
    char *name;
    mode_t mode;  /* as of lstat: folder, file or link */
    char *target; /* of a link */
    struct node *nodes;
    size_t count, capacity;
    struct stat made; /* when it was made; of a file that is not there yet: zero */
};

struct hpx_copy {
    hpx_buffer conditions; /* those that it was made for, encoded */
    char *path;            /* of the folder in "copies"; without a copy: of tmp and out alone */
    char *name;
    int copies, snapshot, lock; /* the folder "copies", the snapshot, and the lock file; -1: none */
    struct node root;           /* of "tree" */
    size_t depth;               /* folders from "tree" to the root of the files */
    bool in_memory;             /* its file system leaves no trace of a write through a mapping */
    int64_t handed_out_ns;      /* by the clock of its file system */
    char *folder, *out, *tmp;
    char *work, *below_root; /* the recipe's folder in the work tree, and below its root */
};

/* The one that is released, to be used again. */
static hpx_copy *idle;

/* --- nodes ------------------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct node *)a)->name, ((const struct node *)b)->name);
}

static struct node *find_node(const struct node *folder, const char *name)
{
    const struct node wanted = {.name = (char *)name};
    return folder->count ? bsearch(&wanted, folder->nodes, folder->count, sizeof wanted, by_name) : NULL;
}

static struct node *add_node(struct node *folder, const char *name, mode_t mode)
{
    folder->nodes = hpx_grow(folder->nodes, &folder->capacity, folder->count + 1, sizeof *folder->nodes);
    size_t at = folder->count++;
    for (; at > 0 && strcmp(folder->nodes[at - 1].name, name) > 0; at--)
        folder->nodes[at] = folder->nodes[at - 1];
    folder->nodes[at] = (struct node){.name = hpx_strdup(name), .mode = mode};
    return &folder->nodes[at];
}

static void free_node(struct node *node)
{
    for (size_t i = 0; i < node->count; i++)
        free_node(&node->nodes[i]);
    free(node->nodes);
    free(node->target);
    free(node->name);
}

static char *read_link(int at, const char *name, size_t size)
{
    char *target = hpx_alloc(size + 1);
    const ssize_t length = readlinkat(at, name, target, size + 1);
    if (length >= 0 && (size_t)length <= size)
        return target;
    free(target);
    return NULL;
}

/* What is in a folder of the snapshot; the descriptor is closed. */
static hpx_status read_nodes(struct node *folder, int fd, hpx_error *error)
{
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    struct stat info;
    hpx_status status = entries ? HPX_OK : hpx_error_errno(error, "the snapshot of the code");
    while (!status && (entry = hpx_tree_next(entries))) {
        if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            status = hpx_error_errno(error, "the snapshot of the code");
            break;
        }
        folder->nodes = hpx_grow(folder->nodes, &folder->capacity, folder->count + 1, sizeof *folder->nodes);
        struct node *node = &folder->nodes[folder->count++];
        *node = (struct node){.name = hpx_strdup(entry->d_name), .mode = info.st_mode};
        if (S_ISLNK(info.st_mode))
            node->target = read_link(fd, entry->d_name, (size_t)info.st_size);
        else if (S_ISDIR(info.st_mode))
            status = read_nodes(
                node, openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error);
    }
    if (folder->count)
        qsort(folder->nodes, folder->count, sizeof *folder->nodes, by_name);
    if (entries)
        closedir(entries);
    return status;
}

/* The node at the path, with the folders on the way; NULL where these lead through a link: what is linked is not ours. */
static struct node *make_node(struct node *root, const char *path, mode_t mode)
{
    struct node *node = root;
    char *copy = hpx_strdup(path), *rest = copy;
    for (char *part; node && (part = strsep(&rest, "/"));) {
        if (!*part || strcmp(part, ".") == 0)
            continue;
        struct node *below = S_ISDIR(node->mode) ? find_node(node, part) : NULL;
        if (!below && S_ISDIR(node->mode))
            below = add_node(node, part, rest ? S_IFDIR | 0755 : mode);
        node = below;
    }
    free(copy);
    return node;
}

/* --- the tree that is wanted ------------------------------------------------------------------------------ */

/* Without a slash at the end. */
static char *join(const char *folder, const char *path)
{
    char *joined = hpx_path_join(folder, path);
    for (size_t length = strlen(joined); length > 1 && joined[length - 1] == '/'; length--)
        joined[length - 1] = 0;
    return joined;
}

static size_t count_ups(const char *place)
{
    size_t ups = 0;
    for (; strncmp(place, "../", 3) == 0; place += 3)
        ups++;
    return ups;
}

bool hpx_copy_next_link(const char **place, const char **target, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *middle = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;
    const uint8_t *last = middle ? memchr(middle + 1, 0, (size_t)(end - middle - 1)) : NULL;
    if (!last)
        return false;
    *place = (const char *)*at;
    *target = (const char *)middle + 1;
    *at = last + 1;
    return true;
}

/* How many folders are above the root of the files. */
static size_t depth_of(const hpx_fields *conditions)
{
    const hpx_field *data = hpx_fields_find(conditions, "job.data");
    const uint8_t *at = data ? data->bytes : NULL, *end = data ? data->bytes + data->size : NULL;
    const char *place, *target;
    size_t depth = 0;
    while (hpx_copy_next_link(&place, &target, &at, end))
        depth = count_ups(place) > depth ? count_ups(place) : depth;
    return depth;
}

static hpx_status plan_tree(hpx_copy *copy, const hpx_fields *conditions, hpx_error *error)
{
    const hpx_field *data = hpx_fields_find(conditions, "job.data");
    const uint8_t *begin = data ? data->bytes : NULL, *end = begin ? begin + data->size : NULL, *at = begin;
    const char *place, *target;
    hpx_buffer top = {0};
    copy->depth = depth_of(conditions);
    for (size_t i = 0; i < copy->depth; i++)
        hpx_buffer_puts(&top, "up/");
    copy->root = (struct node){.name = hpx_strdup("tree"), .mode = S_IFDIR | 0755};
    struct node *files = make_node(&copy->root, hpx_buffer_text(&top), S_IFDIR | 0755);
    hpx_status status = HPX_OK;
    if (copy->snapshot >= 0)
        status = read_nodes(files, openat(copy->snapshot, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error);
    make_node(files, hpx_fields_text_or_empty(conditions, "run.folder"), S_IFDIR | 0755);
    for (at = begin; !status && hpx_copy_next_link(&place, &target, &at, end);) {
        const size_t ups = count_ups(place);
        char *path =
            hpx_format("%.*s%s", (int)(3 * (copy->depth - ups)), hpx_buffer_text(&top), place + 3 * ups);
        struct node *link = make_node(&copy->root, path, S_IFLNK | 0777);
        if (link && S_ISLNK(link->mode) && !link->target)
            link->target = hpx_strdup(target);
        free(path);
    }
    char *files_root = hpx_format("%s/tree/%s", copy->path, hpx_buffer_text(&top));
    copy->folder = join(files_root, hpx_fields_text_or_empty(conditions, "run.folder"));
    free(files_root);
    hpx_buffer_free(&top);
    return status;
}

/* --- making it so ----------------------------------------------------------------------------------------- */

static bool same_stat(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_mode == b->st_mode &&
           a->st_size == b->st_size && hpx_time_ns(a->st_ctim) == hpx_time_ns(b->st_ctim) &&
           hpx_time_ns(a->st_mtim) == hpx_time_ns(b->st_mtim);
}

static bool may_hide_a_write(const hpx_copy *copy, const struct stat *made)
{
    const int64_t changed = hpx_time_ns(made->st_ctim);
    const int64_t tick = made->st_ctim.tv_nsec % 1000000 ? TICK_NS : SLOW_TICK_NS;
    return copy->in_memory || changed > copy->handed_out_ns - tick;
}

static bool same_bytes(int a, int b)
{
    uint8_t from_a[1 << 15], from_b[1 << 15];
    off_t at = 0;
    for (;;) {
        const ssize_t got = pread(a, from_a, sizeof from_a, at);
        if (got < 0 || pread(b, from_b, sizeof from_b, at) != got || memcmp(from_a, from_b, (size_t)got) != 0)
            return false;
        if (got == 0)
            return true;
        at += got;
    }
}

/* Of a regular file, whose stat is as it was. */
static bool has_its_bytes(int at, const char *name, int snapshot)
{
    const int mine = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    const int whole = openat(snapshot, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    const bool same = mine >= 0 && whole >= 0 && same_bytes(mine, whole);
    if (mine >= 0)
        close(mine);
    if (whole >= 0)
        close(whole);
    return same;
}

static bool is_as_made(const hpx_copy *copy, const struct node *node, int at, int snapshot)
{
    struct stat now;
    if (!node->made.st_ino || fstatat(at, node->name, &now, AT_SYMLINK_NOFOLLOW) != 0 ||
        !same_stat(&now, &node->made))
        return false;
    return S_ISLNK(node->mode) || !may_hide_a_write(copy, &node->made) ||
           has_its_bytes(at, node->name, snapshot);
}

static hpx_status snapshot_is_gone(const char *what, hpx_error *error)
{
    return hpx_error_set(error, HPX_NOT_FOUND, "%s: the snapshot of the code is gone", what);
}

/* The folder of a snapshot; -1 without an error where it has none: it holds only links to data. */
static hpx_status open_inside(int *out, int snapshot, const char *name, hpx_error *error)
{
    *out = snapshot >= 0 ? openat(snapshot, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (*out >= 0 || snapshot < 0 || errno == ENOENT)
        return HPX_OK;
    return hpx_error_errno(error, "the snapshot of the code: %s", name);
}

static hpx_status make_file(const hpx_copy *copy, const struct node *node, int at, int snapshot,
                            hpx_error *error)
{
    const int from = snapshot >= 0 ? openat(snapshot, node->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (from < 0 && (snapshot < 0 || errno == ENOENT))
        return snapshot_is_gone(node->name, error);
    if (from < 0)
        return hpx_error_errno(error, "the snapshot of the code: %s", node->name);
    const int fd = hpx_tree_copy(at, node->name, from, node->mode & S_IXUSR ? 0755 : 0644);
    const hpx_status status =
        fd >= 0 ? HPX_OK : hpx_error_errno(error, "%s: a program's copy of %s", copy->path, node->name);
    close(from);
    if (fd >= 0)
        close(fd);
    return status;
}

static hpx_status make_leaf(const hpx_copy *copy, struct node *node, int at, int snapshot, hpx_error *error)
{
    if (is_as_made(copy, node, at, snapshot))
        return HPX_OK;
    bool made = hpx_tree_remove(at, node->name);
    if (made && S_ISLNK(node->mode)) {
        made = symlinkat(node->target, at, node->name) == 0;
    } else if (made) {
        const hpx_status status = make_file(copy, node, at, snapshot, error);
        if (status)
            return status;
    }
    made = made && fstatat(at, node->name, &node->made, AT_SYMLINK_NOFOLLOW) == 0;
    return made ? HPX_OK : hpx_error_errno(error, "%s: a program's copy of %s", copy->path, node->name);
}

static bool remove_others(int fd, const struct node *folder)
{
    DIR *entries = hpx_tree_list(fd);
    const struct dirent *entry;
    bool done = entries != NULL;
    while (done && (entry = hpx_tree_next(entries)))
        done = find_node(folder, entry->d_name) || hpx_tree_remove(fd, entry->d_name);
    if (entries)
        closedir(entries);
    return done;
}

/* Makes the folder `node` of `at` as it is to be. `snapshot` is the snapshot's folder of the same files; -1: there are none. */
static hpx_status make_folder(hpx_copy *copy, struct node *node, int at, int snapshot, size_t depth,
                              hpx_error *error)
{
    struct stat info;
    const int fd = hpx_tree_make(at, node->name, 0755);
    hpx_status status = HPX_OK;
    if (fd < 0 || fstat(fd, &info) != 0 || ((info.st_mode & 07777) != 0755 && fchmod(fd, 0755) != 0) ||
        !remove_others(fd, node))
        status = hpx_error_errno(error, "%s: a program's copy of %s", copy->path, node->name);
    for (size_t i = 0; i < node->count && !status; i++) {
        struct node *below = &node->nodes[i];
        if (!S_ISDIR(below->mode)) {
            status = make_leaf(copy, below, fd, snapshot, error);
            continue;
        }
        int inside = -1;
        if (depth + 1 >= copy->depth)
            status = depth + 1 == copy->depth ? open_inside(&inside, copy->snapshot, ".", error)
                                              : open_inside(&inside, snapshot, below->name, error);
        if (!status)
            status = make_folder(copy, below, fd, inside, depth + 1, error);
        if (inside >= 0)
            close(inside);
    }
    if (fd >= 0)
        close(fd);
    return status;
}

/* --- the copies of a process ------------------------------------------------------------------------------ */

static void free_copy(hpx_copy *copy)
{
    if (!copy)
        return;
    const int fds[] = {copy->copies, copy->snapshot, copy->lock};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free_node(&copy->root);
    hpx_buffer_free(&copy->conditions);
    free(copy->path);
    free(copy->name);
    free(copy->folder);
    free(copy->out);
    free(copy->tmp);
    free(copy->work);
    free(copy->below_root);
    free(copy);
}

/* The lock goes last: what stays is found by it. */
static void remove_copy(hpx_copy *copy)
{
    if (copy && copy->name && hpx_tree_remove(copy->copies, copy->name)) {
        char *lock = hpx_format("%s" LOCK, copy->name);
        unlinkat(copy->copies, lock, 0);
        free(lock);
    }
    free_copy(copy);
}

/* A name of its own, locked. Between its making and its lock another process may have taken the lock for left over. */
static hpx_status claim_name(hpx_copy *copy, hpx_error *error)
{
    struct stat info;
    for (unsigned i = 0; !copy->name; i++) {
        char *name = hpx_format("%ld-%u", (long)getpid(), i), *lock = hpx_format("%s" LOCK, name);
        const int fd = openat(copy->copies, lock, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        const int code = errno;
        if (fd >= 0 && hpx_tree_lock(fd) && fstat(fd, &info) == 0 && info.st_nlink > 0) {
            copy->lock = fd;
            copy->name = name;
        } else {
            if (fd >= 0)
                close(fd);
            free(name);
        }
        free(lock);
        errno = code;
        if (fd < 0 && code != EEXIST)
            return hpx_error_errno(error, "a copy for the program");
    }
    return HPX_OK;
}

static hpx_status open_snapshot(hpx_copy *copy, const char *folder, hpx_error *error)
{
    if (!*folder)
        return HPX_OK;
    copy->snapshot = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy->snapshot < 0 || flock(copy->snapshot, LOCK_SH) != 0 || !hpx_path_exists(folder))
        return snapshot_is_gone(folder, error);
    return HPX_OK;
}

/* What does not change from one trial to the next. */
static hpx_status begin_copy(hpx_copy **out, const hpx_fields *conditions, hpx_error *error)
{
    static bool cleaned;
    const char *scratch = hpx_fields_text_or_empty(conditions, "job.scratch");
    struct statfs info;
    hpx_copy *copy = hpx_alloc(sizeof *copy);
    copy->copies = copy->snapshot = copy->lock = -1;
    *out = copy;
    hpx_status status = hpx_scratch_open(&copy->copies, scratch, COPIES, error);
    if (!status && !cleaned)
        hpx_scratch_remove_dead_copies(copy->copies);
    cleaned = true;
    if (!status)
        status = claim_name(copy, error);
    if (status)
        return status;
    copy->in_memory =
        fstatfs(copy->copies, &info) == 0 && (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC);
    copy->path = hpx_format("%s/" COPIES "/%s", scratch, copy->name);
    copy->out = hpx_format("%s/out", copy->path);
    copy->tmp = hpx_format("%s/tmp", copy->path);
    copy->below_root = hpx_strdup(hpx_fields_text_or_empty(conditions, "run.folder"));
    copy->work = join(hpx_fields_text_or_empty(conditions, "job.root"), copy->below_root);
    if (strcmp(hpx_fields_text_or_empty(conditions, "run.in"), "worktree") == 0) {
        copy->folder = hpx_strdup(copy->work);
        return HPX_OK;
    }
    status = open_snapshot(copy, hpx_fields_text_or_empty(conditions, "job.snapshot"), error);
    return status ? status : plan_tree(copy, conditions, error);
}

/* Two trials that run in the same bytes have the same of these. */
static void encode_conditions(hpx_buffer *out, const hpx_fields *conditions)
{
    static const char *const names[] = {"job.data",     "job.root",   "job.scratch",
                                        "job.snapshot", "run.folder", "run.in"};
    hpx_fields decisive = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const hpx_field *field = hpx_fields_find(conditions, names[i]);
        if (field)
            hpx_fields_set(&decisive, field);
    }
    hpx_fields_encode(out, &decisive);
    hpx_fields_free(&decisive);
}

/* Another snapshot stands under the name of the copy's, which was damaged. */
static bool is_replaced(const hpx_copy *copy, const hpx_fields *conditions)
{
    struct stat mine, there;
    return copy->snapshot >= 0 && fstat(copy->snapshot, &mine) == 0 &&
           stat(hpx_fields_text_or_empty(conditions, "job.snapshot"), &there) == 0 &&
           (mine.st_ino != there.st_ino || mine.st_dev != there.st_dev);
}

/* Two new folders for the trial, and the files as they were. */
static hpx_status make_ready(hpx_copy *copy, hpx_error *error)
{
    struct stat info;
    hpx_status status = HPX_OK;
    const int fd = hpx_tree_make(copy->copies, copy->name, 0700);
    if (fd < 0 || !hpx_tree_remove(fd, "out") || !hpx_tree_remove(fd, "tmp"))
        status = hpx_error_errno(error, "%s", copy->path);
    if (!status && copy->root.name)
        status = make_folder(copy, &copy->root, fd, copy->depth == 0 ? copy->snapshot : -1, 0, error);
    if (!status && (mkdirat(fd, "tmp", 0700) != 0 || mkdirat(fd, "out", 0700) != 0 ||
                    fstatat(fd, "out", &info, AT_SYMLINK_NOFOLLOW) != 0))
        status = hpx_error_errno(error, "%s", copy->path);
    if (!status)
        copy->handed_out_ns = hpx_time_ns(info.st_ctim);
    if (fd >= 0)
        close(fd);
    return status;
}

hpx_status hpx_copy_take(hpx_copy **out, const hpx_fields *conditions, hpx_error *error)
{
    hpx_buffer wanted = {0};
    encode_conditions(&wanted, conditions);
    hpx_copy *copy = idle;
    idle = NULL;
    if (copy &&
        (copy->conditions.size != wanted.size ||
         memcmp(copy->conditions.data, wanted.data, wanted.size) != 0 || is_replaced(copy, conditions))) {
        remove_copy(copy);
        copy = NULL;
    }
    hpx_status status = copy ? make_ready(copy, error) : HPX_NOT_FOUND;
    if (status == HPX_NOT_FOUND) {
        /* There is none yet, or its snapshot is gone: another one may stand in its place. */
        remove_copy(copy);
        status = begin_copy(&copy, conditions, error);
        if (!status)
            status = make_ready(copy, error);
    }
    if (status) {
        remove_copy(copy);
        copy = NULL;
        hpx_buffer_free(&wanted);
    } else {
        hpx_buffer_free(&copy->conditions);
        copy->conditions = wanted;
    }
    *out = copy;
    return status;
}

const char *hpx_copy_name_of(const hpx_fields *conditions, const char *path)
{
    static const char copies[] = "copies/", tree[] = "/tree/", up[] = "up/";
    const char *slash =
        strncmp(path, copies, strlen(copies)) == 0 ? strchr(path + strlen(copies), '/') : NULL;
    if (!slash || strncmp(slash, tree, strlen(tree)) != 0)
        return NULL;
    const char *name = slash + strlen(tree);
    for (size_t depth = depth_of(conditions); depth > 0; depth--, name += strlen(up))
        if (strncmp(name, up, strlen(up)) != 0)
            return NULL;
    return name;
}

void hpx_copy_release(hpx_copy *copy)
{
    if (!copy)
        return;
    hpx_copies_remove();
    idle = copy;
}

void hpx_copies_remove(void)
{
    remove_copy(idle);
    idle = NULL;
}

const char *hpx_copy_folder(const hpx_copy *copy)
{
    return copy->folder;
}

const char *hpx_copy_out(const hpx_copy *copy)
{
    return copy->out;
}

const char *hpx_copy_tmp(const hpx_copy *copy)
{
    return copy->tmp;
}

/* --- what was missed -------------------------------------------------------------------------------------- */

#define FOLDERS_MAX 64

static void add_folders(undeclared_places *places, const struct node *folder, const char *path)
{
    for (size_t i = 0; i < folder->count && places->folder_count < FOLDERS_MAX; i++) {
        if (!S_ISDIR(folder->nodes[i].mode))
            continue;
        char *below = hpx_format("%s%s/", path, folder->nodes[i].name);
        places->folders[places->folder_count++] = below;
        add_folders(places, &folder->nodes[i], below);
    }
}

void hpx_copy_undeclared(hpx_buffer *hint, hpx_copy *copy, const void *output, size_t size)
{
    char *folders[FOLDERS_MAX];
    undeclared_places places = {
        .copy = copy->folder, .work = copy->work, .folders = folders, .folder_count = 1};
    hpx_buffer up = {0};
    if (!copy->root.name)
        return;
    folders[0] = hpx_strdup("");
    for (const char *at = copy->below_root; *at; at += strcspn(at, "/"), at += *at == '/')
        hpx_buffer_puts(&up, "../");
    if (up.size)
        folders[places.folder_count++] = hpx_strdup(hpx_buffer_text(&up));
    struct node *files = &copy->root;
    for (size_t i = 0; i < copy->depth; i++)
        files = find_node(files, "up");
    const struct node *folder = make_node(files, copy->below_root, S_IFDIR | 0755);
    if (folder)
        add_folders(&places, folder, "");
    hpx_undeclared_find(hint, &places, output, size);
    for (size_t i = 0; i < places.folder_count; i++)
        free(folders[i]);
    hpx_buffer_free(&up);
}
