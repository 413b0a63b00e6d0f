/* The path of each search over the grid. */
#include "inside.h"

#include "base/text.h"

#include <math.h>

enum { PATH_WIDTH = 330 };

static void put_step(hpx_svg *svg, const struct map *map, const hpx_search_outcome *search, size_t step)
{
    const uint32_t cell = search->visits[step].cell;
    uint32_t row, column;
    hpx_map_place(map, cell, &row, &column);
    hpx_svg_open(svg, "step", step + 1);
    if (!isnan(search->visits[step].score))
        hpx_map_heat(svg, map, cell, row, column, search->visits[step].score);
    hpx_svg_close(svg);
}

static void put_way(hpx_svg *svg, const struct map *map, const hpx_search_outcome *search, size_t step)
{
    uint32_t from_row, from_column, row, column;
    hpx_map_place(map, search->visits[step - 1].cell, &from_row, &from_column);
    hpx_map_place(map, search->visits[step].cell, &row, &column);
    hpx_svg_open(svg, "step way", step + 1);
    hpx_svg_line(svg, &map->plot, 1, (double[]){from_column, column}, (double[]){from_row, row}, 2);
    hpx_svg_close(svg);
}

/* A long path: the cells in one element, the way in another. The script cuts both where its slider stands. */
static void put_trail(hpx_svg *svg, const struct map *map, const hpx_search_outcome *search)
{
    struct marks marks = hpx_marks_new(search->visit_count);
    for (size_t i = 0; i < search->visit_count; i++) {
        uint32_t row, column;
        hpx_map_place(map, search->visits[i].cell, &row, &column);
        hpx_marks_add(&marks, search->visits[i].cell, column, row);
    }
    hpx_svg_open(svg, "trail", 0);
    hpx_svg_line(svg, &map->plot, 1, marks.x, marks.y, marks.count);
    hpx_svg_close(svg);
    hpx_marks_put(svg, &map->plot, &marks);
}

void hpx_map_path(hpx_svg *svg, const struct map *map, const hpx_search_outcome *search)
{
    uint32_t row, column;
    hpx_svg_axes(svg, &map->plot);
    if (search->visit_count > MANY)
        put_trail(svg, map, search);
    for (size_t i = 0; i < search->visit_count && search->visit_count <= MANY; i++)
        put_step(svg, map, search, i);
    for (size_t i = 1; i < search->visit_count && search->visit_count <= MANY; i++)
        put_way(svg, map, search, i);
    if (search->done) {
        hpx_map_place(map, search->result.end, &row, &column);
        hpx_svg_frame(svg, &map->plot, column, row);
    }
}

static hpx_svg *draw_path(const struct map *map, const hpx_search_outcome *search)
{
    hpx_svg *svg = hpx_svg_new(fmax(map->plot.left + map->plot.width + 16, 200),
                               map->plot.top + map->plot.height + 42, search->search->name,
                               "The cells that the search visits, and the order in which it does.");
    hpx_map_path(svg, map, search);
    return svg;
}

static void put_visits(struct figure *figure, const hpx_page *page, const hpx_search_outcome *search)
{
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, search->visit_count);
    hpx_sheet_head(&sheet, "visit", true);
    hpx_sheet_head(&sheet, "cell", false);
    hpx_sheet_head(&sheet, "epochs", true);
    hpx_sheet_head(&sheet, "score", true);
    for (size_t i = 0; i < search->visit_count; i++) {
        const hpx_visit *visit = &search->visits[i];
        hpx_sheet_row(&sheet, visit->cell);
        hpx_sheet_count(&sheet, i + 1);
        hpx_sheet_cell(&sheet, page, visit->cell);
        hpx_sheet_count(&sheet, visit->epochs);
        hpx_sheet_number(&sheet, hpx_page_decimals(page), visit->score);
    }
    hpx_sheet_close(&sheet);
}

static void add_path(hpx_page *page, const hpx_search_outcome *search, size_t number)
{
    struct map map;
    struct figure *figure = hpx_page_add_numbered(page, "path", number, "Path of", search->search->name);
    hpx_map_open(&map, page, PATH_WIDTH, 330, 26, 18);
    map.scale.decimals = -1;
    hpx_figure_add_view(figure, NULL, NULL, draw_path(&map, search));
    hpx_buffer_printf(&figure->caption, "%zu %s", search->visit_count,
                      hpx_plural(search->visit_count, "visit", "visits"));
    if (search->done)
        hpx_buffer_printf(&figure->caption, ", %.2f %% of the grid’s cost; it ends in the framed cell.",
                          100 * search->relative_cost);
    else
        hpx_figure_say(figure, " so far; the store lacks what it asks for next.");
    put_visits(figure, page, search);
    hpx_map_close(&map);
}

void hpx_page_paths(hpx_page *page)
{
    for (size_t i = 0; i < page->outcome->search_count; i++)
        if (page->outcome->searches[i].visit_count > 0)
            add_path(page, &page->outcome->searches[i], i);
}
