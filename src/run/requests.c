#include "requests.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

enum { PAGE = 64 };

static size_t page_count(const hpx_requests *requests)
{
    return ((size_t)requests->cells + PAGE - 1) / PAGE;
}

void hpx_requests_init(hpx_requests *requests, const hpx_grid *grid, size_t bytes)
{
    *requests = (hpx_requests){.bytes = bytes, .cells = hpx_grid_cells(grid)};
}

void hpx_requests_free(hpx_requests *requests)
{
    for (size_t i = 0; i < requests->count; i++) {
        for (size_t page = 0; page < page_count(requests); page++)
            free(requests->levels[i].pages[page]);
        free((void *)requests->levels[i].pages);
    }
    free(requests->levels);
    *requests = (hpx_requests){.bytes = 0};
}

static struct level *find_level(const hpx_requests *requests, uint32_t epochs)
{
    for (size_t i = 0; i < requests->count; i++)
        if (requests->levels[i].epochs == epochs)
            return &requests->levels[i];
    return NULL;
}

static struct level *add_level(hpx_requests *requests, uint32_t epochs)
{
    requests->levels =
        hpx_grow(requests->levels, &requests->capacity, requests->count + 1, sizeof *requests->levels);
    struct level *level = &requests->levels[requests->count++];
    *level = (struct level){epochs, hpx_alloc(page_count(requests) * sizeof(void *))};
    return level;
}

static void *in_page(const hpx_requests *requests, void *page, uint32_t cell)
{
    return (char *)page + cell % PAGE * requests->bytes;
}

void *hpx_requests_at(hpx_requests *requests, hpx_request request)
{
    assert(request.cell < requests->cells);
    struct level *level = find_level(requests, request.epochs);
    if (!level)
        level = add_level(requests, request.epochs);
    void **page = &level->pages[request.cell / PAGE];
    if (!*page)
        *page = hpx_alloc(PAGE * requests->bytes);
    return in_page(requests, *page, request.cell);
}

void *hpx_requests_find(const hpx_requests *requests, hpx_request request)
{
    assert(request.cell < requests->cells);
    const struct level *level = find_level(requests, request.epochs);
    void *page = level ? level->pages[request.cell / PAGE] : NULL;
    return page ? in_page(requests, page, request.cell) : NULL;
}
