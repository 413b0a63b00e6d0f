/* Grid search: every cell, in order of number. All of them are certain from the start, and none is listed: a
 * grid may have millions. */
#include "state.h"

void hpx_grid_begin(hpx_walk *walk)
{
    walk->next = 0;
}

void hpx_grid_advance(hpx_walk *walk)
{
    const hpx_search *search = walk->search;
    while (walk->next < search->cells && hpx_walk_visit(walk, walk->next))
        walk->next++;
    if (walk->next == search->cells)
        hpx_walk_stop(walk, search->result.incumbent, "complete");
}

size_t hpx_grid_ask(hpx_search *search, hpx_request *requests, size_t room)
{
    const hpx_rung *rung = &search->rungs[search->walk.rung];
    size_t count = 0;
    for (uint32_t cell = search->walk.next; cell < search->cells && count < room; cell++)
        if (!hpx_walk_told(&search->walk, cell))
            requests[count++] = (hpx_request){cell, rung->epochs};
    return search->cells - rung->told;
}
