/* Screening: a method runs to its stop on scores of a few epochs, and the best cells that it has visited then go
 * on to all of them, which decides. Early scores are ordered much as late ones are; a cheap screen is a baseline
 * that is hard to beat [1]. The epochs of the screen are not lost: the cells promoted continue from them.
 *
 * [1] R. Egele, I. Guyon, Y. Sun and P. Balaprakash, "Is one epoch all you need for multi-fidelity
 *     hyperparameter optimization?", ESANN 2023. */
#include "state.h"

#include <math.h>
#include <string.h>

/* Where the cell stands among the best, or would stand. */
static size_t place_of(const hpx_walk *walk, uint32_t cell)
{
    size_t low = 0, high = walk->best.count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (hpx_walk_better(walk, walk->best.at[middle], cell))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void hpx_screen_consider(hpx_walk *walk, uint32_t cell)
{
    const hpx_search_options *options = &walk->search->options;
    hpx_cells *best = &walk->best;
    if (isnan(hpx_walk_score(walk, cell)))
        return;
    const size_t place = place_of(walk, cell);
    if (place == options->promote || (place < best->count && best->at[place] == cell))
        return;
    if (best->count < options->promote)
        hpx_cells_add(best, cell);
    memmove(best->at + place + 1, best->at + place, (best->count - 1 - place) * sizeof *best->at);
    best->at[place] = cell;
}

void hpx_screen_begin(hpx_walk *walk)
{
    walk->ended = walk->best.count == 0;
    walk->next = 0;
    hpx_walk_go_by(walk, walk->search->options.epochs);
    for (size_t i = 0; i < walk->best.count; i++)
        hpx_walk_list(walk, walk->best.at[i]);
}

void hpx_screen_advance(hpx_walk *walk)
{
    while (walk->next < walk->best.count && hpx_walk_visit(walk, walk->best.at[walk->next]))
        walk->next++;
    walk->ended = walk->ended || walk->next == walk->best.count;
}
