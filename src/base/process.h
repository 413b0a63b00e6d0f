/* Child processes. Programs get descriptors 0 to 2 and no others, an empty signal mask and the default
 * actions of SIGPIPE and SIGXFSZ, in a session of their own also of the signals that end a process, whatever this process has
 * set for itself. */
#ifndef HPX_PROCESS_H
#define HPX_PROCESS_H

#include "hpx/error.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct hpx_process_options {
    char *const *arguments;   /* NULL at the end */
    const char *program;      /* a path; NULL: arguments[0], searched in PATH */
    char *const *environment; /* NULL: this process's */
    const char *folder;       /* to run in; NULL: this one's */
    int descriptors[3];       /* what become 0, 1 and 2; -1: /dev/null */
    bool own_group;           /* so that it can be ended with all that it starts */
    bool own_session;         /* and has no terminal: neither Ctrl-C nor a hangup reaches it */
} hpx_process_options;

/* The file of a program that is started by this name, searched in PATH; NULL: there is none. free() it. */
char *hpx_process_find(const char *name);

/* HPX_NOT_FOUND if there is no such program, HPX_FAILED when the process cannot be made; errno says why. */
hpx_status hpx_process_start(pid_t *pid, const hpx_process_options *options, hpx_error *error);

/* Runs a function in a child process, for what may crash: a copy of this one, that is killed when this one
 * ends. What the function returns is its exit code. */
hpx_status hpx_process_fork(pid_t *pid, int (*run)(void *context), void *context, hpx_error *error);

/* Waits for the end of the process and gives its wait status. */
hpx_status hpx_process_wait(int *how, pid_t pid, hpx_error *error);

#endif
