/* Makes the process fit for its work, whatever started it: descriptors 0 to 2, the umask and signals. The
 * locale stays "C", since nothing calls setlocale: numbers are read and written alike everywhere.
 *
 * SIGINT, SIGTERM and SIGHUP end the process at once, but for what it was writing, which goes. A command that
 * has something to keep asks for the first one to be noted instead. It then ends in its own time, and main
 * ends the process by that signal, so that a shell or make knows. */
#include "cli.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SAME_REQUEST_NS 200000000 /* timeout(1) signals its child and then the child's group */

char *hpx_remote_token;
volatile sig_atomic_t hpx_interrupted;
static volatile sig_atomic_t heeds;
static volatile int64_t noted_ns;
static bool pipe_was_default;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return hpx_time_ns(now);
}

void hpx_die_of(int number)
{
    sigset_t set;
    hpx_terminal_clear();
    hpx_file_remove_temporaries();
    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
    _exit(128 + number); /* the first process of a container has no default action */
}

static void note(int number)
{
    if (hpx_interrupted && now_ns() - noted_ns < SAME_REQUEST_NS)
        return;
    if (hpx_interrupted || !heeds)
        hpx_die_of(number);
    noted_ns = now_ns();
    hpx_interrupted = number;
}

/* A closed descriptor is taken by one that cannot be used in that direction either. Otherwise the next file
 * opened gets its number, and messages are written into it. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_FAILED);
}

static void set_signals(void)
{
    struct sigaction action = {.sa_handler = note};
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t none;
    signal(SIGCHLD, SIG_DFL); /* ignored, it would keep wait from saying how a child ended */
    signal(SIGXFSZ, SIG_IGN); /* a file too large for `ulimit -f` is an error of the write */
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction old;
        sigaction(numbers[i], NULL, &old);
        if (numbers[i] != SIGHUP || old.sa_handler != SIG_IGN) /* under nohup it stays ignored */
            sigaction(numbers[i], &action, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void broken(const char *what)
{
    hpx_say("%s; `hpx verify` says what is lost", what);
    _exit(EXIT_DAMAGED);
}

/* In a signal handler. */
static void crashed(void)
{
    static const char text[] =
        "hpx: the structure of the store's data file is damaged; `hpx verify` says what is lost\n";
    if (write(STDERR_FILENO, text, strlen(text)) != (ssize_t)strlen(text)) {
        /* nobody reads it: the exit code says it */
    }
    _exit(EXIT_DAMAGED);
}

/* Nothing that is started from here sees it. */
static void take_token(void)
{
    const char *token = getenv("HPX_REMOTE_TOKEN");
    hpx_remote_token = token ? hpx_strdup(token) : NULL;
    unsetenv("HPX_REMOTE_TOKEN");
}

void hpx_prepare_process(void)
{
    take_token();
    fill_standard_descriptors();
    umask(umask(0) & 077); /* what hpx writes it can also read */
    set_signals();
    hpx_store_on_broken(broken);
    hpx_store_on_crash(crashed);
}

void hpx_catch_interrupts(void)
{
    heeds = 1;
    /* A dead worker is noticed by reading from it. */
    pipe_was_default = signal(SIGPIPE, SIG_IGN) == SIG_DFL || pipe_was_default;
}

void hpx_die_of_broken_pipe(void)
{
    if (pipe_was_default)
        hpx_die_of(SIGPIPE);
}
