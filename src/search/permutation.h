/* A random order of the cells of a grid, by a seed alone: methods that take cells from it meet the same ones in
 * the same order, so that their results can be compared in pairs. */
#ifndef HPX_SEARCH_PERMUTATION_H
#define HPX_SEARCH_PERMUTATION_H

#include <stddef.h>
#include <stdint.h>

/* Memory goes with the cells that were asked for, not with the grid. */
typedef struct hpx_permutation {
    uint32_t cells, seed;
    uint32_t *drawn; /* its beginning, as far as it was asked for */
    size_t count, capacity;
    struct moved *moved; /* open addressing by place */
    size_t moved_count, moved_size;
} hpx_permutation;

void hpx_permutation_init(hpx_permutation *permutation, uint32_t cells, uint32_t seed);
void hpx_permutation_free(hpx_permutation *permutation); /* a zeroed one is fine */

/* The cell at a place of the order, 0 .. cells-1. */
uint32_t hpx_permutation_at(hpx_permutation *permutation, uint32_t place);

#endif
