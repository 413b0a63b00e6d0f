#include "code/compile.h"

#include "base/machine.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "hpx/code.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_BYTES_MAX  (64u << 20)
#define TAIL_BYTES     1500
#define MAKEFILE_BYTES (1u << 20)
#define POLL_US        50000

/* --- the compiler's flags --------------------------------------------------------------------------------- */

/* The flags that a Makefile adds for what decides numbers: its line "NN_FLAGS = ...". NULL: it has none. */
static char *own_flags(const char *sources)
{
    static const char name[] = "\nNN_FLAGS = ";
    char *path = hpx_path_join(sources, "Makefile"), *flags = NULL;
    hpx_buffer text = {0};
    hpx_error unread;
    hpx_buffer_puts(&text, "\n");
    if (hpx_file_read(&text, path, MAKEFILE_BYTES, &unread) == HPX_OK) {
        const char *line = strstr(hpx_buffer_text(&text), name);
        if (line)
            flags = hpx_strndup(line + strlen(name), strcspn(line + strlen(name), "\n"));
    }
    hpx_buffer_free(&text);
    free(path);
    return flags;
}

/* Whether these words can only change what the compiler makes of a source: a manifest may have come by an
 * import, and is no place for commands. */
static bool are_harmless(const char *flags)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+=_., ";
    if (strspn(flags, letters) != strlen(flags) || strstr(flags, "plugin"))
        return false;
    for (const char *at = flags; *at; at += strspn(at, " ")) {
        if (at[0] != '-' || !strchr("Ogfm", at[1]))
            return false;
        at += strcspn(at, " ");
    }
    return true;
}

/* CFLAGS as the recorded compiler had them: "gcc 12.2.0 CFLAGS NN_FLAGS" is what a manifest says of it. NULL:
 * unknown, or those that the Makefile has anyway. */
static char *recorded_flags(const char *compiler, const char *sources)
{
    char *own = own_flags(sources), *flags = NULL;
    const char *first = strstr(compiler, " -");
    const size_t tail = own ? strlen(own) : 0, length = first ? strlen(first + 1) : 0;
    if (own && length >= tail && strcmp(first + 1 + length - tail, own) == 0) {
        flags = hpx_strndup(first + 1, length - tail);
        if (!are_harmless(flags)) {
            free(flags);
            flags = NULL;
        }
    }
    free(own);
    return flags;
}

/* --- make ------------------------------------------------------------------------------------------------- */

/* The last lines of make's output, as many as an error can tell: what failed is there. */
static hpx_status make_failed(const char *log, hpx_error *error)
{
    hpx_buffer text = {0};
    hpx_error unread;
    hpx_file_read(&text, log, LOG_BYTES_MAX, &unread);
    const char *lines = hpx_buffer_text(&text);
    if (text.size > TAIL_BYTES) {
        lines += text.size - TAIL_BYTES;
        lines += strcspn(lines, "\n") + 1;
    }
    hpx_buffer shown = {0};
    hpx_text_show(&shown, lines, strlen(lines), "\n\t");
    hpx_status status =
        hpx_error_set(error, HPX_FAILED, "the code of this result does not build here any more:\n%s",
                      hpx_buffer_text(&shown));
    hpx_buffer_free(&shown);
    hpx_buffer_free(&text);
    return status;
}

/* Of the environment only what says where programs and libraries are: BUILD, CFLAGS, MAKEFLAGS and the like
 * are those of another build. Ends with a NULL; free() each and all. */
static char **clean_environment(const char *temporary)
{
    static const char *const kept[] = {
        "PATH",         "HOME",  "USER",          "PKG_CONFIG_PATH", "LD_LIBRARY_PATH",
        "LIBRARY_PATH", "CPATH", "C_INCLUDE_PATH"};
    const size_t count = sizeof kept / sizeof kept[0];
    char **environment = hpx_alloc((count + 3) * sizeof *environment);
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        if (getenv(kept[i]))
            environment[used++] = hpx_format("%s=%s", kept[i], getenv(kept[i]));
    environment[used++] = hpx_format("TMPDIR=%s", temporary);
    environment[used++] = hpx_strdup("LC_ALL=C");
    return environment;
}

