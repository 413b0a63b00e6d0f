/* The convolutional network of a checkpoint, as it is evaluated in training. */
#include "networks.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/buffer.h"
#include "nn/cnn.h"
#include "nn/cnn_options.h"
#include "nn/matrix.h"
#include "nn/softmax.h"

#include <stdlib.h>
#include <string.h>

#define ROWS 128 /* at once */

struct network {
    hpx_cnn cnn;
    hpx_network_memory memory;
};

static void close_network(void *state)
{
    struct network *network = state;
    hpx_network_release(&network->memory);
    free(network);
}

static hpx_status open_network(void **state, const hpx_fields *manifest, const hpx_sample_shape *samples,
                               const hpx_blob *checkpoint, hpx_error *error)
{
    hpx_options options;
    hpx_cnn_shape shape;
    hpx_status status = hpx_options_read(&options, hpx_cnn_settings, HPX_CNN_SETTINGS, manifest, error);
    if (!status)
        status = hpx_cnn_options_shape(&shape, manifest, samples, error);
    if (status)
        return status;
    hpx_blas_single_thread();
    struct network *network = hpx_alloc(sizeof *network);
    hpx_cnn *cnn = &network->cnn;
    *cnn = (hpx_cnn){.shape = shape, .activation = options.activation};
    status = hpx_network_hold(&network->memory, checkpoint, hpx_cnn_attach(cnn, NULL, 0, ROWS), error);
    if (status) {
        free(network);
        return status;
    }
    hpx_cnn_attach(cnn, network->memory.work, 0, ROWS);
    cnn->parameters = network->memory.parameters;
    *state = network;
    return HPX_OK;
}

static const hpx_cnn_shape *shape_of(const void *state)
{
    return &((const struct network *)state)->cnn.shape;
}

/* Which labels an evaluation is told is the same. */
static void answer(void *state, float *logits, float *probabilities, const uint8_t *images, size_t count)
{
    static const uint8_t labels[ROWS];
    static const float no_biases[256]; /* a class is a byte */
    hpx_cnn *cnn = &((struct network *)state)->cnn;
    const hpx_images_size *in = &cnn->shape.convolution[0].in;
    const hpx_mlp_shape *dense = &cnn->shape.dense;
    const size_t features = cnn->shape.convolutions ? (size_t)in->height * in->width * in->channels
                                                    : dense->sizes[0],
                 classes = dense->sizes[dense->layers];
    for (size_t first = 0, rows; first < count; first += rows) {
        rows = count - first < ROWS ? count - first : ROWS;
        hpx_cnn_load(cnn, images + first * features, NULL, rows, 0);
        hpx_cnn_evaluate(cnn, labels, rows);
        memcpy(logits + first * classes, hpx_cnn_logits(cnn), rows * classes * sizeof *logits);
        hpx_softmax_forward(probabilities + first * classes, logits + first * classes, no_biases, labels,
                            rows, classes);
    }
}

/* --- tensors ------------------------------------------------------------------------------------------------- */

static uint32_t layer_count(const hpx_cnn_shape *shape)
{
    return shape->convolutions + shape->dense.layers;
}

/* Filters x channels x kernel x kernel, or outputs x inputs. */
static hpx_tensor weights_of(const hpx_cnn_shape *shape, size_t layer)
{
    if (layer < shape->convolutions) {
        const hpx_convolution *c = &shape->convolution[layer];
        return (hpx_tensor){.dimensions = 4, .sizes = {c->filters, c->in.channels, c->kernel, c->kernel}};
    }
    const uint32_t *sizes = shape->dense.sizes + (layer - shape->convolutions);
    return (hpx_tensor){.dimensions = 2, .sizes = {sizes[1], sizes[0]}};
}

/* Of nn.Sequential: an activation behind each layer, pooling where there is some, and nn.Flatten behind the last of the
 * convolutions are modules of their own. */
static size_t module_of(const hpx_cnn_shape *shape, size_t layer)
{
    size_t module = 0;
    for (size_t l = 0; l < layer; l++)
        module += l < shape->convolutions && shape->convolution[l].pool > 1 ? 3 : 2;
    return module + (shape->convolutions > 0 && layer >= shape->convolutions);
}

