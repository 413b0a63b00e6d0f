/* The head of the page: what the recipe is, and in a sentence or two each which cell is best, how sure that is, at what cost
 * and by which code. */
#include "inside.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

static void put_recipe(hpx_buffer *out, const hpx_page *page)
{
    const hpx_recipe *recipe = page->recipe;
    const uint32_t stored = hpx_page_cells(page);
    hpx_buffer_puts(out, "<h1>");
    hpx_html_text(out, recipe->path);
    hpx_buffer_puts(out, "</h1>\n<p>");
    hpx_html_text(out, recipe->objective.name);
    hpx_buffer_printf(out, " over %u %s of ", page->count, hpx_plural(page->count, "cell", "cells"));
    for (size_t axis = 0; axis < recipe->grid.axes; axis++) {
        hpx_buffer_puts(out, axis ? " × " : "");
        hpx_html_text(out, recipe->axes[axis].name);
        hpx_buffer_printf(out, " (%u)", recipe->axes[axis].count);
    }
    hpx_buffer_printf(out, ", %u %s, %zu %s; ", recipe->epochs, hpx_plural(recipe->epochs, "epoch", "epochs"),
                      recipe->seed_count, hpx_plural(recipe->seed_count, "seed", "seeds"));
    if (stored == page->count)
        hpx_buffer_puts(out, "all cells are stored.</p>\n");
    else
        hpx_buffer_printf(out, "%u %s stored.</p>\n", stored, hpx_plural(stored, "cell is", "cells are"));
}

static void put_which(hpx_buffer *out, const hpx_page *page)
{
    hpx_buffer_puts(out, "The best cell is ");
    hpx_html_cell(out, page, page->best);
    hpx_buffer_puts(out, " with ");
    hpx_html_text(out, page->recipe->objective.name);
    hpx_buffer_puts(out, " ");
    hpx_text_decimals(out, page->cells[page->best].score, hpx_page_decimals(page));
    hpx_buffer_puts(out, ".");
}

/* Cells that are within two standard errors of the best, of those with a score. */
static uint32_t count_rivals(const hpx_page *page, uint32_t *others)
{
    uint32_t rivals = 0;
    *others = 0;
    for (uint32_t cell = 0; cell < page->count; cell++) {
        if (cell == page->best || isnan(page->cells[cell].score))
            continue;
        ++*others;
        rivals += !hpx_page_is_above(&page->cells[page->best], &page->cells[cell]);
    }
    return rivals;
}

static void put_spread(hpx_buffer *out, const hpx_page *page)
{
    const struct cell *best = &page->cells[page->best];
    const int decimals = hpx_page_decimals(page) + 1;
    uint32_t others;
    const uint32_t rivals = count_rivals(page, &others);
    if (isnan(best->sd)) {
        hpx_buffer_puts(out, "It has one seed, so how much of its score is chance is not known.");
        return;
    }
    hpx_buffer_printf(
        out,
        "That is the mean of %zu seeds, with a standard deviation of %.*f and a standard error of "
        "%.*f. ",
        best->seeds, decimals, best->sd, decimals, best->sd / sqrt((double)best->seeds));
    if (others > 0 && rivals == 0)
        hpx_buffer_printf(out, "None of the other %u cells is within two standard errors of it.", others);
    else if (others > 0)
        hpx_buffer_printf(out, "Of the other %u cells %u %s within two standard errors of it.", others,
                          rivals, hpx_plural(rivals, "is", "are"));
}

static void put_how_sure(hpx_buffer *out, const hpx_page *page)
{
    put_spread(out, page);
    if (hpx_page_cells(page) < page->count)
        hpx_buffer_puts(out, " Not all cells are stored; a better one may be among the others.");
    if (hpx_metric_is_of_test(page->recipe->objective.name))
        hpx_buffer_puts(out, " Cells were selected by a test metric, so their scores are optimistic.");
}

static double whole_cost(const hpx_page *page)
{
    double whole = 0;
    for (uint32_t cell = 0; cell < page->count; cell++)
        whole += isnan(page->costs[cell]) ? 0 : page->costs[cell];
    return whole;
}

