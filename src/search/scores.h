/* What a search knows of the cells it has met. The table grows with the search, not with the grid: a
 * cross-search meets a few dozen cells of a grid that may have millions. */
#ifndef HPX_SEARCH_SCORES_H
#define HPX_SEARCH_SCORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hpx_score_entry {
    double score; /* once told or hinted; NaN: the cell failed */
    uint32_t cell;
    uint16_t walked; /* bit per axis: a cross-search has walked the line along that axis from here */
    bool used : 1, hinted : 1, told : 1, visited : 1;
    bool listed : 1; /* it is on the list of what is certain */
} hpx_score_entry;

typedef struct hpx_scores {
    hpx_score_entry *slots; /* 2^bits of them */
    uint32_t count;
    uint32_t factor; /* odd, near 2^grid_bits / golden ratio */
    unsigned bits, grid_bits;
} hpx_scores;

void hpx_scores_init(hpx_scores *table, uint32_t grid_cells);
void hpx_scores_free(hpx_scores *table);

/* The slot that holds the cell, or the empty one where it belongs. */
static inline hpx_score_entry *hpx_scores_slot(const hpx_scores *table, uint32_t cell)
{
    const uint32_t grid_mask = (1u << table->grid_bits) - 1, mask = (1u << table->bits) - 1;
    uint32_t slot = (cell * table->factor & grid_mask) >> (table->grid_bits - table->bits);
    while (table->slots[slot].used && table->slots[slot].cell != cell)
        slot = (slot + 1) & mask;
    return &table->slots[slot];
}

/* NULL if the cell is new. Borrowed until the next hpx_scores_add. */
static inline hpx_score_entry *hpx_scores_find(const hpx_scores *table, uint32_t cell)
{
    hpx_score_entry *slot = hpx_scores_slot(table, cell);
    return slot->used ? slot : NULL;
}

/* Finds the cell or adds it. Borrowed until the next hpx_scores_add. */
hpx_score_entry *hpx_scores_add(hpx_scores *table, uint32_t cell);

#endif
