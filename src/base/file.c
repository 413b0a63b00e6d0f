#include "hpx/file.h"

#include "base/memory.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

static hpx_status open_error(const char *path, hpx_error *error)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return hpx_error_set(error, HPX_NOT_FOUND, "%s: no such file", path);
    return hpx_error_errno(error, "%s", path);
}

/* Opens for reading and refuses what is not a regular file: a directory or a pipe has no bytes to hash or
 * map. */
static hpx_status open_regular(int *fd_out, struct stat *info, const char *path, hpx_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return open_error(path, error);
    if (fstat(fd, info) != 0) {
        hpx_status status = hpx_error_errno(error, "%s", path);
        close(fd);
        return status;
    }
    if (!S_ISREG(info->st_mode)) {
        close(fd);
        return hpx_error_set(error, HPX_FAILED, "%s: not a regular file", path);
    }
    *fd_out = fd;
    return HPX_OK;
}

/* Reads to the end and closes. */
static hpx_status read_all(hpx_buffer *out, int fd, const char *path, size_t bytes_max, hpx_error *error)
{
    hpx_status status = HPX_OK;
    size_t start = out->size;
    for (;;) {
        hpx_buffer_reserve(out, 1);
        ssize_t got = read(fd, out->data + out->size, out->capacity - out->size);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = hpx_error_errno(error, "%s", path);
            break;
        }
        out->size += (size_t)got;
        if (out->size - start > bytes_max) {
            status = hpx_error_set(error, HPX_FAILED, "%s: larger than %zu bytes", path, bytes_max);
            break;
        }
    }
    close(fd);
    if (status)
        out->size = start;
    return status;
}

hpx_status hpx_file_read(hpx_buffer *out, const char *path, size_t bytes_max, hpx_error *error)
{
    struct stat info;
    int fd;
    hpx_status status = open_regular(&fd, &info, path, error);
    if (status)
        return status;
    size_t expected = (size_t)info.st_size;
    hpx_buffer_reserve(out, (expected < bytes_max ? expected : bytes_max) + 1);
    return read_all(out, fd, path, bytes_max, error);
}

hpx_status hpx_stream_read(hpx_buffer *out, const char *path, size_t bytes_max, hpx_error *error)
{
    int fd =
        strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? open_error(path, error) : read_all(out, fd, path, bytes_max, error);
}

static hpx_status write_all(int fd, const char *path, const uint8_t *bytes, size_t size, hpx_error *error)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return hpx_error_errno(error, "%s", path);
        bytes += put;
        size -= (size_t)put;
    }
    return HPX_OK;
}

static hpx_status sync_directory(const char *path, hpx_error *error)
{
    char *directory = hpx_path_directory(path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    hpx_status status = HPX_OK;
    if (fd < 0 || fsync(fd) != 0)
        status = hpx_error_errno(error, "%s", directory);
    if (fd >= 0)
        close(fd);
    free(directory);
    return status;
}

struct hpx_file_writer {
    int fd;
    char *path;
    char *temporary; /* NULL: the path itself */
    hpx_file_writer *next;
};

/* All that are open, of all threads, so that a process that ends in the middle can remove what they have written. */
static hpx_file_writer *volatile writers;
static pthread_mutex_t writers_lock = PTHREAD_MUTEX_INITIALIZER;

void hpx_file_remove_temporaries(void)
{
    for (const hpx_file_writer *writer = writers; writer; writer = writer->next)
        if (writer->temporary)
            unlink(writer->temporary);
}

#define TEMPORARY_MARK ".tmp."

/* Who writes a temporary file holds a lock on it, which ends with the process: one without a lock was left
 * over. */
static bool lock_temporary(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/* NAME.tmp.PID.NUMBER; without `name`, of any. */
static bool is_temporary(const char *entry, const char *name)
{
    const char *mark = NULL;
    for (const char *at = entry; (at = strstr(at, TEMPORARY_MARK)); at++)
        mark = at;
    if (!mark ||
        (name && (strlen(name) != (size_t)(mark - entry) || strncmp(entry, name, strlen(name)) != 0)))
        return false;
    const char *pid = mark + strlen(TEMPORARY_MARK), *number = pid + strspn(pid, "0123456789");
    return number > pid && *number == '.' && isdigit((unsigned char)number[1]) &&
           number[1 + strspn(number + 1, "0123456789")] == 0;
}

static void remove_left_over(const char *folder, const char *name)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        if (!is_temporary(entry->d_name, name))
            continue;
        int fd = openat(dirfd(entries), entry->d_name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd >= 0 && lock_temporary(fd))
            unlinkat(dirfd(entries), entry->d_name, 0);
        if (fd >= 0)
            close(fd);
    }
    if (entries)
        closedir(entries);
}

