/* The page as a whole: its frame, its words and its tables. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>
#include <string.h>

#define HEAD        "<th scope=\"col\">"
#define NUMBER_HEAD "<th scope=\"col\" class=\"number\">"
#define NUMBER      "<td class=\"number\">"
#define NO_NUMBER   NUMBER "–</td>"

/* --- parts ---------------------------------------------------------------------------------------------------------- */

static void put_number(hpx_buffer *out, int decimals, double value)
{
    if (isnan(value)) {
        hpx_buffer_puts(out, NO_NUMBER);
        return;
    }
    hpx_buffer_puts(out, NUMBER);
    hpx_text_decimals(out, value, decimals);
    hpx_buffer_puts(out, "</td>");
}

static void put_text(hpx_buffer *out, const char *text)
{
    hpx_buffer_puts(out, "<td>");
    hpx_html_text(out, text);
    hpx_buffer_puts(out, "</td>");
}

/* What is wider than the window is scrolled, with the keyboard, too. */
static void open_table(hpx_buffer *out, const char *id, const char *label)
{
    hpx_buffer_printf(out,
                      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">"
                      "<table id=\"%s\">\n<thead><tr>",
                      label, id);
}

/* --- searches ----------------------------------------------------------------------------------------------------- */

static void put_end(hpx_buffer *out, const hpx_page *page, const hpx_search_outcome *search)
{
    const int decimals = hpx_page_decimals(page);
    if (!search->done) {
        hpx_buffer_puts(out,
                        "<td>not done: the store lacks its next trials</td>" NO_NUMBER NO_NUMBER NO_NUMBER);
        return;
    }
    hpx_buffer_puts(out, "<td>");
    hpx_html_cell(out, page, search->result.end);
    hpx_buffer_puts(out, "</td>");
    put_number(out, decimals, search->score);
    put_number(out, decimals, search->score_sd);
    put_number(out, decimals, search->difference);
}

static void put_search(hpx_buffer *out, const hpx_page *page, size_t number)
{
    const hpx_search_outcome *search = &page->outcome->searches[number];
    hpx_buffer_printf(out, "<tr class=\"search\" data-n=\"%zu\"><th scope=\"row\">", number);
    hpx_html_text(out, search->search->name);
    hpx_buffer_puts(out, "</th>");
    put_text(out, search->search->options.method->name);
    put_end(out, page, search);
    put_number(out, 3, search->relative_cost);
    hpx_buffer_printf(out, NUMBER "%zu</td>" NUMBER "%zu</td></tr>\n", search->cells, search->visit_count);
}

