/* The network of the best cell, layer by layer: of each a few units, and what connects them. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>

enum {
    UNITS = 6,       /* of a layer, that are drawn */
    LAYERS_MAX = 12, /* that can be told apart */
    HEIGHT_OF = 190,
};

/* Where a unit of so many that are drawn stands, 0 at the bottom and 1 at the top. A layer that has more leaves a gap in its middle. */
static double place_of(size_t unit, size_t drawn, bool gap)
{
    const double step = 1.0 / UNITS, middle = ((double)drawn - 1) / 2;
    const double beside = gap ? (unit < drawn / 2 ? -0.5 : 0.5) : 0;
    return 0.5 + ((double)unit - middle + beside) * step;
}

static size_t drawn_of(uint32_t size)
{
    return size < UNITS ? size : UNITS;
}

/* Every unit of a layer with every one of the next, as one line that breaks between them. */
static void connect(hpx_svg *svg, const hpx_svg_plot *plot, size_t layer, uint32_t size, uint32_t next)
{
    const size_t from = drawn_of(size), to = drawn_of(next);
    double *x = hpx_alloc(3 * from * to * sizeof *x), *y = hpx_alloc(3 * from * to * sizeof *y);
    size_t count = 0;
    for (size_t i = 0; i < from * to; i++) {
        x[count] = (double)layer;
        y[count++] = place_of(i / to, from, size > UNITS);
        x[count] = (double)layer + 1;
        y[count++] = place_of(i % to, to, next > UNITS);
        x[count] = y[count] = NAN;
        count++;
    }
    hpx_svg_faint_line(svg, plot, 0, x, y, count);
    free(x);
    free(y);
}

static char *name_of(size_t layer, size_t count)
{
    return layer == 0           ? hpx_strdup("inputs")
           : layer + 1 == count ? hpx_strdup("classes")
                                : hpx_format("hidden %zu", layer);
}

static void put_layer(hpx_svg *svg, const hpx_svg_plot *plot, size_t layer, size_t count, uint32_t size)
{
    const size_t drawn = drawn_of(size);
    const double left = plot->left + plot->width * (double)layer / (double)(count - 1);
    double x[UNITS], y[UNITS];
    char *name = name_of(layer, count), *text = hpx_format("%u", size);
    for (size_t i = 0; i < drawn; i++) {
        x[i] = (double)layer;
        y[i] = place_of(i, drawn, size > UNITS);
    }
    hpx_svg_points(svg, plot, 0, x, y, drawn);
    if (size > UNITS)
        hpx_svg_text(svg, left, plot->top + plot->height / 2 + 4, HPX_SVG_MIDDLE, "⋮");
    hpx_svg_text(svg, left, plot->top + plot->height + 24, HPX_SVG_MIDDLE, text);
    hpx_svg_text(svg, left, plot->top + plot->height + 42, HPX_SVG_MIDDLE, name);
    free(text);
    free(name);
}

static hpx_svg *draw(const hpx_page *page)
{
    const size_t count = page->layer_count;
    const hpx_svg_plot plot = {
        .left = LEFT,
        .top = TOP,
        .width = WIDTH - 2 * LEFT,
        .height = HEIGHT_OF,
        .x = {.from = 0, .to = (double)count - 1},
        .y = {.from = 0, .to = 1},
    };
    hpx_svg *svg =
        hpx_svg_new(WIDTH, TOP + HEIGHT_OF + 56, "Network", "The layers of the best cell’s network.");
    for (size_t layer = 0; layer + 1 < count; layer++)
        connect(svg, &plot, layer, page->layers[layer], page->layers[layer + 1]);
    for (size_t layer = 0; layer < count; layer++)
        put_layer(svg, &plot, layer, count, page->layers[layer]);
    return svg;
}

static void put_numbers(struct figure *figure, const hpx_page *page)
{
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, page->layer_count);
    hpx_sheet_head(&sheet, "layer", false);
    hpx_sheet_head(&sheet, "units", true);
    hpx_sheet_head(&sheet, "weights to it", true);
    for (size_t layer = 0; layer < page->layer_count; layer++) {
        char *name = name_of(layer, page->layer_count);
        hpx_sheet_row(&sheet, NO_CELL);
        hpx_sheet_name(&sheet, name);
        hpx_sheet_count(&sheet, page->layers[layer]);
        hpx_sheet_count(&sheet, layer ? (uint64_t)page->layers[layer - 1] * page->layers[layer] : 0);
        free(name);
    }
    hpx_sheet_close(&sheet);
}

void hpx_page_network(hpx_page *page)
{
    if (page->layer_count < 2)
        return;
    struct figure *figure = hpx_page_add_figure(page, "network", "Network");
    if (page->layer_count <= LAYERS_MAX)
        hpx_figure_add_view(figure, NULL, NULL, draw(page));
    else
        hpx_figure_say(figure, "It has too many layers to be drawn; its numbers are below. ");
    hpx_figure_say(figure,
                   "The best cell’s network. Every unit of a layer is connected with all of the next one; of "
                   "a large layer six units are drawn.");
    put_numbers(figure, page);
}

void hpx_page_set_layers(hpx_page *page, const uint32_t *sizes, size_t count)
{
    page->layer_count = count;
    for (size_t i = 0; i < count; i++)
        page->layers[i] = sizes[i];
}
