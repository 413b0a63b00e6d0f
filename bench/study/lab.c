/* A table with searches: what its seeds say, and searches over it on a clock. */
#include "study.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "hpx/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const hpx_source_options shape = {.folder = ".",
                                         .shape_only = true}; /* no file of a data set is looked at */

static hpx_status load(void *context, const char *path, hpx_buffer *out, hpx_error *error)
{
    (void)context;
    return hpx_file_read(out, path, 1 << 20, error);
}

static void must(hpx_status status, const hpx_error *error)
{
    if (status)
        study_die("%s", error->message);
}

static hpx_recipe *open_recipe(const struct study *study, const char *name, const char *searches,
                               const char *objective)
{
    hpx_recipe *recipe;
    hpx_buffer text = {0};
    hpx_error error;
    char *path = hpx_format("%s/study.rcp", study->recipes);
    hpx_buffer_printf(&text, "include %s.rcp\n", name);
    if (searches)
        hpx_buffer_printf(&text, "include %s.rcp\n", searches);
    if (objective)
        hpx_buffer_printf(&text, "train\n  objective = %s\n", objective);
    must(hpx_recipe_parse(&recipe, path, text.data, text.size, load, NULL, &error), &error);
    hpx_buffer_free(&text);
    free(path);
    return recipe;
}

bool lab_open(struct lab *lab, const struct study *study, size_t table, const char *searches,
              const char *objective)
{
    hpx_error error;
    *lab = (struct lab){.table = &study_tables[table]};
    lab->path = hpx_format("%s/%s.csv", study->tables, lab->table->name);
    if (!hpx_path_exists(lab->path)) {
        lab_close(lab);
        return false;
    }
    lab->recipe = open_recipe(study, lab->table->name, searches, objective);
    hpx_compare_metrics_of(&lab->metrics, lab->recipe);
    must(hpx_measured_read(&lab->measured, lab->recipe, lab->metrics.names, lab->metrics.count, lab->path,
                           &error),
         &error);
    must(hpx_experiment_open(&lab->experiment, lab->recipe, &shape, &error), &error);
    lab->blocks = hpx_measured_seed_count(lab->measured);
    return true;
}

void lab_close(struct lab *lab)
{
    hpx_experiment_free(lab->experiment);
    hpx_measured_free(lab->measured);
    hpx_recipe_free(lab->recipe);
    free(lab->path);
    *lab = (struct lab){0};
}

const hpx_recipe_search *lab_search_named(const struct lab *lab, const char *name)
{
    const hpx_recipe_search *search;
    hpx_error error;
    must(hpx_recipe_find_search(&search, lab->recipe, name, &error), &error);
    return search;
}

hpx_contest *lab_compare(const struct lab *lab, bool all_starts, uint32_t repeat)
{
    const size_t count = lab->recipe->search_count;
    const hpx_recipe_search **searches = hpx_alloc(count * sizeof *searches);
    hpx_contest *contest;
    hpx_error error;
    for (size_t i = 0; i < count; i++)
        searches[i] = &lab->recipe->searches[i];
    const hpx_compare_options options = {.searches = searches,
                                         .search_count = count,
                                         .all_starts = all_starts,
                                         .repeat = repeat,
                                         .source = &shape};
    must(hpx_compare_searches(&contest, lab->recipe, lab->measured, lab->path, &options, &error), &error);
    if (contest->block_count != lab->blocks || contest->search_count != count)
        study_die("%s: a seed lacks a cell or an epoch", lab->path);
    free(searches);
    return contest;
}

const hpx_contender *lab_find(const hpx_contest *contest, const char *name)
{
    for (size_t i = 0; i < contest->search_count; i++)
        if (strcmp(contest->searches[i].search->name, name) == 0)
            return &contest->searches[i];
    study_die("no search '%s'", name);
}

/* --- values -------------------------------------------------------------------------------------------------- */

uint32_t lab_cells(const struct lab *lab)
{
    return hpx_grid_cells(&lab->recipe->grid);
}

double lab_score(const struct lab *lab, size_t seed, hpx_request request)
{
    double value;
    if (hpx_measured_value(&value, lab->measured, seed, request, 0) != HPX_MEASURE_VALUE)
        study_die("%s: no value for cell %u, seed %u, epoch %u", lab->path, request.cell,
                  hpx_measured_seed(lab->measured, seed), request.epochs);
    return value;
}

double lab_test(const struct lab *lab, size_t seed, uint32_t cell)
{
    double value;
    hpx_measured_value(&value, lab->measured, seed, (hpx_request){cell, lab->recipe->epochs},
                       lab->metrics.count - 1);
    return value;
}

