#include "hpx/search.h"

#include <assert.h>

uint32_t hpx_grid_cells(const hpx_grid *grid)
{
    assert(grid->axes >= 1 && grid->axes <= HPX_AXES_MAX);
    uint64_t cells = 1;
    for (size_t axis = 0; axis < grid->axes; axis++) {
        cells *= grid->counts[axis];
        assert(cells >= 1 && cells <= HPX_CELLS_MAX);
    }
    return (uint32_t)cells;
}

void hpx_grid_indices(uint32_t indices[HPX_AXES_MAX], const hpx_grid *grid, uint32_t cell)
{
    for (size_t axis = grid->axes; axis-- > 0;) {
        indices[axis] = cell % grid->counts[axis];
        cell /= grid->counts[axis];
    }
    assert(cell == 0);
}

uint32_t hpx_grid_cell(const hpx_grid *grid, const uint32_t indices[HPX_AXES_MAX])
{
    uint32_t cell = 0;
    for (size_t axis = 0; axis < grid->axes; axis++) {
        assert(indices[axis] < grid->counts[axis]);
        cell = cell * grid->counts[axis] + indices[axis];
    }
    return cell;
}

void hpx_grid_reach(uint32_t *low, uint32_t *high, const hpx_grid *grid, size_t axis, uint32_t index)
{
    const uint32_t last = grid->counts[axis] - 1;
    const bool unordered = hpx_grid_is_unordered(grid, axis);
    *low = unordered || index == 0 ? 0 : index - 1;
    *high = unordered || index == last ? last : index + 1;
}
