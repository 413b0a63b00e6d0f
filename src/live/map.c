/* The map of a grid: two axes, one down and one across, a mark for each pair of their values. Where they do not fit, a mark
 * stands for several neighbours; where there are more axes, for all that differ in these. It shows the best of them. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX  16
#define ROWS_MAX   16 /* of marks */
#define SAMPLE_MAX 512
#define LOW_SHARE                                                                                            \
    20 /* the lowest level is where one of so many scores is below: a few bad cells do not flatten the others */
#define LEGEND_ROWS 3 /* at most, as is what else stands beside the map */

struct mark {
    double best; /* higher is better; NaN: none is scored that has not failed */
    bool failed, running, here;
};

struct map {
    const hpx_live *live;
    const hpx_screen *screen;
    size_t across, down;        /* axes; equal where there is one */
    size_t columns, rows;       /* of marks */
    size_t per_column, per_row; /* values in one */
    size_t label, pitch;        /* columns of the screen */
    struct mark *marks;
    double low, high;
    const char *colour; /* that is set; NULL: none */
};

static const hpx_axis *axis_of(const struct map *map, size_t axis)
{
    return &map->live->recipe->axes[axis];
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The first two axes; the one with more values goes across, since rows are dear. */
static void choose_axes(struct map *map)
{
    const hpx_grid *grid = &map->live->recipe->grid;
    const bool turned = grid->axes > 1 && grid->counts[0] > grid->counts[1];
    map->across = grid->axes > 1 && !turned ? 1 : 0;
    map->down = turned ? 1 : 0;
}

static bool has_rows(const struct map *map)
{
    return map->across != map->down;
}

static size_t width_of(const char *text)
{
    return hpx_text_width(text, strlen(text));
}

/* The names of the axes. free() it. */
static char *corner_of(const struct map *map)
{
    const char *across = axis_of(map, map->across)->name;
    if (!has_rows(map))
        return hpx_strdup(across);
    return hpx_format(map->screen->utf8 ? "%s↓ %s→" : "%s v %s >", axis_of(map, map->down)->name, across);
}

static size_t label_width(const struct map *map)
{
    const hpx_axis *down = axis_of(map, map->down);
    char *corner = corner_of(map);
    size_t width = width_of(corner);
    for (uint32_t i = 0; has_rows(map) && i < down->count; i++)
        width = width > width_of(down->values[i].text) ? width : width_of(down->values[i].text);
    free(corner);
    return least(width, LABEL_MAX);
}

/* How many marks there are, and what one stands for. False: there is no room for any. */
static bool lay_out(struct map *map, size_t rows)
{
    choose_axes(map);
    const size_t across = axis_of(map, map->across)->count,
                 down = has_rows(map) ? axis_of(map, map->down)->count : 1;
    map->label = label_width(map);
    if (map->screen->columns < map->label + 12 || rows < 1 + least(down, 3) + LEGEND_ROWS)
        return false;
    const size_t columns = map->screen->columns - map->label - 4;
    map->pitch = 2 * across <= columns ? 2 : 1;
    map->per_column = (across * map->pitch + columns - 1) / columns;
    map->columns = (across + map->per_column - 1) / map->per_column;
    rows = least(rows - 1 - LEGEND_ROWS, ROWS_MAX);
    map->per_row = (down + rows - 1) / rows;
    map->rows = (down + map->per_row - 1) / map->per_row;
    return true;
}

static struct mark *mark_of(const struct map *map, const uint32_t *indices)
{
    const size_t row = has_rows(map) ? indices[map->down] / map->per_row : 0;
    return &map->marks[row * map->columns + indices[map->across] / map->per_column];
}

static void mark_cells(struct map *map)
{
    const hpx_live *live = map->live;
    const hpx_grid *grid = &live->recipe->grid;
    uint32_t indices[HPX_AXES_MAX] = {0};
    for (uint32_t i = 0; i < live->cell_count; i++) {
        const struct cell *cell = &live->cells[i];
        struct mark *mark = mark_of(map, indices);
        const double score = live->recipe->objective.minimised ? -cell->score : cell->score;
        mark->running |= cell->running > 0;
        mark->failed |= cell->epochs > 0 && isnan(score);
        if (cell->epochs > 0 && !isnan(score) && !(mark->best >= score))
            mark->best = score;
        for (size_t axis = grid->axes; axis-- > 0 && ++indices[axis] == grid->counts[axis];)
            indices[axis] = 0;
    }
    for (size_t i = 0; i < live->position_count; i++) {
        hpx_grid_indices(indices, grid, live->positions[i].cell);
        mark_of(map, indices)->here |= !live->positions[i].done;
    }
}

static int ascending(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

/* What the levels go from and to: of a sample of the marks. */
static void find_scale(struct map *map)
{
    double sample[SAMPLE_MAX];
    const size_t marks = map->rows * map->columns, step = marks / SAMPLE_MAX + 1;
    size_t count = 0;
    map->high = -INFINITY;
    for (size_t i = 0; i < marks; i++) {
        if (isnan(map->marks[i].best))
            continue;
        map->high = fmax(map->high, map->marks[i].best);
        if (i % step == 0)
            sample[count++] = map->marks[i].best;
    }
    map->low = map->high;
    if (count > 0) {
        qsort(sample, count, sizeof *sample, ascending);
        map->low = sample[count / LOW_SHARE];
    }
}

static void set_colour(hpx_buffer *out, struct map *map, const char *colour)
{
    if (!map->screen->colour || colour == map->colour)
        return;
    hpx_buffer_printf(out, "\033[%sm", colour ? colour : "0");
    map->colour = colour;
}

/* What a mark looks like. The colours say no more than the characters do. */
static const char *look_of(const char **colour, const struct map *map, const struct mark *mark)
{
    static const char *const colours[HPX_LEVELS] = {"34", "34", "36", "36", "32", "32", "33", "33"};
    const bool utf8 = map->screen->utf8;
    *colour = NULL;
    if (mark->running)
        return *colour = "35", "*";
    if (!isnan(mark->best)) {
        const size_t level = hpx_level_of(mark->best, map->low, map->high);
        return *colour = colours[level], hpx_level_text(level, utf8);
    }
    if (mark->failed)
        return *colour = "31", "x";
    return utf8 ? "·" : ".";
}

static void draw_row(hpx_buffer *out, struct map *map, size_t row)
{
    bool was_here = false;
    hpx_buffer_puts(out, map->pitch == 1 ? "  " : " ");
    for (size_t column = 0; column < map->columns; column++) {
        const struct mark *mark = &map->marks[row * map->columns + column];
        const char *colour, *look = look_of(&colour, map, mark);
        if (map->pitch == 2) {
            set_colour(out, map, NULL);
            hpx_buffer_puts(out, mark->here ? "[" : was_here ? "]" : " ");
        } else if (mark->here && !mark->running) {
            colour = NULL;
            look = "@";
        }
        set_colour(out, map, colour);
        hpx_buffer_puts(out, look);
        was_here = mark->here;
    }
    set_colour(out, map, NULL);
    hpx_buffer_puts(out, map->pitch == 2 && was_here ? "]\n" : "\n");
}

static void draw_label(hpx_buffer *out, const struct map *map, const char *text)
{
    const size_t width = width_of(text);
    hpx_buffer_printf(out, "%*s", (int)(width < map->label ? map->label - width : 0), "");
    hpx_live_cut(out, text, map->label);
}

/* The axes' names, then the values across, as many as there is room for. */
static void draw_head(hpx_buffer *out, const struct map *map)
{
    const hpx_axis *across = axis_of(map, map->across);
    char *corner = corner_of(map);
    size_t at = 0;
    draw_label(out, map, corner);
    hpx_buffer_puts(out, "  ");
    for (size_t column = 0; column < map->columns; column++) {
        const char *text = across->values[column * map->per_column].text;
        const size_t place = column * map->pitch, width = width_of(text);
        if ((column > 0 && place <= at) || place + width > map->screen->columns - map->label - 3)
            continue;
        hpx_buffer_printf(out, "%*s%s", (int)(place - at), "", text);
        at = place + width;
    }
    hpx_buffer_puts(out, "\n");
    free(corner);
}

/* --- what stands below it --------------------------------------------------------------------------------- */

struct legend {
    hpx_buffer *out;
    size_t columns, at, rows;
};

static void __attribute__((format(printf, 2, 3))) explain(struct legend *legend, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = hpx_vformat(format, args);
    va_end(args);
    const size_t width = width_of(text);
    if (legend->at > 0 && legend->at + 3 + width > legend->columns) {
        hpx_buffer_puts(legend->out, "\n");
        legend->at = 0;
        legend->rows++;
    }
    if (legend->rows < LEGEND_ROWS) {
        hpx_buffer_puts(legend->out, legend->at > 0 ? "   " : "");
        hpx_live_cut(legend->out, text, legend->columns);
        legend->at += width + (legend->at > 0 ? 3 : 0);
    }
    free(text);
}

static void explain_scores(struct legend *legend, const struct map *map)
{
    const hpx_objective *objective = &map->live->recipe->objective;
    const int decimals = objective->minimised ? 6 : 4;
    const double sign = objective->minimised ? -1 : 1;
    const bool utf8 = map->screen->utf8;
    if (map->low < map->high)
        explain(legend, "%s %.*f to %s %.*f", hpx_level_text(0, utf8), decimals, sign * map->low,
                hpx_level_text(HPX_LEVELS - 1, utf8), decimals, sign * map->high);
    else if (isfinite(map->high))
        explain(legend, "%s %.*f", hpx_level_text(HPX_LEVELS - 1, utf8), decimals, sign * map->high);
}

static void explain_marks(struct legend *legend, const struct map *map)
{
    bool failed = false, running = false;
    size_t here = 0;
    const char *name = NULL;
    for (size_t i = 0; i < map->rows * map->columns; i++) {
        const struct mark *mark = &map->marks[i];
        failed |= mark->failed && isnan(mark->best) && !mark->running;
        running |= mark->running;
    }
    for (size_t i = 0; i < map->live->position_count; i++) {
        here += !map->live->positions[i].done;
        name = map->live->positions[i].done ? name : map->live->positions[i].search->name;
    }
    if (running)
        explain(legend, "* in training");
    if (failed)
        explain(legend, "x failed");
    if (here > 0)
        explain(legend, "%s %s", map->pitch == 2 ? "[ ]" : "@", here == 1 ? name : "the searches");
}

static void explain_size(struct legend *legend, const struct map *map)
{
    hpx_buffer rest = {0};
    const hpx_recipe *recipe = map->live->recipe;
    const size_t values = map->per_row * map->per_column;
    for (size_t axis = 2; axis < recipe->grid.axes; axis++)
        hpx_buffer_printf(&rest, "%s%s", rest.size ? " " : "", recipe->axes[axis].name);
    if (values > 1)
        explain(legend, "a mark: the best of %zu x %zu", map->per_row, map->per_column);
    if (rest.size > 0)
        explain(legend, "best over %s", hpx_buffer_text(&rest));
    hpx_buffer_free(&rest);
}

bool hpx_live_map(hpx_buffer *out, const hpx_live *live, const hpx_screen *screen, size_t rows)
{
    struct map map = {.live = live, .screen = screen};
    if (!live->cells || live->cell_count < 2 || !lay_out(&map, rows))
        return false;
    const size_t marks = map.rows * map.columns;
    map.marks = hpx_alloc(marks * sizeof *map.marks);
    for (size_t i = 0; i < marks; i++)
        map.marks[i].best = NAN;
    mark_cells(&map);
    find_scale(&map);
    draw_head(out, &map);
    for (size_t row = 0; row < map.rows; row++) {
        draw_label(out, &map, has_rows(&map) ? axis_of(&map, map.down)->values[row * map.per_row].text : "");
        draw_row(out, &map, row);
    }
    struct legend legend = {.out = out, .columns = screen->columns - 1};
    explain_scores(&legend, &map);
    explain_marks(&legend, &map);
    explain_size(&legend, &map);
    if (legend.at > 0 && legend.rows < LEGEND_ROWS)
        hpx_buffer_puts(out, "\n");
    free(map.marks);
    return true;
}