double lab_truth(const struct lab *lab, size_t but_seed, uint32_t cell)
{
    double sum = 0;
    size_t count = 0;
    for (size_t seed = 0; seed < lab->blocks; seed++)
        if (seed != but_seed) {
            sum += lab_test(lab, seed, cell);
            count++;
        }
    return count ? sum / (double)count : lab_test(lab, but_seed, cell);
}

/* --- a clock ------------------------------------------------------------------------------------------------- */

struct job {
    hpx_request request;
    double end; /* infinite: it waits */
    bool told;
};

struct clock {
    const struct lab *lab;
    size_t seed, workers, running;
    double now;
    uint32_t *trained; /* by cell: epochs */
    bool *busy;        /* by cell */
    struct job *jobs;
    size_t job_count, job_capacity;
    struct lab_run run;
};

static double length(const struct clock *clock, hpx_request request, uint32_t from)
{
    const double macs = (double)hpx_experiment_macs(clock->lab->experiment, request.cell);
    return request.epochs > from ? macs * (request.epochs - from) / clock->lab->recipe->epochs : 0;
}

static void want(struct clock *clock, hpx_request request)
{
    for (size_t i = 0; i < clock->job_count; i++)
        if (clock->jobs[i].request.cell == request.cell && clock->jobs[i].request.epochs == request.epochs)
            return;
    clock->jobs = hpx_grow(clock->jobs, &clock->job_capacity, clock->job_count + 1, sizeof *clock->jobs);
    clock->jobs[clock->job_count++] = (struct job){request, INFINITY, false};
    clock->run.retrained += length(clock, request, 0);
}

/* The longest that waits; none of a cell that trains already. */
static struct job *next_job(const struct clock *clock)
{
    struct job *next = NULL;
    double longest = -1;
    for (struct job *job = clock->jobs; job < clock->jobs + clock->job_count; job++) {
        const double takes = length(clock, job->request, clock->trained[job->request.cell]);
        if (isinf(job->end) && !clock->busy[job->request.cell] && takes > longest) {
            next = job;
            longest = takes;
        }
    }
    return next;
}

static void start_jobs(struct clock *clock)
{
    struct job *job;
    while (clock->running < clock->workers && (job = next_job(clock))) {
        const double takes = length(clock, job->request, clock->trained[job->request.cell]);
        job->end = clock->now + takes;
        clock->run.continued += takes;
        clock->busy[job->request.cell] = true;
        clock->running++;
    }
}

static void end_job(struct clock *clock, hpx_search *search)
{
    struct job *first = NULL;
    for (struct job *job = clock->jobs; job < clock->jobs + clock->job_count; job++)
        if (!job->told && !isinf(job->end) && (!first || job->end < first->end))
            first = job;
    const hpx_request request = first->request;
    uint32_t *trained = &clock->trained[request.cell];
    clock->now = first->end;
    first->told = true;
    clock->busy[request.cell] = false;
    clock->running--;
    *trained = request.epochs > *trained ? request.epochs : *trained;
    hpx_search_tell(search, request, lab_score(clock->lab, clock->seed, request));
}

struct lab_run lab_run_search(const struct lab *lab, const hpx_search_options *options, size_t seed,
                              size_t workers)
{
    const uint32_t cells = lab_cells(lab);
    const double grid = (double)hpx_experiment_grid_macs(lab->experiment);
    struct clock clock = {.lab = lab,
                          .seed = seed,
                          .workers = workers,
                          .trained = hpx_alloc(cells * sizeof(uint32_t)),
                          .busy = hpx_alloc(cells * sizeof(bool))};
    hpx_search *search = hpx_search_new(&lab->recipe->grid, options, hpx_experiment_macs, lab->experiment);
    while (!hpx_search_is_done(search)) {
        hpx_request requests[1024];
        size_t certain;
        hpx_search_ask(search, requests, 0, &certain); /* none that is speculative */
        const size_t count = hpx_search_ask(search, requests, certain < 1024 ? certain : 1024, &certain);
        for (size_t i = 0; i < count; i++)
            want(&clock, requests[i]);
        start_jobs(&clock);
        end_job(&clock, search);
    }
    clock.run.end = hpx_search_result_of(search).end;
    hpx_search_free(search);
    free(clock.trained);
    free(clock.busy);
    free(clock.jobs);
    clock.run.span = clock.now / grid;
    clock.run.continued /= grid;
    clock.run.retrained /= grid;
    return clock.run;
}
