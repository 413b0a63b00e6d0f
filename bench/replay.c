/* replay TABLE.csv: how many searches a second of one processor are run over a table of scores (columns n1, n2 and
 * test_accuracy, which stand for every epoch): every method, from every cell and along either axis first where it has a
 * start, else with as many seeds. That many are needed to try every start point, and every draw of seeds. Then how long
 * 10,000 runs of each method but bayes take together. */
#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"
#include "hpx/search.h"
#include "statistics/summary.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIZES_MAX 32 /* of an axis */
#define ROUNDS    5
#define SECONDS   1.0 /* of one round */
#define RUNS      10000

struct scores {
    hpx_grid grid;
    double sizes[2][SIZES_MAX];
    double values[SIZES_MAX * SIZES_MAX]; /* by cell */
};

/* Multiplications of a forward pass of 784-n1-n2-10, which decide between equal scores. */
static uint64_t macs(void *context, uint32_t cell)
{
    const struct scores *scores = context;
    uint32_t at[HPX_AXES_MAX];
    hpx_grid_indices(at, &scores->grid, cell);
    double n1 = scores->sizes[0][at[0]], n2 = scores->sizes[1][at[1]];
    return (uint64_t)(784 * n1 + n1 * n2 + n2 * 10);
}

static uint32_t add_size(struct scores *scores, int axis, double size)
{
    uint32_t *count = &scores->grid.counts[axis];
    for (uint32_t i = 0; i < *count; i++)
        if (scores->sizes[axis][i] == size)
            return i;
    assert(*count < SIZES_MAX);
    scores->sizes[axis][*count] = size;
    return (*count)++;
}

/* The rows come in order of n1 and n2, every cell once. */
static hpx_status read_scores(struct scores *out, const char *path, hpx_error *error)
{
    hpx_buffer bytes = {0};
    hpx_status status = hpx_file_read(&bytes, path, 1 << 20, error);
    char *save, *line = status ? NULL : strtok_r((char *)(uintptr_t)hpx_buffer_text(&bytes), "\n", &save);
    uint32_t rows = 0;
    out->grid.axes = 2;
    out->grid.logarithmic = 3;
    for (int axis = 0; axis < 2; axis++)
        out->grid.values[axis] = out->sizes[axis];
    if (line && strncmp(line, "n1,n2,test_accuracy", 19) != 0)
        status = hpx_error_set(error, HPX_USAGE, "%s: expected the columns n1, n2, test_accuracy", path);
    while (!status && (line = strtok_r(NULL, "\n", &save))) {
        double n1, n2, value;
        if (sscanf(line, "%lf,%lf,%lf", &n1, &n2, &value) != 3 || rows == SIZES_MAX * SIZES_MAX) {
            status = hpx_error_set(error, HPX_USAGE, "%s: '%s' is no row", path, line);
            break;
        }
        add_size(out, 0, n1);
        add_size(out, 1, n2);
        out->values[rows++] = value;
    }
    if (!status && (rows == 0 || rows != hpx_grid_cells(&out->grid)))
        status = hpx_error_set(error, HPX_USAGE, "%s: %u rows are no grid", path, rows);
    hpx_buffer_free(&bytes);
    return status;
}

static void search(struct scores *scores, const hpx_search_options *options)
{
    hpx_search *search = hpx_search_new(&scores->grid, options, macs, scores);
    hpx_request request;
    size_t certain;
    while (hpx_search_ask(search, &request, 1, &certain) > 0)
        hpx_search_tell(search, request, scores->values[request.cell]);
    hpx_search_free(search);
}

static double processor_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Searches a second of one method. */
static double rate(struct scores *scores, hpx_search_options options)
{
    uint32_t cells = hpx_grid_cells(&scores->grid);
    uint64_t done = 0;
    double start = processor_seconds(), seconds;
    do {
        for (options.first = 0; options.first < 2; options.first++)
            for (options.start = options.seed = 0; options.start < cells;
                 options.start++, options.seed++, done++)
                search(scores, &options);
        seconds = processor_seconds() - start;
    } while (seconds < SECONDS);
    return (double)done / seconds;
}

#define METHOD(number) .method = &hpx_methods[HPX_METHOD_##number], .epochs = 15
#define RUNGS          .eta = 3, .min_epochs = 1

static const struct {
    const char *name;
    hpx_search_options options;
    double target; /* searches a second; 0: none of its own */
} cases[] = {
    {"grid", {METHOD(GRID)}},
    {"grid that screens", {METHOD(GRID), .screen_epochs = 3, .promote = 5}},
    {"hill climbing", {METHOD(HILL_CLIMB)}},
    {"full cross", {METHOD(FULL_CROSS)}, 1e5},
    {"partial cross with limit 3", {METHOD(PARTIAL_CROSS), .limit = 3}, 1e5},
    {"partial cross with limit 1", {METHOD(PARTIAL_CROSS), .limit = 1}, 1e5},
    {"partial cross with limit 1 outward", {METHOD(PARTIAL_CROSS), .limit = 1, .outward = true}, 1e5},
    {"random with 18 evaluations", {METHOD(RANDOM), .evaluations = 18}},
    {"halving of 27 cells", {METHOD(HALVING), RUNGS, .evaluations = 27}},
    {"hyperband", {METHOD(HYPERBAND), RUNGS}},
    {"asha of 27 cells", {METHOD(ASHA), RUNGS, .evaluations = 27, .workers = 4}},
    {"bayes with 30 evaluations",
     {METHOD(BAYES), .evaluations = 30, .initial = 6, .lag = 1, .scale = HPX_SCALE_ACCURACY},
     100.0 / 60},
};

int main(int argc, char **argv)
{
    static struct scores scores;
    hpx_error error;
    if (argc != 2) {
        fprintf(stderr, "usage: replay TABLE.csv\n");
        return 2;
    }
    if (read_scores(&scores, argv[1], &error)) {
        fprintf(stderr, "replay: %s\n", error.message);
        return 1;
    }
    double together = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double rates[ROUNDS];
        for (int round = 0; round < ROUNDS; round++)
            rates[round] = rate(&scores, cases[i].options);
        const double median = hpx_median(rates, ROUNDS), target = cases[i].target;
        printf("replay,%s,searches,%.0f,1/s,", cases[i].name, median);
        if (target > 0)
            printf(">=%.6g,%s\n", target, median >= target ? "yes" : "no");
        else
            printf(",\n");
        if (cases[i].options.method != &hpx_methods[HPX_METHOD_BAYES])
            together += RUNS / median;
    }
    printf("replay,%d of each but bayes,processor time,%.2f,s,<=10,%s\n", RUNS, together,
           together <= 10 ? "yes" : "no");
    return 0;
}