/* Layer after layer: weights, biases. */
static bool tensor(hpx_tensor *out, const void *state, size_t index)
{
    const hpx_cnn_shape *shape = shape_of(state);
    const size_t layer = index / 2;
    const bool is_bias = index % 2;
    if (layer >= layer_count(shape))
        return false;
    *out = weights_of(shape, layer);
    if (is_bias)
        *out = (hpx_tensor){.dimensions = 1, .sizes = {out->sizes[0]}};
    hpx_print(out->name, sizeof out->name, "%zu.%s", module_of(shape, layer), is_bias ? "bias" : "weight");
    return true;
}

static void read_tensor(float *out, const void *state, size_t index)
{
    const struct network *network = state;
    const hpx_cnn_shape *shape = &network->cnn.shape;
    const uint32_t layer = (uint32_t)(index / 2);
    const hpx_tensor weights = weights_of(shape, layer);
    float *other = hpx_alloc((index % 2 ? hpx_tensor_count(&weights) : weights.sizes[0]) * sizeof *other);
    hpx_cnn_read_weights(index % 2 ? other : out, index % 2 ? out : other, shape, network->cnn.parameters,
                         layer);
    free(other);
}

/* --- what it is ---------------------------------------------------------------------------------------------- */

static void add_note(hpx_fields *out, const char *name, hpx_buffer *text)
{
    hpx_fields_set_text(out, name, hpx_buffer_text(text));
    hpx_buffer_free(text);
}

/* Of each convolution. Padding as torch.nn.functional.pad takes it: left, right, top, bottom. */
static void describe(hpx_fields *out, const void *state)
{
    const hpx_cnn_shape *shape = shape_of(state);
    hpx_buffer stride = {0}, padding = {0}, pool = {0};
    for (uint32_t l = 0; l < shape->convolutions; l++) {
        const hpx_convolution *c = &shape->convolution[l];
        hpx_buffer_printf(&stride, "%s%u", l ? " " : "", c->stride);
        hpx_buffer_printf(&padding, "%s%u %u %u %u", l ? ", " : "", c->left, c->right, c->top, c->bottom);
        hpx_buffer_printf(&pool, "%s%u", l ? " " : "", c->pool);
    }
    add_note(out, "stride", &stride);
    add_note(out, "padding", &padding);
    add_note(out, "pool", &pool);
    hpx_fields_set_text(out, "pooling",
                        shape->convolutions && shape->convolution[0].average ? "average" : "max");
}

_Static_assert(HPX_CNN_CONVOLUTIONS_MAX + HPX_MLP_LAYERS_MAX + 1 <= HPX_NETWORK_LAYERS_MAX,
               "room for its layers and the inputs");

static size_t layers(hpx_network_layer *out, const hpx_fields *manifest, const hpx_sample_shape *samples)
{
    hpx_options ignored;
    hpx_cnn_shape shape;
    hpx_error none;
    if (hpx_options_read(&ignored, hpx_cnn_settings, HPX_CNN_SETTINGS, manifest, &none) ||
        hpx_cnn_options_shape(&shape, manifest, samples, &none))
        return 0;
    out[0] = shape.convolutions ? (hpx_network_layer){samples->channels, samples->height, samples->width}
                                : (hpx_network_layer){samples->features, 1, 1};
    for (uint32_t l = 0; l < layer_count(&shape); l++) {
        const hpx_tensor weights = weights_of(&shape, l);
        const hpx_images_size gives =
            l < shape.convolutions ? shape.convolution[l].out : (hpx_images_size){1, 1, weights.sizes[0]};
        out[l + 1] = (hpx_network_layer){gives.channels, gives.height, gives.width,
                                         hpx_tensor_count(&weights) + weights.sizes[0]};
    }
    return layer_count(&shape) + 1;
}

const hpx_network_kind hpx_network_cnn = {
    .model = "cnn",
    .scaling = "pixel / 255",
    .open = open_network,
    .close = close_network,
    .answer = answer,
    .tensor = tensor,
    .read = read_tensor,
    .describe = describe,
    .layers = layers,
};
