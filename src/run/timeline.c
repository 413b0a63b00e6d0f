#include "timeline.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <stdlib.h>

static hpx_build_span *free_slot(struct timeline *timeline)
{
    for (size_t i = 0; i < timeline->slots; i++)
        if (timeline->running[i].end_ns != 0)
            return &timeline->running[i];
    timeline->running =
        hpx_grow(timeline->running, &timeline->slot_capacity, timeline->slots + 1, sizeof *timeline->running);
    return &timeline->running[timeline->slots++];
}

void hpx_timeline_start(struct timeline *timeline, const hpx_hash *key, hpx_verdict verdict, bool speculative,
                        uint32_t from)
{
    hpx_build_span *span = free_slot(timeline);
    *span = (hpx_build_span){
        .key = *key,
        .slot = (uint32_t)(span - timeline->running),
        .verdict = (uint8_t)verdict,
        .speculative = speculative,
        .from = from,
        .start_ns = hpx_clock_ns(),
    };
}

void hpx_timeline_end(struct timeline *timeline, const hpx_hash *key, uint32_t to)
{
    for (size_t i = 0; i < timeline->slots; i++) {
        hpx_build_span *span = &timeline->running[i];
        if (span->end_ns != 0 || !hpx_hash_equal(&span->key, key))
            continue;
        span->to = to > span->from ? to : span->from;
        span->end_ns = hpx_clock_ns();
        timeline->done =
            hpx_grow(timeline->done, &timeline->capacity, timeline->count + 1, sizeof *timeline->done);
        timeline->done[timeline->count++] = *span;
        return;
    }
}

void hpx_timeline_free(struct timeline *timeline)
{
    free(timeline->running);
    free(timeline->done);
}
