/* Open addressing with linear probing and Fibonacci hashing (D. Knuth, The Art of Computer Programming
 * 3, 6.4): the home of a cell is the upper `bits` of cell * odd modulo 2^grid_bits, where 2^grid_bits is at
 * least the grid. An odd factor permutes these numbers, so once the table has grown to the grid's size every
 * cell has a slot of its own and a full table is a plain array. */
#include "scores.h"

#include "base/memory.h"
#include "hpx/search.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_BITS = 7 };

_Static_assert(HPX_AXES_MAX <= 16, "hpx_score_entry.walked has a bit for every axis");
_Static_assert(sizeof(hpx_score_entry) == 16, "four slots to a cache line");

void hpx_scores_init(hpx_scores *table, uint32_t grid_cells)
{
    unsigned bits = 1;
    while (1u << bits < grid_cells)
        bits++;
    table->grid_bits = bits;
    table->factor = 0x9e3779b9u >> (32 - bits) | 1;
    table->bits = bits < FIRST_BITS ? bits : FIRST_BITS;
    table->count = 0;
    table->slots = hpx_alloc(sizeof *table->slots << table->bits);
}

void hpx_scores_free(hpx_scores *table)
{
    free(table->slots);
    table->slots = NULL;
}

static void grow(hpx_scores *table)
{
    hpx_score_entry *old = table->slots;
    size_t count = (size_t)1 << table->bits;
    table->bits++;
    table->slots = hpx_alloc(sizeof *table->slots << table->bits);
    for (size_t i = 0; i < count; i++)
        if (old[i].used)
            *hpx_scores_slot(table, old[i].cell) = old[i];
    free(old);
}

hpx_score_entry *hpx_scores_add(hpx_scores *table, uint32_t cell)
{
    assert(cell >> table->grid_bits == 0);
    hpx_score_entry *slot = hpx_scores_slot(table, cell);
    if (slot->used)
        return slot;
    /* An empty slot must remain for a search to end at, unless every cell has its own. */
    uint32_t room = (1u << table->bits) / 4 * 3;
    if (table->count >= room && table->bits < table->grid_bits) {
        grow(table);
        slot = hpx_scores_slot(table, cell);
    }
    table->count++;
    slot->used = true;
    slot->cell = cell;
    return slot;
}
