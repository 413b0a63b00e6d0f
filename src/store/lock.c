/* Locks on bytes of files, with names. The kernel drops them when their process ends, however it ends, so
 * there is nothing to time out and no stale lock. They belong to the open file and not to the process
 * (F_OFD_SETLK, see fcntl(2)): they hold between containers whose processes have equal numbers, and workers
 * do not inherit them.
 *
 * The kernel does not say whose lock another one is. So whoever has the store open takes a number, by a lock
 * on the byte of that number, and writes its name under it into the file hpx.claims; and its locks are as
 * many bytes long as the number says. They begin further apart than that, so only the first byte of one
 * decides. The one lock that all users share is a single byte. Who may not write to that file has number 0
 * and no name. */
#include "lock.h"
#include "internal.h"

#include "base/machine.h"
#include "base/memory.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NUMBERS      4000 /* processes that can have a name at once */
#define NAME_BYTES   256
#define NAMES_OFFSET 4096 /* in hpx.claims */
#define NUMBERS_BYTE (SPECIAL_BYTES + ((off_t)1 << 30))

#define STEP_MIN_NS    20000
#define STEP_MAX_NS    2000000
#define SILENT_SECONDS 1.0 /* shorter waits are nobody's concern, and end before an interrupt ends them */

static _Thread_local hpx_wait_fn *say_wait;
static _Thread_local const volatile sig_atomic_t *interrupted;

void hpx_store_on_wait(hpx_wait_fn *say, const volatile sig_atomic_t *flag)
{
    say_wait = say;
    interrupted = flag;
}

static bool is_held(int code)
{
    return code == EAGAIN || code == EACCES;
}

static int set_lock(const struct lock *lock, short type, unsigned number)
{
    off_t length = lock->byte == USE_BYTE ? 1 : 1 + (off_t)number;
    struct flock bytes = {.l_type = type, .l_whence = SEEK_SET, .l_start = lock->byte, .l_len = length};
    return fcntl(lock->file, F_OFD_SETLK, &bytes);
}

/* Another's lock on these bytes that excludes one of this type; l_type F_UNLCK if there is none. */
static int find_lock(struct flock *out, int file, off_t byte, off_t length, short type)
{
    *out = (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = length};
    return fcntl(file, F_OFD_GETLK, out);
}

hpx_status hpx_try_lock(bool *taken, hpx_store *store, const struct lock *lock, short type, hpx_error *error)
{
    *taken = set_lock(lock, type, store->number) == 0;
    if (*taken || is_held(errno))
        return HPX_OK;
    return hpx_error_errno(error, "%s: cannot lock the store", store->directory);
}

void hpx_drop_lock(const hpx_store *store, const struct lock *lock)
{
    set_lock(lock, F_UNLCK, store->number);
}

hpx_status hpx_is_locked(bool *locked, const hpx_store *store, const struct lock *lock, short type,
                         hpx_error *error)
{
    struct flock found;
    if (find_lock(&found, lock->file, lock->byte, 1, type) != 0)
        return hpx_error_errno(error, "%s: cannot see who locks the store", store->directory);
    *locked = found.l_type != F_UNLCK;
    return HPX_OK;
}

/* The program and its arguments, as far as they fit. */
static void add_command(hpx_buffer *out)
{
    hpx_buffer arguments = {0};
    hpx_error error;
    if (hpx_file_read(&arguments, "/proc/self/cmdline", SIZE_MAX, &error) != HPX_OK)
        hpx_buffer_printf(&arguments, "hpx");
    hpx_buffer_add(&arguments, "", 1);
    const char *at = (const char *)arguments.data, *end = at + arguments.size - 1, *slash = strrchr(at, '/');
    at = slash ? slash + 1 : at;
    for (bool first = true; at < end && out->size < NAME_BYTES / 2; at += strlen(at) + 1, first = false)
        hpx_buffer_printf(out, "%s%.100s", first ? "" : " ", at);
    hpx_buffer_free(&arguments);
}

/* Names come from files and command lines: nothing of them may act on a terminal. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            *text = '?';
}

/* Where it cannot be written, others wait for a process without a name. */
static void put_name(hpx_store *store, const char bytes[NAME_BYTES])
{
    if (pwrite(store->claims, bytes, NAME_BYTES, NAMES_OFFSET + (off_t)store->number * NAME_BYTES) < 0)
        errno = 0;
}

static const char mark[] = "hpx\n";

bool hpx_is_made(const hpx_store *store)
{
    char begin[sizeof mark - 1] = "";
    return store->claims >= 0 && pread(store->claims, begin, sizeof begin, 0) == sizeof begin &&
           memcmp(begin, mark, sizeof begin) == 0;
}

