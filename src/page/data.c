/* All results as one JSON document. The script reads nothing else: what it shows of a cell is what stands here. */
#include "inside.h"

#include "report/report.h"

static void put_axes(hpx_json *json, const hpx_recipe *recipe)
{
    hpx_json_open(json, "axes", '[');
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        hpx_json_open_flat(json, NULL, '{');
        hpx_report_axis_json(json, &recipe->axes[axis]);
        hpx_json_close(json, '}');
    }
    hpx_json_close(json, ']');
}

static void put_cell(hpx_json *json, const hpx_page *page, uint32_t number)
{
    const struct cell *cell = &page->cells[number];
    char hex[HPX_HASH_HEX_BYTES];
    hpx_buffer name = {0};
    hpx_recipe_cell_text(&name, page->recipe, number);
    hpx_json_open_flat(json, NULL, '{');
    hpx_json_count(json, "cell", number);
    hpx_json_text(json, "name", hpx_buffer_text(&name));
    hpx_json_real(json, "score", cell->score);
    hpx_json_real(json, "score_sd", cell->sd);
    hpx_json_count(json, "seeds", cell->seeds);
    hpx_json_count(json, "epochs", cell->epochs);
    hpx_json_real(json, "cost", page->costs[number]);
    hpx_json_text(json, "key", hpx_hash_hex(hex, &cell->key));
    hpx_json_text(json, "code", page->origins[cell->origin].version);
    hpx_json_text(json, "failure", cell->failure);
    hpx_json_close(json, '}');
    hpx_buffer_free(&name);
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
    hpx_json_open(&json, "cells", '[');
    for (uint32_t cell = 0; cell < page->count; cell++)
        if (page->cells[cell].values)
            put_cell(&json, page, cell);
    hpx_json_close(&json, ']');
    hpx_json_open(&json, "searches", '[');
    for (size_t i = 0; page->outcome && i < page->outcome->search_count; i++)
        put_search(&json, &page->outcome->searches[i]);
    hpx_json_close(&json, ']');
    hpx_json_close(&json, '}');
    put_escaped(out, &text);
    hpx_buffer_free(&text);
}
