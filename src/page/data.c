/* All results as one JSON document. The script reads nothing else: what it shows of a cell is what stands here. */
#include "inside.h"

#include "report/report.h"

/* Their values, and beside them the texts by which people know these. */
static void put_axes(hpx_json *json, const hpx_recipe *recipe)
{
    hpx_json_open(json, "axes", '[');
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        hpx_json_open_flat(json, NULL, '{');
        hpx_report_axis_json(json, &recipe->axes[axis]);
        hpx_json_open(json, "texts", '[');
        for (uint32_t i = 0; i < recipe->axes[axis].count; i++)
            hpx_json_text(json, NULL, recipe->axes[axis].values[i].text);
        hpx_json_close(json, ']');
        hpx_json_close(json, '}');
    }
    hpx_json_close(json, ']');
}

/* The axes that maps have. */
static void put_map(hpx_json *json, const hpx_page *page)
{
    size_t rows, columns;
    hpx_map_axes(page, &rows, &columns);
    hpx_json_open_flat(json, "map", '{');
    hpx_json_count(json, "rows", rows);
    hpx_json_count(json, "columns", columns);
    hpx_json_close(json, '}');
}

/* Cells may be ten thousands: each is a list of values, which are named once. */
static void put_cells(hpx_json *json, const hpx_page *page)
{
    static const char *const fields[] = {"cell", "score", "score_sd", "seeds",  "epochs",
                                         "cost", "key",   "code",     "failure"};
    char hex[HPX_HASH_HEX_BYTES];
    hpx_json_open_flat(json, "codes", '[');
    for (size_t i = 0; i < page->origin_count; i++)
        hpx_json_text(json, NULL, page->origins[i].version);
    hpx_json_close(json, ']');
    hpx_json_open_flat(json, "fields", '[');
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        hpx_json_text(json, NULL, fields[i]);
    hpx_json_close(json, ']');
    hpx_json_open(json, "cells", '[');
    for (uint32_t number = 0; number < page->count; number++) {
        const struct cell *cell = &page->cells[number];
        if (!cell->values)
            continue;
        hpx_json_open_flat(json, NULL, '[');
        hpx_json_count(json, NULL, number);
        hpx_json_real(json, NULL, cell->score);
        hpx_json_real(json, NULL, cell->sd);
        hpx_json_count(json, NULL, cell->seeds);
        hpx_json_count(json, NULL, cell->epochs);
        hpx_json_real(json, NULL, page->costs[number]);
        hpx_json_text(json, NULL, hpx_hash_hex(hex, &cell->key));
        hpx_json_count(json, NULL, cell->origin); /* of `codes` */
        hpx_json_text(json, NULL, cell->failure);
        hpx_json_close(json, ']');
    }
    hpx_json_close(json, ']');
}

static void put_search(hpx_json *json, const hpx_search_outcome *search)
{
    hpx_json_open(json, NULL, '{');
    hpx_json_text(json, "name", search->search->name);
    hpx_json_open_flat(json, "visits", '[');
    for (size_t i = 0; i < search->visit_count; i++) {
        hpx_json_open(json, NULL, '[');
        hpx_json_count(json, NULL, search->visits[i].cell);
        hpx_json_count(json, NULL, search->visits[i].epochs);
        hpx_json_real(json, NULL, search->visits[i].score);
        hpx_json_close(json, ']');
    }
    hpx_json_close(json, ']');
    hpx_json_close(json, '}');
}

/* An element of a script ends where the text has "</script": no "<" is left as it is. Outside of texts there is none. */
static void put_escaped(hpx_buffer *out, hpx_buffer *json)
{
    for (const char *c = hpx_buffer_text(json); *c; c++)
        if (*c == '<')
            hpx_buffer_puts(out, "\\u003c");
        else
            hpx_buffer_add(out, c, 1);
}

void hpx_page_data(hpx_buffer *out, const hpx_page *page)
{
    const hpx_recipe *recipe = page->recipe;
    hpx_buffer text = {0};
    hpx_json json = {.out = &text};
    hpx_json_open(&json, NULL, '{');
    hpx_json_count(&json, "schema", 1);
    hpx_json_text(&json, "recipe", recipe->path);
    hpx_json_text(&json, "objective", recipe->objective.name);
    hpx_json_bool(&json, "minimised", recipe->objective.minimised);
    hpx_json_count(&json, "decimals", (uint64_t)hpx_page_decimals(page));
    hpx_json_text(&json, "cost", page->timed ? "seconds" : "multiplications");
    put_axes(&json, recipe);
    put_map(&json, page);
    put_cells(&json, page);
    hpx_json_open(&json, "searches", '[');
    for (size_t i = 0; page->outcome && i < page->outcome->search_count; i++)
        put_search(&json, &page->outcome->searches[i]);
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
    put_escaped(out, &text);
    hpx_buffer_free(&text);
}
