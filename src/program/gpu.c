#include "program/gpu.h"

#include "base/memory.h"
#include "base/process.h"
#include "hpx/buffer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES_MAX   256
#define NAME_BYTES    80
#define LOCK_FOLDER   "/tmp"
#define RETRY_MS      1000 /* when a notice has come before the lock was free */
#define LISTING_BYTES ((size_t)1 << 16)

/* --- devices ---------------------------------------------------------------------------------------------- */

struct devices {
    char names[DEVICES_MAX][NAME_BYTES];
    size_t count;
};

static void add_device(struct devices *devices, const char *name, size_t length)
{
    if (length == 0 || length >= NAME_BYTES || devices->count == DEVICES_MAX)
        return;
    memcpy(devices->names[devices->count], name, length);
    devices->names[devices->count++][length] = 0;
}

/* "0,1" or "GPU-5f...", also parted by blanks; "none" and what CUDA takes for none are no device. */
static void add_words(struct devices *devices, const char *words)
{
    static const char separators[] = ", \t";
    for (const char *at = words + strspn(words, separators); *at;) {
        const size_t length = strcspn(at, separators);
        if (*at == '-' || strncmp(at, "none", length > 4 ? length : 4) == 0 ||
            strncmp(at, "NoDevFiles", length) == 0)
            return;
        add_device(devices, at, length);
        at += length + strspn(at + length, separators);
    }
}

static void read_listing(hpx_buffer *out)
{
    char *const arguments[] = {"nvidia-smi", "-L", NULL};
    hpx_error ignored;
    pid_t pid;
    int ends[2], how;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    const hpx_process_options options = {.arguments = arguments, .descriptors = {-1, ends[1], -1}};
    hpx_status status = hpx_process_start(&pid, &options, &ignored);
    close(ends[1]);
    for (ssize_t got = 1; !status && got > 0 && out->size < LISTING_BYTES;) {
        hpx_buffer_reserve(out, 4096);
        got = read(ends[0], out->data + out->size, 4096);
        out->size += got > 0 ? (size_t)got : 0;
    }
    close(ends[0]);
    if (!status && (hpx_process_wait(&how, pid, &ignored) || how != 0))
        out->size = 0;
}

