/* One convolutional layer: its sums, their activation and pooling, and the way back.
 *
 * A *block* is 16 samples. Its images lie in memory as *vectors*, each the values of all 16 at one pixel of one
 * channel, with columns of zeros beside the rows of a channel (hpx_planes). So every loop works on
 * whole vectors, whatever the kernel, the stride or the number of filters is, and no part of an image is copied for a
 * product. Weights are in PyTorch's order but where they are packed. Nothing is allocated. */
#ifndef HPX_NN_CONVOLUTION_H
#define HPX_NN_CONVOLUTION_H

#include "nn/cnn.h"

#define HPX_BLOCK 16

/* How the images of a block lie. All is counted in vectors. */
typedef struct hpx_planes {
    size_t left;       /* columns of zeros before a row */
    size_t row, plane; /* from a row to the next, from a channel to the next */
    size_t size;       /* of all channels */
} hpx_planes;

/* What the way back needs of a block's way forward, beside the images; an array is NULL where it is not needed. */
typedef struct hpx_kept {
    uint16_t *passes;   /* for each sum a bit of each sample: whether its derivative is not zero */
    float *derivatives; /* of the activation */
} hpx_kept;

typedef struct hpx_convolution_layer {
    hpx_convolution shape;
    hpx_activation activation;
    bool first;             /* nobody wants the derivatives by its inputs */
    uint32_t height, width; /* of the sums, without those that pooling drops */
    uint32_t chunk;         /* rows of windows whose derivatives are made, and used, at once */
    hpx_planes in, out;
    hpx_planes deltas; /* derivatives by the sums; of the first layer only some rows of a few filters */
    size_t passes, derivatives; /* sums that these are kept of, for one block; 0: none are */
    size_t sums, products;      /* vectors of memory to work in, which layers may share */
    float *weights;             /* as the loops take them, and so many */
    float *transposed;          /* likewise for the way back; NULL where there is none, and of the first */
    float *delta;               /* laid out as `deltas`, its columns of zeros set */
    float *sum, *derivative, *product; /* memory to work in: `sums` vectors, as many, and `products` */
} hpx_convolution_layer;

/* Sets all members but the pointers; `next` is NULL behind the last layer. */
void hpx_convolution_plan(hpx_convolution_layer *out, const hpx_convolution *shape,
                          const hpx_convolution *next, hpx_activation activation, bool first);

/* Packs weights for the calls below. */
void hpx_convolution_pack(const hpx_convolution_layer *layer, const float *weights);

/* Of a block, from `in` to `out`, whose columns of zeros are not written. `kept` NULL: no way back follows. */
void hpx_convolution_forward(const hpx_convolution_layer *layer, const float *biases, const float *in,
                             float *out, const hpx_kept *kept);

/* Adds a block's gradient, weights and then biases, to `gradient`. `deltas` are the loss's derivatives by `out`,
 * without columns of zeros; they become those by `in`, likewise, unless the layer is the first. */
void hpx_convolution_backward(const hpx_convolution_layer *layer, float *gradient, float *deltas,
                              const float *in, const hpx_kept *kept);

#endif
