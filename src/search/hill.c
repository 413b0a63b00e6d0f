/* Hill climbing, steepest ascent:
 *
 *     loop: visit p and all its neighbours; q = the best neighbour
 *           move to q if score(q) > score(p), else stop
 *
 * A neighbour's index is one beside p's or, on an unordered axis, any other.
 *
 * Certain are p and its neighbours: where it goes from there depends on the last of them. */
#include "state.h"

static void add_neighbour(hpx_walk *walk, uint32_t cell)
{
    if (cell != walk->cells.at[0])
        hpx_cells_add(&walk->cells, cell);
}

/* The indices that a neighbour of the cell may have on an axis: `low` to `high`. */
static void reach(uint32_t *low, uint32_t *high, const hpx_walk *walk, uint32_t cell, size_t axis)
{
    hpx_grid_reach(low, high, &walk->search->grid, axis, hpx_walk_index(walk, cell, axis));
}

static uint32_t moved(const hpx_walk *walk, uint32_t cell, size_t axis, uint32_t index)
{
    return cell + (index - hpx_walk_index(walk, cell, axis)) * walk->search->strides[axis];
}

/* Any indices move: all axes from `axis` on, in lexicographic order. */
static void add_box(hpx_walk *walk, uint32_t cell, size_t axis)
{
    if (axis == walk->search->grid.axes) {
        add_neighbour(walk, cell);
        return;
    }
    uint32_t low, high;
    reach(&low, &high, walk, cell, axis);
    for (uint32_t index = low; index <= high; index++)
        add_box(walk, moved(walk, cell, axis, index), axis + 1);
}

/* One index moves, in the same order: (-1, 0), (0, -1), (0, 1), (1, 0). */
static void add_star(hpx_walk *walk, uint32_t cell)
{
    uint32_t low, high;
    for (size_t axis = 0; axis < walk->search->grid.axes; axis++) {
        reach(&low, &high, walk, cell, axis);
        for (uint32_t index = low; index < hpx_walk_index(walk, cell, axis); index++)
            add_neighbour(walk, moved(walk, cell, axis, index));
    }
    for (size_t axis = walk->search->grid.axes; axis-- > 0;) {
        reach(&low, &high, walk, cell, axis);
        for (uint32_t index = hpx_walk_index(walk, cell, axis) + 1; index <= high; index++)
            add_neighbour(walk, moved(walk, cell, axis, index));
    }
}

static void stand_on(hpx_walk *walk, uint32_t cell)
{
    walk->next = 0;
    walk->cells.count = 0;
    hpx_cells_add(&walk->cells, cell);
    if (walk->search->options.neighbours == HPX_DIAGONAL)
        add_box(walk, cell, 0);
    else
        add_star(walk, cell);

    hpx_walk_list_nothing(walk);
    for (size_t i = 0; i < walk->cells.count; i++)
        hpx_walk_list(walk, walk->cells.at[i]);
}

void hpx_hill_begin(hpx_walk *walk)
{
    stand_on(walk, walk->search->options.start);
}

void hpx_hill_advance(hpx_walk *walk)
{
    const hpx_cells *around = &walk->cells;
    while (!walk->stop) {
        for (; walk->next < around->count; walk->next++)
            if (!hpx_walk_visit(walk, around->at[walk->next]))
                return;
        uint32_t here = around->at[0], best = around->count > 1 ? around->at[1] : here;
        for (size_t i = 2; i < around->count; i++)
            if (hpx_walk_better(walk, around->at[i], best))
                best = around->at[i];
        if (hpx_score_above(hpx_walk_score(walk, best), hpx_walk_score(walk, here)))
            stand_on(walk, best);
        else
            hpx_walk_stop(walk, here, "peak");
    }
}
