#include "run/dispatch.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

struct tasks {
    hpx_task **at;
    size_t count, capacity;
};

struct hpx_dispatch {
    size_t slots;
    struct tasks waiting; /* a binary heap: the longest is at the top, of equally long ones the first */
    struct tasks aside;
    struct tasks running; /* in order of start */
    uint32_t number;      /* of the last need */
};

hpx_dispatch *hpx_dispatch_new(size_t slots)
{
    assert(slots > 0);
    hpx_dispatch *dispatch = hpx_alloc(sizeof *dispatch);
    dispatch->slots = slots;
    return dispatch;
}

void hpx_dispatch_free(hpx_dispatch *dispatch)
{
    if (!dispatch)
        return;
    free(dispatch->waiting.at);
    free(dispatch->aside.at);
    free(dispatch->running.at);
    free(dispatch);
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

/* Only the one that hpx_dispatch_next has offered ever leaves the heap. */
static void leave(hpx_dispatch *dispatch, const hpx_task *task)
{
    assert(dispatch->waiting.count > 0 && dispatch->waiting.at[0] == task);
    pop(&dispatch->waiting);
}

void hpx_dispatch_need(hpx_dispatch *dispatch, hpx_task *task)
{
    task->speculative = false;
    if (task->state != HPX_TASK_IDLE)
        return;
    task->state = HPX_TASK_WAITING;
    task->number = ++dispatch->number;
    push(&dispatch->waiting, task);
}

/* Whether one that is to be alone runs, or waits for the others to end. */
static bool is_closed(const hpx_dispatch *dispatch)
{
    const struct tasks *running = &dispatch->running, *waiting = &dispatch->waiting;
    return running->count > 0 && (running->at[0]->alone || (waiting->count > 0 && waiting->at[0]->alone));
}

hpx_task *hpx_dispatch_next(const hpx_dispatch *dispatch, hpx_task **instead)
{
    *instead = NULL;
    if (dispatch->waiting.count == 0 || is_closed(dispatch))
        return NULL;
    if (dispatch->running.count == dispatch->slots) {
        size_t last = dispatch->slots;
        while (last > 0 && !dispatch->running.at[last - 1]->speculative)
            last--;
        if (last == 0)
            return NULL;
        *instead = dispatch->running.at[last - 1];
    }
    return dispatch->waiting.at[0];
}

void hpx_dispatch_start(hpx_dispatch *dispatch, hpx_task *task)
{
    assert(dispatch->running.count < dispatch->slots && task->state != HPX_TASK_RUNNING);
    if (task->state == HPX_TASK_WAITING)
        leave(dispatch, task);
    task->state = HPX_TASK_RUNNING;
    task->accompanied = dispatch->running.count > 0;
    for (size_t i = 0; i < dispatch->running.count; i++)
        dispatch->running.at[i]->accompanied = true;
    add(&dispatch->running, task);
}

void hpx_dispatch_end(hpx_dispatch *dispatch, hpx_task *task)
{
    struct tasks *running = &dispatch->running;
    if (task->state == HPX_TASK_WAITING)
        leave(dispatch, task);
    if (task->state == HPX_TASK_RUNNING) {
        size_t at = 0;
        while (running->at[at] != task)
            at++;
        for (running->count--; at < running->count; at++)
            running->at[at] = running->at[at + 1];
    }
    task->state = HPX_TASK_IDLE;
}

void hpx_dispatch_set_aside(hpx_dispatch *dispatch, hpx_task *task)
{
    leave(dispatch, task);
    add(&dispatch->aside, task);
}

void hpx_dispatch_resume(hpx_dispatch *dispatch)
{
    for (size_t i = 0; i < dispatch->aside.count; i++)
        push(&dispatch->waiting, dispatch->aside.at[i]);
    dispatch->aside.count = 0;
}

hpx_dispatch_counts hpx_dispatch_count(const hpx_dispatch *dispatch)
{
    const struct tasks *running = &dispatch->running;
    hpx_dispatch_counts counts = {
        .waiting = dispatch->waiting.count + dispatch->aside.count,
        .aside = dispatch->aside.count,
        .idle = is_closed(dispatch) ? 0 : dispatch->slots - running->count,
    };
    for (size_t i = 0; i < running->count; i++)
        counts.speculative += running->at[i]->speculative;
    counts.running = running->count - counts.speculative;
    return counts;
}