void hpx_file_remove_left_over(const char *folder)
{
    remove_left_over(folder, NULL);
}

static void remove_left_over_beside(const char *path)
{
    char *folder = hpx_path_directory(path);
    const char *slash = strrchr(path, '/');
    remove_left_over(folder, slash ? slash + 1 : path);
    free(folder);
}

/* Between its making and its lock another process may have taken it for a left-over one. */
static bool keep_temporary(int fd)
{
    struct stat info;
    return (lock_temporary(fd) || (errno != EAGAIN && errno != EACCES)) && fstat(fd, &info) == 0 &&
           info.st_nlink > 0;
}

/* What root makes in somebody's folder is for that one to use. Where root may not give it away either, it
 * stays as it is. */
static void leave_to_owner(int fd, const char *path)
{
    struct stat info;
    char *folder = hpx_path_directory(path);
    if (geteuid() == 0 && stat(folder, &info) == 0 && fchown(fd, info.st_uid, info.st_gid) != 0)
        errno = 0;
    free(folder);
}

static void leave_folder_to_owner(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    leave_to_owner(fd, path);
    close(fd);
}

/* A new file beside the path. It has the permissions that a file made there would have or, in place of one
 * that exists, that one's; mkstemp would leave them to be guessed. */
static void create_temporary(hpx_file_writer *writer, const struct stat *old)
{
    for (unsigned i = 0; writer->fd < 0 && (i == 0 || errno == EEXIST); i++) {
        free(writer->temporary);
        writer->temporary = hpx_format("%s" TEMPORARY_MARK "%ld.%u", writer->path, (long)getpid(), i);
        writer->fd = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, old ? 0600 : 0666);
        if (writer->fd < 0 || keep_temporary(writer->fd))
            continue;
        close(writer->fd);
        writer->fd = -1;
        errno = EEXIST;
    }
    if (writer->fd >= 0 && !old)
        leave_to_owner(writer->fd, writer->path);
    if (writer->fd < 0 || !old)
        return;
    /* Whoever replaces another's file without being allowed to give it away owns it then, alone. */
    const bool own = fchown(writer->fd, old->st_uid, old->st_gid) == 0;
    if (fchmod(writer->fd, old->st_mode & (own ? 0777 : 0700)) != 0)
        errno = 0; /* a file system without permissions */
}

hpx_status hpx_file_create(hpx_file_writer **out, const char *path, hpx_error *error)
{
    struct stat info;
    hpx_file_writer *writer = hpx_alloc(sizeof *writer);
    *out = NULL;
    const bool exists = stat(path, &info) == 0;
    writer->path = exists ? hpx_path_real(path) : NULL; /* a link stays, its target is replaced */
    if (!writer->path)
        writer->path = hpx_strdup(path);
    writer->fd = -1;
    if (exists && !S_ISREG(info.st_mode)) {
        writer->fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        remove_left_over_beside(writer->path);
        create_temporary(writer, exists ? &info : NULL);
    }
    if (writer->fd >= 0) {
        pthread_mutex_lock(&writers_lock);
        writer->next = writers;
        writers = writer;
        pthread_mutex_unlock(&writers_lock);
        *out = writer;
        return HPX_OK;
    }
    hpx_status status = hpx_error_errno(error, "%s", path);
    free(writer->temporary);
    free(writer->path);
    free(writer);
    return status;
}

