/* Which trials to run now on a machine with so many slots. Decisions alone: a build follows them with
 * processes, bench/span.c with a clock.
 *
 * Trials that are needed go first, the longest first, so that none is left to run alone at the end (LPT; R.
 * Graham, "Bounds on Multiprocessing Timing Anomalies", SIAM J. Appl. Math. 17, 1969). Slots that would stay
 * idle are for speculative trials, which may prove not to be needed; these give way as soon as one waits that
 * is. */
#ifndef HPX_DISPATCH_H
#define HPX_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hpx_dispatch hpx_dispatch;

enum hpx_task_state { HPX_TASK_IDLE, HPX_TASK_WAITING, HPX_TASK_RUNNING };

/* Part of its owner's trial. */
typedef struct hpx_task {
    uint64_t length;  /* of what is left, in any unit; not to change while it waits */
    bool speculative; /* not known to be needed; set by the owner, cleared by hpx_dispatch_need */
    bool alone;       /* to run beside no other, after all others; set by the owner, likewise */
    /* Of the dispatch: zero at first. */
    uint8_t state;    /* enum hpx_task_state */
    bool accompanied; /* another has run beside it since it started */
    uint32_t number;  /* in order of need */
} hpx_task;

hpx_dispatch *hpx_dispatch_new(size_t slots);
void hpx_dispatch_free(hpx_dispatch *dispatch); /* NULL is fine; the tasks are their owners' */

/* The task is needed: it waits, or, if it runs, is speculative no more. */
void hpx_dispatch_need(hpx_dispatch *dispatch, hpx_task *task);

/* The task to start now: the longest that waits. If all slots are taken, *instead is the one to stop before,
 * the speculative one that started last; else NULL. NULL: there is none to start now. */
hpx_task *hpx_dispatch_next(const hpx_dispatch *dispatch, hpx_task **instead);

void hpx_dispatch_start(hpx_dispatch *dispatch, hpx_task *task); /* it runs now; there must be a slot */
void hpx_dispatch_end(hpx_dispatch *dispatch, hpx_task *task);   /* it runs or waits no more */

/* Puts a waiting task aside, since it cannot start now; hpx_dispatch_resume lets all of these wait again. */
void hpx_dispatch_set_aside(hpx_dispatch *dispatch, hpx_task *task);
void hpx_dispatch_resume(hpx_dispatch *dispatch);

typedef struct hpx_dispatch_counts {
    size_t waiting; /* with those set aside */
    size_t aside;
    size_t running;     /* needed */
    size_t speculative; /* running */
    size_t idle;        /* slots that may be used now */
} hpx_dispatch_counts;

hpx_dispatch_counts hpx_dispatch_count(const hpx_dispatch *dispatch);

#endif