/* Lines such as "GPU 0: NVIDIA A100 (UUID: GPU-5f...)". */
static void add_listed(struct devices *devices)
{
    hpx_buffer listing = {0};
    read_listing(&listing);
    for (const char *line = hpx_buffer_text(&listing); *line;) {
        const char *name = line + 4;
        if (strncmp(line, "GPU ", 4) == 0)
            add_device(devices, name, strspn(name, "0123456789"));
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    hpx_buffer_free(&listing);
}

static void add_files(struct devices *devices)
{
    for (int i = 0; i < DEVICES_MAX; i++) {
        char *path = hpx_format("/dev/nvidia%d", i);
        struct stat info;
        if (stat(path, &info) == 0) {
            char *text = hpx_format("%d", i);
            add_device(devices, text, strlen(text));
            free(text);
        }
        free(path);
    }
}

static struct devices present;
static pthread_once_t looked_for = PTHREAD_ONCE_INIT;
static atomic_bool known;

static void look_for_devices(void)
{
    const char *pinned = getenv("HPX_GPUS");
    pinned = pinned ? pinned : getenv("CUDA_VISIBLE_DEVICES");
    if (pinned)
        add_words(&present, pinned);
    else
        add_listed(&present);
    if (!pinned && present.count == 0)
        add_files(&present);
    known = true;
}

static const struct devices *find_devices(void)
{
    pthread_once(&looked_for, look_for_devices);
    return &present;
}

size_t hpx_gpu_count(void)
{
    return find_devices()->count;
}

char *hpx_gpus_variable(void)
{
    hpx_buffer text = {0};
    if (!known)
        return NULL;
    hpx_buffer_puts(&text, "HPX_GPUS=");
    for (size_t i = 0; i < present.count; i++)
        hpx_buffer_printf(&text, "%s%s", i ? "," : "", present.names[i]);
    char *copy = hpx_strdup(hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return copy;
}

/* --- locks ------------------------------------------------------------------------------------------------ */

struct hpx_gpus {
    int locks[DEVICES_MAX]; /* of all devices, locked or not; -1: not open */
    size_t count;           /* how many are locked */
    hpx_buffer names;       /* of these */
};

/* Other users lock it, too; nobody writes to it. In a folder like /tmp a file of theirs is not opened to be created. */
static int open_lock(const char *device, char **path)
{
    char *name = hpx_strdup(device);
    for (char *c = name; *c; c++)
        *c = isalnum((unsigned char)*c) ? *c : '-';
    *path = hpx_format("%s/hpx-gpu-%s.lock", LOCK_FOLDER, name);
    free(name);
    int fd = -1;
    for (int i = 0; i < 2 && fd < 0; i++) {
        fd = open(*path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 && errno == ENOENT) {
            fd = open(*path, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
            if (fd >= 0)
                fchmod(fd, 0444);
        }
    }
    return fd;
}

/* Closing gives a notice to those who wait. */
static void close_locks(hpx_gpus *gpus)
{
    for (size_t i = 0; i < find_devices()->count; i++)
        if (gpus->locks[i] >= 0)
            close(gpus->locks[i]);
}

void hpx_gpus_release(hpx_gpus *gpus)
{
    if (!gpus)
        return;
    close_locks(gpus);
    hpx_buffer_free(&gpus->names);
    free(gpus);
}

static hpx_status open_locks(hpx_gpus *gpus, int notices, hpx_error *error)
{
    const struct devices *devices = find_devices();
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < devices->count; i++) {
        char *path;
        gpus->locks[i] = status ? -1 : open_lock(devices->names[i], &path);
        if (status)
            continue;
        if (gpus->locks[i] < 0)
            status = hpx_error_errno(error, "%s", path);
        else
            inotify_add_watch(notices, path, IN_CLOSE);
        free(path);
    }
    return status;
}

/* All or none. */
static void try_to_take(hpx_gpus *gpus, size_t count)
{
    const struct devices *devices = find_devices();
    size_t locked[DEVICES_MAX];
    gpus->count = gpus->names.size = 0;
    for (size_t i = 0; i < devices->count && gpus->count < count; i++) {
        if (flock(gpus->locks[i], LOCK_EX | LOCK_NB) != 0)
            continue;
        hpx_buffer_printf(&gpus->names, "%s%s", gpus->count ? "," : "", devices->names[i]);
        locked[gpus->count++] = i;
    }
    if (gpus->count == count)
        return;
    while (gpus->count > 0)
        flock(gpus->locks[locked[--gpus->count]], LOCK_UN);
}

/* Until someone closes a lock file, which gives a notice. */
static hpx_status wait_for_one(int notices, int stop, hpx_error *error)
{
    char ignored[4096];
    struct pollfd polls[] = {{.fd = notices, .events = POLLIN}, {.fd = stop, .events = POLLRDHUP}};
    poll(polls, 2, RETRY_MS);
    while (notices >= 0 && read(notices, ignored, sizeof ignored) > 0)
        continue;
    return polls[1].revents ? hpx_error_set(error, HPX_INTERRUPTED, "the build is gone") : HPX_OK;
}

hpx_status hpx_gpus_take(hpx_gpus **out, size_t count, int stop, hpx_error *error)
{
    const struct devices *devices = find_devices();
    *out = NULL;
    if (devices->count == 0)
        return hpx_error_set(
            error, HPX_FAILED,
            "the program needs a GPU, and there is none: neither nvidia-smi nor /dev/nvidia0; "
            "HPX_GPUS=0 names one");
    if (count > devices->count)
        return hpx_error_set(error, HPX_FAILED, "the program needs %zu GPUs, and there are %zu", count,
                             devices->count);
    hpx_gpus *gpus = hpx_alloc(sizeof *gpus);
    const int notices = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    hpx_status status = open_locks(gpus, notices, error);
    if (!status)
        try_to_take(gpus, count);
    while (!status && gpus->count == 0) {
        status = wait_for_one(notices, stop, error);
        if (!status)
            try_to_take(gpus, count);
    }
    if (notices >= 0)
        close(notices);
    if (status)
        hpx_gpus_release(gpus);
    else
        *out = gpus;
    return status;
}

const char *hpx_gpus_names(hpx_gpus *gpus)
{
    return hpx_buffer_text(&gpus->names);
}
