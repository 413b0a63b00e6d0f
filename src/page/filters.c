/* The filters of a convolutional network's first layer, as pictures. */
#include "inside.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum {
    SHOWN = 64, /* filters */
    IN_ROW = 8,
    SIDE = 44, /* of a picture, about: a weight is a square of whole pixels */
    STEP_X = SIDE + 14,
    STEP_Y = SIDE + 26,
};

/* Their weights: filter, channel, row, column. */
struct filters {
    float *weights;
    uint32_t count, channels, kernel;
    float largest; /* without its sign, of all that are there */
};

/* False: the network does not begin with filters. */
static bool read_filters(struct filters *out, const hpx_network *network)
{
    hpx_tensor first;
    *out = (struct filters){.weights = NULL};
    if (!hpx_network_tensor(&first, network, 0) || first.dimensions != 4)
        return false;
    const size_t count = hpx_tensor_count(&first);
    *out = (struct filters){.weights = hpx_alloc(count * sizeof *out->weights),
                            .count = first.sizes[0],
                            .channels = first.sizes[1],
                            .kernel = first.sizes[2]};
    hpx_network_read(out->weights, network, 0);
    for (size_t i = 0; i < count; i++)
        out->largest = fmaxf(out->largest, fabsf(out->weights[i]));
    return true;
}

static float weight_at(const struct filters *filters, size_t filter, size_t channel, size_t row,
                       size_t column)
{
    const size_t k = filters->kernel;
    return filters->weights[((filter * filters->channels + channel) * k + row) * k + column];
}

/* A weight as a brightness: 0 is the one in the middle, 128. */
static uint8_t brightness(const struct filters *filters, float weight)
{
    return filters->largest > 0 ? (uint8_t)lroundf(128 + 127 * weight / filters->largest) : 128;
}

/* A filter, each weight `scale` x `scale` pixels, and a frame of one pixel around them, so that white is seen on white. */
static void paint(uint8_t *pixels, const struct filters *filters, size_t filter, uint32_t scale)
{
    const size_t side = (size_t)filters->kernel * scale;
    for (size_t y = 0; y < side + 2; y++)
        for (size_t x = 0; x < side + 2; x++)
            for (size_t c = 0; c < filters->channels; c++)
                *pixels++ =
                    y % (side + 1) && x % (side + 1)
                        ? brightness(filters, weight_at(filters, filter, c, (y - 1) / scale, (x - 1) / scale))
                        : 128;
}

static char *words_of(const struct filters *filters, size_t filter)
{
    const size_t size = (size_t)filters->channels * filters->kernel * filters->kernel;
    const float *weights = filters->weights + filter * size;
    float least = weights[0], greatest = weights[0];
    for (size_t i = 1; i < size; i++) {
        least = fminf(least, weights[i]);
        greatest = fmaxf(greatest, weights[i]);
    }
    return hpx_format("filter %zu: weights from %.4f to %.4f", filter, (double)least, (double)greatest);
}

static void put_pictures(struct figure *figure, const struct filters *filters, size_t shown)
{
    const uint32_t scale = (SIDE + filters->kernel - 1) / filters->kernel, side = filters->kernel * scale + 2;
    const size_t rows = (shown + IN_ROW - 1) / IN_ROW, bytes = (size_t)side * side * filters->channels;
    uint8_t *pixels = hpx_alloc(bytes);
    hpx_svg *svg = hpx_svg_new(IN_ROW * STEP_X + TOP, (double)rows * STEP_Y + TOP, figure->heading,
                               "A picture of the weights of each filter.");
    hpx_buffer_puts(&figure->body, "<ul class=\"pictures\">\n");
    for (size_t i = 0; i < shown; i++) {
        const struct picture picture = {pixels, side, side, filters->channels};
        const double left = TOP + STEP_X * (double)(i % IN_ROW),
                     top = TOP / 2.0 + STEP_Y * (double)(i / IN_ROW);
        char *words = words_of(filters, i), *number = hpx_format("%zu", i);
        paint(pixels, filters, i, scale);
        hpx_buffer_puts(&figure->body, "<li>");
        hpx_figure_put_picture(figure, svg, left, top, &picture, SIDE, words);
        hpx_svg_text(svg, left + SIDE / 2.0, top + SIDE + 14, HPX_SVG_MIDDLE, number);
        hpx_buffer_printf(&figure->body, "<span>%s</span></li>\n", number);
        free(number);
        free(words);
    }
    hpx_buffer_puts(&figure->body, "</ul>\n");
    hpx_svg_finish(&figure->file, svg);
    free(pixels);
}

/* A row for each row of each filter's weights. */
static void put_numbers(struct figure *figure, const struct filters *filters, size_t shown)
{
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, shown * filters->channels * filters->kernel);
    hpx_sheet_head(&sheet, "filter", false);
    hpx_sheet_head(&sheet, "channel", true);
    hpx_sheet_head(&sheet, "row", true);
    for (uint32_t column = 0; column < filters->kernel; column++) {
        char *name = hpx_format("column %u", column);
        hpx_sheet_head(&sheet, name, true);
        free(name);
    }
    for (size_t i = 0; i < shown * filters->channels * filters->kernel; i++) {
        const size_t filter = i / filters->kernel / filters->channels,
                     channel = i / filters->kernel % filters->channels, row = i % filters->kernel;
        char *number = hpx_format("%zu", filter);
        hpx_sheet_row(&sheet, NO_CELL);
        hpx_sheet_name(&sheet, number);
        hpx_sheet_count(&sheet, channel);
        hpx_sheet_count(&sheet, row);
        for (size_t column = 0; column < filters->kernel; column++)
            hpx_sheet_number(&sheet, 4, (double)weight_at(filters, filter, channel, row, column));
        free(number);
    }
    hpx_sheet_close(&sheet);
}

static void add_filters(hpx_page *page, const struct filters *filters)
{
    const size_t shown = filters->count < SHOWN ? filters->count : SHOWN;
    struct figure *figure = hpx_page_add_figure(page, "filters", "Filters of the first layer");
    if (filters->channels == 1 || filters->channels == 3)
        put_pictures(figure, filters, shown);
    hpx_page_put_whose(&figure->caption, page->pictures);
    hpx_buffer_printf(&figure->caption, " begins with %u filters of %u by %u weights", filters->count,
                      filters->kernel, filters->kernel);
    if (filters->channels != 1)
        hpx_buffer_printf(&figure->caption, " for each of %u channels", filters->channels);
    if (shown < filters->count)
        hpx_buffer_printf(&figure->caption, ", of which the first %zu are shown", shown);
    if (filters->channels == 1)
        hpx_buffer_printf(&figure->caption, ". Black is −%.4f, the grey in the middle 0, white %.4f.",
                          (double)filters->largest, (double)filters->largest);
    else if (filters->channels == 3)
        hpx_buffer_printf(&figure->caption,
                          ". The channels are red, green and blue: none of a colour is −%.4f, half of it 0, "
                          "all of it %.4f.",
                          (double)filters->largest, (double)filters->largest);
    else
        hpx_figure_say(figure, ". Of so many channels there are no pictures; the numbers are below.");
    put_numbers(figure, filters, shown);
}

void hpx_page_filters(hpx_page *page)
{
    struct filters filters;
    if (!page->pictures || !page->pictures->network)
        return;
    if (read_filters(&filters, page->pictures->network))
        add_filters(page, &filters);
    free(filters.weights);
}
