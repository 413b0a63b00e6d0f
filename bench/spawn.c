/* spawn N COMMAND [ARGUMENT]...: runs the command N times, its output to /dev/null, and prints of one run
 *
 *     the median of its wall time, the least, and the median of its processor time (ms); memory (MiB)
 *
 * Memory is the most that a run held, file pages included. Other processes lengthen the wall time, so the
 * least tells what the command needs; the processor time, user and system, hardly depends on them. */
#include "hpx/file.h"
#include "hpx/memory.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double ms(struct timeval time)
{
    return (double)time.tv_sec * 1e3 + (double)time.tv_usec * 1e-3;
}

static bool run(double *wall, double *busy, long *memory, char **command)
{
    pid_t pid;
    int ended = 0;
    struct rusage usage;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    double start = hpx_clock_seconds();
    int code = posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
    bool done =
        code == 0 && wait4(pid, &ended, 0, &usage) == pid && WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
    *wall = (hpx_clock_seconds() - start) * 1e3;
    posix_spawn_file_actions_destroy(&actions);
    if (!done) {
        fprintf(stderr, "spawn: %s: %s\n", command[0], code ? strerror(code) : "failed");
        return false;
    }
    *busy = ms(usage.ru_utime) + ms(usage.ru_stime);
    *memory = usage.ru_maxrss > *memory ? usage.ru_maxrss : *memory;
    return true;
}

int main(int argc, char **argv)
{
    long runs = argc > 2 ? strtol(argv[1], NULL, 10) : 0, memory = 0;
    if (runs < 1) {
        fprintf(stderr, "usage: spawn N COMMAND [ARGUMENT]...\n");
        return 2;
    }
    double *wall = hpx_realloc(NULL, (size_t)runs, sizeof *wall),
           *busy = hpx_realloc(NULL, (size_t)runs, sizeof *busy);
    for (long i = 0; i < runs; i++)
        if (!run(&wall[i], &busy[i], &memory, argv + 2))
            return 1;
    qsort(wall, (size_t)runs, sizeof *wall, ascending);
    qsort(busy, (size_t)runs, sizeof *busy, ascending);
    printf("%.3f %.3f %.3f %.1f\n", wall[runs / 2], wall[0], busy[runs / 2], (double)memory / 1024);
    free(wall);
    free(busy);
    return 0;
}
