/* hpx worker: internal. */
#include "cli.h"

#include "base/memory.h"
#include "worker/channel.h"
#include "worker/launcher.h"
#include "worker/member.h"
#include "worker/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void out_of_memory(size_t bytes)
{
    (void)bytes;
    _exit(HPX_WORKER_NO_MEMORY); /* the build says it */
}

static volatile sig_atomic_t told_to_go;

static void go(int signal)
{
    (void)signal;
    told_to_go = 1;
}

/* What a scheduler tells its jobs would lead programs to think that they are jobs of their own. */
static void forget_scheduler(void)
{
    static const char *const prefixes[] = {"SLURM", "SRUN_", "SBATCH_", "PMI"};
    extern char **environ;
    for (size_t i = 0; environ[i];) {
        bool forgotten = false;
        for (size_t j = 0; j < sizeof prefixes / sizeof *prefixes && !forgotten; j++)
            if (strncmp(environ[i], prefixes[j], strlen(prefixes[j])) == 0) {
                char *name = hpx_strndup(environ[i], strcspn(environ[i], "="));
                forgotten = unsetenv(name) == 0;
                free(name);
            }
        i += !forgotten;
    }
}

static void say_line(const char *line)
{
    hpx_say("%s", line);
}

/* worker POOL NAME: one of a pool. */
static int work_for_pool(const struct options *options)
{
    const struct sigaction act = {.sa_handler = go};
    hpx_error error, misfit;
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    const double seconds = hpx_slurm_time_left();
    char *node = hpx_slurm_node();
    const bool fits = hpx_check_kernel(&misfit) == HPX_OK;
    forget_scheduler();
    const hpx_member_options member = {
        .program = hpx_worker_program(),
        .pool = options->arguments[0],
        .name = options->arguments[1],
        .node = node,
        .misfit = fits ? NULL : misfit.message,
        .seconds = seconds,
        .say = say_line,
        .told_to_go = &told_to_go,
    };
    hpx_status status = hpx_member_run(&member, &error);
    free(node);
    return status ? hpx_fail(&error) : EXIT_DONE;
}

int hpx_run_worker(const struct options *options)
{
    hpx_error error;
    if (options->count == 2)
        return work_for_pool(options);
    hpx_memory_on_failure(out_of_memory);
    /* A signal to the process group is the build's, which takes in what is finished; without a build there is
     * nothing to work for. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!hpx_channel_is_one(STDIN_FILENO)) {
        hpx_say("worker: takes jobs from a build; it is not for people");
        return EXIT_USAGE;
    }
    return hpx_worker_run(STDIN_FILENO, &error) ? hpx_fail(&error) : EXIT_DONE;
}
