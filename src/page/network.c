/* The network of the best cell, layer by layer: of each a few units, what connects them, and what each layer costs. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    UNITS = 6,        /* of a layer, that are drawn */
    LAYERS_MAX = 12,  /* that can be told apart */
    NAMES_BESIDE = 5, /* names of so many layers have room beside each other */
    NAMES_STEP = 36,  /* of more, every other one is lower by so much */
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

static bool is_of_maps(const hpx_network_layer *layer)
{
    return layer->height > 1 || layer->width > 1;
}

/* "inputs", "convolution 2", "dense 1": the layers of a kind are numbered from 1. */
static char *name_of(const hpx_page *page, size_t layer)
{
    const char *kind = page->layers[layer].cost.kind;
    size_t number = 0;
    for (size_t i = 1; i <= layer; i++)
        number += strcmp(page->layers[i].cost.kind, kind) == 0;
    return kind ? hpx_format("%s %zu", kind, number) : hpx_strdup("inputs");
}

/* "128", "32 × 14 × 14" */
static char *size_of(const hpx_network_layer *layer)
{
    return is_of_maps(layer) ? hpx_format("%u × %u × %u", layer->units, layer->height, layer->width)
                             : hpx_format("%u", layer->units);
}

static void put_layer(hpx_svg *svg, const hpx_svg_plot *plot, const hpx_page *page, size_t number)
{
    const hpx_network_layer *layer = &page->layers[number];
    const size_t drawn = drawn_of(layer->units);
    const double left = plot->left + plot->width * (double)number / (double)(page->layer_count - 1);
    const double below =
        plot->top + plot->height + (page->layer_count > NAMES_BESIDE && number % 2 ? NAMES_STEP : 0);
    double x[UNITS], y[UNITS];
    char *name = name_of(page, number), *text = size_of(layer);
    for (size_t i = 0; i < drawn; i++) {
        x[i] = (double)number;
        y[i] = place_of(i, drawn, layer->units > UNITS);
    }
    hpx_svg_points(svg, plot, is_of_maps(layer), x, y, drawn);
    if (layer->units > UNITS)
        hpx_svg_text(svg, left, plot->top + plot->height / 2 + 4, HPX_SVG_MIDDLE, "⋮");
    hpx_svg_text(svg, left, below + 24, HPX_SVG_MIDDLE, text);
    hpx_svg_text(svg, left, below + 42, HPX_SVG_MIDDLE, name);
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
    hpx_svg *svg = hpx_svg_new(WIDTH, TOP + HEIGHT_OF + 56 + (count > NAMES_BESIDE ? NAMES_STEP : 0),
                               "Network", "The layers of the best cell’s network.");
    for (size_t layer = 0; layer + 1 < count; layer++)
        connect(svg, &plot, layer, page->layers[layer].units, page->layers[layer + 1].units);
    for (size_t layer = 0; layer < count; layer++)
        put_layer(svg, &plot, page, layer);
    return svg;
}

static void put_row(struct sheet *sheet, const char *name, const char *size, uint64_t weights,
                    uint64_t forward, uint64_t training)
{
    hpx_sheet_row(sheet, NO_CELL);
    hpx_sheet_name(sheet, name);
    hpx_sheet_setting(sheet, size, true);
    hpx_sheet_count(sheet, weights);
    hpx_sheet_count(sheet, forward);
    hpx_sheet_count(sheet, training);
}

static void put_numbers(struct figure *figure, const hpx_page *page)
{
    struct sheet sheet;
    hpx_network_layer all = {0};
    hpx_figure_open_sheet(&sheet, figure, page->layer_count + 1);
    hpx_sheet_head(&sheet, "layer", false);
    hpx_sheet_head(&sheet, "gives", true);
    hpx_sheet_head(&sheet, "weights and biases", true);
    hpx_sheet_head(&sheet, "multiplications forward", true);
    hpx_sheet_head(&sheet, "in training", true);
    for (size_t i = 0; i < page->layer_count; i++) {
        const hpx_network_layer *layer = &page->layers[i];
        char *name = name_of(page, i), *size = size_of(layer);
        put_row(&sheet, name, size, layer->weights, layer->cost.forward, layer->cost.training);
        all.weights += layer->weights;
        all.cost.forward += layer->cost.forward;
        all.cost.training += layer->cost.training;
        free(size);
        free(name);
    }
    put_row(&sheet, "all", "", all.weights, all.cost.forward, all.cost.training);
    hpx_sheet_close(&sheet);
}

void hpx_page_network(hpx_page *page)
{
    bool maps = false;
    if (page->layer_count < 2)
        return;
    for (size_t i = 0; i < page->layer_count; i++)
        maps = maps || is_of_maps(&page->layers[i]);
    struct figure *figure = hpx_page_add_figure(page, "network", "Network");
    if (page->layer_count <= LAYERS_MAX)
        hpx_figure_add_view(figure, NULL, NULL, draw(page));
    else
        hpx_figure_say(figure, "It has too many layers to be drawn; its numbers are below. ");
    hpx_figure_say(figure,
                   "The best cell’s network. Every unit of a layer is connected with all of the next one; of "
                   "a large layer six units are drawn. ");
    if (maps)
        hpx_figure_say(figure,
                       "A unit of a convolution is a map, after pooling: “32 × 14 × 14” is 32 maps of "
                       "14 by 14 values. ");
    hpx_figure_say(figure, "Its numbers have the multiplications of each layer, per sample: of a forward "
                           "pass, and of a step of training.");
    put_numbers(figure, page);
}

void hpx_page_set_layers(hpx_page *page, const hpx_network_layer *layers, size_t count)
{
    page->layer_count = count;
    memcpy(page->layers, layers, count * sizeof *layers);
}
