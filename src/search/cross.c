/* Cross-search, full and partial (M. Imai, 2024):
 *
 *     p = start; lines = 0; unmoved = 0
 *     loop:
 *         if (p, axis) was walked before: stop "cycle"
 *         q = line(p, axis); lines += 1
 *         unmoved = 0 if q differs from p, else unmoved + 1
 *         p = q
 *         if unmoved >= max(1, D-1) and lines >= D: stop "fixpoint"
 *         axis = next axis
 *
 *     line(p, axis):                      (on an unordered axis there is no limit)
 *         origin = p, or the low end of the line through p when lines are walked from there
 *         best = origin
 *         for direction in up, down:
 *             misses = 0; from the origin's neighbour in that direction on, for each cell c:
 *                 if better(c, best): best = c; misses = 0
 *                 else: misses += 1; leave this direction if limit and misses >= limit
 *
 * From the low end there is nothing downward, so both scans are this one walk. */
#include "state.h"

#include <assert.h>

static uint32_t line_cell(const hpx_line *line)
{
    uint32_t offset = line->distance * line->stride;
    return line->direction == HPX_LINE_UP ? line->origin + offset : line->origin - offset;
}

/* Misses in a row say that a peak is passed, which only an order can have. */
static uint32_t line_limit(const hpx_walk *walk)
{
    return hpx_grid_is_unordered(&walk->search->grid, walk->cross.axis) ? 0 : walk->search->options.limit;
}

/* Takes the cell into account that the walk stands on, and goes to the next. */
static void line_step(const hpx_walk *walk, hpx_line *line)
{
    const uint32_t cell = line_cell(line), limit = line_limit(walk);
    const hpx_scored here = {cell, hpx_walk_score(walk, cell)};
    if (line->distance == 0 || hpx_search_better(walk->search, here, line->best)) {
        line->best = here;
        line->misses = 0;
    } else {
        line->misses++;
    }
    while (line->direction != HPX_LINE_ENDED &&
           (line->distance == line->reach[line->direction] || (limit && line->misses >= limit))) {
        line->direction++;
        line->distance = line->misses = 0;
    }
    line->distance++;
}

static void shorten(uint32_t *reach, uint32_t to)
{
    if (*reach > to)
        *reach = to;
}

/* Lists what the walk will visit whatever the answers. It stands on a cell that was not told. The line is
 * shortest either when all such cells fail, and the walk ends as if they had; or when this one is so good
 * that everything behind it misses, and the walk leaves each direction `limit` cells later. */
static void list_line(hpx_walk *walk)
{
    hpx_line rest = walk->cross.line;
    uint32_t limit = line_limit(walk);
    assert(rest.direction != HPX_LINE_ENDED);
    if (limit) {
        shorten(&rest.reach[rest.direction], rest.distance + limit);
        if (rest.direction == HPX_LINE_UP)
            shorten(&rest.reach[HPX_LINE_DOWN], limit);
    }
    hpx_walk_list_nothing(walk);
    for (; rest.direction != HPX_LINE_ENDED; line_step(walk, &rest))
        hpx_walk_list(walk, line_cell(&rest));
}

static void begin_line(hpx_walk *walk)
{
    hpx_cross *cross = &walk->cross;
    if (hpx_walk_walked(walk, cross->position, cross->axis)) {
        hpx_walk_stop(walk, cross->position, "cycle");
        return;
    }

    uint32_t stride = walk->search->strides[cross->axis];
    uint32_t index = hpx_walk_index(walk, cross->position, cross->axis);
    uint32_t below = walk->search->options.outward ? index : 0;
    cross->line = (hpx_line){
        .origin = cross->position - (index - below) * stride,
        .stride = stride,
        .reach = {walk->search->grid.counts[cross->axis] - 1 - below, below},
    };
    walk->listed = false;
}

static void end_line(hpx_walk *walk)
{
    hpx_cross *cross = &walk->cross;
    size_t axes = walk->search->grid.axes, needed = axes > 2 ? axes - 1 : 1;
    cross->lines++;
    cross->unmoved = cross->line.best.cell == cross->position ? cross->unmoved + 1 : 0;
    cross->position = cross->line.best.cell;
    if (cross->unmoved >= needed && cross->lines >= axes) {
        hpx_walk_stop(walk, cross->position, "fixpoint");
        return;
    }
    cross->axis = (cross->axis + 1) % axes;
    begin_line(walk);
}

void hpx_cross_begin(hpx_walk *walk)
{
    assert(walk->search->options.first < walk->search->grid.axes);
    walk->cross.position = walk->search->options.start;
    walk->cross.axis = walk->search->options.first;
    begin_line(walk);
}

void hpx_cross_advance(hpx_walk *walk)
{
    hpx_line *line = &walk->cross.line;
    while (!walk->stop) {
        while (line->direction != HPX_LINE_ENDED && hpx_walk_visit(walk, line_cell(line)))
            line_step(walk, line);
        if (line->direction != HPX_LINE_ENDED)
            break;
        end_line(walk);
    }
    /* A whole line is certain from its first cell on; of a limited one more becomes certain with every
     * answer. */
    if (!walk->stop && (line_limit(walk) || !walk->listed)) {
        list_line(walk);
        walk->listed = true;
    }
}
