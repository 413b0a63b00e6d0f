/* What a search knows of the cells it has met. The table grows with the search, not with the grid: a
 * cross-search meets a few dozen cells of a grid that may have millions. */
#ifndef HPX_SEARCH_KNOWN_H
#define HPX_SEARCH_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

typedef struct hpx_known {
    double score; /* once told; NaN: the cell failed */
    uint32_t cell;
    uint16_t walked; /* bit per axis: a cross-search has walked the line along that axis from here */
    bool used : 1, told : 1, visited : 1;
} hpx_known;

typedef struct hpx_known_table {
    hpx_known *slots; /* 2^bits of them */
    uint32_t count;
    unsigned bits, grid_bits;
} hpx_known_table;

void hpx_known_init(hpx_known_table *table, uint32_t grid_cells);
void hpx_known_free(hpx_known_table *table);

/* NULL if the cell is new. Borrowed until the next hpx_known_add. */
hpx_known *hpx_known_find(const hpx_known_table *table, uint32_t cell);

/* Finds the cell or adds it. Borrowed until the next hpx_known_add. */
hpx_known *hpx_known_add(hpx_known_table *table, uint32_t cell);

#endif