hpx_status hpx_file_add(hpx_file_writer *writer, const void *bytes, size_t size, hpx_error *error)
{
    return write_all(writer->fd, writer->path, bytes, size, error);
}

void hpx_file_discard(hpx_file_writer *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    if (writer->temporary)
        unlink(writer->temporary);
    pthread_mutex_lock(&writers_lock);
    hpx_file_writer *before = writers;
    if (before == writer)
        writers = writer->next;
    for (; before && before != writer; before = before->next)
        if (before->next == writer)
            before->next = writer->next;
    pthread_mutex_unlock(&writers_lock);
    free(writer->temporary);
    free(writer->path);
    free(writer);
}

hpx_status hpx_file_finish(hpx_file_writer *writer, hpx_error *error)
{
    const char *path = writer->path;
    hpx_status status = HPX_OK;
    if (writer->temporary && fsync(writer->fd) != 0)
        status = hpx_error_errno(error, "%s", path);
    if (!status && writer->temporary) {
        if (rename(writer->temporary, path) != 0) {
            status = hpx_error_errno(error, "%s", path);
        } else {
            char *renamed = writer->temporary;
            writer->temporary = NULL;
            free(renamed);
            status = sync_directory(path, error);
        }
    }
    if (close(writer->fd) != 0 && !status)
        status = hpx_error_errno(error, "%s", path);
    writer->fd = -1;
    hpx_file_discard(writer);
    return status;
}

hpx_status hpx_file_write(const char *path, const void *bytes, size_t size, hpx_error *error)
{
    hpx_file_writer *writer;
    hpx_status status = hpx_file_create(&writer, path, error);
    if (status)
        return status;
    status = hpx_file_add(writer, bytes, size, error);
    if (!status)
        return hpx_file_finish(writer, error);
    hpx_file_discard(writer);
    return status;
}

