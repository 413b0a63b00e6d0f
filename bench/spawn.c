/* spawn N COMMAND [ARGUMENT]... [-- COMMAND [ARGUMENT]...]...: runs the commands in turn, N times each, their
 * output to /dev/null, and prints a line for each command in their order:
 *
 *     median wall time, least wall time, median processor time (ms), median number of page faults; of one run
 *
 * Wall time is of the whole process, from before it is made until it is waited for. Other processes lengthen
 * it: taking turns lengthens it for all commands alike. Page faults do not depend on them, and are most of
 * what a short process costs. */
#include "base/memory.h"
#include "base/process.h"
#include "hpx/file.h"
#include "statistics/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define COMMANDS_MAX 16

struct command {
    char **words;
    double *wall, *busy, *faults; /* of every run; times in ms */
};

static double ms(struct timeval time)
{
    return (double)time.tv_sec * 1e3 + (double)time.tv_usec * 1e-3;
}

static bool run(const struct command *command, long at)
{
    pid_t pid;
    int ended = 0;
    hpx_error error;
    struct rusage usage;
    const hpx_process_options options = {.arguments = command->words, .descriptors = {0, -1, -1}};
    double start = hpx_clock_seconds();
    const bool started = hpx_process_start(&pid, &options, &error) == HPX_OK;
    const bool done =
        started && wait4(pid, &ended, 0, &usage) == pid && WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
    command->wall[at] = (hpx_clock_seconds() - start) * 1e3;
    if (done) {
        command->busy[at] = ms(usage.ru_utime) + ms(usage.ru_stime);
        command->faults[at] = (double)usage.ru_minflt;
    } else {
        fprintf(stderr, "spawn: %s: %s\n", command->words[0], started ? "failed" : error.message);
    }
    return done;
}

/* Cuts the arguments at every "--"; 0 if there are too many commands, or empty ones. */
static size_t split(struct command commands[COMMANDS_MAX], char **words, size_t runs)
{
    size_t count = 0;
    while (count < COMMANDS_MAX && *words && strcmp(*words, "--") != 0) {
        commands[count++] = (struct command){.words = words,
                                             .wall = hpx_realloc(NULL, runs, sizeof(double)),
                                             .busy = hpx_realloc(NULL, runs, sizeof(double)),
                                             .faults = hpx_realloc(NULL, runs, sizeof(double))};
        while (*words && strcmp(*words, "--") != 0)
            words++;
        if (!*words)
            return count;
        *words++ = NULL;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct command commands[COMMANDS_MAX];
    long runs = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
    size_t count = runs > 0 ? split(commands, argv + 2, (size_t)runs) : 0;
    if (count == 0) {
        fprintf(stderr, "usage: spawn N COMMAND [ARGUMENT]... [-- COMMAND [ARGUMENT]...]...\n");
        return 2;
    }
    for (long at = 0; at < runs; at++)
        for (size_t i = 0; i < count; i++)
            if (!run(&commands[i], at))
                return 1;
    for (size_t i = 0; i < count; i++) {
        const struct command *command = &commands[i];
        printf("%.3f %.3f %.3f %.0f\n", hpx_median(command->wall, (size_t)runs),
               hpx_quantile(command->wall, (size_t)runs, 0), hpx_median(command->busy, (size_t)runs),
               hpx_median(command->faults, (size_t)runs));
        free(command->wall);
        free(command->busy);
        free(command->faults);
    }
    return 0;
}
