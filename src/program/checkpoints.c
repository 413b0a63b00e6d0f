#include "checkpoints.h"

#include "base/memory.h"
#include "program/archive.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define QUIET_SECONDS 0.012               /* more than a tick of the kernel's clock */
#define MEMORY_BYTES  ((uint64_t)1 << 20) /* smaller ones are kept in memory until they are stored */
#define OUT_EVENTS    (IN_OPEN | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM)

struct hpx_checkpoints {
    const char *out;
    int notices, lines; /* the inotify descriptor, -1: there is none; its watch of the metrics file */

    char *name; /* the one noted; NULL: none */
    uint32_t epoch;
    hpx_archive_state state;
    double due;
};

hpx_checkpoints *hpx_checkpoints_new(const char *out, const char *metrics)
{
    hpx_checkpoints *checkpoints = hpx_alloc(sizeof *checkpoints);
    *checkpoints = (hpx_checkpoints){.out = out, .notices = -1, .due = INFINITY};
    if (metrics)
        checkpoints->notices = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (checkpoints->notices < 0)
        return checkpoints;
    checkpoints->lines = inotify_add_watch(checkpoints->notices, metrics, IN_MODIFY);
    if (checkpoints->lines < 0 || inotify_add_watch(checkpoints->notices, out, OUT_EVENTS) < 0) {
        close(checkpoints->notices);
        checkpoints->notices = -1;
    }
    return checkpoints;
}

static void forget(hpx_checkpoints *checkpoints)
{
    free(checkpoints->name);
    checkpoints->name = NULL;
    checkpoints->due = INFINITY;
}

void hpx_checkpoints_free(hpx_checkpoints *checkpoints)
{
    if (!checkpoints)
        return;
    forget(checkpoints);
    if (checkpoints->notices >= 0)
        close(checkpoints->notices);
    free(checkpoints);
}

/* As a name below HPX_OUT: programs may say its absolute path, too. free() it. */
static char *name_below(const char *out, const char *name)
{
    const size_t length = strlen(out);
    if (strncmp(name, out, length) == 0 && name[length] == '/')
        name += length + strspn(name + length, "/");
    while (strncmp(name, "./", 2) == 0)
        name += 1 + strspn(name + 1, "/");
    size_t size = strlen(name);
    while (size > 1 && name[size - 1] == '/')
        size--;
    return hpx_strndup(name, size);
}

/* Whether the notices so far say that nothing was done in HPX_OUT since the last line. */
static bool is_untouched(const hpx_checkpoints *checkpoints)
{
    _Alignas(struct inotify_event) char bytes[16384];
    bool untouched = false;
    ssize_t got = 0;
    while (checkpoints->notices >= 0 && (got = read(checkpoints->notices, bytes, sizeof bytes)) > 0) {
        const struct inotify_event *event;
        for (const char *at = bytes; at < bytes + got; at += sizeof *event + event->len) {
            event = (const struct inotify_event *)(const void *)at;
            untouched = event->wd == checkpoints->lines;
        }
    }
    return untouched;
}

void hpx_checkpoints_note(hpx_checkpoints *checkpoints, uint32_t epoch, const char *said, int64_t written_ns)
{
    hpx_error ignored;
    hpx_archive_state state;
    char *name = name_below(checkpoints->out, said);
    forget(checkpoints);
    const bool found = !hpx_archive_look(&state, checkpoints->out, name, &ignored);
    /* A notice comes when something has been done: what is empty may be on its way to the next epoch's. */
    const bool untouched = is_untouched(checkpoints) && !state.is_folder && !strchr(name, '/');
    if (!found || state.bytes == 0 || state.changed_ns > written_ns ||
        (state.changed_ns == written_ns && !untouched)) {
        free(name);
        return;
    }
    checkpoints->name = name;
    checkpoints->epoch = epoch;
    checkpoints->state = state;
    checkpoints->due = hpx_clock_seconds() + QUIET_SECONDS;
}

double hpx_checkpoints_due(const hpx_checkpoints *checkpoints)
{
    return checkpoints->due;
}

static hpx_status expect_state(const hpx_checkpoints *checkpoints, const char *name,
                               const hpx_archive_state *state, hpx_error *error)
{
    hpx_archive_state now;
    hpx_status status = hpx_archive_look(&now, checkpoints->out, name, error);
    if (!status && !hpx_hash_equal(&now.hash, &state->hash))
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: it has changed since its line was written", name);
    return status;
}

/* What is copied counts only if it is in that state before and after. */
static hpx_status copy(hpx_blob *out, const hpx_checkpoints *checkpoints, const char *name,
                       const hpx_archive_state *state, hpx_error *error)
{
    *out = HPX_NO_BLOB;
    hpx_status status = expect_state(checkpoints, name, state, error);
    if (!status)
        status = state->bytes < MEMORY_BYTES ? hpx_blob_new(out, error)
                                             : hpx_blob_new_file_in(out, checkpoints->out, error);
    if (!status)
        status = hpx_archive_pack(out, checkpoints->out, name, error);
    if (!status)
        status = expect_state(checkpoints, name, state, error);
    if (status)
        hpx_blob_close(out);
    return status;
}

hpx_status hpx_checkpoints_take(hpx_blob *out, uint32_t *epoch, hpx_checkpoints *checkpoints,
                                hpx_error *error)
{
    *epoch = checkpoints->epoch;
    hpx_status status = copy(out, checkpoints, checkpoints->name, &checkpoints->state, error);
    forget(checkpoints);
    return status;
}

hpx_status hpx_checkpoints_take_last(hpx_blob *out, hpx_checkpoints *checkpoints, uint32_t epoch,
                                     const char *said, int64_t written_ns, hpx_error *error)
{
    hpx_archive_state state;
    char *name = name_below(checkpoints->out, said);
    *out = HPX_NO_BLOB;
    hpx_status status = hpx_archive_look(&state, checkpoints->out, name, error);
    const bool noted = checkpoints->name && checkpoints->epoch == epoch &&
                       strcmp(checkpoints->name, name) == 0 &&
                       hpx_hash_equal(&checkpoints->state.hash, &state.hash);
    if (!status && state.changed_ns > written_ns && !noted)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: it has changed since its line was written", name);
    if (!status)
        status = copy(out, checkpoints, name, &state, error);
    free(name);
    return status;
}
