#include "watch.h"

#include "hpx/file.h"
#include "program/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What a program may print on SIGTERM: nobody reads it before it has ended. */
#define LAST_WORDS_BYTES (1 << 20)

#define PIECE_BYTES    65536
#define DISK_SECONDS   0.25
#define MEMORY_SECONDS 0.1 /* at the least: looking takes no more than a part of the time */
#define MEMORY_SHARE   20
#define DROP_BYTES     (64u << 20)
#define LOST_MS        50 /* without notices of the kernel */

/* --- what it says ----------------------------------------------------------------------------------------- */

static int64_t written(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 ? hpx_time_ns(info.st_mtim) : 0;
}

/* Whether something was read: at most a few pieces at once, so that limits are kept meanwhile. */
static bool read_pipe(hpx_watch *watch, int stream)
{
    char bytes[PIECE_BYTES];
    bool any = false;
    for (int i = 0; i < 16 && watch->output[stream] >= 0; i++) {
        const int64_t written_ns = written(watch->output[stream]);
        const ssize_t got = read(watch->output[stream], bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return any;
        if (got <= 0) {
            close(watch->output[stream]);
            watch->output[stream] = -1;
            return any;
        }
        any = true;
        hpx_log_add(watch->log, stream == 1, bytes, (size_t)got);
        if (stream == 0 && watch->metrics < 0) {
            hpx_lines_add(watch->lines, bytes, (size_t)got);
            watch->written_ns = written_ns;
        }
    }
    watch->more = watch->more || watch->output[stream] >= 0;
    return any;
}

static bool read_metrics(hpx_watch *watch)
{
    char bytes[PIECE_BYTES];
    struct stat info;
    bool any = false;
    watch->written_ns = written(watch->metrics);
    for (int i = 0; i < 16; i++) {
        const ssize_t got = pread(watch->metrics, bytes, sizeof bytes, (off_t)watch->at);
        if (got <= 0) {
            if (fstat(watch->metrics, &info) == 0 && (uint64_t)info.st_size < watch->at)
                watch->misused = "made it shorter";
            else if (info.st_nlink == 0)
                watch->misused = "replaced or removed it";
            return any;
        }
        any = true;
        hpx_lines_add(watch->lines, bytes, (size_t)got);
        if (watch->printed)
            hpx_log_add(watch->log, false, bytes, (size_t)got);
        watch->at += (uint64_t)got;
    }
    watch->more = true;
    return any;
}

/* Of much that is printed to a file what has been read takes no room. (That counts as a change of it.) */
static void drop_read(hpx_watch *watch)
{
    if (!watch->printed || watch->at - watch->dropped < DROP_BYTES)
        return;
    fallocate(watch->metrics, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)watch->dropped,
              (off_t)(watch->at - watch->dropped));
    watch->dropped = watch->at;
}

/* Reads what there is; whether lines are among it. */
static bool read_all(hpx_watch *watch)
{
    watch->more = false;
    const bool printed = read_pipe(watch, 0);
    read_pipe(watch, 1);
    if (watch->metrics < 0)
        return printed;
    const bool any = read_metrics(watch);
    drop_read(watch);
    return any;
}

/* --- limits ----------------------------------------------------------------------------------------------- */

const char *hpx_watch_full_disk(const hpx_watch *watch)
{
    for (size_t i = 0; i < sizeof watch->disks / sizeof *watch->disks; i++) {
        struct statvfs info;
        if (watch->disks[i] && statvfs(watch->disks[i], &info) == 0 &&
            (uint64_t)info.f_bavail * info.f_frsize < HPX_DISK_LEFT_BYTES)
            return watch->disks[i];
    }
    return NULL;
}

