/* hpx worker: internal. */
#include "cli.h"

#include "hpx/worker.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int run_worker(const struct options *options)
{
    (void)options;
    hpx_error error;
    /* A signal to the process group is the build's, which takes in what is finished; without a build there is
     * nothing to work for. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (isatty(STDIN_FILENO)) {
        say("worker: reads jobs from a build; it is not for people");
        return EXIT_USAGE;
    }
    return hpx_worker_run(STDIN_FILENO, STDOUT_FILENO, &error) ? fail(&error) : EXIT_DONE;
}
