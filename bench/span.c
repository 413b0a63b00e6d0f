/* How much the searches of M. Imai's paper, and others, gain from processors: the plan and the dispatching of a
 * build over the paper's table, with a clock in the place of processes. A training takes as long as its cell has
 * multiplications; one that is stopped keeps its whole epochs. Every search is run from every start point, those
 * that draw cells with as many seeds; figures are geometric means over these. The table has no early epochs: those
 * that rungs ask for are made up, lower than the last and noisy, less with every epoch.
 *
 *     work                 multiplications of the search, as a share of the grid's
 *     parallelism          work over span with a processor for every cell: no number of processors is faster
 *     cells-at-once        the same if all cells took equally long
 *     speedup              work over span, on P processors
 *     speedup-speculative  the same when idle processors train speculatively
 *     work-ratio           what is then trained over work
 *
 * bench/span: rows of bench,case,figure,value,unit,target,met. */
#include "base/memory.h"
#include "base/random.h"
#include "hpx/file.h"
#include "run/dispatch.h"
#include "run/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N1 = 6, N2 = 11, CELLS = N1 * N2, EPOCHS = 15 };

static const char recipe_text[] = "dataset mnist\nmodel mlp\n  hidden = $n1 $n2\n"
                                  "axis n1 = log2 16..512\naxis n2 = log2 16..16384\n"
                                  "search grid\n  method = grid\n"
                                  "search hill-climb-8\n  method = hill-climb\n  neighbours = 8\n"
                                  "search hill-climb-4\n  method = hill-climb\n  neighbours = 4\n"
                                  "search full-l1\n  method = full-cross\n  first = n1\n"
                                  "search full-l2\n  method = full-cross\n  first = n2\n"
                                  "search partial-l1-1\n  method = partial-cross\n  first = n1\n  limit = 1\n"
                                  "search partial-l2-1\n  method = partial-cross\n  first = n2\n  limit = 1\n"
                                  "search partial-l1-2\n  method = partial-cross\n  first = n1\n  limit = 2\n"
                                  "search partial-l2-2\n  method = partial-cross\n  first = n2\n  limit = 2\n"
                                  "search partial-l2-3\n  method = partial-cross\n  first = n2\n  limit = 3\n"
                                  "search bayes\n  method = bayes\n  evaluations = 16\n"
                                  "search halving\n  method = halving\n  evaluations = 27\n"
                                  "search hyperband\n  method = hyperband\n"
                                  "search asha-2\n  method = asha\n  evaluations = 27\n  workers = 2\n"
                                  "search asha-8\n  method = asha\n  evaluations = 27\n  workers = 8\n";

static double accuracy[CELLS];

static uint64_t cost(void *context, uint32_t cell)
{
    (void)context;
    uint64_t n1 = UINT64_C(16) << cell / N2, n2 = UINT64_C(16) << cell % N2;
    return 784 * n1 + n1 * n2 + n2 * 10;
}

static uint64_t one(void *context, uint32_t cell)
{
    (void)context;
    (void)cell;
    return 1;
}

/* Rungs of 15 epochs: 1, 5, 15. A difference between early epochs is worth less the earlier they are. */
static double score(hpx_request request)
{
    uint32_t words[4];
    hpx_random(words, 1, 'S', request.epochs, 0, request.cell);
    const double early = 1.0 / request.epochs - 1.0 / EPOCHS;
    return accuracy[request.cell] - early * (0.05 + 0.02 * hpx_random_float(words[0]));
}

enum { ASKED = 1, TOLD = 2, SPECULATED = 4 };

struct trial {
    hpx_task task; /* first: a task is its trial */
    uint32_t cell;
    double epoch, started;     /* how long an epoch takes; when its job, or the epochs at hand, began */
    uint32_t done, to, needed; /* epochs: that it has; of its job; that are asked of it */
    uint8_t state[EPOCHS + 1]; /* of the request for so many epochs */
};

struct machine {
    struct trial trials[CELLS];
    hpx_plan *plan;
    hpx_dispatch *dispatch;
    double now, work;
};

static void start(struct machine *machine, struct trial *trial, uint32_t to)
{
    hpx_dispatch_start(machine->dispatch, &trial->task);
    trial->started = machine->now;
    trial->to = to;
}