static void put_searches(hpx_buffer *out, hpx_page *page)
{
    const size_t paths = page->figure_count;
    if (!page->outcome)
        return;
    hpx_buffer_puts(out, "<section id=\"searches\"><h2>Searches</h2>\n");
    open_table(out, "ends", "Searches");
    hpx_buffer_puts(out,
                    HEAD "search</th>" HEAD "method</th>" HEAD "end</th>" NUMBER_HEAD "score</th>" NUMBER_HEAD
                         "SD</th>" NUMBER_HEAD "difference</th>" NUMBER_HEAD "relative cost</th>" NUMBER_HEAD
                         "cells</th>" NUMBER_HEAD "visits</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < page->outcome->search_count; i++)
        put_search(out, page, i);
    hpx_buffer_puts(out, "</tbody></table></div>\n<div id=\"paths\">\n");
    hpx_page_paths(page);
    hpx_page_put_figures(out, page, paths);
    hpx_buffer_puts(out, "</div>\n");
    const size_t progress = page->figure_count;
    hpx_page_limits(page);
    hpx_page_progress(page);
    hpx_page_put_figures(out, page, progress);
    hpx_buffer_puts(out, "</section>\n");
}

static void put_contest(hpx_buffer *out, hpx_page *page)
{
    const size_t from = page->figure_count;
    if (!page->contest)
        return;
    hpx_buffer_puts(out, "<section id=\"comparison\"><h2>Comparison</h2>\n");
    hpx_page_contest(page);
    hpx_page_put_figures(out, page, from);
    hpx_buffer_puts(out, "</section>\n");
}

/* --- cells -------------------------------------------------------------------------------------------------------- */

static void put_row(struct sheet *sheet, const hpx_page *page, uint32_t number)
{
    const hpx_recipe *recipe = page->recipe;
    const struct cell *cell = &page->cells[number];
    const int decimals = hpx_page_decimals(page);
    uint32_t indices[HPX_AXES_MAX];
    char hex[HPX_HASH_HEX_BYTES];
    hpx_grid_indices(indices, &recipe->grid, number);
    hpx_sheet_row(sheet, number);
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        hpx_sheet_setting(sheet, recipe->axes[axis].values[indices[axis]].text,
                          hpx_axis_is_numeric(&recipe->axes[axis]));
    if (cell->failed)
        hpx_sheet_setting(sheet, "failed", true);
    else
        hpx_sheet_number(sheet, decimals, cell->score);
    hpx_sheet_number(sheet, decimals, cell->sd);
    hpx_sheet_count(sheet, cell->seeds);
    hpx_sheet_count(sheet, cell->epochs);
    hpx_sheet_number(sheet, page->timed ? 2 : 0, page->costs[number]);
    hpx_sheet_code(sheet, hpx_hash_hex(hex, &cell->key), KEY_DIGITS);
    hpx_sheet_code(sheet, page->origins[cell->origin].version, CODE_DIGITS);
}

static void put_cells(hpx_buffer *out, const hpx_page *page)
{
    static const char *const numbers[] = {"score", "SD", "seeds", "epochs"};
    const hpx_recipe *recipe = page->recipe;
    struct sheet sheet;
    hpx_buffer_puts(out, "<section id=\"cells\"><h2>Cells</h2>\n");
    hpx_sheet_open(&sheet, out, "table", "Cells", hpx_page_cells(page));
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        hpx_sheet_head(&sheet, recipe->axes[axis].name, hpx_axis_is_numeric(&recipe->axes[axis]));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        hpx_sheet_head(&sheet, numbers[i], true);
    hpx_sheet_head(&sheet, page->timed ? "seconds" : "cost", true);
    hpx_sheet_head(&sheet, "key", false);
    hpx_sheet_head(&sheet, "code", false);
    for (uint32_t cell = 0; cell < page->count; cell++)
        if (page->cells[cell].values)
            put_row(&sheet, page, cell);
    hpx_sheet_close(&sheet);
    if (!page->timed)
        hpx_buffer_puts(out,
                        "<p class=\"note\">The cost is the multiplications of a forward pass, per sample. "
                        "The key is that of the first seed.</p>\n");
    hpx_buffer_puts(out, "</section>\n");
}

static void put_failed(hpx_buffer *out, const hpx_page *page)
{
    bool any = false;
    for (uint32_t i = 0; i < page->count; i++) {
        const struct cell *cell = &page->cells[i];
        if (!cell->failed)
            continue;
        if (!any)
            hpx_buffer_puts(out, "<section id=\"failed\"><h2>Failed cells</h2>\n<ul>\n");
        any = true;
        hpx_buffer_puts(out, "<li>");
        hpx_html_cell(out, page, i);
        hpx_buffer_printf(out, ": %zu of %zu seeds, the first in epoch %u: ", cell->failed,
                          page->recipe->seed_count, cell->failed_epoch);
        hpx_html_text(out, cell->failure);
        hpx_buffer_puts(out, "</li>\n");
    }
    if (any)
        hpx_buffer_puts(out, "</ul>\n</section>\n");
}

static void put_figures(hpx_buffer *out, hpx_page *page)
{
    if (page->best == NO_CELL) {
        hpx_buffer_puts(out,
                        "<p>No cell is stored with the recipe’s epochs, so there is nothing to draw.</p>\n");
        return;
    }
    hpx_buffer_puts(out, "<section id=\"results\"><h2>Results</h2>\n");
    hpx_page_space(page);
    hpx_page_surface(page, &page->figures[page->figure_count - 1]);
    hpx_page_grid(page);
    hpx_page_network(page);
    hpx_page_filters(page);
    hpx_page_cuts(page);
    hpx_page_slices(page);
    hpx_page_costs(page);
    hpx_page_distribution(page);
    hpx_page_epochs(page);
    hpx_page_cost_space(page);
    if (page->recipe->grid.axes > 2)
        hpx_page_parallel(page);
    hpx_page_put_figures(out, page, 0);
    hpx_buffer_puts(out, "</section>\n");
}

/* --- the frame ---------------------------------------------------------------------------------------------------- */

#define BODY "<body>"

static void put_digest(hpx_buffer *out, const unsigned char *bytes, size_t size)
{
    uint8_t sum[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof sum, sodium_base64_VARIANT_ORIGINAL)];
    crypto_hash_sha256(sum, bytes, size);
    hpx_buffer_printf(out, "'sha256-%s'",
                      sodium_bin2base64(text, sizeof text, sum, sizeof sum, sodium_base64_VARIANT_ORIGINAL));
}

static void put_head(hpx_buffer *out, const hpx_page *page)
{
    hpx_buffer_puts(out,
                    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src ");
    put_digest(out, hpx_page_script, hpx_page_script_size);
    hpx_buffer_puts(out, "; style-src ");
    put_digest(out, hpx_page_style, hpx_page_style_size);
    hpx_buffer_puts(out, "; img-src data:; base-uri 'none'; form-action 'none'\"/>\n"
                         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                         "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                         "<link rel=\"icon\" href=\"data:,\"/>\n<title>");
    hpx_html_text(out, page->recipe->path);
    hpx_buffer_puts(out, " – hpx report</title>\n<style>");
    hpx_buffer_add(out, hpx_page_style, hpx_page_style_size);
    hpx_buffer_puts(out, "</style>\n</head>\n" BODY "\n");
}

void hpx_page_write(hpx_buffer *out, hpx_page *page, const hpx_outcome *outcome)
{
    page->outcome = outcome && outcome->search_count ? outcome : NULL;
    hpx_page_conclude(page);
    put_head(out, page);
    hpx_buffer_puts(out, "<main>\n");
    hpx_page_summary(out, page);
    put_figures(out, page);
    put_searches(out, page);
    put_contest(out, page);
    hpx_page_images(out, page);
    put_cells(out, page);
    put_failed(out, page);
    hpx_page_timeline(out, page);
    hpx_page_provenance(out, page);
    hpx_buffer_puts(out, "</main>\n<script type=\"application/json\" id=\"data\">\n");
    hpx_page_data(out, page);
    hpx_buffer_puts(out, "</script>\n<script>");
    hpx_buffer_add(out, hpx_page_script, hpx_page_script_size);
    hpx_buffer_puts(out, "</script>\n</body>\n</html>\n");
}

void hpx_page_write_live(hpx_buffer *out, const hpx_buffer *written, unsigned seconds)
{
    const uint8_t *body = memmem(written->data, written->size, BODY, strlen(BODY));
    assert(body); /* before it are names, which have no "<", and the style */
    const size_t before = (size_t)(body - written->data);
    hpx_buffer_add(out, written->data, before);
    hpx_buffer_printf(out, "<body data-reload=\"%u\">", seconds);
    hpx_buffer_add(out, body + strlen(BODY), written->size - before - strlen(BODY));
}
