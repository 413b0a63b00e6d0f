/* Random search: so many distinct cells, in an order that the seed decides alone. Where few axes matter it
 * covers each of them better than a grid of as many cells does [1], and it is the baseline that other methods
 * have to beat. All of its cells are certain from the start.
 *
 * [1] J. Bergstra and Y. Bengio, "Random search for hyper-parameter optimization", JMLR 13, 2012. */
#include "state.h"

void hpx_random_begin(hpx_walk *walk)
{
    walk->next = 0;
    for (uint32_t i = 0; i < hpx_search_evaluations(walk->search); i++)
        hpx_walk_list(walk, hpx_permutation_at(&walk->search->order, i));
}

void hpx_random_advance(hpx_walk *walk)
{
    hpx_search *search = walk->search;
    const uint32_t count = hpx_search_evaluations(search);
    while (walk->next < count && hpx_walk_visit(walk, hpx_permutation_at(&search->order, walk->next)))
        walk->next++;
    if (walk->next == count)
        hpx_walk_stop(walk, search->result.incumbent, "complete");
}
