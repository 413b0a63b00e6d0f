/* Trains every cell of a recipe and does nothing else: no search, no store, no messages. What a build of the
 * grid is measured against.
 *
 *     bench/cells RECIPE DATA-FOLDER PROCESSES
 *
 * The cells go to the processes one by one, the longest first. Prints the wall seconds and the
 * multiplications. Set OPENBLAS_NUM_THREADS=1, as a build does for its workers. */
#include "base/memory.h"
#include "hpx/file.h"
#include "identity/experiment.h"
#include "identity/manifest.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static hpx_experiment *experiment;
static hpx_error error;

static int compare(const void *left, const void *right)
{
    uint64_t a = hpx_experiment_macs(experiment, *(const uint32_t *)left);
    uint64_t b = hpx_experiment_macs(experiment, *(const uint32_t *)right);
    return (a < b) - (a > b);
}

static hpx_status ignore_epoch(void *context, const hpx_epoch *epoch, hpx_error *e)
{
    (void)context;
    (void)epoch;
    (void)e;
    return HPX_OK;
}

static hpx_status train(const hpx_recipe *recipe, uint32_t cell, uint32_t seed, const void *data)
{
    hpx_buffer bytes = {0};
    hpx_fields manifest = {0};
    const hpx_fields none = {0};
    hpx_buffer log = {0};
    hpx_experiment_manifest(&bytes, experiment, cell, seed, hpx_experiment_recipe(experiment)->epochs);
    hpx_status status = hpx_fields_decode(&manifest, bytes.data, bytes.size, &error);
    const hpx_run run = {.manifest = &manifest,
                         .data = data,
                         .conditions = &none,
                         .to = recipe->epochs,
                         .on_epoch = ignore_epoch,
                         .log = &log,
                         .stop = -1};
    if (!status)
        status = recipe->trainer->run(&run, &error);
    hpx_fields_free(&manifest);
    hpx_buffer_free(&bytes);
    hpx_buffer_free(&log);
    return status;
}

/* Takes cells as long as there are any; returns an exit code. All cells have the data set of the first. */
static int work(const hpx_recipe *recipe, const uint32_t *cells, uint32_t count, atomic_uint *next)
{
    void *data;
    const hpx_source *source = hpx_experiment_source(experiment, 0);
    hpx_status status = recipe->trainer->inputs->open(&data, source->inputs, &error);
    for (uint32_t i; !status && (i = atomic_fetch_add(next, 1)) < count;)
        for (size_t seed = 0; seed < recipe->seed_count && !status; seed++)
            status = train(recipe, cells[i], recipe->seeds[seed], data);
    if (status)
        fprintf(stderr, "cells: %s\n", error.message);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(const hpx_recipe *recipe, unsigned processes)
{
    uint32_t count = hpx_grid_cells(&recipe->grid), *cells = hpx_alloc(count * sizeof *cells);
    double macs = 0;
    int code = EXIT_SUCCESS;
    for (uint32_t cell = 0; cell < count; cell++) {
        cells[cell] = cell;
        macs +=
            (double)hpx_experiment_cost(experiment, cell).epoch * recipe->epochs * (double)recipe->seed_count;
    }
    qsort(cells, count, sizeof *cells, compare);
    atomic_uint *next = mmap(NULL, sizeof *next, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (next == MAP_FAILED)
        return EXIT_FAILURE;
    double started = hpx_clock_seconds();
    for (unsigned i = 0; i < processes; i++)
        if (fork() == 0)
            _exit(work(recipe, cells, count, next));
    for (int status; wait(&status) > 0;)
        if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
            code = EXIT_FAILURE;
    printf("%.3f %.0f\n", hpx_clock_seconds() - started, macs);
    free(cells);
    return code;
}

int main(int argc, char **argv)
{
    unsigned processes = argc == 4 ? (unsigned)atoi(argv[3]) : 0;
    hpx_recipe *recipe = NULL;
    if (processes < 1) {
        fprintf(stderr, "usage: cells RECIPE DATA-FOLDER PROCESSES\n");
        return 2;
    }
    hpx_source_options source = {.folder = argv[2]};
    hpx_status status = hpx_recipe_open(&recipe, argv[1], &error);
    if (!status)
        status = hpx_experiment_open(&experiment, recipe, &source, &error);
    int code = EXIT_FAILURE;
    if (status)
        fprintf(stderr, "cells: %s\n", error.message);
    else
        code = run(recipe, processes);
    hpx_experiment_free(experiment);
    hpx_recipe_free(recipe);
    return code;
}
