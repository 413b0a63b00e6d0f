/* What a process sees of a network file system, and of another machine's clock. Below FAR_FOLDER, and nowhere else:
 *
 *     FAR_DELAY_MS       a call that names a file takes so long, and so does a sync
 *     FAR_STALE_SECONDS  what stat or access has said of a path, and that it was not there to be opened, holds for so long, unless
 *                        this process changes it; a listing lacks what is younger. What is opened is read as it is
 *     FAR_GONE           while this file is there, all that fails with EIO
 *
 * And everywhere: FAR_CLOCK_SECONDS is how far the clock of the day is off. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static long number(const char *variable)
{
    const char *value = getenv(variable);
    return value ? strtol(value, NULL, 10) : 0;
}

static bool is_far(const char *path)
{
    const char *folder = getenv("FAR_FOLDER");
    return folder && *folder && strncmp(path, folder, strlen(folder)) == 0;
}

static bool is_far_file(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    return is_far(path);
}

/* False, with errno, when the network is gone. */
static bool reach(void)
{
    const long ms = number("FAR_DELAY_MS");
    const struct timespec delay = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    const char *gone = getenv("FAR_GONE");
    nanosleep(&delay, NULL);
    if (!gone || REAL(access)(gone, F_OK) != 0)
        return true;
    errno = EIO;
    return false;
}

/* --- what is known of paths ---------------------------------------------------------------------------------------------- */

static struct known {
    struct known *next;
    time_t until; /* by the monotonic clock */
    int error;    /* 0: it is there */
    struct stat info;
    char path[];
} * all;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static time_t monotonic(void)
{
    struct timespec now;
    REAL(clock_gettime)(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static struct known *find(const char *path)
{
    struct known *known = all;
    while (known && strcmp(known->path, path) != 0)
        known = known->next;
    return known;
}

static void know(const char *path, int error, const struct stat *info)
{
    pthread_mutex_lock(&lock);
    struct known *known = find(path);
    if (!known && (known = calloc(1, sizeof *known + strlen(path) + 1))) {
        memcpy(known->path, path, strlen(path) + 1);
        known->next = all;
        all = known;
    }
    if (known) {
        known->until = monotonic() + number("FAR_STALE_SECONDS");
        known->error = error;
        known->info = *info;
    }
    pthread_mutex_unlock(&lock);
}

static void forget(const char *path)
{
    pthread_mutex_lock(&lock);
    struct known *known = find(path);
    if (known)
        known->until = 0;
    pthread_mutex_unlock(&lock);
}

/* -1: nothing. */
static int remember(const char *path, struct stat *info)
{
    pthread_mutex_lock(&lock);
    const struct known *known = find(path);
    const int error = known && monotonic() < known->until ? known->error : -1;
    if (error == 0)
        *info = known->info;
    pthread_mutex_unlock(&lock);
    return error;
}

static int ask(const char *path, struct stat *info, int (*real)(const char *, struct stat *))
{
    if (!is_far(path))
        return real(path, info);
    if (!reach())
        return -1;
    int error = remember(path, info);
    if (error < 0) {
        error = real(path, info) == 0 ? 0 : errno;
        know(path, error, info);
    }
    errno = error;
    return error ? -1 : 0;
}

int stat(const char *path, struct stat *info)
{
    return ask(path, info, REAL(stat));
}

int lstat(const char *path, struct stat *info)
{
    return ask(path, info, REAL(lstat));
}

int access(const char *path, int mode)
{
    struct stat info = {0};
    return is_far(path) ? ask(path, &info, REAL(lstat)) : REAL(access)(path, mode);
}

/* --- files --------------------------------------------------------------------------------------------------------------- */

int open(const char *path, int flags, ...)
{
    struct stat info = {0};
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (!is_far(path))
        return REAL(open)(path, flags, mode);
    if (!reach())
        return -1;
    if (!(flags & O_CREAT) && remember(path, &info) == ENOENT) {
        errno = ENOENT;
        return -1;
    }
    const int file = REAL(open)(path, flags, mode), error = errno;
    if (file < 0 && error == ENOENT)
        know(path, ENOENT, &info);
    else
        forget(path);
    errno = error;
    return file;
}

int rename(const char *from, const char *to)
{
    if (!is_far(from))
        return REAL(rename)(from, to);
    forget(from);
    forget(to);
    return reach() ? REAL(rename)(from, to) : -1;
}

int unlink(const char *path)
{
    if (!is_far(path))
        return REAL(unlink)(path);
    forget(path);
    return reach() ? REAL(unlink)(path) : -1;
}

int mkdir(const char *path, mode_t mode)
{
    if (!is_far(path))
        return REAL(mkdir)(path, mode);
    forget(path);
    return reach() ? REAL(mkdir)(path, mode) : -1;
}

int fsync(int fd)
{
    return !is_far_file(fd) || reach() ? REAL(fsync)(fd) : -1;
}

DIR *opendir(const char *path)
{
    return !is_far(path) || reach() ? REAL(opendir)(path) : NULL;
}

struct dirent *readdir(DIR *folder)
{
    struct dirent *entry;
    struct stat info;
    struct timespec now;
    REAL(clock_gettime)(CLOCK_REALTIME, &now);
    do
        entry = REAL(readdir)(folder);
    while (entry && is_far_file(dirfd(folder)) &&
           fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(info.st_mode) &&
           now.tv_sec - info.st_ctim.tv_sec < number("FAR_STALE_SECONDS"));
    return entry;
}

/* --- the clock ----------------------------------------------------------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    const int code = REAL(clock_gettime)(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        now->tv_sec += number("FAR_CLOCK_SECONDS");
    return code;
}

time_t time(time_t *out)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    const int code = REAL(gettimeofday)(now, zone);
    now->tv_sec += number("FAR_CLOCK_SECONDS");
    return code;
}
