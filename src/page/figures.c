/* The figures of a page: drawn one after the other, then put into the page or written as files. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>

struct figure *hpx_page_add_figure(hpx_page *page, const char *id, const char *heading)
{
    page->figures =
        hpx_grow(page->figures, &page->figure_capacity, page->figure_count + 1, sizeof *page->figures);
    struct figure *figure = &page->figures[page->figure_count++];
    *figure = (struct figure){.heading = hpx_strdup(heading)};
    hpx_print(figure->id, sizeof figure->id, "%s", id);
    return figure;
}

struct figure *hpx_page_add_numbered(hpx_page *page, const char *kind, size_t number, const char *heading,
                                     const char *name)
{
    char *whole = hpx_format("%s %s", heading, name);
    struct figure *figure = hpx_page_add_figure(page, kind, whole);
    hpx_print(figure->id, sizeof figure->id, "%s-%zu", kind, number);
    figure->word = name;
    free(whole);
    return figure;
}

void hpx_figure_add_view(struct figure *figure, const char *name, const char *word, hpx_svg *svg)
{
    struct view *view = &figure->views[figure->view_count++];
    view->name = name;
    view->word = word;
    hpx_svg_finish(&view->svg, svg);
}

void hpx_figure_say(struct figure *figure, const char *html)
{
    hpx_buffer_puts(&figure->caption, html);
}

void hpx_figure_open_sheet(struct sheet *sheet, struct figure *figure, size_t rows)
{
    char *label = hpx_format("%s, as numbers", figure->heading);
    hpx_sheet_open(sheet, &figure->numbers, NULL, label, rows);
    free(label);
}

void hpx_page_free_figures(hpx_page *page)
{
    for (size_t i = 0; i < page->figure_count; i++) {
        struct figure *figure = &page->figures[i];
        for (size_t k = 0; k < figure->view_count; k++)
            hpx_buffer_free(&figure->views[k].svg);
        free(figure->heading);
        hpx_buffer_free(&figure->body);
        hpx_buffer_free(&figure->file);
        hpx_buffer_free(&figure->caption);
        hpx_buffer_free(&figure->numbers);
    }
    free(page->figures);
    page->figures = NULL;
    page->figure_count = page->figure_capacity = 0;
}

/* --- in the page -------------------------------------------------------------------------------------------------- */

/* The first way to look at it is seen until the script lets people choose. */
static void put_views(hpx_buffer *out, const struct figure *figure)
{
    for (size_t i = 0; i < figure->view_count; i++) {
        const struct view *view = &figure->views[i];
        hpx_buffer_puts(out, i ? "<div class=\"view other\"" : "<div class=\"view\"");
        if (figure->view_count > 1)
            hpx_buffer_printf(out, " data-view=\"%s\" data-name=\"%s\"", view->word, view->name);
        hpx_buffer_puts(out, ">\n");
        hpx_buffer_add(out, view->svg.data, view->svg.size);
        hpx_buffer_puts(out, "</div>\n");
    }
}

static void put_figure(hpx_buffer *out, const struct figure *figure)
{
    hpx_buffer_printf(out, "<figure id=\"%s\"%s%s aria-labelledby=\"%s-name\">\n<h3 id=\"%s-name\">",
                      figure->id, figure->wide ? " class=\"wide\"" : "",
                      figure->silent ? " aria-hidden=\"true\"" : "", figure->id, figure->id);
    hpx_html_text(out, figure->heading);
    hpx_buffer_puts(out, "</h3>\n");
    put_views(out, figure);
    hpx_buffer_add(out, figure->body.data, figure->body.size);
    hpx_buffer_puts(out, "<figcaption>");
    hpx_buffer_add(out, figure->caption.data, figure->caption.size);
    hpx_buffer_puts(out, "</figcaption>\n");
    if (figure->numbers.size) {
        hpx_buffer_puts(out, "<details><summary>Numbers</summary>\n");
        hpx_buffer_add(out, figure->numbers.data, figure->numbers.size);
        hpx_buffer_puts(out, "</details>\n");
    }
    hpx_buffer_puts(out, "</figure>\n");
}

void hpx_page_put_figures(hpx_buffer *out, const hpx_page *page, size_t from)
{
    if (from == page->figure_count)
        return;
    hpx_buffer_puts(out, "<div class=\"figures\">\n");
    for (size_t i = from; i < page->figure_count; i++)
        put_figure(out, &page->figures[i]);
    hpx_buffer_puts(out, "</div>\n");
}

/* --- as files ------------------------------------------------------------------------------------------------------ */

/* "path-3-partial-l2.svg", "costs-linear.svg": what a recipe may call axes and searches may stand in the name of a file. */
static char *file_name(const struct figure *figure, const char *view)
{
    return hpx_format("%s%s%s%s%s.svg", figure->id, figure->word ? "-" : "", figure->word ? figure->word : "",
                      view ? "-" : "", view ? view : "");
}

static hpx_status give(const struct figure *figure, const char *view, const hpx_buffer *svg,
                       hpx_figure_fn *each, void *context, hpx_error *error)
{
    if (svg->size == 0)
        return HPX_OK;
    char *name = file_name(figure, view);
    const hpx_status status = each(context, name, svg, error);
    free(name);
    return status;
}

hpx_status hpx_page_each_figure(const hpx_page *page, hpx_figure_fn *each, void *context, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < page->figure_count && !status; i++) {
        const struct figure *figure = &page->figures[i];
        status = give(figure, NULL, &figure->file, each, context, error);
        for (size_t k = 0; k < figure->view_count && !status; k++)
            status =
                give(figure, k ? figure->views[k].word : NULL, &figure->views[k].svg, each, context, error);
    }
    return status;
}
