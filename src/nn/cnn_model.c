#include "nn/cnn_model.h"

#include "nn/cnn.h"
#include "nn/cnn_options.h"

#define EVALUATED 128 /* samples at once */

static hpx_status set_shape(void *network, const hpx_fields *settings, const hpx_sample_shape *samples,
                            hpx_error *error)
{
    return hpx_cnn_options_shape(&((hpx_cnn *)network)->shape, settings, samples, error);
}

/* The numbers of a checkpoint: height, width and channels of the images (none of them 0 unless there are no
 * convolutions), convolutions; for each of them filters, kernel, stride, rows of zeros at the top, columns at the left,
 * rows at the bottom, columns at the right, pool, 1 for the average or 0 for the largest; sizes of the dense
 * layers: inputs, hidden layers, classes. */
enum { BEFORE = 4, OF_CONVOLUTION = 9 };
_Static_assert(BEFORE + OF_CONVOLUTION * HPX_CNN_CONVOLUTIONS_MAX + HPX_MLP_LAYERS_MAX + 1 <
                   HPX_CHECKPOINT_NUMBERS_MAX,
               "room for the numbers of every network");

static void describe(hpx_checkpoint *out, const void *network)
{
    const hpx_cnn_shape *shape = &((const hpx_cnn *)network)->shape;
    const hpx_images_size in = shape->convolution[0].in;
    const uint32_t first[BEFORE] = {in.height, in.width, in.channels, shape->convolutions};
    uint32_t *to = out->numbers;
    for (uint32_t i = 0; i < BEFORE; i++)
        *to++ = first[i];
    for (uint32_t l = 0; l < shape->convolutions; l++) {
        const hpx_convolution *c = &shape->convolution[l];
        const uint32_t numbers[OF_CONVOLUTION] = {c->filters, c->kernel, c->stride, c->top,    c->left,
                                                  c->bottom,  c->right,  c->pool,   c->average};
        for (uint32_t i = 0; i < OF_CONVOLUTION; i++)
            *to++ = numbers[i];
    }
    for (uint32_t l = 0; l <= shape->dense.layers; l++)
        *to++ = shape->dense.sizes[l];
    out->version = HPX_CHECKPOINT_NETWORK;
    out->count = (uint32_t)(to - out->numbers);
    out->parameters = hpx_cnn_parameters(shape);
}

static uint32_t choose(void *network, const hpx_options *options, const hpx_split *data, uint32_t batch)
{
    (void)data, (void)batch;
    hpx_cnn *cnn = network;
    cnn->activation = options->activation;
    cnn->dropout = (float)options->dropout;
    return EVALUATED;
}

static size_t attach(void *network, float *parameters, float *block, uint32_t batch, uint32_t evaluated)
{
    hpx_cnn *cnn = network;
    cnn->parameters = parameters;
    return hpx_cnn_attach(cnn, block, batch, evaluated);
}

static void init(void *network, hpx_init kind, uint32_t seed)
{
    hpx_cnn_init(network, kind, seed);
}

static void load(void *network, bool train, const uint8_t *samples, const uint32_t *order, size_t rows,
                 size_t more)
{
    (void)train;
    hpx_cnn_load(network, samples, order, rows, more);
}

static hpx_tally evaluate(void *network, const uint8_t *labels, size_t rows)
{
    return hpx_cnn_evaluate(network, labels, rows);
}

static hpx_tally gradient(void *network, const uint8_t *labels, size_t rows, hpx_mlp_draw draw,
                          hpx_gradient_fn *take, void *context)
{
    return hpx_cnn_gradient(network, labels, rows, draw, take, context);
}

const hpx_model hpx_model_cnn = {
    .settings = hpx_cnn_settings,
    .setting_count = HPX_CNN_SETTINGS,
    .bytes = sizeof(hpx_cnn),
    .shape = set_shape,
    .describe = describe,
    .choose = choose,
    .attach = attach,
    .init = init,
    .load = load,
    .evaluate = evaluate,
    .gradient = gradient,
};
