/* Hill climbing, steepest ascent:
 *
 *     loop: visit p and all its neighbours; q = the best neighbour
 *           move to q if score(q) > score(p), else stop
 *
 * A neighbour's index is one beside p's or, on an unordered axis, any other.
 *
 * Certain are p and its neighbours: where it goes from there depends on the last of them. */
#include "state.h"

static void add_neighbour(hpx_search *search, uint32_t cell)
{
    if (cell != search->hill.around.at[0])
        hpx_cells_add(&search->hill.around, cell);
}

/* The indices that a neighbour of the cell may have on an axis: `low` to `high`. */
static void reach(uint32_t *low, uint32_t *high, const hpx_search *search, uint32_t cell, size_t axis)
{
    uint32_t index = hpx_search_index(search, cell, axis), last = search->grid.counts[axis] - 1;
    bool unordered = hpx_grid_is_unordered(&search->grid, axis);
    *low = unordered || index == 0 ? 0 : index - 1;
    *high = unordered || index == last ? last : index + 1;
}

static uint32_t moved(const hpx_search *search, uint32_t cell, size_t axis, uint32_t index)
{
    return cell + (index - hpx_search_index(search, cell, axis)) * search->strides[axis];
}

/* Any indices move: all axes from `axis` on, in lexicographic order. */
static void add_box(hpx_search *search, uint32_t cell, size_t axis)
{
    if (axis == search->grid.axes) {
        add_neighbour(search, cell);
        return;
    }
    uint32_t low, high;
    reach(&low, &high, search, cell, axis);
    for (uint32_t index = low; index <= high; index++)
        add_box(search, moved(search, cell, axis, index), axis + 1);
}

/* One index moves, in the same order: (-1, 0), (0, -1), (0, 1), (1, 0). */
static void add_star(hpx_search *search, uint32_t cell)
{
    uint32_t low, high;
    for (size_t axis = 0; axis < search->grid.axes; axis++) {
        reach(&low, &high, search, cell, axis);
        for (uint32_t index = low; index < hpx_search_index(search, cell, axis); index++)
            add_neighbour(search, moved(search, cell, axis, index));
    }
    for (size_t axis = search->grid.axes; axis-- > 0;) {
        reach(&low, &high, search, cell, axis);
        for (uint32_t index = hpx_search_index(search, cell, axis) + 1; index <= high; index++)
            add_neighbour(search, moved(search, cell, axis, index));
    }
}

static void stand_on(hpx_search *search, uint32_t cell)
{
    hpx_hill *hill = &search->hill;
    hill->next = hill->around.count = 0;
    hpx_cells_add(&hill->around, cell);
    if (search->options.neighbours == HPX_DIAGONAL)
        add_box(search, cell, 0);
    else
        add_star(search, cell);

    hpx_search_list_nothing(search);
    for (size_t i = 0; i < hill->around.count; i++)
        hpx_search_list(search, hill->around.at[i]);
}

void hpx_hill_begin(hpx_search *search)
{
    stand_on(search, search->options.start);
}

void hpx_hill_advance(hpx_search *search)
{
    const hpx_cells *around = &search->hill.around;
    while (!search->result.stop) {
        for (; search->hill.next < around->count; search->hill.next++)
            if (!hpx_search_visit(search, around->at[search->hill.next]))
                return;
        uint32_t here = around->at[0], best = around->count > 1 ? around->at[1] : here;
        for (size_t i = 2; i < around->count; i++)
            if (hpx_search_better(search, around->at[i], best))
                best = around->at[i];
        if (hpx_score_above(hpx_search_score(search, best), hpx_search_score(search, here)))
            stand_on(search, best);
        else
            hpx_search_stop(search, here, "peak");
    }
}
