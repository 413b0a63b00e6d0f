/* Asynchronous successive halving: workers wait for no rung to be complete [1, algorithm 2]. A worker that is free
 * looks at the rungs from the top down for a cell to promote: one of the best floor(|rung| / eta) of a rung that has
 * not been promoted from it, the best of them first; |rung| is the number of cells that have finished it. If there
 * is none, it starts a new cell, the next of random search's order, up to `evaluations` of them; if none is left, it
 * waits. Failed cells are never promoted. Rung k of s_max + 1, from 0, ends at floor(E / eta^(s_max-k)) epochs.
 *
 * Which cell is promoted depends on who finishes first, so real times would make each build another search. Here
 * workers are simulated: a job lasts T x its new epochs on a clock of their own, and jobs finish in the order of
 * (time, number). So the trace, by number of job, is that of the scores alone, whatever really trains at once.
 *
 * Certain are the jobs that run on that clock, and all cells that are still to start: they will be, whatever the
 * scores.
 *
 * [1] L. Li, K. Jamieson, A. Rostamizadeh, E. Gonina, J. Ben-Tzur, M. Hardt, B. Recht and A. Talwalkar, "A system for
 *     massively parallel hyperparameter tuning", MLSys 2020. */
#include "base/memory.h"
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RUNGS_MAX = 32 }; /* eta is 2 or more, epochs have 32 bits */

struct job {
    uint32_t cell, rung;
    uint64_t end; /* on the clock */
    bool finished, promoted;
};

struct hpx_asha {
    uint64_t clock;
    struct job *jobs; /* in order of start */
    size_t count, capacity;
    size_t visited;              /* of these */
    uint32_t started, cells;     /* of the order; how many are to start */
    hpx_cells running;           /* numbers of jobs, in order of start */
    hpx_cells ranked[RUNGS_MAX]; /* numbers of the jobs that have finished a rung, best first */
};

hpx_asha *hpx_asha_copy(const hpx_asha *asha)
{
    if (!asha)
        return NULL;
    hpx_asha *copy = hpx_alloc(sizeof *copy);
    *copy = *asha;
    copy->jobs = NULL;
    copy->capacity = 0;
    copy->jobs = hpx_grow(NULL, &copy->capacity, asha->count + 1, sizeof *copy->jobs);
    memcpy(copy->jobs, asha->jobs, asha->count * sizeof *copy->jobs);
    copy->running = (hpx_cells){NULL};
    hpx_cells_copy(&copy->running, &asha->running);
    for (size_t i = 0; i < RUNGS_MAX; i++) {
        copy->ranked[i] = (hpx_cells){NULL};
        hpx_cells_copy(&copy->ranked[i], &asha->ranked[i]);
    }
    return copy;
}

void hpx_asha_free(hpx_asha *asha)
{
    if (!asha)
        return;
    free(asha->jobs);
    free(asha->running.at);
    for (size_t i = 0; i < RUNGS_MAX; i++)
        free(asha->ranked[i].at);
    free(asha);
}

static uint32_t epochs_of(const hpx_walk *walk, uint32_t rung)
{
    const hpx_search_options *options = &walk->search->options;
    return hpx_halving_epochs(options, hpx_halving_top(options) - rung);
}

static void start_job(hpx_walk *walk, uint32_t cell, uint32_t rung)
{
    hpx_asha *asha = walk->asha;
    const uint32_t epochs = epochs_of(walk, rung) - (rung ? epochs_of(walk, rung - 1) : 0);
    asha->jobs = hpx_grow(asha->jobs, &asha->capacity, asha->count + 1, sizeof *asha->jobs);
    asha->jobs[asha->count] = (struct job){
        .cell = cell,
        .rung = rung,
        .end = asha->clock + walk->search->cost(walk->search->context, cell) * epochs,
    };
    hpx_cells_add(&asha->running, (uint32_t)asha->count++);
}

/* Of the best of a rung, the first that has not been promoted and did not fail; NULL: there is none. */
static struct job *find_promotable(const hpx_walk *walk, uint32_t rung)
{
    const hpx_asha *asha = walk->asha;
    const hpx_cells *ranked = &asha->ranked[rung];
    hpx_walk at_rung = *walk;
    hpx_walk_go_by(&at_rung, epochs_of(walk, rung));
    for (size_t i = 0; i < ranked->count / walk->search->options.eta; i++) {
        struct job *job = &asha->jobs[ranked->at[i]];
        if (!job->promoted)
            return isnan(hpx_walk_score(&at_rung, job->cell)) ? NULL : job;
    }
    return NULL;
}