int64_t hpx_time_ns(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* tmpfs and its kind never clean a page, so the kernel does not see when a mapped one is written to. */
static bool is_untimed(int fd)
{
    struct statfs info;
    return fstatfs(fd, &info) == 0 &&
           (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC || info.f_type == HUGETLBFS_MAGIC);
}

static hpx_file_stat stat_from(const struct stat *info, int fd)
{
    return (hpx_file_stat){
        .device = info->st_dev,
        .inode = info->st_ino,
        .size = (uint64_t)info->st_size,
        .modified_ns = hpx_time_ns(info->st_mtim),
        .changed_ns = hpx_time_ns(info->st_ctim),
        .untimed = is_untimed(fd),
    };
}

hpx_status hpx_file_stat_of(hpx_file_stat *out, const char *path, hpx_error *error)
{
    struct stat info;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return open_error(path, error);
    hpx_status status = fstat(fd, &info) == 0 ? HPX_OK : hpx_error_errno(error, "%s", path);
    if (!status)
        *out = stat_from(&info, fd);
    close(fd);
    return status;
}

bool hpx_file_stat_equal(const hpx_file_stat *a, const hpx_file_stat *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

/* Clocks of file systems tick as slowly as every two seconds, so a file that changed so shortly before it was
 * read may have changed again since without a new time (git: "racy index"). A write through a mapping is
 * noticed at the first one to a clean page: hpx_file_each_piece cleans them all. File systems in memory have
 * no clean pages, so there nothing is noticed, and the bytes are read again. */
#define RACY_NS 2000000000

bool hpx_file_stat_tells(const hpx_file_stat *stat, int64_t looked_ns)
{
    const int64_t changed = stat->modified_ns > stat->changed_ns ? stat->modified_ns : stat->changed_ns;
    return !stat->untimed && changed <= looked_ns - RACY_NS;
}

/* Until the piece is full or the file ends. */
static hpx_status read_piece(size_t *size, uint8_t *piece, int fd, const char *path, hpx_error *error)
{
    for (*size = 0; *size < HPX_PIECE_BYTES;) {
        ssize_t got = read(fd, piece + *size, HPX_PIECE_BYTES - *size);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return hpx_error_errno(error, "%s", path);
        *size += got > 0 ? (size_t)got : 0;
    }
    return HPX_OK;
}

hpx_status hpx_file_each_piece(hpx_file_stat *out, const char *path, hpx_piece_fn *each, void *context,
                               hpx_error *error)
{
    struct stat before, after;
    int fd;
    hpx_status status = open_regular(&fd, &before, path, error);
    if (status)
        return status;
    fsync(fd); /* it may be on a medium that cannot be written, and then there is nothing to write back */
    if (fstat(fd, &before) != 0)
        status = hpx_error_errno(error, "%s", path);
    else
        *out = stat_from(&before, fd);
    uint8_t *piece = hpx_alloc(HPX_PIECE_BYTES);
    uint64_t total = 0;
    for (size_t size = 1; size > 0 && !status;) {
        status = read_piece(&size, piece, fd, path, error);
        if (!status && size > 0)
            status = each(context, piece, size, error);
        total += size;
    }
    if (!status && (fstat(fd, &after) != 0 || total != (uint64_t)before.st_size ||
                    hpx_time_ns(after.st_mtim) != hpx_time_ns(before.st_mtim)))
        status = hpx_error_set(error, HPX_FAILED,
                               "%s: it changed while it was read; wait until it is complete", path);
    free(piece);
    close(fd);
    return status;
}

static hpx_status hash_piece(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    (void)error;
    hpx_hasher_add(context, bytes, size);
    return HPX_OK;
}

hpx_status hpx_file_hash(hpx_hash *out, hpx_file_stat *stat, const char *path, hpx_error *error)
{
    hpx_hasher *hasher = hpx_hasher_new();
    hpx_status status = hpx_file_each_piece(stat, path, hash_piece, hasher, error);
    *out = hpx_hasher_finish(hasher);
    return status;
}

bool hpx_file_has_hash(const char *path, const hpx_hash *hash)
{
    hpx_hash now;
    hpx_file_stat stat;
    hpx_error error;
    return hpx_file_hash(&now, &stat, path, &error) == HPX_OK && hpx_hash_equal(&now, hash);
}

hpx_status hpx_make_directories(const char *path, hpx_error *error)
{
    char *partial = hpx_strdup(path);
    hpx_status status = HPX_OK;
    for (char *slash = partial + (*partial == '/');; slash++) {
        if (*slash != '/' && *slash != 0)
            continue;
        char end = *slash;
        *slash = 0;
        if (mkdir(partial, 0777) == 0)
            leave_folder_to_owner(partial);
        else if (errno != EEXIST)
            status = hpx_error_errno(error, "%s: cannot make the folder", partial);
        *slash = end;
        if (status || end == 0)
            break;
    }
    struct stat info;
    if (!status && (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)))
        status = hpx_error_set(error, HPX_FAILED, "%s: not a folder", path);
    free(partial);
    return status;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    remove(path);
    return 0;
}

void hpx_folder_remove(const char *path)
{
    if (path)
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool hpx_path_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool hpx_path_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool hpx_path_is_stream(const char *path)
{
    struct stat info;
    return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0 || strncmp(path, "/dev/fd/", 8) == 0 ||
           (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode));
}

char *hpx_path_real(const char *path)
{
    char *real = realpath(path, NULL);
    if (!real && errno == ENOMEM)
        hpx_out_of_memory(0);
    return real;
}

char *hpx_path_join(const char *directory, const char *path)
{
    if (path[0] == '/' || strcmp(directory, ".") == 0)
        return hpx_strdup(path);
    size_t length = strlen(directory);
    bool slash = length > 0 && directory[length - 1] == '/';
    return hpx_format("%s%s%s", directory, slash ? "" : "/", path);
}

char *hpx_path_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return hpx_strdup(".");
    return hpx_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

char *hpx_path_of_user(const char *name)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && *config == '/')
        return hpx_format("%s/hpx/%s", config, name);
    return home && *home ? hpx_format("%s/.config/hpx/%s", home, name) : NULL;
}

int64_t hpx_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return hpx_time_ns(now);
}

double hpx_clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
