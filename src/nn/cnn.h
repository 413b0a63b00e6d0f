/* A convolutional network: convolutions, each with a bias, an activation and pooling, then the layers of a
 * perceptron on what the last of them gives; softmax and cross-entropy at the end. Dropout is on what pooling
 * gives and on every hidden dense layer. Computes in memory it is given and allocates nothing. Convolutions
 * are numbered from 0, and the dense layers behind them on from there. */
#ifndef HPX_CNN_H
#define HPX_CNN_H

#include "nn/mlp.h"

#define HPX_CNN_CONVOLUTIONS_MAX HPX_SETTING_LIST_MAX
#define HPX_CNN_KERNEL_MAX       11

/* Images that a layer takes or gives: as PyTorch flattens them, channel by channel, row by row. */
typedef struct hpx_images_size {
    uint32_t height, width, channels;
} hpx_images_size;

/* All of it follows from the settings and the data set (cnn_options.h), and is checked there: every size is at
 * least 1, and every image of a convolution or a pooling has room for one window. */
typedef struct hpx_convolution {
    hpx_images_size in;
    uint32_t filters, kernel, stride;
    uint32_t top, left, bottom, right; /* rows and columns of zeros around the input, each below `kernel` */
    hpx_images_size sums;              /* what the convolution gives: (in + padding - kernel) / stride + 1 */
    uint32_t pool;                     /* window and step; 1: none. Rows and columns left over are dropped */
    bool average;                      /* else the largest, whose first has the gradient */
    hpx_images_size out;
} hpx_convolution;

typedef struct hpx_cnn_shape {
    uint32_t convolutions; /* 1 .. HPX_CNN_CONVOLUTIONS_MAX, or 0: a perceptron */
    hpx_convolution convolution[HPX_CNN_CONVOLUTIONS_MAX];
    hpx_mlp_shape dense; /* its inputs are all values that the last convolution gives */
} hpx_cnn_shape;

/* Floats of all weights and biases; multiplications per sample of a forward pass, those with padding counted,
 * of all layers or of one. */
uint64_t hpx_cnn_parameters(const hpx_cnn_shape *shape);
uint64_t hpx_cnn_multiplications(const hpx_cnn_shape *shape);
uint64_t hpx_cnn_layer_multiplications(const hpx_cnn_shape *shape, uint32_t layer);

/* A network and its memory. The caller sets the first four members and attaches a workspace. */
typedef struct hpx_cnn {
    hpx_cnn_shape shape;
    hpx_activation activation;
    float dropout;     /* fraction of activations dropped in training, [0, 1) */
    float *parameters; /* layer by layer, as a checkpoint has them: hpx_cnn_read_weights knows their order */
    struct hpx_cnn_work *work; /* cnn.c's own, in the workspace */
} hpx_cnn;

/* Lays out the workspace for batches of up to `train` rows to train by (hpx_cnn_gradient; 0: none) and of up to
 * `evaluate` rows to evaluate, and returns its size in floats. With `block` NULL it only counts; else `block` is
 * that large, aligned to 64 bytes. */
size_t hpx_cnn_attach(hpx_cnn *cnn, float *block, size_t train, size_t evaluate);

/* Makes a batch the network's inputs, 255 as 1: the samples that `order` lists, or the first ones if it is NULL.
 * A sample is height x width x channels bytes, the channel last, as IDX files have them; without convolutions
 * they are the inputs as they lie. So many `more` follow there; the first of them are fetched into the cache. */
void hpx_cnn_load(hpx_cnn *cnn, const uint8_t *samples, const uint32_t *order, size_t rows, size_t more);

/* Draws all weights as hpx_mlp_init does: fan-in is kernel^2 x channels, fan-out kernel^2 x filters. Weight i of
 * layer l is number i of that layer's draws, in PyTorch's order (filter, channel, row, column; output, input).
 * Biases become 0. */
void hpx_cnn_init(hpx_cnn *cnn, hpx_init init, uint32_t seed);

/* As hpx_mlp_evaluate and hpx_mlp_gradient. */
hpx_tally hpx_cnn_evaluate(hpx_cnn *cnn, const uint8_t *labels, size_t rows);
hpx_tally hpx_cnn_gradient(hpx_cnn *cnn, const uint8_t *labels, size_t rows, hpx_mlp_draw draw,
                           hpx_gradient_fn *take, void *context);

/* The logits of the last evaluation, rows x classes, biases added. */
const float *hpx_cnn_logits(const hpx_cnn *cnn);

/* A layer's weights in PyTorch's order and its biases, out of `parameters`, or into it. */
void hpx_cnn_read_weights(float *weights, float *biases, const hpx_cnn_shape *shape, const float *parameters,
                          uint32_t layer);
void hpx_cnn_write_weights(float *parameters, const hpx_cnn_shape *shape, uint32_t layer,
                           const float *weights, const float *biases);

#endif