/* False: there is nothing to do for a free worker. */
static bool start_next(hpx_walk *walk)
{
    hpx_asha *asha = walk->asha;
    for (uint32_t rung = hpx_halving_top(&walk->search->options); rung-- > 0;) {
        struct job *job = find_promotable(walk, rung);
        if (job) {
            job->promoted = true;
            start_job(walk, job->cell, rung + 1);
            return true;
        }
    }
    if (asha->started == asha->cells)
        return false;
    start_job(walk, hpx_permutation_at(&walk->search->order, asha->started++), 0);
    return true;
}

/* The place, among those that run, of the job that finishes next. */
static size_t find_next(const hpx_asha *asha)
{
    const hpx_cells *running = &asha->running;
    size_t next = 0;
    for (size_t i = 1; i < running->count; i++)
        if (asha->jobs[running->at[i]].end < asha->jobs[running->at[next]].end)
            next = i;
    return next;
}

/* Puts a job among those that have finished its rung. */
static void rank(const hpx_walk *walk, uint32_t number)
{
    const struct job *jobs = walk->asha->jobs;
    hpx_cells *ranked = &walk->asha->ranked[jobs[number].rung];
    hpx_cells_add(ranked, number);
    size_t place = ranked->count - 1;
    for (; place > 0 && hpx_walk_better(walk, jobs[number].cell, jobs[ranked->at[place - 1]].cell); place--)
        ranked->at[place] = ranked->at[place - 1];
    ranked->at[place] = number;
}

/* False: its score is missing. */
static bool finish_next(hpx_walk *walk)
{
    hpx_asha *asha = walk->asha;
    hpx_cells *running = &asha->running;
    const size_t next = find_next(asha);
    const uint32_t number = running->at[next];
    struct job *job = &asha->jobs[number];
    hpx_walk_go_by(walk, epochs_of(walk, job->rung));
    if (!hpx_walk_told(walk, job->cell))
        return false;
    memmove(running->at + next, running->at + next + 1, (running->count - next - 1) * sizeof *running->at);
    running->count--;
    asha->clock = job->end;
    job->finished = true;
    rank(walk, number);
    return true;
}

static void visit_finished(hpx_walk *walk)
{
    hpx_asha *asha = walk->asha;
    for (; asha->visited < asha->count && asha->jobs[asha->visited].finished; asha->visited++) {
        const struct job *job = &asha->jobs[asha->visited];
        hpx_walk_go_by(walk, epochs_of(walk, job->rung));
        hpx_walk_visit(walk, job->cell);
    }
}

static void start_jobs(hpx_walk *walk)
{
    while (walk->asha->running.count < walk->search->options.workers && start_next(walk))
        walk->listed = false;
}

static void list_jobs(hpx_walk *walk)
{
    hpx_asha *asha = walk->asha;
    hpx_walk_list_nothing(walk);
    for (size_t i = 0; i < asha->running.count; i++) {
        const struct job *job = &asha->jobs[asha->running.at[i]];
        hpx_walk_go_by(walk, epochs_of(walk, job->rung));
        hpx_walk_list(walk, job->cell);
    }
    hpx_walk_go_by(walk, epochs_of(walk, 0));
    for (uint32_t i = asha->started; i < asha->cells; i++)
        hpx_walk_list(walk, hpx_permutation_at(&walk->search->order, i));
    walk->listed = true;
}

void hpx_asha_begin(hpx_walk *walk)
{
    walk->asha = hpx_alloc(sizeof *walk->asha);
    walk->asha->cells = hpx_search_evaluations(walk->search);
    start_jobs(walk);
}

void hpx_asha_advance(hpx_walk *walk)
{
    while (!walk->stop && walk->asha->running.count > 0 && finish_next(walk)) {
        visit_finished(walk);
        start_jobs(walk);
    }
    if (!walk->stop && walk->asha->running.count == 0)
        hpx_walk_stop(walk, walk->search->result.incumbent, "complete");
    else if (!walk->future && !walk->stop && !walk->listed)
        list_jobs(walk);
}
