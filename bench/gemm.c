/* What the BLAS makes of this machine: a product of two N x N matrices in each of so many processes at once.
 *
 *     bench/gemm PROCESSES [N]
 *
 * Prints the floating-point operations per second of all of them together, in 10^9: the best of some
 * rounds. */
#include "base/memory.h"
#include "hpx/file.h"
#include "nn/matrix.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 5 };

static float *matrix(size_t n)
{
    float *a = hpx_alloc(n * n * sizeof *a);
    for (size_t i = 0; i < n * n; i++)
        a[i] = (float)(i % 17) - 8;
    return a;
}

static void multiply(float *c, const float *a, const float *b, int n)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, c, n);
}

/* Seconds of its best round, to the pipe. */
static int work(size_t n, int out)
{
    float *a = matrix(n), *b = matrix(n), *c = matrix(n);
    double best = 0;
    hpx_blas_single_thread();
    multiply(c, a, b, (int)n);
    for (int round = 0; round < ROUNDS; round++) {
        double started = hpx_clock_seconds();
        multiply(c, a, b, (int)n);
        double seconds = hpx_clock_seconds() - started;
        best = round == 0 || seconds < best ? seconds : best;
    }
    free(a);
    free(b);
    free(c);
    return write(out, &best, sizeof best) == sizeof best ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    int processes = argc > 1 ? atoi(argv[1]) : 0, ends[2];
    size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 4096;
    if (processes < 1 || n < 1 || pipe(ends) != 0) {
        fprintf(stderr, "usage: gemm PROCESSES [N]\n");
        return 2;
    }
    for (int i = 0; i < processes; i++)
        if (fork() == 0)
            _exit(work(n, ends[1]));
    double rate = 0, seconds;
    for (int i = 0; i < processes; i++) {
        int status;
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
            return EXIT_FAILURE;
        if (read(ends[0], &seconds, sizeof seconds) != sizeof seconds)
            return EXIT_FAILURE;
        rate += 2e-9 * (double)n * (double)n * (double)n / seconds;
    }
    printf("%.1f\n", rate);
    return EXIT_SUCCESS;
}
