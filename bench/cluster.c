/* The owner of a pool with many workers, which are played (tests/helper/fleet.h): a build of no-op trials, whole but for the
 * trainings. All goes through a real pool into a real store.
 *
 *     bench/cluster WORKERS TRIALS FOLDER
 *
 * bench/cluster: rows of bench,case,figure,value,unit,target,met: what the owner's thread takes of a processor, and the
 * memory of the process, at a tenth of the trials, at half and at all of them. */
#include "../tests/helper/fleet.h"
#include "base/memory.h"
#include "hpx/build.h"
#include "hpx/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIDE 100 /* cells on the first axis */

struct watch {
    size_t trials, workers, next; /* of the marks */
    double wall, processor;       /* when it began */
    double last_wall, last_processor;
    size_t last_done, memory; /* at the first mark */
};

static double processor_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void row(const struct watch *watch, const char *part, const char *figure, double value,
                const char *unit, const char *target, int met)
{
    printf("cluster,%zu workers %zu trials%s,%s,%.3g,%s,%s,%s\n", watch->workers, watch->trials, part, figure,
           value, unit, target, *target ? met ? "yes" : "no" : "");
    fflush(stdout);
}

static void mark(struct watch *watch, size_t done, const char *part)
{
    const double wall = hpx_clock_seconds(), processor = processor_seconds();
    const double rate = (double)(done - watch->last_done) / (processor - watch->last_processor);
    const size_t bytes = owner_memory();
    watch->memory = watch->memory ? watch->memory : bytes;
    row(watch, part, "results a second of the owner's processor", rate, "1/s", ">=1000", rate >= 1000);
    row(watch, part, "results a second by the clock",
        (double)(done - watch->last_done) / (wall - watch->last_wall), "1/s", "", 0);
    row(watch, part, "memory", (double)bytes / (1 << 20), "MiB", "", 0);
    if (done ==
        watch->trials) { /* of each its score, its seconds and when it ran are kept, of its result nothing */
        const double each =
            ((double)bytes - (double)watch->memory) / (double)(watch->trials - watch->trials / 10);
        row(watch, part, "memory for each trial behind the first tenth", each, "B", "<=512", each <= 512);
    }
    watch->last_wall = wall;
    watch->last_processor = processor;
    watch->last_done = done;
}

static void see(void *context, const hpx_event *event)
{
    struct watch *watch = context;
    const struct {
        size_t at;
        const char *part;
    } marks[] = {{watch->trials / 10, " (the first tenth)"},
                 {watch->trials / 2, " (to half)"},
                 {watch->trials, " (to the end)"}};
    while (event->kind == HPX_EVENT_DONE && watch->next < 3 && event->done >= marks[watch->next].at) {
        mark(watch, event->done, marks[watch->next].part);
        watch->next++;
    }
}

static hpx_status run(const char *folder, size_t workers, size_t trials, hpx_error *error)
{
    hpx_recipe *recipe;
    hpx_store *store = NULL;
    hpx_outcome *outcome = NULL;
    char *text = fleet_recipe(SIDE, trials / SIDE), *pool = hpx_path_join(folder, "pool");
    struct fleet *fleet = fleet_new(pool);
    fleet_add_trainer();
    hpx_status status = hpx_recipe_parse(&recipe, "cluster.rcp", text, strlen(text), NULL, NULL, error);
    if (!status)
        status = hpx_store_open(&store, folder, HPX_STORE_WRITE, error);
    if (!status) {
        const hpx_recipe_search *search = &recipe->searches[0];
        struct watch watch = {.trials = trials, .workers = workers};
        watch.last_wall = hpx_clock_seconds();
        watch.last_processor = processor_seconds();
        hpx_source_options source = {.store = store, .remember = true, .folder = folder};
        hpx_build_options options = {.jobs = workers,
                                     .launcher = fleet_launcher(fleet),
                                     .pool = pool,
                                     .event = see,
                                     .context = &watch};
        status = hpx_build(&outcome, recipe, &search, 1, &source, &options, error);
        if (!status && outcome->trained != trials)
            status = hpx_error_set(error, HPX_FAILED, "%zu trials instead of %zu", outcome->trained, trials);
    }
    hpx_outcome_free(outcome);
    const char *trouble = fleet_free(fleet);
    if (!status && trouble)
        status = hpx_error_set(error, HPX_FAILED, "%s", trouble);
    hpx_store_close(store);
    hpx_recipe_free(recipe);
    free(text);
    free(pool);
    return status;
}

int main(int argc, char **argv)
{
    hpx_error error;
    if (argc != 4) {
        fprintf(stderr, "expected bench/cluster WORKERS TRIALS FOLDER\n");
        return 2;
    }
    if (run(argv[3], strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10), &error) == HPX_OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "cluster: %s\n", error.message);
    return EXIT_FAILURE;
}