void hpx_say_made(const hpx_store *store)
{
    /* Where it cannot be written, the next one tries again. */
    if (pwrite(store->claims, mark, sizeof mark - 1, 0) < 0)
        errno = 0;
}

void hpx_clear_name(hpx_store *store)
{
    static const char none[NAME_BYTES];
    if (store->number > 0 && hpx_is_made(store))
        put_name(store, none);
}

void hpx_write_name(hpx_store *store)
{
    char host[64] = "", since[32], bytes[NAME_BYTES] = "";
    hpx_buffer name = {0};
    time_t now = time(NULL);
    struct tm local;
    if (store->number == 0)
        return;
    hpx_host_name(host, sizeof host);
    strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &local));
    add_command(&name);
    hpx_buffer_printf(&name, " (%s, pid %ld, since %s)", host, (long)getpid(), since);
    snprintf(bytes, sizeof bytes, "%s", hpx_buffer_text(&name));
    hpx_buffer_free(&name);
    put_name(store, bytes);
}

void hpx_take_number(hpx_store *store)
{
    for (unsigned number = 1; number <= NUMBERS && store->number == 0; number++) {
        const struct lock lock = {store->claims, NUMBERS_BYTE + number};
        if (set_lock(&lock, F_WRLCK, 0) == 0)
            store->number = number;
        else if (!is_held(errno))
            return; /* who may not write */
    }
}

static char *name_of(const hpx_store *store, off_t number)
{
    char name[NAME_BYTES];
    if (number == 0)
        return hpx_strdup("a reader who may not write to it");
    ssize_t got = pread(store->claims, name, sizeof name - 1, NAMES_OFFSET + number * NAME_BYTES);
    name[got > 0 ? got : 0] = 0;
    make_printable(name);
    return hpx_strdup(*name ? name : "another process");
}

char *hpx_lock_holder(const hpx_store *store, const struct lock *lock, short type)
{
    struct flock found;
    if (lock->byte == USE_BYTE) /* many have it at once: any of them */
        return find_lock(&found, lock->file, NUMBERS_BYTE + 1, NUMBERS, F_WRLCK) != 0 ||
                       found.l_type == F_UNLCK
                   ? NULL
                   : name_of(store, found.l_start - NUMBERS_BYTE);
    if (find_lock(&found, lock->file, lock->byte, 1, type) != 0 || found.l_type == F_UNLCK)
        return NULL;
    /* The kernel joins neighbours of one holder: what counts is where its lock ends. */
    return name_of(store, found.l_start + found.l_len - 1 - lock->byte);
}

/* One wait for another process. */
struct wait {
    double started;
    long step_ns;
    char *said; /* for whom */
};

static void announce(struct wait *wait, const hpx_store *store, const char *holder, const char *doing)
{
    if (!say_wait || (wait->said && strcmp(wait->said, holder) == 0))
        return;
    char *text = hpx_format("%s: waiting for %s, %s", store->directory, holder, doing);
    say_wait(text);
    free(text);
    free(wait->said);
    wait->said = hpx_strdup(holder);
}

static hpx_status wait_on(struct wait *wait, const hpx_store *store, const struct lock *lock, short type,
                          const struct patience *patience, hpx_error *error)
{
    double waited = hpx_clock_seconds() - wait->started;
    hpx_status status = HPX_OK;
    if (waited > patience->seconds || waited > SILENT_SECONDS) {
        char *holder = hpx_lock_holder(store, lock, type);
        const char *who = holder ? holder : "another process";
        if (waited > patience->seconds)
            status = hpx_error_set(error, HPX_FAILED, "%s: the store is in use by %s; try again later",
                                   store->directory, who);
        else if (interrupted && *interrupted)
            status = hpx_error_set(error, HPX_INTERRUPTED, "interrupted while waiting for %s", who);
        else if (holder)
            announce(wait, store, holder, patience->doing);
        free(holder);
    }
    if (!status)
        nanosleep(&(struct timespec){.tv_nsec = wait->step_ns}, NULL);
    wait->step_ns = 2 * wait->step_ns < STEP_MAX_NS ? 2 * wait->step_ns : STEP_MAX_NS;
    return status;
}

hpx_status hpx_wait_for_lock(hpx_store *store, const struct lock *lock, short type,
                             const struct patience *patience, hpx_error *error)
{
    struct wait wait = {.started = hpx_clock_seconds(), .step_ns = STEP_MIN_NS};
    bool taken;
    hpx_status status = hpx_try_lock(&taken, store, lock, type, error);
    while (!status && !taken) {
        status = wait_on(&wait, store, lock, type, patience, error);
        if (!status)
            status = hpx_try_lock(&taken, store, lock, type, error);
    }
    free(wait.said);
    return status;
}
