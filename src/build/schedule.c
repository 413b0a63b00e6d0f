#include "hpx/schedule.h"

#include "hpx/memory.h"

#include <assert.h>
#include <stdlib.h>

struct tasks {
    hpx_task **at;
    size_t count, capacity;
};

struct hpx_schedule {
    size_t slots;
    struct tasks waiting; /* a binary heap: the longest is at the top, of equally long ones the first */
    struct tasks aside;
    struct tasks running; /* in order of start */
    uint64_t number;      /* given out last */
};

hpx_schedule *hpx_schedule_new(size_t slots)
{
    assert(slots > 0);
    hpx_schedule *schedule = hpx_alloc(sizeof *schedule);
    schedule->slots = slots;
    return schedule;
}

void hpx_schedule_free(hpx_schedule *schedule)
{
    if (!schedule)
        return;
    free(schedule->waiting.at);
    free(schedule->aside.at);
    free(schedule->running.at);
    free(schedule);
}

static void add(struct tasks *tasks, hpx_task *task)
{
    tasks->at = hpx_grow(tasks->at, &tasks->capacity, tasks->count + 1, sizeof(hpx_task *));
    tasks->at[tasks->count++] = task;
}

static bool goes_before(const hpx_task *a, const hpx_task *b)
{
    if (a->alone != b->alone)
        return b->alone;
    return a->length != b->length ? a->length > b->length : a->number < b->number;
}

static void swap(hpx_task **a, hpx_task **b)
{
    hpx_task *task = *a;
    *a = *b;
    *b = task;
}

static void push(struct tasks *heap, hpx_task *task)
{
    add(heap, task);
    for (size_t at = heap->count - 1; at > 0 && goes_before(heap->at[at], heap->at[(at - 1) / 2]);
         at = (at - 1) / 2)
        swap(&heap->at[at], &heap->at[(at - 1) / 2]);
}

static void pop(struct tasks *heap)
{
    heap->at[0] = heap->at[--heap->count];
    for (size_t at = 0, child; (child = 2 * at + 1) < heap->count; at = child) {
        child += child + 1 < heap->count && goes_before(heap->at[child + 1], heap->at[child]);
        if (!goes_before(heap->at[child], heap->at[at]))
            break;
        swap(&heap->at[child], &heap->at[at]);
    }
}

/* Only the one that hpx_schedule_next has offered ever leaves the heap. */
static void leave(hpx_schedule *schedule, const hpx_task *task)
{
    assert(schedule->waiting.count > 0 && schedule->waiting.at[0] == task);
    pop(&schedule->waiting);
}

void hpx_schedule_need(hpx_schedule *schedule, hpx_task *task)
{
    task->speculative = false;
    if (task->state != HPX_TASK_IDLE)
        return;
    task->state = HPX_TASK_WAITING;
    task->number = ++schedule->number;
    push(&schedule->waiting, task);
}

/* Whether one that is to be alone runs, or waits for the others to end. */
static bool is_closed(const hpx_schedule *schedule)
{
    const struct tasks *running = &schedule->running, *waiting = &schedule->waiting;
    return running->count > 0 && (running->at[0]->alone || (waiting->count > 0 && waiting->at[0]->alone));
}

hpx_task *hpx_schedule_next(const hpx_schedule *schedule, hpx_task **instead)
{
    *instead = NULL;
    if (schedule->waiting.count == 0 || is_closed(schedule))
        return NULL;
    if (schedule->running.count == schedule->slots) {
        size_t last = schedule->slots;
        while (last > 0 && !schedule->running.at[last - 1]->speculative)
            last--;
        if (last == 0)
            return NULL;
        *instead = schedule->running.at[last - 1];
    }
    return schedule->waiting.at[0];
}

void hpx_schedule_start(hpx_schedule *schedule, hpx_task *task)
{
    assert(schedule->running.count < schedule->slots && task->state != HPX_TASK_RUNNING);
    if (task->state == HPX_TASK_WAITING)
        leave(schedule, task);
    task->state = HPX_TASK_RUNNING;
    task->accompanied = schedule->running.count > 0;
    for (size_t i = 0; i < schedule->running.count; i++)
        schedule->running.at[i]->accompanied = true;
    add(&schedule->running, task);
}

void hpx_schedule_end(hpx_schedule *schedule, hpx_task *task)
{
    struct tasks *running = &schedule->running;
    if (task->state == HPX_TASK_WAITING)
        leave(schedule, task);
    if (task->state == HPX_TASK_RUNNING) {
        size_t at = 0;
        while (running->at[at] != task)
            at++;
        for (running->count--; at < running->count; at++)
            running->at[at] = running->at[at + 1];
    }
    task->state = HPX_TASK_IDLE;
}

void hpx_schedule_set_aside(hpx_schedule *schedule, hpx_task *task)
{
    leave(schedule, task);
    add(&schedule->aside, task);
}

void hpx_schedule_resume(hpx_schedule *schedule)
{
    for (size_t i = 0; i < schedule->aside.count; i++)
        push(&schedule->waiting, schedule->aside.at[i]);
    schedule->aside.count = 0;
}

hpx_schedule_counts hpx_schedule_count(const hpx_schedule *schedule)
{
    const struct tasks *running = &schedule->running;
    hpx_schedule_counts counts = {
        .waiting = schedule->waiting.count + schedule->aside.count,
        .aside = schedule->aside.count,
        .idle = is_closed(schedule) ? 0 : schedule->slots - running->count,
    };
    for (size_t i = 0; i < running->count; i++)
        counts.speculative += running->at[i]->speculative;
    counts.running = running->count - counts.speculative;
    return counts;
}
