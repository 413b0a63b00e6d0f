#include "base/process.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void set_descriptors(posix_spawn_file_actions_t *actions, const int descriptors[3])
{
    int code = 0;
    for (int fd = 0; fd <= STDERR_FILENO && code == 0; fd++)
        code = descriptors[fd] < 0 ? posix_spawn_file_actions_addopen(actions, fd, "/dev/null",
                                                                      fd == 0 ? O_RDONLY : O_WRONLY, 0)
                                   : posix_spawn_file_actions_adddup2(actions, descriptors[fd], fd);
    if (code == 0)
        code = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    if (code == ENOMEM)
        hpx_out_of_memory(0);
}

static void set_signals(posix_spawnattr_t *attributes, const hpx_process_options *options)
{
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(attributes, &signals);
    static const int defaults[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    const size_t count = options->own_session ? sizeof defaults / sizeof *defaults : 2;
    for (size_t i = 0; i < count; i++)
        sigaddset(&signals, defaults[i]);
    posix_spawnattr_setsigdefault(attributes, &signals);
    posix_spawnattr_setflags(attributes, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                 (options->own_group ? POSIX_SPAWN_SETPGROUP : 0) |
                                                 (options->own_session ? POSIX_SPAWN_SETSID : 0)));
}

/* As posix_spawnp searches: an empty name in PATH is the current folder. */
char *hpx_process_find(const char *name)
{
    const char *path = getenv("PATH");
    for (const char *at = path ? path : "/bin:/usr/bin", *end; at; at = *end ? end + 1 : NULL) {
        end = strchrnul(at, ':');
        char *file = end > at ? hpx_format("%.*s/%s", (int)(end - at), at, name) : hpx_format("./%s", name);
        if (access(file, X_OK) == 0 && !hpx_path_is_folder(file))
            return file;
        free(file);
    }
    return NULL;
}

hpx_status hpx_process_start(pid_t *pid, const hpx_process_options *options, hpx_error *error)
{
    extern char **environ;
    const char *name = options->program ? options->program : options->arguments[0];
    char *const *environment = options->environment ? options->environment : environ;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    set_descriptors(&actions, options->descriptors);
    set_signals(&attributes, options);
    int code = 0;
    if (options->folder)
        code = posix_spawn_file_actions_addchdir_np(&actions, options->folder);
    if (code == 0)
        code = (options->program ? posix_spawn : posix_spawnp)(pid, name, &actions, &attributes,
                                                               options->arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    errno = code;
    if (code == 0)
        return HPX_OK;
    hpx_status status = hpx_error_errno(error, "cannot start %s", name);
    errno = code;
    return code == ENOENT ? hpx_error_set(error, HPX_NOT_FOUND, "%s is not installed", name) : status;
}

hpx_status hpx_process_fork(pid_t *pid, int (*run)(void *context), void *context, hpx_error *error)
{
    fflush(NULL); /* else the child writes it, too */
    *pid = fork();
    if (*pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(run(context));
    }
    return *pid < 0 ? hpx_error_errno(error, "cannot start a process") : HPX_OK;
}

hpx_status hpx_process_wait(int *how, pid_t pid, hpx_error *error)
{
    while (waitpid(pid, how, 0) < 0)
        if (errno != EINTR)
            return hpx_error_errno(error, "cannot tell how a process ended");
    return HPX_OK;
}