/* Whether it uses too much of something. */
static bool is_beyond(hpx_end *end, hpx_watch *watch)
{
    double now = hpx_clock_seconds();
    if (now >= watch->end) {
        *end = HPX_END_TIME;
        return true;
    }
    if (now >= watch->next_disk) {
        watch->next_disk = now + DISK_SECONDS;
        if (hpx_watch_full_disk(watch)) {
            *end = HPX_END_DISK;
            return true;
        }
    }
    if (watch->memory && now >= watch->next_memory) {
        const double start = now;
        watch->used = hpx_processes_memory();
        now = hpx_clock_seconds();
        watch->next_memory = now + fmax(MEMORY_SECONDS, MEMORY_SHARE * (now - start));
        if (watch->used > watch->memory) {
            *end = HPX_END_MEMORY;
            return true;
        }
    }
    return false;
}

/* --- waiting ---------------------------------------------------------------------------------------------- */

static int milliseconds_until(double when)
{
    const double left = (when - hpx_clock_seconds()) * 1000;
    return left <= 0 ? 0 : left > 60000 ? 60000 : (int)ceil(left);
}

/* Whether the build is gone. */
static bool wait_for_news(const hpx_watch *watch)
{
    char ignored[4096];
    struct pollfd polls[] = {
        {.fd = watch->children, .events = POLLIN},  {.fd = watch->output[0], .events = POLLIN},
        {.fd = watch->output[1], .events = POLLIN}, {.fd = watch->notices, .events = POLLIN},
        {.fd = watch->stop, .events = POLLRDHUP}, /* its other side may still listen */
    };
    double when = fmin(watch->end, watch->next_disk);
    when = fmin(when, watch->memory ? watch->next_memory : INFINITY);
    when = fmin(when, watch->due(watch->context));
    int most = watch->more ? 0 : milliseconds_until(when);
    if (watch->metrics >= 0 && watch->notices < 0 && most > LOST_MS)
        most = LOST_MS;
    poll(polls, sizeof polls / sizeof *polls, most);
    while (watch->notices >= 0 && read(watch->notices, ignored, sizeof ignored) > 0)
        continue;
    while (read(watch->children, ignored, sizeof ignored) > 0)
        continue;
    return polls[4].revents != 0;
}

static hpx_status take_in(hpx_watch *watch, hpx_error *error)
{
    hpx_status status = HPX_OK;
    if (read_all(watch))
        status = watch->on_lines(watch->context, watch->written_ns, error);
    if (!status && watch->due(watch->context) <= hpx_clock_seconds())
        status = watch->on_due(watch->context, error);
    return status;
}

static hpx_end watch_until_end(hpx_watch *watch, hpx_error *error)
{
    hpx_end end = HPX_END_ITSELF;
    for (;;) {
        hpx_processes_reap(watch->program, &watch->ended, &watch->how);
        if (watch->ended)
            return HPX_END_ITSELF;
        if (take_in(watch, error))
            return HPX_END_CALLER;
        if (is_beyond(&end, watch))
            return end;
        if (wait_for_news(watch))
            return HPX_END_STOPPED;
    }
}

hpx_end hpx_watch_program(hpx_watch *watch, hpx_error *error)
{
    watch->notices = watch->metrics >= 0 ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
    if (watch->notices >= 0 && inotify_add_watch(watch->notices, watch->metrics_path, IN_MODIFY) < 0) {
        close(watch->notices);
        watch->notices = -1;
    }
    watch->next_memory = hpx_clock_seconds();
    hpx_end end = watch_until_end(watch, error);
    for (int stream = 0; stream < 2 && !watch->ended; stream++)
        fcntl(watch->output[stream], F_SETPIPE_SZ, LAST_WORDS_BYTES);
    hpx_processes_end(watch->grace, watch->program, &watch->ended, &watch->how);
    do
        read_all(watch);
    while (watch->more);
    for (int stream = 0; stream < 2; stream++)
        if (watch->output[stream] >= 0)
            close(watch->output[stream]);
    if (watch->notices >= 0)
        close(watch->notices);
    return end;
}
