#include "nn/cnn_options.h"

#include <stdlib.h>
#include <string.h>

static const char *const paddings[] = {"same", "valid", NULL};
static const char *const poolings[] = {"max", "average", NULL};

/* The padding of a layer; else a count. */
enum { SAME = -1, VALID = -2 };

/* Each bound below falls or rises with each of these numbers alone, so that a grid that fits at its corners fits. */
const hpx_setting hpx_cnn_settings[HPX_CNN_SETTINGS] = {
    {"model", "filters", HPX_COUNTS(1, 65536), .empty = true, .help = "filters of each convolution"},
    {"model", "kernel", HPX_COUNTS(1, HPX_CNN_KERNEL_MAX), .fallback = "3", .per = "filters",
     .irregular = true, .help = "rows and columns of a filter"},
    {"model", "stride", HPX_COUNTS(1, 64), .fallback = "1", .per = "filters", .irregular = true,
     .help = "steps of a filter"},
    {"model", "padding", HPX_COUNTS(0, HPX_CNN_KERNEL_MAX - 1), .words = paddings, .fallback = "same",
     .per = "filters", .irregular = true, .help = "zeros around the images"},
    {"model", "pool", HPX_COUNTS(1, 256), .fallback = "2", .per = "filters", .irregular = true,
     .help = "window and step of the pooling behind a convolution, 1 for none"},
    {"model", "pooling", HPX_WORD(poolings), .fallback = "max", .help = "what a window becomes"},
    {"model", "hidden", HPX_COUNTS(1, 1048576), .fallback = "0", .empty = true,
     .help = "sizes of the hidden layers behind the convolutions"},
    HPX_OPTIONS_SETTINGS,
};

/* The settings of each convolution. */
struct lists {
    uint32_t filters[HPX_SETTING_LIST_MAX], kernel[HPX_SETTING_LIST_MAX], stride[HPX_SETTING_LIST_MAX],
        pool[HPX_SETTING_LIST_MAX];
    int padding[HPX_SETTING_LIST_MAX];
};

static uint32_t read_padding(int out[HPX_SETTING_LIST_MAX], const char *text)
{
    uint32_t count = 0;
    for (; *text; text += strcspn(text, " "), text += *text == ' ')
        out[count++] = *text == 's' ? SAME : *text == 'v' ? VALID : (int)strtol(text, NULL, 10);
    return count;
}

/* A manifest has as many values of each; returns how many. */
static hpx_status read_lists(struct lists *out, uint32_t *count, const hpx_fields *settings, hpx_error *error)
{
    *count = hpx_options_list(out->filters, settings, "model.filters");
    if (hpx_options_list(out->kernel, settings, "model.kernel") != *count ||
        hpx_options_list(out->stride, settings, "model.stride") != *count ||
        hpx_options_list(out->pool, settings, "model.pool") != *count ||
        read_padding(out->padding, hpx_fields_text_or_empty(settings, "model.padding")) != *count)
        return hpx_error_set(error, HPX_USAGE, "the lists of the convolutions are not of one length");
    return HPX_OK;
}

/* One side of an image: of `in` values, with zeros before and after it, how many sums there are. 0: there is no room
 * for one filter. */
static uint32_t sums_along(uint32_t *before, uint32_t *after, uint32_t in, const hpx_convolution *c,
                           int padding)
{
    if (padding == SAME) {
        const uint32_t out = (in - 1) / c->stride + 1, needed = (out - 1) * c->stride + c->kernel;
        const uint32_t zeros = needed > in ? needed - in : 0;
        *before = zeros / 2;
        *after = zeros - zeros / 2;
        return out;
    }
    *before = *after = padding == VALID ? 0 : (uint32_t)padding;
    const uint32_t padded = in + 2 * *before;
    return padded >= c->kernel ? (padded - c->kernel) / c->stride + 1 : 0;
}

static hpx_status no_room(hpx_error *error, uint32_t layer, const char *what, uint32_t window,
                          hpx_images_size images)
{
    return hpx_error_set(error, HPX_USAGE, "layer %u: %s%u x %u does not fit %u x %u images", layer + 1, what,
                         window, window, images.height, images.width);
}

/* From the size of its inputs on. */
static hpx_status set_convolution(hpx_convolution *c, uint32_t layer, int padding, hpx_error *error)
{
    if (padding >= (int)c->kernel)
        return hpx_error_set(error, HPX_USAGE, "layer %u: padding %d is too wide for filters of %u x %u",
                             layer + 1, padding, c->kernel, c->kernel);
    c->sums.height = sums_along(&c->top, &c->bottom, c->in.height, c, padding);
    c->sums.width = sums_along(&c->left, &c->right, c->in.width, c, padding);
    c->sums.channels = c->filters;
    if (c->sums.height == 0 || c->sums.width == 0)
        return no_room(error, layer, "", c->kernel, c->in);
    c->out = (hpx_images_size){c->sums.height / c->pool, c->sums.width / c->pool, c->filters};
    if (c->out.height == 0 || c->out.width == 0)
        return no_room(error, layer, "pooling of ", c->pool, c->sums);
    /* So many that products of them and others cannot overflow. */
    if ((uint64_t)c->sums.height * c->sums.width > UINT32_MAX / c->filters)
        return hpx_error_set(error, HPX_USAGE, "layer %u: too many values, %u x %u x %u", layer + 1,
                             c->sums.height, c->sums.width, c->filters);
    return HPX_OK;
}

/* Rows and columns of zeros are in no data set: an image of one row is a list of features. */
static hpx_status check_samples(const hpx_sample_shape *samples, hpx_error *error)
{
    if (samples->channels == 0)
        return hpx_error_set(error, HPX_USAGE, "the height and width of the images are not known");
    if (samples->height == 1)
        return hpx_error_set(
            error, HPX_USAGE,
            "a convolution needs images of height and width, in IDX files of 3 or 4 dimensions, "
            "and the data set has rows of %u values",
            samples->features);
    return HPX_OK;
}

hpx_status hpx_cnn_options_shape(hpx_cnn_shape *out, const hpx_fields *settings,
                                 const hpx_sample_shape *samples, hpx_error *error)
{
    struct lists lists;
    const bool average = strcmp(hpx_fields_text_or_empty(settings, "model.pooling"), "average") == 0;
    *out = (hpx_cnn_shape){.convolutions = 0};
    hpx_status status = read_lists(&lists, &out->convolutions, settings, error);
    if (!status && out->convolutions > 0)
        status = check_samples(samples, error);
    hpx_images_size size = {samples->height, samples->width, samples->channels};
    for (uint32_t l = 0; l < out->convolutions && !status; l++) {
        out->convolution[l] = (hpx_convolution){.in = size,
                                                .filters = lists.filters[l],
                                                .kernel = lists.kernel[l],
                                                .stride = lists.stride[l],
                                                .pool = lists.pool[l],
                                                .average = average};
        status = set_convolution(&out->convolution[l], l, lists.padding[l], error);
        size = out->convolution[l].out;
    }
    if (status)
        return status;
    const uint32_t inputs =
        out->convolutions > 0 ? size.height * size.width * size.channels : samples->features;
    out->dense.sizes[0] = inputs;
    out->dense.layers = hpx_options_list(out->dense.sizes + 1, settings, "model.hidden") + 1;
    out->dense.sizes[out->dense.layers] = samples->classes;
    return HPX_OK;
}