/* Waits for make, and ends it with all that it has started when the user asks to stop. */
static hpx_status wait_for(pid_t pid, int *how, const volatile sig_atomic_t *interrupted, hpx_error *error)
{
    bool told = false;
    for (;;) {
        const pid_t ended = waitpid(pid, how, WNOHANG);
        if (ended < 0 && errno != EINTR)
            return hpx_error_errno(error, "make");
        if (ended == pid)
            return told ? hpx_error_set(error, HPX_INTERRUPTED, "interrupted") : HPX_OK;
        if (interrupted && *interrupted && !told) {
            kill(-pid, SIGTERM);
            told = true;
        }
        usleep(POLL_US);
    }
}

/* In a process group of its own, so that an interrupt reaches it once, and by hpx. */
static hpx_status start_make(pid_t *pid, char **arguments, const char *log, const char *temporary,
                             hpx_error *error)
{
    const int file = open(log, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return hpx_error_errno(error, "%s", log);
    char **environment = clean_environment(temporary);
    const hpx_process_options options = {
        .arguments = arguments,
        .environment = environment,
        .descriptors = {-1, file, file},
        .own_group = true,
    };
    hpx_status status = hpx_process_start(pid, &options, error);
    for (size_t i = 0; environment[i]; i++)
        free(environment[i]);
    free(environment);
    close(file);
    return status;
}

static hpx_status run_make(const char *folder, const char *sources, const char *compiler,
                           const volatile sig_atomic_t *interrupted, hpx_error *error)
{
    char *log = hpx_path_join(folder, "make.log"), *temporary = hpx_path_join(folder, "tmp");
    char *jobs = hpx_format("-j%zu", hpx_processors()), *flags = recorded_flags(compiler, sources);
    char *cflags = flags ? hpx_format("CFLAGS=%s", flags) : NULL;
    char *cc = strncmp(compiler, "clang ", 6) == 0 ? "CC=clang" : "CC=gcc";
    char *arguments[] = {"make", "-C", (char *)sources, jobs, "build/hpx", cc, cflags, NULL};
    pid_t pid = 0;
    int how = 0;
    hpx_status status = HPX_OK;
    if (mkdir(temporary, 0700) != 0)
        status = hpx_error_errno(error, "%s", temporary);
    if (!status)
        status = start_make(&pid, arguments, log, temporary, error);
    if (!status)
        status = wait_for(pid, &how, interrupted, error);
    if (!status && how != 0)
        status = make_failed(log, error);
    free(cflags);
    free(flags);
    free(jobs);
    free(temporary);
    free(log);
    return status;
}

/* --- the folder ------------------------------------------------------------------------------------------- */

/* Whether the code can be built and run there: the Makefile of an earlier one takes no blanks. */
static bool may_build_in(const char *path)
{
    struct statvfs info;
    return path && path[0] == '/' && !strpbrk(path, " \t\n:%;&|'\"*?[]~\\()<>$#=") &&
           statvfs(path, &info) == 0 && !(info.f_flag & ST_NOEXEC);
}

/* A new folder that nobody else may enter. */
static hpx_status make_folder(char **out, hpx_error *error)
{
    const char *const parents[] = {getenv("TMPDIR"), "/tmp", "/var/tmp"};
    hpx_status status = hpx_error_set(error, HPX_FAILED,
                                      "no folder to build the code in: set TMPDIR to one whose name has no "
                                      "blank, and where programs may run");
    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        char *parent = parents[i] ? hpx_path_real(parents[i]) : NULL;
        if (may_build_in(parent)) {
            *out = hpx_path_join(parent, "hpx-code-XXXXXX");
            free(parent);
            if (mkdtemp(*out))
                return HPX_OK;
            status = hpx_error_errno(error, "%s", *out);
            free(*out);
            *out = NULL;
        } else {
            free(parent);
        }
    }
    return status;
}

hpx_status hpx_code_compile(char **folder, char **program, const char *root, const hpx_fields *code,
                            const char *compiler, const volatile sig_atomic_t *interrupted, hpx_error *error)
{
    *folder = *program = NULL;
    hpx_status status = make_folder(folder, error);
    if (status)
        return status;
    char *sources = hpx_path_join(*folder, "hpx");
    if (mkdir(sources, 0700) != 0)
        status = hpx_error_errno(error, "%s", sources);
    if (!status)
        status = hpx_code_checkout(sources, root, code, error);
    if (!status)
        status = run_make(*folder, sources, compiler, interrupted, error);
    if (!status)
        *program = hpx_path_join(sources, "build/hpx");
    free(sources);
    return status;
}
