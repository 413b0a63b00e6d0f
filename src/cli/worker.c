/* hpx worker: internal. */
#include "cli.h"

#include "base/memory.h"
#include "worker/channel.h"
#include "worker/worker.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static void out_of_memory(size_t bytes)
{
    (void)bytes;
    _exit(HPX_WORKER_NO_MEMORY); /* the build says it */
}

int hpx_run_worker(const struct options *options)
{
    (void)options;
    hpx_error error;
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
