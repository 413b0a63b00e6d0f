/* The shuffle of R. Fisher and F. Yates in the form of R. Durstenfeld (Algorithm 235, CACM 7, 1964), from the
 * front and only as far as it is asked for: step i exchanges the cells at the places i and j, j drawn from i to
 * the last. A table holds the cells that have been moved and are still to be drawn; every other is at the place
 * of its number. All orders are equally likely, up to what a seed of 32 bits can tell apart.
 *
 * The draws are Philox words (src/base/random.h): 64 bits modulo at most 2^22 places, which prefers no place by
 * more than 2^-42. */
#include "permutation.h"

#include "base/memory.h"
#include "base/random.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

enum { PURPOSE = 'P', FIRST_SIZE = 64 };

struct moved {
    uint32_t place, cell;
    bool used;
};

void hpx_permutation_init(hpx_permutation *permutation, uint32_t cells, uint32_t seed)
{
    *permutation = (hpx_permutation){.cells = cells, .seed = seed};
}

void hpx_permutation_free(hpx_permutation *permutation)
{
    free(permutation->drawn);
    free(permutation->moved);
    *permutation = (hpx_permutation){.cells = 0};
}

/* Where the place has its entry, or may have one. The table is never full. */
static struct moved *find(const hpx_permutation *permutation, uint32_t place)
{
    size_t slot = place * 0x9e3779b9u & (permutation->moved_size - 1);
    while (permutation->moved[slot].used && permutation->moved[slot].place != place)
        slot = (slot + 1) & (permutation->moved_size - 1);
    return &permutation->moved[slot];
}

static void make_room(hpx_permutation *permutation)
{
    struct moved *old = permutation->moved;
    const size_t size = permutation->moved_size;
    if (2 * permutation->moved_count < size)
        return;
    permutation->moved_size = size ? 2 * size : FIRST_SIZE;
    permutation->moved = hpx_alloc(permutation->moved_size * sizeof *old);
    for (size_t i = 0; i < size; i++)
        if (old[i].used)
            *find(permutation, old[i].place) = old[i];
    free(old);
}

static uint32_t cell_at(const hpx_permutation *permutation, uint32_t place)
{
    const struct moved *moved = find(permutation, place);
    return moved->used ? moved->cell : place;
}

static void draw(hpx_permutation *permutation)
{
    const uint32_t at = (uint32_t)permutation->count;
    uint32_t words[4];
    hpx_random(words, permutation->seed, PURPOSE, 0, 0, at);
    const uint64_t bits = (uint64_t)words[1] << 32 | words[0];
    const uint32_t from = at + (uint32_t)(bits % (permutation->cells - at));
    make_room(permutation);
    permutation->drawn =
        hpx_grow(permutation->drawn, &permutation->capacity, permutation->count + 1, sizeof(uint32_t));
    permutation->drawn[permutation->count++] = cell_at(permutation, from);
    struct moved *moved = find(permutation, from);
    permutation->moved_count += !moved->used;
    *moved = (struct moved){from, cell_at(permutation, at), true};
}

uint32_t hpx_permutation_at(hpx_permutation *permutation, uint32_t place)
{
    assert(place < permutation->cells);
    while (permutation->count <= place)
        draw(permutation);
    return permutation->drawn[place];
}
