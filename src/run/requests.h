/* Something for every request of a run, zeroed at first. Memory goes with the cells that are asked for, not
 * with the grid: pages of neighbouring cells, for each number of epochs of its own. */
#ifndef HPX_REQUESTS_H
#define HPX_REQUESTS_H

#include "hpx/search.h"

#include <stddef.h>
#include <stdint.h>

typedef struct hpx_requests {
    size_t bytes; /* for each request */
    uint32_t cells;
    struct level {
        uint32_t epochs;
        void **pages;
    } * levels;
    size_t count, capacity;
} hpx_requests;

void hpx_requests_init(hpx_requests *requests, const hpx_grid *grid, size_t bytes);
void hpx_requests_free(hpx_requests *requests); /* a zeroed one is fine */

/* What stands for the request; its place does not change. */
void *hpx_requests_at(hpx_requests *requests, hpx_request request);

/* The same, or NULL where nothing was asked for yet. */
void *hpx_requests_find(const hpx_requests *requests, hpx_request request);

#endif
