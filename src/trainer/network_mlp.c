/* The multilayer perceptron of a checkpoint, as it is evaluated in training. */
#include "networks.h"

#include "base/memory.h"
#include "nn/matrix.h"
#include "nn/mlp.h"
#include "nn/mlp_options.h"
#include "nn/softmax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS  128 /* at once */
#define PANEL 64  /* outputs: src/nn/checkpoint.c */

struct network {
    hpx_mlp mlp;
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
    const hpx_batches none = {0, false}, dense = {ROWS, false};
    hpx_options options;
    hpx_status status = hpx_options_read(&options, hpx_mlp_settings, HPX_MLP_SETTINGS, manifest, error);
    if (status)
        return status;
    hpx_blas_single_thread();
    struct network *network = hpx_alloc(sizeof *network);
    hpx_mlp *mlp = &network->mlp;
    *mlp = (hpx_mlp){.activation = options.activation};
    hpx_mlp_options_shape(&mlp->shape, manifest, samples->features, samples->classes);
    status = hpx_network_hold(&network->memory, checkpoint, hpx_mlp_attach(mlp, NULL, none, dense), error);
    if (status) {
        free(network);
        return status;
    }
    hpx_mlp_attach(mlp, network->memory.work, none, dense);
    mlp->parameters = network->memory.parameters;
    *state = network;
    return HPX_OK;
}

/* A layer's weights, behind which its biases are. */
static const float *layer_of(const hpx_mlp *mlp, size_t layer)
{
    const uint32_t *sizes = mlp->shape.sizes;
    const float *weights = mlp->parameters;
    for (size_t l = 0; l < layer; l++)
        weights += ((size_t)sizes[l] + 1) * sizes[l + 1];
    return weights;
}

static const float *biases_of(const hpx_mlp *mlp, size_t layer)
{
    return layer_of(mlp, layer) + (size_t)mlp->shape.sizes[layer] * mlp->shape.sizes[layer + 1];
}

/* An evaluation leaves the logits without the last biases; which labels it is told is the same. */
static void answer(void *state, float *logits, float *probabilities, const uint8_t *images, size_t count)
{
    static const uint8_t labels[ROWS];
    hpx_mlp *mlp = &((struct network *)state)->mlp;
    const uint32_t last = mlp->shape.layers - 1;
    const size_t features = mlp->shape.sizes[0], classes = mlp->shape.sizes[last + 1];
    const float *biases = biases_of(mlp, last);
    for (size_t first = 0, rows; first < count; first += rows) {
        rows = count - first < ROWS ? count - first : ROWS;
        hpx_mlp_load(mlp, false, images + first * features, NULL, rows, 0);
        hpx_mlp_evaluate(mlp, labels, rows);
        const float *sums = mlp->outputs[last];
        hpx_softmax_forward(probabilities + first * classes, sums, biases, labels, rows, classes);
        for (size_t i = 0; i < rows * classes; i++)
            logits[first * classes + i] = sums[i] + biases[i % classes];
    }
}

/* Layer after layer: weights, biases. An activation is between two layers, without weights. */
static bool tensor(hpx_tensor *out, const void *state, size_t index)
{
    const hpx_mlp_shape *shape = &((const struct network *)state)->mlp.shape;
    const size_t layer = index / 2;
    const bool is_bias = index % 2;
    if (layer >= shape->layers)
        return false;
    *out =
        (hpx_tensor){.dimensions = is_bias ? 1 : 2, .sizes = {shape->sizes[layer + 1], shape->sizes[layer]}};
    snprintf(out->name, sizeof out->name, "%zu.%s", 2 * layer, is_bias ? "bias" : "weight");
    return true;
}

/* Outputs x inputs, row by row, of the first layer's weights, which lie by panels. */
static void read_first(float *out, const hpx_mlp *mlp)
{
    const size_t in = mlp->shape.sizes[0], width = mlp->shape.sizes[1];
    for (size_t j = 0; j < width; j++) {
        const size_t first = j / PANEL * PANEL, columns = width - first < PANEL ? width - first : PANEL;
        for (size_t i = 0; i < in; i++)
            out[j * in + i] = mlp->parameters[first * in + i * columns + j - first];
    }
}

static void read_tensor(float *out, const void *state, size_t index)
{
    const hpx_mlp *mlp = &((const struct network *)state)->mlp;
    const size_t layer = index / 2, in = mlp->shape.sizes[layer], width = mlp->shape.sizes[layer + 1];
    if (index % 2)
        memcpy(out, biases_of(mlp, layer), width * sizeof(float));
    else if (layer == 0)
        read_first(out, mlp);
    else
        memcpy(out, layer_of(mlp, layer), in * width * sizeof(float));
}

_Static_assert(HPX_MLP_LAYERS_MAX + 1 <= HPX_NETWORK_LAYERS_MAX, "room for its layers and the inputs");

static size_t layers(hpx_network_layer *out, const hpx_fields *manifest, const hpx_sample_shape *samples)
{
    hpx_options ignored;
    hpx_mlp_shape shape;
    hpx_error none;
    if (hpx_options_read(&ignored, hpx_mlp_settings, HPX_MLP_SETTINGS, manifest, &none))
        return 0;
    hpx_mlp_options_shape(&shape, manifest, samples->features, samples->classes);
    for (uint32_t l = 0; l <= shape.layers; l++)
        out[l] = (hpx_network_layer){shape.sizes[l], 1, 1,
                                     l ? ((uint64_t)shape.sizes[l - 1] + 1) * shape.sizes[l] : 0};
    return shape.layers + 1;
}

const hpx_network_kind hpx_network_mlp = {
    .model = "mlp",
    .scaling = "pixel / 255",
    .open = open_network,
    .close = close_network,
    .answer = answer,
    .tensor = tensor,
    .read = read_tensor,
    .layers = layers,
};