/* Before its end: then it has to train again what it has not finished of an epoch. */
static void stop(struct machine *machine, struct trial *trial)
{
    const double spent = machine->now - trial->started;
    hpx_dispatch_end(machine->dispatch, &trial->task);
    machine->work += spent;
    trial->done += (uint32_t)floor(spent / trial->epoch + 1e-9);
}

static void need(struct machine *machine, struct trial *trial)
{
    if (trial->done >= trial->needed)
        return;
    if (trial->task.state == HPX_TASK_IDLE)
        trial->task.length = (uint64_t)(trial->epoch * EPOCHS * (trial->needed - trial->done));
    hpx_dispatch_need(machine->dispatch, &trial->task);
}

/* Tells what the trial has; whether that was asked for. */
static bool tell(struct machine *machine, struct trial *trial)
{
    bool news = false;
    for (uint32_t epochs = 1; epochs <= trial->done; epochs++) {
        const hpx_request request = {trial->cell, epochs};
        uint8_t *state = &trial->state[epochs];
        if ((*state & (ASKED | TOLD)) == ASKED) {
            hpx_plan_tell(machine->plan, request, score(request));
            *state |= TOLD;
            news = true;
        } else if ((*state & (SPECULATED | TOLD)) == SPECULATED) {
            hpx_plan_hint(machine->plan, request, score(request));
        }
    }
    return news;
}

/* Tells what is finished and notes what is needed, until that is decided no further; false when the search is
 * done. */
static bool follow(struct machine *machine)
{
    const hpx_request *requests;
    for (bool news = true; news;) {
        const size_t count = hpx_plan_ask(machine->plan, &requests);
        for (size_t i = 0; i < count; i++) {
            struct trial *trial = &machine->trials[requests[i].cell];
            trial->state[requests[i].epochs] |= ASKED;
            trial->needed = requests[i].epochs > trial->needed ? requests[i].epochs : trial->needed;
            need(machine, trial);
        }
        news = false;
        for (uint32_t cell = 0; cell < CELLS; cell++)
            news = tell(machine, &machine->trials[cell]) || news;
    }
    return !hpx_search_is_done(hpx_plan_search(machine->plan, 0));
}

static void dispatch(struct machine *machine, size_t slots, bool speculative)
{
    hpx_task *task, *instead;
    while ((task = hpx_dispatch_next(machine->dispatch, &instead))) {
        struct trial *trial = (struct trial *)task;
        if (instead)
            stop(machine, (struct trial *)instead);
        start(machine, trial, trial->needed);
    }
    const hpx_request *likely;
    size_t idle = hpx_dispatch_count(machine->dispatch).idle;
    const size_t count = speculative && idle ? hpx_plan_speculate(machine->plan, slots, &likely) : 0;
    for (size_t i = 0; i < count && idle > 0; i++) {
        struct trial *trial = &machine->trials[likely[i].cell];
        trial->state[likely[i].epochs] |= SPECULATED;
        if (trial->task.state != HPX_TASK_IDLE || trial->done >= likely[i].epochs)
            continue;
        trial->task.speculative = true;
        start(machine, trial, likely[i].epochs);
        idle--;
    }
}

/* The next epoch of a job that is asked of it, or its last. */
static uint32_t next_of(const struct trial *trial)
{
    uint32_t next = trial->done + 1;
    while (next < trial->to && !(trial->state[next] & ASKED))
        next++;
    return next;
}

static double time_of(const struct trial *trial)
{
    return trial->started + (next_of(trial) - trial->done) * trial->epoch;
}

/* Up to the next epoch that is finished and asked for. */
static void advance(struct machine *machine)
{
    struct trial *next = NULL;
    for (struct trial *trial = machine->trials; trial < machine->trials + CELLS; trial++)
        if (trial->task.state == HPX_TASK_RUNNING && (!next || time_of(trial) < time_of(next)))
            next = trial;
    const uint32_t done = next_of(next);
    machine->now = time_of(next);
    machine->work += machine->now - next->started;
    next->started = machine->now;
    next->done = done;
    if (done == next->to) {
        hpx_dispatch_end(machine->dispatch, &next->task);
        need(machine, next);
    }
}