/* The search that ends in the best cell for the least; NULL: none does. */
static const hpx_search_outcome *cheapest_to_best(const hpx_page *page)
{
    const hpx_search_outcome *cheapest = NULL;
    for (size_t i = 0; page->outcome && i < page->outcome->search_count; i++) {
        const hpx_search_outcome *search = &page->outcome->searches[i];
        if (search->done && search->result.end == page->best &&
            (!cheapest || search->relative_cost < cheapest->relative_cost))
            cheapest = search;
    }
    return cheapest;
}

/* 43,672,128 */
static void put_grouped(hpx_buffer *out, uint64_t count)
{
    if (count >= 1000) {
        put_grouped(out, count / 1000);
        hpx_buffer_printf(out, ",%03u", (unsigned)(count % 1000));
    } else {
        hpx_buffer_printf(out, "%u", (unsigned)count);
    }
}

static void put_cost(hpx_buffer *out, const hpx_page *page)
{
    const struct cell *best = &page->cells[page->best];
    const double cost = page->costs[page->best], whole = whole_cost(page);
    const hpx_search_outcome *search = cheapest_to_best(page);
    hpx_buffer_printf(out, "It took %.3g seconds of training", best->seconds);
    if (!page->timed) {
        hpx_buffer_puts(out, " and takes ");
        put_grouped(out, (uint64_t)cost);
        hpx_buffer_puts(out, " multiplications for each sample");
    }
    if (whole > 0)
        hpx_buffer_printf(out, ", %.*f %% of those of all cells%s", cost < 0.1 * whole ? 2 : 0,
                          100 * cost / whole,
                          page->timed && hpx_page_cells(page) < page->count ? " that are stored" : "");
    hpx_buffer_puts(out, ".");
    if (search) {
        hpx_buffer_puts(out, " The search ");
        hpx_html_text(out, search->search->name);
        hpx_buffer_printf(out, " finds it in %zu %s, for %.3g %% of the cost of the grid.",
                          search->visit_count, hpx_plural(search->visit_count, "visit", "visits"),
                          100 * search->relative_cost);
    } else if (page->outcome) {
        hpx_buffer_puts(out, " No search of the recipe ends there.");
    }
}

static bool is_mixed(const hpx_page *page)
{
    for (size_t i = 1; i < page->origin_count; i++)
        if (strcmp(page->origins[i].version, page->origins[0].version) != 0)
            return true;
    return false;
}

static void put_code(hpx_buffer *out, const hpx_page *page)
{
    const struct origin *origin = &page->origins[page->cells[page->best].origin];
    if (*origin->version)
        hpx_buffer_printf(out, "Code version <code>%.*s</code>", CODE_DIGITS, origin->version);
    else
        hpx_buffer_puts(out, "The store has lost which code made it");
    if (*origin->describe) {
        hpx_buffer_puts(out, ", commit ");
        hpx_html_text(out, origin->describe);
        hpx_buffer_puts(out, origin->dirty ? " with uncommitted edits" : ", clean");
    }
    hpx_buffer_puts(out, is_mixed(page) ? "; other cells have other versions. " : ". ");
    hpx_buffer_puts(out, "See <a href=\"#provenance\">Provenance</a>.");
}

void hpx_page_summary(hpx_buffer *out, const hpx_page *page)
{
    static const struct {
        const char *question, *class;
        void (*put)(hpx_buffer *out, const hpx_page *page);
    } answers[] = {
        {"Which", "answer", put_which},
        {"How sure", "note", put_how_sure},
        {"At what cost", "note", put_cost},
        {"By which code", "note", put_code},
    };
    hpx_buffer_puts(out, "<header>");
    put_recipe(out, page);
    if (page->best != NO_CELL) {
        hpx_buffer_puts(out, "<dl>\n");
        for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
            hpx_buffer_printf(out, "<dt>%s</dt><dd class=\"%s\">", answers[i].question, answers[i].class);
            answers[i].put(out, page);
            hpx_buffer_puts(out, "</dd>\n");
        }
        hpx_buffer_puts(out, "</dl>\n");
    }
    hpx_buffer_puts(out, "</header>\n");
}
