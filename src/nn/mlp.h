/* A multilayer perceptron: dense layers with biases, one activation and dropout on every hidden layer,
 * softmax and cross-entropy on the last. Computes in memory it is given and allocates nothing. Layers are
 * numbered from 0; layer l turns sizes[l] values into sizes[l + 1]. */
#ifndef HPX_MLP_H
#define HPX_MLP_H

#include "hpx/setting.h"
#include "nn/optimizer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_MLP_LAYERS_MAX (HPX_SETTING_LIST_MAX + 1)

typedef struct hpx_mlp_shape {
    uint32_t layers;                        /* 1 .. HPX_MLP_LAYERS_MAX: hidden layers + 1 */
    uint32_t sizes[HPX_MLP_LAYERS_MAX + 2]; /* inputs, hidden layers, classes; none 0. One more: hpx_front */
} hpx_mlp_shape;

/* Floats of all weights and biases. Cannot overflow while hidden layers are below 2^32. */
uint64_t hpx_mlp_parameters(const hpx_mlp_shape *shape);

/* Multiplications per sample of a forward pass. */
uint64_t hpx_mlp_multiplications(const hpx_mlp_shape *shape);

typedef enum hpx_activation { HPX_RELU, HPX_TANH, HPX_SIGMOID, HPX_GELU } hpx_activation;
typedef enum hpx_init { HPX_INIT_HE, HPX_INIT_GLOROT } hpx_init;

/* Batches of up to so many rows, of whose inputs only those that are not zero are kept, if `sparse`. */
typedef struct hpx_batches {
    size_t rows;
    bool sparse;
} hpx_batches;

/* Layers of another kind that stand in place of the first one, which is one more than HPX_MLP_LAYERS_MAX, and whose
 * sizes[0] means nothing. Their owner runs them: it writes outputs[0] before a pass, and finds the loss's
 * derivatives by that in deltas[0] after a backward one. */
typedef struct hpx_front {
    bool there;
    uint32_t
        layers; /* which come first in the numbers of random draws; 0: these are inputs, deltas[0] unset */
    size_t parameters; /* of these layers, before all others */
} hpx_front;

/* A network and its memory. The caller sets the first five members and attaches a workspace. */
typedef struct hpx_mlp {
    hpx_mlp_shape shape;
    hpx_front front;
    hpx_activation activation;
    float dropout;     /* fraction of hidden activations dropped in training, [0, 1) */
    float *parameters; /* per layer: weights, and biases (sizes[l + 1]), as a checkpoint has them */

    bool sparse;   /* the inputs last loaded */
    float *inputs; /* rows x sizes[0], or NULL if all batches are sparse, or behind others */
    struct hpx_sparse *sparse_inputs; /* NULL if none are */
    /* Per layer: what it gives to the next (hidden: after activation and dropout; last: logits), the
     * derivative of that by the sum before the activation, and the loss's derivative by that sum. A batch's
     * rows x sizes[l + 1]; of layers between the first and the last part by part, and of the last hidden one
     * but one part of the deltas. */
    float *outputs[HPX_MLP_LAYERS_MAX + 1], *derivatives[HPX_MLP_LAYERS_MAX + 1],
        *deltas[HPX_MLP_LAYERS_MAX + 1];
    float *gradient; /* a part of one layer's */
} hpx_mlp;

/* The floats between the rows of outputs[0] and of deltas[0]. */
size_t hpx_mlp_front_stride(const hpx_mlp *mlp);

/* Lays out the workspace for batches to train by (hpx_mlp_gradient) and to evaluate (hpx_mlp_evaluate) and
 * returns its size in floats. With `block` NULL it only counts; else `block` is that large, best aligned to
 * 64 bytes. */
size_t hpx_mlp_attach(hpx_mlp *mlp, float *block, hpx_batches train, hpx_batches evaluate);

/* Makes a batch the network's inputs, 255 as 1: the samples (sizes[0] bytes each) that `order` lists, or the
 * first ones if it is NULL. So many `more` follow there; the first of them are fetched into the cache. Each
 * of the calls below works on the inputs last loaded (or, where no batch is sparse, written). */
void hpx_mlp_load(hpx_mlp *mlp, bool sparse, const uint8_t *samples, const uint32_t *order, size_t rows,
                  size_t more);

/* Draws all weights, uniform in [-limit, limit): He et al. 2015 (limit sqrt(6 / fan-in)) or Glorot and Bengio
 * 2010 (limit sqrt(6 / (fan-in + fan-out))). Biases become 0. */
void hpx_mlp_init(hpx_mlp *mlp, hpx_init init, uint32_t seed);

/* Sums over a batch: cross-entropy in nats, and samples whose largest logit (the first of equals) is their
 * label's. */
typedef struct hpx_tally {
    double loss;
    uint64_t correct;
} hpx_tally;

/* A forward pass over `rows` inputs, without dropout. */
hpx_tally hpx_mlp_evaluate(hpx_mlp *mlp, const uint8_t *labels, size_t rows);

/* Names the dropout masks of a batch: the run's seed, the epoch, and the place in the epoch of the batch's
 * first sample. */
typedef struct hpx_mlp_draw {
    uint32_t seed, epoch, first;
} hpx_mlp_draw;

/* Takes a part of the gradient, which is gone after the call. It may change the parameters that the part is
 * of: nothing reads their old values any more. */
typedef void hpx_gradient_fn(void *context, const hpx_gradient *part);

/* A forward pass with dropout and a backward pass: gives the gradient of the batch's mean loss to `take`,
 * part by part, every parameter once. So the parts are used while they are in cache, and the whole is never
 * in memory. */
hpx_tally hpx_mlp_gradient(hpx_mlp *mlp, const uint8_t *labels, size_t rows, hpx_mlp_draw draw,
                           hpx_gradient_fn *take, void *context);

#endif