static void run(double *span, double *work, const hpx_recipe *recipe, const hpx_recipe_search *search,
                size_t slots, bool speculative, hpx_cost_fn *length)
{
    struct machine machine = {.plan = hpx_plan_new(recipe, &search, 1, cost, NULL),
                              .dispatch = hpx_dispatch_new(slots)};
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        machine.trials[cell].cell = cell;
        machine.trials[cell].epoch = (double)length(NULL, cell) / EPOCHS;
    }
    while (follow(&machine)) {
        dispatch(&machine, slots, speculative);
        advance(&machine);
    }
    for (uint32_t cell = 0; cell < CELLS; cell++)
        if (machine.trials[cell].task.state == HPX_TASK_RUNNING)
            stop(&machine, &machine.trials[cell]);
    *span = machine.now;
    *work = machine.work;
    hpx_plan_free(machine.plan);
    hpx_dispatch_free(machine.dispatch);
}

static void print(const char *name, size_t slots, const char *figure, double value, const char *unit)
{
    printf("span,%s", name);
    if (slots)
        printf("-P%zu", slots);
    printf(",%s,%.3f,%s,,\n", figure, value, unit);
}

static void measure(const hpx_recipe *recipe, hpx_recipe_search *search, double grid_work)
{
    static const size_t slots[] = {CELLS, 1, 2, 8, 64};
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        double share = 0, speedup = 0, speculative = 0, ratio = 0, at_once = 0; /* means of logarithms */
        for (search->options.start = 0; search->options.start < CELLS; search->options.start++) {
            double span, work, span_speculative, work_speculative, steps, cells;
            search->options.seed = search->options.start + 1;
            run(&span, &work, recipe, search, slots[i], false, cost);
            run(&span_speculative, &work_speculative, recipe, search, slots[i], slots[i] > 1, cost);
            run(&steps, &cells, recipe, search, slots[i], false, one);
            share += log(work / grid_work) / CELLS;
            speedup += log(work / span) / CELLS;
            speculative += log(work / span_speculative) / CELLS;
            ratio += log(work_speculative / work) / CELLS;
            at_once += log(cells / steps) / CELLS;
        }
        if (slots[i] == CELLS) {
            print(search->name, 0, "work", exp(share), "share of the grid");
            print(search->name, 0, "parallelism", exp(speedup), "ratio");
            print(search->name, 0, "cells-at-once", exp(at_once), "ratio");
            continue;
        }
        print(search->name, slots[i], "speedup", exp(speedup), "ratio");
        print(search->name, slots[i], "speedup-speculative", exp(speculative), "ratio");
        print(search->name, slots[i], "work-ratio", exp(ratio), "ratio");
    }
}

/* Rows of n1, n2 and accuracy, in order of cells. */
static hpx_status read_table(const char *path, hpx_error *error)
{
    hpx_buffer bytes = {0};
    hpx_status status = hpx_file_read(&bytes, path, 1 << 20, error);
    const char *at = status ? NULL : strchr(hpx_buffer_text(&bytes), '\n');
    for (uint32_t cell = 0; cell < CELLS && !status; cell++) {
        unsigned n1, n2;
        at = at ? at + 1 : "";
        if (sscanf(at, "%u,%u,%lf", &n1, &n2, &accuracy[cell]) != 3 || n1 != 16u << cell / N2 ||
            n2 != 16u << cell % N2)
            status = hpx_error_set(error, HPX_USAGE, "%s: not the paper's table", path);
        at = strchr(at, '\n');
    }
    hpx_buffer_free(&bytes);
    return status;
}

int main(void)
{
    hpx_error error;
    hpx_recipe *recipe = NULL;
    double grid_work = 0;
    hpx_status status = read_table("tests/golden/paper-table.csv", &error);
    if (!status)
        status = hpx_recipe_parse(&recipe, "span.rcp", recipe_text, strlen(recipe_text), NULL, NULL, &error);
    for (uint32_t cell = 0; cell < CELLS; cell++)
        grid_work += (double)cost(NULL, cell);
    for (size_t i = 0; !status && i < recipe->search_count; i++)
        measure(recipe, &recipe->searches[i], grid_work);
    if (status)
        fprintf(stderr, "span: %s\n", error.message);
    hpx_recipe_free(recipe);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
