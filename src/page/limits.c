/* A partial cross-search with one limit beside the other. */
#include "inside.h"

#include "base/text.h"

#include <math.h>

enum { PANEL = 270, HEAD = 46 };

static void put_panel(hpx_svg *svg, const struct map *map, const hpx_search_outcome *search, size_t i)
{
    struct map panel = *map;
    char title[96];
    panel.plot.left += PANEL * (double)i;
    panel.plot.top = HEAD;
    if (search->done)
        hpx_print(title, sizeof title, "%s: %zu visits, %.*f", search->search->name, search->visit_count,
                  hpx_page_decimals(map->page), search->score);
    else
        hpx_print(title, sizeof title, "%s: not done", search->search->name);
    panel.plot.title = title;
    hpx_map_path(svg, &panel, search);
}

static void put_numbers(struct figure *figure, const hpx_page *page)
{
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, page->limits->search_count);
    hpx_sheet_head(&sheet, "", false);
    hpx_sheet_head(&sheet, "end", false);
    hpx_sheet_head(&sheet, "score", true);
    hpx_sheet_head(&sheet, "visits", true);
    hpx_sheet_head(&sheet, "relative cost", true);
    for (size_t i = 0; i < page->limits->search_count; i++) {
        const hpx_search_outcome *search = &page->limits->searches[i];
        hpx_sheet_row(&sheet, search->done ? search->result.end : NO_CELL);
        hpx_sheet_name(&sheet, search->search->name);
        if (search->done)
            hpx_sheet_cell(&sheet, page, search->result.end);
        else
            hpx_sheet_text(&sheet, "not done: the store lacks its next trials");
        hpx_sheet_number(&sheet, hpx_page_decimals(page), search->done ? search->score : NAN);
        hpx_sheet_count(&sheet, search->visit_count);
        hpx_sheet_number(&sheet, 3, search->done ? search->relative_cost : NAN);
    }
    hpx_sheet_close(&sheet);
}

void hpx_page_limits(hpx_page *page)
{
    struct map map;
    if (!page->limits || !hpx_page_has_visits(page->limits))
        return;
    const size_t count = page->limits->search_count;
    struct figure *figure = hpx_page_add_figure(page, "limits", "Partial cross-search by its limit");
    figure->wide = true;
    hpx_map_open(&map, page, PANEL - 10, 300, 24, 18);
    map.scale.decimals = -1;
    hpx_svg *svg = hpx_svg_new(PANEL * (double)count, HEAD + map.plot.height + 42, figure->heading,
                               "The paths of one search with one limit beside the other.");
    for (size_t i = 0; i < count; i++)
        put_panel(svg, &map, &page->limits->searches[i], i);
    hpx_figure_add_view(figure, NULL, NULL, svg);
    hpx_figure_say(figure, "The search ");
    hpx_html_text(&figure->caption, page->limited);
    hpx_figure_say(
        figure,
        ", which ends a line after so many cells that do not beat its best, with other limits; as far as "
        "what is stored decides.");
    put_numbers(figure, page);
    hpx_map_close(&map);
}

void hpx_page_set_limits(hpx_page *page, const char *search, const hpx_outcome *outcome)
{
    page->limited = search;
    page->limits = outcome;
}
